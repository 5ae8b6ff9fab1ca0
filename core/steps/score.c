/* score.c -- what a cell expresses of a set of genes, above control genes of like average expression.
 * Formula: docs/steps/score_genes.md.  N cells, G genes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/rng.h"
#include "base/text.h"
#include "data/rows.h"
#include "ledger/ledger.h"
#include "steps/score_impl.h"
#include "steps/stats_impl.h"

typedef struct {
    clab_ctx *cx;
    const clab_dataset *d;
    const clab__score_opts *o;
    const clab_matrix *m;
    const clab_value *names;   /* STRINGS (G) */
    int64_t n_genes, n_pool;
    clab_names *index;
    double *average;           /* G */
    int64_t *pool, *order;     /* n_pool genes; scratch */
    int64_t *bin;              /* G: of expression; -1 not in the pool, -2 no finite average */
    int64_t *drawn;            /* scratch of one bin */
    uint8_t *flags;            /* G: bit 2k = listed in set k, bit 2k+1 = a control gene of it */
    int n_listed[CLAB__SCORE_SETS], n_control[CLAB__SCORE_SETS];
    void *block;
} scores;

int64_t clab__score_bytes(int64_t n_genes)
{
    return 64 * n_genes; /* and the index of names */
}

static clab_status scores_new(scores *w)
{
    int64_t g = w->n_genes, bytes;
    clab_status s = clab_mem_size(w->cx, g + 1, 5 * 8 + 1, &bytes);

    if (s == CLAB_OK)
        s = clab_mem_zalloc(w->cx, CLAB_MEM_WORK, bytes, w->o->step, &w->block);
    if (s != CLAB_OK)
        return s;
    w->average = w->block;
    w->pool = (int64_t *)(void *)(w->average + g);
    w->order = w->pool + g;
    w->bin = w->order + g;
    w->drawn = w->bin + g;
    w->flags = (uint8_t *)(void *)(w->drawn + g);
    return CLAB_OK;
}

/* ---- values, names, pool ---------------------------------------------------------------------------------*/

static clab_status which_values(scores *w)
{
    const clab_dataset *d = w->d;
    bool raw = w->o->use_raw->given ? w->o->use_raw->b : d->raw.x != NULL && !w->o->layer->given;
    clab_status s = CLAB_OK;

    if (raw && !d->raw.x)
        return clab_fail(w->cx, CLAB_ENOTFOUND, "use_raw=true, but %s has no raw", clab_show(d->name));
    if (raw && w->o->layer->given)
        return clab_fail(w->cx, CLAB_EARG, "use_raw=true and a layer: which is meant?");
    if (raw) {
        w->m = d->raw.x;
        w->names = d->raw.var->index;
        clab_note(w->cx, "%s: of raw.X; use_raw=false takes X", w->o->step);
    } else {
        s = clab__values_of(w->cx, d, w->o->layer, &w->m);
        w->names = d->var->index;
        if (s == CLAB_OK && clab_matrix_is_raw(w->m) && clab__holds_counts(w->m))
            clab_note(w->cx, "%s: of counts; scores are usually taken of logarithms (normalise, log1p)", w->o->step);
    }
    if (s == CLAB_OK)
        w->n_genes = clab_matrix_n_cols(w->m);
    return s;
}

static clab_status make_pool(scores *w)
{
    int64_t twice = 0;
    clab_status s = clab_names_new(w->cx, (const char *const *)w->names->data, w->n_genes, &twice, &w->index);

    if (s == CLAB_OK && twice > 0) {
        (void)clab_fail(w->cx, CLAB_EARG, "%s gene names occur more than once: which is meant?", clab_text_count(twice));
        return clab_hint(w->cx, "make the names unique first");
    }
    for (int64_t g = 0; s == CLAB_OK && g < w->n_genes; g++)
        w->bin[g] = -1;
    if (s == CLAB_OK && !w->o->pool->given)
        for (int64_t g = 0; g < w->n_genes; g++)
            w->pool[w->n_pool++] = g;
    for (int64_t i = 0; s == CLAB_OK && w->o->pool->given && i < w->o->pool->n_strs; i++) {
        int64_t g = clab_names_get(w->index, w->o->pool->strs[i]);
        if (g < 0 || w->bin[g] == 0)
            continue;
        w->bin[g] = 0; /* seen */
        w->pool[w->n_pool++] = g;
    }
    if (s == CLAB_OK && w->n_pool == 0)
        s = clab_fail(w->cx, CLAB_ENOTFOUND, "no gene of gene_pool is there");
    return s;
}

/* ---- first pass: average expression, bins ----------------------------------------------------------------*/

/* Sums in the values' own type and in the order of the cells, as the peer adds them: near-equal averages then
 * fall into the same bins.  One thread: the stream behind it is decoded by all. */
