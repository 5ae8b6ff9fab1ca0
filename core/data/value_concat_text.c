/* value_concat_text.c -- categoricals and text one after another: levels are united in natural order. */
#include <stdlib.h>
#include <string.h>

#include "data/value_impl.h"

bool clab__value_is_text(const clab_value *v)
{
    return v->kind == CLAB_V_STRINGS || (v->kind == CLAB_V_NULLABLE && v->inner->kind == CLAB_V_STRINGS);
}

/* ---- categoricals -----------------------------------------------------------------------------------*/

clab_status clab__concat_same_levels(const clab__pieces *p, clab_value **out)
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
static clab_status unite_levels(const clab__pieces *p, clab_value **union_of, int32_t **rank)
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

clab_status clab__concat_categoricals(const clab__pieces *p, clab_value **out)
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
static clab_status gather_text(const clab__pieces *p, const char **text, clab_value **spelled)
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

static clab_status nullable_text(const clab__pieces *p, const char *const *text, clab_value **out)
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

clab_status clab__concat_text(const clab__pieces *p, clab_value **out)
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
        plain = plain && (!p->part[i] || clab__value_is_text(p->part[i]));
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
