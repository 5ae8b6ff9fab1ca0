/* value.c -- life, size, equality and the containers of values. */
#include "data/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/value_impl.h"

/* ---- life ---------------------------------------------------------------------------------------*/

clab_status clab__value_new(clab_ctx *cx, clab_vkind kind, clab_value **out)
{
    clab_value *v = calloc(1, sizeof *v);

    if (!v)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a table");
    v->refs = 1;
    v->kind = kind;
    v->cx = cx;
    v->bytes = (int64_t)sizeof *v;
    *out = v;
    return CLAB_OK;
}

clab_status clab__value_alloc(clab_ctx *cx, clab_value *v, int64_t n, size_t size, void **p)
{
    int64_t bytes = 0;
    clab_status s = clab_mem_size(cx, n, size, &bytes);

    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_TABLE, bytes > 0 ? bytes : 1, "tables", p);
    if (s == CLAB_OK)
        v->bytes += bytes;
    return s;
}

clab_value *clab_value_ref(const clab_value *v)
{
    clab_value *held = (clab_value *)v;

    if (held)
        __atomic_add_fetch(&held->refs, 1, __ATOMIC_RELAXED);
    return held;
}

void clab_value_unref(clab_value *v)
{
    if (!v || __atomic_sub_fetch(&v->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (int64_t i = 0; i < v->n_items; i++) {
        free(v->names[i]);
        clab_value_unref(v->items[i]);
    }
    free(v->names);
    free(v->items);
    free(v->index_name);
    clab_value_unref(v->index);
    clab_value_unref(v->levels);
    clab_value_unref(v->inner);
    clab_mem_free(v->cx, v->data);
    clab_mem_free(v->cx, v->codes);
    clab_mem_free(v->cx, v->mask);
    clab_mem_free(v->cx, v->indptr);
    clab_mem_free(v->cx, v->indices);
    free(v);
}

int64_t clab_value_bytes(const clab_value *v)
{
    int64_t bytes;

    if (!v)
        return 0;
    bytes = v->bytes + clab_value_bytes(v->index) + clab_value_bytes(v->levels) + clab_value_bytes(v->inner);
    for (int64_t i = 0; i < v->n_items; i++)
        bytes += clab_value_bytes(v->items[i]);
    return bytes;
}

/* ---- shape --------------------------------------------------------------------------------------*/

clab_status clab__dims_count(clab_ctx *cx, int rank, const int64_t *dims, int64_t *n)
{
    int64_t volume = 1;
    bool empty = false;

    if (rank < 0 || rank > CLAB__MAX_RANK)
        return clab_fail(cx, CLAB_ESHAPE, "an array of rank %d; at most %d dimensions are possible", rank,
                         CLAB__MAX_RANK);
    /* Lengths beside a zero must fit as well: products of some of the dimensions are formed later. */
    for (int i = 0; i < rank; i++) {
        empty = empty || dims[i] == 0;
        if (dims[i] < 0 || (dims[i] > 0 && __builtin_mul_overflow(volume, dims[i], &volume)))
            return clab_fail(cx, CLAB_ESHAPE, "dimension %d of an array has an impossible length", i);
    }
    *n = empty ? 0 : volume;
    return CLAB_OK;
}

int64_t clab__value_count(const clab_value *v)
{
    int64_t n = 1;

    for (int i = 0; i < v->rank; i++)
        n *= v->dims[i];
    return n;
}

int64_t clab_value_len(const clab_value *v)
{
    if (!v || v->kind == CLAB_V_NULL || v->kind == CLAB_V_DICT)
        return 0;
    return v->rank == 0 && (v->kind == CLAB_V_ARRAY || v->kind == CLAB_V_STRINGS) ? 1 : v->dims[0];
}

/* ---- equality -----------------------------------------------------------------------------------*/

static bool same_numbers(const void *a, const void *b, clab_dtype t, int64_t n)
{
    if (t != CLAB_F32 && t != CLAB_F64)
        return memcmp(a, b, (size_t)n * clab_dtype_size(t)) == 0;
    for (int64_t i = 0; i < n; i++) {
        double x = clab__elem_f64(a, t, i), y = clab__elem_f64(b, t, i);
        if (x != y && !(isnan(x) && isnan(y)))
            return false;
    }
    return true;
}

static bool same_strings(const clab_value *a, const clab_value *b)
{
    char *const *s = a->data, *const *t = b->data;
    int64_t n = clab__value_count(a);

    for (int64_t i = 0; i < n; i++)
        if (strcmp(s[i], t[i]) != 0)
            return false;
    return true;
}

static bool same_sparse(const clab_value *a, const clab_value *b)
{
    int64_t nnz = a->indptr[a->dims[0]];

    return memcmp(a->indptr, b->indptr, (size_t)(a->dims[0] + 1) * sizeof *a->indptr) == 0 &&
           memcmp(a->indices, b->indices, (size_t)nnz * sizeof *a->indices) == 0 &&
           same_numbers(a->data, b->data, a->dtype, nnz);
}

/* What stands under the mask does not count. */
static bool same_nullable(const clab_value *a, const clab_value *b)
{
    char x[40], y[40];

    if (a->inner->kind != b->inner->kind || a->dtype != b->dtype)
        return false;
    for (int64_t i = 0; i < a->dims[0]; i++) {
        if ((a->mask[i] != 0) != (b->mask[i] != 0))
            return false;
        if (a->mask[i])
            continue;
        const char *s = clab_value_at_str(a->inner, i, x, sizeof x),
                   *t = clab_value_at_str(b->inner, i, y, sizeof y);
        if ((!s) != (!t) || (s && strcmp(s, t) != 0))
            return false;
    }
    return true;
}

static bool same_items(const clab_value *a, const clab_value *b)
{
    if (a->n_items != b->n_items)
        return false;
    for (int64_t i = 0; i < a->n_items; i++) {
        if (a->kind == CLAB_V_DICT) { /* the order of a dictionary means nothing */
            if (!clab_value_equal(a->items[i], clab_value_get(b, a->names[i])))
                return false;
        } else if (strcmp(a->names[i], b->names[i]) != 0 || !clab_value_equal(a->items[i], b->items[i])) {
            return false;
        }
    }
    return true;
}

bool clab_value_equal(const clab_value *a, const clab_value *b)
{
    if (a == b)
        return true;
    if (!a || !b || a->kind != b->kind || a->rank != b->rank)
        return false;
    if (a->kind != CLAB_V_DICT && memcmp(a->dims, b->dims, sizeof a->dims) != 0)
        return false;
    switch (a->kind) {
    case CLAB_V_NULL:
        return true;
    case CLAB_V_ARRAY:
        return a->dtype == b->dtype && same_numbers(a->data, b->data, a->dtype, clab__value_count(a));
    case CLAB_V_STRINGS:
        return same_strings(a, b);
    case CLAB_V_CATEGORICAL:
        return a->ordered == b->ordered && clab_value_equal(a->levels, b->levels) &&
               memcmp(a->codes, b->codes, (size_t)a->dims[0] * sizeof *a->codes) == 0;
    case CLAB_V_NULLABLE:
        return same_nullable(a, b);
    case CLAB_V_SPARSE:
        return a->dtype == b->dtype && same_sparse(a, b);
    case CLAB_V_TABLE:
        return clab_value_equal(a->index, b->index) && same_items(a, b);
    case CLAB_V_DICT:
    case CLAB_V_RECORDS:
        return same_items(a, b);
    }
    return false;
}

/* ---- containers -----------------------------------------------------------------------------------*/

static int64_t find(const clab_value *v, const char *name)
{
    for (int64_t i = 0; v && i < v->n_items; i++)
        if (strcmp(v->names[i], name) == 0)
            return i;
    return -1;
}

static bool is_container(const clab_value *v)
{
    return v->kind == CLAB_V_TABLE || v->kind == CLAB_V_DICT || v->kind == CLAB_V_RECORDS;
}

const clab_value *clab_value_get(const clab_value *container, const char *name)
{
    int64_t i = find(container, name);

    return i < 0 ? NULL : container->items[i];
}

static clab_status append(clab_ctx *cx, clab_value *v, const char *name, const clab_value *item)
{
    size_t n = (size_t)v->n_items;
    char **names = v->names;
    clab_value **items = v->items;
    char *copy;

    /* Capacity is the next power of two, so it need not be stored. */
    if ((n & (n - 1)) == 0) {
        size_t cap = n ? 2 * n : 1;
        names = realloc(v->names, cap * sizeof *names);
        if (names)
            v->names = names;
        items = realloc(v->items, cap * sizeof *items);
        if (items)
            v->items = items;
    }
    copy = strdup(name);
    if (!names || !items || !copy) {
        free(copy);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for the column %s", clab_show(name));
    }
    v->names[n] = copy;
    v->items[n] = clab_value_ref(item);
    v->n_items++;
    v->bytes += (int64_t)(strlen(name) + 1 + sizeof *names + sizeof *items);
    return CLAB_OK;
}

clab_status clab_value_set(clab_ctx *cx, clab_value *container, const char *name, const clab_value *item)
{
    int64_t at;

    if (!is_container(container))
        return clab_fail(cx, CLAB_EINTERNAL, "%s put into something that is no container", clab_show(name));
    if (container->kind != CLAB_V_DICT && clab_value_len(item) != container->dims[0])
        return clab_fail(cx, CLAB_ESHAPE, "the column %s has %s values, the table has %s rows",
                         clab_show(name), clab_text_count(clab_value_len(item)),
                         clab_text_count(container->dims[0]));
    at = find(container, name);
    if (at < 0)
        return append(cx, container, name, item);
    clab_value *old = container->items[at];
    container->items[at] = clab_value_ref(item);
    clab_value_unref(old);
    return CLAB_OK;
}

bool clab_value_remove(clab_value *container, const char *name)
{
    int64_t at = find(container, name);
    size_t after;

    if (at < 0)
        return false;
    /* Leave the last slot's memory: capacity is derived from n, and realloc may also shrink. */
    free(container->names[at]);
    clab_value_unref(container->items[at]);
    after = (size_t)(container->n_items - at - 1);
    memmove(&container->names[at], &container->names[at + 1], after * sizeof *container->names);
    memmove(&container->items[at], &container->items[at + 1], after * sizeof *container->items);
    container->n_items--;
    return true;
}

clab_status clab_value_copy(clab_ctx *cx, const clab_value *v, clab_value **out)
{
    clab_value *c = NULL;
    clab_status s;

    if (!is_container(v))
        return clab_fail(cx, CLAB_EINTERNAL, "only a container can be copied");
    if (v->kind == CLAB_V_TABLE)
        s = clab_value_table(cx, v->index, v->index_name, &c);
    else if (v->kind == CLAB_V_DICT)
        s = clab_value_dict(cx, &c);
    else
        s = clab_value_records(cx, v->dims[0], &c);
    for (int64_t i = 0; s == CLAB_OK && i < v->n_items; i++)
        s = append(cx, c, v->names[i], v->items[i]);
    if (s != CLAB_OK) {
        clab_value_unref(c);
        return s;
    }
    *out = c;
    return CLAB_OK;
}
