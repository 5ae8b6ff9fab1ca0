/* test_rank_genes_groups.c -- t and Wilcoxon tests of groups of cells against scanpy: ties, negative values, genes
 * that are constant or never seen, cells without a group; and what is refused. */
#include "golden_steps.h"
#include "steps/rank_genes.h"

#define G 60

static golden_set groups_set(void)
{
    golden_set g = {golden_open("scanpy_groups.h5"), golden_open("scanpy_groups.h5"), "rank/"};

    assert_non_null(g.in);
    return g;
}

static clab_dataset *grouped(const golden_set *g)
{
    clab_dataset *d = input_of(g);
    int64_t n;
    double *codes = golden_numbers(g->in, "obs/group/codes", &n);

    assert_int_equal(step_batches(cx, d, "group", codes, 5), CLAB_OK);
    free(codes);
    return d;
}

static const clab_value *field(const clab_dataset *d, const char *name, const char *group)
{
    return clab_value_get(clab_value_get(clab_value_get(d->uns, "rank_genes_groups"), name), group);
}

/* The gene (var order) in row i of the records. */
static int64_t gene_at(const clab_value *names, int64_t i)
{
    return atoi(((char *const *)names->data)[i] + 1);
}

static void same_field(const golden_set *g, const char *group, const char *name, const clab_dataset *d,
                       const char *const *groups, double rel, double abs_)
{
    int64_t n;
    double *want = golden_numbers(g->results, at(g, group, name), &n);

    assert_non_null(want);
    for (int64_t k = 0; groups[k]; k++) {
        const clab_value *v = field(d, name, groups[k]), *names = field(d, "names", groups[k]);
        assert_non_null(v);
        assert_int_equal(clab_value_len(v), G);
        assert_true((k + 1) * G <= n);
        for (int64_t i = 0; i < G; i++) {
            int64_t gene = gene_at(names, i);
            if (!near(clab_value_at_num(v, i), want[k * G + gene], rel, abs_))
                fail_msg("%s/%s of %s, gene %lld: %.17g, not %.17g", group, name, groups[k], (long long)gene,
                         clab_value_at_num(v, i), want[k * G + gene]);
        }
    }
    free(want);
}

static void same_shares(const golden_set *g, const char *group, const char *name, const clab_dataset *d, int n_groups)
{
    const clab_value *table = clab_value_get(clab_value_get(d->uns, "rank_genes_groups"), name);
    int64_t n;
    double *want = golden_numbers(g->results, at(g, group, name), &n);

    assert_non_null(table);
    assert_int_equal(n, n_groups * G);
    for (int k = 0; k < n_groups; k++)
        for (int64_t i = 0; i < G; i++)
            assert_true(clab_value_at_num(clab_value_get(table, ((const char *const[]){"b1", "b2", "b3", "b4", "b5"})[k]), i) ==
                        want[k * G + i]);
    free(want);
}

static clab_dataset *check(const golden_set *g, const char *group, const char *args, const char *const *groups)
{
    clab_dataset *d = grouped(g);

    step_on(cx, "rank_genes_groups", args, &d);
    same_field(g, group, "scores", d, groups, 1e-6, 1e-9);
    same_field(g, group, "logfoldchanges", d, groups, 1e-6, 1e-7);
    same_field(g, group, "pvals", d, groups, 1e-9, 1e-300);
    same_field(g, group, "pvals_adj", d, groups, 1e-9, 1e-300);
    for (int k = 0; groups[k]; k++) { /* falling; ties by gene */
        const clab_value *s = field(d, "scores", groups[k]), *names = field(d, "names", groups[k]);
        for (int64_t i = 1; i < G; i++) {
            double a = clab_value_at_num(s, i - 1), b = clab_value_at_num(s, i);
            assert_true(a >= b);
            assert_true(a != 0 || b != 0 || gene_at(names, i - 1) < gene_at(names, i));
        }
    }
    return d;
}

static void against_the_rest(void **state)
{
    static const char *const all[] = {"b1", "b2", "b3", "b4", "b5", NULL};
    golden_set g = groups_set();
    clab_dataset *d = check(&g, "t_test", "groupby=group pts=true", all);

    (void)state;
    same_shares(&g, "t_test", "pts", d, 5);
    same_shares(&g, "t_test", "pts_rest", d, 5);
    clab_dataset_unref(d);
    clab_dataset_unref(check(&g, "overestim", "groupby=group method=t-test_overestim_var", all));
    clab_dataset_unref(check(&g, "wilcoxon", "groupby=group method=wilcoxon", all));
    clab_dataset_unref(check(&g, "tie", "groupby=group method=wilcoxon tie_correct=true", all));
    clab_dataset_unref(check(&g, "bonferroni", "groupby=group corr_method=bonferroni", all));
    close_set(&g);
}

static void against_a_group(void **state)
{
    static const char *const two[] = {"b2", "b5", NULL}, *const four[] = {"b1", "b2", "b4", "b5", NULL};
    golden_set g = groups_set();

    (void)state;
    clab_dataset_unref(check(&g, "t_ref", "groupby=group groups=b2,b5 reference=b1", two));
    clab_dataset_unref(check(&g, "wilcoxon_ref", "groupby=group groups=b2,b5 reference=b1 method=wilcoxon", two));
    clab_dataset_unref(check(&g, "tie_ref", "groupby=group reference=b3 method=wilcoxon tie_correct=true", four));
    close_set(&g);
}

