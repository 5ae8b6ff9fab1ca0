/* test_models_xgboost.c -- boosting through a real worker: this program is its own guest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "ledger/ledger.h"
#include "models/xgboost.h"

#define N 600
#define F 6
#define K 3
#define BLOCK 77

/* ---- rows: three clouds, every fifth row for validation ----------------------------------------*/

typedef struct {
    float x[N * F];
    int32_t y[N];
    uint8_t is_valid[N];
    int64_t at, stop_at; /* rows that are really delivered */
} rows;

static uint32_t next_random(uint32_t *s)
{
    *s = *s * 1664525 + 1013904223;
    return *s >> 8;
}

static rows *make_rows(void)
{
    rows *r = calloc(1, sizeof *r);
    uint32_t seed = 7;

    r->stop_at = N;
    for (int i = 0; i < N; i++) {
        r->y[i] = (int32_t)(next_random(&seed) % K);
        r->is_valid[i] = i % 5 == 0;
        for (int j = 0; j < F; j++) {
            double noise = (double)(next_random(&seed) % 2000) / 1000 - 1;
            r->x[i * F + j] = (float)(j == r->y[i] ? noise + 1 : noise);
        }
    }
    return r;
}

static clab_status next_block(clab_ctx *cx, void *user, const float **x, int64_t *n)
{
    rows *r = user;
    int64_t left = r->stop_at - r->at;

    (void)cx;
    *n = left < BLOCK ? left : BLOCK;
    *x = r->x + r->at * F;
    r->at += *n;
    return CLAB_OK;
}

static clab_status rewind_rows(clab_ctx *cx, void *user)
{
    (void)cx;
    ((rows *)user)->at = 0;
    return CLAB_OK;
}

static clab_feature_rows source(rows *r)
{
    r->at = 0;
    return (clab_feature_rows){.n_rows = N, .n_features = F, .next = next_block, .rewind = rewind_rows, .user = r};
}

/* ---- contexts -------------------------------------------------------------------------------------*/

static clab_ctx *context(int threads)
{
    clab_ctx_opts o = {.threads = threads};
    clab_ctx *cx = clab_ctx_new(&o);
    clab_ledger_opts lo = {0};
    clab_ledger *lg;

    assert_non_null(cx);
    assert_int_equal(clab_ledger_new(cx, &lo, &lg), CLAB_OK);
    return cx;
}

static void drop(clab_ctx *cx)
{
    clab_ledger_free(clab_ctx_ledger(cx));
    clab_ctx_free(cx);
}

/* A context, or a visible skip on machines without the library. */
static clab_ctx *context_with_library(int threads)
{
    clab_ctx *cx = context(threads);
    char version[16], path[256];

    if (clab_xgb_probe(cx, version, sizeof version, path, sizeof path) == CLAB_ENOTFOUND) {
        print_message("skipped: %s\n", clab_error_text(cx));
        drop(cx);
        skip();
    }
    assert_string_equal(clab_error_text(cx), "");
    return cx;
}

static clab_xgb_opts options(int n_rounds)
{
    clab_xgb_opts o;

    clab_xgb_opts_init(&o);
    o.n_classes = K;
    o.rounds = n_rounds;
    o.max_depth = 3;
    o.eta = 0.3;
    o.colsample_bytree = 0.5;
    return o;
}

/* Trains and predicts every row; the caller frees p. */
static void fit(clab_ctx *cx, const clab_xgb_opts *o, clab_history *h, clab_xgb_model *m, float **p)
{
    rows *r = make_rows();
    clab_feature_rows x = source(r);

    if (clab_xgb_train(cx, o, &x, r->y, r->is_valid, h, m) != CLAB_OK)
        fail_msg("%s", clab_error_text(cx));
    x = source(r);
    *p = malloc(sizeof(float) * N * K);
    if (clab_xgb_predict(cx, m, &x, *p) != CLAB_OK)
        fail_msg("%s", clab_error_text(cx));
    free(r);
}

/* ---- tests -------------------------------------------------------------------------------------------*/

