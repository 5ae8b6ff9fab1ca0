/* test_label_evaluate.c -- metrics against scikit-learn's, and what tables and figures say. */
#include "clab_test.h"

#include <jansson.h>
#include <math.h>

#include "label/evaluate.h"

/* Made with scikit-learn 1.9.1: accuracy_score, balanced_accuracy_score, f1_score(average="macro" and
 * "weighted"), precision_recall_fscore_support(zero_division=0) and confusion_matrix of these labels. */
static const char *const truth[] = {"B",  "B",  "B",  "B",    "T4",   "T4",   "T4", "NK",
                                    "NK", "NK", "NK", "mono", "mono", "mono", "T8"};
static const char *const said[] = {"B",  "B",  "T4", "B",    "T4",   "T4", "NK", "NK",
                                   "NK", "T8", "NK", "mono", "mono", "DC", "T4"};
#define N 15
#define K 6
static const char *const classes[K] = {"B", "DC", "NK", "T4", "T8", "mono"};
static const double precision[K] = {1, 0, 0.75, 0.5, 0, 1};
static const double recall[K] = {0.75, 0, 0.75, 0.6666666666666666, 0, 0.6666666666666666};
static const double f1[K] = {0.8571428571428571, 0, 0.75, 0.5714285714285714, 0, 0.8};
static const int64_t support[K] = {4, 0, 4, 3, 1, 3};
static const int64_t confusion[K][K] = {{3, 0, 0, 1, 0, 0}, {0, 0, 0, 0, 0, 0}, {0, 0, 3, 0, 1, 0},
                                        {0, 0, 1, 2, 0, 0}, {0, 0, 0, 1, 0, 0}, {0, 1, 0, 0, 0, 2}};

static clab_value *factor(clab_ctx *cx, int64_t n, const char *const *s)
{
    clab_value *v;

    assert_clab_ok(cx, clab_value_factor(cx, n, s, &v));
    return v;
}

static clab_evaluation evaluate(clab_ctx *cx, int64_t n, const char *const *t, const char *const *p)
{
    clab_value *a = factor(cx, n, t), *b = factor(cx, n, p);
    clab_evaluation e;

    assert_clab_ok(cx, clab_evaluate(cx, a, b, &e));
    clab_value_unref(a);
    clab_value_unref(b);
    return e;
}

static void metrics_are_scikit_learns(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_evaluation e = evaluate(cx, N, truth, said);

    (void)state;
    assert_int_equal(e.n, N);
    assert_int_equal(e.k, K);
    assert_near(e.accuracy, 0.6666666666666666, 0, 1e-14);
    assert_near(e.balanced_accuracy, 0.5666666666666667, 0, 1e-14);
    assert_near(e.macro_f1, 0.49642857142857144, 0, 1e-14);
    assert_near(e.weighted_f1, 0.7028571428571428, 0, 1e-14);
    for (int i = 0; i < K; i++) {
        assert_string_equal(clab_value_at_str(e.classes, i, NULL, 0), classes[i]);
        assert_near(e.precision[i], precision[i], 0, 1e-14);
        assert_near(e.recall[i], recall[i], 0, 1e-14);
        assert_near(e.f1[i], f1[i], 0, 1e-14);
        assert_int_equal(e.support[i], support[i]);
        for (int j = 0; j < K; j++)
            assert_int_equal(e.confusion[i * K + j], confusion[i][j]);
    }
    clab_evaluation_free(cx, &e);
    test_ctx_free(cx);
}

static void missing_labels_and_unused_categories_do_not_count(void **state)
{
    static const char *const t[] = {"a", NULL, "b", "b", "a"}, *const p[] = {"a", "a", NULL, "b", "b"};
    static const char *const levels[] = {"b", "never", "a"};
    const int32_t codes[] = {2, -1, 0, 0, 2};
    const int64_t n_levels = 3;
    clab_ctx *cx = test_ctx(1);
    clab_evaluation e = evaluate(cx, 5, t, p);
    clab_value *l, *col, *other;

    (void)state;
    assert_int_equal(e.n, 3);
    assert_int_equal(e.n_skipped, 2);
    assert_int_equal(e.k, 2);
    assert_near(e.accuracy, 2.0 / 3, 0, 1e-14);
    clab_evaluation_free(cx, &e);
    /* The same labels with other levels in another order. */
    assert_clab_ok(cx, clab_value_strings(cx, 1, &n_levels, levels, &l));
    assert_clab_ok(cx, clab_value_categorical(cx, 5, codes, l, false, &col));
    other = factor(cx, 5, p);
    assert_clab_ok(cx, clab_evaluate(cx, col, other, &e));
    assert_int_equal(e.k, 2);
    assert_int_equal(e.confusion[0], 1); /* a as a */
    assert_int_equal(e.confusion[1], 1); /* a as b */
    assert_int_equal(e.confusion[3], 1); /* b as b */
    clab_evaluation_free(cx, &e);
    clab_value_unref(l);
    clab_value_unref(col);
    clab_value_unref(other);
    test_ctx_free(cx);
}

