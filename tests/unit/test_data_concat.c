/* test_data_concat.c -- concat: genes joined as sets, columns by pandas' rules, cells known again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/dataset.h"
#include "data/genes.h"
#include "ledger/ledger.h"
#include "toy.h"

static clab_ctx *cx;
static char said[8192];
static const char *const genes_a[3] = {"g2", "g0", "g1"}, *const genes_b[3] = {"g1", "g9", "g2"};
static const float xa[6] = {1, 2, 3, 4, 5, 6}, xb[6] = {10, 20, 30, 40, 50, 60};
static const char *const keys[2] = {"ref", "query"};

#define ok(call) assert_int_equal((call), CLAB_OK)

static void note(void *user, clab_note_level level, const char *text)
{
    (void)user;
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s%s\n",
             level == CLAB_NOTE_WARN ? "warning: " : "", text);
}

static int setup(void **state)
{
    clab_ctx_opts o = {.threads = 2, .note = note};
    (void)state;
    cx = clab_ctx_new(&o);
    return cx ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    clab_ctx_free(cx);
    return 0;
}

typedef struct {
    clab_dataset *a, *b;
} pair;

static pair two(void)
{
    pair p = {toy_dataset(cx, "A", "c", 2, 3, genes_a, xa), toy_dataset(cx, "B", "c", 2, 3, genes_b, xb)};
    const char *types[2] = {"T10", "T2"};

    toy_labels(cx, p.a, "cell_type", types);
    said[0] = '\0';
    return p;
}

static void free_two(pair p)
{
    clab_dataset_unref(p.a);
    clab_dataset_unref(p.b);
}

static clab_dataset *join(pair p, const clab_concat_opts *o)
{
    const clab_dataset *parts[2] = {p.a, p.b};
    clab_dataset *d = NULL;

    if (clab_concat(cx, parts, 2, o, &d) != CLAB_OK)
        fail_msg("%s", clab_error_text(cx));
    return d;
}

static void inner_keeps_the_first_order_and_says_so_once(void **state)
{
    pair p = two();
    clab_concat_opts o;
    (void)state;

    clab_concat_opts_init(&o);
    o.keys = keys;
    clab_dataset *d = join(p, &o);
    assert_int_equal(clab_dataset_n_obs(d), 4);
    assert_int_equal(clab_dataset_n_vars(d), 2);
    assert_string_equal(clab_dataset_var_name(d, 0), "g2");
    assert_string_equal(clab_dataset_var_name(d, 1), "g1");
    float *got = toy_dense(cx, d->x), want[8] = {1, 3, 4, 6, 30, 10, 60, 40};
    assert_memory_equal(got, want, sizeof want);
    clab_mem_free(cx, got);
    assert_ptr_equal(d->counts, d->x);
    assert_non_null(strstr(said, "2 shared genes are kept, 1 only in ref, 1 only in query are left out"));
    assert_null(strstr(strstr(said, "warning") + 1, "warning"));
    clab_dataset_unref(d);
    free_two(p);
}

static void strangers_share_nothing(void **state)
{
    const char *const ids[3] = {"ENSG00000000001", "ENSG00000000002", "ENSG00000000003"};
    pair p = two();
    clab_dataset *e = toy_dataset(cx, "E", "e", 2, 3, ids, xb), *d = NULL;
    const clab_dataset *parts[3] = {p.a, p.b, e};
    clab_concat_opts o;
    (void)state;

    clab_concat_opts_init(&o);
    assert_int_equal(clab_concat(cx, parts, 3, &o, &d), CLAB_ESHAPE);
    assert_non_null(strstr(clab_error_text(cx), "only 0 of the 3 genes"));
    assert_non_null(strstr(clab_error_text(cx), "Ensembl gene IDs"));
    clab_error_clear(cx);
    o.min_shared = 0;
    ok(clab_concat(cx, parts, 3, &o, &d));
    assert_int_equal(clab_dataset_n_vars(d), 0);
    assert_int_equal(clab_dataset_n_obs(d), 6);
    assert_non_null(
        strstr(said, "0 shared genes are kept, 3 not in all inputs from 0, 3 not in all inputs from 1"));
    assert_non_null(strstr(said, "0 has symbols, 1 has symbols, 2 has Ensembl gene IDs"));
    clab_dataset_unref(d);
    clab_dataset_unref(e);
    free_two(p);
}

static void one_sided_columns_survive(void **state)
{
    pair p = two();
    clab_concat_opts o;
    const clab_value *v = NULL;
    char buf[40];
    (void)state;

    clab_concat_opts_init(&o);
    o.keys = keys;
    clab_dataset *d = join(p, &o);
    ok(clab_dataset_obs_get(cx, d, "cell_type", &v));
    assert_int_equal(v->kind, CLAB_V_CATEGORICAL);
    assert_string_equal(clab_value_at_str(v, 0, buf, sizeof buf), "T10");
    assert_string_equal(clab_value_at_str(v->levels, 0, buf, sizeof buf), "T2"); /* natural order */
    assert_true(clab_value_missing(v, 2) && clab_value_missing(v, 3));
    ok(clab_dataset_obs_get(cx, d, "dataset_id", &v));
    assert_string_equal(clab_value_at_str(v, 3, buf, sizeof buf), "query");
    assert_string_equal(d->obs->names[1], "dataset_id"); /* written last */
    clab_dataset_unref(d);
    o.obs_inner = true;
    d = join(p, &o);
    assert_null(clab_value_get(d->obs, "cell_type"));
    clab_dataset_unref(d);
    free_two(p);
}

