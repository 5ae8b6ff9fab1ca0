/* test_scale.c -- scale against scanpy: sparse without centring; centred as scanpy does a dense array. */
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
    scale_case(&g, "dense_center_max2", "max_value=2 zero_center=true", d);
    clab_dataset_unref(d);
    close_set(&g);
}

/* Empty cells, an absent gene, one that hardly varies; some cells only. */
static void corners(void **state)
{
    golden_set g = open_corners("scale/");
    clab_dataset *d = input_of(&g);
    int64_t n = clab_dataset_n_obs(d);
    clab_value *mask;

    (void)state;
    step_on(cx, "normalise", "", &d);
    step_on(cx, "log1p", "", &d);
    scale_case(&g, "csr_nocenter_max2", "max_value=2", d);
    scale_case(&g, "dense_center", "zero_center=true max_value=0", d);
    scale_case(&g, "dense_center_max1", "zero_center=true max_value=1", d);
    assert_int_equal(clab_value_array(cx, CLAB_BOOL, 1, &n, NULL, &mask), CLAB_OK);
    for (int64_t i = 0; i < n; i++)
        ((uint8_t *)mask->data)[i] = i % 3 != 0;
    assert_int_equal(clab_dataset_obs_set(cx, d, "chosen", mask), CLAB_OK);
    step_on(cx, "scale", "zero_center=true max_value=0 mask_obs=chosen", &d);
    same_column(&g, "dense_mask", "mean", clab_value_get(d->var, "mean of chosen"), 1e-7, 1e-12);
    same_column(&g, "dense_mask", "std", clab_value_get(d->var, "std of chosen"), 2e-7, 1e-12);
    same_rows(&g, "dense_mask", d->x, 2.5e-7, 4e-6);
    clab_value_unref(mask);
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
    scale_case(&g, "dense_center", "max_value=0 zero_center=true", few);
    scale_case(&g, "dense_center_max10", "zero_center=true", few);
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

/* Centred, a constant is 0 exactly, and whole numbers become float64. */
static void centred_constants_are_zero(void **state)
{
    const double values[] = {0, 0.1, 0.3, 1.0, 1.7};
    double x[200], *y;
    clab_matrix *m, *whole;
    clab_dataset *d;

    (void)state;
    for (int i = 0; i < 200; i++)
        x[i] = values[i % 5];
    m = small_matrix(cx, 40, 5, x, CLAB_F64); /* whose sums are not exact */
    d = step_dataset(cx, m);
    step_on(cx, "scale", "zero_center=true", &d);
    y = small_dense(cx, d->x, true);
    for (int i = 0; i < 200; i++)
        assert_true(y[i] == 0);
    free(y);
    clab_dataset_unref(d);
    for (int i = 0; i < 50; i++)
        x[i] = i / 5 % 2 ? 3 : 1;
    whole = small_matrix(cx, 10, 5, x, CLAB_I32);
    d = step_dataset(cx, whole);
    step_on(cx, "scale", "zero_center=true max_value=0", &d);
    assert_int_equal(clab_matrix_dtype(d->x), CLAB_F64);
    y = small_dense(cx, d->x, true);
    for (int i = 0; i < 50; i++)
        assert_true(fabs(y[i] - (x[i] - 2) / sqrt(10.0 / 9)) < 1e-15);
    free(y);
    clab_dataset_unref(d);
    clab_matrix_unref(whole);
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

/* Where the old way needed every value, a budget that has no room for them is enough. */
static void centring_costs_nothing(void **state)
{
    golden_set g = open_small("scale/");
    clab_dataset *d;
    clab_ledger_opts o = {0};
    clab_ledger *lg;
    int64_t held;

    (void)state;
    assert_int_equal(clab_ledger_new(cx, &o, &lg), CLAB_OK);
    d = input_of(&g);
    held = clab_mem_live(cx);
    step_on(cx, "scale", "zero_center=true", &d);
    assert_true(clab_matrix_has_base(d->x));
    assert_true(clab_mem_live(cx) - held < 300 * 64); /* means and deviations, twice; not 200 x 300 x 4 */
    /* what needs counts still finds them, what needs logarithms says what X is */
    clab_dataset *out = NULL;
    assert_true(clab_matrix_is_raw(d->counts));
    assert_int_equal(run_step(cx, "log1p", "", d, &out), CLAB_ESTATE);
    clab_error_clear(cx);
    assert_int_equal(run_step(cx, "normalise", "", d, &out), CLAB_ESTATE);
    clab_error_clear(cx);
    assert_int_equal(run_step(cx, "hvg", "n_top=10", d, &out), CLAB_ESTATE);
    clab_error_clear(cx);
    assert_int_equal(run_step(cx, "scale", "mask_obs=batch", d, &out), CLAB_EARG);
    clab_error_clear(cx);
    clab_dataset_unref(d);
    clab_ledger_free(lg);
    close_set(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small),
        cmocka_unit_test(corners),
        cmocka_unit_test(large),
        cmocka_unit_test(constant_genes_are_left_alone),
        cmocka_unit_test(nearly_constant_genes_are_not),
        cmocka_unit_test(centred_constants_are_zero),
        cmocka_unit_test(centring_costs_nothing),
    };
    return cmocka_run_group_tests(tests, golden_setup, golden_teardown);
}
