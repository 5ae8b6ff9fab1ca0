/* xgboost_guest_predict.c -- the worker's side of prediction and of the question which library there is.
 * K classes, F features; holds one block of rows at a time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"
#include "models/xgboost_impl.h"

typedef struct {
    int64_t f;
    int n_classes, best_round, threads;
    clab__xgb lib;
    clab__xgb_handle booster;
    float *x;
    int64_t x_rows; /* room in x */
} prediction;

static clab_status get_model(clab_ctx *cx, clab_wire *w, prediction *p)
{
    int64_t v[5]; /* features, classes, best round, threads, model bytes */
    char threads[16];
    void *bytes = NULL;
    clab_status st = CLAB_OK;

    for (int i = 0; i < 5 && st == CLAB_OK; i++)
        st = clab_wire_get_i64(cx, w, &v[i]);
    if (st != CLAB_OK)
        return st;
    if (v[0] < 1 || v[0] > INT32_MAX || v[1] < 2 || v[1] > INT32_MAX || v[2] < 0 || v[2] > INT32_MAX || v[3] < 1 ||
        v[3] > INT32_MAX || v[4] < 1 || v[4] > CLAB__XGB_MAX_MODEL)
        return clab_fail(cx, CLAB_EINTERNAL, "the boosting worker got a model it cannot read");
    p->f = v[0];
    p->n_classes = (int)v[1];
    p->best_round = (int)v[2];
    p->threads = (int)v[3];
    snprintf(threads, sizeof threads, "%d", p->threads);
    if ((st = clab__xgb_load(cx, p->threads, &p->lib)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_MODEL, v[4], "trees", &bytes)) != CLAB_OK ||
        (st = clab_wire_get(cx, w, bytes, (size_t)v[4])) != CLAB_OK)
        goto done;
    st = clab__xgb_call(cx, &p->lib, "making a booster", p->lib.XGBoosterCreate(NULL, 0, &p->booster));
    if (st == CLAB_OK)
        st = clab__xgb_call(cx, &p->lib, "loading the model",
                            p->lib.XGBoosterLoadModelFromBuffer(p->booster, bytes, (uint64_t)v[4]));
    if (st == CLAB_OK)
        st = clab__xgb_call(cx, &p->lib, "setting threads",
                            p->lib.XGBoosterSetParam(p->booster, "nthread", threads));
done:
    clab_mem_free(cx, bytes);
    return st;
}

static clab_status get_block(clab_ctx *cx, clab_wire *w, prediction *p, int64_t n)
{
    int64_t row_bytes, bytes;
    clab_status st;

    if (n < 0)
        return clab_fail(cx, CLAB_EINTERNAL, "the boosting worker got a block of %" PRId64 " rows", n);
    if ((st = clab_mem_size(cx, p->f, sizeof(float), &row_bytes)) != CLAB_OK ||
        (st = clab_mem_size(cx, n, (size_t)row_bytes, &bytes)) != CLAB_OK)
        return st;
    if (n > p->x_rows) {
        if ((st = clab_mem_grow(cx, CLAB_MEM_WORK, bytes, "rows to label", (void **)&p->x)) != CLAB_OK)
            return st;
        p->x_rows = n;
    }
    return clab_wire_get(cx, w, p->x, (size_t)bytes);
}

/* The library owns its answer until the next call: it goes out at once. */
static clab_status answer_block(clab_ctx *cx, clab_wire *w, prediction *p, int64_t n)
{
    char array[160], config[160];
    clab__xgb_handle m = NULL;
    const uint64_t *shape;
    const float *out;
    uint64_t dim;
    clab_status st;

    snprintf(array, sizeof array, "{\"data\":[%" PRIuPTR ",true],\"shape\":[%" PRId64 ",%" PRId64 "],"
                                  "\"typestr\":\"<f4\",\"version\":3}", (uintptr_t)p->x, n, p->f);
    snprintf(config, sizeof config, "{\"missing\":NaN,\"nthread\":%d}", p->threads);
    st = clab__xgb_call(cx, &p->lib, "taking rows", p->lib.XGDMatrixCreateFromDense(array, config, &m));
    if (st != CLAB_OK)
        return st;
    snprintf(config, sizeof config, "{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":%d,"
                                    "\"strict_shape\":true}", p->best_round + 1);
    st = clab__xgb_call(cx, &p->lib, "predicting",
                        p->lib.XGBoosterPredictFromDMatrix(p->booster, m, config, &shape, &dim, &out));
    if (st == CLAB_OK && (dim != 2 || shape[0] != (uint64_t)n || shape[1] != (uint64_t)p->n_classes))
        st = clab_fail(cx, CLAB_ESHAPE, "the model has not the %d classes it was kept with", p->n_classes);
    if (st == CLAB_OK)
        st = clab_wire_put(cx, w, out, (size_t)n * (size_t)p->n_classes * sizeof *out);
    if (st == CLAB_OK)
        st = clab_wire_flush(cx, w);
    (void)p->lib.XGDMatrixFree(m);
    return st;
}

clab_status clab_xgb_guest_predict(clab_ctx *cx, clab_wire *w, const int *fds, int n_fds)
{
    prediction p = {0};
    int64_t n = 0;
    clab_status st;

    (void)fds;
    (void)n_fds;
    st = get_model(cx, w, &p);
    while (st == CLAB_OK && (st = clab_wire_get_i64(cx, w, &n)) == CLAB_OK && n != 0) {
        if ((st = get_block(cx, w, &p, n)) == CLAB_OK)
            st = answer_block(cx, w, &p, n);
    }
    if (p.booster)
        (void)p.lib.XGBoosterFree(p.booster);
    clab_mem_free(cx, p.x);
    return st;
}

clab_status clab_xgb_guest_probe(clab_ctx *cx, clab_wire *w, const int *fds, int n_fds)
{
    clab__xgb lib;
    clab_status st;

    (void)fds;
    (void)n_fds;
    if ((st = clab__xgb_load(cx, 1, &lib)) != CLAB_OK || (st = clab_wire_put_str(cx, w, lib.version)) != CLAB_OK ||
        (st = clab_wire_put_str(cx, w, lib.path)) != CLAB_OK)
        return st;
    return clab_wire_flush(cx, w);
}
