/* store_builder.c -- rows in, one packed layout out, written by pwrite as it grows.
 * Holds one chunk, the tiles that are being packed and the row table; never the matrix. */
#include "counts/counts_impl.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/pool.h"
#include "ledger/ledger.h"

#define TILE_ENTRIES 32768 /* packed by one thread before it looks for more work */
#define MAX_TILES 64
#define SKETCHED (1 << 20) /* entries that a dry run packs; of the rows after them only the lengths are kept */

struct clab_store_builder {
    clab_ctx *cx;
    int fd;
    bool own_fd;
    bool facts_only;           /* rows are not written */
    clab__header head;
    uint64_t *starts, *before; /* n_rows + 1 each, `room` places */
    int64_t room;
    uint8_t *chunk;
    size_t held;               /* bytes in chunk */
    int64_t flushed;           /* bytes of the rows section in the file */
    clab_charge charge;        /* for a memfd of our own: grows ahead of what is written */
    int64_t charged;
    clab_store_tile *tiles[MAX_TILES];
    int n_tiles;
    int64_t *lengths;          /* in a dry run: of the rows after the packed ones */
    int64_t n_lengths, room_lengths;
};

static clab_status write_all(clab_ctx *cx, int fd, const void *bytes, size_t n, int64_t at)
{
    const char *p = bytes;

    while (n > 0) {
        ssize_t k = clab_fault_io(cx) ? -1 : pwrite(fd, p, n, (off_t)at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return clab_fail(cx, CLAB_EIO, "cannot write packed counts: %s", k < 0 ? strerror(errno) : "no room");
        p += k;
        at += k;
        n -= (size_t)k;
    }
    return CLAB_OK;
}

/* Pages of our own memfd are ours from the first write: ask before, an eighth ahead. */
static clab_status charge_up_to(clab_store_builder *b, int64_t bytes)
{
    int64_t want = bytes + bytes / 8 + CLAB__CHUNK;
    clab_status s;

    if (!b->own_fd || bytes <= b->charged)
        return CLAB_OK;
    s = clab_mem_reserve_check(b->cx, want - b->charged, "packed counts");
    if (s != CLAB_OK)
        return s;
    clab_mem_release(b->cx, b->charge);
    b->charge = 0;
    b->charged = 0;
    s = clab_mem_charge(b->cx, CLAB_MEM_COUNTS, want, "packed counts", &b->charge);
    if (s == CLAB_OK)
        b->charged = want;
    return s;
}

static clab_status flush(clab_store_builder *b)
{
    clab_status s = charge_up_to(b, CLAB__HEADER + b->flushed + (int64_t)b->held);

    if (s == CLAB_OK && !b->facts_only)
        s = write_all(b->cx, b->fd, b->chunk, b->held, CLAB__HEADER + b->flushed);
    if (s != CLAB_OK)
        return s;
    b->head.rows_sum = clab__sum_fold(b->head.rows_sum, clab__sum(b->chunk, b->held));
    b->flushed += (int64_t)b->held;
    b->held = 0;
    return CLAB_OK;
}

static clab_status emit(clab_store_builder *b, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;

    while (n > 0) {
        size_t k = CLAB__CHUNK - b->held;
        k = k < n ? k : n;
        memcpy(b->chunk + b->held, p, k);
        b->held += k;
        p += k;
        n -= k;
        if (b->held == CLAB__CHUNK) {
            clab_status s = flush(b);
            if (s != CLAB_OK)
                return s;
        }
    }
    return CLAB_OK;
}

clab_status clab_store_builder_new(clab_ctx *cx, int fd, int64_t n_cols, clab_dtype dtype, bool dense,
                                   clab_store_builder **out)
{
    clab_store_builder *b;
    void *chunk = NULL;
    clab_status s = CLAB_OK;

    *out = NULL;
    if (n_cols < 0 || n_cols > INT32_MAX)
        return clab_fail(cx, CLAB_EARG, "a matrix cannot have %lld columns: at most 2^31-1", (long long)n_cols);
    if ((int)dtype < CLAB_F32 || dtype > CLAB_BOOL)
        return clab_fail(cx, CLAB_EARG, "a matrix holds numbers, not values of type %d", (int)dtype);
    b = calloc(1, sizeof *b);
    if (!b)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a store builder");
    b->cx = cx;
    b->fd = fd;
    clab__header_new(&b->head, n_cols, dtype, dense);
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, CLAB__CHUNK, "packing counts", &chunk);
    b->chunk = chunk;
    if (s == CLAB_OK && fd < 0) {
        b->fd = memfd_create("celllab-counts", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        b->own_fd = true;
        if (b->fd < 0)
            s = clab_fail(cx, CLAB_EIO, "cannot make memory for counts: %s", strerror(errno));
    }
    if (s != CLAB_OK) {
        clab_store_builder_free(b);
        return s;
    }
    *out = b;
    return CLAB_OK;
}

void clab_store_builder_facts_only(clab_store_builder *b)
{
    b->facts_only = true;
}

void clab_store_builder_free(clab_store_builder *b)
{
    if (!b)
        return;
    for (int i = 0; i < b->n_tiles; i++)
        clab_store_tile_free(b->tiles[i]);
    clab_mem_free(b->cx, b->starts);
    clab_mem_free(b->cx, b->before);
    clab_mem_free(b->cx, b->chunk);
    if (b->own_fd && b->fd >= 0)
        close(b->fd);
    clab_mem_release(b->cx, b->charge);
    clab_mem_free(b->cx, b->lengths);
    free(b);
}

/* ---- rows ---------------------------------------------------------------------------------------------*/

static clab_status room_for(clab_store_builder *b, int64_t rows)
{
    int64_t bytes, room = b->room ? b->room : 1024;
    void *p;
    clab_status s;

    if (rows + 1 <= b->room)
        return CLAB_OK;
    while (room < rows + 1)
        room += room / 2;
    s = clab_mem_size(b->cx, room, sizeof *b->starts, &bytes);
    if (s != CLAB_OK)
        return s;
    p = b->starts;
    s = clab_mem_grow(b->cx, CLAB_MEM_WORK, bytes, "packing counts", &p);
    b->starts = p;
    if (s != CLAB_OK)
        return s;
    p = b->before;
    s = clab_mem_grow(b->cx, CLAB_MEM_WORK, bytes, "packing counts", &p);
    b->before = p;
    if (s != CLAB_OK)
        return s;
    if (b->room == 0)
        b->starts[0] = b->before[0] = 0;
    b->room = room;
    return CLAB_OK;
}

clab_status clab_store_builder_append(clab_ctx *cx, clab_store_builder *b, const clab_store_tile *t)
{
    int64_t base = b->flushed + (int64_t)b->held;
    clab_status s = room_for(b, b->head.n_rows + t->head.n_rows);

    if (s == CLAB_OK && (t->head.n_cols != b->head.n_cols || t->head.dtype != b->head.dtype))
        s = clab_fail(cx, CLAB_EINTERNAL, "rows of another shape than the store's");
    if (s == CLAB_OK)
        s = emit(b, t->bytes, (size_t)t->used);
    if (s != CLAB_OK)
        return s;
    clab__facts_add(&b->head, &t->head);
    for (int64_t r = 0; r < t->head.n_rows; r++) {
        const clab__tile_row *row = &t->rows[r];
        b->head.hash = clab__hash_row(b->head.hash, row->entries, row->hash);
        b->head.nnz += row->entries;
        b->head.n_rows++;
        b->starts[b->head.n_rows] = (uint64_t)base + row->end;
        b->before[b->head.n_rows] = (uint64_t)b->head.nnz;
    }
    return CLAB_OK;
}

/* Rows cut into tiles of about TILE_ENTRIES, as many as there are tiles to hold them. */
typedef struct {
    clab_store_builder *b;
    const int64_t *indptr;
    const int32_t *indices;
    const void *values;
    int n; /* tiles */
    int64_t cut[MAX_TILES + 1];
} cutting;

static int cut_rows(cutting *c, int64_t from, int64_t n_rows, int most)
{
    int n = 0;

    c->cut[0] = from;
    while (n < most && c->cut[n] < n_rows) {
        int64_t end = c->cut[n] + 1;
        while (end < n_rows && end - c->cut[n] < TILE_ENTRIES && c->indptr[end] - c->indptr[c->cut[n]] < TILE_ENTRIES)
            end++;
        c->cut[++n] = end;
    }
    return n;
}

static clab_status pack_tile(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    const cutting *c = arg;
    int64_t from = c->cut[task];

    (void)worker;
    return clab_store_tile_pack(cx, c->b->tiles[task], c->b->head.n_rows + from - c->cut[0], c->cut[task + 1] - from,
                                c->indptr + from, c->indices, c->values);
}

/* ---- a dry run: a store of the session's own becomes a sketch of itself -----------------------------------*/

static bool only_counted(const clab_store_builder *b)
{
    return b->own_fd && b->head.nnz >= SKETCHED && clab_ctx_planning(b->cx);
}

static clab_status count_rows(clab_store_builder *b, int64_t n_rows, const int64_t *indptr)
{
    void *p = b->lengths;
    clab_status s = CLAB_OK;

    if (b->n_lengths + n_rows > b->room_lengths) {
        b->room_lengths = 2 * (b->n_lengths + n_rows);
        s = clab_mem_grow(b->cx, CLAB_MEM_WORK, 8 * b->room_lengths, "rows of a sketch", &p);
        b->lengths = p;
    }
    for (int64_t i = 0; s == CLAB_OK && i < n_rows; i++)
        b->lengths[b->n_lengths++] = indptr[i + 1] - indptr[i];
    return s;
}

/* The packed rows are the sample of the sketch that takes their place; takes lengths. */
static clab_status sketch(clab_ctx *cx, clab_store *sample, int64_t *lengths, int64_t n, const char *what,
                          clab_store **out)
{
    const int64_t packed = clab_store_get_info(sample)->n_rows;
    int64_t *before = NULL;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, 8 * (packed + n + 1), "rows of a sketch", (void **)&before);

    for (int64_t i = 0; s == CLAB_OK && i <= packed + n; i++)
        before[i] = i == 0 ? 0 : before[i - 1] + (i <= packed ? clab_store_row_nnz(sample, i - 1) : lengths[i - packed - 1]);
    if (s == CLAB_OK)
        s = clab_store_sketch(cx, sample, packed + n, before, -1, false, what, out);
    clab_mem_free(cx, before);
    clab_mem_free(cx, lengths);
    clab_store_unref(sample);
    return s;
}

