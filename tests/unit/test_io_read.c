/* test_io_read.c -- choosing counts, 10x layouts, what inspecting says, and a read that is interrupted. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>
#include <hdf5.h>
#include <libdeflate.h>

#include "guest_pid.h"
#include "io_session.h"
#include "small.h"

#define N 30
#define G 12

static const char *file(const char *kind, const char *name)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s/%s", io_format_dir(false), kind, name);
    return path;
}

/* ---- where the counts are ------------------------------------------------------------------------*/

static clab_value *frame(clab_ctx *cx, int64_t n, const char *prefix)
{
    char text[64][32];
    const char *s[64];
    clab_value *names = NULL, *t = NULL;
    for (int64_t i = 0; i < n; i++) {
        snprintf(text[i], sizeof text[i], "%s%d", prefix, (int)i);
        s[i] = text[i];
    }
    assert_int_equal(clab_value_strings(cx, 1, &n, s, &names), CLAB_OK);
    assert_int_equal(clab_value_table(cx, names, "_index", &t), CLAB_OK);
    clab_value_unref(names);
    return t;
}

/* N x G: X = logs, layers.NAME = counts (when named), raw = counts of G + 2 genes, the first two others. */
static void write_study(io_session *s, const char *path, bool whole_x, const char *layer, bool raw)
{
    double counts[N * (G + 2)], x[N * G];
    clab_ctx *cx = s->cx;
    uint32_t seed = 5;
    clab_dataset *d = NULL;
    for (int i = 0; i < N * (G + 2); i++)
        counts[i] = small_next(&seed) % 3 == 0 ? small_next(&seed) % 7 : 0;
    for (int i = 0; i < N; i++)
        for (int g = 0; g < G; g++)
            x[i * G + g] = counts[i * (G + 2) + g + 2] * (whole_x ? 1.0 : 0.37);
    clab_matrix *m = small_matrix(cx, N, G, x, CLAB_F32), *all = small_matrix(cx, N, G + 2, counts, CLAB_F32);
    clab_value *obs = frame(cx, N, "cell"), *var, *raw_var = frame(cx, G + 2, "gene"), *names = NULL;
    int64_t g = G;
    assert_int_equal(clab_value_strings(cx, 1, &g, (const char *const *)raw_var->index->data + 2, &names),
                     CLAB_OK);
    assert_int_equal(clab_value_table(cx, names, "_index", &var), CLAB_OK);
    assert_int_equal(clab_dataset_new(cx, "study", m, obs, var, &d), CLAB_OK);
    if (layer) {
        d->layers = calloc(1, sizeof *d->layers);
        d->layer_names = calloc(1, sizeof *d->layer_names);
        for (int i = 0; i < N * G; i++)
            x[i] = counts[i / G * (G + 2) + i % G + 2];
        d->layers[0] = small_matrix(cx, N, G, x, CLAB_I32);
        d->layer_names[0] = strdup(layer);
        d->n_layers = 1;
    }
    if (raw) {
        d->raw.x = clab_matrix_ref(all);
        d->raw.var = clab_value_ref(raw_var);
    }
    assert_int_equal(clab_write(cx, d, path, NULL), CLAB_OK);
    clab_dataset_unref(d);
    clab_matrix_unref(m);
    clab_matrix_unref(all);
    clab_value_unref(obs);
    clab_value_unref(var);
    clab_value_unref(raw_var);
    clab_value_unref(names);
}

/* Sum over cells and genes of (1 + cell) * (1 + gene) * count, the same for every right choice. */
static double weigh(clab_ctx *cx, const clab_matrix *m)
{
    double *x = small_dense(cx, m, true), sum = 0;
    int64_t g = clab_matrix_n_cols(m);
    for (int64_t i = 0; i < clab_matrix_n_rows(m) * g; i++)
        sum += x[i] * (double)((1 + i / g) * (1 + i % g));
    free(x);
    return sum;
}

static void expect_counts(io_session *s, const char *path, const char *ask, const char *from, double weight)
{
    clab_dataset *d = NULL;
    clab_matrix *m = NULL;
    clab_read_opts o = {.counts = ask};
    io_forget(s);
    if (clab_read(s->cx, path, &o, &d) != CLAB_OK)
        fail_msg("%s", clab_error_text(s->cx));
    if (!from) {
        assert_null(d->counts);
        assert_non_null(strstr(s->warnings.s, "no counts found"));
    } else {
        assert_string_equal(d->counts_from, from);
        assert_non_null(strstr(s->notes.s, from));
        assert_int_equal(clab_dataset_counts(s->cx, d, &m), CLAB_OK);
        assert_int_equal(clab_matrix_n_cols(m), G);
        assert_true(weigh(s->cx, m) == weight);
        clab_matrix_unref(m);
    }
    clab_dataset_unref(d);
}

