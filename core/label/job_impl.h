/* job_impl.h -- what the stages of the labelling job pass on, for job*.c. */
#ifndef CLAB_JOB_IMPL_H
#define CLAB_JOB_IMPL_H

#include "label/job.h"

/* Places in clab_label_params. */
enum {
    CLAB__REFERENCE, CLAB__QUERY, CLAB__LABEL, CLAB__OUTPUT, CLAB__CSV, CLAB__MODEL_OUT, CLAB__COUNTS,
    CLAB__MIN_CELLS, CLAB__MIN_GENES, CLAB__BATCH, CLAB__COVARIATES, CLAB__HVG, CLAB__N_LATENT, CLAB__N_HIDDEN,
    CLAB__N_LAYERS, CLAB__DROPOUT, CLAB__LIKELIHOOD, CLAB__MAX_EPOCHS, CLAB__EARLY_STOPPING, CLAB__PATIENCE,
    CLAB__BATCH_SIZE, CLAB__FEATURES, CLAB__N_GENES, CLAB__ROUNDS, CLAB__TRAIN_CELLS, CLAB__QUERY_BLOCK,
    CLAB__SEED, CLAB__DEVICE, CLAB__BACKED, CLAB__SCRATCH, CLAB__N_LABEL_PARAMS
};

typedef struct {
    const clab_arg *a;           /* aligned with clab_label_params */
    double started;              /* of the stage, seconds */
    clab_dataset *reference;     /* filtered */
    clab_dataset *query;         /* every cell */
    clab_dataset *train_query;   /* query, or a sample of it */
    bool sampled;                /* the models see fewer cells than there are */
    int64_t n_reference;         /* of the cells of both, those of the reference come first */
    clab_dataset *both;          /* cells to train on, common genes */
    clab_dataset *chosen;        /* both, highly variable genes */
    clab_scvi *scvi;             /* NULL when no latent is asked for */
    clab_classifier *classifier;
    clab_dataset *labelled;      /* query with its labels */
} clab__job;

/* The name of the column that tells the studies apart, and where the latent lies. */
#define CLAB__DATASET_ID "dataset_id"
#define CLAB__LATENT "X_scVI"

/* Seconds since the stage began; the next one begins. */
double clab__job_lap(clab__job *j);

/* A step by name on *d, in place: arguments as name, value, ..., NULL. */
CLAB_MUST_CHECK clab_status clab__job_step(clab_ctx *cx, const char *name, const char *const *args, clab_dataset **d);

/* Stages, in order: each leaves its results in j, and says what it did. */
CLAB_MUST_CHECK clab_status clab__job_read(clab_ctx *cx, clab__job *j);
CLAB_MUST_CHECK clab_status clab__job_join(clab_ctx *cx, clab__job *j);
CLAB_MUST_CHECK clab_status clab__job_train(clab_ctx *cx, clab__job *j);
CLAB_MUST_CHECK clab_status clab__job_label(clab_ctx *cx, clab__job *j);

#endif
