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

typedef struct {
    clab_ctx *cx;
    const clab_value **part;  /* NULL = n_rows[i] missing rows */
    const int64_t *n_rows;
    int n;
    int64_t total;
    bool absent;              /* some part with rows is NULL */
} pieces;

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

static bool is_text(const clab_value *v)
{
    return v->kind == CLAB_V_STRINGS || (v->kind == CLAB_V_NULLABLE && v->inner->kind == CLAB_V_STRINGS);
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

/* ---- categoricals -----------------------------------------------------------------------------------*/

static clab_status same_levels(const pieces *p, clab_value **out)
{
    const clab_value *first = NULL;
    int32_t *codes = NULL;
    int64_t at = 0;
    clab_status s = clab_mem_alloc(p->cx, CLAB_MEM_WORK, p->total * 4 + 4, "codes", (void **)&codes);

    for (int i = 0; s == CLAB_OK && i < p->n; i++) {
        first = first ? first : p->part[i];
        for (int64_t k = 0; k < p->n_rows[i]; k++)
            codes[at++] = p->part[i] ? p->part[i]->codes[k] : -1;
    }
    if (s == CLAB_OK)
        s = clab_value_categorical(p->cx, p->total, codes, first->levels, first->ordered, out);
    clab_mem_free(p->cx, codes);
    return s;
}

/* The levels of all parts one after another; *union_of = the distinct ones in natural order, and
 * rank[j] = where the j-th of the long list stands in it. */
static clab_status unite_levels(const pieces *p, clab_value **union_of, int32_t **rank)
{
    const clab_value **levels = calloc((size_t)p->n, sizeof *levels);
    int64_t *n_levels = calloc((size_t)p->n, sizeof *n_levels), *first = NULL, *order = NULL, n = 0;
    int32_t *codes = NULL, *place = NULL;
    clab_value *list = NULL, *found = NULL;
    clab_status s = levels && n_levels ? CLAB_OK : clab_fail(p->cx, CLAB_ENOMEM, "no memory for levels");

    for (int i = 0; s == CLAB_OK && i < p->n; i++) {
        levels[i] = p->part[i] ? p->part[i]->levels : NULL;
        n_levels[i] = levels[i] ? levels[i]->dims[0] : 0;
    }
    if (s == CLAB_OK)
        s = clab_value_concat(p->cx, levels, n_levels, p->n, &list);
    if (s == CLAB_OK)
        s = clab__value_distinct(p->cx, list, &codes, &first, &n);
    if (s == CLAB_OK)
        s = clab_value_take(p->cx, list, first, n, &found);
    if (s == CLAB_OK)
        s = clab__levels_order(p->cx, found, true, &order);
    if (s == CLAB_OK)
        s = clab_mem_alloc(p->cx, CLAB_MEM_WORK, n * 4 + 4, "levels", (void **)&place);
    if (s == CLAB_OK)
        s = clab_value_take(p->cx, found, order, n, union_of);
    if (s == CLAB_OK) {
        for (int64_t k = 0; k < n; k++)
            place[order[k]] = (int32_t)k;
        for (int64_t j = 0; j < list->dims[0]; j++)
            codes[j] = codes[j] < 0 ? -1 : place[codes[j]];
        *rank = codes;
        codes = NULL;
    }
    clab_mem_free(p->cx, codes);
    clab_mem_free(p->cx, first);
    clab_mem_free(p->cx, order);
    clab_mem_free(p->cx, place);
    clab_value_unref(found);
    clab_value_unref(list);
    free(levels);
    free(n_levels);
    return s;
}

static clab_status concat_categoricals(const pieces *p, clab_value **out)
{
    clab_value *levels = NULL;
    int32_t *rank = NULL, *codes = NULL;
    int64_t at = 0, offset = 0;
    clab_status s = unite_levels(p, &levels, &rank);

    if (s == CLAB_OK)
        s = clab_mem_alloc(p->cx, CLAB_MEM_WORK, p->total * 4 + 4, "codes", (void **)&codes);
    for (int i = 0; s == CLAB_OK && i < p->n; i++) {
        for (int64_t k = 0; k < p->n_rows[i]; k++) {
            int32_t code = p->part[i] ? p->part[i]->codes[k] : -1;
            codes[at++] = code < 0 ? -1 : rank[offset + code];
        }
        offset += p->part[i] ? p->part[i]->levels->dims[0] : 0;
    }
    if (s == CLAB_OK)
        s = clab_value_categorical(p->cx, p->total, codes, levels, false, out);
    clab_mem_free(p->cx, rank);
    clab_mem_free(p->cx, codes);
    clab_value_unref(levels);
    return s;
}

/* ---- text -------------------------------------------------------------------------------------------*/

/* A column of numbers written out; missing ones stay "" and are masked by the caller. */
static clab_status spell(clab_ctx *cx, const clab_value *v, clab_value **out)
{
    int64_t n = clab_value_len(v);
    char (*text)[40] = NULL;
    const char **s = NULL;
    clab_status st = clab_mem_zalloc(cx, CLAB_MEM_WORK, n * 40 + 40, "numbers as text", (void **)&text);

    if (st == CLAB_OK)
        st = clab_mem_zalloc(cx, CLAB_MEM_WORK, n * 8 + 8, "numbers as text", (void **)&s);
    for (int64_t i = 0; st == CLAB_OK && i < n; i++)
        s[i] = clab_value_at_str(v, i, text[i], sizeof text[i]);
    if (st == CLAB_OK)
        st = clab_value_strings(cx, 1, &n, s, out);
    clab_mem_free(cx, text);
    clab_mem_free(cx, s);
    return st;
}

/* text[] = one pointer a row, NULL where missing; spelled[] keeps what the pointers need. */
static clab_status gather_text(const pieces *p, const char **text, clab_value **spelled)
{
    int64_t at = 0;
    clab_status s = CLAB_OK;

    for (int i = 0; s == CLAB_OK && i < p->n; i++) {
        const clab_value *v = p->part[i], *from = v;
        if (v && clab_value_is_numeric(v)) {
            s = spell(p->cx, v, &spelled[i]);
            from = spelled[i];
        }
        for (int64_t k = 0; s == CLAB_OK && k < p->n_rows[i]; k++)
            text[at++] = !v || clab_value_missing(v, k) ? NULL : clab_value_at_str(from, k, NULL, 0);
    }
    return s;
}

static clab_status nullable_text(const pieces *p, const char *const *text, clab_value **out)
{
    clab_value *inner = NULL;
    uint8_t *mask = NULL;
    clab_status s = clab_value_strings(p->cx, 1, &p->total, text, &inner);

    if (s == CLAB_OK)
        s = clab_mem_alloc(p->cx, CLAB_MEM_WORK, p->total + 1, "mask", (void **)&mask);
    for (int64_t i = 0; s == CLAB_OK && i < p->total; i++)
        mask[i] = !text[i];
    if (s == CLAB_OK)
        s = clab_value_nullable(p->cx, inner, mask, out);
    clab_mem_free(p->cx, mask);
    clab_value_unref(inner);
    return s;
}

static clab_status concat_text(const pieces *p, clab_value **out)
{
    clab_value **spelled = calloc((size_t)p->n, sizeof *spelled), *factor = NULL;
    const char **text = NULL;
    bool nullable = false, plain = true, gaps = false;
    clab_status s = spelled ? CLAB_OK : clab_fail(p->cx, CLAB_ENOMEM, "no memory for text");

    if (s == CLAB_OK)
        s = clab_mem_alloc(p->cx, CLAB_MEM_WORK, p->total * 8 + 8, "text", (void **)&text);
    if (s == CLAB_OK)
        s = gather_text(p, text, spelled);
    for (int i = 0; s == CLAB_OK && i < p->n; i++) {
        nullable = nullable || (p->part[i] && p->part[i]->kind == CLAB_V_NULLABLE);
        plain = plain && (!p->part[i] || is_text(p->part[i]));
    }
    for (int64_t i = 0; s == CLAB_OK && i < p->total; i++)
        gaps = gaps || !text[i];
    if (s == CLAB_OK && nullable && plain) {
        s = nullable_text(p, text, out);
    } else if (s == CLAB_OK && plain && !gaps) {
        s = clab_value_strings(p->cx, 1, &p->total, text, out);
    } else if (s == CLAB_OK) {
        /* anndata keeps text here and makes a categorical of it when it writes, unless all values differ */
        s = clab_value_factor(p->cx, p->total, text, &factor);
        if (s == CLAB_OK && !gaps && factor->levels->dims[0] >= p->total)
            s = clab_value_strings(p->cx, 1, &p->total, text, out);
        else if (s == CLAB_OK)
            *out = clab_value_ref(factor);
        clab_value_unref(factor);
    }
    for (int i = 0; spelled && i < p->n; i++)
        clab_value_unref(spelled[i]);
    free(spelled);
    clab_mem_free(p->cx, text);
    return s;
}

/* ---- numbers ----------------------------------------------------------------------------------------*/

static const clab_value *plain_numbers(const clab_value *v)
{
    return v->kind == CLAB_V_NULLABLE ? v->inner : v;
}

/* A categorical of numbers beside plain ones counts as float64. */
static void store_rows(const pieces *p, int i, int64_t at, int64_t width, clab_value *into, uint8_t *mask)
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
            clab__elem_store(into->data, into->dtype, at + k, plain_numbers(v)->data, plain_numbers(v)->dtype, k);
        } else if (is_float(into->dtype)) {
            clab__elem_store(into->data, into->dtype, at + k, &nan, CLAB_F64, 0);
        }
    }
}

