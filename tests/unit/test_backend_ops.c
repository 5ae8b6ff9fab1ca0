/* test_backend_ops.c -- every operation of the backend against its plain twin, with each set of row kernels and with both
 * matrix products; sizes that fill no tile exactly. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "backend/blas.h"
#include "base/ctx.h"
#include "plain.h"
#include "small.h"

enum { B = 37, G = 301, H = 21, D = 6, K = 3 };

static const clab_backend_ops *op;
static clab_ctx *cx;
static clab_backend *be;
static uint32_t numbers = 12345;

static float uniform(float lo, float hi)
{
    return lo + (hi - lo) * (float)(small_next(&numbers) >> 8) * 0x1p-24f;
}

static float *random_floats(int64_t n, float lo, float hi)
{
    float *x = malloc((size_t)n * sizeof *x);

    for (int64_t i = 0; i < n; i++)
        x[i] = uniform(lo, hi);
    return x;
}

static void open_backend(int threads)
{
    clab_ctx_opts o = {.threads = threads};

    cx = clab_ctx_new(&o);
    assert_non_null(cx);
    assert_int_equal(clab_backend_open(cx, "cpu", &be), CLAB_OK);
    op = be->ops;
}

static void close_backend(void)
{
    clab_backend_close(be);
    clab_ctx_free(cx);
}

static void close_to(const float *a, const double *b, int64_t n, double bound, const char *what)
{
    double d = plain_distance(a, b, n);

    if (!(d <= bound))
        fail_msg("%s on %s: distance %.2e above %.1e", what, be->describe, d, bound);
}

static double *doubles(int64_t n)
{
    double *x = calloc((size_t)n, sizeof *x);

    assert_non_null(x);
    return x;
}

/* Counts with a few large and non-integer values, as dense and as a loaded batch. */
static clab_batch *random_batch(float **dense)
{
    static int64_t indptr[B + 1], cell[B];
    static int32_t indices[B * G], code[B];
    static float x[B * G];
    float *d = small_counts(B, G, 12, 99);
    clab_batch *b = NULL;
    int64_t n = 0;

    d[5] = 2000;
    d[G + 7] = 80;
    d[2 * G + 9] = 0.7f;
    for (int i = 0; i < B; i++) {
        indptr[i] = n;
        cell[i] = 1000 + i;
        code[i] = (i * 7) % K;
        for (int g = 0; g < G; g++)
            if (d[i * G + g] != 0 || g == 3) { /* gene 3: stored zeros too */
                indices[n] = g;
                x[n++] = d[i * G + g];
            }
    }
    indptr[B] = n;
    clab_host_rows rows = {B, G, indptr, indices, x, code, cell};
    assert_int_equal(op->batch_new(be, &b), CLAB_OK);
    assert_int_equal(op->batch_load(be, b, &rows), CLAB_OK);
    *dense = d;
    return b;
}

/* ---- the operations ---------------------------------------------------------------------------------------*/
static void check_gemm(void)
{
    float *a = random_floats(B * H, -1, 1), *b = random_floats(H * G, -1, 1);

    for (int t = 0; t < 4; t++) {
        bool ta = t & 1, tb = t & 2;
        float *c = random_floats(B * G, -1, 1);
        double *want = doubles(B * G);
        for (int i = 0; i < B * G; i++)
            want[i] = (double)c[i];
        plain_gemm(ta, tb, B, G, H, a, ta ? B : H, b, tb ? H : G, 1, want);
        assert_int_equal(op->gemm(be, ta, tb, B, G, H, a, ta ? B : H, b, tb ? H : G, 1.0f, c, G), CLAB_OK);
        close_to(c, want, B * G, 1e-6, "gemm");
        free(c);
        free(want);
    }
    free(a);
    free(b);
}

