/* cpu_sparse.c -- minibatches by cell and by gene, and the input layer that runs on their non-zeros.
 *
 * log1p(0) = 0: a cell's hidden activation is a sum of weight rows over its non-zeros, and a gene's
 * weight gradient a sum of cell rows over the cells that have it [15.1].
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu_impl.h"

enum { ROW_TILE = 8, GENE_TILE = 64 };

/* What a batch of the CPU owns: arrays that grow and are kept from one minibatch to the next. */
typedef struct {
    int64_t rows, genes, nnz; /* room */
    uint8_t *done;            /* one per gene tile, for clab__run_all */
    float *log1p_small;       /* log1p(0..255): counts are small */
    float *grad;              /* GENE_TILE x H for each worker */
    int64_t grad_width;       /* its H */
} room;

clab_status clab__cpu_batch_new(clab_backend *be, clab_batch **out)
{
    clab_ctx *cx = clab__ctx_of(be);
    clab_batch *b = calloc(1, sizeof *b);
    room *r = b ? calloc(1, sizeof *r) : NULL;

    if (r)
        r->log1p_small = malloc(256 * sizeof(float));
    if (!r || !r->log1p_small) {
        free(r);
        free(b);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a minibatch");
    }
    for (int x = 0; x < 256; x++)
        r->log1p_small[x] = (float)log1p(x);
    b->own = r;
    *out = b;
    return CLAB_OK;
}

void clab__cpu_batch_free(clab_backend *be, clab_batch *b)
{
    clab_ctx *cx = clab__ctx_of(be);
    room *r;

    if (!b)
        return;
    r = b->own;
    clab_mem_free(cx, b->row_ptr);
    clab_mem_free(cx, b->gene_ptr);
    clab_mem_free(cx, b->gene);
    clab_mem_free(cx, r->grad);
    free(r->done);
    free(r->log1p_small);
    free(r);
    free(b);
}

static int64_t padded(int64_t n)
{
    return (n + 15) / 16 * 16; /* arrays of one allocation start on cache lines */
}

static clab_status room_for_rows(clab_ctx *cx, clab_batch *b, room *r, int64_t rows)
{
    int64_t n = padded(rows + 1);
    int32_t *p = NULL;
    clab_status s;

    if (rows <= r->rows)
        return CLAB_OK;
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * (2 * 4 + 4 + 8), "minibatch", (void **)&p);
    if (s != CLAB_OK)
        return s;
    clab_mem_free(cx, b->row_ptr);
    b->row_ptr = p;
    b->cell = (int64_t *)(void *)(p + 3 * n);
    b->code = p + n;
    b->total = (float *)(void *)(p + 2 * n);
    r->rows = rows;
    return CLAB_OK;
}

static clab_status room_for_genes(clab_ctx *cx, clab_batch *b, room *r, int64_t genes)
{
    int32_t *p = NULL;
    uint8_t *done;
    clab_status s;

    if (genes <= r->genes)
        return CLAB_OK;
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, (genes + 2) * 4, "minibatch", (void **)&p);
    if (s != CLAB_OK)
        return s;
    done = realloc(r->done, (size_t)(genes / GENE_TILE + 1));
    if (!done) {
        clab_mem_free(cx, p);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a minibatch");
    }
    r->done = done;
    clab_mem_free(cx, b->gene_ptr);
    b->gene_ptr = p;
    r->genes = genes;
    return CLAB_OK;
}

static clab_status room_for_nnz(clab_ctx *cx, clab_batch *b, room *r, int64_t nnz)
{
    int64_t n = padded(nnz + nnz / 4 + 1); /* minibatches differ in size: grow rarely */
    int32_t *p = NULL;
    clab_status s;

    if (nnz <= r->nnz && b->gene)
        return CLAB_OK;
    if (nnz > INT32_MAX / 8)
        return clab_fail(cx, CLAB_EARG, "a minibatch with %lld non-zeros is too large: lower batch_size", (long long)nnz);
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 5 * 4, "minibatch", (void **)&p);
    if (s != CLAB_OK)
        return s;
    clab_mem_free(cx, b->gene);
    b->gene = p;
    b->gene_cell = p + n;
    b->logx = (float *)(void *)(p + 2 * n);
    b->gene_x = (float *)(void *)(p + 3 * n);
    b->gene_logx = (float *)(void *)(p + 4 * n);
    r->nnz = n;
    return CLAB_OK;
}

/* Cell order: drops stored zeros, sums each cell.  gene_ptr counts the genes, shifted by two. */
static void fill_by_cell(clab_batch *b, const room *r, const clab_host_rows *in)
{
    int32_t at = 0;

    memset(b->gene_ptr, 0, (size_t)(in->n_genes + 2) * sizeof *b->gene_ptr);
    for (int64_t i = 0; i < in->n_rows; i++) {
        double total = 0;
        b->row_ptr[i] = at;
        for (int64_t e = in->indptr[i]; e < in->indptr[i + 1]; e++) {
            float x = in->x[e];
            if (x == 0)
                continue;
            total += (double)x;
            b->gene[at] = in->indices[e];
            b->logx[at] = x < 256 && x == (float)(int)x ? r->log1p_small[(int)x] : log1pf(x);
            b->gene_ptr[in->indices[e] + 2]++;
            at++;
        }
        b->total[i] = (float)total;
        b->code[i] = in->code ? in->code[i] : 0;
        b->cell[i] = in->cell[i];
    }
    b->row_ptr[in->n_rows] = at;
    b->nnz = at;
}

