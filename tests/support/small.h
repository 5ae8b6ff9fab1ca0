/* small.h -- little matrices and datasets for tests: random counts, dense on one side, packed on the other. */
#ifndef CLAB_TEST_SMALL_H
#define CLAB_TEST_SMALL_H

#include "data/rows.h"

uint32_t small_next(uint32_t *state); /* a number generator of the tests' own */

/* n x g counts, about `percent` of them not 0; caller free()s. */
float *small_counts(int64_t n, int64_t g, int percent, uint32_t seed);

/* A dense array (row-major, zeros left out) as a packed matrix of element type t; NULL when that fails. */
clab_matrix *small_matrix(clab_ctx *cx, int64_t n, int64_t g, const double *x, clab_dtype t);
clab_matrix *small_matrix_f32(clab_ctx *cx, int64_t n, int64_t g, const float *x);

/* All values of a matrix as dense doubles, through a stream of f64 or f32 blocks; caller free()s. */
double *small_dense(clab_ctx *cx, const clab_matrix *m, bool f64);

#endif
