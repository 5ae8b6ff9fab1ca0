/* test_tui_layout.c -- every screen size: rectangles inside the pane, none over another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "layout.h"

#define MAX_ROWS 200
#define MAX_COLS 300

static bool is_empty(clab_rect r)
{
    return r.rows <= 0 || r.cols <= 0;
}

static bool overlap(clab_rect a, clab_rect b)
{
    if (is_empty(a) || is_empty(b))
        return false;
    return a.row < b.row + b.rows && b.row < a.row + a.rows && a.col < b.col + b.cols && b.col < a.col + a.cols;
}

static void check(const clab_layout *l, int rows, int cols)
{
    clab_rect part[5] = {l->header, l->curve, l->ram, l->meters, l->footer};

    if (is_empty(l->pane)) {
        for (int i = 0; i < 5; i++)
            if (!is_empty(part[i]))
                fail_msg("%dx%d: a part without a pane", rows, cols);
        return;
    }
    if (l->pane.row < 0 || l->pane.col < 0 || l->pane.row + l->pane.rows > rows || l->pane.col + l->pane.cols > cols)
        fail_msg("%dx%d: the pane leaves the screen", rows, cols);
    for (int i = 0; i < 5; i++) {
        clab_rect r = part[i];
        if (r.rows < 0 || r.cols < 0)
            fail_msg("%dx%d: part %d has a negative size", rows, cols, i);
        if (is_empty(r))
            continue;
        if (r.row < 0 || r.col < 0 || r.row + r.rows > l->pane.rows || r.col + r.cols > l->pane.cols)
            fail_msg("%dx%d: part %d leaves the pane", rows, cols, i);
        for (int k = i + 1; k < 5; k++)
            if (overlap(r, part[k]))
                fail_msg("%dx%d: parts %d and %d overlap", rows, cols, i, k);
    }
}

static void every_size(void **state)
{
    (void)state;
    for (int rows = 0; rows <= MAX_ROWS; rows++)
        for (int cols = 0; cols <= MAX_COLS; cols++)
            for (int curve = 0; curve < 2; curve++) {
                for (int asked = 0; asked < 14; asked += 3) {
                    clab_layout l = clab_layout_pane(rows, cols, &(clab_wish){asked, curve});
                    check(&l, rows, cols);
                    if (!is_empty(l.pane) && l.pane.row + l.pane.rows != rows)
                        fail_msg("%dx%d: the pane is not at the bottom", rows, cols);
                    if (l.pane.rows * 3 > rows)
                        fail_msg("%dx%d: the pane takes more than a third", rows, cols);
                }
                clab_layout l = clab_layout_monitor(rows, cols, &(clab_wish){0, curve});
                check(&l, rows, cols);
            }
}

static void design_size(void **state)
{
    (void)state;
    clab_layout l = clab_layout_pane(24, 80, &(clab_wish){0, true});

    assert_int_equal(l.pane.rows, 5);
    assert_int_equal(l.meters.rows, 4);
    assert_true(l.curve.cols >= 20 && l.ram.cols >= 14 && l.meters.cols >= 36);
    assert_int_equal(clab_layout_pane(11, 80, &(clab_wish){0, true}).pane.rows, 0);
    assert_int_equal(clab_layout_pane(24, 39, &(clab_wish){0, true}).pane.rows, 0);
    assert_int_equal(clab_layout_pane(12, 40, &(clab_wish){0, true}).pane.rows, 1);
    assert_int_equal(clab_layout_pane(40, 80, &(clab_wish){0, true}).pane.rows, 8);
    assert_int_equal(clab_layout_pane(24, 60, &(clab_wish){0, true}).meters.rows, 1);
    assert_int_equal(clab_layout_pane(24, 80, &(clab_wish){7, false}).pane.rows, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_size), cmocka_unit_test(design_size)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
