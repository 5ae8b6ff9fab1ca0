/* xgboost.c -- the session's side of boosting: streams rows to a worker, takes rounds and trees back.
 * Knows nothing of cells, and never loads the library itself.  N rows, F features, K classes. */
#include "models/xgboost.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "models/xgboost_impl.h"

void clab_xgb_opts_init(clab_xgb_opts *o)
{
    *o = (clab_xgb_opts){
        .rounds = 500, .patience = 10, .max_depth = 6, .eta = 0.1, .subsample = 0.7, .colsample_bytree = 0.2,
        .min_child_weight = 1, .gamma = 0, .lambda = 1, .alpha = 0, .max_bin = 256, .seed = 0, .threads = 0,
    };
}

void clab_xgb_model_free(clab_ctx *cx, clab_xgb_model *m)
{
    clab_mem_free(cx, m->bytes);
    memset(m, 0, sizeof *m);
}

/* ---- sending -------------------------------------------------------------------------------------
 * When the stream to the guest breaks, the guest knows why; when our own side fails, it does not. */
typedef struct {
    clab_guest *guest;
    clab_wire *wire;
    bool own; /* the failure is ours */
} talk;

static clab_status talk_end(clab_ctx *cx, talk *t, clab_status st)
{
    clab_status end;

    if (st != CLAB_OK && t->own) {
        clab_guest_kill(cx, t->guest);
        return st;
    }
    end = clab_guest_end(cx, t->guest);
    return end != CLAB_OK ? end : st;
}

static clab_status next_rows(clab_ctx *cx, talk *t, const clab_feature_rows *x, const float **block, int64_t *n)
{
    clab_status st = clab_check(cx);

    if (st == CLAB_OK)
        st = x->next(cx, x->user, block, n);
    if (st != CLAB_OK)
        t->own = true;
    return st;
}

static clab_status wrong_rows(clab_ctx *cx, talk *t, int64_t sent, int64_t n)
{
    t->own = true;
    return clab_fail(cx, CLAB_EINTERNAL, "the features have %" PRId64 " rows, %" PRId64 " were announced", sent, n);
}

static clab_status put_rows(clab_ctx *cx, talk *t, const clab_feature_rows *x)
{
    const float *block;
    int64_t n, sent = 0;
    clab_status st;

    while ((st = next_rows(cx, t, x, &block, &n)) == CLAB_OK && n > 0) {
        if ((sent += n) > x->n_rows)
            return wrong_rows(cx, t, sent, x->n_rows);
        st = clab_wire_put(cx, t->wire, block, (size_t)n * (size_t)x->n_features * sizeof *block);
        if (st != CLAB_OK)
            return st;
    }
    if (st == CLAB_OK && sent != x->n_rows)
        return wrong_rows(cx, t, sent, x->n_rows);
    return st;
}

static clab_status put_training(clab_ctx *cx, talk *t, const clab_xgb_opts *o, const clab_feature_rows *x,
                                const int32_t *labels, const uint8_t *is_valid)
{
    int64_t v[8] = {o->n_classes, o->rounds, o->patience, o->max_depth, o->max_bin, 0, 0, CLAB__XGB_N_METRICS};
    const double reals[] = {o->eta,   o->subsample, o->colsample_bytree, o->min_child_weight,
                            o->gamma, o->lambda,    o->alpha};
    clab_status st = CLAB_OK;

    v[5] = o->threads > 0 ? o->threads : clab_threads(cx);
    memcpy(&v[6], &o->seed, sizeof v[6]);
    for (size_t i = 0; i < 8 && st == CLAB_OK; i++)
        st = clab_wire_put_i64(cx, t->wire, v[i]);
    for (size_t i = 0; i < sizeof reals / sizeof *reals && st == CLAB_OK; i++)
        st = clab_wire_put_f64(cx, t->wire, reals[i]);
    if (st != CLAB_OK || (st = clab_wire_put_i64(cx, t->wire, x->n_rows)) != CLAB_OK ||
        (st = clab_wire_put_i64(cx, t->wire, x->n_features)) != CLAB_OK ||
        (st = clab_wire_put(cx, t->wire, labels, (size_t)x->n_rows * sizeof *labels)) != CLAB_OK ||
        (st = clab_wire_put(cx, t->wire, is_valid, (size_t)x->n_rows)) != CLAB_OK ||
        (st = put_rows(cx, t, x)) != CLAB_OK)
        return st;
    return clab_wire_flush(cx, t->wire);
}

/* ---- receiving -----------------------------------------------------------------------------------*/

