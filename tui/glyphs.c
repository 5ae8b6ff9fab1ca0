/* glyphs.c -- three tables and how one is chosen. */
#include "glyphs.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

static const clab_glyphs tables[] = {
    [CLAB_GLYPHS_ASCII] = {CLAB_GLYPHS_ASCII, L'-', L'|', L'+', L'^', L'-', L'#', L'.', L'x', L'^', L'o'},
    [CLAB_GLYPHS_BLOCKS] = {CLAB_GLYPHS_BLOCKS, L'─', L'│', L'└', L'┴', L'·', L'▇', L'▁', L'×', L'▲', L'o'},
    [CLAB_GLYPHS_BRAILLE] = {CLAB_GLYPHS_BRAILLE, L'─', L'│', L'└', L'┴', L'·', L'▇', L'▁', L'×', L'▲', L'o'},
};

const clab_glyphs *clab_glyphs_get(clab_glyph_level level)
{
    return &tables[level];
}

clab_glyph_level clab_glyphs_choose(void)
{
    const char *set = getenv("CELLLAB_GLYPHS"), *term = getenv("TERM");

    if (set && set[0] >= '0' && set[0] <= '2' && set[1] == '\0')
        return (clab_glyph_level)(set[0] - '0');
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        return CLAB_GLYPHS_ASCII;
    if (term && strcmp(term, "linux") == 0)
        return CLAB_GLYPHS_ASCII;
    return CLAB_GLYPHS_BRAILLE;
}

wchar_t clab_glyphs_column(clab_glyph_level level, int eighths)
{
    static const wchar_t ascii[9] = L" ..::||##";
    static const wchar_t blocks[9] = L" ▁▂▃▄▅▆▇█";

    if (eighths < 0)
        eighths = 0;
    if (eighths > 8)
        eighths = 8;
    return level == CLAB_GLYPHS_ASCII ? ascii[eighths] : blocks[eighths];
}

wchar_t clab_glyphs_braille(unsigned mask)
{
    /* Unicode numbers the dots column-wise: 1 2 3 on the left, 4 5 6 on the right, then 7 and 8 below. */
    static const unsigned char bit[8] = {0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80};
    unsigned code = 0;

    for (int i = 0; i < 8; i++)
        if (mask & (1u << i))
            code |= bit[i];
    return code ? (wchar_t)(0x2800 + code) : L' ';
}
