/* xgboost_guest.c -- the worker's side of boosting: rows in, rounds and a model out.
 * N rows, F features, K classes.  Runs in a process of its own, so that an abort or an endless round
 * inside the library is an error message in the session.  Early stopping is ours: the C API has none. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"
#include "models/xgboost_impl.h"

const char *const clab__xgb_metrics[CLAB__XGB_N_METRICS] = {"train_mlogloss", "train_merror",
                                                            "validation_mlogloss", "validation_merror"};

/* Rows of one kind (training or validation) as they wait to be quantised. */
typedef struct {
    int64_t n, f;
    float *x, *y; /* N x F, N */
} part;

typedef struct {
    clab_xgb_opts o;
    int64_t n, f;
    int32_t *labels;
    uint8_t *is_valid;
    part train, valid;
    clab__xgb lib;
    clab__xgb_handle dtrain, dvalid, booster;
} training;

/* ---- rows ----------------------------------------------------------------------------------------*/

static clab_status get_opts(clab_ctx *cx, clab_wire *w, training *t)
{
    clab_xgb_opts *o = &t->o;
    int64_t v[8];
    double *const reals[] = {&o->eta,   &o->subsample, &o->colsample_bytree, &o->min_child_weight,
                             &o->gamma, &o->lambda,    &o->alpha};
    clab_status st = CLAB_OK;

    for (int i = 0; i < 8 && st == CLAB_OK; i++)
        st = clab_wire_get_i64(cx, w, &v[i]);
    for (size_t i = 0; i < 7 && st == CLAB_OK; i++)
        st = clab_wire_get_f64(cx, w, reals[i]);
    if (st == CLAB_OK)
        st = clab_wire_get_i64(cx, w, &t->n);
    if (st == CLAB_OK)
        st = clab_wire_get_i64(cx, w, &t->f);
    if (st != CLAB_OK)
        return st;
    o->n_classes = (int)v[0];
    o->rounds = (int)v[1];
    o->patience = (int)v[2];
    o->max_depth = (int)v[3];
    o->max_bin = (int)v[4];
    o->threads = (int)v[5];
    memcpy(&o->seed, &v[6], sizeof o->seed);
    if (v[7] != CLAB__XGB_N_METRICS || t->n < 1 || t->f < 1 || o->n_classes < 2 || o->threads < 1)
        return clab_fail(cx, CLAB_EINTERNAL, "the boosting worker got options it cannot read");
    return CLAB_OK;
}

static clab_status part_alloc(clab_ctx *cx, part *p, int64_t n, int64_t f, const char *what)
{
    int64_t row_bytes, bytes;
    clab_status st;

    p->n = n;
    p->f = f;
    if (n == 0)
        return CLAB_OK;
    if ((st = clab_mem_size(cx, f, sizeof(float), &row_bytes)) != CLAB_OK ||
        (st = clab_mem_size(cx, n, (size_t)row_bytes, &bytes)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, bytes, what, (void **)&p->x)) != CLAB_OK)
        return st;
    return clab_mem_alloc(cx, CLAB_MEM_WORK, n * (int64_t)sizeof(float), what, (void **)&p->y);
}

static void part_free(clab_ctx *cx, part *p)
{
    clab_mem_free(cx, p->x);
    clab_mem_free(cx, p->y);
    p->x = p->y = NULL;
}

static clab_status get_rows(clab_ctx *cx, clab_wire *w, training *t)
{
    int64_t n_valid = 0, at[2] = {0, 0};
    part *const parts[2] = {&t->train, &t->valid};
    clab_status st;

    if ((st = clab_mem_alloc(cx, CLAB_MEM_WORK, t->n * 4, "labels", (void **)&t->labels)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, t->n, "labels", (void **)&t->is_valid)) != CLAB_OK ||
        (st = clab_wire_get(cx, w, t->labels, (size_t)t->n * 4)) != CLAB_OK ||
        (st = clab_wire_get(cx, w, t->is_valid, (size_t)t->n)) != CLAB_OK)
        return st;
    for (int64_t i = 0; i < t->n; i++)
        n_valid += t->is_valid[i] != 0;
    if ((st = part_alloc(cx, &t->train, t->n - n_valid, t->f, "training rows")) != CLAB_OK ||
        (st = part_alloc(cx, &t->valid, n_valid, t->f, "validation rows")) != CLAB_OK)
        return st;
    for (int64_t i = 0; i < t->n; i++) {
        int k = t->is_valid[i] != 0;
        part *p = parts[k];

        p->y[at[k]] = (float)t->labels[i];
        if ((st = clab_wire_get(cx, w, p->x + at[k]++ * t->f, (size_t)t->f * sizeof(float))) != CLAB_OK)
            return st;
    }
    return CLAB_OK;
}