static clab_status get_text(clab_ctx *cx, clab_wire *w, char *buf, size_t n)
{
    char *s = NULL;
    clab_status st = clab_wire_get_str(cx, w, 4096, &s);

    if (st == CLAB_OK)
        snprintf(buf, n, "%s", s ? s : "");
    free(s);
    return st;
}

static clab_status get_model(clab_ctx *cx, talk *t, clab_xgb_model *m)
{
    int64_t best;
    clab_status st;

    if ((st = clab_wire_get_i64(cx, t->wire, &best)) != CLAB_OK ||
        (st = get_text(cx, t->wire, m->version, sizeof m->version)) != CLAB_OK ||
        (st = get_text(cx, t->wire, m->library, sizeof m->library)) != CLAB_OK ||
        (st = clab_wire_get_i64(cx, t->wire, &m->n_bytes)) != CLAB_OK)
        return st;
    if (best < 0 || best > INT32_MAX || m->n_bytes < 1 || m->n_bytes > CLAB__XGB_MAX_MODEL) {
        t->own = true;
        return clab_fail(cx, CLAB_EFORMAT, "the boosting worker answered with a model of %" PRId64 " bytes", m->n_bytes);
    }
    m->best_round = (int)best;
    snprintf(m->device, sizeof m->device, "cpu");
    if ((st = clab_mem_alloc(cx, CLAB_MEM_MODEL, m->n_bytes, "XGBoost trees", (void **)&m->bytes)) != CLAB_OK) {
        t->own = true;
        return st;
    }
    return clab_wire_get(cx, t->wire, m->bytes, (size_t)m->n_bytes);
}

/* Rounds as they come: the curves, and the bar. */
static clab_status get_rounds(clab_ctx *cx, talk *t, int n_metrics, clab_phase *phase, clab_history *h)
{
    double m[CLAB__XGB_N_METRICS];
    uint8_t tag;
    clab_status st;

    for (int64_t round = 0;; round++) {
        if ((st = clab_wire_get_u8(cx, t->wire, &tag)) != CLAB_OK || tag == CLAB__XGB_MODEL)
            return st;
        if ((st = clab_wire_get(cx, t->wire, m, (size_t)n_metrics * sizeof *m)) != CLAB_OK)
            return st;
        for (int i = 0; i < n_metrics; i++) {
            if ((st = clab_history_add(cx, h, clab__xgb_metrics[i], (double)round, m[i])) != CLAB_OK) {
                t->own = true;
                return st;
            }
        }
        clab_phase_step(phase, round + 1);
        clab_phase_note(phase, "mlogloss %.4f", m[n_metrics - 2]);
    }
}

/* ---- training ------------------------------------------------------------------------------------*/

static clab_status check_labels(clab_ctx *cx, const clab_xgb_opts *o, const clab_feature_rows *x,
                                const int32_t *labels, const uint8_t *is_valid, int64_t *n_valid)
{
    *n_valid = 0;
    if (o->n_classes < 2) {
        (void)clab_fail(cx, CLAB_EARG, "all labelled cells are of one class: there is nothing to learn");
        return clab_hint(cx, "choose a label column with two or more types");
    }
    if (x->n_features < 1)
        return clab_fail(cx, CLAB_ESHAPE, "there are no features to learn from");
    for (int64_t i = 0; i < x->n_rows; i++) {
        if (labels[i] < 0 || labels[i] >= o->n_classes)
            return clab_fail(cx, CLAB_EARG, "label %d of row %" PRId64 " is not among the %d classes", labels[i], i,
                             o->n_classes);
        *n_valid += is_valid[i] != 0;
    }
    if (*n_valid == x->n_rows)
        return clab_fail(cx, CLAB_EARG, "no rows are left to train on");
    return CLAB_OK;
}

/* ---- what the worker holds -----------------------------------------------------------------------------
 * While values are sorted into bins: the rows, and for every feature the library's quantile sketch, whose size its
 * own rule gives (WQSketch: levels of `limit` entries).  While trees grow: the rows as bins, a histogram of every
 * node of a tree, a gradient pair and a score per row and class, and all trees so far. */
enum {
    NODE_BYTES = 300, MODEL_NODE_BYTES = 60, /* of a tree, in the library and as it is saved; measured */
    SKETCH_ENTRY = 88,                      /* bytes a feature for each entry of its sketch; measured */
    HIST_BIN = 16,                          /* a pair of doubles */
    LIBRARY_BYTES = 16 << 20                /* of the library that a worker touches; measured */
};

