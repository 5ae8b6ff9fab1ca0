/* plain.c -- see plain.h.  The likelihood is written as the peer writes it (docs/scvi.md), with libm's lgamma. */
#include "plain.h"

#include <math.h>
#include <stdlib.h>

#define EPS 1e-8

void plain_gemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
                int64_t ldb, double beta, double *c)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double s = 0;
            for (int64_t p = 0; p < k; p++)
                s += (double)(ta ? a[p * lda + i] : a[i * lda + p]) * (double)(tb ? b[j * ldb + p] : b[p * ldb + j]);
            c[i * n + j] = s + (beta != 0 ? beta * c[i * n + j] : 0);
        }
}

void plain_bn(int64_t B, int64_t H, const float *a, const float *gamma, const float *beta, const float *mean,
              const float *var, double *y)
{
    for (int64_t j = 0; j < H; j++) {
        double mu = 0, v = 0;
        for (int64_t i = 0; i < B; i++)
            mu += (double)a[i * H + j] / (double)B;
        for (int64_t i = 0; i < B; i++)
            v += ((double)a[i * H + j] - mu) * ((double)a[i * H + j] - mu) / (double)B;
        if (mean) {
            mu = (double)mean[j];
            v = (double)var[j];
        }
        for (int64_t i = 0; i < B; i++)
            y[i * H + j] = (double)gamma[j] * ((double)a[i * H + j] - mu) / sqrt(v + 1e-3) + (double)beta[j];
    }
}

static double softplus(double t)
{
    return t > 0 ? t + log1p(exp(-t)) : log1p(exp(t));
}

static double log_p(bool zinb, double x, double mu, double th, double ze)
{
    double r = log(th + mu + EPS), t = th * (log(th + EPS) - r);
    double nb = t + x * (log(mu + EPS) - r) + lgamma(x + th) - lgamma(th) - lgamma(x + 1);

    if (!zinb)
        return nb;
    return x == 0 ? softplus(t - ze) - softplus(-ze) : -softplus(ze) + nb;
}

/* d log p by ln mu, ln theta and ze, by central differences of log_p: shares no derivation with the core. */
static void slopes(bool zinb, double x, double mu, double th, double ze, double d[3])
{
    const double h = 1e-5;

    d[0] = (log_p(zinb, x, mu * exp(h), th, ze) - log_p(zinb, x, mu * exp(-h), th, ze)) / (2 * h);
    d[1] = (log_p(zinb, x, mu, th * exp(h), ze) - log_p(zinb, x, mu, th * exp(-h), ze)) / (2 * h);
    d[2] = zinb ? (log_p(zinb, x, mu, th, ze + h) - log_p(zinb, x, mu, th, ze - h)) / (2 * h) : 0;
}

static double score(const plain_count *p, const float *w, const float *b, int64_t i, int64_t g)
{
    double s = (double)b[g];

    for (int64_t k = 0; k < p->H; k++)
        s += (double)p->h[i * p->H + k] * (double)w[g * p->H + k];
    return s;
}

/* One cell: its scores, likelihood and everything that hangs on them. */
static void one_cell(const plain_count *p, int64_t i, plain_count_out *o, double *s, double *u)
{
    double top = -INFINITY, sum = 0, total = 0, all = 0;

    for (int64_t g = 0; g < p->G; g++) {
        s[g] = score(p, p->ws, p->bs, i, g);
        top = fmax(top, s[g]);
        total += (double)p->x[i * p->G + g];
    }
    for (int64_t g = 0; g < p->G; g++)
        sum += exp(s[g] - top);
    for (int64_t g = 0; g < p->G; g++) {
        double ze = p->zinb ? score(p, p->wz, p->bz, i, g) : 0, mu = total * exp(s[g] - top) / sum, d[3];
        double x = (double)p->x[i * p->G + g], th = exp((double)p->log_theta[g]);
        o->rec[i] -= log_p(p->zinb, x, mu, th, ze);
        slopes(p->zinb, x, mu, th, ze, d);
        u[g] = -d[0] / (double)p->B;
        all += u[g];
        o->dtheta[g] -= d[1] / (double)p->B;
        if (!p->zinb)
            continue;
        o->dbz[g] -= d[2] / (double)p->B;
        for (int64_t k = 0; k < p->H; k++) {
            o->dwz[g * p->H + k] -= d[2] / (double)p->B * (double)p->h[i * p->H + k];
            o->dh[i * p->H + k] -= d[2] / (double)p->B * (double)p->wz[g * p->H + k];
        }
    }
    for (int64_t g = 0; g < p->G; g++) {
        double ds = u[g] - exp(s[g] - top) / sum * all;
        o->dbs[g] += ds;
        for (int64_t k = 0; k < p->H; k++) {
            o->dws[g * p->H + k] += ds * (double)p->h[i * p->H + k];
            o->dh[i * p->H + k] += ds * (double)p->ws[g * p->H + k];
        }
    }
}

plain_count_out plain_count_loss(const plain_count *p)
{
    plain_count_out o = {
        calloc((size_t)p->B, 8),          calloc((size_t)(p->B * p->H), 8), calloc((size_t)(p->G * p->H), 8),
        calloc((size_t)p->G, 8),          calloc((size_t)(p->G * p->H), 8), calloc((size_t)p->G, 8),
        calloc((size_t)p->G, 8),
    };
    double *s = calloc((size_t)p->G, 8), *u = calloc((size_t)p->G, 8);

    for (int64_t i = 0; i < p->B; i++)
        one_cell(p, i, &o, s, u);
    free(s);
    free(u);
    return o;
}

void plain_count_free(plain_count_out *o)
{
    double *all[] = {o->rec, o->dh, o->dws, o->dbs, o->dwz, o->dbz, o->dtheta};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

double plain_adam_first(double p, double g, double lr, double decay)
{
    double d = g + decay * p, m = 0.1 * d, v = 0.001 * d * d;

    return p - lr / (1 - 0.9) * m / (sqrt(v) / sqrt(1 - 0.999) + 0.01);
}

double plain_distance(const float *a, const double *b, int64_t n)
{
    double diff = 0, scale = 0;

    for (int64_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - b[i]);
        if (!(d <= diff))
            diff = d;
        scale = fmax(scale, fabs(b[i]));
    }
    return diff / (scale > 0 ? scale : 1);
}
