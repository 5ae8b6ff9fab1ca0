/* scVI as a user meets it: errors that say where, cancel, early stopping, saving, other datasets, threads. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "ledger/ledger.h"
#include "models/scvi_impl.h"
#include "small.h"

enum { N = 300, G = 290 };

static char notes[8192];

static void keep_note(void *user, clab_note_level level, const char *text)
{
    (void)user;
    (void)level;
    snprintf(notes + strlen(notes), sizeof notes - strlen(notes), "%s\n", text);
}

static clab_ctx *context(int threads)
{
    clab_ctx_opts o = {.threads = threads, .note = keep_note};
    clab_ctx *cx = clab_ctx_new(&o);

    assert_non_null(cx);
    notes[0] = '\0';
    return cx;
}

static void must(clab_ctx *cx, clab_status s)
{
    if (s != CLAB_OK)
        fail_msg("%s: %s", clab_status_name(s), clab_error_text(cx));
}

static clab_value *named(clab_ctx *cx, const char *prefix, int64_t n, int64_t first, int64_t step)
{
    const char **s = malloc((size_t)n * sizeof *s);
    char *text = malloc((size_t)n * 16);
    clab_value *v = NULL;

    for (int64_t i = 0; i < n; i++) {
        snprintf(text + 16 * i, 16, "%s%d", prefix, (int)(first + step * i));
        s[i] = text + 16 * i;
    }
    must(cx, clab_value_strings(cx, 1, &n, s, &v));
    free(s);
    free(text);
    return v;
}

/* A dataset over dense x; batch may be NULL; genes are gene<first>, gene<first+step>, ... */
static clab_dataset *dataset(clab_ctx *cx, int64_t n, int64_t g, const float *x, const clab_value *batch, int64_t first,
                             int64_t step, bool counts)
{
    clab_value *cells = named(cx, "cell", n, 0, 1), *genes = named(cx, "gene", g, first, step), *obs = NULL, *var = NULL;
    clab_matrix *m = small_matrix_f32(cx, n, g, x);
    clab_dataset *d = NULL;

    assert_non_null(m);
    must(cx, clab_value_table(cx, cells, NULL, &obs));
    if (batch)
        must(cx, clab_value_set(cx, obs, "donor", batch));
    must(cx, clab_value_table(cx, genes, NULL, &var));
    must(cx, clab_dataset_new(cx, "toy", m, obs, var, &d));
    if (counts && !d->counts)
        d->counts = clab_matrix_ref(m);
    clab_matrix_unref(m);
    clab_value_unref(cells);
    clab_value_unref(genes);
    clab_value_unref(obs);
    clab_value_unref(var);
    return d;
}

/* Three categories in an order of their own; the middle one has no cells. */
static clab_value *donors(clab_ctx *cx, int64_t n, int missing)
{
    const char *names[] = {"z", "never", "a"};
    const int64_t three = 3;
    clab_value *levels = NULL, *v = NULL;
    int32_t *codes = malloc((size_t)n * sizeof *codes);

    for (int64_t i = 0; i < n; i++)
        codes[i] = i < missing ? -1 : i % 2 ? 0 : 2;
    must(cx, clab_value_strings(cx, 1, &three, names, &levels));
    must(cx, clab_value_categorical(cx, n, codes, levels, false, &v));
    clab_value_unref(levels);
    free(codes);
    return v;
}

static clab_dataset *toy(clab_ctx *cx)
{
    float *x = small_counts(N, G, 15, 5);
    clab_value *batch = donors(cx, N, 0);
    clab_dataset *d = dataset(cx, N, G, x, batch, 0, 1, true);

    clab_value_unref(batch);
    free(x);
    return d;
}

/* Defaults, then name, text, ..., NULL. */
static void args(clab_ctx *cx, const clab_param *p, int n, clab_arg *a, const char *const *pairs)
{
    must(cx, clab_args_default(cx, "scvi", p, n, a));
    for (; *pairs; pairs += 2) {
        int i = -1;
        must(cx, clab_args_find(cx, "scvi", p, n, pairs[0], &i));
        must(cx, clab_args_set_text(cx, "scvi", &p[i], &a[i], pairs[1]));
    }
}

