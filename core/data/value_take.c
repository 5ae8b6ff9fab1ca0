/* value_take.c -- rows of values: what a selection of cells or genes makes of the tables beside X. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/value_impl.h"

void clab__elem_store(void *data, clab_dtype t, int64_t i, const void *from, clab_dtype from_t, int64_t j)
{
    switch (t) {
    case CLAB_F32: ((float *)data)[i] = (float)clab__elem_f64(from, from_t, j); break;
    case CLAB_F64: ((double *)data)[i] = clab__elem_f64(from, from_t, j); break;
    case CLAB_I8: ((int8_t *)data)[i] = (int8_t)clab__elem_i64(from, from_t, j); break;
    case CLAB_I16: ((int16_t *)data)[i] = (int16_t)clab__elem_i64(from, from_t, j); break;
    case CLAB_I32: ((int32_t *)data)[i] = (int32_t)clab__elem_i64(from, from_t, j); break;
    case CLAB_I64: ((int64_t *)data)[i] = clab__elem_i64(from, from_t, j); break;
    case CLAB_U8: ((uint8_t *)data)[i] = (uint8_t)clab__elem_i64(from, from_t, j); break;
    case CLAB_U16: ((uint16_t *)data)[i] = (uint16_t)clab__elem_i64(from, from_t, j); break;
    case CLAB_U32: ((uint32_t *)data)[i] = (uint32_t)clab__elem_i64(from, from_t, j); break;
    case CLAB_U64: ((uint64_t *)data)[i] = (uint64_t)clab__elem_i64(from, from_t, j); break;
    case CLAB_BOOL:
        ((uint8_t *)data)[i] = clab__elem_f64(from, from_t, j) != 0.0;
        break; /* NaN is true, as in numpy */
    default: break;
    }
}

static bool any_missing(const int64_t *idx, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (idx[i] < 0)
            return true;
    return false;
}

/* ---- arrays and strings -----------------------------------------------------------------------------*/

/* Rows of an array in the same type; rows idx < 0 become NaN in float types and 0 in the others. */
static clab_status take_array(clab_ctx *cx, const clab_value *v, const int64_t *idx, int64_t n,
                              clab_value **out)
{
    int64_t dims[CLAB__MAX_RANK] = {n}, width = 1;
    clab_value *t = NULL;
    clab_status s;

    for (int k = 1; k < v->rank; k++) {
        dims[k] = v->dims[k];
        width *= v->dims[k];
    }
    s = clab_value_array(cx, v->dtype, v->rank, dims, NULL, &t);
    if (s != CLAB_OK)
        return s;
    size_t row = (size_t)width * clab_dtype_size(v->dtype);
    for (int64_t i = 0; i < n; i++) {
        if (idx[i] >= 0) {
            memcpy((char *)t->data + (size_t)i * row, (const char *)v->data + (size_t)idx[i] * row, row);
            continue;
        }
        for (int64_t k = i * width; k < (i + 1) * width; k++)
            if (v->dtype == CLAB_F32)
                ((float *)t->data)[k] = NAN;
            else if (v->dtype == CLAB_F64)
                ((double *)t->data)[k] = (double)NAN;
    }
    *out = t;
    return CLAB_OK;
}

static clab_status as_f64(clab_ctx *cx, const clab_value *v, clab_value **out)
{
    clab_status s = clab_value_array(cx, CLAB_F64, v->rank, v->dims, NULL, out);

    for (int64_t i = 0; s == CLAB_OK && i < clab__value_count(v); i++)
        clab__elem_store((*out)->data, CLAB_F64, i, v->data, v->dtype, i);
    return s;
}

static clab_status take_strings(clab_ctx *cx, const clab_value *v, const int64_t *idx, int64_t n,
                                clab_value **out)
{
    int64_t dims[CLAB__MAX_RANK] = {n}, width = 1, bytes = 1;
    char *const *from = v->data, **to, *text = NULL;
    clab_value *t = NULL;
    clab_status s;

    for (int k = 1; k < v->rank; k++) {
        dims[k] = v->dims[k];
        width *= v->dims[k];
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; idx[i] >= 0 && k < width; k++)
            bytes += (int64_t)strlen(from[idx[i] * width + k]) + 1;
    s = clab__strings_new(cx, v->rank, dims, bytes, &t, &text);
    if (s != CLAB_OK)
        return s;
    to = t->data;
    const char *empty = text++;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < width; k++) {
            const char *string = idx[i] >= 0 ? from[idx[i] * width + k] : "";
            size_t len = strlen(string);
            to[i * width + k] = len ? memcpy(text, string, len + 1) : (char *)empty;
            text += len ? len + 1 : 0;
        }
    *out = t;
    return CLAB_OK;
}

