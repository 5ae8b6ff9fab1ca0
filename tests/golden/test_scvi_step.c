/* test_scvi_step.c -- one training step of scVI, layer by layer, against float64 scvi-tools: activations, loss, gradients,
 * parameters after Adam, running statistics.  Noise and dropout come from the golden files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "models/scvi_net.h"
#include "npy.h"

static const double LR = 1e-3, DECAY = 1e-6, KL_WEIGHT = 0.4;

typedef struct {
    char dir[512];
    clab_ctx *cx;
    clab_backend *be;
    clab__net *net;
    npy loss;
} fixture;

/* DIR/KIND/NAME, blanks as the files have them. */
static npy golden(const fixture *f, const char *kind, const char *name)
{
    char dir[600], file[128];

    snprintf(dir, sizeof dir, "%s/%s", f->dir, kind);
    snprintf(file, sizeof file, "%s", name);
    for (char *c = file; *c; c++)
        if (*c == ' ')
            *c = '_';
    return npy_read(dir, file);
}

static bool has(const fixture *f, const char *path)
{
    char p[700];

    snprintf(p, sizeof p, "%s/%s", f->dir, path);
    return access(p, R_OK) == 0;
}

static float *floats(const npy *a)
{
    float *x = malloc((size_t)a->n * sizeof *x);

    assert_non_null(x);
    for (int64_t i = 0; i < a->n; i++)
        x[i] = (float)a->x[i];
    return x;
}

static void load_params(fixture *f)
{
    for (int i = 0; i < f->net->n_tensors; i++) {
        npy a = golden(f, "f64/param", f->net->tensors[i].key);
        float *x = floats(&a);
        assert_int_equal(clab__net_set(f->net, &f->net->tensors[i], x), CLAB_OK);
        free(x);
        npy_free(&a);
    }
}

static void load_batch(fixture *f)
{
    npy ptr = golden(f, "in", "X_indptr"), idx = golden(f, "in", "X_indices"), val = golden(f, "in", "X_data");
    npy shape = golden(f, "in", "X_shape"), code = golden(f, "in", "batch");
    int64_t n = (int64_t)shape.x[0], indptr[200], cell[200];
    int32_t *indices = malloc((size_t)idx.n * sizeof *indices), codes[200];
    float *x = floats(&val);

    assert_true(n < 200);
    for (int64_t i = 0; i <= n; i++)
        indptr[i] = (int64_t)ptr.x[i];
    for (int64_t i = 0; i < n; i++) {
        cell[i] = i;
        codes[i] = (int32_t)code.x[i];
    }
    for (int64_t i = 0; i < idx.n; i++)
        indices[i] = (int32_t)idx.x[i];
    clab_host_rows rows = {n, (int64_t)shape.x[1], indptr, indices, x, codes, cell};
    assert_int_equal(clab__net_room(f->net, n, true), CLAB_OK);
    assert_int_equal(f->be->ops->batch_load(f->be, f->net->batch, &rows), CLAB_OK);
    npy eps = golden(f, "noise", "eps_0"), keep = golden(f, "noise", "drop_keep_0");
    for (int64_t i = 0; i < eps.n; i++)
        f->net->eps[i] = (float)eps.x[i];
    for (int64_t i = 0; i < keep.n; i++)
        f->net->enc[0].keep[i] = (uint8_t)keep.x[i];
    free(indices);
    free(x);
    npy *all[] = {&ptr, &idx, &val, &shape, &code, &eps, &keep};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        npy_free(all[i]);
}

static void setup(fixture *f, const char *dir, int threads)
{
    clab_ctx_opts o = {.threads = threads};
    npy shape, w;

    memset(f, 0, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "%s", dir);
    shape = golden(f, "in", "X_shape");
    w = golden(f, "f64/param", "decoder.px_decoder.fc_layers.Layer 0.0.weight");
    clab__net_dims d = {.G = (int64_t)shape.x[1], .H = w.dims[0], .D = 10, .K = w.dims[1] - 10, .n_layers = 1, .dropout = 0.1};
    d.zinb = has(f, "f64/grad/decoder.px_dropout_decoder.weight.npy");
    f->cx = clab_ctx_new(&o);
    assert_non_null(f->cx);
    assert_int_equal(clab_backend_open(f->cx, "cpu", &f->be), CLAB_OK);
    assert_int_equal(clab__net_new(f->cx, f->be, &d, &f->net), CLAB_OK);
    load_params(f);
    load_batch(f);
    npy_free(&shape);
    npy_free(&w);
}

