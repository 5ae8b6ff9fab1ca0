/* classifier_impl.h -- what a classifier is made of, for classifier*.c.  K classes. */
#ifndef CLAB_CLASSIFIER_IMPL_H
#define CLAB_CLASSIFIER_IMPL_H

#include "features_impl.h"
#include "label/classifier.h"

struct clab_classifier {
    clab_ctx *cx;
    clab_xgb_opts opts;
    double valid_fraction;
    /* fitted */
    char *labels;               /* name of the column it learned */
    clab_value *steps;          /* DICT: what was done to the cells it learned from; NULL before fit */
    clab__features features;
    clab_value *classes;        /* STRINGS (K); NULL before fit */
    int64_t n_train, n_valid;   /* cells */
    clab_xgb_model model;
    clab_history history;
};

/* Back to the state before fit; options stay. */
void clab__classifier_clear(clab_ctx *cx, clab_classifier *c);
CLAB_MUST_CHECK clab_status clab__classifier_fitted(clab_ctx *cx, const clab_classifier *c);

/* clab__split -- mark cells for validation: round(fraction * n) of them, shared out over the k classes by
 * largest remainder; at least one cell of each class stays for training.  Same seed, same marks.
 *   is_valid  out  u8 (n) */
CLAB_MUST_CHECK clab_status clab__split(clab_ctx *cx, const int32_t *y, int64_t n, int k, double fraction,
                                        uint64_t seed, uint8_t *is_valid, int64_t *n_valid);

#endif