/* ---- columns with missing values ------------------------------------------------------------------*/

static clab_status take_categorical(clab_ctx *cx, const clab_value *v, const int64_t *idx, int64_t n,
                                    clab_value **out)
{
    int64_t n_levels = v->levels->dims[0], *kept = NULL, n_kept = 0;
    int32_t *codes = NULL, *map = NULL;
    clab_value *levels = NULL;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 4 + 4, "codes", (void **)&codes);

    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, n_levels * 4 + 4, "levels", (void **)&map);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, n_levels * 8 + 8, "levels", (void **)&kept);
    if (s == CLAB_OK) {
        for (int64_t i = 0; i < n; i++) {
            codes[i] = idx[i] < 0 ? -1 : v->codes[idx[i]];
            if (codes[i] >= 0)
                map[codes[i]] = 1;
        }
        for (int64_t k = 0; k < n_levels; k++)
            if (map[k]) {
                map[k] = (int32_t)n_kept;
                kept[n_kept++] = k;
            }
        for (int64_t i = 0; i < n; i++)
            codes[i] = codes[i] < 0 ? -1 : map[codes[i]];
        if (n_kept == n_levels)
            levels = clab_value_ref(v->levels);
        else
            s = clab_value_take(cx, v->levels, kept, n_kept, &levels);
    }
    if (s == CLAB_OK)
        s = clab_value_categorical(cx, n, codes, levels, v->ordered, out);
    clab_value_unref(levels);
    clab_mem_free(cx, codes);
    clab_mem_free(cx, map);
    clab_mem_free(cx, kept);
    return s;
}

/* inner taken at idx, masked where idx < 0 or where mask (may be NULL) says so. */
static clab_status take_masked(clab_ctx *cx, const clab_value *inner, const uint8_t *mask, const int64_t *idx,
                               int64_t n, clab_value **out)
{
    clab_value *taken = NULL;
    uint8_t *m = NULL;
    clab_status s = inner->kind == CLAB_V_STRINGS ? take_strings(cx, inner, idx, n, &taken)
                                                  : take_array(cx, inner, idx, n, &taken);

    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, n + 1, "mask", (void **)&m);
    for (int64_t i = 0; s == CLAB_OK && i < n; i++)
        m[i] = idx[i] < 0 || (mask && mask[idx[i]]);
    if (s == CLAB_OK)
        s = clab_value_nullable(cx, taken, m, out);
    clab_mem_free(cx, m);
    clab_value_unref(taken);
    return s;
}

/* ---- sparse ---------------------------------------------------------------------------------------*/

static clab_status take_sparse(clab_ctx *cx, const clab_value *v, const int64_t *idx, int64_t n,
                               clab_value **out)
{
    int64_t *indptr = NULL;
    int32_t *indices = NULL;
    void *data = NULL;
    size_t size = clab_dtype_size(v->dtype);
    clab_status s = clab_mem_zalloc(cx, CLAB_MEM_WORK, n * 8 + 8, "sparse rows", (void **)&indptr);

    if (s != CLAB_OK)
        return s;
    for (int64_t i = 0; i < n; i++)
        indptr[i + 1] = indptr[i] + (idx[i] < 0 ? 0 : v->indptr[idx[i] + 1] - v->indptr[idx[i]]);
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, indptr[n] * 4 + 4, "sparse rows", (void **)&indices);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, indptr[n] * (int64_t)size + 8, "sparse rows", &data);
    if (s == CLAB_OK) {
        for (int64_t i = 0; i < n; i++) {
            size_t len = (size_t)(indptr[i + 1] - indptr[i]);
            if (len == 0)
                continue;
            memcpy(indices + indptr[i], v->indices + v->indptr[idx[i]], len * sizeof *indices);
            memcpy((char *)data + (size_t)indptr[i] * size,
                   (const char *)v->data + (size_t)v->indptr[idx[i]] * size, len * size);
        }
        s = clab_value_sparse(cx, v->dtype, n, v->dims[1], indptr, indices, data, out);
    }
    clab_mem_free(cx, indptr);
    clab_mem_free(cx, indices);
    clab_mem_free(cx, data);
    return s;
}

