/* test_counts_file.c -- Stores whose rows stay in a file: the same rows as in memory, and any harm to the file an error. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pool.h"
#include "counts/counts_impl.h"

#define N 40
#define G 9000 /* full rows are longer than what is fetched without asking for memory */

static clab_ctx *cx;

static int setup(void **state)
{
    clab_ctx_opts o = {.threads = 4};
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

/* Rows of every kind in turn: none, counts, stored zeros, few values, any values; N x G doubles. */
static void add_rows(clab_store_builder *b)
{
    int32_t *indices = malloc(G * sizeof *indices);
    double *values = malloc(G * sizeof *values);
    uint32_t seed = 17;

    for (int r = 0; r < N; r++) {
        int64_t indptr[] = {0, 0};
        uint32_t percent = r % 5 == 0 ? 0 : 3 + next(&seed) % 98;
        for (int32_t c = 0; c < G; c++) {
            uint32_t k = next(&seed) % 9;
            if (next(&seed) % 100 >= percent)
                continue;
            indices[indptr[1]] = c;
            values[indptr[1]++] = r % 5 == 1 ? k + 1 : r % 5 == 2 ? k : r % 5 == 3 ? 0.25 + k : sin(c + r);
        }
        assert_int_equal(clab_store_builder_add(cx, b, 1, indptr, indices, values), CLAB_OK);
    }
    free(indices);
    free(values);
}

/* The layout in a file without a name; returns its descriptor. */
static int layout(int64_t *bytes)
{
    clab_store_builder *b;
    FILE *f = tmpfile();
    int fd;

    assert_non_null(f);
    fd = fcntl(fileno(f), F_DUPFD_CLOEXEC, 0);
    fclose(f);
    assert_true(fd >= 0);
    assert_int_equal(clab_store_builder_new(cx, fd, G, CLAB_F64, false, &b), CLAB_OK);
    add_rows(b);
    assert_int_equal(clab_store_builder_end(cx, b, bytes), CLAB_OK);
    return fd;
}

static clab_store *in_memory(void)
{
    clab_store_builder *b;
    clab_store *s;

    assert_int_equal(clab_store_builder_new(cx, -1, G, CLAB_F64, false, &b), CLAB_OK);
    add_rows(b);
    assert_int_equal(clab_store_builder_store(cx, b, "memory", &s), CLAB_OK);
    return s;
}

typedef struct {
    const clab_store *memory, *file;
} two_homes;

/* One row from both homes, in both types; runs on the pool. */
static clab_status compare_row(clab_ctx *c, int64_t task, int worker, void *arg)
{
    const two_homes *t = arg;
    int64_t row = task % N, n = clab_store_row_nnz(t->memory, row);
    int32_t *indices[2] = {malloc((G + CLAB_STORE_PAD) * 4), malloc((G + CLAB_STORE_PAD) * 4)};
    double *f64[2] = {malloc((G + CLAB_STORE_PAD) * 8), malloc((G + CLAB_STORE_PAD) * 8)};
    float *f32[2] = {malloc((G + CLAB_STORE_PAD) * 4), malloc((G + CLAB_STORE_PAD) * 4)};
    clab_status s = clab_store_row_nnz(t->file, row) == n ? CLAB_OK : CLAB_EINTERNAL;

    (void)worker;
    for (int home = 0; home < 2 && s == CLAB_OK; home++) {
        const clab_store *from = home ? t->file : t->memory;
        s = clab_store_row(c, from, row, indices[home], f32[home], NULL);
        if (s == CLAB_OK)
            s = clab_store_row(c, from, row, indices[home], NULL, f64[home]);
    }
    if (s == CLAB_OK && n > 0 &&
        (memcmp(indices[0], indices[1], (size_t)n * 4) != 0 || memcmp(f32[0], f32[1], (size_t)n * 4) != 0 ||
         memcmp(f64[0], f64[1], (size_t)n * 8) != 0))
        s = clab_fail(c, CLAB_EINTERNAL, "row %lld differs", (long long)row);
    for (int home = 0; home < 2; home++) {
        free(indices[home]);
        free(f64[home]);
        free(f32[home]);
    }
    return s;
}

static void both_homes_give_the_same_rows(void **state)
{
    two_homes t;
    clab_store *memory = in_memory(), *file;
    int64_t bytes;
    const clab_store_info *a = clab_store_get_info(memory), *b;

    (void)state;
    assert_int_equal(clab_store_open_file(cx, layout(&bytes), "file", &file), CLAB_OK);
    b = clab_store_get_info(file);
    assert_true(a->hash == b->hash && a->nnz == b->nnz && a->bytes == b->bytes && a->min == b->min);
    assert_int_equal(a->held, a->bytes);
    assert_int_equal(a->on_disk, 0);
    assert_int_equal(b->on_disk, b->bytes);
    t = (two_homes){memory, file};
    if (clab_parallel(cx, 4 * N, compare_row, &t) != CLAB_OK)
        fail_msg("%s", clab_error_text(cx));
    clab_store_unref(memory);
    clab_store_unref(file);
}

static void only_the_table_is_charged(void **state)
{
    clab_ledger_opts o = {0};
    clab_ledger *lg;
    clab_store *s;
    int64_t before, bytes;

    (void)state;
    assert_int_equal(clab_ledger_new(cx, &o, &lg), CLAB_OK);
    before = clab_mem_live(cx);
    assert_int_equal(clab_store_open_file(cx, layout(&bytes), "file", &s), CLAB_OK);
    assert_int_equal(clab_store_get_info(s)->held, 16 * (N + 1));
    assert_in_range(clab_mem_live(cx) - before, 16 * (N + 1), 16 * (N + 1) + 128);
    clab_store_unref(s);
    assert_int_equal(clab_mem_live(cx), before);
    clab_ledger_free(lg);
}

static void put(int fd, const void *bytes, size_t n, int64_t at)
{
    assert_int_equal(pwrite(fd, bytes, n, at), n);
}

static void damage_is_noticed_on_opening(void **state)
{
    int64_t bytes, row_bytes, places[] = {0, 12, 48, CLAB__HEADER, CLAB__HEADER + 70001, -9, -400};
    clab__header h;
    clab_store *s;

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int fd = layout(&bytes);
        int64_t at = places[i] < 0 ? bytes + places[i] : places[i];
        uint8_t byte;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 0x41;
        put(fd, &byte, 1, at);
        assert_int_equal(clab_store_open_file(cx, fd, "file", &s), CLAB_EFORMAT);
        assert_null(s);
        clab_error_clear(cx);
    }
    for (int k = 0; k < 12; k++) {
        int fd = layout(&bytes);
        assert_int_equal(pread(fd, &h, sizeof h, 0), sizeof h);
        row_bytes = h.row_bytes;
        assert_int_equal(ftruncate(fd, k < 6 ? bytes * k / 6 : CLAB__HEADER + row_bytes + k), 0);
        assert_int_equal(clab_store_open_file(cx, fd, "file", &s), CLAB_EFORMAT);
        clab_error_clear(cx);
    }
}

