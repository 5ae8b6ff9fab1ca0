/* hvg_v3.c -- the flavours seurat_v3 and seurat_v3_paper: variances of counts, standardised by what is usual at
 * their mean, in two passes.  docs/steps/hvg.md eq. 8-12.
 * G genes, B batches; arrays of B x G, batch after batch. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/hvg_impl.h"
#include "steps/loess.h"
#include "steps/stats_impl.h"

typedef struct {
    clab_ctx *cx;
    int64_t n_genes;
    const clab__hvg_batches *batches;
    const clab__hvg_opts *o;
    double *mean, *var;                  /* G: over all cells */
    double *norm;                        /* G: standardised variance, averaged over batches */
    double *x, *y, *fit, *one;           /* G: scratch of one batch */
    double *sigma, *clip;                /* B x G */
    float *rank;                         /* B x G; median of the batches' in the first row */
    int64_t *n_chosen, *order;           /* G */
    void *block;
} study;

static int64_t bytes_of(int64_t g, int b)
{
    return g * (7 * 8 + 2 * 8 + (int64_t)b * (8 + 8 + 4)) + 64;
}

int64_t clab__hvg_variance_bytes(int64_t n_genes, int n_batches)
{
    return 2 * clab__gene_sums_bytes(n_genes, n_batches) + bytes_of(n_genes, n_batches);
}

static clab_status study_new(study *w)
{
    int64_t g = w->n_genes, b = w->batches->n;
    double *at;
    clab_status s = clab_mem_zalloc(w->cx, CLAB_MEM_WORK, bytes_of(g, (int)b), "hvg", &w->block);

    if (s != CLAB_OK)
        return s;
    at = w->block;
    double **columns[] = {&w->mean, &w->var, &w->norm, &w->x, &w->y, &w->fit, &w->one};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++, at += g)
        *columns[i] = at;
    w->sigma = at;
    w->clip = at + b * g;
    w->n_chosen = (int64_t *)(void *)(at + 2 * b * g);
    w->order = w->n_chosen + g;
    w->rank = (float *)(void *)(w->order + g);
    return CLAB_OK;
}

/* ---- which values ------------------------------------------------------------------------------------------*/

static clab_status count_values(clab_ctx *cx, const clab_dataset *d, const clab__hvg_opts *o, const clab_matrix **m)
{
    clab_status s = CLAB_OK;

    if (!o->layer->given && d->counts) {
        *m = d->counts;
        if (d->counts_from && strcmp(d->counts_from, "X") != 0)
            clab_note(cx, "hvg: %s of the counts in %s", o->flavor, clab_show(d->counts_from));
    } else {
        s = clab__values_of(cx, d, o->layer, m);
    }
    if (s == CLAB_OK && o->check_values && (!clab__holds_counts(*m) || !clab_matrix_is_raw(*m)))
        clab_warn(cx, "hvg: %s expects counts, but %s holds values that are none (check_values=false is silent)",
                  o->flavor, clab__values_name(o->layer));
    return s;
}

/* ---- first pass: what variance is usual at a mean ---------------------------------------------------------*/

/* Over all cells: from the sums of the batches. */
static clab_status whole_moments(study *w, const clab__gene_sums *sums)
{
    double n = 0;

    for (int b = 0; b < sums->n_groups; b++)
        n += (double)sums->n_cells[b];
    for (int64_t g = 0; g < w->n_genes; g++) {
        double sum = 0, squares = 0, v;
        for (int b = 0; b < sums->n_groups; b++) {
            sum += sums->sum[b * w->n_genes + g];
            squares += sums->squares[b * w->n_genes + g];
        }
        if (!isfinite(squares)) {
            (void)clab_fail(w->cx, CLAB_EARG, "gene %lld holds NaN or values too large for their squares",
                            (long long)(g + 1));
            return clab_hint(w->cx, "%s expects counts", w->o->flavor);
        }
        w->mean[g] = sum / n;
        v = squares / n - w->mean[g] * w->mean[g];
        w->var[g] = v > 0 ? v * (n > 1 ? n / (n - 1) : 1) : 0;
    }
    return CLAB_OK;
}

