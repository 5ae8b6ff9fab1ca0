/* value_wire.c -- values over a guest's wire.  The reading side believes nothing: kinds, ranks, lengths,
 * codes and row tables are checked before anything is allocated or used. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/value_impl.h"
#include "guest/wire.h"

#define MAX_DEPTH 64                 /* nesting of dictionaries */
#define MAX_NAME (1 << 20)           /* bytes of a column's name */
#define MAX_ITEMS (1 << 22)
#define CHUNK ((int64_t)1 << 20)     /* bytes; memory grows with what has really arrived */

/* Strings travel as one block of NUL-terminated text; 2^40 bytes is more than any table has. */
#define MAX_BYTES ((int64_t)1 << 40)

/* ---- put ------------------------------------------------------------------------------------------*/

static clab_status put_block(clab_ctx *cx, clab_wire *w, const void *p, int64_t bytes)
{
    clab_status s = CLAB_OK;

    for (int64_t at = 0; s == CLAB_OK && at < bytes; at += CHUNK) {
        int64_t n = bytes - at < CHUNK ? bytes - at : CHUNK;
        s = clab_check(cx);
        if (s == CLAB_OK)
            s = clab_wire_put(cx, w, (const char *)p + at, (size_t)n);
    }
    return s;
}

static clab_status put_strings(clab_ctx *cx, clab_wire *w, const clab_value *v)
{
    char *const *strings = v->data;
    int64_t n = clab__value_count(v), bytes = 0;
    clab_status s;

    for (int64_t i = 0; i < n; i++)
        bytes += (int64_t)strlen(strings[i]) + 1;
    s = clab_wire_put_i64(cx, w, bytes);
    for (int64_t i = 0; s == CLAB_OK && i < n; i++)
        s = clab_wire_put(cx, w, strings[i], strlen(strings[i]) + 1);
    return s;
}

static clab_status put_body(clab_ctx *cx, clab_wire *w, const clab_value *v)
{
    clab_status s = CLAB_OK;

    switch (v->kind) {
    case CLAB_V_NULL:
    case CLAB_V_DICT:
    case CLAB_V_RECORDS:
        return CLAB_OK;
    case CLAB_V_ARRAY:
        return put_block(cx, w, v->data, clab__value_count(v) * (int64_t)clab_dtype_size(v->dtype));
    case CLAB_V_STRINGS:
        return put_strings(cx, w, v);
    case CLAB_V_CATEGORICAL:
        s = clab_wire_put_u8(cx, w, v->ordered);
        if (s == CLAB_OK)
            s = clab_value_put(cx, w, v->levels);
        return s != CLAB_OK ? s : put_block(cx, w, v->codes, v->dims[0] * (int64_t)sizeof *v->codes);
    case CLAB_V_NULLABLE:
        s = clab_value_put(cx, w, v->inner);
        return s != CLAB_OK ? s : put_block(cx, w, v->mask, v->dims[0]);
    case CLAB_V_SPARSE:
        s = put_block(cx, w, v->indptr, (v->dims[0] + 1) * (int64_t)sizeof *v->indptr);
        if (s == CLAB_OK)
            s = put_block(cx, w, v->indices, v->indptr[v->dims[0]] * (int64_t)sizeof *v->indices);
        return s != CLAB_OK
                   ? s
                   : put_block(cx, w, v->data, v->indptr[v->dims[0]] * (int64_t)clab_dtype_size(v->dtype));
    case CLAB_V_TABLE:
        s = clab_wire_put_str(cx, w, v->index_name);
        return s != CLAB_OK ? s : clab_value_put(cx, w, v->index);
    }
    return s;
}

