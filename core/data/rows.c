/* rows.c -- the stream of row blocks: how many rows fit, decoded in tiles on the pool, put together.
 *
 * A block is laid out with the room its rows need before their gene maps, filled in parallel by tiles of a
 * fixed number of rows, then closed up; what comes out does not depend on the number of threads.  While the
 * caller works on one block, idle threads fill the next.
 */
#include "data/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "base/text.h"
#include "data/matrix_impl.h"
#include "ledger/ledger.h"

#define TILE_ROWS 32
#define DEFAULT_BLOCK_BYTES (2 << 20) /* stays in a core's cache, decodes in a millisecond */

/* A block and what its rows were before they were closed up. */
typedef struct {
    clab_csr block;
    int64_t *counts;       /* entries of each row of the block after its map */
    int64_t room_rows, room_nnz;
} slot;

struct clab_rows {
    clab_ctx *cx;
    clab_matrix *m;
    bool f64;
    const int64_t *order;  /* borrowed; NULL = all in order */
    int64_t n_order;
    int64_t block_rows;    /* 0 = as many as fit */
    int64_t max_bytes;     /* 0 = no limit */
    int64_t at;            /* rows planned */
    clab__bases *bases;    /* NULL = a matrix without */
    bool full;             /* rows with a base have all columns */
    slot slots[2];
    int turn;              /* the one to deliver next */
    bool ahead;            /* it is being filled */
    clab_job job;          /* by this */
    clab__passes passes;
    int n_scratch;
    clab__scratch **scratch;
    clab_phase *phase;
};

static int64_t row_at(const clab_rows *r, int64_t i)
{
    return r->order ? r->order[i] : i;
}

/* What was begun and nobody will ask for. */
static void give_up(clab_rows *r)
{
    if (r->ahead)
        clab_parallel_drop(&r->job);
    r->ahead = false;
    clab__passes_end(r->cx, &r->passes);
}

clab_status clab_rows_rewind(clab_ctx *cx, clab_rows *r, const int64_t *order, int64_t n_order)
{
    int64_t n = clab_matrix_n_rows(r->m);

    give_up(r);
    for (int64_t i = 0; order && i < n_order; i++)
        if (order[i] < 0 || order[i] >= n)
            return clab_fail(cx, CLAB_EARG, "row %lld of a matrix of %lld rows", (long long)order[i], (long long)n);
    r->order = order;
    r->n_order = order ? n_order : n;
    r->at = 0;
    return clab__passes_begin(cx, r->m, order, r->n_order, &r->passes);
}

static int64_t room_of(const clab_rows *r, int64_t row)
{
    return clab__matrix_row_room(r->m, row, r->full);
}

static int64_t longest_row(const clab_rows *r)
{
    int64_t longest = 0;

    for (int64_t i = 0; i < clab_matrix_n_rows(r->m); i++) {
        int64_t n = room_of(r, i);
        longest = n > longest ? n : longest;
    }
    return longest;
}

clab_status clab_rows_open(clab_ctx *cx, const clab_matrix *m, const clab_rows_opts *opts, clab_rows **out)
{
    clab_rows_opts o = opts ? *opts : (clab_rows_opts){0};
    clab_rows *r = calloc(1, sizeof *r);
    int64_t longest;
    clab_status s = CLAB_OK;

    *out = NULL;
    if (!r)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a row stream");
    r->cx = cx;
    r->m = clab_matrix_ref(m);
    r->f64 = o.f64;
    r->block_rows = o.block_rows;
    r->max_bytes = o.max_bytes > 0 ? o.max_bytes : o.block_rows > 0 ? 0 : DEFAULT_BLOCK_BYTES;
    s = clab_rows_rewind(cx, r, o.order, o.n_order);
    r->scratch = calloc((size_t)clab_threads(cx), sizeof(clab__scratch *));
    if (s == CLAB_OK && !r->scratch)
        s = clab_fail(cx, CLAB_ENOMEM, "no memory for a row stream");
    if (s == CLAB_OK && clab_matrix_has_base(m))
        s = clab__bases_new(cx, m, &r->bases);
    r->full = r->bases && (!o.over_base || r->bases->varies || !r->bases->finite);
    longest = longest_row(r);
    while (s == CLAB_OK && r->n_scratch < clab_threads(cx))
        s = clab__scratch_new(cx, m, longest, r->f64, &r->scratch[r->n_scratch++]);
    if (s == CLAB_OK && o.phase)
        r->phase = clab_phase_begin(cx, o.phase, r->n_order, "cells");
    if (s != CLAB_OK) {
        clab_rows_close(cx, r);
        return s;
    }
    *out = r;
    return CLAB_OK;
}