/* sigma and the bound of one batch. */
static clab_status usual_variance(study *w, const clab__gene_sums *sums, int batch)
{
    double *sigma = w->sigma + batch * w->n_genes, *clip = w->clip + batch * w->n_genes;
    double root = sqrt((double)sums->n_cells[batch]), mean, var;
    int64_t n = 0, at = 0;
    clab_status s;

    for (int64_t g = 0; g < w->n_genes; g++) {
        clab__gene_moments(sums, batch, g, &mean, &var);
        if (!(var > 0))
            continue;
        if (!(mean > 0))
            return clab_fail(w->cx, CLAB_EARG, "gene %lld has a mean of %g: values below 0 have no logarithm",
                             (long long)(g + 1), mean);
        w->x[n] = log10(mean);
        w->y[n++] = log10(var);
    }
    s = clab__loess(w->cx, n, w->x, w->y, w->o->span, w->fit);
    if (s == CLAB_EARG)
        return clab_hint(w->cx, "remove genes that few cells have (filter_genes{min_cells=3}), or raise span");
    for (int64_t g = 0; s == CLAB_OK && g < w->n_genes; g++) {
        clab__gene_moments(sums, batch, g, &mean, &var);
        sigma[g] = sqrt(pow(10, var > 0 ? w->fit[at++] : 0));
        clip[g] = sigma[g] * root + mean;
    }
    return s;
}

/* ---- second pass: standardised variances, ranks -----------------------------------------------------------*/

static int by_falling(const void *a, const void *b, void *arg)
{
    const double *v = arg;
    int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;

    if (v[i] != v[j])
        return v[i] > v[j] ? -1 : 1;
    return (i > j) - (i < j);
}

static void standardise(study *w, const clab__gene_sums *sums, const clab__gene_sums *clipped, int batch)
{
    double n = (double)sums->n_cells[batch], mean, var;
    float *rank = w->rank + batch * w->n_genes;

    for (int64_t g = 0; g < w->n_genes; g++) {
        int64_t at = batch * w->n_genes + g;
        clab__gene_moments(sums, batch, g, &mean, &var);
        w->one[g] = (1 / ((n - 1) * (w->sigma[at] * w->sigma[at]))) *
                    (n * (mean * mean) + clipped->squares[at] - 2 * clipped->sum[at] * mean);
        w->norm[g] += w->one[g];
        w->order[g] = g;
    }
    qsort_r(w->order, (size_t)w->n_genes, sizeof *w->order, by_falling, w->one);
    for (int64_t i = 0; i < w->n_genes; i++) {
        bool in = i < w->o->n_top;
        rank[w->order[i]] = in ? (float)i : NAN;
        w->n_chosen[w->order[i]] += in;
    }
}

