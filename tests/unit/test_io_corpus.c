/* test_io_corpus.c -- every file of the format corpus: what is valid is read as recorded, what is broken
 * or hostile is refused in words, without a crash, in little memory.  The small part is in the project. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>
#include <jansson.h>

#include "data/rows.h"
#include "io_session.h"
#include "sha256.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_MORE_KIB (1536 * 1024) /* with the shadow of a sanitizer */
#else
#define MEMORY_MORE_KIB (64 * 1024) /* that a broken file may take above what a tiny one takes */
#endif

static int wrong;
static bool as_stored; /* the file under test keeps element types and dense or sparse as recorded */

static void complain(const char *file, const char *what)
{
    fprintf(stderr, "  %s: %s\n", file, what);
    wrong++;
}

static bool same_text(json_t *want, const char *got)
{
    return !json_is_string(want) || strcmp(json_string_value(want), got) == 0;
}

/* Numbers, or "nan", "inf", "-inf". */
static bool same_number(json_t *want, double got)
{
    if (json_is_number(want)) {
        double w = json_number_value(want);
        return fabs(got - w) <= 1e-6 * fabs(w) + 1e-12; /* float32 values summed in another order */
    }
    const char *s = json_is_string(want) ? json_string_value(want) : "";
    return strcmp(s, "nan") == 0   ? isnan(got)
           : strcmp(s, "inf") == 0 ? isinf(got) && got > 0
                                   : strcmp(s, "-inf") != 0 || got < 0;
}

static void hash_names(const clab_value *v, char hex[65])
{
    sha256 h;
    char buf[64];
    sha256_start(&h);
    for (int64_t i = 0; i < clab_value_len(v); i++) {
        const char *s = clab_value_at_str(v, i, buf, sizeof buf);
        if (i > 0)
            sha256_add(&h, "\n", 1);
        if (s)
            sha256_add(&h, s, strlen(s));
    }
    sha256_hex(&h, hex);
}

/* ---- matrices ------------------------------------------------------------------------------------*/

static void check_matrix(clab_ctx *cx, const char *file, const char *part, const clab_matrix *m, json_t *want)
{
    clab_rows *rows = NULL;
    const clab_csr *b = NULL;
    clab_rows_opts o = {.f64 = true};
    double sum = 0;
    int64_t nonzeros = 0;
    sha256 h;
    char hex[65], what[128];
    if (!want || json_is_null(want)) {
        if (m)
            complain(file, "a matrix that should not be there");
        return;
    }
    if (!m) {
        complain(file, "a matrix is missing");
        return;
    }
    sha256_start(&h);
    if (clab_rows_open(cx, m, &o, &rows) != CLAB_OK)
        complain(file, clab_error_text(cx));
    while (rows && clab_rows_next(cx, rows, &b) == CLAB_OK && b)
        for (int64_t i = 0; i < b->n_rows; i++)
            for (int64_t k = b->indptr[i]; k < b->indptr[i + 1]; k++) {
                int64_t at[2] = {b->first_row + i, b->indices[k]};
                if (b->f64[k] == 0)
                    continue;
                sha256_add(&h, at, sizeof at);
                sha256_add(&h, &b->f64[k], sizeof(double));
                sum += b->f64[k];
                nonzeros++;
            }
    clab_rows_close(cx, rows);
    sha256_hex(&h, hex);
    json_t *shape = json_object_get(want, "shape");
    const char *dtype = json_string_value(json_object_get(want, "dtype")),
               *kind = json_string_value(json_object_get(want, "format"));
    const char *bad = NULL;
    if (clab_matrix_n_rows(m) != json_integer_value(json_array_get(shape, 0)) ||
        clab_matrix_n_cols(m) != json_integer_value(json_array_get(shape, 1)))
        bad = "shape";
    else if (nonzeros != json_integer_value(json_object_get(want, "nonzeros")))
        bad = "number of non-zeros";
    else if (!same_number(json_object_get(want, "sum"), sum))
        bad = "sum";
    else if (!same_text(json_object_get(want, "triplets_sha256"), hex) && strcmp(dtype, "float16") != 0)
        bad = "values";
    else if (as_stored && strcmp(dtype, clab_dtype_name(clab_matrix_dtype(m))) != 0 && strcmp(dtype, "float16") != 0 &&
             dtype[0] != '>')
        bad = "dtype";
    else if (as_stored && (strcmp(kind, "dense") == 0) != clab_matrix_is_dense(m))
        bad = "kind";
    snprintf(what, sizeof what, "%s of %s", bad ? bad : "", part);
    if (bad)
        complain(file, what);
}

