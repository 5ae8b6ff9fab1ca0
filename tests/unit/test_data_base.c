/* test_data_base.c -- Entries that are not stored: centred scales and fills, full or over their base, through views. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/rows.h"
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

#define N 70
#define G 130

/* What clab_rows delivers, as doubles: n x g; NULL places stay 0. */
static double *deliver(const clab_matrix *m, bool over_base, bool f64, const int64_t *order, int *n_bases)
{
    int64_t n = clab_matrix_n_rows(m), g = clab_matrix_n_cols(m);
    clab_rows_opts o = {.f64 = f64, .over_base = over_base, .order = order, .n_order = n, .max_bytes = 9000};
    double *x = calloc((size_t)(n * g) + 1, sizeof *x);
    const double *last = NULL;
    const clab_csr *b;
    clab_rows *r;

    *n_bases = 0;
    assert_int_equal(clab_rows_open(cx, m, &o, &r), CLAB_OK);
    while (clab_rows_next(cx, r, &b) == CLAB_OK && b) {
        *n_bases += b->base && b->base != last;
        last = b->base;
        for (int64_t i = 0; i < b->n_rows; i++) {
            double *row = x + b->row_ids[i] * g;
            for (int64_t c = 0; b->base && c < g; c++)
                row[c] = b->base[c];
            for (int64_t k = b->indptr[i]; k < b->indptr[i + 1]; k++)
                row[b->indices[k]] += b->f32 ? (double)b->f32[k] : b->f64[k];
            if (!over_base)
                assert_true(b->base == NULL);
        }
    }
    assert_int_equal(clab_error_status(cx), CLAB_OK);
    clab_rows_close(cx, r);
    return x;
}

static void agree(const double *got, const double *want, int64_t n, double tolerance)
{
    for (int64_t i = 0; i < n; i++)
        if (!(isnan(want[i]) ? isnan(got[i]) : fabs(got[i] - want[i]) <= tolerance))
            fail_msg("entry %lld: %.17g, not %.17g", (long long)i, got[i], want[i]);
}

/* Both deliveries of m are the dense array; over the base up to one rounding. */
static void is(const clab_matrix *m, const double *want)
{
    int64_t n = clab_matrix_n_rows(m), g = clab_matrix_n_cols(m), *order = malloc((size_t)n * sizeof *order);
    int bases;

    for (int64_t i = 0; i < n; i++)
        order[i] = (i * 37 + 11) % n;
    for (int k = 0; k < 8; k++) {
        bool over = k & 1, f64 = k & 2;
        double *got = deliver(m, over, f64, k & 4 ? order : NULL, &bases);
        agree(got, want, n * g, over ? (f64 ? 1e-14 : 1e-6) : 0);
        free(got);
    }
    free(order);
}

static float centred(float x, double mean, double std, float max)
{
    float y = (float)((double)(float)((double)x - mean) / std);

    return y > max ? max : y < -max ? -max : y;
}

/* scanpy's dense rounding, entry by entry, and the views that may follow. */
static void centred_scale_is_the_dense_one(void **state)
{
    float *x = small_counts(N, G, 25, 3);
    clab_matrix *m = small_matrix_f32(cx, N, G, x), *scaled, *rows, *cols, *again, *wide, *both;
    double mean[G], std[G], mean2[G], std2[G], *want = calloc(N * G, sizeof *want), *part = calloc(4 * N * G, sizeof *part);
    int64_t pick[N], genes[G];
    int32_t spread[G];
    char text[128];
    int bases;

    (void)state;
    for (int c = 0; c < G; c++) {
        mean[c] = (c % 17) / 7.0;
        std[c] = 0.3 + c % 11 / 3.0;
        mean2[c] = 0.125 - c % 3;
        std2[c] = 1.7;
        genes[c] = (c * 7) % G;
        spread[c] = c % 5 == 0 ? -1 : G + 20 - c;
    }
    for (int i = 0; i < N; i++) {
        pick[i] = (i * 31) % N;
        for (int c = 0; c < G; c++)
            want[i * G + c] = (double)centred(x[i * G + c], mean[c], std[c], 2.0f);
    }
    assert_false(clab_matrix_has_base(m));
    assert_int_equal(clab_matrix_op_scale(cx, m, mean, std, 2.0, &scaled), CLAB_OK);
    assert_true(clab_matrix_has_base(scaled) && clab_matrix_some_scale(scaled));
    assert_int_equal(clab_matrix_nnz_bound(scaled), N * G);
    assert_int_equal(clab_matrix_recipe(cx, scaled, text, sizeof text), CLAB_OK);
    assert_string_equal(text, "scale(centred, max 2)");
    is(scaled, want);
    free(deliver(scaled, true, true, NULL, &bases));
    assert_int_equal(bases, 1);

    assert_int_equal(clab_matrix_take_rows(cx, scaled, pick, N, &rows), CLAB_OK);
    assert_int_equal(clab_matrix_take_cols(cx, rows, genes, G - 30, &cols), CLAB_OK);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < G - 30; c++)
            part[i * (G - 30) + c] = want[pick[i] * G + genes[c]];
    is(cols, part);

    /* scaled twice: the second one works on the full rows of the first */
    assert_int_equal(clab_matrix_op_scale(cx, scaled, mean2, std2, 0, &again), CLAB_OK);
    for (int i = 0; i < N * G; i++)
        part[i] = (double)centred((float)want[i], mean2[i % G], std2[i % G], INFINITY);
    is(again, part);

    /* beside rows of another recipe, on other genes: those that are new read as 0 */
    const clab_matrix *parts[] = {scaled, m};
    const int32_t *maps[] = {spread, spread};
    assert_int_equal(clab_matrix_concat(cx, parts, maps, 2, G + 30, &both), CLAB_OK);
    memset(part, 0, 4 * N * G * sizeof *part);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < G; c++)
            if (spread[c] >= 0) {
                part[i * (G + 30) + spread[c]] = want[i * G + c];
                part[(N + i) * (G + 30) + spread[c]] = (double)x[i * G + c];
            }
    is(both, part);
    assert_int_equal(clab_matrix_raw(cx, both, &wide), CLAB_OK);
    assert_false(clab_matrix_has_base(wide));

    clab_matrix *all[] = {m, scaled, rows, cols, again, both, wide};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        clab_matrix_unref(all[i]);
    free(x);
    free(want);
    free(part);
}

