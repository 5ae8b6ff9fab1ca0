/* clab_test.c -- the helpers of clab_test.h. */
#include "clab_test.h"

#include <ftw.h>
#include <math.h>
#include <unistd.h>

#include "base/text.h"

static clab_str notes;
static char *said;
static char dir[64];

/* ---- context ------------------------------------------------------------------------------------*/

static void keep_note(void *user, clab_note_level level, const char *text)
{
    (void)user;
    clab_str_addf(&notes, "%s%s\n", level == CLAB_NOTE_WARN ? "warning: " : "", text);
}

clab_ctx *test_ctx_budget(int threads, int64_t budget_bytes)
{
    clab_ctx *cx = clab_ctx_new(&(clab_ctx_opts){.threads = threads, .note = keep_note});
    clab_ledger *lg;

    assert_non_null(cx);
    assert_clab_ok(cx, clab_ledger_new(cx, &(clab_ledger_opts){.budget_bytes = budget_bytes}, &lg));
    return cx;
}

clab_ctx *test_ctx(int threads)
{
    return test_ctx_budget(threads, 0);
}

void test_ctx_free(clab_ctx *cx)
{
    int64_t left;

    if (!cx)
        return;
    left = clab_mem_live(cx);
    clab_ledger_free(clab_ctx_ledger(cx));
    clab_ctx_free(cx);
    clab_str_free(&notes);
    free(said);
    said = NULL;
    if (left != 0)
        fail_msg("%" PRId64 " accounted bytes were not given back", left);
}

const char *test_notes(void)
{
    free(said);
    said = strdup(notes.s ? notes.s : "");
    clab_str_free(&notes);
    return said;
}

/* ---- files ----------------------------------------------------------------------------------------*/

static char *path_of(const char *root, const char *name)
{
    static char buf[8][512];
    static unsigned next;
    char *p = buf[next++ % 8];

    snprintf(p, sizeof buf[0], "%s/%s", root, name);
    return p;
}

const char *test_source(const char *name)
{
    const char *root = getenv("CLAB_SOURCE");

    return path_of(root ? root : ".", name);
}

const char *test_data(const char *name)
{
    char in_tests[256];
    const char *p;

    snprintf(in_tests, sizeof in_tests, "tests/data/%s", name);
    p = test_source(in_tests);
    if (access(p, R_OK) != 0)
        fail_msg("%s is missing", p);
    return p;
}

const char *test_shared(const char *name)
{
    const char *root = getenv("CLAB_SHARED"), *p = path_of(root ? root : ".", name);

    if (!root || access(p, R_OK) != 0) {
        printf("SKIPPED: %s is not there (CLAB_SHARED names the directory of further data)\n", p);
        skip();
    }
    return p;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static void remove_dir(void)
{
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *test_dir(void)
{
    if (!dir[0]) {
        strcpy(dir, "/tmp/celllab-test-XXXXXX");
        assert_non_null(mkdtemp(dir));
        atexit(remove_dir);
    }
    return dir;
}

const char *test_temp(const char *name)
{
    return path_of(test_dir(), name);
}

char *test_read_text(const char *path)
{
    FILE *f = fopen(path, "re");
    clab_str b = {0};
    char part[4096];
    size_t n;

    if (!f)
        return NULL;
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        clab_str_addn(&b, part, n);
    fclose(f);
    if (!b.s)
        clab_str_add(&b, "");
    return b.s;
}

void test_write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* ---- assertions -------------------------------------------------------------------------------------*/

void test_assert_near(double got, double want, double abs_tol, double rel_tol, const char *what,
                      const char *file, int line)
{
    if (isnan(want) ? isnan(got) : got == want || fabs(got - want) <= abs_tol + rel_tol * fabs(want))
        return;
    print_error("%s is %.17g, should be %.17g (off by %.3g)\n", what, got, want, got - want);
    _fail(file, line);
}

void test_assert_holds(const char *text, const char *words, const char *file, int line)
{
    if (text && strstr(text, words))
        return;
    print_error("\"%s\" is not in: %s\n", words, text ? text : "(null)");
    _fail(file, line);
}

void test_assert_status(clab_ctx *cx, clab_status got, clab_status want, const char *words, const char *what,
                        const char *file, int line)
{
    if (got != want) {
        print_error("%s gave %s, should be %s: %s (%s)\n", what, clab_status_name(got),
                    clab_status_name(want), clab_error_text(cx), clab_error_place(cx));
        _fail(file, line);
    }
    if (want == CLAB_OK)
        return;
    if (words)
        test_assert_holds(clab_error_text(cx), words, file, line);
    clab_error_clear(cx);
}
