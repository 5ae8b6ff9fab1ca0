/* terminal.h -- the real terminal: what it can do, and everything that is written to it besides text.
 * (Its source is term.c, the only file that includes the system's <term.h>; hence the other name here.)
 *
 * The pane lives outside the scroll region, in the bottom rows: whatever scrolls above it stays in the
 * terminal's own scrollback, and the line editor needs not know that it is there. */
#ifndef CLAB_TERMINAL_H
#define CLAB_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

typedef struct clab_term clab_term;

/* clab_term_open -- the terminal on descriptor fd (borrowed) of kind $TERM.  NULL with *why (a static
 * string) when it lacks what a pane needs: scroll region, saved cursor, absolute cursor, erase. */
clab_term *clab_term_open(int fd, const char **why);
void clab_term_close(clab_term *t);

/* clab_term_size -- asked anew at each call; 24 x 80 where the terminal does not say. */
void clab_term_size(const clab_term *t, int *rows, int *cols);

/* clab_term_write -- all of it, whatever signals come in between; false when the terminal is gone. */
bool clab_term_write(clab_term *t, const char *s, size_t n);

/* clab_term_reserve -- keep the last `pane` of `rows` rows out of the scroll region.  Scrolls text up where
 * the cursor stands in the way, and leaves the cursor on the text it was on. */
void clab_term_reserve(clab_term *t, int rows, int pane);
/* clab_term_unreserve -- the whole screen scrolls again; everything from row `from` on is erased when
 * from >= 0, everything below the cursor when from < 0.  The cursor stays. */
void clab_term_unreserve(clab_term *t, int rows, int from);

/* clab_term_frame -- bytes drawn relative to (row, 0) in one write; the cursor comes back. */
bool clab_term_frame(clab_term *t, int row, const char *bytes, size_t n);
/* clab_term_clear -- wipe the screen, cursor home. */
void clab_term_clear(clab_term *t);

/* clab_term_alternate -- to the alternate screen without a cursor, and back. */
void clab_term_alternate(clab_term *t, bool on);

/* clab_term_rescue -- bytes that bring the terminal back from any state that this file makes, for a signal
 * handler or another process: from the alternate screen or from the main one.  Fixed for t's life. */
const char *clab_term_rescue(const clab_term *t, bool alternate, size_t *n);

#endif