clab_status clab_value_put(clab_ctx *cx, clab_wire *w, const clab_value *v)
{
    clab_status s = clab_wire_put_u8(cx, w, (uint8_t)v->kind);

    if (s == CLAB_OK)
        s = clab_wire_put_u8(cx, w, (uint8_t)v->dtype);
    if (s == CLAB_OK)
        s = clab_wire_put_u8(cx, w, (uint8_t)v->rank);
    for (int k = 0; s == CLAB_OK && k < v->rank; k++)
        s = clab_wire_put_i64(cx, w, v->dims[k]);
    if (s == CLAB_OK)
        s = put_body(cx, w, v);
    if (s == CLAB_OK)
        s = clab_wire_put_i64(cx, w, v->n_items);
    for (int64_t i = 0; s == CLAB_OK && i < v->n_items; i++) {
        s = clab_wire_put_str(cx, w, v->names[i]);
        if (s == CLAB_OK)
            s = clab_value_put(cx, w, v->items[i]);
    }
    return s;
}

/* ---- fetch ----------------------------------------------------------------------------------------*/

typedef struct {
    clab_vkind kind;
    clab_dtype dtype;
    int rank;
    int64_t dims[CLAB__MAX_RANK];
    int64_t count;
} head;

static clab_status damaged(clab_ctx *cx, const char *what, const char *why)
{
    return clab_fail(cx, CLAB_EFORMAT, "%s: the worker sent a damaged table (%s)", what, why);
}

static clab_status fetch_value(clab_ctx *cx, clab_wire *w, const char *what, int depth, clab_value **out);

/* n elements into memory that grows with what arrives: a false length costs no memory. */
static clab_status fetch_block(clab_ctx *cx, clab_wire *w, const char *what, int64_t n, size_t size,
                               void **out)
{
    int64_t bytes = 0, have = 0;
    void *p = NULL;
    clab_status s;

    if (n < 0 || __builtin_mul_overflow(n, (int64_t)size, &bytes) || bytes > MAX_BYTES)
        return damaged(cx, what, "impossible length");
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, bytes < CHUNK ? bytes + 1 : CHUNK, what, &p);
    for (int64_t cap = CHUNK; s == CLAB_OK && have < bytes;) {
        int64_t piece = bytes - have < CHUNK ? bytes - have : CHUNK;
        if (have + piece > cap) {
            cap = 2 * cap < bytes ? 2 * cap : bytes;
            s = clab_mem_grow(cx, CLAB_MEM_WORK, cap, what, &p);
        }
        if (s == CLAB_OK)
            s = clab_check(cx);
        if (s == CLAB_OK)
            s = clab_wire_get(cx, w, (char *)p + have, (size_t)piece);
        have += piece;
    }
    if (s != CLAB_OK) {
        clab_mem_free(cx, p);
        return s;
    }
    *out = p;
    return CLAB_OK;
}

static clab_status fetch_head(clab_ctx *cx, clab_wire *w, const char *what, head *h)
{
    uint8_t kind = 0, dtype = 0, rank = 0;
    clab_status s = clab_wire_get_u8(cx, w, &kind);

    if (s == CLAB_OK)
        s = clab_wire_get_u8(cx, w, &dtype);
    if (s == CLAB_OK)
        s = clab_wire_get_u8(cx, w, &rank);
    if (s != CLAB_OK)
        return s;
    if (kind > CLAB_V_RECORDS || dtype > CLAB_STR || rank > CLAB__MAX_RANK)
        return damaged(cx, what, "unknown kind");
    h->kind = (clab_vkind)kind;
    h->dtype = (clab_dtype)dtype;
    h->rank = rank;
    for (int k = 0; s == CLAB_OK && k < h->rank; k++)
        s = clab_wire_get_i64(cx, w, &h->dims[k]);
    if (s == CLAB_OK)
        s = clab__dims_count(cx, h->rank, h->dims, &h->count);
    if (s != CLAB_OK)
        return s;
    bool column = h->kind == CLAB_V_CATEGORICAL || h->kind == CLAB_V_NULLABLE || h->kind == CLAB_V_TABLE ||
                  h->kind == CLAB_V_RECORDS;
    if ((column && h->rank != 1) || (h->kind == CLAB_V_SPARSE && h->rank != 2))
        return damaged(cx, what, "wrong rank");
    if ((h->kind == CLAB_V_ARRAY || h->kind == CLAB_V_SPARSE) && h->dtype == CLAB_STR)
        return damaged(cx, what, "wrong type");
    return CLAB_OK;
}

