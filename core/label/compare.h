/* compare.h -- will two studies fit together, and what would a concat cost: lab.compare and inspect. */
#ifndef CLAB_COMPARE_H
#define CLAB_COMPARE_H

#include "data/dataset.h"

/* From two loaded datasets (b may be NULL) to the same DICT that inspect prints. */
CLAB_MUST_CHECK clab_status clab_compare(clab_ctx *cx, const clab_dataset *a, const clab_dataset *b, clab_value **out);
/* From files, without loading X (b may be NULL). full: scan every value for whole numbers. */
CLAB_MUST_CHECK clab_status clab_compare_files(clab_ctx *cx, const char *a, const char *b, bool full, clab_value **out);
/* As text for people, as JSON; caller free()s. */
CLAB_MUST_CHECK clab_status clab_compare_text(clab_ctx *cx, const clab_value *cmp, char **out);
CLAB_MUST_CHECK clab_status clab_value_json(clab_ctx *cx, const clab_value *v, char **out);

/* "Ensembl gene IDs", "symbols", "mixed": kind of n names. */
const char *clab_gene_id_kind(const char *const *names, int64_t n);

#endif
