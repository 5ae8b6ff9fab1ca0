/* history.c -- metric curves of a training run, kept whole (the ledger keeps a thinned copy). */
#include "models/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"

static clab_curve *find(const clab_history *h, const char *name)
{
    for (int i = 0; i < h->n; i++)
        if (strcmp(h->curves[i].name, name) == 0)
            return &h->curves[i];
    return NULL;
}

static clab_curve *add_curve(clab_history *h, const char *name)
{
    if (h->n == h->cap) {
        int cap = h->cap ? 2 * h->cap : 8;
        clab_curve *grown = realloc(h->curves, (size_t)cap * sizeof *grown);
        if (!grown)
            return NULL;
        h->curves = grown;
        h->cap = cap;
    }
    memset(&h->curves[h->n], 0, sizeof h->curves[h->n]);
    snprintf(h->curves[h->n].name, sizeof h->curves[h->n].name, "%s", name);
    return &h->curves[h->n++];
}

static bool grow(clab_curve *c)
{
    int64_t cap = c->cap ? 2 * c->cap : 64;
    double *x = realloc(c->x, (size_t)cap * sizeof *x);
    double *y;

    if (!x)
        return false;
    c->x = x;
    y = realloc(c->y, (size_t)cap * sizeof *y);
    if (!y)
        return false;
    c->y = y;
    c->cap = cap;
    return true;
}

clab_status clab_history_keep(clab_ctx *cx, clab_history *h, const char *name, double x, double y)
{
    clab_curve *c = find(h, name);

    if (!c)
        c = add_curve(h, name);
    if (!c || (c->n == c->cap && !grow(c)))
        return clab_fail(cx, CLAB_ENOMEM, "no memory for the curve %s", name);
    c->x[c->n] = x;
    c->y[c->n] = y;
    c->n++;
    return CLAB_OK;
}

clab_status clab_history_add(clab_ctx *cx, clab_history *h, const char *name, double x, double y)
{
    clab_status s = clab_history_keep(cx, h, name, x, y);

    if (s == CLAB_OK)
        clab_series_add(cx, name, x, y);
    return s;
}

const clab_curve *clab_history_get(const clab_history *h, const char *name)
{
    return find(h, name);
}

void clab_history_free(clab_history *h)
{
    for (int i = 0; i < h->n; i++) {
        free(h->curves[i].x);
        free(h->curves[i].y);
    }
    free(h->curves);
    memset(h, 0, sizeof *h);
}
