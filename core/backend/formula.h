/* formula.h -- the scalar maths of the models, compiled by the C core and by nvcc alike.
 * Refuses loops over data, memory and threads.  Formulas: docs/scvi.md, section numbers in brackets.
 *
 * Two families: `double` functions are the definition (tests, rare values); `_f` functions are the
 * float32 forms that the fused kernels run over whole rows, written without branches so that
 * compilers vectorise them, and arranged so that nothing large is subtracted from something large.
 */
#ifndef CLAB_FORMULA_H
#define CLAB_FORMULA_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#define CLAB_HD static __host__ __device__ __forceinline__
#else
#define CLAB_HD static inline __attribute__((always_inline, unused))
#endif

#define CLAB_LIK_EPS 1e-8  /* inside every logarithm, as the peer has it [4] */
#define CLAB_VAR_EPS 1e-4  /* v = exp(a) + 1e-4 [3.1] */
#define CLAB_PI 3.14159265358979323846

/* ---- elementary functions -------------------------------------------------------------------------*/
CLAB_HD double clab_softplus(double t)
{
    return (t > 0 ? t : 0) + log1p(exp(-fabs(t)));
}

CLAB_HD double clab_sigmoid(double t)
{
    double e = exp(-fabs(t));
    return (t >= 0 ? 1.0 : e) / (1.0 + e);
}

