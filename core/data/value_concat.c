/* value_concat.c -- columns and arrays one after another, by the type rules of pandas and numpy.
 *
 *   all categorical        categorical; levels = union in natural order (ordered ones: only when equal)
 *   text among them        strings; a categorical when something is missing or was one
 *   numbers and booleans   numpy's common type; where rows are missing whole numbers become float64,
 *                          booleans and nullable columns nullable
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/value_impl.h"

/* ---- types ----------------------------------------------------------------------------------------*/

static bool is_float(clab_dtype t)
{
    return t == CLAB_F32 || t == CLAB_F64;
}

static bool is_signed(clab_dtype t)
{
    return t == CLAB_I8 || t == CLAB_I16 || t == CLAB_I32 || t == CLAB_I64;
}

clab_dtype clab__dtype_promote(clab_dtype a, clab_dtype b)
{
    size_t na = clab_dtype_size(a), nb = clab_dtype_size(b);

    if (a == b || b == CLAB_BOOL)
        return a;
    if (a == CLAB_BOOL)
        return b;
    if (is_float(a) && is_float(b))
        return CLAB_F64;
    if (is_float(a) || is_float(b)) /* float32 holds 8- and 16-bit whole numbers exactly */
        return (is_float(a) ? a : b) == CLAB_F32 && (is_float(a) ? nb : na) <= 2 ? CLAB_F32 : CLAB_F64;
    if (is_signed(a) == is_signed(b))
        return na > nb ? a : b;
    size_t s = is_signed(a) ? na : nb, u = is_signed(a) ? nb : na;
    if (s > u)
        return is_signed(a) ? a : b;
    return u == 1 ? CLAB_I16 : u == 2 ? CLAB_I32 : u == 4 ? CLAB_I64 : CLAB_F64;
}

static bool all_missing(const clab_value *v)
{
    int64_t n = clab_value_len(v);

    if (v->kind != CLAB_V_ARRAY || v->rank != 1 || !is_float(v->dtype) || n == 0)
        return false;
    for (int64_t i = 0; i < n; i++)
        if (!clab_value_missing(v, i))
            return false;
    return true;
}

/* ---- numbers ----------------------------------------------------------------------------------------*/

static const clab_value *plain_numbers(const clab_value *v)
{
    return v->kind == CLAB_V_NULLABLE ? v->inner : v;
}

/* A categorical of numbers beside plain ones counts as float64. */
static void store_rows(const clab__pieces *p, int i, int64_t at, int64_t width, clab_value *into,
                       uint8_t *mask)
{
    const clab_value *v = p->part[i];
    double nan = (double)NAN;

    for (int64_t k = 0; k < p->n_rows[i] * width; k++) {
        bool gone = !v || (mask && v->kind == CLAB_V_NULLABLE && v->mask[k]);
        if (mask)
            mask[at + k] = gone;
        if (v && v->kind == CLAB_V_CATEGORICAL) {
            double x = clab_value_at_num(v, k);
            clab__elem_store(into->data, into->dtype, at + k, &x, CLAB_F64, 0);
        } else if (v) {
            clab__elem_store(into->data, into->dtype, at + k, plain_numbers(v)->data, plain_numbers(v)->dtype,
                             k);
        } else if (is_float(into->dtype)) {
            clab__elem_store(into->data, into->dtype, at + k, &nan, CLAB_F64, 0);
        }
    }
}

static clab_status concat_numbers(const clab__pieces *p, clab_value **out)
{
    int64_t dims[CLAB__MAX_RANK] = {p->total}, width = 1, at = 0;
    int rank = 1;
    clab_dtype t = CLAB_BOOL;
    bool nullable = false;
    uint8_t *mask = NULL;
    clab_value *v = NULL;
    clab_status s;

    for (int i = 0; i < p->n; i++) {
        if (!p->part[i])
            continue;
        nullable = nullable || p->part[i]->kind == CLAB_V_NULLABLE;
        t = clab__dtype_promote(t, p->part[i]->kind == CLAB_V_CATEGORICAL ? CLAB_F64
                                                                          : plain_numbers(p->part[i])->dtype);
        rank = p->part[i]->rank;
        for (int k = 1; k < rank; k++)
            dims[k] = p->part[i]->dims[k];
    }
    for (int k = 1; k < rank; k++)
        width *= dims[k];
    nullable = nullable || (p->absent && t == CLAB_BOOL && rank == 1);
    if (p->absent && !nullable && !is_float(t))
        t = CLAB_F64;
    s = clab_value_array(p->cx, t, rank, dims, NULL, &v);
    if (s == CLAB_OK && nullable)
        s = clab_mem_alloc(p->cx, CLAB_MEM_WORK, p->total + 1, "mask", (void **)&mask);
    for (int i = 0; s == CLAB_OK && i < p->n; i++) {
        s = clab_check(p->cx);
        if (s == CLAB_OK)
            store_rows(p, i, at, width, v, mask);
        at += p->n_rows[i] * width;
    }
    if (s == CLAB_OK && nullable)
        s = clab_value_nullable(p->cx, v, mask, out);
    else if (s == CLAB_OK)
        *out = clab_value_ref(v);
    clab_mem_free(p->cx, mask);
    clab_value_unref(v);
    return s;
}

