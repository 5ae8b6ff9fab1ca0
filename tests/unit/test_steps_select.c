/* test_steps_select.c -- keep_labels, where and subsample: which cells stay, and what is said. */
#include "clab_test.h"
#include "base/text.h"
#include "run_step.h"
#include "toy.h"

#define N 12

static clab_ctx *cx;
static const char *const genes[1] = {"g"};

static int setup(void **state)
{
    (void)state;
    cx = test_ctx(2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_ctx_free(cx);
    return 0;
}

/* types a x 5, b x 3, c x 2, one without a label, d x 1 */
static clab_dataset *toy(void)
{
    static const char *const types[N] = {"a", "b", "a", "c", NULL, "a", "b", "d", "a", "c", "b", "a"};
    float x[N];
    double number[N];
    clab_dataset *d;

    for (int i = 0; i < N; i++) {
        x[i] = (float)(i + 1);
        number[i] = i;
    }
    d = toy_dataset(cx, "toy", "c", N, 1, genes, x);
    toy_labels(cx, d, "type", types);
    toy_numbers(cx, d, "number", number);
    test_notes();
    return d;
}

static void keep(const char *args, const char *want_cells, const char *words)
{
    clab_dataset *d = toy();
    clab_str got = {0};

    step_on(cx, "keep_labels", args, &d);
    for (int64_t i = 0; i < clab_dataset_n_obs(d); i++)
        clab_str_addf(&got, "%s%s", i ? " " : "", clab_dataset_obs_name(d, i));
    assert_string_equal(got.s, want_cells);
    assert_holds(test_notes(), words);
    clab_str_free(&got);
    clab_dataset_unref(d);
}

static void keep_labels_drops_rare_types(void **state)
{
    (void)state;
    keep("by=type min_cells=3", "c0 c1 c2 c5 c6 c8 c10 c11",
         "2 of 4 types of type are dropped with 3 cells: c (2), d (1)");
    keep("by=type min_cells=3", "c0 c1 c2 c5 c6 c8 c10 c11", "1 cells without a label in type are dropped");
    keep("by=type min_cells=1 top=1 keep_missing=true", "c0 c2 c4 c5 c8 c11", "are kept");
    keep("by=type min_cells=0", "c0 c1 c2 c3 c5 c6 c7 c8 c9 c10 c11", "all 4 types");
}

/* Scaled in its file: neither totals nor logarithms nor dispersions of it mean anything. */
static void negative_values_are_refused(void **state)
{
    static const char *const step[] = {"normalise", "log1p", "hvg"};
    const char *const two[2] = {"g0", "g1"};
    const float x[4] = {1.5f, -0.5f, 0, 2};
    clab_dataset *d = toy_dataset(cx, "scaled", "c", 2, 2, two, x), *e = NULL;
    (void)state;

    for (int k = 0; k < 3; k++)
        assert_clab_fails(cx, run_step(cx, step[k], "", d, &e), CLAB_ESTATE, "X of scaled holds values down to -0.5");
    assert_clab_ok(cx, run_step(cx, "log1p", "force=true", d, &e));
    clab_dataset_unref(e);
    clab_dataset_unref(d);
}

static void keep_labels_explains_itself(void **state)
{
    clab_dataset *d = toy(), *e = NULL;
    (void)state;

    assert_clab_fails(cx, run_step(cx, "keep_labels", "by=type", d, &e), CLAB_ESTATE,
                      "no type of type in toy has 10 cells: the largest, a, has 5");
    assert_clab_fails(cx, run_step(cx, "keep_labels", "by=typ", d, &e), CLAB_ENOTFOUND, "did you mean type?");
    clab_dataset_unref(d);
}

static void where_selects(void **state)
{
    const clab_step *step = clab_step_get("where");
    clab_dataset *d = toy(), *e = NULL;
    clab_arg arg = {.given = true, .s = "type == 'b' or number > 10"};
    (void)state;

    assert_clab_ok(cx, clab_step_run(cx, step, d, &arg, &e));
    assert_int_equal(clab_dataset_n_obs(e), 4);
    assert_string_equal(clab_dataset_obs_name(e, 3), "c11");
    assert_holds(test_notes(), "4 of 12 cells");
    clab_dataset_unref(e);
    arg.s = "number > 100";
    assert_clab_fails(cx, clab_step_run(cx, step, d, &arg, &e), CLAB_ESTATE, "no cell of toy fits");
    clab_dataset_unref(d);
}

static void subsample_draws_as_numpy(void **state)
{
    /* numpy.random.default_rng(0).choice(12, 5, replace=False) and default_rng(42) */
    static const char *const seed0[5] = {"c5", "c9", "c2", "c3", "c6"}, *const seed42[5] = {"c6", "c4", "c9",
                                                                                            "c0", "c5"};
    clab_dataset *d = toy(), *e = NULL;
    (void)state;

    assert_clab_ok(cx, run_step(cx, "subsample", "n=5", d, &e));
    for (int i = 0; i < 5; i++)
        assert_string_equal(clab_dataset_obs_name(e, i), seed0[i]);
    clab_dataset_unref(e);
    assert_clab_ok(cx, run_step(cx, "subsample", "fraction=0.45 seed=42", d, &e)); /* floor(5.4) */
    assert_int_equal(clab_dataset_n_obs(e), 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(clab_dataset_obs_name(e, i), seed42[i]);
    clab_dataset_unref(e);
    clab_dataset_unref(d);
}

static int64_t cells_of(const clab_dataset *d, const char *type)
{
    const clab_value *v = clab_value_get(d->obs, "type");
    int64_t n = 0;

    for (int64_t i = 0; i < clab_dataset_n_obs(d); i++) {
        const char *s = clab_value_at_str(v, i, NULL, 0);
        n += (s && type) ? strcmp(s, type) == 0 : s == type;
    }
    return n;
}

static void subsample_by_type_keeps_shares(void **state)
{
    clab_dataset *d = toy(), *e = NULL, *f = NULL;
    int64_t last = -1;
    (void)state;

    /* 6 of 12: shares 2.5 1.5 1 .5 .5; the two left over go to the first two of four equal rests */
    assert_clab_ok(cx, run_step(cx, "subsample", "n=6 by=type seed=3", d, &e));
    assert_int_equal(clab_dataset_n_obs(e), 6);
    assert_int_equal(cells_of(e, "a"), 3);
    assert_int_equal(cells_of(e, "b"), 2);
    assert_int_equal(cells_of(e, "c"), 1);
    assert_int_equal(cells_of(e, "d"), 0);
    assert_int_equal(cells_of(e, NULL), 0);
    for (int64_t i = 0; i < 6; i++) { /* in the order they had */
        int64_t at = (int64_t)clab_value_at_num(clab_value_get(e->obs, "number"), i);
        assert_true(at > last);
        last = at;
    }
    assert_clab_ok(cx, run_step(cx, "subsample", "n=6 by=type seed=3", d, &f));
    assert_true(clab_value_equal(e->obs, f->obs));
    clab_dataset_unref(f);
    clab_dataset_unref(e);
    assert_clab_ok(cx, run_step(cx, "subsample", "n=12 by=type", d, &e));
    assert_int_equal(clab_dataset_n_obs(e), 12);
    clab_dataset_unref(e);
    clab_dataset_unref(d);
}

static void subsample_refuses(void **state)
{
    clab_dataset *d = toy(), *e = NULL;
    (void)state;

    assert_clab_fails(cx, run_step(cx, "subsample", NULL, d, &e), CLAB_EARG, "either n or fraction");
    assert_clab_fails(cx, run_step(cx, "subsample", "n=3 fraction=0.5", d, &e), CLAB_EARG,
                      "either n or fraction");
    assert_clab_fails(cx, run_step(cx, "subsample", "n=13", d, &e), CLAB_EARG, "more than the 12 cells");
    assert_clab_fails(cx, run_step(cx, "subsample", "fraction=0.01", d, &e), CLAB_EARG,
                      "no cell would be left");
    clab_dataset_unref(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keep_labels_drops_rare_types),   cmocka_unit_test(keep_labels_explains_itself),
        cmocka_unit_test(negative_values_are_refused),
        cmocka_unit_test(where_selects),                  cmocka_unit_test(subsample_draws_as_numpy),
        cmocka_unit_test(subsample_by_type_keeps_shares), cmocka_unit_test(subsample_refuses),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