/* ---- any value --------------------------------------------------------------------------------------*/

static clab_status take_items(clab_ctx *cx, const clab_value *v, const int64_t *idx, int64_t n,
                              clab_value **out)
{
    clab_value *t = NULL, *part = NULL;
    clab_status s;

    if (v->kind == CLAB_V_TABLE) {
        s = clab_value_take(cx, v->index, idx, n, &part);
        if (s == CLAB_OK &&
            part->kind == CLAB_V_NULLABLE) { /* an index has no missing names, only empty ones */
            clab_value *names = clab_value_ref(part->inner);
            clab_value_unref(part);
            part = names;
        }
        if (s == CLAB_OK)
            s = clab_value_table(cx, part, v->index_name, &t);
        clab_value_unref(part);
    } else {
        s = clab_value_records(cx, n, &t);
    }
    for (int64_t k = 0; s == CLAB_OK && k < v->n_items; k++) {
        clab_value *item = NULL;
        s = clab_check(cx);
        if (s == CLAB_OK)
            s = clab_value_take(cx, v->items[k], idx, n, &item);
        if (s == CLAB_OK)
            s = clab_value_set(cx, t, v->names[k], item);
        clab_value_unref(item);
    }
    if (s != CLAB_OK) {
        clab_value_unref(t);
        return s;
    }
    *out = t;
    return CLAB_OK;
}

clab_status clab_value_take(clab_ctx *cx, const clab_value *v, const int64_t *idx, int64_t n,
                            clab_value **out)
{
    int64_t len = clab_value_len(v);
    clab_value *wide = NULL;
    clab_status s;

    for (int64_t i = 0; i < n; i++)
        if (idx[i] >= len)
            return clab_fail(cx, CLAB_ESHAPE, "row %s of a table that has %s", clab_text_count(idx[i]),
                             clab_text_count(len));
    switch (v->kind) {
    case CLAB_V_CATEGORICAL: return take_categorical(cx, v, idx, n, out);
    case CLAB_V_NULLABLE: return take_masked(cx, v->inner, v->mask, idx, n, out);
    case CLAB_V_SPARSE: return take_sparse(cx, v, idx, n, out);
    case CLAB_V_TABLE:
    case CLAB_V_RECORDS: return take_items(cx, v, idx, n, out);
    case CLAB_V_STRINGS:
    case CLAB_V_ARRAY:
        if (v->rank > 0)
            break;
        return clab_fail(cx, CLAB_ESHAPE, "rows of a single value");
    default: return clab_fail(cx, CLAB_ESHAPE, "rows of a value that has none");
    }
    bool gaps = any_missing(idx, n);
    if (gaps && v->rank == 1 && (v->kind == CLAB_V_STRINGS || v->dtype == CLAB_BOOL))
        return take_masked(cx, v, NULL, idx, n, out);
    if (v->kind == CLAB_V_STRINGS)
        return take_strings(cx, v, idx, n, out);
    if (!gaps || v->dtype == CLAB_F32 || v->dtype == CLAB_F64)
        return take_array(cx, v, idx, n, out);
    s = as_f64(cx, v, &wide); /* whole numbers have no NaN */
    if (s == CLAB_OK)
        s = take_array(cx, wide, idx, n, out);
    clab_value_unref(wide);
    return s;
}

/* ---- both dimensions ----------------------------------------------------------------------------------*/

static clab_status take2_array(clab_ctx *cx, const clab_value *v, const int64_t *idx, int64_t n,
                               clab_value **out)
{
    int64_t dims[CLAB__MAX_RANK] = {n, n}, width = 1;
    clab_status s;

    for (int k = 2; k < v->rank; k++) {
        dims[k] = v->dims[k];
        width *= v->dims[k];
    }
    s = clab_value_array(cx, v->dtype, v->rank, dims, NULL, out);
    if (s != CLAB_OK)
        return s;
    size_t cell = (size_t)width * clab_dtype_size(v->dtype);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            memcpy((char *)(*out)->data + (size_t)(i * n + j) * cell,
                   (const char *)v->data + (size_t)(idx[i] * v->dims[1] + idx[j]) * cell, cell);
    return CLAB_OK;
}

