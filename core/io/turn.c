/* turn.c -- entries in any order become rows in order, in bounded memory.
 *
 * Entries gather in runs of RUN.  A full run is sorted by row (stable) and put aside in a scratch file; how
 * many entries each row has is counted on the way.  At the end as many rows as fit a block are collected from
 * all runs, each of which is read once from its beginning to its end.  A matrix of one run stays in memory. */
#include "io/text_impl.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RUN (1 << 20)            /* entries */
#define WINDOWS (16 << 20)       /* bytes of all windows into runs together */
#define WINDOW_MIN (4 << 10)
#define WINDOW_MAX (256 << 10)
#define BLOCK_NNZ (256 << 10)
#define BLOCK_ROWS 16384
#define DIGIT 11
#define REPEATS_FREE (1 << 20)

typedef struct {
    int32_t row, column;
    char value[8];
} entry;

typedef struct {
    int64_t at, end; /* entries of the file that were not read yet */
    entry *window;
    int64_t first, n; /* of the window: what was not taken yet */
} run;

struct clab__turn {
    clab__h5 *h;
    clab_dtype dtype;
    size_t size;
    entry *held, *spare;
    int64_t n;
    int32_t *row_nnz; /* entries of each row */
    int64_t n_rows, rows_cap;
    int fd;
    bool in_memory;
    run *runs;
    int64_t n_runs, runs_cap, written;
};

clab_status clab__turn_new(clab__h5 *h, clab_dtype dtype, clab__turn **out)
{
    clab__turn *t = calloc(1, sizeof *t);
    if (!t)
        return clab_fail(h->cx, CLAB_ENOMEM, "no memory to sort entries");
    *t = (clab__turn){.h = h, .dtype = dtype, .size = clab_dtype_size(dtype), .fd = -1};
    *out = t;
    return CLAB_OK;
}

void clab__turn_free(clab__turn *t)
{
    if (!t)
        return;
    for (int64_t i = 0; i < t->n_runs; i++)
        clab_mem_free(t->h->cx, t->runs[i].window);
    free(t->runs);
    clab_mem_free(t->h->cx, t->held);
    clab_mem_free(t->h->cx, t->spare);
    clab_mem_free(t->h->cx, t->row_nnz);
    if (t->fd >= 0)
        close(t->fd);
    free(t);
}

/* ---- runs -----------------------------------------------------------------------------------------------*/

/* Stable, by row: digits from the lowest, those that all rows share left out. */
static clab_status sort_run(clab__turn *t)
{
    uint32_t all = 0, down = 0;
    for (int64_t i = 1; i < t->n; i++) {
        all |= (uint32_t)(t->held[i].row ^ t->held[0].row);
        down |= t->held[i].row < t->held[i - 1].row;
    }
    if (!down)
        return CLAB_OK;
    if (!t->spare) {
        clab_status st = clab_mem_alloc(t->h->cx, CLAB_MEM_WORK, RUN * (int64_t)sizeof(entry), "entries to sort",
                                        (void **)&t->spare);
        if (st != CLAB_OK)
            return st;
    }
    for (int shift = 0; shift < 32; shift += DIGIT) {
        int64_t place[1 << DIGIT] = {0}, sum = 0;
        if (!(all >> shift & ((1 << DIGIT) - 1)))
            continue;
        for (int64_t i = 0; i < t->n; i++)
            place[(uint32_t)t->held[i].row >> shift & ((1 << DIGIT) - 1)]++;
        for (int d = 0; d < 1 << DIGIT; d++) {
            int64_t k = place[d];
            place[d] = sum;
            sum += k;
        }
        for (int64_t i = 0; i < t->n; i++)
            t->spare[place[(uint32_t)t->held[i].row >> shift & ((1 << DIGIT) - 1)]++] = t->held[i];
        entry *swap = t->held;
        t->held = t->spare;
        t->spare = swap;
    }
    return CLAB_OK;
}

/* A scratch file on a disk, or where there is none memory that the session agrees to. */
static clab_status open_scratch(clab__turn *t)
{
    const char *tmp = getenv("TMPDIR"), *folder = t->h->scratch ? t->h->scratch : tmp && *tmp ? tmp : "/var/tmp";
    if (clab__scratch_file(t->h->cx, folder, &t->fd) == CLAB_OK)
        return CLAB_OK;
    if (t->h->scratch)
        return clab_error_status(t->h->cx);
    clab_error_clear(t->h->cx);
    t->in_memory = true;
    t->fd = memfd_create("celllab-entries", MFD_CLOEXEC);
    return t->fd >= 0 ? CLAB_OK
                      : clab_fail(t->h->cx, CLAB_EIO, "entries out of order need a scratch file: %s", strerror(errno));
}

