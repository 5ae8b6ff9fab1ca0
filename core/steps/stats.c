/* stats.c -- sums over cells and over genes. */
#include "steps/stats_impl.h"

#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "ledger/ledger.h"

/* ---- cells -----------------------------------------------------------------------------------------------*/

#define TILE_ROWS 64

typedef struct {
    const clab_csr *b;
    void (*fn)(void *arg, const clab_csr *b, int64_t i);
    void *arg;
} each_task;

static clab_status cell_tile(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    const each_task *t = arg;
    int64_t end = (task + 1) * TILE_ROWS < t->b->n_rows ? (task + 1) * TILE_ROWS : t->b->n_rows;

    (void)cx;
    (void)worker;
    for (int64_t i = task * TILE_ROWS; i < end; i++)
        t->fn(t->arg, t->b, i);
    return CLAB_OK;
}

clab_status clab__each_cell(clab_ctx *cx, const clab_matrix *m, const clab_rows_opts *o,
                            void (*fn)(void *arg, const clab_csr *b, int64_t i), void *arg)
{
    each_task t = {.fn = fn, .arg = arg};
    clab_rows *r;
    clab_status s = clab_rows_open(cx, m, o, &r);

    if (s != CLAB_OK)
        return s;
    while ((s = clab_rows_next(cx, r, &t.b)) == CLAB_OK && t.b) {
        s = clab_parallel(cx, (t.b->n_rows + TILE_ROWS - 1) / TILE_ROWS, cell_tile, &t);
        if (s != CLAB_OK)
            break;
    }
    clab_rows_close(cx, r);
    return s;
}

typedef struct {
    const clab__cell_sums_opts *o;
    double *sum;
    int64_t *positive;
} cell_task;

/* Cells mark genes at the same time, all with the same 1. */
static void mark_high(const cell_task *t, const clab_csr *b, int64_t i, double bound)
{
    for (int64_t k = b->indptr[i]; k < b->indptr[i + 1]; k++)
        if ((b->f32 ? (double)b->f32[k] : b->f64[k]) > bound)
            __atomic_store_n(&t->o->high[b->indices[k]], 1, __ATOMIC_RELAXED);
}

static void one_cell(void *arg, const clab_csr *b, int64_t i)
{
    const cell_task *t = arg;
    double sum = 0;
    int64_t positive = 0;

    for (int64_t k = b->indptr[i]; k < b->indptr[i + 1]; k++) {
        double x = b->f32 ? (double)b->f32[k] : b->f64[k];
        if (t->o->leave_out && t->o->leave_out[b->indices[k]])
            continue;
        sum += x;
        positive += x > 0;
    }
    t->sum[b->first_row + i] = sum;
    if (t->positive)
        t->positive[b->first_row + i] = positive;
    if (t->o->high)
        mark_high(t, b, i, t->o->max_fraction * (t->o->f64 ? sum : (double)(float)sum));
}

clab_status clab__cell_sums(clab_ctx *cx, const clab_matrix *m, const clab__cell_sums_opts *o, double *sum,
                            int64_t *positive)
{
    const clab_rows_opts ro = {.f64 = o->f64, .phase = o->phase};
    cell_task t = {.o = o, .sum = sum, .positive = positive};

    return clab__each_cell(cx, m, &ro, one_cell, &t);
}

/* ---- genes -----------------------------------------------------------------------------------------------
 * A block's rows are cut into PARTS runs that add into tables of their own, so that threads never share
 * one; large tables (many groups) are added to by one run only. */

#define PARTS 4
#define PARTS_BYTES (32 << 20)

typedef struct {
    const clab_csr *b;
    const clab__gene_sums_opts *o;
    clab__gene_sums *parts;
    int n_parts;
} gene_task;

/* Few distinct values, expensive function: the last of each slot is remembered.  expm1(0) = 0 fits zeroed slots. */
typedef struct {
    uint32_t key[256];
    float value[256];
} memo;

static float remembered_expm1(memo *seen, float x)
{
    uint32_t key, slot;

    memcpy(&key, &x, 4);
    slot = (key * UINT32_C(2654435761)) >> 24;
    if (seen->key[slot] != key) {
        seen->key[slot] = key;
        seen->value[slot] = expm1f(x);
    }
    return seen->value[slot];
}

static void add_row_f32(const gene_task *t, memo *seen, int64_t i, int64_t base, clab__gene_sums *s)
{
    const clab_csr *b = t->b;

    for (int64_t k = b->indptr[i]; k < b->indptr[i + 1]; k++) {
        int64_t at = base + b->indices[k];
        float x = b->f32[k];
        if (t->o->expm1)
            x = remembered_expm1(seen, t->o->log_base == 1.0 ? x : x * (float)t->o->log_base);
        s->sum[at] += (double)x;
        s->squares[at] += (double)(x * x);
        s->positive[at] += x > 0;
    }
}

static void add_row_f64(const gene_task *t, int64_t i, int64_t base, clab__gene_sums *s)
{
    const clab_csr *b = t->b;

    for (int64_t k = b->indptr[i]; k < b->indptr[i + 1]; k++) {
        int64_t at = base + b->indices[k];
        double x = t->o->expm1 ? expm1(b->f64[k] * t->o->log_base) : b->f64[k];
        s->sum[at] += x;
        s->squares[at] += x * x;
        s->positive[at] += x > 0;
    }
}