void clab_rows_close(clab_ctx *cx, clab_rows *r)
{
    if (!r)
        return;
    give_up(r);
    if (r->phase)
        clab_phase_end(r->phase);
    for (int i = 0; i < r->n_scratch; i++)
        clab__scratch_free(r->scratch[i]);
    free(r->scratch);
    for (int i = 0; i < 2; i++) {
        slot *t = &r->slots[i];
        clab_mem_free(cx, t->counts);
        clab_mem_free(cx, t->block.indptr);
        clab_mem_free(cx, t->block.row_ids);
        clab_mem_free(cx, t->block.indices);
        clab_mem_free(cx, t->block.f32);
        clab_mem_free(cx, t->block.f64);
    }
    clab__bases_free(r->bases);
    clab_matrix_unref(r->m);
    free(r);
}

/* ---- the next block ------------------------------------------------------------------------------------*/

static clab_status grow(clab_ctx *cx, void *field, int64_t n, size_t size)
{
    void *p;
    int64_t bytes;
    clab_status s = clab_mem_size(cx, n, size, &bytes);

    if (s != CLAB_OK)
        return s;
    memcpy(&p, field, sizeof p);
    s = clab_mem_grow(cx, CLAB_MEM_WORK, bytes, "row block", &p);
    memcpy(field, &p, sizeof p);
    return s;
}

/* Which base a row has: -1 = zeros, or none apart since its rows are full. */
static int base_of(const clab_rows *r, int64_t row)
{
    int64_t local;

    return r->bases && !r->full ? r->bases->of[clab__matrix_find(r->m, row, &local) - r->m->blocks] : -1;
}

/* How many rows the next block has, and the room they need. */
static int64_t plan(const clab_rows *r, int64_t *nnz)
{
    int64_t entry = 4 + (r->f64 ? 8 : 4), rows = 0;
    int base = -1;

    *nnz = 0;
    while (r->at + rows < r->n_order && (r->block_rows <= 0 || rows < r->block_rows)) {
        int64_t row = row_at(r, r->at + rows), n = room_of(r, row);
        if (rows == 0)
            base = base_of(r, row);
        else if (base_of(r, row) != base)
            break;
        if (rows > 0 && r->max_bytes > 0 && (*nnz + n) * entry + (rows + 1) * 24 > r->max_bytes)
            break;
        *nnz += n;
        rows++;
    }
    return rows;
}

static clab_status make_room(clab_ctx *cx, const clab_rows *r, slot *t, int64_t rows, int64_t nnz)
{
    clab_csr *b = &t->block;
    clab_status s = CLAB_OK;

    if (rows > t->room_rows || !b->indptr) {
        s = grow(cx, &b->indptr, rows + 1, sizeof *b->indptr);
        if (s == CLAB_OK)
            s = grow(cx, &b->row_ids, rows + 1, sizeof *b->row_ids);
        if (s == CLAB_OK)
            s = grow(cx, &t->counts, rows + 1, sizeof *t->counts);
        if (s == CLAB_OK)
            t->room_rows = rows;
    }
    if (s == CLAB_OK && (nnz > t->room_nnz || !b->indices)) {
        int64_t want = nnz + CLAB_STORE_PAD;
        s = grow(cx, &b->indices, want, sizeof *b->indices);
        if (s == CLAB_OK && r->f64)
            s = grow(cx, &b->f64, want, sizeof *b->f64);
        else if (s == CLAB_OK)
            s = grow(cx, &b->f32, want, sizeof *b->f32);
        if (s == CLAB_OK)
            t->room_nnz = nnz;
    }
    return s;
}

static clab_status decode_tile(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    clab_rows *r = arg;
    slot *t = &r->slots[r->turn];
    clab_csr *b = &t->block;
    int64_t end = (task + 1) * TILE_ROWS < b->n_rows ? (task + 1) * TILE_ROWS : b->n_rows;
    clab_status s = CLAB_OK;

    for (int64_t i = task * TILE_ROWS; i < end && s == CLAB_OK; i++) {
        int64_t at = b->indptr[i];
        s = clab__matrix_row(cx, r->m, b->row_ids[i], r->scratch[worker], r->bases, r->full,
                             b->indices + at, b->f32 ? b->f32 + at : NULL, b->f64 ? b->f64 + at : NULL, &t->counts[i]);
    }
    return s;
}

/* Move rows together when gene maps dropped entries. */
static void close_up(slot *t)
{
    clab_csr *b = &t->block;
    int64_t to = 0;

    for (int64_t i = 0; i < b->n_rows; i++) {
        int64_t from = b->indptr[i];
        size_t n = (size_t)t->counts[i];
        b->indptr[i] = to;
        if (from != to) {
            memmove(b->indices + to, b->indices + from, n * sizeof *b->indices);
            if (b->f32)
                memmove(b->f32 + to, b->f32 + from, n * sizeof *b->f32);
            else
                memmove(b->f64 + to, b->f64 + from, n * sizeof *b->f64);
        }
        to += (int64_t)n;
    }
    b->indptr[b->n_rows] = to;
    b->nnz = to;
}

