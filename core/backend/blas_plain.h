/* blas_plain.h -- matrix products without a library: packed tiles, plain loops. */
#ifndef CLAB_BLAS_PLAIN_H
#define CLAB_BLAS_PLAIN_H

#include <stdbool.h>
#include <stdint.h>

/* C (m x n) = op(A) op(B) + beta C, row-major. */
void clab__plain_sgemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
                       int64_t ldb, float beta, float *c, int64_t ldc);
void clab__plain_dgemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const double *a, int64_t lda,
                       const double *b, int64_t ldb, double beta, double *c, int64_t ldc);

#endif