/* ---- quantised matrices ------------------------------------------------------------------------------
 * The library reads the rows through a proxy and keeps one byte a value (its bins), where a plain
 * DMatrix would hold eight; the trees are the same. */
typedef struct {
    const clab__xgb *lib;
    clab__xgb_handle proxy;
    const part *p;
    bool given;
} one_batch;

static void batch_reset(void *iter)
{
    ((one_batch *)iter)->given = false;
}

static int batch_next(void *iter)
{
    one_batch *b = iter;
    char x[160], y[128];

    if (b->given)
        return 0;
    snprintf(x, sizeof x, "{\"data\":[%" PRIuPTR ",true],\"shape\":[%" PRId64 ",%" PRId64 "],"
                          "\"typestr\":\"<f4\",\"version\":3}", (uintptr_t)b->p->x, b->p->n, b->p->f);
    snprintf(y, sizeof y, "{\"data\":[%" PRIuPTR ",true],\"shape\":[%" PRId64 "],\"typestr\":\"<f4\",\"version\":3}",
             (uintptr_t)b->p->y, b->p->n);
    if (b->lib->XGProxyDMatrixSetDataDense(b->proxy, x) != 0 ||
        b->lib->XGDMatrixSetInfoFromInterface(b->proxy, "label", y) != 0)
        return 0; /* an empty iterator: the library reports it */
    b->given = true;
    return 1;
}

static clab_status quantise(clab_ctx *cx, const training *t, const part *p, clab__xgb_handle ref,
                            clab__xgb_handle *out)
{
    one_batch batch = {.lib = &t->lib, .p = p};
    char config[96];
    clab_status st;

    snprintf(config, sizeof config, "{\"missing\":NaN,\"nthread\":%d,\"max_bin\":%d}", t->o.threads, t->o.max_bin);
    st = clab__xgb_call(cx, &t->lib, "taking rows", t->lib.XGProxyDMatrixCreate(&batch.proxy));
    if (st != CLAB_OK)
        return st;
    st = clab__xgb_call(cx, &t->lib, "sorting values into bins",
                        t->lib.XGQuantileDMatrixCreateFromCallback(&batch, batch.proxy, ref, batch_reset,
                                                                   batch_next, config, out));
    (void)t->lib.XGDMatrixFree(batch.proxy);
    return st;
}

/* ---- rounds --------------------------------------------------------------------------------------------*/

static clab_status set_number(clab_ctx *cx, const training *t, const char *name, double value)
{
    char text[32];

    snprintf(text, sizeof text, "%.9g", value);
    return clab__xgb_call(cx, &t->lib, "setting a parameter", t->lib.XGBoosterSetParam(t->booster, name, text));
}

static clab_status set_params(clab_ctx *cx, const training *t)
{
    static const char *const words[][2] = {
        {"objective", "multi:softprob"}, {"tree_method", "hist"}, {"eval_metric", "merror"},
        {"eval_metric", "mlogloss"}, {"base_score", "0.5"}, /* 3.x would estimate it: other models than 1.7 */
    };
    const clab_xgb_opts *o = &t->o;
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"num_class", o->n_classes}, {"max_depth", o->max_depth}, {"eta", o->eta},
        {"subsample", o->subsample}, {"colsample_bytree", o->colsample_bytree},
        {"min_child_weight", o->min_child_weight}, {"gamma", o->gamma}, {"lambda", o->lambda},
        {"alpha", o->alpha}, {"max_bin", o->max_bin}, {"nthread", o->threads},
        {"seed", (double)(o->seed & 0x7fffffff)},
    };
    clab_status st = CLAB_OK;

    for (size_t i = 0; i < sizeof words / sizeof *words && st == CLAB_OK; i++)
        st = clab__xgb_call(cx, &t->lib, "setting a parameter",
                            t->lib.XGBoosterSetParam(t->booster, words[i][0], words[i][1]));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && st == CLAB_OK; i++)
        st = set_number(cx, t, numbers[i].name, numbers[i].value);
    return st;
}

/* "[3]\ttrain-merror:0.1\ttrain-mlogloss:0.4\tvalidation-..." into the order of clab__xgb_metrics. */
static clab_status parse_metrics(clab_ctx *cx, const char *text, int n, double *m)
{
    char key[48], *dash;
    const char *at;

    for (int i = 0; i < n; i++) {
        snprintf(key, sizeof key, "\t%s:", clab__xgb_metrics[i]);
        dash = strchr(key, '_');
        *dash = '-';
        at = strstr(text, key);
        if (!at)
            return clab_fail(cx, CLAB_EBACKEND, "XGBoost reported no %s", clab__xgb_metrics[i]);
        m[i] = strtod(at + strlen(key), NULL);
    }
    return CLAB_OK;
}