static clab_status concat_numbers(const pieces *p, clab_value **out)
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
        t = clab__dtype_promote(t, p->part[i]->kind == CLAB_V_CATEGORICAL ? CLAB_F64 : plain_numbers(p->part[i])->dtype);
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

static clab_status concat_column(const pieces *p, const char *name, clab_value *table)
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

static clab_status concat_tables(const pieces *p, clab_value **out)
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

static clab_status concat_sparse(const pieces *p, clab_value **out)
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
    int present, categorical, ordered, text, numbers, tables, sparse, numeric_levels, text_levels, wide, booleans;
    bool equal_levels;
} census;

static clab_status count_kinds(const pieces *p, census *c)
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
        c->text += is_text(v);
        c->numbers += v->kind == CLAB_V_ARRAY || (v->kind == CLAB_V_NULLABLE && !is_text(v));
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
        (c->tables && c->tables < c->present) || (c->sparse && c->sparse < c->present) || (c->wide && c->wide < c->present) ||
        (c->wide && c->text))
        return clab_fail(p->cx, CLAB_ESHAPE, "values of kinds that do not go together");
    return CLAB_OK;
}

static clab_status check_widths(const pieces *p)
{
    const clab_value *first = NULL;

    for (int i = 0; i < p->n; i++) {
        if (!p->part[i])
            continue;
        first = first ? first : p->part[i];
        if (p->part[i]->rank != first->rank ||
            memcmp(p->part[i]->dims + 1, first->dims + 1, (size_t)(first->rank - 1) * sizeof *first->dims) != 0)
            return clab_fail(p->cx, CLAB_ESHAPE, "arrays of different widths");
    }
    return CLAB_OK;
}

