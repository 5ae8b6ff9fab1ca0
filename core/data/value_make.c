/* value_make.c -- constructors of values: every one checks what it is given and copies it. */
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "data/value_impl.h"

clab_status clab_value_null(clab_ctx *cx, clab_value **out)
{
    return clab__value_new(cx, CLAB_V_NULL, out);
}

/* ---- arrays -------------------------------------------------------------------------------------*/

clab_status clab_value_array(clab_ctx *cx, clab_dtype t, int rank, const int64_t *dims, const void *data,
                             clab_value **out)
{
    clab_value *v = NULL;
    int64_t n = 0;
    clab_status s;

    if (t > CLAB_BOOL)
        return clab_fail(cx, CLAB_EINTERNAL, "an array of type %d", (int)t);
    s = clab__dims_count(cx, rank, dims, &n);
    if (s == CLAB_OK)
        s = clab__value_new(cx, CLAB_V_ARRAY, &v);
    if (s != CLAB_OK)
        return s;
    v->dtype = t;
    v->rank = rank;
    if (rank > 0)
        memcpy(v->dims, dims, (size_t)rank * sizeof *dims);
    s = clab__value_alloc(cx, v, n, clab_dtype_size(t), &v->data);
    if (s != CLAB_OK) {
        clab_value_unref(v);
        return s;
    }
    if (data && n > 0)
        memcpy(v->data, data, (size_t)n * clab_dtype_size(t));
    *out = v;
    return CLAB_OK;
}

clab_status clab_value_number(clab_ctx *cx, double x, clab_value **out)
{
    return clab_value_array(cx, CLAB_F64, 0, NULL, &x, out);
}

clab_status clab_value_integer(clab_ctx *cx, int64_t x, clab_value **out)
{
    return clab_value_array(cx, CLAB_I64, 0, NULL, &x, out);
}

clab_status clab_value_boolean(clab_ctx *cx, bool x, clab_value **out)
{
    uint8_t byte = x ? 1 : 0;

    return clab_value_array(cx, CLAB_BOOL, 0, NULL, &byte, out);
}

/* ---- strings --------------------------------------------------------------------------------------*/

clab_status clab__strings_new(clab_ctx *cx, int rank, const int64_t *dims, int64_t text_bytes,
                              clab_value **out, char **text)
{
    clab_value *v = NULL;
    int64_t n = 0, pointers = 0, bytes = 0;
    clab_status s = clab__dims_count(cx, rank, dims, &n);

    if (s == CLAB_OK)
        s = clab_mem_size(cx, n, sizeof(char *), &pointers);
    if (s != CLAB_OK)
        return s;
    if (text_bytes < 0 || __builtin_add_overflow(pointers, text_bytes, &bytes))
        return clab_fail(cx, CLAB_ESHAPE, "a table of strings has an impossible size");
    s = clab__value_new(cx, CLAB_V_STRINGS, &v);
    if (s == CLAB_OK)
        s = clab__value_alloc(cx, v, bytes, 1, &v->data);
    if (s != CLAB_OK) {
        clab_value_unref(v);
        return s;
    }
    v->dtype = CLAB_STR;
    v->rank = rank;
    if (rank > 0)
        memcpy(v->dims, dims, (size_t)rank * sizeof *dims);
    *text = (char *)v->data + pointers;
    *out = v;
    return CLAB_OK;
}

clab_status clab_value_strings(clab_ctx *cx, int rank, const int64_t *dims, const char *const *strings,
                               clab_value **out)
{
    clab_value *v = NULL;
    int64_t n = 0, bytes = 1;
    char *text = NULL, **at;
    clab_status s = clab__dims_count(cx, rank, dims, &n);

    if (s != CLAB_OK)
        return s;
    for (int64_t i = 0; strings && i < n; i++)
        if (strings[i])
            bytes += (int64_t)strlen(strings[i]) + 1;
    s = clab__strings_new(cx, rank, dims, bytes, &v, &text);
    if (s != CLAB_OK)
        return s;
    at = v->data;
    *text++ = '\0'; /* all empty strings share the first byte */
    for (int64_t i = 0; i < n; i++) {
        size_t len = strings && strings[i] ? strlen(strings[i]) : 0;
        at[i] = len ? text : (char *)v->data + (size_t)n * sizeof(char *);
        if (len) {
            memcpy(text, strings[i], len + 1);
            text += len + 1;
        }
    }
    *out = v;
    return CLAB_OK;
}

clab_status clab_value_string(clab_ctx *cx, const char *string, clab_value **out)
{
    return clab_value_strings(cx, 0, NULL, &string, out);
}

