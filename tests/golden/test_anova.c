/* test_anova.c -- anova against scikit-learn: cells without a group, genes that are constant or never seen. */
#include "golden_steps.h"

static clab_dataset *grouped(const golden_set *g)
{
    clab_dataset *d = input_of(g);
    int64_t n;
    double *codes = golden_numbers(g->in, "obs/group/codes", &n);

    assert_int_equal(step_batches(cx, d, "group", codes, 5), CLAB_OK);
    free(codes);
    return d;
}

static void same_as_f_classif(void **state)
{
    golden_set g = {golden_open("scanpy_groups.h5"), golden_open("scanpy_groups.h5"), ""};
    clab_dataset *d = grouped(&g);
    int64_t n;
    double *f = golden_numbers(g.results, "anova/F", &n), *p = golden_numbers(g.results, "anova/p", &n);
    const clab_value *got_f, *got_p;

    (void)state;
    step_on(cx, "anova", "groupby=group", &d);
    got_f = clab_value_get(d->var, "anova_F");
    got_p = clab_value_get(d->var, "anova_p");
    for (int64_t i = 0; i < 2; i++) /* never seen; constant, where scikit-learn divides rounding by rounding */
        assert_true(isnan(clab_value_at_num(got_f, i)) && isnan(clab_value_at_num(got_p, i)));
    for (int64_t i = 2; i < n; i++)
        if (!near(clab_value_at_num(got_f, i), f[i], 1e-10, 0) || !near(clab_value_at_num(got_p, i), p[i], 1e-9, 0))
            fail_msg("gene %lld: F %.17g p %.17g, not %.17g and %.17g", (long long)i, clab_value_at_num(got_f, i),
                     clab_value_at_num(got_p, i), f[i], p[i]);
    free(f);
    free(p);
    clab_dataset_unref(d);
    close_set(&g);
}

static void errors_are_said_in_words(void **state)
{
    golden_set g = {golden_open("scanpy_groups.h5"), golden_open("scanpy_groups.h5"), ""};
    clab_dataset *d = grouped(&g);
    double one[150] = {0};

    (void)state;
    refused("anova", "groupby=absent", d, CLAB_ENOTFOUND, "absent");
    assert_int_equal(step_batches(cx, d, "one", one, 1), CLAB_OK);
    refused("anova", "groupby=one", d, CLAB_EARG, "gives 1 group of 150 cells");
    clab_dataset_unref(d);
    close_set(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_f_classif),
        cmocka_unit_test(errors_are_said_in_words),
    };
    return cmocka_run_group_tests(tests, golden_setup, golden_teardown);
}
