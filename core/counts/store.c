/* store.c -- an opened store: validated bytes mapped read-only, shared by reference, decoded row by row.
 * Believes nothing that the bytes say: sizes are checked when it opens, every read when it decodes. */
#include "counts/counts_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pool.h"
#include "ledger/ledger.h"

const char clab__magic[8] = {'C', 'L', 'A', 'B', 'C', 'N', 'T', '1'};

struct clab_store {
    atomic_int refs;
    clab_ctx *cx;
    clab_charge charge;
    const uint8_t *map;        /* the whole layout */
    size_t map_bytes;
    const uint8_t *rows;
    int64_t row_bytes;
    const uint64_t *starts;    /* n_rows + 1 */
    const uint64_t *before;    /* n_rows + 1 */
    clab_store_info info;
};

int64_t clab__table_at(int64_t row_bytes)
{
    return CLAB__HEADER + (row_bytes + 7) / 8 * 8;
}

/* ---- opening ------------------------------------------------------------------------------------------*/

static clab_status damaged(clab_ctx *cx, const char *what)
{
    return clab_fail(cx, CLAB_EFORMAT, "the packed counts are damaged: %s", what);
}

static clab_status check_header(clab_ctx *cx, const clab__header *h, int64_t file_bytes)
{
    if (memcmp(h->magic, clab__magic, sizeof h->magic) != 0)
        return damaged(cx, "not a store");
    if (h->order_tag != CLAB__ORDER_TAG)
        return damaged(cx, "written on a machine with another byte order");
    if (h->version != CLAB__VERSION)
        return clab_fail(cx, CLAB_EFORMAT, "packed counts of version %u; this program reads version %u", h->version,
                         CLAB__VERSION);
    if (h->header_sum != clab__sum(h, offsetof(clab__header, header_sum)))
        return damaged(cx, "its header fails its checksum");
    if (h->dtype < CLAB_F32 || h->dtype > CLAB_BOOL || h->n_cols < 0 || h->n_cols > INT32_MAX || h->nnz < 0 ||
        h->n_rows < 0 || h->n_rows >= INT64_MAX / 64 || h->row_bytes < 0 || h->row_bytes >= INT64_MAX / 4)
        return damaged(cx, "impossible sizes");
    if (h->total_bytes != clab__table_at(h->row_bytes) + 16 * (h->n_rows + 1) || h->total_bytes != file_bytes)
        return damaged(cx, "its length is not what its header says");
    return CLAB_OK;
}

static clab_status check_table(clab_ctx *cx, const clab_store *s)
{
    int64_t n = s->info.n_rows;

    if (s->starts[0] != 0 || s->before[0] != 0 || s->starts[n] != (uint64_t)s->row_bytes ||
        s->before[n] != (uint64_t)s->info.nnz)
        return damaged(cx, "its row table does not span its rows");
    for (int64_t r = 0; r < n; r++)
        if (s->starts[r + 1] < s->starts[r] || s->before[r + 1] < s->before[r] ||
            s->before[r + 1] - s->before[r] > (uint64_t)s->info.n_cols)
            return clab_fail(cx, CLAB_EFORMAT, "the packed counts are damaged: row %lld of the table", (long long)r);
    return CLAB_OK;
}

typedef struct {
    const uint8_t *bytes;
    int64_t n;
    uint64_t *sums;
} section;

static clab_status sum_chunk(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    section *c = arg;
    int64_t at = task * CLAB__CHUNK, left = c->n - at;

    (void)cx;
    (void)worker;
    c->sums[task] = clab__sum(c->bytes + at, (size_t)(left < CLAB__CHUNK ? left : CLAB__CHUNK));
    return CLAB_OK;
}

static clab_status section_sum(clab_ctx *cx, const void *bytes, int64_t n, uint64_t *sum)
{
    int64_t chunks = (n + CLAB__CHUNK - 1) / CLAB__CHUNK;
    void *sums = NULL;
    section c = {.bytes = bytes, .n = n};
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, (chunks + 1) * 8, "checksums", &sums);

    if (s != CLAB_OK)
        return s;
    c.sums = sums;
    s = clab_parallel(cx, chunks, sum_chunk, &c);
    for (int64_t i = 0; s == CLAB_OK && i < chunks; i++)
        *sum = clab__sum_fold(*sum, c.sums[i]);
    clab_mem_free(cx, sums);
    return s;
}

