/* genes.c -- joins of gene names, and the genes that several Datasets have in common. */
#include "data/genes.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "data/dataset_impl.h"
#include "ledger/ledger.h"

/* ---- kinds of IDs -----------------------------------------------------------------------------------*/

/* ENSG00000141510, ENSMUSG00000059552.14: letters, then 11 digits, then perhaps a version. */
static bool is_ensembl(const char *name)
{
    size_t letters = 3, digits = 0;

    if (strncmp(name, "ENS", 3) != 0)
        return false;
    while (isupper((unsigned char)name[letters]))
        letters++;
    while (isdigit((unsigned char)name[letters + digits]))
        digits++;
    const char *rest = name + letters + digits;
    return letters >= 4 && digits == 11 && (*rest == '\0' || (*rest == '.' && isdigit((unsigned char)rest[1])));
}

const char *clab_gene_id_kind(const char *const *names, int64_t n)
{
    int64_t ensembl = 0;

    for (int64_t i = 0; i < n; i++)
        ensembl += is_ensembl(names[i]);
    if (n > 0 && ensembl >= n - n / 10)
        return "Ensembl gene IDs";
    return ensembl <= n / 10 ? "symbols" : "mixed";
}

/* ---- joins --------------------------------------------------------------------------------------------*/

typedef struct {
    clab_ctx *cx;
    const char *const *const *lists;
    const int64_t *len;
    const char *const *what;
    int n;
} input;

/* Names the first few that occur twice. */
static clab_status twice(const input *in, int i)
{
    clab_names *seen = NULL;
    clab_str names = {0};
    int64_t n = 0;
    clab_status s = clab_names_new(in->cx, NULL, 0, NULL, &seen);

    for (int64_t g = 0; s == CLAB_OK && g < in->len[i]; g++) {
        int64_t count = clab_names_count(seen);
        if (clab_names_add(seen, in->lists[i][g]) == count)
            continue;
        if (n++ < 8)
            clab_str_addf(&names, "%s%s", n > 1 ? ", " : "", clab_show(in->lists[i][g]));
    }
    clab_names_free(seen);
    if (s == CLAB_OK)
        s = clab_fail(in->cx, CLAB_ESHAPE, "%s has gene names that occur more than once (%s in all): %s%s",
                      clab_show(in->what[i]), clab_text_count(n), names.s ? names.s : "", n > 8 ? ", ..." : "");
    clab_str_free(&names);
    return clab_hint(in->cx, "make them unique first, or match by a var column of unique names");
}

static clab_status new_join(const input *in, int64_t capacity, clab_gene_join **out)
{
    clab_gene_join *j = calloc(1, sizeof *j);
    clab_status s;

    if (!j)
        return clab_fail(in->cx, CLAB_ENOMEM, "no memory for a join of genes");
    *out = j;
    j->n_lists = in->n;
    j->map = calloc((size_t)in->n, sizeof *j->map);
    if (!j->map)
        return clab_fail(in->cx, CLAB_ENOMEM, "no memory for a join of genes");
    s = clab_mem_alloc(in->cx, CLAB_MEM_WORK, capacity * (int64_t)sizeof *j->names + 8, "gene names", (void **)&j->names);
    for (int i = 0; s == CLAB_OK && i < in->n; i++)
        s = clab_mem_alloc(in->cx, CLAB_MEM_WORK, in->len[i] * (int64_t)sizeof **j->map + 8, "gene map", (void **)&j->map[i]);
    return s;
}

void clab_gene_join_free(clab_ctx *cx, clab_gene_join *j)
{
    if (!j)
        return;
    for (int i = 0; j->map && i < j->n_lists; i++)
        clab_mem_free(cx, j->map[i]);
    free(j->map);
    clab_mem_free(cx, j->names);
    free(j);
}

