/* frame.c -- heading, the two plots with their axes, and the meters, composed from a snapshot. */
#include "frame.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "meter.h"
#include "plot.h"

#define LABEL 6      /* columns of a y label with its blank */
#define WORDS_FROM 6 /* columns between two ticks from which the first is named */

clab_wish clab_frame_wish(const clab_snapshot *s, int rows)
{
    return (clab_wish){.rows = rows, .curve = s->n_series > 0};
}

char *clab_frame_progress(const clab_snapshot *s, char *buf, size_t n)
{
    const char *unit = s->phase_unit, *blank = *unit ? " " : "";

    if (s->phase_total > 0)
        snprintf(buf, n, "%lld/%lld%s%s", (long long)s->phase_done, (long long)s->phase_total, blank, unit);
    else if (s->phase_done > 0)
        snprintf(buf, n, "%lld%s%s", (long long)s->phase_done, blank, unit);
    else
        snprintf(buf, n, "%s", "");
    return buf;
}

/* "7.5 epochs/s", or "1.02 s/epoch" when that is the larger figure. */
static char *rate_words(const clab_snapshot *s, char *buf, size_t n)
{
    size_t k = strlen(s->phase_unit);

    if (s->phase_rate >= 1)
        snprintf(buf, n, s->phase_rate >= 1000 ? "%.0f %s/s" : "%.3g %s/s", s->phase_rate, s->phase_unit);
    else
        snprintf(buf, n, "%.3g s/%.*s", 1 / s->phase_rate, (int)(k > 1 && s->phase_unit[k - 1] == 's' ? k - 1 : k),
                 s->phase_unit);
    return buf;
}

/* ---- which curves ------------------------------------------------------------------------------------*/

/* Is b the name a with `was` in it replaced by `now`? */
static bool twin(const char *a, const char *b, const char *was, const char *now)
{
    const char *at = strstr(a, was);
    size_t head = at ? (size_t)(at - a) : 0;

    return at && strncmp(a, b, head) == 0 && strncmp(b + head, now, strlen(now)) == 0
           && strcmp(b + head + strlen(now), at + strlen(was)) == 0;
}

void clab_frame_curves(const clab_snapshot *s, int *train, int *valid)
{
    static const char *const other[] = {"validation", "valid", "test"};

    *train = s->n_series > 0 ? 0 : -1;
    *valid = -1;
    for (int i = 0; i < s->n_series; i++) {
        if (strstr(s->series[i].name, "train")) {
            *train = i;
            break;
        }
    }
    for (int i = 0; i < s->n_series; i++) /* the quantity that is minimised, where it is there */
        if (strcmp(s->series[i].name, "elbo_train") == 0)
            *train = i;
    for (int i = 0; i < s->n_series && *train >= 0; i++)
        for (int k = 0; k < 3 && *valid < 0; k++)
            if (twin(s->series[*train].name, s->series[i].name, "train", other[k]))
                *valid = i;
}

/* The first series whose last value is not a number, or NULL. */
static const char *gone_bad(const clab_snapshot *s)
{
    for (int i = 0; i < s->n_series; i++)
        if (s->series[i].n > 0 && !isfinite(s->series[i].last))
            return s->series[i].name;
    return NULL;
}

/* ---- heading -------------------------------------------------------------------------------------------*/
static int part(clab_grid *g, clab_rect r, int col, clab_role role, const char *text, wchar_t dot)
{
    if (!*text || col >= r.cols)
        return col;
    if (col > 2) {
        clab_grid_put(g, r.row, r.col + col + 1, dot, CLAB_ROLE_DIM);
        clab_grid_put(g, r.row, r.col + col, L' ', CLAB_ROLE_DIM);
        clab_grid_put(g, r.row, r.col + col + 2, L' ', CLAB_ROLE_DIM);
        col += 3;
    }
    return col + clab_grid_text(g, r.row, r.col + col, r.cols - col, role, text);
}

/* The device at the right end, as many of its comma-separated parts as there is room for. */
static void device_words(clab_grid *g, clab_rect r, int col, const char *device)
{
    char text[64];
    int width, at;

    snprintf(text, sizeof text, "%s", device);
    while ((width = clab_utf8_width(text)) > 0 && col + width + 6 > r.cols) {
        char *comma = strrchr(text, ',');
        if (!comma)
            return;
        *comma = '\0';
    }
    if (width == 0)
        return;
    at = r.cols - width - 3;
    clab_grid_put(g, r.row, r.col + at, L' ', CLAB_ROLE_DIM);
    clab_grid_text(g, r.row, r.col + at + 1, width, CLAB_ROLE_TEXT, text);
    clab_grid_put(g, r.row, r.col + at + 1 + width, L' ', CLAB_ROLE_DIM);
}

