/* test_models_scvi_after.c -- scVI after training: saving, other datasets, memory given back, allocations that fail. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "ledger/ledger.h"
#include "scvi_toy.h"
#include "small.h"

static void test_saving(void **state)
{
    clab_ctx *cx = scvi_toy_context(2);
    clab_dataset *d = scvi_toy_cells(cx);
    clab_scvi *m = NULL, *back = NULL;
    clab_value *v = NULL, *bad = NULL, *tensors = NULL;
    char one[200], two[200];

    (void)state;
    scvi_toy_must(cx, scvi_toy_make(cx, d, MAKE("batch", "donor", "likelihood", "nb"), &m));
    scvi_toy_must(cx, scvi_toy_train(cx, m, RUN("max_epochs", "2"), NULL, NULL));
    scvi_toy_must(cx, clab_scvi_value(cx, m, &v));
    scvi_toy_must(cx, clab_scvi_from_value(cx, v, &back));
    float *z = scvi_toy_latent(cx, m, NULL, SCVI_TOY_CELLS), *w = scvi_toy_latent(cx, back, d, SCVI_TOY_CELLS);
    assert_memory_equal(z, w, SCVI_TOY_CELLS * 5 * sizeof *z);
    clab_scvi_describe(m, one, sizeof one);
    clab_scvi_describe(back, two, sizeof two);
    assert_string_equal(one, two);
    assert_string_equal(one, "scVI nb, 300 cells x 290 genes, 3 batches, latent 5, trained 2 epochs");
    assert_int_equal(clab_history_get(clab_scvi_history(back), "elbo_train")->n, 2);
    clab_value *none = NULL;
    assert_int_equal(clab_scvi_latent(cx, back, NULL, &none), CLAB_ESTATE);
    clab_error_clear(cx);
    assert_int_equal(scvi_toy_train(cx, back, RUN("max_epochs", "2"), NULL, NULL), CLAB_ESTATE);
    clab_error_clear(cx);
    /* a tensor of another shape */
    const clab_value *w1 = clab_value_get(clab_value_get(v, "tensors"), "px_r");
    clab_value *half = NULL;
    scvi_toy_must(cx, clab_value_array(cx, CLAB_F32, 1, (int64_t[]){SCVI_TOY_GENES - 1}, w1->data, &half));
    scvi_toy_must(cx, clab_value_copy(cx, v, &bad));
    scvi_toy_must(cx, clab_value_copy(cx, clab_value_get(v, "tensors"), &tensors));
    scvi_toy_must(cx, clab_value_set(cx, tensors, "px_r", half));
    scvi_toy_must(cx, clab_value_set(cx, bad, "tensors", tensors));
    clab_scvi_free(cx, back, NULL);
    assert_int_equal(clab_scvi_from_value(cx, bad, &back), CLAB_EFORMAT);
    assert_non_null(strstr(clab_error_text(cx), "px_r"));
    clab_value *all[] = {v, bad, tensors, half};
    for (int i = 0; i < 4; i++)
        clab_value_unref(all[i]);
    free(z);
    free(w);
    clab_scvi_free(cx, m, NULL);
    clab_dataset_unref(d);
    clab_ctx_free(cx);
}

/* The same cells with their genes in reverse order give the same latent; missing genes are said. */
static void test_other_datasets(void **state)
{
    clab_ctx *cx = scvi_toy_context(2);
    float *x = small_counts(SCVI_TOY_CELLS, SCVI_TOY_GENES, 15, 5), *r = malloc(sizeof(float) * SCVI_TOY_CELLS * SCVI_TOY_GENES);
    clab_scvi *m = NULL;

    (void)state;
    for (int i = 0; i < SCVI_TOY_CELLS; i++)
        for (int g = 0; g < SCVI_TOY_GENES; g++)
            r[i * SCVI_TOY_GENES + g] = x[i * SCVI_TOY_GENES + SCVI_TOY_GENES - 1 - g];
    clab_dataset *d = scvi_toy_cells(cx), *reversed = scvi_toy_dataset(cx, SCVI_TOY_CELLS, SCVI_TOY_GENES, r, NULL, SCVI_TOY_GENES - 1, -1, true);
    clab_dataset *few = scvi_toy_dataset(cx, SCVI_TOY_CELLS, SCVI_TOY_GENES - 40, x, NULL, 40, 1, true), *other = scvi_toy_dataset(cx, SCVI_TOY_CELLS, SCVI_TOY_GENES, x, NULL, 5000, 1, true);
    scvi_toy_must(cx, scvi_toy_make(cx, d, MAKE("seed", "1"), &m));
    scvi_toy_must(cx, scvi_toy_train(cx, m, RUN("max_epochs", "1"), NULL, NULL));
    float *z = scvi_toy_latent(cx, m, NULL, SCVI_TOY_CELLS), *w = scvi_toy_latent(cx, m, reversed, SCVI_TOY_CELLS);
    for (int i = 0; i < SCVI_TOY_CELLS * 5; i++) /* sums over genes run in another order */
        assert_true(fabsf(z[i] - w[i]) < 1e-4f);
    scvi_toy_notes[0] = '\0';
    free(w);
    w = scvi_toy_latent(cx, m, few, SCVI_TOY_CELLS);
    assert_non_null(strstr(scvi_toy_notes, "lacks 40 of the 290 genes"));
    clab_value *none = NULL;
    assert_int_equal(clab_scvi_latent(cx, m, other, &none), CLAB_EARG);
    assert_non_null(strstr(clab_error_text(cx), "0 of the 290 genes"));
    clab_scvi_free(cx, m, NULL);
    clab_dataset *all[] = {d, reversed, few, other};
    for (int i = 0; i < 4; i++)
        clab_dataset_unref(all[i]);
    clab_ctx_free(cx);
    free(x);
    free(r);
    free(z);
    free(w);
}

