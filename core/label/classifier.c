/* classifier.c -- a classifier as an object: its options, its life, what it says of itself.
 * Fitting is in classifier_fit.c, labelling in classifier_annotate.c, keeping in classifier_value.c. */
#include "label/classifier.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "classifier_impl.h"
#include "ledger/ledger.h"

const clab_param clab_xgboost_params[] = {
    {"rounds", CLAB_P_INT, "500", 1, 100000, NULL, "rounds", "most boosting rounds; each grows one tree a class"},
    {"patience", CLAB_P_INT, "10", 0, 100000, NULL, "rounds",
     "stop when the validation loss has not improved for so many rounds; 0 = never"},
    {"valid_fraction", CLAB_P_NUM, "0.1", 0, 0.9, NULL, "", "share of the labelled cells held out to stop early"},
    {"max_depth", CLAB_P_INT, "6", 1, 32, NULL, "", "levels of a tree"},
    {"eta", CLAB_P_NUM, "0.1", 1e-6, 1, NULL, "", "learning rate"},
    {"subsample", CLAB_P_NUM, "0.7", 0.01, 1, NULL, "", "share of the cells a round sees"},
    {"colsample", CLAB_P_NUM, "0.2", 0.01, 1, NULL, "", "share of the features a tree sees"},
    {"min_child_weight", CLAB_P_NUM, "1", 0, INFINITY, NULL, "", "least weight of a leaf"},
    {"gamma", CLAB_P_NUM, "0", 0, INFINITY, NULL, "", "least gain of a split"},
    {"lambda", CLAB_P_NUM, "1", 0, INFINITY, NULL, "", "L2 penalty on leaves"},
    {"alpha", CLAB_P_NUM, "0", 0, INFINITY, NULL, "", "L1 penalty on leaves"},
    {"max_bin", CLAB_P_INT, "256", 2, 65536, NULL, "", "bins a feature is sorted into"},
    {"seed", CLAB_P_INT, "0", 0, 2147483647, NULL, "", "of the validation split and of sampling"},
};
const int clab_xgboost_n_params = sizeof clab_xgboost_params / sizeof *clab_xgboost_params;

enum { ROUNDS, PATIENCE, VALID, DEPTH, ETA, SUBSAMPLE, COLSAMPLE, CHILD, GAMMA, LAMBDA, ALPHA, BINS, SEED };

clab_status clab_classifier_new(clab_ctx *cx, const clab_arg *a, clab_classifier **out)
{
    clab_classifier *c;
    clab_status st = clab_args_check(cx, "xgboost", clab_xgboost_params, clab_xgboost_n_params, a);

    if (st != CLAB_OK)
        return st;
    c = calloc(1, sizeof *c);
    if (!c)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a classifier");
    c->cx = cx;
    clab_xgb_opts_init(&c->opts);
    c->opts.rounds = (int)a[ROUNDS].i;
    c->opts.patience = (int)a[PATIENCE].i;
    c->valid_fraction = a[VALID].num;
    c->opts.max_depth = (int)a[DEPTH].i;
    c->opts.eta = a[ETA].num;
    c->opts.subsample = a[SUBSAMPLE].num;
    c->opts.colsample_bytree = a[COLSAMPLE].num;
    c->opts.min_child_weight = a[CHILD].num;
    c->opts.gamma = a[GAMMA].num;
    c->opts.lambda = a[LAMBDA].num;
    c->opts.alpha = a[ALPHA].num;
    c->opts.max_bin = (int)a[BINS].i;
    c->opts.seed = (uint64_t)a[SEED].i;
    *out = c;
    return CLAB_OK;
}

void clab__classifier_clear(clab_ctx *cx, clab_classifier *c)
{
    free(c->labels);
    c->labels = NULL;
    clab_value_unref(c->steps);
    c->steps = NULL;
    clab__features_free(cx, &c->features);
    clab_value_unref(c->classes);
    c->classes = NULL;
    c->n_train = c->n_valid = 0;
    clab_xgb_model_free(cx, &c->model);
    clab_history_free(&c->history);
}

void clab_classifier_held(const clab_classifier *c, clab_held_fn *fn, void *user)
{
    const clab__features *f = &c->features;

    clab_value_held(c->steps, fn, user);
    clab_value_held(c->classes, fn, user);
    clab_value_held(f->genes, fn, user);
    clab_value_held(f->universe, fn, user);
    fn(user, clab_mem_holding_of(f->mean));
    fn(user, clab_mem_holding_of(f->std));
    fn(user, clab_mem_holding_of(c->model.bytes));
}

static int64_t held(const clab_classifier *c)
{
    return c->model.n_bytes + (c->features.mean ? 16 * clab__features_n(&c->features) : 0) +
           clab_value_bytes(c->features.genes) + clab_value_bytes(c->features.universe) +
           clab_value_bytes(c->classes);
}

void clab_classifier_free(clab_ctx *cx, clab_classifier *c, int64_t *bytes_returned)
{
    if (bytes_returned)
        *bytes_returned = c ? held(c) : 0;
    if (!c)
        return;
    clab__classifier_clear(cx, c);
    free(c);
}

clab_status clab__classifier_fitted(clab_ctx *cx, const clab_classifier *c)
{
    if (c->classes)
        return CLAB_OK;
    (void)clab_fail(cx, CLAB_ESTATE, "the classifier was not fitted yet");
    return clab_hint(cx, "call fit with a labelled reference first");
}

const clab_history *clab_classifier_history(const clab_classifier *c)
{
    return &c->history;
}

const clab_value *clab_classifier_classes(const clab_classifier *c)
{
    return c->classes;
}

/* "30 latent + 500 genes" */
static void describe_features(const clab__features *f, char *buf, size_t n)
{
    int used = 0;

    if (f->latent_key)
        used = snprintf(buf, n, "%" PRId64 " latent%s", f->n_latent, f->genes ? " + " : "");
    if (f->genes)
        snprintf(buf + used, n - (size_t)used, "%" PRId64 " genes", clab_value_len(f->genes));
}

void clab_classifier_describe(const clab_classifier *c, char *buf, size_t n)
{
    const clab_curve *loss = clab_history_get(&c->history, "validation_mlogloss");
    const clab_curve *rounds = clab_history_get(&c->history, "train_mlogloss");
    char what[96] = "", stopped[64] = "";

    if (!c->classes) {
        snprintf(buf, n, "XGBoost classifier, not fitted yet");
        return;
    }
    describe_features(&c->features, what, sizeof what);
    if (loss && c->model.best_round < loss->n)
        snprintf(stopped, sizeof stopped, ", validation mlogloss %.4f", loss->y[c->model.best_round]);
    snprintf(buf, n, "XGBoost %s (%s) on %s: %d classes of %s, %" PRId64 " + %" PRId64 " cells, best round %d of "
                     "%" PRId64 "%s",
             c->model.version, c->model.device, what, c->model.n_classes, clab_show(c->labels), c->n_train,
             c->n_valid, c->model.best_round + 1, rounds ? rounds->n : 0, stopped);
}
