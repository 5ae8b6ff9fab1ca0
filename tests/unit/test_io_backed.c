/* test_io_backed.c -- files read into scratch files: the same values as in memory, and refusals in words. */
#include <dirent.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/rows.h"
#include "io_session.h"

#define REFERENCE "examples/data/pbmc_reference.h5ad"
#define QUERY "examples/data/pbmc_query.h5ad"

static const char *example(const char *name)
{
    static char path[2][600];
    static int k;
    k = !k;
    snprintf(path[k], sizeof path[k], "%s/%s", getenv("CLAB_SOURCE"), name);
    return path[k];
}

static bool in_memory(const char *folder)
{
    struct statfs fs;
    return statfs(folder, &fs) != 0 || fs.f_type == TMPFS_MAGIC;
}

/* A folder on a disk; skips where the machine has none to offer. */
static const char *on_disk(void)
{
    if (!in_memory(io_scratch()))
        return io_scratch();
    if (in_memory("/var/tmp"))
        skip();
    return "/var/tmp";
}

static clab_dataset *read_in(io_session *s, const char *path, const char *scratch)
{
    clab_read_opts o = {.backed = scratch ? CLAB_READ_SCRATCH : CLAB_READ_MEMORY, .scratch = scratch};
    clab_dataset *d = NULL;
    if (clab_read(s->cx, path, &o, &d) != CLAB_OK)
        fail_msg("%s", clab_error_text(s->cx));
    return d;
}

/* Both streams, block by block, bit by bit. */
static void assert_same_rows(clab_ctx *cx, const clab_matrix *a, const clab_matrix *b, bool f64)
{
    clab_rows_opts o = {.f64 = f64, .max_bytes = 100000};
    clab_rows *left = NULL, *right = NULL;
    const clab_csr *x, *y;
    assert_int_equal(clab_rows_open(cx, a, &o, &left), CLAB_OK);
    assert_int_equal(clab_rows_open(cx, b, &o, &right), CLAB_OK);
    do {
        assert_int_equal(clab_rows_next(cx, left, &x), CLAB_OK);
        if (clab_rows_next(cx, right, &y) != CLAB_OK)
            fail_msg("%s", clab_error_text(cx));
        assert_true(!x == !y);
        if (!x)
            break;
        assert_int_equal(x->n_rows, y->n_rows);
        assert_memory_equal(x->indptr, y->indptr, (size_t)(x->n_rows + 1) * 8);
        assert_memory_equal(x->indices, y->indices, (size_t)x->nnz * 4);
        if (f64)
            assert_memory_equal(x->f64, y->f64, (size_t)x->nnz * 8);
        else
            assert_memory_equal(x->f32, y->f32, (size_t)x->nnz * 4);
    } while (x);
    clab_rows_close(cx, left);
    clab_rows_close(cx, right);
}

static void the_same_values_from_less_memory(void **state)
{
    io_session s;
    const char *folder = on_disk();
    char *text = NULL;
    (void)state;
    io_start(&s);
    int64_t start = clab_mem_live(s.cx);
    clab_dataset *memory = read_in(&s, example(REFERENCE), NULL);
    int64_t first = clab_mem_live(s.cx);
    clab_dataset *backed = read_in(&s, example(REFERENCE), folder);
    int64_t second = clab_mem_live(s.cx);
    int64_t packed = clab_matrix_packed_bytes(memory->x), table = clab_matrix_store_bytes(backed->x);
    assert_int_equal(packed, clab_matrix_store_bytes(memory->x));
    assert_int_equal(packed, clab_matrix_packed_bytes(backed->x));
    assert_int_equal(table, 16 * (clab_dataset_n_obs(backed) + 1));
    assert_int_equal(clab_dataset_bytes(memory) - clab_dataset_bytes(backed), packed - table);
    assert_in_range((first - start) - (second - first), packed - table - 256, packed - table);
    assert_null(io_difference(s.cx, memory, backed));
    assert_same_rows(s.cx, memory->x, backed->x, false);
    assert_same_rows(s.cx, memory->x, backed->x, true);
    assert_int_equal(clab_dataset_describe(s.cx, backed, &text), CLAB_OK);
    assert_non_null(strstr(text, "backed by a scratch file: "));
    assert_non_null(strstr(text, clab_bytes(packed)));
    free(text);
    clab_dataset_unref(memory);
    clab_dataset_unref(backed);
    io_stop(&s);
}

