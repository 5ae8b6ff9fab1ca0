/* test_plan_words.c -- plans as text and JSON, there and back; the promise; the guide's calculation. */
#include "clab_test.h"

#include "plan/plan.h"

#define MIB ((int64_t)1 << 20)

static clab_timeline_row rows[] = {
    {.line = 3, .text = "ref = lab.read(\"a \\ b.h5ad\")", .steps = "read", .runs = 1, .live = 100 * MIB,
     .peak = 300 * MIB, .read = 7},
    {.line = 5, .text = "x = 1", .runs = 2, .live = 100 * MIB, .peak = 100 * MIB},
};
static const clab_timeline plan = {.planned = true, .rows = rows, .n = 2, .base = 20 * MIB, .peak = 300 * MIB};

static void json_goes_there_and_back(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_timeline back = {0};
    char *json = NULL, *text = NULL;

    (void)state;
    assert_clab_ok(cx, clab_plan_json(cx, &plan, "s.lua", &json));
    assert_holds(json, "\"peak_bytes\": 314572800");
    assert_holds(json, "\"mem_request\": 469762048"); /* 300 + 37.5 + 64 MiB, in units of 64 */
    test_write_text(test_temp("t.json"), json);
    assert_clab_ok(cx, clab_plan_read(cx, test_temp("t.json"), &back));
    assert_true(back.planned);
    assert_int_equal(back.n, 2);
    assert_int_equal(back.peak, 300 * MIB);
    assert_string_equal(back.rows[0].text, rows[0].text);
    assert_string_equal(back.rows[0].steps, "read");
    assert_string_equal(back.rows[1].steps, "");
    assert_clab_ok(cx, clab_plan_compare_text(cx, &plan, &back, "s.lua", &text));
    assert_holds(text, "Total Peak");
    assert_holds(text, "+0.0 %");
    assert_holds(text, "the prediction holds");
    free(text);
    assert_clab_ok(cx, clab_plan_text(cx, &plan, "s.lua", &text));
    assert_holds(text, "--mem=448M");
    free(text);
    free(json);
    clab_timeline_free(&back);
    test_ctx_free(cx);
}

static void other_files_are_refused(void **state)
{
    static const char *const wrong[] = {"", "{", "[]", "{\"steps\": 3}", "{\"steps\": {}}"};
    clab_ctx *cx = test_ctx(1);
    clab_timeline t;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        test_write_text(test_temp("w.json"), wrong[i]);
        assert_clab_fails(cx, clab_plan_read(cx, test_temp("w.json"), &t), CLAB_EFORMAT, "w.json");
    }
    test_write_text(test_temp("w.json"), "{\"steps\": [3, {\"line\": -1, \"peak_bytes\": 1e30, \"text\": [], \"step\": \"\\u0007\"}]}");
    assert_clab_ok(cx, clab_plan_read(cx, test_temp("w.json"), &t));
    assert_int_equal(t.n, 2);
    assert_int_equal(t.rows[1].peak, 0);
    assert_string_equal(t.rows[1].steps, "\\x07");
    clab_timeline_free(&t);
    test_ctx_free(cx);
}

static void the_promise(void **state)
{
    (void)state;
    assert_true(clab_plan_is_good(75 * MIB, 75 * MIB));
    assert_true(clab_plan_is_good(106 * MIB, 75 * MIB));
    assert_false(clab_plan_is_good(108 * MIB, 75 * MIB));
    assert_true(clab_plan_is_good(1090 * MIB, 1000 * MIB));
    assert_false(clab_plan_is_good(1110 * MIB, 1000 * MIB));
    assert_true(clab_plan_is_good(960 * MIB, 1000 * MIB));
    assert_false(clab_plan_is_good(940 * MIB, 1000 * MIB)); /* within a tenth, but too far below */
    assert_false(clab_plan_is_good(70 * MIB, 75 * MIB));
}

static void the_guide(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_guide g = {50000, 30000, 60000, 30000, 35000, 0.09, true};
    clab_guide_row r[CLAB_GUIDE_ROWS];
    int n = clab_guide_rows(&g, r), dense = 0;

    (void)state;
    assert_clab_ok(cx, clab_guide_check(cx, &g));
    for (int i = 0; i < n; i++)
        dense += r[i].usual == (int64_t)110000 * 35000 * 8;
    assert_int_equal(dense, 3); /* scaled, .raw, toarray(): 30.8 GB each */
    g.union_genes = 20000;
    assert_clab_fails(cx, clab_guide_check(cx, &g), CLAB_EARG, "impossible");
    test_ctx_free(cx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_goes_there_and_back),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(the_promise),
        cmocka_unit_test(the_guide),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
