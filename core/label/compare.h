/* compare.h -- will two studies fit together, and what would a concat cost: lab.compare and inspect. */
#ifndef CLAB_COMPARE_H
#define CLAB_COMPARE_H

#include "data/dataset.h"
#include "data/genes.h"

/* clab_compare -- two loaded datasets (b may be NULL) as a DICT:
 *   a, b     DICT: file, n_obs, n_vars, x, layers, raw, counts, obs as clab_inspect_file (io/io.h), and
 *            genes {kind, first, duplicates}
 *   genes    shared, only_a, only_b, same_order, ids_differ        (with b)
 *   concat   inner, outer: cells, genes, celllab_bytes, csr_bytes, dense_bytes   (with b)
 * celllab_bytes: a concat is a view, so it is what both hold already.  csr_bytes: a scipy CSR matrix of
 * float32, 8 bytes a non-zero and 8 a row; for inner an upper bound, since X is not read. */
CLAB_MUST_CHECK clab_status clab_compare(clab_ctx *cx, const clab_dataset *a, const clab_dataset *b, clab_value **out);
/* From files, without loading X (b may be NULL). full: scan every value for whole numbers. */
CLAB_MUST_CHECK clab_status clab_compare_files(clab_ctx *cx, const char *a, const char *b, bool full, clab_value **out);
/* As text for people; caller free()s. */
CLAB_MUST_CHECK clab_status clab_compare_text(clab_ctx *cx, const clab_value *cmp, char **out);

/* clab_value_json -- any value tree as JSON, indented by two; NaN, Inf and missing values are null, bytes that are
 * no UTF-8 become U+FFFD.  Caller free()s. */
CLAB_MUST_CHECK clab_status clab_value_json(clab_ctx *cx, const clab_value *v, char **out);

#endif
