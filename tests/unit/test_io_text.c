/* test_io_text.c -- MatrixMarket, 10x folders and tables of text: what is read, and what is refused in words. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <zlib.h>

#include "data/rows.h"
#include "io_session.h"

static io_session s;

static void put_bytes(const char *name, const char *text, size_t n)
{
    FILE *f = fopen(io_path(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

static void put_gz(const char *name, const char *mode, const char *text)
{
    gzFile f = gzopen(io_path(name), mode);
    assert_non_null(f);
    assert_int_equal(gzputs(f, text), strlen(text));
    gzclose(f);
}

static clab_dataset *get(const char *name, const clab_read_opts *o)
{
    clab_dataset *d = NULL;
    io_forget(&s);
    if (clab_read(s.cx, io_path(name), o, &d) != CLAB_OK)
        fail_msg("%s", clab_error_text(s.cx));
    return d;
}

static void refused(const char *name, const clab_read_opts *o, const char *words)
{
    clab_dataset *d = NULL;
    io_forget(&s);
    assert_int_not_equal(clab_read(s.cx, io_path(name), o, &d), CLAB_OK);
    const char *text = clab_error_text(s.cx);
    if (!strstr(text, words) || !strstr(text, name) || strstr(text, "crash"))
        fail_msg("'%s' does not say '%s' of %s", text, words, name);
    assert_null(d);
}

/* Cells x genes, row by row, as "1 0 2;0 3 nan". */
static void holds(clab_dataset *d, const char *want)
{
    float *x = NULL;
    clab_str b = {0};
    assert_int_equal(clab_rows_dense(s.cx, d->x, 1 << 20, &x), CLAB_OK);
    for (int64_t i = 0; i < clab_dataset_n_obs(d); i++)
        for (int64_t j = 0; j < clab_dataset_n_vars(d); j++)
            clab_str_addf(&b, "%s%g", j ? " " : i ? ";" : "", (double)x[i * clab_dataset_n_vars(d) + j]);
    assert_string_equal(b.s ? b.s : "", want);
    clab_str_free(&b);
    clab_mem_free(s.cx, x);
}

static void named(clab_dataset *d, const char *cells, const char *genes)
{
    clab_str b = {0};
    for (int64_t i = 0; i < clab_dataset_n_obs(d); i++)
        clab_str_addf(&b, "%s%s", i ? " " : "", clab_dataset_obs_name(d, i));
    assert_string_equal(b.s ? b.s : "", cells);
    b.len = 0;
    for (int64_t i = 0; i < clab_dataset_n_vars(d); i++)
        clab_str_addf(&b, "%s%s", i ? " " : "", clab_dataset_var_name(d, i));
    assert_string_equal(b.s ? b.s : "", genes);
    clab_str_free(&b);
}

static void reads(const char *name, const clab_read_opts *o, const char *want)
{
    clab_dataset *d = get(name, o);
    holds(d, want);
    clab_dataset_unref(d);
}

#define HEAD "%%MatrixMarket matrix coordinate integer general\n"