static clab_status averages(scores *w)
{
    clab_rows_opts o = {.f64 = clab_matrix_dtype(w->m) != CLAB_F32, .phase = "averages"};
    int64_t *n_nan = w->order; /* not in use yet */
    const clab_csr *b;
    clab_rows *r;
    clab_status s = clab_rows_open(w->cx, w->m, &o, &r);

    if (s != CLAB_OK)
        return s;
    memset(n_nan, 0, (size_t)w->n_genes * sizeof *n_nan);
    while ((s = clab_rows_next(w->cx, r, &b)) == CLAB_OK && b)
        for (int64_t k = 0; k < b->nnz; k++) {
            int32_t g = b->indices[k];
            if (b->f32 ? isnan(b->f32[k]) : isnan(b->f64[k]))
                n_nan[g]++;
            else
                w->average[g] = b->f32 ? (double)((float)w->average[g] + b->f32[k]) : w->average[g] + b->f64[k];
        }
    clab_rows_close(w->cx, r);
    for (int64_t g = 0; g < w->n_genes; g++)
        w->average[g] /= (double)(clab_matrix_n_rows(w->m) - n_nan[g]);
    return s;
}

static int by_average(const void *a, const void *b, void *arg)
{
    const double *average = arg, x = average[*(const int64_t *)a], y = average[*(const int64_t *)b];

    return (x > y) - (x < y);
}

/* Bins of equally many genes: floor(rank / items), the rank being the smallest among equals, from 1. */
static void cut_into_bins(scores *w)
{
    int64_t n = 0, rank = 0;
    double items;

    for (int64_t i = 0; i < w->n_pool; i++) {
        int64_t g = w->pool[i];
        w->bin[g] = -2;
        if (isfinite(w->average[g]))
            w->order[n++] = g;
    }
    qsort_r(w->order, (size_t)n, sizeof *w->order, by_average, w->average);
    items = rint((double)n / (double)(w->o->n_bins - 1));
    if (items == 0)
        clab_warn(w->cx, "%s: %s genes are too few for %s bins; all are in one", w->o->step, clab_text_count(n),
                  clab_text_count(w->o->n_bins));
    for (int64_t i = 0; i < n; i++) {
        if (i == 0 || w->average[w->order[i]] != w->average[w->order[i - 1]])
            rank = i + 1;
        w->bin[w->order[i]] = items > 0 ? (int64_t)floor((double)rank / items) : 0;
    }
}

/* ---- the genes of a set, and its control genes -----------------------------------------------------------*/

static clab_status find_listed(scores *w, const clab_arg *genes, int set)
{
    clab_str missing = {0};
    int64_t n_missing = 0;

    for (int64_t i = 0; i < genes->n_strs; i++) {
        int64_t g = clab_names_get(w->index, genes->strs[i]);
        if (g < 0) {
            if (n_missing++ < 20)
                clab_str_addf(&missing, "%s%s", n_missing > 1 ? ", " : "", clab_show(genes->strs[i]));
            continue;
        }
        if (w->bin[g] < 0) {
            clab_str_free(&missing);
            return clab_fail(w->cx, CLAB_EARG,
                             w->bin[g] == -1 ? "gene %s is scored, but not in gene_pool"
                                             : "the average of gene %s is not a finite number",
                             clab_show(genes->strs[i]));
        }
        w->n_listed[set] += !(w->flags[g] & 1 << 2 * set);
        w->flags[g] |= (uint8_t)(1 << 2 * set);
    }
    if (n_missing > 0 && w->n_listed[set] > 0)
        clab_warn(w->cx, "%s: %s of %s genes are not there and are left out: %s%s", w->o->step,
                  clab_text_count(n_missing), clab_text_count(genes->n_strs), missing.s ? missing.s : "",
                  n_missing > 20 ? ", ..." : "");
    clab_str_free(&missing);
    if (w->n_listed[set] == 0) {
        (void)clab_fail(w->cx, CLAB_ENOTFOUND, "none of the %s genes of the set is there", clab_text_count(genes->n_strs));
        return clab_hint(w->cx, "the genes are called %s, ...",
                         w->n_genes ? clab_show(((char **)w->names->data)[0]) : "nothing");
    }
    return CLAB_OK;
}

/* The next bin above `after` that holds a listed gene, or -1. */
static int64_t next_bin(const scores *w, int set, int64_t after)
{
    int64_t next = -1;

    for (int64_t g = 0; g < w->n_genes; g++)
        if ((w->flags[g] & 1 << 2 * set) && w->bin[g] > after && (next < 0 || w->bin[g] < next))
            next = w->bin[g];
    return next;
}

