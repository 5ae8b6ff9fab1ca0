/* test_counts_store.c -- Stores: values of every kind come back exactly, facts are right, damaged layouts are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "counts/counts_impl.h"
#include "ledger/ledger.h"

static clab_ctx *cx;

static int setup(void **state)
{
    clab_ctx_opts o = {.threads = 2};
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

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 3 ^ *state << 13;
}

static clab_store *build(int64_t n_cols, clab_dtype t, int64_t n_rows, const int64_t *indptr, const int32_t *indices,
                         const void *values)
{
    clab_store_builder *b;
    clab_store *s;

    assert_int_equal(clab_store_builder_new(cx, -1, n_cols, t, false, &b), CLAB_OK);
    assert_int_equal(clab_store_builder_add(cx, b, n_rows, indptr, indices, values), CLAB_OK);
    assert_int_equal(clab_store_builder_store(cx, b, "test", &s), CLAB_OK);
    return s;
}

/* Random sparse rows, some empty, some longer than several blocks. */
typedef struct {
    int64_t n_rows, n_cols, *indptr;
    int32_t *indices;
    float *values;
} sample;

static sample sample_new(int64_t n_rows, int64_t n_cols, uint32_t seed)
{
    sample m = {.n_rows = n_rows, .n_cols = n_cols};

    m.indptr = calloc((size_t)n_rows + 1, sizeof *m.indptr);
    m.indices = malloc((size_t)(n_rows * n_cols) * sizeof *m.indices);
    m.values = malloc((size_t)(n_rows * n_cols) * sizeof *m.values);
    for (int64_t r = 0; r < n_rows; r++) {
        int64_t k = m.indptr[r];
        uint32_t keep = next(&seed) % 5 * 20; /* percent */
        for (int64_t c = 0; c < n_cols; c++)
            if (next(&seed) % 100 < keep) {
                m.indices[k] = (int32_t)c;
                m.values[k++] = (float)(1 + (next(&seed) % 50 == 0 ? next(&seed) % 100000 : next(&seed) % 4));
            }
        m.indptr[r + 1] = k;
    }
    return m;
}

static void sample_free(sample *m)
{
    free(m->indptr);
    free(m->indices);
    free(m->values);
}

static void counts_come_back(void **state)
{
    sample m = sample_new(60, 700, 3);
    clab_store *s = build(m.n_cols, CLAB_F32, m.n_rows, m.indptr, m.indices, m.values);
    const clab_store_info *f = clab_store_get_info(s);
    int32_t indices[700 + CLAB_STORE_PAD];
    float f32[700 + CLAB_STORE_PAD];
    double f64[700 + CLAB_STORE_PAD];

    (void)state;
    assert_int_equal(f->n_rows, 60);
    assert_int_equal(f->nnz, m.indptr[60]);
    assert_true(f->whole && f->finite && !f->negative);
    assert_int_equal(f->bad_row, -1);
    for (int64_t r = 0; r < m.n_rows; r++) {
        int64_t n = m.indptr[r + 1] - m.indptr[r];
        assert_int_equal(clab_store_row_nnz(s, r), n);
        assert_int_equal(clab_store_row(cx, s, r, indices, f32, NULL), CLAB_OK);
        assert_memory_equal(indices, m.indices + m.indptr[r], (size_t)n * 4);
        assert_memory_equal(f32, m.values + m.indptr[r], (size_t)n * 4);
        assert_int_equal(clab_store_row(cx, s, r, indices, NULL, f64), CLAB_OK);
        for (int64_t i = 0; i < n; i++)
            assert_true(f64[i] == (double)f32[i]);
    }
    clab_store_unref(s);
    sample_free(&m);
}

static void any_double_comes_back(void **state)
{
    const int64_t indptr[] = {0, 6, 6, 9, 11};
    const int32_t indices[] = {0, 1, 5, 6, 7, 9, 0, 4, 9, 2, 3};
    const double values[] = {1.5, -2, 0.1, (double)NAN, (double)INFINITY, 1e300, 0, 2147483647, 1, -0.0, 2147483648.0};
    clab_store *s = build(10, CLAB_F64, 4, indptr, indices, values);
    const clab_store_info *f = clab_store_get_info(s);
    int32_t cols[10 + CLAB_STORE_PAD];
    double x[10 + CLAB_STORE_PAD];

    (void)state;
    for (int64_t r = 0; r < 4; r++) {
        assert_int_equal(clab_store_row(cx, s, r, cols, NULL, x), CLAB_OK);
        assert_memory_equal(x, values + indptr[r], (size_t)(indptr[r + 1] - indptr[r]) * 8);
        assert_memory_equal(cols, indices + indptr[r], (size_t)(indptr[r + 1] - indptr[r]) * 4);
    }
    assert_false(f->whole);
    assert_false(f->finite);
    assert_true(f->negative);
    assert_int_equal(f->bad_row, 0);
    assert_int_equal(f->bad_col, 0);
    assert_true(f->bad_value == 1.5);
    assert_true(f->min == -2.0 && isinf(f->max));
    clab_store_unref(s);
}

