/* plots.c -- two figures: the confusion matrix as SVG, and the histogram of a column as text and SVG. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/svg.h"
#include "base/text.h"
#include "label/evaluate.h"

#define INK "#222222"
#define FAINT "#bbbbbb"

/* ---- confusion matrix --------------------------------------------------------------------------------*/

#define LABEL_COLUMNS 28
#define CHARACTER 6.5 /* pixels, about, at size 12 */

typedef struct {
    const clab_evaluation *e;
    int left, top, side; /* pixels: margins for names, one cell */
} layout;

static const char *class_name(const clab_evaluation *e, int c)
{
    return clab_value_at_str(e->classes, c, NULL, 0);
}

static layout lay_out(const clab_evaluation *e)
{
    int longest = 4;

    for (int c = 0; c < e->k; c++) {
        int n = clab_svg_columns(class_name(e, c));
        longest = n > longest ? n : longest;
    }
    longest = longest < LABEL_COLUMNS ? longest : LABEL_COLUMNS;
    return (layout){.e = e,
                    .left = 40 + (int)(longest * CHARACTER),
                    .top = 70 + (int)(longest * CHARACTER * 0.75),
                    .side = e->k > 40 ? 20 : e->k > 20 ? 28 : 40};
}

static void draw_names(clab_str *b, const layout *l)
{
    char buf[4 * LABEL_COLUMNS + 8];

    for (int c = 0; c < l->e->k; c++) {
        const char *name = clab_svg_shorten(class_name(l->e, c), LABEL_COLUMNS, buf, sizeof buf);
        double middle = (c + 0.5) * l->side;

        clab_svg_text(b, l->left - 6, l->top + middle + 4, CLAB_SVG_END, 12, 0, INK, name);
        clab_svg_text(b, l->left + middle, l->top - 6, CLAB_SVG_START, 12, 45, INK, name);
    }
}

/* Shade by the share of the true class, so that rare classes are as visible as common ones. */
static void draw_cell(clab_str *b, const layout *l, int r, int c)
{
    const clab_evaluation *e = l->e;
    int64_t n = e->confusion[(int64_t)r * e->k + c];
    double share = e->support[r] ? (double)n / (double)e->support[r] : 0;
    double x = l->left + (double)c * l->side, y = l->top + (double)r * l->side;
    char shade[8], count[24], tip[256];

    snprintf(tip, sizeof tip, "%.100s labelled %.100s: %" PRId64, class_name(e, r), class_name(e, c), n);
    clab_svg_rect(b, x + 0.5, y + 0.5, l->side - 1, l->side - 1, clab_svg_shade(share, shade), tip);
    if (n == 0)
        return;
    snprintf(count, sizeof count, "%" PRId64, n);
    clab_svg_text(b, x + l->side / 2.0, y + l->side / 2.0 + 4, CLAB_SVG_MIDDLE, l->side >= 40 ? 12 : 8, 0,
                   share > 0.5 ? "#ffffff" : INK, count);
}

clab_status clab_evaluation_svg(clab_ctx *cx, const clab_evaluation *e, char **out)
{
    const layout l = lay_out(e);
    const int width = l.left + e->k * l.side + l.top + 20, height = l.top + e->k * l.side + 30;
    char line[160];
    clab_str b = {0};

    snprintf(line, sizeof line, "%s cells: accuracy %.3f, macro F1 %.3f. Rows: true class, columns: predicted class",
             clab_text_count(e->n), e->accuracy, e->macro_f1);
    clab_svg_open(&b, width, height, "Confusion matrix", line);
    clab_svg_text(&b, 12, 24, CLAB_SVG_START, 16, 0, INK, "Confusion matrix");
    snprintf(line, sizeof line, "accuracy %.3f, macro F1 %.3f", e->accuracy, e->macro_f1);
    clab_svg_text(&b, 12, 42, CLAB_SVG_START, 12, 0, INK, line);
    draw_names(&b, &l);
    for (int r = 0; r < e->k; r++)
        for (int c = 0; c < e->k; c++)
            draw_cell(&b, &l, r, c);
    clab_svg_text(&b, l.left + e->k * l.side / 2.0, height - 10, CLAB_SVG_MIDDLE, 12, 0, INK, "predicted class");
    clab_svg_text(&b, 16, l.top + e->k * l.side / 2.0, CLAB_SVG_MIDDLE, 12, 90, INK, "true class");
    clab_svg_close(&b);
    return clab_str_give(cx, &b, out);
}

/* ---- histogram ------------------------------------------------------------------------------------------*/

#define MAX_BINS 200

typedef struct {
    int bins;
    double low, high;
    int64_t n, missing, largest;
    int64_t count[MAX_BINS];
} histogram;