static clab_status boost(clab_ctx *cx, clab_wire *w, training *t, int *best)
{
    clab__xgb_handle matrices[2] = {t->dtrain, t->dvalid};
    const char *names[2] = {"train", "validation"}, *text;
    const uint64_t n = t->dvalid ? 2 : 1;
    double m[CLAB__XGB_N_METRICS], best_loss = INFINITY;
    clab_status st;

    *best = 0;
    for (int round = 0; round < t->o.rounds; round++) {
        if ((st = clab_check(cx)) != CLAB_OK ||
            (st = clab__xgb_call(cx, &t->lib, "growing trees",
                                 t->lib.XGBoosterUpdateOneIter(t->booster, round, t->dtrain))) != CLAB_OK ||
            (st = clab__xgb_call(cx, &t->lib, "measuring a round",
                                 t->lib.XGBoosterEvalOneIter(t->booster, round, matrices, names, n, &text))) !=
                CLAB_OK ||
            (st = parse_metrics(cx, text, 2 * (int)n, m)) != CLAB_OK ||
            (st = clab_wire_put_u8(cx, w, CLAB__XGB_ROUND)) != CLAB_OK ||
            (st = clab_wire_put(cx, w, m, 2 * n * sizeof *m)) != CLAB_OK || (st = clab_wire_flush(cx, w)) != CLAB_OK)
            return st;
        if (!t->dvalid || m[2] < best_loss) {
            best_loss = t->dvalid ? m[2] : best_loss;
            *best = round;
        } else if (t->o.patience > 0 && round - *best >= t->o.patience) {
            break;
        }
    }
    return CLAB_OK;
}

static clab_status put_model(clab_ctx *cx, clab_wire *w, const training *t, int best)
{
    const char *bytes;
    char text[16];
    uint64_t n;
    clab_status st;

    snprintf(text, sizeof text, "%d", best);
    if ((st = clab__xgb_call(cx, &t->lib, "naming the best round",
                             t->lib.XGBoosterSetAttr(t->booster, "best_iteration", text))) != CLAB_OK ||
        (st = clab__xgb_call(cx, &t->lib, "saving the model",
                             t->lib.XGBoosterSaveModelToBuffer(t->booster, "{\"format\":\"ubj\"}", &n, &bytes))) !=
            CLAB_OK ||
        (st = clab_wire_put_u8(cx, w, CLAB__XGB_MODEL)) != CLAB_OK ||
        (st = clab_wire_put_i64(cx, w, best)) != CLAB_OK ||
        (st = clab_wire_put_str(cx, w, t->lib.version)) != CLAB_OK ||
        (st = clab_wire_put_str(cx, w, t->lib.path)) != CLAB_OK ||
        (st = clab_wire_put_i64(cx, w, (int64_t)n)) != CLAB_OK || (st = clab_wire_put(cx, w, bytes, n)) != CLAB_OK)
        return st;
    return clab_wire_flush(cx, w);
}

static void training_free(clab_ctx *cx, training *t)
{
    if (t->booster)
        (void)t->lib.XGBoosterFree(t->booster);
    if (t->dvalid)
        (void)t->lib.XGDMatrixFree(t->dvalid);
    if (t->dtrain)
        (void)t->lib.XGDMatrixFree(t->dtrain);
    part_free(cx, &t->train);
    part_free(cx, &t->valid);
    clab_mem_free(cx, t->labels);
    clab_mem_free(cx, t->is_valid);
}

clab_status clab_xgb_guest_train(clab_ctx *cx, clab_wire *w, const int *fds, int n_fds)
{
    training t = {0};
    clab__xgb_handle cache[2];
    int best;
    clab_status st;

    (void)fds;
    (void)n_fds;
    if ((st = get_opts(cx, w, &t)) != CLAB_OK || (st = clab__xgb_load(cx, t.o.threads, &t.lib)) != CLAB_OK ||
        (st = get_rows(cx, w, &t)) != CLAB_OK || (st = quantise(cx, &t, &t.train, NULL, &t.dtrain)) != CLAB_OK)
        goto done;
    part_free(cx, &t.train);
    if (t.valid.n > 0 && (st = quantise(cx, &t, &t.valid, t.dtrain, &t.dvalid)) != CLAB_OK)
        goto done;
    part_free(cx, &t.valid);
    clab_mem_trim(cx);
    cache[0] = t.dtrain;
    cache[1] = t.dvalid;
    st = clab__xgb_call(cx, &t.lib, "making a booster",
                        t.lib.XGBoosterCreate(cache, t.dvalid ? 2 : 1, &t.booster));
    if (st == CLAB_OK)
        st = set_params(cx, &t);
    if (st == CLAB_OK)
        st = boost(cx, w, &t, &best);
    if (st == CLAB_OK)
        st = put_model(cx, w, &t, best);
done:
    training_free(cx, &t);
    return st;
}