/* float64 values go another way through the sort. */
static void float64_is_ranked_alike(void **state)
{
    static const char *const all[] = {"b1", "b2", "b3", "b4", "b5", NULL};
    golden_set g = groups_set();
    clab_dataset *d = grouped(&g);

    (void)state;
    step_on(cx, "cast", "dtype=float64", &d);
    step_on(cx, "rank_genes_groups", "groupby=group method=wilcoxon tie_correct=true", &d);
    same_field(&g, "tie", "scores", d, all, 1e-6, 1e-9);
    clab_dataset_unref(d);
    close_set(&g);
}

/* Fewer genes, by the size of the score; read back as a table. */
static void best_genes_as_a_table(void **state)
{
    golden_set g = groups_set();
    clab_dataset *d = grouped(&g);
    clab_value *t = NULL;
    const clab_value *scores;

    (void)state;
    step_on(cx, "rank_genes_groups", "groupby=group n_genes=10 rankby_abs=true key_added=mine", &d);
    assert_int_equal(clab_rank_genes_table(cx, d, "mine", "b2", 7, &t), CLAB_OK);
    assert_int_equal(clab_value_len(t), 7);
    scores = clab_value_get(t, "scores");
    for (int64_t i = 1; i < 7; i++)
        assert_true(fabs(clab_value_at_num(scores, i)) <= fabs(clab_value_at_num(scores, i - 1)));
    clab_value_unref(t);
    assert_int_equal(clab_rank_genes_table(cx, d, "mine", NULL, 100, &t), CLAB_OK);
    assert_int_equal(clab_value_len(t), 50);
    assert_string_equal(((char *const *)clab_value_get(t, "group")->data)[49], "b5");
    clab_value_unref(t);
    assert_int_equal(clab_rank_genes_table(cx, d, "mine", "b9", 7, &t), CLAB_ENOTFOUND);
    clab_error_clear(cx);
    assert_int_equal(clab_rank_genes_table(cx, d, NULL, NULL, 7, &t), CLAB_ENOTFOUND);
    clab_error_clear(cx);
    clab_dataset_unref(d);
    close_set(&g);
}

static void *wilcoxon_bytes(int threads, int64_t *n)
{
    clab_ctx_opts o = {.threads = threads};
    clab_ctx *own = clab_ctx_new(&o);
    float *x = small_counts(900, 120, 30, 5);
    clab_matrix *m = small_matrix_f32(own, 900, 120, x);
    clab_dataset *d = step_dataset(own, m);
    double codes[900];
    void *copy;

    for (int i = 0; i < 900; i++)
        codes[i] = i % 7;
    assert_int_equal(step_batches(own, d, "group", codes, 7), CLAB_OK);
    step_on(own, "rank_genes_groups", "groupby=group method=wilcoxon tie_correct=true", &d);
    *n = 120 * 8;
    copy = malloc((size_t)*n);
    memcpy(copy, field(d, "pvals", "b3")->data, (size_t)*n);
    clab_dataset_unref(d);
    clab_matrix_unref(m);
    clab_ctx_free(own);
    free(x);
    return copy;
}

static void threads_change_nothing(void **state)
{
    int64_t n;
    void *one = wilcoxon_bytes(1, &n);

    (void)state;
    for (int threads = 2; threads <= 8; threads *= 4) {
        void *more = wilcoxon_bytes(threads, &n);
        assert_memory_equal(one, more, (size_t)n);
        free(more);
    }
    free(one);
}

static void errors_are_said_in_words(void **state)
{
    golden_set g = groups_set();
    clab_dataset *d = grouped(&g);
    double lonely[150], x[60];
    clab_matrix *m;

    (void)state;
    refused("rank_genes_groups", "groupby=absent", d, CLAB_ENOTFOUND, "absent");
    refused("rank_genes_groups", "groupby=group groups=b1,b9", d, CLAB_ENOTFOUND, "no group 'b9'");
    refused("rank_genes_groups", "groupby=group reference=b9", d, CLAB_ENOTFOUND, "no group 'b9'");
    refused("rank_genes_groups", "groupby=group use_raw=true", d, CLAB_ESTATE, "no raw");
    refused("rank_genes_groups", "groupby=group layer=absent", d, CLAB_ENOTFOUND, "absent");
    for (int i = 0; i < 150; i++)
        lonely[i] = i == 0 ? 2 : i % 2;
    assert_int_equal(step_batches(cx, d, "lonely", lonely, 3), CLAB_OK);
    refused("rank_genes_groups", "groupby=lonely", d, CLAB_EARG, "'b3' of obs.lonely has 1 cell:");
    clab_dataset_unref(d);
    for (int i = 0; i < 60; i++)
        x[i] = i == 7 ? (double)NAN : i;
    m = small_matrix(cx, 12, 5, x, CLAB_F32);
    d = step_dataset(cx, m);
    for (int i = 0; i < 12; i++)
        lonely[i] = i % 2;
    assert_int_equal(step_batches(cx, d, "group", lonely, 2), CLAB_OK);
    refused("rank_genes_groups", "groupby=group", d, CLAB_EARG, "g00002 holds NaN");
    refused("rank_genes_groups", "groupby=group method=wilcoxon", d, CLAB_EARG, "g00002 holds NaN");
    clab_dataset_unref(d);
    clab_matrix_unref(m);
    close_set(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_the_rest),
        cmocka_unit_test(against_a_group),
        cmocka_unit_test(float64_is_ranked_alike),
        cmocka_unit_test(best_genes_as_a_table),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(errors_are_said_in_words),
    };
    return cmocka_run_group_tests(tests, golden_setup, golden_teardown);
}
