/* read.c -- a timeline out of its JSON.  Believes nothing that the file says: sizes are cut to what a row holds. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "plan_impl.h"

#define MAX_ROWS 100000

static int64_t integer(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    const int64_t n = json_is_integer(v) ? (int64_t)json_integer_value(v) : 0;

    return n < 0 ? 0 : n;
}

static void text(const json_t *o, const char *key, char *to, size_t n)
{
    const char *s = json_string_value(json_object_get(o, key));

    clab_text_show(s ? s : "", to, n);
}

static void take_row(const json_t *o, clab_timeline_row *r)
{
    const int64_t line = integer(o, "line");

    memset(r, 0, sizeof *r);
    r->line = line < INT32_MAX ? (int32_t)line : 0;
    text(o, "text", r->text, sizeof r->text);
    text(o, "step", r->steps, sizeof r->steps);
    if (strncmp(r->steps, r->text, strlen(r->steps)) == 0)
        r->steps[0] = '\0'; /* a row without steps is told by its text */
    r->runs = integer(o, "runs");
    r->live = integer(o, "live_bytes");
    r->peak = integer(o, "peak_bytes");
    r->accounted = integer(o, "accounted_bytes");
    r->gpu_live = integer(o, "gpu_live_bytes");
    r->gpu_peak = integer(o, "gpu_peak_bytes");
    r->read = integer(o, "read_bytes");
    r->written = integer(o, "written_bytes");
    r->seconds = json_number_value(json_object_get(o, "seconds"));
}

static clab_status take(clab_ctx *cx, const json_t *root, const char *path, clab_timeline *t)
{
    const json_t *steps = json_object_get(root, "steps");
    const size_t n = json_array_size(steps);

    if (!json_is_array(steps) || n > MAX_ROWS)
        return clab_fail(cx, CLAB_EFORMAT, "%s is no timeline: it has no list of steps", clab_show(path));
    t->rows = calloc(n + 1, sizeof *t->rows);
    if (!t->rows)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a timeline of %zu rows", n);
    t->planned = json_is_true(json_object_get(root, "planned"));
    t->base = integer(root, "base_bytes");
    t->peak_row = -1;
    t->n = (int64_t)n;
    for (size_t i = 0; i < n; i++) {
        clab_timeline_row *r = &t->rows[i];
        take_row(json_array_get(steps, i), r);
        if (r->peak > t->peak) {
            t->peak = r->peak;
            t->peak_row = (int64_t)i;
        }
        t->gpu_peak = r->gpu_peak > t->gpu_peak ? r->gpu_peak : t->gpu_peak;
    }
    return CLAB_OK;
}

clab_status clab_plan_read(clab_ctx *cx, const char *path, clab_timeline *out)
{
    json_error_t e;
    json_t *root = json_load_file(path, 0, &e);
    clab_status st;

    memset(out, 0, sizeof *out);
    if (!root) {
        st = clab_fail(cx, e.line < 0 ? CLAB_EIO : CLAB_EFORMAT, "%s cannot be read as JSON: %s", clab_show(path),
                       clab_show(e.text));
        return clab_hint(cx, "celllab run --timeline OUT.json SCRIPT.lua writes such a file");
    }
    st = take(cx, root, path, out);
    json_decref(root);
    if (st != CLAB_OK)
        clab_timeline_free(out);
    return st;
}
