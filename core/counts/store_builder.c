/* store_builder.c -- rows in, one packed layout out, written by pwrite as it grows.
 * Holds one chunk and the row table; never the matrix. */
#include "counts/counts_impl.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fault.h"
#include "ledger/ledger.h"

struct clab_store_builder {
    clab_ctx *cx;
    int fd;
    bool own_fd;
    clab__header head;
    uint64_t *starts, *before; /* n_rows + 1 each, `room` places */
    int64_t room;
    uint8_t *chunk;
    size_t held;               /* bytes in chunk */
    int64_t flushed;           /* bytes of the rows section in the file */
    clab_charge charge;        /* for a memfd of our own: grows ahead of what is written */
    int64_t charged;
    clab__levels levels;       /* of the row being packed */
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

    if (s == CLAB_OK)
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
    memcpy(b->head.magic, clab__magic, sizeof b->head.magic);
    b->head.version = CLAB__VERSION;
    b->head.order_tag = CLAB__ORDER_TAG;
    b->head.n_cols = n_cols;
    b->head.dtype = (int32_t)dtype;
    b->head.dense = dense;
    b->head.whole = b->head.finite = 1;
    b->head.min = HUGE_VAL;
    b->head.max = -HUGE_VAL;
    b->head.bad_row = b->head.bad_col = -1;
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

void clab_store_builder_free(clab_store_builder *b)
{
    if (!b)
        return;
    clab_mem_free(b->cx, b->starts);
    clab_mem_free(b->cx, b->before);
    clab_mem_free(b->cx, b->chunk);
    if (b->own_fd && b->fd >= 0)
        close(b->fd);
    clab_mem_release(b->cx, b->charge);
    free(b);
}

/* ---- one row ------------------------------------------------------------------------------------------*/

/* The numbers of one block that stand for its values. */
static void value_codes(const clab_store_builder *b, clab__row_mode mode, const char *values, int n, uint32_t *v)
{
    double x[CLAB__BLOCK];

    if (mode == CLAB__ROW_LEVELS) {
        clab__levels_codes(&b->levels, values, n, v);
        return;
    }
    clab__to_f64((clab_dtype)b->head.dtype, values, n, x);
    for (int i = 0; i < n; i++)
        v[i] = (uint32_t)x[i] - (mode == CLAB__ROW_COUNTS);
}

static clab_status pack_row(clab_store_builder *b, int64_t n, const int32_t *indices, const void *values,
                            clab__row_mode mode)
{
    size_t size = clab_dtype_size((clab_dtype)b->head.dtype);
    uint8_t packed[2 * CLAB__PACK_MAX], head[CLAB__LEVELS_MAX];
    int32_t last = -1;
    clab_status s;

    if (mode == CLAB__ROW_RAW && clab__levels_find(&b->levels, (clab_dtype)b->head.dtype, values, n))
        mode = CLAB__ROW_LEVELS;
    head[0] = (uint8_t)mode;
    s = emit(b, head, 1 + (mode == CLAB__ROW_LEVELS ? clab__levels_put(&b->levels, head + 1) : 0));
    for (int64_t at = 0; s == CLAB_OK && at < n; at += CLAB__BLOCK) {
        int m = (int)(n - at < CLAB__BLOCK ? n - at : CLAB__BLOCK);
        uint32_t v[CLAB__BLOCK];
        size_t bytes;
        for (int i = 0; i < m; i++) {
            v[i] = (uint32_t)(indices[at + i] - last - 1);
            last = indices[at + i];
        }
        bytes = clab__pack(v, m, packed);
        if (mode != CLAB__ROW_RAW) {
            value_codes(b, mode, (const char *)values + (size_t)at * size, m, v);
            bytes += clab__pack(v, m, packed + bytes);
        }
        s = emit(b, packed, bytes);
    }
    if (s == CLAB_OK && mode == CLAB__ROW_RAW)
        s = emit(b, values, (size_t)n * size);
    return s;
}

static clab_status check_row(clab_store_builder *b, int64_t n, const int32_t *indices)
{
    int64_t last = -1;

    for (int64_t i = 0; i < n; i++) {
        if (indices[i] <= last || indices[i] >= b->head.n_cols)
            return clab_fail(b->cx, CLAB_EFORMAT,
                             "row %lld: column %d follows column %lld of %lld: columns must rise in a row",
                             (long long)b->head.n_rows, indices[i], (long long)last, (long long)b->head.n_cols);
        last = indices[i];
    }
    return CLAB_OK;
}

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

clab_status clab_store_builder_add(clab_ctx *cx, clab_store_builder *b, int64_t n_rows, const int64_t *indptr,
                                   const int32_t *indices, const void *values)
{
    size_t size = clab_dtype_size((clab_dtype)b->head.dtype);
    clab_status s = room_for(b, b->head.n_rows + n_rows);

    for (int64_t r = 0; s == CLAB_OK && r < n_rows; r++) {
        int64_t n = indptr[r + 1] - indptr[r];
        const int32_t *cols = indices + indptr[r];
        const void *row = (const char *)values + (size_t)indptr[r] * size;
        if (r % 256 == 0 && (s = clab_check(cx)) != CLAB_OK)
            break;
        if (n < 0 || n > b->head.n_cols)
            return clab_fail(cx, CLAB_EFORMAT, "row %lld has %lld entries in %lld columns",
                             (long long)b->head.n_rows, (long long)n, (long long)b->head.n_cols);
        s = check_row(b, n, cols);
        if (s == CLAB_OK && n > 0)
            s = pack_row(b, n, cols, row, clab__scan_row(&b->head, n, cols, row));
        else if (s == CLAB_OK)
            b->head.hash = clab__mix(b->head.hash * 3);
        if (s != CLAB_OK)
            break;
        b->head.n_rows++;
        b->head.nnz += n;
        b->starts[b->head.n_rows] = (uint64_t)(b->flushed + (int64_t)b->held);
        b->before[b->head.n_rows] = (uint64_t)b->head.nnz;
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
    int fd = b->fd;

    *out = NULL;
    if (s == CLAB_OK && !b->own_fd)
        s = clab_fail(cx, CLAB_EINTERNAL, "this builder writes into a file of its caller");
    if (s == CLAB_OK)
        b->own_fd = false; /* clab_store_open takes it, and charges it anew */
    clab_store_builder_free(b);
    return s == CLAB_OK ? clab_store_open(cx, fd, what, out) : s;
}
