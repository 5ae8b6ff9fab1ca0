/* test_compare_files.c -- two real studies compared from their files, without loading them. */
#include "clab_test.h"
#include "io/io.h"
#include "label/compare.h"

static const clab_guest_role roles[] = {
    {"inspect", clab_guest_inspect}, {"h5-read", clab_h5_guest_read}, {NULL, NULL}};

static int64_t integer(const clab_value *d, const char *key)
{
    const clab_value *v = clab_value_get(d, key);

    if (!v)
        fail_msg("%s is missing", key);
    return (int64_t)clab_value_at_num(v, 0);
}

static void kang_beside_pbmc3k(void **state)
{
    clab_ctx *cx = test_ctx(2);
    char a[600], b[600], *text = NULL, *json = NULL;
    clab_value *cmp = NULL;
    (void)state;

    snprintf(a, sizeof a, "%s", test_shared("real/kang_ifnb.h5ad"));
    snprintf(b, sizeof b, "%s", test_shared("real/pbmc3k.h5ad"));
    assert_clab_ok(cx, clab_compare_files(cx, a, b, false, &cmp));
    const clab_value *genes = clab_value_get(cmp, "genes");
    assert_int_equal(integer(genes, "shared"), 1166);
    assert_int_equal(integer(genes, "only_a"), 101);
    assert_int_equal(integer(genes, "only_b"), 12548);
    const clab_value *outer = clab_value_get(clab_value_get(cmp, "concat"), "outer");
    assert_int_equal(integer(outer, "cells"), 1556 + 2700);
    assert_int_equal(integer(outer, "dense_bytes"), (int64_t)4 * (1556 + 2700) * (1166 + 101 + 12548));
    assert_clab_ok(cx, clab_compare_text(cx, cmp, &text));
    assert_holds(text, "A  kang_ifnb.h5ad: 1,556 cells \u00d7 1,267 genes");
    assert_holds(text, "label?   cell_type: ");
    assert_holds(text, "genes: 1,166 shared, 101 only in A, 12,548 only in B");
    print_message("%s", text);
    assert_clab_ok(cx, clab_value_json(cx, cmp, &json));
    assert_holds(json, "\"only_b\": 12548");
    free(text);
    free(json);
    clab_value_unref(cmp);
    test_ctx_free(cx);
}

/* From the file or from the loaded dataset: the same facts about the same study. */
static void file_and_dataset_agree(void **state)
{
    clab_ctx *cx = test_ctx(2);
    char path[600];
    clab_value *file = NULL, *loaded = NULL;
    clab_dataset *d = NULL;
    (void)state;

    snprintf(path, sizeof path, "%s", test_shared("real/kang_ifnb.h5ad"));
    assert_clab_ok(cx, clab_compare_files(cx, path, NULL, true, &file));
    assert_clab_ok(cx, clab_read(cx, path, NULL, &d));
    assert_clab_ok(cx, clab_compare(cx, d, NULL, &loaded));
    const clab_value *f = clab_value_get(file, "a"), *l = clab_value_get(loaded, "a");
    assert_true(clab_value_equal(clab_value_get(f, "obs"), clab_value_get(l, "obs")));
    assert_true(clab_value_equal(clab_value_get(f, "counts"), clab_value_get(l, "counts")));
    static const char *const keys[] = {"rows", "cols", "nnz", "dense_bytes", "max", "whole", "negative"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (integer(clab_value_get(f, "x"), keys[k]) != integer(clab_value_get(l, "x"), keys[k]))
            fail_msg("x.%s differs", keys[k]);
    clab_dataset_unref(d);
    clab_value_unref(file);
    clab_value_unref(loaded);
    test_ctx_free(cx);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kang_beside_pbmc3k),
        cmocka_unit_test(file_and_dataset_agree),
    };

    if (argc > 1 && strcmp(argv[1], "--guest") == 0)
        return clab_guest_main(argc, argv, roles);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
