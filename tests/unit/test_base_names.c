/* test_base_names.c -- the name index, the context's errors and faults, the pool, thread defaults. */
#include "clab_test.h"

#include <sched.h>

#include "base/fault.h"
#include "base/names.h"
#include "base/pool.h"

static void finds_what_was_put(void **state)
{
    static const char *const names[] = {"CD3D", "CD8A", "CD3D", "", "LYZ", "CD8A"};
    clab_ctx *cx = test_ctx(1);
    clab_names *ix;
    int64_t twice;

    (void)state;
    assert_clab_ok(cx, clab_names_new(cx, names, 6, &twice, &ix));
    assert_int_equal(twice, 2);
    assert_int_equal(clab_names_count(ix), 6);
    assert_int_equal(clab_names_get(ix, "CD3D"), 0); /* the first of equal names */
    assert_int_equal(clab_names_get(ix, "CD8A"), 1);
    assert_int_equal(clab_names_get(ix, ""), 3);
    assert_int_equal(clab_names_get(ix, "LYZ"), 4);
    assert_int_equal(clab_names_get(ix, "LY"), -1);
    assert_int_equal(clab_names_add(ix, "MS4A1"), 6);
    assert_int_equal(clab_names_add(ix, "LYZ"), 4);
    assert_int_equal(clab_names_count(ix), 7);
    clab_names_free(ix);
    clab_names_free(NULL);
    test_ctx_free(cx);
}

static void grows_from_nothing(void **state)
{
    enum { N = 50000 };
    clab_ctx *cx = test_ctx(1);
    char(*names)[12] = calloc(N, sizeof *names);
    clab_names *ix;

    (void)state;
    assert_clab_ok(cx, clab_names_new(cx, NULL, 0, NULL, &ix));
    assert_int_equal(clab_names_get(ix, "x"), -1);
    for (int i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "GENE%d", i);
        assert_int_equal(clab_names_add(ix, names[i]), i);
    }
    for (int i = 0; i < N; i++)
        assert_int_equal(clab_names_get(ix, names[i]), i);
    assert_int_equal(clab_names_get(ix, "GENE50000"), -1);
    clab_names_free(ix);
    free(names);
    test_ctx_free(cx);
}

static void first_error_wins(void **state)
{
    clab_ctx *cx = test_ctx(1);

    (void)state;
    assert_int_equal(clab_hint(cx, "no error yet"), CLAB_OK);
    assert_int_equal(clab_fail(cx, CLAB_EFORMAT, "row %d is torn", 7), CLAB_EFORMAT);
    assert_int_equal(clab_fail(cx, CLAB_EIO, "later"), CLAB_EFORMAT);
    assert_int_equal(clab_hint(cx, "write it again"), CLAB_EFORMAT);
    clab_hint(cx, "second hint");
    assert_int_equal(clab_context(cx, "a.h5ad"), CLAB_EFORMAT);
    clab_context(cx, "reading");
    assert_string_equal(clab_error_text(cx), "reading: a.h5ad: row 7 is torn; write it again");
    assert_holds(clab_error_place(cx), "test_base_names.c:");
    clab_error_clear(cx);
    assert_int_equal(clab_error_status(cx), CLAB_OK);
    assert_string_equal(clab_error_text(cx), "");
    test_ctx_free(cx);
}

static void long_errors_are_cut_not_spilled(void **state)
{
    clab_ctx *cx = test_ctx(1);
    char *big = malloc(10000);

    (void)state;
    memset(big, 'x', 9999);
    big[9999] = '\0';
    clab_fail(cx, CLAB_EIO, "%s", big);
    clab_hint(cx, "%s", big);
    for (int i = 0; i < 20; i++)
        clab_context(cx, "%s", big);
    assert_true(strlen(clab_error_text(cx)) < 4096);
    clab_error_clear(cx);
    free(big);
    test_ctx_free(cx);
}

typedef struct {
    int64_t seen[1000];
    int64_t fail_at;
} work;