static int64_t sketch_bytes(int64_t n, int max_bin)
{
    int64_t limit, level = 1;

    do
        limit = level * 8 * max_bin + 1 < n ? level * 8 * max_bin + 1 : n;
    while ((limit << level++) < n);
    return limit * SKETCH_ENTRY;
}

/* A leaf of a class's tree is hardly made of less than three rows of that class. */
static int64_t tree_nodes(const clab_xgb_opts *o, int64_t n)
{
    const int64_t most = (int64_t)1 << (o->max_depth < 20 ? o->max_depth : 20), few = n / (3 * o->n_classes) + 1;

    return 2 * (few < most ? few : most) - 1;
}

/* Nodes of all trees: later ones are about half as large; with early stopping hardly more than 200 rounds are made. */
static int64_t all_nodes(const clab_xgb_opts *o, int64_t n, int64_t n_valid)
{
    const int64_t rounds = o->patience > 0 && n_valid > 0 && o->rounds > 200 ? 200 : o->rounds;

    return rounds * o->n_classes * (tree_nodes(o, n) / 2 + 1);
}

/* Histograms that are kept at once: of every node of a tree that grows.  As expected of cells that differ by their
 * type; or at most, of labels that nothing explains: down to the leaves, which hold four rows or more (measured: 92 to
 * 122 nodes of 127 at depth 6). */
static int64_t kept_nodes(const clab_xgb_opts *o, int64_t n, bool at_most)
{
    const int depth = o->max_depth < 30 ? o->max_depth : 30;
    const int64_t inner = ((int64_t)1 << depth) - 1, nodes = tree_nodes(o, n), few = 1 + (int64_t)((double)n * o->subsample / 4);

    if (!at_most)
        return nodes < inner ? nodes : inner;
    return few < 2 * inner + 1 ? few : 2 * inner + 1;
}

/* Of its own work, beside the process and the library.  bins: of all features together. */
static clab_status worker_bytes(clab_ctx *cx, const clab_xgb_opts *o, const clab_feature_rows *x, int64_t n_valid,
                                int64_t bins, bool at_most, int64_t *bytes)
{
    const int64_t n = x->n_rows, f = x->n_features, nodes = kept_nodes(o, n - n_valid, at_most);
    const int64_t threads = o->threads > 0 ? o->threads : clab_threads(cx); /* each adds up its own part of a node */
    int64_t values, sketches, hist, scores;
    clab_status st;

    if ((st = clab_mem_size(cx, n, (size_t)f, &values)) != CLAB_OK || (st = clab_mem_size(cx, values, 5, &sketches)) != CLAB_OK ||
        (st = clab_mem_size(cx, f, (size_t)sketch_bytes(n - n_valid, o->max_bin), &hist)) != CLAB_OK)
        return st;
    sketches += hist; /* every value as float32 and as a bin, and the sketches */
    if ((st = clab_mem_size(cx, bins, (size_t)(HIST_BIN * (nodes + threads - 1)), &hist)) != CLAB_OK ||
        (st = clab_mem_size(cx, n, (size_t)o->n_classes * 12 + 5, &scores)) != CLAB_OK)
        return st;
    hist += values + scores + all_nodes(o, n, n_valid) * NODE_BYTES;
    *bytes = sketches > hist ? sketches : hist;
    return CLAB_OK;
}

static int64_t at_most(clab_ctx *cx, const clab_xgb_opts *o, const clab_feature_rows *x, int64_t n_valid)
{
    const int64_t bins = x->n_features * (x->n_rows < o->max_bin ? x->n_rows : o->max_bin);
    int64_t bytes;

    return worker_bytes(cx, o, x, n_valid, bins, true, &bytes) == CLAB_OK ? bytes + CLAB_XGB_OWN_BYTES : -1;
}

/* Before the worker starts: at most what it may take, and what it would take with less of each. */
static clab_status reserve(clab_ctx *cx, const clab_xgb_opts *o, const clab_feature_rows *x, int64_t n_valid)
{
    const int64_t bytes = at_most(cx, o, x, n_valid);
    clab_feature_rows fewer = *x, half = *x;
    clab_xgb_opts shallow = *o, coarse = *o;
    clab_remedy r[4];

    if (bytes < 0)
        return clab_error_status(cx);
    shallow.max_depth = o->max_depth > 4 ? 4 : 2;
    coarse.max_bin = o->max_bin > 64 ? 64 : 16;
    fewer.n_features = x->n_features > 200 ? 100 : (x->n_features + 1) / 2;
    half.n_rows = (x->n_rows + 1) / 2;
    r[0].bytes = at_most(cx, &shallow, x, n_valid);
    snprintf(r[0].text, sizeof r[0].text, "max_depth=%d", shallow.max_depth);
    r[1].bytes = at_most(cx, o, &fewer, n_valid);
    snprintf(r[1].text, sizeof r[1].text, "%" PRId64 " features (n_genes)", fewer.n_features);
    r[2].bytes = at_most(cx, &coarse, x, n_valid);
    snprintf(r[2].text, sizeof r[2].text, "max_bin=%d", coarse.max_bin);
    r[3].bytes = at_most(cx, o, &half, n_valid / 2);
    snprintf(r[3].text, sizeof r[3].text, "%s cells (subsample, --train-cells)", clab_text_count(half.n_rows));
    return clab_mem_reserve_or(cx, bytes, "training XGBoost", r, 4);
}

