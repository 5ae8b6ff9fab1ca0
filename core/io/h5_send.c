/* h5_send.c -- where streamed rows go: into a store for the session, or into a small sparse value. */
#include "io/h5_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ASK_STEP (64LL << 20) /* growth of a store between two budget questions */

/* ---- into a store --------------------------------------------------------------------------------*/

typedef struct {
    clab__sink sink;
    const char *section;
    int fd;
    bool facts_only;
    clab_store_builder *builder;
    clab_store_tile *tiles[CLAB__TILES];
    int64_t in_tile[CLAB__TILES]; /* rows */
    int64_t n_cols;
    clab_dtype dtype;
    int64_t n_rows, done; /* n_rows 0: not known before the end */
    int64_t asked;        /* bytes the session has agreed to */
    clab_phase *phase;
} store_sink;

static clab_status store_begin(clab__sink *k, clab__h5 *h, int64_t n_rows, int64_t n_cols, clab_dtype dtype,
                               bool dense)
{
    store_sink *s = (store_sink *)k;
    s->n_rows = n_rows;
    s->n_cols = n_cols;
    s->dtype = dtype;
    s->phase = clab_phase_begin(h->cx, s->section, n_rows, "cells");
    clab_status st = clab_store_builder_new(h->cx, s->fd, n_cols, dtype, dense, &s->builder);
    if (st == CLAB_OK && s->facts_only)
        clab_store_builder_facts_only(s->builder);
    return st;
}

/* The words when a scratch file could not be written: most often its disk is full. */
static clab_status written(const clab__h5 *h, clab_status st)
{
    if (st == CLAB_EIO && h->scratch)
        return clab_hint(h->cx, "scratch=DIR names another folder for scratch files than %s",
                         clab_show(h->scratch));
    return st;
}

/* What the store will take in memory, by what its rows have taken so far; asked before it is there. */
static clab_status ask_for_growth(store_sink *s, clab__h5 *h)
{
    struct stat st;
    if (fstat(s->fd, &st) != 0 || s->done == 0)
        return CLAB_OK;
    double rows = (double)(s->n_rows > s->done ? s->n_rows : s->done);
    double whole = (double)st.st_size * rows / (double)s->done;
    if (h->scratch || s->facts_only)
        whole = 16.0 * rows; /* the row table alone */
    int64_t bytes = whole > 9e18 ? INT64_MAX : (int64_t)whole;
    if (bytes <= s->asked)
        return CLAB_OK;
    clab_status r = clab__h5_ask(h, s->section, bytes);
    s->asked = bytes + ASK_STEP;
    return r;
}

static clab_status taken(store_sink *s, clab__h5 *h, int64_t n_rows, clab_status st)
{
    s->done += n_rows;
    clab_phase_step(s->phase, s->done);
    return st == CLAB_OK ? ask_for_growth(s, h) : written(h, st);
}

static clab_status store_rows(clab__sink *k, clab__h5 *h, int64_t n_rows, const int64_t *indptr,
                              const int32_t *indices, const void *values)
{
    store_sink *s = (store_sink *)k;
    return taken(s, h, n_rows, clab_store_builder_add(h->cx, s->builder, n_rows, indptr, indices, values));
}

static clab_status store_pack(clab__sink *k, clab__h5 *h, int tile, int64_t first_row, int64_t n_rows,
                              const int64_t *indptr, const int32_t *indices, const void *values)
{
    store_sink *s = (store_sink *)k;
    clab_status st = CLAB_OK;
    if (!s->tiles[tile])
        st = clab_store_tile_new(h->cx, s->n_cols, s->dtype, &s->tiles[tile]);
    s->in_tile[tile] = n_rows;
    return st == CLAB_OK
               ? clab_store_tile_pack(h->cx, s->tiles[tile], first_row, n_rows, indptr, indices, values)
               : st;
}

static clab_status store_append(clab__sink *k, clab__h5 *h, int tile)
{
    store_sink *s = (store_sink *)k;
    return taken(s, h, s->in_tile[tile], clab_store_builder_append(h->cx, s->builder, s->tiles[tile]));
}

static clab_status store_file(clab__h5 *h, const char *section, bool facts_only, int *fd)
{
    if (h->scratch && !facts_only)
        return clab__scratch_file(h->cx, h->scratch, fd);
    *fd = memfd_create("celllab-store", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0)
        return clab_fail(h->cx, CLAB_ENOMEM, "no memory file for %s: %s", clab_show(section),
                         strerror(errno));
    return CLAB_OK;
}

