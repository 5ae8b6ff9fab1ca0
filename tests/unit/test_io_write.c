/* test_io_write.c -- what is written is what was read, and no failure on the way harms a file. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest_pid.h"
#include "io_session.h"
#include "small.h"

/* A dataset big enough that writing takes a while: n cells, 400 genes, a quarter of them not 0. */
static clab_dataset *big_dataset(clab_ctx *cx, int64_t n)
{
    float *x = small_counts(n, 400, 25, 7);
    clab_matrix *m = small_matrix_f32(cx, n, 400, x);
    clab_value *names[2] = {NULL, NULL}, *tables[2] = {NULL, NULL};
    const int64_t len[2] = {n, 400};
    clab_dataset *d = NULL;
    for (int k = 0; k < 2; k++) {
        char **s = calloc((size_t)len[k], sizeof *s);
        for (int64_t i = 0; i < len[k]; i++)
            assert_true(asprintf(&s[i], "%s%lld", k ? "gene" : "cell", (long long)i) > 0);
        assert_int_equal(clab_value_strings(cx, 1, &len[k], (const char *const *)s, &names[k]), CLAB_OK);
        assert_int_equal(clab_value_table(cx, names[k], "_index", &tables[k]), CLAB_OK);
        for (int64_t i = 0; i < len[k]; i++)
            free(s[i]);
        free(s);
    }
    assert_int_equal(clab_dataset_new(cx, "big", m, tables[0], tables[1], &d), CLAB_OK);
    for (int k = 0; k < 2; k++) {
        clab_value_unref(names[k]);
        clab_value_unref(tables[k]);
    }
    clab_matrix_unref(m);
    free(x);
    return d;
}

/* ---- the round trip ------------------------------------------------------------------------------*/

static void test_round_trip(void **state)
{
    static const char *const files[] = {"csr_f32_gzip.h5ad",
                                        "csr_lzf.h5ad",
                                        "csc_f32.h5ad",
                                        "csr_duplicate_entries.h5ad",
                                        "csr_big_endian.h5ad",
                                        "dense_f64.h5ad",
                                        "categoricals.h5ad",
                                        "strings.h5ad",
                                        "index_nullable_string_group.h5ad",
                                        "legacy_07_categories.h5ad",
                                        "legacy_pre07_compound.h5ad",
                                        "zero_zero.h5ad",
                                        "no_X.h5ad",
                                        "tenx_v3.h5"};
    io_session s;
    (void)state;
    io_start(&s);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        clab_dataset *a = NULL, *b = NULL;
        io_read(&s, io_good(files[i]), &a);
        io_write(&s, a, io_path("trip.h5ad"));
        io_read(&s, io_path("trip.h5ad"), &b);
        const char *part = io_difference(s.cx, a, b);
        if (part)
            fail_msg("%s: %s differs after writing and reading", files[i], part);
        clab_dataset_unref(a);
        clab_dataset_unref(b);
    }
    assert_int_equal(io_count_temporary(), 0);
    io_stop(&s);
}

/* Whole numbers that no double holds: said, not silent. */
static void test_beyond_2_53(void **state)
{
    io_session s;
    (void)state;
    io_start(&s);
    for (int beyond = 0; beyond < 2; beyond++) {
        const double x[4] = {1, 0, beyond ? 18014398509481984.0 : 9007199254740992.0, 3};
        const char *cells[2] = {"a", "b"};
        int64_t two = 2;
        clab_value *names = NULL, *table = NULL;
        clab_dataset *d = NULL;
        clab_matrix *m = small_matrix(s.cx, 2, 2, x, CLAB_I64);
        assert_int_equal(clab_value_strings(s.cx, 1, &two, cells, &names), CLAB_OK);
        assert_int_equal(clab_value_table(s.cx, names, "_index", &table), CLAB_OK);
        assert_int_equal(clab_dataset_new(s.cx, "large", m, table, table, &d), CLAB_OK);
        io_forget(&s);
        io_write(&s, d, io_path("large.h5ad"));
        assert_int_equal(s.n_warnings, beyond);
        assert_true(!beyond || strstr(s.warnings.s, "2^53"));
        clab_dataset_unref(d);
        clab_value_unref(names);
        clab_value_unref(table);
        clab_matrix_unref(m);
    }
    io_stop(&s);
}

