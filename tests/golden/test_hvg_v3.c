/* test_hvg_v3.c -- the loess against scikit-misc, and the flavours seurat_v3 and seurat_v3_paper against scanpy. */
#include "golden_steps.h"
#include "steps/loess.h"

static void loess_case(golden *g, const char *prefix, const char *set, double span)
{
    char path[64];
    int64_t n;
    double *x, *y, *want, *got;

    snprintf(path, sizeof path, "%s%sx", prefix, set);
    x = golden_numbers(g, path, &n);
    snprintf(path, sizeof path, "%s%sy", prefix, set);
    y = golden_numbers(g, path, &n);
    snprintf(path, sizeof path, "%s%sfit_%.1f", prefix, set, span);
    want = golden_numbers(g, path, &n);
    got = calloc((size_t)n, sizeof *got);
    assert_non_null(x);
    assert_non_null(y);
    assert_non_null(want);
    assert_int_equal(clab__loess(cx, n, x, y, span, got), CLAB_OK);
    same_numbers(path, got, want, n, 0, 1e-12);
    free(got);
    free(want);
    free(y);
    free(x);
}

static void loess_as_scikit_misc(void **state)
{
    golden_set g = open_corners("");

    (void)state;
    for (int i = 0; i < 3; i++) {
        loess_case(g.in, "loess/", "", (double[]){0.3, 0.7, 1.0}[i]);
        loess_case(g.in, "loess/", "tied_", (double[]){0.3, 0.7, 1.0}[i]);
    }
    close_set(&g);
}

/* A parabola is its own local fit, wherever the points lie, in any order. */
static void loess_of_a_parabola(void **state)
{
    double x[50], y[50], fit[50];

    (void)state;
    for (int i = 0; i < 50; i++) {
        x[i] = (double)(i * 17 % 50) / 7 - 2;
        y[i] = 3 - x[i] + 0.5 * x[i] * x[i];
    }
    assert_int_equal(clab__loess(cx, 50, x, y, 1, fit), CLAB_OK);
    for (int i = 0; i < 50; i++)
        assert_true(fabs(fit[i] - y[i]) < 0.05); /* cubic pieces between few vertices */
}

static void loess_says_why_it_cannot(void **state)
{
    double x[40] = {0}, y[40] = {0}, fit[40];

    (void)state;
    assert_int_equal(clab__loess(cx, 40, x, y, 0.05, fit), CLAB_EARG);
    assert_non_null(strstr(clab_error_text(cx), "span"));
    clab_error_clear(cx);
    for (int i = 0; i < 40; i++)
        x[i] = i < 5 ? 0.1 * i : i < 35 ? 1 : i;
    assert_int_equal(clab__loess(cx, 40, x, y, 0.3, fit), CLAB_EARG);
    assert_non_null(strstr(clab_error_text(cx), "same place"));
    clab_error_clear(cx);
    for (int i = 0; i < 40; i++)
        x[i] = i % 2;
    assert_int_equal(clab__loess(cx, 40, x, y, 1, fit), CLAB_EARG);
    assert_non_null(strstr(clab_error_text(cx), "singular"));
    clab_error_clear(cx);
    assert_int_equal(clab__loess(cx, 0, x, y, 1, fit), CLAB_EARG);
    clab_error_clear(cx);
}

/* ---- the flavours --------------------------------------------------------------------------------------------*/

/* How many values of a column differ. */
static int64_t differences(const golden_set *g, const char *group, const char *name, const clab_value *column)
{
    int64_t n, differ = 0;
    double *want = golden_numbers(g->results, at(g, group, name), &n);

    assert_non_null(want);
    for (int64_t i = 0; i < n; i++)
        differ += clab_value_at_num(column, i) != want[i];
    free(want);
    return differ;
}

/* Genes of equal variance (one count each, say) have ranks in no defined order in scanpy: with `ties` ranks are
 * not compared, and a few genes at the cut may differ. */
static void v3_case(const golden_set *g, const char *group, const char *args, const clab_dataset *in, bool ties)
{
    char text[160];
    clab_dataset *d = clab_dataset_ref(in);

    snprintf(text, sizeof text, "%s subset=false", args);
    step_on(cx, "hvg", text, &d);
    same_column(g, group, "means", clab_value_get(d->var, "means"), 1e-12, 0);
    same_column(g, group, "variances", clab_value_get(d->var, "variances"), 1e-12, 0);
    same_column(g, group, "variances_norm", clab_value_get(d->var, "variances_norm"), 1e-10, 0);
    if (ties) {
        assert_true(differences(g, group, "highly_variable", clab_value_get(d->var, "highly_variable")) <= 8);
        clab_dataset_unref(d);
        return;
    }
    same_column(g, group, "highly_variable_rank", clab_value_get(d->var, "highly_variable_rank"), 0, 0);
    same_column(g, group, "highly_variable", clab_value_get(d->var, "highly_variable"), 0, 0);
    if (golden_has(g->results, at(g, group, "highly_variable_nbatches")))
        same_column(g, group, "highly_variable_nbatches", clab_value_get(d->var, "highly_variable_nbatches"), 0, 0);
    clab_dataset_unref(d);
}

