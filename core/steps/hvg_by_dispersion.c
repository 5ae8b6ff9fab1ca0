/* hvg_by_dispersion.c -- the flavours seurat and cell_ranger: which values, one batch after another, the average.
 * docs/steps/hvg.md.  G genes. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/hvg_impl.h"
#include "steps/stats_impl.h"

/* Per gene, over all batches. */
typedef struct {
    clab_ctx *cx;
    int64_t n_genes;
    const clab__hvg_batches *batches;
    double *mean, *disp, *norm;                      /* G: the result */
    int64_t *in_mean, *in_disp, *in_norm, *n_chosen; /* G: batches that count in each average, and that chose */
    double *b_mean, *b_disp, *b_norm;                /* G: one batch, genes it has, packed */
    int64_t *b_gene;                                 /* G: which genes those are */
    uint8_t *b_chosen;                               /* G */
    uint8_t *chosen;                                 /* G: the caller's */
    void *block;
} genes;

static clab_status genes_new(clab_ctx *cx, int64_t n, genes *w)
{
    int64_t bytes;
    clab_status s = clab_mem_size(cx, n + 1, 13 * 8, &bytes);

    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, bytes, "hvg", &w->block);
    if (s != CLAB_OK)
        return s;
    w->cx = cx;
    w->n_genes = n;
    double *d = w->block;
    double **real[] = {&w->mean, &w->disp, &w->norm, &w->b_mean, &w->b_disp, &w->b_norm};
    for (size_t i = 0; i < sizeof real / sizeof *real; i++, d += n)
        *real[i] = d;
    int64_t *k = (int64_t *)(void *)d;
    int64_t **whole[] = {&w->in_mean, &w->in_disp, &w->in_norm, &w->n_chosen, &w->b_gene};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++, k += n)
        *whole[i] = k;
    w->b_chosen = (uint8_t *)(void *)k;
    return CLAB_OK;
}

/* ---- which values ------------------------------------------------------------------------------------------*/

static clab_status normalised_and_logged(clab_ctx *cx, const clab_matrix *m, clab_matrix **out)
{
    const clab__normalise_opts o = {.target = 1e4, .phase = "hvg: totals"};
    clab_matrix *normal = NULL;
    clab_status s = clab__normalised(cx, m, &o, NULL, &normal);

    if (s == CLAB_OK)
        s = clab_matrix_op_log1p(cx, normal, 0, out);
    clab_matrix_unref(normal);
    return s;
}

/* The log-normalised view of X; where X holds counts, one made here for these statistics only. */
static clab_status log_view(clab_ctx *cx, const clab_dataset *d, const clab__hvg_opts *o, clab_matrix **out,
                            double *base)
{
    const clab_matrix *m;
    const char *name = clab__values_name(o->layer);
    bool is_x = strcmp(name, "X") == 0;
    clab_status s = clab__values_of(cx, d, o->layer, &m);

    *out = NULL;
    *base = 0;
    if (s != CLAB_OK || (s = clab__need_positive(cx, d, name, m)) != CLAB_OK)
        return s;
    if (clab_matrix_some_scale(m)) {
        (void)clab_fail(cx, CLAB_ESTATE, "%s is scaled: every gene has the same variance", name);
        return clab_hint(cx, "choose genes before scale");
    }
    /* uns.log1p speaks of X; of a layer only where that holds no counts */
    if (clab_matrix_has_log1p(m, base) ||
        (clab_matrix_is_raw(m) && (is_x || !clab__holds_counts(m)) && clab__uns_log1p(d, base))) {
        *out = clab_matrix_ref(m);
        return CLAB_OK;
    }
    if (!clab_matrix_is_raw(m)) {
        clab_note(cx, "hvg: %s is normalised but not logged; the logarithm is taken for these statistics only", name);
        return clab_matrix_op_log1p(cx, m, 0, out);
    }
    if (clab__holds_counts(m)) {
        clab_note(cx, "hvg: %s holds counts; normalised to 10,000 and logged for these statistics only", name);
        return normalised_and_logged(cx, m, out);
    }
    clab_note(cx, "hvg: %s holds values that are no counts; they are taken as log-normalised", name);
    *out = clab_matrix_ref(m);
    return CLAB_OK;
}

/* ---- batches -------------------------------------------------------------------------------------------*/

static clab_status check_finite(clab_ctx *cx, const clab__gene_sums *sums)
{
    for (int64_t i = 0; i < sums->n_genes * sums->n_groups; i++)
        if (!isfinite(sums->squares[i])) {
            (void)clab_fail(cx, CLAB_EARG, "gene %lld: X holds NaN or values too large to be logarithms",
                            (long long)(i % sums->n_genes + 1));
            return clab_hint(cx, "hvg expects counts, or log-normalised values");
        }
    return CLAB_OK;
}

/* Genes that some cell of the batch has (without a batch_key: all genes), packed; how many. */
static int64_t gather(genes *w, const clab__gene_sums *sums, int batch)
{
    int64_t n = 0;

    for (int64_t g = 0; g < w->n_genes; g++) {
        if (w->batches->names && sums->positive[batch * w->n_genes + g] == 0)
            continue;
        clab__gene_moments(sums, batch, g, &w->b_mean[n], &w->b_disp[n]);
        w->b_gene[n++] = g;
    }
    return n;
}

static void add(double *sum, int64_t *count, double x)
{
    if (!isnan(x)) {
        *sum += x;
        ++*count;
    }
}