static void learns_and_stops_early(void **state)
{
    clab_ctx *cx = context_with_library(2);
    clab_xgb_opts o = options(300);
    clab_history h = {0};
    clab_xgb_model m;
    rows *r = make_rows();
    float *p;
    double loss = 0;
    int n_valid = 0;
    const clab_curve *train, *valid;

    (void)state;
    fit(cx, &o, &h, &m, &p);
    train = clab_history_get(&h, "train_mlogloss");
    valid = clab_history_get(&h, "validation_mlogloss");
    assert_non_null(train);
    assert_non_null(valid);
    assert_non_null(clab_history_get(&h, "train_merror"));
    assert_non_null(clab_history_get(&h, "validation_merror"));
    assert_true(train->y[train->n - 1] < train->y[0]);
    assert_int_equal(train->n, m.best_round + 1 + o.patience);
    for (int64_t i = 0; i < valid->n; i++)
        assert_true(valid->y[i] >= valid->y[m.best_round]);
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int k = 0; k < K; k++)
            sum += (double)p[i * K + k];
        assert_true(fabs(sum - 1) < 1e-5);
        if (r->is_valid[i]) {
            loss -= log((double)p[i * K + r->y[i]]);
            n_valid++;
        }
    }
    /* Predictions use the trees up to the best round: their loss is the one that stood there. */
    if (fabs(loss / n_valid - valid->y[m.best_round]) > 1e-5)
        fail_msg("loss of the predictions %.8f, of the best round %.8f", loss / n_valid, valid->y[m.best_round]);
    free(r);
    free(p);
    clab_history_free(&h);
    clab_xgb_model_free(cx, &m);
    assert_int_equal(clab_mem_live(cx), 0);
    drop(cx);
}

static void threads_do_not_change_the_model(void **state)
{
    float *p[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        clab_ctx *cx = context_with_library(1 + i);
        clab_xgb_opts o = options(20);
        clab_history h = {0};
        clab_xgb_model m;

        fit(cx, &o, &h, &m, &p[i]);
        clab_history_free(&h);
        clab_xgb_model_free(cx, &m);
        drop(cx);
    }
    assert_memory_equal(p[0], p[1], sizeof(float) * N * K);
    free(p[0]);
    free(p[1]);
}

static void without_validation_all_rounds_run(void **state)
{
    clab_ctx *cx = context_with_library(1);
    clab_xgb_opts o = options(15);
    clab_history h = {0};
    clab_xgb_model m;
    rows *r = make_rows();
    clab_feature_rows x = source(r);

    (void)state;
    memset(r->is_valid, 0, N);
    assert_int_equal(clab_xgb_train(cx, &o, &x, r->y, r->is_valid, &h, &m), CLAB_OK);
    assert_int_equal(m.best_round, 14);
    assert_null(clab_history_get(&h, "validation_mlogloss"));
    assert_int_equal(clab_history_get(&h, "train_mlogloss")->n, 15);
    free(r);
    clab_history_free(&h);
    clab_xgb_model_free(cx, &m);
    drop(cx);
}

static void *cancel_soon(void *cx)
{
    usleep(300 * 1000);
    clab_cancel(cx);
    return NULL;
}

static void cancel_ends_the_worker(void **state)
{
    clab_ctx *cx = context_with_library(1);
    clab_xgb_opts o = options(1000000);
    clab_history h = {0};
    clab_xgb_model m = {0};
    rows *r = make_rows();
    clab_feature_rows x = source(r);
    pthread_t t;

    (void)state;
    o.patience = 0;
    assert_int_equal(pthread_create(&t, NULL, cancel_soon, cx), 0);
    assert_int_equal(clab_xgb_train(cx, &o, &x, r->y, r->is_valid, &h, &m), CLAB_ECANCEL);
    pthread_join(t, NULL);
    assert_null(m.bytes);
    free(r);
    clab_history_free(&h);
    clab_cancel_clear(cx);
    clab_error_clear(cx);
    drop(cx);
}