static void test_same_bytes_every_time(void **state)
{
    io_session s;
    clab_dataset *d = NULL;
    size_t n, m;
    (void)state;
    io_start(&s);
    io_read(&s, io_good("categoricals.h5ad"), &d);
    io_write(&s, d, io_path("one.h5ad"));
    sleep(1); /* so that a time kept in the file would show */
    io_write(&s, d, io_path("two.h5ad"));
    char *a = io_slurp(io_path("one.h5ad"), &n), *b = io_slurp(io_path("two.h5ad"), &m);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
    clab_dataset_unref(d);
    io_stop(&s);
}

static void test_provenance(void **state)
{
    io_session s;
    clab_dataset *a = NULL, *b = NULL;
    (void)state;
    io_start(&s);
    io_read(&s, io_good("csr_f32_gzip.h5ad"), &a);
    io_write(&s, a, io_path("steps.h5ad"));
    io_read(&s, io_path("steps.h5ad"), &b);
    const clab_value *ours = clab_value_get(b->uns, "celllab");
    assert_non_null(ours);
    assert_non_null(clab_value_get(ours, "version"));
    assert_non_null(clab_value_get(clab_value_get(ours, "inputs"), "csr_f32_gzip.h5ad"));
    assert_int_equal(a->steps->n_items, 1);
    assert_int_equal(b->steps->n_items, 2); /* what the file says, and this reading */
    clab_dataset_unref(a);
    clab_dataset_unref(b);
    io_stop(&s);
}

/* Two files of one name, as 10x files have it: both stand among the inputs.  The last seed is at hand. */
static void test_inputs_and_seed(void **state)
{
    io_session s;
    clab_dataset *a = NULL, *b = NULL, *back = NULL;
    clab_value *params = NULL, *seed = NULL;
    (void)state;
    io_start(&s);
    io_read(&s, io_good("csr_f32_gzip.h5ad"), &a);
    io_write(&s, a, io_path("steps.h5ad"));
    io_read(&s, io_path("steps.h5ad"), &b);
    assert_null(clab_value_get(clab_value_get(b->uns, "celllab"), "seed"));

    assert_int_equal(clab_value_dict(s.cx, &params), CLAB_OK);
    for (int64_t k = 0; k < 2; k++) { /* seed 3, and one of another reading of that name */
        assert_int_equal(clab_value_integer(s.cx, 3 + k, &seed), CLAB_OK);
        assert_int_equal(clab_value_set(s.cx, params, "seed", seed), CLAB_OK);
        clab_value_unref(seed);
        assert_int_equal(clab_dataset_log(s.cx, a, "subsample", params), CLAB_OK);
    }
    clab_value_unref(params);
    params = NULL;
    assert_int_equal(clab_value_dict(s.cx, &params), CLAB_OK);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(clab_value_string(s.cx, k ? "other" : "csr_f32_gzip.h5ad", &seed), CLAB_OK);
        assert_int_equal(clab_value_set(s.cx, params, k ? "hash" : "file", seed), CLAB_OK);
        clab_value_unref(seed);
    }
    assert_int_equal(clab_dataset_log(s.cx, a, "read", params), CLAB_OK);
    clab_value_unref(params);
    io_write(&s, a, io_path("seed.h5ad"));
    io_read(&s, io_path("seed.h5ad"), &back);
    const clab_value *ours = clab_value_get(back->uns, "celllab"), *inputs = clab_value_get(ours, "inputs");
    assert_non_null(clab_value_get(ours, "seed"));
    assert_int_equal(*(const int64_t *)clab_value_get(ours, "seed")->data, 4);
    assert_int_equal(inputs->n_items, 2);
    assert_non_null(clab_value_get(inputs, "csr_f32_gzip.h5ad"));
    assert_string_equal(*(char *const *)clab_value_get(inputs, "csr_f32_gzip.h5ad (2)")->data, "other");
    clab_dataset_unref(a);
    clab_dataset_unref(b);
    clab_dataset_unref(back);
    io_stop(&s);
}

