/* json.c -- value trees as JSON (RFC 8259): our own writer, so that no byte of a name can break out. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "label/compare.h"

typedef struct {
    clab_str b;
    int depth;
} writer;

/* ---- text -----------------------------------------------------------------------------------------*/

/* Length of the UTF-8 sequence at s, 0 when there is none (overlong, surrogate, cut, above U+10FFFF). */
static size_t utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    for (size_t k = 1; k < n; k++)
        if ((s[k] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

static void put_text(writer *w, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;

    clab_str_add(&w->b, "\"");
    while (*s) {
        size_t n = utf8_length(s);
        if (*s == '"' || *s == '\\')
            clab_str_addf(&w->b, "\\%c", *s);
        else if (*s < 0x20 || *s == 0x7f)
            clab_str_addf(&w->b, "\\u%04x", *s);
        else if (n == 0)
            clab_str_add(&w->b, "\\ufffd");
        else
            clab_str_addn(&w->b, (const char *)s, n);
        s += n ? n : 1;
    }
    clab_str_add(&w->b, "\"");
}

static void put_element(writer *w, const clab_value *v, int64_t i)
{
    char buf[40];
    const clab_value *plain = v->kind == CLAB_V_CATEGORICAL ? v->levels
                              : v->kind == CLAB_V_NULLABLE  ? v->inner
                                                            : v;
    const char *text = clab_value_at_str(v, i, buf, sizeof buf);

    if (!text || (plain->kind == CLAB_V_ARRAY && isinf(clab_value_at_num(v, i))))
        clab_str_add(&w->b, "null");
    else if (plain->kind == CLAB_V_STRINGS)
        put_text(w, text);
    else if (plain->dtype == CLAB_BOOL)
        clab_str_add(&w->b, clab_value_at_num(v, i) != 0.0 ? "true" : "false");
    else
        clab_str_add(&w->b, text);
}

/* ---- structure --------------------------------------------------------------------------------------*/

static void new_line(writer *w)
{
    clab_str_add(&w->b, "\n");
    for (int k = 0; k < w->depth; k++)
        clab_str_add(&w->b, "  ");
}

/* Elements of an array of some rank, from `at` on, as nested lists; the innermost on one line. */
static int64_t put_list(writer *w, const clab_value *v, int axis, int64_t at)
{
    if (axis == v->rank) {
        put_element(w, v, at);
        return at + 1;
    }
    clab_str_add(&w->b, "[");
    for (int64_t k = 0; k < v->dims[axis] && !w->b.failed; k++) {
        clab_str_add(&w->b, k ? ", " : "");
        at = put_list(w, v, axis + 1, at);
    }
    clab_str_add(&w->b, "]");
    return at;
}

static void put_value(writer *w, const clab_value *v);

static void put_member(writer *w, const char *name, const clab_value *v, bool first)
{
    clab_str_add(&w->b, first ? "" : ",");
    new_line(w);
    put_text(w, name);
    clab_str_add(&w->b, ": ");
    put_value(w, v);
}

static void put_object(writer *w, const clab_value *v)
{
    bool first = true;

    clab_str_add(&w->b, "{");
    w->depth++;
    if (v->kind == CLAB_V_TABLE) {
        put_member(w, v->index_name, v->index, true);
        first = false;
    }
    for (int64_t k = 0; k < v->n_items && !w->b.failed; k++) {
        put_member(w, v->names[k], v->items[k], first);
        first = false;
    }
    w->depth--;
    if (!first)
        new_line(w);
    clab_str_add(&w->b, "}");
}

static void put_value(writer *w, const clab_value *v)
{
    switch (v->kind) {
    case CLAB_V_NULL: clab_str_add(&w->b, "null"); break;
    case CLAB_V_DICT:
    case CLAB_V_TABLE:
    case CLAB_V_RECORDS: put_object(w, v); break;
    case CLAB_V_SPARSE:
        clab_str_addf(&w->b, "{\"rows\": %" PRId64 ", \"columns\": %" PRId64 ", \"stored\": %" PRId64 "}",
                      v->dims[0], v->dims[1], v->indptr[v->dims[0]]);
        break;
    default: put_list(w, v, 0, 0); break;
    }
}

clab_status clab_value_json(clab_ctx *cx, const clab_value *v, char **out)
{
    writer w = {0};

    put_value(&w, v);
    clab_str_add(&w.b, "\n");
    if (w.b.failed) {
        clab_str_free(&w.b);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for JSON text");
    }
    *out = w.b.s;
    return CLAB_OK;
}