/* ---- tables and sparse arrays (obsm) --------------------------------------------------------------*/

static clab_status concat_column(const clab__pieces *p, const char *name, clab_value *table)
{
    const clab_value **cols = calloc((size_t)p->n, sizeof *cols);
    clab_value *column = NULL;
    clab_status s = cols ? CLAB_OK : clab_fail(p->cx, CLAB_ENOMEM, "no memory for a table");

    for (int i = 0; s == CLAB_OK && i < p->n; i++)
        cols[i] = clab_value_get(p->part[i], name);
    if (s == CLAB_OK)
        s = clab_value_concat(p->cx, cols, p->n_rows, p->n, &column);
    if (s == CLAB_OK)
        s = clab_value_set(p->cx, table, name, column);
    clab_value_unref(column);
    free(cols);
    return s;
}

static clab_status concat_tables(const clab__pieces *p, clab_value **out)
{
    const char **names = NULL;
    clab_value *index = NULL, *table = NULL;
    int64_t at = 0;
    clab_status s = clab_mem_zalloc(p->cx, CLAB_MEM_WORK, p->total * 8 + 8, "index", (void **)&names);

    for (int i = 0; s == CLAB_OK && i < p->n; i++)
        for (int64_t k = 0; k < p->n_rows[i]; k++)
            names[at++] = p->part[i] ? ((char *const *)p->part[i]->index->data)[k] : "";
    if (s == CLAB_OK)
        s = clab_value_strings(p->cx, 1, &p->total, names, &index);
    if (s == CLAB_OK)
        s = clab_value_table(p->cx, index, NULL, &table);
    for (int i = 0; s == CLAB_OK && i < p->n; i++)
        for (int64_t c = 0; s == CLAB_OK && p->part[i] && c < p->part[i]->n_items; c++)
            if (!clab_value_get(table, p->part[i]->names[c]))
                s = concat_column(p, p->part[i]->names[c], table);
    if (s == CLAB_OK)
        *out = clab_value_ref(table);
    clab_value_unref(table);
    clab_value_unref(index);
    clab_mem_free(p->cx, names);
    return s;
}

static clab_status concat_sparse(const clab__pieces *p, clab_value **out)
{
    int64_t nnz = 0, width = 0, row = 0, at = 0, *indptr = NULL;
    int32_t *indices = NULL;
    void *data = NULL;
    clab_dtype t = CLAB_BOOL;
    clab_status s;

    for (int i = 0; i < p->n; i++) {
        if (!p->part[i])
            continue;
        nnz += p->part[i]->indptr[p->part[i]->dims[0]];
        width = p->part[i]->dims[1] > width ? p->part[i]->dims[1] : width;
        t = clab__dtype_promote(t, p->part[i]->dtype);
    }
    s = clab_mem_zalloc(p->cx, CLAB_MEM_WORK, p->total * 8 + 8, "sparse rows", (void **)&indptr);
    if (s == CLAB_OK)
        s = clab_mem_alloc(p->cx, CLAB_MEM_WORK, nnz * 4 + 4, "sparse rows", (void **)&indices);
    if (s == CLAB_OK)
        s = clab_mem_alloc(p->cx, CLAB_MEM_WORK, nnz * (int64_t)clab_dtype_size(t) + 8, "sparse rows", &data);
    for (int i = 0; s == CLAB_OK && i < p->n; i++)
        for (int64_t r = 0; r < p->n_rows[i]; r++) {
            const clab_value *v = p->part[i];
            for (int64_t k = v ? v->indptr[r] : 0; v && k < v->indptr[r + 1]; k++) {
                indices[at] = v->indices[k];
                clab__elem_store(data, t, at++, v->data, v->dtype, k);
            }
            indptr[++row] = at;
        }
    if (s == CLAB_OK)
        s = clab_value_sparse(p->cx, t, p->total, width, indptr, indices, data, out);
    clab_mem_free(p->cx, indptr);
    clab_mem_free(p->cx, indices);
    clab_mem_free(p->cx, data);
    return s;
}

/* ---- any ----------------------------------------------------------------------------------------------*/

typedef struct {
    int present, categorical, ordered, text, numbers, tables, sparse, numeric_levels, text_levels, wide,
        booleans;
    bool equal_levels;
} census;