static void test_free_gives_the_bytes_back(void **state)
{
    clab_ctx *cx = scvi_toy_context(2);
    clab_ledger_opts o = {0};
    clab_ledger *lg = NULL;
    clab_scvi *m = NULL;
    int64_t before, returned = 0;

    (void)state;
    scvi_toy_must(cx, clab_ledger_new(cx, &o, &lg));
    clab_dataset *d = scvi_toy_cells(cx);
    before = clab_mem_live(cx);
    scvi_toy_must(cx, scvi_toy_make(cx, d, MAKE("seed", "1"), &m));
    scvi_toy_must(cx, scvi_toy_train(cx, m, RUN("max_epochs", "1"), NULL, NULL));
    int64_t resting = clab_mem_live(cx) - before;
    assert_true(resting < 4 * (3 * SCVI_TOY_GENES * 20 + 20000)); /* parameters only: no moments, no minibatch */
    clab_scvi_free(cx, m, &returned);
    assert_int_equal(returned, resting);
    assert_int_equal(clab_mem_live(cx), before);
    clab_dataset_unref(d);
    clab_ledger_free(lg);
    clab_ctx_free(cx);
}

/* Makes, trains, embeds and saves; returns the first status that is not OK. */
static clab_status whole_life(clab_ctx *cx, const clab_dataset *d)
{
    clab_scvi *m = NULL, *back = NULL;
    clab_value *z = NULL, *v = NULL;
    clab_status s = scvi_toy_make(cx, d, MAKE("batch", "donor"), &m);

    if (s == CLAB_OK)
        s = scvi_toy_train(cx, m, RUN("max_epochs", "1", "check_val_every", "1", "batch_size", "32"), NULL, NULL);
    if (s == CLAB_OK)
        s = clab_scvi_latent(cx, m, NULL, &z);
    if (s == CLAB_OK)
        s = clab_scvi_value(cx, m, &v);
    if (s == CLAB_OK)
        s = clab_scvi_from_value(cx, v, &back);
    clab_value_unref(z);
    clab_value_unref(v);
    clab_scvi_free(cx, m, NULL);
    clab_scvi_free(cx, back, NULL);
    return s;
}

/* Each accounted allocation in turn fails: an error in words, and nothing is kept. */
static void test_allocations_that_fail(void **state)
{
    enum { CELLS = 60, GENES = 40 };
    clab_ctx *cx = scvi_toy_context(2);
    clab_ledger_opts o = {0};
    clab_ledger *lg = NULL;
    float *x = small_counts(CELLS, GENES, 30, 5);
    clab_status s = CLAB_ENOMEM;
    int n = 0;

    (void)state;
    scvi_toy_must(cx, clab_ledger_new(cx, &o, &lg));
    clab_value *batch = scvi_toy_donors(cx, CELLS, 0);
    clab_dataset *d = scvi_toy_dataset(cx, CELLS, GENES, x, batch, 0, 1, true);
    const int64_t before = clab_mem_live(cx);
    while (s != CLAB_OK) {
        char plan[32];
        snprintf(plan, sizeof plan, "alloc:%d", ++n);
        clab_fault_init(clab_ctx_fault(cx), plan);
        s = whole_life(cx, d);
        assert_true(s == CLAB_OK || s == CLAB_ENOMEM);
        assert_true(s == CLAB_OK || clab_error_text(cx)[0]);
        assert_int_equal(clab_mem_live(cx), before);
        clab_error_clear(cx);
    }
    assert_true(n > 100);
    clab_fault_init(clab_ctx_fault(cx), NULL);
    clab_value_unref(batch);
    clab_dataset_unref(d);
    clab_ledger_free(lg);
    clab_ctx_free(cx);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_saving),
        cmocka_unit_test(test_other_datasets),
        cmocka_unit_test(test_free_gives_the_bytes_back),
        cmocka_unit_test(test_allocations_that_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
