/* plain.h -- the plain twin of every operation of the backend: dense, in double, one formula a line.
 * Slow on purpose; what the fused operations are tested against. */
#ifndef CLAB_TEST_PLAIN_H
#define CLAB_TEST_PLAIN_H

#include <stdbool.h>
#include <stdint.h>

/* c (m x n) = op(a) op(b) + beta c */
void plain_gemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
                int64_t ldb, double beta, double *c);

/* Batch norm in train mode (mean, var NULL) or with given moments; y (B x H). */
void plain_bn(int64_t B, int64_t H, const float *a, const float *gamma, const float *beta, const float *mean,
              const float *var, double *y);

/* The decoder's output layers and the count likelihood over a dense x (B x G).
 * Out: rec (B), dh (B x H), and the gradients of the mean loss by every parameter. */
typedef struct {
    int64_t B, G, H;
    bool zinb;
    const float *x, *h, *ws, *bs, *wz, *bz, *log_theta;
} plain_count;
typedef struct {
    double *rec, *dh, *dws, *dbs, *dwz, *dbz, *dtheta;
} plain_count_out;
plain_count_out plain_count_loss(const plain_count *p);
void plain_count_free(plain_count_out *o);

/* One Adam step with L2 decay, in double: m and v zero before, first step. */
double plain_adam_first(double p, double g, double lr, double decay);

/* max |a - b| / max |b| */
double plain_distance(const float *a, const double *b, int64_t n);

#endif