static clab_status write_run(clab__turn *t)
{
    const char *p = (const char *)t->held;
    size_t left = (size_t)t->n * sizeof(entry);
    off_t at = (off_t)(t->written * (int64_t)sizeof(entry));
    if (t->in_memory) {
        clab_status st = clab__h5_ask(t->h, "entries to sort", (t->written + t->n) * (int64_t)sizeof(entry));
        if (st != CLAB_OK)
            return st;
    }
    while (left > 0) {
        ssize_t n = clab_fault_io(t->h->cx) ? -1 : pwrite(t->fd, p, left, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            (void)clab_fail(t->h->cx, CLAB_EIO, "%s: its entries are out of order, and the scratch file to sort them "
                            "cannot be written: %s", t->h->name, n < 0 ? strerror(errno) : "no room");
            return clab_hint(t->h->cx, "TMPDIR=DIR names a folder with room");
        }
        p += n;
        at += n;
        left -= (size_t)n;
    }
    return clab_check(t->h->cx);
}

static clab_status spill(clab__turn *t)
{
    clab_status st = sort_run(t);
    if (st == CLAB_OK && t->fd < 0)
        st = open_scratch(t);
    if (st == CLAB_OK && t->n_runs == t->runs_cap) {
        int64_t cap = t->runs_cap ? 2 * t->runs_cap : 64;
        run *r = realloc(t->runs, (size_t)cap * sizeof *r);
        if (!r)
            return clab_fail(t->h->cx, CLAB_ENOMEM, "no memory to sort entries");
        t->runs = r;
        t->runs_cap = cap;
    }
    if (st == CLAB_OK)
        st = write_run(t);
    if (st != CLAB_OK)
        return st;
    t->runs[t->n_runs++] = (run){.at = t->written, .end = t->written + t->n};
    t->written += t->n;
    t->n = 0;
    return CLAB_OK;
}

static clab_status count_row(clab__turn *t, int32_t row)
{
    if (row >= t->rows_cap) {
        int64_t cap = 2 * t->rows_cap > row ? 2 * t->rows_cap : (int64_t)row + 1024;
        clab_status st = clab__h5_ask(t->h, "entries per cell", cap * 4);
        if (st == CLAB_OK)
            st = clab_mem_grow(t->h->cx, CLAB_MEM_WORK, cap * 4, "entries per cell", (void **)&t->row_nnz);
        if (st != CLAB_OK)
            return st;
        memset(t->row_nnz + t->rows_cap, 0, (size_t)(cap - t->rows_cap) * 4);
        t->rows_cap = cap;
    }
    t->n_rows = row >= t->n_rows ? (int64_t)row + 1 : t->n_rows;
    if (t->row_nnz[row] == INT32_MAX)
        return clab_fail(t->h->cx, CLAB_EFORMAT, "%s: cell %d has more than %d entries", t->h->name, row, INT32_MAX);
    t->row_nnz[row]++;
    return CLAB_OK;
}

clab_status clab__turn_add(clab__turn *t, int32_t row, int32_t column, const void *value)
{
    clab_status st = count_row(t, row);
    if (st == CLAB_OK && !t->held)
        st = clab_mem_alloc(t->h->cx, CLAB_MEM_WORK, RUN * (int64_t)sizeof(entry), "entries to sort",
                            (void **)&t->held);
    if (st == CLAB_OK && t->n == RUN)
        st = spill(t);
    if (st != CLAB_OK)
        return st;
    entry *e = &t->held[t->n++];
    e->row = row;
    e->column = column;
    memcpy(e->value, value, t->size);
    return CLAB_OK;
}

/* ---- rows -----------------------------------------------------------------------------------------------*/

