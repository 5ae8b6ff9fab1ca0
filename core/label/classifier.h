/* classifier.h -- from features of labelled cells to labels of others: what is fitted, kept and written.
 * Standardisation is fitted on the reference only and kept with the model. */
#ifndef CLAB_CLASSIFIER_H
#define CLAB_CLASSIFIER_H

#include "models/scvi.h"
#include "models/xgboost.h"

typedef struct clab_classifier clab_classifier;

/* lab.xgboost{...}: rounds, patience, max_depth, eta, subsample, colsample, ..., valid_fraction, seed. */
extern const clab_param clab_xgboost_params[];
extern const int clab_xgboost_n_params;
/* clf:fit(ds, {...}): labels=obs column (required), features="latent|genes|combined" or an obsm key
 * (default combined), latent=obsm key "X_scVI", n_genes=500. */
extern const clab_param clab_fit_params[];
extern const int clab_fit_n_params;
/* clf:annotate(query, {...}): from=dataset that holds the query's features, by identity (not by name). */
extern const clab_param clab_annotate_params[];
extern const int clab_annotate_n_params;

CLAB_MUST_CHECK clab_status clab_classifier_new(clab_ctx *cx, const clab_arg *args, clab_classifier **out);
/* Every holding of the ledger that it keeps alive. */
void clab_classifier_held(const clab_classifier *c, clab_held_fn *fn, void *user);
void clab_classifier_free(clab_ctx *cx, clab_classifier *c, int64_t *bytes_returned);
/* Cells with a missing label are left out, counted and said; one class only is an error.  An error leaves
 * what was fitted before. */
CLAB_MUST_CHECK clab_status clab_classifier_fit(clab_ctx *cx, clab_classifier *c, const clab_dataset *ref, const clab_arg *args);
/* Probabilities ARRAY float32 (N x K) for every cell of d. */
CLAB_MUST_CHECK clab_status clab_classifier_predict(clab_ctx *cx, const clab_classifier *c, const clab_dataset *d, clab_value **p);
/* A new dataset like query with obs.predicted_cell_type (categorical), obs.prediction_confidence (float32),
 * obsm.prediction_probability (TABLE with class names as columns) and uns.prediction_classes (those names).
 * Existing labels are never overwritten; an obs.predicted_cell_type that is there already is replaced, which is said;
 * where it is the column that was learned, it is kept as obs.reference_cell_type.
 * from: dataset whose cells include the query's (a concat of it), NULL = query itself. */
CLAB_MUST_CHECK clab_status clab_classifier_annotate(clab_ctx *cx, const clab_classifier *c, const clab_dataset *query, const clab_dataset *from, clab_dataset **out);
const clab_history *clab_classifier_history(const clab_classifier *c);
const clab_value *clab_classifier_classes(const clab_classifier *c); /* STRINGS (K); NULL before fit */
void clab_classifier_describe(const clab_classifier *c, char *buf, size_t n);
CLAB_MUST_CHECK clab_status clab_classifier_value(clab_ctx *cx, const clab_classifier *c, clab_value **out);
CLAB_MUST_CHECK clab_status clab_classifier_from_value(clab_ctx *cx, const clab_value *v, clab_classifier **out);

#endif
