/* test_score_genes.c -- score_genes and score_genes_cell_cycle against scanpy: the same control genes, so the same
 * scores. */
#include "golden_steps.h"

/* Genes by number as "g00002,g00014". */
static char *gene_names(const golden *g, const char *path)
{
    int64_t n;
    double *x = golden_numbers(g, path, &n);
    char *text = calloc((size_t)n + 1, 8), *at = text;

    assert_non_null(x);
    for (int64_t i = 0; i < n; i++)
        at += sprintf(at, "%sg%05d", i ? "," : "", (int)x[i]);
    free(x);
    return text;
}

static clab_dataset *logged(const golden_set *g)
{
    clab_dataset *d = input_of(g);

    step_on(cx, "normalise", "", &d);
    step_on(cx, "log1p", "", &d);
    return d;
}

static void score_case(const golden_set *g, const clab_dataset *in, const char *name, const char *genes, const char *args)
{
    char *text = calloc(1, strlen(genes) + strlen(args) + 40);
    clab_dataset *d = clab_dataset_ref(in);

    sprintf(text, "genes=%s %s", genes, args);
    step_on(cx, "score_genes", text, &d);
    same_column(g, "", name, clab_value_get(d->obs, "score"), 0, 3e-6);
    assert_int_equal(clab_value_get(d->obs, "score")->dtype, CLAB_F64);
    clab_dataset_unref(d);
    free(text);
}

static void corners(void **state)
{
    golden_set g = open_corners("score");
    clab_dataset *d = logged(&g);
    char *genes = gene_names(g.in, "score/genes"), *pool = gene_names(g.in, "score/pool_genes"), *with_pool;

    (void)state;
    score_case(&g, d, "default", genes, "");
    score_case(&g, d, "small", genes, "ctrl_size=4 seed=3");
    score_case(&g, d, "bins", genes, "n_bins=5 ctrl_size=10");
    score_case(&g, d, "not_ref", genes, "ctrl_as_ref=false ctrl_size=4");
    with_pool = calloc(1, strlen(pool) + 60);
    sprintf(with_pool, "gene_pool=%s n_bins=8 ctrl_size=6", pool);
    score_case(&g, d, "pool", genes, with_pool);
    free(with_pool);
    free(pool);
    free(genes);
    clab_dataset_unref(d);
    close_set(&g);
}

static void cell_cycle(void **state)
{
    static const char *const phase[] = {"G1", "G2M", "S"};
    golden_set g = open_corners("score");
    clab_dataset *d = logged(&g);
    char text[400] = "s_genes=", buf[32];
    int64_t n;
    double *want = golden_numbers(g.in, "score/phase", &n);
    const clab_value *got;

    (void)state;
    for (int i = 10; i < 22; i++)
        sprintf(text + strlen(text), "%sg%05d", i > 10 ? "," : "", i);
    strcat(text, " g2m_genes=");
    for (int i = 60; i < 70; i++)
        sprintf(text + strlen(text), "%sg%05d", i > 60 ? "," : "", i);
    step_on(cx, "score_genes_cell_cycle", text, &d);
    same_column(&g, "", "S_score", clab_value_get(d->obs, "S_score"), 0, 3e-6);
    same_column(&g, "", "G2M_score", clab_value_get(d->obs, "G2M_score"), 0, 3e-6);
    got = clab_value_get(d->obs, "phase");
    assert_non_null(want);
    for (int64_t i = 0; i < n; i++)
        assert_string_equal(clab_value_at_str(got, i, buf, sizeof buf), phase[(int)want[i]]);
    free(want);
    clab_dataset_unref(d);
    close_set(&g);
}

/* NaN is left out of averages and of a cell's means. */
static void nan_is_left_out(void **state)
{
    const double x[] = {1, 2, 3, 4, NAN, 2, 3, 5, 1, 2, 4, 6};
    clab_matrix *m = small_matrix(cx, 3, 4, x, CLAB_F32);
    clab_dataset *d = step_dataset(cx, m);
    const clab_value *score;

    (void)state;
    /* two bins of ranks 1, 2, 3 and 4 // 4: all genes but the last in bin 0, so it has no control genes but others do */
    step_on(cx, "score_genes", "genes=g00000,g00001 n_bins=2 ctrl_size=10", &d);
    score = clab_value_get(d->obs, "score");
    assert_true(near(clab_value_at_num(score, 0), 1.5 - 3, 1e-12, 0));
    assert_true(near(clab_value_at_num(score, 1), 2.0 - 3, 1e-12, 0));
    assert_true(near(clab_value_at_num(score, 2), 1.5 - 4, 1e-12, 0));
    clab_dataset_unref(d);
    clab_matrix_unref(m);
}

static void what_cannot_be_scored(void **state)
{
    golden_set g = open_corners("score");
    clab_dataset *d = logged(&g), *out = NULL;

    (void)state;
    assert_int_equal(run_step(cx, "score_genes", "genes=A,B", d, &out), CLAB_ENOTFOUND);
    assert_non_null(strstr(clab_error_text(cx), "g00000"));
    clab_error_clear(cx);
    assert_int_equal(run_step(cx, "score_genes", "genes=g00001 gene_pool=g00002,g00003", d, &out), CLAB_EARG);
    assert_non_null(strstr(clab_error_text(cx), "gene_pool"));
    clab_error_clear(cx);
    assert_int_equal(run_step(cx, "score_genes", "genes=g00001,g00002 gene_pool=g00001,g00002", d, &out), CLAB_ESTATE);
    clab_error_clear(cx);
    assert_int_equal(run_step(cx, "score_genes", "genes=g00001 use_raw=true", d, &out), CLAB_ENOTFOUND);
    clab_error_clear(cx);
    assert_int_equal(run_step(cx, "score_genes", "", d, &out), CLAB_EARG);
    clab_error_clear(cx);
    /* one gene that is not there among others is only left out */
    step_on(cx, "score_genes", "genes=g00001,NOT_A_GENE score_name=mine", &d);
    assert_non_null(clab_value_get(d->obs, "mine"));
    clab_dataset_unref(d);
    close_set(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corners),
        cmocka_unit_test(cell_cycle),
        cmocka_unit_test(nan_is_left_out),
        cmocka_unit_test(what_cannot_be_scored),
    };
    return cmocka_run_group_tests(tests, golden_setup, golden_teardown);
}
