/* test_data_value.c -- columns, tables and arrays: what is put in comes out, and selections follow AnnData.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/value.h"
#include "ledger/ledger.h"

static clab_ctx *cx;

static int setup(void **state)
{
    clab_ctx_opts o = {.threads = 1};
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

#define ok(call) assert_int_equal((call), CLAB_OK)

static clab_value *strings(const char *const *s, int64_t n)
{
    clab_value *v = NULL;
    ok(clab_value_strings(cx, 1, &n, s, &v));
    return v;
}

static const char *text(const clab_value *v, int64_t i)
{
    static char buf[40];
    return clab_value_at_str(v, i, buf, sizeof buf);
}

static void factor_orders_levels_naturally(void **state)
{
    const char *s[] = {"z10", "z2", NULL, "B", "a", "z2"};
    clab_value *v = NULL;
    (void)state;

    ok(clab_value_factor(cx, 6, s, &v));
    assert_int_equal(clab_value_len(v->levels), 4);
    assert_string_equal(text(v->levels, 0), "B");
    assert_string_equal(text(v->levels, 1), "a");
    assert_string_equal(text(v->levels, 2), "z2");
    assert_string_equal(text(v->levels, 3), "z10");
    assert_string_equal(text(v, 0), "z10");
    assert_null(text(v, 2));
    assert_true(clab_value_missing(v, 2));
    clab_value_unref(v);
}

static void take_drops_unused_levels(void **state)
{
    const char *s[] = {"a", "b", "c", "b"};
    int64_t idx[] = {3, -1, 2};
    clab_value *v = NULL, *t = NULL;
    (void)state;

    ok(clab_value_factor(cx, 4, s, &v));
    ok(clab_value_take(cx, v, idx, 3, &t));
    assert_int_equal(clab_value_len(t->levels), 2);
    assert_string_equal(text(t, 0), "b");
    assert_null(text(t, 1));
    assert_string_equal(text(t, 2), "c");
    assert_string_equal(text(v, 0), "a"); /* the old one is as it was */
    clab_value_unref(t);
    clab_value_unref(v);
}

static void missing_rows_keep_their_kind(void **state)
{
    int64_t three = 3, idx[] = {2, -1};
    int32_t whole[] = {1, 2, 3};
    uint8_t flags[] = {1, 0, 1};
    const char *s[] = {"x", "", "z"};
    clab_value *v = NULL, *t = NULL;
    (void)state;

    ok(clab_value_array(cx, CLAB_I32, 1, &three, whole, &v));
    ok(clab_value_take(cx, v, idx, 2, &t));
    assert_int_equal(t->dtype, CLAB_F64);
    assert_true(clab_value_at_num(t, 0) == 3.0 && isnan(clab_value_at_num(t, 1)));
    clab_value_unref(t);
    ok(clab_value_take(cx, v, idx, 1, &t));
    assert_int_equal(t->dtype, CLAB_I32);
    clab_value_unref(t);
    clab_value_unref(v);

    ok(clab_value_array(cx, CLAB_BOOL, 1, &three, flags, &v));
    ok(clab_value_take(cx, v, idx, 2, &t));
    assert_int_equal(t->kind, CLAB_V_NULLABLE);
    assert_string_equal(text(t, 0), "True");
    assert_true(clab_value_missing(t, 1));
    clab_value_unref(t);
    clab_value_unref(v);

    v = strings(s, 3);
    ok(clab_value_take(cx, v, idx, 2, &t));
    assert_string_equal(text(t, 0), "z");
    assert_true(clab_value_missing(t, 1));
    clab_value_unref(t);
    clab_value_unref(v);
}

static void counts_fall_and_ties_keep_first_appearance(void **state)
{
    const char *s[] = {"q", "p", "p", "z", "q", "o"};
    int64_t six = 6, *n = NULL, missing = -1;
    double x[] = {2.5, NAN, 1, 2.5, 1, 9};
    clab_value *v = strings(s, 6), *levels = NULL;
    (void)state;

    ok(clab_value_counts(cx, v, &levels, &n, &missing));
    assert_int_equal(clab_value_len(levels), 4);
    assert_string_equal(text(levels, 0), "q");
    assert_string_equal(text(levels, 1), "p");
    assert_string_equal(text(levels, 2), "z");
    assert_int_equal(n[0], 2);
    assert_int_equal(n[3], 1);
    assert_int_equal(missing, 0);
    clab_mem_free(cx, n);
    clab_value_unref(levels);
    clab_value_unref(v);

    ok(clab_value_array(cx, CLAB_F64, 1, &six, x, &v));
    ok(clab_value_counts(cx, v, &levels, &n, &missing));
    assert_int_equal(clab_value_len(levels), 3);
    assert_string_equal(text(levels, 0), "2.5");
    assert_string_equal(text(levels, 1), "1");
    assert_string_equal(text(levels, 2), "9");
    assert_int_equal(missing, 1);
    clab_mem_free(cx, n);
    clab_value_unref(levels);
    clab_value_unref(v);
}

