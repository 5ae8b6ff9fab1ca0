/* screen.c -- which rows belong to whom. */
#include "screen.h"

#include <stdlib.h>

#include "frame.h"

struct clab_screen {
    clab_term *term;
    clab_pane *pane;
    volatile int *alternate;
    bool wanted, lifted, monitor, others;
    int asked;          /* rows the user asked for */
    int rows, cols;
    int height;         /* rows reserved now; 0 = none */
};

clab_screen *clab_screen_new(clab_term *t, const clab_theme *theme, volatile int *alternate)
{
    clab_screen *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->term = t;
    s->alternate = alternate;
    s->pane = clab_pane_new(t, theme, clab_glyphs_choose());
    if (!s->pane) {
        free(s);
        return NULL;
    }
    clab_term_size(t, &s->rows, &s->cols);
    return s;
}

/* Reserve what the layout wants at this size. */
static void reserve(clab_screen *s)
{
    clab_wish wish = {.rows = s->asked};
    int height = s->wanted && !s->lifted ? clab_layout_pane(s->rows, s->cols, &wish).pane.rows : 0;

    if (height > 0)
        clab_term_reserve(s->term, s->rows, height);
    s->height = height;
    clab_pane_forget(s->pane);
}

static void unreserve(clab_screen *s)
{
    if (s->height > 0)
        clab_term_unreserve(s->term, s->rows, s->rows - s->height);
    s->height = 0;
}

void clab_screen_free(clab_screen *s)
{
    if (!s)
        return;
    if (s->monitor)
        clab_screen_monitor(s, false);
    unreserve(s);
    clab_pane_free(s->pane);
    free(s);
}

void clab_screen_show(clab_screen *s, bool on, int rows)
{
    unreserve(s);
    s->wanted = on;
    s->asked = rows;
    reserve(s);
}

bool clab_screen_shown(const clab_screen *s)
{
    return s->wanted;
}

void clab_screen_lift(clab_screen *s)
{
    unreserve(s);
    s->lifted = true;
}

void clab_screen_restore(clab_screen *s)
{
    s->lifted = false;
    clab_term_size(s->term, &s->rows, &s->cols);
    clab_pane_resize(s->pane, s->rows, s->cols);
    reserve(s);
}

void clab_screen_resized(clab_screen *s)
{
    bool had = s->height > 0;

    clab_term_size(s->term, &s->rows, &s->cols);
    clab_pane_resize(s->pane, s->rows, s->cols);
    if (s->monitor)
        return;
    if (had) /* the old pane's rows lie somewhere below the cursor */
        clab_term_unreserve(s->term, s->rows, -1);
    s->height = 0;
    reserve(s);
}

void clab_screen_monitor(clab_screen *s, bool on)
{
    if (on == s->monitor)
        return;
    if (on) {
        unreserve(s);
        *s->alternate = 1;
        clab_term_alternate(s->term, true);
    } else {
        clab_term_alternate(s->term, false);
        *s->alternate = 0;
        clab_term_size(s->term, &s->rows, &s->cols);
        clab_pane_resize(s->pane, s->rows, s->cols);
    }
    s->monitor = on;
    clab_pane_forget(s->pane);
    if (!on)
        reserve(s);
}

bool clab_screen_in_monitor(const clab_screen *s)
{
    return s->monitor;
}

void clab_screen_others(clab_screen *s)
{
    s->others = true;
}

bool clab_screen_draw(clab_screen *s, const clab_snapshot *snap)
{
    clab_wish wish = clab_frame_wish(snap, s->asked);
    clab_layout l;

    if (s->lifted || (!s->monitor && s->height == 0))
        return true;
    l = s->monitor ? clab_layout_monitor(s->rows, s->cols, &wish) : clab_layout_pane(s->rows, s->cols, &wish);
    l.others = s->others;
    return clab_pane_draw(s->pane, &l, snap) >= 0;
}

void clab_screen_damaged(clab_screen *s)
{
    clab_pane_forget(s->pane);
}

void clab_screen_text(const clab_screen *s, int *rows, int *cols)
{
    *rows = s->rows - s->height;
    *cols = s->cols;
}
