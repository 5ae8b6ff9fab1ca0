/* qc_count.c -- the pass of qc: totals, detected genes, the share of the largest values and of sets of genes. */
#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "data/rows.h"
#include "ledger/ledger.h"
#include "steps/qc_impl.h"

/* Rows of a block are cut into runs that add to gene tables of their own: no sharing, and a fixed order. */
#define PARTS 8

typedef struct {
    const clab_csr *b;
    clab__qc_sums *w;
    int64_t *n_cells[PARTS];
    double *sum[PARTS];
    double **buffer;        /* one of G values a worker */
} count_task;

int64_t clab__qc_bytes(const clab_ctx *cx, int64_t n_genes)
{
    return n_genes * (16 * PARTS + 8 * clab_threads(cx));
}

void clab__qc_put(clab_value *column, int64_t i, double x)
{
    switch (column->dtype) {
    case CLAB_F32: ((float *)column->data)[i] = (float)x; break;
    case CLAB_F64: ((double *)column->data)[i] = x; break;
    case CLAB_I32: ((int32_t *)column->data)[i] = (int32_t)x; break;
    case CLAB_U64: ((uint64_t *)column->data)[i] = (uint64_t)x; break;
    default: ((int64_t *)column->data)[i] = (int64_t)x; break;
    }
}

/* ---- the largest values of a cell ------------------------------------------------------------------------*/

/* Put the k largest of x[0..n-1] in front, in any order: Hoare's selection, median of three. */
static void select_largest(double *x, int64_t n, int64_t k)
{
    int64_t lo = 0, hi = n - 1;

    while (lo < hi) {
        double a = x[lo], b = x[lo + (hi - lo) / 2], c = x[hi];
        double pivot = a > b ? (b > c ? b : a > c ? c : a) : (a > c ? a : b > c ? c : b);
        int64_t i = lo, j = hi;
        while (i <= j) {
            while (x[i] > pivot)
                i++;
            while (x[j] < pivot)
                j--;
            if (i <= j) {
                double t = x[i];
                x[i++] = x[j];
                x[j--] = t;
            }
        }
        if (k <= j + 1)
            hi = j;
        else if (k > i)
            lo = i;
        else
            return;
    }
}

/* Values that can be among the k largest of the cell's G, zeros included: the positive ones; below them come
 * the zeros, which add nothing, and the negative ones only where zeros do not reach. */
static int64_t candidates(const clab_csr *b, int64_t i, int64_t k, double *x)
{
    int64_t n = 0, positive = 0, zeros = b->n_cols;

    for (int64_t at = b->indptr[i]; at < b->indptr[i + 1]; at++) {
        double v = b->f32 ? (double)b->f32[at] : b->f64[at];
        zeros -= v != 0;
        if (v > 0)
            x[n++] = v;
    }
    positive = n;
    if (k <= positive + zeros)
        return n;
    memset(x + n, 0, (size_t)zeros * sizeof *x);
    n += zeros;
    for (int64_t at = b->indptr[i]; at < b->indptr[i + 1]; at++) {
        double v = b->f32 ? (double)b->f32[at] : b->f64[at];
        if (v < 0)
            x[n++] = v;
    }
    return n;
}

/* Selecting the largest k first, smaller ones lie in front of the larger: each is a selection in the last. */
static void top_shares(const clab__qc_sums *w, const clab_csr *b, int64_t i, double total, double *x)
{
    int64_t row = b->first_row + i, n, from = 0;
    double sum = 0;

    if (w->n_top == 0)
        return;
    if (!isfinite(total)) {
        for (int t = 0; t < w->n_top; t++)
            clab__qc_put(w->in_top[t], row, (double)NAN);
        return;
    }
    n = candidates(b, i, w->top[w->n_top - 1], x);
    for (int t = w->n_top - 1; t >= 0; t--) {
        int64_t within = t + 1 < w->n_top && w->top[t + 1] < n ? w->top[t + 1] : n;
        if (w->top[t] < within)
            select_largest(x, within, w->top[t]);
    }
    for (int t = 0; t < w->n_top; t++) {
        for (; from < n && from < w->top[t]; from++)
            sum += x[from];
        clab__qc_put(w->in_top[t], row, sum / total * 100);
    }
}

