/* plot.c -- buckets to cells, in braille lines or in filled columns. */
#include "plot_impl.h"

#include <math.h>
#include <string.h>

#define MAX_ROWS 512

int clab_plot_columns(clab_glyph_level level, int cols)
{
    int columns = level == CLAB_GLYPHS_BRAILLE ? cols * 2 : cols;

    return columns > CLAB__PLOT_COLUMNS ? CLAB__PLOT_COLUMNS : columns;
}

/* Position on the scale: 0 at the bottom, steps - 1 at the top; beyond either end clamped. */
static int level_of(const clab_plot_scale *sc, double y, int steps)
{
    double f = sc->log ? log(y / sc->y_lo) / log(sc->y_hi / sc->y_lo) : (y - sc->y_lo) / (sc->y_hi - sc->y_lo);
    double at = f * (steps - 1);

    if (!(at > 0))
        return 0;
    return at > steps - 1 ? steps - 1 : (int)(at + 0.5);
}

/* Fill the columns between two known ones on a straight line, so that a sparse series reads as a curve. */
static void bridge(clab__bucket *b, int n)
{
    int from = -1;

    for (int i = 0; i < n; i++) {
        if (!b[i].any)
            continue;
        for (int k = from + 1; from >= 0 && k < i; k++) {
            float f = (float)(k - from) / (float)(i - from);
            float y = b[from].last + f * (b[i].first - b[from].last);
            if (!b[k].bad)
                b[k] = (clab__bucket){y, y, y, y, true, false};
        }
        from = i;
    }
}

/* ---- braille: a line on the 2 x 4 raster ------------------------------------------------------------*/
typedef struct {
    clab_grid *g;
    clab_rect r;
    unsigned char mask[MAX_ROWS]; /* of the cell column being drawn */
    unsigned char role[MAX_ROWS];
} canvas;

static void canvas_begin(canvas *c)
{
    memset(c->mask, 0, sizeof c->mask);
    memset(c->role, CLAB_ROLE_SERIES1, sizeof c->role);
}

static void canvas_dot(canvas *c, int half, int level, clab_role role)
{
    int from_top = c->r.rows * 4 - 1 - level;

    c->mask[from_top / 4] |= (unsigned char)(1u << (from_top % 4 * 2 + half));
    c->role[from_top / 4] = (unsigned char)role;
}

static void line_column(canvas *c, int half, const clab__bucket *b, int i, const clab_plot_scale *sc,
                        clab_role role)
{
    int steps = c->r.rows * 4;
    int lo = level_of(sc, (double)b[i].lo, steps), hi = level_of(sc, (double)b[i].hi, steps);

    if (i > 0 && b[i - 1].any) { /* meet the neighbour, so that steep parts stay connected */
        int before = level_of(sc, (double)b[i - 1].last, steps);
        if (before < lo)
            lo = before + 1 < lo ? before + 1 : lo;
        if (before > hi)
            hi = before - 1 > hi ? before - 1 : hi;
    }
    for (int level = lo; level <= hi; level++)
        canvas_dot(c, half, level, role);
}

static void draw_lines(clab_grid *g, clab_rect r, const clab_plot_series *s, int n_series,
                       const clab_plot_scale *sc, int columns)
{
    static const int order[2] = {1, 0}; /* the first series last: its colour wins a shared cell */
    clab__bucket b[2][CLAB__PLOT_COLUMNS];
    canvas c = {.g = g, .r = r};

    for (int k = 0; k < n_series; k++) {
        clab__plot_buckets(&s[k], sc, b[k], columns);
        if (k == 0)
            bridge(b[k], columns);
    }
    for (int cell = 0; cell * 2 < columns; cell++) {
        canvas_begin(&c);
        for (int half = 0; half < 2; half++) {
            int i = cell * 2 + half;
            for (int k = 0; k < 2; k++) {
                int which = order[k];
                if (which >= n_series || i >= columns || !b[which][i].any)
                    continue;
                if (which == 1 && half == 1 && b[1][i - 1].any)
                    continue; /* every other column: the second series is dotted */
                line_column(&c, half, b[which], i, sc, s[which].role);
            }
        }
        for (int row = 0; row < r.rows; row++)
            if (c.mask[row])
                clab_grid_put(g, r.row + row, r.col + cell, clab_glyphs_braille(c.mask[row]), c.role[row]);
    }
}

/* ---- blocks and ASCII: filled columns ----------------------------------------------------------------*/
static void draw_columns(clab_grid *g, clab_rect r, const clab_plot_series *s, int n_series,
                         const clab_plot_scale *sc, int columns, clab_glyph_level level)
{
    clab__bucket b[CLAB__PLOT_COLUMNS];
    wchar_t second = clab_glyphs_get(level)->second;

    for (int k = 0; k < n_series; k++) {
        clab__plot_buckets(&s[k], sc, b, columns);
        if (k == 0)
            bridge(b, columns);
        for (int i = 0; i < columns; i++) {
            int height;
            if (!b[i].any)
                continue;
            height = 1 + level_of(sc, (double)b[i].hi, r.rows * 8);
            if (k > 0) {
                clab_grid_put(g, r.row + r.rows - 1 - (height - 1) / 8, r.col + i, second, s[k].role);
                continue;
            }
            for (int row = 0; row < r.rows; row++) {
                int eighths = height - 8 * (r.rows - 1 - row);
                if (eighths > 0)
                    clab_grid_put(g, r.row + row, r.col + i, clab_glyphs_column(level, eighths), s[k].role);
            }
        }
    }
}

/* ---- what a curve must never hide ---------------------------------------------------------------------*/
static void mark_trouble(clab_grid *g, clab_rect r, const clab_plot_series *s, int n_series,
                         const clab_plot_scale *sc, int columns, const clab_glyphs *glyphs)
{
    clab__bucket b[CLAB__PLOT_COLUMNS];
    int per_cell = glyphs->level == CLAB_GLYPHS_BRAILLE ? 2 : 1;

    for (int k = 0; k < n_series; k++) {
        clab__plot_buckets(&s[k], sc, b, columns);
        for (int i = 0; i < columns; i++) {
            if (b[i].any && !sc->empty && (double)b[i].hi > sc->y_hi * (1 + 1e-6) && sc->y_hi > 0)
                clab_grid_put(g, r.row, r.col + i / per_cell, glyphs->above, CLAB_ROLE_WARN);
        }
        for (int i = 0; i < columns; i++)
            if (b[i].bad)
                clab_grid_put(g, r.row, r.col + i / per_cell, glyphs->bad, CLAB_ROLE_ERROR);
    }
}

clab_plot_scale clab_plot_draw(clab_grid *g, clab_rect r, const clab_plot_series *s, int n_series,
                               const clab_plot_opts *o)
{
    int columns = clab_plot_columns(o->glyphs, r.cols);
    clab_plot_scale sc = {.empty = true};

    if (r.rows <= 0 || r.cols <= 0 || n_series <= 0)
        return sc;
    if (r.rows > MAX_ROWS)
        r.rows = MAX_ROWS;
    if (n_series > 2)
        n_series = 2;
    sc = clab_plot_fit(s, n_series, o, columns);
    if (!sc.empty && o->glyphs == CLAB_GLYPHS_BRAILLE)
        draw_lines(g, r, s, n_series, &sc, columns);
    else if (!sc.empty)
        draw_columns(g, r, s, n_series, &sc, columns, o->glyphs);
    mark_trouble(g, r, s, n_series, &sc, columns, clab_glyphs_get(o->glyphs));
    return sc;
}