/* ---- columns -------------------------------------------------------------------------------------*/

static bool column_is(const clab_value *v, json_t *want)
{
    const char *kind = json_string_value(json_object_get(want, "kind"));
    int64_t n = clab_value_len(v), missing = 0, infinite = 0;
    double sum = 0;
    __int128 whole = 0;
    char hex[65], text[48];
    for (int64_t i = 0; i < n; i++) {
        double x = clab_value_at_num(v, i);
        missing += clab_value_missing(v, i);
        infinite += isinf(x) != 0;
        sum += isfinite(x) ? x : 0;
        if (v->kind == CLAB_V_ARRAY && v->dtype == CLAB_U64)
            whole += ((uint64_t *)v->data)[i];
        else if (v->kind == CLAB_V_ARRAY && v->dtype == CLAB_I64)
            whole += ((int64_t *)v->data)[i];
        else if (v->kind == CLAB_V_ARRAY)
            whole += isfinite(x) ? (int64_t)x : 0;
    }
    if (missing != json_integer_value(json_object_get(want, "missing")))
        return false;
    if (strcmp(kind, "categorical") == 0) {
        sha256 h;
        json_t *levels = json_object_get(want, "categories");
        bool text_levels = strcmp(json_string_value(json_object_get(want, "category_kind")), "object") == 0;
        if (v->kind != CLAB_V_CATEGORICAL || (int64_t)json_array_size(levels) != v->levels->dims[0] ||
            v->ordered != json_is_true(json_object_get(want, "ordered")))
            return false;
        for (size_t i = 0; text_levels && i < json_array_size(levels); i++)
            if (strcmp(json_string_value(json_array_get(levels, i)), ((char **)v->levels->data)[i]) != 0)
                return false;
        sha256_start(&h);
        sha256_add(&h, v->codes, (size_t)n * 4);
        sha256_hex(&h, hex);
        return same_text(json_object_get(want, "codes_sha256"), hex);
    }
    if (strcmp(kind, "string") == 0 || strcmp(kind, "nullable-string") == 0) {
        hash_names(v, hex);
        return same_text(json_object_get(want, "sha256"), hex);
    }
    if (strcmp(kind, "float") == 0)
        return infinite == json_integer_value(json_object_get(want, "inf")) &&
               same_number(json_object_get(want, "finite_sum"), sum);
    if (strcmp(kind, "bool") == 0 || strcmp(kind, "nullable-bool") == 0)
        return json_number_value(json_object_get(want, "true")) == sum;
    if (strcmp(kind, "nullable-int") == 0)
        return v->kind == CLAB_V_NULLABLE && atof(json_string_value(json_object_get(want, "sum"))) == sum;
    bool less = whole < 0; /* an exact sum beyond 64 bits, as decimal text */
    __int128 rest = less ? -whole : whole;
    char *p = text + sizeof text - 1;
    *p = 0;
    do
        *--p = (char)('0' + (int)(rest % 10));
    while ((rest /= 10) > 0);
    if (less)
        *--p = '-';
    return strcmp(kind, "int") == 0 && same_text(json_object_get(want, "sum"), p) &&
           same_text(json_object_get(want, "dtype"), clab_dtype_name(v->dtype));
}

static void check_frame(const char *file, const char *part, const clab_value *table, json_t *want)
{
    char hex[65], what[256];
    const char *name;
    json_t *column, *columns = json_object_get(want, "columns");
    if (!want)
        return;
    if (clab_value_len(table) != json_integer_value(json_object_get(want, "n")))
        complain(file, "length of a table");
    hash_names(table->index, hex);
    if (!same_text(json_object_get(want, "names_sha256"), hex))
        complain(file, part);
    if (columns && (int64_t)json_object_size(columns) != table->n_items)
        complain(file, "number of columns");
    json_object_foreach(columns, name, column)
    {
        const clab_value *v = clab_value_get(table, name);
        if (!v || !column_is(v, column)) {
            snprintf(what, sizeof what, "column %s of %s", name, part);
            complain(file, v ? what : "a column is missing");
        }
    }
}

