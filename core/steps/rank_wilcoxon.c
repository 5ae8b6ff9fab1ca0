/* rank_wilcoxon.c -- rank sums of all groups at once, from values turned by gene.
 *
 * Only values that are not 0 are kept and sorted: the zeros of a gene are one block of ties whose size is known.
 * As many genes as fit in the memory allowed are turned in one pass over the rows, each as (value, set) pairs.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "ledger/ledger.h"
#include "steps/pvalue.h"
#include "steps/rank_impl.h"

/* A value that sorts as a whole number, and its set of cells.  Zero sorts between the negative ones and the rest. */
typedef struct {
    uint64_t key;
    uint32_t set;
} item;

#define ZERO_KEY (UINT64_C(1) << 63)

typedef struct {
    const clab__ranked *r;
    bool f64, tie_correct;
    int64_t first, end;        /* genes of this pass */
    int64_t *start;            /* end - first + 1: where each gene's entries begin */
    int64_t *filled;
    void *value;               /* float or double */
    uint16_t *set;
    int64_t longest;           /* entries of a gene */
    item **scratch;            /* a worker: 2 x longest */
    int64_t **counters;        /* a worker: 4 x M */
    double *ranks, *ties;      /* K x G */
} turned;

static uint64_t key_of(double x)
{
    uint64_t u;

    memcpy(&u, &x, 8);
    return u >> 63 ? ~u : u | ZERO_KEY;
}

/* ---- sorting ------------------------------------------------------------------------------------------------*/

static int by_key(const void *a, const void *b)
{
    const item *x = a, *y = b;

    return (x->key > y->key) - (x->key < y->key);
}

/* Rising keys; float32 values differ in their upper 35 bits only, so that low digits are skipped. */
static item *sorted(item *from, item *to, int64_t n)
{
    uint64_t differ = 0;

    if (n < 64) {
        qsort(from, (size_t)n, sizeof *from, by_key);
        return from;
    }
    for (int64_t i = 1; i < n; i++)
        differ |= from[i].key ^ from[0].key;
    for (int shift = 0; shift < 64; shift += 8) {
        int64_t count[257] = {0};
        if ((differ >> shift & 255) == 0)
            continue;
        for (int64_t i = 0; i < n; i++)
            count[(from[i].key >> shift & 255) + 1]++;
        for (int d = 0; d < 256; d++)
            count[d + 1] += count[d];
        for (int64_t i = 0; i < n; i++)
            to[count[from[i].key >> shift & 255]++] = from[i];
        item *t = from;
        from = to;
        to = t;
    }
    return from;
}

/* ---- ranks of one gene --------------------------------------------------------------------------------------*/

typedef struct {
    int64_t *here;             /* M: of each set, in this block of ties */
    int64_t *before;           /* M: below it */
    int64_t *zeros;            /* M */
    int64_t all_before;
    double *sum, *ties;        /* M */
    double other_ties;         /* of blocks in which a set has no part: the reference's own */
} sweep;

static double cubes(int64_t t)
{
    const double x = (double)t;

    return x * x * x - x;
}

/* Adds the part that a set has in a block of ties. */
static void rank_set(const clab__ranked *r, sweep *w, int32_t set, int64_t block)
{
    const int64_t mine = w->here[set];

    if (r->reference < 0) {
        w->sum[set] += (double)mine * ((double)w->all_before + (double)(block + 1) / 2);
    } else if (set != r->reference) {
        const int64_t other = w->here[r->reference];
        w->sum[set] += (double)mine * ((double)(w->before[set] + w->before[r->reference]) + (double)(mine + other + 1) / 2);
        w->ties[set] += cubes(mine + other) - cubes(other);
        w->before[set] += mine;
    }
}

static void end_block(const clab__ranked *r, sweep *w, int64_t block)
{
    w->all_before += block;
    w->other_ties += cubes(r->reference < 0 ? block : w->here[r->reference]);
    if (r->reference >= 0) {
        w->before[r->reference] += w->here[r->reference];
        w->here[r->reference] = 0;
    }
}

static void rank_zeros(const clab__ranked *r, sweep *w)
{
    int64_t block = 0;

    for (int32_t s = 0; s < r->sets; s++) {
        w->here[s] = w->zeros[s];
        block += w->zeros[s];
    }
    for (int32_t s = 0; s < r->sets; s++)
        rank_set(r, w, s, block);
    end_block(r, w, block);
    memset(w->here, 0, (size_t)r->sets * 8);
}

