/* simulate_cells.c -- cells drawn block by block, each from numbers of its own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "ledger/ledger.h"
#include "steps/simulate_impl.h"

#define BLOCK_ENTRIES (2LL << 20) /* 16 MiB: whatever the number of cells */
#define BLOCK_CELLS 4096
#define TASK_CELLS 16
#define DEPTH_SIGMA 0.45
#define MAX_BURST 65535
#define N_RATIOS 128 /* k / (k + 1), so that short bursts need no division */
#define REST 1e-8 /* of a distribution: what rounding may leave over */

/* What one thread needs for the cell it draws. */
typedef struct {
    uint32_t *count;  /* G: zeros between cells */
    uint64_t *seen;   /* a bit a gene */
    int64_t *total;   /* G: over all cells this thread drew */
    double ratio[N_RATIOS];
} scratch;

struct clab__sim_cells {
    const clab__sim_model *m;
    int64_t n, done, bound;
    int32_t *type, *batch, *bursts; /* N */
    int64_t *total;                 /* N */
    scratch *workers;
    int n_workers;
    int64_t *at;                    /* of the block: where each cell's room begins; its entries */
    int64_t *entries;
    int64_t *order;                 /* the block's cells, those of a profile together: its tables stay cached */
    clab_csr block;
    clab_phase *phase;
};

/* ---- who the cells are ----------------------------------------------------------------------------*/

static int64_t profile_of(const clab__sim_cells *c, int64_t cell)
{
    return c->type[cell] * c->m->plan.batches + c->batch[cell];
}

static int64_t poisson(double mean, double z, double u)
{
    if (mean > 50)
        return (int64_t)fmax(0, floor(mean + sqrt(mean) * z + 0.5));
    int64_t k = 0;
    double p = exp(-mean), sum = p;
    while (u > sum && k < 500) {
        p *= mean / (double)++k;
        sum += p;
    }
    return k;
}

static void describe_cell(clab__sim_cells *c, int64_t i)
{
    const clab__sim_model *m = c->m;
    clab_noise_key key = clab__sim_key(&m->plan, CLAB__SIM_CELL, m->study);
    uint32_t w[4], v[4];
    float z, z2;
    int32_t type = 0;

    clab_noise4(&key, (uint64_t)i, 0, w);
    clab_noise4(&key, (uint64_t)i, 1, v);
    double u = ((double)w[0] + 0.5) * 2.3283064365386963e-10;
    while (type + 1 < m->plan.types && u > m->type_cdf[type])
        type++;
    c->type[i] = type;
    c->batch[i] = (int32_t)(((uint64_t)w[1] * (uint64_t)m->plan.batches) >> 32);
    clab_noise_normal2(v[0], v[1], &z, &z2);
    double size = exp(DEPTH_SIGMA * (double)z - 0.5 * DEPTH_SIGMA * DEPTH_SIGMA) * m->type_size[type];
    double mean = m->profile[profile_of(c, i)].bursts * fmin(fmax(size, 0.05), 12);
    int64_t n = poisson(mean, (double)z2, ((double)w[2] + 0.5) * 2.3283064365386963e-10);
    c->bursts[i] = (int32_t)(n < 1 ? 1 : n > INT32_MAX ? INT32_MAX : n);
    c->bound += c->bursts[i] < m->n_genes ? c->bursts[i] : m->n_genes;
}

/* ---- drawing --------------------------------------------------------------------------------------*/

/* Size of a burst that is no single UMI: the logarithmic distribution above 1, by inversion. */
static uint32_t burst_size(uint32_t draw, double p, double p_single, const double *ratio)
{
    double prob = p_single, u = ((double)draw + 0.5) * 2.3283064365386963e-10 * (1 - p_single);
    uint32_t k = 1;

    while (k < MAX_BURST) {
        prob *= p * (k < N_RATIOS ? ratio[k] : (double)k / (double)(k + 1));
        k++;
        if (u < prob || prob < REST)
            break;
        u -= prob;
    }
    return k;
}

/* 31 bits, and never the last of them, which stands behind all genes. */
static int32_t draw_of(uint32_t word)
{
    int32_t draw = (int32_t)(word >> 1);

    return draw - (draw == INT32_MAX);
}

/* The interval of a draw.  The guide leads to its neighbourhood; but for the rarest genes the next few
 * comparisons, made all at once, end there. */
static int32_t interval_of(const clab__sim_profile *f, int32_t draw)
{
    int32_t at = f->guide[draw >> CLAB__SIM_GUIDE_SHIFT], to = f->guide[(draw >> CLAB__SIM_GUIDE_SHIFT) + 1];
    const int32_t *next = f->from + at + 1;
    int32_t r = at;

    for (int j = 0; j < CLAB__SIM_STRIDE; j++)
        r += next[j] <= draw;
    if (r < at + CLAB__SIM_STRIDE)
        return r;
    while (r < to) {
        int32_t mid = r + (to - r + 1) / 2;
        if (f->from[mid] <= draw)
            r = mid;
        else
            to = mid - 1;
    }
    return r;
}

