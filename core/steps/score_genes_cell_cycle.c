/* score_genes_cell_cycle.c -- scores of the S and G2/M genes, and the phase they speak for.
 * docs/steps/score_genes_cell_cycle.md */
#include "ledger/ledger.h"
#include "steps/score_impl.h"

enum { S_GENES, G2M_GENES, COMMON };

static clab_status phases(clab_ctx *cx, const double *s_score, const double *g2m_score, int64_t n, clab_value **out)
{
    void *names = NULL;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * (int64_t)sizeof(char *) + 8, "phases", &names);

    for (int64_t i = 0; s == CLAB_OK && i < n; i++)
        ((const char **)names)[i] = s_score[i] < 0 && g2m_score[i] < 0 ? "G1" : g2m_score[i] > s_score[i] ? "G2M" : "S";
    if (s == CLAB_OK)
        s = clab_value_factor(cx, n, names, out);
    clab_mem_free(cx, names);
    return s;
}

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    int64_t n_s = args[S_GENES].n_strs, n_g2m = args[G2M_GENES].n_strs;
    const clab__score_opts o =
        clab__score_opts_of("score_genes_cell_cycle", n_s < n_g2m ? n_s : n_g2m, &args[COMMON]);
    clab__score_set sets[2] = {{.genes = &args[S_GENES]}, {.genes = &args[G2M_GENES]}};
    clab_value *columns[3] = {NULL, NULL, NULL};
    static const char *const names[3] = {"S_score", "G2M_score", "phase"};
    clab_dataset *scored = NULL;
    clab_status s = CLAB_OK;

    for (int k = 0; s == CLAB_OK && k < 2; k++) {
        s = clab__score_column(cx, d, &columns[k]);
        if (s == CLAB_OK)
            sets[k].score = columns[k]->data;
    }
    if (s == CLAB_OK)
        s = clab__scores(cx, d, &o, sets, 2);
    if (s == CLAB_OK)
        s = phases(cx, sets[0].score, sets[1].score, clab_dataset_n_obs(d), &columns[2]);
    if (s == CLAB_OK)
        s = clab_dataset_copy(cx, d, &scored);
    for (int k = 0; s == CLAB_OK && k < 3; k++)
        s = clab_dataset_obs_set(cx, scored, names[k], columns[k]);
    if (s == CLAB_OK)
        *out = clab_dataset_ref(scored);
    clab_dataset_unref(scored);
    for (int k = 0; k < 3; k++)
        clab_value_unref(columns[k]);
    return s;
}

static clab_status estimate(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, int64_t *bytes)
{
    (void)cx;
    (void)args;
    *bytes = clab__score_bytes(clab_dataset_n_vars(d)) + 8 * clab_dataset_n_obs(d);
    return CLAB_OK;
}

static const clab_param params[] = {
    [S_GENES] = {.name = "s_genes", .type = CLAB_P_STRS, .def = NULL, .unit = "", .help = "genes of the S phase"},
    [G2M_GENES] = {.name = "g2m_genes", .type = CLAB_P_STRS, .def = NULL, .unit = "",
                   .help = "genes of the G2 and M phases"},
    CLAB__SCORE_PARAMS,
};

const clab_step clab_step_score_genes_cell_cycle = {
    .name = "score_genes_cell_cycle",
    .group = "describe",
    .summary = "scores of the S and G2/M genes of every cell, and its phase",
    .formula = "two scores as score_genes; phase S, G2M where that score is larger, G1 where both are below 0, as "
               "scanpy.tl.score_genes_cell_cycle",
    .reads = "X, a layer or raw.X",
    .writes = "obs.S_score, obs.G2M_score, obs.phase",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .positional = -1,
    .run = run,
    .estimate = estimate,
};
