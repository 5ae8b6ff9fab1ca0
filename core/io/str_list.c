/* str_list.c -- lists of names that grow as a text is read: cells, genes, columns. */
#include "io/text_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_STEP (16LL << 20)

static clab_status make_room(clab__h5 *h, clab__text *t, clab__strlist *w, int64_t bytes)
{
    clab_status st;
    if (w->n == w->n_cap) {
        int64_t cap = w->n_cap ? 2 * w->n_cap : 256;
        if ((st = clab_mem_grow(h->cx, CLAB_MEM_WORK, cap * 8, "names", (void **)&w->at)) != CLAB_OK)
            return st;
        w->n_cap = cap;
    }
    if (w->len + bytes <= w->cap)
        return CLAB_OK;
    int64_t cap = w->cap ? w->cap + w->cap / 2 : 4096;
    cap = cap < w->len + bytes ? w->len + bytes : cap;
    if ((st = clab__text_plausible(t, w->len + 8 * w->n)) != CLAB_OK)
        return st;
    if (cap + 8 * w->n_cap > w->asked) { /* they are here, on the way, and in the session */
        if ((st = clab__h5_ask(h, "names", 3 * (cap + 8 * w->n_cap))) != CLAB_OK)
            return st;
        w->asked = cap + 8 * w->n_cap + ASK_STEP;
    }
    if ((st = clab_mem_grow(h->cx, CLAB_MEM_WORK, cap, "names", (void **)&w->text)) == CLAB_OK)
        w->cap = cap;
    return st;
}

clab_status clab__strlist_add(clab__h5 *h, clab__text *t, clab__strlist *w, const char *s, size_t n)
{
    clab_status st = make_room(h, t, w, 2 * (int64_t)n + 1); /* Latin-1 may double */
    if (st != CLAB_OK)
        return st;
    if (memchr(s, 0, n))
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: line %lld holds zero bytes: this is no text", t->name,
                         (long long)t->n_lines);
    char *to = w->text + w->len;
    memcpy(to, s, n);
    to[n] = 0;
    if (!clab__is_utf8(to)) {
        n = clab__latin1(s, n, to);
        h->n_latin1++;
    }
    w->at[w->n++] = w->len;
    w->len += (int64_t)n + 1;
    return CLAB_OK;
}

const char *clab__strlist_get(const clab__strlist *w, int64_t i)
{
    return w->text + w->at[i];
}

void clab__strlist_free(clab_ctx *cx, clab__strlist *w)
{
    clab_mem_free(cx, w->text);
    clab_mem_free(cx, w->at);
    *w = (clab__strlist){0};
}

clab_status clab__strlist_value(clab_ctx *cx, const clab__strlist *w, int64_t from, clab_value **out)
{
    int64_t n = w->n - from;
    void *p = NULL;
    clab_status st = clab_mem_alloc(cx, CLAB_MEM_WORK, (n + 1) * (int64_t)sizeof(char *), "names", &p);
    const char **s = p;
    for (int64_t i = 0; st == CLAB_OK && i < n; i++)
        s[i] = clab__strlist_get(w, from + i);
    if (st == CLAB_OK)
        st = clab_value_strings(cx, 1, &n, s, out);
    clab_mem_free(cx, p);
    return st;
}

clab_status clab__numbered(clab_ctx *cx, int64_t n, clab_value **out)
{
    void *p = NULL;
    clab_status st = clab_mem_alloc(cx, CLAB_MEM_WORK, (n + 1) * (int64_t)(sizeof(char *) + 20), "names", &p);
    const char **s = p;
    char *digits = (char *)(s + n + 1);
    for (int64_t i = 0; st == CLAB_OK && i < n; i++) {
        s[i] = digits;
        digits += snprintf(digits, 20, "%" PRId64, i) + 1;
    }
    if (st == CLAB_OK)
        st = clab_value_strings(cx, 1, &n, s, out);
    clab_mem_free(cx, p);
    return st;
}