/* ---- the rest ------------------------------------------------------------------------------------*/

static void check_thing(const char *file, const char *key, const clab_value *v, json_t *want);

static void check_dict(const char *file, const clab_value *dict, json_t *want)
{
    const char *key;
    json_t *item;
    json_object_foreach(want, key, item) check_thing(file, key, clab_value_get(dict, key), item);
}

static bool thing_is(const clab_value *v, const char *kind, json_t *want)
{
    json_t *shape = json_object_get(want, "shape"), *value = json_object_get(want, "value");
    for (size_t i = 0; i < json_array_size(shape); i++)
        if (v->dims[i] != json_integer_value(json_array_get(shape, i)))
            return false;
    if (strcmp(kind, "array") == 0)
        return v->kind == CLAB_V_ARRAY && v->rank == (int)json_array_size(shape);
    if (strcmp(kind, "string-array") == 0)
        return v->kind == CLAB_V_STRINGS && v->rank == (int)json_array_size(shape);
    if (strcmp(kind, "dataframe") == 0)
        return v->kind == CLAB_V_TABLE &&
               v->n_items == (int64_t)json_array_size(json_object_get(want, "columns")) &&
               v->dims[0] == json_integer_value(json_object_get(want, "n"));
    if (strcmp(kind, "rec-array") == 0)
        return v->kind == CLAB_V_RECORDS &&
               v->n_items == (int64_t)json_array_size(json_object_get(want, "fields"));
    if (strcmp(kind, "csr") == 0 || strcmp(kind, "csc") == 0)
        return v->kind == CLAB_V_SPARSE;
    if (strcmp(kind, "categorical") == 0)
        return v->kind == CLAB_V_CATEGORICAL;
    if (strcmp(kind, "null") == 0)
        return v->kind == CLAB_V_NULL;
    if (strcmp(kind, "string") == 0)
        return v->kind == CLAB_V_STRINGS && v->rank == 0 && same_text(value, *(char **)v->data);
    if (strcmp(kind, "int") == 0)
        return v->kind == CLAB_V_ARRAY && v->rank == 0 && v->dtype == CLAB_I64 &&
               *(int64_t *)v->data == strtoll(json_string_value(value), NULL, 10);
    if (strcmp(kind, "float") == 0)
        return v->kind == CLAB_V_ARRAY && v->rank == 0 &&
               same_number(value, v->dtype == CLAB_F32 ? (double)*(float *)v->data : *(double *)v->data);
    return strcmp(kind, "bool") == 0 && v->dtype == CLAB_BOOL &&
           json_is_true(value) == (*(uint8_t *)v->data != 0);
}

static void check_thing(const char *file, const char *key, const clab_value *v, json_t *want)
{
    json_t *kind = json_object_get(want, "kind");
    if (json_is_string(kind) && (strcmp(json_string_value(kind), "complex") == 0 ||
                                 strncmp(json_string_value(kind), "awkward", 7) == 0)) {
        if (v)
            complain(file, "something that is not understood was kept");
    } else if (!v) {
        complain(file, key);
    } else if (json_is_string(kind)) {
        if (!thing_is(v, json_string_value(kind), want))
            complain(file, key);
    } else if (v->kind == CLAB_V_DICT) {
        check_dict(file, v, want);
    }
}

static void check_layers(clab_ctx *cx, const char *file, const clab_dataset *d, json_t *want)
{
    const char *name;
    json_t *layer;
    json_object_foreach(want, name, layer)
    {
        const clab_matrix *m = NULL;
        for (int64_t i = 0; i < d->n_layers; i++)
            if (strcmp(d->layer_names[i], name) == 0)
                m = d->layers[i];
        check_matrix(cx, file, name, m, layer);
    }
}