static clab_status refill(clab__turn *t, run *r, int64_t window)
{
    int64_t n = r->end - r->at < window ? r->end - r->at : window;
    char *p = (char *)r->window;
    size_t left = (size_t)n * sizeof(entry);
    off_t at = (off_t)(r->at * (int64_t)sizeof(entry));
    while (left > 0) {
        ssize_t k = clab_fault_io(t->h->cx) ? -1 : pread(t->fd, p, left, at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return clab_fail(t->h->cx, CLAB_EIO, "the scratch file of %s cannot be read: %s", t->h->name,
                             k < 0 ? strerror(errno) : "it is shorter than it was written");
        p += k;
        at += k;
        left -= (size_t)k;
    }
    r->at += n;
    r->first = 0;
    r->n = n;
    return CLAB_OK;
}

/* Block under construction: rows row0.. , `next` place of each. */
typedef struct {
    int64_t row0, n_rows, ptr[BLOCK_ROWS + 1], next[BLOCK_ROWS];
    int32_t *indices;
    char *values;
} block;

static void put(const clab__turn *t, block *b, const entry *e)
{
    int64_t to = b->next[e->row - b->row0]++;
    b->indices[to] = e->column;
    memcpy(b->values + (size_t)to * t->size, e->value, t->size);
}

static clab_status collect(clab__turn *t, block *b, int64_t window)
{
    int64_t row1 = b->row0 + b->n_rows;
    for (int64_t i = 0; i < t->n_runs; i++) {
        run *r = &t->runs[i];
        for (;;) {
            while (r->n > 0 && r->window[r->first].row < row1) {
                put(t, b, &r->window[r->first++]);
                r->n--;
            }
            if (r->n > 0 || r->at == r->end)
                break;
            clab_status st = refill(t, r, window);
            if (st != CLAB_OK)
                return st;
        }
    }
    return clab_check(t->h->cx);
}

static int64_t nnz_of(const clab__turn *t, int64_t row)
{
    return row < t->n_rows ? t->row_nnz[row] : 0;
}

/* The last run stays where it is when it is the only one; else it follows the others. */
static clab_status open_runs(clab__turn *t, int64_t *window)
{
    clab_status st = CLAB_OK;
    if (t->n_runs == 0) {
        if ((st = sort_run(t)) != CLAB_OK || !(t->runs = calloc(1, sizeof *t->runs)))
            return st != CLAB_OK ? st : clab_fail(t->h->cx, CLAB_ENOMEM, "no memory to sort entries");
        t->n_runs = 1;
        t->runs[0] = (run){.window = t->held, .n = t->n};
        t->held = NULL;
        return CLAB_OK;
    }
    if (t->n > 0 && (st = spill(t)) != CLAB_OK)
        return st;
    clab_mem_free(t->h->cx, t->held);
    clab_mem_free(t->h->cx, t->spare);
    t->held = t->spare = NULL;
    int64_t bytes = WINDOWS / t->n_runs;
    bytes = bytes < WINDOW_MIN ? WINDOW_MIN : bytes > WINDOW_MAX ? WINDOW_MAX : bytes;
    *window = bytes / (int64_t)sizeof(entry);
    for (int64_t i = 0; st == CLAB_OK && i < t->n_runs; i++)
        st = clab_mem_alloc(t->h->cx, CLAB_MEM_WORK, *window * (int64_t)sizeof(entry), "a window into a scratch file",
                            (void **)&t->runs[i].window);
    return st;
}

/* Rows from row0 on that fit a block; at least one. */
static void choose_rows(const clab__turn *t, block *b, int64_t n_rows)
{
    b->ptr[0] = 0;
    for (b->n_rows = 0; b->n_rows < BLOCK_ROWS && b->row0 + b->n_rows < n_rows; b->n_rows++) {
        int64_t n = b->ptr[b->n_rows] + nnz_of(t, b->row0 + b->n_rows);
        if (b->n_rows > 0 && n > BLOCK_NNZ)
            break;
        b->next[b->n_rows] = b->ptr[b->n_rows];
        b->ptr[b->n_rows + 1] = n;
    }
}

clab_status clab__turn_stream(clab__turn *t, int64_t n_rows, int64_t n_cols, clab__sink *k)
{
    clab_ctx *cx = t->h->cx;
    int64_t most = BLOCK_NNZ, window = 0;
    block *b = calloc(1, sizeof *b);
    clab_status st = b ? open_runs(t, &window) : clab_fail(cx, CLAB_ENOMEM, "no memory for a block of rows");
    for (int64_t r = 0; r < t->n_rows; r++)
        most = t->row_nnz[r] > most ? t->row_nnz[r] : most;
    if (st == CLAB_OK && most > REPEATS_FREE + 2 * n_cols) /* repeats may be many, but not without end */
        st = clab_fail(cx, CLAB_EFORMAT, "%s: a cell has %lld entries, and there are %lld genes", t->h->name,
                       (long long)most, (long long)n_cols);
    if (st == CLAB_OK)
        st = clab__h5_ask(t->h, "a block of rows", most * (4 + (int64_t)t->size));
    if (st == CLAB_OK)
        st = clab_mem_alloc(cx, CLAB_MEM_WORK, most * 4, "a block of indices", (void **)&b->indices);
    if (st == CLAB_OK)
        st = clab_mem_alloc(cx, CLAB_MEM_WORK, most * (int64_t)t->size, "a block of values", (void **)&b->values);
    for (int64_t row = 0; st == CLAB_OK && row < n_rows; row += b->n_rows) {
        b->row0 = row;
        choose_rows(t, b, n_rows);
        st = collect(t, b, window);
        if (st == CLAB_OK)
            st = clab__rows_tidy(cx, b->n_rows, b->ptr, b->indices, b->values, t->dtype);
        if (st == CLAB_OK)
            st = k->rows(k, t->h, b->n_rows, b->ptr, b->indices, b->values);
    }
    if (b) {
        clab_mem_free(cx, b->indices);
        clab_mem_free(cx, b->values);
        free(b);
    }
    return st;
}
