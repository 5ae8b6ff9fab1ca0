/* test_data_torture.c -- every allocation of the data room fails once: an error in words, nothing lost,
 * nothing broken. */
#include "clab_test.h"

#include "base/fault.h"
#include "data/genes.h"
#include "label/compare.h"
#include "run_step.h"
#include "toy.h"

static clab_ctx *cx;
static clab_dataset *a, *b;

static const char *const genes_a[4] = {"g2", "g0", "g1", "g7"}, *const genes_b[4] = {"g1", "g9", "g2", "g0"};
static const float x[16] = {1, 0, 3, 4, 0, 6, 7, 0, 9, 10, 0, 12, 13, 0, 15, 0};

static clab_dataset *study(const char *name, const char *const *genes, const char *const *types)
{
    clab_dataset *d = toy_dataset(cx, name, "c", 4, 4, genes, x);
    double number[4] = {1, 2, 3, 4};
    float emb[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    int64_t four = 4;
    clab_value *v = NULL, *uns = NULL, *text = NULL;

    toy_labels(cx, d, "type", types);
    toy_numbers(cx, d, types[0] ? "number_a" : "number_b", number);
    assert_clab_ok(cx, clab_value_array(cx, CLAB_F32, 2, (int64_t[]){4, 2}, emb, &v));
    assert_clab_ok(cx, clab_dataset_obsm_set(cx, d, "X_pca", v));
    clab_value_unref(v);
    assert_clab_ok(cx, clab_value_strings(cx, 1, &four, genes, &text));
    assert_clab_ok(cx, clab_dataset_var_set(cx, d, "symbol", text));
    assert_clab_ok(cx, clab_value_dict(cx, &uns));
    assert_clab_ok(cx, clab_value_set(cx, uns, "inner", text));
    assert_clab_ok(cx, clab_dataset_uns_set(cx, d, "nested", uns));
    clab_value_unref(text);
    clab_value_unref(uns);
    d->raw.x = clab_matrix_ref(d->x);
    d->raw.var = clab_value_ref(d->var);
    return d;
}

static int setup(void **state)
{
    static const char *const ta[4] = {"B", "T", "B", "NK"}, *const tb[4] = {NULL, "T", "M", NULL};
    (void)state;
    cx = test_ctx(1);
    a = study("A", genes_a, ta);
    b = study("B", genes_b, tb);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    clab_dataset_unref(a);
    clab_dataset_unref(b);
    test_ctx_free(cx);
    return 0;
}

/* ---- what is tortured --------------------------------------------------------------------------------*/

static clab_status concat(bool outer)
{
    const clab_dataset *parts[2] = {a, b};
    clab_concat_opts o;
    clab_dataset *d = NULL;
    clab_status s;

    clab_concat_opts_init(&o);
    o.outer = outer;
    o.index_unique = outer ? "-" : NULL;
    o.merge = o.uns_merge = "first";
    s = clab_concat(cx, parts, 2, &o, &d);
    clab_dataset_unref(d);
    return s;
}

static clab_status concat_inner(void)
{
    return concat(false);
}

static clab_status concat_outer(void)
{
    return concat(true);
}

static clab_status common_genes(void)
{
    const clab_dataset *parts[2] = {a, b};
    clab_dataset *out[2] = {NULL};
    clab_genes_opts o = {.by = "symbol", .strip_version = true};
    clab_status s = clab_common_genes(cx, parts, 2, &o, out);

    clab_dataset_unref(out[0]);
    clab_dataset_unref(out[1]);
    return s;
}

static clab_status one_step(const char *name, const char *args)
{
    clab_dataset *d = NULL;
    clab_status s = run_step(cx, name, args, a, &d);

    clab_dataset_unref(d);
    return s;
}

static clab_status keep_labels(void)
{
    return one_step("keep_labels", "by=type min_cells=2");
}

static clab_status subsample(void)
{
    return one_step("subsample", "n=2 by=type");
}

static clab_status where(void)
{
    uint8_t mask[4];

    return clab_where(cx, a, "type in {'B', 'T'} and (number_a > 1 or not missing(type)) or 3 > number_a",
                      mask);
}

static clab_status compare(void)
{
    clab_value *cmp = NULL;
    char *text = NULL;
    clab_status s = clab_compare(cx, a, b, &cmp);

    if (s == CLAB_OK)
        s = clab_compare_text(cx, cmp, &text);
    clab_value_unref(cmp);
    free(text);
    return s;
}

static clab_status match(void)
{
    int64_t pos[4];

    return clab_dataset_match(cx, a, b, pos);
}

/* Fails the 1st, 2nd, ... allocation until all succeed. */
static void fail_each(const char *what, clab_status (*run)(void))
{
    clab_fault *f = clab_ctx_fault(cx);
    int64_t live = clab_mem_live(cx), nth = 1;
    clab_status s;

    do {
        f->kind = CLAB_FAULT_ALLOC;
        f->sticky = false;
        f->nth = nth++;
        atomic_store(&f->seen, 0);
        s = run();
        f->kind = CLAB_FAULT_NONE;
        if (s == CLAB_OK && atomic_load(&f->seen) >= f->nth)
            fail_msg("%s: the failure of allocation %" PRId64 " went unnoticed", what, f->nth);
        if (s != CLAB_OK && clab_error_text(cx)[0] == '\0')
            fail_msg("%s: allocation %" PRId64 " failed without words", what, nth - 1);
        if (clab_mem_live(cx) != live)
            fail_msg("%s: allocation %" PRId64 " failed and %" PRId64 " bytes were lost", what, nth - 1,
                     clab_mem_live(cx) - live);
        clab_error_clear(cx);
        test_notes();
        assert_true(nth < 5000);
    } while (s != CLAB_OK);
    print_message("%s: %" PRId64 " allocations\n", what, nth - 2);
    assert_true(nth > 2);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    fail_each("concat, inner", concat_inner);
    fail_each("concat, outer", concat_outer);
    fail_each("common_genes", common_genes);
    fail_each("keep_labels", keep_labels);
    fail_each("subsample", subsample);
    fail_each("where", where);
    fail_each("compare", compare);
    fail_each("match", match);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation_may_fail)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
