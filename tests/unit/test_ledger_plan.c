/* test_ledger_plan.c -- the books of a dry run: nothing is refused, nothing is taken, peaks are kept. */
#include "clab_test.h"

#define TIB ((int64_t)1 << 40)

static void a_plan_is_never_refused(void **state)
{
    clab_ctx *cx = test_ctx_budget(1, 64 << 20);
    clab_charge c = 0;
    void *p = NULL;

    (void)state;
    assert_clab_fails(cx, clab_mem_charge(cx, CLAB_MEM_COUNTS, 3 * TIB, "counts", &c), CLAB_EBUDGET, "counts");
    clab_ctx_set_planning(cx, true);
    assert_true(clab_ctx_planning(cx));
    assert_clab_ok(cx, clab_mem_charge(cx, CLAB_MEM_COUNTS, 3 * TIB, "counts", &c));
    assert_clab_ok(cx, clab_mem_reserve_check(cx, TIB, "more"));
    assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_WORK, TIB, "a dense matrix", &p));
    ((char *)p)[TIB - 1] = 1; /* what is written takes a page, the rest nothing */
    assert_int_equal(clab_mem_live(cx), 4 * TIB);
    clab_mem_free(cx, p);
    clab_mem_release(cx, c);
    test_ctx_free(cx);
}

static void windows_keep_their_peaks(void **state)
{
    clab_ctx *cx = test_ctx(1);
    void *p = NULL;

    (void)state;
    clab_ctx_set_planning(cx, true);
    assert_int_equal(clab_mem_window(cx), 0);
    assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_TABLE, 1000, "obs", &p));
    clab_mem_foresee(cx, CLAB_MEM_WORK, TIB, "a worker");
    assert_int_equal(clab_mem_live(cx), 1000);
    assert_int_equal(clab_mem_window(cx), TIB + 1000);
    assert_int_equal(clab_mem_window(cx), 1000);
    clab_mem_free(cx, p);
    assert_int_equal(clab_mem_window(cx), 1000); /* held when it began */
    assert_int_equal(clab_mem_window(cx), 0);
    assert_int_equal(clab_mem_peak(cx), TIB + 1000);
    clab_ctx_set_planning(cx, false);
    clab_mem_foresee(cx, CLAB_MEM_WORK, 1 << 30, "a worker");
    assert_int_equal(clab_mem_window(cx), 0); /* the real run measures */
    test_ctx_free(cx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_is_never_refused),
        cmocka_unit_test(windows_keep_their_peaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
