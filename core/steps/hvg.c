/* hvg.c -- genes whose variance stands out among genes of like mean.  docs/steps/hvg.md
 * G genes, B batches. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/hvg_impl.h"
#include "steps/stats_impl.h"

enum { N_TOP, FLAVOR, BATCH_KEY, SUBSET, MIN_MEAN, MAX_MEAN, MIN_DISP, MAX_DISP, N_BINS };

/* Per gene, over all batches. */
typedef struct {
    clab_ctx *cx;
    int64_t n_genes;
    int n_batches;
    clab_value *batches;                             /* their names; NULL without a batch_key */
    double *mean, *disp, *norm;                      /* G: the result */
    int64_t *in_mean, *in_disp, *in_norm, *n_chosen; /* G: batches that count in each average, and that chose */
    double *b_mean, *b_disp, *b_norm;                /* G: one batch, genes it has, packed */
    int64_t *b_gene;                                 /* G: which genes those are */
    uint8_t *b_chosen, *chosen;                      /* G */
    void *block;
} genes;

static clab_status genes_new(clab_ctx *cx, int64_t n, int n_batches, genes *w)
{
    int64_t bytes;
    clab_status s = clab_mem_size(cx, n + 1, 13 * 8, &bytes);

    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, bytes, "hvg", &w->block);
    if (s != CLAB_OK)
        return s;
    w->cx = cx;
    w->n_genes = n;
    w->n_batches = n_batches;
    double *d = w->block;
    double **real[] = {&w->mean, &w->disp, &w->norm, &w->b_mean, &w->b_disp, &w->b_norm};
    for (size_t i = 0; i < sizeof real / sizeof *real; i++, d += n)
        *real[i] = d;
    int64_t *k = (int64_t *)(void *)d;
    int64_t **whole[] = {&w->in_mean, &w->in_disp, &w->in_norm, &w->n_chosen, &w->b_gene};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++, k += n)
        *whole[i] = k;
    w->b_chosen = (uint8_t *)(void *)k;
    w->chosen = w->b_chosen + n;
    return CLAB_OK;
}

/* ---- which values ------------------------------------------------------------------------------------------*/

static clab_status normalised_and_logged(clab_ctx *cx, const clab_matrix *m, clab_matrix **out)
{
    clab_matrix *normal = NULL;
    clab_status s = clab__normalised(cx, m, 1e4, "hvg: totals", &normal);

    if (s == CLAB_OK)
        s = clab_matrix_op_log1p(cx, normal, 0, out);
    clab_matrix_unref(normal);
    return s;
}