static void heading(clab_grid *g, clab_rect r, const clab_snapshot *s, const clab_glyphs *glyphs)
{
    char text[96], clock[24];
    const char *bad = gone_bad(s), *title = s->phase[0] ? s->phase : "idle";
    int col = 2;

    clab_grid_fill(g, r.row, r.col, r.cols, glyphs->hline, CLAB_ROLE_DIM);
    clab_grid_put(g, r.row, r.col + 1, L' ', CLAB_ROLE_DIM);
    col = part(g, r, col, CLAB_ROLE_TITLE, title, glyphs->dot);
    if (bad) {
        snprintf(text, sizeof text, "NaN in %s", bad);
        col = part(g, r, col, CLAB_ROLE_ERROR, text, glyphs->dot);
    }
    if (s->phase[0]) {
        col = part(g, r, col, CLAB_ROLE_TEXT, clab_frame_progress(s, text, sizeof text), glyphs->dot);
        if (s->phase_rate > 0 && s->phase_unit[0])
            col = part(g, r, col, CLAB_ROLE_TEXT, rate_words(s, text, sizeof text), glyphs->dot);
        if (s->phase_eta >= 0 && s->phase_total > 0) {
            snprintf(text, sizeof text, "eta %s", clab_meter_clock(s->phase_eta, clock, sizeof clock));
            col = part(g, r, col, CLAB_ROLE_TEXT, text, glyphs->dot);
        }
        col = part(g, r, col, CLAB_ROLE_TEXT, s->phase_note, glyphs->dot);
    }
    clab_grid_put(g, r.row, r.col + col, L' ', CLAB_ROLE_DIM);
    device_words(g, r, col, s->device);
}

/* ---- plots with axes ------------------------------------------------------------------------------------*/
static void y_label(clab_grid *g, int row, int col, double v)
{
    char text[32];
    double a = fabs(v);

    if (a >= 1e5 || (a > 0 && a < 1e-3))
        snprintf(text, sizeof text, "%.0e", v);
    else
        snprintf(text, sizeof text, "%.*f", a >= 1000 ? 0 : a >= 100 ? (v < 0 ? 0 : 1) : a >= 10 ? 1 : 2, v);
    clab_grid_textf(g, row, col, LABEL - 1, CLAB_ROLE_DIM, "%5s", text);
}

static clab_rect inside(clab_rect r)
{
    return (clab_rect){r.row, r.col + LABEL, r.rows - 1, r.cols - LABEL};
}

static void axis(clab_grid *g, clab_rect r, const clab_glyphs *glyphs)
{
    clab_grid_put(g, r.row + r.rows - 1, r.col + LABEL - 1, glyphs->corner, CLAB_ROLE_DIM);
}

static clab_plot_series series_of(const clab_snap_series *s, clab_role role)
{
    int n = s->n < 0 ? 0 : s->n > CLAB_SNAP_POINTS ? CLAB_SNAP_POINTS : s->n;

    return (clab_plot_series){s->x, s->y, n, role};
}

static void metric(clab_grid *g, clab_rect r, const clab_snapshot *s, const clab_glyphs *glyphs)
{
    clab_plot_opts o = {.glyphs = glyphs->level, .fill_from_left = true};
    clab_plot_series c[2];
    clab_plot_scale sc;
    clab_rect plot = inside(r);
    const clab_snap_series *first;
    int train, valid, n = 1, at, row = r.row + r.rows - 1;
    char x[48];

    clab_frame_curves(s, &train, &valid);
    if (train < 0 || plot.rows <= 0 || plot.cols < 4)
        return;
    first = &s->series[train];
    c[0] = series_of(first, CLAB_ROLE_SERIES1);
    if (valid >= 0)
        c[n++] = series_of(&s->series[valid], CLAB_ROLE_SERIES2);
    sc = clab_plot_draw(g, plot, c, n, &o);
    if (!sc.empty) {
        y_label(g, plot.row, r.col, sc.y_hi);
        if (plot.rows > 1)
            y_label(g, plot.row + plot.rows - 1, r.col, sc.y_lo);
    }
    axis(g, r, glyphs);
    snprintf(x, sizeof x, " %s %lld", s->x_unit, c[0].n > 0 ? (long long)first->x[c[0].n - 1] : 0LL);
    at = LABEL + clab_grid_text(g, row, r.col + LABEL, plot.cols, CLAB_ROLE_SERIES1, first->name);
    if (valid >= 0 && at + clab_utf8_width(s->series[valid].name) + 2 + clab_utf8_width(x) < r.cols)
        clab_grid_text(g, row, r.col + at + 2, r.cols - at - 2, CLAB_ROLE_SERIES2, s->series[valid].name);
    clab_grid_text(g, row, r.col + r.cols - clab_utf8_width(x), clab_utf8_width(x), CLAB_ROLE_DIM, x);
    if (sc.log && plot.rows > 2)
        clab_grid_text(g, plot.row + 1, r.col, LABEL - 1, CLAB_ROLE_DIM, "  log");
}

