/* rank_impl.h -- what the files of rank_genes_groups share.
 * N cells, G genes tested, K groups tested (the reference among them), M sets of cells: the K groups and, where the
 * reference is the rest, one more for cells of no tested group. */
#ifndef CLAB_RANK_IMPL_H
#define CLAB_RANK_IMPL_H

#include "steps/rank_genes.h"
#include "steps/stats_impl.h"

typedef struct {
    clab_ctx *cx;
    const clab_matrix *m;      /* N x G */
    int64_t n, g;
    int k, sets;
    int reference;             /* group, or -1 = the rest */
    int32_t *set;              /* N: 0..sets-1, -1 = takes no part */
    int64_t *cells;            /* M */
    const char **names;        /* K, borrowed from levels */
    clab_value *levels;        /* STRINGS */
    clab__gene_sums *sums;     /* M x G */
    int64_t *nonzero;          /* M x G: cells whose value is not 0 */
    bool own_nonzero;          /* else it is sums->positive */
} clab__ranked;

/* Cells on the other side of a group: of the reference, or all others. */
int64_t clab__ranked_others(const clab__ranked *r, int group);

/* Mean and variance of a gene over the other side. */
void clab__ranked_other_moments(const clab__ranked *r, int group, int64_t gene, double *mean, double *var);

/* clab__rank_t_test -- Welch's t of every group and gene (docs/steps/rank_genes_groups.md eq. 1).
 *   overestimate  in   n of the other side is taken for that of the group
 *   score, p      out  K x G; rows of the reference are not written */
void clab__rank_t_test(const clab__ranked *r, bool overestimate, double *score, double *p);

/* clab__rank_wilcoxon -- Wilcoxon's rank sum as a normal score (eq. 2).
 * Values are turned by gene, a range of genes a pass, in at most `bytes` of memory: the answer does not depend
 * on it.  Errors: EARG for NaN. */
CLAB_MUST_CHECK clab_status clab__rank_wilcoxon(const clab__ranked *r, bool tie_correct, int64_t bytes, double *score,
                                                double *p);

/* What the result is called and holds. */
typedef struct {
    const char *groupby, *reference, *method, *corr_method, *layer, *key; /* layer may be NULL */
    bool use_raw, by_size, pts;
    int64_t n_genes;           /* of each group, 1..G */
} clab__rank_opts;

/* clab__rank_result -- a new handle of d with uns.<key>: records names, scores, pvals, pvals_adj, logfoldchanges
 * with one column a group, best genes first (ties: earlier gene), params, and pts, pts_rest.
 *   genes     in  STRINGS (G)
 *   score, p  in  K x G */
CLAB_MUST_CHECK clab_status clab__rank_result(clab_ctx *cx, const clab_dataset *d, const clab__ranked *r,
                                              const clab_value *genes, const clab__rank_opts *o, const double *score,
                                              double *p, clab_dataset **out);

#endif