static void rank_block(const clab__ranked *r, sweep *w, const item *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        w->here[x[i].set]++;
    for (int64_t i = 0; i < n; i++)
        if (w->here[x[i].set] > 0 && (int)x[i].set != r->reference) {
            rank_set(r, w, (int32_t)x[i].set, n);
            w->here[x[i].set] = 0;
        }
    end_block(r, w, n);
}

static void rank_gene(const clab__ranked *r, sweep *w, const item *x, int64_t n)
{
    bool zeros_done = false;

    for (int64_t i = 0, j; i < n; i = j) {
        if (!zeros_done && x[i].key > ZERO_KEY) {
            rank_zeros(r, w);
            zeros_done = true;
        }
        for (j = i + 1; j < n && x[j].key == x[i].key; j++)
            continue;
        rank_block(r, w, x + i, j - i);
    }
    if (!zeros_done)
        rank_zeros(r, w);
}

static clab_status gene_task(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    const turned *t = arg;
    const clab__ranked *r = t->r;
    const int64_t gene = t->first + task, from = t->start[task], n = t->start[task + 1] - from;
    item *x = t->scratch[worker];
    int64_t *c = t->counters[worker];
    double *d = (double *)(void *)(c + 3 * r->sets);
    sweep w = {.here = c, .before = c + r->sets, .zeros = c + 2 * r->sets, .sum = d, .ties = d + r->sets};

    (void)cx;
    memset(c, 0, (size_t)r->sets * 5 * 8);
    memcpy(w.zeros, r->cells, (size_t)r->sets * 8);
    for (int64_t i = 0; i < n; i++) {
        double v = t->f64 ? ((const double *)t->value)[from + i] : (double)((const float *)t->value)[from + i];
        x[i] = (item){key_of(v), t->set[from + i]};
        w.zeros[x[i].set]--;
    }
    rank_gene(r, &w, sorted(x, x + t->longest, n), n);
    for (int k = 0; k < r->k; k++) {
        t->ranks[k * r->g + gene] = w.sum[k];
        t->ties[k * r->g + gene] = w.other_ties + w.ties[k];
    }
    return CLAB_OK;
}

/* ---- turning rows by gene -------------------------------------------------------------------------------------*/

static void scatter(const turned *t, const clab_csr *b)
{
    for (int64_t i = 0; i < b->n_rows; i++) {
        int32_t set = t->r->set[b->row_ids[i]];
        for (int64_t k = b->indptr[i]; set >= 0 && k < b->indptr[i + 1]; k++) {
            if ((b->f32 ? (double)b->f32[k] : b->f64[k]) == 0)
                continue;
            int64_t at = t->filled[b->indices[k]]++;
            if (t->f64)
                ((double *)t->value)[at] = b->f64[k];
            else
                ((float *)t->value)[at] = b->f32[k];
            t->set[at] = (uint16_t)set;
        }
    }
}

static clab_status fill(clab_ctx *cx, turned *t)
{
    const clab_rows_opts o = {.f64 = t->f64, .phase = "wilcoxon: by gene"};
    const int64_t n = t->end - t->first;
    clab_matrix *part = NULL;
    const clab_csr *b = NULL;
    clab_rows *rows = NULL;
    int64_t *cols = NULL;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8 + 8, "wilcoxon", (void **)&cols);

    for (int64_t i = 0; s == CLAB_OK && i < n; i++)
        cols[i] = t->first + i;
    memcpy(t->filled, t->start, (size_t)n * 8);
    if (s == CLAB_OK)
        s = clab_matrix_take_cols(cx, t->r->m, cols, n, &part);
    if (s == CLAB_OK)
        s = clab_rows_open(cx, part, &o, &rows);
    while (s == CLAB_OK && (s = clab_rows_next(cx, rows, &b)) == CLAB_OK && b)
        scatter(t, b);
    clab_rows_close(cx, rows);
    clab_matrix_unref(part);
    clab_mem_free(cx, cols);
    return s;
}

static int64_t entries_of(const clab__ranked *r, int64_t gene)
{
    int64_t n = 0;

    for (int s = 0; s < r->sets; s++)
        n += r->nonzero[s * r->g + gene];
    return n;
}

