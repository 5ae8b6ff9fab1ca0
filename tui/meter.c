/* meter.c -- one function per line of the meters. */
#include "meter.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define BAR_MIN 6
#define BAR_MAX 24
#define HIGH 0.85 /* share of the limit from which the bar warns */

const char *clab_meter_amount(int64_t bytes, int64_t of, char *buf, size_t n)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double v = (double)bytes, scale = (double)(of > bytes || bytes <= 0 ? of : bytes);
    int u = 0;

    if (bytes < 0) {
        snprintf(buf, n, "n/a");
        return "";
    }
    for (; scale >= 999.5 && u < 4; u++) {
        scale /= 1024;
        v /= 1024;
    }
    snprintf(buf, n, "%.*f", u == 0 || v >= 99.95 || v <= 0 ? 0 : v >= 9.995 ? 1 : 2, v);
    return unit[u];
}

char *clab_meter_clock(double seconds, char *buf, size_t n)
{
    long s = seconds < 0 || !isfinite(seconds) ? -1 : seconds > 3.6e6 ? 3600000 : (long)(seconds + 0.5);

    if (s < 0)
        snprintf(buf, n, "%s", "");
    else if (s < 3600)
        snprintf(buf, n, "%ld:%02ld", s / 60, s % 60);
    else
        snprintf(buf, n, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    return buf;
}

/* "41.2/300 GiB", or "41.2 GiB" when there is no whole. */
static const char *part_of(int64_t part, int64_t whole, char *buf, size_t n)
{
    char a[24], b[24];
    const char *unit;

    if (whole <= 0) {
        unit = clab_meter_amount(part, -1, a, sizeof a);
        snprintf(buf, n, "%s%s%s", a, *unit ? " " : "", unit);
        return buf;
    }
    unit = clab_meter_amount(whole, -1, b, sizeof b);
    if (part >= 0 && part < whole / 100) { /* each in its own unit, else the small one has no digits */
        const char *small = clab_meter_amount(part, -1, a, sizeof a);
        snprintf(buf, n, "%s %s/%s %s", a, small, b, unit);
        return buf;
    }
    clab_meter_amount(part, whole, a, sizeof a);
    snprintf(buf, n, "%s/%s %s", a, b, unit);
    return buf;
}

static void bar(clab_grid *g, int row, int col, int width, double share, const clab_glyphs *glyphs)
{
    int full = (int)(fmin(fmax(share, 0), 1) * width + 0.5);

    if (full == 0 && share > 0)
        full = 1;
    clab_grid_fill(g, row, col, full, glyphs->bar_full, share >= HIGH ? CLAB_ROLE_WARN : CLAB_ROLE_BAR);
    clab_grid_fill(g, row, col + full, width - full, glyphs->bar_empty, CLAB_ROLE_DIM);
}

/* NAME bar TEXT over the columns of r. */
static void gauge(clab_grid *g, clab_rect r, int row, const char *name, double share, const char *text,
                  const clab_glyphs *glyphs)
{
    int label = 4, length = clab_utf8_width(text), width = r.cols - label - 1 - length;

    clab_grid_text(g, r.row + row, r.col, label, CLAB_ROLE_TITLE, name);
    if (width > BAR_MAX)
        width = BAR_MAX;
    if (width < BAR_MIN)
        width = 0;
    bar(g, r.row + row, r.col + label, width, share, glyphs);
    if (width)
        width++;
    clab_grid_text(g, r.row + row, r.col + label + width, r.cols - label - width, CLAB_ROLE_TEXT, text);
}

/* The measured tree; where that is not known, what was accounted for, and the word says so. */
static int64_t in_use(const clab_snapshot *s)
{
    return s->tree_bytes >= 0 ? s->tree_bytes : s->live;
}

static double share_of(int64_t part, int64_t whole)
{
    return whole > 0 && part > 0 ? (double)part / (double)whole : 0;
}

static void ram_line(clab_grid *g, clab_rect r, int row, const clab_snapshot *s, const clab_glyphs *glyphs)
{
    const char *source = s->limit.source + strspn(s->limit.source, "-"); /* "--budget" is the budget */
    double share = share_of(in_use(s), s->limit.bytes);
    char amount[64], text[160], tail[40];

    part_of(in_use(s), s->limit.bytes, amount, sizeof amount);
    snprintf(tail, sizeof tail, "%s%s", s->tree_bytes < 0 ? " (accounted)" : "", share >= HIGH ? " !" : "");
    snprintf(text, sizeof text, "%s %s%s", amount, source, tail);
    if (4 + BAR_MIN + 1 + clab_utf8_width(text) > r.cols) /* "free memory" becomes "free" before the bar goes */
        snprintf(text, sizeof text, "%s %.*s%s", amount, (int)strcspn(source, " "), source, tail);
    gauge(g, r, row, "RAM", share, text, glyphs);
}

/* Owners from the largest on, `count` in a line; names give way to figures, later names to earlier ones. */
static int owner_figure(const clab_snap_owner *o, char *buf, size_t n)
{
    char amount[24];
    const char *unit = clab_meter_amount(o->bytes, -1, amount, sizeof amount);

    return snprintf(buf, n, " %s %s", amount, unit);
}

/* A later owner is shown only where the ones before keep their whole names: "scvi 2.2 MiB" says nothing of which
 * of scVI's owners it is. */
static void owners_line(clab_grid *g, clab_rect r, int row, const clab_snapshot *s, int first, int count)
{
    int col = 1, n = s->n_owners - first < count ? s->n_owners - first : count;
    const int least = 6; /* columns of a cut name that still tell something */

    for (int i = first; n > 0 && i < CLAB_SNAP_OWNERS; i++, n--) {
        char figure[40];
        int room = r.cols - col - owner_figure(&s->owner[i], figure, sizeof figure);
        int name = clab_utf8_width(s->owner[i].name);

        if (room < (i == first ? 4 : name < least ? name : least))
            break;
        col += clab_grid_text(g, r.row + row, r.col + col, room, CLAB_ROLE_DIM, s->owner[i].name);
        col += clab_grid_text(g, r.row + row, r.col + col, r.cols - col, CLAB_ROLE_TEXT, figure) + 2;
    }
    if (s->n_owners == 0 && first == 0)
        clab_grid_text(g, r.row + row, r.col + 1, r.cols - 1, CLAB_ROLE_DIM, "nothing held yet");
}

static void peak_line(clab_grid *g, clab_rect r, int row, const clab_snapshot *s)
{
    char amount[24];
    int64_t peak = s->tree_peak > 0 ? s->tree_peak : s->peak;
    const char *unit = clab_meter_amount(peak, -1, amount, sizeof amount);

    clab_grid_textf(g, r.row + row, r.col + 1, r.cols - 1, CLAB_ROLE_DIM, "peak %s %s%s%s", amount, unit,
                    s->peak_phase[0] ? " in " : "", s->peak_phase);
}

static void node_line(clab_grid *g, clab_rect r, int row, const clab_snapshot *s)
{
    char node[64], swap[64];

    if (s->node_total <= 0) {
        clab_grid_text(g, r.row + row, r.col, r.cols, CLAB_ROLE_DIM, "node memory n/a");
        return;
    }
    part_of(s->node_available, s->node_total, node, sizeof node);
    if (s->swap_total > 0)
        part_of(s->swap_used > 0 ? s->swap_used : 0, s->swap_total, swap, sizeof swap);
    else
        snprintf(swap, sizeof swap, "none");
    clab_grid_textf(g, r.row + row, r.col, r.cols, CLAB_ROLE_TEXT, "node %s free, swap %s", node, swap);
}

static void gpu_line(clab_grid *g, clab_rect r, int row, const clab_snapshot *s, int i, const clab_glyphs *glyphs)
{
    const clab_snap_gpu *u = &s->gpu[i];
    char text[128], amount[64], label[16];
    int n;

    part_of(u->has_mem ? u->mem_used : -1, u->has_mem ? u->mem_total : -1, amount, sizeof amount);
    n = snprintf(text, sizeof text, "%s", amount);
    if (u->has_util)
        n += snprintf(text + n, sizeof text - (size_t)n, " %d%%", u->util_pct);
    if (u->has_temp && r.cols > 44)
        n += snprintf(text + n, sizeof text - (size_t)n, " %d C", u->temp_c);
    if (u->has_power && r.cols > 50)
        snprintf(text + n, sizeof text - (size_t)n, " %d W", u->power_w);
    if (s->n_gpus == 1)
        snprintf(label, sizeof label, "GPU");
    else
        snprintf(label, sizeof label, "GPU%d", i);
    gauge(g, r, row, label, u->has_mem ? share_of(u->mem_used, u->mem_total) : 0, text, glyphs);
}

static void no_gpu_line(clab_grid *g, clab_rect r, int row, const clab_snapshot *s)
{
    const char *why = s->gpu_reason;

    if (strncmp(why, "no GPU: ", 8) == 0)
        why += 8;
    clab_grid_textf(g, r.row + row, r.col, r.cols, CLAB_ROLE_DIM, "no GPU%s%s", *why ? ": " : "", why);
}

void clab_meter_draw(clab_grid *g, clab_rect r, const clab_snapshot *s, const clab_glyphs *glyphs)
{
    int gpus = s->n_gpus > 0 ? s->n_gpus : 1, row = 0, owner = 0, spare;

    if (r.rows <= 0 || r.cols <= 0)
        return;
    if (r.rows < 4) {
        clab_meter_line(g, r, s, glyphs);
        return;
    }
    if (gpus > r.rows - 3)
        gpus = r.rows - 3;
    ram_line(g, r, row++, s, glyphs);
    spare = r.rows - 3 - gpus; /* beyond memory, owners, node and GPUs */
    if (spare > 0)
        peak_line(g, r, row++, s);
    for (int lines = spare > 1 ? spare : 1; lines > 0; lines--) {
        int count = spare > 1 ? 1 : 2;
        owners_line(g, r, row++, s, owner, count);
        owner += count;
        if (owner >= s->n_owners)
            break;
    }
    node_line(g, r, row++, s);
    for (int i = 0; i < gpus; i++) {
        if (s->n_gpus > 0)
            gpu_line(g, r, row++, s, i, glyphs);
        else
            no_gpu_line(g, r, row++, s);
    }
}

void clab_meter_line(clab_grid *g, clab_rect r, const clab_snapshot *s, const clab_glyphs *glyphs)
{
    char amount[64], gpu[64];
    int col;

    if (r.rows <= 0 || r.cols <= 0)
        return;
    part_of(in_use(s), s->limit.bytes, amount, sizeof amount);
    col = clab_grid_text(g, r.row, r.col, r.cols, CLAB_ROLE_TITLE, "RAM ");
    if (r.cols >= 56) {
        bar(g, r.row, r.col + col, 8, share_of(in_use(s), s->limit.bytes), glyphs);
        col += 9;
    }
    col += clab_grid_textf(g, r.row, r.col + col, r.cols - col, CLAB_ROLE_TEXT, "%s %s", amount, s->limit.source);
    if (s->n_gpus > 0 && s->gpu[0].has_mem) {
        part_of(s->gpu[0].mem_used, s->gpu[0].mem_total, gpu, sizeof gpu);
        clab_grid_textf(g, r.row, r.col + col + 2, r.cols - col - 2, CLAB_ROLE_TEXT, "GPU %s", gpu);
    } else {
        clab_grid_text(g, r.row, r.col + col + 2, r.cols - col - 2, CLAB_ROLE_DIM, "no GPU");
    }
}
