/* test_backend_formula.c -- the scalar formulas: derivatives against finite differences, gamma terms against libm, float32 against
 * double, keyed numbers against the base generator. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend/formula.h"
#include "base/rng.h"

static const double XS[] = {0, 1, 2, 5, 50, 1000, 0.7};
static const double THETAS[] = {1e-8, 1e-5, 1e-3, 0.1, 1, 3, 30, 1e3, 1e5, 1e8};
static const double MUS[] = {1e-12, 1e-6, 1e-2, 0.5, 3, 100, 1e6};
static const double ZES[] = {-50, -3, 0, 2, 50};
enum { NX = 7, NT = 10, NM = 7, NZ = 5 };

/* The slope of f at 0 from six points, in long double where the function allows: here double, h = 1e-3. */
static double slope(double (*f)(double, void *), void *user)
{
    const double h = 1e-3;
    return (45 * (f(h, user) - f(-h, user)) - 9 * (f(2 * h, user) - f(-2 * h, user)) + f(3 * h, user) - f(-3 * h, user)) / (60 * h);
}

typedef struct {
    double x, mu, th, ze;
    int which;
} point;

static double shifted(double d, void *user)
{
    const point *p = user;
    return clab_zinb_terms(p->x, p->which == 0 ? p->mu * exp(d) : p->mu, p->which == 1 ? p->th * exp(d) : p->th,
                           p->which == 2 ? p->ze + d : p->ze)
        .logp;
}

static double shifted_nb(double d, void *user)
{
    const point *p = user;
    return clab_nb_terms(p->x, p->which == 0 ? p->mu * exp(d) : p->mu, p->which == 1 ? p->th * exp(d) : p->th).logp;
}

static void near(double a, double b, double tolerance, const point *p, const char *what)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%s at x %g mu %g theta %g ze %g: %.12g, expected %.12g", what, p->x, p->mu, p->th, p->ze, a, b);
}

static void test_derivatives(void **state)
{
    (void)state;
    for (int x = 0; x < NX; x++)
        for (int t = 0; t < NT; t++)
            for (int m = 0; m < NM; m++)
                for (int z = 0; z < NZ; z++) {
                    point p = {XS[x], MUS[m], THETAS[t], ZES[z], 0};
                    clab_count_terms nb = clab_nb_terms(p.x, p.mu, p.th);
                    clab_count_terms zi = clab_zinb_terms(p.x, p.mu, p.th, p.ze);
                    double tol = 1e-7 * (1 + p.x + fabs(nb.logp));
                    near(nb.dlnmu, slope(shifted_nb, &p), tol, &p, "nb dlnmu");
                    near(zi.dlnmu, slope(shifted, &p), tol, &p, "zinb dlnmu");
                    p.which = 1;
                    near(nb.dlnth, slope(shifted_nb, &p), tol, &p, "nb dlntheta");
                    near(zi.dlnth, slope(shifted, &p), tol, &p, "zinb dlntheta");
                    p.which = 2;
                    near(zi.dze, slope(shifted, &p), tol, &p, "zinb dze");
                }
}

/* The likelihood as the peer writes it, where double can still say something. */
static void test_against_peers_form(void **state)
{
    (void)state;
    for (int x = 0; x < NX; x++)
        for (int t = 0; t < NT - 1; t++)
            for (int m = 0; m < NM; m++) {
                point p = {XS[x], MUS[m], THETAS[t], 0, 0};
                double r = log(p.th + p.mu + 1e-8);
                double lp = p.th * (log(p.th + 1e-8) - r) + p.x * (log(p.mu + 1e-8) - r) + lgamma(p.x + p.th) -
                            lgamma(p.th) - lgamma(p.x + 1);
                near(clab_nb_terms(p.x, p.mu, p.th).logp, lp, 1e-9 * (1 + fabs(lp)) + 1e-14 * p.th * 20, &p, "nb");
            }
}

