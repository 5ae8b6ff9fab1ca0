/* test_data_ahead.c -- The row stream works ahead while its reader computes, and reads stores that come from a source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/pool.h"
#include "data/rows.h"
#include "small.h"

#define N 400
#define G 90

static clab_ctx *cx;
static int notes;

static void count_note(void *user, clab_note_level level, const char *text)
{
    (void)user;
    (void)level;
    notes += strstr(text, "another order") != NULL;
}

static int setup(void **state)
{
    clab_ctx_opts o = {.threads = 4, .note = count_note};
    (void)state;
    cx = clab_ctx_new(&o);
    return cx ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    clab_ctx_free(cx);
    return 0;
}

static clab_status add_task(clab_ctx *c, int64_t task, int worker, void *arg)
{
    (void)c;
    (void)worker;
    atomic_fetch_add((atomic_llong *)arg, task);
    return CLAB_OK;
}

static double total(const clab_csr *b)
{
    double sum = 0;

    for (int64_t k = 0; k < b->nnz; k++)
        sum += (double)b->f32[k] * (b->indices[k] + 1);
    return sum;
}

static double total_of(const clab_matrix *m, const int64_t *order, int64_t n)
{
    clab_rows_opts o = {.block_rows = 48, .order = order, .n_order = n};
    const clab_csr *b;
    clab_rows *r;
    double sum = 0;

    assert_int_equal(clab_rows_open(cx, m, &o, &r), CLAB_OK);
    while (clab_rows_next(cx, r, &b) == CLAB_OK && b)
        sum += total(b);
    assert_int_equal(clab_error_status(cx), CLAB_OK);
    clab_rows_close(cx, r);
    return sum;
}

/* Loops on the pool and streams inside streams between two blocks; a block stays as it is until the next call. */
static void readers_may_use_the_pool(void **state)
{
    float *x = small_counts(N, G, 30, 8);
    clab_matrix *m = small_matrix_f32(cx, N, G, x);
    clab_rows_opts o = {.block_rows = 33};
    const clab_csr *b;
    clab_rows *r;
    double want = 0, got = 0;

    (void)state;
    for (int64_t i = 0; i < N * G; i++)
        want += (double)x[i] * (double)(i % G + 1);
    assert_int_equal(clab_rows_open(cx, m, &o, &r), CLAB_OK);
    while (clab_rows_next(cx, r, &b) == CLAB_OK && b) {
        double before = total(b);
        atomic_llong sum = 0;
        assert_int_equal(clab_parallel(cx, 200, add_task, &sum), CLAB_OK);
        assert_int_equal(atomic_load(&sum), 19900);
        assert_true(total_of(m, NULL, 0) == want);
        assert_true(total(b) == before);
        got += before;
    }
    clab_rows_close(cx, r);
    assert_true(got == want);
    clab_matrix_unref(m);
    free(x);
}

/* What was begun is dropped by another order, a close and a cancel. */
static void work_ahead_is_given_up(void **state)
{
    float *x = small_counts(N, G, 30, 8);
    clab_matrix *m = small_matrix_f32(cx, N, G, x);
    clab_rows_opts o = {.block_rows = 50};
    const clab_csr *b;
    clab_rows *r;

    (void)state;
    for (int round = 0; round < 50; round++) {
        int64_t order[3] = {round, 399, 0};
        assert_int_equal(clab_rows_open(cx, m, &o, &r), CLAB_OK);
        assert_int_equal(clab_rows_next(cx, r, &b), CLAB_OK);
        assert_int_equal(b->row_ids[49], 49);
        assert_int_equal(clab_rows_rewind(cx, r, order, 3), CLAB_OK);
        assert_int_equal(clab_rows_next(cx, r, &b), CLAB_OK);
        assert_int_equal(b->n_rows, 3);
        assert_int_equal(b->row_ids[0], round);
        assert_int_equal(clab_rows_next(cx, r, &b), CLAB_OK);
        assert_null(b);
        assert_int_equal(clab_rows_rewind(cx, r, NULL, 0), CLAB_OK);
        assert_int_equal(clab_rows_next(cx, r, &b), CLAB_OK);
        if (round % 2) {
            clab_cancel(cx);
            while (clab_rows_next(cx, r, &b) == CLAB_OK)
                assert_non_null(b);
            assert_int_equal(clab_error_status(cx), CLAB_ECANCEL);
            clab_cancel_clear(cx);
            clab_error_clear(cx);
        }
        clab_rows_close(cx, r);
    }
    clab_matrix_unref(m);
    free(x);
}

/* ---- a source --------------------------------------------------------------------------------------------*/

typedef struct {
    const float *x;
    int64_t next;              /* row that a pass asks for next */
    int passes, rests, settled, freed;
} toy;

