/* plan_impl.h -- what the files of this room share. */
#ifndef CLAB_PLAN_IMPL_H
#define CLAB_PLAN_IMPL_H

#include "base/text.h"
#include "plan/plan.h"

/* s cut or filled up to `columns`. */
void clab__plan_cell(clab_str *b, const char *s, int columns);
/* What a row did: its steps, else its text. */
const char *clab__plan_step(const clab_timeline_row *r);
/* Is it worth a line in a table?  A row in which no step ran and no file was touched is not. */
bool clab__plan_shown(const clab_timeline_row *r);

#endif
