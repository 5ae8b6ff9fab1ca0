/* test_filter.c -- filter_cells and filter_genes against scanpy: numbers and choices exactly. */
#include "golden_steps.h"

static void each_bound(const golden_set *g)
{
    static const struct {
        const char *step, *group, *bound, *column;
    } cases[] = {
        {"filter_cells", "cells/min_genes", "min_genes", "n_genes"},
        {"filter_cells", "cells/max_genes", "max_genes", "n_genes"},
        {"filter_cells", "cells/min_counts", "min_counts", "n_counts"},
        {"filter_cells", "cells/max_counts", "max_counts", "n_counts"},
        {"filter_genes", "genes/min_cells", "min_cells", "n_cells"},
        {"filter_genes", "genes/max_cells", "max_cells", "n_cells"},
        {"filter_genes", "genes/min_counts", "min_counts", "n_counts"},
        {"filter_genes", "genes/max_counts", "max_counts", "n_counts"},
    };

    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        bool cells = strcmp(cases[k].step, "filter_cells") == 0;
        clab_dataset *d = input_of(g);
        int64_t n, left = 0;
        double *mask = golden_numbers(g->results, at(g, cases[k].group, "mask"), &n), *number;
        char args[64];
        const clab_value *column;

        snprintf(args, sizeof args, "%s=%.0f", cases[k].bound,
                 golden_attr(g->results, at(g, cases[k].group, "mask"), "threshold"));
        number = golden_numbers(g->results, at(g, cases[k].group, "number"), &n);
        step_on(cx, cases[k].step, args, &d);
        column = clab_value_get(cells ? d->obs : d->var, cases[k].column);
        assert_non_null(column);
        for (int64_t i = 0; i < n; i++) {
            char name[16];
            if (mask[i] == 0)
                continue;
            snprintf(name, sizeof name, "%c%05d", cells ? 'c' : 'g', (int)i);
            assert_string_equal(cells ? clab_dataset_obs_name(d, left) : clab_dataset_var_name(d, left), name);
            assert_true(clab_value_at_num(column, left) == number[i]);
            left++;
        }
        assert_int_equal(cells ? clab_dataset_n_obs(d) : clab_dataset_n_vars(d), left);
        free(mask);
        free(number);
        clab_dataset_unref(d);
    }
}

static void small(void **state)
{
    golden_set g = open_small("filter/");
    (void)state;
    each_bound(&g);
    close_set(&g);
}

static void large(void **state)
{
    golden_set g = open_large("golden_scanpy/g02_filter.h5");
    (void)state;
    each_bound(&g);
    close_set(&g);
}

/* Several bounds at once do what one after another do, when none of them moves the other's numbers. */
static void bounds_together(void **state)
{
    golden_set g = open_small("filter/");
    clab_dataset *together = input_of(&g), *apart = input_of(&g), *none = NULL;

    (void)state;
    step_on(cx, "filter_cells", "min_genes=120 max_counts=450", &together);
    step_on(cx, "filter_cells", "min_genes=120", &apart);
    step_on(cx, "filter_cells", "max_counts=450", &apart);
    assert_int_equal(clab_dataset_n_obs(together), clab_dataset_n_obs(apart));
    assert_true(clab_value_equal(together->obs, apart->obs));

    assert_int_equal(run_step(cx, "filter_cells", "min_genes=500 max_counts=3", together, &none), CLAB_ESTATE);
    assert_null(none);
    assert_non_null(strstr(clab_error_text(cx), "min_genes=500 removes"));
    clab_error_clear(cx);
    assert_int_equal(run_step(cx, "filter_genes", "", together, &none), CLAB_EARG);
    assert_non_null(strstr(clab_error_text(cx), "min_cells"));
    clab_error_clear(cx);
    clab_dataset_unref(together);
    clab_dataset_unref(apart);
    close_set(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small),
        cmocka_unit_test(large),
        cmocka_unit_test(bounds_together),
    };
    return cmocka_run_group_tests(tests, golden_setup, golden_teardown);
}
