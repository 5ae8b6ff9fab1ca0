/* hvg.c -- genes whose variance stands out among genes of like mean.  docs/steps/hvg.md */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/hvg_impl.h"
#include "steps/stats_impl.h"

enum { N_TOP, FLAVOR, BATCH_KEY, LAYER, SUBSET, MIN_MEAN, MAX_MEAN, MIN_DISP, MAX_DISP, N_BINS, SPAN, CHECK_VALUES };

#define V3_TOP 2000 /* genes, where n_top is not given */

/* ---- batches -----------------------------------------------------------------------------------------------*/

static clab_status batches_of(clab_ctx *cx, const clab_dataset *d, const clab_arg *key, clab__hvg_batches *b)
{
    const clab_value *column;
    int64_t missing = 0;
    clab_status s;

    b->n = 1;
    if (!key->given)
        return CLAB_OK;
    s = clab_dataset_obs_get(cx, d, key->s, &column);
    if (s == CLAB_OK)
        s = clab_value_codes(cx, column, &b->names, &b->codes);
    if (s != CLAB_OK)
        return s;
    b->n = (int)clab_value_len(b->names);
    for (int64_t i = 0; i < clab_dataset_n_obs(d); i++)
        missing += b->codes[i] < 0;
    if (b->n == 0)
        return clab_fail(cx, CLAB_EARG, "obs.%s has no value: no batches", clab_show(key->s));
    if (missing > 0)
        clab_warn(cx, "hvg: %s cells without %s are left out of the statistics", clab_text_count(missing),
                  clab_show(key->s));
    return CLAB_OK;
}

clab_status clab__hvg_blame(clab_ctx *cx, const clab__hvg_batches *b, int batch)
{
    char number[40];
    const char *name = b->names ? clab_value_at_str(b->names, batch, number, sizeof number) : NULL;

    return name ? clab_context(cx, "batch %s", clab_show(name)) : clab_error_status(cx);
}

/* ---- the result --------------------------------------------------------------------------------------------*/

clab_status clab__hvg_column(clab_ctx *cx, clab_dataset *d, const char *name, clab_dtype t, const void *values)
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
    clab_value *dict = NULL;
    clab_status s = clab_value_dict(cx, &dict);

    if (s == CLAB_OK)
        s = clab_value_set_string(cx, dict, "flavor", flavor);
    if (s == CLAB_OK)
        s = clab_dataset_uns_set(cx, d, "hvg", dict);
    clab_value_unref(dict);
    return s;
}

/* The chosen genes of `marked`, or all of them with their marks; takes marked, also on error. */
static clab_status deliver(clab_ctx *cx, clab_dataset *marked, const uint8_t *chosen, const clab_arg *args,
                           clab_dataset **out)
{
    int64_t g = clab_dataset_n_vars(marked), n = 0;
    clab_status s = note_flavor(cx, marked, args[FLAVOR].s);

    for (int64_t j = 0; j < g; j++)
        n += chosen[j];
    if (s == CLAB_OK && n == 0) {
        s = clab_fail(cx, CLAB_ESTATE, "none of %s genes is chosen", clab_text_count(g));
        s = clab_hint(cx, "give n_top, or wider cutoffs");
    }
    if (s == CLAB_OK && args[N_TOP].given && n < args[N_TOP].i)
        clab_warn(cx, "hvg: %s genes were asked for; only %s %s", clab_text_count(args[N_TOP].i), clab_text_count(n),
                  n == g ? "are there" : "have a dispersion");
    if (s == CLAB_OK && args[SUBSET].b)
        s = clab_dataset_keep_vars(cx, marked, chosen, out);
    else if (s == CLAB_OK)
        *out = clab_dataset_ref(marked);
    clab_dataset_unref(marked);
    return s;
}

/* ---- the step ----------------------------------------------------------------------------------------------*/

static bool is_v3(const clab_arg *args)
{
    return strncmp(args[FLAVOR].s, "seurat_v3", 9) == 0;
}