/* Views of both homes mix: rows in any order, a recipe, a file written from a scratch file. */
static void views_and_files_are_the_same(void **state)
{
    io_session s;
    const char *folder = on_disk();
    (void)state;
    io_start(&s);
    clab_dataset *from[2] = {read_in(&s, example(QUERY), NULL), read_in(&s, example(QUERY), folder)};
    clab_matrix *view[2], *cols[2], *logs[2];
    int64_t rows[300], n = clab_dataset_n_obs(from[0]), genes[50];
    for (int i = 0; i < 300; i++)
        rows[i] = (int64_t)i * 7919 % n;
    for (int g = 0; g < 50; g++)
        genes[g] = 700 - 13 * g;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(clab_matrix_take_rows(s.cx, from[i]->x, rows, 300, &view[i]), CLAB_OK);
        assert_int_equal(clab_matrix_take_cols(s.cx, view[i], genes, 50, &cols[i]), CLAB_OK);
        assert_int_equal(clab_matrix_op_log1p(s.cx, cols[i], 0, &logs[i]), CLAB_OK);
        assert_int_equal(clab_write(s.cx, from[i], io_path(i ? "b.h5ad" : "a.h5ad"), NULL), CLAB_OK);
    }
    assert_same_rows(s.cx, logs[0], logs[1], true);
    for (int i = 0; i < 2; i++) {
        clab_matrix_unref(view[i]);
        clab_matrix_unref(cols[i]);
        clab_matrix_unref(logs[i]);
        clab_dataset_unref(from[i]);
    }
    from[0] = read_in(&s, io_path("a.h5ad"), NULL);
    from[1] = read_in(&s, io_path("b.h5ad"), folder);
    assert_null(io_difference(s.cx, from[0], from[1]));
    clab_dataset_unref(from[0]);
    clab_dataset_unref(from[1]);
    io_stop(&s);
}

static void expect_refusal(io_session *s, const clab_read_opts *o, clab_status status, const char *words,
                           const char *remedy)
{
    clab_dataset *d = NULL;
    assert_int_equal(clab_read(s->cx, example(REFERENCE), o, &d), status);
    assert_null(d);
    assert_non_null(strstr(clab_error_text(s->cx), words));
    assert_non_null(strstr(clab_error_text(s->cx), remedy));
    clab_error_clear(s->cx);
}

static void folders_that_do_not_serve_are_refused(void **state)
{
    io_session s;
    (void)state;
    io_start(&s);
    expect_refusal(&s, &(clab_read_opts){.backed = CLAB_READ_SCRATCH, .scratch = io_path("nowhere")}, CLAB_EIO, "nowhere",
                   "scratch=DIR");
    expect_refusal(&s, &(clab_read_opts){.scratch = io_path("")}, CLAB_EARG, "scratch=", "backed=true");
    if (access("/dev/shm", W_OK) == 0 && in_memory("/dev/shm"))
        expect_refusal(&s, &(clab_read_opts){.backed = CLAB_READ_SCRATCH, .scratch = "/dev/shm"}, CLAB_EARG, "in memory (tmpfs)",
                       "scratch=DIR");
    io_stop(&s);
}

/* A limit on file sizes stands for a disk that is full. */
static void a_full_disk_is_an_error_in_words(void **state)
{
    io_session s;
    clab_read_opts o = {.backed = CLAB_READ_SCRATCH, .scratch = on_disk()};
    struct rlimit before, small;
    (void)state;
    io_start(&s);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 50000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    expect_refusal(&s, &o, CLAB_EIO, "cannot write packed counts", "scratch=DIR");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    clab_dataset *d = read_in(&s, example(REFERENCE), o.scratch); /* and life goes on */
    clab_dataset_unref(d);
    io_stop(&s);
}

/* ---- straight from the file ------------------------------------------------------------------------*/

static clab_dataset *read_r(io_session *s, const char *path, const clab_read_opts *more)
{
    clab_read_opts o = more ? *more : (clab_read_opts){0};
    clab_dataset *d = NULL;
    o.backed = CLAB_READ_FILE;
    o.scratch = on_disk();
    if (clab_read(s->cx, path, &o, &d) != CLAB_OK)
        fail_msg("%s: %s", path, clab_error_text(s->cx));
    return d;
}

static bool in_its_file(const clab_dataset *d)
{
    return clab_store_is_source(clab_matrix_store(d->x, 0));
}

