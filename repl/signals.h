/* signals.h -- signals become bytes in a pipe that the terminal's thread polls; fatal ones restore the
 * terminal first. */
#ifndef CLAB_SIGNALS_H
#define CLAB_SIGNALS_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

typedef struct {
    bool winch, intr, quit, stop, cont;
    int end; /* SIGTERM or SIGHUP when one came, else 0 */
} clab_signals;

/* clab_signals_open -- install the handlers; returns the descriptor to poll, -1 on failure. */
int clab_signals_open(void);
/* clab_signals_take -- what came since the last call; the same signal many times counts once. */
clab_signals clab_signals_take(int fd);
/* clab_signals_default -- dispositions and mask as a program expects them, in a child before exec. */
void clab_signals_default(void);

/* What a fatal signal needs to leave a usable terminal behind.  `alternate` points to memory that says which
 * of the two rescue strings applies at that moment. */
typedef struct {
    int tty;
    struct termios cooked;
    const char *main, *other;
    size_t n_main, n_other;
    volatile const int *alternate;
} clab_rescue;

/* clab_signals_rescue -- on SEGV, BUS, FPE, ILL and ABRT: write the rescue, give standard error back to the
 * terminal, then die of the signal.  r must live as long as the process. */
void clab_signals_rescue(const clab_rescue *r);
/* clab_rescue_now -- the same without dying; safe in a handler. */
void clab_rescue_now(const clab_rescue *r);
/* clab_signals_stack -- an alternate stack for the calling thread, so that an overflow can be told; NULL when
 * it has one already.  The same thread hands it to clab_signals_unstack before it ends. */
void *clab_signals_stack(void);
void clab_signals_unstack(void *stack);

#endif
