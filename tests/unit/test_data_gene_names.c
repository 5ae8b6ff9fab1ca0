/* test_data_gene_names.c -- gene names: another column, versions, and every policy for names that occur again. */
#include "clab_test.h"
#include "data/genes.h"
#include "small.h"
#include "steps/step.h"

enum { N = 3, G = 6 };

static const char *const named[G] = {"TBCE", "A", "TBCE", "TBCE-1", "B", "TBCE"};
static const double counts[N * G] = {1, 0, 2, 3, 0, 4, /**/ 0, 5, 0, 0, 6, 7, /**/ 8, 0, 0, 9, 0, 0};

static clab_value *strings(clab_ctx *cx, const char *const *s, int64_t n)
{
    clab_value *v = NULL;

    assert_clab_ok(cx, clab_value_strings(cx, 1, &n, s, &v));
    return v;
}

/* Column `ids` holds versioned Ensembl IDs, the last one missing. */
static clab_dataset *study(clab_ctx *cx, const char *const *names, double scale)
{
    static const char *const cells[N] = {"x", "y", "z"};
    static const char *const ids[G] = {"ENSG00000000001.3", "ENSG00000000002.1", "ENSG00000000003.9",
                                       "ENSG00000000003.10", "NM_0001.2", ""};
    double x[N * G];
    clab_value *index = strings(cx, names, G), *barcodes = strings(cx, cells, N), *id = strings(cx, ids, G), *obs, *var;
    clab_dataset *d = NULL;

    for (int i = 0; i < N * G; i++)
        x[i] = counts[i] * scale;
    clab_matrix *m = small_matrix(cx, N, G, x, CLAB_F32);
    assert_clab_ok(cx, clab_value_table(cx, index, NULL, &var));
    assert_clab_ok(cx, clab_value_table(cx, barcodes, NULL, &obs));
    assert_clab_ok(cx, clab_value_set(cx, var, "ids", id));
    assert_clab_ok(cx, clab_dataset_new(cx, "study", m, obs, var, &d));
    d->counts = clab_matrix_ref(d->x);
    clab_matrix_unref(m);
    clab_value *parts[] = {index, barcodes, id, obs, var};
    for (int i = 0; i < 5; i++)
        clab_value_unref(parts[i]);
    return d;
}

static void check_names(const clab_dataset *d, const char *const *want, int64_t n)
{
    assert_int_equal(clab_dataset_n_vars(d), n);
    for (int64_t g = 0; g < n; g++)
        assert_string_equal(clab_dataset_var_name(d, g), want[g]);
}

static clab_dataset *renamed(clab_ctx *cx, const clab_dataset *d, const char *key, bool strip, const char *duplicates)
{
    clab_dataset *out = NULL;

    assert_clab_ok(cx, clab_gene_names(cx, d, &(clab_gene_names_opts){key, strip, duplicates}, &out));
    return out;
}

static void test_suffix(void **state)
{
    static const char *const want[G] = {"TBCE", "A", "TBCE-2", "TBCE-1", "B", "TBCE-3"};
    clab_ctx *cx = test_ctx(1);
    clab_dataset *d = study(cx, named, 1), *out = renamed(cx, d, NULL, false, NULL);

    (void)state;
    check_names(out, want, G);
    assert_holds(test_notes(), "study: 2 genes have a name that another one has too (TBCE, ...)");
    assert_string_equal(clab_value_at_str(clab_value_get(out->var, "original_name"), 5, NULL, 0), "TBCE");
    assert_true(out->x == d->x);
    clab_dataset_unref(out);
    clab_dataset_unref(d);
    test_ctx_free(cx);
}

