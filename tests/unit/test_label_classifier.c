/* test_label_classifier.c -- from a labelled reference to labelled cells, through real workers: this program is
 * its own guest. */
#include "clab_test.h"

#include <math.h>

#include "label/classifier.h"
#include "run_step.h"
#include "small.h"

#define N 240
#define G 30
#define K 3
#define N_REF 160

/* ---- data: three types that differ in the first genes, every cell of the same name ----------------------*/

static int type_of(int64_t cell)
{
    return (int)(cell * 7 % 11 % K);
}

static clab_dataset *studies(clab_ctx *cx)
{
    static const char *const names[K] = {"B cell", "NK", "T/CD4+"};
    const int64_t n = N, dims[2] = {N, 2};
    double *x = calloc(N * G, sizeof *x), latent[N * 2];
    const char *cell[N], *label[N];
    clab_value *index, *obs, *v;
    clab_matrix *m;
    clab_dataset *d, *named;
    uint32_t seed = 3;

    for (int64_t i = 0; i < N; i++) {
        for (int64_t g = 0; g < G; g++)
            x[i * G + g] = small_next(&seed) % 4 + (g / 5 == type_of(i) ? small_next(&seed) % 6 : 0);
        latent[2 * i] = cos(2.1 * type_of(i)) + small_next(&seed) % 100 * 0.005;
        latent[2 * i + 1] = sin(2.1 * type_of(i)) + small_next(&seed) % 100 * 0.005;
        cell[i] = "same";
        label[i] = i < N_REF ? names[type_of(i)] : NULL;
    }
    m = small_matrix(cx, N, G, x, CLAB_F32);
    d = step_dataset(cx, m);
    assert_non_null(d);
    assert_clab_ok(cx, clab_value_strings(cx, 1, &n, cell, &index));
    assert_clab_ok(cx, clab_value_table(cx, index, NULL, &obs));
    assert_clab_ok(cx, clab_value_factor(cx, N, label, &v));
    assert_clab_ok(cx, clab_value_set(cx, obs, "cell_type", v));
    assert_clab_ok(cx, clab_dataset_new(cx, "studies", m, obs, d->var, &named));
    if (!named->counts) {
        named->counts = clab_matrix_ref(m);
        named->counts_from = strdup("X");
    }
    clab_value_unref(v);
    assert_clab_ok(cx, clab_value_array(cx, CLAB_F64, 2, dims, latent, &v));
    assert_clab_ok(cx, clab_dataset_obsm_set(cx, named, "X_scVI", v));
    clab_value_unref(v);
    clab_value_unref(obs);
    clab_value_unref(index);
    clab_dataset_unref(d);
    clab_matrix_unref(m);
    free(x);
    return named;
}

/* Cells from..to-1, the last one first when `backwards`. */
static clab_dataset *part(clab_ctx *cx, const clab_dataset *d, int64_t from, int64_t to, bool backwards)
{
    int64_t rows[N];
    clab_dataset *out;

    for (int64_t i = from; i < to; i++)
        rows[i - from] = backwards ? to - 1 - (i - from) : i;
    assert_clab_ok(cx, clab_dataset_take_obs(cx, d, rows, to - from, &out));
    return out;
}

static clab_ctx *context_with_library(void)
{
    clab_ctx *cx = test_ctx(2);
    char version[16], path[256];

    if (clab_xgb_probe(cx, version, sizeof version, path, sizeof path) == CLAB_ENOTFOUND) {
        print_message("skipped: %s\n", clab_error_text(cx));
        clab_error_clear(cx);
        test_ctx_free(cx);
        skip();
    }
    return cx;
}

static clab_classifier *classifier(clab_ctx *cx)
{
    clab_arg args[32];
    clab_classifier *c;

    assert_true(clab_xgboost_n_params <= 32);
    assert_clab_ok(cx, clab_args_default(cx, "xgboost", clab_xgboost_params, clab_xgboost_n_params, args));
    assert_clab_ok(cx, clab_classifier_new(cx, args, &c));
    return c;
}

