/* scvi.h -- scVI: a variational autoencoder of counts that integrates batches.
 * Formulas: Lopez et al. 2018 (Nat Methods 15:1053) as scvi-tools 1.4.2 computes them; docs/scvi.md.
 * N cells, G genes, D latent, H hidden, B minibatch.  Written once, against core/backend. */
#ifndef CLAB_SCVI_H
#define CLAB_SCVI_H

#include "data/dataset.h"
#include "models/history.h"
#include "steps/step.h"

typedef struct clab_scvi clab_scvi;

/* lab.scvi(ds, {...}): n_latent=30, n_hidden=128, n_layers=1, dropout=0.1, likelihood="zinb|nb",
 * batch=obs column, seed=0, rng="philox|torch", device="auto", allow_noncounts=false. */
extern const clab_param clab_scvi_params[];
extern const int clab_scvi_n_params;
/* m:train{...}: max_epochs (heuristic), batch_size=128, lr=1e-3, weight_decay=1e-6, train_size=0.9,
 * early_stopping=false, patience=10, check_val_every, n_epochs_kl_warmup=400, mode="auto", device, on_epoch. */
extern const clab_param clab_scvi_train_params[];
extern const int clab_scvi_n_train_params;

/* clab_scvi_new -- a model over the counts of d (refs it), parameters drawn, not trained.
 * Errors: ESTATE no counts (says where: cell and gene); ENOTFOUND, EARG batch column missing or with
 * missing values; EBACKEND the device asked for; EBUDGET. */
CLAB_MUST_CHECK clab_status clab_scvi_new(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_scvi **out);
/* Every holding of the ledger that it keeps alive, its Dataset with it. */
void clab_scvi_held(const clab_scvi *m, clab_held_fn *fn, void *user);
/* clab_scvi_free -- *bytes_returned may be NULL. */
void clab_scvi_free(clab_ctx *cx, clab_scvi *m, int64_t *bytes_returned);

/* Called after each epoch on the engine thread; return false to stop early (not an error).  It may ask the
 * model for latents, facts and its value; it must not free it, and training it is refused. */
typedef bool clab_scvi_epoch_fn(void *user, int64_t epoch, const clab_history *h);
/* clab_scvi_train -- live series "scvi", phase "scvi" in epochs.  Optimiser and minibatch memory are given
 * back at the end.  ECANCEL leaves the model usable at the last finished step (polled per tile of genes);
 * ESTATE when the loss is not a number, the model has no cells, or is being trained already. */
CLAB_MUST_CHECK clab_status clab_scvi_train(clab_ctx *cx, clab_scvi *m, const clab_arg *args, clab_scvi_epoch_fn *on_epoch, void *user);
/* clab_scvi_latent -- posterior means, ARRAY float32 N x D.  d: other cells with the same genes (matched
 * by name; missing genes are zero, said), NULL = the model's own. */
CLAB_MUST_CHECK clab_status clab_scvi_latent(clab_ctx *cx, clab_scvi *m, const clab_dataset *d, clab_value **out);
const clab_history *clab_scvi_history(const clab_scvi *m);
const clab_value *clab_scvi_genes(const clab_scvi *m);     /* STRINGS (G) */
const clab_value *clab_scvi_batches(const clab_scvi *m);   /* STRINGS (n_batch) */
int64_t clab_scvi_epochs(const clab_scvi *m);              /* run so far */
bool clab_scvi_trained(const clab_scvi *m);
bool clab_scvi_training(const clab_scvi *m);               /* now, seen from on_epoch */
const clab_dataset *clab_scvi_dataset(const clab_scvi *m);
/* One line: "scVI zinb, 700 cells x 500 genes, 2 batches, latent 30, trained 120 epochs". */
void clab_scvi_describe(const clab_scvi *m, char *buf, size_t n);
/* The model as DICT (tensors under the peer's state-dict keys, genes, batches, options, history). */
CLAB_MUST_CHECK clab_status clab_scvi_value(clab_ctx *cx, const clab_scvi *m, clab_value **out);
CLAB_MUST_CHECK clab_status clab_scvi_from_value(clab_ctx *cx, const clab_value *v, clab_scvi **out);

#endif
