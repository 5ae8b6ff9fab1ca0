/* cpu_dense.c -- the small layers: B x H work on the calling thread, sums over cells in double. */
#include <math.h>
#include <stdlib.h>

#include "backend/cpu_impl.h"

#define BN_EPS 1e-3
#define BN_MOMENTUM 0.01

/* Column sums need a double for each column; hidden layers are a few hundred wide. */
static clab_status column_scratch(clab_backend *be, int64_t n, double **out)
{
    *out = calloc((size_t)n, sizeof **out);
    return *out ? CLAB_OK : clab_fail(clab__ctx_of(be), CLAB_ENOMEM, "no memory for %lld column sums", (long long)n);
}

clab_status clab__cpu_add_bias(clab_backend *be, int64_t B, int64_t H, const float *bias, float *a)
{
    (void)be;
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < H; j++)
            a[i * H + j] += bias[j];
    return CLAB_OK;
}

clab_status clab__cpu_add_code_rows(clab_backend *be, const clab_batch *b, int64_t H, const float *w, float *a)
{
    (void)be;
    for (int64_t i = 0; i < b->n_rows; i++)
        for (int64_t j = 0; j < H; j++)
            a[i * H + j] += w[b->code[i] * H + j];
    return CLAB_OK;
}

clab_status clab__cpu_code_row_sums(clab_backend *be, const clab_batch *b, int64_t H, int64_t K, const float *g,
                                    float *out)
{
    double *sum = NULL;
    clab_status s = column_scratch(be, K * H, &sum);

    if (s != CLAB_OK)
        return s;
    for (int64_t i = 0; i < b->n_rows; i++)
        for (int64_t j = 0; j < H; j++)
            sum[b->code[i] * H + j] += (double)g[i * H + j];
    for (int64_t j = 0; j < K * H; j++)
        out[j] = (float)sum[j];
    free(sum);
    return CLAB_OK;
}

clab_status clab__cpu_col_sums(clab_backend *be, int64_t B, int64_t H, const float *g, float *out)
{
    double *sum = NULL;
    clab_status s = column_scratch(be, H, &sum);

    if (s != CLAB_OK)
        return s;
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < H; j++)
            sum[j] += (double)g[i * H + j];
    for (int64_t j = 0; j < H; j++)
        out[j] = (float)sum[j];
    free(sum);
    return CLAB_OK;
}

/* ---- batch norm [3.3, 6.3] -----------------------------------------------------------------------------*/
static void batch_moments(int64_t B, int64_t H, const float *a, double *sum, double *sq, float *mean, float *var)
{
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < H; j++)
            sum[j] += (double)a[i * H + j];
    for (int64_t j = 0; j < H; j++)
        sum[j] /= (double)B;
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < H; j++) {
            double d = (double)a[i * H + j] - sum[j];
            sq[j] += d * d;
        }
    for (int64_t j = 0; j < H; j++) {
        mean[j] = (float)sum[j];
        var[j] = (float)(sq[j] / (double)B);
    }
}

clab_status clab__cpu_bn_forward(clab_backend *be, bool train, int64_t B, int64_t H, float *a, const float *gamma,
                                 const float *beta, float *mean, float *var, float *inv, float *y)
{
    if (train) {
        double *sum = NULL;
        clab_status s = column_scratch(be, 2 * H, &sum);
        if (s != CLAB_OK)
            return s;
        batch_moments(B, H, a, sum, sum + H, mean, var);
        free(sum);
    }
    for (int64_t j = 0; j < H; j++)
        inv[j] = (float)(1.0 / sqrt((double)var[j] + BN_EPS));
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < H; j++) {
            float x = (a[i * H + j] - mean[j]) * inv[j];
            a[i * H + j] = x;
            y[i * H + j] = gamma[j] * x + beta[j];
        }
    return CLAB_OK;
}

clab_status clab__cpu_bn_backward(clab_backend *be, bool train, int64_t B, int64_t H, const float *xhat,
                                  const float *inv, const float *gamma, float *g, float *dgamma, float *dbeta)
{
    double *dg = NULL, *db;
    clab_status s = column_scratch(be, 2 * H, &dg);

    if (s != CLAB_OK)
        return s;
    db = dg + H;
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < H; j++) {
            dg[j] += (double)g[i * H + j] * (double)xhat[i * H + j];
            db[j] += (double)g[i * H + j];
        }
    for (int64_t j = 0; j < H; j++) {
        dgamma[j] = (float)dg[j];
        dbeta[j] = (float)db[j];
        dg[j] = train ? dg[j] / (double)B : 0; /* eval: the moments are constants */
        db[j] = train ? db[j] / (double)B : 0;
    }
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < H; j++) {
            float centred = g[i * H + j] - (float)db[j] - xhat[i * H + j] * (float)dg[j];
            g[i * H + j] = gamma[j] * inv[j] * centred;
        }
    free(dg);
    return CLAB_OK;
}

