/* genes_names.c -- what a study's genes are called: by a column, without versions, each name once. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "data/dataset_impl.h"
#include "data/genes.h"
#include "ledger/ledger.h"

#define SHOWN 8 /* names in a message */

typedef enum { SUFFIX, SUM, FIRST, ERROR, KEEP } policy;

static clab_status read_policy(clab_ctx *cx, const char *word, policy *p)
{
    static const char *const words[] = {"suffix", "sum", "first", "error", "keep"};

    *p = SUFFIX;
    for (int i = 0; word && i < 5; i++)
        if (strcmp(word, words[i]) == 0)
            return *p = (policy)i, CLAB_OK;
    return word ? clab_fail(cx, CLAB_EARG, "duplicates is suffix, sum, first, error or keep, not %s", clab_show(word))
                : CLAB_OK;
}

/* ---- names ----------------------------------------------------------------------------------------*/

void clab__strip_versions(clab_value *strings)
{
    for (int64_t g = 0; g < strings->dims[0]; g++) {
        char *text = ((char **)strings->data)[g], *dot = strchr(text, '.');
        if (dot && clab__is_ensembl(text))
            *dot = '\0';
    }
}

/* A name for every gene, from the column or the index: *names is the caller's own. */
static clab_status wanted_names(clab_ctx *cx, const clab_dataset *d, const clab_gene_names_opts *o, clab_value **names)
{
    const clab_value *column = d->var->index;
    int64_t n = clab_dataset_n_vars(d), without = 0;
    const char **text = NULL;
    clab_status s = o->key ? clab_dataset_var_get(cx, d, o->key, &column) : CLAB_OK;

    if (s != CLAB_OK)
        return s;
    if (clab_value_is_numeric(column))
        return clab_fail(cx, CLAB_EARG, "var column %s of %s holds numbers, not gene names", clab_show(o->key),
                         clab_show(d->name));
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * (int64_t)sizeof *text + 8, "gene names", (void **)&text);
    for (int64_t g = 0; s == CLAB_OK && g < n; g++) {
        text[g] = clab_value_at_str(column, g, NULL, 0);
        if (text[g] && text[g][0])
            continue;
        text[g] = clab_dataset_var_name(d, g);
        without++;
    }
    if (s == CLAB_OK)
        s = clab_value_strings(cx, 1, &n, text, names);
    clab_mem_free(cx, text);
    if (s == CLAB_OK && without > 0 && o->key)
        clab_warn(cx, "%s: %s genes have no %s and keep their names", clab_show(d->name), clab_text_count(without),
                  clab_show(o->key));
    if (s == CLAB_OK && o->strip_version)
        clab__strip_versions(*names);
    return s;
}

/* ---- names that occur again -----------------------------------------------------------------------*/

typedef struct {
    int64_t n, n_distinct, n_again;
    int32_t *place;  /* n: which distinct name */
    int64_t *first;  /* n_distinct: the gene that has it first */
    clab_str shown;  /* the first few that occur again */
} repeats;

static void repeats_free(clab_ctx *cx, repeats *r)
{
    clab_mem_free(cx, r->place);
    clab_mem_free(cx, r->first);
    clab_str_free(&r->shown);
}

static clab_status find_repeats(clab_ctx *cx, const clab_value *names, repeats *r)
{
    const char *const *text = (const char *const *)names->data;
    clab_names *seen = NULL, *told = NULL;
    clab_status s;

    r->n = names->dims[0];
    if ((s = clab_mem_alloc(cx, CLAB_MEM_WORK, r->n * 4 + 4, "gene names", (void **)&r->place)) != CLAB_OK ||
        (s = clab_mem_alloc(cx, CLAB_MEM_WORK, r->n * 8 + 8, "gene names", (void **)&r->first)) != CLAB_OK ||
        (s = clab_names_new(cx, NULL, 0, NULL, &seen)) != CLAB_OK ||
        (s = clab_names_new(cx, NULL, 0, NULL, &told)) != CLAB_OK)
        goto done;
    for (int64_t g = 0; g < r->n; g++) {
        int64_t at = clab_names_add(seen, text[g]);
        if (at < 0) {
            s = clab_fail(cx, CLAB_ENOMEM, "no memory for gene names");
            goto done;
        }
        r->place[g] = (int32_t)at;
        if (at == r->n_distinct) {
            r->first[r->n_distinct++] = g;
            continue;
        }
        r->n_again++;
        if (clab_names_get(told, text[g]) < 0 && clab_names_count(told) < SHOWN) {
            clab_str_addf(&r->shown, "%s%s", r->shown.len ? ", " : "", clab_show(text[g]));
            (void)!clab_names_add(told, text[g]);
        }
    }
    if (r->n_again > clab_names_count(told))
        clab_str_add(&r->shown, ", ...");
done:
    clab_names_free(seen);
    clab_names_free(told);
    return s;
}

