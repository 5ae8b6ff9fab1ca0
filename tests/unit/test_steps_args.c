/* test_steps_args.c -- arguments against their descriptors, and the registry that they come from. */
#include <math.h>

#include "clab_test.h"
#include "steps/step.h"

static const clab_param params[] = {
    {"by", CLAB_P_OBS, NULL, 0, 0, NULL, "", "the label column"},
    {"n_top", CLAB_P_INT, "10", 1, 1000, NULL, "genes", "how many"},
    {"rate", CLAB_P_NUM, "0.5", 0, INFINITY, NULL, "", "a rate"},
    {"exact", CLAB_P_BOOL, "false", 0, 0, NULL, "", "whether"},
    {"flavor", CLAB_P_ENUM, "seurat", 0, 0, "seurat|cell_ranger", "", "which"},
    {"columns", CLAB_P_OBSS, "", 0, 0, NULL, "", "several"},
    {"limit", CLAB_P_INT, "", 0, 0, NULL, "bytes", "a size"},
};
#define N 7

static void set(clab_ctx *cx, clab_arg *args, const char *name, const char *text)
{
    int i = -1;

    assert_clab_ok(cx, clab_args_find(cx, "step", params, N, name, &i));
    assert_clab_ok(cx, clab_args_set_text(cx, "step", &params[i], &args[i], text));
}

static void test_text(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_arg a[N];

    (void)state;
    assert_clab_ok(cx, clab_args_default(cx, "step", params, N, a));
    assert_int_equal(a[1].i, 10);
    assert_true(a[1].given && !a[1].explicit_ && !a[0].given && !a[5].given);
    assert_near(a[2].num, 0.5, 0, 0);
    assert_clab_fails(cx, clab_args_check(cx, "step", params, N, a), CLAB_EARG, "step needs by");
    set(cx, a, "by", "cell_type");
    set(cx, a, "n_top", "1e2");
    set(cx, a, "exact", "yes");
    set(cx, a, "columns", "donor, run,x");
    set(cx, a, "limit", "1.5G");
    assert_clab_ok(cx, clab_args_check(cx, "step", params, N, a));
    assert_int_equal(a[1].i, 100);
    assert_true(a[3].b && a[1].explicit_);
    assert_int_equal(a[5].n_strs, 3);
    assert_string_equal(a[5].strs[1], "run");
    assert_int_equal(a[6].i, 1610612736);
    set(cx, a, "columns", "once"); /* a list may be replaced */
    assert_int_equal(a[5].n_strs, 1);
    clab_args_free(a, N);
    test_ctx_free(cx);
}

static void test_refusals(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_arg a[N];
    int i = -1;

    (void)state;
    assert_clab_ok(cx, clab_args_default(cx, "step", params, N, a));
    set(cx, a, "by", "x");
    assert_clab_fails(cx, clab_args_find(cx, "step", params, N, "n_tops", &i), CLAB_ENOTFOUND, "did you mean n_top?");
    assert_clab_fails(cx, clab_args_find(cx, "step", params, N, "zzzzzz", &i), CLAB_ENOTFOUND, "there are: by, n_top");
    assert_clab_fails(cx, clab_args_set_text(cx, "step", &params[1], &a[1], "2.5"), CLAB_EARG, "n_top must be a whole number");
    assert_clab_fails(cx, clab_args_set_text(cx, "step", &params[1], &a[1], "99999999999999999999"), CLAB_EARG, "whole number");
    assert_clab_fails(cx, clab_args_set_text(cx, "step", &params[3], &a[3], "maybe"), CLAB_EARG, "true or false");
    set(cx, a, "n_top", "0");
    assert_clab_fails(cx, clab_args_check(cx, "step", params, N, a), CLAB_EARG, "n_top = 0, but it must be from 1 to 1000 genes");
    set(cx, a, "n_top", "5");
    set(cx, a, "rate", "nan");
    assert_clab_fails(cx, clab_args_check(cx, "step", params, N, a), CLAB_EARG, "rate");
    set(cx, a, "rate", "1");
    set(cx, a, "flavor", "seura");
    assert_clab_fails(cx, clab_args_check(cx, "step", params, N, a), CLAB_EARG, "one of seurat|cell_ranger");
    clab_args_free(a, N);
    test_ctx_free(cx);
}

static void test_log(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_value *v = NULL;
    clab_arg a[N];

    (void)state;
    assert_clab_ok(cx, clab_args_default(cx, "step", params, N, a));
    set(cx, a, "columns", "a,b");
    assert_clab_ok(cx, clab_args_value(cx, params, N, a, &v));
    assert_null(clab_value_get(v, "by"));
    assert_near(clab_value_at_num(clab_value_get(v, "n_top"), 0), 10, 0, 0);
    assert_int_equal(clab_value_len(clab_value_get(v, "columns")), 2);
    clab_value_unref(v);
    clab_args_free(a, N);
    test_ctx_free(cx);
}

/* Every descriptor is sound: its defaults fit, are within range, and it says what it does. */
static void test_descriptors(void **state)
{
    clab_ctx *cx = test_ctx(1);
    const clab_step *const *steps;
    int n = 0;

    (void)state;
    steps = clab_steps(&n);
    assert_true(n >= 7);
    for (int i = 0; i < n; i++) {
        const clab_step *s = steps[i];
        clab_arg *a = calloc((size_t)s->n_params + 1, sizeof *a);
        assert_non_null(a);
        assert_ptr_equal(clab_step_get(s->name), s);
        assert_true(s->summary && *s->summary && s->formula && s->group && s->run);
        assert_true(s->positional < s->n_params);
        assert_clab_ok(cx, clab_args_default(cx, s->name, s->params, s->n_params, a));
        for (int k = 0; k < s->n_params; k++) {
            assert_true(s->params[k].help && s->params[k].unit);
            if (a[k].given)
                assert_clab_ok(cx, clab_args_check(cx, s->name, &s->params[k], 1, &a[k]));
        }
        clab_args_free(a, s->n_params);
        free(a);
    }
    assert_null(clab_step_get("no such step"));
    test_ctx_free(cx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
