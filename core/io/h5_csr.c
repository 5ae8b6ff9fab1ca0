/* h5_csr.c -- CSR arrays streamed with everything at work at once: while the chunks of one block of rows are read
 * from the file, those of the block before are inflated, the rows of the one before that are packed, and those
 * before that are written out.
 *
 * One round of the pool moves every block a step on.  Rows leave in the order of the file and are cut into tiles
 * by their entries alone, so that nothing depends on the number of threads.  R rows that are picked.
 */
#include "io/h5_impl.h"

#include "base/pool.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (8LL << 20) /* of the arrays of one block */
#define BLOCK_ROWS 65536
#define TILE_ROWS 8192
#define SETS 2 /* of tiles: one is packed while the other is written out */
#define MAX_TILES (CLAB__TILES / SETS)
#define STAGES 3 /* that hold a block's arrays: fetched, inflated, packed */

/* Rows first..first+n of those picked. */
typedef struct {
    int64_t first, n;
} tile;

typedef struct {
    int64_t start; /* element of the first row */
    clab__run *runs;
    int64_t room_runs;
    clab__span indices, values;
    int n_tiles;
    tile tiles[MAX_TILES];
} block;

/* What a tile needs while it is packed: pointers, and copies where rows cannot stay where they are. */
typedef struct {
    int64_t *ptr;
    int32_t *indices;
    char *values;
    int64_t room, room_rows;
} bench;

typedef struct {
    clab__h5 *h;
    clab__matrix *m;
    const int64_t *indptr;
    clab__sink *sink;
    size_t size;
    bool wide;      /* indices come as int64 */
    bool copies;    /* rows or columns are picked */
    int64_t next;   /* first picked row that is in no block yet */
    int64_t n_rows; /* picked */
    int64_t limit;  /* entries of a block */
    int64_t round;  /* block number round is fetched */
    block blocks[STAGES];
    bench benches[MAX_TILES];
    clab__inflater *z_indices, *z_values;
    int waiting, set; /* tiles of the block to be written out, and where they are */
    int n_parts[4];
} stream;

/* ---- blocks ----------------------------------------------------------------------------------------*/

static int64_t row_from(const stream *s, int64_t i)
{
    return s->indptr[clab__pick_row(s->m, i)];
}

static int64_t row_to(const stream *s, int64_t i)
{
    return s->indptr[clab__pick_row(s->m, i) + 1];
}

static clab_status add_run(stream *s, block *b, int64_t n, int64_t from, int64_t to)
{
    if (n == b->room_runs) {
        int64_t room = 2 * b->room_runs + 16;
        clab__run *runs = realloc(b->runs, (size_t)room * sizeof *runs);
        if (!runs)
            return clab_fail(s->h->cx, CLAB_ENOMEM, "no memory to read %s", clab_show(s->m->data.at));
        b->runs = runs;
        b->room_runs = room;
    }
    b->runs[n] = (clab__run){from, to};
    return CLAB_OK;
}

/* The next rows that fit one block, as tiles and as runs of elements.  A row that is longer than a block is one by
 * itself. */
static clab_status plan(stream *s, block *b, int64_t *n_runs)
{
    int64_t most = s->limit / MAX_TILES * 2, rows = 0;
    clab_status st = CLAB_OK;
    b->n_tiles = 0;
    *n_runs = 0;
    b->start = s->next < s->n_rows ? row_from(s, s->next) : 0;
    for (; st == CLAB_OK && s->next < s->n_rows && rows < BLOCK_ROWS; s->next++, rows++) {
        int64_t from = row_from(s, s->next), to = row_to(s, s->next);
        tile *t = b->n_tiles > 0 ? &b->tiles[b->n_tiles - 1] : NULL;
        if (rows > 0 && to - b->start > s->limit)
            break;
        if (!t || t->n == TILE_ROWS || (to - row_from(s, t->first) > most && t->n > 0)) {
            if (b->n_tiles == MAX_TILES)
                break;
            t = &b->tiles[b->n_tiles++];
            *t = (tile){.first = s->next};
        }
        t->n++;
        if (*n_runs > 0 && b->runs[*n_runs - 1].to == from)
            b->runs[*n_runs - 1].to = to;
        else if (to > from)
            st = add_run(s, b, (*n_runs)++, from, to);
    }
    return st;
}

static clab_status fetch(stream *s, block *b)
{
    int64_t n_runs, n;
    clab_status st = plan(s, b, &n_runs);
    n = n_runs > 0 ? b->runs[n_runs - 1].to - b->start : 0;
    if (st == CLAB_OK)
        st = clab__span_fetch(s->h, &b->indices, b->start, n, b->runs, n_runs);
    if (st == CLAB_OK)
        st = clab__span_fetch(s->h, &b->values, b->start, n, b->runs, n_runs);
    return st;
}

