/* test_data_gene_map.c -- genes found by ID, column, table; collisions; studies joined by gene. */
#include <libdeflate.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clab_test.h"
#include "data/gene_table.h"
#include "data/genes.h"
#include "guest/guest.h"
#include "io/io.h"
#include "roles.h"
#include "small.h"

/* A table of five genes: OLD1 was A1's symbol, AL is an alias of two, TWIN the symbol of two. */
static const char table[] = "# a table for tests\n"
                            "ENSG00000000001\tA1\tOLD1\tAL|NICK\n"
                            "ENSG00000000002\tB2\t\tAL\n"
                            "ENSG00000000003\tC3\tA1X|NICK2\n"
                            "ENSG00000000004\tTWIN\n"
                            "ENSG00000000005\tTWIN\tOLD5\n";

static void write_table(const char *text, size_t n, const char *name)
{
    struct libdeflate_compressor *z = libdeflate_alloc_compressor(6);
    char out[4096];
    size_t k = libdeflate_gzip_compress(z, text, n, out, sizeof out);
    FILE *f;

    libdeflate_free_compressor(z);
    mkdir(test_temp("genes"), 0777);
    f = fopen(test_temp(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(out, 1, k, f), k);
    fclose(f);
}

static int use_small_table(void **state)
{
    (void)state;
    write_table(table, sizeof table - 1, "genes/human.tsv.gz");
    return setenv("CELLLAB_DATA", test_dir(), 1);
}

static clab_dataset *study(clab_ctx *cx, const char *name, int64_t g, const char *const *genes, const char *column,
                           const char *const *entries)
{
    static const char *const cells[] = {"x", "y"};
    int64_t two = 2;
    double *x = calloc((size_t)g * 2, sizeof *x);
    clab_value *index = NULL, *barcodes = NULL, *v = NULL, *obs = NULL, *var = NULL;
    clab_dataset *d = NULL;

    for (int64_t i = 0; i < 2 * g; i++)
        x[i] = (double)(i + 1);
    clab_matrix *m = small_matrix(cx, 2, g, x, CLAB_F32);
    assert_clab_ok(cx, clab_value_strings(cx, 1, &g, genes, &index));
    assert_clab_ok(cx, clab_value_strings(cx, 1, &two, cells, &barcodes));
    assert_clab_ok(cx, clab_value_table(cx, index, NULL, &var));
    assert_clab_ok(cx, clab_value_table(cx, barcodes, NULL, &obs));
    if (column) {
        assert_clab_ok(cx, clab_value_strings(cx, 1, &g, entries, &v));
        assert_clab_ok(cx, clab_value_set(cx, var, column, v));
    }
    assert_clab_ok(cx, clab_dataset_new(cx, name, m, obs, var, &d));
    clab_value *parts[] = {index, barcodes, v, obs, var};
    for (int i = 0; i < 5; i++)
        clab_value_unref(parts[i]);
    clab_matrix_unref(m);
    free(x);
    return d;
}

#define GENES(...) (const char *const[]){__VA_ARGS__}

static void check_names(clab_dataset *d, int64_t n, const char *const *want)
{
    assert_int_equal(clab_dataset_n_vars(d), n);
    for (int64_t g = 0; g < n; g++)
        assert_string_equal(clab_dataset_var_name(d, g), want[g]);
}

static void drop(clab_dataset **d, int n)
{
    for (int i = 0; i < n; i++)
        clab_dataset_unref(d[i]);
}

/* ---- the table --------------------------------------------------------------------------------------*/

static void test_table(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_gene_table *t = NULL;
    clab_gene_match how;

    (void)state;
    assert_clab_ok(cx, clab_gene_table_open(cx, CLAB_HUMAN, &t));
    assert_int_equal(clab_gene_table_n(t), 5);
    assert_string_equal(clab_gene_table_about(t), "a table for tests");
    assert_string_equal(clab_gene_table_id(t, "B2", &how), "ENSG00000000002");
    assert_int_equal(how, CLAB_GENE_SYMBOL);
    assert_string_equal(clab_gene_table_id(t, "OLD1", &how), "ENSG00000000001");
    assert_int_equal(how, CLAB_GENE_PREVIOUS);
    assert_string_equal(clab_gene_table_id(t, "NICK", &how), "ENSG00000000001");
    assert_int_equal(how, CLAB_GENE_ALIAS);
    assert_null(clab_gene_table_id(t, "AL", &how));
    assert_int_equal(how, CLAB_GENE_AMBIGUOUS);
    assert_null(clab_gene_table_id(t, "TWIN", &how));
    assert_int_equal(how, CLAB_GENE_AMBIGUOUS);
    assert_null(clab_gene_table_id(t, "nothing", &how));
    assert_int_equal(how, CLAB_GENE_UNKNOWN);
    assert_string_equal(clab_gene_table_symbol(t, "ENSG00000000003"), "C3");
    clab_gene_table_free(cx, t);
    test_ctx_free(cx);
}

static void test_damaged_table(void **state)
{
    static const char twice[] = "ENSG00000000001\tA\nENSG00000000001\tB\n", bare[] = "ENSG00000000001\n";
    clab_ctx *cx = test_ctx(1);
    clab_gene_table *t = NULL;

    (void)state;
    assert_clab_fails(cx, clab_gene_table_open(cx, CLAB_MOUSE, &t), CLAB_ENOTFOUND, "genes/mouse.tsv.gz");
    write_table(twice, sizeof twice - 1, "genes/mouse.tsv.gz");
    assert_clab_fails(cx, clab_gene_table_open(cx, CLAB_MOUSE, &t), CLAB_EFORMAT, "twice");
    write_table(bare, sizeof bare - 1, "genes/mouse.tsv.gz");
    assert_clab_fails(cx, clab_gene_table_open(cx, CLAB_MOUSE, &t), CLAB_EFORMAT, "damaged: gene 1");
    test_write_text(test_temp("genes/mouse.tsv.gz"), "this is no table, and it is not compressed");
    assert_clab_fails(cx, clab_gene_table_open(cx, CLAB_MOUSE, &t), CLAB_EFORMAT, NULL);
    unlink(test_temp("genes/mouse.tsv.gz"));
    test_ctx_free(cx);
}

/* The tables that come with the program: some genes everybody knows. */
static void test_bundled(void **state)
{
    static const struct {
        clab_species species;
        const char *name, *id;
        clab_gene_match how;
    } known[] = {
        {CLAB_HUMAN, "TP53", "ENSG00000141510", CLAB_GENE_SYMBOL},
        {CLAB_HUMAN, "SEPT9", "ENSG00000184640", CLAB_GENE_PREVIOUS},
        {CLAB_HUMAN, "MT-CO1", "ENSG00000198804", CLAB_GENE_SYMBOL},
        {CLAB_MOUSE, "Trp53", "ENSMUSG00000059552", CLAB_GENE_SYMBOL},
        {CLAB_MOUSE, "Gapdh", "ENSMUSG00000057666", CLAB_GENE_SYMBOL},
    };
    clab_ctx *cx = test_ctx(1);
    clab_gene_table *t[2] = {NULL, NULL};
    char folder[512];

    (void)state;
    snprintf(folder, sizeof folder, "%s", test_source("data"));
    setenv("CELLLAB_DATA", folder, 1);
    for (int i = 0; i < 2; i++) {
        assert_clab_ok(cx, clab_gene_table_open(cx, (clab_species)i, &t[i]));
        assert_true(clab_gene_table_n(t[i]) > 40000);
        assert_holds(clab_gene_table_about(t[i]), "GENCODE");
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        clab_gene_match how;
        assert_string_equal(clab_gene_table_id(t[known[i].species], known[i].name, &how), known[i].id);
        assert_int_equal(how, known[i].how);
    }
    for (int i = 0; i < 2; i++)
        clab_gene_table_free(cx, t[i]);
    use_small_table(state);
    test_ctx_free(cx);
}

/* ---- studies ----------------------------------------------------------------------------------------*/

/* IDs against symbols, one of them an old one; the ambiguous and the unknown keep their names. */
static void test_align(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_dataset *d[2] = {study(cx, "symbols", 5, GENES("OLD1", "B2", "AL", "ZZ", "C3"), NULL, NULL),
                          study(cx, "ids", 4, GENES("ENSG00000000003.7", "ENSG00000000001.2", "ENSG00000000009", "ZZ"),
                                NULL, NULL)},
                 *out[2];

    (void)state;
    assert_clab_ok(cx, clab_gene_align(cx, (const clab_dataset *const *)d, 2, out));
    check_names(out[0], 5, GENES("OLD1", "B2", "AL", "ZZ", "C3"));
    check_names(out[1], 4, GENES("C3", "OLD1", "ENSG00000000009", "ZZ"));
    assert_string_equal(clab_value_at_str(clab_value_get(out[1]->var, "original_name"), 0, NULL, 0), "ENSG00000000003.7");
    const char *notes = test_notes();
    assert_holds(notes, "symbols: 5 genes: 2 by their symbols, 1 by previous symbols, 1 ambiguous, 1 unknown; 0 renamed");
    assert_holds(notes, "ids: 4 genes: 3 by their Ensembl IDs, 1 unknown; 2 renamed");
    drop(out, 2);
    drop(d, 2);
    test_ctx_free(cx);
}

/* A symbol is better evidence than a previous one or an alias: the worse claim keeps its name. */
static void test_better_claim(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_dataset *d[2] = {study(cx, "both", 3, GENES("NICK", "OLD1", "A1"), NULL, NULL),
                          study(cx, "ids", 1, GENES("ENSG00000000001"), NULL, NULL)},
                 *out[2];

    (void)state;
    assert_clab_ok(cx, clab_gene_align(cx, (const clab_dataset *const *)d, 2, out));
    check_names(out[1], 1, GENES("A1"));
    assert_holds(test_notes(), "both: 3 genes: 1 by their symbols, 2 left because a better name has their ID");
    drop(out, 2);
    drop(d, 2);
    test_ctx_free(cx);
}

/* A column of IDs needs no table, and a study that names both translates for one that does not. */
static void test_columns(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_dataset *d[2] = {study(cx, "symbols", 2, GENES("FOO", "BAR"), NULL, NULL),
                          study(cx, "ids", 3, GENES("ENSG00000000021.1", "ENSG00000000022.1", "ENSG00000000023.1"),
                                "gene_symbol", GENES("BAR", "OTHER", "FOO"))},
                 *out[2];

    (void)state;
    assert_clab_ok(cx, clab_common_genes(cx, (const clab_dataset *const *)d, 2, &(clab_genes_opts){.map = true}, out));
    check_names(out[0], 2, GENES("FOO", "BAR"));
    check_names(out[1], 2, GENES("FOO", "BAR"));
    double *x = small_dense(cx, out[1]->x, true);
    assert_near(x[0], 3, 0, 0); /* the third gene's first cell */
    assert_near(x[1], 1, 0, 0);
    free(x);
    drop(out, 2);
    assert_clab_fails(cx, clab_common_genes(cx, (const clab_dataset *const *)d, 2,
                                            &(clab_genes_opts){.map = true, .by = "gene_symbol"}, out),
                      CLAB_EARG, "give one of them");
    drop(d, 2);
    test_ctx_free(cx);
}

static void test_concat(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_dataset *d[2] = {study(cx, "symbols", 3, GENES("A1", "B2", "ZZ"), NULL, NULL),
                          study(cx, "ids", 2, GENES("ENSG00000000002", "ENSG00000000001"), NULL, NULL)},
                 *out = NULL;
    clab_concat_opts o;

    (void)state;
    clab_concat_opts_init(&o);
    o.map = true;
    assert_clab_ok(cx, clab_concat(cx, (const clab_dataset *const *)d, 2, &o, &out));
    check_names(out, 2, GENES("A1", "B2"));
    clab_dataset_unref(out);
    o.outer = true;
    assert_clab_ok(cx, clab_concat(cx, (const clab_dataset *const *)d, 2, &o, &out));
    check_names(out, 3, GENES("A1", "B2", "ZZ"));
    clab_dataset_unref(out);
    drop(d, 2);
    test_ctx_free(cx);
}

static void test_report(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_dataset *d[2] = {study(cx, "symbols", 3, GENES("A1", "A1", "ZZ"), NULL, NULL),
                          study(cx, "ids", 2, GENES("ENSG00000000002.4", "ENSG00000000001"), NULL, NULL)};
    clab_value *report = NULL;
    char *text = NULL;

    (void)state;
    assert_clab_ok(cx, clab_genes_report(cx, (const clab_dataset *const *)d, 2, &report));
    assert_clab_ok(cx, clab_genes_text(cx, report, &text));
    assert_holds(text, "symbols: 3 genes, symbols, human; 1 names occur again");
    assert_holds(text, "ids: 2 genes, Ensembl gene IDs, human; 1 with versions");
    assert_holds(text, "in common: 0 as they are named, 1 by gene");
    assert_holds(text, "table: a table for tests");
    free(text);
    clab_value_unref(report);
    drop(d, 2);
    test_ctx_free(cx);
}

/* Symbols of 2013 against Ensembl IDs of other cells: nothing in common by name, nearly all of what both measured
 * by gene.  A symbol that stands beside an ID in the second study must lead to that ID. */
static void test_real(void **state)
{
    const char *symbols = test_shared("real/pbmc3k.h5ad"), *ids = test_shared("real/scmix_celseq2_3cl.h5ad");
    clab_ctx *cx = test_ctx(2);
    clab_dataset *d[2], *out[2];
    char folder[512];
    int64_t agree = 0;

    snprintf(folder, sizeof folder, "%s", test_source("data"));
    setenv("CELLLAB_DATA", folder, 1);
    assert_clab_ok(cx, clab_read(cx, symbols, NULL, &d[0]));
    assert_clab_ok(cx, clab_read(cx, ids, NULL, &d[1]));
    assert_clab_fails(cx, clab_common_genes(cx, (const clab_dataset *const *)d, 2, &(clab_genes_opts){0}, out), CLAB_EARG,
                      "only 0 of the 13,714 genes");
    assert_clab_ok(cx, clab_common_genes(cx, (const clab_dataset *const *)d, 2, &(clab_genes_opts){.map = true}, out));
    assert_true(clab_dataset_n_vars(out[0]) > 11500);
    assert_true(clab_value_equal(out[0]->var->index, out[1]->var->index));
    const clab_value *symbol = clab_value_get(out[1]->var, "gene_symbol");
    for (int64_t g = 0; g < clab_dataset_n_vars(out[1]); g++)
        agree += strcmp(clab_value_at_str(symbol, g, NULL, 0), clab_dataset_var_name(out[1], g)) == 0;
    assert_true(agree > 10500); /* the others are renamed genes */
    drop(out, 2);
    drop(d, 2);
    use_small_table(state);
    test_ctx_free(cx);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),        cmocka_unit_test(test_damaged_table), cmocka_unit_test(test_bundled),
        cmocka_unit_test(test_align),        cmocka_unit_test(test_better_claim),  cmocka_unit_test(test_columns),
        cmocka_unit_test(test_concat),       cmocka_unit_test(test_report),
        cmocka_unit_test(test_real),
    };

    if (argc > 1 && strcmp(argv[1], "--guest") == 0)
        return clab_guest_main(argc, argv, clab_roles);

    return cmocka_run_group_tests(tests, use_small_table, NULL);
}
