/* child.h -- another program on our terminal: a shell command, a pager, an editor. */
#ifndef CLAB_CHILD_H
#define CLAB_CHILD_H

#include <stddef.h>

/* clab_child_run -- run `sh -c command` with standard streams on tty, wait; input (n bytes, may be NULL) is
 * fed to its standard input.  The caller has lifted the screen.  Stops with it on Ctrl-Z.
 * Returns its exit status, 128 + signal, or -1 when it cannot be started. */
int clab_child_run(int tty, const char *command, const char *input, size_t n);

#endif
