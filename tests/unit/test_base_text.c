/* test_base_text.c -- foreign text made safe, natural order, sizes, near words, growing strings. */
#include <locale.h>

#include "clab_test.h"

#include "base/text.h"

static void show(const char *in, const char *want)
{
    char buf[256];

    assert_string_equal(clab_text_show(in, buf, sizeof buf), want);
}

static void shows_harmless_text(void **state)
{
    (void)state;
    show("CD4+ T, naïve \xe2\x82\xac \xf0\x9f\xa7\xac", "CD4+ T, naïve \xe2\x82\xac \xf0\x9f\xa7\xac");
    show("", "");
    show(NULL, "(none)");
}

static void measures_columns(void **state)
{
    (void)state;
    setlocale(LC_CTYPE, "C.UTF-8");
    assert_int_equal(clab_text_columns(""), 0);
    assert_int_equal(clab_text_columns("gr\u00f6\u00dfe \u7d30\u80de"), 10);
    assert_int_equal(clab_text_columns("e\u0301"), 1); /* a combining accent */
    assert_int_equal(clab_text_columns("a\xff\xc3"), 3);
    setlocale(LC_CTYPE, "C");
}

static void escapes_what_a_terminal_obeys(void **state)
{
    (void)state;
    show("\x1b]0;x\x07", "\\x1b]0;x\\x07");
    show("a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f");
    show("\xc2\x9b"
         "2J",
         "\\u009b2J"); /* C1 as UTF-8 */
    show("\x9b"
         "2J",
         "\\x9b2J");                     /* C1 as a bare byte */
    show("x\xe2\x80\xaey", "x\\u202ey"); /* right-to-left override */
    show("\xe2\x81\xa6", "\\u2066");
    show("\xc0\xaf", "\\xc0\\xaf");                   /* overlong */
    show("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* surrogate */
    show("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* past the end */
    show("\xe2\x82", "\\xe2\\x82");                   /* cut */
    show("\xff\xfe", "\\xff\\xfe");
}

static void cuts_at_whole_pieces(void **state)
{
    char buf[16];

    (void)state;
    for (size_t n = 1; n <= sizeof buf; n++) {
        memset(buf, 'Z', sizeof buf);
        clab_text_show("\xe2\x82\xac\xe2\x82\xac\x1b\x1b\x1b\x1b\x1b", buf, n);
        assert_true(strlen(buf) < n);
        if (n < sizeof buf)
            assert_int_equal(buf[n], 'Z');
        if (n > 4)
            assert_string_equal(buf + strlen(buf) - 3, "...");
    }
    assert_string_equal(clab_text_show("12345", buf, 6), "12345");
    assert_string_equal(clab_text_show("123456", buf, 6), "12...");
}

static void natural_order(void **state)
{
    static const char *const sorted[] = {"",  "a",    "a1",  "a2", "a10", "a10b",
                                         "b", "b007", "b08", "b8", "b100"};

    (void)state;
    for (size_t i = 0; i < sizeof sorted / sizeof *sorted; i++)
        for (size_t j = 0; j < sizeof sorted / sizeof *sorted; j++) {
            int d = clab_text_natural(sorted[i], sorted[j]);
            assert_int_equal((d > 0) - (d < 0), (i > j) - (i < j));
        }
}

static void sizes_in_words_and_back(void **state)
{
    int64_t v;

    (void)state;
    assert_string_equal(clab_bytes(512), "512 B");
    assert_string_equal(clab_bytes(1024), "1.0 KiB");
    assert_string_equal(clab_bytes(INT64_C(44238538342)), "41.2 GiB");
    assert_string_equal(clab_bytes(INT64_MAX), "8.0 EiB");
    assert_string_equal(clab_text_count(0), "0");
    assert_string_equal(clab_text_count(110000), "110,000");
    assert_string_equal(clab_text_count(-1234567), "-1,234,567");
    assert_string_equal(clab_text_count(-123), "-123");
    assert_true(clab_text_parse_bytes("8G", &v) && v == INT64_C(8) << 30);
    assert_true(clab_text_parse_bytes("1.5GiB", &v) && v == INT64_C(3) << 29);
    assert_true(clab_text_parse_bytes(" 512 MB", &v) && v == 512 << 20);
    assert_true(clab_text_parse_bytes("1000000", &v) && v == 1000000);
    static const char *const bad[] = {"", "G", "8Q", "8GG", "-1", "nan", "inf", "0x10", "1e40", "8 G x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (clab_text_parse_bytes(bad[i], &v))
            fail_msg("\"%s\" was taken for %" PRId64 " bytes", bad[i], v);
}

static void near_words(void **state)
{
    static const char *const names[] = {"filter_cells", "filter_genes", "normalise", "hvg"};

    (void)state;
    assert_int_equal(clab_text_near("filter_cell", names, 4), 0);
    assert_int_equal(clab_text_near("Normalize", names, 4), 2);
    assert_int_equal(clab_text_near("hgv", names, 4), 3);
    assert_int_equal(clab_text_near("concat", names, 4), -1);
    assert_int_equal(clab_text_near("x", names, 0), -1);
}

static void strings_grow(void **state)
{
    clab_str b = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        clab_str_addf(&b, "%d,", i);
    clab_str_addn(&b, "tail+", 4);
    assert_false(b.failed);
    assert_int_equal(b.len, strlen(b.s));
    assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4 + 4);
    assert_string_equal(b.s + b.len - 8, "999,tail");
    clab_str_free(&b);
    assert_null(b.s);
}

static void json_strings_hold_any_bytes(void **state)
{
    clab_str b = {0};

    (void)state;
    clab_str_add_json(&b, "a\"b\\\n\x1b\x7f\xc3\xa9\xe9|\xed\xa0\x80\xf0\x9f\xa7\xac");
    assert_string_equal(b.s, "\"a\\\"b\\\\\\u000a\\u001b\\u007f\xc3\xa9\\ufffd|\\ufffd\\ufffd\\ufffd\xf0\x9f\xa7\xac\"");
    clab_str_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_harmless_text),
        cmocka_unit_test(measures_columns),
        cmocka_unit_test(escapes_what_a_terminal_obeys),
        cmocka_unit_test(cuts_at_whole_pieces),
        cmocka_unit_test(natural_order),
        cmocka_unit_test(sizes_in_words_and_back),
        cmocka_unit_test(near_words),
        cmocka_unit_test(strings_grow),
        cmocka_unit_test(json_strings_hold_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
