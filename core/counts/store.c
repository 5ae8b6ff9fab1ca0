/* store.c -- opening a store and holding it: validated bytes, mapped read-only or left in their file, shared
 * by reference.  Believes nothing that the bytes say: sizes are checked here, every read when a row is
 * decoded (store_row.c). */
#include "counts/counts_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/pool.h"

const char clab__magic[8] = {'C', 'L', 'A', 'B', 'C', 'N', 'T', '1'};

int64_t clab__table_at(int64_t row_bytes)
{
    return CLAB__HEADER + (row_bytes + 7) / 8 * 8;
}

/* ---- checks -------------------------------------------------------------------------------------------*/

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

static clab_status check_table(clab_ctx *cx, const clab_store *s, int64_t row_bytes)
{
    int64_t n = s->info.n_rows;

    if (s->starts[0] != 0 || s->before[0] != 0 || s->starts[n] != (uint64_t)row_bytes ||
        s->before[n] != (uint64_t)s->info.nnz)
        return damaged(cx, "its row table does not span its rows");
    for (int64_t r = 0; r < n; r++)
        if (s->starts[r + 1] < s->starts[r] || s->before[r + 1] < s->before[r] ||
            s->before[r + 1] - s->before[r] > (uint64_t)s->info.n_cols)
            return clab_fail(cx, CLAB_EFORMAT, "the packed counts are damaged: row %lld of the table", (long long)r);
    return CLAB_OK;
}

/* n bytes in memory, or where bytes is NULL the rows in the file. */
typedef struct {
    const uint8_t *bytes;
    int fd;
    int64_t n;
    uint64_t *sums;
} section;

static clab_status sum_chunk(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    section *c = arg;
    int64_t at = task * CLAB__CHUNK, left = c->n - at;
    size_t n = (size_t)(left < CLAB__CHUNK ? left : CLAB__CHUNK);
    void *chunk = NULL;
    clab_status s = CLAB_OK;

    (void)worker;
    if (c->bytes) {
        c->sums[task] = clab__sum(c->bytes + at, n);
        return CLAB_OK;
    }
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, (int64_t)n, "checksums", &chunk);
    if (s == CLAB_OK)
        s = clab__file_read(cx, c->fd, chunk, n, CLAB__HEADER + at);
    if (s == CLAB_OK)
        c->sums[task] = clab__sum(chunk, n);
    clab_mem_free(cx, chunk);
    return s;
}