static clab__hvg_opts options(const clab_arg *args)
{
    return (clab__hvg_opts){
        .cell_ranger = strcmp(args[FLAVOR].s, "cell_ranger") == 0,
        .paper = strcmp(args[FLAVOR].s, "seurat_v3_paper") == 0,
        .flavor = args[FLAVOR].s,
        .layer = &args[LAYER],
        .n_top = args[N_TOP].given ? args[N_TOP].i : is_v3(args) ? V3_TOP : 0,
        .span = args[SPAN].num,
        .check_values = args[CHECK_VALUES].b,
        .n_bins = args[N_BINS].i,
        .min_mean = args[MIN_MEAN].num,
        .max_mean = args[MAX_MEAN].num,
        .min_disp = args[MIN_DISP].num,
        .max_disp = args[MAX_DISP].given ? args[MAX_DISP].num : (double)INFINITY,
    };
}

static void tell_ignored(clab_ctx *cx, const clab_arg *args)
{
    static const int cutoffs[] = {MIN_MEAN, MAX_MEAN, MIN_DISP, MAX_DISP};
    bool some = false;

    for (size_t i = 0; i < sizeof cutoffs / sizeof *cutoffs; i++)
        some |= args[cutoffs[i]].explicit_;
    if (some && (args[N_TOP].given || is_v3(args)))
        clab_warn(cx, "hvg: the cutoffs are ignored, since n_top decides");
}

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    const clab__hvg_opts o = options(args);
    clab__hvg_batches batches = {0};
    clab_dataset *marked = NULL;
    void *chosen = NULL;
    clab_status s = batches_of(cx, d, &args[BATCH_KEY], &batches);

    tell_ignored(cx, args);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, clab_dataset_n_vars(d) + 8, "hvg", &chosen);
    if (s == CLAB_OK)
        s = clab_dataset_copy(cx, d, &marked);
    if (s == CLAB_OK)
        s = (is_v3(args) ? clab__hvg_by_variance : clab__hvg_by_dispersion)(cx, d, &o, &batches, marked, chosen);
    if (s == CLAB_OK) {
        s = deliver(cx, marked, chosen, args, out);
        marked = NULL;
    }
    clab_dataset_unref(marked);
    clab_mem_free(cx, chosen);
    clab_value_unref(batches.names);
    clab_mem_free(cx, batches.codes);
    return s;
}

static const clab_param params[] = {
    [N_TOP] = {.name = "n_top", .type = CLAB_P_INT, .def = "", .min = 1, .max = 2147483647, .unit = "genes",
               .help = "so many genes; without it 2,000 in seurat_v3, in the others the cutoffs decide"},
    [FLAVOR] = {.name = "flavor", .type = CLAB_P_ENUM, .def = "seurat", .unit = "",
                .choices = "seurat|cell_ranger|seurat_v3|seurat_v3_paper",
                .help = "how variances are measured: the last two from counts, the others from logarithms"},
    [BATCH_KEY] = {.name = "batch_key", .type = CLAB_P_OBS, .def = "", .unit = "",
                   .help = "choose in every batch, then the genes that most batches chose"},
    [LAYER] = {.name = "layer", .type = CLAB_P_LAYER, .def = "", .unit = "",
               .help = "of these values; without it of X, in seurat_v3 of the counts"},
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
    [SPAN] = {.name = "span", .type = CLAB_P_NUM, .def = "0.3", .min = 1e-6, .max = 1, .unit = "",
              .help = "part of the genes that each local fit of the variance uses (seurat_v3)"},
    [CHECK_VALUES] = {.name = "check_values", .type = CLAB_P_BOOL, .def = "true", .unit = "",
                      .help = "warn when the values are no counts (seurat_v3)"},
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
    if (is_v3(args))
        *bytes = clab__hvg_variance_bytes(clab_dataset_n_vars(d), (int)n_batches);
    return CLAB_OK;
}

const clab_step clab_step_hvg = {
    .name = "hvg",
    .group = "select",
    .summary = "choose highly variable genes",
    .formula = "dispersion var/mean, normalised in bins of the mean, or (seurat_v3) the variance of counts "
               "standardised by a loess of it over the mean, as scanpy.pp.highly_variable_genes",
    .reads = "X (log-normalised, or counts), counts (seurat_v3), obs.<batch_key>",
    .writes = "genes; var.highly_variable, means, dispersions, dispersions_norm or variances, variances_norm, "
              "highly_variable_rank; uns.hvg",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .positional = N_TOP,
    .run = run,
    .estimate = estimate,
};
