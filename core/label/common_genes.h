/* common_genes.h -- restrict studies to the genes that all of them have, by name or by a var column. */
#ifndef CLAB_COMMON_GENES_H
#define CLAB_COMMON_GENES_H

#include "data/dataset.h"

/* clab_common_genes -- out[i] = parts[i] with the common genes, in the order of parts[0].
 *   by    var column to compare (Ensembl IDs beside symbols, say); NULL = the gene names
 *   out   n datasets, owned by the caller; untouched on error
 * A name that occurs twice in a part stands for its first gene there; how many were dropped is noted,
 * as are the genes that only one part has.
 * Errors: EARG nothing in common, or under 10 % of the smaller part (says the kinds of names seen). */
CLAB_MUST_CHECK clab_status clab_common_genes(clab_ctx *cx, const clab_dataset *const *parts, int n, const char *by,
                                              clab_dataset **out);

#endif