static void codes_are_sorted(void **state)
{
    const char *s[] = {"b", "B", "a10", "a2", "b"};
    int64_t big[] = {INT64_MAX, INT64_MAX - 1, -5, INT64_MAX}, four = 4;
    int32_t *codes = NULL;
    clab_value *v = strings(s, 5), *levels = NULL;
    (void)state;

    ok(clab_value_codes(cx, v, &levels, &codes));
    assert_string_equal(text(levels, 0), "B"); /* plain order: capitals first, a10 before a2 */
    assert_string_equal(text(levels, 1), "a10");
    assert_int_equal(codes[0], 3);
    assert_int_equal(codes[1], 0);
    assert_int_equal(codes[4], 3);
    clab_mem_free(cx, codes);
    clab_value_unref(levels);
    clab_value_unref(v);

    ok(clab_value_array(cx, CLAB_I64, 1, &four, big, &v)); /* neighbours that a double cannot tell apart */
    ok(clab_value_codes(cx, v, &levels, &codes));
    assert_int_equal(clab_value_len(levels), 3);
    assert_int_equal(codes[0], 2);
    assert_int_equal(codes[1], 1);
    assert_int_equal(codes[2], 0);
    assert_int_equal(codes[3], 2);
    clab_mem_free(cx, codes);
    clab_value_unref(levels);
    clab_value_unref(v);
}

static void floats_print_as_short_as_they_can(void **state)
{
    int64_t one = 1;
    float f = 0.1f;
    double d = 0.1 + 0.2;
    clab_value *v = NULL;
    (void)state;

    ok(clab_value_array(cx, CLAB_F32, 1, &one, &f, &v));
    assert_string_equal(text(v, 0), "0.1");
    clab_value_unref(v);
    ok(clab_value_array(cx, CLAB_F64, 1, &one, &d, &v));
    assert_string_equal(text(v, 0), "0.30000000000000004");
    clab_value_unref(v);
}

static void containers_hold_columns_of_one_length(void **state)
{
    const char *names[] = {"c1", "c2"}, *three[] = {"a", "b", "c"};
    clab_value *index = strings(names, 2), *table = NULL, *copy = NULL, *bad = strings(three, 3),
               *dict = NULL;
    (void)state;

    ok(clab_value_table(cx, index, NULL, &table));
    ok(clab_value_set(cx, table, "x", index));
    assert_int_equal(clab_value_set(cx, table, "y", bad), CLAB_ESHAPE);
    assert_non_null(strstr(clab_error_text(cx), "y has 3 values"));
    clab_error_clear(cx);
    ok(clab_value_copy(cx, table, &copy));
    assert_true(clab_value_equal(copy, table));
    ok(clab_value_set(cx, copy, "z", index));
    assert_false(clab_value_equal(copy, table));
    assert_null(clab_value_get(table, "z"));
    assert_true(clab_value_remove(copy, "x"));
    assert_false(clab_value_remove(copy, "x"));
    assert_string_equal(copy->names[0], "z");
    ok(clab_value_dict(cx, &dict));
    for (int i = 0; i < 40; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        ok(clab_value_set(cx, dict, key, bad));
    }
    for (int i = 0; i < 20; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        assert_true(clab_value_remove(dict, key));
    }
    ok(clab_value_set(cx, dict, "again", bad));
    assert_int_equal(dict->n_items, 21);
    assert_ptr_equal(clab_value_get(dict, "k39"), bad);
    clab_value_unref(dict);
    clab_value_unref(bad);
    clab_value_unref(copy);
    clab_value_unref(table);
    clab_value_unref(index);
}

