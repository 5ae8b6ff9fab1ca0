/* test_ledger_mem.c -- accounted memory, refusals and their words, limits of cgroups. */
#include "clab_test.h"

#include <sys/stat.h>

#include "ledger/ledger_impl.h"

#define MIB ((int64_t)1 << 20)

static clab_snapshot snap;

static void accounts_every_kind(void **state)
{
    clab_ctx *cx = test_ctx(1);
    void *a, *b, *c = NULL;
    clab_charge charge;

    (void)state;
    assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_COUNTS, 100, "counts of a", &a));
    assert_int_equal((uintptr_t)a % 64, 0);
    assert_clab_ok(cx, clab_mem_zalloc(cx, CLAB_MEM_WORK, 3 * MIB, "scratch", &b));
    assert_int_equal((uintptr_t)b % 64, 0);
    for (int64_t i = 0; i < 3 * MIB; i += 999)
        assert_int_equal(((char *)b)[i], 0);
    assert_clab_ok(cx, clab_mem_charge(cx, CLAB_MEM_MODEL, 50, "memfd", &charge));
    assert_int_equal(clab_mem_live(cx), 150 + 3 * MIB);
    clab_ledger_snapshot(clab_ctx_ledger(cx), &snap);
    assert_int_equal(snap.n_owners, 3);
    assert_string_equal(snap.owner[0].name, "scratch");
    assert_string_equal(snap.owner[1].name, "counts of a");
    assert_string_equal(snap.owner[2].name, "memfd");
    assert_int_equal(snap.kind_bytes[CLAB_MEM_WORK], 3 * MIB);
    assert_int_equal(snap.kind_bytes[CLAB_MEM_MODEL], 50);
    clab_mem_free(cx, b);
    clab_mem_free(cx, a);
    clab_mem_free(cx, NULL);
    clab_mem_release(cx, charge);
    clab_mem_release(cx, charge); /* a second time does nothing */
    clab_mem_release(cx, 12345);
    assert_int_equal(clab_mem_live(cx), 0);
    assert_int_equal(clab_mem_peak(cx), 150 + 3 * MIB);
    assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_WORK, 0, "nothing", &c));
    assert_non_null(c);
    clab_mem_free(cx, c);
    test_ctx_free(cx);
}

static void grows_and_keeps_contents(void **state)
{
    clab_ctx *cx = test_ctx(1);
    int64_t sizes[] = {10, 1000, MIB, 5 * MIB, 20 * MIB, 2 * MIB, 100};
    unsigned char *p = NULL;
    int64_t had = 0;

    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        void *q = p;
        assert_clab_ok(cx, clab_mem_grow(cx, CLAB_MEM_WORK, sizes[k], "growing", &q));
        p = q;
        for (int64_t i = 0; i < had && i < sizes[k]; i++)
            if (p[i] != (unsigned char)(i * 7))
                fail_msg("byte %" PRId64 " changed when growing to %" PRId64, i, sizes[k]);
        for (int64_t i = had; i < sizes[k]; i++)
            p[i] = (unsigned char)(i * 7);
        had = sizes[k];
        assert_int_equal((uintptr_t)p % 64, 0);
        assert_int_equal(clab_mem_live(cx), sizes[k]);
    }
    clab_mem_free(cx, p);
    test_ctx_free(cx);
}

static void works_without_a_ledger(void **state)
{
    clab_ctx *cx = clab_ctx_new(&(clab_ctx_opts){.threads = 1});
    clab_ledger *lg;
    clab_charge charge;
    void *before, *during;

    (void)state;
    assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_WORK, 2 * MIB, "x", &before));
    assert_clab_ok(cx, clab_mem_charge(cx, CLAB_MEM_WORK, 5, "x", &charge));
    assert_clab_ok(cx, clab_mem_reserve_check(cx, INT64_MAX, "x"));
    assert_int_equal(clab_mem_live(cx), 0);
    assert_clab_ok(cx, clab_ledger_new(cx, &(clab_ledger_opts){0}, &lg));
    clab_mem_free(cx, before);
    assert_int_equal(clab_mem_live(cx), 0);
    assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_WORK, 100, "x", &during));
    clab_ledger_free(lg);
    assert_null(clab_ctx_ledger(cx));
    clab_mem_free(cx, during);
    assert_null(clab_phase_begin(cx, "p", 1, "x"));
    clab_phase_step(NULL, 1);
    clab_phase_note(NULL, "x");
    clab_phase_end(NULL);
    clab_ctx_free(cx);
}

