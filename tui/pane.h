/* pane.h -- frames on the screen: ncurses works out the difference, into a file that is no terminal, and
 * the result goes out in one write.  Draws only; samples nothing. */
#ifndef CLAB_PANE_H
#define CLAB_PANE_H

#include "glyphs.h"
#include "layout.h"
#include "ledger/ledger.h"
#include "terminal.h"
#include "theme.h"

typedef struct clab_pane clab_pane;

/* clab_pane_new -- one a process (ncurses is one a process).  t is borrowed.  NULL when memory is short or
 * ncurses does not know the terminal. */
clab_pane *clab_pane_new(clab_term *t, const clab_theme *theme, clab_glyph_level level);
void clab_pane_free(clab_pane *p);

/* clab_pane_draw -- bring the rows of l->pane to what the snapshot says.  Nothing changed: nothing is
 * written.  Returns the bytes of the frame, -1 when the terminal is gone. */
long clab_pane_draw(clab_pane *p, const clab_layout *l, const clab_snapshot *s);

/* clab_pane_forget -- the rows may have been damaged: the next frame is a whole one. */
void clab_pane_forget(clab_pane *p);
/* clab_pane_resize -- the screen has another size now. */
void clab_pane_resize(clab_pane *p, int rows, int cols);

#endif
