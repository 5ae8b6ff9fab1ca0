/* test_concat.c -- concat against anndata.concat: rows, genes, categories and types exactly. */
#include <math.h>

#include "clab_test.h"
#include "io/io.h"
#include "toy.h"

static clab_ctx *cx;
static char dir[512];

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

static clab_dataset *load(const char *name)
{
    char path[700];
    clab_dataset *d = NULL;

    snprintf(path, sizeof path, "%s/%s.h5ad", dir, name);
    assert_clab_ok(cx, clab_read(cx, path, NULL, &d));
    return d;
}

/* ---- comparing ------------------------------------------------------------------------------------*/

static void same_matrix(const char *what, const clab_matrix *got, const clab_matrix *want)
{
    int64_t n = clab_matrix_n_rows(want) * clab_matrix_n_cols(want);
    float *a, *b;

    assert_int_equal(clab_matrix_n_rows(got), clab_matrix_n_rows(want));
    assert_int_equal(clab_matrix_n_cols(got), clab_matrix_n_cols(want));
    if (clab_matrix_dtype(got) != clab_matrix_dtype(want))
        fail_msg("%s: %s, anndata %s", what, clab_dtype_name(clab_matrix_dtype(got)),
                 clab_dtype_name(clab_matrix_dtype(want)));
    a = toy_dense(cx, got);
    b = toy_dense(cx, want);
    for (int64_t k = 0; k < n; k++)
        if (a[k] != b[k])
            fail_msg("%s: element %" PRId64 " is %g, anndata has %g", what, k, (double)a[k], (double)b[k]);
    clab_mem_free(cx, a);
    clab_mem_free(cx, b);
}

static void same_value(const char *what, const char *name, const clab_value *got, const clab_value *want)
{
    char x[40], y[40];

    if (!got)
        fail_msg("%s.%s is missing", what, name);
    if (clab_value_equal(got, want))
        return;
    print_message("%s.%s: kind %d/%d, type %s/%s, rank %d/%d\n", what, name, (int)got->kind, (int)want->kind,
                  clab_dtype_name(got->dtype), clab_dtype_name(want->dtype), got->rank, want->rank);
    for (int64_t i = 0; got->rank == 1 && i < clab_value_len(got) && i < clab_value_len(want); i++) {
        const char *s = clab_value_at_str(got, i, x, sizeof x), *t = clab_value_at_str(want, i, y, sizeof y);
        print_message("  %s | %s\n", s ? s : "-", t ? t : "-");
    }
    fail_msg("%s.%s differs from anndata's", what, name);
}

static void same_items(const char *what, const clab_value *got, const clab_value *want)
{
    for (int64_t k = 0; k < want->n_items; k++)
        same_value(what, want->names[k], clab_value_get(got, want->names[k]), want->items[k]);
    for (int64_t k = 0; k < got->n_items; k++)
        if (!clab_value_get(want, got->names[k]))
            fail_msg("%s.%s is not in anndata's result", what, got->names[k]);
    for (int64_t k = 0; want->kind == CLAB_V_TABLE && k < want->n_items; k++)
        assert_string_equal(got->names[k], want->names[k]);
}

/* An embedding that an input lacks stays float32 here; anndata widens it.  The numbers are the same. */
static void same_embeddings(const clab_value *got, const clab_value *want)
{
    assert_int_equal(got->n_items, want->n_items);
    for (int64_t k = 0; k < want->n_items; k++) {
        const clab_value *a = clab_value_get(got, want->names[k]), *b = want->items[k];
        assert_non_null(a);
        assert_int_equal(a->rank, b->rank);
        assert_memory_equal(a->dims, b->dims, sizeof a->dims);
        for (int64_t i = 0; i < b->dims[0] * b->dims[1]; i++)
            assert_near(clab_value_at_num(a, i), clab_value_at_num(b, i), 0, 0);
    }
}

