/* test_data_matrix.c -- Views: rows, genes, concatenations and recipes give what the same operations give on dense arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "small.h"

static clab_ctx *cx;

static int setup(void **state)
{
    clab_ctx_opts o = {.threads = 3};
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

static void same(const clab_matrix *m, const double *want, int64_t n, int64_t g)
{
    double *got = small_dense(cx, m, true);

    assert_int_equal(clab_matrix_n_rows(m), n);
    assert_int_equal(clab_matrix_n_cols(m), g);
    for (int64_t i = 0; i < n * g; i++)
        if (got[i] != want[i])
            fail_msg("row %lld column %lld: %.17g, not %.17g", (long long)(i / g), (long long)(i % g), got[i], want[i]);
    free(got);
}

#define N 90
#define G 150

/* Random selections of rows and genes on top of each other, over a concatenation, follow a dense model. */
static void views_follow_a_dense_model(void **state)
{
    uint32_t seed = 5;

    (void)state;
    for (int round = 0; round < 20; round++) {
        float *a = small_counts(N, G, 20, seed + 1), *b = small_counts(N, G, 35, seed + 2);
        clab_matrix *part[2] = {small_matrix_f32(cx, N, G, a), small_matrix_f32(cx, N, G, b)}, *m, *next;
        int64_t n = 2 * N, g = G + 10;
        double *x = calloc((size_t)(n * g), sizeof *x);
        int32_t map[G];
        const int32_t *maps[2] = {NULL, map};

        /* b's genes go elsewhere, some nowhere; a's are padded through an identity map */
        int32_t same_place[G];
        for (int32_t c = 0; c < G; c++) {
            same_place[c] = c;
            map[c] = c % 7 == 0 ? -1 : (int32_t)(g - 1 - c);
        }
        maps[0] = same_place;
        assert_int_equal(clab_matrix_concat(cx, (const clab_matrix *const *)part, maps, 2, g, &m), CLAB_OK);
        for (int64_t i = 0; i < N; i++)
            for (int64_t c = 0; c < G; c++) {
                x[i * g + c] = (double)a[i * G + c];
                if (map[c] >= 0)
                    x[(N + i) * g + map[c]] = (double)b[i * G + c];
            }
        same(m, x, n, g);
        for (int k = 0; k < 4; k++) {
            if (k % 2 == 0) {
                int64_t n2 = 1 + small_next(&seed) % 120, *rows = malloc((size_t)n2 * sizeof *rows);
                double *y = malloc((size_t)(n2 * g) * sizeof *y);
                for (int64_t i = 0; i < n2; i++) {
                    rows[i] = round % 3 == 0 ? i * (n - 1) / n2 : (int64_t)(small_next(&seed) % (uint32_t)n);
                    memcpy(y + i * g, x + rows[i] * g, (size_t)g * sizeof *y);
                }
                assert_int_equal(clab_matrix_take_rows(cx, m, rows, n2, &next), CLAB_OK);
                free(x);
                free(rows);
                x = y;
                n = n2;
            } else {
                int64_t g2 = g - 20 - k, cols[G + 10];
                double *y = malloc((size_t)(n * g2) * sizeof *y);
                for (int64_t c = 0; c < g; c++)
                    cols[c] = c;
                if (round % 2)
                    for (int64_t c = 0; c < g2; c++) { /* partial shuffle: distinct, any order */
                        int64_t j = c + small_next(&seed) % (uint32_t)(g - c), t = cols[c];
                        cols[c] = cols[j];
                        cols[j] = t;
                    }
                for (int64_t i = 0; i < n; i++)
                    for (int64_t c = 0; c < g2; c++)
                        y[i * g2 + c] = x[i * g + cols[c]];
                assert_int_equal(clab_matrix_take_cols(cx, m, cols, g2, &next), CLAB_OK);
                free(x);
                x = y;
                g = g2;
            }
            clab_matrix_unref(m);
            m = next;
            same(m, x, n, g);
        }
        clab_matrix_unref(m);
        clab_matrix_unref(part[0]);
        clab_matrix_unref(part[1]);
        free(a);
        free(b);
        free(x);
    }
}