static void rows_stay_in_their_file(void **state)
{
    static const struct {
        const char *name;
        bool stays;
    } files[] = {{"csr_f32_gzip.h5ad", true}, {"csr_lzf.h5ad", true},          {"csr_big_endian.h5ad", true},
                 {"dense_f64.h5ad", true},    {"csr_duplicate_entries.h5ad", true}, {"legacy_pre07_compound.h5ad", true},
                 {"tenx_v3.h5", true},        {"csc_f32.h5ad", false}};
    io_session s;
    (void)state;
    io_start(&s);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        io_forget(&s);
        clab_dataset *memory = read_in(&s, io_good(files[i].name), NULL), *file = read_r(&s, io_good(files[i].name), NULL);
        assert_int_equal(in_its_file(file), files[i].stays);
        if (!files[i].stays)
            assert_non_null(strstr(s.notes.s, "by column"));
        assert_int_equal(clab_store_get_info(clab_matrix_store(file->x, 0))->hash,
                         clab_store_get_info(clab_matrix_store(memory->x, 0))->hash);
        const char *differs = io_difference(s.cx, memory, file);
        if (differs)
            fail_msg("%s: %s differs", files[i].name, differs);
        assert_same_rows(s.cx, memory->x, file->x, false); /* a second pass */
        assert_int_equal(in_its_file(file), files[i].stays);
        clab_dataset_unref(memory);
        clab_dataset_unref(file);
    }
    io_stop(&s);
}

static void parts_and_views_of_a_file(void **state)
{
    io_session s;
    const char *genes[40], *cells[200];
    int64_t rows[150];
    clab_matrix *view[2];
    (void)state;
    io_start(&s);
    clab_dataset *all = read_in(&s, example(REFERENCE), NULL);
    for (int i = 0; i < 40; i++)
        genes[i] = clab_dataset_var_name(all, 3 + 7 * i);
    assert_true(clab_dataset_n_obs(all) > 200);
    for (int i = 0; i < 200; i++)
        cells[i] = clab_dataset_obs_name(all, 1 + i);
    clab_read_opts o = {.genes = genes, .n_genes = 40, .cells = cells, .n_cells = 200};
    clab_dataset *file = read_r(&s, example(REFERENCE), &o), *memory = NULL;
    assert_int_equal(clab_read(s.cx, example(REFERENCE), &o, &memory), CLAB_OK);
    assert_true(in_its_file(file));
    assert_null(io_difference(s.cx, memory, file));
    for (int i = 0; i < 150; i++) /* in order, from the middle on */
        rows[i] = 20 + i;
    assert_int_equal(clab_matrix_take_rows(s.cx, memory->x, rows, 150, &view[0]), CLAB_OK);
    assert_int_equal(clab_matrix_take_rows(s.cx, file->x, rows, 150, &view[1]), CLAB_OK);
    assert_same_rows(s.cx, view[0], view[1], true);
    assert_same_rows(s.cx, view[0], view[1], false);
    assert_true(in_its_file(file));
    for (int i = 0; i < 2; i++)
        clab_matrix_unref(view[i]);
    clab_dataset_unref(file);
    clab_dataset_unref(memory);
    clab_dataset_unref(all);
    io_stop(&s);
}

/* The file that was opened is read, whatever takes its place; and it is written over from itself. */
static void the_file_may_be_replaced(void **state)
{
    io_session s;
    (void)state;
    io_start(&s);
    clab_dataset *memory = read_in(&s, example(QUERY), NULL);
    assert_int_equal(clab_write(s.cx, memory, io_path("x.h5ad"), NULL), CLAB_OK);
    clab_dataset *file = read_r(&s, io_path("x.h5ad"), NULL);
    assert_int_equal(clab_write(s.cx, file, io_path("x.h5ad"), NULL), CLAB_OK);
    clab_dataset *back = read_in(&s, io_path("x.h5ad"), NULL);
    assert_null(io_difference(s.cx, memory, back));
    unlink(io_path("x.h5ad"));
    assert_same_rows(s.cx, memory->x, file->x, false);
    clab_dataset_unref(back);
    clab_dataset_unref(file);
    clab_dataset_unref(memory);
    io_stop(&s);
}

