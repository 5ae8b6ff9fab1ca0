/* test_io_part.c -- a part of a file is what a selection from the whole file would be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io_session.h"
#include "small.h"

static clab_dataset *read_part(io_session *s, const char *path, const clab_read_opts *o)
{
    clab_dataset *d = NULL;
    if (clab_read(s->cx, path, o, &d) != CLAB_OK)
        fail_msg("%s: %s", path, clab_error_text(s->cx));
    return d;
}

/* Of n names every third (and the last), by number and by name; caller frees both. */
static int64_t every_third(const clab_value *index, int64_t **at, const char ***names)
{
    int64_t n = index->dims[0], k = 0;
    *at = calloc((size_t)n + 1, sizeof **at);
    *names = calloc((size_t)n + 1, sizeof **names);
    for (int64_t i = 0; i < n; i++)
        if (i % 3 == 1 || i == n - 1) {
            (*names)[k] = ((char *const *)index->data)[i];
            (*at)[k++] = i;
        }
    return k;
}

/* Repeated names would all be taken. */
static void drop_raw(clab_dataset *d)
{
    clab_matrix_unref(d->raw.x);
    clab_value_unref(d->raw.var);
    clab_value_unref(d->raw.varm);
    d->raw = (clab_raw){0};
}

static void compare_part(io_session *s, const char *path)
{
    clab_dataset *all = read_part(s, path, NULL), *cells = NULL, *both = NULL, *part;
    int64_t *rows, *cols;
    const char **row_names, **col_names, *differs;
    clab_read_opts o = {0};
    int64_t n = every_third(all->obs->index, &rows, &row_names), g = every_third(all->var->index, &cols, &col_names);
    assert_int_equal(clab_dataset_take_obs(s->cx, all, rows, n, &cells), CLAB_OK);
    assert_int_equal(clab_dataset_take_vars(s->cx, cells, cols, g, &both), CLAB_OK);
    o.cells = row_names;
    o.n_cells = n;
    part = read_part(s, path, &o);
    if ((differs = io_difference(s->cx, cells, part)))
        fail_msg("%s: %s differs when cells are picked", path, differs);
    clab_dataset_unref(part);
    o.genes = col_names;
    o.n_genes = g;
    part = read_part(s, path, &o);
    drop_raw(both);
    drop_raw(part);
    if ((differs = io_difference(s->cx, both, part)))
        fail_msg("%s: %s differs when cells and genes are picked", path, differs);
    clab_dataset_unref(part);
    clab_dataset_unref(all);
    clab_dataset_unref(cells);
    clab_dataset_unref(both);
    free(rows);
    free(cols);
    free(row_names);
    free(col_names);
}

static void test_like_a_view(void **state)
{
    static const char *const files[] = {"csr_f32_gzip.h5ad", "csr_lzf.h5ad",      "csc_f32.h5ad",
                                        "csr_big_endian.h5ad", "dense_f64.h5ad",  "csr_unsorted_indices.h5ad",
                                        "csr_duplicate_entries.h5ad", "categoricals.h5ad", "nullable.h5ad",
                                        "legacy_pre07_compound.h5ad", "legacy_07_categories.h5ad", "no_X.h5ad"};
    io_session s;
    (void)state;
    io_start(&s);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        compare_part(&s, io_good(files[i]));
    compare_part(&s, io_good("tenx_v3.h5"));
    io_stop(&s);
}

/* Many chunks and more than one block, sparse and dense. */
static void test_many_blocks(void **state)
{
    enum { N = 14000, G = 400 };
    io_session s;
    clab_write_opts w;
    (void)state;
    io_start(&s);
    float *x = small_counts(N, G, 25, 7);
    clab_matrix *m = small_matrix_f32(s.cx, N, G, x);
    clab_value *names[2] = {NULL, NULL}, *tables[2] = {NULL, NULL};
    const int64_t len[2] = {N, G};
    clab_dataset *d = NULL;
    for (int k = 0; k < 2; k++) {
        char(*text)[16] = calloc((size_t)len[k], sizeof *text);
        const char **p = calloc((size_t)len[k], sizeof *p);
        for (int64_t i = 0; i < len[k]; i++) {
            snprintf(text[i], sizeof text[i], "%c%d", k ? 'g' : 'c', (int)i);
            p[i] = text[i];
        }
        assert_int_equal(clab_value_strings(s.cx, 1, &len[k], p, &names[k]), CLAB_OK);
        assert_int_equal(clab_value_table(s.cx, names[k], "_index", &tables[k]), CLAB_OK);
        free(p);
        free(text);
    }
    assert_int_equal(clab_dataset_new(s.cx, "big", m, tables[0], tables[1], &d), CLAB_OK);
    clab_write_opts_init(&w);
    w.compression = 1;
    for (int dense = 0; dense < 2; dense++) {
        w.dense = dense;
        assert_int_equal(clab_write(s.cx, d, io_path("big.h5ad"), &w), CLAB_OK);
        clab_dataset *back = read_part(&s, io_path("big.h5ad"), NULL);
        const char *differs = io_difference(s.cx, d, back);
        if (differs && !(dense && strcmp(differs, "X") == 0)) /* the file is dense now, d is not */
            fail_msg("%s differs after writing and reading", differs);
        clab_dataset_unref(back);
        compare_part(&s, io_path("big.h5ad"));
    }
    clab_dataset_unref(d);
    clab_matrix_unref(m);
    for (int k = 0; k < 2; k++) {
        clab_value_unref(names[k]);
        clab_value_unref(tables[k]);
    }
    free(x);
    io_stop(&s);
}

