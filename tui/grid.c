/* grid.c -- cells, and text measured in columns. */
#include "grid.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

clab_grid *clab_grid_new(int rows, int cols)
{
    clab_grid *g = malloc(sizeof *g);

    if (!g)
        return NULL;
    g->rows = rows > 0 ? rows : 1;
    g->cols = cols > 0 ? cols : 1;
    g->cell = calloc((size_t)g->rows * (size_t)g->cols, sizeof *g->cell);
    if (!g->cell) {
        free(g);
        return NULL;
    }
    clab_grid_clear(g);
    return g;
}

void clab_grid_free(clab_grid *g)
{
    if (!g)
        return;
    free(g->cell);
    free(g);
}

void clab_grid_clear(clab_grid *g)
{
    for (int i = 0; i < g->rows * g->cols; i++)
        g->cell[i] = (clab_cell){L' ', CLAB_ROLE_TEXT};
}

void clab_grid_put(clab_grid *g, int row, int col, wchar_t ch, clab_role role)
{
    if (row < 0 || col < 0 || row >= g->rows || col >= g->cols)
        return;
    g->cell[row * g->cols + col] = (clab_cell){ch, (uint8_t)role};
}

void clab_grid_fill(clab_grid *g, int row, int col, int n, wchar_t ch, clab_role role)
{
    for (int i = 0; i < n; i++)
        clab_grid_put(g, row, col + i, ch, role);
}

wchar_t clab_utf8_next(const char **s)
{
    static const unsigned least[4] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)*s;
    unsigned c = *p;
    int more = c < 0x80 ? 0 : (c & 0xe0) == 0xc0 ? 1 : (c & 0xf0) == 0xe0 ? 2 : (c & 0xf8) == 0xf0 ? 3 : -1;

    if (c)
        (*s)++;
    if (more == 0)
        return (wchar_t)c;
    if (more < 0)
        return 0xfffd;
    c &= 0x3fu >> more;
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0xfffd;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[more] || c > 0x10ffff)
        return 0xfffd;
    *s += more;
    return (wchar_t)c;
}

/* Columns of one character: 0 for a combining mark; what the C library cannot place becomes `?`. */
static int width_of(wchar_t *ch)
{
    int w = *ch < 0x80 ? (*ch >= 0x20 && *ch != 0x7f ? 1 : -1) : wcwidth(*ch);

    if (w >= 0)
        return w;
    *ch = L'?';
    return 1;
}

int clab_utf8_width(const char *text)
{
    int cols = 0;

    while (*text) {
        wchar_t ch = clab_utf8_next(&text);
        cols += width_of(&ch);
    }
    return cols;
}

int clab_grid_text(clab_grid *g, int row, int col, int width, clab_role role, const char *text)
{
    char safe[512];
    const char *s = clab_text_show(text, safe, sizeof safe);
    int used = 0;

    while (*s) {
        wchar_t ch = clab_utf8_next(&s);
        int w = width_of(&ch);

        if (used + w > width || col + used + w > g->cols)
            break;
        if (w == 0)
            continue; /* a cell holds one code point */
        clab_grid_put(g, row, col + used, ch, role);
        if (w == 2)
            clab_grid_put(g, row, col + used + 1, 0, role);
        used += w;
    }
    return used;
}

int clab_grid_textf(clab_grid *g, int row, int col, int width, clab_role role, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return clab_grid_text(g, row, col, width, role, text);
}

static void add_utf8(clab_str *out, wchar_t wc)
{
    unsigned c = (unsigned)wc;
    char b[4];

    if (c < 0x80) {
        b[0] = (char)c;
        clab_str_addn(out, b, 1);
    } else if (c < 0x800) {
        b[0] = (char)(0xc0 | c >> 6);
        b[1] = (char)(0x80 | (c & 0x3f));
        clab_str_addn(out, b, 2);
    } else if (c < 0x10000) {
        b[0] = (char)(0xe0 | c >> 12);
        b[1] = (char)(0x80 | (c >> 6 & 0x3f));
        b[2] = (char)(0x80 | (c & 0x3f));
        clab_str_addn(out, b, 3);
    } else {
        b[0] = (char)(0xf0 | c >> 18);
        b[1] = (char)(0x80 | (c >> 12 & 0x3f));
        b[2] = (char)(0x80 | (c >> 6 & 0x3f));
        b[3] = (char)(0x80 | (c & 0x3f));
        clab_str_addn(out, b, 4);
    }
}

char *clab_grid_dump(const clab_grid *g)
{
    clab_str out = {0};

    for (int r = 0; r < g->rows; r++) {
        int last = g->cols;
        while (last > 0 && g->cell[r * g->cols + last - 1].ch == L' ')
            last--;
        for (int c = 0; c < last; c++)
            if (g->cell[r * g->cols + c].ch)
                add_utf8(&out, g->cell[r * g->cols + c].ch);
        clab_str_add(&out, "\n");
    }
    return out.s;
}