static clab_status fit(clab_ctx *cx, clab_classifier *c, const clab_dataset *ref, const char *labels, const char *features)
{
    clab_arg args[8];
    int i;

    assert_clab_ok(cx, clab_args_default(cx, "fit", clab_fit_params, clab_fit_n_params, args));
    assert_clab_ok(cx, clab_args_find(cx, "fit", clab_fit_params, clab_fit_n_params, "labels", &i));
    assert_clab_ok(cx, clab_args_set_text(cx, "fit", &clab_fit_params[i], &args[i], labels));
    assert_clab_ok(cx, clab_args_find(cx, "fit", clab_fit_params, clab_fit_n_params, "features", &i));
    assert_clab_ok(cx, clab_args_set_text(cx, "fit", &clab_fit_params[i], &args[i], features));
    return clab_classifier_fit(cx, c, ref, args);
}

static int right_cells(const clab_dataset *query, int64_t first, bool backwards)
{
    static const char *const names[K] = {"B cell", "NK", "T/CD4+"};
    const clab_value *label = clab_value_get(query->obs, "predicted_cell_type");
    const int64_t n = clab_dataset_n_obs(query);
    int right = 0;

    for (int64_t i = 0; i < n; i++) {
        int64_t cell = first + (backwards ? n - 1 - i : i);
        right += strcmp(clab_value_at_str(label, i, NULL, 0), names[type_of(cell)]) == 0;
    }
    return right;
}

/* ---- tests -------------------------------------------------------------------------------------------*/

static void labels_the_query_by_identity(void **state)
{
    static const char *const features[] = {"latent", "genes", "combined", "X_scVI"};
    clab_ctx *cx = context_with_library();
    clab_dataset *both = studies(cx);
    clab_dataset *ref = part(cx, both, 0, N_REF, false), *query = part(cx, both, N_REF, N, true), *out;

    (void)state;
    for (int i = 0; i < 4; i++) {
        clab_classifier *c = classifier(cx);
        const clab_value *label, *sure, *p;
        char line[256];

        assert_clab_ok(cx, fit(cx, c, ref, "cell_type", features[i]));
        assert_int_equal(clab_value_len(clab_classifier_classes(c)), K);
        clab_classifier_describe(c, line, sizeof line);
        assert_holds(line, "3 classes of cell_type, 144 + 16 cells");
        assert_clab_ok(cx, clab_classifier_annotate(cx, c, query, both, &out));
        label = clab_value_get(out->obs, "predicted_cell_type");
        sure = clab_value_get(out->obs, "prediction_confidence");
        p = clab_value_get(out->obsm, "prediction_probability");
        assert_int_equal(label->kind, CLAB_V_CATEGORICAL);
        assert_int_equal(sure->dtype, CLAB_F32);
        assert_int_equal(p->kind, CLAB_V_TABLE);
        assert_non_null(clab_value_get(p, "T/CD4+"));
        assert_true(clab_value_equal(clab_value_get(out->uns, "prediction_classes"), clab_classifier_classes(c)));
        assert_true(right_cells(out, N_REF, true) >= (N - N_REF) * 9 / 10);
        for (int64_t cell = 0; cell < N - N_REF; cell++) {
            double most = 0;
            for (int k = 0; k < K; k++)
                most = fmax(most, clab_value_at_num(p->items[k], cell));
            assert_near(clab_value_at_num(sure, cell), most, 0, 0);
        }
        assert_int_equal(clab_value_get(out->obs, "cell_type")->codes[0], -1); /* nothing else was touched */
        assert_null(clab_value_get(query->obs, "predicted_cell_type"));
        clab_dataset_unref(out);
        clab_classifier_free(cx, c, NULL);
    }
    clab_dataset_unref(ref);
    clab_dataset_unref(query);
    clab_dataset_unref(both);
    test_ctx_free(cx);
}

