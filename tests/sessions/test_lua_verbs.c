/* test_lua_verbs.c -- eval, check, complete and help, driven without a terminal. */
#include "clab_test.h"
#include "clab_lua.h"
#include "roles.h"

typedef struct {
    clab_ctx *cx;
    clab_lua *lua;
    char out[8192];
    size_t n;
} session;

static void print(void *user, const char *text, size_t n)
{
    session *s = user;

    if (s->n + n < sizeof s->out) {
        memcpy(s->out + s->n, text, n);
        s->n += n;
        s->out[s->n] = '\0';
    }
}

static int setup(void **state)
{
    static session s;
    clab_lua_opts o = {.print = print, .user = &s, .interactive = true};

    memset(&s, 0, sizeof s);
    s.cx = test_ctx(2);
    assert_clab_ok(s.cx, clab_lua_new(s.cx, &o, &s.lua));
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    session *s = *state;

    clab_lua_free(s->lua);
    test_ctx_free(s->cx);
    return 0;
}

/* Evaluates; what was printed. */
static const char *eval(session *s, const char *code)
{
    char *err = NULL;
    clab_lua_result r;

    s->n = 0;
    s->out[0] = '\0';
    r = clab_lua_eval(s->lua, code, "=prompt", &err);
    if (r != CLAB_LUA_OK)
        fprintf(stderr, "%s: %s\n", code, err ? err : "");
    free(err);
    assert_int_equal(r, CLAB_LUA_OK);
    return s->out;
}

/* The words offered at the end of `text`, separated by blanks; *start is checked against `word`. */
static const char *offered(session *s, const char *text, const char *word)
{
    static char line[8192];
    size_t start = 0, n = 0;
    char **words = clab_lua_complete(s->lua, text, strlen(text), &start);

    line[0] = '\0';
    for (size_t i = 0; words[i]; i++) {
        n += (size_t)snprintf(line + n, sizeof line - n, "%s%s", i ? " " : "", words[i]);
        free(words[i]);
    }
    free(words);
    assert_string_equal(text + start, word);
    return line;
}

static void test_results_are_printed(void **state)
{
    session *s = *state;

    assert_string_equal(eval(s, "1 + 1"), "2\n");
    assert_string_equal(eval(s, "x = 5"), "");
    assert_string_equal(eval(s, "x, 'a'"), "5\ta\n");
    assert_string_equal(eval(s, "{3, 4, b = 'c', a = true}"), "{3, 4, a = true, b = \"c\"}\n");
    assert_string_equal(eval(s, "print('\\27[31m')"), "\\x1b[31m\n");
}

static void test_unfinished_statements(void **state)
{
    session *s = *state;

    assert_int_equal(clab_lua_check(s->lua, "for i = 1, 3 do"), CLAB_LUA_INCOMPLETE);
    assert_int_equal(clab_lua_check(s->lua, "f = {"), CLAB_LUA_INCOMPLETE);
    assert_int_equal(clab_lua_check(s->lua, "1 +"), CLAB_LUA_INCOMPLETE);
    assert_int_equal(clab_lua_check(s->lua, "x = = 1"), CLAB_LUA_ERROR);
    assert_int_equal(clab_lua_check(s->lua, "x"), CLAB_LUA_OK);
}

static void test_cancel_is_not_swallowed(void **state)
{
    session *s = *state;
    char *err = NULL;

    clab_cancel(s->cx);
    assert_int_equal(
        clab_lua_eval(s->lua, "while true do pcall(function() while true do end end) end", "=prompt", &err),
        CLAB_LUA_INTERRUPTED);
    free(err);
    clab_cancel_clear(s->cx);
    assert_string_equal(eval(s, "'alive'"), "alive\n");
}

static void test_errors_have_words(void **state)
{
    session *s = *state;
    char *err = NULL;

    assert_int_equal(clab_lua_eval(s->lua, "lab.read('nowhere.h5ad')", "=prompt", &err), CLAB_LUA_ERROR);
    assert_holds(err, "there is no file nowhere.h5ad");
    free(err);
    assert_int_equal(clab_lua_eval(s->lua, "lab.nothing()", "=prompt", &err), CLAB_LUA_ERROR);
    assert_holds(err, "nothing");
    free(err);
}

static void test_completion_of_names(void **state)
{
    session *s = *state;

    eval(s, "query_one = 1; query_two = {inside = {deep = 1}}");
    assert_string_equal(offered(s, "print(query_", "query_"), "query_one query_two");
    assert_string_equal(offered(s, "query_two.in", "in"), "inside");
    assert_string_equal(offered(s, "query_two.inside.", ""), "deep");
    assert_string_equal(offered(s, "lab.con", "con"), "concat");
    assert_string_equal(offered(s, "x = 'lab.con' .. lab.comp", "comp"), "compare");
    assert_holds(offered(s, "lab.read('x'):filter_", "filter_"), "filter_cells filter_genes");
    assert_holds(offered(s, "lab.scvi(x):", ""), "latent");
}