static clab_status one(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    work *w = arg;

    if (worker < 0 || worker >= clab_threads(cx))
        return clab_fail(cx, CLAB_EINTERNAL, "worker %d", worker);
    if (task == w->fail_at)
        return clab_fail(cx, CLAB_EARG, "task %d", (int)task);
    w->seen[task]++;
    return CLAB_OK;
}

static void pool_does_everything_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 5; threads += 2) {
        clab_ctx *cx = test_ctx(threads);
        for (int round = 0; round < 50; round++) {
            work w = {.fail_at = -1};
            assert_clab_ok(cx, clab_parallel(cx, 1000, one, &w));
            for (int i = 0; i < 1000; i++)
                assert_int_equal(w.seen[i], 1);
        }
        assert_clab_ok(cx, clab_parallel(cx, 0, one, NULL));
        work w = {.fail_at = 500};
        assert_clab_fails(cx, clab_parallel(cx, 1000, one, &w), CLAB_EARG, "task 500");
        clab_cancel(cx);
        w.fail_at = -1;
        assert_clab_fails(cx, clab_parallel(cx, 1000, one, &w), CLAB_ECANCEL, "interrupted");
        test_ctx_free(cx);
    }
}

static void threads_are_modest(void **state)
{
    cpu_set_t set;
    int cpus, n;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    cpus = CPU_COUNT(&set);
    unsetenv("SLURM_JOB_ID");
    n = clab_threads_default();
    assert_true(n >= 1 && n <= 4 && n <= cpus);
    setenv("SLURM_CPUS_PER_TASK", "1", 1);
    assert_int_equal(clab_threads_default(), n); /* outside a job it says nothing */
    setenv("SLURM_JOB_ID", "7", 1);
    assert_int_equal(clab_threads_default(), 1);
    setenv("SLURM_CPUS_PER_TASK", "1000", 1);
    assert_true(clab_threads_default() <= cpus);
    unsetenv("SLURM_CPUS_PER_TASK");
    setenv("SLURM_CPUS_ON_NODE", "1", 1);
    assert_int_equal(clab_threads_default(), 1);
    unsetenv("SLURM_CPUS_ON_NODE");
    unsetenv("SLURM_JOB_ID");
}

/* Which of six operations fail under a plan, as bits. */
static unsigned failing(const char *plan, bool io)
{
    clab_fault f;
    clab_ctx *cx;
    unsigned bits = 0;

    clab_fault_init(&f, plan);
    setenv("CELLLAB_FAULT", plan, 1);
    cx = clab_ctx_new(&(clab_ctx_opts){.threads = 1});
    unsetenv("CELLLAB_FAULT");
    for (unsigned i = 0; i < 6; i++) {
        void *p = NULL;
        bool bad = io ? clab_fault_io(cx) : clab_mem_alloc(cx, CLAB_MEM_WORK, 10, "x", &p) == CLAB_ENOMEM;
        clab_mem_free(cx, p);
        clab_error_clear(cx);
        bits |= (unsigned)bad << i;
    }
    clab_ctx_free(cx);
    return bits;
}

static void faults_come_when_asked(void **state)
{
    (void)state;
    assert_int_equal(failing("alloc:3", false), 1u << 2);
    assert_int_equal(failing("alloc:3,sticky", false), 0x3c);
    assert_int_equal(failing("alloc:3", true), 0);
    assert_int_equal(failing("io:1", true), 1);
    assert_int_equal(failing("io:5,sticky", true), 0x30);
    assert_int_equal(failing("io:0", true), 0);
    assert_int_equal(failing("io:1x", true), 0);
    assert_int_equal(failing("", true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_put),        cmocka_unit_test(grows_from_nothing),
        cmocka_unit_test(first_error_wins),          cmocka_unit_test(long_errors_are_cut_not_spilled),
        cmocka_unit_test(pool_does_everything_once), cmocka_unit_test(threads_are_modest),
        cmocka_unit_test(faults_come_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
