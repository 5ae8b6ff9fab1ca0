/* test_data_where.c -- expressions over obs: what they select, and what is said when they are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/dataset.h"

#define N 6

static clab_ctx *cx;
static clab_dataset *d;
static char said[4096];

#define ok(call) assert_int_equal((call), CLAB_OK)

static void note(void *user, clab_note_level level, const char *text)
{
    (void)user;
    (void)level;
    snprintf(said, sizeof said, "%s", text);
}

static void add_column(const char *name, clab_value *v)
{
    ok(clab_dataset_obs_set(cx, d, name, v));
    clab_value_unref(v);
}

static void fill(void)
{
    const char *cells[N] = {"c0", "c1", "c2", "c3", "c4", "c5"};
    const char *type[N] = {"B", "T", NULL, "NK", "B", "T"}, *note_[N] = {"x", "it's", "", "x", "y", "z"};
    const char *sizes[3] = {"small", "medium", "large"};
    int32_t codes[N] = {0, 1, 2, -1, 2, 1};
    int64_t n = N, three = 3, genes[N] = {100, 200, 300, 400, 500, 600};
    float score[N] = {0.9f, 0.1f, NAN, 0.5f, 0.95f, 0.2f};
    uint8_t flag[N] = {1, 0, 0, 1, 0, 1}, mask[N] = {0, 0, 0, 1, 0, 0};
    clab_value *index = NULL, *obs = NULL, *var = NULL, *v = NULL, *levels = NULL, *inner = NULL;

    ok(clab_value_strings(cx, 1, &n, cells, &index));
    ok(clab_value_table(cx, index, NULL, &obs));
    ok(clab_value_table(cx, index, NULL, &var));
    ok(clab_dataset_new(cx, "toy", NULL, obs, var, &d));
    ok(clab_value_factor(cx, N, type, &v));
    add_column("type", v);
    ok(clab_value_strings(cx, 1, &n, note_, &v));
    add_column("odd name", v);
    ok(clab_value_array(cx, CLAB_I64, 1, &n, genes, &v));
    add_column("n_genes", v);
    ok(clab_value_array(cx, CLAB_F32, 1, &n, score, &v));
    add_column("score", v);
    ok(clab_value_array(cx, CLAB_BOOL, 1, &n, flag, &inner));
    add_column("flag", clab_value_ref(inner));
    ok(clab_value_nullable(cx, inner, mask, &v));
    add_column("maybe", v);
    ok(clab_value_strings(cx, 1, &three, sizes, &levels));
    ok(clab_value_categorical(cx, N, codes, levels, true, &v));
    add_column("size", v);
    clab_value_unref(levels);
    clab_value_unref(inner);
    clab_value_unref(index);
    clab_value_unref(obs);
    clab_value_unref(var);
}

static int setup(void **state)
{
    clab_ctx_opts o = {.threads = 1, .note = note};
    (void)state;
    cx = clab_ctx_new(&o);
    if (!cx)
        return -1;
    fill();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    clab_dataset_unref(d);
    clab_ctx_free(cx);
    return 0;
}

/* `want`: one character a cell, 1 = selected. */
static void selects(const char *expression, const char *want)
{
    uint8_t mask[N];
    char got[N + 1] = "";

    if (clab_where(cx, d, expression, mask) != CLAB_OK)
        fail_msg("%s: %s", expression, clab_error_text(cx));
    for (int i = 0; i < N; i++)
        got[i] = mask[i] ? '1' : '0';
    if (strcmp(got, want) != 0)
        fail_msg("%s selects %s, not %s", expression, got, want);
}

static void fails(const char *expression, clab_status status, const char *words)
{
    uint8_t mask[N];
    clab_status s = clab_where(cx, d, expression, mask);

    if (s != status || !strstr(clab_error_text(cx), words))
        fail_msg("%s: %s: %s; expected: %s", expression, clab_status_name(s), clab_error_text(cx), words);
    clab_error_clear(cx);
}

static void comparisons(void **state)
{
    (void)state;
    selects("type == 'B'", "100010");
    selects("type ~= 'B'", "010101");
    selects("'B' != type", "010101");
    selects("n_genes >= 300", "001111");
    selects("300 > n_genes", "110000");
    selects("200 <= n_genes < 500", "011100");
    selects("score >= 0.9", "100010"); /* in float32, as it stands there */
    selects("`odd name` == \"it's\"", "010000");
    selects("`odd name` == 'it''s'", "010000");
    selects("n_genes == -1", "000000");
    selects("n_genes > 1e2", "011111");
    selects("flag", "100101");
    selects("not flag", "011010");
    selects("flag == false", "011010");
    selects("maybe", "100001");
    selects("size < 'large'", "110001");
    selects("size >= 'medium'", "011011");
    selects("n_genes == n_genes", "111111");
    selects("true", "111111");
}

