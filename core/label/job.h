/* job.h -- the whole job as one call: what `celllab label` does. */
#ifndef CLAB_JOB_H
#define CLAB_JOB_H

#include "label/classifier.h"

/* --reference --query --label -o --csv --model-out --hvg --n-latent --max-epochs --patience --likelihood
 * --features --batch-size --seed --device --batch --covariates --counts --train-cells --query-block ... */
extern const clab_param clab_label_params[];
extern const int clab_label_n_params;

/* clab_label_run -- read, filter, concat, hvg, scVI, XGBoost, annotate, write.  Prints through notes. */
CLAB_MUST_CHECK clab_status clab_label_run(clab_ctx *cx, const clab_arg *args);

#endif
