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
        clab_str_add_json(&w->b, text);
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
    clab_str_add_json(&w->b, name);
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
