/* score_genes.c -- the score of a set of genes in every cell.  docs/steps/score_genes.md */
#include "steps/score_impl.h"

enum { GENES, SCORE_NAME, CTRL_SIZE, CTRL_AS_REF, GENE_POOL, N_BINS, SEED, LAYER, USE_RAW };

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    const clab__score_opts o = {.step = "score_genes", .ctrl_as_ref = args[CTRL_AS_REF].b,
                                .ctrl_size = args[CTRL_SIZE].i, .n_bins = args[N_BINS].i,
                                .seed = (uint32_t)args[SEED].i, .pool = &args[GENE_POOL], .layer = &args[LAYER],
                                .use_raw = &args[USE_RAW]};
    clab__score_set set = {.genes = &args[GENES]};
    clab_value *score = NULL;
    clab_dataset *scored = NULL;
    clab_status s = clab__score_column(cx, d, &score);

    if (s == CLAB_OK) {
        set.score = score->data;
        s = clab__scores(cx, d, &o, &set, 1);
    }
    if (s == CLAB_OK)
        s = clab_dataset_copy(cx, d, &scored);
    if (s == CLAB_OK)
        s = clab_dataset_obs_set(cx, scored, args[SCORE_NAME].s, score);
    if (s == CLAB_OK)
        *out = clab_dataset_ref(scored);
    clab_dataset_unref(scored);
    clab_value_unref(score);
    return s;
}

static clab_status estimate(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, int64_t *bytes)
{
    (void)cx;
    (void)args;
    *bytes = clab__score_bytes(clab_dataset_n_vars(d));
    return CLAB_OK;
}

static const clab_param params[] = {
    [GENES] = {.name = "genes", .type = CLAB_P_STRS, .def = NULL, .unit = "", .help = "names of the genes to score"},
    [SCORE_NAME] = {.name = "score_name", .type = CLAB_P_STR, .def = "score", .unit = "",
                    .help = "obs column to write"},
    [CTRL_SIZE] = {.name = "ctrl_size", .type = CLAB_P_INT, .def = "50", .min = 1, .max = 2147483647, .unit = "genes",
                   .help = "control genes for each bin of expression that a listed gene is in"},
    [CTRL_AS_REF] = {.name = "ctrl_as_ref", .type = CLAB_P_BOOL, .def = "true", .unit = "",
                     .help = "listed genes take part in the draw of control genes, and are then removed"},
    [GENE_POOL] = {.name = "gene_pool", .type = CLAB_P_STRS, .def = "", .unit = "",
                   .help = "genes that control genes come from, the listed ones among them; without it all"},
    [N_BINS] = {.name = "n_bins", .type = CLAB_P_INT, .def = "25", .min = 2, .max = 100000, .unit = "bins",
                .help = "bins of average expression"},
    [SEED] = {.name = "seed", .type = CLAB_P_INT, .def = "0", .min = 0, .max = 4294967295.0, .unit = "",
              .help = "of the draw (scanpy's random_state)"},
    [LAYER] = {.name = "layer", .type = CLAB_P_LAYER, .def = "", .unit = "", .help = "of this layer instead of X"},
    [USE_RAW] = {.name = "use_raw", .type = CLAB_P_BOOL, .def = "", .unit = "",
                 .help = "of raw.X; without it raw where there is one"},
};

const clab_step clab_step_score_genes = {
    .name = "score_genes",
    .group = "describe",
    .summary = "how much each cell expresses of a set of genes, above control genes of like expression",
    .formula = "mean of the listed genes - mean of control genes drawn from the same bins of average expression, "
               "as scanpy.tl.score_genes",
    .reads = "X, a layer or raw.X",
    .writes = "obs.<score_name>",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .positional = GENES,
    .run = run,
    .estimate = estimate,
};
