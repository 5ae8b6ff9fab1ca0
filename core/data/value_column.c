/* value_column.c -- one column at a time: elements as numbers or text, distinct values, counts. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "data/value_impl.h"

/* ---- elements -----------------------------------------------------------------------------------*/

double clab__elem_f64(const void *data, clab_dtype t, int64_t i)
{
    switch (t) {
    case CLAB_F32: return (double)((const float *)data)[i];
    case CLAB_F64: return ((const double *)data)[i];
    case CLAB_U64: return (double)((const uint64_t *)data)[i];
    default: return (double)clab__elem_i64(data, t, i);
    }
}

int64_t clab__elem_i64(const void *data, clab_dtype t, int64_t i)
{
    switch (t) {
    case CLAB_I8: return ((const int8_t *)data)[i];
    case CLAB_I16: return ((const int16_t *)data)[i];
    case CLAB_I32: return ((const int32_t *)data)[i];
    case CLAB_I64: return ((const int64_t *)data)[i];
    case CLAB_U8: return ((const uint8_t *)data)[i];
    case CLAB_U16: return ((const uint16_t *)data)[i];
    case CLAB_U32: return ((const uint32_t *)data)[i];
    case CLAB_U64: return (int64_t)((const uint64_t *)data)[i];
    case CLAB_BOOL: return ((const uint8_t *)data)[i] != 0;
    default: return 0;
    }
}

int clab__elem_compare(const void *data, clab_dtype t, int64_t i, int64_t j)
{
    if (t == CLAB_F32 || t == CLAB_F64) {
        double x = clab__elem_f64(data, t, i), y = clab__elem_f64(data, t, j);
        if (isnan(x) || isnan(y))
            return (isnan(x) != 0) - (isnan(y) != 0);
        return (x > y) - (x < y);
    }
    if (t == CLAB_U64) {
        const uint64_t *u = data;
        return (u[i] > u[j]) - (u[i] < u[j]);
    }
    int64_t x = clab__elem_i64(data, t, i), y = clab__elem_i64(data, t, j);
    return (x > y) - (x < y);
}

bool clab_value_missing(const clab_value *col, int64_t i)
{
    switch (col->kind) {
    case CLAB_V_CATEGORICAL: return col->codes[i] < 0;
    case CLAB_V_NULLABLE: return col->mask[i] || clab_value_missing(col->inner, i);
    case CLAB_V_ARRAY:
        return (col->dtype == CLAB_F32 || col->dtype == CLAB_F64) &&
               isnan(clab__elem_f64(col->data, col->dtype, i));
    case CLAB_V_STRINGS: return false;
    default: return true;
    }
}

double clab_value_at_num(const clab_value *col, int64_t i)
{
    if (clab_value_missing(col, i))
        return NAN;
    switch (col->kind) {
    case CLAB_V_CATEGORICAL: return clab_value_at_num(col->levels, col->codes[i]);
    case CLAB_V_NULLABLE: return clab_value_at_num(col->inner, i);
    case CLAB_V_ARRAY: return clab__elem_f64(col->data, col->dtype, i);
    default: return NAN;
    }
}

bool clab_value_is_numeric(const clab_value *col)
{
    switch (col->kind) {
    case CLAB_V_CATEGORICAL: return clab_value_is_numeric(col->levels);
    case CLAB_V_NULLABLE: return clab_value_is_numeric(col->inner);
    default: return col->kind == CLAB_V_ARRAY;
    }
}

/* The shortest decimal that reads back as the same number. */
static const char *format_float(double x, bool single, char *buf, size_t n)
{
    for (int digits = single ? 6 : 15; digits <= (single ? 9 : 17); digits++) {
        snprintf(buf, n, "%.*g", digits, x);
        if (single ? strtof(buf, NULL) == (float)x : strtod(buf, NULL) == x)
            break;
    }
    return buf;
}

const char *clab_value_at_str(const clab_value *col, int64_t i, char *buf, size_t n)
{
    if (clab_value_missing(col, i))
        return NULL;
    switch (col->kind) {
    case CLAB_V_CATEGORICAL: return clab_value_at_str(col->levels, col->codes[i], buf, n);
    case CLAB_V_NULLABLE: return clab_value_at_str(col->inner, i, buf, n);
    case CLAB_V_STRINGS: return ((char *const *)col->data)[i];
    case CLAB_V_ARRAY: break;
    default: return NULL;
    }
    if (col->dtype == CLAB_F32 || col->dtype == CLAB_F64)
        return format_float(clab__elem_f64(col->data, col->dtype, i), col->dtype == CLAB_F32, buf, n);
    if (col->dtype == CLAB_BOOL)
        snprintf(buf, n, "%s", clab__elem_i64(col->data, col->dtype, i) ? "True" : "False");
    else if (col->dtype == CLAB_U64)
        snprintf(buf, n, "%" PRIu64, ((const uint64_t *)col->data)[i]);
    else
        snprintf(buf, n, "%" PRId64, clab__elem_i64(col->data, col->dtype, i));
    return buf;
}

