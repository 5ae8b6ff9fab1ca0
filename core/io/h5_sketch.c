/* h5_sketch.c -- a matrix for a dry run: its shape, the length of every row where the file has them, and a sample
 * of at most one row in a hundred, in runs spread over the file.
 *
 * A CSC file has the lengths of its columns instead: rows are drawn from them, with values from places spread over
 * the file.  R rows and C columns come out (all, or those that were asked for). */
#include "io/h5_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SHARE 100             /* one row in so many is looked at ... */
#define AT_LEAST 128          /* ... but so many of a small file, which would tell nothing else ... */
#define MAX_ENTRIES (1 << 20) /* ... and of a large one no more than hold so many entries */
#define RUNS 16
#define DRAWN 256             /* rows drawn for a CSC file */

typedef struct {
    clab__sink sink;
    int fd;
    clab_store_builder *builder;
    int64_t rows, entries; /* taken */
} sample;

static clab_status sample_begin(clab__sink *k, clab__h5 *h, int64_t n_rows, int64_t n_cols, clab_dtype dtype, bool dense)
{
    sample *s = (sample *)k;

    (void)n_rows;
    return clab_store_builder_new(h->cx, s->fd, n_cols, dtype, dense, &s->builder);
}

static clab_status sample_rows(clab__sink *k, clab__h5 *h, int64_t n_rows, const int64_t *indptr, const int32_t *indices,
                               const void *values)
{
    sample *s = (sample *)k;

    s->rows += n_rows;
    s->entries += indptr[n_rows];
    return clab_store_builder_add(h->cx, s->builder, n_rows, indptr, indices, values);
}

/* ---- rows as they are ------------------------------------------------------------------------------------*/

/* How many of n rows are looked at; mean: entries of one. */
static int64_t sample_size(int64_t n, int64_t mean)
{
    int64_t want = n / SHARE > AT_LEAST ? n / SHARE : AT_LEAST;

    want = want * (mean + 1) > MAX_ENTRIES ? MAX_ENTRIES / (mean + 1) : want;
    want = want < 1 ? 1 : want;
    return want < n ? want : n;
}

/* Runs of rows, among those that are wanted, as the pick of the matrix; caller clab_mem_free's *rows. */
static clab_status pick_sample(clab__h5 *h, const clab__matrix *m, int64_t **rows, int64_t *n)
{
    const int64_t all = clab__pick_n_rows(m), want = sample_size(all, m->n_rows ? m->nnz / m->n_rows : 0);
    const int64_t runs = want < RUNS ? want : RUNS;
    clab_status st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, 8 * want + 8, "a sample", (void **)rows);

    *n = 0;
    for (int64_t r = 0; st == CLAB_OK && r < runs; r++) {
        const int64_t length = want * (r + 1) / runs - want * r / runs;
        const int64_t first = runs > 1 ? (all - length) * r / (runs - 1) : 0;
        for (int64_t i = 0; i < length; i++)
            (*rows)[(*n)++] = clab__pick_row(m, first + i);
    }
    return st;
}

static clab_status take_rows(clab__h5 *h, clab__matrix *m, sample *s)
{
    const clab__pick wanted = m->pick;
    int64_t *rows = NULL, n;
    clab_status st = pick_sample(h, m, &rows, &n);

    m->pick.rows = rows;
    m->pick.n_rows = n;
    if (st == CLAB_OK)
        st = clab__matrix_stream(h, m, &s->sink);
    m->pick = wanted;
    clab_mem_free(h->cx, rows);
    return st;
}

/* Entries before each of the R rows, where the file has them; columns that are left out are taken to be as full as
 * those of the sample. */