CLAB_HD float clab_bits_f(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

CLAB_HD uint32_t clab_f_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

/* exp(x) to about 1 ulp; 0 below -87.3, held at exp(88) above.  2^k times the series to degree 7 on
 * +-ln(2)/2; adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits. */
CLAB_HD float clab_exp_f(float x)
{
#ifdef __CUDA_ARCH__
    return expf(x);
#else
    const float magic = 12582912.0f;
    float c = x > 88.0f ? 88.0f : x;
    float t, k, r, p;
    c = c < -87.3f ? -87.3f : c;
    t = c * 1.44269504f + magic;
    k = t - magic;
    r = (c - k * 0.693145752f) - k * 1.42860677e-6f;
    p = 1.98412698e-4f;
    p = p * r + 1.38888889e-3f;
    p = p * r + 8.33333333e-3f;
    p = p * r + 4.16666667e-2f;
    p = p * r + 1.66666667e-1f;
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
    p *= clab_bits_f((clab_f_bits(t) + 127u) << 23);
    return x < -87.3f ? 0.0f : p;
#endif
}

/* ln(x) for normal x > 0, about 1 ulp: x = 2^k m with m in [1/sqrt 2, sqrt 2), then atanh series in
 * s = (m - 1) / (m + 1). */
CLAB_HD float clab_log_f(float x)
{
#ifdef __CUDA_ARCH__
    return logf(x);
#else
    uint32_t u = clab_f_bits(x) - 0x3f3504f3u;
    int32_t k = (int32_t)u >> 23;
    float m = clab_bits_f((u & 0x007fffffu) + 0x3f3504f3u);
    float f = m - 1.0f;
    float s = f / (2.0f + f);
    float z = s * s;
    float h = 0.5f * f * f;
    float p = z * (0.666666627f + z * (0.400009724f + z * (0.284987867f + z * 0.242790788f)));
    float kf = (float)k;
    return (s * (h + p) - h) + kf * 1.42860677e-6f + f + kf * 0.693145752f;
#endif
}

/* ln(1 + y), y >= 0: the rounding of 1 + y is put back. */
CLAB_HD float clab_log1p_f(float y)
{
    float u = 1.0f + y;
    return clab_log_f(u) + (y - (u - 1.0f)) / u;
}

/* ---- lnGamma and digamma, only ever as differences [14] ----------------------------------------------*/
/* Stirling's correction, z >= 16: error below 1e-14. */
CLAB_HD double clab_stirling(double z)
{
    double i = 1.0 / z, i2 = i * i;
    return i * (1.0 / 12 - i2 * (1.0 / 360 - i2 * (1.0 / 1260 - i2 / 1680)));
}

/* ln(z) - digamma(z), z >= 16. */
CLAB_HD double clab_digamma_rest(double z)
{
    double i = 1.0 / z, i2 = i * i;
    return 0.5 * i + i2 * (1.0 / 12 - i2 * (1.0 / 120 - i2 * (1.0 / 252 - i2 * (1.0 / 240 - i2 / 132))));
}

/* lnGamma(z) and digamma(z) for z > 0: shifted to z >= 16 by the recurrence. */
CLAB_HD double clab_lgamma(double z)
{
    double prod = 1.0;
    while (z < 16) {
        prod *= z;
        z += 1;
    }
    return (z - 0.5) * log(z) - z + 0.91893853320467274178 + clab_stirling(z) - log(prod);
}

CLAB_HD double clab_digamma(double z)
{
    double sum = 0;
    while (z < 16) {
        sum += 1.0 / z;
        z += 1;
    }
    return log(z) - clab_digamma_rest(z) - sum;
}

/* *lg = lnGamma(x + th) - lnGamma(th) - x ln(th + eps), *psi = th (digamma(x + th) - digamma(th)).
 * Both stay small where th is large, and finite where th goes to 0. */
CLAB_HD void clab_gamma_terms(double x, double th, double *lg, double *psi)
{
    if (x <= 64 && x == floor(x)) { /* products: one logarithm per 16 factors, no cancellation */
        double it = 1.0 / (th + CLAB_LIK_EPS), l = 0, s = 0, prod = 1.0;
        for (int k = 0; k < (int)x; k++) {
            prod *= (th + k) * it;
            s += th / (th + k);
            if ((k & 15) == 15) {
                l += log(prod);
                prod = 1.0;
            }
        }
        *lg = l + log(prod);
        *psi = s;
    } else if (th >= 16) {
        double z = x + th, l = log1p(x / th);
        *lg = (z - 0.5) * l - x + clab_stirling(z) - clab_stirling(th) - x * log1p(CLAB_LIK_EPS / th);
        *psi = th * (l - clab_digamma_rest(z) + clab_digamma_rest(th));
    } else {
        *lg = clab_lgamma(x + th) - clab_lgamma(th) - x * log(th + CLAB_LIK_EPS);
        *psi = th * (clab_digamma(x + th) - clab_digamma(th));
    }
}

/* lnGamma(x + 1) - x ln(x), x > 0: what is left of a count's constant once x ln(x) is taken to its mean. */
CLAB_HD double clab_count_constant(double x)
{
    return clab_lgamma(x + 1) - x * log(x);
}

/* ---- negative binomial, with and without zero inflation [4, 6.1] ---------------------------------------
 * mu mean, th = theta inverse dispersion, ze logit of the zero inflation.  With ith = 1/(th + eps),
 * y = mu ith: theta + mu + eps = (theta + eps)(1 + y), eps included exactly.  Then
 *   theta ln((theta + eps)/(r + eps)) = -theta log1p(y)
 *   x ln((mu + eps)/(r + eps)) + lnGamma(x + theta) - lnGamma(theta) - lnGamma(x + 1)
 *     = x [ln((mu + eps)/x) - log1p(y)] + lg - (lnGamma(x + 1) - x ln x),  lg from clab_gamma_terms. */
typedef struct {
    double logp, dlnmu, dlnth, dze; /* and the partials by ln(mu), ln(theta), ze */
} clab_count_terms;

CLAB_HD clab_count_terms clab_nb_terms(double x, double mu, double th)
{
    clab_count_terms r;
    double ith = 1.0 / (th + CLAB_LIK_EPS), y = mu * ith, w = 1.0 / (1.0 + y), l = log1p(y), k = th * ith;
    double lg = 0, psi = 0, lx = 0;

    if (x > 0) {
        clab_gamma_terms(x, th, &lg, &psi);
        lg -= clab_count_constant(x);
        lx = x * (log((mu + CLAB_LIK_EPS) / x) - l);
    }
    r.logp = -th * l + lx + lg;
    r.dlnmu = x * mu / (mu + CLAB_LIK_EPS) - (x + th) * y * w;
    r.dlnth = th * (k * y * w - l) + (psi - x * k * w);
    r.dze = 0;
    return r;
}

CLAB_HD clab_count_terms clab_zinb_terms(double x, double mu, double th, double ze)
{
    clab_count_terms r = clab_nb_terms(x, mu, th);

    if (x < CLAB_LIK_EPS) {
        double s0 = clab_sigmoid(r.logp - ze);
        r.logp = clab_softplus(r.logp - ze) - clab_softplus(-ze);
        r.dlnmu *= s0;
        r.dlnth *= s0;
        r.dze = clab_sigmoid(-ze) - s0;
    } else {
        r.logp -= clab_softplus(ze);
        r.dze = -clab_sigmoid(ze);
    }
    return r;
}

/* The same in float32.  zero: x = 0.  some: x > 0, with lg = clab_gamma_terms' lg - clab_count_constant. */
CLAB_HD float clab_nb_zero_f(float mu, float th, float ith, float *dlnmu, float *dlnth)
{
    float y = mu * ith, w = 1.0f / (1.0f + y), t = -th * clab_log1p_f(y), k = th * ith;
    *dlnmu = -th * y * w;
    *dlnth = t + th * k * y * w;
    return t;
}

CLAB_HD float clab_zinb_zero_f(float mu, float th, float ith, float ze, float *dlnmu, float *dlnth, float *dze)
{
    float dm, dt, t = clab_nb_zero_f(mu, th, ith, &dm, &dt);
    float d = t - ze;
    float a = clab_exp_f(d > 0 ? -d : d), b = clab_exp_f(ze > 0 ? -ze : ze);
    float ra = 1.0f / (1.0f + a), rb = 1.0f / (1.0f + b);
    float s0 = d >= 0 ? ra : a * ra;   /* sigma(t - ze): the zero came from the NB part */
    float sn = ze <= 0 ? rb : b * rb;  /* sigma(-ze) */
    *dlnmu = s0 * dm;
    *dlnth = s0 * dt;
    *dze = sn - s0;
    /* max(t - ze, 0) - max(-ze, 0), t <= 0, without the rounding of the two */
    return (ze < 0 ? (t > ze ? t : ze) : 0.0f) + clab_log_f((1.0f + a) * rb);
}

CLAB_HD float clab_nb_some_f(float x, float mu, float th, float ith, float lg, float psi, float *dlnmu,
                             float *dlnth)
{
    float y = mu * ith, w = 1.0f / (1.0f + y), l = clab_log1p_f(y), k = th * ith;
    float me = mu + (float)CLAB_LIK_EPS;
    *dlnmu = x * (mu / me) - (x + th) * y * w;
    *dlnth = th * (k * y * w - l) + (psi - x * k * w);
    return x * (clab_log_f(me / x) - l) - th * l + lg;
}

CLAB_HD float clab_zinb_some_f(float x, float mu, float th, float ith, float lg, float psi, float ze,
                               float *dlnmu, float *dlnth, float *dze)
{
    float lp = clab_nb_some_f(x, mu, th, ith, lg, psi, dlnmu, dlnth);
    float b = clab_exp_f(ze > 0 ? -ze : ze), rb = 1.0f / (1.0f + b);
    *dze = -(ze >= 0 ? rb : b * rb);
    return lp - (ze > 0 ? ze : 0.0f) - clab_log1p_f(b);
}

/* ---- the latent Gaussian [5, 6.4] ------------------------------------------------------------------------*/
/* KL(N(m, v) || N(0, 1)) of one dimension. */
CLAB_HD double clab_gauss_kl(double m, double v)
{
    return 0.5 * (v + m * m - 1.0 - log(v));
}

/* ---- Adam with L2 decay added to the gradient [7] ------------------------------------------------------------*/
typedef struct {
    float beta1, beta2, eps, decay;
    float gain1, gain2; /* 1 - beta, rounded once: 1 - 0.999f is 1e-5 off */
    float rate;  /* lr / (1 - beta1^t) */
    float norm;  /* 1 / sqrt(1 - beta2^t) */
} clab_adam;

CLAB_HD void clab_adam_at(clab_adam *k, double lr, double decay, int64_t t)
{
    k->beta1 = 0.9f;
    k->beta2 = 0.999f;
    k->gain1 = 0.1f;
    k->gain2 = 0.001f;
    k->eps = 0.01f;
    k->decay = (float)decay;
    k->rate = (float)(lr / (1.0 - pow(0.9, (double)t)));
    k->norm = (float)(1.0 / sqrt(1.0 - pow(0.999, (double)t)));
}

CLAB_HD void clab_adam_one(const clab_adam *k, float g, float *p, float *m, float *v)
{
    float d = g + k->decay * *p;
    *m = k->beta1 * *m + k->gain1 * d;
    *v = k->beta2 * *v + k->gain2 * d * d;
    *p -= k->rate * *m / (sqrtf(*v) * k->norm + k->eps);
}

/* ---- keyed random numbers: Philox4x32-10 (Salmon et al. 2011) ---------------------------------------------
 * The counter is (unit / 4, global cell, epoch); the key is (seed, stream): a number belongs to a cell
 * and a unit, whatever the minibatch, the order and the number of threads. */
typedef struct {
    uint64_t seed;
    uint32_t stream;  /* which use: dropout of layer i, noise of z, ... */
    uint32_t epoch;
} clab_noise_key;

CLAB_HD void clab_noise4(const clab_noise_key *k, uint64_t cell, uint32_t block, uint32_t out[4])
{
    uint32_t c0 = block, c1 = (uint32_t)cell, c2 = (uint32_t)(cell >> 32) ^ (k->stream << 16), c3 = k->epoch;
    uint32_t k0 = (uint32_t)k->seed, k1 = (uint32_t)(k->seed >> 32);

    for (int i = 0; i < 10; i++) {
        uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)b;
        c3 = (uint32_t)a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* 24 bits, in [0, 1). */
CLAB_HD float clab_noise_uniform(uint32_t u)
{
    return (float)(u >> 8) * 5.9604644775390625e-8f;
}

/* Two standard normals from two words (Box-Muller); u is never 0. */
CLAB_HD void clab_noise_normal2(uint32_t u, uint32_t v, float *a, float *b)
{
    double r = sqrt(-2.0 * log(((double)u + 0.5) * 2.3283064365386963e-10));
    double t = 2.0 * CLAB_PI * (double)v * 2.3283064365386963e-10;
    *a = (float)(r * cos(t));
    *b = (float)(r * sin(t));
}

#endif
