/* row_blocks.c -- entries that come row after row, handed on in blocks of rows. */
#include "io/text_impl.h"

#include <string.h>

#define BLOCK_NNZ (256 << 10)
#define BLOCK_ROWS 16384

clab_status clab__row_blocks_open(clab__h5 *h, clab__sink *k, clab_dtype t, int64_t n_cols, clab__row_blocks *b)
{
    *b = (clab__row_blocks){.h = h, .sink = k, .dtype = t, .size = clab_dtype_size(t), .n_cols = n_cols};
    clab_status st = clab_mem_zalloc(h->cx, CLAB_MEM_WORK, (BLOCK_ROWS + 1) * 8, "row pointers", (void **)&b->ptr);
    b->n_rows = 1; /* the one that is being filled */
    return st;
}

static clab_status grow(clab__row_blocks *b, int64_t cap)
{
    clab_ctx *cx = b->h->cx;
    clab_status st = clab__h5_ask(b->h, "a block of rows", cap * (4 + (int64_t)b->size));
    if (st == CLAB_OK)
        st = clab_mem_grow(cx, CLAB_MEM_WORK, cap * 4, "a block of indices", (void **)&b->indices);
    if (st == CLAB_OK)
        st = clab_mem_grow(cx, CLAB_MEM_WORK, cap * (int64_t)b->size, "a block of values", (void **)&b->values);
    if (st == CLAB_OK)
        b->cap = cap;
    return st;
}

/* The complete rows of the block go out; the one being filled starts the next block. */
static clab_status flush(clab__row_blocks *b, int64_t n_rows)
{
    int64_t rest = b->n - b->ptr[n_rows], from = b->ptr[n_rows];
    clab_status st = clab__rows_tidy(b->h->cx, n_rows, b->ptr, b->indices, b->values, b->dtype);
    if (st == CLAB_OK && n_rows > 0)
        st = b->sink->rows(b->sink, b->h, n_rows, b->ptr, b->indices, b->values);
    if (st == CLAB_OK)
        st = clab_check(b->h->cx);
    if (rest > 0) {
        memmove(b->indices, b->indices + from, (size_t)rest * sizeof *b->indices);
        memmove(b->values, b->values + (size_t)from * b->size, (size_t)rest * b->size);
    }
    b->n = rest;
    b->n_rows = 1;
    b->ptr[0] = 0;
    return st;
}

clab_status clab__row_blocks_to(clab__row_blocks *b, int64_t row)
{
    clab_status st = CLAB_OK;
    for (; st == CLAB_OK && b->row < row; b->row++) {
        b->ptr[b->n_rows] = b->n;
        if (b->n_rows == BLOCK_ROWS || b->n >= BLOCK_NNZ)
            st = flush(b, b->n_rows);
        else
            b->n_rows++;
    }
    return st;
}

/* A full buffer: room for the row being filled, in which repeats have added up first. */
static clab_status make_room(clab__row_blocks *b)
{
    clab_status st = flush(b, b->n_rows - 1);
    if (st == CLAB_OK && b->n > b->n_cols) {
        int64_t ptr[2] = {0, b->n};
        st = clab__rows_tidy(b->h->cx, 1, ptr, b->indices, b->values, b->dtype);
        b->n = ptr[1];
    }
    return st == CLAB_OK && 2 * b->n >= b->cap ? grow(b, b->cap ? 2 * b->cap : BLOCK_NNZ) : st;
}

clab_status clab__row_blocks_add(clab__row_blocks *b, int32_t column, const void *value)
{
    if (b->n == b->cap) {
        clab_status st = b->cap == 0 ? grow(b, BLOCK_NNZ) : make_room(b);
        if (st != CLAB_OK)
            return st;
    }
    b->indices[b->n] = column;
    memcpy(b->values + (size_t)b->n * b->size, value, b->size);
    b->n++;
    return CLAB_OK;
}

clab_status clab__row_blocks_end(clab__row_blocks *b, int64_t n_rows)
{
    clab_status st = clab__row_blocks_to(b, n_rows);
    return st == CLAB_OK ? flush(b, b->n_rows - 1) : st;
}

void clab__row_blocks_close(clab__row_blocks *b)
{
    if (!b->h)
        return;
    clab_mem_free(b->h->cx, b->ptr);
    clab_mem_free(b->h->cx, b->indices);
    clab_mem_free(b->h->cx, b->values);
    *b = (clab__row_blocks){0};
}
