/* test_io_csv_read.c -- RFC 4180 read as text columns, and what is refused. */
#include "clab_test.h"
#include "data/value.h"
#include "io/csv_read.h"

static const char *cell(const clab_value *t, const char *column, int64_t row)
{
    static char buf[8][64];
    static int next;
    char *b = buf[next++ % 8];

    return clab_value_at_str(clab_value_get(t, column), row, b, 64);
}

static void test_fields(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_value *t = NULL;

    (void)state;
    test_write_text(test_temp("a.csv"), "\xef\xbb\xbf" "cell,cell type,note\r\n"
                                        "a,\"B, naive\",\"two\nlines\"\r\n"
                                        "b,\"say \"\"T\"\"\",\r\n"
                                        "\r\n"
                                        "c,plain,last");
    assert_clab_ok(cx, clab_csv_read(cx, test_temp("a.csv"), &t));
    assert_int_equal(clab_value_len(t), 3);
    assert_int_equal(t->n_items, 3);
    assert_string_equal(t->names[0], "cell");
    assert_string_equal(cell(t, "cell type", 0), "B, naive");
    assert_string_equal(cell(t, "note", 0), "two\nlines");
    assert_string_equal(cell(t, "cell type", 1), "say \"T\"");
    assert_string_equal(cell(t, "note", 1), "");
    assert_string_equal(cell(t, "note", 2), "last");
    clab_value_unref(t);
    test_ctx_free(cx);
}

static void test_header_only(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_value *t = NULL;

    (void)state;
    test_write_text(test_temp("h.csv"), "cell,label\n");
    assert_clab_ok(cx, clab_csv_read(cx, test_temp("h.csv"), &t));
    assert_int_equal(clab_value_len(t), 0);
    assert_int_equal(t->n_items, 2);
    clab_value_unref(t);
    test_ctx_free(cx);
}

static void test_refusals(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_value *t = NULL;

    (void)state;
    assert_clab_fails(cx, clab_csv_read(cx, test_temp("none.csv"), &t), CLAB_ENOTFOUND, "none.csv");
    test_write_text(test_temp("e.csv"), "");
    assert_clab_fails(cx, clab_csv_read(cx, test_temp("e.csv"), &t), CLAB_EFORMAT, "empty");
    test_write_text(test_temp("r.csv"), "a,b\n1,2\n1,2,3\n");
    assert_clab_fails(cx, clab_csv_read(cx, test_temp("r.csv"), &t), CLAB_EFORMAT, "row 3 has 3 fields");
    test_write_text(test_temp("q.csv"), "a,b\n1,\"open\n");
    assert_clab_fails(cx, clab_csv_read(cx, test_temp("q.csv"), &t), CLAB_EFORMAT, "never closed");
    assert_null(t);
    test_ctx_free(cx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_header_only),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