static void expect(io_session *s, const clab_read_opts *o, clab_status status, const char *words, const char *remedy)
{
    clab_dataset *d = NULL;
    assert_int_equal(clab_read(s->cx, io_good("categoricals.h5ad"), o, &d), status);
    assert_non_null(strstr(clab_error_text(s->cx), words));
    assert_non_null(strstr(clab_error_text(s->cx), remedy));
    assert_null(strstr(clab_error_text(s->cx), "damaged"));
    clab_error_clear(s->cx);
}

static void test_columns_and_expressions(void **state)
{
    io_session s;
    (void)state;
    io_start(&s);
    clab_dataset *all = read_part(&s, io_good("csr_f32_gzip.h5ad"), NULL), *view = NULL;
    const char *first = all->obs->names[0];
    uint8_t *mask = calloc((size_t)clab_dataset_n_obs(all), 1);
    char text[100], buf[40];
    assert_true(all->obs->n_items > 1);
    const clab_value *type = clab_value_get(all->obs, "cell_type");
    snprintf(text, sizeof text, "cell_type == '%s'", clab_value_at_str(type, 2, buf, sizeof buf));
    assert_int_equal(clab_where(s.cx, all, text, mask), CLAB_OK);
    assert_int_equal(clab_dataset_keep_obs(s.cx, all, mask, &view), CLAB_OK);
    const char *other = strcmp(first, "cell_type") == 0 ? all->obs->names[1] : first;
    clab_dataset *part = read_part(&s, io_good("csr_f32_gzip.h5ad"), &(clab_read_opts){.cols = &other, .n_cols = 1, .where = text});
    assert_int_equal(part->obs->n_items, 1); /* what the expression needed is gone again */
    assert_string_equal(part->obs->names[0], other);
    assert_true(clab_value_equal(part->obs->items[0], clab_value_get(view->obs, other)));
    assert_true(clab_value_equal(part->obs->index, view->obs->index));
    clab_dataset_unref(part);
    part = read_part(&s, io_good("csr_f32_gzip.h5ad"), &(clab_read_opts){.cols = &other, .n_cols = 0});
    assert_int_equal(part->obs->n_items, 0);
    clab_dataset_unref(part);
    clab_dataset_unref(view);
    clab_dataset_unref(all);
    free(mask);
    io_stop(&s);
}

static void test_what_is_not_there(void **state)
{
    io_session s;
    const char *none = "nobody", *some[2] = {"nobody", NULL};
    (void)state;
    io_start(&s);
    clab_dataset *all = read_part(&s, io_good("categoricals.h5ad"), NULL);
    some[1] = clab_dataset_var_name(all, 1);
    expect(&s, &(clab_read_opts){.cols = &none, .n_cols = 1}, CLAB_ENOTFOUND, "no column 'nobody'", "it has:");
    expect(&s, &(clab_read_opts){.genes = &none, .n_genes = 1}, CLAB_ENOTFOUND, "none of the 1 genes", "names there are");
    expect(&s, &(clab_read_opts){.cells = &none, .n_cells = 1}, CLAB_ENOTFOUND, "none of the 1 cells", "names there are");
    expect(&s, &(clab_read_opts){.where = "nothing > 3"}, CLAB_ENOTFOUND, "nothing", "where(");
    expect(&s, &(clab_read_opts){.where = "1 ="}, CLAB_EARG, "where(", "character");
    io_forget(&s);
    clab_dataset *part = read_part(&s, io_good("categoricals.h5ad"), &(clab_read_opts){.genes = some, .n_genes = 2});
    assert_int_equal(clab_dataset_n_vars(part), 1);
    assert_non_null(strstr(s.warnings.s, "1 of the 2 genes"));
    assert_non_null(strstr(s.warnings.s, "nobody"));
    clab_dataset_unref(part);
    clab_dataset_unref(all);
    io_stop(&s);
}

static void test_names_file(void **state)
{
    io_session s;
    clab_value *v = NULL;
    FILE *f;
    (void)state;
    io_start(&s);
    assert_non_null(f = fopen(io_path("genes.txt"), "w"));
    fputs("CD3E \r\n\n  MS4A1\nNKG7", f);
    fclose(f);
    assert_int_equal(clab_read_names(s.cx, io_path("genes.txt"), &v), CLAB_OK);
    assert_int_equal(v->dims[0], 3);
    assert_string_equal(((char **)v->data)[0], "CD3E");
    assert_string_equal(((char **)v->data)[1], "MS4A1");
    assert_string_equal(((char **)v->data)[2], "NKG7");
    clab_value_unref(v);
    assert_int_equal(clab_read_names(s.cx, io_good("no_X.h5ad"), &v), CLAB_EFORMAT);
    clab_error_clear(s.cx);
    assert_int_equal(clab_read_names(s.cx, io_path("nowhere"), &v), CLAB_ENOTFOUND);
    io_stop(&s);
}

int main(int argc, char **argv)
{
    IO_GUEST(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_a_view),
        cmocka_unit_test(test_many_blocks),
        cmocka_unit_test(test_columns_and_expressions),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_names_file),
    };
    return cmocka_run_group_tests(tests, NULL, io_clean);
}