static void add_row_clipped(const gene_task *t, int64_t i, int64_t base, clab__gene_sums *s)
{
    const clab_csr *b = t->b;

    for (int64_t k = b->indptr[i]; k < b->indptr[i + 1]; k++) {
        int64_t at = base + b->indices[k];
        double x = b->f32 ? (double)b->f32[k] : b->f64[k];
        x = x < t->o->clip[at] ? x : t->o->clip[at];
        s->sum[at] += x;
        s->squares[at] += x * x;
        s->positive[at] += x > 0;
    }
}

static clab_status gene_part(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    const gene_task *t = arg;
    clab__gene_sums *s = &t->parts[task];
    int64_t from = t->b->n_rows * task / t->n_parts, to = t->b->n_rows * (task + 1) / t->n_parts;
    memo seen = {{0}, {0}};

    (void)cx;
    (void)worker;
    for (int64_t i = from; i < to; i++) {
        int32_t group = t->o->group ? t->o->group[t->b->row_ids[i]] : 0;
        if (group < 0)
            continue;
        s->n_cells[group]++;
        if (t->o->clip)
            add_row_clipped(t, i, group * s->n_genes, s);
        else if (t->b->f32)
            add_row_f32(t, &seen, i, group * s->n_genes, s);
        else
            add_row_f64(t, i, group * s->n_genes, s);
    }
    return CLAB_OK;
}

static void sums_clear(clab__gene_sums *s)
{
    clab_mem_free(s->cx, s->n_cells);
    clab_mem_free(s->cx, s->sum);
    clab_mem_free(s->cx, s->squares);
    clab_mem_free(s->cx, s->positive);
}

static clab_status sums_init(clab_ctx *cx, clab__gene_sums *s, int64_t n_genes, int n_groups)
{
    void *p[4] = {NULL, NULL, NULL, NULL};
    int64_t bytes;
    clab_status st = clab_mem_size(cx, n_genes, 8 * (size_t)n_groups, &bytes);

    *s = (clab__gene_sums){.cx = cx, .n_genes = n_genes, .n_groups = n_groups};
    for (int i = 0; st == CLAB_OK && i < 4; i++)
        st = clab_mem_zalloc(cx, CLAB_MEM_WORK, (i == 0 ? 8 * n_groups : bytes) + 8, "gene sums", &p[i]);
    s->n_cells = p[0];
    s->sum = p[1];
    s->squares = p[2];
    s->positive = p[3];
    return st;
}

static void sums_add(clab__gene_sums *to, const clab__gene_sums *part)
{
    for (int g = 0; g < to->n_groups; g++)
        to->n_cells[g] += part->n_cells[g];
    for (int64_t i = 0; i < to->n_genes * to->n_groups; i++) {
        to->sum[i] += part->sum[i];
        to->squares[i] += part->squares[i];
        to->positive[i] += part->positive[i];
    }
}

static int parts_for(int64_t n_genes, int n_groups)
{
    return n_genes * n_groups * 24 * PARTS <= PARTS_BYTES ? PARTS : 1;
}

int64_t clab__gene_sums_bytes(int64_t n_genes, int n_groups)
{
    return n_genes * n_groups * 24 * parts_for(n_genes, n_groups);
}

static clab_status stream_genes(clab_ctx *cx, const clab_matrix *m, gene_task *t)
{
    clab_rows_opts o = {.f64 = clab_matrix_dtype(m) != CLAB_F32, .phase = t->o->phase}; /* whole numbers: exactly */
    clab_rows *r;
    clab_status s = clab_rows_open(cx, m, &o, &r);

    if (s != CLAB_OK)
        return s;
    while ((s = clab_rows_next(cx, r, &t->b)) == CLAB_OK && t->b) {
        s = clab_parallel(cx, t->n_parts, gene_part, t);
        if (s != CLAB_OK)
            break;
    }
    clab_rows_close(cx, r);
    return s;
}

clab_status clab__gene_sums_new(clab_ctx *cx, const clab_matrix *m, const clab__gene_sums_opts *o,
                                clab__gene_sums **out)
{
    int64_t g = clab_matrix_n_cols(m);
    clab__gene_sums parts[PARTS];
    gene_task t = {.o = o, .parts = parts, .n_parts = parts_for(g, o->n_groups)};
    void *p = NULL;
    int made = 0;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, sizeof **out, "gene sums", &p);

    *out = NULL;
    if (s != CLAB_OK)
        return s;
    while (s == CLAB_OK && made < t.n_parts)
        s = sums_init(cx, &parts[made++], g, o->n_groups);
    if (s == CLAB_OK)
        s = stream_genes(cx, m, &t);
    for (int i = 1; s == CLAB_OK && i < made; i++)
        sums_add(&parts[0], &parts[i]);
    for (int i = s == CLAB_OK ? 1 : 0; i < made; i++)
        sums_clear(&parts[i]);
    if (s != CLAB_OK) {
        clab_mem_free(cx, p);
        return s;
    }
    *out = p;
    **out = parts[0];
    return CLAB_OK;
}

void clab__gene_sums_free(clab__gene_sums *s)
{
    if (!s)
        return;
    sums_clear(s);
    clab_mem_free(s->cx, s);
}

void clab__gene_moments(const clab__gene_sums *s, int group, int64_t gene, double *mean, double *var)
{
    double n = (double)s->n_cells[group], v;
    int64_t at = group * s->n_genes + gene;

    *mean = n > 0 ? s->sum[at] / n : 0;
    v = n > 0 ? s->squares[at] / n - *mean * *mean : 0;
    if (n > 1)
        v *= n / (n - 1);
    *var = v < 0 ? 0 : v; /* rounding only; NaN stays */
}