static clab_status check_sums(clab_ctx *cx, const clab_store *st, const clab__header *h)
{
    uint64_t rows = 0, table = 0;
    int64_t column_bytes = (h->n_rows + 1) * 8;
    clab_status s = section_sum(cx, st->rows, h->row_bytes, &rows);

    if (s == CLAB_OK)
        s = section_sum(cx, st->starts, column_bytes, &table);
    if (s == CLAB_OK)
        s = section_sum(cx, st->before, column_bytes, &table);
    if (s == CLAB_OK && table != h->table_sum)
        s = damaged(cx, "its row table fails its checksum");
    if (s == CLAB_OK && rows != h->rows_sum)
        s = damaged(cx, "its rows fail their checksum");
    return s;
}

/* A memfd must not change under us: no more writes, no other length.  Files have no seals; the ones we
 * are given are private scratch files. */
static clab_status seal(clab_ctx *cx, int fd)
{
    if (fcntl(fd, F_GET_SEALS) < 0)
        return CLAB_OK;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        return clab_fail(cx, CLAB_EIO, "cannot seal the packed counts: %s", strerror(errno));
    return CLAB_OK;
}

static clab_status map_layout(clab_ctx *cx, int fd, const char *what, clab_store *st, clab__header *h)
{
    struct stat file;
    clab_status s;

    if (fstat(fd, &file) != 0)
        return clab_fail(cx, CLAB_EIO, "cannot look at the packed counts: %s", strerror(errno));
    if (file.st_size < CLAB__HEADER)
        return damaged(cx, "shorter than its header");
    s = seal(cx, fd);
    if (s != CLAB_OK)
        return s;
    if (pread(fd, h, sizeof *h, 0) != (ssize_t)sizeof *h)
        return clab_fail(cx, CLAB_EIO, "cannot read the packed counts: %s", strerror(errno));
    s = check_header(cx, h, (int64_t)file.st_size);
    if (s == CLAB_OK)
        s = clab_mem_charge(cx, CLAB_MEM_COUNTS, h->total_bytes, what, &st->charge);
    if (s != CLAB_OK)
        return s;
    st->map = mmap(NULL, (size_t)h->total_bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (st->map == MAP_FAILED) {
        st->map = NULL;
        return clab_fail(cx, CLAB_ENOMEM, "cannot map %lld bytes of counts: %s", (long long)h->total_bytes,
                         strerror(errno));
    }
    st->map_bytes = (size_t)h->total_bytes;
    return CLAB_OK;
}

static void fill_info(clab_store *st, const clab__header *h)
{
    st->rows = st->map + CLAB__HEADER;
    st->row_bytes = h->row_bytes;
    st->starts = (const uint64_t *)(const void *)(st->map + clab__table_at(h->row_bytes));
    st->before = st->starts + h->n_rows + 1;
    st->info = (clab_store_info){
        .n_rows = h->n_rows, .n_cols = h->n_cols, .nnz = h->nnz, .bytes = h->total_bytes,
        .dtype = (clab_dtype)h->dtype, .dense = h->dense != 0, .whole = h->whole != 0,
        .negative = h->negative != 0, .finite = h->finite != 0, .min = h->min, .max = h->max,
        .bad_row = h->bad_row, .bad_col = h->bad_col, .bad_value = h->bad_value, .hash = h->hash,
    };
}

clab_status clab_store_open(clab_ctx *cx, int fd, const char *what, clab_store **out)
{
    clab__header h;
    clab_store *st = calloc(1, sizeof *st);
    clab_status s;

    *out = NULL;
    if (!st) {
        close(fd);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a store");
    }
    st->cx = cx;
    atomic_init(&st->refs, 1);
    s = map_layout(cx, fd, what, st, &h);
    close(fd); /* the mapping keeps the bytes */
    if (s == CLAB_OK) {
        fill_info(st, &h);
        s = check_table(cx, st);
    }
    if (s == CLAB_OK)
        s = check_sums(cx, st, &h);
    if (s != CLAB_OK) {
        clab_store_unref(st);
        return s;
    }
    *out = st;
    return CLAB_OK;
}

clab_store *clab_store_ref(clab_store *s)
{
    if (s)
        atomic_fetch_add(&s->refs, 1);
    return s;
}

void clab_store_unref(clab_store *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    if (s->map)
        munmap((void *)(uintptr_t)s->map, s->map_bytes);
    clab_mem_release(s->cx, s->charge);
    free(s);
}

const clab_store_info *clab_store_get_info(const clab_store *s)
{
    return &s->info;
}

int64_t clab_store_row_nnz(const clab_store *s, int64_t row)
{
    return (int64_t)(s->before[row + 1] - s->before[row]);
}

int clab_store_refs(const clab_store *s)
{
    return atomic_load(&((clab_store *)(uintptr_t)s)->refs);
}

/* ---- decoding ---------------------------------------------------------------------------------------------*/

typedef struct {
    uint32_t n;
    float f32[CLAB__N_LEVELS];
    double f64[CLAB__N_LEVELS];
} level_values;

/* Gaps to columns, `last` being the column before; the last column, or -2 when one lies outside. */
static int64_t columns(const uint32_t *gaps, int n, int64_t last, int64_t n_cols, int32_t *to)
{
    for (int i = 0; i < n; i++) {
        last += (int64_t)gaps[i] + 1;
        to[i] = (int32_t)last; /* rises, so all are inside when the last one is */
    }
    return last < n_cols ? last : -2;
}

static void counts_f32(const uint32_t *v, int n, uint32_t add, float *to)
{
    for (int i = 0; i < n; i++)
        to[i] = (float)(int32_t)(v[i] + add);
}

static void counts_f64(const uint32_t *v, int n, uint32_t add, double *to)
{
    for (int i = 0; i < n; i++)
        to[i] = (double)(int32_t)(v[i] + add);
}

/* The distinct values at p in the type that is delivered; where they end, or NULL when they are cut short. */
static const uint8_t *read_levels(clab_dtype t, const uint8_t *p, const uint8_t *end, level_values *l)
{
    size_t size = clab_dtype_size(t);

    if (p == end)
        return NULL;
    l->n = (uint32_t)*p++ + 1;
    if ((size_t)(end - p) < l->n * size)
        return NULL;
    clab__to_f32(t, p, (int64_t)l->n, l->f32);
    clab__to_f64(t, p, (int64_t)l->n, l->f64);
    return p + l->n * size;
}

static bool level_numbers(const level_values *l, const uint32_t *v, int n, float *f32, double *f64)
{
    for (int i = 0; i < n; i++) {
        if (v[i] >= l->n)
            return false;
        if (f32)
            f32[i] = l->f32[v[i]];
        else
            f64[i] = l->f64[v[i]];
    }
    return true;
}

/* Values of one block from its packed numbers. */
static bool block_values(clab__row_mode mode, const level_values *l, const uint32_t *v, int n, float *f32, double *f64)
{
    if (mode == CLAB__ROW_LEVELS)
        return level_numbers(l, v, n, f32, f64);
    if (f32)
        counts_f32(v, n, mode == CLAB__ROW_COUNTS, f32);
    else
        counts_f64(v, n, mode == CLAB__ROW_COUNTS, f64);
    return true;
}

static const uint8_t *raw_values(clab_dtype t, const uint8_t *p, const uint8_t *end, int64_t n, float *f32, double *f64)
{
    size_t size = clab_dtype_size(t);

    if ((size_t)(end - p) / size < (size_t)n)
        return NULL;
    if (f32)
        clab__to_f32(t, p, n, f32);
    else
        clab__to_f64(t, p, n, f64);
    return p + (size_t)n * size;
}

/* The record p..end of n entries; false when the bytes are not one. */
static bool decode(const clab_store *s, const uint8_t *p, const uint8_t *end, int64_t n, int32_t *indices,
                   float *f32, double *f64)
{
    uint32_t v[CLAB__BLOCK];
    level_values levels;
    int64_t last = -1;
    clab__row_mode mode;

    if (p == end || *p >= CLAB__N_ROW_MODES)
        return false;
    mode = (clab__row_mode)*p++;
    if (mode == CLAB__ROW_LEVELS && !(p = read_levels(s->info.dtype, p, end, &levels)))
        return false;
    for (int64_t at = 0; at < n; at += CLAB__BLOCK) {
        int m = (int)(n - at < CLAB__BLOCK ? n - at : CLAB__BLOCK);
        p = clab__unpack(p, end, m, v);
        if (!p)
            return false;
        last = columns(v, m, last, s->info.n_cols, indices + at);
        if (last < 0)
            return false;
        if (mode == CLAB__ROW_RAW)
            continue;
        p = clab__unpack(p, end, m, v);
        if (!p || !block_values(mode, &levels, v, m, f32 ? f32 + at : NULL, f64 ? f64 + at : NULL))
            return false;
    }
    if (mode == CLAB__ROW_RAW)
        p = raw_values(s->info.dtype, p, end, n, f32, f64);
    return p == end;
}

clab_status clab_store_row(clab_ctx *cx, const clab_store *s, int64_t row, int32_t *indices, float *f32, double *f64)
{
    int64_t n;

    if (row < 0 || row >= s->info.n_rows)
        return clab_fail(cx, CLAB_EINTERNAL, "row %lld of %lld", (long long)row, (long long)s->info.n_rows);
    n = clab_store_row_nnz(s, row);
    if (n == 0)
        return CLAB_OK;
    if (!decode(s, s->rows + s->starts[row], s->rows + s->starts[row + 1], n, indices, f32, f64))
        return clab_fail(cx, CLAB_EFORMAT, "the packed counts of row %lld are damaged", (long long)row);
    return CLAB_OK;
}
