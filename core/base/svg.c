/* svg.c -- a small writer of SVG figures, and the text helpers that tables and figures share.
 * Refuses to know what is drawn. */
#include "base/svg.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What XML forbids even when escaped (control characters, bytes that are no UTF-8) was replaced by
 * clab_text_show before. */
static void add_escaped(clab_str *b, const char *s)
{
    char shown[512];

    for (const char *c = clab_text_show(s, shown, sizeof shown); *c; c++) {
        switch (*c) {
        case '&':
            clab_str_add(b, "&amp;");
            break;
        case '<':
            clab_str_add(b, "&lt;");
            break;
        case '>':
            clab_str_add(b, "&gt;");
            break;
        case '"':
            clab_str_add(b, "&quot;");
            break;
        default:
            clab_str_addn(b, c, 1);
        }
    }
}

void clab_svg_open(clab_str *b, int width, int height, const char *title, const char *desc)
{
    clab_str_addf(b,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                  "role=\"img\" aria-labelledby=\"title desc\" font-family=\"Helvetica, Arial, sans-serif\">\n",
                  width, height, width, height);
    clab_str_add(b, "<title id=\"title\">");
    add_escaped(b, title);
    clab_str_add(b, "</title>\n<desc id=\"desc\">");
    add_escaped(b, desc);
    clab_str_add(b, "</desc>\n");
    clab_svg_rect(b, 0, 0, width, height, "#ffffff", NULL);
}

void clab_svg_close(clab_str *b)
{
    clab_str_add(b, "</svg>\n");
}

void clab_svg_text(clab_str *b, double x, double y, clab_svg_anchor anchor, int size, int turn, const char *colour,
                    const char *s)
{
    static const char *const anchors[] = {"start", "middle", "end"};

    clab_str_addf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\" fill=\"%s\"", x, y,
                  anchors[anchor], size, colour);
    if (turn)
        clab_str_addf(b, " transform=\"rotate(%d %.1f %.1f)\"", -turn, x, y);
    clab_str_add(b, ">");
    add_escaped(b, s);
    clab_str_add(b, "</text>\n");
}

void clab_svg_rect(clab_str *b, double x, double y, double w, double h, const char *fill, const char *tip)
{
    clab_str_addf(b, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"", x, y, w, h, fill);
    if (!tip) {
        clab_str_add(b, "/>\n");
        return;
    }
    clab_str_add(b, "><title>");
    add_escaped(b, tip);
    clab_str_add(b, "</title></rect>\n");
}

void clab_svg_line(clab_str *b, double x1, double y1, double x2, double y2, const char *colour)
{
    clab_str_addf(b, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1, y1, x2, y2,
                  colour);
}

const char *clab_svg_shade(double share, char buf[8])
{
    static const double white[3] = {255, 255, 255}, blue[3] = {8, 69, 148};
    unsigned rgb[3];

    for (int i = 0; i < 3; i++)
        rgb[i] = (unsigned)lround(white[i] + share * (blue[i] - white[i])) & 0xff;
    snprintf(buf, 8, "#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
    return buf;
}

static bool starts_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

int clab_svg_columns(const char *s)
{
    int n = 0;

    for (; *s; s++)
        n += starts_character(*s);
    return n;
}

const char *clab_svg_shorten(const char *s, int columns, char *buf, size_t n)
{
    int seen = 0;
    char *c;

    clab_text_show(s, buf, n);
    if (clab_svg_columns(buf) <= columns)
        return buf;
    for (c = buf; *c; c++) {
        if (starts_character(*c) && seen++ == columns - 2)
            break;
    }
    memcpy(c, "..", 3); /* at least two characters stood here */
    return buf;
}

clab_status clab_str_give(clab_ctx *cx, clab_str *b, char **out)
{
    char *s = b->s;

    if (b->failed || (!s && !(s = calloc(1, 1)))) {
        clab_str_free(b);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a text of %zu bytes", b->len);
    }
    *b = (clab_str){0};
    *out = s;
    return CLAB_OK;
}
