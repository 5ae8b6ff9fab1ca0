/* xgboost.h -- gradient boosting by the XGBoost library, >= 1.7, loaded at run time inside a guest.
 * Rows are streamed to the guest; the model comes back as bytes.  Knows nothing of cells. */
#ifndef CLAB_XGBOOST_H
#define CLAB_XGBOOST_H

#include "guest/guest.h"
#include "models/history.h"

/* A source of dense float32 feature rows, called in order, may be rewound. */
typedef struct {
    int64_t n_rows, n_features;
    /* next rows: *x = n x n_features (borrowed until the next call), *n = 0 at the end */
    clab_status (*next)(clab_ctx *cx, void *user, const float **x, int64_t *n);
    clab_status (*rewind)(clab_ctx *cx, void *user);
    void *user;
} clab_feature_rows;

/* About what the library takes by itself in its worker. */
enum { CLAB_XGB_OWN_BYTES = 24 << 20 };

typedef struct {
    int n_classes;
    int rounds;               /* most */
    int patience;             /* early stopping on validation mlogloss; 0 = none */
    int max_depth;
    double eta, subsample, colsample_bytree, min_child_weight, gamma, lambda, alpha;
    int max_bin;
    uint64_t seed;
    int threads;              /* 0 = the context's */
} clab_xgb_opts;
/* Smaller steps than the library's own defaults, on samples of cells and features: with many features and
 * few cells of a type that labels better, and a round costs a seventh. */
void clab_xgb_opts_init(clab_xgb_opts *o);

typedef struct {
    uint8_t *bytes;           /* UBJ; clab_mem_free */
    int64_t n_bytes;
    int best_round;           /* 0-based; predictions use 0..best_round */
    int n_classes;
    int64_t n_features;
    char version[16], library[256], device[16]; /* which library made it, on what */
} clab_xgb_model;
void clab_xgb_model_free(clab_ctx *cx, clab_xgb_model *m);

/* Train on rows with is_valid[i] == 0, stop early on those with 1.  labels: 0..n_classes-1 per row.
 * Live series "xgboost": train_mlogloss, validation_mlogloss, ...  Errors: library missing (names what
 * was tried and the package), version < 1.7, one class only. */
CLAB_MUST_CHECK clab_status clab_xgb_train(clab_ctx *cx, const clab_xgb_opts *o, const clab_feature_rows *x, const int32_t *labels, const uint8_t *is_valid, clab_history *h, clab_xgb_model *out);
/* Probabilities, n_rows x n_classes, written to p (caller allocates). */
CLAB_MUST_CHECK clab_status clab_xgb_predict(clab_ctx *cx, const clab_xgb_model *m, const clab_feature_rows *x, float *p);
/* Which library would be used: version and path; ENOTFOUND with the remedy. Runs a guest. */
CLAB_MUST_CHECK clab_status clab_xgb_probe(clab_ctx *cx, char *version, size_t nv, char *path, size_t np);

/* Guest roles, for core/roles.c. */
clab_guest_fn clab_xgb_guest_train, clab_xgb_guest_predict, clab_xgb_guest_probe;

#endif