/* The log-normalised view of X; where X holds counts, one made here for these statistics only. */
static clab_status log_view(clab_ctx *cx, const clab_dataset *d, clab_matrix **out, double *base)
{
    const clab_matrix *m;
    clab_status s = clab__need_x(cx, d, &m);

    *out = NULL;
    *base = 0;
    if (s != CLAB_OK || (s = clab__need_positive(cx, d, m)) != CLAB_OK)
        return s;
    if (clab_matrix_some_scale(m)) {
        (void)clab_fail(cx, CLAB_ESTATE, "X is scaled: every gene has the same variance");
        return clab_hint(cx, "choose genes before scale");
    }
    if (clab_matrix_has_log1p(m, base) || (clab_matrix_is_raw(m) && clab__uns_log1p(d, base))) {
        *out = clab_matrix_ref(m);
        return CLAB_OK;
    }
    if (!clab_matrix_is_raw(m)) {
        clab_note(cx, "hvg: X is normalised but not logged; the logarithm is taken for these statistics only");
        return clab_matrix_op_log1p(cx, m, 0, out);
    }
    if (clab__holds_counts(m)) {
        clab_note(cx, "hvg: X holds counts; normalised to 10,000 and logged for these statistics only");
        return normalised_and_logged(cx, m, out);
    }
    clab_note(cx, "hvg: X holds values that are no counts; they are taken as log-normalised");
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
        if (w->batches && sums->positive[batch * w->n_genes + g] == 0)
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
    char number[40];
    clab_status s = CLAB_OK;

    for (int b = 0; b < w->n_batches && s == CLAB_OK; b++) {
        int64_t n;
        if (sums->n_cells[b] == 0)
            continue;
        n = gather(w, sums, b);
        s = clab__hvg_dispersions(cx, o, n, w->b_mean, w->b_disp, w->b_norm);
        if (s == CLAB_OK)
            s = clab__hvg_choose(cx, o, n, w->b_mean, w->b_norm, w->b_chosen);
        if (s != CLAB_OK) {
            const char *name = w->batches ? clab_value_at_str(w->batches, b, number, sizeof number) : NULL;
            return name ? clab_context(cx, "batch %s", clab_show(name)) : s;
        }
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
    if (w->batches && o->n_top > 0)
        return clab__hvg_rank(cx, o->n_top, w->n_genes, w->n_chosen, w->norm,
                              (const char *const *)d->var->index->data, w->chosen);
    return clab__hvg_choose(cx, o, w->n_genes, w->mean, w->norm, w->chosen);
}

/* ---- the result --------------------------------------------------------------------------------------------*/

static clab_status set_column(clab_ctx *cx, clab_dataset *d, const char *name, clab_dtype t, const void *values)
{
    int64_t n = clab_dataset_n_vars(d);
    clab_value *v = NULL;
    clab_status s = clab_value_array(cx, t, 1, &n, values, &v);

    if (s == CLAB_OK)
        s = clab_dataset_var_set(cx, d, name, v);
    clab_value_unref(v);
    return s;
}

static clab_status note_flavor(clab_ctx *cx, clab_dataset *d, const char *flavor)
{
    clab_value *dict = NULL, *v = NULL;
    clab_status s = clab_value_dict(cx, &dict);

    if (s == CLAB_OK)
        s = clab_value_string(cx, flavor, &v);
    if (s == CLAB_OK)
        s = clab_value_set(cx, dict, "flavor", v);
    if (s == CLAB_OK)
        s = clab_dataset_uns_set(cx, d, "hvg", dict);
    clab_value_unref(v);
    clab_value_unref(dict);
    return s;
}

static clab_status write_result(clab_ctx *cx, clab_dataset *d, const genes *w, const clab_arg *args)
{
    clab_value *norm = NULL;
    clab_status s = set_column(cx, d, "highly_variable", CLAB_BOOL, w->chosen);

    if (s == CLAB_OK)
        s = set_column(cx, d, "means", CLAB_F64, w->mean);
    if (s == CLAB_OK)
        s = set_column(cx, d, "dispersions", CLAB_F64, w->disp);
    if (s == CLAB_OK)
        s = clab_value_array(cx, CLAB_F32, 1, &w->n_genes, NULL, &norm);
    for (int64_t g = 0; s == CLAB_OK && g < w->n_genes; g++)
        ((float *)norm->data)[g] = (float)w->norm[g];
    if (s == CLAB_OK)
        s = clab_dataset_var_set(cx, d, "dispersions_norm", norm);
    clab_value_unref(norm);
    if (s == CLAB_OK && args[BATCH_KEY].given)
        s = set_column(cx, d, "highly_variable_nbatches", CLAB_I64, w->n_chosen);
    if (s == CLAB_OK && args[BATCH_KEY].given) {
        for (int64_t g = 0; g < w->n_genes; g++)
            w->b_chosen[g] = w->n_chosen[g] == w->n_batches;
        s = set_column(cx, d, "highly_variable_intersection", CLAB_BOOL, w->b_chosen);
    }
    return s == CLAB_OK ? note_flavor(cx, d, args[FLAVOR].s) : s;
}

static clab_status deliver(clab_ctx *cx, const clab_dataset *d, const genes *w, const clab_arg *args,
                           clab_dataset **out)
{
    clab_dataset *marked = NULL;
    int64_t n = 0;
    clab_status s = clab_dataset_copy(cx, d, &marked);

    for (int64_t g = 0; g < w->n_genes; g++)
        n += w->chosen[g];
    if (s == CLAB_OK)
        s = write_result(cx, marked, w, args);
    if (s == CLAB_OK && n == 0) {
        s = clab_fail(cx, CLAB_ESTATE, "none of %s genes is chosen", clab_text_count(w->n_genes));
        s = clab_hint(cx, "give n_top, or wider cutoffs");
    }
    if (s == CLAB_OK && args[N_TOP].given && n < args[N_TOP].i)
        clab_warn(cx, "hvg: %s genes were asked for; only %s have a dispersion", clab_text_count(args[N_TOP].i),
                  clab_text_count(n));
    if (s == CLAB_OK && args[SUBSET].b) {
        s = clab_dataset_keep_vars(cx, marked, w->chosen, out);
    } else if (s == CLAB_OK) {
        *out = marked;
        marked = NULL;
    }
    clab_dataset_unref(marked);
    return s;
}

static clab_status batches_of(clab_ctx *cx, const clab_dataset *d, const clab_arg *key, clab_value **levels,
                              int32_t **codes, int *n)
{
    const clab_value *column;
    int64_t missing = 0;
    clab_status s;

    *codes = NULL;
    *n = 1;
    if (!key->given)
        return CLAB_OK;
    s = clab_dataset_obs_get(cx, d, key->s, &column);
    if (s == CLAB_OK)
        s = clab_value_codes(cx, column, levels, codes);
    if (s != CLAB_OK)
        return s;
    *n = (int)clab_value_len(*levels);
    for (int64_t i = 0; i < clab_dataset_n_obs(d); i++)
        missing += (*codes)[i] < 0;
    if (*n == 0)
        return clab_fail(cx, CLAB_EARG, "obs.%s has no value: no batches", clab_show(key->s));
    if (missing > 0)
        clab_warn(cx, "hvg: %s cells without %s are left out of the statistics", clab_text_count(missing),
                  clab_show(key->s));
    return CLAB_OK;
}

static clab__hvg_opts options(const clab_arg *args)
{
    return (clab__hvg_opts){
        .cell_ranger = strcmp(args[FLAVOR].s, "cell_ranger") == 0,
        .n_top = args[N_TOP].given ? args[N_TOP].i : 0,
        .n_bins = args[N_BINS].i,
        .min_mean = args[MIN_MEAN].num,
        .max_mean = args[MAX_MEAN].num,
        .min_disp = args[MIN_DISP].num,
        .max_disp = args[MAX_DISP].given ? args[MAX_DISP].num : (double)INFINITY,
    };
}

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    const clab__hvg_opts o = options(args);
    clab__gene_sums_opts so = {.expm1 = !o.cell_ranger, .phase = "hvg"};
    clab__gene_sums *sums = NULL;
    clab_matrix *m = NULL;
    int32_t *codes = NULL;
    genes w = {0};
    double base;
    clab_status s = batches_of(cx, d, &args[BATCH_KEY], &w.batches, &codes, &so.n_groups);

    if (s == CLAB_OK)
        s = log_view(cx, d, &m, &base);
    if (s == CLAB_OK) {
        so.group = codes;
        so.log_base = base > 0 ? log(base) : 1;
        s = clab__gene_sums_new(cx, m, &so, &sums);
    }
    if (s == CLAB_OK)
        s = check_finite(cx, sums);
    if (s == CLAB_OK)
        s = genes_new(cx, sums->n_genes, so.n_groups, &w);
    if (s == CLAB_OK)
        s = all_batches(cx, &o, sums, &w);
    if (s == CLAB_OK)
        s = choose(cx, d, &o, &w);
    if (s == CLAB_OK)
        s = deliver(cx, d, &w, args, out);
    clab_mem_free(cx, w.block);
    clab_value_unref(w.batches);
    clab__gene_sums_free(sums);
    clab_matrix_unref(m);
    clab_mem_free(cx, codes);
    return s;
}

