/* progress.h -- a running phase as occasional dated lines, for logs and for readers of single lines. */
#ifndef CLAB_PROGRESS_H
#define CLAB_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "ledger/ledger.h"

typedef struct {
    char phase[64];
    int tenth;       /* of the total, at the last line */
    double said;     /* seconds into the phase of the last line */
} clab_progress;

/* clab_progress_line -- is a line due (each tenth of the work, or 30 s; nothing in a phase's first second)?
 * Then it is in buf, without a newline. */
bool clab_progress_line(clab_progress *p, const clab_snapshot *s, char *buf, size_t n);

#endif
