/* cpu_count.c -- the decoder's heads and the count likelihood, fused over tiles of genes.
 *
 * Per tile of T genes (B cells, H hidden):
 *   1  S = h Ws' + bs; E = exp(S - rowmax) kept; rowmax and row sum of E     -> softmax over all genes
 *   2  Z = h Wz'; zero formula for every entry, then the non-zeros put in place: log p,
 *      u = -(1/B) dlogp/dlnmu, Z = -(1/B) dlogp/dz, column sums for theta
 *   3  A = row sums of u over all genes; u <- u - rho A; dh += u Ws + Z Wz
 *   4  dWs = u' h, dWz = Z' h, Adam on the tile                              (count_update)
 * Steps 1-3 change no parameter and stop at a cancel; step 4 runs to its end.  Tiles do not depend on
 * the number of threads; sums over tiles run in a fixed order.  No lnGamma is evaluated at zeros,
 * gradients of the G x H matrices never exist as a whole.
 */
#include <math.h>
#include <string.h>

#include "backend/cpu_count_impl.h"

/* ---- tiles ---------------------------------------------------------------------------------------------*/
typedef struct {
    clab_count_work *w;
    const clab_count_head *hd;
    clab_count_head *out; /* update */
    const clab_batch *b;
    const float *h;
    const clab_adam *k;
    const clab__cpu *cpu;
    bool grad;
} job;

typedef struct {
    int64_t g0, n; /* first gene, genes */
} span;

static span tile_span(const clab_count_work *w, int64_t t)
{
    span s = {t * w->tile, w->tile};

    if (s.g0 + s.n > w->G)
        s.n = w->G - s.g0;
    return s;
}

/* ---- 1: scores and their softmax ----------------------------------------------------------------------------*/
static clab_status scores_tile(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    const job *j = arg;
    clab_count_work *w = j->w;
    const int64_t B = j->b->n_rows, H = w->H;
    span s = tile_span(w, task);

    (void)cx;
    (void)worker;
    clab_blas_sgemm(&j->cpu->blas, false, true, B, s.n, H, j->h, H, j->hd->scale_w.p + s.g0 * H, H, 0, w->e + s.g0,
                    w->G);
    for (int64_t i = 0; i < B; i++)
        w->row_sum[task * B + i] =
            j->cpu->rows->soft_row(s.n, j->hd->scale_b.p + s.g0, w->e + i * w->G + s.g0, &w->row_max[task * B + i]);
    for (int64_t g = s.g0; g < s.g0 + s.n; g++) {
        double th = exp((double)j->hd->log_theta.p[g]);
        w->th[g] = (float)th;
        w->ith[g] = (float)(1.0 / (th + CLAB_LIK_EPS));
    }
    return CLAB_OK;
}

/* factor[t][i]: rho = E factor.  mu = total rho. */
static void softmax_factors(clab_count_work *w, int64_t B)
{
    for (int64_t i = 0; i < B; i++) {
        double sum = 0;
        float top = w->row_max[i];
        for (int64_t t = 1; t < w->n_tiles; t++)
            top = w->row_max[t * B + i] > top ? w->row_max[t * B + i] : top;
        for (int64_t t = 0; t < w->n_tiles; t++) {
            double up = exp((double)w->row_max[t * B + i] - (double)top);
            sum += up * (double)w->row_sum[t * B + i];
            w->factor[t * B + i] = (float)up;
        }
        for (int64_t t = 0; t < w->n_tiles; t++)
            w->factor[t * B + i] = (float)((double)w->factor[t * B + i] / sum);
    }
}

/* ---- 2: the likelihood ------------------------------------------------------------------------------------------*/
/* The non-zeros of a tile, one after the other by gene: their inputs, before the zero formula runs
 * over everything and reuses Z. */