#define MAKE(...) ((const char *const[]){"device", "cpu", "n_latent", "5", "n_hidden", "20", __VA_ARGS__, NULL})
#define RUN(...) ((const char *const[]){__VA_ARGS__, NULL})

static clab_status make(clab_ctx *cx, const clab_dataset *d, const char *const *pairs, clab_scvi **m)
{
    clab_arg a[32];

    args(cx, clab_scvi_params, clab_scvi_n_params, a, pairs);
    return clab_scvi_new(cx, d, a, m);
}

static clab_status train(clab_ctx *cx, clab_scvi *m, const char *const *pairs, clab_scvi_epoch_fn *fn, void *user)
{
    clab_arg a[32];

    args(cx, clab_scvi_train_params, clab_scvi_n_train_params, a, pairs);
    return clab_scvi_train(cx, m, a, fn, user);
}

static float *latent(clab_ctx *cx, clab_scvi *m, const clab_dataset *d, int64_t n)
{
    clab_value *v = NULL;
    float *z = malloc((size_t)(n * 5) * sizeof *z);

    must(cx, clab_scvi_latent(cx, m, d, &v));
    assert_int_equal(v->dims[0], n);
    assert_int_equal(v->dims[1], 5);
    memcpy(z, v->data, (size_t)(n * 5) * sizeof *z);
    clab_value_unref(v);
    return z;
}

/* ---- making ------------------------------------------------------------------------------------------------*/
static void test_refuses_values_that_are_no_counts(void **state)
{
    clab_ctx *cx = context(2);
    float *x = small_counts(N, G, 15, 5);
    clab_scvi *m = NULL;

    (void)state;
    x[7 * G + 11] = 0.5f;
    clab_dataset *d = dataset(cx, N, G, x, NULL, 0, 1, true);
    assert_int_equal(make(cx, d, MAKE("seed", "1"), &m), CLAB_ESTATE);
    assert_non_null(strstr(clab_error_text(cx), "cell7"));
    assert_non_null(strstr(clab_error_text(cx), "gene11"));
    clab_error_clear(cx);
    must(cx, make(cx, d, MAKE("allow_noncounts", "true"), &m));
    must(cx, train(cx, m, RUN("max_epochs", "1"), NULL, NULL));
    clab_scvi_free(cx, m, NULL);
    clab_dataset_unref(d);
    x[7 * G + 11] = -1;
    d = dataset(cx, N, G, x, NULL, 0, 1, true);
    assert_int_equal(make(cx, d, MAKE("allow_noncounts", "true"), &m), CLAB_EARG);
    clab_dataset_unref(d);
    clab_ctx_free(cx);
    free(x);
}

static void test_batches(void **state)
{
    clab_ctx *cx = context(2);
    float *x = small_counts(N, G, 15, 5);
    clab_value *batch = donors(cx, N, 4);
    clab_dataset *d = dataset(cx, N, G, x, batch, 0, 1, true), *whole = toy(cx);
    clab_scvi *m = NULL;

    (void)state;
    assert_int_equal(make(cx, d, MAKE("batch", "donor"), &m), CLAB_EARG);
    assert_non_null(strstr(clab_error_text(cx), "no value for 4 of 300 cells"));
    clab_error_clear(cx);
    assert_int_equal(make(cx, d, MAKE("batch", "doner"), &m), CLAB_ENOTFOUND);
    assert_non_null(strstr(clab_error_text(cx), "donor"));
    clab_error_clear(cx);
    must(cx, make(cx, whole, MAKE("batch", "donor"), &m));
    assert_int_equal(m->net->dims.K, 3); /* the category without cells has its column too */
    assert_string_equal(((char **)clab_scvi_batches(m)->data)[0], "z");
    assert_string_equal(((char **)clab_scvi_batches(m)->data)[1], "never");
    clab_scvi_free(cx, m, NULL);
    clab_value_unref(batch);
    clab_dataset_unref(d);
    clab_dataset_unref(whole);
    clab_ctx_free(cx);
    free(x);
}