static clab_status fetch_strings(clab_ctx *cx, clab_wire *w, const char *what, const head *h,
                                 clab_value **out)
{
    int64_t bytes = 0, at = 0;
    char *block = NULL, *text = NULL;
    clab_value *v = NULL;
    clab_status s = clab_wire_get_i64(cx, w, &bytes);

    if (s == CLAB_OK && bytes < h->count)
        s = damaged(cx, what, "too little text");
    if (s == CLAB_OK)
        s = fetch_block(cx, w, what, bytes, 1, (void **)&block);
    if (s == CLAB_OK && bytes > 0 && block[bytes - 1] != '\0')
        s = damaged(cx, what, "text without an end");
    if (s == CLAB_OK)
        s = clab__strings_new(cx, h->rank, h->dims, bytes, &v, &text);
    if (s == CLAB_OK && bytes > 0)
        memcpy(text, block, (size_t)bytes);
    for (int64_t i = 0; s == CLAB_OK && i < h->count; i++) {
        if (at >= bytes) {
            s = damaged(cx, what, "too few strings");
            break;
        }
        ((char **)v->data)[i] = text + at;
        at += (int64_t)strlen(text + at) + 1;
    }
    if (s == CLAB_OK && at != bytes)
        s = damaged(cx, what, "too many strings");
    clab_mem_free(cx, block);
    if (s != CLAB_OK) {
        clab_value_unref(v);
        return s;
    }
    *out = v;
    return CLAB_OK;
}

static clab_status fetch_array(clab_ctx *cx, clab_wire *w, const char *what, const head *h, clab_value **out)
{
    void *data = NULL;
    clab_status s = fetch_block(cx, w, what, h->count, clab_dtype_size(h->dtype), &data);

    if (s == CLAB_OK)
        s = clab_value_array(cx, h->dtype, h->rank, h->dims, data, out);
    clab_mem_free(cx, data);
    return s;
}

static clab_status fetch_categorical(clab_ctx *cx, clab_wire *w, const char *what, const head *h, int depth,
                                     clab_value **out)
{
    uint8_t ordered = 0;
    clab_value *levels = NULL;
    int32_t *codes = NULL;
    clab_status s = clab_wire_get_u8(cx, w, &ordered);

    if (s == CLAB_OK)
        s = fetch_value(cx, w, what, depth + 1, &levels);
    if (s == CLAB_OK)
        s = fetch_block(cx, w, what, h->dims[0], sizeof *codes, (void **)&codes);
    if (s == CLAB_OK)
        s = clab_value_categorical(cx, h->dims[0], codes, levels, ordered != 0, out);
    clab_mem_free(cx, codes);
    clab_value_unref(levels);
    return s;
}

static clab_status fetch_nullable(clab_ctx *cx, clab_wire *w, const char *what, const head *h, int depth,
                                  clab_value **out)
{
    clab_value *inner = NULL;
    uint8_t *mask = NULL;
    clab_status s = fetch_value(cx, w, what, depth + 1, &inner);

    if (s == CLAB_OK && clab_value_len(inner) != h->dims[0])
        s = damaged(cx, what, "a mask of another length");
    if (s == CLAB_OK)
        s = fetch_block(cx, w, what, h->dims[0], 1, (void **)&mask);
    if (s == CLAB_OK)
        s = clab_value_nullable(cx, inner, mask, out);
    clab_mem_free(cx, mask);
    clab_value_unref(inner);
    return s;
}

