/* test_counts_sketch.c -- the stores of a dry run: true lengths, made-up entries, charged bytes, useless elsewhere. */
#include "clab_test.h"

#include "counts/store.h"

enum { ROWS = 40, COLS = 300 };

/* Row i of the sample has 10 + i entries. */
static clab_store *sample(clab_ctx *cx)
{
    clab_store_builder *b = NULL;
    clab_store *s = NULL;
    int32_t columns[COLS];
    float values[COLS];

    assert_clab_ok(cx, clab_store_builder_new(cx, -1, COLS, CLAB_F32, false, &b));
    for (int i = 0; i < ROWS; i++) {
        int64_t ptr[2] = {0, 10 + i};
        for (int k = 0; k < 10 + i; k++) {
            columns[k] = 5 * k + i % 5;
            values[k] = (float)(1 + k % 3);
        }
        assert_clab_ok(cx, clab_store_builder_add(cx, b, 1, ptr, columns, values));
    }
    assert_clab_ok(cx, clab_store_builder_store(cx, b, "sample", &s));
    return s;
}

static void rows_have_their_true_lengths(void **state)
{
    static int64_t before[1001];
    clab_ctx *cx = test_ctx(1);
    clab_store *from, *s = NULL;
    int32_t c[COLS + CLAB_STORE_PAD];
    float v[COLS + CLAB_STORE_PAD];
    int seen[COLS] = {0}, empty = 0;
    int64_t live;

    (void)state;
    clab_ctx_set_planning(cx, true);
    from = sample(cx);
    for (int i = 0; i < 1000; i++) /* shorter and longer than any that was sampled, empty and full ones too */
        before[i + 1] = before[i] + (i == 7 ? 0 : i == 8 ? COLS : i % 90);
    live = clab_mem_live(cx);
    assert_clab_ok(cx, clab_store_sketch(cx, from, 1000, before, -1, false, "sketch", &s));
    assert_int_equal(clab_store_get_info(s)->n_rows, 1000);
    assert_int_equal(clab_store_get_info(s)->nnz, before[1000]);
    assert_int_equal(clab_mem_live(cx) - live, clab_store_get_info(s)->bytes);
    for (int64_t i = 0; i < 1000; i++) {
        int64_t n = before[i + 1] - before[i];
        assert_int_equal(clab_store_row_nnz(s, i), n);
        assert_clab_ok(cx, clab_store_row(cx, s, i, c, v, NULL));
        for (int64_t k = 0; k < n; k++) {
            assert_in_range(c[k], k ? c[k - 1] + 1 : 0, COLS - 1);
            assert_true(v[k] >= 1 && v[k] <= 3);
            seen[c[k]]++;
        }
    }
    for (int g = 0; g < COLS; g++)
        empty += seen[g] == 0;
    assert_int_equal(empty, 0); /* genes that the sample lacks are not taken for empty */
    clab_store_unref(s);
    clab_store_unref(from);
    test_ctx_free(cx);
}

static void bytes_are_those_of_the_real_store(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_store *from, *s = NULL, *longer = NULL;

    (void)state;
    clab_ctx_set_planning(cx, true);
    from = sample(cx);
    assert_clab_ok(cx, clab_store_sketch(cx, from, ROWS, NULL, -1, false, "sketch", &s));
    assert_int_equal(clab_store_get_info(s)->nnz, clab_store_get_info(from)->nnz);
    assert_near((double)clab_store_get_info(s)->bytes, (double)clab_store_get_info(from)->bytes, 16, 0);
    assert_clab_ok(cx, clab_store_stretch(cx, s, 10 * ROWS, "sketch", &longer));
    assert_int_equal(clab_store_get_info(longer)->nnz, 10 * clab_store_get_info(from)->nnz);
    clab_store_unref(s);
    clab_store_unref(longer);
    clab_store_unref(from);
    test_ctx_free(cx);
}

static void outside_of_a_plan_they_are_no_data(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_store *from = sample(cx), *s = NULL;
    int32_t c[COLS + CLAB_STORE_PAD];
    float v[COLS + CLAB_STORE_PAD];

    (void)state;
    clab_ctx_set_planning(cx, true);
    assert_clab_ok(cx, clab_store_sketch(cx, from, ROWS, NULL, -1, false, "sketch", &s));
    clab_ctx_set_planning(cx, false);
    assert_clab_fails(cx, clab_store_row(cx, s, 3, c, v, NULL), CLAB_ESTATE, "made by a plan");
    clab_store_unref(s);
    clab_store_unref(from);
    test_ctx_free(cx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_their_true_lengths),
        cmocka_unit_test(bytes_are_those_of_the_real_store),
        cmocka_unit_test(outside_of_a_plan_they_are_no_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