/* Few distinct values, counts or not, cost a number each: a tenth of float64, bit for bit. */
static void few_values_are_cheap(void **state)
{
    enum { N = 1000 };
    const int64_t indptr[] = {0, N, 2 * N};
    int32_t *indices = malloc(2 * N * sizeof *indices), cols[N + CLAB_STORE_PAD];
    double *values = malloc(2 * N * sizeof *values), x[N + CLAB_STORE_PAD];
    uint32_t seed = 2;
    clab_store *s;

    (void)state;
    for (int i = 0; i < 2 * N; i++) {
        indices[i] = i % N * 3;
        values[i] = log1p((1 + next(&seed) % 4) * (i < N ? 0.37 : 0.91));
    }
    values[5] = (double)NAN;
    values[6] = -0.0;
    s = build(3 * N, CLAB_F64, 2, indptr, indices, values);
    assert_in_range(clab_store_get_info(s)->bytes, CLAB__HEADER, CLAB__HEADER + 2 * N * 8 / 10);
    for (int r = 0; r < 2; r++) {
        assert_int_equal(clab_store_row(cx, s, r, cols, NULL, x), CLAB_OK);
        assert_memory_equal(x, values + r * N, N * sizeof *x);
        assert_memory_equal(cols, indices + r * N, N * sizeof *cols);
    }
    clab_store_unref(s);
    free(indices);
    free(values);
}

static void integers_come_back(void **state)
{
    const int64_t indptr[] = {0, 3, 5};
    const int32_t indices[] = {0, 1, 2, 0, 2};
    const int64_t values[] = {1, 70000, 3, -5, INT64_C(1) << 52};
    clab_store *s = build(3, CLAB_I64, 2, indptr, indices, values);
    int32_t cols[3 + CLAB_STORE_PAD];
    double x[3 + CLAB_STORE_PAD];

    (void)state;
    assert_int_equal(clab_store_row(cx, s, 0, cols, NULL, x), CLAB_OK);
    assert_true(x[0] == 1 && x[1] == 70000 && x[2] == 3);
    assert_int_equal(clab_store_row(cx, s, 1, cols, NULL, x), CLAB_OK);
    assert_true(x[0] == -5 && x[1] == 4503599627370496.0);
    assert_true(clab_store_get_info(s)->whole);
    assert_int_equal(clab_store_get_info(s)->bad_row, 1);
    clab_store_unref(s);
}

/* The hash is of the content: the same however rows were added, another for another content. */
static void hash_is_of_the_content(void **state)
{
    sample m = sample_new(20, 300, 11);
    clab_store *whole = build(m.n_cols, CLAB_F32, m.n_rows, m.indptr, m.indices, m.values), *parts, *other;
    clab_store_builder *b;

    (void)state;
    assert_int_equal(clab_store_builder_new(cx, -1, m.n_cols, CLAB_F32, false, &b), CLAB_OK);
    for (int64_t r = 0; r < m.n_rows; r += 5)
        assert_int_equal(clab_store_builder_add(cx, b, 5, m.indptr + r, m.indices, m.values), CLAB_OK);
    assert_int_equal(clab_store_builder_store(cx, b, "parts", &parts), CLAB_OK);
    m.values[m.indptr[m.n_rows] - 1] += 1;
    other = build(m.n_cols, CLAB_F32, m.n_rows, m.indptr, m.indices, m.values);
    assert_true(clab_store_get_info(whole)->hash == clab_store_get_info(parts)->hash);
    assert_true(clab_store_get_info(whole)->hash != clab_store_get_info(other)->hash);
    clab_store_unref(whole);
    clab_store_unref(parts);
    clab_store_unref(other);
    sample_free(&m);
}

