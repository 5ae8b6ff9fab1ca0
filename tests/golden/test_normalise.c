/* test_normalise.c -- normalise, log1p and cast against scanpy: normalise bit for bit, log1p within a unit in the last place. */
#include "golden_steps.h"

/* The first rows only, in another element type: small files are stored in float32. */
static void change_input(clab_dataset *d, clab_dtype t, int64_t n_rows)
{
    double *x = small_dense(cx, d->x, true);
    clab_matrix *m = small_matrix(cx, n_rows, clab_matrix_n_cols(d->x), x, t);

    assert_non_null(m);
    clab_matrix_unref(d->x);
    d->x = m;
    free(x);
}

static void normalise_case(const golden_set *g, const char *group, const char *args, clab_dtype t, clab_dtype want)
{
    clab_dataset *d = input_of(g);

    if (t != CLAB_F32) {
        int64_t n = clab_dataset_n_obs(d) > 200 ? 150 : clab_dataset_n_obs(d);
        change_input(d, t, n);
    }
    step_on(cx, "normalise", args, &d);
    assert_int_equal(clab_matrix_dtype(d->x), want);
    same_rows(g, group, d->x, 0, 0);
    clab_dataset_unref(d);
}

static void normalise_cases(const golden_set *g)
{
    normalise_case(g, "default", "target_sum=0", CLAB_F32, CLAB_F32);
    normalise_case(g, "target_1e4", "target_sum=10000", CLAB_F32, CLAB_F32);
    normalise_case(g, "float64_1e4", "", CLAB_F64, CLAB_F64);
    normalise_case(g, "int32_default", "target_sum=0", CLAB_I32, CLAB_F32);
}

static void normalise_small(void **state)
{
    golden_set g = open_small("normalize/");
    (void)state;
    normalise_cases(&g);
    close_set(&g);
}

static void normalise_large(void **state)
{
    golden_set g = open_large("golden_scanpy/g03_normalize.h5");
    (void)state;
    normalise_cases(&g);
    close_set(&g);
}

/* With empty cells, and without the genes that hold much of one; the factors too. */
static void exclude_case(const golden_set *g, const char *group, const char *args)
{
    clab_dataset *d = input_of(g);
    const clab_value *factor;

    step_on(cx, "normalise", args, &d);
    same_rows(g, group, d->x, 0, 0);
    factor = clab_value_get(d->obs, "f");
    same_column(g, group, "factor", factor, 0, 0);
    assert_int_equal(factor->dtype, CLAB_F32);
    clab_dataset_unref(d);
}

static void highly_expressed_genes_are_left_out(void **state)
{
    golden_set g = open_corners("normalize/");

    (void)state;
    exclude_case(&g, "median", "target_sum=0 key_added=f");
    exclude_case(&g, "exclude", "target_sum=0 exclude_highly_expressed=true key_added=f");
    exclude_case(&g, "exclude_1e4", "exclude_highly_expressed=true max_fraction=0.1 key_added=f");
    close_set(&g);
}

/* A layer is changed in place of X, and X stays. */
static void of_a_layer(void **state)
{
    const double x[] = {1, 1, 4, 4};
    clab_matrix *m = small_matrix(cx, 2, 2, x, CLAB_F32);
    clab_dataset *d = step_dataset(cx, m), *out = NULL;
    double *y;

    (void)state;
    d->layers = calloc(1, sizeof *d->layers);
    d->layer_names = calloc(1, sizeof *d->layer_names);
    assert_non_null(d->layers);
    assert_non_null(d->layer_names);
    d->layers[0] = clab_matrix_ref(m);
    d->layer_names[0] = strdup("spliced");
    d->n_layers = 1;
    step_on(cx, "normalise", "target_sum=2 layer=spliced", &d);
    step_on(cx, "log1p", "layer=spliced", &d);
    assert_true(clab_matrix_is_raw(d->x));
    y = small_dense(cx, d->layers[0], true);
    for (int i = 0; i < 4; i++)
        assert_true(near(y[i], log(2), 1e-7, 0));
    assert_int_equal(run_step(cx, "normalise", "layer=unspliced", d, &out), CLAB_ENOTFOUND);
    assert_non_null(strstr(clab_error_text(cx), "spliced"));
    clab_error_clear(cx);
    free(y);
    clab_dataset_unref(d);
    clab_matrix_unref(m);
}