static bool lists_identical(const input *in)
{
    for (int i = 1; i < in->n; i++) {
        if (in->len[i] != in->len[0])
            return false;
        for (int64_t g = 0; g < in->len[0]; g++)
            if (strcmp(in->lists[i][g], in->lists[0][g]) != 0)
                return false;
    }
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* in_lists[k] = how many lists hold the k-th distinct name; names are unique within a list. */
static clab_status tally(const input *in, clab_names *all, int32_t *in_lists)
{
    for (int i = 0; i < in->n; i++)
        for (int64_t g = 0; g < in->len[i]; g++) {
            int64_t at = clab_names_add(all, in->lists[i][g]);
            if (at < 0)
                return clab_fail(in->cx, CLAB_ENOMEM, "no memory for a join of genes");
            in_lists[at]++;
        }
    return CLAB_OK;
}

static clab_status fill_join(const input *in, bool outer, clab_names *all, const int32_t *in_lists, clab_gene_join *j)
{
    clab_names *result = NULL;
    int64_t n_all = clab_names_count(all);
    clab_status s;

    j->identical = lists_identical(in);
    for (int64_t g = 0; g < in->len[0]; g++)
        j->shared += in_lists[clab_names_get(all, in->lists[0][g])] == in->n;
    j->same_set = j->shared == n_all;
    if (!outer || j->identical) {
        for (int64_t g = 0; g < in->len[0]; g++)
            if (in_lists[clab_names_get(all, in->lists[0][g])] == in->n)
                j->names[j->n++] = in->lists[0][g];
    } else {
        for (int i = 0; i < in->n; i++)
            for (int64_t g = 0; g < in->len[i]; g++)
                if (clab_names_get(all, in->lists[i][g]) == j->n) /* its first appearance */
                    j->names[j->n++] = in->lists[i][g];
        qsort(j->names, (size_t)j->n, sizeof *j->names, compare_names);
    }
    s = clab_names_new(in->cx, j->names, j->n, NULL, &result);
    for (int i = 0; s == CLAB_OK && i < in->n; i++)
        for (int64_t g = 0; g < in->len[i]; g++)
            j->map[i][g] = (int32_t)clab_names_get(result, in->lists[i][g]);
    clab_names_free(result);
    return s;
}

clab_status clab_gene_join_new(clab_ctx *cx, const char *const *const *lists, const int64_t *len,
                               const char *const *what, int n, bool outer, clab_gene_join **out)
{
    input in = {cx, lists, len, what, n};
    int64_t total = 0;
    int32_t *in_lists = NULL;
    clab_names *all = NULL;
    clab_gene_join *j = NULL;
    clab_status s = CLAB_OK;

    for (int i = 0; s == CLAB_OK && i < n; i++) {
        clab_names *one = NULL;
        int64_t n_twice = 0;
        total += len[i];
        s = clab_names_new(cx, lists[i], len[i], &n_twice, &one);
        clab_names_free(one);
        if (s == CLAB_OK && n_twice > 0)
            s = twice(&in, i);
    }
    if (s == CLAB_OK && total > INT32_MAX)
        s = clab_fail(cx, CLAB_ESHAPE, "too many genes to join: %s", clab_text_count(total));
    if (s == CLAB_OK)
        s = clab_names_new(cx, NULL, 0, NULL, &all);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, total * 4 + 4, "gene names", (void **)&in_lists);
    if (s == CLAB_OK)
        s = tally(&in, all, in_lists);
    if (s == CLAB_OK)
        s = new_join(&in, total, &j);
    if (s == CLAB_OK)
        s = fill_join(&in, outer, all, in_lists, j);
    clab_names_free(all);
    clab_mem_free(cx, in_lists);
    if (s != CLAB_OK) {
        clab_gene_join_free(cx, j);
        return s;
    }
    *out = j;
    return CLAB_OK;
}

/* ---- common genes -------------------------------------------------------------------------------------*/

/* The names that one Dataset's genes are matched by, as STRINGS. */
static clab_status match_names(clab_ctx *cx, const clab_dataset *d, const clab_genes_opts *o, clab_value **out)
{
    const clab_value *col = o->by ? clab_value_get(d->var, o->by) : d->var->index;
    int64_t n = clab_dataset_n_vars(d), missing = 0;
    const char **names = NULL;
    char *text = NULL, buf[40];
    clab_status s;

    if (!col) {
        clab_note(cx, "%s has no var column %s: its genes are matched by their index", clab_show(d->name), clab_show(o->by));
        col = d->var->index;
    }
    if (col->kind == CLAB_V_ARRAY || (clab_value_is_numeric(col)))
        return clab_fail(cx, CLAB_EARG, "var column %s of %s holds numbers, not gene names", clab_show(o->by), clab_show(d->name));
    s = clab_mem_zalloc(cx, CLAB_MEM_WORK, n * (int64_t)sizeof *names + 8, "gene names", (void **)&names);
    for (int64_t g = 0; s == CLAB_OK && g < n; g++) {
        names[g] = clab_value_at_str(col, g, buf, sizeof buf);
        missing += !names[g];
    }
    if (s == CLAB_OK && missing > 0)
        s = clab_fail(cx, CLAB_EARG, "var column %s of %s has no name for %s of %s genes", clab_show(o->by), clab_show(d->name),
                      clab_text_count(missing), clab_text_count(n));
    if (s == CLAB_OK)
        s = clab_value_strings(cx, 1, &n, names, out);
    if (s == CLAB_OK && o->strip_version)
        for (int64_t g = 0; g < n; g++) { /* the strings are still ours alone */
            text = ((char **)(*out)->data)[g];
            if (is_ensembl(text) && strchr(text, '.'))
                *strchr(text, '.') = '\0';
        }
    clab_mem_free(cx, names);
    return s;
}

