/* test_tui_pane.c -- what a frame sends: nothing that moves the scroll region, clears or leaves the screen,
 * only to the pane's rows, few bytes for one new point, and nothing when nothing changed. */
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "frame.h"
#include "pane.h"

#define ROWS 24
#define COLS 80

static int out = -1; /* what the terminal would get */

static size_t sent(char *buf, size_t n)
{
    ssize_t k = pread(out, buf, n - 1, 0);

    buf[k > 0 ? k : 0] = '\0';
    assert_int_equal(ftruncate(out, 0), 0);
    lseek(out, 0, SEEK_SET);
    return k > 0 ? (size_t)k : 0;
}

/* Every cursor address must lie in the pane's rows; every other sequence must be harmless. */
static void check_frame(const char *s)
{
    assert_null(strstr(s, "\033[2J"));
    assert_null(strstr(s, "?1049"));
    assert_null(strstr(s, "\033[J"));
    for (const char *c = s; (c = strchr(c, '\033')) != NULL; c++) {
        const char *end = c + 1;
        int row = 0;
        if (*end != '[')
            continue;
        end++;
        end += strspn(end, "0123456789;?");
        assert_int_not_equal(*end, 'r');
        assert_int_not_equal(*end, 'L');
        assert_int_not_equal(*end, 'M');
        if ((*end == 'H' || *end == 'd') && sscanf(c, "\033[%d", &row) == 1)
            assert_in_range(row, ROWS - 4, ROWS);
    }
}

static void frames(void **state)
{
    static char buf[1 << 20];
    const char *why;
    clab_term *t = clab_term_open(out, &why);
    clab_theme theme = {.colour = true};
    clab_pane *p = clab_pane_new(t, &theme, CLAB_GLYPHS_BRAILLE);
    clab_snapshot *s = calloc(1, sizeof *s);
    clab_wish wish = {.curve = true};
    clab_layout l = clab_layout_pane(ROWS, COLS, &wish);
    size_t n;

    (void)state;
    assert_non_null(t);
    assert_non_null(p);
    assert_int_equal(sent(buf, sizeof buf), 0); /* ncurses' own start never reaches the terminal */
    s->n_series = 1;
    snprintf(s->series[0].name, sizeof s->series[0].name, "elbo_train");
    snprintf(s->phase, sizeof s->phase, "scvi:train");
    snprintf(s->phase_unit, sizeof s->phase_unit, "epoch");
    s->phase_total = 200;
    for (int i = 0; i < 40; i++) {
        s->series[0].x[i] = (float)i;
        s->series[0].y[i] = 100.0f - (float)i;
        s->series[0].n = i + 1;
        s->phase_done = i;
        assert_true(clab_pane_draw(p, &l, s) > 0);
        n = sent(buf, sizeof buf);
        check_frame(buf);
        if (i > 0)
            assert_in_range(n, 1, 900);
    }
    assert_int_equal(clab_pane_draw(p, &l, s), 0);
    assert_int_equal(sent(buf, sizeof buf), 0);
    clab_pane_forget(p);
    assert_true(clab_pane_draw(p, &l, s) > 200); /* a whole pane again */
    n = sent(buf, sizeof buf);
    check_frame(buf);
    assert_non_null(strstr(buf, "elbo_train"));

    /* another size: still only the pane's rows of the new screen */
    clab_pane_resize(p, 60, 30 + COLS);
    assert_int_equal(sent(buf, sizeof buf), 0);
    clab_pane_free(p);
    clab_term_close(t);
    free(s);
}

static void a_terminal_without_region_is_refused(void **state)
{
    const char *why = NULL;

    (void)state;
    setenv("TERM", "dumb", 1);
    assert_null(clab_term_open(out, &why));
    assert_non_null(why);
    setenv("TERM", "xterm-256color", 1);
}

static void rescue_resets_everything(void **state)
{
    const char *why, *s;
    clab_term *t = clab_term_open(out, &why);
    size_t n;

    (void)state;
    s = clab_term_rescue(t, false, &n);
    assert_true(strstr(s, "\033[r") && strstr(s, "?2004l") && strstr(s, "?25h") && !strstr(s, "1049"));
    s = clab_term_rescue(t, true, &n);
    assert_true(strstr(s, "\033[r") && strstr(s, "?1049l"));
    clab_term_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_without_region_is_refused),
        cmocka_unit_test(rescue_resets_everything),
        cmocka_unit_test(frames),
    };

    setlocale(LC_ALL, "C.UTF-8");
    setenv("TERM", "xterm-256color", 1);
    out = memfd_create("terminal", MFD_CLOEXEC);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
