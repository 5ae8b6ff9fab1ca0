/* test_label_compare.c -- comparisons of studies, their text and their JSON; summaries of columns. */
#include "clab_test.h"

#include <math.h>

#include "label/compare.h"
#include "toy.h"

static clab_ctx *cx;
static const char *const genes_a[4] = {"MS4A1", "CD3D", "LYZ", "CD3D"}, *const genes_b[3] = {"LYZ", "NKG7",
                                                                                             "MS4A1"};
static const float xa[12] = {1, 0, 2, 0, 0, 3, 0, 0, 4, 0, 0, 5}, xb[9] = {1, 2, 3, 0, 0, 0, 0.5f, 0, 0};

static int setup(void **state)
{
    (void)state;
    cx = test_ctx(2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_ctx_free(cx);
    return 0;
}

static int64_t integer(const clab_value *d, const char *key)
{
    const clab_value *v = clab_value_get(d, key);

    if (!v)
        fail_msg("%s is missing", key);
    return (int64_t)clab_value_at_num(v, 0);
}

static void two_studies(void **state)
{
    clab_dataset *a = toy_dataset(cx, "a.h5ad", "c", 3, 4, genes_a, xa),
                 *b = toy_dataset(cx, "b.h5ad", "c", 3, 3, genes_b, xb);
    const char *types[3] = {"T", NULL, "T"};
    clab_value *cmp = NULL;
    char *text = NULL, *json = NULL;
    (void)state;

    toy_labels(cx, a, "cell_type", types);
    assert_clab_ok(cx, clab_compare(cx, a, b, &cmp));
    const clab_value *genes = clab_value_get(cmp, "genes"), *concat = clab_value_get(cmp, "concat");
    assert_int_equal(integer(genes, "shared"), 2);
    assert_int_equal(integer(genes, "only_a"), 1);
    assert_int_equal(integer(genes, "only_b"), 1);
    const clab_value *outer = clab_value_get(concat, "outer");
    assert_int_equal(integer(outer, "cells"), 6);
    assert_int_equal(integer(outer, "genes"), 4);
    assert_int_equal(integer(outer, "csr_bytes"), 8 * 9 + 8 * 7);
    assert_int_equal(integer(outer, "dense_bytes"), 4 * 6 * 4);
    assert_int_equal(integer(outer, "celllab_bytes"),
                     clab_matrix_store_bytes(a->x) + clab_matrix_store_bytes(b->x) + 4 * 6);
    const clab_value *study = clab_value_get(cmp, "a");
    assert_int_equal(integer(clab_value_get(study, "genes"), "duplicates"), 1);
    assert_null(clab_value_get(study, "var_names"));

    assert_clab_ok(cx, clab_compare_text(cx, cmp, &text));
    assert_holds(text, "A  a.h5ad: 3 cells \u00d7 4 genes");
    assert_holds(text, "whole numbers, as counts are, up to 5");
    assert_holds(text, "not whole numbers: no counts");
    assert_holds(text, "cell_type: 1, 1 cells without\n            T (2)");
    assert_holds(text, "genes: 2 shared, 1 only in A, 1 only in B");
    assert_holds(text, "1 names stand there more than once");
    assert_holds(text, "concat inner: 6 cells \u00d7 2 genes");
    assert_clab_ok(cx, clab_value_json(cx, cmp, &json));
    assert_holds(json, "\"shared\": 2");
    assert_holds(json, "\"levels\": [\"T\"]");
    free(text);
    free(json);
    clab_value_unref(cmp);
    clab_dataset_unref(a);
    clab_dataset_unref(b);
}

static void strangers_are_called_so(void **state)
{
    const char *const ids[3] = {"ENSG00000000001", "ENSG00000000002", "ENSG00000000003"};
    clab_dataset *a = toy_dataset(cx, "a", "c", 3, 3, genes_b, xb),
                 *b = toy_dataset(cx, "b", "c", 3, 3, ids, xb);
    clab_value *cmp = NULL;
    char *text = NULL;
    (void)state;

    assert_clab_ok(cx, clab_compare(cx, a, b, &cmp));
    assert_clab_ok(cx, clab_compare_text(cx, cmp, &text));
    assert_holds(text, "hardly share genes: A has symbols, B has Ensembl gene IDs");
    free(text);
    clab_value_unref(cmp);
    assert_clab_ok(cx, clab_compare(cx, a, NULL, &cmp));
    assert_null(clab_value_get(cmp, "genes"));
    assert_clab_ok(cx, clab_compare_text(cx, cmp, &text));
    assert_null(strstr(text, "A and B"));
    free(text);
    clab_value_unref(cmp);
    clab_dataset_unref(a);
    clab_dataset_unref(b);
}

static void gene_ids_are_told_apart(void **state)
{
    const char *const ensembl[] = {"ENSG00000141510", "ENSMUSG00000059552.14", "ENSG00000000003.15_PAR"};
    const char *const mixed[] = {"ENSG00000141510", "TP53"}, *const odd[] = {"ENSA", "ENSG123", "ENO1"};
    (void)state;

    assert_string_equal(clab_gene_id_kind(ensembl, 3), "Ensembl gene IDs");
    assert_string_equal(clab_gene_id_kind(mixed, 2), "mixed");
    assert_string_equal(clab_gene_id_kind(odd, 3), "symbols");
    assert_string_equal(clab_gene_id_kind(NULL, 0), "symbols");
}

static void json_is_escaped(void **state)
{
    const char *bad[] = {"q\"\\", "\x1b[31m\n", "\xff\xc3", "\u00e9", "\xed\xa0\x80"};
    int64_t five = 5, three = 3;
    double x[3] = {1.5, NAN, INFINITY};
    clab_value *d = NULL, *v = NULL;
    char *json = NULL;
    (void)state;

    assert_clab_ok(cx, clab_value_dict(cx, &d));
    assert_clab_ok(cx, clab_value_strings(cx, 1, &five, bad, &v));
    assert_clab_ok(cx, clab_value_set(cx, d, "te\"xt", v));
    clab_value_unref(v);
    assert_clab_ok(cx, clab_value_array(cx, CLAB_F64, 1, &three, x, &v));
    assert_clab_ok(cx, clab_value_set(cx, d, "x", v));
    clab_value_unref(v);
    assert_clab_ok(cx, clab_value_boolean(cx, true, &v));
    assert_clab_ok(cx, clab_value_set(cx, d, "yes", v));
    clab_value_unref(v);
    assert_clab_ok(cx, clab_value_json(cx, d, &json));
    assert_string_equal(
        json, "{\n  \"te\\\"xt\": [\"q\\\"\\\\\", \"\\u001b[31m\\u000a\", \"\\ufffd\\ufffd\", \"\u00e9\", "
              "\"\\ufffd\\ufffd\\ufffd\"],\n  \"x\": [1.5, null, null],\n  \"yes\": true\n}\n");
    free(json);
    clab_value_unref(d);
}

static void names_cannot_colour_the_terminal(void **state)
{
    clab_dataset *a = toy_dataset(cx, "\x1b[31mred", "c", 3, 3, genes_b, xb);
    clab_value *cmp = NULL;
    char *text = NULL;
    (void)state;

    assert_clab_ok(cx, clab_compare(cx, a, NULL, &cmp));
    assert_clab_ok(cx, clab_compare_text(cx, cmp, &text));
    assert_null(strchr(text, '\x1b'));
    free(text);
    clab_value_unref(cmp);
    clab_dataset_unref(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_studies),
        cmocka_unit_test(strangers_are_called_so),
        cmocka_unit_test(gene_ids_are_told_apart),
        cmocka_unit_test(json_is_escaped),
        cmocka_unit_test(names_cannot_colour_the_terminal),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