/* ---- tiles -----------------------------------------------------------------------------------------*/

static clab_status room_for(stream *s, bench *w, int64_t rows, int64_t n)
{
    clab_ctx *cx = s->h->cx;
    clab_status st = CLAB_OK;
    if (rows + 1 > w->room_rows) {
        st = clab_mem_grow(cx, CLAB_MEM_WORK, (rows + 1) * 8, "row pointers", (void **)&w->ptr);
        w->room_rows = st == CLAB_OK ? rows + 1 : 0;
    }
    if (st == CLAB_OK && (s->wide || s->copies) && n > w->room) {
        st = clab_mem_grow(cx, CLAB_MEM_WORK, n * 4, "a block of a matrix", (void **)&w->indices);
        if (st == CLAB_OK && s->copies)
            st = clab_mem_grow(cx, CLAB_MEM_WORK, n * (int64_t)s->size, "a block of a matrix", (void **)&w->values);
        w->room = st == CLAB_OK ? n : 0;
    }
    return st;
}

/* Elements from..from+n of the file's indices, each checked, into to[]; to may be where they are. */
static clab_status take_indices(const stream *s, const block *b, int64_t from, int64_t n, int32_t *to)
{
    const char *at = b->indices.out + (size_t)(from - b->start) * b->indices.size;
    const int32_t *narrow = (const int32_t *)(const void *)at;
    const int64_t *wide = (const int64_t *)(const void *)at;
    int64_t limit = s->m->n_cols;
    for (int64_t i = 0; i < n; i++) {
        int64_t v = s->wide ? wide[i] : narrow[i];
        if (v < 0 || v >= limit)
            return clab_fail(s->h->cx, CLAB_EFORMAT, "%s: %s: entry %lld is %lld, it must be 0 to %lld", s->h->name,
                             clab_show(s->m->indices.at), (long long)(from + i), (long long)v, (long long)limit - 1);
        to[i] = (int32_t)v;
    }
    return CLAB_OK;
}

/* The rows of a tile side by side in the bench, picked columns only. */
static clab_status lay_out(stream *s, const block *b, const tile *t, bench *w, int32_t **indices, char **values)
{
    int64_t start = row_from(s, t->first), at = 0;
    clab_status st = CLAB_OK;
    if (!s->copies) {
        int64_t n = row_to(s, t->first + t->n - 1) - start;
        *values = b->values.out + (size_t)(start - b->start) * s->size;
        *indices = s->wide ? w->indices : (int32_t *)(void *)b->indices.out + (start - b->start);
        for (int64_t i = 0; i <= t->n; i++)
            w->ptr[i] = i < t->n ? row_from(s, t->first + i) - start : n;
        return n > 0 ? take_indices(s, b, start, n, *indices) : CLAB_OK;
    }
    *indices = w->indices;
    *values = w->values;
    for (int64_t i = 0; st == CLAB_OK && i < t->n; i++) {
        int64_t from = row_from(s, t->first + i), n = row_to(s, t->first + i) - from;
        w->ptr[i] = at;
        if (n > 0) {
            st = take_indices(s, b, from, n, w->indices + at);
            memcpy(w->values + (size_t)at * s->size, b->values.out + (size_t)(from - b->start) * s->size,
                   (size_t)n * s->size);
        }
        at += n;
    }
    w->ptr[t->n] = at;
    if (st == CLAB_OK)
        clab__pick_cols(&s->m->pick, t->n, w->ptr, *indices, *values, s->size);
    return st;
}

static clab_status pack(stream *s, block *b, int k, int set, bool now)
{
    const tile *t = &b->tiles[k];
    bench *w = &s->benches[k];
    int32_t *indices;
    char *values;
    int64_t n = 0;
    for (int64_t i = 0; i < t->n; i++)
        n += row_to(s, t->first + i) - row_from(s, t->first + i);
    clab_status st = room_for(s, w, t->n, n);
    if (st == CLAB_OK)
        st = lay_out(s, b, t, w, &indices, &values);
    if (st == CLAB_OK)
        st = clab__rows_tidy(s->h->cx, t->n, w->ptr, indices, values, s->m->dtype);
    if (st != CLAB_OK)
        return st;
    return now ? s->sink->rows(s->sink, s->h, t->n, w->ptr, indices, values)
               : s->sink->pack(s->sink, s->h, set * MAX_TILES + k, t->first, t->n, w->ptr, indices, values);
}

/* ---- rounds ----------------------------------------------------------------------------------------*/

static block *block_of(stream *s, int64_t number)
{
    return &s->blocks[(number + STAGES) % STAGES];
}

static clab_status write_out(stream *s)
{
    clab_status st = CLAB_OK;
    for (int k = 0; st == CLAB_OK && k < s->waiting; k++)
        st = s->sink->append(s->sink, s->h, s->set * MAX_TILES + k);
    return st;
}