/* A fill stands where the block has no gene; a normalisation after it makes a base that differs from row to row. */
static void fills_are_filled(void **state)
{
    float *x = small_counts(N, G, 25, 9);
    clab_matrix *m = small_matrix_f32(cx, N, G, x), *wide, *filled, *nan_filled, *normal, *logged;
    const clab_matrix *one[] = {m};
    int32_t place[G];
    const int32_t *maps[] = {place};
    double fill[G + 2] = {5}, nans[G + 2] = {NAN}, factor[N], *want = calloc(N * (G + 2), sizeof *want);
    int bases;

    (void)state;
    for (int c = 0; c < G; c++)
        place[c] = c + 1;
    fill[G + 1] = -1.5;
    for (int i = 0; i < N; i++) {
        want[i * (G + 2)] = 5;
        want[i * (G + 2) + G + 1] = -1.5;
        factor[i] = i % 4;
        for (int c = 0; c < G; c++)
            want[i * (G + 2) + c + 1] = (double)x[i * G + c];
    }
    assert_int_equal(clab_matrix_concat(cx, one, maps, 1, G + 2, &wide), CLAB_OK);
    assert_int_equal(clab_matrix_op_fill(cx, wide, fill, &filled), CLAB_OK);
    assert_true(clab_matrix_has_base(filled));
    is(filled, want);

    assert_int_equal(clab_matrix_op_normalise(cx, filled, factor, 1, &normal), CLAB_OK);
    for (int i = 0; i < N * (G + 2); i++) {
        float f = (float)factor[i / (G + 2)];
        want[i] = (double)((float)want[i] / (f == 0 ? 1 : f));
    }
    is(normal, want);
    free(deliver(normal, true, true, NULL, &bases));
    assert_int_equal(bases, 0);

    assert_int_equal(clab_matrix_op_fill(cx, wide, nans, &nan_filled), CLAB_OK);
    assert_int_equal(clab_matrix_op_log1p(cx, nan_filled, 0, &logged), CLAB_OK);
    for (int i = 0; i < N * (G + 2); i++) {
        int c = i % (G + 2);
        want[i] = c == 0 ? (double)NAN : c == G + 1 ? 0 : (double)(float)log1p((double)x[i / (G + 2) * G + c - 1]);
    }
    is(logged, want);

    clab_matrix *all[] = {m, wide, filled, nan_filled, normal, logged};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        clab_matrix_unref(all[i]);
    free(x);
    free(want);
}

static void genes_add_up(void **state)
{
    float *x = small_counts(N, G, 40, 17);
    clab_matrix *m = small_matrix_f32(cx, N, G, x), *sum, *part, *logged, *no = NULL;
    double *want = calloc(N * 50, sizeof *want);
    int32_t map[G], bad[G] = {50};
    int64_t genes[50];

    (void)state;
    for (int c = 0; c < G; c++) {
        map[c] = c % 9 == 0 ? -1 : c * 13 % 50;
        for (int i = 0; i < N; i++)
            if (map[c] >= 0)
                want[i * 50 + map[c]] += (double)x[i * G + c];
    }
    assert_int_equal(clab_matrix_sum_cols(cx, m, map, 50, &sum), CLAB_OK);
    assert_true(clab_matrix_is_raw(sum));
    is(sum, want);
    for (int c = 0; c < 50; c++)
        genes[c] = 49 - c;
    assert_int_equal(clab_matrix_take_cols(cx, sum, genes, 50, &part), CLAB_OK);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < 25; c++) {
            double t = want[i * 50 + c];
            want[i * 50 + c] = want[i * 50 + 49 - c];
            want[i * 50 + 49 - c] = t;
        }
    is(part, want);

    assert_int_equal(clab_matrix_op_log1p(cx, m, 0, &logged), CLAB_OK);
    assert_int_equal(clab_matrix_sum_cols(cx, logged, map, 50, &no), CLAB_ESTATE);
    assert_non_null(strstr(clab_error_text(cx), "log1p"));
    clab_error_clear(cx);
    assert_int_equal(clab_matrix_sum_cols(cx, m, bad, 50, &no), CLAB_EARG);
    clab_error_clear(cx);
    assert_null(no);

    clab_matrix *all[] = {m, sum, part, logged};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        clab_matrix_unref(all[i]);
    free(x);
    free(want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(centred_scale_is_the_dense_one),
        cmocka_unit_test(fills_are_filled),
        cmocka_unit_test(genes_add_up),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
