/* hvg_dispersion.c -- dispersions normalised within bins of the mean, and the choice of genes.
 * Formulas: docs/steps/hvg.md; bins as pandas.cut makes them, percentiles as numpy. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"
#include "steps/hvg_impl.h"

#define MAD_SCALE 0.6744897501960817 /* the normal distribution's upper quartile */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int by_value_falling(const void *a, const void *b)
{
    return by_value(b, a);
}

static double median_of_sorted(const double *x, int64_t n)
{
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* ---- bins over the mean: open on the left, closed on the right ------------------------------------------*/

static void equal_edges(const double *mean, int64_t n, double *edges, int64_t n_bins)
{
    double lo = mean[0], hi = mean[0], margin = 0, step;

    for (int64_t i = 1; i < n; i++) {
        lo = mean[i] < lo ? mean[i] : lo;
        hi = mean[i] > hi ? mean[i] : hi;
    }
    if (lo == hi) {
        double away = lo != 0 ? 0.001 * fabs(lo) : 0.001;
        lo -= away;
        hi += away;
    } else {
        margin = 0.001 * (hi - lo);
    }
    step = (hi - lo) / (double)n_bins;
    for (int64_t k = 0; k <= n_bins; k++)
        edges[k] = (double)k * step + lo;
    edges[n_bins] = hi;
    edges[0] -= margin;
}

/* Linear interpolation between order statistics, evaluated from the nearer end. */
static double percentile(const double *sorted, int64_t n, double percent)
{
    double rank = (double)(n - 1) * (percent / 100), below = floor(rank), t = rank - below, a, b;
    int64_t i = (int64_t)below;

    a = sorted[i];
    b = sorted[i + 1 < n ? i + 1 : i];
    return t >= 0.5 ? b - (b - a) * (1 - t) : a + (b - a) * t;
}

#define PERCENTILES 19 /* 10, 15, ..., 100 */

static clab_status percentile_edges(clab_ctx *cx, const double *mean, int64_t n, double *scratch, double *edges)
{
    memcpy(scratch, mean, (size_t)n * sizeof *mean);
    qsort(scratch, (size_t)n, sizeof *scratch, by_value);
    edges[0] = -(double)INFINITY;
    for (int k = 0; k < PERCENTILES; k++)
        edges[k + 1] = percentile(scratch, n, 10 + 5 * k);
    edges[PERCENTILES + 1] = (double)INFINITY;
    for (int k = 1; k <= PERCENTILES + 1; k++)
        if (!(edges[k] > edges[k - 1])) {
            (void)clab_fail(cx, CLAB_EARG, "too many genes have the same mean (%g) for the bins of cell_ranger",
                            edges[k]);
            return clab_hint(cx, "remove genes that few cells have first: filter_genes{min_cells=3}");
        }
    return CLAB_OK;
}

static int64_t bin_of(const double *edges, int64_t n_edges, double x)
{
    int64_t lo = 0, hi = n_edges; /* edges below x */

    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        if (edges[mid] < x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo - 1;
}

/* ---- within a bin -------------------------------------------------------------------------------------*/

/* Mean and deviation; one gene alone in its bin gets 1. */
static void seurat_centre(const double *disp, int64_t n, double *centre, double *spread)
{
    double sum = 0, squares = 0, mean;

    for (int64_t i = 0; i < n; i++)
        sum += disp[i];
    mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++)
        squares += (disp[i] - mean) * (disp[i] - mean);
    *centre = n == 1 ? 0 : mean;
    *spread = n == 1 ? mean : sqrt(squares / (double)(n - 1));
}

/* Median and scaled median deviation; reorders disp. */
static void cell_ranger_centre(double *disp, int64_t n, double *centre, double *spread)
{
    qsort(disp, (size_t)n, sizeof *disp, by_value);
    *centre = median_of_sorted(disp, n);
    for (int64_t i = 0; i < n; i++)
        disp[i] = fabs(disp[i] - *centre);
    qsort(disp, (size_t)n, sizeof *disp, by_value);
    *spread = median_of_sorted(disp, n) / MAD_SCALE;
}

static void normalise_bins(const clab__hvg_opts *o, int64_t n, const double *mean, const double *disp,
                           const double *edges, int64_t n_edges, double *scratch, double *norm)
{
    for (int64_t bin = 0; bin < n_edges - 1; bin++) {
        double centre = 0, spread = 0;
        int64_t m = 0;
        for (int64_t i = 0; i < n; i++)
            if (!isnan(disp[i]) && bin_of(edges, n_edges, mean[i]) == bin)
                scratch[m++] = disp[i];
        if (m == 0)
            continue;
        if (o->cell_ranger)
            cell_ranger_centre(scratch, m, &centre, &spread);
        else
            seurat_centre(scratch, m, &centre, &spread);
        for (int64_t i = 0; i < n; i++)
            if (!isnan(disp[i]) && bin_of(edges, n_edges, mean[i]) == bin)
                norm[i] = (disp[i] - centre) / spread;
    }
}

clab_status clab__hvg_dispersions(clab_ctx *cx, const clab__hvg_opts *o, int64_t n, double *mean, double *disp,
                                  double *norm)
{
    int64_t n_edges = (o->cell_ranger ? PERCENTILES + 1 : o->n_bins) + 1;
    double *scratch, *edges;
    void *work = NULL;
    clab_status s = CLAB_OK;

    if (n == 0)
        return CLAB_OK;
    for (int64_t i = 0; i < n; i++) {
        mean[i] = mean[i] == 0 ? 1e-12 : mean[i];
        disp[i] = disp[i] / mean[i];
        norm[i] = (double)NAN;
        if (!o->cell_ranger) {
            disp[i] = disp[i] == 0 ? (double)NAN : log(disp[i]);
            mean[i] = log1p(mean[i]);
        }
    }
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, (n + n_edges) * 8, "hvg", &work);
    if (s != CLAB_OK)
        return s;
    scratch = work;
    edges = scratch + n;
    if (o->cell_ranger)
        s = percentile_edges(cx, mean, n, scratch, edges);
    else
        equal_edges(mean, n, edges, o->n_bins);
    if (s == CLAB_OK)
        normalise_bins(o, n, mean, disp, edges, n_edges, scratch, norm);
    clab_mem_free(cx, work);
    return s;
}