static int64_t gather_some(const job *j, int64_t task, span s, clab__count_scratch *x)
{
    const clab_count_work *w = j->w;
    const clab_batch *b = j->b;
    int64_t n = 0;

    for (int64_t g = s.g0; g < s.g0 + s.n; g++) {
        const double th = (double)w->th[g];
        const double one = b->gene_ptr[g] < b->gene_ptr[g + 1] ? log(th / (th + CLAB_LIK_EPS)) : 0; /* lg of x = 1 */
        for (int32_t e = b->gene_ptr[g]; e < b->gene_ptr[g + 1]; e++, n++) {
            int64_t i = b->gene_cell[e];
            double lg = one, psi = 1;
            if (b->gene_x[e] != 1)
                clab_gamma_terms((double)b->gene_x[e], th, &lg, &psi);
            x->x[n] = b->gene_x[e];
            x->lp[n] = (float)(lg - clab__constant(w, (double)b->gene_x[e]));
            x->dr[n] = (float)psi;
            x->mu[n] = w->e[i * w->G + g] * (w->factor[task * b->n_rows + i] * b->total[i]);
            x->th[n] = w->th[g];
            x->ith[n] = w->ith[g];
            if (w->zinb)
                x->z[n] = w->z[i * w->G + g] + j->hd->drop_b.p[g];
        }
    }
    return n;
}

static void scatter_some(const job *j, span s, const clab__count_scratch *x)
{
    clab_count_work *w = j->w;
    const clab_batch *b = j->b;
    int64_t n = 0;

    for (int64_t g = s.g0; g < s.g0 + s.n; g++)
        for (int32_t e = b->gene_ptr[g]; e < b->gene_ptr[g + 1]; e++, n++) {
            int64_t i = b->gene_cell[e];
            x->tile_lp[i * s.n + g - s.g0] = x->lp[n];
            x->tile_dr[i * s.n + g - s.g0] = x->dr[n];
            w->u[i * w->G + g] = x->u[n];
            if (w->zinb)
                w->z[i * w->G + g] = x->z[n];
        }
}

static void zero_rows(const job *j, int64_t task, span s, float scale, const clab__count_scratch *x)
{
    clab_count_work *w = j->w;
    const int64_t B = j->b->n_rows;
    const clab__thetas th = {w->th + s.g0, w->ith + s.g0};

    for (int64_t i = 0; i < B; i++) {
        float c = w->factor[task * B + i] * j->b->total[i];
        int64_t at = i * w->G + s.g0;
        if (w->zinb)
            j->cpu->rows->zinb_zero(s.n, w->e + at, c, th, scale, j->hd->drop_b.p + s.g0, w->z + at, w->u + at,
                                    x->tile_lp + i * s.n, x->tile_dr + i * s.n);
        else
            j->cpu->rows->nb_zero(s.n, w->e + at, c, th, scale, w->u + at, x->tile_lp + i * s.n,
                                  x->tile_dr + i * s.n);
    }
}

static clab_status loss_tile(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    const job *j = arg;
    clab_count_work *w = j->w;
    const int64_t B = j->b->n_rows, H = w->H;
    const float scale = (float)(-1.0 / (double)B);
    const clab__rows *rows = j->cpu->rows;
    clab__count_scratch x = clab__count_scratch_of(w, worker);
    span s = tile_span(w, task);
    int64_t n;

    (void)cx;
    if (w->zinb)
        clab_blas_sgemm(&j->cpu->blas, false, true, B, s.n, H, j->h, H, j->hd->drop_w.p + s.g0 * H, H, 0, w->z + s.g0,
                        w->G);
    n = gather_some(j, task, s, &x);
    if (w->zinb)
        rows->zinb_some(n, x.x, x.mu, (clab__thetas){x.th, x.ith}, scale, x.z, x.u, x.lp, x.dr);
    else
        rows->nb_some(n, x.x, x.mu, (clab__thetas){x.th, x.ith}, scale, x.u, x.lp, x.dr);
    zero_rows(j, task, s, scale, &x);
    scatter_some(j, s, &x);
    for (int64_t i = 0; i < B; i++) {
        w->row_lp[task * B + i] = rows->sum(s.n, x.tile_lp + i * s.n);
        w->row_u[task * B + i] = rows->sum(s.n, w->u + i * w->G + s.g0);
    }
    if (j->grad)
        clab__column_sums(B, s.n, x.tile_dr, s.n, w->d_theta + s.g0);
    return CLAB_OK;
}

