/* screen.h -- the pane's life beside the text: opened, lifted for other programs, resized, full screen.
 * The caller keeps the cursor at the start of a text line, the edited line hidden, whenever a function here
 * moves the scroll region; drawing needs no such care. */
#ifndef CLAB_SCREEN_H
#define CLAB_SCREEN_H

#include <stdbool.h>

#include "glyphs.h"
#include "ledger/ledger.h"
#include "pane.h"
#include "terminal.h"
#include "theme.h"

typedef struct clab_screen clab_screen;

/* clab_screen_new -- on terminal t (borrowed).  alternate: kept at 1 while the full screen is shown, for
 * whoever must rescue the terminal.  NULL when memory is short. */
clab_screen *clab_screen_new(clab_term *t, const clab_theme *theme, volatile int *alternate);
/* clab_screen_free -- restores the region first. */
void clab_screen_free(clab_screen *s);

/* clab_screen_show -- the pane with `rows` rows (0 = by size), if the terminal has room; or none. */
void clab_screen_show(clab_screen *s, bool on, int rows);
bool clab_screen_shown(const clab_screen *s); /* wanted, whether or not there is room now */

/* clab_screen_lift / restore -- give the whole terminal to another program and take it back. */
void clab_screen_lift(clab_screen *s);
void clab_screen_restore(clab_screen *s);
/* clab_screen_resized -- the terminal has another size. */
void clab_screen_resized(clab_screen *s);

/* clab_screen_monitor -- full screen on and off; while on, no text may be written. */
void clab_screen_monitor(clab_screen *s, bool on);
bool clab_screen_in_monitor(const clab_screen *s);

/* clab_screen_others -- what is shown belongs to another session; the keys at the bottom say so. */
void clab_screen_others(clab_screen *s);

/* clab_screen_draw -- bring pane or monitor up to date.  False when the terminal is gone. */
bool clab_screen_draw(clab_screen *s, const clab_snapshot *snap);
/* clab_screen_damaged -- the next draw repaints everything. */
void clab_screen_damaged(clab_screen *s);

/* clab_screen_text -- rows and columns left for text. */
void clab_screen_text(const clab_screen *s, int *rows, int *cols);

#endif