static clab_status lengths(clab__h5 *h, const clab__matrix *m, const int64_t *indptr, const sample *s, int64_t **out)
{
    const int64_t n = clab__pick_n_rows(m);
    double share = 1, at = 0, looked = 0;
    int64_t *before = NULL;
    clab_status st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, 8 * (n + 1), "rows of a sketch", (void **)&before);

    if (st != CLAB_OK)
        return st;
    for (int64_t i = 0; i < n; i++)
        looked += (double)(indptr[clab__pick_row(m, i) + 1] - indptr[clab__pick_row(m, i)]);
    if (m->pick.cols && looked > 0 && s->rows > 0)
        share = (double)s->entries / (double)s->rows / (looked / (double)n);
    before[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        at += share * (double)(indptr[clab__pick_row(m, i) + 1] - indptr[clab__pick_row(m, i)]);
        before[i + 1] = (int64_t)(at + 0.5);
    }
    *out = before;
    return CLAB_OK;
}

/* ---- CSC: rows drawn by how often each column is filled ------------------------------------------------------*/

/* Values from places spread over the file, in the matrix's type: *n of them, at most `most`. */
static clab_status some_values(clab__h5 *h, clab__matrix *m, int64_t most, void *values, int64_t *n)
{
    const int64_t runs = most < RUNS ? 1 : RUNS, piece = most / runs;
    const size_t size = clab_dtype_size(m->dtype);
    clab_status st = clab__set_cache(h, &m->data);

    *n = 0;
    for (int64_t r = 0; st == CLAB_OK && r < runs && piece > 0; r++) {
        st = clab__set_slice(h, &m->data, runs > 1 ? (m->nnz - piece) * r / (runs - 1) : 0, piece,
                             clab__dtype_mem(m->dtype), (char *)values + (size_t)*n * size);
        *n += piece;
    }
    return st;
}

/* Is column c filled in drawn row r?  A low-discrepancy number says yes as often as the file does. */
static bool is_filled(int64_t r, int64_t c, double share)
{
    const double x = (double)r * 0.6180339887498949 + (double)c * 0.7548776662466927;

    return x - (double)(int64_t)x < share;
}

static clab_status draw_rows(clab__h5 *h, clab__matrix *m, const int64_t *indptr, sample *s)
{
    const int64_t rows = clab__pick_n_rows(m) < DRAWN ? clab__pick_n_rows(m) : DRAWN;
    const int64_t share = m->nnz / SHARE > AT_LEAST ? m->nnz / SHARE : AT_LEAST;
    const int64_t most = share > MAX_ENTRIES / 16 ? MAX_ENTRIES / 16 : share < m->nnz ? share : m->nnz;
    const size_t size = clab_dtype_size(m->dtype);
    int32_t *indices = NULL;
    char *pool = NULL, *values = NULL;
    int64_t n_pool = 0, drawn = 0;
    clab_status st;

    if ((st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, most * (int64_t)size + 64, "a sample", (void **)&pool)) != CLAB_OK ||
        (st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, m->n_cols * 4 + 64, "a sample", (void **)&indices)) != CLAB_OK ||
        (st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, m->n_cols * (int64_t)size + 64, "a sample", (void **)&values)) !=
            CLAB_OK ||
        (st = s->sink.begin(&s->sink, h, rows, clab__pick_n_cols(m), m->dtype, false)) != CLAB_OK ||
        (st = some_values(h, m, most, pool, &n_pool)) != CLAB_OK)
        goto done;
    for (int64_t r = 0; st == CLAB_OK && r < rows; r++) {
        int64_t ptr[2] = {0, 0};
        for (int64_t c = 0; n_pool > 0 && c < m->n_cols; c++) {
            const int32_t to = m->pick.cols ? m->pick.cols[c] : (int32_t)c;
            if (to < 0 || !is_filled(r, c, (double)(indptr[c + 1] - indptr[c]) / (double)m->n_rows))
                continue;
            indices[ptr[1]] = to;
            memcpy(values + (size_t)ptr[1]++ * size, pool + (size_t)(drawn++ * 7919 % n_pool) * size, size);
        }
        st = s->sink.rows(&s->sink, h, 1, ptr, indices, values);
    }
