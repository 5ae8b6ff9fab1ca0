/* layout.c -- rectangles from sizes; every size is tested for overlap and containment. */
#include "layout.h"

#define WIDE 72        /* columns from which panels stand side by side */
#define METERS_MIN 36
#define METERS_MAX 60
#define RAM_MIN 14
#define RAM_MAX 60
#define DIVIDER 2      /* a rule and a blank */

static int clamp(int x, int lo, int hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

static int pane_height(int rows, int cols, int asked)
{
    int most = rows / 3, height;

    if (rows < 12 || cols < 40)
        return 0;
    if (asked > 0)
        height = asked;
    else if (rows < 20)
        height = 1;
    else
        height = rows < 30 ? 5 : rows < 45 ? 8 : 11;
    return height > most ? most : height;
}

/* Curve, memory curve and meters in one row of panels. */
static void side_by_side(clab_layout *l, clab_rect body, bool curve)
{
    int meters = clamp(body.cols * 9 / 20, METERS_MIN, METERS_MAX);
    int left = body.cols - meters - DIVIDER;
    int ram = curve ? clamp(left / 3, RAM_MIN, RAM_MAX) : left;

    l->meters = (clab_rect){body.row, body.col + left + DIVIDER, body.rows, meters};
    l->ram = (clab_rect){body.row, body.col + left - ram, body.rows, ram};
    if (curve)
        l->curve = (clab_rect){body.row, body.col, body.rows, left - ram - DIVIDER};
}

/* One plot over one line of figures. */
static void stacked(clab_layout *l, clab_rect body, bool curve)
{
    clab_rect plot = body;

    l->meters = (clab_rect){body.row + body.rows - 1, body.col, 1, body.cols};
    plot.rows = body.rows - 1;
    if (plot.rows <= 0)
        return;
    if (curve)
        l->curve = plot;
    else
        l->ram = plot;
}

clab_layout clab_layout_pane(int rows, int cols, const clab_wish *wish)
{
    clab_layout l = {0};
    int height = pane_height(rows, cols, wish->rows);
    clab_rect body = {1, 0, height - 1, cols};

    if (height == 0)
        return l;
    l.pane = (clab_rect){rows - height, 0, height, cols};
    l.header = (clab_rect){0, 0, 1, cols};
    if (body.rows == 0)
        return l;
    if (cols >= WIDE && body.rows >= 2)
        side_by_side(&l, body, wish->curve);
    else
        stacked(&l, body, wish->curve);
    return l;
}

/* Full screen, wide: curves one above the other on the left, figures on the right. */
static void monitor_wide(clab_layout *l, clab_rect body, bool curve)
{
    int meters = clamp(body.cols * 2 / 5, METERS_MIN, METERS_MAX);
    int left = body.cols - meters - DIVIDER;
    int upper = curve ? body.rows * 3 / 5 : 0;

    l->meters = (clab_rect){body.row, body.col + left + DIVIDER, body.rows, meters};
    if (curve)
        l->curve = (clab_rect){body.row, body.col, upper, left};
    l->ram = (clab_rect){body.row + upper, body.col, body.rows - upper, left};
}

/* Full screen, narrow: everything below one another, what has no room is left out. */
static void monitor_narrow(clab_layout *l, clab_rect body, bool curve)
{
    int meters = clamp(body.rows / 3, 1, 8);
    int plots = body.rows - meters;
    int upper = curve ? plots - plots / 2 : 0;

    l->meters = (clab_rect){body.row + plots, body.col, meters, body.cols};
    if (upper > 0)
        l->curve = (clab_rect){body.row, body.col, upper, body.cols};
    if (plots - upper > 0)
        l->ram = (clab_rect){body.row + upper, body.col, plots - upper, body.cols};
}

clab_layout clab_layout_monitor(int rows, int cols, const clab_wish *wish)
{
    clab_layout l = {0};
    clab_rect body = {1, 0, rows - 2, cols};

    if (rows <= 0 || cols <= 0)
        return l;
    l.pane = (clab_rect){0, 0, rows, cols};
    l.header = (clab_rect){0, 0, 1, cols};
    if (rows >= 2)
        l.footer = (clab_rect){rows - 1, 0, 1, cols};
    if (body.rows <= 0)
        return l;
    if (cols >= WIDE && body.rows >= 6)
        monitor_wide(&l, body, wish->curve);
    else
        monitor_narrow(&l, body, wish->curve);
    return l;
}
