/* meter.h -- memory, node and GPU in words and bars, from a snapshot into a grid.  Pure. */
#ifndef CLAB_METER_H
#define CLAB_METER_H

#include "glyphs.h"
#include "grid.h"
#include "layout.h"
#include "ledger/ledger.h"

/* clab_meter_draw -- fill r with as many lines as it has rows, most important first: memory in use against
 * the limit in force, bytes by owner, the node, then one line per GPU (or why there is none). */
void clab_meter_draw(clab_grid *g, clab_rect r, const clab_snapshot *s, const clab_glyphs *glyphs);

/* clab_meter_line -- all of it in one line, for a pane without room. */
void clab_meter_line(clab_grid *g, clab_rect r, const clab_snapshot *s, const clab_glyphs *glyphs);

/* clab_meter_amount -- bytes with three digits ("41.2", "1.04", "812"), in the unit that suits `of`
 * (bytes itself when of < 0).  Returns the unit's name; "n/a" and "" when bytes < 0. */
const char *clab_meter_amount(int64_t bytes, int64_t of, char *buf, size_t n);

/* clab_meter_clock -- "0:41", "2:26", "1:02:03"; "" for less than 0. */
char *clab_meter_clock(double seconds, char *buf, size_t n);

#endif