/* ---- order ----------------------------------------------------------------------------------------*/

typedef struct {
    const clab_value *levels;
    bool natural;
} order_by;

/* Equal elements keep their order, so that the first of a run is the one that appears first. */
static int compare_levels(const void *a, const void *b, void *arg)
{
    const order_by *by = arg;
    int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;
    int c;

    if (by->levels->kind == CLAB_V_STRINGS) {
        char *const *s = by->levels->data;
        c = by->natural ? clab_text_natural(s[i], s[j]) : 0;
        if (c == 0)
            c = strcmp(s[i], s[j]);
    } else {
        c = clab__elem_compare(by->levels->data, by->levels->dtype, i, j);
    }
    return c ? c : (i > j) - (i < j);
}

clab_status clab__levels_order(clab_ctx *cx, const clab_value *levels, bool natural, int64_t **order)
{
    order_by by = {levels, natural};
    int64_t n = levels->dims[0], bytes = 0, *o = NULL;
    clab_status s = clab_mem_size(cx, n, sizeof *o, &bytes);

    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, bytes + 8, "order of levels", (void **)&o);
    if (s != CLAB_OK)
        return s;
    for (int64_t i = 0; i < n; i++)
        o[i] = i;
    qsort_r(o, (size_t)n, sizeof *o, compare_levels, &by);
    *order = o;
    return CLAB_OK;
}

/* ---- distinct values --------------------------------------------------------------------------------*/

static clab_status too_many(clab_ctx *cx)
{
    return clab_fail(cx, CLAB_ESHAPE, "a column has more distinct values than can be numbered");
}

static clab_status distinct_text(clab_ctx *cx, const clab_value *text, const clab_value *col, int32_t *codes,
                                 int64_t *first, int64_t *n_levels)
{
    char *const *strings = text->data;
    clab_names *ix = NULL;
    clab_status s = clab_names_new(cx, NULL, 0, NULL, &ix);

    for (int64_t i = 0; s == CLAB_OK && i < text->dims[0]; i++) {
        codes[i] = -1;
        if (clab_value_missing(col, i))
            continue;
        int64_t at = clab_names_add(ix, strings[i]);
        if (at < 0)
            s = clab_fail(cx, CLAB_ENOMEM, "no memory for the distinct values of a column");
        else if (at >= INT32_MAX)
            s = too_many(cx);
        else if (at == *n_levels)
            first[(*n_levels)++] = i;
        codes[i] = (int32_t)at;
    }
    clab_names_free(ix);
    return s;
}

/* Sort rows by value; a run of equal ones is a level, its first member the row of first appearance;
 * then number the levels by that row. */
static clab_status distinct_numbers(clab_ctx *cx, const clab_value *numbers, const clab_value *col,
                                    int32_t *codes, int64_t *first, int64_t *n_levels)
{
    int64_t *order = NULL, n = numbers->dims[0], run = -1;
    clab_status s = clab__levels_order(cx, numbers, false, &order);

    if (s != CLAB_OK)
        return s;
    for (int64_t i = 0; i < n; i++)
        first[i] = -1;
    /* first[row] = row of the run's first member, for every row that is not missing */
    for (int64_t k = 0; k < n; k++) {
        int64_t i = order[k];
        if (clab_value_missing(col, i))
            continue;
        if (run < 0 || clab__elem_compare(numbers->data, numbers->dtype, run, i) != 0)
            run = i;
        first[i] = run;
    }
    for (int64_t i = 0; s == CLAB_OK && i < n; i++) {
        int64_t owner = first[i];
        if (owner < 0) {
            codes[i] = -1;
        } else if (owner < i) {
            codes[i] = codes[owner];
        } else if (*n_levels >= INT32_MAX) {
            s = too_many(cx);
        } else {
            codes[i] = (int32_t)*n_levels;
            first[(*n_levels)++] = i; /* n_levels <= i: only rows already numbered are overwritten */
        }
    }
    clab_mem_free(cx, order);
    return s;
}

clab_status clab__value_distinct(clab_ctx *cx, const clab_value *col, int32_t **codes, int64_t **first,
                                 int64_t *n_levels)
{
    const clab_value *plain = col->kind == CLAB_V_NULLABLE ? col->inner : col;
    int64_t n = clab_value_len(col), bytes = 0, *f = NULL;
    int32_t *c = NULL;
    clab_status s;

    if (col->kind != CLAB_V_CATEGORICAL &&
        ((plain->kind != CLAB_V_ARRAY && plain->kind != CLAB_V_STRINGS) || plain->rank != 1))
        return clab_fail(cx, CLAB_ESHAPE, "this is no column of labels or numbers");
    s = clab_mem_size(cx, n, sizeof *f, &bytes);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, bytes / 2 + 4, "codes of a column", (void **)&c);
    if (s == CLAB_OK && col->kind == CLAB_V_CATEGORICAL) {
        if (n > 0)
            memcpy(c, col->codes, (size_t)n * sizeof *c);
        *n_levels = col->levels->dims[0];
    } else if (s == CLAB_OK) {
        *n_levels = 0;
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, bytes + 8, "levels of a column", (void **)&f);
        if (s == CLAB_OK)
            s = plain->kind == CLAB_V_STRINGS ? distinct_text(cx, plain, col, c, f, n_levels)
                                              : distinct_numbers(cx, plain, col, c, f, n_levels);
    }
    if (s != CLAB_OK) {
        clab_mem_free(cx, c);
        clab_mem_free(cx, f);
        return s;
    }
    *codes = c;
    *first = f;
    return CLAB_OK;
}

