/* grid.h -- a rectangle of character cells that frames are composed in; knows no terminal.
 * Text is cut by columns, never by bytes, and made harmless on its way in. */
#ifndef CLAB_GRID_H
#define CLAB_GRID_H

#include <stdint.h>
#include <wchar.h>

#include "base/status.h"
#include "theme.h"

typedef struct {
    wchar_t ch;    /* 0: the right half of a wide character */
    uint8_t role;  /* clab_role */
} clab_cell;

typedef struct {
    int rows, cols;
    clab_cell *cell; /* rows x cols */
} clab_grid;

/* clab_grid_new -- rows x cols blanks; NULL when memory is short.  Both are taken as at least 1. */
clab_grid *clab_grid_new(int rows, int cols);
void clab_grid_free(clab_grid *g);
void clab_grid_clear(clab_grid *g);

/* Cells outside the grid are silently not drawn. */
void clab_grid_put(clab_grid *g, int row, int col, wchar_t ch, clab_role role);
void clab_grid_fill(clab_grid *g, int row, int col, int n, wchar_t ch, clab_role role);

/* clab_grid_text -- UTF-8 text over at most `width` columns; returns the columns used. */
int clab_grid_text(clab_grid *g, int row, int col, int width, clab_role role, const char *text);
int clab_grid_textf(clab_grid *g, int row, int col, int width, clab_role role, const char *fmt, ...)
    CLAB_PRINTF(6, 7);

/* clab_grid_dump -- all rows as UTF-8 lines without trailing blanks, for tests; malloc'd. */
char *clab_grid_dump(const clab_grid *g);

/* clab_utf8_next -- decode one character of *s and step over it; U+FFFD for a byte that is none. */
wchar_t clab_utf8_next(const char **s);
/* clab_utf8_width -- columns that text takes on a terminal. */
int clab_utf8_width(const char *text);

#endif