/* Names and ids of the formats beside .h5ad, which are recorded by themselves. */
static void check_names(const char *file, const char *what, const clab_value *v, json_t *want)
{
    char hex[65];
    if (!want || !json_is_string(want))
        return;
    if (v)
        hash_names(v, hex);
    if (!v || !same_text(want, hex))
        complain(file, what);
}

/* A loom file's attributes are columns, or arrays where they have two dimensions; its graphs are in obsp. */
static void check_loom(const char *file, const clab_dataset *d, json_t *want)
{
    size_t i;
    json_t *name;
    check_names(file, "cells", d->obs->index, json_object_get(want, "cell_ids_sha256"));
    check_names(file, "genes", d->var->index, json_object_get(want, "gene_sha256"));
    json_array_foreach(json_object_get(want, "col_attrs"), i, name)
    {
        const char *s = json_string_value(name);
        if (strcmp(s, "CellID") != 0 && !clab_value_get(d->obs, s) && !clab_value_get(d->obsm, s))
            complain(file, s);
    }
    json_array_foreach(json_object_get(want, "cluster_names"), i, name)
    {
        char buf[64];
        const clab_value *v = clab_value_get(d->obs, "ClusterName");
        const char *text = json_string_value(name); /* as it stands in the file: old ones have XML entities */
        if (!v || strcmp(strcmp(text, "&#947;&#948; T") == 0 ? "γδ T" : text, clab_value_at_str(v, (int64_t)i, buf, sizeof buf)) != 0)
            complain(file, "a cluster's name");
    }
    if (d->obsp->n_items != 1 || d->obsp->items[0]->kind != CLAB_V_SPARSE)
        complain(file, "a graph");
}

static void check_dataset(clab_ctx *cx, const char *file, const clab_dataset *d, json_t *want)
{
    json_t *kind = json_object_get(want, "kind");
    char hex[65];
    json_t *raw = json_object_get(want, "raw"), *ids = json_object_get(want, "ids_sha256");
    if (!json_object_get(want, "n_obs"))
        return;
    as_stored = !json_is_string(kind) || strcmp(json_string_value(kind), "h5ad") == 0 ||
                strcmp(json_string_value(kind), "10x-h5") == 0;
    if (clab_dataset_n_obs(d) != json_integer_value(json_object_get(want, "n_obs")) ||
        clab_dataset_n_vars(d) != json_integer_value(json_object_get(want, "n_vars")))
        complain(file, "cells or genes");
    check_matrix(cx, file, "X", d->x, json_object_get(want, "X"));
    check_frame(file, "obs", d->obs, json_object_get(want, "obs"));
    check_frame(file, "var", d->var, json_object_get(want, "var"));
    check_layers(cx, file, d, json_object_get(want, "layers"));
    if (raw && json_object_get(raw, "X")) {
        check_matrix(cx, file, "raw", d->raw.x, json_object_get(raw, "X"));
        if (d->raw.var)
            hash_names(d->raw.var->index, hex);
        if (d->raw.var && !same_text(json_object_get(raw, "var_names_sha256"), hex))
            complain(file, "names in raw");
    }
    check_dict(file, d->obsm, json_object_get(want, "obsm"));
    check_dict(file, d->varm, json_object_get(want, "varm"));
    check_dict(file, d->uns, json_object_get(want, "uns"));
    const clab_value *probes = clab_value_get(d->var, "probe_ids"); /* the features' own ids, where they are probes */
    check_names(file, "gene ids", probes ? probes : clab_value_get(d->var, "gene_ids"), ids);
    check_names(file, "barcodes", d->obs->index, json_object_get(want, "barcodes_sha256"));
    if (json_is_string(kind) && strcmp(json_string_value(kind), "loom") == 0)
        check_loom(file, d, want);
}

/* ---- one file ------------------------------------------------------------------------------------*/

/* Filters that need a plugin: refusing is right when the filter is named. */
static bool lacks_filter(const char *text)
{
    return strstr(text, "HDF5 filter 32001") || strstr(text, "HDF5 filter 32004") ||
           strstr(text, "HDF5 filter 32015");
}