/* The levels that clab__value_distinct found, as a value of the column's own type. */
static clab_status distinct_levels(clab_ctx *cx, const clab_value *col, const int64_t *first, int64_t n,
                                   clab_value **levels)
{
    if (col->kind == CLAB_V_CATEGORICAL) {
        *levels = clab_value_ref(col->levels);
        return CLAB_OK;
    }
    return clab_value_take(cx, col->kind == CLAB_V_NULLABLE ? col->inner : col, first, n, levels);
}

clab_status clab_value_codes(clab_ctx *cx, const clab_value *col, clab_value **levels, int32_t **codes)
{
    int64_t *first = NULL, *order = NULL, n_levels = 0, n = clab_value_len(col);
    int32_t *c = NULL, *rank = NULL;
    clab_value *found = NULL, *sorted = NULL;
    clab_status s = clab__value_distinct(cx, col, &c, &first, &n_levels);

    if (s == CLAB_OK)
        s = distinct_levels(cx, col, first, n_levels, &found);
    if (s == CLAB_OK && col->kind == CLAB_V_CATEGORICAL) {
        sorted = clab_value_ref(found);
    } else if (s == CLAB_OK) {
        s = clab__levels_order(cx, found, false, &order);
        if (s == CLAB_OK)
            s = clab_value_take(cx, found, order, n_levels, &sorted);
        if (s == CLAB_OK)
            s = clab_mem_alloc(cx, CLAB_MEM_WORK, n_levels * 4 + 4, "levels of a column", (void **)&rank);
        for (int64_t k = 0; s == CLAB_OK && k < n_levels; k++)
            rank[order[k]] = (int32_t)k;
        for (int64_t i = 0; s == CLAB_OK && i < n; i++)
            c[i] = c[i] < 0 ? -1 : rank[c[i]];
    }
    clab_mem_free(cx, first);
    clab_mem_free(cx, order);
    clab_mem_free(cx, rank);
    clab_value_unref(found);
    if (s != CLAB_OK) {
        clab_mem_free(cx, c);
        clab_value_unref(sorted);
        return s;
    }
    *levels = sorted;
    *codes = c;
    return CLAB_OK;
}

static int compare_tallies(const void *a, const void *b, void *arg)
{
    const int64_t *tally = arg, i = *(const int64_t *)a, j = *(const int64_t *)b;

    return tally[i] != tally[j] ? (tally[i] < tally[j]) - (tally[i] > tally[j]) : (i > j) - (i < j);
}

clab_status clab_value_counts(clab_ctx *cx, const clab_value *col, clab_value **levels, int64_t **counts,
                              int64_t *n_missing)
{
    int64_t *first = NULL, *tally = NULL, *order = NULL, *sorted = NULL, n_levels = 0, used = 0, missing = 0;
    int32_t *codes = NULL;
    clab_value *found = NULL;
    clab_status s = clab__value_distinct(cx, col, &codes, &first, &n_levels);

    if (s == CLAB_OK)
        s = distinct_levels(cx, col, first, n_levels, &found);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, n_levels * 8 + 8, "counts of a column", (void **)&tally);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, n_levels * 8 + 8, "counts of a column", (void **)&order);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, n_levels * 8 + 8, "counts of a column", (void **)&sorted);
    if (s == CLAB_OK) {
        for (int64_t i = 0; i < clab_value_len(col); i++)
            if (codes[i] < 0)
                missing++;
            else
                tally[codes[i]]++;
        for (int64_t k = 0; k < n_levels; k++)
            if (tally[k] > 0)
                order[used++] = k;
        qsort_r(order, (size_t)used, sizeof *order, compare_tallies, tally);
        for (int64_t k = 0; k < used; k++)
            sorted[k] = tally[order[k]];
        s = clab_value_take(cx, found, order, used, levels);
    }
    clab_mem_free(cx, codes);
    clab_mem_free(cx, first);
    clab_mem_free(cx, tally);
    clab_mem_free(cx, order);
    clab_value_unref(found);
    if (s != CLAB_OK) {
        clab_mem_free(cx, sorted);
        return s;
    }
    *counts = sorted;
    if (n_missing)
        *n_missing = missing;
    return CLAB_OK;
}
