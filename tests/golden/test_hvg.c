/* test_hvg.c -- hvg against scanpy: means, dispersions, choices, with and without batches. */
#include "golden_steps.h"

static void hvg_case(const golden_set *g, const char *group, const char *args, clab_dataset *d, double mean_rel)
{
    char text[128];
    clab_dataset *kept = clab_dataset_ref(d);
    int64_t n, chosen = 0;
    double *want = golden_numbers(g->results, at(g, group, "highly_variable"), &n);
    bool batched = golden_has(g->results, at(g, group, "highly_variable_nbatches"));

    snprintf(text, sizeof text, "%s subset=false", args);
    d = clab_dataset_ref(d);
    step_on(cx, "hvg", text, &d);
    same_column(g, group, "means", clab_value_get(d->var, "means"), mean_rel, 0);
    same_column(g, group, "dispersions", clab_value_get(d->var, "dispersions"), 1e-5, 1e-6);
    same_column(g, group, "dispersions_norm", clab_value_get(d->var, "dispersions_norm"), 2e-7, 5e-6);
    same_column(g, group, "highly_variable", clab_value_get(d->var, "highly_variable"), 0, 0);
    if (batched) {
        same_column(g, group, "highly_variable_nbatches", clab_value_get(d->var, "highly_variable_nbatches"), 0, 0);
        same_column(g, group, "highly_variable_intersection", clab_value_get(d->var, "highly_variable_intersection"),
                    0, 0);
    }
    for (int64_t i = 0; i < n; i++)
        chosen += want[i] != 0;
    step_on(cx, "hvg", args, &kept);
    assert_int_equal(clab_dataset_n_vars(kept), chosen);
    free(want);
    clab_dataset_unref(kept);
    clab_dataset_unref(d);
}

static clab_dataset *logged(const golden_set *g, const char *base)
{
    clab_dataset *d = input_of(g);

    step_on(cx, "normalise", "", &d);
    step_on(cx, "log1p", base, &d);
    return d;
}

static void small(void **state)
{
    golden_set g = open_small("hvg/");
    clab_dataset *d, *seen = NULL;
    int64_t n, cols[300], n_seen = 0;
    double *mask = golden_numbers(g.results, "seen", &n);

    (void)state;
    d = input_of(&g);
    step_on(cx, "normalise", "", &d);
    step_on(cx, "log1p", "", &d);
    hvg_case(&g, "seurat_cutoffs", "", d, 1e-6);
    hvg_case(&g, "seurat_top100", "n_top=100", d, 1e-6);
    hvg_case(&g, "seurat_batch_top100", "n_top=100 batch_key=batch", d, 1e-6);
    hvg_case(&g, "seurat_batch_cutoffs", "batch_key=batch", d, 1e-6);
    for (int64_t i = 0; i < n; i++)
        if (mask[i] != 0)
            cols[n_seen++] = i;
    assert_int_equal(clab_dataset_take_vars(cx, d, cols, n_seen, &seen), CLAB_OK);
    hvg_case(&g, "cell_ranger_top100", "flavor=cell_ranger n_top=100", seen, 1e-6);
    clab_dataset_unref(seen);
    clab_dataset_unref(d);

    d = logged(&g, "base=2");
    hvg_case(&g, "base2_top100", "n_top=100", d, 1e-6);
    clab_dataset_unref(d);
    free(mask);
    close_set(&g);
}

static void large(void **state)
{
    golden_set g = open_large("golden_scanpy/g05_hvg.h5");
    clab_dataset *d = logged(&g, "");

    (void)state;
    hvg_case(&g, "seurat_cutoffs", "", d, 1e-6);
    hvg_case(&g, "seurat_top500", "n_top=500", d, 1e-6);
    hvg_case(&g, "cell_ranger_top500", "flavor=cell_ranger n_top=500", d, 1e-6);
    hvg_case(&g, "seurat_batch_top500", "n_top=500 batch_key=batch", d, 1e-6);
    hvg_case(&g, "seurat_batch_cutoffs", "batch_key=batch", d, 1e-6);
    hvg_case(&g, "cell_ranger_batch_top500", "flavor=cell_ranger n_top=500 batch_key=batch", d, 1e-6);
    clab_dataset_unref(d);
    close_set(&g);
}

/* Real cells, stored as log values: no recipe, no uns.log1p. */
static void pbmc(void **state)
{
    golden_set g = {golden_open("golden_scanpy/input_pbmc.h5ad"), golden_open("golden_scanpy/g05_hvg.h5"), ""};
    clab_matrix *x;
    clab_dataset *d;

    (void)state;
    if (!g.in || !g.results) {
        print_message("golden_scanpy is not there: skipped\n");
        skip();
    }
    x = golden_matrix(cx, g.in, "X");
    assert_non_null(x);
    d = step_dataset(cx, x);
    hvg_case(&g, "pbmc_seurat_top100", "n_top=100", d, 1e-6);
    hvg_case(&g, "pbmc_cell_ranger_top100", "flavor=cell_ranger n_top=100", d, 1e-6);
    clab_dataset_unref(d);
    clab_matrix_unref(x);
    close_set(&g);
}

/* Counts as X: the same genes as after normalise and log1p, and the counts are kept. */
static void counts_are_normalised_on_the_side(void **state)
{
    golden_set g = open_small("hvg/");
    clab_dataset *d = input_of(&g), *l = logged(&g, "");

    (void)state;
    step_on(cx, "hvg", "n_top=50", &d);
    step_on(cx, "hvg", "n_top=50", &l);
    assert_int_equal(clab_dataset_n_vars(d), 50);
    assert_true(clab_value_equal(d->var->index, l->var->index));
    assert_true(clab_matrix_is_raw(d->x));
    clab_dataset_unref(d);
    clab_dataset_unref(l);
    close_set(&g);
}

static void wrong_input_is_refused(void **state)
{
    golden_set g = open_small("hvg/");
    clab_dataset *d = input_of(&g), *out = NULL;

    (void)state;
    assert_int_equal(run_step(cx, "hvg", "n_top=50 batch_key=nothing", d, &out), CLAB_ENOTFOUND);
    clab_error_clear(cx);
    step_on(cx, "normalise", "", &d);
    step_on(cx, "log1p", "", &d);
    step_on(cx, "scale", "", &d);
    assert_int_equal(run_step(cx, "hvg", "n_top=50", d, &out), CLAB_ESTATE);
    assert_non_null(strstr(clab_error_text(cx), "scale"));
    clab_error_clear(cx);
    clab_dataset_unref(d);
    close_set(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small),
        cmocka_unit_test(large),
        cmocka_unit_test(pbmc),
        cmocka_unit_test(counts_are_normalised_on_the_side),
        cmocka_unit_test(wrong_input_is_refused),
    };
    return cmocka_run_group_tests(tests, golden_setup, golden_teardown);
}