static void test_mtx_kinds(void **state)
{
    const clab_read_opts genes = {.orient = "genes"};
    (void)state;
    put("a.mtx", HEAD "% comment\n\n2 3 3\n1 1 5\n1 3 6\n2 2 7\n");
    reads("a.mtx", NULL, "5 0 6;0 7 0");
    reads("a.mtx", &genes, "5 0;0 7;6 0");
    put("crlf.mtx", "%%matrixmarket MATRIX Coordinate Real General\r\n 2\t3 3 \r\n2 2 7e0\r\n1 3\t 6.0\r\n1 1 -.5");
    reads("crlf.mtx", NULL, "-0.5 0 6;0 7 0");
    put("twice.mtx", HEAD "2 2 3\n1 2 1\n1 2 2\n2 1 4\n");
    reads("twice.mtx", NULL, "0 3;4 0");
    put("pattern.mtx", "%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n2 1\n3 3\n");
    reads("pattern.mtx", NULL, "0 1 0;1 0 0;0 0 1");
    put("skew.mtx", "%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n2 1 3\n");
    reads("skew.mtx", NULL, "0 -3;3 0");
    put("array.mtx", "%%MatrixMarket matrix array real general\n2 3\n1\n2\n0\n4\n5\n6\n");
    reads("array.mtx", NULL, "1 0 5;2 4 6");
    put("lower.mtx", "%%MatrixMarket matrix array integer symmetric\n2 2\n1\n2\n3\n");
    reads("lower.mtx", NULL, "1 2;2 3");
    put("skewed.mtx", "%%MatrixMarket matrix array real skew-symmetric\n3 3\n1\n2\n3\n");
    reads("skewed.mtx", NULL, "0 -1 -2;1 0 -3;2 3 0");
    clab_str many = {0};
    clab_str_add(&many, "%%MatrixMarket matrix array integer general\n400 1\n");
    for (int i = 0; i < 400; i++)
        clab_str_add(&many, "1\n");
    put("short.mtx", many.s); /* two bytes an entry */
    clab_str_free(&many);
    clab_dataset *d = get("short.mtx", NULL);
    assert_int_equal(clab_dataset_n_obs(d), 400);
    clab_dataset_unref(d);
    put("none.mtx", HEAD "0 0 0\n");
    reads("none.mtx", NULL, "");
    put("told_by_content", HEAD "1 1 1\n1 1 1\n");
    reads("told_by_content", NULL, "1");
}

static void test_mtx_refused(void **state)
{
    static const char *const bad[][2] = {
        {HEAD "3 4 5\n1 1 1\n", "5 entries are promised, 1 are there"},
        {HEAD "3 4 1\n4 1 1\n", "outside of the matrix"},
        {HEAD "3 4 1\n0 1 1\n", "count from 1"},
        {HEAD "3 4 1\n-1 1 1\n", "outside of the matrix"},
        {HEAD "3 4 1\n1 1\n", "the value is missing"},
        {HEAD "3 4 1\n1 1 x\n", "no number"},
        {HEAD "3 4 1\n1.5 1 1\n", "not a row and a column"},
        {HEAD "3 4 99999999999999999999\n1 1 1\n", "not the size"},
        {HEAD "1000000000000 9 9\n1 1 1\n", "not a size"},
        {HEAD "2000000000 2000000000 1000000000000\n1 1 1\n", "more entries are promised than there can be"},
        {HEAD "2000000000 3 1\n1 1 1\n", "claims"},
        {HEAD "3 3 10\n1 1 1\n", "more entries are promised than there can be"},
        {HEAD "% nothing else\n", "size is missing"},
        {"3 4 1\n1 1 1\n", "no MatrixMarket banner"},
        {"%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 2\n", "complex"},
        {"%%MatrixMarket matrix coordinate real symmetric\n1 2 1\n1 1 1\n", "square"},
        {"%%MatrixMarket vector coordinate real general\n1 2 1\n1 1 1\n", "not known"},
        {"", "no MatrixMarket banner"},
    };
    const clab_read_opts odd = {.orient = "sideways"}, comma = {.delimiter = ","};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put("bad.mtx", bad[i][0]);
        refused("bad.mtx", NULL, bad[i][1]);
    }
    put("good.mtx", HEAD "1 1 0\n");
    io_forget(&s);
    clab_dataset *d = NULL;
    assert_int_equal(clab_read(s.cx, io_path("good.mtx"), &odd, &d), CLAB_EARG);
    io_forget(&s);
    assert_int_equal(clab_read(s.cx, io_path("good.mtx"), &comma, &d), CLAB_EARG);
}

