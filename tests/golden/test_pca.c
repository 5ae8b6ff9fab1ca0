/* test_pca.c -- pca against exact decompositions in float64 and against scanpy: sparse, scaled, masked, both
 * solvers, any number of threads. */
#include "golden_steps.h"

static golden_set groups_set(void)
{
    golden_set g = {golden_open("scanpy_groups.h5"), golden_open("scanpy_groups.h5"), "pca/"};

    assert_non_null(g.in);
    return g;
}

static const clab_value *part(const clab_dataset *d, const char *name)
{
    return clab_value_get(clab_value_get(d->uns, "pca"), name);
}

static void same_array(const golden_set *g, const char *group, const char *name, const clab_value *got, double rel,
                       double abs_)
{
    int64_t n;
    double *want = golden_numbers(g->results, at(g, group, name), &n);

    assert_non_null(want);
    assert_non_null(got);
    for (int64_t i = 0; i < n; i++) {
        double x = got->dtype == CLAB_F32 ? (double)((const float *)got->data)[i] : ((const double *)got->data)[i];
        if (!near(x, want[i], rel, abs_))
            fail_msg("%s/%s[%lld]: %.17g, not %.17g", group, name, (long long)i, x, want[i]);
    }
    free(want);
}

/* Loadings of the used genes: varm is genes x components, the golden one components x used genes. */
static void same_loadings(const golden_set *g, const char *group, const clab_value *pcs, const uint8_t *used, double tol)
{
    int64_t n, k = pcs->dims[1], j = 0, m = 0;
    double *want = golden_numbers(g->results, at(g, group, "loadings"), &n);

    for (int64_t i = 0; i < pcs->dims[0]; i++)
        m += !used || used[i];
    assert_int_equal(n, k * m);
    for (int64_t i = 0; i < pcs->dims[0]; i++) {
        bool use = !used || used[i];
        for (int64_t c = 0; c < k; c++)
            assert_true(near(((const double *)pcs->data)[i * k + c], use ? want[c * m + j] : 0, 0, tol));
        j += use;
    }
    free(want);
}

static void check(const golden_set *g, const char *group, const char *args, const uint8_t *used, double tol, clab_dataset *d)
{
    d = clab_dataset_ref(d);
    step_on(cx, "pca", args, &d);
    same_array(g, group, "variance", part(d, "variance"), tol, 0);
    same_array(g, group, "variance_ratio", part(d, "variance_ratio"), tol, 0);
    same_array(g, group, "scores", clab_value_get(d->obsm, "X_pca"), 1e-6, 1e3 * tol + 1e-7);
    same_loadings(g, group, clab_value_get(d->varm, "PCs"), used, 1e3 * tol);
    assert_int_equal(clab_value_get(d->obsm, "X_pca")->dtype, CLAB_F32);
    clab_dataset_unref(d);
}

static void small(void **state)
{
    golden_set g = groups_set();
    clab_dataset *d = input_of(&g), *scaled = clab_dataset_ref(d);
    int64_t n;
    double *mask = golden_numbers(g.results, "mask", &n);
    uint8_t used[60];
    clab_value *v = NULL;

    (void)state;
    for (int64_t i = 0; i < n; i++)
        used[i] = mask[i] != 0;
    check(&g, "centred", "n_comps=8", NULL, 1e-10, d);
    check(&g, "centred", "n_comps=8 svd_solver=lanczos seed=3", NULL, 1e-10, d);
    check(&g, "uncentred", "n_comps=8 zero_center=false", NULL, 1e-10, d);
    check(&g, "uncentred", "n_comps=8 zero_center=false svd_solver=lanczos", NULL, 1e-10, d);
    step_on(cx, "scale", "zero_center=true max_value=2", &scaled);
    check(&g, "scaled", "n_comps=8", NULL, 1e-7, scaled);
    check(&g, "scaled", "n_comps=8 svd_solver=lanczos", NULL, 1e-7, scaled);
    assert_int_equal(clab_value_array(cx, CLAB_BOOL, 1, &n, used, &v), CLAB_OK);
    assert_int_equal(clab_dataset_var_set(cx, d, "highly_variable", v), CLAB_OK);
    check(&g, "masked", "n_comps=8", used, 1e-10, d);
    check(&g, "masked", "n_comps=8 mask_var=highly_variable svd_solver=lanczos", used, 1e-10, d);
    check(&g, "centred", "n_comps=8 mask_var=none", NULL, 1e-10, d);
    clab_value_unref(v);
    clab_dataset_unref(scaled);
    clab_dataset_unref(d);
    free(mask);
    close_set(&g);
}