static void bad_sizes_are_refused(void **state)
{
    clab_ctx *cx = test_ctx(1);
    int64_t bytes;
    void *p;

    (void)state;
    assert_clab_fails(cx, clab_mem_alloc(cx, CLAB_MEM_WORK, -1, "x", &p), CLAB_EARG, "-1 bytes");
    assert_clab_fails(cx, clab_mem_size(cx, -1, 4, &bytes), CLAB_EARG, NULL);
    assert_clab_fails(cx, clab_mem_size(cx, INT64_MAX / 4 + 1, 4, &bytes), CLAB_EARG, NULL);
    assert_clab_ok(cx, clab_mem_size(cx, INT64_MAX / 4, 4, &bytes));
    assert_clab_fails(cx, clab_mem_alloc(cx, CLAB_MEM_WORK, INT64_MAX, "x", &p), CLAB_EARG, NULL);
    test_ctx_free(cx);
}

static void refusal_says_everything(void **state)
{
    clab_ctx *cx = test_ctx_budget(1, 400 * MIB);
    void *p[4], *q = NULL;
    static const char *const who[] = {"small", "counts of ref", "medium", "large\x1b[2J"};
    static const int64_t mib[] = {1, 60, 20, 40};

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_COUNTS, mib[i] * MIB, who[i], &p[i]));
    assert_int_equal(clab_mem_alloc(cx, CLAB_MEM_WORK, 350 * MIB, "PCA scratch", &q), CLAB_EBUDGET);
    assert_holds(clab_error_text(cx), "PCA scratch needs 350.0 MiB, but the limit is 400.0 MiB (--budget)");
    assert_holds(clab_error_text(cx), "counts of ref 60.0 MiB, large\\x1b[2J 40.0 MiB, medium 20.0 MiB; ");
    assert_holds(clab_error_text(cx), "hvg");
    assert_null(strstr(clab_error_text(cx), "small"));
    clab_error_clear(cx);
    assert_int_equal(clab_mem_live(cx), 121 * MIB);
    assert_clab_fails(cx, clab_mem_reserve_check(cx, 350 * MIB, "x"), CLAB_EBUDGET, NULL);
    assert_clab_fails(cx, clab_mem_grow(cx, CLAB_MEM_COUNTS, 350 * MIB, "x", &p[1]), CLAB_EBUDGET, NULL);
    assert_clab_ok(cx, clab_mem_reserve_check(cx, 100 * MIB, "x"));
    assert_true(clab_budget_left(cx) <= 279 * MIB && clab_budget_left(cx) >= 100 * MIB);
    assert_clab_fails(cx, clab_budget_set(cx, -1), CLAB_EARG, NULL);
    assert_clab_ok(cx, clab_budget_set(cx, 0));
    assert_true(clab_budget_get(cx).bytes > 400 * MIB);
    for (int i = 0; i < 4; i++)
        clab_mem_free(cx, p[i]);
    test_ctx_free(cx);
}

static void free_held(void *user)
{
    void **held = user;

    clab_mem_free(held[0], held[1]);
    held[1] = NULL;
}

static void reclaims_before_refusing(void **state)
{
    clab_ctx *cx = test_ctx_budget(1, 300 * MIB);
    void *held[2] = {cx, NULL}, *p;

    (void)state;
    clab_mem_set_reclaim(cx, free_held, held);
    assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_TABLE, 150 * MIB, "garbage", &held[1]));
    assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_WORK, 200 * MIB, "needed", &p));
    assert_null(held[1]);
    clab_mem_free(cx, p);
    test_ctx_free(cx);
}

