/* test_io_write_kinds.c -- a dense X on request, obs as CSV, and files of single values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "io_session.h"

static void test_dense_on_request(void **state)
{
    io_session s;
    clab_dataset *a = NULL, *b = NULL;
    clab_write_opts o;
    (void)state;
    io_start(&s);
    clab_write_opts_init(&o);
    o.dense = true;
    o.compression = 0;
    io_read(&s, io_good("csc_f32.h5ad"), &a);
    assert_false(clab_matrix_is_dense(a->x));
    assert_int_equal(clab_write(s.cx, a, io_path("dense.h5ad"), &o), CLAB_OK);
    io_read(&s, io_path("dense.h5ad"), &b);
    assert_true(clab_matrix_is_dense(b->x));
    assert_true(clab_value_equal(a->obs, b->obs));
    o.compression = 10;
    assert_int_equal(clab_write(s.cx, a, io_path("dense.h5ad"), &o), CLAB_EARG);
    clab_dataset_unref(a);
    clab_dataset_unref(b);
    io_stop(&s);
}

static void test_csv(void **state)
{
    io_session s;
    clab_dataset *d = NULL;
    clab_value *v = NULL;
    size_t n;
    const char *text[] = {"plain", "a,b", "say \"no\"", "=1+1", "-x", "two\nlines"};
    const char *all[20];
    int64_t rows = 20;
    double num[20] = {-1.5};
    (void)state;
    io_start(&s);
    io_read(&s, io_good("csr_f32_gzip.h5ad"), &d);
    for (int i = 0; i < 20; i++)
        all[i] = text[i % 6];
    assert_int_equal(clab_value_strings(s.cx, 1, &rows, all, &v), CLAB_OK);
    assert_int_equal(clab_dataset_obs_set(s.cx, d, "text", v), CLAB_OK);
    clab_value_unref(v);
    assert_int_equal(clab_value_array(s.cx, CLAB_F64, 1, &rows, num, &v), CLAB_OK);
    assert_int_equal(clab_dataset_obs_set(s.cx, d, "num", v), CLAB_OK);
    clab_value_unref(v);
    assert_int_equal(clab_write_csv(s.cx, d, (const char *const[]){"text", "num"}, 2, io_path("obs.csv")),
                     CLAB_OK);
    char *got = io_slurp(io_path("obs.csv"), &n);
    const char *want = "cell,text,num\ncell_00,plain,-1.5\ncell_01,\"a,b\",0\ncell_02,\"say "
                       "\"\"no\"\"\",0\ncell_03,\"'=1+1\",0\n"
                       "cell_04,\"'-x\",0\ncell_05,\"two\nlines\",0\n";
    got[strlen(want) < n ? strlen(want) : n] = 0;
    assert_string_equal(got, want);
    free(got);
    assert_int_equal(clab_write_csv(s.cx, d, (const char *const[]){"no such"}, 1, io_path("no.csv")),
                     CLAB_ENOTFOUND);
    assert_int_not_equal(access(io_path("no.csv"), F_OK), 0);
    clab_dataset_unref(d);
    io_stop(&s);
}

static void test_value_file(void **state)
{
    io_session s;
    clab_dataset *d = NULL;
    clab_value *back = NULL, *inner = NULL, *tree = NULL;
    (void)state;
    io_start(&s);
    io_read(&s, io_good("uns_nested.h5ad"), &d);
    assert_int_equal(clab_value_copy(s.cx, d->uns, &tree), CLAB_OK);
    assert_int_equal(clab_value_string(s.cx, "model 1", &inner), CLAB_OK);
    assert_int_equal(clab_value_set(s.cx, tree, "kind", inner), CLAB_OK);
    assert_int_equal(clab_write_value(s.cx, tree, io_path("model.clab")), CLAB_OK);
    assert_int_equal(clab_read_value(s.cx, io_path("model.clab"), &back), CLAB_OK);
    assert_int_equal(back->n_items, tree->n_items);
    for (int64_t i = 0; i < tree->n_items; i++) { /* the order of keys is the file's: alphabetical */
        const clab_value *v = clab_value_get(back, tree->names[i]);
        if (!v || !clab_value_equal(v, tree->items[i]))
            fail_msg("%s differs", tree->names[i]);
    }
    assert_int_equal(clab_read_value(s.cx, io_good("../expected.json"), &back), CLAB_EFORMAT);
    clab_value_unref(back);
    clab_value_unref(inner);
    clab_value_unref(tree);
    clab_dataset_unref(d);
    io_stop(&s);
}

int main(int argc, char **argv)
{
    IO_GUEST(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense_on_request),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_value_file),
    };
    return cmocka_run_group_tests(tests, NULL, io_clean);
}
