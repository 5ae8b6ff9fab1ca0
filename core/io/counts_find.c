/* counts_find.c -- which matrix of a file holds the counts, and one line that says so. */
#include "io/io_impl.h"

#include "base/names.h"
#include "base/text.h"
#include "ledger/ledger.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A matrix that was just read has one store. */
static const clab_store_info *info_of(const clab_matrix *m)
{
    return clab_store_get_info(clab_matrix_store(m, 0));
}

static bool holds_counts(const clab_matrix *m)
{
    const clab_store_info *i = m ? info_of(m) : NULL;
    return i && i->whole && !i->negative && i->finite;
}

static clab_status take(clab_ctx *cx, clab_dataset *d, const clab_matrix *m, const char *from)
{
    char *name = strdup(from);
    if (!name)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a name");
    clab_matrix_unref(d->counts);
    free(d->counts_from);
    d->counts = clab_matrix_ref(m);
    d->counts_from = name;
    return CLAB_OK;
}

static const clab_matrix *layer(const clab_dataset *d, const char *name)
{
    for (int64_t i = 0; i < d->n_layers; i++)
        if (strcmp(d->layer_names[i], name) == 0)
            return d->layers[i];
    return NULL;
}

/* raw.X cut to the genes of X, in their order; *out NULL when some gene is not in raw or is there twice. */
static clab_status raw_for_genes(clab_ctx *cx, const clab_dataset *d, clab_matrix **out)
{
    int64_t n = clab_dataset_n_vars(d), m = clab_value_len(d->raw.var);
    const char *const *raw_names = (const char *const *)d->raw.var->index->data;
    void *cols = NULL, *seen = NULL;
    clab_names *ix = NULL;
    *out = NULL;
    bool same = n == m;
    for (int64_t g = 0; same && g < n; g++)
        same = strcmp(clab_dataset_var_name(d, g), raw_names[g]) == 0;
    if (same) {
        *out = clab_matrix_ref(d->raw.x);
        return CLAB_OK;
    }
    clab_status st = clab_names_new(cx, raw_names, m, NULL, &ix);
    if (st == CLAB_OK)
        st = clab_mem_alloc(cx, CLAB_MEM_WORK, (n + 1) * 8, "genes of raw", &cols);
    if (st == CLAB_OK)
        st = clab_mem_zalloc(cx, CLAB_MEM_WORK, m + 1, "genes of raw", &seen);
    bool all = st == CLAB_OK;
    for (int64_t g = 0; all && g < n; g++) {
        int64_t at = clab_names_get(ix, clab_dataset_var_name(d, g));
        all = at >= 0 && !((uint8_t *)seen)[at];
        if (all) {
            ((uint8_t *)seen)[at] = 1;
            ((int64_t *)cols)[g] = at;
        }
    }
    if (all)
        st = clab_matrix_take_cols(cx, d->raw.x, cols, n, out);
    clab_names_free(ix);
    clab_mem_free(cx, cols);
    clab_mem_free(cx, seen);
    return st;
}

/* "X holds 1.39 (cell AAAC-1, gene CD3E)" for the first value that is no count. */
static void say_odd(clab_str *b, const clab_dataset *d, const char *what, const clab_matrix *m,
                    const clab_value *var)
{
    const clab_store_info *i = info_of(m);
    if (i->bad_row < 0 || i->bad_row >= clab_dataset_n_obs(d) || i->bad_col < 0 ||
        i->bad_col >= clab_value_len(var))
        clab_str_addf(b, "%s holds no whole numbers from 0", what);
    else
        clab_str_addf(b, "%s holds %g (cell %s, gene %s)", what, i->bad_value,
                      clab_show(clab_dataset_obs_name(d, i->bad_row)),
                      clab_show(((const char *const *)var->index->data)[i->bad_col]));
}

static void warn_no_counts(clab_ctx *cx, const clab_dataset *d)
{
    clab_str b = {0};
    if (d->x)
        say_odd(&b, d, "X", d->x, d->var);
    if (d->raw.x && !holds_counts(d->raw.x)) {
        clab_str_add(&b, d->x ? "; " : "");
        say_odd(&b, d, "raw.X", d->raw.x, d->raw.var);
    } else if (d->raw.x) {
        clab_str_add(&b, d->x ? "; raw.X has counts, but not of all genes of X"
                              : "raw.X has counts, but not of all genes");
    }
    for (int i = 0; i < d->n_layers; i++)
        clab_str_addf(&b, "%slayers.%s%s", i ? ", " : b.len ? "; there are also " : "there are ",
                      clab_show(d->layer_names[i]), holds_counts(d->layers[i]) ? " (whole numbers)" : "");
    clab_warn(cx, "%s: no counts found: %s. Steps that need counts (scVI) will refuse; %s", clab_show(d->name),
              b.s ? b.s : "there is no matrix",
              d->n_layers ? "counts=\"layers.NAME\" takes them from a layer"
              : d->x || d->raw.x ? "take the file from before normalisation" : "read the file that holds the matrix too");
    clab_str_free(&b);
}

