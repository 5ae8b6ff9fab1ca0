/* test_io_text_write.c -- 10x folders and tables of text as they are written: what is read back, what stays when
 * something fails, and what is not overwritten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "data/rows.h"
#include "io_session.h"

static io_session s;

static void put(const char *name, const char *text)
{
    assert_int_equal(clab_write_text(s.cx, io_path(name), text, strlen(text)), CLAB_OK);
}

static clab_dataset *get(const char *name)
{
    clab_dataset *d = NULL;
    io_forget(&s);
    if (clab_read(s.cx, io_path(name), NULL, &d) != CLAB_OK)
        fail_msg("%s", clab_error_text(s.cx));
    return d;
}

static void same(const clab_dataset *a, const clab_dataset *b)
{
    float *x = NULL, *y = NULL;
    int64_t n = clab_dataset_n_obs(a), g = clab_dataset_n_vars(a);
    assert_int_equal(clab_dataset_n_obs(b), n);
    assert_int_equal(clab_dataset_n_vars(b), g);
    assert_true(clab_value_equal(a->obs->index, b->obs->index));
    assert_true(clab_value_equal(a->var->index, b->var->index));
    assert_int_equal(clab_rows_dense(s.cx, a->x, 1 << 20, &x), CLAB_OK);
    assert_int_equal(clab_rows_dense(s.cx, b->x, 1 << 20, &y), CLAB_OK);
    for (int64_t i = 0; i < n * g; i++) /* NaN is NaN */
        if (!(x[i] == y[i] || (x[i] != x[i] && y[i] != y[i])))
            fail_msg("value %lld is %g and %g", (long long)i, (double)x[i], (double)y[i]);
    clab_mem_free(s.cx, x);
    clab_mem_free(s.cx, y);
}

/* Cells x genes with odd names, halves, large numbers, NaN and zeros. */
static clab_dataset *odd_table(void)
{
    put("odd.csv", "cell,G1,\"G,\"\"2\"\"\",G 3\nc1,1,0,0.1\n\"c,2\",nan,16777216,1e-7\nc3,0,-3.25,123456.789\n");
    return get("odd.csv");
}

static void test_tables(void **state)
{
    static const char *const names[] = {"out.csv", "out.tsv", "out.csv.gz", "out.txt.gz"};
    const clab_write_opts tabs = {.compression = 1, .format = "tsv"};
    size_t n;
    (void)state;
    clab_dataset *d = odd_table(), *back;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(clab_write(s.cx, d, io_path(names[i]), NULL), CLAB_OK);
        back = get(names[i]);
        same(d, back);
        clab_dataset_unref(back);
    }
    char *text = io_slurp(io_path("out.csv"), &n);
    const char *want = "cell,G1,\"G,\"\"2\"\"\",G 3\nc1,1,0,0.1\n\"c,2\",nan,16777216,1e-07\nc3,0,-3.25,123456.79\n";
    assert_int_equal(n, strlen(want));
    assert_memory_equal(text, want, n);
    free(text);
    assert_int_equal(clab_write(s.cx, d, io_path("named_tsv"), &tabs), CLAB_OK);
    text = io_slurp(io_path("named_tsv"), &n);
    assert_memory_equal(text, "cell\tG1\t", 8);
    free(text);
    clab_dataset_unref(d);
}

static void test_mtx_folder(void **state)
{
    (void)state;
    clab_dataset *d = odd_table(), *back;
    assert_int_equal(clab_write(s.cx, d, io_path("folder/"), NULL), CLAB_OK);
    assert_true(s.n_warnings > 0 && strstr(s.warnings.s, "other than whole numbers"));
    back = get("folder");
    same(d, back);
    assert_true(clab_value_equal(clab_value_get(back->var, "gene_ids"), d->var->index)); /* where there are none */
    clab_dataset_unref(back);
    clab_dataset_unref(d);

    put("whole.csv", "cell,A,B\nc1,3,0\nc2,0,7\nc3,0,0\n"); /* another one takes its place */
    d = get("whole.csv");
    assert_int_equal(clab_write(s.cx, d, io_path("folder/"), NULL), CLAB_OK);
    assert_int_equal(s.n_warnings, 0);
    back = get("folder");
    same(d, back);
    assert_int_equal(clab_write(s.cx, back, io_path("folder"), &(clab_write_opts){.compression = 9, .format = "10x_mtx"}),
                     CLAB_OK); /* also over what it was read from */
    assert_int_equal(io_count_temporary(), 0);
    clab_dataset_unref(back);
    back = get("folder");
    same(d, back);
    clab_dataset_unref(back);
    clab_dataset_unref(d);
}

static void test_refused(void **state)
{
    (void)state;
    clab_dataset *d = odd_table();
    const struct {
        const char *path, *format, *words;
    } bad[] = {{"own/", NULL, "holds other files (notes.txt)"},
               {"odd.csv", "10x_mtx", "is a file"},
               {"x.loom", NULL, "not written"},
               {"x.mtx.gz", NULL, "not written"},
               {"x.csv", "xlsx", "it is h5ad, 10x_mtx, csv or tsv"},
               {"nowhere/below/", NULL, "no folder can be made"}};
    mkdir(io_path("own"), 0700);
    put("own/notes.txt", "mine");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const clab_write_opts o = {.compression = 4, .format = bad[i].format};
        io_forget(&s);
        assert_int_not_equal(clab_write(s.cx, d, io_path(bad[i].path), &o), CLAB_OK);
        if (!strstr(clab_error_text(s.cx), bad[i].words))
            fail_msg("'%s' does not say '%s'", clab_error_text(s.cx), bad[i].words);
    }
    assert_int_equal(io_count_temporary(), 0);
    clab_dataset_unref(d);
}

/* Every file operation of a write fails once: what was there stays, and nothing is left beside it. */
static void test_failing_writes(void **state)
{
    char plan[32];
    int failed = 0;
    (void)state;
    put("first.csv", "cell,A,B\nc1,3,0\nc2,0,7\n");
    put("second.csv", "cell,A,B\nc1,1,1\nc2,1,1\n");
    clab_dataset *first = get("first.csv"), *second = get("second.csv"), *now;
    assert_int_equal(clab_write(s.cx, first, io_path("kept/"), NULL), CLAB_OK);
    for (int n = 1; n < 100; n++) {
        io_session t;
        snprintf(plan, sizeof plan, "io:%d", n);
        setenv("CELLLAB_FAULT", plan, 1);
        io_start(&t);
        unsetenv("CELLLAB_FAULT");
        clab_status st = clab_write(t.cx, second, io_path("kept/"), NULL);
        clab_error_clear(t.cx);
        io_stop(&t);
        if (st == CLAB_OK)
            break;
        failed++;
        assert_int_equal(io_count_temporary(), 0);
        now = get("kept");
        same(first, now);
        clab_dataset_unref(now);
    }
    assert_true(failed >= 8);
    now = get("kept");
    same(second, now);
    clab_dataset_unref(now);
    clab_dataset_unref(first);
    clab_dataset_unref(second);
}

static int start(void **state)
{
    (void)state;
    io_start(&s);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    io_stop(&s);
    return 0;
}

int main(int argc, char **argv)
{
    IO_GUEST(argc, argv);
#define TEST(t) cmocka_unit_test_setup_teardown(t, start, stop)
    const struct CMUnitTest tests[] = {TEST(test_tables), TEST(test_mtx_folder), TEST(test_refused),
                                       TEST(test_failing_writes)};
    return cmocka_run_group_tests(tests, NULL, io_clean);
}