static void test_gzip(void **state)
{
    size_t n;
    (void)state;
    put_gz("z.mtx.gz", "w", HEAD "2 2 2\n1 1 1\n");
    put_gz("z.mtx.gz", "a", "2 2 2\n"); /* a second member */
    reads("z.mtx.gz", NULL, "1 0;0 2");
    char *bytes = io_slurp(io_path("z.mtx.gz"), &n);
    put_bytes("cut.mtx.gz", bytes, n - 12);
    refused("cut.mtx.gz", NULL, "cut off");
    bytes[n - 6] ^= 0x55; /* of the checksum */
    put_bytes("sum.mtx.gz", bytes, n);
    refused("sum.mtx.gz", NULL, "damaged");
    free(bytes);
    put("packed.csv", "BZh91AY&SY");
    refused("packed.csv", NULL, "bunzip2");
}

static void folder(const char *name)
{
    mkdir(io_path(name), 0700);
}

static void test_folders(void **state)
{
    const clab_read_opts a = {.prefix = "A_"}, none = {.prefix = "C_"};
    (void)state;
    folder("v3");
    put_gz("v3/matrix.mtx.gz", "w", HEAD "%metadata_json: {}\n3 2 3\n3 1 7\n1 1 5\n2 2 6\n");
    put_gz("v3/barcodes.tsv.gz", "w", "AAAC-1\nAAAG-1\n");
    put_gz("v3/features.tsv.gz", "w", "E1\tCD3E\tGene Expression\nE2\tCD3E\tGene Expression\nE3\tHTO\tCustom\n");
    clab_dataset *d = get("v3", NULL);
    holds(d, "5 0 7;0 6 0");
    named(d, "AAAC-1 AAAG-1", "CD3E CD3E-1 HTO");
    assert_string_equal(((char **)clab_value_get(d->var, "gene_ids")->data)[1], "E2");
    assert_string_equal(((char **)clab_value_get(d->var, "feature_types")->data)[2], "Custom");
    clab_dataset_unref(d);

    folder("geo"); /* two sets with prefixes, one of them with genes.tsv of one column; entries out of order */
    put("geo/A_matrix.mtx", HEAD "2 3 3\n1 3 1\n2 1 2\n1 1 3\n");
    put("geo/A_barcodes.tsv", "x\r\ny\r\nz");
    put("geo/A_genes.tsv", "G1\nG2\n");
    put("geo/B_matrix.mtx", HEAD "1 1 1\n1 1 1\n");
    refused("geo", NULL, "holds 2 matrices");
    d = get("geo", &a);
    holds(d, "3 2;0 0;1 0");
    named(d, "x y z", "G1 G2");
    clab_dataset_unref(d);
    refused("geo", &none, "no files with the prefix");

    folder("swapped");
    put("swapped/matrix.mtx", HEAD "3 2 1\n3 1 9\n");
    put("swapped/barcodes.tsv", "a\nb\nc\n");
    put("swapped/genes.tsv", "1\tG1\n2\tG2\n");
    reads("swapped", NULL, "0 0;0 0;9 0");
    put("swapped/genes.tsv", "1\tG1\n2\tG2\n3\tG3\n4\tG4\n");
    refused("swapped", NULL, "4 features and 3 barcodes are listed");
    remove(io_path("swapped/genes.tsv"));
    refused("swapped", NULL, "no features.tsv");
    folder("empty");
    refused("empty", NULL, "no matrix.mtx");
}

