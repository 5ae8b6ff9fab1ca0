/* test_data_dataset.c -- selections take everything beside X along and leave the old Dataset as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/dataset.h"
#include "ledger/ledger.h"
#include "toy.h"

#define N 4
#define G 3

static clab_ctx *cx;
static const char *const genes[G] = {"g0", "g1", "g2"};
static const float x[N * G] = {1, 0, 2, 0, 3, 0, 4, 5, 6, 0, 0, 7};
static const char *const types[N] = {"B", "T", "NK", "T"};

#define ok(call) assert_int_equal((call), CLAB_OK)

static int setup(void **state)
{
    clab_ctx_opts o = {.threads = 2};
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

static clab_dataset *toy(void)
{
    clab_dataset *d = toy_dataset(cx, "toy", "c", N, G, genes, x);
    const char *colours[3] = {"#b", "#nk", "#t"};
    double emb[N * 2] = {0, 1, 2, 3, 4, 5, 6, 7};
    int64_t indptr[N + 1] = {0, 1, 2, 3, 4}, three = 3;
    int32_t indices[N] = {1, 0, 3, 2};
    float w[N] = {.1f, .2f, .3f, .4f};
    clab_value *v = NULL, *obsp = NULL;

    toy_labels(cx, d, "type", types);
    ok(clab_value_array(cx, CLAB_F64, 2, (int64_t[]){N, 2}, emb, &v));
    ok(clab_dataset_obsm_set(cx, d, "X_pca", v));
    clab_value_unref(v);
    ok(clab_value_strings(cx, 1, &three, colours, &v));
    ok(clab_dataset_uns_set(cx, d, "type_colors", v));
    clab_value_unref(v);
    ok(clab_value_sparse(cx, CLAB_F32, N, N, indptr, indices, w, &v));
    ok(clab_value_copy(cx, d->obsp, &obsp));
    ok(clab_value_set(cx, obsp, "near", v));
    clab_value_unref(v);
    clab_value_unref(d->obsp);
    d->obsp = obsp;
    d->counts_from = strdup("X");
    return d;
}

static void cells_take_everything_along(void **state)
{
    clab_dataset *d = toy(), *e = NULL;
    int64_t rows[] = {3, 1};
    char buf[40];
    (void)state;

    ok(clab_dataset_take_obs(cx, d, rows, 2, &e));
    assert_int_equal(clab_dataset_n_obs(e), 2);
    assert_string_equal(clab_dataset_obs_name(e, 0), "c3");
    const clab_value *type = NULL;
    ok(clab_dataset_obs_get(cx, e, "type", &type));
    assert_string_equal(clab_value_at_str(type, 1, buf, sizeof buf), "T");
    assert_int_equal(clab_value_len(type->levels), 1);
    const clab_value *colours = clab_value_get(e->uns, "type_colors");
    assert_int_equal(clab_value_len(colours), 1);
    assert_string_equal(clab_value_at_str(colours, 0, buf, sizeof buf), "#t");
    assert_true(clab_value_at_num(clab_value_get(e->obsm, "X_pca"), 0) == 6);
    const clab_value *near = clab_value_get(e->obsp, "near");
    assert_int_equal(near->dims[0], 2);
    assert_int_equal(near->indptr[2], 0); /* neither 3-1 nor 1-3 are near */
    float *got = toy_dense(cx, e->x);
    assert_true(got[2] == 7 && got[4] == 3);
    clab_mem_free(cx, got);
    assert_ptr_equal(e->counts, e->x); /* what was one stays one */
    assert_int_equal(clab_dataset_n_obs(d), N);
    assert_int_equal(clab_value_len(clab_value_get(d->uns, "type_colors")), 3);
    clab_dataset_unref(e);
    clab_dataset_unref(d);
}

static void genes_leave_raw_alone(void **state)
{
    clab_dataset *d = toy(), *e = NULL;
    uint8_t mask[G] = {0, 1, 1};
    (void)state;

    d->raw.x = clab_matrix_ref(d->x);
    d->raw.var = clab_value_ref(d->var);
    ok(clab_dataset_keep_vars(cx, d, mask, &e));
    assert_int_equal(clab_dataset_n_vars(e), 2);
    assert_string_equal(clab_dataset_var_name(e, 0), "g1");
    assert_int_equal(clab_matrix_n_cols(e->raw.x), G);
    float *got = toy_dense(cx, e->x);
    assert_true(got[1] == 2 && got[2] == 3 && got[4] == 5);
    clab_mem_free(cx, got);
    clab_dataset_unref(e);
    clab_dataset_unref(d);
}

static void wrong_palettes_go(void **state)
{
    clab_dataset *d = toy(), *e = NULL;
    const char *two[2] = {"#1", "#2"};
    int64_t n = 2, row = 0;
    clab_value *v = NULL;
    (void)state;

    ok(clab_value_strings(cx, 1, &n, two, &v));
    ok(clab_dataset_uns_set(cx, d, "type_colors", v));
    clab_value_unref(v);
    ok(clab_dataset_take_obs(cx, d, &row, 1, &e));
    assert_null(clab_value_get(e->uns, "type_colors"));
    assert_non_null(clab_value_get(d->uns, "type_colors"));
    clab_dataset_unref(e);
    clab_dataset_unref(d);
}

