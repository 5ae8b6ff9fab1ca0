/* cpu_count_impl.h -- the memory of the fused count likelihood. */
#ifndef CLAB_CPU_COUNT_IMPL_H
#define CLAB_CPU_COUNT_IMPL_H

#include "backend/cpu_impl.h"

enum { CLAB__CONSTANTS = 1024 };

struct clab_count_work {
    int64_t max_rows, G, H, B;
    int64_t tile, n_tiles; /* depend on G only */
    int64_t n_lanes;       /* chains of tiles that share one partial dh */
    bool zinb;
    int threads;
    float *e, *u, *z;      /* max_rows x G: exp(S - rowmax of the tile); d/dS; logits, then d/dlogits */
    float *row_max, *row_sum, *factor, *row_lp, *row_u; /* n_tiles x B */
    float *total_u;        /* B */
    float *th, *ith, *d_theta; /* G */
    float *lane_dh;        /* n_lanes x B x H */
    float *scratch;        /* per worker */
    int64_t scratch_size;  /* floats per worker */
    uint8_t *done;         /* n_tiles */
    double constant[CLAB__CONSTANTS]; /* clab_count_constant of small counts */
    void *block;           /* the one allocation behind the pointers above */
};

/* A worker's scratch: per non-zero of a tile, per entry of a tile, and a tile of gradients. */
typedef struct {
    float *x, *mu, *th, *ith, *z, *u, *lp, *dr;
    float *tile_lp, *tile_dr;
    float *grad;
} clab__count_scratch;

clab__count_scratch clab__count_scratch_of(const clab_count_work *w, int worker);

/* out[j] = sum over n_rows of x[i * ld + j], in double every 32 rows. */
void clab__column_sums(int64_t n_rows, int64_t n, const float *x, int64_t ld, float *out);

static inline double clab__constant(const clab_count_work *w, double x)
{
    return x < CLAB__CONSTANTS && x == (double)(int)x ? w->constant[(int)x] : clab_count_constant(x);
}

#endif
