/* test_tui_plot.c -- series in, text out: the three glyph levels and the values that curves must not hide. */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plot.h"

static char *plot(int rows, int cols, const clab_plot_series *s, int n, clab_plot_opts o, clab_plot_scale *sc)
{
    clab_grid *g = clab_grid_new(rows, cols);
    clab_plot_scale scale = clab_plot_draw(g, (clab_rect){0, 0, rows, cols}, s, n, &o);
    char *text = clab_grid_dump(g);

    if (sc)
        *sc = scale;
    clab_grid_free(g);
    return text;
}

static void expect(const char *want, char *got)
{
    assert_string_equal(want, got);
    free(got);
}

static void ramps(void **state)
{
    static const float x[8] = {0, 1, 2, 3, 4, 5, 6, 7}, y[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    clab_plot_series s = {x, y, 8, CLAB_ROLE_SERIES1};

    (void)state;
    expect("⣀⠤⠒⠉\n", plot(1, 4, &s, 1, (clab_plot_opts){.glyphs = CLAB_GLYPHS_BRAILLE}, NULL));
}

static void blocks_and_ascii(void **state)
{
    static const float x[8] = {0, 1, 2, 3, 4, 5, 6, 7}, y[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    clab_plot_series s = {x, y, 8, CLAB_ROLE_SERIES1};

    (void)state;
    expect("▁▂▃▄▅▆▇█\n", plot(1, 8, &s, 1, (clab_plot_opts){.glyphs = CLAB_GLYPHS_BLOCKS}, NULL));
    expect("..::||##\n", plot(1, 8, &s, 1, (clab_plot_opts){.glyphs = CLAB_GLYPHS_ASCII}, NULL));
    expect("    ▂▄▆█\n▁▃▅▇████\n", plot(2, 8, &s, 1, (clab_plot_opts){.glyphs = CLAB_GLYPHS_BLOCKS}, NULL));
}

static void one_point_and_constant(void **state)
{
    static const float x[4] = {1, 2, 3, 4}, y[4] = {5, 5, 5, 5};
    clab_plot_series one = {x, y, 1, CLAB_ROLE_SERIES1}, flat = {x, y, 4, CLAB_ROLE_SERIES1};
    clab_plot_scale sc;
    char *text = plot(3, 6, &one, 1, (clab_plot_opts){.glyphs = CLAB_GLYPHS_BRAILLE}, &sc);

    (void)state;
    assert_true(sc.y_lo < 5 && sc.y_hi > 5 && !sc.empty);
    assert_true(strlen(text) > 3);
    free(text);
    text = plot(3, 4, &flat, 1, (clab_plot_opts){.glyphs = CLAB_GLYPHS_BRAILLE}, &sc);
    expect("\n⠒⠒⠒⠒\n\n", text);
}

static void nothing(void **state)
{
    clab_plot_series s = {NULL, NULL, 0, CLAB_ROLE_SERIES1};
    clab_plot_scale sc;

    (void)state;
    expect("\n\n", plot(2, 5, &s, 1, (clab_plot_opts){.glyphs = CLAB_GLYPHS_BRAILLE}, &sc));
    assert_true(sc.empty);
    free(plot(1, 1, &s, 0, (clab_plot_opts){0}, &sc));
}

static void not_a_number_is_seen(void **state)
{
    static const float x[6] = {0, 1, 2, 3, 4, 5};
    float y[6] = {1, 2, NAN, 4, INFINITY, 6};
    clab_plot_series s = {x, y, 6, CLAB_ROLE_SERIES1};
    clab_plot_scale sc;
    char *text;

    (void)state;
    text = plot(2, 6, &s, 1, (clab_plot_opts){.glyphs = CLAB_GLYPHS_ASCII}, &sc);
    assert_int_equal(sc.bad, 2);
    assert_true(sc.y_hi == 6 && sc.y_lo == 1);
    assert_true(text[2] == 'x' && text[4] == 'x');
    free(text);
    for (int i = 0; i < 6; i++)
        y[i] = NAN;
    expect("xxxxxx\n\n", plot(2, 6, &s, 1, (clab_plot_opts){.glyphs = CLAB_GLYPHS_ASCII}, &sc));
    expect("×××\n\n", plot(2, 3, &s, 1, (clab_plot_opts){.glyphs = CLAB_GLYPHS_BRAILLE}, &sc));
}

static void scale_is_chosen_by_ratio(void **state)
{
    static const float x[3] = {0, 1, 2}, near[3] = {10, 100, 400}, far[3] = {10, 100, 600}, neg[3] = {-1, 100, 600};
    clab_plot_opts o = {.glyphs = CLAB_GLYPHS_BRAILLE};

    (void)state;
    assert_false(clab_plot_fit(&(clab_plot_series){x, near, 3, 0}, 1, &o, 10).log);
    assert_true(clab_plot_fit(&(clab_plot_series){x, far, 3, 0}, 1, &o, 10).log);
    assert_false(clab_plot_fit(&(clab_plot_series){x, neg, 3, 0}, 1, &o, 10).log);
    o.from_zero = true;
    assert_true(clab_plot_fit(&(clab_plot_series){x, near, 3, 0}, 1, &o, 10).y_lo == 0);
}

static void a_million_points_keep_their_spike(void **state)
{
    enum { N = 1000000 };
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    clab_plot_scale sc;
    char *text;

    (void)state;
    assert_true(x && y);
    for (int i = 0; i < N; i++) {
        x[i] = (float)i;
        y[i] = 1.0f + 0.2f * (float)(i % 7) / 7;
    }
    y[500000] = 2.5f;
    text = plot(4, 10, &(clab_plot_series){x, y, N, CLAB_ROLE_SERIES1}, 1,
                (clab_plot_opts){.glyphs = CLAB_GLYPHS_BRAILLE}, &sc);
    assert_true(sc.y_hi == 2.5);
    assert_int_not_equal(text[0], '\n'); /* the top row holds the spike */
    free(text);
    free(x);
    free(y);
}

static void outliers_are_cut_and_marked(void **state)
{
    float x[40], y[40];
    clab_plot_scale sc;
    char *text;

    (void)state;
    for (int i = 0; i < 40; i++) {
        x[i] = (float)i;
        y[i] = 2.0f + 0.05f * (float)(i % 5);
    }
    y[0] = 40;
    text = plot(3, 40, &(clab_plot_series){x, y, 40, CLAB_ROLE_SERIES1}, 1,
                (clab_plot_opts){.glyphs = CLAB_GLYPHS_ASCII}, &sc);
    assert_true(sc.y_hi < 3);
    assert_int_equal(text[0], '^');
    free(text);
}

static void few_points_grow_to_the_right(void **state)
{
    float x[20], y[20];
    clab_plot_opts o = {.glyphs = CLAB_GLYPHS_ASCII, .fill_from_left = true};
    char *text;

    (void)state;
    for (int i = 0; i < 20; i++) {
        x[i] = (float)(i + 1);
        y[i] = (float)(30 - i);
    }
    text = plot(1, 20, &(clab_plot_series){x, y, 5, CLAB_ROLE_SERIES1}, 1, o, NULL);
    assert_int_equal(strcspn(text, "\n"), 5);
    free(text);
    text = plot(1, 20, &(clab_plot_series){x, y, 15, CLAB_ROLE_SERIES1}, 1, o, NULL);
    assert_int_equal(strcspn(text, "\n"), 15);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ramps),
        cmocka_unit_test(blocks_and_ascii),
        cmocka_unit_test(one_point_and_constant),
        cmocka_unit_test(nothing),
        cmocka_unit_test(not_a_number_is_seen),
        cmocka_unit_test(scale_is_chosen_by_ratio),
        cmocka_unit_test(a_million_points_keep_their_spike),
        cmocka_unit_test(outliers_are_cut_and_marked),
        cmocka_unit_test(few_points_grow_to_the_right),
    };

    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
