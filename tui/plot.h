/* plot.h -- curves in character cells: series in, cells out.  Pure; cost is one pass over the points.
 *
 * Braille draws lines on a 2 x 4 raster per cell (the second series dotted); block and ASCII glyphs draw
 * the first series as filled columns and mark the second on top.  A bucket keeps its minimum and maximum,
 * so a spike survives any reduction.  A value that is not finite shows as a cross in its column. */
#ifndef CLAB_PLOT_H
#define CLAB_PLOT_H

#include "glyphs.h"
#include "grid.h"
#include "layout.h"

typedef struct {
    const float *x, *y; /* n points, x not decreasing; borrowed */
    int n;
    clab_role role;
} clab_plot_series;

typedef struct {
    clab_glyph_level glyphs;
    bool from_zero;      /* the scale starts at 0 (amounts) */
    bool never_log;
    bool fill_from_left; /* few points: one raster column each, growing to the right */
} clab_plot_opts;

/* What was drawn: for axis labels. */
typedef struct {
    double y_lo, y_hi;   /* ends of the scale */
    double x_lo, x_hi;   /* x at the left and right edge of the raster */
    bool log;            /* y is logarithmic: positive and over more than a factor of 50 */
    bool empty;          /* no finite value */
    int bad;             /* values that are NaN or infinite */
} clab_plot_scale;

/* clab_plot_fit -- the scale for `columns` raster columns.  Constant values get room above and below;
 * a few far outliers are cut off (the plot marks them). */
clab_plot_scale clab_plot_fit(const clab_plot_series *s, int n_series, const clab_plot_opts *o, int columns);

/* clab_plot_columns -- raster columns of a rectangle `cols` cells wide. */
int clab_plot_columns(clab_glyph_level level, int cols);

/* clab_plot_draw -- curves without axes into rectangle r of g; returns the scale used. */
clab_plot_scale clab_plot_draw(clab_grid *g, clab_rect r, const clab_plot_series *s, int n_series,
                               const clab_plot_opts *o);

#endif