static void log1p_cases(const golden_set *g)
{
    clab_dataset *d = input_of(g), *b2;

    step_on(cx, "normalise", "", &d);
    b2 = clab_dataset_ref(d);
    step_on(cx, "log1p", "", &d);
    same_rows(g, "natural", d->x, 1.2e-7, 0);
    step_on(cx, "log1p", "base=2", &b2);
    same_rows(g, "base2", b2->x, 2.4e-7, 0);
    assert_true(clab_value_at_num(clab_value_get(clab_value_get(b2->uns, "log1p"), "base"), 0) == 2);
    /* the counts are where they were */
    assert_true(clab_matrix_is_raw(d->counts));
    clab_dataset_unref(d);
    clab_dataset_unref(b2);
}

static void log1p_small(void **state)
{
    golden_set g = open_small("log1p/");
    (void)state;
    log1p_cases(&g);
    close_set(&g);
}

static void log1p_large(void **state)
{
    golden_set g = open_large("golden_scanpy/g04_log1p.h5");
    (void)state;
    log1p_cases(&g);
    close_set(&g);
}

/* Empty cells stay empty, do not enter the median, and do not turn others into nothing (scanpy #4251). */
static void empty_cells_stay(void **state)
{
    const double x[] = {1, 1, 0, 0, 0, 0, 4, 4}, want[] = {2.5, 2.5, 0, 0, 0, 0, 2.5, 2.5};
    clab_matrix *m = small_matrix(cx, 4, 2, x, CLAB_F32);
    clab_dataset *d = step_dataset(cx, m);
    double *y;

    (void)state;
    step_on(cx, "normalise", "target_sum=0", &d);
    y = small_dense(cx, d->x, true);
    same_numbers("x", y, want, 8, 0, 0);
    free(y);
    clab_dataset_unref(d);
    clab_matrix_unref(m);
}

static void twice_is_refused(void **state)
{
    golden_set g = open_small("normalize/");
    clab_dataset *d = input_of(&g), *out = NULL;

    (void)state;
    step_on(cx, "normalise", "", &d);
    assert_int_equal(run_step(cx, "normalise", "", d, &out), CLAB_ESTATE);
    assert_non_null(strstr(clab_error_text(cx), "normalise(10000)"));
    clab_error_clear(cx);
    step_on(cx, "log1p", "", &d);
    assert_int_equal(run_step(cx, "log1p", "", d, &out), CLAB_ESTATE);
    clab_error_clear(cx);
    assert_int_equal(run_step(cx, "normalise", "", d, &out), CLAB_ESTATE);
    clab_error_clear(cx);
    step_on(cx, "log1p", "force=true", &d);
    clab_dataset_unref(d);
    close_set(&g);
}

static void cast_changes_the_type_only(void **state)
{
    golden_set g = open_small("log1p/");
    clab_dataset *d = input_of(&g);

    (void)state;
    step_on(cx, "normalise", "", &d);
    step_on(cx, "log1p", "", &d);
    step_on(cx, "cast", "dtype=float64", &d);
    assert_int_equal(clab_matrix_dtype(d->x), CLAB_F64);
    same_rows(&g, "natural", d->x, 1.2e-7, 0);
    clab_dataset_unref(d);
    close_set(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normalise_small),
        cmocka_unit_test(normalise_large),
        cmocka_unit_test(highly_expressed_genes_are_left_out),
        cmocka_unit_test(of_a_layer),
        cmocka_unit_test(log1p_small),
        cmocka_unit_test(log1p_large),
        cmocka_unit_test(empty_cells_stay),
        cmocka_unit_test(twice_is_refused),
        cmocka_unit_test(cast_changes_the_type_only),
    };
    return cmocka_run_group_tests(tests, golden_setup, golden_teardown);
}
