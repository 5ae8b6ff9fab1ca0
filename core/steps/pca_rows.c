/* pca_rows.c -- the rows as pca takes them: stored entries over one base, whatever the blocks' own bases are. */
#include <string.h>

#include "ledger/ledger.h"
#include "steps/pca_impl.h"

#define FULL_BYTES (4 << 20) /* of rows that had to be made full, at a time */

struct clab__pca_stream {
    clab_rows *rows;
    const clab_csr *from;  /* block that is handed out in full rows, or NULL */
    int64_t done;          /* rows of it */
    clab_csr full;         /* its memory: indptr, indices, f64 */
    int64_t room;          /* rows of it */
};

clab_status clab__pca_base(clab__pca *p)
{
    const clab_rows_opts o = {.f64 = true, .over_base = true};
    const clab_csr *b = NULL;
    clab_rows *r = NULL;
    clab_status s;

    if (!clab_matrix_has_base(p->m))
        return CLAB_OK;
    s = clab_rows_open(p->cx, p->m, &o, &r);
    if (s == CLAB_OK)
        s = clab_rows_next(p->cx, r, &b);
    if (s == CLAB_OK && b && b->base)
        memcpy(p->base, b->base, (size_t)p->g * 8);
    clab_rows_close(p->cx, r);
    return s;
}

clab_status clab__pca_open(const clab__pca *p, const char *phase, clab__pca_stream **out)
{
    const clab_rows_opts o = {.f64 = true, .over_base = true, .phase = phase};
    void *mem = NULL;
    clab_status s = clab_mem_zalloc(p->cx, CLAB_MEM_WORK, sizeof **out, "pca", &mem);

    *out = mem;
    return s == CLAB_OK ? clab_rows_open(p->cx, p->m, &o, &(*out)->rows) : s;
}

void clab__pca_close(const clab__pca *p, clab__pca_stream *s)
{
    if (!s)
        return;
    clab_rows_close(p->cx, s->rows);
    clab_mem_free(p->cx, s->full.indptr);
    clab_mem_free(p->cx, s->full.indices);
    clab_mem_free(p->cx, s->full.f64);
    clab_mem_free(p->cx, s);
}

static bool same_base(const clab__pca *p, const double *base)
{
    if (base)
        return memcmp(base, p->base, (size_t)p->g * 8) == 0;
    for (int64_t j = 0; j < p->g; j++)
        if (p->base[j] != 0)
            return false;
    return true;
}

static clab_status make_room(const clab__pca *p, clab__pca_stream *s)
{
    void *mem[3] = {NULL, NULL, NULL};
    clab_status st;

    s->room = 1 + FULL_BYTES / (p->g * 12);
    st = clab_mem_alloc(p->cx, CLAB_MEM_WORK, (s->room + 1) * 8, "pca", &mem[0]);
    s->full.indptr = mem[0];
    if (st == CLAB_OK)
        st = clab_mem_alloc(p->cx, CLAB_MEM_WORK, s->room * p->g * 4 + 8, "pca", &mem[1]);
    s->full.indices = mem[1];
    if (st == CLAB_OK)
        st = clab_mem_alloc(p->cx, CLAB_MEM_WORK, s->room * p->g * 8 + 8, "pca", &mem[2]);
    s->full.f64 = mem[2];
    return st;
}

/* The next rows of s->from, every column of them, over the common base. */
static clab_status next_full(const clab__pca *p, clab__pca_stream *s, const clab_csr **block)
{
    const clab_csr *b = s->from;
    const int64_t g = p->g, left = b->n_rows - s->done;
    clab_csr *f = &s->full;
    clab_status st = s->room ? CLAB_OK : make_room(p, s);

    if (st != CLAB_OK)
        return st;
    f->n_rows = left < s->room ? left : s->room;
    f->first_row = b->first_row + s->done;
    f->n_cols = g;
    f->nnz = f->n_rows * g;
    f->indptr[0] = 0;
    for (int64_t i = 0; i < f->n_rows; i++) {
        double *y = f->f64 + i * g;
        f->indptr[i + 1] = (i + 1) * g;
        for (int64_t j = 0; j < g; j++) {
            f->indices[i * g + j] = (int32_t)j;
            y[j] = (b->base ? b->base[j] : 0) - p->base[j];
        }
        for (int64_t k = b->indptr[s->done + i]; k < b->indptr[s->done + i + 1]; k++)
            y[b->indices[k]] += b->f64[k];
    }
    s->done += f->n_rows;
    if (s->done == b->n_rows)
        s->from = NULL;
    *block = f;
    return CLAB_OK;
}

clab_status clab__pca_next(const clab__pca *p, clab__pca_stream *s, const clab_csr **block)
{
    clab_status st;

    if (s->from)
        return next_full(p, s, block);
    st = clab_rows_next(p->cx, s->rows, block);
    if (st != CLAB_OK || !*block || same_base(p, (*block)->base))
        return st;
    s->from = *block;
    s->done = 0;
    return next_full(p, s, block);
}