/* Median of the ranks that are there, into the first row; NaN where no batch chose the gene. */
static void middle_rank(study *w, const clab__gene_sums *sums, int64_t g, float *sorted)
{
    int n = 0;

    for (int b = 0; b < w->batches->n; b++) {
        float r = w->rank[b * w->n_genes + g];
        int at = n;
        if (sums->n_cells[b] == 0 || isnan(r))
            continue;
        for (; at > 0 && sorted[at - 1] > r; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = r;
        n++;
    }
    w->rank[g] = n == 0 ? NAN : n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

static int by_rank(const study *w, int64_t i, int64_t j)
{
    float a = w->rank[i], b = w->rank[j];

    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b);
    return (a > b) - (a < b);
}

static int by_batches(const study *w, int64_t i, int64_t j)
{
    return (w->n_chosen[i] < w->n_chosen[j]) - (w->n_chosen[i] > w->n_chosen[j]);
}

static int by_choice(const void *a, const void *b, void *arg)
{
    const study *w = arg;
    int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;
    int first = w->o->paper ? by_batches(w, i, j) : by_rank(w, i, j);
    int second = w->o->paper ? by_rank(w, i, j) : by_batches(w, i, j);

    return first ? first : second ? second : (i > j) - (i < j);
}

static clab_status choose(study *w, const clab__gene_sums *sums, uint8_t *chosen)
{
    void *sorted = NULL;
    int used = 0;
    clab_status s = clab_mem_alloc(w->cx, CLAB_MEM_WORK, w->batches->n * 4, "hvg", &sorted);

    if (s != CLAB_OK)
        return s;
    for (int b = 0; b < w->batches->n; b++)
        used += sums->n_cells[b] > 0;
    for (int64_t g = 0; g < w->n_genes; g++) {
        middle_rank(w, sums, g, sorted);
        w->norm[g] /= used;
        w->order[g] = g;
    }
    qsort_r(w->order, (size_t)w->n_genes, sizeof *w->order, by_choice, w);
    for (int64_t i = 0; i < w->n_genes; i++)
        chosen[w->order[i]] = i < w->o->n_top;
    clab_mem_free(w->cx, sorted);
    return CLAB_OK;
}

static clab_status write_result(const study *w, clab_dataset *d, const uint8_t *chosen)
{
    clab_status s = clab__hvg_column(w->cx, d, "highly_variable", CLAB_BOOL, chosen);

    if (s == CLAB_OK)
        s = clab__hvg_column(w->cx, d, "highly_variable_rank", CLAB_F32, w->rank);
    if (s == CLAB_OK)
        s = clab__hvg_column(w->cx, d, "means", CLAB_F64, w->mean);
    if (s == CLAB_OK)
        s = clab__hvg_column(w->cx, d, "variances", CLAB_F64, w->var);
    if (s == CLAB_OK)
        s = clab__hvg_column(w->cx, d, "variances_norm", CLAB_F64, w->norm);
    if (s == CLAB_OK && w->batches->names)
        s = clab__hvg_column(w->cx, d, "highly_variable_nbatches", CLAB_I64, w->n_chosen);
    return s;
}

clab_status clab__hvg_by_variance(clab_ctx *cx, const clab_dataset *d, const clab__hvg_opts *o,
                                  const clab__hvg_batches *batches, clab_dataset *marked, uint8_t *chosen)
{
    clab__gene_sums_opts so = {.phase = "hvg: variances", .group = batches->codes, .n_groups = batches->n,
                               .log_base = 1};
    clab__gene_sums *sums = NULL, *clipped = NULL;
    const clab_matrix *m;
    study w = {.cx = cx, .n_genes = clab_dataset_n_vars(d), .batches = batches, .o = o};
    clab_status s = count_values(cx, d, o, &m);

    if (s == CLAB_OK)
        s = study_new(&w);
    if (s == CLAB_OK)
        s = clab__gene_sums_new(cx, m, &so, &sums);
    if (s == CLAB_OK)
        s = whole_moments(&w, sums);
    for (int b = 0; s == CLAB_OK && b < batches->n; b++)
        if (sums->n_cells[b] > 0 && (s = usual_variance(&w, sums, b)) != CLAB_OK)
            (void)clab__hvg_blame(cx, batches, b);
    so.clip = w.clip;
    so.phase = "hvg: clipped sums";
    if (s == CLAB_OK)
        s = clab__gene_sums_new(cx, m, &so, &clipped);
    for (int b = 0; s == CLAB_OK && b < batches->n; b++)
        if (sums->n_cells[b] > 0)
            standardise(&w, sums, clipped, b);
    if (s == CLAB_OK)
        s = choose(&w, sums, chosen);
    if (s == CLAB_OK)
        s = write_result(&w, marked, chosen);
    clab__gene_sums_free(clipped);
    clab__gene_sums_free(sums);
    clab_mem_free(cx, w.block);
    return s;
}
