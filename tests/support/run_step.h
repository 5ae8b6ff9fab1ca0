/* run_step.h -- steps by name with arguments as text, and datasets to run them on, for tests. */
#ifndef CLAB_TEST_RUN_STEP_H
#define CLAB_TEST_RUN_STEP_H

#include "steps/step.h"

/* A dataset around x (refs it) with names c00000.., g00000..; counts are x.  NULL when that fails. */
clab_dataset *step_dataset(clab_ctx *cx, const clab_matrix *x);

/* Adds obs.NAME, a categorical of n levels "b1", "b2", ... from codes. */
clab_status step_batches(clab_ctx *cx, clab_dataset *d, const char *name, const double *codes, int n);

/* run_step -- runs STEP with args "min_genes=200 flavor=seurat" (NULL: all defaults); the caller owns *out. */
clab_status run_step(clab_ctx *cx, const char *step, const char *args, const clab_dataset *d, clab_dataset **out);

/* The same, in place of *d: unrefs what it was.  Fails the test on an error. */
void step_on(clab_ctx *cx, const char *step, const char *args, clab_dataset **d);

#endif
