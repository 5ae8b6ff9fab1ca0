/* compare_study.c -- one loaded Dataset in the words of clab_inspect_file. */
#include <string.h>

#include "label/compare_impl.h"

/* ---- getting ----------- ------------------------------------------------------------------------------*/

static const clab_value *scalar(const clab_value *dict, const char *key, clab_vkind kind)
{
    const clab_value *v = clab_value_get(dict, key);

    return v && v->kind == kind && v->rank == 0 ? v : NULL;
}

int64_t clab__get_integer(const clab_value *dict, const char *key, int64_t otherwise)
{
    const clab_value *v = scalar(dict, key, CLAB_V_ARRAY);

    return v && v->dtype == CLAB_I64 ? *(const int64_t *)v->data : otherwise;
}

bool clab__get_boolean(const clab_value *dict, const char *key, bool otherwise)
{
    const clab_value *v = scalar(dict, key, CLAB_V_ARRAY);

    return v ? clab_value_at_num(v, 0) != 0.0 : otherwise;
}

const char *clab__get_text(const clab_value *dict, const char *key, const char *otherwise)
{
    const clab_value *v = scalar(dict, key, CLAB_V_STRINGS);

    return v ? ((char *const *)v->data)[0] : otherwise;
}

/* ---- a matrix -------------------------------------------------------------------------------------------*/

/* The facts of all its stores together. */
static clab_store_info facts_of(const clab_matrix *m)
{
    clab_store_info all = {.whole = true, .finite = true};

    for (int b = 0; b < clab_matrix_n_blocks(m); b++) {
        const clab_store_info *one = clab_store_get_info(clab_matrix_store(m, b));
        all.whole = all.whole && one->whole;
        all.finite = all.finite && one->finite;
        all.negative = all.negative || one->negative;
        all.min = b == 0 || one->min < all.min ? one->min : all.min;
        all.max = b == 0 || one->max > all.max ? one->max : all.max;
    }
    return all;
}

static clab_status describe_matrix(clab_ctx *cx, const clab_matrix *m, clab_value **out)
{
    int64_t n = clab_matrix_n_rows(m), g = clab_matrix_n_cols(m), nnz = clab_matrix_nnz_bound(m), dense = 0,
            csr = 0;
    int64_t size = (int64_t)clab_dtype_size(clab_matrix_dtype(m));
    clab_store_info facts = facts_of(m);
    clab_value *d = NULL;
    clab_status s = clab_value_dict(cx, &d);

    if (__builtin_mul_overflow(n, g, &dense) || __builtin_mul_overflow(dense, size, &dense))
        dense = INT64_MAX;
    if (__builtin_mul_overflow(nnz, size + (nnz > INT32_MAX ? 8 : 4), &csr) ||
        __builtin_add_overflow(csr, 8 * (n + 1), &csr))
        csr = INT64_MAX;
    if (s == CLAB_OK)
        s = clab_value_set_string(cx, d, "kind", clab_matrix_is_dense(m) ? "dense" : "csr");
    if (s == CLAB_OK)
        s = clab_value_set_string(cx, d, "dtype", clab_dtype_name(clab_matrix_dtype(m)));
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "rows", n);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "cols", g);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "nnz", nnz);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "memory_bytes", clab_matrix_is_dense(m) ? dense : csr);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "packed_bytes", clab_matrix_packed_bytes(m));
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "dense_bytes", dense);
    if (s == CLAB_OK)
        s = clab_value_set_boolean(cx, d, "scanned", true);
    if (s == CLAB_OK)
        s = clab_value_set_boolean(cx, d, "whole", facts.whole && clab_matrix_is_raw(m));
    if (s == CLAB_OK)
        s = clab_value_set_boolean(cx, d, "negative", facts.negative);
    if (s == CLAB_OK)
        s = clab_value_set_boolean(cx, d, "finite", facts.finite);
    if (s == CLAB_OK && clab_matrix_is_raw(m))
        s = clab_value_set_number(cx, d, "min", facts.min);
    if (s == CLAB_OK && clab_matrix_is_raw(m))
        s = clab_value_set_number(cx, d, "max", facts.max);
    if (s != CLAB_OK) {
        clab_value_unref(d);
        return s;
    }
    *out = d;
    return CLAB_OK;
}

static clab_status put_matrix(clab_ctx *cx, clab_value *dict, const char *key, const clab_matrix *m)
{
    clab_value *d = NULL;
    clab_status s = describe_matrix(cx, m, &d);

    return clab_value_set_made(cx, dict, key, s, d);
}

/* ---- the study
 * --------------------------------------------------------------------------------------------*/

static clab_status put_columns(clab_ctx *cx, clab_value *study, const clab_value *obs)
{
    clab_value *columns = NULL;
    clab_status s = clab_value_dict(cx, &columns);

    for (int64_t k = 0; s == CLAB_OK && k < obs->n_items; k++) {
        clab_value *summary = NULL;
        s = clab_value_summary(cx, obs->items[k], &summary);
        s = clab_value_set_made(cx, columns, obs->names[k], s, summary);
    }
    return clab_value_set_made(cx, study, "obs", s, columns);
}

static clab_status put_matrices(clab_ctx *cx, clab_value *study, const clab_dataset *d)
{
    clab_value *layers = NULL, *raw = NULL;
    clab_status s = d->x ? put_matrix(cx, study, "x", d->x) : CLAB_OK;

    if (s != CLAB_OK)
        return s;
    s = clab_value_dict(cx, &layers);
    for (int64_t i = 0; s == CLAB_OK && i < d->n_layers; i++)
        s = put_matrix(cx, layers, d->layer_names[i], d->layers[i]);
    s = clab_value_set_made(cx, study, "layers", s, layers);
    if (s == CLAB_OK && d->raw.x) {
        s = clab_value_dict(cx, &raw);
        if (s == CLAB_OK)
            s = put_matrix(cx, raw, "x", d->raw.x);
        s = clab_value_set_made(cx, study, "raw", s, raw);
    }
    return s;
}

clab_status clab__study_of(clab_ctx *cx, const clab_dataset *d, clab_value **out)
{
    clab_value *study = NULL;
    clab_status s = clab_value_dict(cx, &study);

    if (s == CLAB_OK)
        s = clab_value_set_string(cx, study, "file", d->name);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, study, "n_obs", clab_dataset_n_obs(d));
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, study, "n_vars", clab_dataset_n_vars(d));
    if (s == CLAB_OK)
        s = clab_value_set(cx, study, "var_names", d->var->index);
    if (s == CLAB_OK)
        s = put_matrices(cx, study, d);
    if (s == CLAB_OK)
        s = clab_value_set_string(cx, study, "counts", !d->counts ? "none" : d->counts_from ? d->counts_from : "X");
    if (s == CLAB_OK)
        s = put_columns(cx, study, d->obs);
    if (s != CLAB_OK) {
        clab_value_unref(study);
        return s;
    }
    *out = study;
    return CLAB_OK;
}