/* ---- categoricals and nullables -------------------------------------------------------------------*/

clab_status clab_value_categorical(clab_ctx *cx, int64_t n, const int32_t *codes, const clab_value *levels,
                                   bool ordered, clab_value **out)
{
    clab_value *v = NULL;
    clab_status s;

    if ((levels->kind != CLAB_V_ARRAY && levels->kind != CLAB_V_STRINGS) || levels->rank != 1)
        return clab_fail(cx, CLAB_ESHAPE, "the levels of a categorical are no list of strings or numbers");
    if (n < 0)
        return clab_fail(cx, CLAB_ESHAPE, "a categorical of impossible length");
    for (int64_t i = 0; i < n; i++)
        if (codes[i] < -1 || codes[i] >= levels->dims[0])
            return clab_fail(cx, CLAB_EFORMAT,
                             "a categorical holds code %d in row %s, but has only %s levels", (int)codes[i],
                             clab_text_count(i), clab_text_count(levels->dims[0]));
    s = clab__value_new(cx, CLAB_V_CATEGORICAL, &v);
    if (s != CLAB_OK)
        return s;
    v->rank = 1;
    v->dims[0] = n;
    v->ordered = ordered;
    v->levels = clab_value_ref(levels);
    s = clab__value_alloc(cx, v, n, sizeof *v->codes, (void **)&v->codes);
    if (s != CLAB_OK) {
        clab_value_unref(v);
        return s;
    }
    if (n > 0)
        memcpy(v->codes, codes, (size_t)n * sizeof *codes);
    *out = v;
    return CLAB_OK;
}

/* Distinct strings in the order of first appearance; codes[i] = -1 where s[i] is NULL. */
static clab_status number_strings(clab_ctx *cx, int64_t n, const char *const *strings, int32_t *codes,
                                  const char **distinct, int64_t *n_distinct)
{
    clab_names *ix = NULL;
    clab_status s = clab_names_new(cx, NULL, 0, NULL, &ix);

    *n_distinct = 0;
    for (int64_t i = 0; s == CLAB_OK && i < n; i++) {
        int64_t at = strings[i] ? clab_names_add(ix, strings[i]) : -1;
        if (strings[i] && (at < 0 || at > INT32_MAX))
            s = clab_fail(cx, CLAB_ENOMEM, "no memory for the levels of a column");
        else if (at == *n_distinct)
            distinct[(*n_distinct)++] = strings[i];
        codes[i] = (int32_t)at;
    }
    clab_names_free(ix);
    return s;
}

clab_status clab_value_factor(clab_ctx *cx, int64_t n, const char *const *strings, clab_value **out)
{
    int32_t *codes = NULL, *rank = NULL;
    const char **distinct = NULL;
    clab_value *found = NULL, *levels = NULL;
    int64_t *order = NULL, n_levels = 0, bytes = 0;
    clab_status s = clab_mem_size(cx, n, sizeof *distinct, &bytes);

    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, bytes + 1, "levels", (void **)&distinct);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, bytes + 1, "levels", (void **)&codes);
    if (s == CLAB_OK)
        s = number_strings(cx, n, strings, codes, distinct, &n_levels);
    if (s == CLAB_OK)
        s = clab_value_strings(cx, 1, &n_levels, distinct, &found);
    if (s == CLAB_OK)
        s = clab__levels_order(cx, found, true, &order);
    if (s == CLAB_OK)
        s = clab_value_take(cx, found, order, n_levels, &levels);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, n_levels * (int64_t)sizeof *rank + 1, "levels",
                            (void **)&rank);
    if (s == CLAB_OK) {
        for (int64_t k = 0; k < n_levels; k++)
            rank[order[k]] = (int32_t)k;
        for (int64_t i = 0; i < n; i++)
            codes[i] = codes[i] < 0 ? -1 : rank[codes[i]];
        s = clab_value_categorical(cx, n, codes, levels, false, out);
    }
    clab_mem_free(cx, rank);
    clab_mem_free(cx, order);
    clab_mem_free(cx, codes);
    clab_mem_free(cx, distinct);
    clab_value_unref(found);
    clab_value_unref(levels);
    return s;
}