/* ---- a dry run -----------------------------------------------------------------------------------
 * No worker, no trees: what the worker would hold, and a model of the bytes that all rounds would make. */

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return x < y ? -1 : x > y;
}

/* Bins of all features, by the different values among the rows of a block; a feature that has one value there is a
 * latent that no model has made yet, and gets all its bins. */
static clab_status count_bins(clab_ctx *cx, const clab_xgb_opts *o, const clab_feature_rows *x, const float *block,
                              int64_t n, int64_t *bins)
{
    const int64_t most = x->n_rows < o->max_bin ? x->n_rows : o->max_bin;
    float *v = NULL;
    clab_status st = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 4 + 4, "values of a feature", (void **)&v);

    *bins = 0;
    for (int64_t j = 0; st == CLAB_OK && j < x->n_features; j++) {
        int64_t different = n > 0;
        for (int64_t i = 0; i < n; i++)
            v[i] = block[i * x->n_features + j];
        qsort(v, (size_t)n, sizeof *v, by_value);
        for (int64_t i = 1; i < n; i++)
            different += v[i] != v[i - 1];
        *bins += different == 1 || different > most ? most : different;
    }
    clab_mem_free(cx, v);
    return st;
}

static clab_status foresee_training(clab_ctx *cx, const clab_xgb_opts *o, const clab_feature_rows *x, int64_t n_valid,
                                    clab_xgb_model *m)
{
    const float *block;
    int64_t n, bins, bytes;
    clab_status st;

    if ((st = x->next(cx, x->user, &block, &n)) != CLAB_OK || (st = count_bins(cx, o, x, block, n, &bins)) != CLAB_OK ||
        (st = worker_bytes(cx, o, x, n_valid, bins, false, &bytes)) != CLAB_OK)
        return st;
    clab_guest_foresee(cx, LIBRARY_BYTES + bytes, "training XGBoost");
    m->n_bytes = all_nodes(o, x->n_rows, n_valid) * MODEL_NODE_BYTES;
    m->best_round = o->rounds - 1;
    snprintf(m->version, sizeof m->version, "plan");
    snprintf(m->device, sizeof m->device, "cpu");
    return clab_mem_alloc(cx, CLAB_MEM_MODEL, m->n_bytes, "XGBoost trees", (void **)&m->bytes);
}

static clab_status foresee_prediction(clab_ctx *cx, const clab_xgb_model *m, const clab_feature_rows *x, float *p)
{
    const float *block;
    int64_t n;
    clab_status st = x->next(cx, x->user, &block, &n);

    if (st != CLAB_OK)
        return st;
    clab_guest_foresee(cx, LIBRARY_BYTES + m->n_bytes + m->n_bytes / MODEL_NODE_BYTES * NODE_BYTES + 2 * n * x->n_features * 4,
                       "predicting with XGBoost");
    for (int64_t i = 0; i < x->n_rows * m->n_classes; i++)
        p[i] = 1.0f / (float)m->n_classes;
    return CLAB_OK;
}

