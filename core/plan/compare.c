/* compare.c -- a plan beside its measured twin: a table, and the peaks as bars for a terminal or as a figure. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/svg.h"
#include "plan_impl.h"

#define INK "#222222"
#define PLANNED "#9ecae1"
#define MEASURED "#084594"
#define BAR 48 /* columns of the longest bar */

bool clab_plan_is_good(int64_t planned, int64_t measured)
{
    const int64_t off = planned > measured ? planned - measured : measured - planned;
    const int64_t allowed = measured / 10 > (int64_t)32 << 20 ? measured / 10 : (int64_t)32 << 20;

    return off <= allowed && planned >= measured - measured / 20;
}

/* The measured row of a planned one; NULL when that line did not run. */
static const clab_timeline_row *twin(const clab_timeline *m, const clab_timeline_row *r)
{
    for (int64_t i = 0; i < m->n; i++)
        if (m->rows[i].line == r->line && (r->line > 0 || strcmp(m->rows[i].text, r->text) == 0))
            return &m->rows[i];
    return NULL;
}

static bool shown(const clab_timeline_row *p, const clab_timeline_row *m)
{
    return clab__plan_shown(p) || (m && clab__plan_shown(m));
}

static void name_of(const clab_timeline_row *r, char *buf, size_t n)
{
    if (r->line > 0)
        snprintf(buf, n, "%5d  %s", r->line, clab__plan_step(r));
    else
        snprintf(buf, n, "       %s", r->text);
}

static void add_numbers(clab_str *b, int64_t planned, int64_t measured)
{
    clab_str_addf(b, "%11s %11s", clab_bytes(planned), measured >= 0 ? clab_bytes(measured) : "not run");
    if (measured > 0)
        clab_str_addf(b, "  %+6.1f %%", 100.0 * ((double)planned - (double)measured) / (double)measured);
    clab_str_add(b, "\n");
}

static void add_bar(clab_str *b, char c, int64_t bytes, int64_t longest)
{
    const int n = longest > 0 ? (int)((double)bytes / (double)longest * BAR + 0.5) : 0;

    for (int i = 0; i < n; i++)
        clab_str_addn(b, &c, 1);
    clab_str_addf(b, " %s\n", clab_bytes(bytes));
}

static void add_bars(clab_str *b, const clab_timeline *p, const clab_timeline *m)
{
    const int64_t longest = p->peak > m->peak ? p->peak : m->peak;
    char name[128];

    clab_str_add(b, "\npeaks: - predicted, # measured\n");
    for (int64_t i = 0; i < p->n; i++) {
        const clab_timeline_row *r = &p->rows[i], *t = twin(m, r);
        if (!shown(r, t))
            continue;
        name_of(r, name, sizeof name);
        clab__plan_cell(b, name, 30);
        clab_str_add(b, " |");
        add_bar(b, '-', r->peak, longest);
        if (t) {
            clab__plan_cell(b, "", 30);
            clab_str_add(b, " |");
            add_bar(b, '#', t->peak, longest);
        }
    }
}

clab_status clab_plan_compare_text(clab_ctx *cx, const clab_timeline *p, const clab_timeline *m, const char *title, char **out)
{
    char name[128];
    clab_str b = {0};

    clab_str_addf(&b, "%s: predicted beside measured\n", clab_show(title));
    clab__plan_cell(&b, " line  step", 46);
    clab_str_addf(&b, "%11s %11s\n", "predicted", "measured");
    for (int64_t i = 0; i < p->n; i++) {
        const clab_timeline_row *r = &p->rows[i], *t = twin(m, r);
        if (!shown(r, t))
            continue;
        name_of(r, name, sizeof name);
        clab__plan_cell(&b, name, 46);
        add_numbers(&b, r->peak, t ? t->peak : -1);
    }
    clab__plan_cell(&b, "       Total Peak", 46);
    add_numbers(&b, p->peak, m->peak);
    clab_str_addf(&b, "%s\n",
                  clab_plan_is_good(p->peak, m->peak)
                      ? "the prediction holds: within 10 % or 32 MiB of the measured peak, and not 5 % below it"
                      : "the prediction does not hold: docs/plan.md promises 10 % or 32 MiB, and never 5 % below");
    add_bars(&b, p, m);
    return clab_str_give(cx, &b, out);
}

/* ---- the figure ------------------------------------------------------------------------------------------*/

enum { ROW = 34, LEFT = 230, WIDTH = 460, TOP = 64 };

static void draw_row(clab_str *b, const clab_timeline_row *r, const clab_timeline_row *t, int64_t longest, double y)
{
    char name[128], tip[160];
    const double scale = longest > 0 ? WIDTH / (double)longest : 0;

    name_of(r, name, sizeof name);
    clab_svg_text(b, LEFT - 8, y + 18, CLAB_SVG_END, 12, 0, INK, name + strspn(name, " "));
    snprintf(tip, sizeof tip, "predicted %s", clab_bytes(r->peak));
    clab_svg_rect(b, LEFT, y + 4, (double)r->peak * scale, 11, PLANNED, tip);
    clab_svg_text(b, LEFT + (double)r->peak * scale + 4, y + 13, CLAB_SVG_START, 10, 0, INK, clab_bytes(r->peak));
    if (!t)
        return;
    snprintf(tip, sizeof tip, "measured %s", clab_bytes(t->peak));
    clab_svg_rect(b, LEFT, y + 16, (double)t->peak * scale, 11, MEASURED, tip);
    clab_svg_text(b, LEFT + (double)t->peak * scale + 4, y + 26, CLAB_SVG_START, 10, 0, INK, clab_bytes(t->peak));
}

clab_status clab_plan_compare_svg(clab_ctx *cx, const clab_timeline *p, const clab_timeline *m, const char *title, char **out)
{
    const int64_t longest = p->peak > m->peak ? p->peak : m->peak;
    char desc[256];
    int n = 0;
    clab_str b = {0};

    for (int64_t i = 0; i < p->n; i++)
        n += shown(&p->rows[i], twin(m, &p->rows[i]));
    snprintf(desc, sizeof desc, "Peak memory of every step: predicted, at most %s, and measured, at most %s",
             clab_bytes(p->peak), clab_bytes(m->peak));
    clab_svg_open(&b, LEFT + WIDTH + 90, TOP + n * ROW + 20, "Memory, predicted and measured", desc);
    clab_svg_text(&b, 12, 24, CLAB_SVG_START, 16, 0, INK, title);
    clab_svg_rect(&b, LEFT, 36, 12, 11, PLANNED, NULL);
    clab_svg_text(&b, LEFT + 18, 46, CLAB_SVG_START, 12, 0, INK, "predicted peak");
    clab_svg_rect(&b, LEFT + 130, 36, 12, 11, MEASURED, NULL);
    clab_svg_text(&b, LEFT + 148, 46, CLAB_SVG_START, 12, 0, INK, "measured peak");
    n = 0;
    for (int64_t i = 0; i < p->n; i++) {
        const clab_timeline_row *t = twin(m, &p->rows[i]);
        if (shown(&p->rows[i], t))
            draw_row(&b, &p->rows[i], t, longest, TOP + (double)n++ * ROW);
    }
    clab_svg_close(&b);
    return clab_str_give(cx, &b, out);
}