static int64_t rss(void)
{
    clab_ctx *cx = test_ctx(1);
    int64_t v;

    clab_ledger_sample(clab_ctx_ledger(cx));
    clab_ledger_snapshot(clab_ctx_ledger(cx), &snap);
    v = snap.tree_bytes;
    test_ctx_free(cx);
    return v;
}

static void big_blocks_go_back_at_once(void **state)
{
    clab_ctx *cx = test_ctx(1);
    void *p[8];
    int64_t before = rss(), during;

    (void)state;
    for (int i = 0; i < 8; i++) {
        assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_WORK, 8 * MIB, "x", &p[i]));
        memset(p[i], 1, (size_t)(8 * MIB));
    }
    during = rss();
    assert_true(during - before > 56 * MIB);
    for (int i = 0; i < 8; i++)
        clab_mem_free(cx, p[i]);
#ifndef __SANITIZE_ADDRESS__ /* keeps freed blocks to catch their use */
    assert_true(rss() - before < 8 * MIB);
#endif
    test_ctx_free(cx);
}

static void reads_cgroup_limits(void **state)
{
    char path[512];

    (void)state;
    mkdir(test_temp("cg"), 0700);
    mkdir(test_temp("cg/memory"), 0700);
    mkdir(test_temp("cg/memory/job"), 0700);
    mkdir(test_temp("cg/outer"), 0700);
    mkdir(test_temp("cg/outer/inner"), 0700);
    test_write_text(test_temp("cg/memory/job/memory.stat"),
                    "cache 5\nhierarchical_memory_limit 209715200\ntotal_cache 1\n");
    test_write_text(test_temp("cg/outer/memory.max"), "1000000\n");
    test_write_text(test_temp("cg/outer/inner/memory.max"), "max\n");
    snprintf(path, sizeof path, "%s", test_temp("self"));
    test_write_text(path, "12:memory:/job/gone\n3:cpu,cpuacct:/\n");
    assert_int_equal(clab__cgroup_limit(path, test_temp("cg")), 209715200);
    test_write_text(path, "0::/outer/inner\n");
    assert_int_equal(clab__cgroup_limit(path, test_temp("cg")), 1000000);
    test_write_text(path, "0::/\n");
    assert_int_equal(clab__cgroup_limit(path, test_temp("cg")), INT64_MAX);
    assert_int_equal(clab__cgroup_limit("/nowhere", test_temp("cg")), INT64_MAX);
}

static void slurm_is_a_source(void **state)
{
    clab_ctx *cx;

    (void)state;
    setenv("SLURM_JOB_ID", "1", 1);
    setenv("SLURM_MEM_PER_NODE", "150", 1);
    cx = test_ctx(1);
    assert_int_equal(clab_budget_get(cx).bytes, 150 * MIB);
    assert_string_equal(clab_budget_get(cx).source, "SLURM");
    test_ctx_free(cx);
    cx = test_ctx_budget(1, 100 * MIB);
    assert_string_equal(clab_budget_get(cx).source, "--budget");
    test_ctx_free(cx);
    cx = test_ctx_budget(1, 200 * MIB); /* more than there is */
    assert_string_equal(clab_budget_get(cx).source, "SLURM");
    test_ctx_free(cx);
    unsetenv("SLURM_MEM_PER_NODE");
    unsetenv("SLURM_JOB_ID");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_every_kind),        cmocka_unit_test(grows_and_keeps_contents),
        cmocka_unit_test(works_without_a_ledger),     cmocka_unit_test(bad_sizes_are_refused),
        cmocka_unit_test(refusal_says_everything),    cmocka_unit_test(reclaims_before_refusing),
        cmocka_unit_test(big_blocks_go_back_at_once), cmocka_unit_test(reads_cgroup_limits),
        cmocka_unit_test(slurm_is_a_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