/* NAME-1, NAME-2, ... as anndata.utils.make_index_unique: numbers that are taken already are skipped. */
static clab_status add_suffixes(clab_ctx *cx, const repeats *r, clab_value **names)
{
    const char *const *text = (const char *const *)(*names)->data;
    int64_t *count = NULL, n_made = 0;
    const char **out = NULL;
    char **made = calloc((size_t)r->n_again + 1, sizeof *made);
    clab_names *all = NULL;
    clab_value *v = NULL;
    clab_status s = made ? CLAB_OK : clab_fail(cx, CLAB_ENOMEM, "no memory for gene names");

    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, r->n_distinct * 8 + 8, "gene names", (void **)&count);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, r->n * (int64_t)sizeof *out + 8, "gene names", (void **)&out);
    if (s == CLAB_OK)
        s = clab_names_new(cx, text, r->n, NULL, &all);
    for (int64_t g = 0; s == CLAB_OK && g < r->n; g++) {
        out[g] = text[g];
        if (r->first[r->place[g]] == g)
            continue;
        do {
            free(made[n_made]);
            if (asprintf(&made[n_made], "%s-%" PRId64, text[g], ++count[r->place[g]]) < 0)
                made[n_made] = NULL;
        } while (made[n_made] && clab_names_get(all, made[n_made]) >= 0);
        if (!made[n_made] || clab_names_add(all, made[n_made]) < 0)
            s = clab_fail(cx, CLAB_ENOMEM, "no memory for gene names");
        out[g] = made[n_made++];
    }
    if (s == CLAB_OK)
        s = clab_value_strings(cx, 1, &r->n, out, &v);
    if (s == CLAB_OK)
        clab__part_set(names, v);
    clab_names_free(all);
    clab_mem_free(cx, out);
    clab_mem_free(cx, count);
    for (int64_t i = 0; made && i <= r->n_again; i++)
        free(made[i]);
    free(made);
    return s;
}

/* ---- sums -----------------------------------------------------------------------------------------*/

static bool is_counts(const clab_matrix *m)
{
    bool whole = clab_matrix_is_raw(m);

    for (int b = 0; whole && b < clab_matrix_n_blocks(m); b++)
        whole = clab_store_get_info(clab_matrix_store(m, b))->whole;
    return whole;
}

static clab_status sum_one(clab_ctx *cx, const clab_dataset *d, const char *what, const clab_matrix *m,
                           const repeats *r, clab_matrix **slot)
{
    clab_matrix *sum = NULL;
    clab_status s;

    if (!m)
        return CLAB_OK;
    if (!is_counts(m)) {
        clab_fail(cx, CLAB_ESTATE, "%s of %s holds no counts, and sums of other values mean nothing", clab_show(what),
                  clab_show(d->name));
        return clab_hint(cx, "use duplicates=\"first\" or \"suffix\"");
    }
    s = clab_matrix_sum_cols(cx, m, r->place, r->n_distinct, &sum);
    if (s == CLAB_OK) {
        clab_matrix_unref(*slot);
        *slot = sum;
    }
    return s;
}