/* ---- training ------------------------------------------------------------------------------------------------*/
static void test_threads_do_not_matter(void **state)
{
    float *first = NULL;
    double elbo = 0;

    (void)state;
    for (int threads = 1; threads <= 8; threads = threads == 1 ? 2 : threads * 4) {
        clab_ctx *cx = context(threads);
        clab_dataset *d = toy(cx);
        clab_scvi *m = NULL;
        must(cx, make(cx, d, MAKE("batch", "donor", "n_layers", "2", "seed", "3"), &m));
        must(cx, train(cx, m, RUN("max_epochs", "4", "check_val_every", "2"), NULL, NULL));
        const clab_curve *c = clab_history_get(clab_scvi_history(m), "elbo_validation");
        float *z = latent(cx, m, NULL, N);
        assert_int_equal(c->n, 2);
        assert_true(c->x[1] == 3);
        if (first) {
            assert_memory_equal(z, first, N * 5 * sizeof *z);
            assert_true(c->y[1] == elbo);
            free(z);
        } else {
            first = z;
            elbo = c->y[1];
        }
        clab_scvi_free(cx, m, NULL);
        clab_dataset_unref(d);
        clab_ctx_free(cx);
    }
    free(first);
}

static bool cancel_after_two(void *user, int64_t epoch, const clab_history *h)
{
    (void)h;
    if (epoch == 2)
        clab_cancel(user);
    return true;
}

static bool stop_after_three(void *user, int64_t epoch, const clab_history *h)
{
    (void)user;
    (void)h;
    return epoch < 3;
}

static void test_stopping(void **state)
{
    clab_ctx *cx = context(2);
    clab_dataset *d = toy(cx);
    clab_scvi *m = NULL;

    (void)state;
    must(cx, make(cx, d, MAKE("seed", "1"), &m));
    assert_int_equal(train(cx, m, RUN("max_epochs", "50"), cancel_after_two, cx), CLAB_ECANCEL);
    clab_error_clear(cx);
    clab_cancel_clear(cx);
    assert_int_equal(clab_scvi_epochs(m), 2);
    assert_true(clab_scvi_trained(m));
    float *z = latent(cx, m, NULL, N); /* usable */
    for (int i = 0; i < N * 5; i++)
        assert_true(isfinite(z[i]));
    free(z);
    must(cx, train(cx, m, RUN("max_epochs", "50", "mode", "train"), stop_after_three, NULL));
    assert_int_equal(clab_scvi_epochs(m), 3);
    /* a model that no longer learns stops early */
    notes[0] = '\0';
    must(cx, train(cx, m, RUN("max_epochs", "500", "early_stopping", "true", "patience", "3", "lr", "0"), NULL, NULL));
    assert_true(clab_scvi_epochs(m) < 400);
    assert_non_null(strstr(notes, "stopped early"));
    assert_non_null(strstr(notes, "KL weight ended at"));
    clab_scvi_free(cx, m, NULL);
    clab_dataset_unref(d);
    clab_ctx_free(cx);
}

static void test_second_training_follows_the_peer(void **state)
{
    clab_ctx *cx = context(2);
    clab_dataset *d = toy(cx);
    clab_scvi *m = NULL;
    float kept;

    (void)state;
    must(cx, make(cx, d, MAKE("seed", "1"), &m));
    must(cx, train(cx, m, RUN("max_epochs", "1"), NULL, NULL));
    kept = m->net->enc[0].run_mean[0];
    notes[0] = '\0';
    must(cx, train(cx, m, RUN("max_epochs", "1"), NULL, NULL));
    assert_true(m->net->enc[0].run_mean[0] == kept); /* running statistics are used, not updated */
    assert_non_null(strstr(notes, "mode=\"train\""));
    must(cx, train(cx, m, RUN("max_epochs", "1", "mode", "train"), NULL, NULL));
    assert_true(m->net->enc[0].run_mean[0] != kept);
    clab_scvi_free(cx, m, NULL);
    clab_dataset_unref(d);
    clab_ctx_free(cx);
}

