/* layout.h -- where things go: screen size and wishes in, rectangles out.  Pure. */
#ifndef CLAB_LAYOUT_H
#define CLAB_LAYOUT_H

#include <stdbool.h>

typedef struct {
    int row, col, rows, cols; /* empty when rows or cols is 0 */
} clab_rect;

typedef struct {
    int rows;    /* pane height the user asked for; 0 = by the size of the screen */
    bool curve;  /* there is a metric to draw beside the memory */
} clab_wish;

/* 80 x 24 is the design size: five rows, three panels.
 * `pane` is in screen coordinates; everything else counts from the pane's upper left corner. */
typedef struct {
    clab_rect pane;
    clab_rect header;  /* one row: phase, progress, device */
    clab_rect curve;   /* metric */
    clab_rect ram;     /* memory over time */
    clab_rect meters;  /* memory, owners, node, GPU in words and bars */
    clab_rect footer;  /* keys; full screen only */
    bool others;       /* another session is shown: no key here stops its step */
} clab_layout;

/* clab_layout_pane -- the pane at the bottom.  Below 12 rows or 40 columns there is none; below 20 rows
 * one line; never more than a third of the screen. */
clab_layout clab_layout_pane(int rows, int cols, const clab_wish *wish);

/* clab_layout_monitor -- the whole screen, whatever its size. */
clab_layout clab_layout_monitor(int rows, int cols, const clab_wish *wish);

#endif
