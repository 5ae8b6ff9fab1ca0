/* frame.h -- a whole frame: snapshot and layout in, cells out.  Pure, so that it can be tested as text. */
#ifndef CLAB_FRAME_H
#define CLAB_FRAME_H

#include "glyphs.h"
#include "grid.h"
#include "layout.h"
#include "ledger/ledger.h"

/* clab_frame_wish -- what the facts ask the layout for; rows as in clab_wish. */
clab_wish clab_frame_wish(const clab_snapshot *s, int rows);

/* clab_frame_draw -- compose the frame into g, whose size is l->pane's. */
void clab_frame_draw(clab_grid *g, const clab_layout *l, const clab_snapshot *s, clab_glyph_level level);

/* clab_frame_progress -- "57/200 epochs", "57 epochs", or "" when nothing is counted. */
char *clab_frame_progress(const clab_snapshot *s, char *buf, size_t n);

/* clab_frame_curves -- indices of the run's training curve and its validation twin, -1 for none. */
void clab_frame_curves(const clab_snapshot *s, int *train, int *valid);

#endif