static clab_status find_auto(clab_ctx *cx, clab_dataset *d)
{
    const clab_matrix *named = layer(d, "counts");
    clab_matrix *raw = NULL;
    clab_status st = CLAB_OK;
    if (holds_counts(d->x))
        return take(cx, d, d->x, "X");
    if (holds_counts(named))
        return take(cx, d, named, "layers.counts");
    if (holds_counts(d->raw.x))
        st = raw_for_genes(cx, d, &raw);
    if (st == CLAB_OK && raw)
        st = take(cx, d, raw, "raw.X");
    clab_matrix_unref(raw);
    return st;
}

static clab_status find_layer(clab_ctx *cx, clab_dataset *d, const char *wanted)
{
    const clab_matrix *m = layer(d, wanted + strlen("layers."));
    if (m)
        return take(cx, d, m, wanted);
    clab_str list = {0};
    for (int64_t i = 0; i < d->n_layers; i++)
        clab_str_addf(&list, "%s%s", i ? ", " : "", clab_show(d->layer_names[i]));
    clab_status st = clab_fail(cx, CLAB_ENOTFOUND, "%s has no %s; its layers are: %s", clab_show(d->name),
                               clab_show(wanted), list.s ? list.s : "none");
    clab_str_free(&list);
    return st;
}

static clab_status find_raw(clab_ctx *cx, clab_dataset *d)
{
    clab_matrix *raw = NULL;
    if (!d->raw.x)
        return clab_fail(cx, CLAB_ENOTFOUND, "%s has no raw", clab_show(d->name));
    clab_status st = raw_for_genes(cx, d, &raw);
    if (st == CLAB_OK && !raw)
        st = clab_fail(cx, CLAB_ESHAPE, "%s: raw.X does not have every gene of X exactly once",
                       clab_show(d->name));
    if (st == CLAB_OK)
        st = take(cx, d, raw, "raw.X");
    clab_matrix_unref(raw);
    return st;
}

clab_status clab__counts_find(clab_ctx *cx, clab_dataset *d, const char *wanted)
{
    clab_status st;
    if (!wanted || !*wanted || strcmp(wanted, "auto") == 0)
        st = find_auto(cx, d);
    else if (strcmp(wanted, "X") == 0)
        st = d->x ? take(cx, d, d->x, "X") : clab_fail(cx, CLAB_ENOTFOUND, "%s has no X", clab_show(d->name));
    else if (strcmp(wanted, "raw") == 0 || strcmp(wanted, "raw.X") == 0)
        st = find_raw(cx, d);
    else if (strncmp(wanted, "layers.", 7) == 0)
        st = find_layer(cx, d, wanted);
    else
        st = clab_fail(cx, CLAB_EARG, "counts=\"%s\": it is auto, X, raw or layers.NAME", clab_show(wanted));
    if (st != CLAB_OK)
        return st;
    if (d->x && !info_of(d->x)->finite)
        clab_warn(cx, "%s: X holds NaN or infinite values", clab_show(d->name));
    if (!d->counts) {
        warn_no_counts(cx, d);
        return CLAB_OK;
    }
    if (!holds_counts(d->counts)) {
        clab_str b = {0};
        say_odd(&b, d, d->counts_from, d->counts, strcmp(d->counts_from, "raw.X") == 0 ? d->raw.var : d->var);
        clab_warn(cx, "%s: taken as counts as asked, but %s", clab_show(d->name), b.s ? b.s : "");
        clab_str_free(&b);
        return CLAB_OK;
    }
    clab_note(cx, "%s: counts are %s (%s cells x %s genes, whole numbers up to %.0f)", clab_show(d->name),
              d->counts_from, clab_text_count(clab_dataset_n_obs(d)), clab_text_count(clab_dataset_n_vars(d)),
              info_of(d->counts)->max);
    return CLAB_OK;
}
