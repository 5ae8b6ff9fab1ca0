/* text.h -- text that came from files, made safe and measured for display; growing strings.
 * Refuses to be a Unicode library. */
#ifndef CLAB_TEXT_H
#define CLAB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* clab_text_show -- s as it may be shown on a terminal or in a log: control characters (C0, C1, DEL),
 * bidi overrides (U+202A-202E, U+2066-2069) and bytes that are not UTF-8 become \x1b or \u202e.
 * Writes at most n bytes with the final NUL, ends in "..." when cut; returns buf. */
char *clab_text_show(const char *s, char *buf, size_t n);

/* clab_show -- the same in one of 8 rotating thread-local buffers of 160 bytes, for messages. */
const char *clab_show(const char *s);

/* clab_text_utf8 -- length of the well-formed UTF-8 sequence that s begins with (1..4; 1 at the final NUL), or 0:
 * overlong forms, surrogates and values past U+10FFFF are not well-formed. */
size_t clab_text_utf8(const char *s);

/* clab_text_columns -- columns that s takes on a terminal; a byte that is no character of the locale counts as one. */
int clab_text_columns(const char *s);

/* clab_text_natural -- natural order (natsort): runs of digits compare as numbers. <0, 0, >0. */
int clab_text_natural(const char *a, const char *b);

/* clab_text_bytes -- "512 B", "1.9 MiB", "41.2 GiB" into buf (>= 16 bytes); returns buf. */
char *clab_text_bytes(int64_t bytes, char *buf, size_t n);

/* clab_bytes -- the same in one of 8 rotating thread-local buffers, for messages. */
const char *clab_bytes(int64_t bytes);

/* clab_text_parse_bytes -- "8G", "512M", "1.5GiB", "1000000"; false when it is none of these. */
bool clab_text_parse_bytes(const char *s, int64_t *bytes);

/* clab_text_count -- 110000 as "110,000", rotating buffers as clab_bytes. */
const char *clab_text_count(int64_t n);

/* clab_text_near -- index of the name nearest to `word` by edit distance, or -1 when none is near
 * (distance > 1 + strlen/3). */
int clab_text_near(const char *word, const char *const *names, size_t n);

/* A growing string.  Start from {0}.  On failed allocation `failed` is set and appends do nothing;
 * check it once at the end. */
typedef struct {
    char *s;      /* NUL-terminated once anything was appended; NULL before */
    size_t len, cap;
    bool failed;
} clab_str;

void clab_str_add(clab_str *b, const char *s);
void clab_str_addn(clab_str *b, const char *s, size_t n);
void clab_str_addf(clab_str *b, const char *fmt, ...) CLAB_PRINTF(2, 3);
/* s as a JSON string, quotes included (RFC 8259); a byte that is no UTF-8 becomes U+FFFD. */
void clab_str_add_json(clab_str *b, const char *s);
void clab_str_free(clab_str *b);

#endif