static void pairs_are_taken_in_both_dimensions(void **state)
{
    int64_t indptr[] = {0, 2, 3, 4}, idx[] = {2, 0, 0};
    int32_t indices[] = {0, 2, 1, 0};
    float x[] = {1, 2, 3, 4};
    double dense[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    clab_value *v = NULL, *t = NULL;
    (void)state;

    ok(clab_value_sparse(cx, CLAB_F32, 3, 3, indptr, indices, x, &v));
    ok(clab_value_take2(cx, v, idx, 3, &t)); /* rows 2,0,0 x columns 2,0,0 */
    int64_t want_ptr[] = {0, 2, 5, 8};
    int32_t want[] = {1, 2, 0, 1, 2, 0, 1, 2};
    float want_x[] = {4, 4, 2, 1, 1, 2, 1, 1};
    assert_memory_equal(t->indptr, want_ptr, sizeof want_ptr);
    assert_memory_equal(t->indices, want, sizeof want);
    assert_memory_equal(t->data, want_x, sizeof want_x);
    clab_value_unref(t);
    clab_value_unref(v);

    ok(clab_value_array(cx, CLAB_F64, 2, (int64_t[]){3, 3}, dense, &v));
    ok(clab_value_take2(cx, v, idx, 2, &t));
    double want_d[] = {9, 7, 3, 1};
    assert_memory_equal(t->data, want_d, sizeof want_d);
    clab_value_unref(t);
    clab_value_unref(v);
}

static void impossible_values_are_refused(void **state)
{
    int64_t one = 1, huge[] = {INT64_MAX, 3}, holes[] = {0, INT64_MAX, INT64_MAX}, falling[] = {0, 2, 1},
            idx = 5;
    int32_t code = 1, column[] = {0, 7};
    const char *a[] = {"a"};
    float x[2] = {0};
    clab_value *v = NULL, *levels = strings(a, 1);
    (void)state;

    assert_int_equal(clab_value_array(cx, CLAB_F32, 2, huge, NULL, &v), CLAB_ESHAPE);
    clab_error_clear(cx);
    assert_int_equal(clab_value_array(cx, CLAB_F32, 3, holes, NULL, &v), CLAB_ESHAPE);
    clab_error_clear(cx);
    assert_int_equal(clab_value_array(cx, CLAB_F32, 9, huge, NULL, &v), CLAB_ESHAPE);
    clab_error_clear(cx);
    assert_int_equal(clab_value_categorical(cx, one, &code, levels, false, &v), CLAB_EFORMAT);
    clab_error_clear(cx);
    assert_int_equal(clab_value_sparse(cx, CLAB_F32, 2, 3, falling, column, x, &v), CLAB_EFORMAT);
    clab_error_clear(cx);
    assert_int_equal(clab_value_sparse(cx, CLAB_F32, 1, 3, falling, column, x, &v), CLAB_EFORMAT);
    clab_error_clear(cx);
    assert_int_equal(clab_value_take(cx, levels, &idx, 1, &v), CLAB_ESHAPE);
    clab_error_clear(cx);
    assert_null(v);
    clab_value_unref(levels);
}

static void bytes_come_back(void **state)
{
    clab_ledger *lg = NULL;
    clab_ledger_opts o = {0};
    int64_t n = 100000, before;
    clab_value *v = NULL;
    (void)state;

    ok(clab_ledger_new(cx, &o, &lg));
    before = clab_mem_live(cx);
    ok(clab_value_array(cx, CLAB_F64, 1, &n, NULL, &v));
    assert_true(clab_mem_live(cx) - before >= 8 * n);
    assert_true(clab_value_bytes(v) >= 8 * n);
    assert_ptr_equal(clab_value_ref(v), v);
    clab_value_unref(v);
    assert_true(clab_mem_live(cx) > before);
    clab_value_unref(v);
    assert_int_equal(clab_mem_live(cx), before);
    clab_ledger_free(lg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factor_orders_levels_naturally),
        cmocka_unit_test(take_drops_unused_levels),
        cmocka_unit_test(missing_rows_keep_their_kind),
        cmocka_unit_test(counts_fall_and_ties_keep_first_appearance),
        cmocka_unit_test(codes_are_sorted),
        cmocka_unit_test(floats_print_as_short_as_they_can),
        cmocka_unit_test(containers_hold_columns_of_one_length),
        cmocka_unit_test(pairs_are_taken_in_both_dimensions),
        cmocka_unit_test(impossible_values_are_refused),
        cmocka_unit_test(bytes_come_back),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