static clab_status rename_genes(clab_ctx *cx, clab_dataset *d, const char *const *names)
{
    int64_t n = clab_dataset_n_vars(d);
    clab_value *index = NULL, *var = NULL;
    clab_status s = clab_value_strings(cx, 1, &n, names, &index);

    if (s == CLAB_OK && !clab_value_equal(index, d->var->index)) {
        s = clab_value_table(cx, index, NULL, &var);
        for (int64_t k = 0; s == CLAB_OK && k < d->var->n_items; k++)
            s = clab_value_set(cx, var, d->var->names[k], d->var->items[k]);
        if (s == CLAB_OK)
            s = clab_value_set(cx, var, "original_name", d->var->index);
        if (s == CLAB_OK)
            clab__part_set(&d->var, clab_value_ref(var));
    }
    clab_value_unref(var);
    clab_value_unref(index);
    return s;
}

/* The genes of list i that the join holds, in its order. */
static clab_status select_genes(clab_ctx *cx, const clab_dataset *d, const clab_gene_join *j, int i, clab_dataset **out)
{
    int64_t *cols = NULL;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, j->n * 8 + 8, "gene selection", (void **)&cols);

    for (int64_t g = 0; s == CLAB_OK && g < clab_dataset_n_vars(d); g++)
        if (j->map[i][g] >= 0)
            cols[j->map[i][g]] = g;
    if (s == CLAB_OK)
        s = clab_dataset_take_vars(cx, d, cols, j->n, out);
    if (s == CLAB_OK)
        s = rename_genes(cx, *out, j->names);
    clab_mem_free(cx, cols);
    return s;
}

static clab_status nothing_shared(clab_ctx *cx, const clab_dataset *const *ds, clab_value *const *names, int n)
{
    clab_str kinds = {0};

    for (int i = 0; i < n; i++)
        clab_str_addf(&kinds, "%s%s has %s such as %s", i ? ", " : "", clab_show(ds[i]->name),
                      clab_gene_id_kind((const char *const *)names[i]->data, names[i]->dims[0]),
                      names[i]->dims[0] ? clab_show(((char *const *)names[i]->data)[0]) : "none");
    clab_fail(cx, CLAB_ESHAPE, "the studies share no gene: %s", kinds.s ? kinds.s : "");
    clab_str_free(&kinds);
    return clab_hint(cx, "match by a var column that both have, as in common_genes{by=\"gene_ids\"}");
}

clab_status clab_common_genes(clab_ctx *cx, const clab_dataset *const *ds, int n, const clab_genes_opts *o,
                              clab_dataset **out)
{
    const char *const **lists = calloc((size_t)n, sizeof *lists);
    const char **what = calloc((size_t)n, sizeof *what);
    int64_t *len = calloc((size_t)n, sizeof *len);
    clab_value **names = calloc((size_t)n, sizeof *names);
    clab_gene_join *j = NULL;
    clab_status s = lists && what && len && names ? CLAB_OK : clab_fail(cx, CLAB_ENOMEM, "no memory for common genes");

    memset(out, 0, (size_t)n * sizeof *out);
    for (int i = 0; s == CLAB_OK && i < n; i++) {
        s = match_names(cx, ds[i], o, &names[i]);
        if (s == CLAB_OK) {
            lists[i] = (const char *const *)names[i]->data;
            len[i] = names[i]->dims[0];
            what[i] = ds[i]->name;
        }
    }
    if (s == CLAB_OK)
        s = clab_gene_join_new(cx, lists, len, what, n, false, &j);
    if (s == CLAB_OK && j->shared == 0)
        s = nothing_shared(cx, ds, names, n);
    for (int i = 0; s == CLAB_OK && i < n; i++)
        s = select_genes(cx, ds[i], j, i, &out[i]);
    if (s == CLAB_OK)
        for (int i = 0; i < n; i++)
            clab_note(cx, "%s: %s of %s genes are common", clab_show(ds[i]->name), clab_text_count(j->n), clab_text_count(len[i]));
    for (int i = 0; names && i < n; i++) {
        clab_value_unref(names[i]);
        if (s != CLAB_OK) {
            clab_dataset_unref(out[i]);
            out[i] = NULL;
        }
    }
    clab_gene_join_free(cx, j);
    free(lists);
    free(what);
    free(len);
    free(names);
    return s;
}
