/* test_qc.c -- qc against scanpy.pp.calculate_qc_metrics, and what it does where scanpy does not go. */
#include "golden_steps.h"

static void set_flags(clab_dataset *d, const golden_set *g, const char *name)
{
    char path[64];
    int64_t n;
    double *flags;
    clab_value *v;

    snprintf(path, sizeof path, "var/%s", name);
    flags = golden_numbers(g->in, path, &n);
    assert_non_null(flags);
    assert_int_equal(clab_value_array(cx, CLAB_BOOL, 1, &n, NULL, &v), CLAB_OK);
    for (int64_t i = 0; i < n; i++)
        ((uint8_t *)v->data)[i] = flags[i] != 0;
    assert_int_equal(clab_dataset_var_set(cx, d, name, v), CLAB_OK);
    clab_value_unref(v);
    free(flags);
}

static void check(const golden_set *g, const clab_dataset *d, const char *group, clab_dtype total, clab_dtype share)
{
    static const char *const obs[] = {"n_genes_by_counts", "log1p_n_genes_by_counts", "total_counts",
                                      "log1p_total_counts", "pct_counts_in_top_10_genes", "pct_counts_in_top_50_genes",
                                      "pct_counts_in_top_160_genes", "total_counts_mine", "log1p_total_counts_mine",
                                      "pct_counts_mine"},
                      *const var[] = {"n_cells_by_counts", "mean_counts", "log1p_mean_counts", "pct_dropout_by_counts",
                                      "total_counts", "log1p_total_counts"};
    char path[64];

    for (size_t i = 0; i < sizeof obs / sizeof *obs; i++) {
        snprintf(path, sizeof path, "%s/obs", group);
        same_column(g, path, obs[i], clab_value_get(d->obs, obs[i]), strncmp(obs[i], "log1p", 5) ? 0 : 2e-7, 0);
        assert_string_equal(d->obs->names[(size_t)d->obs->n_items - 10 + i], obs[i]);
    }
    for (size_t i = 0; i < sizeof var / sizeof *var; i++) {
        snprintf(path, sizeof path, "%s/var", group);
        same_column(g, path, var[i], clab_value_get(d->var, var[i]), strncmp(var[i], "log1p", 5) ? 0 : 2e-7, 0);
    }
    assert_int_equal(clab_value_get(d->obs, "n_genes_by_counts")->dtype, CLAB_I32);
    assert_int_equal(clab_value_get(d->obs, "total_counts")->dtype, total);
    assert_int_equal(clab_value_get(d->obs, "total_counts_mine")->dtype, total);
    assert_int_equal(clab_value_get(d->obs, "pct_counts_mine")->dtype, share);
    assert_int_equal(clab_value_get(d->obs, "log1p_total_counts")->dtype, share);
    assert_int_equal(clab_value_get(d->var, "total_counts")->dtype, total);
    assert_int_equal(clab_value_get(d->var, "n_cells_by_counts")->dtype, CLAB_I64);
}

static void float32_and_whole_numbers(void **state)
{
    golden_set g = open_corners("qc/");
    clab_dataset *d, *w;
    clab_matrix *m;
    double *x;

    (void)state;
    d = input_of(&g);
    x = small_dense(cx, d->x, true);
    m = small_matrix(cx, clab_matrix_n_rows(d->x), clab_matrix_n_cols(d->x), x, CLAB_I64);
    w = step_dataset(cx, m);
    set_flags(d, &g, "mine");
    set_flags(w, &g, "mine");
    step_on(cx, "qc", "qc_vars=mine percent_top=50,160,10", &d);
    check(&g, d, "f32", CLAB_F32, CLAB_F32);
    step_on(cx, "qc", "qc_vars=mine percent_top=10,50,160,10", &w);
    check(&g, w, "i64", CLAB_I64, CLAB_F64);
    free(x);
    clab_matrix_unref(m);
    clab_dataset_unref(w);
    clab_dataset_unref(d);
    close_set(&g);
}

static void large(void **state)
{
    static const char *const obs[] = {"n_genes_by_counts", "total_counts", "pct_counts_in_top_50_genes",
                                      "pct_counts_in_top_500_genes", "total_counts_mt", "pct_counts_mt"};
    golden_set g = open_large("golden_scanpy/g01_qc.h5");
    clab_dataset *d = input_of(&g);

    (void)state;
    set_flags(d, &g, "mt");
    step_on(cx, "qc", "qc_vars=mt", &d);
    for (size_t i = 0; i < sizeof obs / sizeof *obs; i++)
        same_column(&g, "obs", obs[i], clab_value_get(d->obs, obs[i]), 2e-7, 0);
    same_column(&g, "var", "mean_counts", clab_value_get(d->var, "mean_counts"), 1e-12, 0);
    clab_dataset_unref(d);
    close_set(&g);
}

/* ---- beyond the peer ---------------------------------------------------------------------------------------*/

