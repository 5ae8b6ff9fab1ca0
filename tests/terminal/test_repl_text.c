/* test_repl_text.c -- the prompt's pure parts: where statements end, what commands mean, what may reach the
 * terminal, and what a transcript says. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "commands.h"
#include "output.h"
#include "record.h"
#include "statements.h"
#include "wrap.h"

/* Balanced `do`/`end` and brackets stand in for the language. */
static clab_piece balanced(void *user, const char *code)
{
    int depth = 0;

    (void)user;
    for (const char *c = code; *c; c++) {
        if (strncmp(c, "do\n", 3) == 0 || *c == '(' || *c == '{')
            depth++;
        if (strncmp(c, "end\n", 4) == 0 || *c == ')' || *c == '}')
            depth--;
    }
    return depth == 0 ? CLAB_PIECE_COMPLETE : depth > 0 ? CLAB_PIECE_UNFINISHED : CLAB_PIECE_WRONG;
}

static void expect_pieces(const char *text, const char *const *want)
{
    for (; *want; want++) {
        size_t n = clab_statement_next(text, balanced, NULL);
        if (n != strlen(*want) || strncmp(text, *want, n) != 0)
            fail_msg("got \"%.*s\", not \"%s\"", (int)n, text, *want);
        text += n;
    }
    assert_int_equal(clab_statement_next(text, balanced, NULL), 0);
}

static void statements_end(void **state)
{
    (void)state;
    expect_pieces("a = 1\nb = 2\n", (const char *const[]){"a = 1\n", "b = 2\n", NULL});
    expect_pieces("-- why\n\na = 1\n-- the end\n", (const char *const[]){"-- why\n\na = 1\n", NULL});
    expect_pieces("for x do\n y\nend\nz", (const char *const[]){"for x do\n y\nend\n", "z", NULL});
    expect_pieces("ref = lab.read(f)\n  :filter{\n a=1}\n  :log1p()\nnext()\n",
                  (const char *const[]){"ref = lab.read(f)\n  :filter{\n a=1}\n  :log1p()\n", "next()\n", NULL});
    expect_pieces("x = a\n  or b\norder = 1\n", (const char *const[]){"x = a\n  or b\n", "order = 1\n", NULL});
    expect_pieces("x = a\n- b\n-- c\n::top::\n", (const char *const[]){"x = a\n- b\n", "-- c\n::top::\n", NULL});
    expect_pieces("(", (const char *const[]){"(", NULL});
    expect_pieces("", (const char *const[]){NULL});
}

static void expect_global(const char *statement, const char *want)
{
    char *got = clab_statement_global(statement);

    assert_string_equal(got, want);
    free(got);
}

static void locals_become_global(void **state)
{
    (void)state;
    expect_global("local a, b = 1, 2\n", "a, b = 1, 2\n");
    expect_global("-- note\nlocal x <close> = f()", "-- note\nx  = f()");
    expect_global("local function f()\nend", "function f()\nend");
    expect_global("local x", "x = nil");
    expect_global("locals = 1", "locals = 1");
    expect_global("do local x = 1 end", "do local x = 1 end");
}

static void prompts_are_cut_off(void **state)
{
    char transcript[] = "celllab> a = 1\ncelllab> for i = 1, 2 do\n      >> print(i)\n      >> end\n1\n2\ncelllab> a";
    char other[] = "a celllab> b\ncelllab> c";

    (void)state;
    clab_statement_unprompt(transcript);
    assert_string_equal(transcript, "a = 1\nfor i = 1, 2 do\nprint(i)\nend\na");
    clab_statement_unprompt(other);
    assert_string_equal(other, "a celllab> b\ncelllab> c");
}

static void expect_words(char **got, const char *const *want)
{
    size_t n = 0;

    assert_non_null(got);
    for (; want[n]; n++) {
        assert_non_null(got[n]);
        assert_string_equal(got[n], want[n]);
        free(got[n]);
    }
    assert_null(got[n]);
    free(got);
}

static void commands_are_completed_and_explained(void **state)
{
    char *words;

    (void)state;
    expect_words(clab_command_words("re", 2), (const char *const[]){":record", NULL});
    expect_words(clab_command_words("x", 1), (const char *const[]){NULL});
    expect_words(clab_pane_words("o", 1), (const char *const[]){"on", "off", NULL});
    words = clab_command_explain(":step");
    assert_non_null(words);
    assert_non_null(strstr(words, ":step FILE"));
    assert_null(strchr(words, '\n'));
    free(words);
    assert_null(clab_command_explain("steps"));
    assert_null(clab_command_explain(""));
    for (const char *line = clab_command_usage(); *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 80); /* the design size */
}

static void expect_wrapped(const char *text, int cols, const char *want)
{
    clab_str out = {0};

    clab_wrap(&out, text, cols);
    assert_string_equal(out.s ? out.s : "", want);
    clab_str_free(&out);
}

static void lines_are_broken_between_words(void **state)
{
    (void)state;
    setlocale(LC_CTYPE, "C.UTF-8"); /* widths of characters are the locale's */
    expect_wrapped("", 40, "");
    expect_wrapped("a line that fits\n\nand one more", 20, "a line that fits\n\nand one more");
    expect_wrapped("one sentence that is too long", 20, "one sentence that is\n  too long");
    expect_wrapped("  name    a long explanation of it", 24, "  name    a long\n          explanation of\n          it");
    expect_wrapped("a wordthatislongerthantheline b", 20, "a\n  wordthatislongerthantheline\n  b");
    expect_wrapped("gr\u00f6\u00dfe \u7d30\u80de \u7d30\u80de\u7d30\u80de x", 20,
                   "gr\u00f6\u00dfe \u7d30\u80de \u7d30\u80de\u7d30\u80de\n  x");
    expect_wrapped("no width, no breaks at all here", 0, "no width, no breaks at all here");
}

