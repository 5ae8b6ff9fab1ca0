/* test_label_features.c -- ANOVA F and standardisation against scikit-learn, the stream of features, the split. */
#include "clab_test.h"

#include <math.h>

#include "label/classifier_impl.h"
#include "run_step.h"
#include "small.h"

#define N 12
#define G 6
#define K 3

static const int32_t y[N] = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 1};
static const double counts[N * G] = {
    4, 1, 1, 0, 4, 0, 1, 3, 2, 1, 2, 0, 2, 2, 3, 8, 3, 0, 6, 0, 1, 1, 3, 0, 2, 5, 1, 1, 5, 0, 2, 1, 4, 2, 4, 0,
    6, 0, 2, 0, 8, 0, 1, 5, 2, 0, 2, 0, 2, 1, 1, 4, 4, 0, 4, 3, 0, 0, 4, 0, 1, 8, 1, 0, 7, 0, 1, 5, 4, 1, 4, 0};

/* Made with scanpy 1.11.5 and scikit-learn 1.9.1: normalize_total(target_sum=1e4), log1p, then
 * f_classif(X.astype(float64), y), StandardScaler().fit(X.astype(float64)): mean_, scale_. */
static const double want_f[G] = {32.12354552369779, 3.8101877926212113, 1.3299707090072825,
                                 3.387009952182373, 1.5354212315023605, (double)NAN};
static const double want_mean[G] = {7.430864850680034, 6.3822290897369385, 6.598367055257161,
                                    4.229573567708333, 8.01555879910787, 0};
static const double want_std[G] = {0.7055365967242464, 2.9261999268181795, 2.0546704660518715,
                                   3.6133003204155933, 0.3087987515776927, 1};

static clab_dataset *dataset(clab_ctx *cx)
{
    clab_matrix *m = small_matrix(cx, N, G, counts, CLAB_F32);
    clab_dataset *d = step_dataset(cx, m);
    const int64_t dims[2] = {N, 2};
    double latent[N * 2];
    clab_value *v;

    assert_non_null(d);
    for (int i = 0; i < N * 2; i++)
        latent[i] = i % 2 ? 5 : 0.25 * i; /* the second coordinate is constant */
    assert_clab_ok(cx, clab_value_array(cx, CLAB_F64, 2, dims, latent, &v));
    assert_clab_ok(cx, clab_dataset_obsm_set(cx, d, "X_scVI", v));
    clab_value_unref(v);
    clab_matrix_unref(m);
    return d;
}

static void f_is_scikit_learns(void **state)
{
    clab_ctx *cx = test_ctx(2);
    clab_dataset *d = dataset(cx);
    int64_t rows[N], *chosen, n_chosen;
    int32_t *role;
    double f[G];

    (void)state;
    for (int i = 0; i < N; i++)
        rows[i] = i;
    assert_clab_ok(cx, clab__gene_roles(cx, d, d->var->index, NULL, &role, NULL));
    assert_clab_ok(cx, clab__anova(cx, d, role, rows, y, N, K, f));
    for (int g = 0; g < G; g++)
        assert_near(f[g], want_f[g], 0, 1e-5); /* log1pf may differ from numpy's by one ulp */
    assert_clab_ok(cx, clab__top(cx, f, G, 3, &chosen, &n_chosen));
    assert_int_equal(n_chosen, 3);
    assert_int_equal(chosen[0], 0);
    assert_int_equal(chosen[1], 1);
    assert_int_equal(chosen[2], 3);
    clab_mem_free(cx, chosen);
    assert_clab_ok(cx, clab__top(cx, f, G, 100, &chosen, &n_chosen)); /* the constant gene never */
    assert_int_equal(n_chosen, 5);
    clab_mem_free(cx, chosen);
    clab_mem_free(cx, role);
    clab_dataset_unref(d);
    test_ctx_free(cx);
}