/* ---- in place of another file
 * ----------------------------------------------------------------------------*/

static void test_over_the_input(void **state)
{
    io_session s;
    clab_dataset *a = NULL, *b = NULL;
    size_t n;
    struct stat st;
    (void)state;
    io_start(&s);
    char *bytes = io_slurp(io_good("csr_f32_gzip.h5ad"), &n);
    assert_int_equal(clab_write_text(s.cx, io_path("input.h5ad"), bytes, n), CLAB_OK);
    assert_int_equal(chmod(io_path("input.h5ad"), 0640), 0);
    assert_int_equal(symlink("input.h5ad", io_path("link.h5ad")), 0);
    io_read(&s, io_path("link.h5ad"), &a);
    io_write(&s, a, io_path("link.h5ad"));
    assert_int_equal(lstat(io_path("link.h5ad"), &st), 0);
    assert_true(S_ISLNK(st.st_mode)); /* the link stays, its target is new */
    assert_int_equal(stat(io_path("input.h5ad"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    io_read(&s, io_path("input.h5ad"), &b);
    assert_null(io_difference(s.cx, a, b));
    clab_dataset_unref(a);
    clab_dataset_unref(b);
    free(bytes);
    io_stop(&s);
}

static void test_places_that_cannot_be_written(void **state)
{
    static const char *const places[] = {"/dev/full", "/nowhere/at/all.h5ad", "/tmp", "/proc/out.h5ad", ""};
    io_session s;
    clab_dataset *d = NULL;
    (void)state;
    io_start(&s);
    io_read(&s, io_good("csc_f32.h5ad"), &d);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        assert_int_not_equal(clab_write(s.cx, d, places[i], NULL), CLAB_OK);
        assert_true(strlen(clab_error_text(s.cx)) > 10);
        clab_error_clear(s.cx);
    }
    clab_dataset_unref(d);
    io_stop(&s);
}

/* ---- failures half-way
 * -------------------------------------------------------------------------------------*/

static void expect_old_file(const char *old, size_t n)
{
    size_t m;
    char *now = io_slurp(io_path("old.h5ad"), &m);
    assert_int_equal(m, n);
    assert_memory_equal(now, old, n);
    assert_int_equal(io_count_temporary(), 0);
    free(now);
}

static void test_guest_killed(void **state)
{
    io_session s;
    size_t n;
    int hit = 0;
    (void)state;
    io_start(&s);
    clab_dataset *d = big_dataset(s.cx, 10000);
    char *old = io_slurp(io_good("csr_f32_gzip.h5ad"), &n);
    assert_int_equal(clab_write_text(s.cx, io_path("old.h5ad"), old, n), CLAB_OK);
    for (int i = 0; i < 40 && (i < 6 || hit < 2); i++) { /* on a busy machine many miss */
        int ms = 5 + i % 6 * 20;
        guest_killer k;
        guest_kill_after(&k, ms, SIGKILL);
        clab_status st = clab_write(s.cx, d, io_path("old.h5ad"), NULL);
        if (!guest_kill_done(&k) || st == CLAB_OK) {
            assert_int_equal(st, CLAB_OK); /* it was faster than the kill */
            assert_int_equal(clab_write_text(s.cx, io_path("old.h5ad"), old, n), CLAB_OK);
            continue;
        }
        hit++;
        assert_int_equal(st, CLAB_EIO);
        assert_non_null(strstr(clab_error_text(s.cx), "old.h5ad"));
        clab_error_clear(s.cx);
        expect_old_file(old, n);
    }
    assert_true(hit >= 2);
    free(old);
    clab_dataset_unref(d);
    io_stop(&s);
}

/* Cancelling ends a write within 0.2 s: the best of some tries, since the machine may be busy. */
static void test_cancelled(void **state)
{
    io_session s;
    size_t n;
    double best = 1e9;
    (void)state;
    io_start(&s);
    clab_dataset *d = big_dataset(s.cx, 20000);
    char *old = io_slurp(io_good("csr_f32_gzip.h5ad"), &n);
    assert_int_equal(clab_write_text(s.cx, io_path("old.h5ad"), old, n), CLAB_OK);
    for (int i = 0; i < 30 && best > 0.2; i++) {
        guest_killer k;
        guest_cancel_after(&k, 20, s.cx);
        clab_status st = clab_write(s.cx, d, io_path("old.h5ad"), NULL);
        double late = guest_cancel_seconds(&k);
        clab_cancel_clear(s.cx);
        clab_error_clear(s.cx);
        assert_true(st == CLAB_ECANCEL || late < 0 || st == CLAB_OK);
        if (st == CLAB_ECANCEL) {
            best = late < best ? late : best;
            expect_old_file(old, n);
        } else {
            assert_int_equal(clab_write_text(s.cx, io_path("old.h5ad"), old, n), CLAB_OK);
        }
    }
    assert_true(best <= 0.2);
    free(old);
    clab_dataset_unref(d);
    io_stop(&s);
}

static void test_file_size_limit(void **state)
{
    io_session s;
    size_t n;
    struct rlimit before, small;
    (void)state;
    io_start(&s);
    clab_dataset *d = big_dataset(s.cx, 10000);
    char *old = io_slurp(io_good("csr_f32_gzip.h5ad"), &n);
    assert_int_equal(clab_write_text(s.cx, io_path("old.h5ad"), old, n), CLAB_OK);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 200000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    clab_status st = clab_write(s.cx, d, io_path("old.h5ad"), NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(st, CLAB_EIO);
    assert_non_null(strstr(clab_error_text(s.cx), strerror(EFBIG)));
    clab_error_clear(s.cx);
    expect_old_file(old, n);
    free(old);
    clab_dataset_unref(d);
    io_stop(&s);
}

static void test_disk_full(void **state)
{
    io_session s;
    char path[700];
    struct stat st;
    (void)state;
    if (mkdir(io_path("disk"), 0700) != 0 || mount("none", io_path("disk"), "tmpfs", 0, "size=256k") != 0) {
        rmdir(io_path("disk"));
        skip(); /* only root may mount a small disk */
    }
    io_start(&s);
    clab_dataset *d = big_dataset(s.cx, 10000);
    snprintf(path, sizeof path, "%s/full.h5ad", io_path("disk"));
    clab_status r = clab_write(s.cx, d, path, NULL);
    int there = stat(path, &st);
    char text[512];
    snprintf(text, sizeof text, "%s", clab_error_text(s.cx));
    clab_error_clear(s.cx);
    /* The temporary file gives its room back; the kernel closes what an ended process held a moment later. */
    clab_status t = clab_write_text(s.cx, path, text, 1);
    for (int i = 0; t != CLAB_OK && i < 100; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        clab_error_clear(s.cx);
        t = clab_write_text(s.cx, path, text, 1);
    }
    umount(io_path("disk"));
    rmdir(io_path("disk"));
    assert_int_equal(r, CLAB_EIO);
    assert_non_null(strstr(text, strerror(ENOSPC)));
    assert_int_not_equal(there, 0);
    assert_int_equal(t, CLAB_OK);
    clab_dataset_unref(d);
    io_stop(&s);
}

int main(int argc, char **argv)
{
    IO_GUEST(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_beyond_2_53),
        cmocka_unit_test(test_same_bytes_every_time),
        cmocka_unit_test(test_provenance),
        cmocka_unit_test(test_inputs_and_seed),
        cmocka_unit_test(test_over_the_input),
        cmocka_unit_test(test_places_that_cannot_be_written),
        cmocka_unit_test(test_guest_killed),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_file_size_limit),
        cmocka_unit_test(test_disk_full),
    };
    return cmocka_run_group_tests(tests, NULL, io_clean);
}
