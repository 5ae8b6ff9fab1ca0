/* history.h -- metric curves of a training run under the peer's names. */
#ifndef CLAB_HISTORY_H
#define CLAB_HISTORY_H

#include "base/ctx.h"

typedef struct {
    char name[48];
    int64_t n, cap;
    double *x, *y;      /* epoch or round (0-based), value */
} clab_curve;

typedef struct {
    clab_curve *curves;
    int n, cap;
} clab_history;

/* Adds a point here and, under the same name, to the ledger's live series. */
CLAB_MUST_CHECK clab_status clab_history_add(clab_ctx *cx, clab_history *h, const char *name, double x, double y);
/* The same without the live series: for curves that are read back. */
CLAB_MUST_CHECK clab_status clab_history_keep(clab_ctx *cx, clab_history *h, const char *name, double x, double y);
const clab_curve *clab_history_get(const clab_history *h, const char *name); /* NULL when there is none */
void clab_history_free(clab_history *h); /* leaves it empty */

#endif