static void equal_f_keeps_the_order_of_genes(void **state)
{
    const double f[] = {1, 3, 3, (double)NAN, 3, (double)INFINITY};
    clab_ctx *cx = test_ctx(1);
    int64_t *chosen, n;

    (void)state;
    assert_clab_ok(cx, clab__top(cx, f, 6, 3, &chosen, &n));
    assert_int_equal(n, 3);
    assert_int_equal(chosen[0], 1);
    assert_int_equal(chosen[1], 2);
    assert_int_equal(chosen[2], 5);
    clab_mem_free(cx, chosen);
    test_ctx_free(cx);
}

/* Latent and all genes, as a fit would make them. */
static clab__features combined(const clab_dataset *d)
{
    return (clab__features){.latent_key = strdup("X_scVI"), .n_latent = 2, .genes = clab_value_ref(d->var->index),
                            .universe = clab_value_ref(d->var->index)};
}

/* The stream's rows, whatever its blocks; caller frees. */
static float *all_rows(clab_ctx *cx, const clab__features *f, const clab_dataset *d, const int64_t *order, int64_t n)
{
    const int64_t n_features = clab__features_n(f);
    float *out = calloc((size_t)(n * n_features), sizeof *out);
    clab__feature_stream *s;
    clab_feature_rows r;

    assert_clab_ok(cx, clab__feature_stream_open(cx, f, d, order, n, &s));
    r = clab__feature_stream_rows(s);
    for (int pass = 0; pass < 2; pass++) { /* the second time after a rewind */
        const float *x;
        int64_t got, at = 0;
        while (r.next(cx, r.user, &x, &got) == CLAB_OK && got > 0) {
            memcpy(out + at * n_features, x, (size_t)(got * n_features) * sizeof *x);
            at += got;
        }
        assert_int_equal(at, n);
        assert_clab_ok(cx, r.rewind(cx, r.user));
    }
    clab__feature_stream_close(cx, s);
    return out;
}

static void standardised_as_scikit_learn(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_dataset *d = dataset(cx);
    clab__features f = combined(d);
    const int64_t backwards[3] = {11, 4, 0};
    float *x, *some;

    (void)state;
    assert_clab_ok(cx, clab__features_standardise(cx, &f, d, NULL, 0));
    assert_near(f.mean[0], 2.75, 0, 1e-12); /* 0, 0.5, ..., 5.5 */
    assert_near(f.std[0], sqrt(143.0 / 48), 0, 1e-12);
    assert_near(f.mean[1], 5, 0, 1e-12);
    assert_near(f.std[1], 1, 0, 0); /* constant */
    for (int g = 0; g < G; g++) {
        assert_near(f.mean[2 + g], want_mean[g], 0, 1e-6);
        assert_near(f.std[2 + g], want_std[g], 0, 1e-6);
    }
    x = all_rows(cx, &f, d, NULL, N);
    for (int i = 0; i < N; i++) {
        double total = 0;
        for (int g = 0; g < G; g++)
            total += counts[i * G + g];
        assert_near((double)x[i * (G + 2)], (0.5 * i - 2.75) / f.std[0], 1e-6, 0);
        for (int g = 0; g < G; g++)
            assert_near((double)x[i * (G + 2) + 2 + g],
                        (log1p(counts[i * G + g] / total * 1e4) - f.mean[2 + g]) / f.std[2 + g], 2e-5, 0);
    }
    some = all_rows(cx, &f, d, backwards, 3);
    for (int i = 0; i < 3; i++)
        assert_memory_equal(some + i * (G + 2), x + backwards[i] * (G + 2), (G + 2) * sizeof *x);
    free(x);
    free(some);
    clab__features_free(cx, &f);
    clab_dataset_unref(d);
    test_ctx_free(cx);
}