static void wrong_rows_are_refused(void **state)
{
    const int64_t indptr[] = {0, 2};
    const int32_t falling[] = {4, 2}, twice[] = {2, 2}, outside[] = {1, 10};
    const float values[] = {1, 1};
    const int32_t *bad[] = {falling, twice, outside};

    (void)state;
    for (int i = 0; i < 3; i++) {
        clab_store_builder *b;
        assert_int_equal(clab_store_builder_new(cx, -1, 10, CLAB_F32, false, &b), CLAB_OK);
        assert_int_equal(clab_store_builder_add(cx, b, 1, indptr, bad[i], values), CLAB_EFORMAT);
        clab_error_clear(cx);
        clab_store_builder_free(b);
    }
}

/* Layouts as bytes: built into a memfd of the test's own, damaged, and opened. */
static uint8_t *layout_of(const sample *m, int64_t *bytes)
{
    clab_store_builder *b;
    int fd = memfd_create("layout", MFD_CLOEXEC);
    uint8_t *p;

    assert_int_equal(clab_store_builder_new(cx, fd, m->n_cols, CLAB_F32, false, &b), CLAB_OK);
    assert_int_equal(clab_store_builder_add(cx, b, m->n_rows, m->indptr, m->indices, m->values), CLAB_OK);
    assert_int_equal(clab_store_builder_end(cx, b, bytes), CLAB_OK);
    p = malloc((size_t)*bytes);
    assert_int_equal(pread(fd, p, (size_t)*bytes, 0), *bytes);
    close(fd);
    return p;
}

static clab_status open_bytes(const uint8_t *p, int64_t n, clab_store **out)
{
    int fd = memfd_create("layout", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_int_equal(write(fd, p, (size_t)n), n);
    return clab_store_open(cx, fd, "test", out);
}

static void damage_is_noticed(void **state)
{
    sample m = sample_new(30, 300, 5);
    int64_t bytes, at[] = {0, 8, 12, 16, 40, 48, CLAB__HEADER, CLAB__HEADER + 99, -9, -200, -600};
    uint8_t *p = layout_of(&m, &bytes);
    clab_store *s;

    (void)state;
    assert_int_equal(open_bytes(p, bytes, &s), CLAB_OK);
    clab_store_unref(s);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        int64_t k = at[i] < 0 ? bytes + at[i] : at[i];
        p[k] ^= 0x41;
        assert_int_equal(open_bytes(p, bytes, &s), CLAB_EFORMAT);
        assert_null(s);
        clab_error_clear(cx);
        p[k] ^= 0x41;
    }
    for (int64_t cut = 0; cut < bytes; cut += 1 + bytes / 50) {
        assert_int_equal(open_bytes(p, cut, &s), CLAB_EFORMAT);
        clab_error_clear(cx);
    }
    free(p);
    sample_free(&m);
}

/* An adversary gets the checksums right: the decoder must still stay inside its arrays. */
static void crafted(sample m)
{
    int64_t bytes;
    uint8_t *p = layout_of(&m, &bytes), *q = malloc((size_t)bytes);
    uint32_t seed = 77;
    int refused = 0;

    for (int round = 0; round < 400; round++) {
        clab__header h;
        clab_store *s;
        memcpy(q, p, (size_t)bytes);
        memcpy(&h, q, sizeof h);
        for (int k = 0; k < 1 + round % 8; k++)
            q[CLAB__HEADER + next(&seed) % (uint32_t)h.row_bytes] = (uint8_t)next(&seed);
        h.rows_sum = clab__sum_fold(0, clab__sum(q + CLAB__HEADER, (size_t)h.row_bytes));
        h.header_sum = clab__sum(&h, offsetof(clab__header, header_sum));
        memcpy(q, &h, sizeof h);
        assert_int_equal(open_bytes(q, bytes, &s), CLAB_OK);
        for (int64_t r = 0; r < m.n_rows; r++) {
            size_t n = (size_t)clab_store_row_nnz(s, r);
            int32_t *indices = malloc(n * 4 + 1);
            float *f32 = malloc(n * 4 + 1);
            clab_status status = clab_store_row(cx, s, r, indices, f32, NULL);
            assert_true(status == CLAB_OK || status == CLAB_EFORMAT);
            for (size_t i = 0; status == CLAB_OK && i < n; i++)
                assert_true(indices[i] >= 0 && indices[i] < m.n_cols && (i == 0 || indices[i] > indices[i - 1]));
            refused += status != CLAB_OK;
            clab_error_clear(cx);
            free(indices);
            free(f32);
        }
        clab_store_unref(s);
    }
    assert_true(refused > 50);
    free(p);
    free(q);
    sample_free(&m);
}