static void wrong_arguments_are_refused(void **state)
{
    clab_ctx *cx = context_with_library(1);
    clab_xgb_opts o = options(5);
    clab_history h = {0};
    clab_xgb_model m = {0};
    rows *r = make_rows();
    clab_feature_rows x = source(r);

    (void)state;
    o.n_classes = 1;
    assert_int_equal(clab_xgb_train(cx, &o, &x, r->y, r->is_valid, &h, &m), CLAB_EARG);
    assert_non_null(strstr(clab_error_text(cx), "one class"));
    clab_error_clear(cx);

    o.n_classes = 2; /* labels go to 2 */
    assert_int_equal(clab_xgb_train(cx, &o, &x, r->y, r->is_valid, &h, &m), CLAB_EARG);
    clab_error_clear(cx);

    o.n_classes = K; /* a source that ends too early must not leave the worker waiting */
    r->stop_at = N / 2;
    x = source(r);
    assert_int_equal(clab_xgb_train(cx, &o, &x, r->y, r->is_valid, &h, &m), CLAB_EINTERNAL);
    clab_error_clear(cx);

    r->stop_at = N; /* a refusal of the library is told in its words */
    o.eta = -1;
    x = source(r);
    assert_int_equal(clab_xgb_train(cx, &o, &x, r->y, r->is_valid, &h, &m), CLAB_EBACKEND);
    assert_non_null(strstr(clab_error_text(cx), "XGBoost"));
    clab_error_clear(cx);
    free(r);
    clab_history_free(&h);
    drop(cx);
}

static void a_missing_library_is_explained(void **state)
{
    clab_ctx *cx = context(1);
    char *old = getenv("CELLLAB_XGBOOST"), version[16], path[256];

    (void)state;
    old = old ? strdup(old) : NULL;
    setenv("CELLLAB_XGBOOST", "/nowhere/libxgboost.so", 1);
    assert_int_equal(clab_xgb_probe(cx, version, sizeof version, path, sizeof path), CLAB_ENOTFOUND);
    assert_non_null(strstr(clab_error_text(cx), "/nowhere/libxgboost.so"));
    assert_non_null(strstr(clab_error_text(cx), "libxgboost0"));
    clab_error_clear(cx);
    setenv("CELLLAB_XGBOOST", "libm.so.6", 1); /* a library, but another one */
    assert_int_equal(clab_xgb_probe(cx, version, sizeof version, path, sizeof path), CLAB_ENOTFOUND);
    clab_error_clear(cx);
    if (old)
        setenv("CELLLAB_XGBOOST", old, 1);
    else
        unsetenv("CELLLAB_XGBOOST");
    free(old);
    drop(cx);
}

/* 1.7 and 3.x give the same model when base_score is fixed and nothing is drawn at random;
 * $CELLLAB_XGBOOST_ALT names the other one. */
static void versions_agree(void **state)
{
    const char *alt = getenv("CELLLAB_XGBOOST_ALT"), *was = getenv("CELLLAB_XGBOOST");
    char *old = was ? strdup(was) : NULL;
    char version[2][16];
    float *p[2];

    (void)state;
    if (!alt || !*alt) {
        print_message("skipped: CELLLAB_XGBOOST_ALT names no second library\n");
        free(old);
        skip();
    }
    for (int i = 0; i < 2; i++) {
        clab_ctx *cx = context_with_library(1);
        clab_xgb_opts o = options(40);
        clab_history h = {0};
        clab_xgb_model m;

        o.subsample = o.colsample_bytree = 1;
        fit(cx, &o, &h, &m, &p[i]);
        memcpy(version[i], m.version, sizeof version[i]);
        clab_history_free(&h);
        clab_xgb_model_free(cx, &m);
        drop(cx);
        setenv("CELLLAB_XGBOOST", alt, 1);
    }
    if (old)
        setenv("CELLLAB_XGBOOST", old, 1);
    else
        unsetenv("CELLLAB_XGBOOST");
    free(old);
    print_message("versions %s and %s\n", version[0], version[1]);
    for (int i = 0; i < N * K; i++)
        if (fabsf(p[0][i] - p[1][i]) > 1e-5f)
            fail_msg("probability %d: %.8f and %.8f", i, (double)p[0][i], (double)p[1][i]);
    free(p[0]);
    free(p[1]);
}

int main(int argc, char **argv)
{
    static const clab_guest_role roles[] = {
        {"xgboost-train", clab_xgb_guest_train},
        {"xgboost-predict", clab_xgb_guest_predict},
        {"xgboost-probe", clab_xgb_guest_probe},
        {NULL, NULL},
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns_and_stops_early),
        cmocka_unit_test(threads_do_not_change_the_model),
        cmocka_unit_test(without_validation_all_rounds_run),
        cmocka_unit_test(cancel_ends_the_worker),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(a_missing_library_is_explained),
        cmocka_unit_test(versions_agree),
    };

    if (argc > 1 && strcmp(argv[1], "--guest") == 0)
        return clab_guest_main(argc, argv, roles);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