/* The three operations on float32, rounding by rounding, and selections that follow them. */
static void recipes_round_as_float32_arrays(void **state)
{
    float *x = small_counts(N, G, 30, 3);
    clab_matrix *m = small_matrix_f32(cx, N, G, x), *normal, *logged, *scaled, *rows, *cols, *raw;
    double factor[N], std[G], *want = calloc(N * G, sizeof *want), *part;
    int64_t pick[N], genes[G];
    char text[128];

    (void)state;
    for (int i = 0; i < N; i++) {
        factor[i] = i % 10 == 0 ? 0.0 : (double)((float)(i + 3) / 7.0f);
        pick[i] = (i * 31) % N;
    }
    for (int c = 0; c < G; c++) {
        std[c] = 0.1 + c % 13;
        genes[c] = (c * 7) % G;
    }
    assert_int_equal(clab_matrix_op_normalise(cx, m, factor, 1e4, &normal), CLAB_OK);
    assert_int_equal(clab_matrix_op_log1p(cx, normal, 0, &logged), CLAB_OK);
    assert_int_equal(clab_matrix_op_scale(cx, logged, NULL, std, 1.5, &scaled), CLAB_OK);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < G; c++) {
            float f = factor[i] == 0.0 ? 1.0f : (float)factor[i];
            float y = (float)log1p((double)(x[i * G + c] / f));
            y = (float)((double)y / std[c]);
            want[i * G + c] = (double)(y > 1.5f ? 1.5f : y);
        }
    same(scaled, want, N, G);
    assert_int_equal(clab_matrix_take_rows(cx, scaled, pick, N, &rows), CLAB_OK);
    assert_int_equal(clab_matrix_take_cols(cx, rows, genes, G, &cols), CLAB_OK);
    part = malloc(N * G * sizeof *part);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < G; c++)
            part[i * G + c] = want[pick[i] * G + genes[c]];
    same(cols, part, N, G);
    assert_int_equal(clab_matrix_raw(cx, cols, &raw), CLAB_OK);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < G; c++)
            part[i * G + c] = (double)x[pick[i] * G + genes[c]];
    same(raw, part, N, G);

    assert_true(clab_matrix_is_raw(m) && !clab_matrix_is_raw(normal) && clab_matrix_is_raw(raw));
    assert_true(clab_matrix_has_log1p(logged, NULL) && !clab_matrix_has_log1p(normal, NULL));
    assert_int_equal(clab_matrix_recipe(cx, scaled, text, sizeof text), CLAB_OK);
    assert_string_equal(text, "normalise(10000) > log1p > scale(max 1.5)");

    clab_matrix *all[] = {m, normal, logged, scaled, rows, cols, raw};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        clab_matrix_unref(all[i]);
    free(x);
    free(want);
    free(part);
}

/* Whole numbers become float32 by normalise, float64 by log1p; doubles stay doubles. */
static void element_types_are_scanpys(void **state)
{
    const double x[] = {1, 2, 0, 70000, 3, 5}, factor[] = {3, 7};
    struct {
        clab_dtype in, normalised, logged;
    } want[] = {{CLAB_F32, CLAB_F32, CLAB_F32}, {CLAB_F64, CLAB_F64, CLAB_F64}, {CLAB_I32, CLAB_F32, CLAB_F64},
                {CLAB_I64, CLAB_F32, CLAB_F64}};

    (void)state;
    for (size_t k = 0; k < 4; k++) {
        clab_matrix *m = small_matrix(cx, 2, 3, x, want[k].in), *a, *b;
        double *y;
        assert_int_equal(clab_matrix_op_normalise(cx, m, factor, 0, &a), CLAB_OK);
        assert_int_equal(clab_matrix_op_log1p(cx, m, 2, &b), CLAB_OK);
        assert_int_equal(clab_matrix_dtype(m), want[k].in);
        assert_int_equal(clab_matrix_dtype(a), want[k].normalised);
        assert_int_equal(clab_matrix_dtype(b), want[k].logged);
        y = small_dense(cx, a, true);
        assert_true(y[3] == (want[k].in == CLAB_F64 ? 10000.0 : (double)(70000.0f / 7.0f)));
        assert_true(y[0] == (want[k].in == CLAB_F64 ? 1.0 / 3.0 : (double)(1.0f / 3.0f)));
        free(y);
        y = small_dense(cx, b, true);
        assert_true(fabs(y[1] - log2(3)) < (want[k].logged == CLAB_F32 ? 2e-7 : 1e-15));
        free(y);
        clab_matrix_unref(a);
        clab_matrix_unref(b);
        clab_matrix_unref(m);
    }
}

