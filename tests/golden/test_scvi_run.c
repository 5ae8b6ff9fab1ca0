/* test_scvi_run.c -- a whole training run, reproduced from the seed alone: 120 epochs of scvi-tools on the CPU
 * (tests/golden/make_scvi_run.py).  Catches mistakes in split, shuffling, start values, noise, dropout,
 * batch norm, warm-up, Adam, validation and metrics at once. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/ledger.h"
#include "models/scvi.h"
#include "npy.h"
#include "small.h"

enum { EPOCHS = 120 };

static const char *const CURVES[] = {"elbo_train",      "reconstruction_loss_train",      "kl_local_train",
                                     "elbo_validation", "reconstruction_loss_validation", "kl_local_validation"};

static void data_dir(char *buf, size_t n)
{
    snprintf(buf, n, "%s/tests/golden/data/scvi_run", getenv("CLAB_SOURCE"));
}

static clab_value *strings(clab_ctx *cx, int64_t n, const char *prefix, const double *numbers)
{
    clab_value *v = NULL;
    const char **s = malloc((size_t)n * sizeof *s);
    char *text = malloc((size_t)n * 16);

    for (int64_t i = 0; i < n; i++) {
        snprintf(text + 16 * i, 16, "%s%d", prefix, numbers ? (int)numbers[i] : (int)i);
        s[i] = text + 16 * i;
    }
    assert_int_equal(clab_value_strings(cx, 1, &n, s, &v), CLAB_OK);
    free(text);
    free(s);
    return v;
}

static clab_dataset *toy(clab_ctx *cx)
{
    char dir[512];
    clab_dataset *d = NULL;
    clab_value *obs = NULL, *var = NULL;

    data_dir(dir, sizeof dir);
    npy x = npy_read(dir, "X"), b = npy_read(dir, "batch");
    clab_matrix *m = small_matrix(cx, x.dims[0], x.dims[1], x.x, CLAB_F32);
    assert_non_null(m);
    clab_value *cells = strings(cx, x.dims[0], "cell", NULL), *genes = strings(cx, x.dims[1], "gene", NULL);
    clab_value *batch = strings(cx, x.dims[0], "", b.x);
    assert_int_equal(clab_value_table(cx, cells, NULL, &obs), CLAB_OK);
    assert_int_equal(clab_value_set(cx, obs, "b", batch), CLAB_OK);
    assert_int_equal(clab_value_table(cx, genes, NULL, &var), CLAB_OK);
    assert_int_equal(clab_dataset_new(cx, "toy", m, obs, var, &d), CLAB_OK);
    if (!d->counts)
        d->counts = clab_matrix_ref(m);
    clab_matrix_unref(m);
    clab_value *all[] = {cells, genes, batch, obs, var};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        clab_value_unref(all[i]);
    npy_free(&x);
    npy_free(&b);
    return d;
}

static void set(clab_ctx *cx, const clab_param *p, int n, clab_arg *a, const char *name, const char *text)
{
    int i = -1;

    assert_int_equal(clab_args_find(cx, "scvi", p, n, name, &i), CLAB_OK);
    assert_int_equal(clab_args_set_text(cx, "scvi", &p[i], &a[i], text), CLAB_OK);
}

static clab_scvi *trained(clab_ctx *cx, const clab_dataset *d, const char *likelihood, const char *layers, const char *batch)
{
    clab_arg a[32], t[32];
    clab_scvi *m = NULL;

    assert_int_equal(clab_args_default(cx, "scvi", clab_scvi_params, clab_scvi_n_params, a), CLAB_OK);
    const char *const made[][2] = {{"n_latent", "5"}, {"n_hidden", "16"}, {"likelihood", likelihood}, {"n_layers", layers},
                                   {"seed", "11"},    {"rng", "torch"},   {"device", "cpu"}};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        set(cx, clab_scvi_params, clab_scvi_n_params, a, made[i][0], made[i][1]);
    if (batch)
        set(cx, clab_scvi_params, clab_scvi_n_params, a, "batch", batch);
    if (clab_scvi_new(cx, d, a, &m) != CLAB_OK)
        fail_msg("%s", clab_error_text(cx));
    assert_int_equal(clab_args_default(cx, "train", clab_scvi_train_params, clab_scvi_n_train_params, t), CLAB_OK);
    const char *const run[][2] = {{"max_epochs", "120"}, {"check_val_every", "1"}, {"n_epochs_kl_warmup", "3"}};
    for (size_t i = 0; i < sizeof run / sizeof run[0]; i++)
        set(cx, clab_scvi_train_params, clab_scvi_n_train_params, t, run[i][0], run[i][1]);
    if (clab_scvi_train(cx, m, t, NULL, NULL) != CLAB_OK)
        fail_msg("%s", clab_error_text(cx));
    return m;
}

static void compare_curves(const clab_scvi *m, const npy *golden)
{
    for (size_t c = 0; c < sizeof CURVES / sizeof CURVES[0]; c++) {
        const clab_curve *ours = clab_history_get(clab_scvi_history(m), CURVES[c]);
        double worst = 0;
        assert_non_null(ours);
        assert_int_equal(ours->n, EPOCHS);
        for (int e = 0; e < EPOCHS; e++) {
            double want = golden->x[c * EPOCHS + (size_t)e], rel = fabs(ours->y[e] - want) / fabs(want);
            if (!(rel <= 1e-5))
                fail_msg("%s, epoch %d: %.9g, golden %.9g", CURVES[c], e, ours->y[e], want);
            worst = rel > worst ? rel : worst;
        }
        print_message("%-32s worst relative difference %.1e\n", CURVES[c], worst);
    }
}

static void same_as_peer(const char *run, const char *likelihood, const char *layers, const char *batch)
{
    clab_ctx_opts o = {.threads = 2};
    clab_ctx *cx = clab_ctx_new(&o);
    char dir[512], name[32];
    clab_value *latent = NULL;

    data_dir(dir, sizeof dir);
    clab_dataset *d = toy(cx);
    clab_scvi *m = trained(cx, d, likelihood, layers, batch);
    snprintf(name, sizeof name, "curves_%s", run);
    npy curves = npy_read(dir, name);
    compare_curves(m, &curves);
    snprintf(name, sizeof name, "latent_%s", run);
    npy z = npy_read(dir, name);
    assert_int_equal(clab_scvi_latent(cx, m, NULL, &latent), CLAB_OK);
    double far = npy_distance(latent->data, latent->dims[0] * latent->dims[1], &z);
    print_message("latent, distance %.1e\n", far);
    assert_true(far <= 1e-4);
    npy_free(&curves);
    npy_free(&z);
    clab_value_unref(latent);
    clab_scvi_free(cx, m, NULL);
    clab_dataset_unref(d);
    clab_ctx_free(cx);
}

static void test_zinb(void **state)
{
    (void)state;
    same_as_peer("zinb", "zinb", "1", "b");
}

static void test_nb(void **state)
{
    (void)state;
    same_as_peer("nb", "nb", "1", "b");
}

/* Two layers: the batch enters every hidden layer of the decoder, dropout draws two masks. */
static void test_two_layers(void **state)
{
    (void)state;
    same_as_peer("deep", "zinb", "2", "b");
}

static void test_one_batch(void **state)
{
    (void)state;
    same_as_peer("single", "nb", "1", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zinb),
        cmocka_unit_test(test_nb),
        cmocka_unit_test(test_two_layers),
        cmocka_unit_test(test_one_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