/* Draws come in batches, each stage a loop of its own: the processor overlaps their cache misses. */
#define BATCH 64

static void draw_cell(const clab__sim_cells *c, int64_t cell, scratch *s)
{
    const clab__sim_model *m = c->m;
    const clab__sim_profile *f = &m->profile[profile_of(c, cell)];
    clab_noise_key key = clab__sim_key(&m->plan, CLAB__SIM_DRAW, m->study),
                   sizes = clab__sim_key(&m->plan, CLAB__SIM_BURST, m->study);
    int32_t n = c->bursts[cell], n_long = 0, at[BATCH];
    uint32_t w[BATCH], v[4] = {0};

    for (int32_t k = 0; k < n; k += BATCH) {
        int32_t last = n - k < BATCH ? n - k : BATCH;
        for (int32_t j = 0; j < last; j += 4)
            clab_noise4(&key, (uint64_t)cell, (uint32_t)(k + j) / 4, w + j);
        for (int32_t j = 0; j < last; j++)
            at[j] = interval_of(f, draw_of(w[j]));
        for (int32_t j = 0; j < last; j++) {
            int32_t r = at[j], g = m->by_rank[r];
            uint32_t size = 1;
            if (draw_of(w[j]) > f->single[r]) {
                if (n_long % 4 == 0)
                    clab_noise4(&sizes, (uint64_t)cell, (uint32_t)n_long / 4, v);
                size = burst_size(v[n_long++ % 4], (double)f->p[r], (double)f->p_single[r], s->ratio);
            }
            s->count[g] += size;
            s->seen[g >> 6] |= 1ULL << (g & 63);
        }
    }
}

/* The cell's counts in the order of the genes; the scratch is clean again. */
static int64_t collect(const clab__sim_model *m, scratch *s, int32_t *indices, float *values, int64_t *total)
{
    int64_t n = 0;

    *total = 0;
    for (int64_t w = 0; w < (m->n_genes + 63) / 64; w++) {
        for (uint64_t bits = s->seen[w]; bits; bits &= bits - 1) {
            int64_t g = w * 64 + __builtin_ctzll(bits);
            indices[n] = (int32_t)g;
            values[n++] = (float)s->count[g];
            *total += s->count[g];
            s->total[g] += s->count[g];
            s->count[g] = 0;
        }
        s->seen[w] = 0;
    }
    return n;
}

static clab_status draw_task(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    clab__sim_cells *c = arg;
    int64_t first = task * TASK_CELLS;
    int64_t last = first + TASK_CELLS < c->block.n_rows ? first + TASK_CELLS : c->block.n_rows;

    (void)cx;
    for (int64_t k = first; k < last; k++) {
        int64_t i = c->order[k] & (BLOCK_CELLS - 1);
        draw_cell(c, c->done + i, &c->workers[worker]);
        c->entries[i] = collect(c->m, &c->workers[worker], c->block.indices + c->at[i], c->block.f32 + c->at[i],
                                &c->total[c->done + i]);
    }
    return CLAB_OK;
}

