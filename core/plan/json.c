/* json.c -- a timeline as JSON, for SLURM scripts and for comparing. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/svg.h"
#include "plan_impl.h"

static void add_row(clab_str *b, const clab_timeline_row *r)
{
    clab_str_addf(b, "    {\"line\": %d, \"text\": ", r->line);
    clab_str_add_json(b, r->text);
    clab_str_add(b, ", \"step\": ");
    clab_str_add_json(b, clab__plan_step(r));
    clab_str_addf(b, ", \"runs\": %" PRId64 ", \"live_bytes\": %" PRId64 ", \"peak_bytes\": %" PRId64, r->runs, r->live,
                  r->peak);
    clab_str_addf(b, ", \"accounted_bytes\": %" PRId64, r->accounted);
    clab_str_addf(b, ", \"gpu_live_bytes\": %" PRId64 ", \"gpu_peak_bytes\": %" PRId64, r->gpu_live, r->gpu_peak);
    clab_str_addf(b, ", \"file_bytes\": %" PRId64 ", \"read_bytes\": %" PRId64 ", \"written_bytes\": %" PRId64,
                  r->read + r->written, r->read, r->written);
    clab_str_addf(b, ", \"seconds\": %.4f}", r->seconds);
}

clab_status clab_plan_json(clab_ctx *cx, const clab_timeline *t, const char *title, char **out)
{
    char safe[1024];
    clab_str b = {0};

    clab_str_add(&b, "{\n  \"script\": ");
    clab_str_add_json(&b, clab_text_show(title, safe, sizeof safe));
    clab_str_addf(&b, ",\n  \"planned\": %s,\n  \"peak_bytes\": %" PRId64 ",\n  \"mem_request\": %" PRId64,
                  t->planned ? "true" : "false", t->peak, clab_plan_request(t->peak));
    clab_str_addf(&b, ",\n  \"base_bytes\": %" PRId64 ",\n  \"gpu_peak_bytes\": %" PRId64 ",\n  \"steps\": [", t->base,
                  t->gpu_peak);
    for (int64_t i = 0; i < t->n; i++) {
        clab_str_add(&b, i ? ",\n" : "\n");
        add_row(&b, &t->rows[i]);
    }
    clab_str_add(&b, "\n  ]\n}\n");
    return clab_str_give(cx, &b, out);
}