/* A metamethod of the user's must not run because of a TAB. */
static void test_completion_has_no_effects(void **state)
{
    session *s = *state;

    eval(s, "trap = setmetatable({}, {__index = function() touched = true end})");
    offered(s, "trap.some.thing", "thing");
    offered(s, "trap.", "");
    assert_string_equal(eval(s, "touched"), "nil\n");
}

static void test_completion_of_arguments(void **state)
{
    session *s = *state;

    assert_holds(offered(s, "lab.read('x', {", ""), "counts=");
    assert_string_equal(offered(s, "lab.concat({a, b}, {join='inner',\n  lab", "lab"), "label=");
    assert_holds(offered(s, "lab.concat({a, b}, {join=", ""), "\"outer\"");
    assert_string_equal(offered(s, "lab.concat({a, b}, {join=\"", ""), "inner outer");
    assert_holds(offered(s, "ref:filter_cells{", ""), "min_genes=");
    assert_holds(offered(s, "m:train{early_stopping=", ""), "true");
}

static void test_completion_of_columns_and_paths(void **state)
{
    session *s = *state;
    char code[512];

    snprintf(code, sizeof code, "ds = lab.read('%s'); ds.obs['odd name'] = 1",
             test_source("tests/sessions/data/symbols.h5ad"));
    eval(s, code);
    assert_holds(offered(s, "ds.obs.", ""), "cell_type");
    assert_string_equal(offered(s, "ds.obs.ce", "ce"), "cell_type");
    assert_string_equal(offered(s, "ds.obs[\"", ""), "cell_type odd name");
    assert_string_equal(offered(s, "ds:keep_labels{by=\"", ""), "cell_type odd name");
    assert_string_equal(offered(s, "ds:where(\"ce", "ce"), "cell_type");
    assert_string_equal(offered(s, "lab.scvi(ds, {batch='ce", "ce"), "cell_type");
    snprintf(code, sizeof code, "lab.read('%s", test_source("tests/sessions/data/sym"));
    assert_holds(offered(s, code, test_source("tests/sessions/data/sym")), "tests/sessions/data/symbols.h5ad");
    eval(s, "ds:free(); ds = nil; collectgarbage()");
}

static void test_help(void **state)
{
    session *s = *state;
    static const struct {
        const char *name, *words;
        bool deep;
    } cases[] = {
        {"hvg", "n_top", false},
        {"hvg", "formula", true},
        {"lab.read", "counts", false},
        {"Dataset", "filter_cells", false},
        {"lab", "concat", false},
        {"filter_cell", "filter_cells", false},
        {"", "lab.read(\"reference.h5ad\")", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = clab_lua_help(s->lua, cases[i].name, cases[i].deep);
        assert_holds(text, cases[i].words);
        free(text);
    }
}

static void test_exit_is_asked_for(void **state)
{
    session *s = *state;
    char *err = NULL;
    int code = -1;

    assert_false(clab_lua_exiting(s->lua, &code));
    assert_int_equal(clab_lua_eval(s->lua, "pcall(os.exit, 4) while true do end", "=prompt", &err),
                     CLAB_LUA_OK);
    assert_true(clab_lua_exiting(s->lua, &code));
    assert_int_equal(code, 4);
    free(err);
}

static void test_memory_by_statements(void **state)
{
    session *s = *state;
    char code[600];

    eval(s, "x = 1"); /* [1] */
    snprintf(code, sizeof code, "a = lab.read('%s')", test_source("examples/data/pbmc_query.h5ad"));
    eval(s, code); /* [2] */
    assert_holds(eval(s, "mem.diff()"), "counts  RAM      X of pbmc_query.h5ad          [2]");
    assert_holds(s->out, "in memory, since [2]");
    assert_holds(eval(s, "mem.diff()"), "+0 B  in memory, since [3]");
    eval(s, "do local o = mem().objects[1] assert(o.line == '[2]' and o.text:sub(1, 12) == 'a = lab.read') end");
    eval(s, "b = a:filter_cells{min_genes = 3}"); /* [6] */
    assert_holds(eval(s, "mem.diff()"), "[6]");
    assert_holds(eval(s, "mem()"), "held only by a, b (2 handles)");
    eval(s, "b = nil");
    assert_holds(eval(s, "mem()"), "garbage, comes back with collectgarbage()");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_results_are_printed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unfinished_statements, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel_is_not_swallowed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors_have_words, setup, teardown),
        cmocka_unit_test_setup_teardown(test_completion_of_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_completion_has_no_effects, setup, teardown),
        cmocka_unit_test_setup_teardown(test_completion_of_arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(test_completion_of_columns_and_paths, setup, teardown),
        cmocka_unit_test_setup_teardown(test_help, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exit_is_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory_by_statements, setup, teardown),
    };

    if (argc > 1 && strcmp(argv[1], "--guest") == 0)
        return clab_guest_main(argc, argv, clab_roles); /* files are read by a guest of this program */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