static void test_tables(void **state)
{
    const clab_read_opts genes = {.orient = "genes"}, pipe = {.delimiter = "|"};
    clab_dataset *d;
    (void)state;
    put("a.csv", "\xef\xbb\xbf" ",G1,\"G,2\",G3\r\nc1,1,0,2.5\r\n\"c\"\"2\",NA,3,0\r\n");
    d = get("a.csv", NULL);
    holds(d, "1 0 2.5;nan 3 0");
    named(d, "c1 c\"2", "G1 G,2 G3");
    assert_true(clab_matrix_is_dense(d->x));
    clab_dataset_unref(d);
    d = get("a.csv", &genes);
    holds(d, "1 nan;0 3;2.5 0");
    named(d, "G1 G,2 G3", "c1 c\"2");
    clab_dataset_unref(d);
    put("gene.tsv", "gene\tAAA\tBBB\nx\t1\t2\ny\t3\t0\nz\t5\t6");
    d = get("gene.tsv", NULL);
    holds(d, "1 3 5;2 0 6");
    named(d, "AAA BBB", "x y z");
    assert_non_null(strstr(s.notes.s, "genes x cells (the corner says so)"));
    clab_dataset_unref(d);
    put("r.txt", "\"ACTB\" \"G2\"\n\"c1\" 1 2 \nc2  3\t4\n\n");
    d = get("r.txt", NULL);
    holds(d, "1 2;3 4");
    named(d, "c1 c2", "ACTB G2");
    clab_dataset_unref(d);
    put("bare.csv", "# a comment\n1;2\n3;4\n");
    d = get("bare.csv", NULL);
    holds(d, "1 2;3 4");
    named(d, "0 1", "0 1");
    clab_dataset_unref(d);
    put("pipe.txt", "x|a|b\nc|1|2\n");
    reads("pipe.txt", &pipe, "1 2");
    put("head.csv", "cell,G1,G2\n");
    reads("head.csv", NULL, "");
    put_gz("z.csv.gz", "w", "ENSG00000000003,AAACCTGAGAAACCAT-1,AAACCTGAGAAACCGC-1\nENSG00000000005,1,2\n");
    remove(io_path("z.csv.gz"));
    put_gz("z.csv.gz", "w", "id,AAACCTGAGAAACCAT-1,AAACCTGAGAAACCGC-1\nENSG00000000005,1,2\n");
    d = get("z.csv.gz", NULL);
    holds(d, "1;2");
    assert_non_null(strstr(s.notes.s, "its columns are barcodes"));
    clab_dataset_unref(d);
}

