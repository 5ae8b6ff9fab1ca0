/* test_data_rows.c -- The row stream: every order, block size, type and thread count delivers the same rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "small.h"
#include "ledger/ledger.h"

#define N 300
#define G 80

static clab_ctx *context(int threads)
{
    clab_ctx_opts o = {.threads = threads};
    return clab_ctx_new(&o);
}

/* Everything a stream delivers, folded into one number. */
static uint64_t fold(clab_ctx *cx, const clab_matrix *m, const clab_rows_opts *o)
{
    uint64_t sum = 14695981039346656037u;
    const clab_csr *b;
    clab_rows *r;

    assert_int_equal(clab_rows_open(cx, m, o, &r), CLAB_OK);
    for (;;) {
        assert_int_equal(clab_rows_next(cx, r, &b), CLAB_OK);
        if (!b)
            break;
        for (int64_t i = 0; i < b->n_rows; i++) {
            sum = (sum ^ (uint64_t)b->row_ids[i]) * 1099511628211u;
            for (int64_t k = b->indptr[i]; k < b->indptr[i + 1]; k++) {
                uint32_t bits;
                memcpy(&bits, &b->f32[k], 4);
                sum = (sum ^ (uint64_t)b->indices[k] << 32 ^ bits) * 1099511628211u;
            }
        }
    }
    clab_rows_close(cx, r);
    return sum;
}

static void blocks_and_threads_change_nothing(void **state)
{
    float *x = small_counts(N, G, 25, 4);
    int64_t order[500];
    uint64_t want = 0;
    uint32_t seed = 6;

    (void)state;
    for (int i = 0; i < 500; i++)
        order[i] = small_next(&seed) % N;
    for (int threads = 1; threads <= 5; threads += 2) {
        clab_ctx *cx = context(threads);
        clab_matrix *raw = small_matrix_f32(cx, N, G, x), *m;
        const clab_rows_opts o[] = {{.order = order, .n_order = 500},
                                    {.order = order, .n_order = 500, .block_rows = 1},
                                    {.order = order, .n_order = 500, .block_rows = 128},
                                    {.order = order, .n_order = 500, .max_bytes = 100},
                                    {.order = order, .n_order = 500, .max_bytes = 5000}};
        assert_int_equal(clab_matrix_op_log1p(cx, raw, 0, &m), CLAB_OK);
        for (size_t k = 0; k < sizeof o / sizeof *o; k++) {
            uint64_t got = fold(cx, m, &o[k]);
            if (want == 0)
                want = got;
            assert_true(got == want);
        }
        clab_matrix_unref(m);
        clab_matrix_unref(raw);
        clab_ctx_free(cx);
    }
    free(x);
}

static void block_rows_are_kept(void **state)
{
    clab_ctx *cx = context(2);
    float *x = small_counts(N, G, 25, 4);
    clab_matrix *m = small_matrix_f32(cx, N, G, x);
    clab_rows_opts o = {.block_rows = 128};
    const int64_t want[] = {128, 128, 44}, backwards[] = {5, 4, 4};
    const clab_csr *b;
    clab_rows *r;

    (void)state;
    assert_int_equal(clab_rows_open(cx, m, &o, &r), CLAB_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(clab_rows_next(cx, r, &b), CLAB_OK);
        assert_int_equal(b->n_rows, want[i]);
        assert_int_equal(b->first_row, i * 128);
    }
    assert_int_equal(clab_rows_next(cx, r, &b), CLAB_OK);
    assert_null(b);
    assert_int_equal(clab_rows_rewind(cx, r, backwards, 3), CLAB_OK);
    assert_int_equal(clab_rows_next(cx, r, &b), CLAB_OK);
    assert_int_equal(b->n_rows, 3);
    assert_int_equal(b->row_ids[0], 5);
    assert_int_equal(b->row_ids[2], 4);
    assert_true(b->f32 && !b->f64);
    clab_rows_close(cx, r);
    clab_matrix_unref(m);
    clab_ctx_free(cx);
    free(x);
}

static void cancel_and_wrong_orders_end_a_stream(void **state)
{
    clab_ctx *cx = context(2);
    float *x = small_counts(N, G, 25, 4);
    clab_matrix *m = small_matrix_f32(cx, N, G, x);
    const int64_t outside[] = {0, N};
    clab_rows_opts o = {.order = outside, .n_order = 2};
    const clab_csr *b;
    clab_rows *r;

    (void)state;
    assert_int_equal(clab_rows_open(cx, m, &o, &r), CLAB_EARG);
    clab_error_clear(cx);
    assert_int_equal(clab_rows_open(cx, m, NULL, &r), CLAB_OK);
    clab_cancel(cx);
    assert_int_equal(clab_rows_next(cx, r, &b), CLAB_ECANCEL);
    assert_null(b);
    clab_cancel_clear(cx);
    clab_error_clear(cx);
    assert_int_equal(clab_rows_next(cx, r, &b), CLAB_OK);
    assert_non_null(b);
    clab_rows_close(cx, r);
    clab_matrix_unref(m);
    clab_ctx_free(cx);
    free(x);
}

static void dense_is_refused_above_its_limit(void **state)
{
    clab_ctx *cx = context(2);
    float *x = small_counts(N, G, 25, 4), *y;
    clab_matrix *m = small_matrix_f32(cx, N, G, x);

    (void)state;
    assert_int_equal(clab_rows_dense(cx, m, N * G * 4 - 1, &y), CLAB_EBUDGET);
    assert_null(y);
    clab_error_clear(cx);
    assert_int_equal(clab_rows_dense(cx, m, N * G * 4, &y), CLAB_OK);
    assert_memory_equal(x, y, N * G * 4);
    clab_mem_free(cx, y);
    clab_matrix_unref(m);
    clab_ctx_free(cx);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_and_threads_change_nothing),
        cmocka_unit_test(block_rows_are_kept),
        cmocka_unit_test(cancel_and_wrong_orders_end_a_stream),
        cmocka_unit_test(dense_is_refused_above_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
