/* str.c -- the growing string, and the nearest word for "did you mean". */
#include "base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEAR_MAX 64 /* longer words have no near ones */

/* Room for `more` bytes and the final NUL. */
static bool room(clab_str *b, size_t more)
{
    size_t want, cap = b->cap ? b->cap : 64;
    char *s;

    if (b->failed)
        return false;
    if (more > SIZE_MAX / 2 - b->len - 1) {
        b->failed = true;
        return false;
    }
    want = b->len + more + 1;
    if (want <= b->cap)
        return true;
    while (cap < want)
        cap *= 2;
    s = realloc(b->s, cap);
    if (!s) {
        b->failed = true;
        return false;
    }
    b->s = s;
    b->cap = cap;
    return true;
}

void clab_str_addn(clab_str *b, const char *s, size_t n)
{
    if (!room(b, n))
        return;
    memcpy(b->s + b->len, s, n);
    b->len += n;
    b->s[b->len] = '\0';
}

void clab_str_add(clab_str *b, const char *s)
{
    clab_str_addn(b, s, strlen(s));
}

void clab_str_addf(clab_str *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->failed = true;
        return;
    }
    if (!room(b, (size_t)n))
        return;
    va_start(ap, fmt);
    vsnprintf(b->s + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

void clab_str_add_json(clab_str *b, const char *s)
{
    clab_str_add(b, "\"");
    while (*s) {
        const unsigned char c = (unsigned char)*s;
        const size_t n = clab_text_utf8(s);
        if (c == '"' || c == '\\')
            clab_str_addf(b, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            clab_str_addf(b, "\\u%04x", c);
        else if (n == 0)
            clab_str_add(b, "\\ufffd");
        else
            clab_str_addn(b, s, n);
        s += n ? n : 1;
    }
    clab_str_add(b, "\"");
}

void clab_str_free(clab_str *b)
{
    free(b->s);
    *b = (clab_str){0};
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance without regard to case, where swapping two neighbours counts as one edit. */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t row[3][NEAR_MAX + 1], *older = row[0], *old = row[1], *now = row[2];

    for (size_t j = 0; j <= nb; j++)
        old[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t *spare = older;
        now[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            now[j] = least(least(old[j], now[j - 1]) + 1, old[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                y == tolower((unsigned char)a[i - 2]))
                now[j] = least(now[j], older[j - 2] + 1);
        }
        older = old;
        old = now;
        now = spare;
    }
    return old[nb];
}

int clab_text_near(const char *word, const char *const *names, size_t n)
{
    size_t len = strlen(word), best = 2 + len / 3;
    int at = -1;

    if (len > NEAR_MAX)
        return -1;
    for (size_t i = 0; i < n; i++) {
        size_t m = strlen(names[i]), d;
        if (m > NEAR_MAX)
            continue;
        d = distance(word, len, names[i], m);
        if (d < best) {
            best = d;
            at = (int)i;
        }
    }
    return at;
}