static void draw_from_bin(scores *w, clab_mt *mt, int set, int64_t bin)
{
    int listed = 1 << 2 * set, control = 2 << 2 * set;
    int64_t n = 0, taken;

    for (int64_t i = 0; i < w->n_pool; i++) {
        int64_t g = w->pool[i];
        if (w->bin[g] == bin && (w->o->ctrl_as_ref || !(w->flags[g] & listed)))
            w->order[n++] = g;
    }
    if (n == 0)
        clab_warn(w->cx, "%s: no control genes of like expression for some genes; a larger gene_pool would have them",
                  w->o->step);
    taken = n < w->o->ctrl_size ? n : w->o->ctrl_size;
    if (taken < n)
        clab_mt_permutation(mt, w->drawn, n);
    for (int64_t i = 0; i < taken; i++) {
        int64_t g = w->order[taken < n ? w->drawn[i] : i];
        if (w->flags[g] & listed)
            continue;
        w->n_control[set] += !(w->flags[g] & control);
        w->flags[g] |= (uint8_t)control;
    }
}

static clab_status draw_controls(scores *w, int set)
{
    clab_mt mt;

    clab_mt_seed(&mt, w->o->seed);
    for (int64_t bin = next_bin(w, set, -1); bin >= 0; bin = next_bin(w, set, bin))
        draw_from_bin(w, &mt, set, bin);
    if (w->n_control[set] > 0)
        return CLAB_OK;
    (void)clab_fail(w->cx, CLAB_ESTATE, "no control gene is left: the listed genes fill their bins of expression");
    return clab_hint(w->cx, w->o->ctrl_as_ref ? "give ctrl_as_ref=false, or fewer n_bins" : "give fewer n_bins");
}

/* ---- second pass: the scores -------------------------------------------------------------------------------*/

typedef struct {
    const scores *w;
    const clab__score_set *sets;
    int n_sets;
} score_task;

static void one_cell(void *arg, const clab_csr *b, int64_t i)
{
    const score_task *t = arg;
    double sum[2 * CLAB__SCORE_SETS] = {0};
    int64_t nan[2 * CLAB__SCORE_SETS] = {0};

    for (int64_t k = b->indptr[i]; k < b->indptr[i + 1]; k++) {
        unsigned flags = t->w->flags[b->indices[k]];
        double x = b->f32 ? (double)b->f32[k] : b->f64[k];
        for (int f = 0; flags; f++, flags >>= 1)
            if ((flags & 1) && isnan(x))
                nan[f]++;
            else if (flags & 1)
                sum[f] += x;
    }
    for (int k = 0; k < t->n_sets; k++)
        t->sets[k].score[b->first_row + i] =
            sum[2 * k] / (double)(t->w->n_listed[k] - nan[2 * k]) -
            sum[2 * k + 1] / (double)(t->w->n_control[k] - nan[2 * k + 1]);
}

static clab_status add_up(const scores *w, const clab__score_set *sets, int n_sets)
{
    const clab_rows_opts o = {.f64 = clab_matrix_dtype(w->m) != CLAB_F32, .phase = w->o->step};
    score_task t = {.w = w, .sets = sets, .n_sets = n_sets};

    return clab__each_cell(w->cx, w->m, &o, one_cell, &t);
}

clab_status clab__scores(clab_ctx *cx, const clab_dataset *d, const clab__score_opts *o, clab__score_set *sets,
                         int n_sets)
{
    scores w = {.cx = cx, .d = d, .o = o};
    clab_status s = which_values(&w);

    if (s == CLAB_OK)
        s = scores_new(&w);
    if (s == CLAB_OK)
        s = make_pool(&w);
    if (s == CLAB_OK)
        s = averages(&w);
    if (s == CLAB_OK)
        cut_into_bins(&w);
    for (int k = 0; s == CLAB_OK && k < n_sets; k++)
        s = find_listed(&w, sets[k].genes, k);
    for (int k = 0; s == CLAB_OK && k < n_sets; k++)
        s = draw_controls(&w, k);
    if (s == CLAB_OK)
        s = add_up(&w, sets, n_sets);
    clab_names_free(w.index);
    clab_mem_free(cx, w.block);
    return s;
}

clab__score_opts clab__score_opts_of(const char *step, int64_t ctrl_size, const clab_arg *common)
{
    enum { CTRL_AS_REF, GENE_POOL, N_BINS, SEED, LAYER, USE_RAW };

    return (clab__score_opts){.step = step, .ctrl_as_ref = common[CTRL_AS_REF].b, .ctrl_size = ctrl_size,
                              .n_bins = common[N_BINS].i, .seed = (uint32_t)common[SEED].i,
                              .pool = &common[GENE_POOL], .layer = &common[LAYER], .use_raw = &common[USE_RAW]};
}

clab_status clab__score_column(clab_ctx *cx, const clab_dataset *d, clab_value **out)
{
    int64_t n = clab_dataset_n_obs(d);

    return clab_value_array(cx, CLAB_F64, 1, &n, NULL, out);
}
