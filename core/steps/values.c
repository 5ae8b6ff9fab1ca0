/* values.c -- which matrix of a dataset a step works on, and the dataset that comes out.
 * Refuses to compute. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "steps/stats_impl.h"

bool clab__uns_log1p(const clab_dataset *d, double *base)
{
    const clab_value *log1p_of = clab_value_get(d->uns, "log1p"), *b;

    *base = 0;
    if (!log1p_of)
        return false;
    b = log1p_of->kind == CLAB_V_DICT ? clab_value_get(log1p_of, "base") : NULL;
    if (b && b->kind == CLAB_V_ARRAY && b->rank == 0) {
        double x = clab_value_at_num(b, 0);
        *base = x > 0 ? x : 0;
    }
    return true;
}

clab_status clab__with_x(clab_ctx *cx, const clab_dataset *d, clab_matrix *x, clab_dataset **out)
{
    clab_status s = clab_dataset_copy(cx, d, out);

    if (s != CLAB_OK) {
        clab_matrix_unref(x);
        return s;
    }
    clab_matrix_unref((*out)->x);
    (*out)->x = x;
    return CLAB_OK;
}

clab_status clab__need_x(clab_ctx *cx, const clab_dataset *d, const clab_matrix **out)
{
    *out = d->x ? d->x : d->counts;
    if (*out)
        return CLAB_OK;
    (void)clab_fail(cx, CLAB_ESTATE, "%s has neither X nor counts to work on", clab_show(d->name));
    return clab_hint(cx, "read the file that holds the matrix too");
}

clab_status clab__need_positive(clab_ctx *cx, const clab_dataset *d, const char *name, const clab_matrix *m)
{
    for (int b = 0; b < clab_matrix_n_blocks(m); b++) {
        const clab_store_info *f = clab_store_get_info(clab_matrix_store(m, b));
        if (!f->negative)
            continue;
        (void)clab_fail(cx, CLAB_ESTATE, "%s of %s holds values down to %g: it was scaled or centred", name,
                        clab_show(d->name), f->min);
        return clab_hint(cx, "start from the file with the counts, or with log-normalised values");
    }
    return CLAB_OK;
}

clab_dtype clab__sum_type(clab_dtype t)
{
    if (t == CLAB_F32 || t == CLAB_F64)
        return t;
    return t == CLAB_U8 || t == CLAB_U16 || t == CLAB_U32 || t == CLAB_U64 ? CLAB_U64 : CLAB_I64;
}

bool clab__holds_counts(const clab_matrix *m)
{
    for (int b = 0; b < clab_matrix_n_blocks(m); b++) {
        const clab_store_info *f = clab_store_get_info(clab_matrix_store(m, b));
        if (!f->whole || f->negative)
            return false;
    }
    return true;
}

bool clab__holds_negative(const clab_matrix *m)
{
    for (int b = 0; b < clab_matrix_n_blocks(m); b++)
        if (clab_store_get_info(clab_matrix_store(m, b))->negative)
            return true;
    return false;
}

bool clab__holds_nan(const clab_matrix *m)
{
    for (int b = 0; b < clab_matrix_n_blocks(m); b++)
        if (!clab_store_get_info(clab_matrix_store(m, b))->finite)
            return true;
    return false;
}

/* ---- layers ----------------------------------------------------------------------------------------------*/

static int64_t layer_at(const clab_dataset *d, const char *name)
{
    for (int64_t i = 0; i < d->n_layers; i++)
        if (strcmp(d->layer_names[i], name) == 0)
            return i;
    return -1;
}

static bool names_x(const clab_arg *layer)
{
    return !layer->given || strcmp(layer->s, "X") == 0;
}

clab_status clab__values_of(clab_ctx *cx, const clab_dataset *d, const clab_arg *layer, const clab_matrix **out)
{
    clab_str list = {0};
    int64_t i;

    if (names_x(layer))
        return clab__need_x(cx, d, out);
    if ((i = layer_at(d, layer->s)) >= 0) {
        *out = d->layers[i];
        return CLAB_OK;
    }
    for (int64_t k = 0; k < d->n_layers; k++)
        clab_str_addf(&list, "%s%s", k ? ", " : "", clab_show(d->layer_names[k]));
    (void)clab_fail(cx, CLAB_ENOTFOUND, "%s has no layer '%s'", clab_show(d->name), clab_show(layer->s));
    (void)clab_hint(cx, d->n_layers ? "there are: %s" : "it has no layers at all%s", list.s ? list.s : "");
    clab_str_free(&list);
    return CLAB_ENOTFOUND;
}

clab_status clab__with_values(clab_ctx *cx, const clab_dataset *d, const clab_arg *layer, clab_matrix *m,
                              clab_dataset **out)
{
    int64_t i = names_x(layer) ? -1 : layer_at(d, layer->s);
    clab_status s;

    if (i < 0)
        return clab__with_x(cx, d, m, out);
    s = clab_dataset_copy(cx, d, out);
    if (s != CLAB_OK) {
        clab_matrix_unref(m);
        return s;
    }
    clab_matrix_unref((*out)->layers[i]);
    (*out)->layers[i] = m;
    return CLAB_OK;
}

const char *clab__values_name(const clab_arg *layer)
{
    return names_x(layer) ? "X" : clab_show(layer->s);
}