static void unlabelled_cells_are_left_out_and_said(void **state)
{
    clab_ctx *cx = context_with_library();
    clab_dataset *both = studies(cx), *once, *twice;
    clab_classifier *c = classifier(cx);

    (void)state;
    (void)test_notes();
    assert_clab_ok(cx, fit(cx, c, both, "cell_type", "latent"));
    assert_holds(test_notes(), "80 of 240 cells have no obs.cell_type");
    assert_clab_ok(cx, clab_classifier_annotate(cx, c, both, NULL, &once));
    assert_int_equal(strlen(test_notes()), 0);
    assert_clab_ok(cx, clab_classifier_annotate(cx, c, once, NULL, &twice));
    assert_holds(test_notes(), "obs.predicted_cell_type of studies was there already: replaced");
    clab_dataset_unref(once);
    clab_dataset_unref(twice);
    clab_classifier_free(cx, c, NULL);
    clab_dataset_unref(both);
    test_ctx_free(cx);
}

/* Labels that were predicted once may be learned from: they are not lost either. */
static void learned_predictions_are_kept(void **state)
{
    clab_ctx *cx = context_with_library();
    clab_dataset *both = studies(cx), *out;
    clab_classifier *c = classifier(cx);
    clab_value *old = clab_value_ref(clab_value_get(both->obs, "cell_type"));

    (void)state;
    assert_clab_ok(cx, clab_dataset_obs_set(cx, both, "predicted_cell_type", old));
    assert_clab_ok(cx, fit(cx, c, both, "predicted_cell_type", "latent"));
    assert_clab_ok(cx, clab_classifier_annotate(cx, c, both, NULL, &out));
    assert_true(clab_value_equal(clab_value_get(out->obs, "reference_cell_type"), old));
    assert_true(clab_value_equal(clab_value_get(both->obs, "predicted_cell_type"), old));
    assert_false(clab_value_equal(clab_value_get(out->obs, "predicted_cell_type"), old)); /* no cell is missing */
    clab_dataset_unref(out);
    clab_value_unref(old);
    clab_classifier_free(cx, c, NULL);
    clab_dataset_unref(both);
    test_ctx_free(cx);
}

static void what_cannot_work_is_explained(void **state)
{
    clab_ctx *cx = context_with_library();
    clab_dataset *both = studies(cx), *stranger = studies(cx), *nobody = part(cx, both, N_REF, N, false), *out;
    clab_classifier *c = classifier(cx);
    clab_value *p;

    (void)state;
    assert_clab_fails(cx, clab_classifier_predict(cx, c, both, &p), CLAB_ESTATE, "not fitted");
    assert_clab_fails(cx, fit(cx, c, both, "celltype", "latent"), CLAB_ENOTFOUND, "cell_type");
    assert_clab_fails(cx, fit(cx, c, nobody, "cell_type", "latent"), CLAB_EARG, "no cell of studies has a value");
    assert_clab_fails(cx, fit(cx, c, both, "cell_type", "X_pca"), CLAB_ENOTFOUND, "obsm.X_pca");
    assert_clab_ok(cx, fit(cx, c, both, "cell_type", "latent"));
    assert_clab_fails(cx, clab_classifier_annotate(cx, c, stranger, both, &out), CLAB_EARG,
                      "240 of 240 cells of studies are not among the cells");
    /* A fit that fails leaves the one before as it was. */
    assert_clab_fails(cx, fit(cx, c, nobody, "cell_type", "latent"), CLAB_EARG, "no cell of studies has a value");
    assert_clab_ok(cx, clab_classifier_predict(cx, c, both, &p));
    assert_int_equal(p->dims[1], K);
    clab_value_unref(p);
    clab_classifier_free(cx, c, NULL);
    clab_dataset_unref(nobody);
    clab_dataset_unref(stranger);
    clab_dataset_unref(both);
    test_ctx_free(cx);
}