/* ---- 3: back to the hidden layer ------------------------------------------------------------------------------------*/
static clab_status back_lane(clab_ctx *cx, int64_t lane, int worker, void *arg)
{
    const job *j = arg;
    clab_count_work *w = j->w;
    const int64_t B = j->b->n_rows, H = w->H;
    float *dh = w->lane_dh + lane * B * H;
    clab_status st = CLAB_OK;

    (void)worker;
    for (int64_t t = lane; t < w->n_tiles && st == CLAB_OK; t += w->n_lanes, st = clab_check(cx)) {
        span s = tile_span(w, t);
        for (int64_t i = 0; i < B; i++)
            j->cpu->rows->axpy(s.n, -(w->factor[t * B + i] * w->total_u[i]), w->e + i * w->G + s.g0,
                               w->u + i * w->G + s.g0);
        clab_blas_sgemm(&j->cpu->blas, false, false, B, H, s.n, w->u + s.g0, w->G, j->hd->scale_w.p + s.g0 * H, H,
                        t == lane ? 0.0f : 1.0f, dh, H);
        if (w->zinb)
            clab_blas_sgemm(&j->cpu->blas, false, false, B, H, s.n, w->z + s.g0, w->G, j->hd->drop_w.p + s.g0 * H, H,
                            1.0f, dh, H);
    }
    return st;
}

clab_status clab__cpu_count_loss(clab_backend *be, clab_count_work *w, const clab_count_head *hd, const clab_batch *b,
                                 const float *h, bool grad, double *rec, float *dh)
{
    clab_ctx *cx = clab__ctx_of(be);
    job j = {.w = w, .hd = hd, .b = b, .h = h, .cpu = clab__cpu_of(be), .grad = grad};
    const int64_t B = b->n_rows;
    clab_status s;

    if (B > w->max_rows)
        return clab_fail(cx, CLAB_EINTERNAL, "minibatch of %lld cells in room for %lld", (long long)B, (long long)w->max_rows);
    w->B = B;
    s = clab_parallel(cx, w->n_tiles, scores_tile, &j);
    if (s != CLAB_OK)
        return s;
    softmax_factors(w, B);
    s = clab_parallel(cx, w->n_tiles, loss_tile, &j);
    if (s != CLAB_OK)
        return s;
    for (int64_t i = 0; i < B; i++) {
        double lp = 0, u = 0;
        for (int64_t t = 0; t < w->n_tiles; t++) {
            lp += (double)w->row_lp[t * B + i];
            u += (double)w->row_u[t * B + i];
        }
        rec[i] = -lp;
        w->total_u[i] = (float)u;
    }
    if (!grad)
        return CLAB_OK;
    s = clab_parallel(cx, w->n_lanes, back_lane, &j);
    if (s != CLAB_OK)
        return s;
    memcpy(dh, w->lane_dh, (size_t)(B * w->H) * sizeof *dh);
    for (int64_t l = 1; l < w->n_lanes; l++)
        clab__cpu_of(be)->rows->axpy(B * w->H, 1.0f, w->lane_dh + l * B * w->H, dh);
    return CLAB_OK;
}

/* ---- 4: gradients of the heads, and Adam ---------------------------------------------------------------------------------*/
static void update_head(const job *j, span s, const float *d, clab_weights *wp, clab_weights *bp, float *grad)
{
    const clab_count_work *w = j->w;
    const clab__rows *rows = j->cpu->rows;
    const int64_t H = w->H;

    clab_blas_sgemm(&j->cpu->blas, true, false, s.n, H, w->B, d + s.g0, w->G, j->h, H, 0, grad, H);
    rows->adam(s.n * H, j->k, grad, wp->p + s.g0 * H, wp->m + s.g0 * H, wp->v + s.g0 * H);
    clab__column_sums(w->B, s.n, d + s.g0, w->G, grad);
    rows->adam(s.n, j->k, grad, bp->p + s.g0, bp->m + s.g0, bp->v + s.g0);
}

static clab_status update_tile(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    const job *j = arg;
    clab_count_work *w = j->w;
    clab_weights *lt = &j->out->log_theta;
    span s = tile_span(w, task);
    float *grad = clab__count_scratch_of(w, worker).grad;

    (void)cx;
    update_head(j, s, w->u, &j->out->scale_w, &j->out->scale_b, grad);
    if (w->zinb)
        update_head(j, s, w->z, &j->out->drop_w, &j->out->drop_b, grad);
    j->cpu->rows->adam(s.n, j->k, w->d_theta + s.g0, lt->p + s.g0, lt->m + s.g0, lt->v + s.g0);
    return CLAB_OK;
}

clab_status clab__cpu_count_update(clab_backend *be, clab_count_work *w, clab_count_head *hd, const float *h,
                                   const clab_adam *k)
{
    job j = {.w = w, .hd = hd, .out = hd, .h = h, .k = k, .cpu = clab__cpu_of(be), .grad = true};

    return clab__run_all(clab__ctx_of(be), w->n_tiles, update_tile, &j, w->done);
}