static void genes_are_found_by_name(void **state)
{
    const int64_t reversed[G] = {5, 4, 3, 2, 1, 0}, few[2] = {0, 3};
    clab_ctx *cx = test_ctx(1);
    clab_dataset *d = dataset(cx), *other, *poor;
    clab__features f = combined(d);
    clab__feature_stream *s;
    float *a, *b;

    (void)state;
    assert_clab_ok(cx, clab__features_standardise(cx, &f, d, NULL, 0));
    assert_clab_ok(cx, clab_dataset_take_vars(cx, d, reversed, G, &other));
    a = all_rows(cx, &f, d, NULL, N);
    b = all_rows(cx, &f, other, NULL, N);
    assert_memory_equal(a, b, N * (G + 2) * sizeof *a);
    free(a);
    free(b);
    clab_dataset_unref(other);
    assert_clab_ok(cx, clab_dataset_take_vars(cx, d, reversed, 4, &other)); /* two genes are missing */
    (void)test_notes();
    a = all_rows(cx, &f, other, NULL, N);
    assert_holds(test_notes(), "lacks 2 of the 6 genes");
    assert_near((double)a[2], -f.mean[2] / f.std[2], 1e-6, 0);
    free(a);
    assert_clab_ok(cx, clab_dataset_take_vars(cx, d, few, 2, &poor));
    assert_clab_fails(cx, clab__feature_stream_open(cx, &f, poor, NULL, 0, &s), CLAB_ENOTFOUND, "lacks 4 of the 6");
    clab_dataset_unref(poor);
    clab_dataset_unref(other);
    clab__features_free(cx, &f);
    clab_dataset_unref(d);
    test_ctx_free(cx);
}

static void totals_are_over_the_universe(void **state)
{
    const int64_t four[4] = {0, 1, 2, 3};
    clab_ctx *cx = test_ctx(1);
    clab_dataset *d = dataset(cx), *narrow;
    clab__features f;
    float *a, *b;

    (void)state;
    assert_clab_ok(cx, clab_dataset_take_vars(cx, d, four, 4, &narrow));
    f = combined(narrow); /* trained on four genes: a query with six must look the same */
    a = all_rows(cx, &f, narrow, NULL, N);
    b = all_rows(cx, &f, d, NULL, N);
    assert_memory_equal(a, b, N * 6 * sizeof *a);
    free(a);
    free(b);
    clab__features_free(cx, &f);
    clab_dataset_unref(narrow);
    clab_dataset_unref(d);
    test_ctx_free(cx);
}

static void the_split_is_stratified_and_seeded(void **state)
{
    enum { CELLS = 1000, CLASSES = 4 };
    static int32_t label[CELLS];
    static uint8_t a[CELLS], b[CELLS], c[CELLS];
    const int64_t size[CLASSES] = {600, 396, 3, 1};
    clab_ctx *cx = test_ctx(1);
    int64_t held[CLASSES] = {0}, n, at = 0;

    (void)state;
    for (int k = 0; k < CLASSES; k++)
        for (int64_t i = 0; i < size[k]; i++)
            label[at++] = k;
    assert_clab_ok(cx, clab__split(cx, label, CELLS, CLASSES, 0.1, 5, a, &n));
    assert_int_equal(n, 100);
    for (int i = 0; i < CELLS; i++)
        held[label[i]] += a[i];
    assert_int_equal(held[0], 60); /* shares 60, 39.6, 0.3, 0.1: the largest rest gets the hundredth cell */
    assert_int_equal(held[1], 40);
    assert_int_equal(held[2], 0);
    assert_int_equal(held[3], 0);
    assert_clab_ok(cx, clab__split(cx, label, CELLS, CLASSES, 0.1, 5, b, &n));
    assert_memory_equal(a, b, CELLS);
    assert_clab_ok(cx, clab__split(cx, label, CELLS, CLASSES, 0.1, 6, c, &n));
    assert_memory_not_equal(a, c, CELLS);
    assert_clab_ok(cx, clab__split(cx, label, CELLS, CLASSES, 0.9, 5, a, &n));
    memset(held, 0, sizeof held);
    for (int i = 0; i < CELLS; i++)
        held[label[i]] += a[i];
    assert_int_equal(held[2], 2); /* one cell of three, and the only one of its class, stay for training */
    assert_int_equal(held[3], 0);
    test_ctx_free(cx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f_is_scikit_learns),
        cmocka_unit_test(equal_f_keeps_the_order_of_genes),
        cmocka_unit_test(standardised_as_scikit_learn),
        cmocka_unit_test(genes_are_found_by_name),
        cmocka_unit_test(totals_are_over_the_universe),
        cmocka_unit_test(the_split_is_stratified_and_seeded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
