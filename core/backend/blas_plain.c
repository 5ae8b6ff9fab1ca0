/* blas_plain.c -- the product that is used where no BLAS is found.
 *
 * Tiles of A and B are copied into small packed blocks (which also undoes the transposes); the inner
 * loop runs along a row of C, so that compilers vectorise it.  Sums run over k in ascending order.
 */
#include "backend/blas_plain.h"

enum { TM = 32, TN = 64, TK = 64 };

#define DEFINE_GEMM(NAME, T)                                                                                     \
    static void NAME##_tile(bool ta, bool tb, int64_t mm, int64_t nn, int64_t kk, const T *a, int64_t lda,       \
                            const T *b, int64_t ldb, T *c, int64_t ldc)                                          \
    {                                                                                                            \
        T pa[TM * TK], pb[TK * TN];                                                                              \
        for (int64_t i = 0; i < mm; i++)                                                                         \
            for (int64_t p = 0; p < kk; p++)                                                                     \
                pa[i * TK + p] = ta ? a[p * lda + i] : a[i * lda + p];                                           \
        for (int64_t p = 0; p < kk; p++)                                                                         \
            for (int64_t j = 0; j < TN; j++)                                                                     \
                pb[p * TN + j] = j >= nn ? 0 : tb ? b[j * ldb + p] : b[p * ldb + j];                             \
        for (int64_t i = 0; i < mm; i++) {                                                                       \
            T row[TN] = {0};                                                                                     \
            for (int64_t p = 0; p < kk; p++)                                                                     \
                for (int64_t j = 0; j < TN; j++)                                                                 \
                    row[j] += pa[i * TK + p] * pb[p * TN + j];                                                   \
            for (int64_t j = 0; j < nn; j++)                                                                     \
                c[i * ldc + j] += row[j];                                                                        \
        }                                                                                                        \
    }                                                                                                            \
                                                                                                                 \
    void NAME(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const T *a, int64_t lda, const T *b,            \
              int64_t ldb, T beta, T *c, int64_t ldc)                                                            \
    {                                                                                                            \
        for (int64_t i = 0; i < m; i++)                                                                          \
            for (int64_t j = 0; j < n; j++)                                                                      \
                c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];                                          \
        for (int64_t p = 0; p < k; p += TK)                                                                      \
            for (int64_t j = 0; j < n; j += TN)                                                                  \
                for (int64_t i = 0; i < m; i += TM)                                                              \
                    NAME##_tile(ta, tb, m - i < TM ? m - i : TM, n - j < TN ? n - j : TN,                        \
                                k - p < TK ? k - p : TK, a + (ta ? p * lda + i : i * lda + p), lda,              \
                                b + (tb ? j * ldb + p : p * ldb + j), ldb, c + i * ldc + j, ldc);                \
    }

DEFINE_GEMM(clab__plain_sgemm, float)
DEFINE_GEMM(clab__plain_dgemm, double)
