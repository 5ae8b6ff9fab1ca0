/* cpu_rows.h -- the row kernels, included once per instruction set with ROWS(name) defined.
 * Straight loops over formula.h's branchless float32 forms: the compiler vectorises them. */
#include "backend/cpu_impl.h"

enum { LANES = 16 };

/* Sum in 16 lanes, then pairwise: the same on every instruction set. */
static float ROWS(sum)(int64_t n, const float *x)
{
    float lane[LANES] = {0};
    int64_t j = 0;

    for (; j + LANES <= n; j += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] += x[j + l];
    for (int l = 0; j < n; j++, l++)
        lane[l] += x[j];
    for (int w = LANES / 2; w > 0; w /= 2)
        for (int l = 0; l < w; l++)
            lane[l] += lane[l + w];
    return lane[0];
}

static float ROWS(max)(int64_t n, const float *x)
{
    float lane[LANES];
    int64_t j = 0;

    for (int l = 0; l < LANES; l++)
        lane[l] = x[0];
    for (; j + LANES <= n; j += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] = x[j + l] > lane[l] ? x[j + l] : lane[l];
    for (; j < n; j++)
        lane[0] = x[j] > lane[0] ? x[j] : lane[0];
    for (int l = 1; l < LANES; l++)
        lane[0] = lane[l] > lane[0] ? lane[l] : lane[0];
    return lane[0];
}

static float ROWS(soft_row)(int64_t n, const float *restrict bias, float *restrict s, float *max)
{
    float top;

    for (int64_t j = 0; j < n; j++)
        s[j] += bias[j];
    top = ROWS(max)(n, s);
    for (int64_t j = 0; j < n; j++)
        s[j] = clab_exp_f(s[j] - top);
    *max = top;
    return ROWS(sum)(n, s);
}

static void ROWS(nb_zero)(int64_t n, const float *restrict e, float c, clab__thetas t, float scale,
                          float *restrict u, float *restrict lp, float *restrict dr)
{
    const float *restrict th = t.th, *restrict ith = t.ith;

    for (int64_t j = 0; j < n; j++) {
        float dm, dt;
        lp[j] = clab_nb_zero_f(e[j] * c, th[j], ith[j], &dm, &dt);
        u[j] = scale * dm;
        dr[j] = scale * dt;
    }
}

static void ROWS(zinb_zero)(int64_t n, const float *restrict e, float c, clab__thetas t, float scale,
                            const float *restrict zbias, float *restrict z, float *restrict u,
                            float *restrict lp, float *restrict dr)
{
    const float *restrict th = t.th, *restrict ith = t.ith;

    for (int64_t j = 0; j < n; j++) {
        float dm, dt, dz;
        lp[j] = clab_zinb_zero_f(e[j] * c, th[j], ith[j], z[j] + zbias[j], &dm, &dt, &dz);
        u[j] = scale * dm;
        dr[j] = scale * dt;
        z[j] = scale * dz;
    }
}

static void ROWS(nb_some)(int64_t n, const float *restrict x, const float *restrict mu, clab__thetas t, float scale,
                          float *restrict u, float *restrict lp, float *restrict dr)
{
    const float *restrict th = t.th, *restrict ith = t.ith;

    for (int64_t j = 0; j < n; j++) {
        float dm, dt;
        lp[j] = clab_nb_some_f(x[j], mu[j], th[j], ith[j], lp[j], dr[j], &dm, &dt);
        u[j] = scale * dm;
        dr[j] = scale * dt;
    }
}

static void ROWS(zinb_some)(int64_t n, const float *restrict x, const float *restrict mu, clab__thetas t,
                            float scale, float *restrict z, float *restrict u, float *restrict lp,
                            float *restrict dr)
{
    const float *restrict th = t.th, *restrict ith = t.ith;

    for (int64_t j = 0; j < n; j++) {
        float dm, dt, dz;
        lp[j] = clab_zinb_some_f(x[j], mu[j], th[j], ith[j], lp[j], dr[j], z[j], &dm, &dt, &dz);
        u[j] = scale * dm;
        dr[j] = scale * dt;
        z[j] = scale * dz;
    }
}

static void ROWS(axpy)(int64_t n, float a, const float *restrict x, float *restrict y)
{
    for (int64_t j = 0; j < n; j++)
        y[j] += a * x[j];
}

static void ROWS(adam)(int64_t n, const clab_adam *k, const float *restrict g, float *restrict p, float *restrict m,
                       float *restrict v)
{
    const clab_adam c = *k;

    for (int64_t j = 0; j < n; j++)
        clab_adam_one(&c, g[j], &p[j], &m[j], &v[j]);
}

static const clab__rows ROWS(table) = {
    ROWS_NAME,       ROWS(soft_row), ROWS(nb_zero), ROWS(zinb_zero), ROWS(nb_some),
    ROWS(zinb_some), ROWS(sum),      ROWS(axpy),    ROWS(adam),
};