static void test_counts(void **state)
{
    io_session s;
    clab_dataset *d = NULL;
    clab_read_opts o = {.counts = "layers.nothing"};
    (void)state;
    io_start(&s);
    write_study(&s, io_path("x.h5ad"), true, "other", true);
    if (clab_read(s.cx, io_path("x.h5ad"), NULL, &d) != CLAB_OK)
        fail_msg("%s", clab_error_text(s.cx));
    double w = weigh(s.cx, d->x);
    clab_dataset_unref(d);
    expect_counts(&s, io_path("x.h5ad"), NULL, "X", w);
    expect_counts(&s, io_path("x.h5ad"), "layers.other", "layers.other", w);
    expect_counts(&s, io_path("x.h5ad"), "raw", "raw.X", w);
    write_study(&s, io_path("layer.h5ad"), false, "counts", true);
    expect_counts(&s, io_path("layer.h5ad"), "auto", "layers.counts", w);
    write_study(&s, io_path("raw.h5ad"), false, NULL, true);
    expect_counts(&s, io_path("raw.h5ad"), NULL, "raw.X", w); /* matched by gene, not by place */
    write_study(&s, io_path("none.h5ad"), false, "other", false);
    expect_counts(&s, io_path("none.h5ad"), NULL, NULL, 0);
    assert_int_equal(clab_read(s.cx, io_path("none.h5ad"), &o, &d), CLAB_ENOTFOUND);
    assert_non_null(strstr(clab_error_text(s.cx), "other")); /* lists the layers there are */
    io_stop(&s);
}

/* ---- 10x
 * ---------------------------------------------------------------------------------------------------*/

static void test_tenx(void **state)
{
    io_session s;
    clab_dataset *d = NULL;
    clab_read_opts o = {.genome = "mm10"};
    (void)state;
    io_start(&s);
    assert_int_equal(clab_read(s.cx, file("gen", "tenx_v3.h5"), NULL, &d), CLAB_OK);
    assert_string_equal(clab_dataset_var_name(d, 6), "Gene6");
    assert_string_equal(clab_dataset_var_name(d, 7), "Gene6-1");
    assert_non_null(strstr(s.warnings.s, "repeat"));
    const char *ids = ((char **)clab_value_get(d->var, "gene_ids")->data)[7];
    assert_string_equal(ids, "ENSG00000000007");
    assert_non_null(clab_value_get(d->var, "feature_types"));
    assert_non_null(clab_value_get(d->var, "genome"));
    clab_dataset_unref(d);
    d = NULL;
    assert_int_equal(clab_read(s.cx, file("gen", "tenx_v2_two_genomes.h5"), NULL, &d), CLAB_EARG);
    assert_non_null(strstr(clab_error_text(s.cx), "GRCh38, mm10"));
    io_forget(&s);
    assert_int_equal(clab_read(s.cx, file("gen", "tenx_v2_two_genomes.h5"), &o, &d), CLAB_OK);
    clab_dataset_unref(d);
    o.genome = "hg19";
    assert_int_equal(clab_read(s.cx, file("gen", "tenx_v2_two_genomes.h5"), &o, &d), CLAB_ENOTFOUND);
    io_stop(&s);
}

/* ---- inspecting
 * -----------------------------------------------------------------------------------------------*/

static int64_t integer_of(const clab_value *d, const char *key)
{
    const clab_value *v = clab_value_get(d, key);
    assert_non_null(v);
    return *(int64_t *)v->data;
}

static const char *text_of(const clab_value *d, const char *key)
{
    const clab_value *v = clab_value_get(d, key);
    assert_non_null(v);
    return *(char **)v->data;
}

