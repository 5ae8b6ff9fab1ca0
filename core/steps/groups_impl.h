/* groups_impl.h -- cells by a column of obs, for steps that compare groups. */
#ifndef CLAB_GROUPS_IMPL_H
#define CLAB_GROUPS_IMPL_H

#include "steps/step.h"

/* clab__groups_read -- levels of obs.<column> as text (STRINGS), and each cell's level, -1 = none.
 * EARG for a column of numbers that is no categorical: those are measurements, not groups.
 * The caller unrefs *levels and clab_mem_free's *codes, also after an error. */
CLAB_MUST_CHECK clab_status clab__groups_read(clab_ctx *cx, const clab_dataset *d, const char *column,
                                              clab_value **levels, int32_t **codes);

#endif