static void check_file(io_session *s, const char *dir, const char *file, json_t *want)
{
    char path[800], text[2048];
    clab_dataset *d = NULL;
    const char *expect = json_string_value(json_object_get(want, "expect")), *slash = strrchr(file, '/');
    clab_read_opts o = {.genome = strcmp(expect, "ok-if-genome-given") == 0 ? "mm10" : NULL,
                        .names.duplicates = "keep"};
    snprintf(path, sizeof path, "%s/%s", dir, file);
    io_forget(s);
    clab_status st = clab_read(s->cx, path, &o, &d);
    snprintf(text, sizeof text, "%s", clab_error_text(s->cx));
    if (st != CLAB_OK) {
        bool may = strncmp(expect, "error", 5) == 0 || lacks_filter(text);
        if (!may || strstr(text, "crash") || strstr(text, "ended by itself") /* a sanitizer does that */ ||
            !strstr(text, slash + 1) || strlen(text) > 1000)
            complain(file, text);
        if (strncmp(file, "bad/unknown_filter", 18) == 0 && !strstr(text, "299"))
            complain(file, "the filter is not named");
    } else if (strcmp(expect, "error") == 0) {
        complain(file, "was read, but must be refused");
    } else if (strstr(expect, "warn") && s->n_warnings == 0) {
        complain(file, "was read without a warning");
    } else if (strncmp(expect, "ok", 2) == 0) {
        check_dataset(s->cx, file, d, want);
    }
    clab_dataset_unref(d);
}

/* The most that this process or a guest has held, in KiB: a guest starts with its parent's peak. */
static long peak_kib(void)
{
    struct rusage use;
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &use), 0);
    return use.ru_maxrss;
}

/* Those that are to be read, or those that are to be refused or warned of. */
static int check_files(io_session *s, const char *dir, json_t *all, bool good)
{
    const char *file;
    json_t *want;
    int n = 0;
    json_object_foreach(json_object_get(all, "files"), file, want)
    {
        if ((strncmp(json_string_value(json_object_get(want, "expect")), "ok", 2) == 0) != good)
            continue;
        check_file(s, dir, file, want);
        n++;
    }
    return n;
}

static void check_corpus(const char *dir)
{
    char path[600];
    json_error_t e;
    clab_dataset *tiny = NULL;
    io_session s;
    snprintf(path, sizeof path, "%s/expected.json", dir);
    json_t *all = json_load_file(path, 0, &e);
    assert_non_null(all);
    io_start(&s);
    wrong = 0;
    snprintf(path, sizeof path, "%s/gen/zero_zero.h5ad", dir);
    assert_int_equal(clab_read(s.cx, path, NULL, &tiny), CLAB_OK);
    clab_dataset_unref(tiny);
    long before = peak_kib();
    int n = check_files(&s, dir, all, false);
    long more = peak_kib() - before;
    n += check_files(&s, dir, all, true);
    io_stop(&s);
    assert_int_equal(n, json_object_size(json_object_get(all, "files")));
    json_decref(all);
    assert_int_equal(wrong, 0);
    assert_in_range(more, 0, MEMORY_MORE_KIB);
}

static void test_small_corpus(void **state)
{
    (void)state;
    assert_non_null(io_format_dir(false));
    check_corpus(io_format_dir(false));
}

static void test_whole_corpus(void **state)
{
    (void)state;
    if (!io_format_dir(true))
        skip();
    check_corpus(io_format_dir(true));
}

static void test_no_file(void **state)
{
    io_session s;
    clab_dataset *d = NULL;
    (void)state;
    io_start(&s);
    assert_int_equal(clab_read(s.cx, "/nowhere/at/all.h5ad", NULL, &d), CLAB_ENOTFOUND);
    assert_non_null(strstr(clab_error_text(s.cx), "all.h5ad"));
    clab_error_clear(s.cx);
    assert_int_equal(clab_read(s.cx, "/", NULL, &d), CLAB_EARG);
    clab_error_clear(s.cx);
    assert_int_equal(clab_read(s.cx, "/dev/null", NULL, &d), CLAB_EARG);
    assert_null(d);
    io_stop(&s);
}

int main(int argc, char **argv)
{
    IO_GUEST(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_corpus),
        cmocka_unit_test(test_whole_corpus),
        cmocka_unit_test(test_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