static int rising(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

clab_status clab__sim_cells_next(clab_ctx *cx, clab__sim_cells *c, const clab_csr **block)
{
    clab_csr *b = &c->block;
    int64_t room = 0, genes = c->m->n_genes;
    clab_status st;

    *block = NULL;
    c->done += b->n_rows;
    b->first_row = c->done;
    b->n_rows = 0;
    clab_phase_step(c->phase, c->done);
    while (b->n_rows < BLOCK_CELLS && c->done + b->n_rows < c->n) {
        int64_t most = c->bursts[c->done + b->n_rows];
        most = most < genes ? most : genes;
        if (b->n_rows > 0 && room + most > BLOCK_ENTRIES)
            break;
        c->at[b->n_rows++] = room;
        room += most;
    }
    if (b->n_rows == 0)
        return CLAB_OK;
    for (int64_t i = 0; i < b->n_rows; i++)
        c->order[i] = profile_of(c, c->done + i) * BLOCK_CELLS + i;
    qsort(c->order, (size_t)b->n_rows, sizeof *c->order, rising);
    if ((st = clab_check(cx)) != CLAB_OK ||
        (st = clab_parallel(cx, (b->n_rows + TASK_CELLS - 1) / TASK_CELLS, draw_task, c)) != CLAB_OK)
        return st;
    b->nnz = 0;
    for (int64_t i = 0; i < b->n_rows; i++) { /* close the gaps between the cells' rooms */
        memmove(b->indices + b->nnz, b->indices + c->at[i], (size_t)c->entries[i] * sizeof *b->indices);
        memmove(b->f32 + b->nnz, b->f32 + c->at[i], (size_t)c->entries[i] * sizeof *b->f32);
        b->indptr[i] = b->nnz;
        b->row_ids[i] = c->done + i;
        b->nnz += c->entries[i];
    }
    b->indptr[b->n_rows] = b->nnz;
    *block = b;
    return CLAB_OK;
}

/* ---- life -----------------------------------------------------------------------------------------*/

static clab_status make_room(clab_ctx *cx, clab__sim_cells *c)
{
    int64_t g = c->m->n_genes, entries = BLOCK_ENTRIES > g ? BLOCK_ENTRIES : g;
    struct {
        void **p;
        int64_t bytes;
    } parts[] = {
        {(void **)&c->type, c->n * 4},
        {(void **)&c->batch, c->n * 4},
        {(void **)&c->bursts, c->n * 4},
        {(void **)&c->total, c->n * 8},
        {(void **)&c->at, BLOCK_CELLS * 8},
        {(void **)&c->entries, BLOCK_CELLS * 8},
        {(void **)&c->order, BLOCK_CELLS * 8},
        {(void **)&c->block.indptr, (BLOCK_CELLS + 1) * 8},
        {(void **)&c->block.row_ids, BLOCK_CELLS * 8},
        {(void **)&c->block.indices, entries * 4},
        {(void **)&c->block.f32, entries * 4},
    };
    clab_status st = CLAB_OK;

    for (size_t i = 0; st == CLAB_OK && i < sizeof parts / sizeof *parts; i++)
        st = clab_mem_alloc(cx, CLAB_MEM_WORK, parts[i].bytes + 8, "cells to simulate", parts[i].p);
    if (st == CLAB_OK)
        memset(c->total, 0, (size_t)c->n * sizeof *c->total);
    c->n_workers = clab_threads(cx);
    c->workers = calloc((size_t)c->n_workers, sizeof *c->workers);
    if (st == CLAB_OK && !c->workers)
        st = clab_fail(cx, CLAB_ENOMEM, "no memory to simulate");
    for (int w = 0; st == CLAB_OK && w < c->n_workers; w++) {
        scratch *s = &c->workers[w];
        for (int k = 0; k < N_RATIOS; k++)
            s->ratio[k] = (double)k / (double)(k + 1);
        if ((st = clab_mem_zalloc(cx, CLAB_MEM_WORK, g * 4, "a cell to simulate", (void **)&s->count)) == CLAB_OK &&
            (st = clab_mem_zalloc(cx, CLAB_MEM_WORK, g * 8, "a cell to simulate", (void **)&s->total)) == CLAB_OK)
            st = clab_mem_zalloc(cx, CLAB_MEM_WORK, (g + 63) / 64 * 8, "a cell to simulate", (void **)&s->seen);
    }
    return st;
}

clab_status clab__sim_cells_new(clab_ctx *cx, const clab__sim_model *m, clab__sim_cells **out)
{
    clab__sim_cells *c = calloc(1, sizeof *c);
    clab_status st = CLAB_OK;

    *out = NULL;
    if (!c)
        return clab_fail(cx, CLAB_ENOMEM, "no memory to simulate");
    c->m = m;
    c->n = m->plan.cells[m->study];
    c->block.n_cols = m->n_genes;
    c->phase = clab_phase_begin(cx, m->study ? "simulate query" : "simulate", c->n, "cells");
    st = make_room(cx, c);
    for (int64_t i = 0; st == CLAB_OK && i < c->n; i++) {
        describe_cell(c, i);
        if (i % 100000 == 0)
            st = clab_check(cx);
    }
    if (st != CLAB_OK) {
        clab__sim_cells_free(cx, c);
        return st;
    }
    *out = c;
    return CLAB_OK;
}

void clab__sim_cells_free(clab_ctx *cx, clab__sim_cells *c)
{
    if (!c)
        return;
    clab_phase_end(c->phase);
    for (int w = 0; c->workers && w < c->n_workers; w++) {
        clab_mem_free(cx, c->workers[w].count);
        clab_mem_free(cx, c->workers[w].seen);
        clab_mem_free(cx, c->workers[w].total);
    }
    void *parts[] = {c->type, c->batch, c->bursts, c->total, c->at, c->entries, c->order,
                     c->block.indptr, c->block.row_ids, c->block.indices, c->block.f32};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        clab_mem_free(cx, parts[i]);
    free(c->workers);
    free(c);
}

int64_t clab__sim_cells_bound(const clab__sim_cells *c)
{
    return c->bound;
}

const int32_t *clab__sim_cells_types(const clab__sim_cells *c)
{
    return c->type;
}

const int32_t *clab__sim_cells_batches(const clab__sim_cells *c)
{
    return c->batch;
}

const int64_t *clab__sim_cells_totals(const clab__sim_cells *c)
{
    return c->total;
}

void clab__sim_cells_gene_totals(const clab__sim_cells *c, int64_t *totals)
{
    memset(totals, 0, (size_t)c->m->n_genes * sizeof *totals);
    for (int w = 0; w < c->n_workers; w++)
        for (int64_t g = 0; g < c->m->n_genes; g++)
            totals[g] += c->workers[w].total[g];
}
