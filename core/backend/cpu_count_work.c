/* cpu_count_work.c -- making and freeing the memory of the fused count likelihood. */
#include <stdlib.h>
#include <string.h>

#include "backend/cpu_count_impl.h"

enum { TILE_SMALL = 128, TILE_LARGE = 256, LARGE_GENES = 8192, LANES_MAX = 32, FLUSH = 32 };

static int64_t padded(int64_t n)
{
    return (n + 15) / 16 * 16;
}

/* Hands out pieces of one block; with a NULL base it only counts. */
typedef struct {
    float *base;
    int64_t at;
} carver;

static float *carve(carver *c, int64_t n)
{
    float *p = c->base ? c->base + c->at : NULL;

    c->at += padded(n);
    return p;
}

static void lay_out(clab_count_work *w, carver *c)
{
    const int64_t BG = w->max_rows * w->G, BT = w->max_rows * w->n_tiles;

    w->e = carve(c, BG);
    w->u = carve(c, BG);
    w->z = w->zinb ? carve(c, BG) : NULL;
    w->row_max = carve(c, BT);
    w->row_sum = carve(c, BT);
    w->factor = carve(c, BT);
    w->row_lp = carve(c, BT);
    w->row_u = carve(c, BT);
    w->total_u = carve(c, w->max_rows);
    w->th = carve(c, w->G);
    w->ith = carve(c, w->G);
    w->d_theta = carve(c, w->G);
    w->lane_dh = carve(c, w->n_lanes * w->max_rows * w->H);
    w->scratch = carve(c, w->threads * w->scratch_size);
    w->done = (uint8_t *)carve(c, (w->n_tiles + 3) / 4);
}

clab_status clab__cpu_count_new(clab_backend *be, int64_t max_rows, int64_t n_genes, int64_t H, bool zinb,
                                clab_count_work **out)
{
    clab_ctx *cx = clab__ctx_of(be);
    clab_count_work *w = calloc(1, sizeof *w);
    carver c = {0};
    int64_t bytes = 0;
    clab_status s;

    if (!w)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for the decoder's workspace");
    w->max_rows = max_rows;
    w->G = n_genes;
    w->H = H;
    w->zinb = zinb;
    w->threads = clab__cpu_of(be)->threads;
    w->tile = n_genes > LARGE_GENES ? TILE_LARGE : TILE_SMALL;
    w->n_tiles = (n_genes + w->tile - 1) / w->tile;
    w->n_lanes = w->n_tiles < LANES_MAX ? w->n_tiles : LANES_MAX;
    w->scratch_size = 10 * padded(max_rows * w->tile) + padded(w->tile * H);
    for (int x = 1; x < CLAB__CONSTANTS; x++)
        w->constant[x] = clab_count_constant(x);
    lay_out(w, &c);
    s = clab_mem_size(cx, c.at, sizeof(float), &bytes);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, bytes, "scvi minibatch", &w->block);
    if (s != CLAB_OK) {
        free(w);
        return s;
    }
    c = (carver){w->block, 0};
    lay_out(w, &c);
    *out = w;
    return CLAB_OK;
}

void clab__cpu_count_free(clab_backend *be, clab_count_work *w)
{
    if (!w)
        return;
    clab_mem_free(clab__ctx_of(be), w->block);
    free(w);
}

clab__count_scratch clab__count_scratch_of(const clab_count_work *w, int worker)
{
    carver c = {w->scratch + worker * w->scratch_size, 0};
    const int64_t n = w->max_rows * w->tile;
    clab__count_scratch x;

    x.x = carve(&c, n);
    x.mu = carve(&c, n);
    x.th = carve(&c, n);
    x.ith = carve(&c, n);
    x.z = carve(&c, n);
    x.u = carve(&c, n);
    x.lp = carve(&c, n);
    x.dr = carve(&c, n);
    x.tile_lp = carve(&c, n);
    x.tile_dr = carve(&c, n);
    x.grad = carve(&c, w->tile * w->H);
    return x;
}

void clab__column_sums(int64_t n_rows, int64_t n, const float *x, int64_t ld, float *out)
{
    double sum[TILE_LARGE] = {0};

    for (int64_t i = 0; i < n_rows; i += FLUSH) {
        float part[TILE_LARGE] = {0};
        int64_t end = i + FLUSH < n_rows ? i + FLUSH : n_rows;
        for (int64_t r = i; r < end; r++)
            for (int64_t j = 0; j < n; j++)
                part[j] += x[r * ld + j];
        for (int64_t j = 0; j < n; j++)
            sum[j] += (double)part[j];
    }
    for (int64_t j = 0; j < n; j++)
        out[j] = (float)sum[j];
}