static clab_dataset *named(const char *const *genes, int64_t g, const double *x, int64_t n)
{
    clab_matrix *m = small_matrix(cx, n, g, x, CLAB_F32);
    clab_dataset *d = step_dataset(cx, m), *out = NULL;
    clab_value *index, *var;

    assert_int_equal(clab_value_strings(cx, 1, &g, genes, &index), CLAB_OK);
    assert_int_equal(clab_value_table(cx, index, NULL, &var), CLAB_OK);
    assert_int_equal(clab_dataset_new(cx, "named", m, d->obs, var, &out), CLAB_OK);
    clab_value_unref(index);
    clab_value_unref(var);
    clab_dataset_unref(d);
    clab_matrix_unref(m);
    return out;
}

static const char *const genes[] = {"MT-CO1", "MT-ND4", "MT-ND4L", "RPS3", "RPL7", "ACTB"};

static void genes_by_name_and_by_beginning(void **state)
{
    const double x[] = {1, 2, 3, 4, 5, 5, 0, 0, 0, 0, 0, 0};
    clab_dataset *d = named(genes, 6, x, 2), *whole = clab_dataset_ref(d);

    (void)state;
    step_on(cx, "qc", "mito=MT- ribo=RPS,RPL percent_top=", &d);
    assert_true(near(clab_value_at_num(clab_value_get(d->obs, "pct_counts_mt"), 0), 30, 1e-6, 0));
    assert_true(near(clab_value_at_num(clab_value_get(d->obs, "pct_counts_ribo"), 0), 45, 1e-6, 0));
    assert_true(isnan(clab_value_at_num(clab_value_get(d->obs, "pct_counts_mt"), 1)));
    for (int i = 0; i < 6; i++)
        assert_int_equal((int)clab_value_at_num(clab_value_get(d->var, "mt"), i), i < 3);
    assert_null(clab_value_get(d->obs, "pct_counts_in_top_50_genes"));
    /* the whole name of a gene means that gene alone, though others begin with it */
    step_on(cx, "qc", "mito=MT-ND4 log1p=false", &whole);
    assert_true(near(clab_value_at_num(clab_value_get(whole->obs, "total_counts_mt"), 0), 2, 0, 0));
    assert_null(clab_value_get(whole->obs, "log1p_total_counts"));
    clab_dataset_unref(whole);
    clab_dataset_unref(d);
}

static void a_wrong_beginning_is_told(void **state)
{
    const double x[] = {1, 2, 3, 4, 5, 5};
    clab_dataset *d = named(genes, 6, x, 1), *out = NULL;

    (void)state;
    assert_int_equal(run_step(cx, "qc", "mito=mt-", d, &out), CLAB_ENOTFOUND);
    assert_non_null(strstr(clab_error_text(cx), "MT-CO1"));
    clab_error_clear(cx);
    assert_int_equal(run_step(cx, "qc", "percent_top=50", d, &out), CLAB_EARG);
    clab_error_clear(cx);
    assert_int_equal(run_step(cx, "qc", "percent_top=0", d, &out), CLAB_EARG);
    clab_error_clear(cx);
    assert_int_equal(run_step(cx, "qc", "qc_vars=mt", d, &out), CLAB_ENOTFOUND);
    clab_error_clear(cx);
    assert_int_equal(run_step(cx, "qc", "layer=nothing", d, &out), CLAB_ENOTFOUND);
    clab_error_clear(cx);
    clab_dataset_unref(d);
}

/* The k largest of all values of a cell: zeros stand above negative ones (dense scanpy; its sparse path forgets them). */
static void negative_values_count_below_zeros(void **state)
{
    const double x[] = {-1, 0, 4, -3, 2, 8};
    clab_dataset *d = named(genes, 6, x, 1);

    (void)state;
    step_on(cx, "qc", "percent_top=1,2,3,4,5,6", &d);
    const double want[] = {80, 120, 140, 140, 130, 100};
    char name[40];
    for (int k = 0; k < 6; k++) {
        snprintf(name, sizeof name, "pct_counts_in_top_%d_genes", k + 1);
        assert_true(near(clab_value_at_num(clab_value_get(d->obs, name), 0), want[k], 1e-12, 0));
    }
    clab_dataset_unref(d);
}

/* After normalise the counts are still what is looked at; layer="X" asks for X. */
static void counts_are_found(void **state)
{
    const double x[] = {1, 2, 3, 4, 5, 5};
    clab_dataset *d = named(genes, 6, x, 1), *of_x;

    (void)state;
    d->counts = clab_matrix_ref(d->x);
    step_on(cx, "normalise", "target_sum=100", &d);
    of_x = clab_dataset_ref(d);
    step_on(cx, "qc", "", &d);
    step_on(cx, "qc", "layer=X", &of_x);
    assert_true(clab_value_at_num(clab_value_get(d->obs, "total_counts"), 0) == 20);
    assert_true(near(clab_value_at_num(clab_value_get(of_x->obs, "total_counts"), 0), 100, 1e-6, 0));
    clab_dataset_unref(of_x);
    clab_dataset_unref(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(float32_and_whole_numbers),
        cmocka_unit_test(large),
        cmocka_unit_test(genes_by_name_and_by_beginning),
        cmocka_unit_test(a_wrong_beginning_is_told),
        cmocka_unit_test(negative_values_count_below_zeros),
        cmocka_unit_test(counts_are_found),
    };
    return cmocka_run_group_tests(tests, golden_setup, golden_teardown);
}