static void one_class_is_refused(void **state)
{
    const int64_t dims[2] = {4, 1};
    const char *const same[] = {"a", "a", NULL, "a"};
    const double x[4] = {1, 2, 3, 4};
    clab_ctx *cx = test_ctx(1);
    clab_matrix *m = small_matrix(cx, 4, 1, x, CLAB_F32);
    clab_dataset *d = step_dataset(cx, m);
    clab_classifier *c = classifier(cx);
    clab_value *v;

    (void)state;
    assert_clab_ok(cx, clab_value_factor(cx, 4, same, &v));
    assert_clab_ok(cx, clab_dataset_obs_set(cx, d, "t", v));
    clab_value_unref(v);
    assert_clab_ok(cx, clab_value_array(cx, CLAB_F64, 2, dims, x, &v));
    assert_clab_ok(cx, clab_dataset_obsm_set(cx, d, "X_scVI", v));
    clab_value_unref(v);
    assert_clab_fails(cx, fit(cx, c, d, "t", "latent"), CLAB_EARG, "all 3 labelled cells of test have the same value");
    clab_classifier_free(cx, c, NULL);
    clab_dataset_unref(d);
    clab_matrix_unref(m);
    test_ctx_free(cx);
}

static void a_kept_classifier_says_the_same(void **state)
{
    clab_ctx *cx = context_with_library();
    clab_dataset *both = studies(cx);
    clab_classifier *c = classifier(cx), *again;
    clab_value *dict, *broken, *p, *q;
    char a[256], b[256];
    int64_t bytes;

    (void)state;
    assert_clab_ok(cx, fit(cx, c, both, "cell_type", "combined"));
    assert_clab_ok(cx, clab_classifier_predict(cx, c, both, &p));
    assert_clab_ok(cx, clab_classifier_value(cx, c, &dict));
    clab_classifier_describe(c, a, sizeof a);
    clab_classifier_free(cx, c, &bytes);
    assert_true(bytes > 1000);
    assert_clab_ok(cx, clab_classifier_from_value(cx, dict, &again));
    clab_classifier_describe(again, b, sizeof b);
    assert_string_equal(a, b);
    assert_clab_ok(cx, clab_classifier_predict(cx, again, both, &q));
    assert_true(clab_value_equal(p, q));
    clab_value_unref(p);
    clab_value_unref(q);
    clab_classifier_free(cx, again, NULL);
    for (int64_t i = 0; i < dict->n_items; i++) { /* without any of its entries it is no classifier, or a smaller one */
        const char *name = dict->names[i];
        bool optional = strncmp(name, "xgboost_", 8) == 0 || strcmp(name, "device") == 0 ||
                        strcmp(name, "history") == 0 || strcmp(name, "labels") == 0;
        assert_clab_ok(cx, clab_value_copy(cx, dict, &broken));
        assert_true(clab_value_remove(broken, name));
        if (optional) {
            assert_clab_ok(cx, clab_classifier_from_value(cx, broken, &again));
            clab_classifier_free(cx, again, NULL);
        } else {
            assert_clab_fails(cx, clab_classifier_from_value(cx, broken, &again), CLAB_EFORMAT, "no classifier");
        }
        clab_value_unref(broken);
    }
    clab_value_unref(dict);
    clab_dataset_unref(both);
    test_ctx_free(cx);
}

int main(int argc, char **argv)
{
    static const clab_guest_role roles[] = {
        {"xgboost-train", clab_xgb_guest_train},
        {"xgboost-predict", clab_xgb_guest_predict},
        {"xgboost-probe", clab_xgb_guest_probe},
        {NULL, NULL},
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_the_query_by_identity),
        cmocka_unit_test(unlabelled_cells_are_left_out_and_said),
        cmocka_unit_test(learned_predictions_are_kept), cmocka_unit_test(what_cannot_work_is_explained),
        cmocka_unit_test(one_class_is_refused),
        cmocka_unit_test(a_kept_classifier_says_the_same),
    };

    if (argc > 1 && strcmp(argv[1], "--guest") == 0)
        return clab_guest_main(argc, argv, roles);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