static clab_status pack_rows(clab_ctx *c, const toy *t, int64_t first, int64_t n, clab_store **out)
{
    int64_t indptr[N + 1] = {0}, nnz = 0;
    int32_t *indices = malloc(N * G * sizeof *indices);
    float *values = malloc(N * G * sizeof *values);
    clab_store_builder *b = NULL;
    clab_status s;

    for (int64_t i = 0; i < n; i++) {
        for (int32_t g = 0; g < G; g++)
            if (t->x[(first + i) * G + g] != 0) {
                indices[nnz] = g;
                values[nnz++] = t->x[(first + i) * G + g];
            }
        indptr[i + 1] = nnz;
    }
    s = clab_store_builder_new(c, -1, G, CLAB_F32, false, &b);
    if (s == CLAB_OK)
        s = clab_store_builder_add(c, b, n, indptr, indices, values);
    if (s == CLAB_OK)
        s = clab_store_builder_store(c, b, "segment", out);
    free(indices);
    free(values);
    return s;
}

static clab_status toy_segment(clab_ctx *c, void *self, int64_t row, clab_store **out)
{
    toy *t = self;
    int64_t n = 70 < N - row ? 70 : N - row;

    t->passes += row != t->next;
    t->next = row + n;
    assert_int_equal(t->settled, 0);
    return pack_rows(c, t, row, n, out);
}

static clab_status toy_settle(clab_ctx *c, void *self, clab_store **out)
{
    ((toy *)self)->settled++;
    return pack_rows(c, self, 0, N, out);
}

static void toy_rest(clab_ctx *c, void *self)
{
    (void)c;
    ((toy *)self)->rests++;
    ((toy *)self)->next = -1;
}

static void toy_free(clab_ctx *c, void *self)
{
    (void)c;
    ((toy *)self)->freed++;
}

static clab_store *toy_store(toy *t)
{
    static const clab_source source = {toy_segment, toy_settle, toy_rest, toy_free};
    uint64_t before[N + 1] = {0};
    clab_store_info info = {.n_rows = N, .n_cols = G, .dtype = CLAB_F32, .whole = true, .finite = true,
                            .bad_row = -1, .bad_col = -1};
    clab_store *s = NULL;

    for (int64_t i = 0; i < N; i++) {
        before[i + 1] = before[i];
        for (int64_t g = 0; g < G; g++)
            before[i + 1] += t->x[i * G + g] != 0;
    }
    info.nnz = (int64_t)before[N];
    assert_int_equal(clab_store_from_source(cx, &info, before, &source, t, "toy", &s), CLAB_OK);
    return s;
}

static void a_source_is_read_in_passes_and_settles_once(void **state)
{
    float *x = small_counts(N, G, 30, 12);
    toy t = {.x = x, .next = -1};
    clab_store *s = toy_store(&t);
    clab_matrix *plain = small_matrix_f32(cx, N, G, x), *m, *some;
    int64_t rows[N / 3], order[N];
    double want = total_of(plain, NULL, 0);

    (void)state;
    for (int64_t i = 0; i < N / 3; i++)
        rows[i] = 3 * i;
    for (int64_t i = 0; i < N; i++)
        order[i] = i * 7 % N;
    assert_int_equal(clab_matrix_new(cx, s, &m), CLAB_OK);
    clab_store_unref(s);
    assert_true(clab_store_is_source(clab_matrix_store(m, 0)));
    assert_true(total_of(m, NULL, 0) == want);
    assert_true(total_of(m, NULL, 0) == want);
    assert_int_equal(t.passes, 2);
    assert_int_equal(t.rests, 2);
    assert_int_equal(clab_matrix_take_rows(cx, m, rows, N / 3, &some), CLAB_OK);
    assert_true(total_of(some, NULL, 0) == total_of(plain, rows, N / 3));
    assert_int_equal(t.settled, 0);
    assert_int_equal(notes, 0);

    assert_true(total_of(m, order, N) == want);
    assert_true(total_of(some, NULL, 0) == total_of(plain, rows, N / 3));
    assert_int_equal(t.settled, 1);
    assert_int_equal(notes, 1);
    assert_int_equal(t.passes, 3);
    clab_matrix_unref(some);
    clab_matrix_unref(m);
    assert_int_equal(t.freed, 1);
    clab_matrix_unref(plain);
    free(x);
}

/* Two streams at a time over one file: the second one makes it settle, the first one goes on. */
static void two_passes_at_a_time_settle(void **state)
{
    float *x = small_counts(N, G, 30, 13);
    toy t = {.x = x, .next = -1};
    clab_store *s = toy_store(&t);
    clab_matrix *m;
    clab_rows_opts o = {.block_rows = 64};
    clab_rows *a;
    const clab_csr *b;
    double want = 0, got = 0;

    (void)state;
    assert_int_equal(clab_matrix_new(cx, s, &m), CLAB_OK);
    clab_store_unref(s);
    assert_int_equal(clab_rows_open(cx, m, &o, &a), CLAB_OK);
    for (int k = 0; clab_rows_next(cx, a, &b) == CLAB_OK && b; k++) {
        got += total(b);
        if (k == 1)
            want = total_of(m, NULL, 0);
    }
    clab_rows_close(cx, a);
    assert_true(got == want && want > 0);
    assert_int_equal(t.settled, 1);
    clab_matrix_unref(m);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_may_use_the_pool),
        cmocka_unit_test(work_ahead_is_given_up),
        cmocka_unit_test(a_source_is_read_in_passes_and_settles_once),
        cmocka_unit_test(two_passes_at_a_time_settle),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