static const clab_param params[] = {
    [N_TOP] = {.name = "n_top", .type = CLAB_P_INT, .def = "", .min = 1, .max = 2147483647, .unit = "genes",
               .help = "so many genes with the largest normalised dispersion; without it the cutoffs decide"},
    [FLAVOR] = {.name = "flavor", .type = CLAB_P_ENUM, .def = "seurat", .choices = "seurat|cell_ranger", .unit = "",
                .help = "how dispersions are computed and normalised"},
    [BATCH_KEY] = {.name = "batch_key", .type = CLAB_P_OBS, .def = "", .unit = "",
                   .help = "choose in every batch, then the genes that most batches chose"},
    [SUBSET] = {.name = "subset", .type = CLAB_P_BOOL, .def = "true", .unit = "",
                .help = "keep the chosen genes only; false marks them in var.highly_variable"},
    [MIN_MEAN] = {.name = "min_mean", .type = CLAB_P_NUM, .def = "0.0125", .unit = "",
                  .help = "cutoff without n_top: mean above"},
    [MAX_MEAN] = {.name = "max_mean", .type = CLAB_P_NUM, .def = "3", .unit = "",
                  .help = "cutoff without n_top: mean below"},
    [MIN_DISP] = {.name = "min_disp", .type = CLAB_P_NUM, .def = "0.5", .unit = "",
                  .help = "cutoff without n_top: normalised dispersion above"},
    [MAX_DISP] = {.name = "max_disp", .type = CLAB_P_NUM, .def = "", .unit = "",
                  .help = "cutoff without n_top: normalised dispersion below"},
    [N_BINS] = {.name = "n_bins", .type = CLAB_P_INT, .def = "20", .min = 1, .max = 1000, .unit = "bins",
                .help = "bins over the mean (seurat)"},
};

static clab_status estimate(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, int64_t *bytes)
{
    int64_t n_batches = 1;
    const clab_value *column;

    if (args[BATCH_KEY].given) {
        clab_status s = clab_dataset_obs_get(cx, d, args[BATCH_KEY].s, &column);
        if (s != CLAB_OK)
            return s;
        if (column->kind == CLAB_V_CATEGORICAL)
            n_batches = clab_value_len(column->levels);
    }
    *bytes = clab__gene_sums_bytes(clab_dataset_n_vars(d), (int)n_batches) + 13 * 8 * clab_dataset_n_vars(d);
    return CLAB_OK;
}

const clab_step clab_step_hvg = {
    .name = "hvg",
    .group = "select",
    .summary = "choose highly variable genes",
    .formula = "dispersion var/mean, normalised in bins of the mean, as scanpy.pp.highly_variable_genes",
    .reads = "X (log-normalised, or counts), obs.<batch_key>",
    .writes = "genes; var.highly_variable, means, dispersions, dispersions_norm; uns.hvg",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .positional = N_TOP,
    .run = run,
    .estimate = estimate,
};