static void sets_and_connectives(void **state)
{
    (void)state;
    selects("type in {'B', 'NK'}", "100110");
    selects("type not in {'B', 'NK'}", "010001");
    selects("n_genes in [100, 600]", "100001");
    selects("type in {}", "000000");
    selects("type == 'B' and n_genes > 200 or flag", "100111");
    selects("type == 'B' and (n_genes > 600 or flag)", "100000");
    selects("type == 'T' && !flag", "010000");
    selects("(type == 'T') | (type == 'B')", "110011");
    selects("not not flag", "100101");
}

static void missing_is_false(void **state)
{
    (void)state;
    selects("missing(type)", "001000");
    selects("not missing(score)", "110111");
    selects("not (type == 'B')", "010101");
    selects("not maybe", "011010");
    selects("type == 'B' or score < 0.3", "110011");
    selects("type == 'B' or missing(type)", "101010");
    selects("score != 0.5", "110011");
}

static void slips_are_told(void **state)
{
    (void)state;
    said[0] = '\0';
    selects("type == 'NKK'", "000000");
    assert_non_null(strstr(said, "did you mean NK?"));
}

static void errors_name_place_and_remedy(void **state)
{
    (void)state;
    fails("typ == 'B'", CLAB_ENOTFOUND, "there are: type, odd name");
    fails("typ == 'B'", CLAB_ENOTFOUND, "did you mean type?");
    fails("type == B", CLAB_ENOTFOUND, "character 9");
    fails("type = 'B'", CLAB_EARG, "equality is written ==");
    fails("type == 'B", CLAB_EARG, "never closed");
    fails("type == 3", CLAB_EARG, "in quotes");
    fails("n_genes == '3'", CLAB_EARG, "without quotes");
    fails("n_genes", CLAB_EARG, "stand alone");
    fails("3 == 3", CLAB_EARG, "two constants");
    fails("", CLAB_EARG, "ends too early");
    fails("type ==", CLAB_EARG, "ends too early");
    fails("(type == 'B'", CLAB_EARG, "expected )");
    fails("type == 'B' type", CLAB_EARG, "character 13");
    fails("type in 'B'", CLAB_EARG, "expected {");
    fails("type in {B}", CLAB_EARG, "in quotes");
    fails("type not 'B'", CLAB_EARG, "expected in after not");
    fails("missing(3)", CLAB_EARG, "missing(column)");
    fails("n_genes > 10x", CLAB_EARG, "no number");
    fails("size < 'huge'", CLAB_EARG, "no such level");
    fails("type # 3", CLAB_EARG, "means nothing");
    fails("type == 'B' and and", CLAB_EARG, "expected a column");
}

static void depth_is_bounded(void **state)
{
    char deep[4000];
    (void)state;
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    fails(deep, CLAB_EARG, "too deeply");
}

/* Any bytes give an answer or an error, never a crash. */
static void garbage_survives(void **state)
{
    static const char pieces[][10] = {"type", "'B'", "==",   "(", ")",   "in",      "{", "}",  ",",
                                      "not",  "and", "flag", "3", "`x`", "missing", "<", "\"", "\x80"};
    uint32_t r = 7;
    (void)state;

    for (int k = 0; k < 20000; k++) {
        char text[200] = "";
        uint8_t mask[N];
        r = r * 1664525u + 1013904223u;
        for (uint32_t n = 1 + (r >> 24) % 12; n > 0; n--) {
            r = r * 1664525u + 1013904223u;
            strcat(text, pieces[(r >> 16) % (sizeof pieces / sizeof *pieces)]);
            strcat(text, " ");
        }
        if (clab_where(cx, d, text, mask) != CLAB_OK) {
            assert_true(clab_error_text(cx)[0] != '\0');
            clab_error_clear(cx);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons),
        cmocka_unit_test(sets_and_connectives),
        cmocka_unit_test(missing_is_false),
        cmocka_unit_test(slips_are_told),
        cmocka_unit_test(errors_name_place_and_remedy),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(garbage_survives),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