clab_status clab__rows_send(clab__h5 *h, clab__stream_fn *stream, void *from, const char *section, bool again)
{
    store_sink s = {.sink = {store_begin, store_rows, store_pack, store_append}, .section = section, .fd = -1};
    int64_t bytes;
    clab_status st;
    s.facts_only = again && h->facts_only;
    st = store_file(h, section, s.facts_only, &s.fd);
    if (st != CLAB_OK)
        return st;
    st = stream(h, from, &s.sink);
    if (st == CLAB_OK) {
        st = written(h, clab_store_builder_end(h->cx, s.builder, &bytes));
        s.builder = NULL;
    }
    if (st == CLAB_OK)
        st = clab__fd_send(h->cx, h->fd_socket, s.fd);
    if (st == CLAB_OK)
        st = clab_wire_put_u8(h->cx, h->wire, s.facts_only ? CLAB__REC_SOURCE : CLAB__REC_MATRIX);
    if (st == CLAB_OK)
        st = clab_wire_put_str(h->cx, h->wire, section);
    if (st == CLAB_OK)
        st = clab_wire_flush(h->cx, h->wire);
    clab_phase_end(s.phase);
    for (int i = 0; i < CLAB__TILES; i++)
        clab_store_tile_free(s.tiles[i]);
    clab_store_builder_free(s.builder);
    close(s.fd);
    return st;
}

static clab_status stream_matrix(clab__h5 *h, void *from, clab__sink *k)
{
    return clab__matrix_stream(h, from, k);
}

clab_status clab__matrix_send(clab__h5 *h, clab__matrix *m, const char *section)
{
    if (clab_ctx_planning(h->cx))
        return clab__sketch_send(h, m, section);
    bool again = strcmp(m->kind, "csc") != 0;
    if (h->facts_only && !again)
        clab_note(h->cx, "%s: %s is stored by column, which gives rows only all at once: it goes into a scratch file", h->name,
                  clab_show(section));
    return clab__rows_send(h, stream_matrix, m, section, again);
}

/* ---- into a value --------------------------------------------------------------------------------*/

typedef struct {
    clab__sink sink;
    int64_t n_rows, n_cols, row, nnz, cap;
    clab_dtype dtype;
    int64_t *indptr;
    int32_t *indices;
    char *values;
} value_sink;

static clab_status value_begin(clab__sink *k, clab__h5 *h, int64_t n_rows, int64_t n_cols, clab_dtype dtype,
                               bool dense)
{
    value_sink *v = (value_sink *)k;
    (void)dense;
    v->n_rows = n_rows;
    v->n_cols = n_cols;
    v->dtype = dtype;
    return clab_mem_zalloc(h->cx, CLAB_MEM_WORK, (n_rows + 1) * 8, "row pointers", (void **)&v->indptr);
}

static clab_status value_rows(clab__sink *k, clab__h5 *h, int64_t n_rows, const int64_t *indptr,
                              const int32_t *indices, const void *values)
{
    value_sink *v = (value_sink *)k;
    int64_t n = indptr[n_rows];
    size_t size = clab_dtype_size(v->dtype);
    if (v->nnz + n > v->cap || !v->indices) {
        int64_t cap = v->nnz + n > 2 * v->cap ? v->nnz + n + 16 : 2 * v->cap;
        clab_status st = clab_mem_grow(h->cx, CLAB_MEM_WORK, cap * 4, "a sparse array", (void **)&v->indices);
        if (st == CLAB_OK)
            st = clab_mem_grow(h->cx, CLAB_MEM_WORK, cap * (int64_t)size, "a sparse array",
                               (void **)&v->values);
        if (st != CLAB_OK)
            return st;
        v->cap = cap;
    }
    memcpy(v->indices + v->nnz, indices, (size_t)n * sizeof *indices);
    memcpy(v->values + (size_t)v->nnz * size, values, (size_t)n * size);
    for (int64_t i = 0; i < n_rows; i++)
        v->indptr[v->row + i + 1] = v->nnz + indptr[i + 1];
    v->row += n_rows;
    v->nnz += n;
    return CLAB_OK;
}

clab_status clab__read_sparse(clab__h5 *h, hid_t obj, const char *at, clab_value **out)
{
    clab__matrix m;
    value_sink v = {.sink = {.begin = value_begin, .rows = value_rows}};
    int64_t bytes;
    clab_status st = clab__matrix_open(h, obj, at, -1, -1, &m);
    if (st != CLAB_OK)
        return st;
    if ((st = clab_mem_size(h->cx, m.nnz, 2 * (4 + clab_dtype_size(m.dtype)), &bytes)) == CLAB_OK &&
        (st = clab__h5_ask(h, at, bytes)) == CLAB_OK && (st = clab__matrix_stream(h, &m, &v.sink)) == CLAB_OK)
        st = clab_value_sparse(h->cx, m.dtype, m.n_rows, m.n_cols, v.indptr, v.indices, v.values, out);
    clab__matrix_close(&m);
    clab_mem_free(h->cx, v.indptr);
    clab_mem_free(h->cx, v.indices);
    clab_mem_free(h->cx, v.values);
    return st;
}