static void outer_sorts_and_tells_its_cost(void **state)
{
    pair p = two();
    clab_concat_opts o;
    (void)state;

    clab_concat_opts_init(&o);
    o.outer = true;
    o.index_unique = "-";
    clab_dataset *d = join(p, &o);
    assert_int_equal(clab_dataset_n_vars(d), 4);
    assert_string_equal(clab_dataset_var_name(d, 3), "g9");
    float *got = toy_dense(cx, d->x), want[16] = {2, 3, 1, 0, 5, 6, 4, 0, 0, 10, 30, 20, 0, 40, 60, 50};
    assert_memory_equal(got, want, sizeof want);
    clab_mem_free(cx, got);
    assert_string_equal(clab_dataset_obs_name(d, 2), "c0-1");
    assert_non_null(strstr(said, "4 cells \u00d7 4 genes"));
    assert_non_null(strstr(said, "dense"));
    clab_dataset_unref(d);
    free_two(p);
}

/* A fill stands in X for what was not measured; the counts of models stay as they were. */
static void outer_fills_what_is_lacking(void **state)
{
    pair p = two();
    clab_concat_opts o;
    (void)state;

    clab_concat_opts_init(&o);
    o.outer = true;
    o.fill = -1;
    clab_dataset *d = join(p, &o);
    float *got = toy_dense(cx, d->x), want[16] = {2, 3, 1, -1, 5, 6, 4, -1, -1, 10, 30, 20, -1, 40, 60, 50};
    assert_memory_equal(got, want, sizeof want);
    clab_mem_free(cx, got);
    assert_int_equal(clab_matrix_dtype(d->x), CLAB_F64);
    assert_false(d->counts && clab_matrix_has_base(d->counts));
    clab_dataset_unref(d);
    free_two(p);
}

static void cells_are_known_again_by_identity(void **state)
{
    pair p = two(); /* both call their cells c0 and c1 */
    clab_concat_opts o;
    int64_t pos[2], rows[] = {3, 0};
    clab_dataset *some = NULL;
    (void)state;

    clab_concat_opts_init(&o);
    clab_dataset *d = join(p, &o);
    assert_non_null(strstr(said, "2 cell names occur more than once"));
    ok(clab_dataset_match(cx, d, p.b, pos));
    assert_int_equal(pos[0], 2);
    assert_int_equal(pos[1], 3);
    ok(clab_dataset_take_obs(cx, d, rows, 2, &some));
    ok(clab_dataset_match(cx, some, p.b, pos));
    assert_int_equal(pos[0], -1);
    assert_int_equal(pos[1], 0);
    clab_dataset_unref(some);
    clab_dataset_unref(d);
    free_two(p);
}

