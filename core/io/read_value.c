/* read_value.c -- questions to a guest that are answered by one value: our own files, and what a file holds.
 */
#include "io/h5_impl.h"
#include "io/io_impl.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_SECTION 4096

static clab_status take_only(clab_ctx *cx, clab_wire *w, const char *name, clab_value **v)
{
    uint8_t record = 0;
    char *section = NULL;
    clab_status st = CLAB_OK;
    while (st == CLAB_OK && (st = clab_wire_get_u8(cx, w, &record)) == CLAB_OK && record != CLAB__REC_END) {
        if (record == CLAB__REC_ASK)
            st = clab__answer_ask(cx, w, name);
        else if (record != CLAB__REC_VALUE || *v)
            st = clab_fail(cx, CLAB_EINTERNAL, "the worker sent an unexpected record");
        else if ((st = clab_wire_get_str(cx, w, MAX_SECTION, &section)) == CLAB_OK)
            st = clab_value_fetch(cx, w, name, v);
        free(section);
        section = NULL;
    }
    return st;
}

/* Ask `role` about a file; full < 0: the role takes no such byte. */
static clab_status ask_guest(clab_ctx *cx, const char *role, const char *verb, const char *path, int full,
                             clab_value **out)
{
    char name[160], what[256];
    clab_guest *g = NULL;
    clab_value *v = NULL;
    clab_status st = clab__file_check(cx, path);
    if (st != CLAB_OK)
        return st;
    snprintf(name, sizeof name, "%s", clab__file_name(path));
    snprintf(what, sizeof what, "%s %s", verb, name);
    if ((st = clab_guest_start(cx, role, what, NULL, 0, &g)) != CLAB_OK)
        return st;
    clab_wire *w = clab_guest_wire(g);
    if ((st = clab_wire_put_str(cx, w, path)) == CLAB_OK && (st = clab_wire_put_str(cx, w, name)) == CLAB_OK)
        st = full < 0 ? CLAB_OK : clab_wire_put_u8(cx, w, (uint8_t)full);
    if (st == CLAB_OK)
        st = clab_wire_flush(cx, w);
    if (st == CLAB_OK)
        st = take_only(cx, w, name, &v);
    st = st == CLAB_OK ? clab_guest_end(cx, g) : clab__guest_failed(cx, g, st);
    if (st == CLAB_OK && (!v || v->kind != CLAB_V_DICT))
        st = clab_fail(cx, CLAB_EFORMAT, "%s holds no dictionary", name);
    if (st != CLAB_OK) {
        clab_value_unref(v);
        return st;
    }
    *out = v;
    return CLAB_OK;
}

clab_status clab_read_value(clab_ctx *cx, const char *path, clab_value **out)
{
    return ask_guest(cx, "h5-read-value", "reading", path, -1, out);
}

clab_status clab_inspect_file(clab_ctx *cx, const char *path, bool full, clab_value **out)
{
    return ask_guest(cx, "inspect", "inspecting", path, full, out);
}