/* 2,000 cells x 500 genes, beside scanpy's float32 Lanczos. */
static void large(void **state)
{
    golden_set g = open_large("golden_scanpy/g09_pca.h5");
    clab_dataset *d = input_of(&g), *few = NULL;
    int64_t n, cols[600];
    double *genes = golden_numbers(g.results, "gene_index", &n);

    (void)state;
    step_on(cx, "normalise", "target_sum=1e4", &d);
    step_on(cx, "log1p", "", &d);
    for (int64_t i = 0; i < n; i++)
        cols[i] = (int64_t)genes[i];
    assert_int_equal(clab_dataset_take_vars(cx, d, cols, n, &few), CLAB_OK);
    step_on(cx, "pca", "n_comps=50", &few);
    same_array(&g, "exact_log1p", "variance_ratio", part(few, "variance_ratio"), 1e-6, 0);
    same_array(&g, "scanpy_sparse_coveigh", "variance", part(few, "variance"), 1e-4, 0);
    same_array(&g, "scanpy_sparse_arpack", "scores", clab_value_get(few->obsm, "X_pca"), 1e-4, 2e-3);
    step_on(cx, "scale", "zero_center=true", &few);
    step_on(cx, "pca", "n_comps=50", &few);
    same_array(&g, "exact_scaled", "variance_ratio", part(few, "variance_ratio"), 1e-6, 0);
    clab_dataset_unref(few);
    clab_dataset_unref(d);
    free(genes);
    close_set(&g);
}

/* ---- properties --------------------------------------------------------------------------------------------*/

static void *result_bytes(int threads, const char *args, int64_t *n)
{
    clab_ctx_opts o = {.threads = threads};
    clab_ctx *own = clab_ctx_new(&o);
    float *x = small_counts(700, 150, 30, 5);
    clab_matrix *m = small_matrix_f32(own, 700, 150, x);
    clab_dataset *d = step_dataset(own, m);
    const clab_value *v;
    void *copy;

    step_on(own, "pca", args, &d);
    v = clab_value_get(d->obsm, "X_pca");
    *n = v->dims[0] * v->dims[1] * 4;
    copy = malloc((size_t)*n);
    memcpy(copy, v->data, (size_t)*n);
    clab_dataset_unref(d);
    clab_matrix_unref(m);
    clab_ctx_free(own);
    free(x);
    return copy;
}

static void threads_change_nothing(void **state)
{
    static const char *const args[] = {"n_comps=20", "n_comps=20 svd_solver=lanczos"};

    (void)state;
    for (int a = 0; a < 2; a++) {
        int64_t n, m;
        void *one = result_bytes(1, args[a], &n);
        for (int threads = 2; threads <= 8; threads *= 4) {
            void *more = result_bytes(threads, args[a], &m);
            assert_int_equal(n, m);
            assert_memory_equal(one, more, (size_t)n);
            free(more);
        }
        free(one);
    }
}

/* Without LAPACK the same components come out, by another way. */
static void plain_products_suffice(void **state)
{
    int64_t n, m;
    float *with = result_bytes(2, "n_comps=5", &n), *without;

    (void)state;
    setenv("CELLLAB_BLAS", "plain", 1);
    without = result_bytes(2, "n_comps=5", &m);
    unsetenv("CELLLAB_BLAS");
    assert_int_equal(n, m);
    for (int64_t i = 0; i < n / 4; i++)
        assert_true(fabsf(with[i] - without[i]) < 1e-4f);
    free(with);
    free(without);
}