static clab_status fetch_sparse(clab_ctx *cx, clab_wire *w, const char *what, const head *h, clab_value **out)
{
    int64_t *indptr = NULL, nnz = 0;
    int32_t *indices = NULL;
    void *data = NULL;
    clab_status s = h->dims[0] == INT64_MAX
                        ? damaged(cx, what, "impossible shape")
                        : fetch_block(cx, w, what, h->dims[0] + 1, sizeof *indptr, (void **)&indptr);

    if (s == CLAB_OK) {
        nnz = indptr[h->dims[0]];
        s = fetch_block(cx, w, what, nnz, sizeof *indices, (void **)&indices);
    }
    if (s == CLAB_OK)
        s = fetch_block(cx, w, what, nnz, clab_dtype_size(h->dtype), &data);
    if (s == CLAB_OK)
        s = clab_value_sparse(cx, h->dtype, h->dims[0], h->dims[1], indptr, indices, data, out);
    clab_mem_free(cx, indptr);
    clab_mem_free(cx, indices);
    clab_mem_free(cx, data);
    return s;
}

static clab_status fetch_table(clab_ctx *cx, clab_wire *w, const char *what, const head *h, int depth,
                               clab_value **out)
{
    char *name = NULL;
    clab_value *index = NULL;
    clab_status s = clab_wire_get_str(cx, w, MAX_NAME, &name);

    if (s == CLAB_OK)
        s = fetch_value(cx, w, what, depth + 1, &index);
    if (s == CLAB_OK && clab_value_len(index) != h->dims[0])
        s = damaged(cx, what, "an index of another length");
    if (s == CLAB_OK)
        s = clab_value_table(cx, index, name, out);
    free(name);
    clab_value_unref(index);
    return s;
}

static clab_status fetch_items(clab_ctx *cx, clab_wire *w, const char *what, int depth, clab_value *v)
{
    bool container = v->kind == CLAB_V_TABLE || v->kind == CLAB_V_DICT || v->kind == CLAB_V_RECORDS;
    int64_t n = 0;
    clab_status s = clab_wire_get_i64(cx, w, &n);

    if (s == CLAB_OK && (n < 0 || n > (container ? MAX_ITEMS : 0)))
        s = damaged(cx, what, "impossible number of items");
    for (int64_t i = 0; s == CLAB_OK && i < n; i++) {
        char *name = NULL;
        clab_value *item = NULL;
        s = clab_wire_get_str(cx, w, MAX_NAME, &name);
        if (s == CLAB_OK && !name)
            s = damaged(cx, what, "an item without a name");
        if (s == CLAB_OK)
            s = fetch_value(cx, w, what, depth + 1, &item);
        if (s == CLAB_OK)
            s = clab_value_set(cx, v, name, item);
        free(name);
        clab_value_unref(item);
    }
    return s;
}

static clab_status fetch_value(clab_ctx *cx, clab_wire *w, const char *what, int depth, clab_value **out)
{
    head h = {0};
    clab_value *v = NULL;
    clab_status s;

    if (depth > MAX_DEPTH)
        return damaged(cx, what, "nested too deeply");
    s = fetch_head(cx, w, what, &h);
    if (s != CLAB_OK)
        return s;
    switch (h.kind) {
    case CLAB_V_NULL: s = clab_value_null(cx, &v); break;
    case CLAB_V_ARRAY: s = fetch_array(cx, w, what, &h, &v); break;
    case CLAB_V_STRINGS: s = fetch_strings(cx, w, what, &h, &v); break;
    case CLAB_V_CATEGORICAL: s = fetch_categorical(cx, w, what, &h, depth, &v); break;
    case CLAB_V_NULLABLE: s = fetch_nullable(cx, w, what, &h, depth, &v); break;
    case CLAB_V_SPARSE: s = fetch_sparse(cx, w, what, &h, &v); break;
    case CLAB_V_TABLE: s = fetch_table(cx, w, what, &h, depth, &v); break;
    case CLAB_V_DICT: s = clab_value_dict(cx, &v); break;
    case CLAB_V_RECORDS: s = clab_value_records(cx, h.dims[0], &v); break;
    }
    if (s == CLAB_OK)
        s = fetch_items(cx, w, what, depth, v);
    if (s != CLAB_OK) {
        clab_value_unref(v);
        return s;
    }
    *out = v;
    return CLAB_OK;
}

clab_status clab_value_fetch(clab_ctx *cx, clab_wire *w, const char *what, clab_value **out)
{
    return fetch_value(cx, w, what, 0, out);
}