clab_status clab_value_nullable(clab_ctx *cx, const clab_value *inner, const uint8_t *mask, clab_value **out)
{
    clab_value *v = NULL;
    clab_status s;

    if ((inner->kind != CLAB_V_ARRAY && inner->kind != CLAB_V_STRINGS) || inner->rank != 1)
        return clab_fail(cx, CLAB_ESHAPE, "only a column of numbers, booleans or strings can be nullable");
    s = clab__value_new(cx, CLAB_V_NULLABLE, &v);
    if (s != CLAB_OK)
        return s;
    v->rank = 1;
    v->dims[0] = inner->dims[0];
    v->dtype = inner->dtype;
    v->inner = clab_value_ref(inner);
    s = clab__value_alloc(cx, v, inner->dims[0], 1, (void **)&v->mask);
    if (s != CLAB_OK) {
        clab_value_unref(v);
        return s;
    }
    for (int64_t i = 0; i < inner->dims[0]; i++)
        v->mask[i] = mask[i] ? 1 : 0;
    *out = v;
    return CLAB_OK;
}

/* ---- sparse ---------------------------------------------------------------------------------------*/

static clab_status check_csr(clab_ctx *cx, int64_t n_rows, int64_t n_cols, const int64_t *indptr,
                             const int32_t *indices)
{
    if (n_rows < 0 || n_cols < 0 || n_cols > INT32_MAX || indptr[0] != 0)
        return clab_fail(cx, CLAB_EFORMAT, "a sparse matrix has an impossible shape or row table");
    for (int64_t r = 0; r < n_rows; r++)
        if (indptr[r + 1] < indptr[r])
            return clab_fail(cx, CLAB_EFORMAT, "the row table of a sparse matrix falls at row %s",
                             clab_text_count(r));
    for (int64_t k = 0; k < indptr[n_rows]; k++)
        if (indices[k] < 0 || indices[k] >= n_cols)
            return clab_fail(cx, CLAB_EFORMAT, "a sparse matrix with %s columns holds column %d",
                             clab_text_count(n_cols), (int)indices[k]);
    return CLAB_OK;
}

clab_status clab_value_sparse(clab_ctx *cx, clab_dtype t, int64_t n_rows, int64_t n_cols,
                              const int64_t *indptr, const int32_t *indices, const void *data,
                              clab_value **out)
{
    clab_value *v = NULL;
    clab_status s = t > CLAB_BOOL ? clab_fail(cx, CLAB_EINTERNAL, "a sparse matrix of type %d", (int)t)
                                  : check_csr(cx, n_rows, n_cols, indptr, indices);

    if (s == CLAB_OK)
        s = clab__value_new(cx, CLAB_V_SPARSE, &v);
    if (s != CLAB_OK)
        return s;
    v->dtype = t;
    v->rank = 2;
    v->dims[0] = n_rows;
    v->dims[1] = n_cols;
    int64_t nnz = indptr[n_rows];
    s = clab__value_alloc(cx, v, n_rows + 1, sizeof *v->indptr, (void **)&v->indptr);
    if (s == CLAB_OK)
        s = clab__value_alloc(cx, v, nnz, sizeof *v->indices, (void **)&v->indices);
    if (s == CLAB_OK)
        s = clab__value_alloc(cx, v, nnz, clab_dtype_size(t), &v->data);
    if (s != CLAB_OK) {
        clab_value_unref(v);
        return s;
    }
    memcpy(v->indptr, indptr, (size_t)(n_rows + 1) * sizeof *indptr);
    if (nnz > 0) {
        memcpy(v->indices, indices, (size_t)nnz * sizeof *indices);
        memcpy(v->data, data, (size_t)nnz * clab_dtype_size(t));
    }
    *out = v;
    return CLAB_OK;
}

/* ---- containers -----------------------------------------------------------------------------------*/

clab_status clab_value_table(clab_ctx *cx, const clab_value *index, const char *index_name, clab_value **out)
{
    clab_value *v = NULL;
    clab_status s;

    if (index->kind != CLAB_V_STRINGS || index->rank != 1)
        return clab_fail(cx, CLAB_ESHAPE, "the index of a table is no list of strings");
    s = clab__value_new(cx, CLAB_V_TABLE, &v);
    if (s != CLAB_OK)
        return s;
    v->rank = 1;
    v->dims[0] = index->dims[0];
    v->index = clab_value_ref(index);
    v->index_name = strdup(index_name ? index_name : "_index");
    if (!v->index_name) {
        clab_value_unref(v);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a table");
    }
    *out = v;
    return CLAB_OK;
}

clab_status clab_value_dict(clab_ctx *cx, clab_value **out)
{
    return clab__value_new(cx, CLAB_V_DICT, out);
}

clab_status clab_value_records(clab_ctx *cx, int64_t n, clab_value **out)
{
    clab_status s = n < 0 ? clab_fail(cx, CLAB_ESHAPE, "records of impossible length")
                          : clab__value_new(cx, CLAB_V_RECORDS, out);

    if (s == CLAB_OK) {
        (*out)->rank = 1;
        (*out)->dims[0] = n;
    }
    return s;
}
