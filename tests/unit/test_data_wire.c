/* test_data_wire.c -- values over a guest's wire: what is put is fetched, and no bytes can do harm. */
#include "clab_test.h"

#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "data/value.h"
#include "guest/wire.h"

static clab_ctx *cx;

static int setup(void **state)
{
    (void)state;
    cx = test_ctx(1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_ctx_free(cx);
    return 0;
}

#define ok(call) assert_clab_ok(cx, call)

static void add(clab_value *dict, const char *name, clab_value *v)
{
    ok(clab_value_set(cx, dict, name, v));
    clab_value_unref(v);
}

/* One of every kind. */
static clab_value *everything(void)
{
    const char *text[4] = {"a", "", "\u00e9", "b c"}, *labels[4] = {"T", NULL, "B", "T"};
    int64_t four = 4, indptr[5] = {0, 1, 1, 3, 3}, whole[4] = {1, -2, INT64_MAX, 0};
    int32_t indices[3] = {2, 0, 3};
    float x[3] = {1.5f, NAN, -1};
    uint8_t mask[4] = {0, 1, 0, 1};
    clab_value *all = NULL, *index = NULL, *table = NULL, *records = NULL, *v = NULL, *inner = NULL,
               *nested = NULL;

    ok(clab_value_dict(cx, &all));
    ok(clab_value_null(cx, &v));
    add(all, "null", v);
    ok(clab_value_number(cx, (double)NAN, &v));
    add(all, "number", v);
    ok(clab_value_array(cx, CLAB_I64, 1, &four, whole, &inner));
    ok(clab_value_nullable(cx, inner, mask, &v));
    add(all, "nullable", v);
    add(all, "whole", inner);
    ok(clab_value_array(cx, CLAB_F32, 2, (int64_t[]){0, 7}, NULL, &v));
    add(all, "empty", v);
    ok(clab_value_strings(cx, 2, (int64_t[]){2, 2}, text, &v));
    add(all, "square of text", v);
    ok(clab_value_factor(cx, 4, labels, &v));
    add(all, "labels", v);
    ok(clab_value_sparse(cx, CLAB_F32, 4, 4, indptr, indices, x, &v));
    add(all, "sparse", v);
    ok(clab_value_strings(cx, 1, &four, text, &index));
    ok(clab_value_table(cx, index, "barcode", &table));
    ok(clab_value_set(cx, table, "text", index));
    add(all, "table", table);
    ok(clab_value_records(cx, 4, &records));
    add(records, "names", index);
    add(all, "records", records);
    ok(clab_value_dict(cx, &nested));
    add(nested, "deeper", clab_value_ref(all->items[0]));
    add(all, "nested", nested);
    return all;
}

/* The bytes of a value, as they go over the wire. */
static int serialise(const clab_value *v, off_t *n)
{
    int fd = memfd_create("wire", MFD_CLOEXEC);
    clab_wire *w = NULL;

    assert_true(fd >= 0);
    ok(clab_wire_new(cx, -1, dup(fd), &w));
    ok(clab_value_put(cx, w, v));
    ok(clab_wire_flush(cx, w));
    clab_wire_free(w);
    *n = lseek(fd, 0, SEEK_END);
    return fd;
}

static clab_status fetch(const void *bytes, size_t n, clab_value **out)
{
    int fd = memfd_create("wire", MFD_CLOEXEC);
    clab_wire *w = NULL;
    clab_status s;

    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    lseek(fd, 0, SEEK_SET);
    ok(clab_wire_new(cx, fd, -1, &w));
    s = clab_value_fetch(cx, w, "test.h5ad", out);
    clab_wire_free(w);
    return s;
}

static void what_is_put_is_fetched(void **state)
{
    clab_value *all = everything(), *got = NULL;
    off_t n;
    int fd = serialise(all, &n);
    char *bytes = malloc((size_t)n);
    (void)state;

    assert_int_equal(pread(fd, bytes, (size_t)n, 0), n);
    ok(fetch(bytes, (size_t)n, &got));
    assert_true(clab_value_equal(got, all));
    assert_string_equal(clab_value_get(got, "table")->index_name, "barcode");
    clab_value_unref(got);
    clab_value_unref(all);
    free(bytes);
    close(fd);
}

/* Every prefix, and bytes changed at random: an error or a value, never a crash and never much memory. */
static void damaged_bytes_do_no_harm(void **state)
{
    clab_value *all = everything();
    off_t n;
    int fd = serialise(all, &n), refused = 0;
    char *good = malloc((size_t)n), *bad = malloc((size_t)n);
    uint32_t r = 1;
    (void)state;

    assert_int_equal(pread(fd, good, (size_t)n, 0), n);
    for (off_t cut = 0; cut < n; cut += 3) {
        clab_value *got = NULL;
        assert_true(fetch(good, (size_t)cut, &got) != CLAB_OK);
        assert_null(got);
        clab_error_clear(cx);
    }
    for (int k = 0; k < 3000; k++) {
        clab_value *got = NULL;
        memcpy(bad, good, (size_t)n);
        for (int flips = 1 + k % 3; flips > 0; flips--) {
            r = r * 1664525u + 1013904223u;
            bad[(r >> 8) % (uint32_t)n] = (char)(r >> 3 ^ r >> 24);
        }
        if (fetch(bad, (size_t)n, &got) != CLAB_OK) {
            refused++;
            clab_error_clear(cx);
        }
        clab_value_unref(got);
    }
    assert_true(refused > 300);
    assert_true(clab_mem_peak(cx) < (int64_t)16 << 20);
    free(good);
    free(bad);
    clab_value_unref(all);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_fetched),
        cmocka_unit_test(damaged_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