static clab_status concat_pieces(pieces *p, clab_value **out)
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
        return same_levels(p, out);
    if (c.categorical == c.present && c.ordered == 0 && (c.numeric_levels == 0 || c.text_levels == 0))
        return concat_categoricals(p, out);
    if (c.text || c.text_levels || c.ordered)
        return concat_text(p, out);
    return concat_numbers(p, out);
}

clab_status clab_value_concat(clab_ctx *cx, const clab_value *const *parts, const int64_t *n_rows, int n,
                              clab_value **out)
{
    pieces p = {.cx = cx, .n_rows = n_rows, .n = n};
    bool others = false;
    clab_status s = CLAB_OK;

    p.part = calloc((size_t)n + 1, sizeof *p.part);
    if (!p.part)
        return clab_fail(cx, CLAB_ENOMEM, "no memory to concatenate");
    for (int i = 0; s == CLAB_OK && i < n; i++) {
        p.part[i] = parts[i];
        p.total += n_rows[i];
        if (parts[i] && clab_value_len(parts[i]) != n_rows[i])
            s = clab_fail(cx, CLAB_ESHAPE, "a column has %s rows, its table %s", clab_text_count(clab_value_len(parts[i])),
                          clab_text_count(n_rows[i]));
        if (s == CLAB_OK && parts[i] && (is_text(parts[i]) || parts[i]->kind == CLAB_V_CATEGORICAL || parts[i]->dtype == CLAB_BOOL))
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
