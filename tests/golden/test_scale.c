/* test_scale.c -- scale against scanpy: sparse without centring, dense with it. */
#include "golden_steps.h"

static void scale_case(const golden_set *g, const char *group, const char *args, const clab_dataset *logged)
{
    clab_dataset *d = clab_dataset_ref(logged);

    step_on(cx, "scale", args, &d);
    same_column(g, group, "mean", clab_value_get(d->var, "mean"), 1e-7, 1e-12);
    same_column(g, group, "std", clab_value_get(d->var, "std"), 2e-7, 1e-12);
    same_rows(g, group, d->x, 2.5e-7, 4e-6);
    assert_int_equal(clab_matrix_dtype(d->x), CLAB_F32);
    clab_dataset_unref(d);
}

static void small(void **state)
{
    golden_set g = open_small("scale/");
    clab_dataset *d = input_of(&g);

    (void)state;
    step_on(cx, "normalise", "", &d);
    step_on(cx, "log1p", "", &d);
    scale_case(&g, "csr_nocenter", "max_value=0", d);
    scale_case(&g, "csr_nocenter_max10", "", d);
    scale_case(&g, "csr_nocenter_max2", "max_value=2", d);
    scale_case(&g, "dense_center_max2", "max_value=2 zero_center=true dense=true", d);
    clab_dataset_unref(d);
    close_set(&g);
}

static void large(void **state)
{
    golden_set g = open_large("golden_scanpy/g07_scale.h5");
    clab_dataset *d = input_of(&g), *few = NULL;
    int64_t n, cols[600];
    double *genes = golden_numbers(g.results, "gene_index", &n);

    (void)state;
    step_on(cx, "normalise", "", &d);
    step_on(cx, "log1p", "", &d);
    for (int64_t i = 0; i < n; i++)
        cols[i] = (int64_t)genes[i];
    assert_int_equal(clab_dataset_take_vars(cx, d, cols, n, &few), CLAB_OK);
    scale_case(&g, "csr_nocenter", "max_value=0", few);
    scale_case(&g, "csr_nocenter_max10", "", few);
    scale_case(&g, "dense_center", "max_value=0 zero_center=true dense=true", few);
    scale_case(&g, "dense_center_max10", "zero_center=true dense=true", few);
    clab_dataset_unref(few);
    clab_dataset_unref(d);
    free(genes);
    close_set(&g);
}

/* Constant genes have deviation 1, whatever rounding makes of their sums (scanpy gives NaN columns). */
static void constant_genes_are_left_alone(void **state)
{
    const double values[] = {0, 0.1, 0.3, 1.0, 1.7};
    double x[50], *y;
    clab_matrix *m;
    clab_dataset *d;

    (void)state;
    for (int i = 0; i < 50; i++)
        x[i] = values[i % 5];
    m = small_matrix(cx, 10, 5, x, CLAB_F32);
    d = step_dataset(cx, m);
    step_on(cx, "scale", "", &d);
    for (int c = 0; c < 5; c++)
        assert_true(clab_value_at_num(clab_value_get(d->var, "std"), c) == 1.0);
    y = small_dense(cx, d->x, true);
    for (int i = 0; i < 50; i++)
        assert_true(y[i] == (double)(float)values[i % 5]);
    free(y);
    clab_dataset_unref(d);
    clab_matrix_unref(m);
}

/* A gene that hardly varies, but does, keeps its deviation. */
static void nearly_constant_genes_are_not(void **state)
{
    double x[100], std = 0;
    clab_matrix *m;
    clab_dataset *d;

    (void)state;
    for (int i = 0; i < 100; i++)
        x[i] = 1000 + (i % 2 ? 1e-3 : -1e-3);
    m = small_matrix(cx, 100, 1, x, CLAB_F64);
    d = step_dataset(cx, m);
    step_on(cx, "scale", "max_value=0", &d);
    std = clab_value_at_num(clab_value_get(d->var, "std"), 0);
    assert_true(fabs(std - sqrt(1e-6 * 100 / 99)) < 1e-9);
    clab_dataset_unref(d);
    clab_matrix_unref(m);
}

static void centring_says_what_it_costs(void **state)
{
    golden_set g = open_small("scale/");
    clab_dataset *d = input_of(&g), *out = NULL;
    clab_ledger_opts o = {0};
    clab_ledger *lg;

    (void)state;
    assert_int_equal(run_step(cx, "scale", "zero_center=true", d, &out), CLAB_EARG);
    assert_non_null(strstr(clab_error_text(cx), "234.4 KiB")); /* 200 x 300 x 4 */
    assert_non_null(strstr(clab_error_text(cx), "dense=true"));
    clab_error_clear(cx);
    assert_int_equal(clab_ledger_new(cx, &o, &lg), CLAB_OK);
    assert_int_equal(clab_budget_set(cx, 100 << 10), CLAB_OK);
    assert_int_equal(run_step(cx, "scale", "zero_center=true dense=true", d, &out), CLAB_EBUDGET);
    clab_error_clear(cx);
    assert_null(out);
    clab_ledger_free(lg);
    clab_dataset_unref(d);
    close_set(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small),
        cmocka_unit_test(large),
        cmocka_unit_test(constant_genes_are_left_alone),
        cmocka_unit_test(nearly_constant_genes_are_not),
        cmocka_unit_test(centring_says_what_it_costs),
    };
    return cmocka_run_group_tests(tests, golden_setup, golden_teardown);
}
