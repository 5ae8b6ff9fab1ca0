/* scvi_random.c -- who trains, in which order, with which noise.
 *
 * Keyed by (seed, stream, epoch, cell, unit), or drawn from torch's and numpy's generators in exactly the
 * peer's order [9].
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"
#include "models/scvi_impl.h"

/* Fisher-Yates with keyed numbers. */
static void keyed_permutation(uint64_t seed, uint32_t stream, uint32_t epoch, int64_t *p, int64_t n)
{
    const clab_noise_key key = {seed, stream, epoch};

    for (int64_t i = 0; i < n; i++)
        p[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        uint32_t w[4];
        int64_t j, t;
        clab_noise4(&key, (uint64_t)i, 0, w);
        j = (int64_t)(((uint64_t)w[0] << 31 | w[1] >> 1) % (uint64_t)(i + 1));
        t = p[i];
        p[i] = p[j];
        p[j] = t;
    }
}

clab_status clab__scvi_split(clab_ctx *cx, const clab_scvi *m, double fraction, bool given, int64_t batch_size,
                             clab__split *out)
{
    const int64_t n = m->n_cells;
    clab_mt mt;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8, "scvi split", (void **)&out->cells);

    if (s != CLAB_OK)
        return s;
    out->n_train = (int64_t)ceil(fraction * (double)n);
    out->n_train = out->n_train > n ? n : out->n_train;
    out->n_valid = n - out->n_train;
    if (!given && out->n_train % batch_size > 0 && out->n_train % batch_size < 3) {
        /* a last minibatch of one or two cells has no useful statistics: they validate */
        int64_t few = out->n_train % batch_size;
        if (few < out->n_train) {
            out->n_train -= few;
            out->n_valid += few;
        }
    }
    if (m->torch) {
        clab_mt_seed(&mt, (uint32_t)m->seed);
        clab_mt_permutation(&mt, out->cells, n);
    } else {
        keyed_permutation(m->seed, CLAB__NOISE_SPLIT, 0, out->cells, n);
    }
    return CLAB_OK;
}

void clab__scvi_shuffle(clab_scvi *m, const int64_t *train, int64_t n, int64_t *scratch, int64_t *order)
{
    if (m->torch) {
        (void)clab_mt_torch_i64(&m->mt); /* the loader's base seed, which nobody uses */
        clab_mt_torch_randperm(clab_mt_torch_i64(&m->mt), scratch, n);
    } else {
        keyed_permutation(m->seed, CLAB__NOISE_SHUFFLE, (uint32_t)m->epochs, scratch, n);
    }
    for (int64_t i = 0; i < n; i++)
        order[i] = train[scratch[i]];
}

void clab__scvi_validation_begins(clab_scvi *m)
{
    if (m->torch)
        (void)clab_mt_torch_i64(&m->mt);
}

/* Drawn on the host in the peer's order: masks layer by layer, then eps. */
static clab_status torch_noise(clab_scvi *m, bool dropout)
{
    clab__net *n = m->net;
    const int64_t B = n->batch->n_rows, BH = B * n->dims.H, BD = B * n->dims.D;
    uint8_t *keep = NULL;
    float *eps = NULL;
    clab_status s = clab_mem_alloc(m->cx, CLAB_MEM_WORK, BD * 4, "noise", (void **)&eps);

    if (s == CLAB_OK && dropout)
        s = clab_mem_alloc(m->cx, CLAB_MEM_WORK, BH, "noise", (void **)&keep);
    for (int l = 0; s == CLAB_OK && dropout && l < n->dims.n_layers; l++) {
        clab_mt_torch_keep(&m->mt, keep, BH, n->dims.dropout);
        s = m->be->ops->upload(m->be, n->enc[l].keep, keep, BH);
    }
    if (s == CLAB_OK) {
        clab_mt_torch_randn(&m->mt, eps, BD);
        s = m->be->ops->upload(m->be, n->eps, eps, BD * 4);
    }
    clab_mem_free(m->cx, keep);
    clab_mem_free(m->cx, eps);
    return s;
}

clab_status clab__scvi_noise(clab_scvi *m, bool dropout, bool validation)
{
    clab__net *n = m->net;
    clab_noise_key key = {m->seed, validation ? CLAB__NOISE_Z_VALIDATION : CLAB__NOISE_Z, (uint32_t)m->epochs};
    clab_status s = CLAB_OK;

    dropout = dropout && n->dims.dropout > 0;
    if (m->torch)
        return torch_noise(m, dropout);
    s = m->be->ops->noise_normal(m->be, n->batch, &key, n->dims.D, n->eps);
    for (int l = 0; s == CLAB_OK && dropout && l < n->dims.n_layers; l++) {
        key.stream = (uint32_t)l;
        s = m->be->ops->noise_keep(m->be, n->batch, &key, n->dims.H, (float)n->dims.dropout, n->enc[l].keep);
    }
    return s;
}