static clab_status section_sum(clab_ctx *cx, const void *bytes, int fd, int64_t n, uint64_t *sum)
{
    int64_t chunks = (n + CLAB__CHUNK - 1) / CLAB__CHUNK;
    void *sums = NULL;
    section c = {.bytes = bytes, .fd = fd, .n = n};
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

static clab_status check_sums(clab_ctx *cx, const clab_store *st, const clab__header *h, bool with_rows)
{
    uint64_t rows = 0, table = 0;
    int64_t column_bytes = (h->n_rows + 1) * 8;
    clab_status s = CLAB_OK;

    if (with_rows)
        s = section_sum(cx, st->map ? st->map + CLAB__HEADER : NULL, st->fd, h->row_bytes, &rows);
    if (s == CLAB_OK)
        s = section_sum(cx, st->starts, -1, column_bytes, &table);
    if (s == CLAB_OK)
        s = section_sum(cx, st->before, -1, column_bytes, &table);
    if (s == CLAB_OK && table != h->table_sum)
        s = damaged(cx, "its row table fails its checksum");
    if (s == CLAB_OK && with_rows && rows != h->rows_sum)
        s = damaged(cx, "its rows fail their checksum");
    return s;
}

/* ---- the two homes ------------------------------------------------------------------------------------*/

clab_status clab__file_read(clab_ctx *cx, int fd, void *to, size_t n, int64_t at)
{
    uint8_t *p = to;

    while (n > 0) {
        ssize_t k = clab_fault_io(cx) ? -1 : pread(fd, p, n, (off_t)at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return clab_fail(cx, CLAB_EIO, "cannot read the packed counts: %s", strerror(errno));
        if (k == 0)
            return clab_fail(cx, CLAB_EIO, "the scratch file of the packed counts was cut short");
        p += k;
        at += k;
        n -= (size_t)k;
    }
    return CLAB_OK;
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

static clab_status read_header(clab_ctx *cx, int fd, clab__header *h)
{
    struct stat file;
    clab_status s;

    if (fstat(fd, &file) != 0)
        return clab_fail(cx, CLAB_EIO, "cannot look at the packed counts: %s", strerror(errno));
    if (file.st_size < CLAB__HEADER)
        return damaged(cx, "shorter than its header");
    s = seal(cx, fd);
    if (s == CLAB_OK)
        s = clab__file_read(cx, fd, h, sizeof *h, 0);
    return s == CLAB_OK ? check_header(cx, h, (int64_t)file.st_size) : s;
}

static clab_status map_layout(clab_ctx *cx, const char *what, clab_store *st, const clab__header *h)
{
    clab_status s = clab_mem_charge(cx, CLAB_MEM_COUNTS, h->total_bytes, what, &st->charge);

    if (s != CLAB_OK)
        return s;
    st->map = mmap(NULL, (size_t)h->total_bytes, PROT_READ, MAP_SHARED, st->fd, 0);
    if (st->map == MAP_FAILED) {
        st->map = NULL;
        return clab_fail(cx, CLAB_ENOMEM, "cannot map %lld bytes of counts: %s", (long long)h->total_bytes,
                         strerror(errno));
    }
    st->map_bytes = (size_t)h->total_bytes;
    st->starts = (const uint64_t *)(const void *)(st->map + clab__table_at(h->row_bytes));
    st->info.held = h->total_bytes;
    close(st->fd); /* the mapping keeps the bytes */
    st->fd = -1;
    return CLAB_OK;
}

static clab_status load_table(clab_ctx *cx, const char *what, bool rows_too, clab_store *st, const clab__header *h)
{
    int64_t at = clab__table_at(h->row_bytes), bytes = h->total_bytes - at;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_COUNTS, bytes, what, &st->table);

    if (s == CLAB_OK && rows_too)
        s = clab_mem_charge_at(cx, CLAB_HOME_SCRATCH, CLAB_MEM_COUNTS, h->total_bytes, what, &st->charge);
    if (s == CLAB_OK)
        s = clab__file_read(cx, st->fd, st->table, (size_t)bytes, at);
    st->starts = st->table;
    st->info.held = bytes;
    st->info.on_disk = rows_too ? h->total_bytes : 0;
    return s;
}

/* ---- opening ------------------------------------------------------------------------------------------*/

static clab_store_info info_of(const clab__header *h)
{
    return (clab_store_info){
        .n_rows = h->n_rows, .n_cols = h->n_cols, .nnz = h->nnz, .bytes = h->total_bytes,
        .dtype = (clab_dtype)h->dtype, .dense = h->dense != 0, .whole = h->whole != 0,
        .negative = h->negative != 0, .finite = h->finite != 0, .min = h->min, .max = h->max,
        .bad_row = h->bad_row, .bad_col = h->bad_col, .bad_value = h->bad_value, .hash = h->hash,
    };
}

typedef enum { MAPPED, IN_FILE, NO_ROWS } rows_home;

static clab_status open_in(clab_ctx *cx, int fd, const char *what, rows_home home, clab_store **out)
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
    st->fd = fd;
    atomic_init(&st->refs, 1);
    s = read_header(cx, fd, &h);
    if (s == CLAB_OK) {
        st->info = info_of(&h);
        s = home == MAPPED ? map_layout(cx, what, st, &h) : load_table(cx, what, home == IN_FILE, st, &h);
    }
    if (s == CLAB_OK) {
        st->before = st->starts + h.n_rows + 1;
        s = check_table(cx, st, h.row_bytes);
    }
    if (s == CLAB_OK)
        s = check_sums(cx, st, &h, home != NO_ROWS);
    if (s != CLAB_OK) {
        clab_store_unref(st);
        return s;
    }
    *out = st;
    return CLAB_OK;
}

clab_status clab_store_open_facts(clab_ctx *cx, int fd, const char *what, clab_store **out)
{
    return open_in(cx, fd, what, NO_ROWS, out);
}

clab_status clab_store_open(clab_ctx *cx, int fd, const char *what, clab_store **out)
{
    return open_in(cx, fd, what, MAPPED, out);
}

clab_status clab_store_open_file(clab_ctx *cx, int fd, const char *what, clab_store **out)
{
    return open_in(cx, fd, what, IN_FILE, out);
}

/* ---- holding ------------------------------------------------------------------------------------------*/

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
    if (s->fd >= 0)
        close(s->fd);
    clab__sketch_free(s->cx, s->sketch);
    clab__source_free(s->cx, s->source);
    clab_mem_free(s->cx, s->table);
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

void clab_store_held(const clab_store *s, clab_held_fn *fn, void *user)
{
    if (!s)
        return;
    fn(user, clab_charge_holding(s->cx, s->charge));
    fn(user, clab_mem_holding_of(s->table));
}

int clab_store_refs(const clab_store *s)
{
    return atomic_load(&((clab_store *)(uintptr_t)s)->refs);
}
