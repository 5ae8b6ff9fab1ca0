/* text.c -- a timeline as a table for people: a line of the script, what ran in it, what it holds and takes. */
#include "plan/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/svg.h"
#include "plan_impl.h"

#define WORDS 44 /* columns of the script's text */

int64_t clab_plan_request(int64_t peak)
{
    const int64_t unit = (int64_t)64 << 20;

    return (peak + peak / 8 + unit + unit - 1) / unit * unit;
}

/* s cut to `columns` code points, filled up with blanks. */
void clab__plan_cell(clab_str *b, const char *s, int columns)
{
    int n = 0;
    const char *end = s;

    while (*end && n < columns) {
        end++;
        while (((unsigned char)*end & 0xc0) == 0x80)
            end++;
        n++;
    }
    if (*end && columns > 2) { /* two characters give way to dots */
        for (int back = 0; back < 2; back++)
            do
                end--;
            while (((unsigned char)*end & 0xc0) == 0x80);
        clab_str_addn(b, s, (size_t)(end - s));
        clab_str_add(b, "..");
    } else {
        clab_str_addn(b, s, (size_t)(end - s));
    }
    for (; n < columns; n++)
        clab_str_add(b, " ");
}

const char *clab__plan_step(const clab_timeline_row *r)
{
    return r->steps[0] ? r->steps : r->text;
}

bool clab__plan_shown(const clab_timeline_row *r)
{
    return r->steps[0] || r->line == 0 || r->read || r->written;
}

static const char *file_words(const clab_timeline_row *r, char *buf, size_t n)
{
    snprintf(buf, n, "%s%s%s%s", r->read ? "reads " : "", r->read ? clab_bytes(r->read) : "",
             r->written ? (r->read ? ", writes " : "writes ") : "", r->written ? clab_bytes(r->written) : "");
    return buf;
}

static void add_row(clab_str *b, const clab_timeline *t, int64_t i, bool gpu)
{
    const clab_timeline_row *r = &t->rows[i];
    char files[64], line[16] = "";

    if (r->line > 0)
        snprintf(line, sizeof line, "%d", r->line);
    clab_str_addf(b, "%5s  ", line);
    clab__plan_cell(b, r->text, WORDS);
    clab_str_add(b, "  ");
    clab__plan_cell(b, r->steps, 22);
    clab_str_addf(b, " %10s %10s%s", clab_bytes(r->live), clab_bytes(r->peak), i == t->peak_row ? " *" : "  ");
    if (gpu)
        clab_str_addf(b, "%10s %10s  ", clab_bytes(r->gpu_live), clab_bytes(r->gpu_peak));
    if (!t->planned)
        clab_str_addf(b, "%8.2f s  ", r->seconds);
    clab_str_addf(b, "%s", file_words(r, files, sizeof files));
    while (b->len > 0 && b->s && b->s[b->len - 1] == ' ')
        b->s[--b->len] = '\0';
    clab_str_add(b, "\n");
}

static void add_sums(clab_str *b, const clab_timeline *t)
{
    const clab_timeline_row *r = t->peak_row >= 0 ? &t->rows[t->peak_row] : NULL;
    char where[32] = "";

    if (r && r->line > 0)
        snprintf(where, sizeof where, " in line %d", r->line);
    clab_str_addf(b, "%s peak: %s%s%s%s", t->planned ? "predicted" : "measured", clab_bytes(t->peak), where,
                  r ? ": " : "", r ? clab__plan_step(r) : "");
    clab_str_addf(b, "\n%s of it %s the program itself: code, libraries, interpreter", clab_bytes(t->base),
                  t->planned ? "are" : "were there at the start:");
    clab_str_addf(b, "\nGPU: %s", t->gpu_peak > 0 ? clab_bytes(t->gpu_peak) : "none");
    clab_str_addf(b, "\nask SLURM for --mem=%" PRId64 "M (the peak, an eighth of it and 64 MiB)\n",
                  clab_plan_request(t->peak) >> 20);
}

clab_status clab_plan_text(clab_ctx *cx, const clab_timeline *t, const char *title, char **out)
{
    const bool gpu = t->gpu_peak > 0;
    clab_str b = {0};

    clab_str_addf(&b, "%s of %s\n%5s  ", t->planned ? "plan" : "timeline", title, "line");
    clab__plan_cell(&b, "", WORDS);
    clab_str_addf(&b, "  %-22s %10s %10s  ", "step", "live", "peak");
    if (gpu)
        clab_str_addf(&b, "%10s %10s  ", "GPU live", "GPU peak");
    if (!t->planned)
        clab_str_addf(&b, "%10s  ", "time");
    clab_str_add(&b, "files\n");
    for (int64_t i = 0; i < t->n; i++)
        if (clab__plan_shown(&t->rows[i]) || i == t->peak_row)
            add_row(&b, t, i, gpu);
    add_sums(&b, t);
    return clab_str_give(cx, &b, out);
}