/* A tick where a statement began, and its words as far as the next one. */
static void mark_steps(clab_grid *g, int row, clab_rect plot, const clab_plot_scale *sc, const clab_snapshot *s,
                       const clab_glyphs *glyphs)
{
    int end = plot.cols, n = s->n_marks < CLAB_SNAP_MARKS ? s->n_marks : CLAB_SNAP_MARKS;

    for (int i = n - 1; i >= 0; i--) {
        double at = ((double)s->mark_t[i] - sc->x_lo) / (sc->x_hi - sc->x_lo) * (plot.cols - 1);
        int col = at >= 0 && at <= plot.cols - 1 ? (int)(at + 0.5) : -1;
        if (col < 0 || col >= end)
            continue;
        clab_grid_put(g, row, plot.col + col, glyphs->tick, CLAB_ROLE_TITLE);
        if (end - col > WORDS_FROM)
            clab_grid_text(g, row, plot.col + col + 1, end - col - 2, CLAB_ROLE_DIM, s->mark[i]);
        end = col;
    }
}

static void memory(clab_grid *g, clab_rect r, const clab_snapshot *s, const clab_glyphs *glyphs)
{
    clab_plot_opts o = {.glyphs = glyphs->level, .from_zero = true, .fill_from_left = true};
    int n = s->n_ram < 0 ? 0 : s->n_ram > CLAB_SNAP_RAM ? CLAB_SNAP_RAM : s->n_ram;
    clab_plot_series c = {s->ram_t, s->ram_mib, n, CLAB_ROLE_SERIES1};
    clab_rect plot = inside(r);
    clab_plot_scale sc;
    int row = r.row + r.rows - 1;
    char amount[24], clock[24];

    if (plot.rows <= 0 || plot.cols < 4)
        return;
    sc = clab_plot_draw(g, plot, &c, 1, &o);
    axis(g, r, glyphs);
    clab_grid_fill(g, row, plot.col, plot.cols, glyphs->hline, CLAB_ROLE_DIM);
    if (sc.empty)
        return;
    clab_grid_textf(g, plot.row, r.col, LABEL - 1, CLAB_ROLE_DIM, "%5s",
                    (clab_meter_amount((int64_t)(sc.y_hi * 1048576), -1, amount, sizeof amount), amount));
    if (plot.rows > 1)
        clab_grid_textf(g, plot.row + 1, r.col, LABEL - 1, CLAB_ROLE_DIM, "%5s",
                        clab_meter_amount((int64_t)(sc.y_hi * 1048576), -1, amount, sizeof amount));
    mark_steps(g, row, plot, &sc, s, glyphs);
    if (r.cols >= 30 && n > 0) /* how far back the curve goes */
        clab_grid_textf(g, row, r.col, LABEL - 1, CLAB_ROLE_DIM, "%5s",
                        clab_meter_clock((double)(s->ram_t[n - 1] - s->ram_t[0]), clock, sizeof clock));
}

/* ---- all of it --------------------------------------------------------------------------------------------*/
static void rule(clab_grid *g, clab_rect r, const clab_glyphs *glyphs)
{
    for (int row = 0; row < r.rows && r.col >= 2; row++)
        clab_grid_put(g, r.row + row, r.col - 2, glyphs->vline, CLAB_ROLE_DIM);
}

void clab_frame_draw(clab_grid *g, const clab_layout *l, const clab_snapshot *s, clab_glyph_level level)
{
    const clab_glyphs *glyphs = clab_glyphs_get(level);

    clab_grid_clear(g);
    if (l->pane.rows <= 0 || l->pane.cols <= 0)
        return;
    heading(g, l->header, s, glyphs);
    if (l->curve.rows > 0)
        metric(g, l->curve, s, glyphs);
    if (l->ram.rows > 0)
        memory(g, l->ram, s, glyphs);
    if (l->curve.rows > 0 && l->ram.rows > 0 && l->curve.row == l->ram.row)
        rule(g, l->ram, glyphs);
    if (l->meters.rows > 0) {
        if (l->meters.row == l->ram.row || l->meters.row == l->curve.row)
            rule(g, l->meters, glyphs);
        clab_meter_draw(g, l->meters, s, glyphs);
    }
    if (l->footer.rows > 0)
        clab_grid_text(g, l->footer.row, l->footer.col, l->footer.cols, CLAB_ROLE_DIM,
                       l->others ? " q leaves" : " q back   Ctrl-C stop the running step");
}