/* ---- the choice --------------------------------------------------------------------------------------------*/

static bool inside_cutoffs(const clab__hvg_opts *o, double mean, double norm)
{
    return mean > o->min_mean && mean < o->max_mean && norm > o->min_disp && norm < o->max_disp;
}

void clab__hvg_cut(const clab__hvg_opts *o, int64_t n, const double *mean, const double *norm, uint8_t *chosen)
{
    for (int64_t i = 0; i < n; i++)
        chosen[i] = inside_cutoffs(o, mean[i], norm[i]);
}

/* In one batch an infinite value (its bin has no spread) counts as a large one, below an infinite cutoff. */
static double bounded(double norm)
{
    return isnan(norm) ? 0 : norm > DBL_MAX ? DBL_MAX : norm < -DBL_MAX ? -DBL_MAX : norm;
}

clab_status clab__hvg_choose(clab_ctx *cx, const clab__hvg_opts *o, int64_t n, const double *mean, const double *norm,
                             uint8_t *chosen)
{
    int64_t m = 0;
    double *sorted, cut;
    void *work = NULL;
    clab_status s;

    if (o->n_top == 0) {
        for (int64_t i = 0; i < n; i++)
            chosen[i] = inside_cutoffs(o, mean[i], bounded(norm[i]));
        return CLAB_OK;
    }
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8 + 8, "hvg", &work);
    if (s != CLAB_OK)
        return s;
    sorted = work;
    for (int64_t i = 0; i < n; i++)
        if (!isnan(norm[i]))
            sorted[m++] = norm[i];
    qsort(sorted, (size_t)m, sizeof *sorted, by_value_falling);
    cut = m == 0 ? (double)INFINITY : sorted[(o->n_top < m ? o->n_top : m) - 1];
    for (int64_t i = 0; i < n; i++)
        chosen[i] = m > 0 && norm[i] >= cut;
    clab_mem_free(cx, work);
    return CLAB_OK;
}

typedef struct {
    int64_t n_batches, gene;
    double norm;
    const char *name;
} ranked;

static int by_rank(const void *a, const void *b)
{
    const ranked *x = a, *y = b;

    if (x->n_batches != y->n_batches)
        return x->n_batches > y->n_batches ? -1 : 1;
    if (isnan(x->norm) != isnan(y->norm))
        return isnan(x->norm) ? 1 : -1;
    if (x->norm != y->norm && !isnan(x->norm))
        return x->norm > y->norm ? -1 : 1;
    return strcmp(x->name, y->name);
}

clab_status clab__hvg_rank(clab_ctx *cx, int64_t n_top, int64_t n, const int64_t *n_batches, const double *norm,
                           const char *const *names, uint8_t *chosen)
{
    ranked *r;
    void *work = NULL;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * (int64_t)sizeof *r + 8, "hvg", &work);

    if (s != CLAB_OK)
        return s;
    r = work;
    for (int64_t i = 0; i < n; i++)
        r[i] = (ranked){n_batches[i], i, norm[i], names[i]};
    qsort(r, (size_t)n, sizeof *r, by_rank);
    for (int64_t i = 0; i < n; i++)
        chosen[r[i].gene] = i < n_top;
    clab_mem_free(cx, work);
    return CLAB_OK;
}
