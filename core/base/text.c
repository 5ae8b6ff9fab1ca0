/* text.c -- making foreign text safe to show, and comparing and reading small words. */
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* Length of the well-formed UTF-8 sequence at s (1..4) and its code point, or 0: overlong forms,
 * surrogates and values past U+10FFFF are not well-formed. */
static size_t decode(const unsigned char *s, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 && s[0] < 0xf8 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
    uint32_t c;

    if (n == 0 || s[0] >= 0xf8)
        return 0;
    c = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *code = c;
    return n;
}

size_t clab_text_utf8(const char *s)
{
    uint32_t code;

    return decode((const unsigned char *)s, &code);
}

/* Would showing this code point move the cursor, start a command or turn the reading order? */
static bool harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || (c >= 0x200e && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

char *clab_text_show(const char *s, char *buf, size_t n)
{
    const unsigned char *p = (const unsigned char *)(s ? s : "(none)");
    size_t len = 0, fit = 0; /* fit: the last place where "..." still goes in */

    if (n == 0)
        return buf;
    while (*p) {
        char piece[16];
        uint32_t c;
        size_t used = decode(p, &c), m;
        if (used == 0) {
            m = (size_t)snprintf(piece, sizeof piece, "\\x%02x", *p);
            used = 1;
        } else if (harmful(c)) {
            m = (size_t)snprintf(piece, sizeof piece, c < 0x80 ? "\\x%02x" : "\\u%04x", c);
        } else {
            memcpy(piece, p, used);
            m = used;
        }
        if (len + m >= n) {
            len = fit;
            for (int i = 0; i < 3 && len + 1 < n; i++)
                buf[len++] = '.';
            break;
        }
        memcpy(buf + len, piece, m);
        len += m;
        if (len + 3 < n)
            fit = len;
        p += used;
    }
    buf[len] = '\0';
    return buf;
}

/* One of 8 buffers in turn, so that several may stand in one message. */
static char *turn(size_t *n)
{
    static _Thread_local char buf[8][160];
    static _Thread_local unsigned next;

    *n = sizeof buf[0];
    return buf[next++ % 8];
}

const char *clab_show(const char *s)
{
    size_t n;
    char *buf = turn(&n);

    return clab_text_show(s, buf, n);
}

int clab_text_columns(const char *s)
{
    size_t left = strlen(s);
    mbstate_t state = {0};
    int columns = 0;

    while (left > 0) {
        wchar_t c;
        size_t n = mbrtowc(&c, s, left, &state);
        int width = n > left ? -1 : wcwidth(c); /* (size_t)-1 and -2: not a character */
        if (n > left) {
            state = (mbstate_t){0};
            n = 1;
        }
        columns += width >= 0 ? width : 1;
        s += n;
        left -= n;
    }
    return columns;
}

int clab_text_natural(const char *a, const char *b)
{
    const char *a0 = a, *b0 = b;

    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            size_t la, lb;
            int d;
            a += strspn(a, "0");
            b += strspn(b, "0");
            la = strspn(a, "0123456789");
            lb = strspn(b, "0123456789");
            if (la != lb)
                return la < lb ? -1 : 1;
            d = memcmp(a, b, la);
            if (d != 0)
                return d;
            a += la;
            b += lb;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    if (*a || *b)
        return *a ? 1 : -1;
    return strcmp(a0, b0); /* "a01" and "a1" are equal as numbers, not as names */
}

char *clab_text_bytes(int64_t bytes, char *buf, size_t n)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double v = (double)bytes, size = v < 0 ? -v : v;
    int u = 0;

    while (size >= 1023.95 && u < 6) {
        size /= 1024;
        v /= 1024;
        u++;
    }
    if (u == 0)
        snprintf(buf, n, "%lld B", (long long)bytes);
    else
        snprintf(buf, n, "%.1f %s", v, unit[u]);
    return buf;
}

const char *clab_bytes(int64_t bytes)
{
    size_t n;
    char *buf = turn(&n);

    return clab_text_bytes(bytes, buf, n);
}

bool clab_text_parse_bytes(const char *s, int64_t *bytes)
{
    static const char letters[] = "KMGTP";
    char *end;
    double v;

    while (isspace((unsigned char)*s))
        s++;
    if (!isdigit((unsigned char)*s) && *s != '.')
        return false;
    if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
        return false;
    v = strtod(s, &end);
    if (end == s)
        return false;
    while (*end == ' ')
        end++;
    if (*end) {
        const char *at = strchr(letters, toupper((unsigned char)*end));
        if (at) {
            for (const char *l = letters; l <= at; l++)
                v *= 1024;
            end++;
            if (*end == 'i')
                end++;
        }
        if (*end == 'B' || *end == 'b')
            end++;
    }
    if (*end || !(v >= 0) || v >= 9.2e18)
        return false;
    *bytes = (int64_t)v;
    return true;
}

const char *clab_text_count(int64_t count)
{
    size_t n, len, out = 0;
    char *buf = turn(&n), digits[24];

    snprintf(digits, sizeof digits, "%lld", (long long)count);
    len = strlen(digits);
    for (size_t i = 0; i < len; i++) {
        bool first = i == 0 || (i == 1 && digits[0] == '-');
        if (!first && (len - i) % 3 == 0)
            buf[out++] = ',';
        buf[out++] = digits[i];
    }
    buf[out] = '\0';
    return buf;
}