done:
    clab_mem_free(h->cx, pool);
    clab_mem_free(h->cx, indices);
    clab_mem_free(h->cx, values);
    return st;
}

/* What the worker of the real run holds at its peak: pointers; for CSR the blocks of its stages and the builder's
 * table (h5_csr.c); for CSC what it turns at a time (h5_csc.c); for dense tables a block of rows, twice. */
static int64_t stream_bytes(const clab__matrix *m)
{
    const int64_t size = (int64_t)clab_dtype_size(m->dtype), entry = 4 + size, mib = 1 << 20, nnz = m->nnz;
    int64_t bytes = 8 * m->n_rows + 16 * clab__pick_n_rows(m);

    if (m->data.rank == 2) {
        const int64_t block = 8 * mib / size;
        return bytes + (nnz < block ? nnz : block) * (entry + size);
    }
    if (strcmp(m->kind, "csc") == 0) {
        const int64_t keep = nnz / 8 > 16 * mib ? nnz / 8 : 16 * mib, piece = nnz < mib ? nnz : mib;
        return bytes + 8 * m->n_cols + 24 * m->n_rows + (keep < nnz ? keep : nnz) * entry + piece * (entry + 8);
    }
    return bytes + 4 * (nnz * entry < 8 * mib ? nnz * entry : 8 * mib);
}

/* ---- what the session gets ------------------------------------------------------------------------------------*/

static clab_status send(clab__h5 *h, const clab__matrix *m, const int64_t *before, const sample *s, const char *section)
{
    const int64_t n = clab__pick_n_rows(m);
    const int64_t nnz = strcmp(m->kind, "csc") == 0 && !m->pick.rows && !m->pick.cols ? m->nnz : -1;
    clab_wire *w = h->wire;
    clab_status st;

    if ((st = clab__fd_send(h->cx, h->fd_socket, s->fd)) != CLAB_OK ||
        (st = clab_wire_put_u8(h->cx, w, CLAB__REC_SKETCH)) != CLAB_OK ||
        (st = clab_wire_put_str(h->cx, w, section)) != CLAB_OK || (st = clab_wire_put_i64(h->cx, w, n)) != CLAB_OK ||
        (st = clab_wire_put_i64(h->cx, w, nnz)) != CLAB_OK ||
        (st = clab_wire_put_i64(h->cx, w, stream_bytes(m))) != CLAB_OK ||
        (st = clab_wire_put_u8(h->cx, w, before != NULL)) != CLAB_OK)
        return st;
    if (before)
        st = clab_wire_put(h->cx, w, before, (size_t)(n + 1) * sizeof *before);
    return st == CLAB_OK ? clab_wire_flush(h->cx, w) : st;
}

clab_status clab__sketch_send(clab__h5 *h, clab__matrix *m, const char *section)
{
    const bool dense = m->data.rank == 2, csc = strcmp(m->kind, "csc") == 0;
    sample s = {.sink = {.begin = sample_begin, .rows = sample_rows}};
    int64_t *indptr = NULL, *before = NULL, bytes;
    clab_status st = CLAB_OK;

    s.fd = memfd_create("celllab-sample", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (s.fd < 0)
        return clab_fail(h->cx, CLAB_EIO, "no memory file for a sample of %s: %s", clab_show(section), strerror(errno));
    if (!dense)
        st = clab__indptr_read(h, m, &indptr);
    if (st == CLAB_OK)
        st = csc ? draw_rows(h, m, indptr, &s) : take_rows(h, m, &s);
    if (st == CLAB_OK && !dense && !csc)
        st = lengths(h, m, indptr, &s, &before);
    if (st == CLAB_OK) {
        st = clab_store_builder_end(h->cx, s.builder, &bytes);
        s.builder = NULL;
    }
    if (st == CLAB_OK)
        st = send(h, m, before, &s, section);
    clab_store_builder_free(s.builder);
    clab_mem_free(h->cx, indptr);
    clab_mem_free(h->cx, before);
    close(s.fd);
    return st;
}