/* Gene order by counting: within a gene the cells ascend. */
static void fill_by_gene(clab_batch *b, const clab_host_rows *in)
{
    int32_t at = 0;

    for (int64_t g = 2; g <= in->n_genes + 1; g++)
        b->gene_ptr[g] += b->gene_ptr[g - 1];
    for (int64_t i = 0; i < in->n_rows; i++)
        for (int64_t e = in->indptr[i]; e < in->indptr[i + 1]; e++) {
            int32_t to;
            if (in->x[e] == 0)
                continue;
            to = b->gene_ptr[in->indices[e] + 1]++;
            b->gene_cell[to] = (int32_t)i;
            b->gene_x[to] = in->x[e];
            b->gene_logx[to] = b->logx[at++];
        }
}

clab_status clab__cpu_batch_load(clab_backend *be, clab_batch *b, const clab_host_rows *in)
{
    clab_ctx *cx = clab__ctx_of(be);
    room *r = b->own;
    clab_status s = room_for_rows(cx, b, r, in->n_rows);

    if (s == CLAB_OK)
        s = room_for_genes(cx, b, r, in->n_genes);
    if (s == CLAB_OK)
        s = room_for_nnz(cx, b, r, in->indptr[in->n_rows]);
    if (s != CLAB_OK)
        return s;
    b->n_rows = in->n_rows;
    b->n_genes = in->n_genes;
    b->has_code = in->code != NULL;
    fill_by_cell(b, r, in);
    fill_by_gene(b, in);
    return CLAB_OK;
}

/* ---- the layer ----------------------------------------------------------------------------------------------*/
typedef struct {
    const clab_batch *b;
    const clab__rows *rows;
    int64_t H;
    const float *in, *bias;
    float *out;
    clab_weights *w;
    const clab_adam *k;
    float *grad; /* per worker, GENE_TILE x H */
} layer;

static clab_status forward_tile(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    const layer *l = arg;
    const clab_batch *b = l->b;
    int64_t end = (task + 1) * ROW_TILE < b->n_rows ? (task + 1) * ROW_TILE : b->n_rows;

    (void)cx;
    (void)worker;
    for (int64_t i = task * ROW_TILE; i < end; i++) {
        float *a = l->out + i * l->H;
        memcpy(a, l->bias, (size_t)l->H * sizeof *a);
        for (int32_t e = b->row_ptr[i]; e < b->row_ptr[i + 1]; e++)
            l->rows->axpy(l->H, b->logx[e], l->in + (int64_t)b->gene[e] * l->H, a);
    }
    return CLAB_OK;
}

/* Taken before the forward pass, so that an update never stops for memory. */
static clab_status room_for_grad(clab_backend *be, room *r, int64_t H)
{
    clab_ctx *cx = clab__ctx_of(be);
    void *p = NULL;
    clab_status s;

    if (r->grad_width == H)
        return CLAB_OK;
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, (int64_t)clab__cpu_of(be)->threads * GENE_TILE * H * 4, "minibatch", &p);
    if (s != CLAB_OK)
        return s;
    clab_mem_free(cx, r->grad);
    r->grad = p;
    r->grad_width = H;
    return CLAB_OK;
}

clab_status clab__cpu_sparse_forward(clab_backend *be, const clab_batch *b, int64_t H, const float *w,
                                     const float *bias, float *a)
{
    layer l = {.b = b, .rows = clab__cpu_of(be)->rows, .H = H, .in = w, .bias = bias, .out = a};
    clab_status s = room_for_grad(be, b->own, H);

    if (s != CLAB_OK)
        return s;
    return clab_parallel(clab__ctx_of(be), (b->n_rows + ROW_TILE - 1) / ROW_TILE, forward_tile, &l);
}

static clab_status update_tile(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    const layer *l = arg;
    const clab_batch *b = l->b;
    int64_t g0 = task * GENE_TILE, g1 = g0 + GENE_TILE < b->n_genes ? g0 + GENE_TILE : b->n_genes;
    float *grad = l->grad + (int64_t)worker * GENE_TILE * l->H;

    (void)cx;
    memset(grad, 0, (size_t)((g1 - g0) * l->H) * sizeof *grad);
    for (int64_t g = g0; g < g1; g++)
        for (int32_t e = b->gene_ptr[g]; e < b->gene_ptr[g + 1]; e++)
            l->rows->axpy(l->H, b->gene_logx[e], l->in + (int64_t)b->gene_cell[e] * l->H, grad + (g - g0) * l->H);
    l->rows->adam((g1 - g0) * l->H, l->k, grad, l->w->p + g0 * l->H, l->w->m + g0 * l->H, l->w->v + g0 * l->H);
    return CLAB_OK;
}

clab_status clab__cpu_sparse_update(clab_backend *be, const clab_batch *b, int64_t H, const float *g, clab_weights *w,
                                    const clab_adam *k)
{
    room *r = b->own;
    layer l = {.b = b, .rows = clab__cpu_of(be)->rows, .H = H, .in = g, .w = w, .k = k, .grad = r->grad};
    return clab__run_all(clab__ctx_of(be), (b->n_genes + GENE_TILE - 1) / GENE_TILE, update_tile, &l, r->done);
}
