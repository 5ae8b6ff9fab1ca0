/* test_steps_faults.c -- the numeric steps with every allocation failing in turn: an error each time, nothing
 * lost, and the dataset they were given still whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ledger/ledger.h"
#include "run_step.h"
#include "small.h"

#define N 40
#define G 30

/* A chain that passes through every numeric step; the status of the first that failed. */
static clab_status chain(clab_ctx *cx, clab_dataset *d)
{
    static const char *const steps[][2] = {
        {"qc", "mito=g0000 percent_top=3,10"},
        {"filter_cells", "min_genes=1 min_counts=2"},
        {"filter_genes", "min_cells=2 max_counts=100000"},
        {"hvg", "flavor=seurat_v3 n_top=25 batch_key=batch span=0.9"},
        {"normalise", "target_sum=0 exclude_highly_expressed=true max_fraction=0.3 key_added=factor"},
        {"log1p", ""},
        {"score_genes", "genes=g00001,g00002,g00003,g00004,g00005 n_bins=4 ctrl_size=5"},
        {"score_genes_cell_cycle", "s_genes=g00001,g00002,g00003 g2m_genes=g00004,g00005,g00006 n_bins=4"},
        {"hvg", "n_top=10 batch_key=batch"},
        {"scale", "zero_center=true"},
        {"cast", "dtype=float64"},
    };
    clab_status s = CLAB_OK;

    d = clab_dataset_ref(d);
    for (size_t k = 0; s == CLAB_OK && k < sizeof steps / sizeof *steps; k++) {
        clab_dataset *next = NULL;
        s = run_step(cx, steps[k][0], steps[k][1], d, &next);
        assert_true((s == CLAB_OK) == (next != NULL));
        if (s == CLAB_OK) {
            clab_dataset_unref(d);
            d = next;
        }
    }
    clab_dataset_unref(d);
    return s;
}

static clab_dataset *input(clab_ctx *cx, const float *x)
{
    clab_matrix *m = small_matrix_f32(cx, N, G, x);
    clab_dataset *d = m ? step_dataset(cx, m) : NULL;
    double codes[N];

    for (int i = 0; i < N; i++)
        codes[i] = i % 2;
    clab_matrix_unref(m);
    if (d && step_batches(cx, d, "batch", codes, 2) == CLAB_OK)
        return d;
    clab_dataset_unref(d);
    return NULL;
}

static void every_allocation_may_fail(void **state)
{
    float *x = small_counts(N, G, 40, 12);
    int failed = 0;

    (void)state;
    for (int nth = 1;; nth++) {
        clab_ctx_opts co = {.threads = 2};
        clab_ledger_opts lo = {0};
        char plan[32];
        clab_ctx *cx;
        clab_ledger *lg;
        clab_dataset *d;
        clab_status s = CLAB_OK;

        snprintf(plan, sizeof plan, "alloc:%d", nth);
        setenv("CELLLAB_FAULT", plan, 1);
        cx = clab_ctx_new(&co);
        assert_non_null(cx);
        assert_int_equal(clab_ledger_new(cx, &lo, &lg), CLAB_OK);
        d = input(cx, x);
        if (d)
            s = chain(cx, d);
        if (d && s != CLAB_OK) {
            failed++;
            assert_true(clab_error_text(cx)[0] != '\0');
            clab_error_clear(cx);
            assert_int_equal(chain(cx, d), CLAB_OK); /* once only: the session goes on */
        }
        if (!d)
            clab_error_clear(cx);
        clab_dataset_unref(d);
        assert_int_equal(clab_mem_live(cx), 0);
        clab_ledger_free(lg);
        clab_ctx_free(cx);
        if (d && s == CLAB_OK)
            break;
    }
    unsetenv("CELLLAB_FAULT");
    assert_true(failed > 50);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