static clab_status count_kinds(const clab__pieces *p, census *c)
{
    const clab_value *first = NULL;

    *c = (census){.equal_levels = true};
    for (int i = 0; i < p->n; i++) {
        const clab_value *v = p->part[i];
        if (!v)
            continue;
        c->present++;
        c->tables += v->kind == CLAB_V_TABLE;
        c->sparse += v->kind == CLAB_V_SPARSE;
        c->wide += (v->kind == CLAB_V_ARRAY || v->kind == CLAB_V_STRINGS) && v->rank > 1;
        c->text += clab__value_is_text(v);
        c->numbers += v->kind == CLAB_V_ARRAY || (v->kind == CLAB_V_NULLABLE && !clab__value_is_text(v));
        c->booleans += (v->kind == CLAB_V_ARRAY || v->kind == CLAB_V_NULLABLE) && v->dtype == CLAB_BOOL;
        if (v->kind == CLAB_V_CATEGORICAL) {
            c->categorical++;
            c->ordered += v->ordered;
            c->numeric_levels += clab_value_is_numeric(v);
            c->text_levels += !clab_value_is_numeric(v);
            first = first ? first : v;
            c->equal_levels = c->equal_levels && clab_value_equal(first->levels, v->levels);
        }
    }
    if (c->present == 0)
        return clab_fail(p->cx, CLAB_EINTERNAL, "nothing to concatenate");
    if (c->tables + c->sparse + c->text + c->numbers + c->categorical < c->present ||
        (c->tables && c->tables < c->present) || (c->sparse && c->sparse < c->present) ||
        (c->wide && c->wide < c->present) || (c->wide && c->text))
        return clab_fail(p->cx, CLAB_ESHAPE, "values of kinds that do not go together");
    return CLAB_OK;
}

static clab_status check_widths(const clab__pieces *p)
{
    const clab_value *first = NULL;

    for (int i = 0; i < p->n; i++) {
        if (!p->part[i])
            continue;
        first = first ? first : p->part[i];
        if (p->part[i]->rank != first->rank || memcmp(p->part[i]->dims + 1, first->dims + 1,
                                                      (size_t)(first->rank - 1) * sizeof *first->dims) != 0)
            return clab_fail(p->cx, CLAB_ESHAPE, "arrays of different widths");
    }
    return CLAB_OK;
}

static clab_status concat_pieces(clab__pieces *p, clab_value **out)
{
    census c;
    clab_status s = count_kinds(p, &c);

    if (s != CLAB_OK)
        return s;
    if (c.tables)
        return concat_tables(p, out);
    if (c.sparse)
        return concat_sparse(p, out);
    if (c.wide) {
        s = check_widths(p);
        return s == CLAB_OK ? concat_numbers(p, out) : s;
    }
    if (c.categorical == c.present && c.ordered == c.present && c.equal_levels)
        return clab__concat_same_levels(p, out);
    if (c.categorical == c.present && c.ordered == 0 && (c.numeric_levels == 0 || c.text_levels == 0))
        return clab__concat_categoricals(p, out);
    if (c.text || c.text_levels || c.ordered)
        return clab__concat_text(p, out);
    return concat_numbers(p, out);
}

clab_status clab_value_concat(clab_ctx *cx, const clab_value *const *parts, const int64_t *n_rows, int n,
                              clab_value **out)
{
    clab__pieces p = {.cx = cx, .n_rows = n_rows, .n = n};
    bool others = false;
    clab_status s = CLAB_OK;

    p.part = calloc((size_t)n + 1, sizeof *p.part);
    if (!p.part)
        return clab_fail(cx, CLAB_ENOMEM, "no memory to concatenate");
    for (int i = 0; s == CLAB_OK && i < n; i++) {
        p.part[i] = parts[i];
        p.total += n_rows[i];
        if (parts[i] && clab_value_len(parts[i]) != n_rows[i])
            s = clab_fail(cx, CLAB_ESHAPE, "a column has %s rows, its table %s",
                          clab_text_count(clab_value_len(parts[i])), clab_text_count(n_rows[i]));
        if (s == CLAB_OK && parts[i] &&
            (clab__value_is_text(parts[i]) || parts[i]->kind == CLAB_V_CATEGORICAL ||
             parts[i]->dtype == CLAB_BOOL))
            others = true;
    }
    /* A label column that is all NaN is how pandas stores "no labels": it has no type of its own. */
    for (int i = 0; s == CLAB_OK && i < n; i++) {
        if (others && p.part[i] && all_missing(p.part[i]))
            p.part[i] = NULL;
        p.absent = p.absent || (!p.part[i] && n_rows[i] > 0);
    }
    if (s == CLAB_OK)
        s = concat_pieces(&p, out);
    free(p.part);
    return s;
}