static void a_bell_is_noted(void **state)
{
    clab_output o;
    clab_str out = {0};

    (void)state;
    clab_output_init(&o, false);
    clab_output_clean(&o, "\a", 1, &out);
    assert_true(o.bell);
    assert_true(o.at_start);
    assert_int_equal(out.len, 0);
    clab_str_free(&out);
}

static void commands(void **state)
{
    (void)state;
    assert_int_equal(clab_command_parse("x = 1").kind, CLAB_CMD_NONE);
    assert_int_equal(clab_command_parse("::label::").kind, CLAB_CMD_NONE);
    assert_int_equal(clab_command_parse("").kind, CLAB_CMD_NONE);
    assert_int_equal(clab_command_parse("a\n?").kind, CLAB_CMD_NONE);
    assert_int_equal(clab_command_parse("?").kind, CLAB_CMD_USAGE);
    assert_int_equal(clab_command_parse(" :help ").kind, CLAB_CMD_USAGE);
    assert_int_equal(clab_command_parse("exit").kind, CLAB_CMD_QUIT);
    assert_int_equal(clab_command_parse(":quit").kind, CLAB_CMD_QUIT);
    assert_int_equal(clab_command_parse("x < 1?").kind, CLAB_CMD_NONE);
    assert_int_equal(clab_command_parse(":run").kind, CLAB_CMD_WRONG);
    assert_string_equal(clab_command_parse(":run  a b.lua ").text, "a b.lua");
    assert_string_equal(clab_command_parse("ds:hvg?").text, "ds:hvg");
    assert_int_equal(clab_command_parse("??ds.hvg").kind, CLAB_CMD_DEEP);
    assert_string_equal(clab_command_parse("??ds.hvg").text, "ds.hvg");
    assert_string_equal(clab_command_parse("!ls -l").text, "ls -l");
    assert_int_equal(clab_command_parse(":pane 7").rows, 7);
    assert_int_equal(clab_command_parse(":pane off").pane, CLAB_PANE_OFF);
    assert_int_equal(clab_command_parse(":pane 7x").kind, CLAB_CMD_WRONG);
    assert_int_equal(clab_command_parse(":recrod f").kind, CLAB_CMD_WRONG);
    assert_non_null(strstr(clab_command_parse(":recrod f").text, ":record"));
}

static void expect_output(bool plain, const char *in, const char *want)
{
    clab_output o;
    clab_str whole = {0}, bytewise = {0};

    clab_output_init(&o, plain);
    clab_output_clean(&o, in, strlen(in), &whole);
    clab_output_init(&o, plain);
    for (const char *c = in; *c; c++) /* the same, however it is cut into pieces */
        clab_output_clean(&o, c, 1, &bytewise);
    assert_string_equal(whole.s, want);
    assert_string_equal(bytewise.s, want);
    clab_str_free(&whole);
    clab_str_free(&bytewise);
}

static void only_attributes_pass(void **state)
{
    (void)state;
    expect_output(false, "plain\ttext\n", "plain\ttext\n");
    expect_output(false, "\033[1;31mred\033[m\n", "\033[1;31mred\033[m\n");
    expect_output(true, "\033[1;31mred\033[m\n", "red\n");
    expect_output(false, "\033[2Jx", "\\x1b[2Jx");
    expect_output(false, "\033]0;title\007", "\\x1b]0;title");
    expect_output(false, "\033cx\033[1;9rz", "\\x1bcx\\x1b[1;9rz");
    expect_output(false, "gr\xc3\xb6\xc3\x9f" "e \xc2\xb5 \xc2\x9b" "2J", "gr\xc3\xb6\xc3\x9f" "e \xc2\xb5 \\x9b2J");
    expect_output(false, "a\bb\x7f", "a\\x08b\\x7f");
}

static char *contents(const char *path)
{
    static char text[4096];
    FILE *f = fopen(path, "r");
    size_t n;

    assert_non_null(f);
    n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static void a_transcript_is_a_script(void **state)
{
    char path[] = "/tmp/celllab-record-XXXXXX", why[200];
    int fd = mkstemp(path);
    clab_record *r = clab_record_new();

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    clab_record_begin(r, "a = 1", false);
    clab_record_end(r, false);
    assert_false(clab_record_open(r, path, why, sizeof why)); /* never over an existing file */
    unlink(path);
    assert_true(clab_record_open(r, path, why, sizeof why));
    clab_record_begin(r, "a + 1", true);
    clab_record_output(r, "\033[1m2\033[m\nand", 12);
    clab_record_end(r, false);
    clab_record_begin(r, "for i do\nbad", false);
    clab_record_end(r, true);
    assert_true(clab_record_close(r));
    assert_string_equal(contents(path), "-- celllab session\na = 1\nprint(a + 1)\n-- 2\n-- and\n"
                                        "-- failed: for i do\n-- failed: bad\n");
    unlink(path);
    clab_record_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_end),       cmocka_unit_test(locals_become_global),
        cmocka_unit_test(prompts_are_cut_off),  cmocka_unit_test(commands),
        cmocka_unit_test(commands_are_completed_and_explained),
        cmocka_unit_test(lines_are_broken_between_words),
        cmocka_unit_test(a_bell_is_noted),
        cmocka_unit_test(only_attributes_pass), cmocka_unit_test(a_transcript_is_a_script),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
