/* test_steps_simulate.c -- simulated studies: the same for any number of threads, sums that are true, moments of
 * a negative binomial, and in a file what is in memory. */
#include <math.h>

#include "clab_test.h"
#include "data/genes.h"
#include "data/rows.h"
#include "guest/guest.h"
#include "io/io.h"
#include "roles.h"
#include "steps/simulate.h"

static clab_arg *arguments(clab_ctx *cx, const char *const *pairs)
{
    clab_arg *a = calloc((size_t)clab_simulate_n_params, sizeof *a);

    assert_non_null(a);
    assert_clab_ok(cx, clab_args_default(cx, "simulate", clab_simulate_params, clab_simulate_n_params, a));
    for (; *pairs; pairs += 2) {
        int i;
        assert_clab_ok(cx, clab_args_find(cx, "simulate", clab_simulate_params, clab_simulate_n_params, pairs[0], &i));
        assert_clab_ok(cx, clab_args_set_text(cx, "simulate", &clab_simulate_params[i], &a[i], pairs[1]));
    }
    assert_clab_ok(cx, clab_args_check(cx, "simulate", clab_simulate_params, clab_simulate_n_params, a));
    return a;
}

#define ARGS(cx, ...) arguments(cx, (const char *const[]){__VA_ARGS__, NULL})

static clab_dataset *one(clab_ctx *cx, clab_arg *a, clab_dataset **query)
{
    clab_dataset *d[2];

    assert_clab_ok(cx, clab_simulate(cx, a, d));
    if (query)
        *query = d[1];
    else
        assert_null(d[1]);
    clab_args_free(a, clab_simulate_n_params);
    free(a);
    return d[0];
}

static uint64_t hash_of(const clab_dataset *d)
{
    return clab_store_get_info(clab_matrix_store(d->x, 0))->hash;
}

static const int64_t *column(const clab_value *table, const char *name)
{
    const clab_value *v = clab_value_get(table, name);

    assert_non_null(v);
    assert_int_equal(v->dtype, CLAB_I64);
    return v->data;
}

/* Sums by cell and by gene, as the rows say. */
static void check_sums(clab_ctx *cx, const clab_dataset *d)
{
    int64_t n = clab_dataset_n_obs(d), g = clab_dataset_n_vars(d), *by_gene = calloc((size_t)g, 8), i = 0;
    const int64_t *total = column(d->obs, "sim_total"), *gene_total = column(d->var, "sim_gene_total");
    const clab_csr *b = NULL;
    clab_rows *r = NULL;

    assert_clab_ok(cx, clab_rows_open(cx, d->x, NULL, &r));
    for (;;) {
        assert_clab_ok(cx, clab_rows_next(cx, r, &b));
        if (!b)
            break;
        for (int64_t row = 0; row < b->n_rows; row++, i++) {
            int64_t sum = 0;
            for (int64_t k = b->indptr[row]; k < b->indptr[row + 1]; k++) {
                sum += (int64_t)b->f32[k];
                by_gene[b->indices[k]] += (int64_t)b->f32[k];
            }
            assert_int_equal(sum, total[i]);
        }
    }
    assert_int_equal(i, n);
    for (int64_t k = 0; k < g; k++)
        assert_int_equal(by_gene[k], gene_total[k]);
    clab_rows_close(cx, r);
    free(by_gene);
}

/* ---- the same study ---------------------------------------------------------------------------------*/

static void test_threads(void **state)
{
    clab_ctx *a = test_ctx(1), *b = test_ctx(3);
    clab_dataset *x = one(a, ARGS(a, "cells", "300", "genes", "2000", "depth", "800", "batches", "2"), NULL);
    clab_dataset *y = one(b, ARGS(b, "cells", "300", "genes", "2000", "depth", "800", "batches", "2"), NULL);

    (void)state;
    assert_true(hash_of(x) == hash_of(y));
    assert_true(clab_value_equal(x->obs, y->obs));
    assert_true(clab_value_equal(x->var, y->var));
    check_sums(a, x);
    clab_dataset_unref(x);
    clab_dataset_unref(y);
    test_ctx_free(a);
    test_ctx_free(b);
}

