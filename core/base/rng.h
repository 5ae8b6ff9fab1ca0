/* rng.h -- random numbers: a keyed generator for our own use, the peers' generators for same-seed runs.
 * Formulas: Salmon et al. 2011 (Philox4x32-10); numpy RandomState / default_rng and torch's CPU
 * generator as written in docs/random.md. */
#ifndef CLAB_RNG_H
#define CLAB_RNG_H

#include <stdint.h>

/* ---- Philox4x32-10: no state, four words from a counter and a key ------------------------------*/
void clab_philox(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4]);

/* ---- MT19937 (numpy RandomState(seed), torch CPU) ----------------------------------------------*/
typedef struct {
    uint32_t m[624];
    int at;
    int has_gauss;   /* legacy polar method keeps one */
    double gauss;
} clab_mt;

void clab_mt_seed(clab_mt *g, uint32_t seed);
uint32_t clab_mt_u32(clab_mt *g);
double clab_mt_double(clab_mt *g);                     /* numpy: 53 bits in [0,1) */
double clab_mt_normal(clab_mt *g);                     /* numpy legacy polar */
uint32_t clab_mt_upto(clab_mt *g, uint32_t max);       /* masked rejection, 0..max */
void clab_mt_permutation(clab_mt *g, int64_t *p, int64_t n);  /* numpy permutation(n) */

/* torch CPU on the same MT19937 */
float clab_mt_torch_uniform(clab_mt *g, float lo, float hi);
int64_t clab_mt_torch_i64(clab_mt *g);                 /* int64 random_() */
void clab_mt_torch_randn(clab_mt *g, float *x, int64_t n);
void clab_mt_torch_keep(clab_mt *g, uint8_t *keep, int64_t n, double p_drop);
void clab_mt_torch_randperm(int64_t seed, int64_t *p, int64_t n); /* private generator */

/* ---- PCG64 (numpy default_rng(seed)) -----------------------------------------------------------*/
typedef struct {
    uint64_t state[2], inc[2]; /* high word first */
    int has32;
    uint32_t kept32;
} clab_pcg;

void clab_pcg_seed(clab_pcg *g, uint64_t seed);
uint64_t clab_pcg_u64(clab_pcg *g);
uint32_t clab_pcg_u32(clab_pcg *g);
double clab_pcg_double(clab_pcg *g);
uint32_t clab_pcg_bounded(clab_pcg *g, uint32_t max);  /* Lemire, 0..max */
/* choice(n, k, replace=False): k distinct of 0..n-1 in drawn order; scratch is allocated inside,
 * 0 = done, -1 = no memory. */
int clab_pcg_choice(clab_pcg *g, int64_t n, int64_t k, int64_t *out);

#endif
