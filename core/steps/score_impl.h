/* score_impl.h -- scores of gene sets against control genes of like expression, for score_genes and
 * score_genes_cell_cycle.  N cells, G genes. */
#ifndef CLAB_SCORE_IMPL_H
#define CLAB_SCORE_IMPL_H

#include "steps/step.h"

typedef struct {
    const char *step;         /* name, for words */
    bool ctrl_as_ref;         /* control genes are drawn among all genes, the listed ones then removed */
    int64_t ctrl_size;        /* control genes for each bin of expression */
    int64_t n_bins;
    uint32_t seed;            /* of MT19937, for each set anew */
    const clab_arg *pool;     /* names the control genes come from; not given = all */
    const clab_arg *layer;
    const clab_arg *use_raw;  /* not given: raw where there is one and no layer is named */
} clab__score_opts;

/* The parameters that both steps end with, in this order: ctrl_as_ref, gene_pool, n_bins, seed, layer, use_raw. */
#define CLAB__SCORE_PARAMS                                                                                         \
    {.name = "ctrl_as_ref", .type = CLAB_P_BOOL, .def = "true", .unit = "",                                        \
     .help = "listed genes take part in the draw of control genes, and are then removed"},                         \
    {.name = "gene_pool", .type = CLAB_P_STRS, .def = "", .unit = "",                                              \
     .help = "genes that control genes come from, the listed ones among them; without it all"},                    \
    {.name = "n_bins", .type = CLAB_P_INT, .def = "25", .min = 2, .max = 100000, .unit = "bins",                   \
     .help = "bins of average expression"},                                                                        \
    {.name = "seed", .type = CLAB_P_INT, .def = "0", .min = 0, .max = 4294967295.0, .unit = "",                    \
     .help = "of the draw (scanpy's random_state)"},                                                               \
    {.name = "layer", .type = CLAB_P_LAYER, .def = "", .unit = "", .help = "of this layer instead of X"},          \
    {.name = "use_raw", .type = CLAB_P_BOOL, .def = "", .unit = "", .help = "of raw.X; without it raw where there is one"}

/* Options from the arguments of CLAB__SCORE_PARAMS, which they point into. */
clab__score_opts clab__score_opts_of(const char *step, int64_t ctrl_size, const clab_arg *common);

typedef struct {
    const clab_arg *genes;    /* names; missing ones are left out with a warning */
    double *score;            /* out: N */
} clab__score_set;

#define CLAB__SCORE_SETS 4 /* at most */

/* clab__scores -- scores of n_sets sets in two passes over the values (docs/steps/score_genes.md).
 * Memory: 64 bytes a gene.  Errors: ENOTFOUND no gene of a set is there;
 * EARG a listed gene is not in the pool; ESTATE no control gene is left. */
CLAB_MUST_CHECK clab_status clab__scores(clab_ctx *cx, const clab_dataset *d, const clab__score_opts *o,
                                         clab__score_set *sets, int n_sets);
int64_t clab__score_bytes(int64_t n_genes);

/* A float64 obs column to be filled. */
CLAB_MUST_CHECK clab_status clab__score_column(clab_ctx *cx, const clab_dataset *d, clab_value **out);

#endif