static void types_follow_pandas(void **state)
{
    int64_t two_ = 2, rows[2] = {2, 2};
    int32_t i32[2] = {1, 2};
    float f32[2] = {.5f, 1.5f};
    double nan2[2] = {NAN, NAN};
    uint8_t flags[2] = {1, 0};
    const char *s[2] = {"x", "y"};
    clab_value *ints = NULL, *floats = NULL, *nans = NULL, *bools = NULL, *text = NULL, *v = NULL,
               *labels = NULL;
    char buf[40];
    (void)state;

    ok(clab_value_array(cx, CLAB_I32, 1, &two_, i32, &ints));
    ok(clab_value_array(cx, CLAB_F32, 1, &two_, f32, &floats));
    ok(clab_value_array(cx, CLAB_F64, 1, &two_, nan2, &nans));
    ok(clab_value_array(cx, CLAB_BOOL, 1, &two_, flags, &bools));
    ok(clab_value_strings(cx, 1, &two_, s, &text));
    ok(clab_value_factor(cx, 2, s, &labels));
    const struct {
        const clab_value *a, *b;
        clab_vkind kind;
        clab_dtype dtype;
    } cases[] = {
        {ints, ints, CLAB_V_ARRAY, CLAB_I32},        {ints, NULL, CLAB_V_ARRAY, CLAB_F64},
        {ints, floats, CLAB_V_ARRAY, CLAB_F64},      {floats, NULL, CLAB_V_ARRAY, CLAB_F32},
        {bools, bools, CLAB_V_ARRAY, CLAB_BOOL},     {bools, NULL, CLAB_V_NULLABLE, CLAB_BOOL},
        {text, text, CLAB_V_STRINGS, CLAB_STR},      {text, NULL, CLAB_V_CATEGORICAL, 0},
        {labels, NULL, CLAB_V_CATEGORICAL, 0},       {labels, nans, CLAB_V_CATEGORICAL, 0},
        {labels, text, CLAB_V_CATEGORICAL, 0},       {text, ints, CLAB_V_STRINGS, CLAB_STR},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const clab_value *parts[2] = {cases[k].a, cases[k].b};
        ok(clab_value_concat(cx, parts, rows, 2, &v));
        if (v->kind != cases[k].kind ||
            ((v->kind == CLAB_V_ARRAY || v->kind == CLAB_V_NULLABLE) && v->dtype != cases[k].dtype))
            fail_msg("case %d: kind %d, type %s", (int)k, (int)v->kind, clab_dtype_name(v->dtype));
        assert_int_equal(clab_value_len(v), 4);
        clab_value_unref(v);
    }
    const clab_value *parts[2] = {bools, NULL};
    ok(clab_value_concat(cx, parts, rows, 2, &v));
    assert_string_equal(clab_value_at_str(v, 0, buf, sizeof buf), "True");
    assert_true(clab_value_missing(v, 2));
    clab_value_unref(v);
    clab_value *all[] = {ints, floats, nans, bools, text, labels};
    for (size_t k = 0; k < 6; k++)
        clab_value_unref(all[k]);
}

