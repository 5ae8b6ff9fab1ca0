/* svg.h -- a small writer of SVG figures: text and rectangles, escaped, readable by screen readers. */
#ifndef CLAB_SVG_H
#define CLAB_SVG_H

#include "base/ctx.h"
#include "base/text.h"

typedef enum { CLAB_SVG_START, CLAB_SVG_MIDDLE, CLAB_SVG_END } clab_svg_anchor;

/* clab_svg_open -- header with <title> and <desc>; width x height in pixels. */
void clab_svg_open(clab_str *b, int width, int height, const char *title, const char *desc);
void clab_svg_close(clab_str *b);
/* s is escaped for XML; size in pixels; turned anticlockwise by `turn` degrees around (x, y). */
void clab_svg_text(clab_str *b, double x, double y, clab_svg_anchor anchor, int size, int turn, const char *colour,
                    const char *s);
/* tip: shown on hovering, may be NULL. */
void clab_svg_rect(clab_str *b, double x, double y, double w, double h, const char *fill, const char *tip);
void clab_svg_line(clab_str *b, double x1, double y1, double x2, double y2, const char *colour);
/* A colour between white (0) and the figures' blue (1), "#rrggbb" in buf (8 bytes). */
const char *clab_svg_shade(double share, char buf[8]);

/* Columns that s takes on a terminal, about: code points. */
int clab_svg_columns(const char *s);
/* s shortened to at most `columns` code points, made safe to show; buf >= 4 * columns + 4 bytes. */
const char *clab_svg_shorten(const char *s, int columns, char *buf, size_t n);
/* Hand b over as a string that the caller free()s; ENOMEM when it ran out of memory.  Empties b. */
CLAB_MUST_CHECK clab_status clab_str_give(clab_ctx *cx, clab_str *b, char **out);

#endif