/* Data of rank 2: the other components have variance 0, and nothing breaks. */
static void low_rank(void **state)
{
    double x[40 * 10];
    clab_matrix *m;

    (void)state;
    for (int i = 0; i < 400; i++)
        x[i] = (i / 10 % 3) * (i % 10) + (i / 10 % 2) * (i % 10 < 4);
    m = small_matrix(cx, 40, 10, x, CLAB_F32);
    for (int a = 0; a < 2; a++) {
        clab_dataset *d = step_dataset(cx, m);
        const double *variance;
        step_on(cx, "pca", a ? "n_comps=4 svd_solver=lanczos" : "n_comps=4", &d);
        variance = part(d, "variance")->data;
        assert_true(variance[0] > variance[1] && variance[1] > 0.01);
        assert_true(fabs(variance[2]) < 1e-10 && fabs(variance[3]) < 1e-10);
        clab_dataset_unref(d);
    }
    clab_matrix_unref(m);
}

/* Rows over different bases: two halves that were centred and scaled one by one, beside the same values in full. */
static void bases_may_differ(void **state)
{
    float *x = small_counts(120, 40, 30, 9);
    clab_dataset *half[2], *both = NULL, *full;
    clab_matrix *m;
    double *dense;
    clab_concat_opts o;

    (void)state;
    for (int i = 0; i < 2; i++) {
        m = small_matrix_f32(cx, 60, 40, x + i * 60 * 40);
        half[i] = step_dataset(cx, m);
        step_on(cx, "scale", "zero_center=true max_value=3", &half[i]);
        clab_matrix_unref(m);
    }
    clab_concat_opts_init(&o);
    assert_int_equal(clab_concat(cx, (const clab_dataset *const *)half, 2, &o, &both), CLAB_OK);
    dense = small_dense(cx, both->x, true);
    m = small_matrix(cx, 120, 40, dense, CLAB_F32);
    for (int a = 0; a < 2; a++) {
        const char *args = a ? "n_comps=5 svd_solver=lanczos" : "n_comps=5";
        const float *got, *want;
        clab_dataset *views = clab_dataset_ref(both);
        full = step_dataset(cx, m);
        step_on(cx, "pca", args, &views);
        step_on(cx, "pca", args, &full);
        got = clab_value_get(views->obsm, "X_pca")->data;
        want = clab_value_get(full->obsm, "X_pca")->data;
        for (int i = 0; i < 120 * 5; i++)
            assert_true(fabsf(got[i] - want[i]) < 2e-5f);
        clab_dataset_unref(full);
        clab_dataset_unref(views);
    }
    clab_matrix_unref(m);
    clab_dataset_unref(both);
    clab_dataset_unref(half[0]);
    clab_dataset_unref(half[1]);
    free(dense);
    free(x);
}

static void errors_are_said_in_words(void **state)
{
    golden_set g = groups_set();
    clab_dataset *d = input_of(&g), *bad;
    double x[60];
    int64_t n_vars = 60;
    clab_matrix *m;
    clab_value *v = NULL;

    (void)state;
    refused("pca", "n_comps=60", d, CLAB_EARG, "n_comps may be up to 59");
    refused("pca", "mask_var=absent", d, CLAB_ENOTFOUND, "absent");
    refused("pca", "layer=absent", d, CLAB_ENOTFOUND, "no layer");
    assert_int_equal(clab_value_array(cx, CLAB_BOOL, 1, &n_vars, NULL, &v), CLAB_OK);
    assert_int_equal(clab_dataset_var_set(cx, d, "nothing", v), CLAB_OK);
    refused("pca", "mask_var=nothing", d, CLAB_EARG, "marks no gene");
    for (int i = 0; i < 60; i++)
        x[i] = i == 7 ? (double)NAN : i;
    m = small_matrix(cx, 12, 5, x, CLAB_F32);
    bad = step_dataset(cx, m);
    refused("pca", "n_comps=2", bad, CLAB_EARG, "NaN or infinity");
    refused("pca", "n_comps=2 svd_solver=lanczos", bad, CLAB_EARG, "NaN or infinity");
    clab_value_unref(v);
    clab_dataset_unref(bad);
    clab_matrix_unref(m);
    clab_dataset_unref(d);
    close_set(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small),
        cmocka_unit_test(large),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(plain_products_suffice),
        cmocka_unit_test(low_rank),
        cmocka_unit_test(bases_may_differ),
        cmocka_unit_test(errors_are_said_in_words),
    };
    return cmocka_run_group_tests(tests, golden_setup, golden_teardown);
}