/* More cells leave the first ones as they were, and another seed makes other ones. */
static void test_seeds(void **state)
{
    clab_ctx *cx = test_ctx(2);
    clab_dataset *few = one(cx, ARGS(cx, "cells", "50", "genes", "500", "depth", "300"), NULL);
    clab_dataset *more = one(cx, ARGS(cx, "cells", "80", "genes", "500", "depth", "300"), NULL);
    clab_dataset *other = one(cx, ARGS(cx, "cells", "50", "genes", "500", "depth", "300", "seed", "1"), NULL);

    (void)state;
    assert_memory_equal(column(few->obs, "sim_total"), column(more->obs, "sim_total"), 50 * 8);
    assert_true(hash_of(few) != hash_of(other));
    clab_dataset_unref(few);
    clab_dataset_unref(more);
    clab_dataset_unref(other);
    test_ctx_free(cx);
}

/* ---- how they look ----------------------------------------------------------------------------------*/

static void test_density(void **state)
{
    clab_ctx *cx = test_ctx(2);
    clab_dataset *d = one(cx, ARGS(cx, "cells", "400"), NULL);
    double cells = 400, genes = 30000, nnz = (double)clab_matrix_nnz_bound(d->x), sum = 0, never = 0;

    (void)state;
    assert_true(clab_store_get_info(clab_matrix_store(d->x, 0))->max < 5000);
    assert_true(nnz / cells / genes > 0.05 && nnz / cells / genes < 0.10);
    for (int i = 0; i < 400; i++)
        sum += (double)column(d->obs, "sim_total")[i];
    assert_near(sum / cells, 5000, 600, 0);
    for (int64_t g = 0; g < 30000; g++)
        never += column(d->var, "sim_gene_total")[g] == 0;
    assert_true(never / genes > 0.25 && never / genes < 0.55);
    clab_dataset_unref(d);
    test_ctx_free(cx);
}

/* One type and one batch, so that the counts of a gene differ by chance and by the cells' sizes alone: rare
 * genes vary as Poisson numbers do, frequent ones more. */
static void test_moments(void **state)
{
    enum { N = 3000, G = 200 };
    clab_ctx *cx = test_ctx(2);
    clab_dataset *d = one(cx, ARGS(cx, "cells", "3000", "genes", "200", "types", "1", "depth", "400"), NULL);
    float *x = NULL;
    double rare = 0, n_rare = 0, frequent = 0, n_frequent = 0;

    (void)state;
    assert_clab_ok(cx, clab_rows_dense(cx, d->x, 1 << 24, &x));
    for (int g = 0; g < G; g++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < N; i++) {
            double size = (double)column(d->obs, "sim_total")[i] / 400, v = (double)x[i * G + g];
            sum += v / size;
            squares += v * v / size / size;
        }
        double mean = sum / N, var = squares / N - mean * mean;
        if (mean > 0.01 && mean < 0.1)
            rare += var / mean, n_rare++;
        if (mean > 5)
            frequent += (var - mean) / (mean * mean), n_frequent++;
    }
    assert_true(n_rare > 10 && n_frequent > 5);
    assert_near(rare / n_rare, 1.25, 0.3, 0);         /* Poisson, widened by the sizes */
    assert_near(frequent / n_frequent, 0.25, 0.15, 0); /* 1 / theta, which is about 5 */
    clab_mem_free(cx, x);
    clab_dataset_unref(d);
    test_ctx_free(cx);
}

/* Markers are what their types have more of. */
static void test_markers(void **state)
{
    clab_ctx *cx = test_ctx(2);
    clab_dataset *d = one(cx, ARGS(cx, "cells", "600", "genes", "3000", "types", "4", "depth", "2000"), NULL);
    const clab_value *types = clab_value_get(d->obs, "cell_type"), *of = clab_value_get(d->var, "marker_of");
    double inside = 0, outside = 0, n_inside = 0, n_outside = 0;
    float *x = NULL;

    (void)state;
    assert_clab_ok(cx, clab_rows_dense(cx, d->x, 1 << 26, &x));
    for (int64_t g = 0; g < 3000; g++)
        for (int64_t i = 0; of->codes[g] >= 0 && i < 600; i++) {
            bool own = types->codes[i] == of->codes[g];
            inside += own ? (double)x[i * 3000 + g] : 0, n_inside += own;
            outside += own ? 0 : (double)x[i * 3000 + g], n_outside += !own;
        }
    assert_true(n_inside > 0 && inside / n_inside > 4 * outside / n_outside);
    clab_mem_free(cx, x);
    clab_dataset_unref(d);
    test_ctx_free(cx);
}