static clab_status count_bins(clab_ctx *cx, const clab_value *column, int bins, histogram *h)
{
    const int64_t n = clab_value_len(column);

    if (!clab_value_is_numeric(column))
        return clab_fail(cx, CLAB_EARG, "a histogram needs a numeric column");
    if (bins < 1 || bins > MAX_BINS)
        return clab_fail(cx, CLAB_EARG, "a histogram has 1 to %d bins, not %d", MAX_BINS, bins);
    *h = (histogram){.bins = bins, .low = INFINITY, .high = -INFINITY};
    for (int64_t i = 0; i < n; i++) {
        double x = clab_value_at_num(column, i);
        if (isfinite(x)) {
            h->low = fmin(h->low, x);
            h->high = fmax(h->high, x);
            h->n++;
        }
    }
    h->missing = n - h->n;
    if (h->n == 0)
        return clab_fail(cx, CLAB_EARG, "none of the column's %" PRId64 " values is a finite number", n);
    if (h->low >= 0 && h->high <= 1) { /* shares and probabilities: the whole scale */
        h->low = 0;
        h->high = 1;
    }
    if (h->high == h->low)
        h->high = h->low + 1;
    for (int64_t i = 0; i < n; i++) {
        double x = clab_value_at_num(column, i);
        if (isfinite(x)) {
            int bin = (int)((x - h->low) / (h->high - h->low) * bins);
            bin = bin < bins ? bin : bins - 1;
            if (++h->count[bin] > h->largest)
                h->largest = h->count[bin];
        }
    }
    return CLAB_OK;
}

static double edge(const histogram *h, int bin)
{
    return h->low + (h->high - h->low) * bin / h->bins;
}

clab_status clab_histogram_text(clab_ctx *cx, const clab_value *column, int bins, const char *title, char **out)
{
    static const char bar[] = "##################################################";
    histogram h;
    clab_str b = {0};
    clab_status st;

    if ((st = count_bins(cx, column, bins, &h)) != CLAB_OK)
        return st;
    clab_str_addf(&b, "%s (%s cells", clab_show(title), clab_text_count(h.n));
    if (h.missing)
        clab_str_addf(&b, ", %s without a value", clab_text_count(h.missing));
    clab_str_add(&b, ")\n");
    for (int i = 0; i < h.bins; i++) {
        int length = (int)(h.count[i] * 50 / h.largest);
        length = h.count[i] > 0 && length == 0 ? 1 : length;
        clab_str_addf(&b, "%8.3g - %-8.3g |%.*s %" PRId64 "\n", edge(&h, i), edge(&h, i + 1), length, bar,
                      h.count[i]);
    }
    return clab_str_give(cx, &b, out);
}

static void draw_axes(clab_str *b, const histogram *h, const char *title)
{
    char text[32];

    clab_svg_text(b, 320, 24, CLAB_SVG_MIDDLE, 16, 0, INK, title);
    for (int i = 0; i <= 4; i++) {
        double x = 60 + 560 * i / 4.0, y = 320 - 270 * i / 4.0;

        snprintf(text, sizeof text, "%.3g", h->low + (h->high - h->low) * i / 4);
        clab_svg_text(b, x, 340, CLAB_SVG_MIDDLE, 12, 0, INK, text);
        snprintf(text, sizeof text, "%.0f", (double)h->largest * i / 4);
        clab_svg_text(b, 54, y + 4, CLAB_SVG_END, 12, 0, INK, text);
        clab_svg_line(b, 60, y, 620, y, i ? FAINT : INK);
    }
    clab_svg_text(b, 16, 185, CLAB_SVG_MIDDLE, 12, 90, INK, "cells");
}

clab_status clab_histogram_svg(clab_ctx *cx, const clab_value *column, int bins, const char *title, char **out)
{
    histogram h;
    char line[96], shade[8];
    double width;
    clab_str b = {0};
    clab_status st;

    if ((st = count_bins(cx, column, bins, &h)) != CLAB_OK)
        return st;
    snprintf(line, sizeof line, "Histogram of %s cells in %d bins from %.3g to %.3g", clab_text_count(h.n), h.bins,
             h.low, h.high);
    clab_svg_open(&b, 640, 360, title, line);
    draw_axes(&b, &h, title);
    width = 560.0 / h.bins;
    for (int i = 0; i < h.bins; i++) {
        double height = 270.0 * (double)h.count[i] / (double)h.largest;

        snprintf(line, sizeof line, "%.3g to %.3g: %" PRId64 " cells", edge(&h, i), edge(&h, i + 1), h.count[i]);
        clab_svg_rect(&b, 60 + width * i + 0.5, 320 - height, width - 1, height, clab_svg_shade(0.8, shade), line);
    }
    clab_svg_close(&b);
    return clab_str_give(cx, &b, out);
}
