/* series.c -- metric curves in bounded memory: a long curve keeps the extremes of each stretch. */
#include <math.h>
#include <string.h>

#include "ledger/ledger_impl.h"

/* Is a above b?  NaN lies above everything, so that it is kept and seen. */
static bool above(float a, float b)
{
    return isnan(a) ? !isnan(b) : !isnan(b) && a > b;
}

/* Positions of the lowest and highest of n points. */
static void extremes(const float *y, int n, int *low, int *high)
{
    *low = *high = 0;
    for (int i = 1; i < n; i++) {
        if (above(y[*low], y[i]))
            *low = i;
        if (above(y[i], y[*high]))
            *high = i;
    }
}

/* Every four points become two, in their order. */
static void halve(clab_snap_series *k)
{
    int32_t out = 0, i = 0;

    for (; i + 4 <= k->n; i += 4) {
        int low, high, first, second;
        extremes(k->y + i, 4, &low, &high);
        if (low == high) /* all equal: the ends */
            low = 0, high = 3;
        first = low < high ? low : high;
        second = low < high ? high : low;
        k->x[out] = k->x[i + first];
        k->y[out++] = k->y[i + first];
        k->x[out] = k->x[i + second];
        k->y[out++] = k->y[i + second];
    }
    for (; i < k->n; i++) {
        k->x[out] = k->x[i];
        k->y[out++] = k->y[i];
    }
    k->n = out;
}

/* The open bucket's points, in the order of x; returns how many (0..2). */
static int open_points(const clab__series *s, float *x, float *y)
{
    int first = s->open_x[0] <= s->open_x[1] ? 0 : 1;

    if (s->open_n == 0)
        return 0;
    x[0] = s->open_x[first];
    y[0] = s->open_y[first];
    x[1] = s->open_x[!first];
    y[1] = s->open_y[!first];
    return s->open_n == 1 ? 1 : 2;
}

void clab__series_add(clab__series *s, double x, double y)
{
    clab_snap_series *k = &s->kept;
    float fx = (float)x, fy = (float)y;

    k->n_total++;
    k->last = y;
    if (s->width <= 1 && k->n < CLAB__CURVE) {
        k->x[k->n] = fx;
        k->y[k->n++] = fy;
        return;
    }
    if (k->n >= CLAB__CURVE && s->open_n == 0) {
        halve(k);
        s->width = s->width <= 1 ? 4 : s->width * 2;
    }
    if (s->open_n == 0 || above(s->open_y[0], fy)) {
        s->open_x[0] = fx;
        s->open_y[0] = fy;
    }
    if (s->open_n == 0 || above(fy, s->open_y[1])) {
        s->open_x[1] = fx;
        s->open_y[1] = fy;
    }
    if (++s->open_n == s->width) {
        k->n += open_points(s, k->x + k->n, k->y + k->n);
        s->open_n = 0;
    }
}

void clab__series_fill(const clab__series *s, clab_snap_series *out)
{
    *out = s->kept;
    out->n += open_points(s, out->x + out->n, out->y + out->n);
}

void clab_series_start(clab_ctx *cx, const char *run, const char *x_unit)
{
    clab_ledger *lg = clab_ctx_ledger(cx);

    if (!lg)
        return;
    pthread_mutex_lock(&lg->lock);
    memset(lg->series, 0, sizeof lg->series);
    lg->n_series = 0;
    clab__copy(lg->run, sizeof lg->run, run);
    clab__copy(lg->x_unit, sizeof lg->x_unit, x_unit);
    pthread_mutex_unlock(&lg->lock);
    clab__emit(lg, &(clab_event){.kind = CLAB_EV_SERIES_START, .text = run, .unit = x_unit});
}

void clab_series_add(clab_ctx *cx, const char *name, double x, double y)
{
    clab_ledger *lg = clab_ctx_ledger(cx);
    char key[sizeof lg->series->kept.name];
    int32_t i;

    if (!lg)
        return;
    clab__copy(key, sizeof key, name);
    pthread_mutex_lock(&lg->lock);
    for (i = 0; i < lg->n_series && strcmp(lg->series[i].kept.name, key) != 0; i++)
        ;
    if (i == lg->n_series && i < CLAB_SNAP_SERIES) {
        memcpy(lg->series[i].kept.name, key, sizeof key);
        lg->n_series++;
    }
    if (i < lg->n_series)
        clab__series_add(&lg->series[i], x, y);
    pthread_mutex_unlock(&lg->lock);
    clab__emit(lg, &(clab_event){.kind = CLAB_EV_SERIES_ADD, .text = name, .x = x, .y = y});
}