clab_status clab__cpu_bn_track(clab_backend *be, int64_t B, int64_t H, const float *mean, const float *var,
                               float *run_mean, float *run_var)
{
    const double unbiased = B > 1 ? (double)B / (double)(B - 1) : 1.0;

    (void)be;
    for (int64_t j = 0; j < H; j++) {
        run_mean[j] = (float)((1 - BN_MOMENTUM) * (double)run_mean[j] + BN_MOMENTUM * (double)mean[j]);
        run_var[j] = (float)((1 - BN_MOMENTUM) * (double)run_var[j] + BN_MOMENTUM * unbiased * (double)var[j]);
    }
    return CLAB_OK;
}

/* ---- ReLU, dropout, keyed noise --------------------------------------------------------------------------*/
clab_status clab__cpu_relu_dropout(clab_backend *be, int64_t B, int64_t H, const float *y, const uint8_t *keep,
                                   float p, float *h)
{
    const float scale = 1.0f / (1.0f - p);

    (void)be;
    for (int64_t i = 0; i < B * H; i++) {
        float r = y[i] > 0 ? y[i] : 0.0f;
        h[i] = keep ? (keep[i] ? r * scale : 0.0f) : r;
    }
    return CLAB_OK;
}

clab_status clab__cpu_relu_dropout_back(clab_backend *be, int64_t B, int64_t H, const float *y, const uint8_t *keep,
                                        float p, float *g)
{
    const float scale = 1.0f / (1.0f - p);

    (void)be;
    for (int64_t i = 0; i < B * H; i++) {
        float d = y[i] > 0 ? g[i] : 0.0f;
        g[i] = keep ? (keep[i] ? d * scale : 0.0f) : d;
    }
    return CLAB_OK;
}

clab_status clab__cpu_noise_keep(clab_backend *be, const clab_batch *b, const clab_noise_key *key, int64_t H,
                                 float p, uint8_t *keep)
{
    uint32_t w[4];

    (void)be;
    for (int64_t i = 0; i < b->n_rows; i++)
        for (int64_t j = 0; j < H; j++) {
            if ((j & 3) == 0)
                clab_noise4(key, (uint64_t)b->cell[i], (uint32_t)(j >> 2), w);
            keep[i * H + j] = clab_noise_uniform(w[j & 3]) >= p;
        }
    return CLAB_OK;
}

clab_status clab__cpu_noise_normal(clab_backend *be, const clab_batch *b, const clab_noise_key *key, int64_t D,
                                   float *eps)
{
    uint32_t w[4];
    float n[4];

    (void)be;
    for (int64_t i = 0; i < b->n_rows; i++)
        for (int64_t j = 0; j < D; j++) {
            if ((j & 3) == 0) {
                clab_noise4(key, (uint64_t)b->cell[i], (uint32_t)(j >> 2), w);
                clab_noise_normal2(w[0], w[1], &n[0], &n[1]);
                clab_noise_normal2(w[2], w[3], &n[2], &n[3]);
            }
            eps[i * D + j] = n[j & 3];
        }
    return CLAB_OK;
}

/* ---- the latent Gaussian [3.1, 5, 6.4] --------------------------------------------------------------------*/
clab_status clab__cpu_latent(clab_backend *be, int64_t B, int64_t D, const float *m, const float *av,
                             const float *eps, float *v, float *z, double *kl)
{
    (void)be;
    for (int64_t i = 0; i < B; i++) {
        double sum = 0;
        for (int64_t j = i * D; j < (i + 1) * D; j++) {
            double var = exp((double)av[j]) + CLAB_VAR_EPS;
            v[j] = (float)var;
            z[j] = (float)((double)m[j] + sqrt(var) * (double)eps[j]);
            sum += clab_gauss_kl((double)m[j], var);
        }
        kl[i] = sum;
    }
    return CLAB_OK;
}

clab_status clab__cpu_latent_back(clab_backend *be, int64_t B, int64_t D, const float *m, const float *v,
                                  const float *eps, const float *gz, float klw, float *gm, float *gav)
{
    (void)be;
    for (int64_t j = 0; j < B * D; j++) {
        double var = (double)v[j], w = (double)klw;
        gm[j] = (float)((double)gz[j] + w * (double)m[j]);
        gav[j] = (float)((var - CLAB_VAR_EPS) *
                         ((double)gz[j] * (double)eps[j] / (2 * sqrt(var)) + w * 0.5 * (1 - 1 / var)));
    }
    return CLAB_OK;
}
