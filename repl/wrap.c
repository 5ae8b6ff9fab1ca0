/* wrap.c -- breaks lines at blanks and indents what follows. */
#include "wrap.h"

#include <stdlib.h>
#include <string.h>

#include "grid.h"

#define NARROWEST 20

static int width_of(const char *s, size_t n)
{
    char *part = strndup(s, n);
    int width = part ? clab_utf8_width(part) : (int)n;

    free(part);
    return width;
}

/* Where the continuation begins: after the first gap of two blanks, if that leaves half of the line. */
static int hanging(const char *line, size_t n, int cols)
{
    size_t lead = strspn(line, " "), gap = lead;

    while (gap + 1 < n && !(line[gap] == ' ' && line[gap + 1] == ' '))
        gap++;
    if (gap + 1 < n) {
        int at = width_of(line, gap) + (int)strspn(line + gap, " ");
        if (at <= cols / 2)
            return at;
    }
    return (int)lead + 2 <= cols / 2 ? (int)lead + 2 : 2;
}

/* Bytes of s[0, n) that fit into `room` columns, cut at a blank; at least one word. */
static size_t fitting(const char *s, size_t n, int room)
{
    size_t best = 0;

    for (size_t i = strspn(s, " "); i <= n; i++) {
        if (i < n && s[i] != ' ')
            continue;
        if (best > 0 && width_of(s, i) > room)
            break;
        best = i;
        while (i + 1 < n && s[i + 1] == ' ')
            i++;
    }
    return best;
}

static void wrap_line(clab_str *out, const char *s, size_t n, int cols)
{
    int indent = 0, hang;

    if (width_of(s, n) <= cols) {
        clab_str_addn(out, s, n);
        return;
    }
    hang = hanging(s, n, cols);
    while (n > 0) {
        size_t k = fitting(s, n, cols - indent);
        clab_str_addf(out, "%s%*s", indent ? "\n" : "", indent, "");
        clab_str_addn(out, s, k);
        while (k < n && s[k] == ' ')
            k++;
        s += k;
        n -= k;
        indent = hang;
    }
}

void clab_wrap(clab_str *out, const char *text, int cols)
{
    if (cols < NARROWEST) {
        clab_str_add(out, text);
        return;
    }
    for (;;) {
        size_t n = strcspn(text, "\n");
        wrap_line(out, text, n, cols);
        if (text[n] == '\0')
            return;
        clab_str_add(out, "\n");
        text += n + 1;
    }
}