static void merge_strategies(void **state)
{
    const char *const strategies[] = {"same", "unique", "first", "only"};
    /* per strategy: which of equal, differ, mine (only in A) are there */
    const bool want[4][3] = {{1, 0, 0}, {1, 0, 1}, {1, 1, 1}, {0, 0, 1}};
    pair p = two();
    clab_value *one = NULL, *other = NULL;
    (void)state;

    ok(clab_value_integer(cx, 1, &one));
    ok(clab_value_integer(cx, 2, &other));
    ok(clab_dataset_uns_set(cx, p.a, "equal", one));
    ok(clab_dataset_uns_set(cx, p.b, "equal", one));
    ok(clab_dataset_uns_set(cx, p.a, "differ", one));
    ok(clab_dataset_uns_set(cx, p.b, "differ", other));
    ok(clab_dataset_uns_set(cx, p.a, "mine", one));
    for (int k = 0; k < 4; k++) {
        clab_concat_opts o;
        clab_concat_opts_init(&o);
        o.uns_merge = strategies[k];
        clab_dataset *d = join(p, &o);
        assert_int_equal(clab_value_get(d->uns, "equal") != NULL, want[k][0]);
        assert_int_equal(clab_value_get(d->uns, "differ") != NULL, want[k][1]);
        assert_int_equal(clab_value_get(d->uns, "mine") != NULL, want[k][2]);
        clab_dataset_unref(d);
    }
    clab_value_unref(one);
    clab_value_unref(other);
    free_two(p);
}

static void bad_input_is_refused_in_words(void **state)
{
    const char *const twice[3] = {"g1", "g1", "g2"};
    pair p = two();
    clab_dataset *d = NULL, *dup = toy_dataset(cx, "dup", "c", 2, 3, twice, xb);
    const clab_dataset *parts[2] = {p.a, dup};
    const char *const same[2] = {"k", "k"};
    clab_concat_opts o;
    (void)state;

    clab_concat_opts_init(&o);
    assert_int_equal(clab_concat(cx, parts, 2, &o, &d), CLAB_ESHAPE);
    assert_non_null(
        strstr(clab_error_text(cx), "dup has gene names that occur more than once (1 in all): g1"));
    clab_error_clear(cx);
    assert_int_equal(clab_concat(cx, parts, 0, &o, &d), CLAB_EARG);
    clab_error_clear(cx);
    parts[1] = p.b;
    o.keys = same;
    assert_int_equal(clab_concat(cx, parts, 2, &o, &d), CLAB_EARG);
    clab_error_clear(cx);
    o.keys = NULL;
    o.merge = "often";
    assert_int_equal(clab_concat(cx, parts, 2, &o, &d), CLAB_EARG);
    clab_error_clear(cx);
    clab_dataset_unref(dup);
    free_two(p);
}

