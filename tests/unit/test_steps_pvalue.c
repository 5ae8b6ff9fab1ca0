/* test_steps_pvalue.c -- tail probabilities beside values computed with 40 digits, and their corrections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>

#include <cmocka.h>

#include "steps/pvalue.h"

static void same(double got, double want)
{
    if (!(fabs(got - want) <= 1e-11 * fabs(want) + 1e-320))
        fail_msg("%.17g, not %.17g", got, want);
}

static void student(void **state)
{
    static const double of[][3] = { /* t, df, P(|T| >= |t|) */
        {0.1, 1, 0.93654896513889286},
        {1, 3.7, 0.37814139976045245},
        {2.5, 10, 0.031446844236608804},
        {-4, 17.25, 0.00090389029499836014},
        {12, 5, 7.0894925171615227e-5},
        {1e-08, 100, 0.99999999204107626},
        {1.96, 1e5, 0.049998563194301638},
        {37, 1e5, 1.197462824342466e-297},
        {80, 250, 3.9864353605836798e-180},
        {3, 1, 0.20483276469913345},
        {1e10, 2, 1.0e-20},
        {36, 1e6, 1.2733991120399027e-283},
        {0, 7, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        same(clab_p_student(of[i][0], of[i][1]), of[i][2]);
    assert_true(clab_p_student((double)INFINITY, 5) == 0);
    assert_true(clab_p_student(60, 3000.5) == 0); /* 4e-516 */
    assert_true(isnan(clab_p_student((double)NAN, 5)));
}

static void f(void **state)
{
    static const double of[][4] = { /* F, d1, d2, P(F >= f) */
        {0.5, 4, 20, 0.73603718891092424},
        {4.2, 6, 2600, 0.00032748779942189004},
        {120, 8, 2630, 1.4370128172302877e-171},
        {60, 20, 109980, 1.7487568527633742e-240},
        {0.01, 6, 50, 0.99999507121546699},
        {100000.0, 2, 6, 2.699757014579271e-14},
        {1.2, 98, 100000, 0.086546512641317247},
        {33, 2, 1000000, 4.6639622121865893e-15},
        {600, 2, 1000000, 3.7977983999422339e-261},
        {1, 2, 3, 0.46475800154489003},
        {1, 1, 1, 0.5},
        {0, 3, 5, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        same(clab_p_f(of[i][0], of[i][1], of[i][2]), of[i][3]);
    assert_true(clab_p_f((double)INFINITY, 2, 5) == 0);
    assert_true(isnan(clab_p_f((double)NAN, 2, 5)));
}

static void normal(void **state)
{
    static const double of[][2] = {{0, 1}, {1, 0.31731050786291410}, {-5, 5.7330314375838785e-7}, {20, 5.5072482372124673e-89}};

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        same(clab_p_normal(of[i][0]), of[i][1]);
}

static void many_tests(void **state)
{
    const double p[5] = {0.01, 0.5, 0.04, 0.03, 0.9}, want[5] = {0.05, 0.625, 0.2 / 3, 0.2 / 3, 0.9};
    clab_ctx_opts o = {.threads = 1};
    clab_ctx *cx = clab_ctx_new(&o);
    double q[5];

    (void)state;
    assert_int_equal(clab_p_adjust(cx, false, p, 5, q), CLAB_OK);
    for (int i = 0; i < 5; i++)
        same(q[i], want[i]);
    assert_int_equal(clab_p_adjust(cx, true, p, 5, q), CLAB_OK);
    same(q[0], 0.05);
    same(q[1], 1);
    clab_ctx_free(cx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(student),
        cmocka_unit_test(f),
        cmocka_unit_test(normal),
        cmocka_unit_test(many_tests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