/* Lay out the next block in the slot whose turn it is: n_rows 0 when there is none. */
static clab_status lay_out(clab_ctx *cx, clab_rows *r)
{
    slot *t = &r->slots[r->turn];
    clab_csr *b = &t->block;
    int64_t nnz, rows = plan(r, &nnz);
    int base = rows > 0 ? base_of(r, row_at(r, r->at)) : -1;
    clab_status s = rows > 0 ? make_room(cx, r, t, rows, nnz) : CLAB_OK;

    b->n_rows = 0;
    if (s != CLAB_OK || rows == 0)
        return s;
    b->first_row = r->at;
    b->n_rows = rows;
    b->n_cols = clab_matrix_n_cols(r->m);
    b->base = base < 0 ? NULL : r->bases->base[base];
    b->indptr[0] = 0;
    for (int64_t i = 0; i < rows; i++) {
        b->row_ids[i] = row_at(r, r->at + i);
        b->indptr[i + 1] = b->indptr[i] + room_of(r, b->row_ids[i]);
    }
    r->at += rows;
    return clab__passes_need(cx, r->m, b->row_ids, rows, &r->passes);
}

static int64_t n_tiles(const clab_rows *r)
{
    return (r->slots[r->turn].block.n_rows + TILE_ROWS - 1) / TILE_ROWS;
}

/* Let idle threads fill the slot whose turn is next, where there are some and there is room for two. */
static clab_status look_ahead(clab_ctx *cx, clab_rows *r, int64_t block_bytes)
{
    clab_status s;

    if (clab_threads(cx) < 2 || r->at >= r->n_order)
        return CLAB_OK;
    if (!r->slots[r->turn].block.indptr && clab_budget_left(cx) < 2 * block_bytes)
        return CLAB_OK;
    s = lay_out(cx, r);
    if (s == CLAB_OK)
        s = clab_parallel_start(cx, n_tiles(r), decode_tile, r, &r->job);
    r->ahead = s == CLAB_OK;
    return s;
}

clab_status clab_rows_next(clab_ctx *cx, clab_rows *r, const clab_csr **block)
{
    slot *t = &r->slots[r->turn];
    bool ahead = r->ahead;
    clab_status s;

    *block = NULL;
    r->ahead = false;
    s = ahead ? clab_parallel_wait(&r->job) : clab_check(cx);
    if (s == CLAB_OK && !ahead)
        s = lay_out(cx, r);
    if (s != CLAB_OK)
        return s;
    if (t->block.n_rows == 0) {
        clab__passes_end(cx, &r->passes);
        return CLAB_OK;
    }
    if (!ahead && (s = clab_parallel(cx, n_tiles(r), decode_tile, r)) != CLAB_OK)
        return s;
    close_up(t);
    if (r->phase)
        clab_phase_step(r->phase, t->block.first_row + t->block.n_rows);
    r->turn = !r->turn;
    s = look_ahead(cx, r, t->room_nnz * (r->f64 ? 12 : 8) + t->room_rows * 24);
    if (s == CLAB_OK)
        *block = &t->block;
    return s;
}

/* ---- a whole small matrix --------------------------------------------------------------------------------*/

clab_status clab_rows_dense(clab_ctx *cx, const clab_matrix *m, int64_t max_bytes, float **out)
{
    int64_t n = clab_matrix_n_rows(m), g = clab_matrix_n_cols(m), row_bytes, bytes;
    const clab_csr *b = NULL;
    clab_rows *r = NULL;
    void *p = NULL;
    float *x;
    clab_status s = clab_mem_size(cx, g, sizeof *x, &row_bytes);

    *out = NULL;
    if (s == CLAB_OK)
        s = clab_mem_size(cx, n, (size_t)row_bytes, &bytes);
    if (s != CLAB_OK)
        return s;
    if (bytes > max_bytes)
        return clab_fail(cx, CLAB_EBUDGET, "%s cells x %s genes as a dense array take %s, more than the %s allowed here",
                         clab_text_count(n), clab_text_count(g), clab_bytes(bytes), clab_bytes(max_bytes));
    s = clab_mem_zalloc(cx, CLAB_MEM_RESULT, bytes + 1, "dense matrix", &p);
    x = p;
    if (s == CLAB_OK)
        s = clab_rows_open(cx, m, NULL, &r);
    while (s == CLAB_OK && (s = clab_rows_next(cx, r, &b)) == CLAB_OK && b)
        for (int64_t i = 0; i < b->n_rows; i++)
            for (int64_t k = b->indptr[i]; k < b->indptr[i + 1]; k++)
                x[(b->first_row + i) * g + b->indices[k]] = b->f32[k];
    clab_rows_close(cx, r);
    if (s != CLAB_OK) {
        clab_mem_free(cx, p);
        return s;
    }
    *out = x;
    return CLAB_OK;
}