static void common_genes_by_a_column(void **state)
{
    pair p = two();
    const clab_dataset *ds[2] = {p.a, p.b};
    const char *ids[3] = {"ENSG00000000001.2", "ENSG00000000002.1", "ENSG00000000003.7"};
    const char *const index[3] = {"ENSG00000000003", "ENSG00000000001", "ENSG00000000009"};
    int64_t three = 3;
    clab_dataset *out[2] = {NULL}, *e = toy_dataset(cx, "E", "e", 2, 3, index, xb);
    clab_genes_opts o = {0};
    clab_value *v = NULL;
    (void)state;

    ok(clab_common_genes(cx, ds, 2, &o, out));
    assert_int_equal(clab_dataset_n_vars(out[0]), 2);
    assert_string_equal(clab_dataset_var_name(out[1], 0), "g2");
    assert_string_equal(clab_dataset_var_name(out[1], 1), "g1");
    clab_dataset_unref(out[0]);
    clab_dataset_unref(out[1]);

    const char *const twice[3] = {"g1", "g2", "g1"};
    clab_dataset *dup = toy_dataset(cx, "dup", "c", 2, 3, twice, xb);
    ds[1] = dup;
    ok(clab_common_genes(cx, ds, 2, &o, out));
    assert_non_null(
        strstr(said, "warning: dup: 1 genes repeat a name that stands there before and are left out: g1"));
    float *first = toy_dense(cx, out[1]->x), want_first[4] = {20, 10, 50, 40};
    assert_memory_equal(first, want_first, sizeof want_first);
    clab_mem_free(cx, first);
    clab_dataset_unref(out[0]);
    clab_dataset_unref(out[1]);
    clab_dataset_unref(dup);

    ds[1] = e; /* symbols against IDs */
    assert_int_equal(clab_common_genes(cx, ds, 2, &o, out), CLAB_EARG);
    assert_non_null(strstr(clab_error_text(cx), "A has symbols"));
    assert_non_null(strstr(clab_error_text(cx), "E has Ensembl gene IDs"));
    assert_null(out[0]);
    clab_error_clear(cx);

    ok(clab_value_strings(cx, 1, &three, ids, &v));
    ok(clab_dataset_var_set(cx, p.a, "gene_ids", v));
    clab_value_unref(v);
    o.by = "gene_idz"; /* a column that no input has is misspelt */
    ds[1] = p.b;
    assert_int_equal(clab_common_genes(cx, ds, 2, &o, out), CLAB_ENOTFOUND);
    assert_non_null(strstr(clab_error_text(cx), "no dataset has the var column gene_idz: A has gene_ids"));
    clab_error_clear(cx);
    ds[1] = e;
    o.by = NULL; /* the remedy names the column that would do, versions or not */
    ok(clab_value_strings(cx, 1, &three, index, &v));
    ok(clab_dataset_var_set(cx, p.a, "plain_ids", v));
    clab_value_unref(v);
    assert_int_equal(clab_common_genes(cx, ds, 2, &o, out), CLAB_EARG);
    assert_non_null(strstr(clab_error_text(cx), "var.plain_ids of A has such names as E"));
    clab_error_clear(cx);
    o.by = "gene_ids";
    assert_int_equal(clab_common_genes(cx, ds, 2, &o, out), CLAB_EARG); /* versions count unless stripped */
    clab_error_clear(cx);
    o.strip_version = true;
    ok(clab_common_genes(cx, ds, 2, &o, out));
    assert_int_equal(clab_dataset_n_vars(out[0]), 2);
    assert_string_equal(clab_dataset_var_name(out[0], 1), "ENSG00000000003");
    assert_string_equal(clab_dataset_var_name(out[1], 1), "ENSG00000000003");
    char buf[40];
    assert_string_equal(clab_value_at_str(clab_value_get(out[0]->var, "original_name"), 1, buf, sizeof buf),
                        "g1");
    float *got = toy_dense(cx, out[1]->x), want[4] = {20, 10, 50, 40};
    assert_memory_equal(got, want, sizeof want);
    clab_mem_free(cx, got);
    clab_dataset_unref(out[0]);
    clab_dataset_unref(out[1]);
    clab_dataset_unref(e);
    free_two(p);
}

static void layers_of_one_side(void **state)
{
    pair p = two();
    clab_concat_opts o;
    (void)state;

    p.a->layers = calloc(1, sizeof *p.a->layers);
    p.a->layer_names = calloc(1, sizeof *p.a->layer_names);
    p.a->layers[0] = clab_matrix_ref(p.a->x);
    p.a->layer_names[0] = strdup("spliced");
    p.a->n_layers = 1;
    clab_concat_opts_init(&o);
    clab_dataset *d = join(p, &o);
    assert_int_equal(d->n_layers, 0);
    clab_dataset_unref(d);
    o.outer = true;
    d = join(p, &o);
    assert_int_equal(d->n_layers, 1);
    float *got = toy_dense(cx, d->layers[0]), want[16] = {2, 3, 1, 0, 5, 6, 4, 0};
    assert_memory_equal(got, want, sizeof want);
    clab_mem_free(cx, got);
    clab_dataset_unref(d);
    free_two(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inner_keeps_the_first_order_and_says_so_once),
        cmocka_unit_test(strangers_share_nothing),
        cmocka_unit_test(one_sided_columns_survive),
        cmocka_unit_test(outer_sorts_and_tells_its_cost),
        cmocka_unit_test(outer_fills_what_is_lacking),
        cmocka_unit_test(cells_are_known_again_by_identity),
        cmocka_unit_test(types_follow_pandas),
        cmocka_unit_test(merge_strategies),
        cmocka_unit_test(bad_input_is_refused_in_words),
        cmocka_unit_test(common_genes_by_a_column),
        cmocka_unit_test(layers_of_one_side),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