/* One column of v may go to several places: `head` and `next` list them. */
typedef struct {
    const clab_value *v;
    int64_t *head, *next;
} remap;

static int compare_pairs(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (x[0] > y[0]) - (x[0] < y[0]);
}

/* Entries of one row under the new columns; pairs (may be NULL: only count) gets (column, entry), sorted. */
static int64_t remap_row(const remap *m, int64_t row, int64_t *pairs)
{
    int64_t k = 0;

    for (int64_t e = m->v->indptr[row]; e < m->v->indptr[row + 1]; e++)
        for (int64_t j = m->head[m->v->indices[e]]; j >= 0; j = m->next[j]) {
            if (pairs) {
                pairs[2 * k] = j;
                pairs[2 * k + 1] = e;
            }
            k++;
        }
    if (pairs)
        qsort(pairs, (size_t)k, 2 * sizeof *pairs, compare_pairs);
    return k;
}

static clab_status take2_sparse(clab_ctx *cx, const clab_value *v, const int64_t *idx, int64_t n,
                                clab_value **out)
{
    remap m = {.v = v};
    int64_t *indptr = NULL, *pairs = NULL, widest = 0;
    int32_t *indices = NULL;
    void *data = NULL;
    size_t size = clab_dtype_size(v->dtype);
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, v->dims[1] * 8 + 8, "sparse columns", (void **)&m.head);

    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8 + 8, "sparse columns", (void **)&m.next);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, n * 8 + 8, "sparse rows", (void **)&indptr);
    if (s != CLAB_OK)
        goto done;
    for (int64_t c = 0; c < v->dims[1]; c++)
        m.head[c] = -1;
    for (int64_t j = 0; j < n; j++) {
        m.next[j] = m.head[idx[j]];
        m.head[idx[j]] = j;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t len = remap_row(&m, idx[i], NULL);
        indptr[i + 1] = indptr[i] + len;
        widest = len > widest ? len : widest;
    }
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, indptr[n] * 4 + 4, "sparse rows", (void **)&indices);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, indptr[n] * (int64_t)size + 8, "sparse rows", &data);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, widest * 16 + 16, "sparse rows", (void **)&pairs);
    if (s != CLAB_OK)
        goto done;
    for (int64_t i = 0; i < n; i++) {
        int64_t len = remap_row(&m, idx[i], pairs);
        for (int64_t k = 0; k < len; k++) {
            indices[indptr[i] + k] = (int32_t)pairs[2 * k];
            memcpy((char *)data + (size_t)(indptr[i] + k) * size,
                   (const char *)v->data + (size_t)pairs[2 * k + 1] * size, size);
        }
    }
    s = clab_value_sparse(cx, v->dtype, n, n, indptr, indices, data, out);
done:
    clab_mem_free(cx, m.head);
    clab_mem_free(cx, m.next);
    clab_mem_free(cx, indptr);
    clab_mem_free(cx, indices);
    clab_mem_free(cx, data);
    clab_mem_free(cx, pairs);
    return s;
}

clab_status clab_value_take2(clab_ctx *cx, const clab_value *v, const int64_t *idx, int64_t n,
                             clab_value **out)
{
    bool sparse = v->kind == CLAB_V_SPARSE;

    if (!sparse && (v->kind != CLAB_V_ARRAY || v->rank < 2))
        return clab_fail(cx, CLAB_ESHAPE, "this is no matrix over pairs of cells or genes");
    if (v->dims[0] != v->dims[1])
        return clab_fail(cx, CLAB_ESHAPE, "a matrix over pairs is not square");
    for (int64_t i = 0; i < n; i++)
        if (idx[i] < 0 || idx[i] >= v->dims[0])
            return clab_fail(cx, CLAB_ESHAPE, "row %s of a matrix that has %s", clab_text_count(idx[i]),
                             clab_text_count(v->dims[0]));
    return sparse ? take2_sparse(cx, v, idx, n, out) : take2_array(cx, v, idx, n, out);
}