clab_status clab_store_builder_add(clab_ctx *cx, clab_store_builder *b, int64_t n_rows, const int64_t *indptr,
                                   const int32_t *indices, const void *values)
{
    cutting c = {.b = b, .indptr = indptr, .indices = indices, .values = values};
    int most = 2 * clab_threads(cx) < MAX_TILES ? 2 * clab_threads(cx) : MAX_TILES;
    clab_status s = clab_check(cx);

    if (s == CLAB_OK && only_counted(b))
        return count_rows(b, n_rows, indptr);
    for (int64_t row = 0; s == CLAB_OK && row < n_rows; row = c.cut[c.n]) {
        int n = cut_rows(&c, row, n_rows, most);
        while (s == CLAB_OK && b->n_tiles < n) {
            s = clab_store_tile_new(cx, b->head.n_cols, (clab_dtype)b->head.dtype, &b->tiles[b->n_tiles]);
            b->n_tiles += s == CLAB_OK;
        }
        if (s == CLAB_OK)
            s = n == 1 ? pack_tile(cx, 0, 0, &c) : clab_parallel(cx, n, pack_tile, &c);
        for (int i = 0; s == CLAB_OK && i < n; i++)
            s = clab_store_builder_append(cx, b, b->tiles[i]);
        c.n = n;
    }
    return s;
}