static void check_sparse(void)
{
    float *x, *w = random_floats(G * H, -0.2f, 0.2f), *bias = random_floats(H, -1, 1), *g = random_floats(B * H, -1, 1);
    float *a = random_floats(B * H, 0, 0), *m = calloc(G * H, 4), *v = calloc(G * H, 4), *w0 = malloc(G * H * 4);
    clab_batch *b = random_batch(&x);
    float *lx = malloc(sizeof(float) * B * G);
    double *want = doubles(B * H), *grad = doubles(G * H), *after = doubles(G * H);
    clab_weights wt = {w, m, v, G * H};
    clab_adam k;

    for (int i = 0; i < B * G; i++)
        lx[i] = (float)log1p((double)x[i]);
    plain_gemm(false, false, B, H, G, lx, G, w, H, 0, want);
    for (int i = 0; i < B * H; i++)
        want[i] += (double)bias[i % H];
    assert_int_equal(op->sparse_forward(be, b, H, w, bias, a), CLAB_OK);
    close_to(a, want, B * H, 1e-6, "sparse_forward");
    plain_gemm(true, false, G, H, B, lx, G, g, H, 0, grad);
    memcpy(w0, w, G * H * 4);
    clab_adam_at(&k, 1e-3, 1e-6, 1);
    for (int i = 0; i < G * H; i++)
        after[i] = plain_adam_first((double)w[i], grad[i], 1e-3, 1e-6) - (double)w0[i];
    assert_int_equal(op->sparse_update(be, b, H, g, &wt, &k), CLAB_OK);
    for (int i = 0; i < G * H; i++)
        w[i] -= w0[i];
    close_to(w, after, G * H, 1e-4, "sparse_update"); /* a difference of nearly equal numbers */
    for (int i = 0; i < G * H; i++)
        m[i] *= 10;
    close_to(m, grad, G * H, 2e-6, "gradient of the input layer");
    op->batch_free(be, b);
    void *all[] = {x, w, bias, g, a, m, v, w0, lx, want, grad, after};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

static void check_norm(void)
{
    float *a = random_floats(B * H, -2, 3), *copy = malloc(B * H * 4), *gamma = random_floats(H, 0.5f, 2);
    float *beta = random_floats(H, -1, 1), mean[H], var[H], inv[H], rm[H] = {0}, rv[H], dg[H], db[H];
    float *y = malloc(B * H * 4), *g = random_floats(B * H, -1, 1), *gin = malloc(B * H * 4);
    double *want = doubles(B * H), *p = doubles(B * H), *q = doubles(B * H), *grad = doubles(B * H);

    memcpy(copy, a, B * H * 4);
    memcpy(gin, g, B * H * 4);
    for (int j = 0; j < H; j++)
        rv[j] = 1;
    plain_bn(B, H, a, gamma, beta, NULL, NULL, want);
    assert_int_equal(op->bn_forward(be, true, B, H, a, gamma, beta, mean, var, inv, y), CLAB_OK);
    close_to(y, want, B * H, 1e-6, "bn_forward, train");
    /* backward: the slope of sum(g y) along each input, by central differences of the twin */
    assert_int_equal(op->bn_backward(be, true, B, H, a, inv, gamma, g, dg, db), CLAB_OK);
    for (int i = 0; i < B * H; i += 5) {
        float kept = copy[i], h = 0.01f;
        copy[i] = kept + h;
        plain_bn(B, H, copy, gamma, beta, NULL, NULL, p);
        double up = (double)copy[i];
        copy[i] = kept - h;
        plain_bn(B, H, copy, gamma, beta, NULL, NULL, q);
        double down = (double)copy[i];
        copy[i] = kept;
        for (int j = 0; j < B * H; j++)
            grad[i] += (double)gin[j] * (p[j] - q[j]) / (up - down);
        assert_true(fabs(grad[i] - (double)g[i]) < 1e-4);
    }
    assert_int_equal(op->bn_track(be, B, H, mean, var, rm, rv), CLAB_OK);
    assert_true(fabs((double)rm[2] - 0.01 * (double)mean[2]) < 1e-7);
    assert_true(fabs((double)rv[2] - (0.99 + 0.01 * (double)var[2] * B / (B - 1))) < 1e-6);
    memcpy(a, copy, B * H * 4);
    plain_bn(B, H, a, gamma, beta, rm, rv, want);
    assert_int_equal(op->bn_forward(be, false, B, H, a, gamma, beta, rm, rv, inv, y), CLAB_OK);
    close_to(y, want, B * H, 1e-6, "bn_forward, eval");
    memcpy(g, gin, B * H * 4);
    assert_int_equal(op->bn_backward(be, false, B, H, a, inv, gamma, g, dg, db), CLAB_OK);
    assert_true(fabs((double)g[3] - (double)gin[3] * (double)gamma[3] * (double)inv[3]) < 1e-6);
    void *all[] = {a, copy, gamma, beta, y, g, gin, want, p, q, grad};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

static void check_small_layers(void)
{
    float *x, *y = random_floats(B * H, -1, 1), *h = malloc(B * H * 4), *g = random_floats(B * H, -1, 1);
    float *g0 = malloc(B * H * 4), *w = random_floats(K * H, -1, 1), out[K * H], sums[H];
    uint8_t keep[B * H];
    clab_batch *b = random_batch(&x);
    clab_noise_key key = {1, 2, 3};
    int kept = 0;

    memcpy(g0, g, B * H * 4);
    assert_int_equal(op->noise_keep(be, b, &key, H, 0.25f, keep), CLAB_OK);
    for (int i = 0; i < B * H; i++)
        kept += keep[i];
    assert_true(kept > 0.65 * B * H && kept < 0.85 * B * H);
    assert_int_equal(op->relu_dropout(be, B, H, y, keep, 0.25f, h), CLAB_OK);
    assert_int_equal(op->relu_dropout_back(be, B, H, y, keep, 0.25f, g), CLAB_OK);
    for (int i = 0; i < B * H; i++) {
        double on = y[i] > 0 && keep[i] ? 1 / 0.75 : 0;
        assert_true(fabs((double)h[i] - on * (double)y[i]) < 1e-6);
        assert_true(fabs((double)g[i] - on * (double)g0[i]) < 1e-6);
    }
    memcpy(h, g0, B * H * 4);
    assert_int_equal(op->add_code_rows(be, b, H, w, h), CLAB_OK);
    assert_int_equal(op->code_row_sums(be, b, H, K, g0, out), CLAB_OK);
    assert_int_equal(op->col_sums(be, B, H, g0, sums), CLAB_OK);
    for (int j = 0; j < H; j++) {
        double all = 0, one[K] = {0};
        for (int i = 0; i < B; i++) {
            int code = (i * 7) % K;
            assert_true(fabs((double)h[i * H + j] - (double)g0[i * H + j] - (double)w[code * H + j]) < 1e-6);
            all += (double)g0[i * H + j];
            one[code] += (double)g0[i * H + j];
        }
        assert_true(fabs(all - (double)sums[j]) < 1e-5);
        for (int k = 0; k < K; k++)
            assert_true(fabs(one[k] - (double)out[k * H + j]) < 1e-5);
    }
    op->batch_free(be, b);
    void *all[] = {x, y, h, g, g0, w};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

/* Value of the latent part that latent_back differentiates: sum(gz z) + klw sum(kl). */
static double latent_value(float *m, float *av, const float *eps, const float *gz, double klw, float *v, float *z, double *kl)
{
    double sum = 0;

    assert_int_equal(op->latent(be, B, D, m, av, eps, v, z, kl), CLAB_OK);
    for (int i = 0; i < B; i++)
        sum += klw * kl[i];
    for (int i = 0; i < B * D; i++)
        sum += (double)gz[i] * ((double)m[i] + sqrt(exp((double)av[i]) + 1e-4) * (double)eps[i]);
    return sum;
}

static void check_latent(void)
{
    float *m = random_floats(B * D, -2, 2), *av = random_floats(B * D, -4, 1), *eps = random_floats(B * D, -2, 2);
    float *gz = random_floats(B * D, -1, 1), *v = malloc(B * D * 4), *z = malloc(B * D * 4);
    float *gm = malloc(B * D * 4), *gav = malloc(B * D * 4);
    double kl[B];

    latent_value(m, av, eps, gz, 0.3, v, z, kl);
    assert_int_equal(op->latent_back(be, B, D, m, v, eps, gz, 0.3f, gm, gav), CLAB_OK);
    for (int i = 0; i < B * D; i += 3) {
        float *vary[] = {m, av}, want[] = {gm[i], gav[i]};
        for (int k = 0; k < 2; k++) {
            float kept = vary[k][i];
            vary[k][i] = kept + 0.005f;
            double hi = (double)vary[k][i], up = latent_value(m, av, eps, gz, 0.3, v, z, kl);
            vary[k][i] = kept - 0.005f;
            double lo = (double)vary[k][i], down = latent_value(m, av, eps, gz, 0.3, v, z, kl);
            vary[k][i] = kept;
            assert_true(fabs((up - down) / (hi - lo) - (double)want[k]) < 2e-4);
        }
    }
    void *all[] = {m, av, eps, gz, v, z, gm, gav};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

static void check_count(bool zinb)
{
    float *x, *h = random_floats(B * H, 0, 1), *w[5], *m[5], *v[5], dh[B * H], *got = malloc(G * H * 4);
    const int64_t n[5] = {G * H, G, G * H, G, G};
    clab_batch *b = random_batch(&x);
    clab_count_work *work = NULL;
    clab_count_head hd = {.n_genes = G, .n_hidden = H, .zinb = zinb};
    clab_weights *part[5] = {&hd.scale_w, &hd.scale_b, &hd.drop_w, &hd.drop_b, &hd.log_theta};
    double rec[B], again[B];
    clab_adam k;

    for (int i = 0; i < 5; i++) {
        w[i] = random_floats(n[i], i == 4 ? -3.0f : -0.6f, i == 4 ? 5.0f : 0.6f);
        m[i] = calloc((size_t)n[i], 4);
        v[i] = calloc((size_t)n[i], 4);
        *part[i] = (clab_weights){w[i], m[i], v[i], n[i]};
    }
    plain_count p = {B, G, H, zinb, x, h, w[0], w[1], w[2], w[3], w[4]};
    plain_count_out o = plain_count_loss(&p);
    const double *grads[5] = {o.dws, o.dbs, o.dwz, o.dbz, o.dtheta};
    static const char *const names[5] = {"scale weights", "scale bias", "dropout weights", "dropout bias", "theta"};
    assert_int_equal(op->count_new(be, B, G, H, zinb, &work), CLAB_OK);
    assert_int_equal(op->count_loss(be, work, &hd, b, h, false, again, NULL), CLAB_OK);
    assert_int_equal(op->count_loss(be, work, &hd, b, h, true, rec, dh), CLAB_OK);
    for (int i = 0; i < B; i++) {
        assert_true(rec[i] == again[i]); /* with or without gradient, the same */
        assert_true(fabs(rec[i] - o.rec[i]) <= (i == 0 ? 5e-6 : 1e-6) * fabs(o.rec[i])); /* cell 0 has a count of 2000 */
    }
    close_to(dh, o.dh, B * H, 5e-6, "gradient by the hidden layer");
    clab_adam_at(&k, 1e-3, 0, 1);
    assert_int_equal(op->count_update(be, work, &hd, h, &k), CLAB_OK);
    for (int i = 0; i < 5; i++) {
        if (!zinb && (i == 2 || i == 3))
            continue;
        for (int64_t j = 0; j < n[i]; j++)
            got[j] = 10 * m[i][j]; /* the first moment after one step is a tenth of the gradient */
        close_to(got, grads[i], n[i], 5e-6, names[i]);
    }
    op->count_free(be, work);
    op->batch_free(be, b);
    plain_count_free(&o);
    for (int i = 0; i < 5; i++) {
        free(w[i]);
        free(m[i]);
        free(v[i]);
    }
    free(x);
    free(h);
    free(got);
}

static void check_all(void)
{
    open_backend(3);
    check_gemm();
    check_sparse();
    check_norm();
    check_small_layers();
    check_latent();
    check_count(true);
    check_count(false);
    close_backend();
}

static void test_best(void **state)
{
    (void)state;
    check_all();
}

static void test_each_kernel_set(void **state)
{
    (void)state;
    setenv("CELLLAB_SIMD", "baseline", 1);
    open_backend(1);
    assert_non_null(strstr(be->describe, "baseline"));
    close_backend();
    check_all();
    setenv("CELLLAB_SIMD", "avx2", 1);
    check_all();
    unsetenv("CELLLAB_SIMD");
}

static void test_without_blas(void **state)
{
    (void)state;
    setenv("CELLLAB_BLAS", "plain", 1);
    open_backend(1);
    assert_non_null(strstr(be->describe, "plain C"));
    close_backend();
    check_all();
    unsetenv("CELLLAB_BLAS");
}

static void test_double_products(void **state)
{
    clab_blas plain = {0}, found;
    double a[6 * 5], b[5 * 7], c[6 * 7], d[6 * 7];

    (void)state;
    open_backend(2);
    clab_blas_open(cx, &found);
    for (int i = 0; i < 30; i++)
        a[i] = (double)uniform(-1, 1);
    for (int i = 0; i < 35; i++)
        b[i] = (double)uniform(-1, 1);
    clab_blas_dgemm(&plain, false, false, 6, 7, 5, a, 5, b, 7, 0, c, 7);
    clab_blas_dgemm(&found, false, false, 6, 7, 5, a, 5, b, 7, 0, d, 7);
    for (int i = 0; i < 42; i++) {
        double want = 0;
        for (int k = 0; k < 5; k++)
            want += a[i / 7 * 5 + k] * b[k * 7 + i % 7];
        assert_true(fabs(c[i] - want) < 1e-14 && fabs(d[i] - want) < 1e-14);
    }
    close_backend();
}

/* One cell's numbers do not depend on its place in the minibatch. */
static void test_noise_belongs_to_the_cell(void **state)
{
    int64_t indptr[3] = {0, 0, 0}, ab[2] = {17, 4000000000}, ba[2] = {4000000000, 17};
    clab_noise_key key = {9, 16, 1};
    float first[2 * D], second[2 * D];
    clab_batch *b = NULL;

    (void)state;
    open_backend(1);
    clab_host_rows rows = {2, G, indptr, NULL, NULL, NULL, ab};
    assert_int_equal(op->batch_new(be, &b), CLAB_OK);
    assert_int_equal(op->batch_load(be, b, &rows), CLAB_OK);
    assert_int_equal(op->noise_normal(be, b, &key, D, first), CLAB_OK);
    rows.cell = ba;
    assert_int_equal(op->batch_load(be, b, &rows), CLAB_OK);
    assert_int_equal(op->noise_normal(be, b, &key, D, second), CLAB_OK);
    assert_memory_equal(first, second + D, D * sizeof(float));
    assert_memory_equal(first + D, second, D * sizeof(float));
    assert_true(first[0] != first[D]);
    op->batch_free(be, b);
    close_backend();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_best),           cmocka_unit_test(test_each_kernel_set),
        cmocka_unit_test(test_without_blas),   cmocka_unit_test(test_double_products),
        cmocka_unit_test(test_noise_belongs_to_the_cell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
