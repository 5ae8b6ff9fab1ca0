/* rank_genes.h -- reading what rank_genes_groups left in uns. */
#ifndef CLAB_RANK_GENES_H
#define CLAB_RANK_GENES_H

#include "data/dataset.h"

/* clab_rank_genes_table -- the n best genes of a group as a TABLE: group, rank, names, scores, logfoldchanges,
 * pvals, pvals_adj.  group NULL: of every group, one after another.  key NULL: "rank_genes_groups".
 * ENOTFOUND with what there is; EFORMAT when uns.<key> is something else. */
CLAB_MUST_CHECK clab_status clab_rank_genes_table(clab_ctx *cx, const clab_dataset *d, const char *key,
                                                  const char *group, int64_t n, clab_value **out);

#endif