static void crafted_rows_are_survived(void **state)
{
    sample counts = sample_new(12, 300, 9), levels = sample_new(12, 300, 9), raw = sample_new(12, 300, 9);

    (void)state;
    for (int64_t i = 0; i < levels.indptr[12]; i++) {
        levels.values[i] += 0.5f;
        raw.values[i] = 0.1f * (float)i;
    }
    crafted(counts);
    crafted(levels);
    crafted(raw);
}

static void empty_matrices_are_stores_too(void **state)
{
    const int64_t indptr[] = {0, 0, 0};
    clab_store *s = build(5, CLAB_I32, 2, indptr, NULL, NULL);
    int32_t cols[5];
    float x[5];

    (void)state;
    assert_int_equal(clab_store_get_info(s)->nnz, 0);
    assert_int_equal(clab_store_row(cx, s, 1, cols, x, NULL), CLAB_OK);
    clab_store_unref(s);
    s = build(0, CLAB_F32, 0, indptr, NULL, NULL);
    assert_int_equal(clab_store_get_info(s)->n_rows, 0);
    clab_store_unref(s);
}

static void bytes_are_charged_and_given_back(void **state)
{
    sample m = sample_new(400, 700, 21);
    clab_ledger_opts o = {0};
    clab_ledger *lg;
    clab_store *s, *again;
    int64_t before;

    (void)state;
    assert_int_equal(clab_ledger_new(cx, &o, &lg), CLAB_OK);
    before = clab_mem_live(cx);
    s = build(m.n_cols, CLAB_F32, m.n_rows, m.indptr, m.indices, m.values);
    assert_int_equal(clab_mem_live(cx) - before, clab_store_get_info(s)->bytes);
    again = clab_store_ref(s);
    assert_int_equal(clab_store_refs(s), 2);
    clab_store_unref(s);
    assert_int_equal(clab_mem_live(cx) - before, clab_store_get_info(again)->bytes);
    clab_store_unref(again);
    assert_int_equal(clab_mem_live(cx), before);
    clab_ledger_free(lg);
    sample_free(&m);
}

/* Asked for before it is taken: a store that does not fit is an error while it grows, and nothing stays. */
static void a_budget_stops_the_builder(void **state)
{
    enum { N = 100000 };
    const int64_t indptr[] = {0, N};
    int32_t *indices = malloc(N * sizeof *indices);
    double *values = malloc(N * sizeof *values);
    clab_ledger_opts o = {0};
    clab_ledger *lg;
    clab_store_builder *b;
    clab_status s = CLAB_OK;
    int64_t before;
    int rows = 0;

    (void)state;
    for (int i = 0; i < N; i++) {
        indices[i] = i;
        values[i] = i + 0.25;
    }
    assert_int_equal(clab_ledger_new(cx, &o, &lg), CLAB_OK);
    before = clab_mem_live(cx);
    assert_int_equal(clab_budget_set(cx, before + (16 << 20)), CLAB_OK);
    assert_int_equal(clab_store_builder_new(cx, -1, N, CLAB_F64, false, &b), CLAB_OK);
    while (s == CLAB_OK && rows < 1000) {
        s = clab_store_builder_add(cx, b, 1, indptr, indices, values);
        rows += s == CLAB_OK;
    }
    assert_int_equal(s, CLAB_EBUDGET);
    assert_in_range(rows, 8, 21); /* 0.8 MB each */
    assert_true(clab_mem_live(cx) <= before + (16 << 20));
    clab_error_clear(cx);
    clab_store_builder_free(b);
    assert_int_equal(clab_mem_live(cx), before);
    clab_ledger_free(lg);
    free(indices);
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_come_back),
        cmocka_unit_test(any_double_comes_back),
        cmocka_unit_test(few_values_are_cheap),
        cmocka_unit_test(integers_come_back),
        cmocka_unit_test(hash_is_of_the_content),
        cmocka_unit_test(wrong_rows_are_refused),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(crafted_rows_are_survived),
        cmocka_unit_test(empty_matrices_are_stores_too),
        cmocka_unit_test(bytes_are_charged_and_given_back),
        cmocka_unit_test(a_budget_stops_the_builder),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