static void concat_promotes(void **state)
{
    const double x[] = {1, 2, 3, 4};
    clab_matrix *f32 = small_matrix(cx, 2, 2, x, CLAB_F32), *i64 = small_matrix(cx, 2, 2, x, CLAB_I64);
    clab_matrix *u8 = small_matrix(cx, 2, 2, x, CLAB_U8), *m;
    const clab_matrix *a[] = {f32, i64}, *b[] = {f32, u8}, *c[] = {u8, i64};

    (void)state;
    assert_int_equal(clab_matrix_concat(cx, a, NULL, 2, 2, &m), CLAB_OK);
    assert_int_equal(clab_matrix_dtype(m), CLAB_F64);
    assert_true(clab_matrix_is_raw(m));
    clab_matrix_unref(m);
    assert_int_equal(clab_matrix_concat(cx, b, NULL, 2, 2, &m), CLAB_OK);
    assert_int_equal(clab_matrix_dtype(m), CLAB_F32);
    clab_matrix_unref(m);
    assert_int_equal(clab_matrix_concat(cx, c, NULL, 2, 2, &m), CLAB_OK);
    assert_int_equal(clab_matrix_dtype(m), CLAB_I64);
    clab_matrix_unref(m);
    clab_matrix_unref(f32);
    clab_matrix_unref(i64);
    clab_matrix_unref(u8);
}

/* A selection lets go of stores that it needs no more; each store counts once. */
static void stores_are_shared_and_dropped(void **state)
{
    float *x = small_counts(N, G, 30, 8);
    clab_matrix *a = small_matrix_f32(cx, N, G, x), *b = small_matrix_f32(cx, N, G, x), *both, *half;
    const clab_matrix *parts[] = {a, b, a};
    int64_t pick[] = {N + 1, N + 5}, one;

    (void)state;
    assert_int_equal(clab_matrix_concat(cx, parts, NULL, 3, G, &both), CLAB_OK);
    one = clab_matrix_store_bytes(a);
    assert_int_equal(clab_matrix_store_bytes(both), 2 * one);
    assert_int_equal(clab_store_refs(clab_matrix_store(a, 0)), 3);
    assert_int_equal(clab_matrix_take_rows(cx, both, pick, 2, &half), CLAB_OK);
    assert_int_equal(clab_matrix_n_blocks(half), 1);
    clab_matrix_unref(both);
    assert_int_equal(clab_store_refs(clab_matrix_store(a, 0)), 1);
    assert_int_equal(clab_store_refs(clab_matrix_store(b, 0)), 2);
    clab_matrix_unref(half);
    clab_matrix_unref(a);
    clab_matrix_unref(b);
    free(x);
}

static void wrong_selections_are_refused(void **state)
{
    const double x[] = {1, 2, 3, 4};
    clab_matrix *m = small_matrix(cx, 2, 2, x, CLAB_F32), *out;
    const int64_t outside[] = {2}, negative[] = {-1}, twice[] = {1, 1};
    const int32_t collide[] = {0, 0};
    const int32_t *maps[] = {collide};

    (void)state;
    assert_int_equal(clab_matrix_take_rows(cx, m, outside, 1, &out), CLAB_EARG);
    clab_error_clear(cx);
    assert_int_equal(clab_matrix_take_rows(cx, m, negative, 1, &out), CLAB_EARG);
    clab_error_clear(cx);
    assert_int_equal(clab_matrix_take_cols(cx, m, outside, 1, &out), CLAB_EARG);
    clab_error_clear(cx);
    assert_int_equal(clab_matrix_take_cols(cx, m, twice, 2, &out), CLAB_EARG);
    clab_error_clear(cx);
    assert_int_equal(clab_matrix_concat(cx, (const clab_matrix *const *)&m, maps, 1, 2, &out), CLAB_EARG);
    clab_error_clear(cx);
    assert_null(out);
    assert_int_equal(clab_matrix_take_rows(cx, m, NULL, 0, &out), CLAB_OK);
    assert_int_equal(clab_matrix_n_rows(out), 0);
    assert_int_equal(clab_matrix_dtype(out), CLAB_F32);
    clab_matrix_unref(out);
    clab_matrix_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_follow_a_dense_model),
        cmocka_unit_test(recipes_round_as_float32_arrays),
        cmocka_unit_test(element_types_are_scanpys),
        cmocka_unit_test(concat_promotes),
        cmocka_unit_test(stores_are_shared_and_dropped),
        cmocka_unit_test(wrong_selections_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