/* ---- cells and genes -------------------------------------------------------------------------------------*/

/* The share as the peer rounds it: in the type of the totals where that is a floating one. */
static double share_of(double part, double total, clab_dtype t)
{
    if (t == CLAB_F32)
        return (double)((float)part / (float)total * 100.0f);
    return part / total * 100;
}

static void one_cell(const count_task *t, int64_t i, int part, double *buffer)
{
    const clab_csr *b = t->b;
    const clab__qc_sums *w = t->w;
    int64_t row = b->first_row + i, n = 0;
    double total = 0;

    for (int64_t at = b->indptr[i]; at < b->indptr[i + 1]; at++) {
        double x = b->f32 ? (double)b->f32[at] : b->f64[at];
        int32_t g = b->indices[at];
        total += x;
        n += x != 0;
        t->n_cells[part][g] += x != 0;
        t->sum[part][g] += x;
    }
    clab__qc_put(w->n_genes, row, (double)n);
    clab__qc_put(w->total, row, total);
    if (w->total->dtype == CLAB_F32)
        total = (double)(float)total;
    for (int k = 0; k < w->n_sets; k++) {
        const uint8_t *in = w->sets[k].flags->data;
        double part_total = 0;
        for (int64_t at = b->indptr[i]; at < b->indptr[i + 1]; at++)
            if (in[b->indices[at]])
                part_total += b->f32 ? (double)b->f32[at] : b->f64[at];
        clab__qc_put(w->set_total[k], row, part_total);
        clab__qc_put(w->set_share[k], row, share_of(part_total, total, w->total->dtype));
    }
    top_shares(w, b, i, total, buffer);
}

static clab_status count_part(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    count_task *t = arg;
    int64_t from = t->b->n_rows * task / PARTS, to = t->b->n_rows * (task + 1) / PARTS;

    (void)cx;
    for (int64_t i = from; i < to; i++)
        one_cell(t, i, (int)task, t->buffer[worker]);
    return CLAB_OK;
}

static clab_status stream(clab_ctx *cx, const clab_matrix *m, count_task *t)
{
    clab_rows_opts o = {.f64 = clab_matrix_dtype(m) != CLAB_F32, .phase = "qc"};
    clab_rows *r;
    clab_status s = clab_rows_open(cx, m, &o, &r);

    if (s != CLAB_OK)
        return s;
    while ((s = clab_rows_next(cx, r, &t->b)) == CLAB_OK && t->b) {
        s = clab_parallel(cx, PARTS, count_part, t);
        if (s != CLAB_OK)
            break;
    }
    clab_rows_close(cx, r);
    return s;
}

clab_status clab__qc_count(clab_ctx *cx, const clab_matrix *m, clab__qc_sums *w)
{
    int64_t g = clab_matrix_n_cols(m), bytes;
    int workers = clab_threads(cx);
    count_task t = {.w = w};
    void *tables = NULL, *buffers = NULL, *pointers = NULL;
    clab_status s = clab_mem_size(cx, g + 1, 16 * PARTS, &bytes);

    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, bytes, "qc", &tables);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, (g + 1) * 8 * workers, "qc", &buffers);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, workers * (int64_t)sizeof *t.buffer, "qc", &pointers);
    if (s == CLAB_OK) {
        t.buffer = pointers;
        for (int i = 0; i < workers; i++)
            t.buffer[i] = (double *)buffers + i * (g + 1);
        for (int k = 0; k < PARTS; k++) {
            t.n_cells[k] = (int64_t *)tables + k * g;
            t.sum[k] = (double *)tables + (PARTS + k) * g;
        }
        s = stream(cx, m, &t);
    }
    for (int k = 0; s == CLAB_OK && k < PARTS; k++)
        for (int64_t j = 0; j < g; j++) {
            w->n_cells[j] += t.n_cells[k][j];
            w->sum[j] += t.sum[k][j];
        }
    clab_mem_free(cx, pointers);
    clab_mem_free(cx, buffers);
    clab_mem_free(cx, tables);
    return s;
}