/* Every row, in fresh arrays of just its size; how many were refused, each with `why` in its words. */
static int refused_rows(const clab_store *s, clab_status want, const char *why)
{
    int refused = 0;

    for (int64_t r = 0; r < N; r++) {
        size_t n = (size_t)clab_store_row_nnz(s, r);
        int32_t *indices = malloc(n * 4 + 1);
        double *f64 = malloc(n * 8 + 1);
        clab_status st = clab_store_row(cx, s, r, indices, NULL, f64);
        if (st != CLAB_OK) {
            assert_int_equal(st, want);
            assert_non_null(strstr(clab_error_text(cx), why));
            refused++;
        }
        for (size_t i = 0; st == CLAB_OK && i < n; i++)
            assert_true(indices[i] >= 0 && indices[i] < G && (i == 0 || indices[i] > indices[i - 1]));
        clab_error_clear(cx);
        free(indices);
        free(f64);
    }
    return refused;
}

/* What nobody should do to a private file is survived all the same. */
static void harm_after_opening_is_an_error(void **state)
{
    int64_t bytes;
    int fd = layout(&bytes), ours = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    clab_store *s;
    uint32_t seed = 5;
    int refused;

    (void)state;
    assert_int_equal(clab_store_open_file(cx, fd, "file", &s), CLAB_OK);
    assert_int_equal(refused_rows(s, CLAB_OK, ""), 0);
    for (int64_t at = CLAB__HEADER + bytes / 2; at < bytes; at += 50) {
        uint8_t byte = (uint8_t)next(&seed);
        put(ours, &byte, 1, at);
    }
    refused = refused_rows(s, CLAB_EFORMAT, "damaged");
    assert_in_range(refused, 3, N / 2 + 10);
    assert_int_equal(ftruncate(ours, CLAB__HEADER + bytes / 4), 0);
    refused = refused_rows(s, CLAB_EIO, "cut short");
    assert_in_range(refused, N / 4, N - 3);
    assert_int_equal(ftruncate(ours, 0), 0);
    assert_int_equal(refused_rows(s, CLAB_EIO, "cut short"), N - N / 5); /* rows without entries need no bytes */
    close(ours);
    clab_store_unref(s);
}

/* An adversary gets the checksums right and gives a short row all bytes of the file: they are not fetched. */
static void no_table_makes_a_row_large(void **state)
{
    int64_t bytes, at, column = (N + 1) * 8;
    int fd = layout(&bytes);
    uint64_t *table = malloc((size_t)(2 * column)), row_bytes;
    clab__header h;
    clab_store *s;
    int32_t indices[G + CLAB_STORE_PAD];
    double f64[G + CLAB_STORE_PAD];

    (void)state;
    assert_int_equal(pread(fd, &h, sizeof h, 0), sizeof h);
    at = clab__table_at(h.row_bytes);
    row_bytes = (uint64_t)h.row_bytes;
    assert_int_equal(pread(fd, table, (size_t)(2 * column), at), 2 * column);
    for (int r = 0; r < N; r++) {
        table[r + 1] = row_bytes;
        table[N + 1 + r + 1] = (uint64_t)r + 1; /* one entry a row */
    }
    h.nnz = N;
    put(fd, table, (size_t)(2 * column), at);
    h.table_sum = clab__sum_fold(clab__sum_fold(0, clab__sum(table, (size_t)column)),
                                 clab__sum(table + N + 1, (size_t)column));
    h.header_sum = clab__sum(&h, offsetof(clab__header, header_sum));
    put(fd, &h, sizeof h, 0);
    assert_int_equal(clab_store_open_file(cx, fd, "file", &s), CLAB_OK);
    assert_int_equal(clab_store_row_nnz(s, 0), 1);
    assert_true(row_bytes > 100000); /* far beyond what one entry can take */
    assert_int_equal(clab_store_row(cx, s, 0, indices, NULL, f64), CLAB_EFORMAT);
    clab_error_clear(cx);
    assert_int_equal(clab_store_row(cx, s, 1, indices, NULL, f64), CLAB_EFORMAT); /* an entry without bytes */
    clab_error_clear(cx);
    clab_store_unref(s);
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_homes_give_the_same_rows),  cmocka_unit_test(only_the_table_is_charged),
        cmocka_unit_test(damage_is_noticed_on_opening),   cmocka_unit_test(harm_after_opening_is_an_error),
        cmocka_unit_test(no_table_makes_a_row_large),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