/* c: d with the first gene of every name; its matrices become the sums over all. */
static clab_status sum_matrices(clab_ctx *cx, const clab_dataset *d, const repeats *r, clab_dataset *c)
{
    bool same = d->counts == d->x;
    clab_status s = sum_one(cx, d, "X", d->x, r, &c->x);

    for (int64_t i = 0; s == CLAB_OK && i < d->n_layers; i++)
        s = sum_one(cx, d, d->layer_names[i], d->layers[i], r, &c->layers[i]);
    if (s != CLAB_OK || !d->counts)
        return s;
    if (!same)
        return sum_one(cx, d, "counts", d->counts, r, &c->counts);
    clab_matrix_unref(c->counts);
    c->counts = clab_matrix_ref(c->x);
    return CLAB_OK;
}

/* ---- the view -------------------------------------------------------------------------------------*/

clab_status clab__var_rename(clab_ctx *cx, clab_dataset *d, const clab_value *index)
{
    clab_value *var = NULL;
    clab_status s;

    if (clab_value_equal(index, d->var->index))
        return CLAB_OK;
    s = clab_value_table(cx, index, NULL, &var);
    for (int64_t k = 0; s == CLAB_OK && k < d->var->n_items; k++)
        s = clab_value_set(cx, var, d->var->names[k], d->var->items[k]);
    if (s == CLAB_OK)
        s = clab_value_set(cx, var, "original_name", d->var->index);
    if (s == CLAB_OK)
        clab__part_set(&d->var, clab_value_ref(var));
    clab_value_unref(var);
    return s;
}

static clab_status take_first(clab_ctx *cx, const clab_dataset *d, const repeats *r, policy p, clab_value **names,
                              clab_dataset **out)
{
    clab_value *taken = NULL;
    clab_status s = clab_dataset_take_vars(cx, d, r->first, r->n_distinct, out);

    if (s == CLAB_OK && p == SUM)
        s = sum_matrices(cx, d, r, *out);
    if (s == CLAB_OK)
        s = clab_value_take(cx, *names, r->first, r->n_distinct, &taken);
    if (s == CLAB_OK)
        clab__part_set(names, taken);
    return s;
}

static void tell(clab_ctx *cx, const clab_dataset *d, const repeats *r, policy p)
{
    static const char *const done[] = {"they get numbers, NAME-1", "their counts are added up", "they are left out", "",
                                       "they stay as they are"};

    clab_warn(cx, "%s: %s genes have a name that another one has too (%s); %s (duplicates=)", clab_show(d->name),
              clab_text_count(r->n_again), r->shown.s ? r->shown.s : "", done[p]);
}

clab_status clab_gene_names(clab_ctx *cx, const clab_dataset *d, const clab_gene_names_opts *o, clab_dataset **out)
{
    clab_value *names = NULL;
    clab_dataset *c = NULL;
    repeats r = {0};
    policy p;
    clab_status s = read_policy(cx, o->duplicates, &p);

    *out = NULL;
    if (s != CLAB_OK || (s = wanted_names(cx, d, o, &names)) != CLAB_OK ||
        (s = find_repeats(cx, names, &r)) != CLAB_OK)
        goto done;
    if (r.n_again > 0 && p == ERROR) {
        clab_fail(cx, CLAB_ESHAPE, "%s: %s genes have a name that another one has too: %s", clab_show(d->name),
                  clab_text_count(r.n_again), r.shown.s ? r.shown.s : "");
        s = clab_hint(cx, "duplicates= is suffix, sum, first or keep");
        goto done;
    }
    if (r.n_again > 0)
        tell(cx, d, &r, p);
    if (r.n_again > 0 && p == SUFFIX)
        s = add_suffixes(cx, &r, &names);
    if (s == CLAB_OK)
        s = r.n_again > 0 && (p == SUM || p == FIRST) ? take_first(cx, d, &r, p, &names, &c)
                                                       : clab_dataset_copy(cx, d, &c);
    if (s == CLAB_OK)
        s = clab__var_rename(cx, c, names);
done:
    repeats_free(cx, &r);
    clab_value_unref(names);
    if (s != CLAB_OK) {
        clab_dataset_unref(c);
        c = NULL;
    }
    *out = c;
    return s;
}