static void corners(void **state)
{
    golden_set g = open_corners("hvg/");
    clab_dataset *d = input_of(&g);

    (void)state;
    v3_case(&g, "v3", "flavor=seurat_v3 n_top=40", d, false);
    v3_case(&g, "v3_batch", "flavor=seurat_v3 n_top=40 batch_key=batch", d, false);
    v3_case(&g, "v3_span", "flavor=seurat_v3 n_top=40 span=0.6", d, false);
    v3_case(&g, "paper_batch", "flavor=seurat_v3_paper n_top=40 batch_key=batch", d, false);
    /* after normalise and log1p the counts are still found */
    step_on(cx, "normalise", "", &d);
    step_on(cx, "log1p", "", &d);
    v3_case(&g, "v3_batch", "flavor=seurat_v3 n_top=40 batch_key=batch", d, false);
    clab_dataset_unref(d);
    close_set(&g);
}

static void large(void **state)
{
    golden_set g = open_large("golden_scanpy/g05_hvg.h5");
    clab_dataset *d = input_of(&g);

    (void)state;
    v3_case(&g, "seurat_v3_span05", "flavor=seurat_v3 n_top=500 span=0.5", d, true);
    v3_case(&g, "seurat_v3_top500", "flavor=seurat_v3 n_top=500", d, true);
    v3_case(&g, "seurat_v3_batch_top500", "flavor=seurat_v3 n_top=500 batch_key=batch", d, true);
    v3_case(&g, "seurat_v3_paper_batch_top500", "flavor=seurat_v3_paper n_top=500 batch_key=batch", d, true);
    clab_dataset_unref(d);
    close_set(&g);
}

/* 2,000 genes are the default, and a subset the usual result. */
static void subset_and_default(void **state)
{
    golden_set g = open_corners("hvg/");
    clab_dataset *d = input_of(&g), *few = clab_dataset_ref(d);

    (void)state;
    step_on(cx, "hvg", "flavor=seurat_v3", &d);
    assert_int_equal(clab_dataset_n_vars(d), 160);
    step_on(cx, "hvg", "flavor=seurat_v3 n_top=25", &few);
    assert_int_equal(clab_dataset_n_vars(few), 25);
    clab_dataset_unref(few);
    clab_dataset_unref(d);
    close_set(&g);
}

static char *said;

static void hear(void *user, clab_note_level level, const char *text)
{
    (void)user;
    if (level == CLAB_NOTE_WARN) {
        free(said);
        said = strdup(text);
    }
}

static void what_is_no_count_is_told(void **state)
{
    golden_set g = open_corners("hvg/");
    clab_dataset *d = input_of(&g), *out = NULL;
    double x[12] = {1, 2, 0, 1, 0, 3, 2, 2, 1, 0, 1, 1};
    clab_matrix *m = small_matrix(cx, 4, 3, x, CLAB_F32);
    clab_dataset *tiny = step_dataset(cx, m);

    (void)state;
    clab_note_set(cx, hear, NULL);
    step_on(cx, "normalise", "", &d);
    step_on(cx, "hvg", "flavor=seurat_v3 n_top=25 layer=X", &d);
    assert_non_null(said);
    assert_non_null(strstr(said, "expects counts"));
    free(said);
    said = NULL;
    step_on(cx, "hvg", "flavor=seurat_v3 n_top=20 layer=X check_values=false", &d);
    assert_null(said);
    clab_note_set(cx, NULL, NULL);
    assert_int_equal(step_batches(cx, tiny, "lane", (double[]){0, 0, 1, 1}, 2), CLAB_OK);
    assert_int_equal(run_step(cx, "hvg", "flavor=seurat_v3 batch_key=lane", tiny, &out), CLAB_EARG);
    assert_non_null(strstr(clab_error_text(cx), "batch b1"));
    assert_non_null(strstr(clab_error_text(cx), "filter_genes"));
    clab_error_clear(cx);
    clab_dataset_unref(tiny);
    clab_matrix_unref(m);
    clab_dataset_unref(d);
    close_set(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loess_as_scikit_misc),
        cmocka_unit_test(loess_of_a_parabola),
        cmocka_unit_test(loess_says_why_it_cannot),
        cmocka_unit_test(corners),
        cmocka_unit_test(large),
        cmocka_unit_test(subset_and_default),
        cmocka_unit_test(what_is_no_count_is_told),
    };
    return cmocka_run_group_tests(tests, golden_setup, golden_teardown);
}