/* Genes from t->first on whose entries fit in `most`, at least one. */
static void next_range(turned *t, int64_t most)
{
    int64_t n = 0;

    t->start[0] = 0;
    for (t->end = t->first; t->end < t->r->g; t->end++) {
        int64_t more = entries_of(t->r, t->end);
        if (t->end > t->first && n + more > most)
            break;
        n += more;
        t->start[t->end - t->first + 1] = n;
    }
}

static clab_status workers_new(clab_ctx *cx, turned *t)
{
    const int threads = clab_threads(cx);
    clab_status s = clab_mem_zalloc(cx, CLAB_MEM_WORK, threads * 16, "wilcoxon", (void **)&t->scratch);

    if (s != CLAB_OK)
        return s;
    t->counters = (int64_t **)(void *)(t->scratch + threads);
    for (int i = 0; s == CLAB_OK && i < threads; i++) {
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, 2 * t->longest * (int64_t)sizeof(item) + 16, "wilcoxon",
                           (void **)&t->scratch[i]);
        if (s == CLAB_OK)
            s = clab_mem_alloc(cx, CLAB_MEM_WORK, t->r->sets * 40, "wilcoxon", (void **)&t->counters[i]);
    }
    return s;
}

static void turned_free(clab_ctx *cx, turned *t)
{
    for (int i = 0; t->scratch && i < clab_threads(cx); i++) {
        clab_mem_free(cx, t->scratch[i]);
        clab_mem_free(cx, t->counters[i]);
    }
    clab_mem_free(cx, t->scratch);
    clab_mem_free(cx, t->start);
    clab_mem_free(cx, t->filled);
    clab_mem_free(cx, t->value);
    clab_mem_free(cx, t->set);
    clab_mem_free(cx, t->ties);
}

/* Room for the entries of the largest range. */
static clab_status turned_new(clab_ctx *cx, turned *t, int64_t bytes, int64_t *most)
{
    const clab__ranked *r = t->r;
    const int64_t entry = t->f64 ? 10 : 6;
    int64_t all = 0;
    clab_status s;

    for (int64_t g = 0; g < r->g; g++) {
        int64_t n = entries_of(r, g);
        t->longest = n > t->longest ? n : t->longest;
        all += n;
    }
    *most = bytes / entry > t->longest ? bytes / entry : t->longest;
    *most = *most < all ? *most : all;
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, (r->g + 1) * 8, "wilcoxon", (void **)&t->start);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, (r->g + 1) * 8, "wilcoxon", (void **)&t->filled);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, *most * (entry - 2) + 8, "values by gene", &t->value);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, *most * 2 + 8, "values by gene", (void **)&t->set);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, r->k * r->g * 8 + 8, "wilcoxon", (void **)&t->ties);
    return s == CLAB_OK ? workers_new(cx, t) : s;
}

/* Rank sums to normal scores, in place. */
static void to_scores(const turned *t, double *score, double *p)
{
    const clab__ranked *r = t->r;

    for (int k = 0; k < r->k; k++) {
        const double n1 = (double)r->cells[k], n2 = (double)clab__ranked_others(r, k), n = n1 + n2;
        for (int64_t g = 0; k != r->reference && g < r->g; g++) {
            double *z = &score[k * r->g + g], tie = n >= 2 && t->tie_correct ? 1 - t->ties[k * r->g + g] / (n * n * n - n) : 1;
            *z = (*z - n1 * (n + 1) / 2) / sqrt(tie * n1 * n2 * (n + 1) / 12);
            *z = isnan(*z) ? 0 : *z;
            p[k * r->g + g] = clab_p_normal(*z);
        }
    }
}

clab_status clab__rank_wilcoxon(const clab__ranked *r, bool tie_correct, int64_t bytes, double *score, double *p)
{
    turned t = {.r = r, .f64 = clab_matrix_dtype(r->m) == CLAB_F64, .tie_correct = tie_correct, .ranks = score};
    int64_t most;
    clab_status s = turned_new(r->cx, &t, bytes, &most);

    for (; s == CLAB_OK && t.first < r->g; t.first = t.end) {
        next_range(&t, most);
        s = fill(r->cx, &t);
        if (s == CLAB_OK)
            s = clab_parallel(r->cx, t.end - t.first, gene_task, &t);
    }
    if (s == CLAB_OK)
        to_scores(&t, score, p);
    turned_free(r->cx, &t);
    return s;
}