/* ---- pairs and files --------------------------------------------------------------------------------*/

static void test_pair(void **state)
{
    clab_ctx *cx = test_ctx(2);
    clab_dataset *q = NULL, *r = one(cx, ARGS(cx, "cells", "60", "query_cells", "40", "genes", "1200", "shared_genes",
                                              "900", "batches", "2"), &q);
    const char *const *lists[] = {r->var->index->data, q->var->index->data};
    clab_gene_join *j = NULL;

    (void)state;
    assert_int_equal(clab_dataset_n_vars(q), 1200);
    assert_clab_ok(cx, clab_gene_join_new(cx, lists, (int64_t[]){1200, 1200}, (const char *[]){"r", "q"}, 2, false, &j));
    assert_int_equal(j->shared, 900);
    clab_gene_join_free(cx, j);
    check_sums(cx, q);
    assert_true(clab_value_equal(clab_value_get(r->obs, "cell_type")->levels, clab_value_get(q->obs, "cell_type")->levels));
    assert_string_equal(clab_value_at_str(clab_value_get(r->obs, "batch")->levels, 1, NULL, 0), "batch_2");
    assert_string_equal(clab_value_at_str(clab_value_get(q->obs, "batch")->levels, 0, NULL, 0), "batch_3");
    clab_dataset_unref(r);
    clab_dataset_unref(q);
    test_ctx_free(cx);
}

static void test_files(void **state)
{
    clab_ctx *cx = test_ctx(2);
    const char *const words[] = {"cells", "700", "query_cells", "300", "genes", "1500", "depth", "600",
                                 "path", test_temp("pair"), NULL};
    clab_arg *a = arguments(cx, words);
    clab_dataset *d[2], *f = NULL;
    char *files[2];

    (void)state;
    assert_clab_ok(cx, clab_simulate_write(cx, a, files));
    assert_clab_ok(cx, clab_simulate(cx, a, d));
    for (int k = 0; k < 2; k++) {
        assert_clab_ok(cx, clab_read(cx, files[k], NULL, &f));
        assert_true(hash_of(f) == hash_of(d[k]));
        assert_true(clab_value_equal(clab_value_get(f->obs, "sim_total"), clab_value_get(d[k]->obs, "sim_total")));
        assert_true(clab_value_equal(clab_value_get(f->var, "marker_of"), clab_value_get(d[k]->var, "marker_of")));
        assert_non_null(clab_value_get(f->uns, "simulate"));
        clab_dataset_unref(f);
        clab_dataset_unref(d[k]);
        free(files[k]);
    }
    clab_args_free(a, clab_simulate_n_params);
    free(a);
    test_ctx_free(cx);
}

static void test_refusals(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_dataset *d[2];
    char *files[2];
    clab_arg *a = ARGS(cx, "cells", "10", "genes", "20", "shared_genes", "10");

    (void)state;
    assert_clab_fails(cx, clab_simulate(cx, a, d), CLAB_EARG, "give query_cells too");
    free(a);
    a = ARGS(cx, "cells", "10", "query_cells", "10", "genes", "20", "shared_genes", "30");
    assert_clab_fails(cx, clab_simulate(cx, a, d), CLAB_EARG, "more than the 20 genes");
    free(a);
    a = ARGS(cx, "cells", "10");
    assert_clab_fails(cx, clab_simulate_write(cx, a, files), CLAB_EARG, "where to?");
    free(a);
    a = ARGS(cx, "cells", "10", "genes", "50", "path", "/dev/null/x.h5ad");
    assert_clab_fails(cx, clab_simulate_write(cx, a, files), CLAB_EIO, NULL);
    free(a);
    test_ctx_free(cx);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads), cmocka_unit_test(test_seeds),   cmocka_unit_test(test_density),
        cmocka_unit_test(test_moments), cmocka_unit_test(test_markers), cmocka_unit_test(test_pair),
        cmocka_unit_test(test_files),   cmocka_unit_test(test_refusals),
    };

    if (argc > 1 && strcmp(argv[1], "--guest") == 0)
        return clab_guest_main(argc, argv, clab_roles);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