/* ---- the end --------------------------------------------------------------------------------------------*/

static clab_status write_table(clab_store_builder *b, const uint64_t *column, int64_t *at)
{
    const char *p = (const char *)column;
    int64_t left = (b->head.n_rows + 1) * 8;
    clab_status s = CLAB_OK;

    while (s == CLAB_OK && left > 0) {
        size_t k = left < CLAB__CHUNK ? (size_t)left : CLAB__CHUNK;
        s = write_all(b->cx, b->fd, p, k, *at);
        b->head.table_sum = clab__sum_fold(b->head.table_sum, clab__sum(p, k));
        p += k;
        *at += (int64_t)k;
        left -= (int64_t)k;
    }
    return s;
}

static clab_status finish(clab_store_builder *b)
{
    clab__header *h = &b->head;
    uint8_t page[CLAB__HEADER] = {0};
    int64_t at;
    clab_status s = room_for(b, h->n_rows);

    if (s == CLAB_OK && b->held > 0)
        s = flush(b);
    if (s != CLAB_OK)
        return s;
    h->row_bytes = b->flushed;
    at = clab__table_at(h->row_bytes);
    h->total_bytes = at + 16 * (h->n_rows + 1);
    if (h->nnz == 0)
        h->min = h->max = 0;
    else if (h->min > h->max) /* nothing but NaN */
        h->min = h->max = (double)NAN;
    h->hash = clab__mix(h->hash ^ clab__mix((uint64_t)h->n_rows) ^ clab__mix(~(uint64_t)h->n_cols));
    s = charge_up_to(b, h->total_bytes);
    if (s == CLAB_OK)
        s = write_table(b, b->starts, &at);
    if (s == CLAB_OK)
        s = write_table(b, b->before, &at);
    if (s != CLAB_OK)
        return s;
    h->header_sum = clab__sum(h, offsetof(clab__header, header_sum));
    memcpy(page, h, sizeof *h);
    return write_all(b->cx, b->fd, page, sizeof page, 0);
}

clab_status clab_store_builder_end(clab_ctx *cx, clab_store_builder *b, int64_t *bytes)
{
    clab_status s;

    (void)cx;
    s = finish(b);
    *bytes = b->head.total_bytes;
    clab_store_builder_free(b);
    return s;
}

clab_status clab_store_builder_store(clab_ctx *cx, clab_store_builder *b, const char *what, clab_store **out)
{
    clab_status s = finish(b);
    int64_t *lengths = b->lengths, n_lengths = b->n_lengths;
    clab_store *sample = NULL;
    int fd = b->fd;

    *out = NULL;
    if (s == CLAB_OK && !b->own_fd)
        s = clab_fail(cx, CLAB_EINTERNAL, "this builder writes into a file of its caller");
    if (s == CLAB_OK)
        b->own_fd = false; /* clab_store_open takes it, and charges it anew */
    if (s == CLAB_OK)
        b->lengths = NULL;
    clab_store_builder_free(b);
    if (s == CLAB_OK)
        s = clab_store_open(cx, fd, what, n_lengths > 0 ? &sample : out);
    return s == CLAB_OK && sample ? sketch(cx, sample, lengths, n_lengths, what, out) : s;
}
