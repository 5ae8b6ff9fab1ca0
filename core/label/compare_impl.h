/* compare_impl.h -- small words for reading the DICT of a comparison. */
#ifndef CLAB_COMPARE_IMPL_H
#define CLAB_COMPARE_IMPL_H

#include "label/compare.h"

/* What stands there; `otherwise` when there is no such key. */
int64_t clab__get_integer(const clab_value *dict, const char *key, int64_t otherwise);
bool clab__get_boolean(const clab_value *dict, const char *key, bool otherwise);
const char *clab__get_text(const clab_value *dict, const char *key, const char *otherwise);

/* One loaded dataset as clab_inspect_file tells it, with var_names. */
CLAB_MUST_CHECK clab_status clab__study_of(clab_ctx *cx, const clab_dataset *d, clab_value **out);

#endif