static void test_a_loss_that_is_no_number(void **state)
{
    clab_ctx *cx = context(2);
    clab_dataset *d = toy(cx);
    clab_scvi *m = NULL;
    float kept;

    (void)state;
    must(cx, make(cx, d, MAKE("seed", "1"), &m));
    m->net->head.log_theta.p[4] = NAN;
    kept = m->net->enc[0].w.p[0];
    assert_int_equal(train(cx, m, RUN("max_epochs", "2"), NULL, NULL), CLAB_ESTATE);
    assert_non_null(strstr(clab_error_text(cx), "epoch 1, step 1"));
    assert_true(m->net->enc[0].w.p[0] == kept);
    clab_scvi_free(cx, m, NULL);
    clab_dataset_unref(d);
    clab_ctx_free(cx);
}

/* ---- a large model is left quickly ------------------------------------------------------------------------------*/
static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct {
    clab_ctx *cx;
    double at;
} canceller;

static void *cancel_soon(void *arg)
{
    canceller *c = arg;
    nanosleep(&(struct timespec){0, 300000000}, NULL);
    c->at = seconds();
    clab_cancel(c->cx);
    return NULL;
}

static void test_cancel_inside_a_large_minibatch(void **state)
{
    enum { CELLS = 200, GENES = 25000 };
    clab_ctx *cx = context(2);
    float *x = small_counts(CELLS, GENES, 5, 5);
    clab_dataset *d = dataset(cx, CELLS, GENES, x, NULL, 0, 1, true);
    canceller c = {cx, 0};
    clab_scvi *m = NULL;
    pthread_t t;

    (void)state;
    must(cx, make(cx, d, MAKE("n_hidden", "128"), &m));
    pthread_create(&t, NULL, cancel_soon, &c);
    assert_int_equal(train(cx, m, RUN("max_epochs", "1000"), NULL, NULL), CLAB_ECANCEL);
    double late = seconds() - c.at;
    pthread_join(t, NULL);
    print_message("left %.0f ms after the cancel\n", 1e3 * late);
    assert_true(late < 2.0); /* a busy machine, a build without optimisation; 0.2 s is checked in the sessions */
    clab_scvi_free(cx, m, NULL);
    clab_dataset_unref(d);
    clab_ctx_free(cx);
    free(x);
}

/* ---- after training ----------------------------------------------------------------------------------------------*/
static void test_saving(void **state)
{
    clab_ctx *cx = context(2);
    clab_dataset *d = toy(cx);
    clab_scvi *m = NULL, *back = NULL;
    clab_value *v = NULL, *bad = NULL, *tensors = NULL;
    char one[200], two[200];

    (void)state;
    must(cx, make(cx, d, MAKE("batch", "donor", "likelihood", "nb"), &m));
    must(cx, train(cx, m, RUN("max_epochs", "2"), NULL, NULL));
    must(cx, clab_scvi_value(cx, m, &v));
    must(cx, clab_scvi_from_value(cx, v, &back));
    float *z = latent(cx, m, NULL, N), *w = latent(cx, back, d, N);
    assert_memory_equal(z, w, N * 5 * sizeof *z);
    clab_scvi_describe(m, one, sizeof one);
    clab_scvi_describe(back, two, sizeof two);
    assert_string_equal(one, two);
    assert_string_equal(one, "scVI nb, 300 cells x 290 genes, 3 batches, latent 5, trained 2 epochs");
    assert_int_equal(clab_history_get(clab_scvi_history(back), "elbo_train")->n, 2);
    clab_value *none = NULL;
    assert_int_equal(clab_scvi_latent(cx, back, NULL, &none), CLAB_ESTATE);
    clab_error_clear(cx);
    assert_int_equal(train(cx, back, RUN("max_epochs", "2"), NULL, NULL), CLAB_ESTATE);
    clab_error_clear(cx);
    /* a tensor of another shape */
    const clab_value *w1 = clab_value_get(clab_value_get(v, "tensors"), "px_r");
    clab_value *half = NULL;
    must(cx, clab_value_array(cx, CLAB_F32, 1, (int64_t[]){G - 1}, w1->data, &half));
    must(cx, clab_value_copy(cx, v, &bad));
    must(cx, clab_value_copy(cx, clab_value_get(v, "tensors"), &tensors));
    must(cx, clab_value_set(cx, tensors, "px_r", half));
    must(cx, clab_value_set(cx, bad, "tensors", tensors));
    clab_scvi_free(cx, back, NULL);
    assert_int_equal(clab_scvi_from_value(cx, bad, &back), CLAB_EFORMAT);
    assert_non_null(strstr(clab_error_text(cx), "px_r"));
    clab_value *all[] = {v, bad, tensors, half};
    for (int i = 0; i < 4; i++)
        clab_value_unref(all[i]);
    free(z);
    free(w);
    clab_scvi_free(cx, m, NULL);
    clab_dataset_unref(d);
    clab_ctx_free(cx);
}

