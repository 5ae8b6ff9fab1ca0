/* toy.h -- small datasets for tests, made from dense numbers. */
#ifndef TOY_H
#define TOY_H

#include "data/dataset.h"

/* A CSR-like matrix of the non-zeros of n x g floats. */
clab_matrix *toy_matrix(clab_ctx *cx, int64_t n, int64_t g, const float *dense);

/* n cells named PREFIX0, PREFIX1, ... over the genes; X = counts = the floats. */
clab_dataset *toy_dataset(clab_ctx *cx, const char *name, const char *prefix, int64_t n, int64_t g,
                          const char *const *genes, const float *dense);

/* A column set from strings (NULL = missing) as categorical, or from doubles. */
void toy_labels(clab_ctx *cx, clab_dataset *d, const char *column, const char *const *labels);
void toy_numbers(clab_ctx *cx, clab_dataset *d, const char *column, const double *x);

/* The whole of X (or any matrix), n x g floats that the caller clab_mem_free's. */
float *toy_dense(clab_ctx *cx, const clab_matrix *m);

#endif
