/* glyphs.h -- the characters that lines, bars and curves are drawn with, at three levels.
 * Every glyph is one column wide; the empty cell is a space at every level. */
#ifndef CLAB_GLYPHS_H
#define CLAB_GLYPHS_H

#include <wchar.h>

typedef enum {
    CLAB_GLYPHS_ASCII,   /* . : | # */
    CLAB_GLYPHS_BLOCKS,  /* eighths of a cell: better fonts have them than braille */
    CLAB_GLYPHS_BRAILLE  /* 2 x 4 dots a cell */
} clab_glyph_level;

typedef struct {
    clab_glyph_level level;
    wchar_t hline, vline, corner, tick;   /* rules and axes */
    wchar_t dot;                          /* between the parts of a heading */
    wchar_t bar_full, bar_empty;
    wchar_t bad;                          /* a value that is not a number */
    wchar_t above;                        /* a value beyond the scale */
    wchar_t second;                       /* the second series where dots cannot tell it apart */
} clab_glyphs;

/* clab_glyphs_get -- the table of a level. */
const clab_glyphs *clab_glyphs_get(clab_glyph_level level);

/* clab_glyphs_choose -- CELLLAB_GLYPHS=0|1|2, else braille on a UTF-8 terminal, ASCII elsewhere and on the
 * Linux console, whose font has neither braille nor eighths.  Call after setlocale. */
clab_glyph_level clab_glyphs_choose(void);

/* clab_glyphs_column -- a filled column cell at `eighths` 0..8 of its height. */
wchar_t clab_glyphs_column(clab_glyph_level level, int eighths);

/* clab_glyphs_braille -- the cell with the dots set in `mask`: bit row*2 + column, row 0 on top. */
wchar_t clab_glyphs_braille(unsigned mask);

#endif