static void same_dataset(const clab_dataset *got, const clab_dataset *want)
{
    same_value("obs", "index", got->obs->index, want->obs->index);
    same_value("var", "index", got->var->index, want->var->index);
    same_items("obs", got->obs, want->obs);
    same_items("var", got->var, want->var);
    same_embeddings(got->obsm, want->obsm);
    same_items("varm", got->varm, want->varm);
    same_items("uns", got->uns, want->uns);
    assert_int_equal(got->n_layers, want->n_layers);
    same_matrix("X", got->x, want->x);
    for (int64_t i = 0; i < want->n_layers; i++) {
        assert_string_equal(got->layer_names[i], want->layer_names[i]);
        same_matrix(want->layer_names[i], got->layers[i], want->layers[i]);
    }
}

/* ---- cases ------------------------------------------------------------------------------------------*/

typedef struct {
    const char *out;
    const char *in[3];
    clab_concat_opts o;
} concat_case;

static void one(const concat_case *c)
{
    clab_dataset *parts[3] = {NULL}, *got = NULL, *want = load(c->out);
    int n = 0;

    while (n < 3 && c->in[n]) {
        parts[n] = load(c->in[n]);
        n++;
    }
    print_message("%s\n", c->out);
    assert_clab_ok(cx, clab_concat(cx, (const clab_dataset *const *)parts, n, &c->o, &got));
    same_dataset(got, want);
    for (int i = 0; i < n; i++)
        clab_dataset_unref(parts[i]);
    clab_dataset_unref(got);
    clab_dataset_unref(want);
}

#define ABD {"in_A", "in_B", "in_D"}
#define AB {"in_A", "in_B"}

static void as_anndata(void **state)
{
    static const char *const abd[] = {"A", "B", "D"};
    const double nan = (double)NAN;
    const concat_case cases[] = {
        {"out_inner", ABD, {.obs_inner = true, .fill = nan}},
        {"out_inner_label_keys_unique",
         ABD,
         {.obs_inner = true, .label = "batch", .keys = abd, .index_unique = "-", .fill = nan}},
        {"out_outer", ABD, {.outer = true, .fill = nan}},
        {"out_outer_label_default_keys",
         ABD,
         {.outer = true, .label = "batch", .index_unique = "_", .fill = nan}},
        {"out_outer_merge_same", ABD, {.outer = true, .merge = "same", .uns_merge = "same", .fill = nan}},
        {"out_outer_merge_unique",
         ABD,
         {.outer = true, .merge = "unique", .uns_merge = "unique", .fill = nan}},
        {"out_outer_merge_first", ABD, {.outer = true, .merge = "first", .uns_merge = "first", .fill = nan}},
        {"out_outer_merge_only", ABD, {.outer = true, .merge = "only", .uns_merge = "only", .fill = nan}},
        {"out_AB_sparse_outer", AB, {.outer = true, .fill = nan}},
        {"out_AB_inner_merge_same",
         AB,
         {.obs_inner = true, .merge = "same", .uns_merge = "same", .fill = nan}},
        {"out_AB_inner_merge_unique",
         AB,
         {.obs_inner = true, .merge = "unique", .uns_merge = "unique", .fill = nan}},
        {"out_AB_inner_merge_first",
         AB,
         {.obs_inner = true, .merge = "first", .uns_merge = "first", .fill = nan}},
        {"out_AB_inner_merge_only",
         AB,
         {.obs_inner = true, .merge = "only", .uns_merge = "only", .fill = nan}},
        {"out_DD_dense_same_genes", {"in_D", "in_D"}, {.outer = true, .index_unique = "-", .fill = nan}},
    };
    (void)state;

    snprintf(dir, sizeof dir, "%s", test_shared("golden_scanpy/g15_concat"));
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        one(&cases[k]);
}

static const clab_guest_role roles[] = {{"h5-read", clab_h5_guest_read}, {NULL, NULL}};

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_anndata)};

    if (argc > 1 && strcmp(argv[1], "--guest") == 0)
        return clab_guest_main(argc, argv, roles);
    return cmocka_run_group_tests(tests, setup, teardown);
}
