/* gene_names.c -- name genes by a column, without versions, each name once.  docs/steps/gene_names.md */
#include "data/genes.h"
#include "steps/step.h"

enum { KEY, STRIP_VERSION, DUPLICATES, N_PARAMS };

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    clab_gene_names_opts o = {.key = args[KEY].given && args[KEY].s[0] ? args[KEY].s : NULL,
                              .strip_version = args[STRIP_VERSION].b,
                              .duplicates = args[DUPLICATES].s};

    return clab_gene_names(cx, d, &o, out);
}

static const clab_param params[N_PARAMS] = {
    [KEY] = {.name = "key",
             .type = CLAB_P_VAR,
             .def = "",
             .unit = "",
             .help = "var column that becomes the names; the old ones stay as original_name"},
    [STRIP_VERSION] = {.name = "strip_version",
                       .type = CLAB_P_BOOL,
                       .def = "false",
                       .unit = "",
                       .help = "ENSG00000000003.15 becomes ENSG00000000003"},
    [DUPLICATES] = {.name = "duplicates",
                    .type = CLAB_P_ENUM,
                    .def = "suffix",
                    .choices = "suffix|sum|first|error|keep",
                    .unit = "",
                    .help = "a name that occurs again gets a number, is added to the first, left out, refused or kept"},
};

const clab_step clab_step_gene_names = {
    .name = "gene_names",
    .group = "select",
    .summary = "name genes by a column, without versions, each name once",
    .formula = "suffix as anndata.AnnData.var_names_make_unique; sum adds the counts of all genes of a name",
    .reads = "var.<key>; sum: X, layers and counts",
    .writes = "var index, var.original_name",
    .params = params,
    .n_params = N_PARAMS,
    .positional = KEY,
    .run = run,
};