static void teardown(fixture *f)
{
    clab__net_free(f->net);
    clab_backend_close(f->be);
    clab_ctx_free(f->cx);
}

static void check(const fixture *f, const char *kind, const char *name, const float *ours, int64_t n, double bound)
{
    npy a = golden(f, kind, name);
    double d = npy_distance(ours, n, &a);

    npy_free(&a);
    if (!(d <= bound))
        fail_msg("%s %s/%s: distance %.2e above %.1e", f->dir, kind, name, d, bound);
}

static void check_activations(fixture *f, double bound)
{
    const clab__net *n = f->net;
    const int64_t B = n->batch->n_rows, H = n->dims.H, D = n->dims.D;

    check(f, "f64/act", "z_encoder.encoder.fc_layers.Layer_0.1.0", n->enc[0].y, B * H, bound);
    check(f, "f64/act", "z_encoder.encoder.fc_layers.Layer_0.4.0", n->enc[0].h, B * H, bound);
    check(f, "f64/act", "z_encoder.mean_encoder.0", n->m, B * D, bound);
    check(f, "f64/act", "z_encoder.var_encoder.0", n->av, B * D, bound);
    check(f, "f64/out", "z", n->z, B * D, bound);
    check(f, "f64/act", "decoder.px_decoder.fc_layers.Layer_0.3.0", n->dec[0].h, B * H, bound);
}

static void check_losses(fixture *f, double bound)
{
    npy rec = golden(f, "f64/out", "reconstruction_loss"), kl = golden(f, "f64/out", "kl_local");
    npy loss = golden(f, "f64/out", "loss");
    const clab__net *n = f->net;
    double sum = 0;

    for (int64_t i = 0; i < rec.n; i++) {
        assert_true(fabs(n->rec[i] - rec.x[i]) <= 4 * bound * fabs(rec.x[i]) + 2e-5);
        assert_true(fabs(n->kl[i] - kl.x[i]) <= 1e-5 * fabs(kl.x[i]));
        sum += n->rec[i] + KL_WEIGHT * n->kl[i];
    }
    sum /= (double)rec.n;
    if (!(fabs(sum - loss.x[0]) <= bound * fabs(loss.x[0])))
        fail_msg("loss %.9g, golden %.9g", sum, loss.x[0]);
    npy_free(&rec);
    npy_free(&kl);
    npy_free(&loss);
}

/* Our gradient in the peer's layout: where it is fused with Adam, from the first moment after one step,
 * m = 0.1 (g + decay p). */
static void check_gradients(fixture *f, double bound)
{
    for (int i = 0; i < f->net->n_tensors; i++) {
        clab__tensor t = f->net->tensors[i];
        npy p, after;
        float *x;
        char path[200];
        if (!t.param || t.before_norm)
            continue;
        p = golden(f, "f64/param", t.key);
        x = malloc((size_t)p.n * sizeof *x);
        if (t.grad) {
            t.p = t.grad;
            assert_int_equal(clab__net_get(f->net, &t, x), CLAB_OK);
        } else {
            t.p = &t.param->m;
            assert_int_equal(clab__net_get(f->net, &t, x), CLAB_OK);
            for (int64_t j = 0; j < p.n; j++)
                x[j] = (float)(10.0 * (double)x[j] - DECAY * p.x[j]);
        }
        check(f, "f64/grad", t.key, x, p.n, bound);
        /* Adam's step is at most lr / (1 + eps): compare the step, not the value */
        assert_int_equal(clab__net_get(f->net, &f->net->tensors[i], x), CLAB_OK);
        after = golden(f, "f64/after", t.key);
        for (int64_t j = 0; j < p.n; j++)
            if (!(fabs((double)x[j] - after.x[j]) <= 2e-6))
                fail_msg("%s[%d] after one step: %.9g, golden %.9g", t.key, (int)j, (double)x[j], after.x[j]);
        (void)path;
        npy_free(&after);
        npy_free(&p);
        free(x);
    }
}

