/* test_models_scvi.c -- scVI as a user meets it: errors that say where, threads, stopping, cancel. */
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

#include "models/scvi_impl.h"
#include "scvi_toy.h"
#include "small.h"

/* ---- making ------------------------------------------------------------------------------------------------*/
static void test_refuses_values_that_are_no_counts(void **state)
{
    clab_ctx *cx = scvi_toy_context(2);
    float *x = small_counts(SCVI_TOY_CELLS, SCVI_TOY_GENES, 15, 5);
    clab_scvi *m = NULL;

    (void)state;
    x[7 * SCVI_TOY_GENES + 11] = 0.5f;
    clab_dataset *d = scvi_toy_dataset(cx, SCVI_TOY_CELLS, SCVI_TOY_GENES, x, NULL, 0, 1, true);
    assert_int_equal(scvi_toy_make(cx, d, MAKE("seed", "1"), &m), CLAB_ESTATE);
    assert_non_null(strstr(clab_error_text(cx), "cell7"));
    assert_non_null(strstr(clab_error_text(cx), "gene11"));
    clab_error_clear(cx);
    scvi_toy_must(cx, scvi_toy_make(cx, d, MAKE("allow_noncounts", "true"), &m));
    scvi_toy_must(cx, scvi_toy_train(cx, m, RUN("max_epochs", "1"), NULL, NULL));
    clab_scvi_free(cx, m, NULL);
    clab_dataset_unref(d);
    x[7 * SCVI_TOY_GENES + 11] = -1;
    d = scvi_toy_dataset(cx, SCVI_TOY_CELLS, SCVI_TOY_GENES, x, NULL, 0, 1, true);
    assert_int_equal(scvi_toy_make(cx, d, MAKE("allow_noncounts", "true"), &m), CLAB_EARG);
    clab_dataset_unref(d);
    clab_ctx_free(cx);
    free(x);
}