static void test_tables_refused(void **state)
{
    static const char *const bad[][2] = {
        {"", "empty"},
        {",a,b\nc1,1\n", "first row has 3 fields, the second 2"},
        {",a,b\nc1,1,2\nc2,1\n", "fewer than 2 values"},
        {",a,b\nc1,1,2\nc2,1,2,3\n", "more than 2 values"},
        {",a,b\nc1,1,2\nc2,T cell,2\n", "'T cell' in column 2, a is no number"},
        {",a,b\nc1,1,\"2\n", "never closed"},
        {"a\nb\n", "one column"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put("bad.csv", bad[i][0]);
        refused("bad.csv", NULL, bad[i][1]);
    }
    put_bytes("nul.csv", ",a,b\0c,d\nc1,1,2,3\n", 19);
    refused("nul.csv", NULL, "zero bytes");
}

static int64_t number(const clab_value *dict, const char *key)
{
    const clab_value *v = clab_value_get(dict, key);
    assert_non_null(v);
    return v->dtype == CLAB_BOOL ? *(uint8_t *)v->data : *(int64_t *)v->data;
}

static void inspects(const char *name, bool full, const char *format, int64_t n_obs, int64_t n_vars, int64_t nnz)
{
    clab_value *v = NULL;
    io_forget(&s);
    if (clab_inspect_file(s.cx, io_path(name), full, &v) != CLAB_OK)
        fail_msg("%s", clab_error_text(s.cx));
    const clab_value *x = clab_value_get(v, "x");
    assert_string_equal(*(char **)clab_value_get(v, "format")->data, format);
    assert_int_equal(number(v, "n_obs"), n_obs);
    assert_int_equal(number(v, "n_vars"), n_vars);
    assert_int_equal(number(x, "nnz"), nnz);
    assert_int_equal(number(x, "whole"), 1);
    assert_true(number(x, "stored_bytes") > 0);
    assert_string_equal(*(char **)clab_value_get(v, "counts")->data, "X");
    clab_value_unref(v);
}

static void test_inspect(void **state)
{
    (void)state;
    folder("seen");
    put("seen/matrix.mtx", HEAD "3 2 3\n1 2 9\n1 1 8\n2 1 0\n");
    put("seen/barcodes.tsv", "a\nb\n");
    put("seen/genes.tsv", "1\tG1\n2\tG2\n3\tG3\n");
    inspects("seen", false, "10x mtx", 2, 3, 3);
    inspects("seen", true, "10x mtx", 2, 3, 2);
    put("seen.csv", "gene,c1,c2\nx,1,0\ny,3,0\nz,5,6\n");
    inspects("seen.csv", false, "table", 2, 3, 6);
    inspects("seen.csv", true, "table", 2, 3, 4);
    inspects("seen/matrix.mtx", false, "MatrixMarket", 3, 2, 3);
}

/* More entries than one run of the sort holds, in the worst order. */
static void test_many_out_of_order(void **state)
{
    enum { N = 1100, G = 1000 };
    FILE *f = fopen(io_path("many.mtx"), "w");
    double sum = 0;
    clab_rows *rows = NULL;
    const clab_csr *b = NULL;
    int64_t row = 0;
    (void)state;
    fputs(HEAD, f);
    fprintf(f, "%d %d %d\n", N, G, N * G);
    for (int g = 1; g <= G; g++)
        for (int c = N; c >= 1; c--)
            fprintf(f, "%d %d %d\n", c, g, (c * 7 + g * 3) % 50 + 1);
    fclose(f);
    clab_dataset *d = get("many.mtx", NULL);
    assert_int_equal(clab_rows_open(s.cx, d->x, NULL, &rows), CLAB_OK);
    while (clab_rows_next(s.cx, rows, &b) == CLAB_OK && b)
        for (int64_t i = 0; i < b->n_rows; i++, row++) {
            assert_int_equal(b->indptr[i + 1] - b->indptr[i], G);
            for (int64_t k = b->indptr[i]; k < b->indptr[i + 1]; k++)
                sum += fabs((double)b->f32[k] - (double)(((row + 1) * 7 + (b->indices[k] + 1) * 3) % 50 + 1));
        }
    assert_int_equal(row, N);
    assert_true(sum == 0);
    clab_rows_close(s.cx, rows);
    clab_dataset_unref(d);
}

/* Repeats of one entry in no order: they may be many, but they do not fill the memory. */
static void test_repeats(void **state)
{
    gzFile f = gzopen(io_path("repeats.mtx.gz"), "w1");
    (void)state;
    gzputs(f, HEAD "2000 2000 3000000\n");
    for (int i = 0; i < 1500000; i++)
        gzputs(f, "2 1 1\n1 1 1\n");
    gzclose(f);
    refused("repeats.mtx.gz", NULL, "1500000 entries, and there are 2000 genes");
}

/* Names without end out of a few kilobytes: refused before they fill the memory. */
static void test_bomb(void **state)
{
    gzFile f = gzopen(io_path("bomb.csv.gz"), "w9");
    static char names[1 << 20];
    (void)state;
    for (size_t i = 0; i < sizeof names; i += 2)
        memcpy(names + i, "a,", 2);
    for (int i = 0; i < 64; i++)
        assert_int_equal(gzwrite(f, names, sizeof names), sizeof names);
    gzclose(f);
    refused("bomb.csv.gz", NULL, "no real list does that");
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
    const struct CMUnitTest tests[] = {
        TEST(test_mtx_kinds), TEST(test_mtx_refused),    TEST(test_gzip),              TEST(test_folders),
        TEST(test_tables),    TEST(test_tables_refused), TEST(test_inspect), TEST(test_many_out_of_order), TEST(test_repeats), TEST(test_bomb),
    };
    return cmocka_run_group_tests(tests, NULL, io_clean);
}