/* Tasks of a round: writing out, fetching, then the chunks of both arrays, then tiles. */
static clab_status work(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    stream *s = arg;
    block *inflating = block_of(s, s->round - 1);
    if (task < s->n_parts[0])
        return task == 0 ? write_out(s) : fetch(s, block_of(s, s->round));
    task -= s->n_parts[0];
    if (task < s->n_parts[1])
        return clab__span_inflate(cx, s->z_indices, &inflating->indices, task, worker);
    task -= s->n_parts[1];
    if (task < s->n_parts[2])
        return clab__span_inflate(cx, s->z_values, &inflating->values, task, worker);
    return pack(s, block_of(s, s->round - 2), (int)(task - s->n_parts[2]), !s->set, false);
}

static clab_status one_round(stream *s)
{
    block *packing = block_of(s, s->round - 2), *inflating = block_of(s, s->round - 1);
    bool tiles = s->sink->pack && s->sink->append;
    s->n_parts[0] = 2;
    s->n_parts[1] = (int)inflating->indices.n_chunks;
    s->n_parts[2] = (int)inflating->values.n_chunks;
    s->n_parts[3] = tiles ? packing->n_tiles : 0;
    clab_status st = clab_parallel(s->h->cx, s->n_parts[0] + s->n_parts[1] + s->n_parts[2] + s->n_parts[3], work, s);
    for (int k = 0; !tiles && st == CLAB_OK && k < packing->n_tiles; k++)
        st = pack(s, packing, k, 0, true);
    s->waiting = s->n_parts[3];
    s->set = !s->set;
    packing->n_tiles = 0;
    packing->indices.n_chunks = packing->values.n_chunks = 0;
    return st;
}

static bool busy(const stream *s)
{
    bool any = s->next < s->n_rows || s->waiting > 0;
    for (int i = 0; i < STAGES; i++)
        any = any || s->blocks[i].n_tiles > 0;
    return any;
}

static clab_status set_up(stream *s)
{
    const clab__set *i = &s->m->indices;
    int64_t longest = 0;
    s->size = clab_dtype_size(s->m->dtype);
    s->wide = !(clab_dtype_size(i->dtype) < 4 || i->dtype == CLAB_I32);
    s->copies = s->m->pick.rows || s->m->pick.cols;
    s->n_rows = clab__pick_n_rows(s->m);
    s->next = s->m->pick.first;
    int64_t entry = (int64_t)s->size + (s->wide ? 8 : 4), bytes;
    s->limit = BLOCK_BYTES / entry;
    for (int k = 0; k < STAGES; k++) {
        block *b = &s->blocks[k];
        b->indices = (clab__span){.set = i, .mem = s->wide ? H5T_NATIVE_INT64 : H5T_NATIVE_INT32, .size = s->wide ? 8 : 4};
        b->values = (clab__span){.set = &s->m->data, .mem = clab__dtype_mem(s->m->dtype), .size = s->size};
    }
    for (int64_t r = 0; r < s->n_rows; r++)
        longest = row_to(s, r) - row_from(s, r) > longest ? row_to(s, r) - row_from(s, r) : longest;
    longest = longest > s->limit ? longest : s->m->nnz < s->limit ? s->m->nnz : s->limit;
    clab_status st = clab_mem_size(s->h->cx, longest, (size_t)entry * (STAGES + 1), &bytes);
    if (st == CLAB_OK)
        st = clab__h5_ask(s->h, s->m->data.at, bytes);
    if (st == CLAB_OK)
        st = clab__inflater_new(s->h, i, &s->z_indices);
    return st == CLAB_OK ? clab__inflater_new(s->h, &s->m->data, &s->z_values) : st;
}

clab_status clab__csr_stream(clab__h5 *h, clab__matrix *m, const int64_t *indptr, clab__sink *k)
{
    stream *s = calloc(1, sizeof *s);
    if (!s)
        return clab_fail(h->cx, CLAB_ENOMEM, "no memory to read %s", clab_show(m->data.at));
    *s = (stream){.h = h, .m = m, .indptr = indptr, .sink = k};
    clab_status st = set_up(s);
    for (; st == CLAB_OK && busy(s); s->round++)
        st = one_round(s);
    for (int i = 0; i < STAGES; i++) {
        free(s->blocks[i].runs);
        clab__span_free(h->cx, &s->blocks[i].indices);
        clab__span_free(h->cx, &s->blocks[i].values);
    }
    for (int i = 0; i < MAX_TILES; i++) {
        clab_mem_free(h->cx, s->benches[i].ptr);
        clab_mem_free(h->cx, s->benches[i].indices);
        clab_mem_free(h->cx, s->benches[i].values);
    }
    clab__inflater_free(s->z_indices);
    clab__inflater_free(s->z_values);
    free(s);
    return st;
}