static void test_inspect(void **state)
{
    io_session s;
    clab_value *v = NULL;
    (void)state;
    io_start(&s);
    for (int full = 0; full < 2; full++) {
        write_study(&s, io_path("study.h5ad"), false, "counts", true);
        assert_int_equal(clab_inspect_file(s.cx, io_path("study.h5ad"), full, &v), CLAB_OK);
        assert_int_equal(integer_of(v, "n_obs"), N);
        assert_int_equal(integer_of(v, "n_vars"), G);
        assert_string_equal(text_of(v, "counts"), "layers.counts");
        assert_string_equal(text_of(clab_value_get(v, "x"), "kind"), "csr");
        assert_string_equal(text_of(clab_value_get(v, "x"), "dtype"), "float32");
        assert_int_equal(integer_of(clab_value_get(v, "x"), "dense_bytes"), 4 * N * G);
        clab_value_unref(v);
    }
    assert_int_equal(clab_inspect_file(s.cx, file("gen", "csr_f32_gzip.h5ad"), false, &v), CLAB_OK);
    const clab_value *column = clab_value_get(clab_value_get(v, "obs"), "cell_type");
    assert_int_equal(integer_of(column, "n_levels"), 3);
    assert_int_equal(clab_value_get(column, "counts")->dims[0], 3);
    assert_int_equal(integer_of(clab_value_get(v, "x"), "nnz"), 96);
    assert_int_equal(integer_of(clab_value_get(v, "x"), "memory_bytes"), 96 * 8 + 21 * 4);
    clab_value_unref(v);
    assert_int_equal(clab_inspect_file(s.cx, file("bad", "indptr_not_monotonic.h5ad"), false, &v),
                     CLAB_EFORMAT);
    io_stop(&s);
}

/* ---- a long read
 * ------------------------------------------------------------------------------------------------*/

static hid_t make_group(hid_t parent, const char *name)
{
    return H5Gcreate2(parent, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
}

static void set_text(hid_t obj, const char *key, const char *value)
{
    hid_t t = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(t, strlen(value) + 1);
    hid_t a = H5Acreate2(obj, key, t, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(a, t, value) >= 0);
    H5Aclose(a);
    H5Sclose(space);
    H5Tclose(t);
}

/* A dataset of n_chunks times the same deflated chunk: gigabytes to read in a small file. */
static void repeat_chunk(hid_t group, const char *name, hid_t type, const void *chunk, hsize_t n,
                         hsize_t n_chunks)
{
    hsize_t size = n * n_chunks;
    size_t bytes = (size_t)n * H5Tget_size(type);
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, &size, NULL);
    H5Pset_chunk(dcpl, 1, &n);
    H5Pset_deflate(dcpl, 6);
    hid_t d = H5Dcreate2(group, name, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    struct libdeflate_compressor *z = libdeflate_alloc_compressor(6);
    size_t room = libdeflate_zlib_compress_bound(z, bytes);
    void *packed = malloc(room);
    room = libdeflate_zlib_compress(z, chunk, bytes, packed, room);
    for (hsize_t k = 0, at = 0; k < n_chunks; k++, at += n)
        assert_true(H5Dwrite_chunk(d, H5P_DEFAULT, 0, &at, room, packed) >= 0);
    libdeflate_free_compressor(z);
    free(packed);
    H5Dclose(d);
    H5Sclose(space);
    H5Pclose(dcpl);
}

static void make_frame(hid_t f, const char *name, int64_t n)
{
    hid_t g = make_group(f, name), t = H5Tcopy(H5T_C_S1);
    hsize_t dim = (hsize_t)n, none = 0;
    char *names = calloc((size_t)n, 16);
    for (int64_t i = 0; i < n; i++)
        snprintf(names + 16 * i, 16, "n%d", (int)i);
    set_text(g, "encoding-type", "dataframe");
    set_text(g, "_index", "_index");
    H5Tset_size(t, 16);
    hid_t space = H5Screate_simple(1, &dim, NULL), zero = H5Screate_simple(1, &none, NULL);
    hid_t d = H5Dcreate2(g, "_index", t, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Dwrite(d, t, H5S_ALL, H5S_ALL, H5P_DEFAULT, names) >= 0);
    H5Aclose(H5Acreate2(g, "column-order", H5T_NATIVE_DOUBLE, zero, H5P_DEFAULT, H5P_DEFAULT));
    H5Dclose(d);
    H5Sclose(space);
    H5Sclose(zero);
    H5Tclose(t);
    H5Gclose(g);
    free(names);
}

/* 200,000 cells x 1,000 genes, every value random but the same in all chunks: 200 million of them. */
static void make_long_file(const char *path)
{
    enum { CELLS = 200000, GENES = 1000, CHUNK = 1000 * GENES };
    int32_t *indices = malloc(CHUNK * sizeof *indices);
    float *values = malloc(CHUNK * sizeof *values);
    int64_t *indptr = malloc((CELLS + 1) * sizeof *indptr);
    uint32_t seed = 3;
    for (int i = 0; i < CHUNK; i++) {
        indices[i] = i % GENES;
        values[i] = (float)(small_next(&seed) % 100);
    }
    for (int i = 0; i <= CELLS; i++)
        indptr[i] = (int64_t)i * GENES;
    hid_t f = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), x = make_group(f, "X");
    hsize_t two = 2, shape[2] = {CELLS, GENES};
    set_text(x, "encoding-type", "csr_matrix");
    hid_t space = H5Screate_simple(1, &two, NULL),
          a = H5Acreate2(x, "shape", H5T_NATIVE_HSIZE, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(a, H5T_NATIVE_HSIZE, shape) >= 0);
    H5Aclose(a);
    H5Sclose(space);
    repeat_chunk(x, "data", H5T_NATIVE_FLOAT, values, CHUNK, CELLS / 1000);
    repeat_chunk(x, "indices", H5T_NATIVE_INT32, indices, CHUNK, CELLS / 1000);
    repeat_chunk(x, "indptr", H5T_NATIVE_INT64, indptr, CELLS + 1, 1);
    make_frame(f, "obs", CELLS);
    make_frame(f, "var", GENES);
    H5Gclose(x);
    assert_true(H5Fclose(f) >= 0);
    free(indices);
    free(values);
    free(indptr);
}

