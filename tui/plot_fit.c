/* plot_fit.c -- the scale of a plot and the buckets of its columns. */
#include "plot_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOG_FROM 50.0    /* ratio of the range from which the scale is logarithmic */
#define OUTLIER_FROM 24  /* buckets needed before an outlier may be cut off */
#define OUTLIER_FAR 4.0  /* how many times the bulk's height beyond it counts as far */

static void fit_x(const clab_plot_series *s, int n_series, const clab_plot_opts *o, int columns,
                  clab_plot_scale *sc)
{
    double lo = INFINITY, hi = -INFINITY, step = 0;

    for (int k = 0; k < n_series; k++) {
        int n = s[k].n;
        if (n == 0)
            continue;
        lo = fmin(lo, (double)s[k].x[0]);
        hi = fmax(hi, (double)s[k].x[n - 1]);
        if (k == 0 && n > 1)
            step = ((double)s[k].x[n - 1] - (double)s[k].x[0]) / (n - 1);
    }
    if (!isfinite(lo) || !isfinite(hi))
        lo = hi = 0;
    if (o->fill_from_left && columns > 1)
        hi = fmax(hi, lo + (step > 0 ? step : 1) * (columns - 1));
    sc->x_lo = lo;
    sc->x_hi = hi;
}

void clab__plot_buckets(const clab_plot_series *s, const clab_plot_scale *sc, clab__bucket *b, int n)
{
    double span = sc->x_hi - sc->x_lo;

    memset(b, 0, (size_t)n * sizeof *b);
    for (int i = 0; i < s->n; i++) {
        double at = span > 0 ? ((double)s->x[i] - sc->x_lo) / span * (n - 1) : 0;
        int k = at > 0 ? (int)fmin(at + 0.5, n - 1) : 0;
        float y = s->y[i];
        clab__bucket *c = &b[k];

        if (!isfinite(y)) {
            c->bad = true;
            continue;
        }
        if (!c->any) {
            c->lo = c->hi = c->first = y;
            c->any = true;
        }
        c->lo = fminf(c->lo, y);
        c->hi = fmaxf(c->hi, y);
        c->last = y;
    }
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return x < y ? -1 : x > y;
}

/* A scale that one wild first epoch would flatten is cut above the bulk of the bucket maxima. */
static double without_outliers(float *top, int n, double lo, double hi)
{
    double bulk;

    if (n < OUTLIER_FROM)
        return hi;
    qsort(top, (size_t)n, sizeof *top, by_value);
    bulk = (double)top[n * 9 / 10];
    if (bulk > lo && hi > bulk + OUTLIER_FAR * (bulk - lo))
        return bulk + 0.25 * (bulk - lo);
    return hi;
}

clab_plot_scale clab_plot_fit(const clab_plot_series *s, int n_series, const clab_plot_opts *o, int columns)
{
    clab_plot_scale sc = {.empty = true};
    clab__bucket b[CLAB__PLOT_COLUMNS];
    float top[2 * CLAB__PLOT_COLUMNS];
    double lo = INFINITY, hi = -INFINITY;
    int n_top = 0;

    fit_x(s, n_series, o, columns, &sc);
    for (int k = 0; k < n_series; k++) {
        for (int i = 0; i < s[k].n; i++)
            sc.bad += !isfinite(s[k].y[i]);
        clab__plot_buckets(&s[k], &sc, b, columns);
        for (int i = 0; i < columns; i++) {
            if (!b[i].any)
                continue;
            lo = fmin(lo, (double)b[i].lo);
            hi = fmax(hi, (double)b[i].hi);
            if (n_top < 2 * CLAB__PLOT_COLUMNS)
                top[n_top++] = b[i].hi;
        }
    }
    if (n_top == 0)
        return sc;
    sc.empty = false;
    if (o->from_zero)
        lo = fmin(lo, 0);
    sc.log = !o->never_log && !o->from_zero && lo > 0 && hi / lo > LOG_FROM;
    if (!sc.log && !o->from_zero)
        hi = without_outliers(top, n_top, lo, hi);
    if (!(hi > lo)) {
        double room = lo != 0 ? fabs(lo) * 0.1 : 1;
        hi += room;
        lo -= o->from_zero ? 0 : room;
    }
    sc.y_lo = lo;
    sc.y_hi = hi;
    return sc;
}