static void check_buffers(fixture *f)
{
    for (int i = 0; i < f->net->n_tensors; i++) {
        const clab__tensor *t = &f->net->tensors[i];
        if (!t->param)
            check(f, "f64/after", t->key, *t->p, t->dims[0], 1e-6);
    }
}

static void run_case(const char *dir, double loss_bound, double grad_bound)
{
    fixture f;
    clab_adam k;

    setup(&f, dir, 2);
    clab_adam_at(&k, LR, DECAY, 1);
    assert_int_equal(clab__net_moments(f.net), CLAB_OK);
    assert_int_equal(clab__net_forward(f.net, true, true, KL_WEIGHT), CLAB_OK);
    check_activations(&f, 2e-6);
    check_losses(&f, loss_bound);
    assert_int_equal(clab__net_update(f.net, &k), CLAB_OK);
    check_gradients(&f, grad_bound);
    check_buffers(&f);
    teardown(&f);
}

static void test_zinb(void **state)
{
    char dir[512];

    (void)state;
    snprintf(dir, sizeof dir, "%s/tests/golden/data/scvi_A1", getenv("CLAB_SOURCE"));
    run_case(dir, 5e-7, 5e-6);
}

static void run_shared(const char *name, double loss_bound, double grad_bound)
{
    const char *shared = getenv("CLAB_SHARED");
    char dir[512];

    snprintf(dir, sizeof dir, "%s/golden_scvi/%s", shared ? shared : "", name);
    if (access(dir, R_OK) != 0) {
        print_message("skipped: %s is not there\n", dir);
        skip();
    }
    run_case(dir, loss_bound, grad_bound);
}

static void test_nb(void **state)
{
    (void)state;
    run_shared("A2_nb", 5e-7, 5e-6);
}

static void test_non_integer(void **state)
{
    (void)state;
    run_shared("B1_nonint", 5e-7, 5e-6);
}

static void test_empty_cell(void **state)
{
    (void)state;
    run_shared("B2_empty_cell", 5e-7, 5e-6);
}

/* theta from e^-11 to e^11, zero inflation from -30 to 30. */
static void test_extreme(void **state)
{
    (void)state;
    run_shared("B3_extreme", 5e-7, 1e-4);
}

/* The same step, bit for bit, with 1, 2 and 8 threads. */
static void test_threads(void **state)
{
    float *first = NULL;
    char dir[512];

    (void)state;
    snprintf(dir, sizeof dir, "%s/tests/golden/data/scvi_A1", getenv("CLAB_SOURCE"));
    for (int threads = 1; threads <= 8; threads = threads == 1 ? 2 : threads * 4) {
        fixture f;
        clab_adam k;
        int64_t at = 0;
        float *all;
        setup(&f, dir, threads);
        assert_int_equal(clab__net_moments(f.net), CLAB_OK);
        for (int t = 1; t <= 3; t++) {
            clab_adam_at(&k, LR, DECAY, t);
            assert_int_equal(clab__net_forward(f.net, true, true, KL_WEIGHT), CLAB_OK);
            assert_int_equal(clab__net_update(f.net, &k), CLAB_OK);
        }
        all = malloc(1000000 * sizeof *all);
        for (int i = 0; i < f.net->n_tensors; i++) {
            const clab__tensor *t = &f.net->tensors[i];
            assert_int_equal(clab__net_get(f.net, t, all + at), CLAB_OK);
            at += t->dims[0] * (t->rank == 2 ? t->dims[1] : 1);
        }
        assert_true(at < 1000000);
        if (first)
            assert_memory_equal(all, first, (size_t)at * sizeof *all);
        else
            first = malloc(1000000 * sizeof *first), memcpy(first, all, (size_t)at * sizeof *all);
        free(all);
        teardown(&f);
    }
    free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zinb),       cmocka_unit_test(test_nb),      cmocka_unit_test(test_non_integer),
        cmocka_unit_test(test_empty_cell), cmocka_unit_test(test_extreme), cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