clab_status clab_xgb_train(clab_ctx *cx, const clab_xgb_opts *o, const clab_feature_rows *x, const int32_t *labels,
                           const uint8_t *is_valid, clab_history *h, clab_xgb_model *out)
{
    clab_xgb_model m = {.n_classes = o->n_classes, .n_features = x->n_features};
    clab_phase *phase = NULL;
    talk t = {0};
    int64_t n_valid;
    clab_status st;

    if ((st = check_labels(cx, o, x, labels, is_valid, &n_valid)) != CLAB_OK ||
        (st = reserve(cx, o, x, n_valid)) != CLAB_OK)
        return st;
    phase = clab_phase_begin(cx, "xgboost", o->rounds, "rounds");
    if (clab_ctx_planning(cx)) {
        st = foresee_training(cx, o, x, n_valid, &m);
        goto done;
    }
    clab_series_start(cx, "xgboost", "round");
    if ((st = clab_guest_start(cx, "xgboost-train", "training XGBoost", NULL, 0, &t.guest)) != CLAB_OK)
        goto done;
    t.wire = clab_guest_wire(t.guest);
    st = put_training(cx, &t, o, x, labels, is_valid);
    if (st == CLAB_OK)
        st = get_rounds(cx, &t, n_valid > 0 ? 4 : 2, phase, h);
    if (st == CLAB_OK)
        st = get_model(cx, &t, &m);
    st = talk_end(cx, &t, st);
done:
    clab_phase_end(phase);
    if (st != CLAB_OK) {
        clab_xgb_model_free(cx, &m);
        return st;
    }
    *out = m;
    return CLAB_OK;
}

/* ---- prediction ------------------------------------------------------------------------------------*/

static clab_status put_model(clab_ctx *cx, talk *t, const clab_xgb_model *m)
{
    const int64_t v[5] = {m->n_features, m->n_classes, m->best_round, clab_threads(cx), m->n_bytes};
    clab_status st = CLAB_OK;

    for (size_t i = 0; i < 5 && st == CLAB_OK; i++)
        st = clab_wire_put_i64(cx, t->wire, v[i]);
    return st == CLAB_OK ? clab_wire_put(cx, t->wire, m->bytes, (size_t)m->n_bytes) : st;
}

static clab_status exchange(clab_ctx *cx, talk *t, const clab_xgb_model *m, const clab_feature_rows *x,
                            clab_phase *phase, float *p)
{
    const float *block;
    int64_t n, done = 0;
    clab_status st;

    while ((st = next_rows(cx, t, x, &block, &n)) == CLAB_OK && n > 0) {
        if (done + n > x->n_rows)
            return wrong_rows(cx, t, done + n, x->n_rows);
        if ((st = clab_wire_put_i64(cx, t->wire, n)) != CLAB_OK ||
            (st = clab_wire_put(cx, t->wire, block, (size_t)n * (size_t)x->n_features * sizeof *block)) != CLAB_OK ||
            (st = clab_wire_flush(cx, t->wire)) != CLAB_OK ||
            (st = clab_wire_get(cx, t->wire, p + done * m->n_classes, (size_t)n * (size_t)m->n_classes * sizeof *p)) !=
                CLAB_OK)
            return st;
        clab_phase_step(phase, done += n);
    }
    if (st != CLAB_OK)
        return st;
    if (done != x->n_rows)
        return wrong_rows(cx, t, done, x->n_rows);
    st = clab_wire_put_i64(cx, t->wire, 0);
    return st == CLAB_OK ? clab_wire_flush(cx, t->wire) : st;
}

clab_status clab_xgb_predict(clab_ctx *cx, const clab_xgb_model *m, const clab_feature_rows *x, float *p)
{
    clab_phase *phase;
    talk t = {0};
    clab_status st;

    if (x->n_features != m->n_features)
        return clab_fail(cx, CLAB_ESHAPE, "the rows have %" PRId64 " features, the model was trained on %" PRId64,
                         x->n_features, m->n_features);
    if (clab_ctx_planning(cx))
        return foresee_prediction(cx, m, x, p);
    if ((st = clab_guest_start(cx, "xgboost-predict", "predicting with XGBoost", NULL, 0, &t.guest)) != CLAB_OK)
        return st;
    phase = clab_phase_begin(cx, "predict", x->n_rows, "cells");
    t.wire = clab_guest_wire(t.guest);
    st = put_model(cx, &t, m);
    if (st == CLAB_OK)
        st = exchange(cx, &t, m, x, phase, p);
    st = talk_end(cx, &t, st);
    clab_phase_end(phase);
    return st;
}

clab_status clab_xgb_probe(clab_ctx *cx, char *version, size_t nv, char *path, size_t np)
{
    talk t = {0};
    clab_status st;

    if ((st = clab_guest_start(cx, "xgboost-probe", "looking for XGBoost", NULL, 0, &t.guest)) != CLAB_OK)
        return st;
    clab_mem_foresee(cx, CLAB_MEM_WORK, LIBRARY_BYTES, "looking for XGBoost");
    t.wire = clab_guest_wire(t.guest);
    st = get_text(cx, t.wire, version, nv);
    if (st == CLAB_OK)
        st = get_text(cx, t.wire, path, np);
    return talk_end(cx, &t, st);
}