static void test_batches(void **state)
{
    clab_ctx *cx = scvi_toy_context(2);
    float *x = small_counts(SCVI_TOY_CELLS, SCVI_TOY_GENES, 15, 5);
    clab_value *batch = scvi_toy_donors(cx, SCVI_TOY_CELLS, 4);
    clab_dataset *d = scvi_toy_dataset(cx, SCVI_TOY_CELLS, SCVI_TOY_GENES, x, batch, 0, 1, true), *whole = scvi_toy_cells(cx);
    clab_scvi *m = NULL;

    (void)state;
    assert_int_equal(scvi_toy_make(cx, d, MAKE("batch", "donor"), &m), CLAB_EARG);
    assert_non_null(strstr(clab_error_text(cx), "no value for 4 of 300 cells"));
    clab_error_clear(cx);
    assert_int_equal(scvi_toy_make(cx, d, MAKE("batch", "doner"), &m), CLAB_ENOTFOUND);
    assert_non_null(strstr(clab_error_text(cx), "donor"));
    clab_error_clear(cx);
    scvi_toy_must(cx, scvi_toy_make(cx, whole, MAKE("batch", "donor"), &m));
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
        clab_ctx *cx = scvi_toy_context(threads);
        clab_dataset *d = scvi_toy_cells(cx);
        clab_scvi *m = NULL;
        scvi_toy_must(cx, scvi_toy_make(cx, d, MAKE("batch", "donor", "n_layers", "2", "seed", "3"), &m));
        scvi_toy_must(cx, scvi_toy_train(cx, m, RUN("max_epochs", "4", "check_val_every", "2"), NULL, NULL));
        const clab_curve *c = clab_history_get(clab_scvi_history(m), "elbo_validation");
        float *z = scvi_toy_latent(cx, m, NULL, SCVI_TOY_CELLS);
        assert_int_equal(c->n, 2);
        assert_true(c->x[1] == 3);
        if (first) {
            assert_memory_equal(z, first, SCVI_TOY_CELLS * 5 * sizeof *z);
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
    clab_ctx *cx = scvi_toy_context(2);
    clab_dataset *d = scvi_toy_cells(cx);
    clab_scvi *m = NULL;

    (void)state;
    scvi_toy_must(cx, scvi_toy_make(cx, d, MAKE("seed", "1"), &m));
    assert_int_equal(scvi_toy_train(cx, m, RUN("max_epochs", "50"), cancel_after_two, cx), CLAB_ECANCEL);
    clab_error_clear(cx);
    clab_cancel_clear(cx);
    assert_int_equal(clab_scvi_epochs(m), 2);
    assert_true(clab_scvi_trained(m));
    float *z = scvi_toy_latent(cx, m, NULL, SCVI_TOY_CELLS); /* usable */
    for (int i = 0; i < SCVI_TOY_CELLS * 5; i++)
        assert_true(isfinite(z[i]));
    free(z);
    scvi_toy_must(cx, scvi_toy_train(cx, m, RUN("max_epochs", "50", "mode", "train"), stop_after_three, NULL));
    assert_int_equal(clab_scvi_epochs(m), 3);
    /* a model that no longer learns stops early */
    scvi_toy_notes[0] = '\0';
    scvi_toy_must(cx, scvi_toy_train(cx, m, RUN("max_epochs", "500", "early_stopping", "true", "patience", "3", "lr", "0"), NULL, NULL));
    assert_true(clab_scvi_epochs(m) < 400);
    assert_non_null(strstr(scvi_toy_notes, "stopped early"));
    assert_non_null(strstr(scvi_toy_notes, "KL weight ended at"));
    clab_scvi_free(cx, m, NULL);
    clab_dataset_unref(d);
    clab_ctx_free(cx);
}

/* One cell of an absurd total: trained on, the loss stops the training; held out, early stopping says so. */
static void test_an_extreme_cell_held_out(void **state)
{
    clab_ctx *cx = scvi_toy_context(1);
    float *x = small_counts(SCVI_TOY_CELLS, SCVI_TOY_GENES, 15, 5);
    int held_out = 0;

    (void)state;
    x[0] = 3e38f;
    clab_dataset *d = scvi_toy_dataset(cx, SCVI_TOY_CELLS, SCVI_TOY_GENES, x, NULL, 0, 1, true);
    for (int seed = 0; seed < 30; seed++) {
        clab_scvi *m = NULL;
        char text[16];
        clab_status s;

        snprintf(text, sizeof text, "%d", seed);
        scvi_toy_must(cx, scvi_toy_make(cx, d, MAKE("seed", text), &m));
        scvi_toy_notes[0] = '\0';
        s = scvi_toy_train(cx, m, RUN("max_epochs", "3", "early_stopping", "true"), NULL, NULL);
        if (s == CLAB_OK) {
            held_out++;
            assert_int_equal(clab_scvi_epochs(m), 1);
            assert_non_null(strstr(scvi_toy_notes, "elbo_validation is not a number"));
        } else {
            assert_int_equal(s, CLAB_ESTATE);
            clab_error_clear(cx);
        }
        clab_scvi_free(cx, m, NULL);
    }
    assert_true(held_out > 0 && held_out < 15);
    clab_dataset_unref(d);
    free(x);
    clab_ctx_free(cx);
}

static void test_second_training_follows_the_peer(void **state)
{
    clab_ctx *cx = scvi_toy_context(2);
    clab_dataset *d = scvi_toy_cells(cx);
    clab_scvi *m = NULL;
    float kept;

    (void)state;
    scvi_toy_must(cx, scvi_toy_make(cx, d, MAKE("seed", "1"), &m));
    scvi_toy_must(cx, scvi_toy_train(cx, m, RUN("max_epochs", "1"), NULL, NULL));
    kept = m->net->enc[0].run_mean[0];
    scvi_toy_notes[0] = '\0';
    scvi_toy_must(cx, scvi_toy_train(cx, m, RUN("max_epochs", "1"), NULL, NULL));
    assert_true(m->net->enc[0].run_mean[0] == kept); /* running statistics are used, not updated */
    assert_non_null(strstr(scvi_toy_notes, "mode=\"train\""));
    scvi_toy_must(cx, scvi_toy_train(cx, m, RUN("max_epochs", "1", "mode", "train"), NULL, NULL));
    assert_true(m->net->enc[0].run_mean[0] != kept);
    clab_scvi_free(cx, m, NULL);
    clab_dataset_unref(d);
    clab_ctx_free(cx);
}

static void test_a_loss_that_is_no_number(void **state)
{
    clab_ctx *cx = scvi_toy_context(2);
    clab_dataset *d = scvi_toy_cells(cx);
    clab_scvi *m = NULL;
    float kept;

    (void)state;
    scvi_toy_must(cx, scvi_toy_make(cx, d, MAKE("seed", "1"), &m));
    m->net->head.log_theta.p[4] = NAN;
    kept = m->net->enc[0].w.p[0];
    assert_int_equal(scvi_toy_train(cx, m, RUN("max_epochs", "2"), NULL, NULL), CLAB_ESTATE);
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
    clab_ctx *cx = scvi_toy_context(2);
    float *x = small_counts(CELLS, GENES, 5, 5);
    clab_dataset *d = scvi_toy_dataset(cx, CELLS, GENES, x, NULL, 0, 1, true);
    canceller c = {cx, 0};
    clab_scvi *m = NULL;
    pthread_t t;

    (void)state;
    scvi_toy_must(cx, scvi_toy_make(cx, d, MAKE("n_hidden", "128"), &m));
    pthread_create(&t, NULL, cancel_soon, &c);
    assert_int_equal(scvi_toy_train(cx, m, RUN("max_epochs", "1000"), NULL, NULL), CLAB_ECANCEL);
    double late = seconds() - c.at;
    pthread_join(t, NULL);
    print_message("left %.0f ms after the cancel\n", 1e3 * late);
    assert_true(late < 2.0); /* a busy machine, a build without optimisation; 0.2 s is checked in the sessions */
    clab_scvi_free(cx, m, NULL);
    clab_dataset_unref(d);
    clab_ctx_free(cx);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_values_that_are_no_counts),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_threads_do_not_matter),
        cmocka_unit_test(test_stopping),
        cmocka_unit_test(test_an_extreme_cell_held_out),
        cmocka_unit_test(test_second_training_follows_the_peer),
        cmocka_unit_test(test_a_loss_that_is_no_number),
        cmocka_unit_test(test_cancel_inside_a_large_minibatch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
