/* loop_impl.h -- the loop and what surrounds it. */
#ifndef CLAB_LOOP_IMPL_H
#define CLAB_LOOP_IMPL_H

#include "ui_impl.h"

/* clab_loop_run -- prompt until the user leaves, the terminal is gone or a signal ends it. */
void clab_loop_run(clab__ui *ui);

/* clab_loop_progress -- " (57/200 epochs)" or "". */
void clab_loop_progress(const clab_snapshot *s, char *buf, size_t n);

/* clab_plain_run -- the same session in plain lines; returns the exit code. */
int clab_plain_run(const clab_options *o);

#endif