static void test_sum(void **state)
{
    static const char *const want[] = {"TBCE", "A", "TBCE-1", "B"};
    static const double sums[N * 4] = {7, 0, 3, 0, /**/ 7, 5, 0, 6, /**/ 8, 0, 9, 0};
    clab_ctx *cx = test_ctx(1);
    clab_dataset *d = study(cx, named, 1), *out = renamed(cx, d, NULL, false, "sum"), *none = NULL;
    double *x = small_dense(cx, out->x, true);

    (void)state;
    check_names(out, want, 4);
    for (int i = 0; i < N * 4; i++)
        assert_near(x[i], sums[i], 0, 0);
    free(x);
    assert_true(out->counts == out->x);
    clab_dataset_unref(out);
    clab_dataset_unref(d);
    d = study(cx, named, 0.3);
    assert_clab_fails(cx, clab_gene_names(cx, d, &(clab_gene_names_opts){.duplicates = "sum"}, &none), CLAB_ESTATE,
                      "X of study holds no counts");
    clab_dataset_unref(d);
    test_ctx_free(cx);
}

static void test_first_error_keep(void **state)
{
    static const char *const want[] = {"TBCE", "A", "TBCE-1", "B"};
    clab_ctx *cx = test_ctx(1);
    clab_dataset *d = study(cx, named, 1), *out = renamed(cx, d, NULL, false, "first"), *none = NULL;
    double *x = small_dense(cx, out->x, true);

    (void)state;
    check_names(out, want, 4);
    assert_near(x[0], 1, 0, 0);
    assert_near(x[2], 3, 0, 0);
    free(x);
    clab_dataset_unref(out);
    out = renamed(cx, d, NULL, false, "keep");
    check_names(out, named, G);
    clab_dataset_unref(out);
    assert_clab_fails(cx, clab_gene_names(cx, d, &(clab_gene_names_opts){.duplicates = "error"}, &none), CLAB_ESHAPE,
                      "TBCE");
    assert_clab_fails(cx, clab_gene_names(cx, d, &(clab_gene_names_opts){.duplicates = "twice"}, &none), CLAB_EARG,
                      "suffix, sum, first, error or keep, not twice");
    clab_dataset_unref(d);
    test_ctx_free(cx);
}

/* Versions fall away only from Ensembl IDs, and two versions of one become the same name. */
static void test_key(void **state)
{
    static const char *const want[G] = {"ENSG00000000001", "ENSG00000000002", "ENSG00000000003",
                                        "ENSG00000000003-1", "NM_0001.2", "TBCE"};
    clab_ctx *cx = test_ctx(1);
    clab_dataset *d = study(cx, named, 1), *out = renamed(cx, d, "ids", true, NULL), *none = NULL;

    (void)state;
    check_names(out, want, G);
    assert_holds(test_notes(), "1 genes have no ids and keep their names");
    assert_string_equal(clab_value_at_str(clab_value_get(out->var, "original_name"), 3, NULL, 0), "TBCE-1");
    assert_clab_fails(cx, clab_gene_names(cx, d, &(clab_gene_names_opts){.key = "id"}, &none), CLAB_ENOTFOUND, "ids");
    clab_dataset_unref(out);
    clab_dataset_unref(d);
    test_ctx_free(cx);
}

/* The step is the same thing under a dataset's name. */
static void test_step(void **state)
{
    clab_ctx *cx = test_ctx(1);
    const clab_step *s = clab_step_get("gene_names");
    clab_dataset *d = study(cx, named, 1), *out = NULL;
    clab_arg a[8] = {0};

    (void)state;
    assert_non_null(s);
    assert_clab_ok(cx, clab_args_default(cx, s->name, s->params, s->n_params, a));
    assert_clab_ok(cx, clab_args_set_text(cx, s->name, &s->params[0], &a[0], "ids"));
    assert_clab_ok(cx, clab_step_run(cx, s, d, a, &out));
    assert_string_equal(clab_dataset_var_name(out, 0), "ENSG00000000001.3");
    clab_dataset_unref(out);
    clab_dataset_unref(d);
    test_ctx_free(cx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suffix), cmocka_unit_test(test_sum),  cmocka_unit_test(test_first_error_keep),
        cmocka_unit_test(test_key),    cmocka_unit_test(test_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
