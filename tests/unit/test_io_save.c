/* test_io_save.c -- backed="r+": what stands beside X goes into the file, and nothing else of it changes. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "io_session.h"

static void copy(const char *from, const char *to)
{
    size_t n;
    char *bytes = io_slurp(from, &n);
    FILE *f = fopen(to, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
    free(bytes);
}

static clab_dataset *read_in(io_session *s, const char *path, bool editable)
{
    clab_dataset *d = NULL;
    if (clab_read(s->cx, path, &(clab_read_opts){.editable = editable}, &d) != CLAB_OK)
        fail_msg("%s: %s", path, clab_error_text(s->cx));
    return d;
}

/* A new column, a new key of obsm and of uns. */
static void edit(io_session *s, clab_dataset *d, double x)
{
    int64_t n = clab_dataset_n_obs(d), dims[2] = {n, 3};
    clab_value *column = NULL, *wide = NULL, *number = NULL;
    double *values = calloc((size_t)n * 3, sizeof *values);
    for (int64_t i = 0; i < 3 * n; i++)
        values[i] = x + (double)i;
    assert_int_equal(clab_value_array(s->cx, CLAB_F64, 1, &n, values, &column), CLAB_OK);
    assert_int_equal(clab_value_array(s->cx, CLAB_F64, 2, dims, values, &wide), CLAB_OK);
    assert_int_equal(clab_value_number(s->cx, x, &number), CLAB_OK);
    assert_int_equal(clab_dataset_obs_set(s->cx, d, "score", column), CLAB_OK);
    assert_int_equal(clab_dataset_obsm_set(s->cx, d, "X_new", wide), CLAB_OK);
    assert_int_equal(clab_dataset_uns_set(s->cx, d, "number", number), CLAB_OK);
    clab_value_unref(column);
    clab_value_unref(wide);
    clab_value_unref(number);
    free(values);
}

static void test_edits_are_saved(void **state)
{
    static const char *const files[] = {"csr_f32_gzip.h5ad", "csc_f32.h5ad", "dense_f64.h5ad", "categoricals.h5ad",
                                        "nullable.h5ad", "no_X.h5ad"};
    io_session s;
    (void)state;
    io_start(&s);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        copy(io_good(files[i]), io_path("edit.h5ad"));
        clab_dataset *d = read_in(&s, io_path("edit.h5ad"), true), *back;
        for (int again = 0; again < 2; again++) {
            edit(&s, d, 0.5 + again);
            if (clab_save(s.cx, d) != CLAB_OK)
                fail_msg("%s: %s", files[i], clab_error_text(s.cx));
            back = read_in(&s, io_path("edit.h5ad"), false);
            const char *differs = io_difference(s.cx, d, back);
            if (differs)
                fail_msg("%s: %s differs after saving", files[i], differs);
            assert_non_null(clab_value_get(clab_value_get(back->uns, "celllab"), "steps"));
            clab_dataset_unref(back);
        }
        clab_dataset_unref(d);
    }
    assert_int_equal(io_count_temporary(), 0);
    io_stop(&s);
}

static void expect_refusal(io_session *s, clab_dataset *d, const char *words)
{
    size_t n, m;
    char *before = io_slurp(io_path("edit.h5ad"), &n), *after;
    assert_int_equal(clab_save(s->cx, d), CLAB_ESTATE);
    if (!strstr(clab_error_text(s->cx), words))
        fail_msg("'%s' is not in '%s'", words, clab_error_text(s->cx));
    assert_non_null(strstr(clab_error_text(s->cx), "ds:write("));
    clab_error_clear(s->cx);
    after = io_slurp(io_path("edit.h5ad"), &m);
    assert_int_equal(n, m);
    assert_memory_equal(before, after, n);
    free(before);
    free(after);
    clab_dataset_unref(d);
}

static void test_refusals(void **state)
{
    io_session s;
    int64_t some[3] = {0, 2, 1};
    clab_dataset *view = NULL;
    clab_matrix *log = NULL;
    struct stat st;
    (void)state;
    io_start(&s);
    copy(io_good("csr_f32_gzip.h5ad"), io_path("edit.h5ad"));
    clab_dataset *d = read_in(&s, io_path("edit.h5ad"), true);
    assert_int_equal(clab_dataset_take_obs(s.cx, d, some, 3, &view), CLAB_OK);
    expect_refusal(&s, view, "cells are not those of the file");
    assert_int_equal(clab_dataset_take_vars(s.cx, d, some, 3, &view), CLAB_OK);
    expect_refusal(&s, view, "genes are not those of the file");
    assert_int_equal(clab_dataset_copy(s.cx, d, &view), CLAB_OK);
    assert_int_equal(clab_matrix_op_log1p(s.cx, d->x, 0, &log), CLAB_OK);
    clab_matrix_unref(view->x);
    view->x = log;
    expect_refusal(&s, view, "X, a layer or raw");
    expect_refusal(&s, read_in(&s, io_path("edit.h5ad"), false), "backed=\"r+\"");
    /* somebody else writes it */
    assert_int_equal(stat(io_path("edit.h5ad"), &st), 0);
    struct timespec later[2] = {st.st_atim, {st.st_mtim.tv_sec + 2, 0}};
    assert_int_equal(utimensat(AT_FDCWD, io_path("edit.h5ad"), later, 0), 0);
    expect_refusal(&s, d, "changed by somebody else");
    /* parts of a file, other formats, older files */
    const char *one = "x";
    assert_int_equal(clab_read(s.cx, io_path("edit.h5ad"), &(clab_read_opts){.editable = true, .cols = &one, .n_cols = 1}, &view),
                     CLAB_EARG);
    clab_error_clear(s.cx);
    copy(io_good("legacy_pre07_compound.h5ad"), io_path("edit.h5ad"));
    d = read_in(&s, io_path("edit.h5ad"), true);
    assert_int_equal(clab_save(s.cx, d), CLAB_EFORMAT);
    assert_non_null(strstr(clab_error_text(s.cx), "AnnData 0.8"));
    clab_error_clear(s.cx);
    clab_dataset_unref(d);
    assert_int_equal(io_count_temporary(), 0);
    io_stop(&s);
}

/* A file reached by a link, from a folder that is another one by then; its mode is kept. */
static void test_the_same_file(void **state)
{
    io_session s;
    struct stat st;
    char here[4096];
    (void)state;
    io_start(&s);
    copy(io_good("csr_f32_gzip.h5ad"), io_path("edit.h5ad"));
    assert_int_equal(chmod(io_path("edit.h5ad"), 0640), 0);
    unlink(io_path("link.h5ad"));
    assert_int_equal(symlink("edit.h5ad", io_path("link.h5ad")), 0);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(io_scratch()), 0);
    clab_dataset *d = read_in(&s, "link.h5ad", true);
    assert_int_equal(chdir(here), 0);
    edit(&s, d, 7);
    assert_int_equal(clab_save(s.cx, d), CLAB_OK);
    clab_dataset_unref(d);
    assert_int_equal(lstat(io_path("link.h5ad"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat(io_path("edit.h5ad"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    d = read_in(&s, io_path("edit.h5ad"), false);
    assert_non_null(clab_value_get(d->obs, "score"));
    clab_dataset_unref(d);
    io_stop(&s);
}

int main(int argc, char **argv)
{
    IO_GUEST(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edits_are_saved),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_the_same_file),
    };
    return cmocka_run_group_tests(tests, NULL, io_clean);
}