static void save_keeps_reading(void **state)
{
    io_session s;
    clab_value *number = NULL;
    (void)state;
    io_start(&s);
    clab_dataset *memory = read_in(&s, example(QUERY), NULL);
    assert_int_equal(clab_write(s.cx, memory, io_path("x.h5ad"), NULL), CLAB_OK);
    clab_dataset *file = read_r(&s, io_path("x.h5ad"), &(clab_read_opts){.editable = true});
    assert_int_equal(clab_value_number(s.cx, 3, &number), CLAB_OK);
    assert_int_equal(clab_dataset_uns_set(s.cx, file, "three", number), CLAB_OK);
    clab_value_unref(number);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(clab_save(s.cx, file), CLAB_OK);
        assert_same_rows(s.cx, memory->x, file->x, false);
    }
    assert_true(in_its_file(file));
    clab_dataset_unref(file);
    clab_dataset_unref(memory);
    io_stop(&s);
}

/* Shuffled rows go into a scratch file once, and that is said. */
static void random_order_goes_into_scratch(void **state)
{
    io_session s;
    (void)state;
    io_start(&s);
    clab_dataset *memory = read_in(&s, example(REFERENCE), NULL);
    int64_t n = 20 * clab_dataset_n_obs(memory), *rows = calloc((size_t)n, sizeof *rows);
    clab_matrix *tall = NULL, *view[2];
    clab_dataset *d = NULL;
    char(*text)[16] = calloc((size_t)n, sizeof *text);
    const char **names = calloc((size_t)n, sizeof *names);
    clab_value *index = NULL, *obs = NULL;
    for (int64_t i = 0; i < n; i++) {
        rows[i] = i % clab_dataset_n_obs(memory);
        snprintf(text[i], sizeof text[i], "c%d", (int)i);
        names[i] = text[i];
    }
    assert_int_equal(clab_matrix_take_rows(s.cx, memory->x, rows, n, &tall), CLAB_OK);
    assert_int_equal(clab_value_strings(s.cx, 1, &n, names, &index), CLAB_OK);
    assert_int_equal(clab_value_table(s.cx, index, "_index", &obs), CLAB_OK);
    assert_int_equal(clab_dataset_new(s.cx, "tall", tall, obs, memory->var, &d), CLAB_OK);
    assert_int_equal(clab_write(s.cx, d, io_path("tall.h5ad"), &(clab_write_opts){.compression = 1}), CLAB_OK);
    clab_dataset *file = read_r(&s, io_path("tall.h5ad"), NULL);
    for (int64_t i = 0; i < n; i++)
        rows[i] = i * 7919 % n;
    assert_int_equal(clab_matrix_take_rows(s.cx, tall, rows, n, &view[0]), CLAB_OK);
    assert_int_equal(clab_matrix_take_rows(s.cx, file->x, rows, n, &view[1]), CLAB_OK);
    io_forget(&s);
    assert_same_rows(s.cx, view[0], view[1], false);
    assert_false(in_its_file(file));
    assert_non_null(strstr(s.notes.s, "another order"));
    for (int i = 0; i < 2; i++)
        clab_matrix_unref(view[i]);
    clab_matrix_unref(tall);
    clab_value_unref(index);
    clab_value_unref(obs);
    clab_dataset_unref(d);
    clab_dataset_unref(file);
    clab_dataset_unref(memory);
    free(rows);
    free(text);
    free(names);
    io_stop(&s);
}

/* Scratch files have no names: nothing is left, whatever happens to us. */
static void nothing_is_left_in_the_folder(void **state)
{
    io_session s;
    const char *folder = on_disk();
    (void)state;
    io_start(&s);
    clab_dataset *d = read_in(&s, example(QUERY), folder);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir))
        assert_null(strstr(e->d_name, "celllab-counts-"));
    closedir(dir);
    clab_dataset_unref(d);
    io_stop(&s);
}

int main(int argc, char **argv)
{
    IO_GUEST(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_values_from_less_memory),
        cmocka_unit_test(views_and_files_are_the_same),
        cmocka_unit_test(folders_that_do_not_serve_are_refused),
        cmocka_unit_test(a_full_disk_is_an_error_in_words),
        cmocka_unit_test(nothing_is_left_in_the_folder),
        cmocka_unit_test(rows_stay_in_their_file),
        cmocka_unit_test(parts_and_views_of_a_file),
        cmocka_unit_test(the_file_may_be_replaced),
        cmocka_unit_test(save_keeps_reading),
        cmocka_unit_test(random_order_goes_into_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, io_clean);
}
