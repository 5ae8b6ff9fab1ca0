/* test_io_write_old.c -- what is written so that readers of AnnData 0.8 take the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "io_session.h"

/* What AnnData 0.8 has no word for: text with gaps becomes categories, null is left out and named. */
static void test_for_old_readers(void **state)
{
    io_session s;
    clab_dataset *a = NULL, *b = NULL;
    char buf[2][64];
    int gaps = 0;
    (void)state;
    io_start(&s);
    io_read(&s, io_good("nullable.h5ad"), &a);
    io_write(&s, a, io_path("trip.h5ad"));
    io_read(&s, io_path("trip.h5ad"), &b);
    for (int64_t k = 0; k < a->obs->n_items; k++) {
        const clab_value *was = a->obs->items[k], *is = clab_value_get(b->obs, a->obs->names[k]);
        bool text = was->kind == CLAB_V_NULLABLE && was->inner->kind == CLAB_V_STRINGS;
        assert_int_equal(is->kind, text ? CLAB_V_CATEGORICAL : was->kind);
        assert_true(text || clab_value_equal(was, is));
        for (int64_t i = 0; text && i < clab_value_len(was); i++) {
            const char *x = clab_value_at_str(was, i, buf[0], 64), *y = clab_value_at_str(is, i, buf[1], 64);
            assert_true(x && y ? strcmp(x, y) == 0 : x == y);
            gaps += !x;
        }
    }
    assert_true(gaps > 0);
    clab_dataset_unref(a);
    clab_dataset_unref(b);
    io_read(&s, io_good("uns_nested.h5ad"), &a);
    io_forget(&s);
    io_write(&s, a, io_path("trip.h5ad"));
    assert_true(s.n_warnings == 1 && strstr(s.warnings.s, "null"));
    io_read(&s, io_path("trip.h5ad"), &b);
    int kept = 0;
    for (int64_t k = 0; k < a->uns->n_items; k++) {
        const clab_value *is = clab_value_get(b->uns, a->uns->names[k]);
        if (is)
            assert_true(clab_value_equal(a->uns->items[k], is));
        assert_true(is || a->uns->items[k]->kind == CLAB_V_NULL);
        kept += is != NULL;
    }
    assert_int_equal(kept, a->uns->n_items - 1);
    clab_dataset_unref(a);
    clab_dataset_unref(b);
    io_stop(&s);
}

int main(int argc, char **argv)
{
    IO_GUEST(argc, argv);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_for_old_readers)};
    return cmocka_run_group_tests(tests, NULL, io_clean);
}