/* The same cells with their genes in reverse order give the same latent; missing genes are said. */
static void test_other_datasets(void **state)
{
    clab_ctx *cx = context(2);
    float *x = small_counts(N, G, 15, 5), *r = malloc(sizeof(float) * N * G);
    clab_scvi *m = NULL;

    (void)state;
    for (int i = 0; i < N; i++)
        for (int g = 0; g < G; g++)
            r[i * G + g] = x[i * G + G - 1 - g];
    clab_dataset *d = toy(cx), *reversed = dataset(cx, N, G, r, NULL, G - 1, -1, true);
    clab_dataset *few = dataset(cx, N, G - 40, x, NULL, 40, 1, true), *other = dataset(cx, N, G, x, NULL, 5000, 1, true);
    must(cx, make(cx, d, MAKE("seed", "1"), &m));
    must(cx, train(cx, m, RUN("max_epochs", "1"), NULL, NULL));
    float *z = latent(cx, m, NULL, N), *w = latent(cx, m, reversed, N);
    for (int i = 0; i < N * 5; i++) /* sums over genes run in another order */
        assert_true(fabsf(z[i] - w[i]) < 1e-4f);
    notes[0] = '\0';
    free(w);
    w = latent(cx, m, few, N);
    assert_non_null(strstr(notes, "lacks 40 of the 290 genes"));
    clab_value *none = NULL;
    assert_int_equal(clab_scvi_latent(cx, m, other, &none), CLAB_EARG);
    assert_non_null(strstr(clab_error_text(cx), "0 of the 290 genes"));
    clab_scvi_free(cx, m, NULL);
    clab_dataset *all[] = {d, reversed, few, other};
    for (int i = 0; i < 4; i++)
        clab_dataset_unref(all[i]);
    clab_ctx_free(cx);
    free(x);
    free(r);
    free(z);
    free(w);
}

static void test_free_gives_the_bytes_back(void **state)
{
    clab_ctx *cx = context(2);
    clab_ledger_opts o = {0};
    clab_ledger *lg = NULL;
    clab_scvi *m = NULL;
    int64_t before, returned = 0;

    (void)state;
    must(cx, clab_ledger_new(cx, &o, &lg));
    clab_dataset *d = toy(cx);
    before = clab_mem_live(cx);
    must(cx, make(cx, d, MAKE("seed", "1"), &m));
    must(cx, train(cx, m, RUN("max_epochs", "1"), NULL, NULL));
    int64_t resting = clab_mem_live(cx) - before;
    assert_true(resting < 4 * (3 * G * 20 + 20000)); /* parameters only: no moments, no minibatch */
    clab_scvi_free(cx, m, &returned);
    assert_int_equal(returned, resting);
    assert_int_equal(clab_mem_live(cx), before);
    clab_dataset_unref(d);
    clab_ledger_free(lg);
    clab_ctx_free(cx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_values_that_are_no_counts),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_threads_do_not_matter),
        cmocka_unit_test(test_stopping),
        cmocka_unit_test(test_second_training_follows_the_peer),
        cmocka_unit_test(test_a_loss_that_is_no_number),
        cmocka_unit_test(test_cancel_inside_a_large_minibatch),
        cmocka_unit_test(test_saving),
        cmocka_unit_test(test_other_datasets),
        cmocka_unit_test(test_free_gives_the_bytes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