static void wrong_columns_are_refused(void **state)
{
    static const char *const none[] = {NULL, NULL}, *const some[] = {"a", "b"};
    clab_ctx *cx = test_ctx(1);
    clab_value *a = factor(cx, 2, none), *b = factor(cx, 2, some), *c = factor(cx, 1, some);
    clab_evaluation e;

    (void)state;
    assert_clab_fails(cx, clab_evaluate(cx, a, b, &e), CLAB_EARG, "none of 2 cells");
    assert_clab_fails(cx, clab_evaluate(cx, b, c, &e), CLAB_ESHAPE, "2 true labels, but 1");
    clab_value_unref(a);
    clab_value_unref(b);
    clab_value_unref(c);
    test_ctx_free(cx);
}

static void texts_say_the_same(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_evaluation e = evaluate(cx, N, truth, said);
    char *text;
    json_t *root;

    (void)state;
    assert_clab_ok(cx, clab_evaluation_table(cx, &e, &text));
    assert_holds(text, "15 cells: accuracy 0.6667, balanced accuracy 0.5667, macro F1 0.4964, weighted F1 0.7029");
    assert_holds(text, "class  precision  recall      F1  support");
    assert_holds(text, "T4         0.500   0.667   0.571        3");
    free(text);
    assert_clab_ok(cx, clab_evaluation_text(cx, &e, &text));
    assert_holds(text, "1 B     3 . . 1 . .\n");
    assert_holds(text, "6 mono  . 1 . . . 2\n");
    free(text);
    assert_clab_ok(cx, clab_evaluation_csv(cx, &e, &text));
    assert_holds(text, "measure,class,predicted,value\r\n");
    assert_holds(text, "macro_f1,,,0.4964285714\r\n");
    assert_holds(text, "confusion,NK,T8,1\r\n");
    free(text);
    assert_clab_ok(cx, clab_evaluation_json(cx, &e, &text));
    root = json_loads(text, 0, NULL);
    assert_non_null(root);
    assert_near(json_real_value(json_object_get(root, "accuracy")), 2.0 / 3, 0, 1e-14);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(json_object_get(root, "confusion"), 4), 3)), 1);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(json_object_get(root, "classes"), 5), "class")), "mono");
    json_decref(root);
    free(text);
    clab_evaluation_free(cx, &e);
    test_ctx_free(cx);
}

static void hostile_names_stay_text(void **state)
{
    static const char *const t[] = {"<b>&\"x\"", "=1+2", "a\x1b[31m,b"}, *const p[] = {"<b>&\"x\"", "=1+2", "=1+2"};
    clab_ctx *cx = test_ctx(1);
    clab_evaluation e = evaluate(cx, 3, t, p);
    char *text;

    (void)state;
    assert_clab_ok(cx, clab_evaluation_svg(cx, &e, &text));
    assert_holds(text, "&lt;b&gt;&amp;&quot;x&quot;");
    assert_null(strstr(text, "<b>"));
    assert_null(strchr(text, '\x1b'));
    free(text);
    assert_clab_ok(cx, clab_evaluation_csv(cx, &e, &text));
    assert_holds(text, "support,'=1+2,,1\r\n");
    assert_holds(text, "support,\"<b>&\"\"x\"\"\",,1\r\n");
    free(text);
    assert_clab_ok(cx, clab_evaluation_table(cx, &e, &text));
    assert_null(strchr(text, '\x1b'));
    free(text);
    clab_evaluation_free(cx, &e);
    test_ctx_free(cx);
}

static void histograms_count_every_cell(void **state)
{
    const double x[] = {0.05, 0.05, 0.15, 0.95, 1.0, (double)NAN, 0.5};
    const double wide[] = {-3, 7, 7, 7};
    const int64_t n = 7, n_wide = 4;
    clab_ctx *cx = test_ctx(1);
    clab_value *v, *w, *words = factor(cx, 2, truth);
    char *text;

    (void)state;
    assert_clab_ok(cx, clab_value_array(cx, CLAB_F64, 1, &n, x, &v));
    assert_clab_ok(cx, clab_histogram_text(cx, v, 10, "confidence", &text));
    assert_holds(text, "confidence (6 cells, 1 without a value)\n");
    assert_holds(text, "       0 - 0.1      |################################################## 2\n");
    assert_holds(text, "     0.9 - 1        |################################################## 2\n");
    assert_holds(text, "     0.5 - 0.6      |######################### 1\n");
    free(text);
    assert_clab_ok(cx, clab_histogram_svg(cx, v, 10, "confidence", &text));
    assert_holds(text, "<title id=\"title\">confidence</title>");
    assert_holds(text, "<title>0.9 to 1: 2 cells</title>");
    free(text);
    assert_clab_ok(cx, clab_value_array(cx, CLAB_F64, 1, &n_wide, wide, &w));
    assert_clab_ok(cx, clab_histogram_text(cx, w, 2, "x", &text));
    assert_holds(text, "      -3 - 2        |################ 1\n");
    assert_holds(text, "       2 - 7        |################################################## 3\n");
    free(text);
    assert_clab_fails(cx, clab_histogram_text(cx, words, 10, "x", &text), CLAB_EARG, "numeric");
    assert_clab_fails(cx, clab_histogram_text(cx, v, 0, "x", &text), CLAB_EARG, "bins");
    clab_value_unref(v);
    clab_value_unref(w);
    clab_value_unref(words);
    test_ctx_free(cx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_scikit_learns),
        cmocka_unit_test(missing_labels_and_unused_categories_do_not_count),
        cmocka_unit_test(wrong_columns_are_refused),
        cmocka_unit_test(texts_say_the_same),
        cmocka_unit_test(hostile_names_stay_text),
        cmocka_unit_test(histograms_count_every_cell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
