/* repl.h -- the interactive program: a prompt with a live pane, and a view of another session. */
#ifndef CLAB_REPL_H
#define CLAB_REPL_H

#include "options.h"

/* clab_repl_run -- the whole life of an interactive session; reads standard input.  Where that is no
 * terminal, or one that cannot do it, or o->plain: plain lines.  Returns the program's exit code.
 * Call before any thread is started: it may fork its guard. */
int clab_repl_run(const clab_options *o);

/* clab_top_run -- `celllab top [PID]`: the facts of another session, full screen; the newest one when pid
 * is 0.  Lists the sessions when there are several and no terminal.  Returns the exit code. */
int clab_top_run(const clab_options *o, int pid);

#endif