/* Genes that a batch lacks count as 0 there; undefined dispersions are skipped. */
static void merge(genes *w, int64_t n)
{
    int64_t at = 0;

    for (int64_t g = 0; g < w->n_genes; g++) {
        bool here = at < n && w->b_gene[at] == g;
        add(&w->mean[g], &w->in_mean[g], here ? w->b_mean[at] : 0);
        add(&w->disp[g], &w->in_disp[g], here ? w->b_disp[at] : 0);
        add(&w->norm[g], &w->in_norm[g], here ? w->b_norm[at] : 0);
        w->n_chosen[g] += here && w->b_chosen[at];
        at += here;
    }
}

static clab_status all_batches(clab_ctx *cx, const clab__hvg_opts *o, const clab__gene_sums *sums, genes *w)
{
    clab_status s = CLAB_OK;

    for (int b = 0; b < w->batches->n && s == CLAB_OK; b++) {
        int64_t n;
        if (sums->n_cells[b] == 0)
            continue;
        n = gather(w, sums, b);
        s = clab__hvg_dispersions(cx, o, n, w->b_mean, w->b_disp, w->b_norm);
        if (s == CLAB_OK)
            s = clab__hvg_choose(cx, o, n, w->b_mean, w->b_norm, w->b_chosen);
        if (s != CLAB_OK)
            return clab__hvg_blame(cx, w->batches, b);
        merge(w, n);
    }
    for (int64_t g = 0; g < w->n_genes; g++) {
        w->mean[g] = w->in_mean[g] ? w->mean[g] / (double)w->in_mean[g] : (double)NAN;
        w->disp[g] = w->in_disp[g] ? w->disp[g] / (double)w->in_disp[g] : (double)NAN;
        w->norm[g] = w->in_norm[g] ? w->norm[g] / (double)w->in_norm[g] : (double)NAN;
    }
    return s;
}

static clab_status choose(clab_ctx *cx, const clab_dataset *d, const clab__hvg_opts *o, genes *w)
{
    if (w->batches->names && o->n_top > 0)
        return clab__hvg_rank(cx, o->n_top, w->n_genes, w->n_chosen, w->norm,
                              (const char *const *)d->var->index->data, w->chosen);
    if (w->batches->names) {
        for (int64_t g = 0; g < w->n_genes; g++)
            w->norm[g] = isnan(w->norm[g]) ? 0 : w->norm[g];
        clab__hvg_cut(o, w->n_genes, w->mean, w->norm, w->chosen);
        return CLAB_OK;
    }
    return clab__hvg_choose(cx, o, w->n_genes, w->mean, w->norm, w->chosen);
}

/* ---- the result --------------------------------------------------------------------------------------------*/

static clab_status write_result(clab_ctx *cx, clab_dataset *d, const genes *w)
{
    clab_value *norm = NULL;
    clab_status s = clab__hvg_column(cx, d, "highly_variable", CLAB_BOOL, w->chosen);

    if (s == CLAB_OK)
        s = clab__hvg_column(cx, d, "means", CLAB_F64, w->mean);
    if (s == CLAB_OK)
        s = clab__hvg_column(cx, d, "dispersions", CLAB_F64, w->disp);
    if (s == CLAB_OK)
        s = clab_value_array(cx, CLAB_F32, 1, &w->n_genes, NULL, &norm);
    for (int64_t g = 0; s == CLAB_OK && g < w->n_genes; g++)
        ((float *)norm->data)[g] = (float)w->norm[g];
    if (s == CLAB_OK)
        s = clab_dataset_var_set(cx, d, "dispersions_norm", norm);
    clab_value_unref(norm);
    if (s == CLAB_OK && w->batches->names)
        s = clab__hvg_column(cx, d, "highly_variable_nbatches", CLAB_I64, w->n_chosen);
    if (s == CLAB_OK && w->batches->names) {
        for (int64_t g = 0; g < w->n_genes; g++)
            w->b_chosen[g] = w->n_chosen[g] == w->batches->n;
        s = clab__hvg_column(cx, d, "highly_variable_intersection", CLAB_BOOL, w->b_chosen);
    }
    return s;
}

clab_status clab__hvg_by_dispersion(clab_ctx *cx, const clab_dataset *d, const clab__hvg_opts *o,
                                    const clab__hvg_batches *batches, clab_dataset *marked, uint8_t *chosen)
{
    clab__gene_sums_opts so = {.expm1 = !o->cell_ranger, .phase = "hvg", .group = batches->codes,
                               .n_groups = batches->n};
    clab__gene_sums *sums = NULL;
    clab_matrix *m = NULL;
    genes w = {.batches = batches, .chosen = chosen};
    double base;
    clab_status s = log_view(cx, d, o, &m, &base);

    if (s == CLAB_OK) {
        so.log_base = base > 0 ? log(base) : 1;
        s = clab__gene_sums_new(cx, m, &so, &sums);
    }
    if (s == CLAB_OK)
        s = check_finite(cx, sums);
    if (s == CLAB_OK)
        s = genes_new(cx, sums->n_genes, &w);
    if (s == CLAB_OK)
        s = all_batches(cx, o, sums, &w);
    if (s == CLAB_OK)
        s = choose(cx, d, o, &w);
    if (s == CLAB_OK)
        s = write_result(cx, marked, &w);
    clab_mem_free(cx, w.block);
    clab__gene_sums_free(sums);
    clab_matrix_unref(m);
    return s;
}
