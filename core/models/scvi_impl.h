/* scvi_impl.h -- shared by the files of scVI: the model, its arguments, its random streams. */
#ifndef CLAB_SCVI_IMPL_H
#define CLAB_SCVI_IMPL_H

#include "data/rows.h"
#include "models/scvi.h"
#include "models/scvi_net.h"

struct clab_scvi {
    clab_ctx *cx;
    clab_backend *be;
    char device[16];          /* as asked for */
    clab__net *net;
    clab_dataset *data;       /* NULL: loaded without cells */
    clab_matrix *counts;      /* of data */
    int32_t *codes;           /* N: batch of each cell; NULL when there is one batch */
    clab_value *genes;        /* STRINGS (G) */
    clab_value *batches;      /* STRINGS (n_batch), the column's order, unused ones too */
    char *batch_column;       /* NULL = none */
    int64_t n_cells;
    uint64_t seed;
    bool torch;               /* random numbers of the peer */
    clab_mt mt;               /* its generator, which goes on from construction into training */
    clab_history history;
    int64_t epochs, steps, trainings;
    bool training;            /* now: its on_epoch may ask for latents, not train or free it */
};

/* Arguments of clab_scvi_new, in the order of clab_scvi_params. */
enum {
    CLAB__SCVI_N_LATENT, CLAB__SCVI_N_HIDDEN, CLAB__SCVI_N_LAYERS, CLAB__SCVI_DROPOUT, CLAB__SCVI_LIKELIHOOD,
    CLAB__SCVI_BATCH, CLAB__SCVI_SEED, CLAB__SCVI_RNG, CLAB__SCVI_DEVICE, CLAB__SCVI_ALLOW, CLAB__SCVI_N_PARAMS
};
/* and of clab_scvi_train. */
enum {
    CLAB__TRAIN_MAX_EPOCHS, CLAB__TRAIN_BATCH_SIZE, CLAB__TRAIN_LR, CLAB__TRAIN_DECAY, CLAB__TRAIN_SIZE,
    CLAB__TRAIN_EARLY, CLAB__TRAIN_PATIENCE, CLAB__TRAIN_CHECK_VAL, CLAB__TRAIN_WARMUP, CLAB__TRAIN_MODE,
    CLAB__TRAIN_DEVICE, CLAB__TRAIN_ON_EPOCH, CLAB__TRAIN_N_PARAMS
};

/* Streams of keyed noise; dropout of encoder layer l is stream l. */
enum { CLAB__NOISE_Z = 16, CLAB__NOISE_Z_VALIDATION, CLAB__NOISE_SPLIT, CLAB__NOISE_SHUFFLE };

/* ---- scvi_cells.c: which counts, which batches, which genes ------------------------------------------*/
CLAB_MUST_CHECK clab_status clab__scvi_counts(clab_ctx *cx, const clab_dataset *d, bool allow, clab_matrix **out);
/* Sets m->batches, m->codes from the obs column (NULL = one batch). */
CLAB_MUST_CHECK clab_status clab__scvi_batches(clab_ctx *cx, clab_scvi *m, const clab_dataset *d, const char *column);
/* The counts of d over the model's genes, matched by name; genes that d lacks are zero, and said. */
CLAB_MUST_CHECK clab_status clab__scvi_same_genes(clab_ctx *cx, const clab_scvi *m, const clab_dataset *d, clab_matrix **out);

/* ---- scvi_random.c: split, order and noise -----------------------------------------------------------------*/
typedef struct {
    int64_t *cells;           /* validation first, then training; n_valid + n_train of them used */
    int64_t n_valid, n_train;
} clab__split;
/* [8.1] given: the fraction was set by the caller. */
CLAB_MUST_CHECK clab_status clab__scvi_split(clab_ctx *cx, const clab_scvi *m, double fraction, bool given, int64_t batch_size, clab__split *out);
/* Order of the training cells in this epoch. */
void clab__scvi_shuffle(clab_scvi *m, const int64_t *train, int64_t n, int64_t *scratch, int64_t *order);
/* Start of a pass over the validation cells. */
void clab__scvi_validation_begins(clab_scvi *m);
/* Dropout masks (train mode) and eps of the loaded minibatch. */
CLAB_MUST_CHECK clab_status clab__scvi_noise(clab_scvi *m, bool dropout, bool validation);

/* ---- scvi.c ------------------------------------------------------------------------------------------------*/
/* A model without cells: network and options; the caller fills the rest. */
CLAB_MUST_CHECK clab_status clab__scvi_make(clab_ctx *cx, const char *device, const clab__net_dims *dims, clab_scvi **out);
/* Parameters onto another device. */
CLAB_MUST_CHECK clab_status clab__scvi_move(clab_ctx *cx, clab_scvi *m, const char *device);
/* Loads a block of rows as the minibatch; codes by row number, NULL = no batch. */
CLAB_MUST_CHECK clab_status clab__scvi_load(clab_scvi *m, const clab_csr *block, const int32_t *codes);

#endif
