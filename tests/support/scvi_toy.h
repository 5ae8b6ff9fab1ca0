/* scvi_toy.h -- a small dataset with donors, and scVI models over it, for tests. */
#ifndef CLAB_TEST_SCVI_TOY_H
#define CLAB_TEST_SCVI_TOY_H

#include "models/scvi.h"

enum { SCVI_TOY_CELLS = 300, SCVI_TOY_GENES = 290 };

extern char scvi_toy_notes[8192]; /* notes and warnings of the last scvi_toy_context */

clab_ctx *scvi_toy_context(int threads);
/* Fails the test with the recorded error. */
void scvi_toy_must(clab_ctx *cx, clab_status s);
/* A dataset over dense x; batch (obs.donor) may be NULL; genes are gene<first>, gene<first+step>, ... */
clab_dataset *scvi_toy_dataset(clab_ctx *cx, int64_t n, int64_t g, const float *x, const clab_value *batch, int64_t first,
                          int64_t step, bool counts);
/* Three categories in an order of their own, the middle one without cells; the first `missing` cells have none. */
clab_value *scvi_toy_donors(clab_ctx *cx, int64_t n, int missing);
clab_dataset *scvi_toy_cells(clab_ctx *cx);

/* Arguments as name, text, ..., NULL over the defaults. */
#define MAKE(...) ((const char *const[]){"device", "cpu", "n_latent", "5", "n_hidden", "20", __VA_ARGS__, NULL})
#define RUN(...) ((const char *const[]){__VA_ARGS__, NULL})
clab_status scvi_toy_make(clab_ctx *cx, const clab_dataset *d, const char *const *pairs, clab_scvi **m);
clab_status scvi_toy_train(clab_ctx *cx, clab_scvi *m, const char *const *pairs, clab_scvi_epoch_fn *fn, void *user);
/* The latent as an n x 5 array that the caller frees. */
float *scvi_toy_latent(clab_ctx *cx, clab_scvi *m, const clab_dataset *d, int64_t n);

#endif
