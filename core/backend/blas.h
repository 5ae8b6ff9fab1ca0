/* blas.h -- matrix products by a CBLAS that is found at run time, one thread a call.
 * Refuses to be linked against a BLAS, and to run one that cannot be called from several threads. */
#ifndef CLAB_BLAS_H
#define CLAB_BLAS_H

#include "base/ctx.h"

typedef struct {
    void *handle;            /* dlopen's; NULL = our own plain product */
    void (*sgemm)(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda,
                  const float *b, int ldb, float beta, float *c, int ldc);
    void (*dgemm)(int order, int ta, int tb, int m, int n, int k, double alpha, const double *a, int lda,
                  const double *b, int ldb, double beta, double *c, int ldc);
    void (*dsyevr)(const char *jobz, const char *range, const char *uplo, const int *n, double *a, const int *lda,
                   const double *vl, const double *vu, const int *il, const int *iu, const double *abstol, int *m,
                   double *w, double *z, const int *ldz, int *isuppz, double *work, const int *lwork, int *iwork,
                   const int *liwork, int *info, size_t jobz_len, size_t range_len, size_t uplo_len);
    char describe[160];      /* "OpenBLAS 0.3.21 (SkylakeX)", "plain C: no BLAS was found" */
} clab_blas;

/* clab_blas_open -- $CELLLAB_BLAS, then the OpenBLAS flavours that may be called from several threads
 * (pthread, OpenMP), else the plain product and a note that says why.  Never fails.
 * An address-space limit too small for OpenBLAS (which would hang) also means the plain product. */
void clab_blas_open(clab_ctx *cx, clab_blas *out);

/* C (m x n) = op(A) op(B) + beta C, row-major, on the calling thread; safe from several threads. */
void clab_blas_sgemm(const clab_blas *bl, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a,
                     int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
void clab_blas_dgemm(const clab_blas *bl, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const double *a,
                     int64_t lda, const double *b, int64_t ldb, double beta, double *c, int64_t ldc);

/* clab_blas_eigen -- the k largest eigenvalues of a symmetric matrix, by LAPACK's dsyevr where the library that
 * was found has it (bl->dsyevr), else by Jacobi rotations: O(n^3) a sweep, for a few hundred rows at most.
 *   a  in   n x n, row-major, the upper triangle counts; overwritten
 *   w  out  k eigenvalues, falling
 *   v  out  k x n: row i is the eigenvector of w[i], of length 1; its sign is arbitrary
 * Memory: 8 (36 n + k) bytes with LAPACK, 8 n (n + 1) without.  Deterministic: one thread.
 * Errors: EARG when a holds what is no number, EBACKEND when LAPACK fails. */
CLAB_MUST_CHECK clab_status clab_blas_eigen(clab_ctx *cx, const clab_blas *bl, int64_t n, double *a, int64_t k,
                                            double *w, double *v);
int64_t clab_blas_eigen_bytes(const clab_blas *bl, int64_t n, int64_t k);

#endif