static void test_gamma(void **state)
{
    (void)state;
    for (double z = 1e-6; z < 1e6; z *= 1.37) {
        assert_true(fabs(clab_lgamma(z) - lgamma(z)) <= 1e-13 * (1 + fabs(lgamma(z))));
        /* digamma: the slope of lgamma in ln z, over z */
        double h = 1e-4, d = (lgamma(z * exp(h)) - lgamma(z * exp(-h))) / (2 * h) / z;
        assert_true(fabs(clab_digamma(z) - d) <= 1e-6 * (1 + fabs(d)));
    }
    assert_true(fabs(clab_digamma(1.0) + 0.57721566490153286061) < 1e-14);
}

/* Float32 rows: relative to the largest term that enters, they may lose a few units in the last place. */
static void test_float_forms(void **state)
{
    (void)state;
    for (int x = 0; x < NX; x++)
        for (int t = 0; t < NT; t++)
            for (int m = 0; m < NM; m++)
                for (int z = 0; z < NZ; z++) {
                    point p = {XS[x], MUS[m], THETAS[t], ZES[z], 0};
                    float mu = (float)p.mu, th = (float)p.th, ze = (float)p.ze, xf = (float)p.x, dm, dt, dz, lp;
                    float ith = (float)(1.0 / ((double)th + CLAB_LIK_EPS));
                    clab_count_terms r = clab_zinb_terms((double)xf, (double)mu, (double)th, (double)ze);
                    double big = 1 + p.x * (1 + fabs(log(p.mu + 1e-8)) + fabs(log(p.th + 1e-8))) + fabs(r.logp) +
                                 fmin(p.mu, p.th * log1p(p.mu / p.th));
                    if (p.x == 0) {
                        lp = clab_zinb_zero_f(mu, th, ith, ze, &dm, &dt, &dz);
                    } else {
                        double lg, psi;
                        clab_gamma_terms((double)xf, (double)th, &lg, &psi);
                        lp = clab_zinb_some_f(xf, mu, th, ith, (float)(lg - clab_count_constant((double)xf)), (float)psi,
                                              ze, &dm, &dt, &dz);
                    }
                    near((double)lp, r.logp, 1e-6 * big, &p, "log p in float32");
                    near((double)dm, r.dlnmu, 1e-6 * big, &p, "dlnmu in float32");
                    near((double)dt, r.dlnth, 1e-6 * big, &p, "dlntheta in float32");
                    near((double)dz, r.dze, 1e-6, &p, "dze in float32");
                }
}

static void test_elementary(void **state)
{
    (void)state;
    for (float x = -100; x < 88; x += 0.0137f) {
        double want = x < -87.3f ? 0 : exp((double)x);
        assert_true(fabs((double)clab_exp_f(x) - want) <= 1.2e-7 * want);
    }
    for (double e = -60; e < 60; e += 0.0171) {
        float x = (float)exp(e);
        assert_true(fabs((double)clab_log_f(x) - log((double)x)) <= 1.2e-7 * fmax(fabs(log((double)x)), 1e-2));
        assert_true(fabs((double)clab_log1p_f(x) - log1p((double)x)) <= 1.5e-7 * log1p((double)x));
    }
    assert_true(clab_softplus(-800) == 0 && clab_softplus(800) == 800);
    assert_true(fabs(clab_sigmoid(3) + clab_sigmoid(-3) - 1) < 1e-15);
}

static void test_keyed_numbers(void **state)
{
    const clab_noise_key key = {0x123456789abcdef0u, 3, 7};
    const uint32_t ctr[4] = {5, 42, 3u << 16, 7}, k[2] = {0x9abcdef0u, 0x12345678u};
    uint32_t ours[4], base[4];
    double sum = 0, sq = 0;

    (void)state;
    clab_noise4(&key, 42, 5, ours);
    clab_philox(ctr, k, base);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ours[i], base[i]);
    for (uint32_t b = 0; b < 20000; b++) {
        float x, y;
        clab_noise4(&key, 1, b, ours);
        clab_noise_normal2(ours[0], ours[1], &x, &y);
        sum += (double)x + (double)y;
        sq += (double)x * (double)x + (double)y * (double)y;
    }
    assert_true(fabs(sum / 40000) < 0.02);
    assert_true(fabs(sq / 40000 - 1) < 0.03);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_derivatives), cmocka_unit_test(test_against_peers_form), cmocka_unit_test(test_gamma),
        cmocka_unit_test(test_float_forms), cmocka_unit_test(test_elementary),         cmocka_unit_test(test_keyed_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
