/* score_genes.c -- the score of a set of genes in every cell.  docs/steps/score_genes.md */
#include "steps/score_impl.h"

enum { GENES, SCORE_NAME, CTRL_SIZE, COMMON };

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    const clab__score_opts o = clab__score_opts_of("score_genes", args[CTRL_SIZE].i, &args[COMMON]);
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
    CLAB__SCORE_PARAMS,
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