static void edits_stay_with_their_handle(void **state)
{
    clab_dataset *d = toy(), *e = NULL;
    const clab_value *v = NULL;
    double one[N] = {1, 1, 1, 1};
    (void)state;

    ok(clab_dataset_copy(cx, d, &e));
    toy_numbers(cx, e, "new", one);
    ok(clab_dataset_obs_get(cx, e, "new", &v));
    assert_int_equal(clab_dataset_obs_get(cx, d, "new", &v), CLAB_ENOTFOUND);
    clab_error_clear(cx);
    assert_int_equal(clab_dataset_obs_get(cx, d, "typ", &v), CLAB_ENOTFOUND);
    assert_non_null(strstr(clab_error_text(cx), "there are: type"));
    assert_non_null(strstr(clab_error_text(cx), "did you mean type?"));
    clab_error_clear(cx);
    clab_dataset_unref(e);
    clab_dataset_unref(d);
}

static void identities_survive_selections(void **state)
{
    clab_dataset *d = toy(), *other = toy(), *e = NULL, *f = NULL;
    int64_t rows[] = {2, 0, 3}, again[] = {1, 0}, pos[N];
    (void)state;

    ok(clab_dataset_take_obs(cx, d, rows, 3, &e));
    ok(clab_dataset_take_obs(cx, e, again, 2, &f)); /* cells 0 and 2 of d */
    ok(clab_dataset_match(cx, f, d, pos));
    int64_t want[N] = {0, -1, 1, -1};
    assert_memory_equal(pos, want, sizeof want);
    ok(clab_dataset_match(cx, other, d, pos)); /* the same names, other cells */
    for (int i = 0; i < N; i++)
        assert_int_equal(pos[i], -1);
    clab_dataset_unref(f);
    clab_dataset_unref(e);
    clab_dataset_unref(other);
    clab_dataset_unref(d);
}

static void counts_are_judged_by_the_cells_at_hand(void **state)
{
    float odd[N * G] = {1, 0, 2, 0, 3, 0, 4, 0.5f, 6, 0, 0, 7};
    clab_dataset *d = toy_dataset(cx, "odd", "c", N, G, genes, odd), *e = NULL;
    uint8_t mask[N] = {1, 1, 0, 1};
    clab_matrix *m = NULL;
    (void)state;

    assert_int_equal(clab_dataset_counts(cx, d, &m), CLAB_ESTATE);
    assert_non_null(strstr(clab_error_text(cx), "cell c2, gene g1 is 0.5"));
    assert_non_null(strstr(clab_error_text(cx), "layers.NAME"));
    clab_error_clear(cx);
    ok(clab_dataset_keep_obs(cx, d, mask, &e));
    ok(clab_dataset_counts(cx, e, &m));
    clab_matrix_unref(m);
    clab_dataset_unref(e);
    clab_dataset_unref(d);
}

static void summary_and_log(void **state)
{
    clab_dataset *d = toy();
    char *text = NULL;
    (void)state;

    ok(clab_dataset_log(cx, d, "filter_cells", NULL));
    ok(clab_dataset_log(cx, d, "hvg", NULL));
    const clab_value *second = clab_value_get(d->steps, "1");
    char buf[40];
    assert_string_equal(clab_value_at_str(clab_value_get(second, "name"), 0, buf, sizeof buf), "hvg");
    ok(clab_dataset_describe(cx, d, &text));
    assert_non_null(strstr(text, "n_obs \u00d7 n_vars = 4 \u00d7 3"));
    assert_non_null(strstr(text, "obs: 'type'"));
    assert_non_null(strstr(text, "counts: from X"));
    assert_non_null(strstr(text, "holds "));
    free(text);
    assert_true(clab_dataset_bytes(d) > clab_matrix_store_bytes(d->x));
    clab_dataset_unref(d);
}

static void shapes_are_checked(void **state)
{
    clab_dataset *d = toy(), *e = NULL;
    int64_t row = 4;
    (void)state;

    assert_int_equal(clab_dataset_take_obs(cx, d, &row, 1, &e), CLAB_ESHAPE);
    clab_error_clear(cx);
    assert_int_equal(clab_dataset_new(cx, "bad", d->x, d->var, d->obs, &e), CLAB_ESHAPE);
    assert_non_null(strstr(clab_error_text(cx), "X has 4 rows, obs has 3"));
    clab_error_clear(cx);
    ok(clab_dataset_take_obs(cx, d, &row, 0, &e)); /* an empty selection is one */
    assert_int_equal(clab_dataset_n_obs(e), 0);
    clab_dataset_unref(e);
    clab_dataset_unref(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_take_everything_along),
        cmocka_unit_test(genes_leave_raw_alone),
        cmocka_unit_test(wrong_palettes_go),
        cmocka_unit_test(edits_stay_with_their_handle),
        cmocka_unit_test(identities_survive_selections),
        cmocka_unit_test(counts_are_judged_by_the_cells_at_hand),
        cmocka_unit_test(summary_and_log),
        cmocka_unit_test(shapes_are_checked),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
