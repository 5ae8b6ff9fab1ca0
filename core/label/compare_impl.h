/* compare_impl.h -- small words for building and reading the DICT of a comparison. */
#ifndef CLAB_COMPARE_IMPL_H
#define CLAB_COMPARE_IMPL_H

#include "label/compare.h"

/* Put an item and give up the caller's reference; s is the status of making it and is passed on. */
CLAB_MUST_CHECK clab_status clab__put(clab_ctx *cx, clab_value *dict, const char *key, clab_status s, clab_value *item);
CLAB_MUST_CHECK clab_status clab__put_integer(clab_ctx *cx, clab_value *dict, const char *key, int64_t x);
CLAB_MUST_CHECK clab_status clab__put_boolean(clab_ctx *cx, clab_value *dict, const char *key, bool x);
CLAB_MUST_CHECK clab_status clab__put_number(clab_ctx *cx, clab_value *dict, const char *key, double x);
CLAB_MUST_CHECK clab_status clab__put_text(clab_ctx *cx, clab_value *dict, const char *key, const char *text);

/* What stands there; `otherwise` when there is no such key. */
int64_t clab__get_integer(const clab_value *dict, const char *key, int64_t otherwise);
bool clab__get_boolean(const clab_value *dict, const char *key, bool otherwise);
const char *clab__get_text(const clab_value *dict, const char *key, const char *otherwise);

/* One loaded dataset as clab_inspect_file tells it, with var_names. */
CLAB_MUST_CHECK clab_status clab__study_of(clab_ctx *cx, const clab_dataset *d, clab_value **out);

#endif