static void test_interrupted(void **state)
{
    io_session s;
    clab_dataset *d = NULL;
    guest_killer k;
    (void)state;
    io_start(&s);
    make_long_file(io_path("long.h5ad"));
    double best = 1e9;
    clab_status st;
    for (int i = 0; i < 6 && best > 0.2; i++) { /* the best of some tries: the machine may be busy */
        guest_cancel_after(&k, 100, s.cx);
        st = clab_read(s.cx, io_path("long.h5ad"), NULL, &d);
        double late = guest_cancel_seconds(&k);
        assert_int_equal(st, CLAB_ECANCEL);
        best = late < best ? late : best;
        clab_cancel_clear(s.cx);
        clab_error_clear(s.cx);
    }
    assert_true(best >= 0 && best <= 0.2);
    guest_kill_after(&k, 100, SIGSEGV);
    st = clab_read(s.cx, io_path("long.h5ad"), NULL, &d);
    assert_true(guest_kill_done(&k));
    assert_int_equal(st, CLAB_EIO);
    assert_non_null(strstr(clab_error_text(s.cx), "long.h5ad"));
    clab_error_clear(s.cx);
    assert_int_equal(clab_read(s.cx, file("gen", "csc_f32.h5ad"), NULL, &d), CLAB_OK); /* and life goes on */
    clab_dataset_unref(d);
    io_stop(&s);
}

/* The store of the long file would take hundreds of MiB: over the budget it goes into a scratch file, and that is
 * said; where not even its row table fits, it is refused with its bytes. */
static void test_over_budget(void **state)
{
    io_session s;
    clab_dataset *d = NULL;
    (void)state;
    io_start(&s);
    assert_int_equal(clab_budget_set(s.cx, 100 << 20), CLAB_OK);
    assert_int_equal(clab_read(s.cx, io_path("long.h5ad"), NULL, &d), CLAB_OK);
    assert_true(clab_store_get_info(clab_matrix_store(d->x, 0))->on_disk > 0);
    assert_non_null(s.notes.s);
    assert_non_null(strstr(s.notes.s, "scratch"));
    clab_dataset_unref(d);
    assert_int_equal(clab_budget_set(s.cx, 1 << 20), CLAB_OK);
    assert_int_equal(clab_read(s.cx, io_path("long.h5ad"), NULL, &d), CLAB_EBUDGET);
    assert_non_null(strstr(clab_error_text(s.cx), "iB"));
    assert_int_equal(clab_budget_set(s.cx, 0), CLAB_OK);
    io_stop(&s);
}

/* A file that another program holds locked for writing is read all the same, and that is said. */
static void test_locked(void **state)
{
    io_session s;
    clab_dataset *d = NULL;
    (void)state;
    io_start(&s);
    write_study(&s, io_path("locked.h5ad"), true, NULL, false);
    int fd = open(io_path("locked.h5ad"), O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(clab_read(s.cx, io_path("locked.h5ad"), NULL, &d), CLAB_OK);
    assert_non_null(s.warnings.s);
    assert_non_null(strstr(s.warnings.s, "lock"));
    clab_dataset_unref(d);
    close(fd);
    io_stop(&s);
}

int main(int argc, char **argv)
{
    IO_GUEST(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),      cmocka_unit_test(test_tenx),
        cmocka_unit_test(test_inspect),     cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_over_budget), cmocka_unit_test(test_locked),
    };
    return cmocka_run_group_tests(tests, NULL, io_clean);
}
