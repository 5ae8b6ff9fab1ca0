/* guard.h -- a small parent process that outlives the session: when that is killed, it restores the terminal
 * and says what happened.  SIGKILL, the out-of-memory killer's signal, can be answered in no other way. */
#ifndef CLAB_GUARD_H
#define CLAB_GUARD_H

#include <stddef.h>
#include <termios.h>

/* Shared between the two processes. */
typedef struct {
    volatile int alternate;   /* the session shows its full screen */
    volatile int ended;       /* the session has restored the terminal itself */
    char doing[160];          /* the statement that runs, plain text; "" when idle */
} clab_guard_board;

/* clab_guard_split -- fork; returns in the child, whose board is never NULL.  The parent stays inside until the
 * child is gone, then exits with its status (128 + signal when it was killed).  tty and its modes are what
 * it restores; out_fd, the child's output pipe, is emptied to the terminal after a crash.
 * Without a fork to be had the session goes on unguarded. */
clab_guard_board *clab_guard_split(int tty, const struct termios *cooked, int out_fd);

/* clab_guard_none -- a board without a guard. */
clab_guard_board *clab_guard_none(void);

#endif
