/* test_guest_guest.c -- this program is its own guest: replies, events, errors, crashes, cancel. */
#include "clab_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest/guest.h"

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- roles --------------------------------------------------------------------------------------*/

/* Adds up numbers until -1, answers with the sum and the environment; writes into the descriptor. */
static clab_status role_sum(clab_ctx *cx, clab_wire *w, const int *fds, int n_fds)
{
    int64_t v = 0, sum = 0;
    clab_phase *p = clab_phase_begin(cx, "adding", 3, "numbers");
    clab_status s;

    while ((s = clab_wire_get_i64(cx, w, &v)) == CLAB_OK && v != -1)
        clab_phase_step(p, sum += v);
    clab_phase_end(p);
    if (s != CLAB_OK)
        return s;
    clab_note(cx, "summed");
    clab_warn(cx, "with care");
    clab_series_start(cx, "sum", "step");
    clab_series_add(cx, "total", 1, (double)sum);
    if (n_fds != 2 || pwrite(fds[1], "hello", 5, 0) != 5)
        return clab_fail(cx, CLAB_EIO, "descriptors are not as promised");
    s = clab_wire_put_i64(cx, w, sum);
    if (s == CLAB_OK)
        s = clab_wire_put_str(cx, w, getenv("OMP_WAIT_POLICY"));
    if (s == CLAB_OK)
        s = clab_wire_put_str(cx, w, NULL);
    if (s == CLAB_OK)
        s = clab_wire_put_i64(cx, w, clab_budget_get(cx).bytes);
    return s == CLAB_OK ? clab_wire_put_i64(cx, w, fcntl(8, F_GETFD)) : s;
}

static clab_status role_fail(clab_ctx *cx, clab_wire *w, const int *fds, int n_fds)
{
    (void)w, (void)fds, (void)n_fds;
    clab_fail(cx, CLAB_EFORMAT, "row 7 is torn");
    return clab_hint(cx, "write it again");
}

static clab_status role_crash(clab_ctx *cx, clab_wire *w, const int *fds, int n_fds)
{
    (void)cx, (void)w, (void)fds, (void)n_fds;
    fprintf(stderr, "free(): invalid\x1b[2J pointer\n");
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
    return CLAB_OK;
}

static clab_status role_leave(clab_ctx *cx, clab_wire *w, const int *fds, int n_fds)
{
    (void)cx, (void)w, (void)fds, (void)n_fds;
    _exit(3);
    return CLAB_OK;
}

static clab_status role_hang(clab_ctx *cx, clab_wire *w, const int *fds, int n_fds)
{
    (void)cx, (void)w, (void)fds, (void)n_fds;
    for (;;)
        pause();
    return CLAB_OK;
}

/* What a program that is no guest would do in a guest's place. */
static clab_status role_nest(clab_ctx *cx, clab_wire *w, const int *fds, int n_fds)
{
    clab_guest *g = NULL;

    (void)w, (void)fds, (void)n_fds;
    return clab_guest_start(cx, "nest", "nesting", NULL, 0, &g);
}

/* Talks far more than a socket holds before it answers. */
static clab_status role_chatter(clab_ctx *cx, clab_wire *w, const int *fds, int n_fds)
{
    (void)fds, (void)n_fds;
    for (int i = 0; i < 5000; i++)
        clab_note(cx, "note %d, with some words to fill the channel between the two", i);
    for (int i = 0; i < 3000; i++)
        fprintf(stderr, "a library that prints much, line %d\n", i);
    return clab_wire_put_u8(cx, w, 42);
}

static clab_status role_hog(clab_ctx *cx, clab_wire *w, const int *fds, int n_fds)
{
    void *p;

    (void)w, (void)fds, (void)n_fds;
    return clab_mem_alloc(cx, CLAB_MEM_WORK, INT64_C(1) << 40, "a terabyte", &p);
}

/* Sends back 3 MiB that came in, in big pieces. */
static clab_status role_echo(clab_ctx *cx, clab_wire *w, const int *fds, int n_fds)
{
    int64_t n = 0;
    clab_status s = clab_wire_get_i64(cx, w, &n);
    char *buf = malloc((size_t)n);

    (void)fds, (void)n_fds;
    if (s == CLAB_OK)
        s = clab_wire_get(cx, w, buf, (size_t)n);
    if (s == CLAB_OK)
        s = clab_wire_put(cx, w, buf, (size_t)n);
    free(buf);
    return s;
}

static const clab_guest_role roles[] = {
    {"sum", role_sum},     {"fail", role_fail}, {"crash", role_crash},
    {"leave", role_leave}, {"hang", role_hang}, {"chatter", role_chatter},
    {"hog", role_hog}, {"nest", role_nest},     {"echo", role_echo}, {NULL, NULL},
};

/* ---- tests ----------------------------------------------------------------------------------------*/

static void works_and_reports(void **state)
{
    clab_ctx *cx = test_ctx_budget(2, INT64_C(512) << 20);
    clab_snapshot *snap = malloc(sizeof *snap);
    int fds[2] = {open("/dev/null", O_RDONLY | O_CLOEXEC), memfd_create("test", MFD_CLOEXEC)},
        stray = open("/dev/null", O_RDONLY);
    int64_t sum, budget, open_there;
    char *policy, *none, text[5];
    clab_guest *g;

    (void)state;
    assert_clab_ok(cx, clab_guest_start(cx, "sum", "adding up", fds, 2, &g));
    for (int64_t v = 1; v <= 3; v++)
        assert_clab_ok(cx, clab_wire_put_i64(cx, clab_guest_wire(g), v));
    assert_clab_ok(cx, clab_wire_put_i64(cx, clab_guest_wire(g), -1));
    assert_clab_ok(cx, clab_wire_flush(cx, clab_guest_wire(g)));
    assert_clab_ok(cx, clab_wire_get_i64(cx, clab_guest_wire(g), &sum));
    assert_clab_ok(cx, clab_wire_get_str(cx, clab_guest_wire(g), 100, &policy));
    assert_clab_ok(cx, clab_wire_get_str(cx, clab_guest_wire(g), 100, &none));
    assert_clab_ok(cx, clab_wire_get_i64(cx, clab_guest_wire(g), &budget));
    assert_clab_ok(cx, clab_wire_get_i64(cx, clab_guest_wire(g), &open_there));
    assert_clab_ok(cx, clab_guest_end(cx, g));
    assert_int_equal(sum, 6);
    assert_string_equal(policy, "passive");
    assert_null(none);
    assert_true(budget > 0 && budget <= INT64_C(512) << 20);
    assert_int_equal(open_there, -1); /* nothing of ours leaks in */
    assert_string_equal(test_notes(), "summed\nwarning: with care\n");
    assert_int_equal(pread(fds[1], text, 5, 0), 5);
    assert_memory_equal(text, "hello", 5);
    clab_ledger_snapshot(clab_ctx_ledger(cx), snap);
    assert_string_equal(snap->phase, "");
    assert_string_equal(snap->run, "sum");
    assert_int_equal(snap->n_series, 1);
    assert_near(snap->series[0].last, 6, 0, 0);
    free(policy);
    free(snap);
    close(fds[0]), close(fds[1]), close(stray);
    test_ctx_free(cx);
}

static clab_status run(clab_ctx *cx, const char *role, const char *what)
{
    clab_guest *g;
    uint8_t v;

    if (clab_guest_start(cx, role, what, NULL, 0, &g) != CLAB_OK)
        return clab_error_status(cx);
    if (clab_wire_get_u8(cx, clab_guest_wire(g), &v) != CLAB_OK)
        return clab_guest_end(cx, g);
    return clab_guest_end(cx, g);
}

static void errors_are_its_own(void **state)
{
    clab_ctx *cx = test_ctx_budget(1, INT64_C(1) << 30);

    (void)state;
    assert_int_equal(run(cx, "fail", "reading x.h5ad"), CLAB_EFORMAT);
    assert_string_equal(clab_error_text(cx), "row 7 is torn; write it again");
    assert_holds(clab_error_place(cx), "test_guest_guest.c:");
    clab_error_clear(cx);
    assert_clab_fails(cx, run(cx, "hog", "reading x.h5ad"), CLAB_EBUDGET, "a terabyte needs 1.0 TiB");
    test_ctx_free(cx);
}

static void crashes_are_explained(void **state)
{
    clab_ctx *cx = test_ctx(1);

    (void)state;
    assert_clab_fails(
        cx, run(cx, "crash", "reading x.h5ad"), CLAB_EIO,
        "reading x.h5ad failed: the worker process that did it crashed (signal 11, SIGSEGV): the file is "
        "damaged or hostile; nothing was changed; its last words: free(): invalid\\x1b[2J pointer");
    assert_clab_fails(cx, run(cx, "leave", "training"), CLAB_EIO,
                      "training failed: the worker process that did it ended by itself (exit code 3)");
    assert_clab_fails(cx, run(cx, "no-such-role", "dreaming"), CLAB_EIO, "no such worker: no-such-role");
    test_ctx_free(cx);
}

static void chatter_blocks_nobody(void **state)
{
    clab_ctx *cx = test_ctx(1);
    const char *all;

    (void)state;
    assert_clab_ok(cx, run(cx, "chatter", "talking"));
    all = test_notes();
    assert_holds(all, "note 0, ");
    assert_holds(all, "note 4999, ");
    test_ctx_free(cx);
}

static void big_pieces_arrive(void **state)
{
    clab_ctx *cx = test_ctx(1);
    size_t n = 3 << 20;
    unsigned char *a = malloc(n), *b = malloc(n);
    clab_guest *g;

    (void)state;
    for (size_t i = 0; i < n; i++)
        a[i] = (unsigned char)(i * 2654435761u >> 13);
    assert_clab_ok(cx, clab_guest_start(cx, "echo", "echoing", NULL, 0, &g));
    assert_clab_ok(cx, clab_wire_put_i64(cx, clab_guest_wire(g), (int64_t)n));
    assert_clab_ok(cx, clab_wire_put(cx, clab_guest_wire(g), a, n));
    assert_clab_ok(cx, clab_wire_flush(cx, clab_guest_wire(g)));
    assert_clab_ok(cx, clab_wire_get(cx, clab_guest_wire(g), b, n));
    assert_clab_ok(cx, clab_guest_end(cx, g));
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
    test_ctx_free(cx);
}

static void *cancel_soon(void *cx)
{
    nanosleep(&(struct timespec){0, 100000000}, NULL);
    clab_cancel(cx);
    return NULL;
}

static void cancel_is_quick(void **state)
{
    clab_ctx *cx = test_ctx(1);

    (void)state;
    for (int in_end = 0; in_end < 2; in_end++) {
        pthread_t t;
        clab_guest *g;
        double began = now(), took;
        uint8_t v;
        pthread_create(&t, NULL, cancel_soon, cx);
        assert_clab_ok(cx, clab_guest_start(cx, "hang", "waiting", NULL, 0, &g));
        if (!in_end)
            assert_int_equal(clab_wire_get_u8(cx, clab_guest_wire(g), &v), CLAB_ECANCEL);
        assert_clab_fails(cx, clab_guest_end(cx, g), CLAB_ECANCEL, "interrupted");
        took = now() - began;
        if (took > 0.3)
            fail_msg("ending took %.3f s after a cancel at 0.1 s", took);
        pthread_join(t, NULL);
        clab_cancel_clear(cx);
    }
    test_ctx_free(cx);
}

static void own_error_stays(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_guest *g;

    (void)state;
    assert_clab_ok(cx, clab_guest_start(cx, "hang", "waiting", NULL, 0, &g));
    assert_int_equal(clab_fail(cx, CLAB_ESHAPE, "ours"), CLAB_ESHAPE);
    assert_clab_fails(cx, clab_guest_end(cx, g), CLAB_ESHAPE, "ours");
    test_ctx_free(cx);
}

static int open_descriptors(void)
{
    int n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void leaves_nothing_behind(void **state)
{
    clab_ctx *cx = test_ctx(1);
    int before = open_descriptors();
    clab_guest *g;

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(run(cx, i % 2 ? "fail" : "leave", "working"), i % 2 ? CLAB_EFORMAT : CLAB_EIO);
        clab_error_clear(cx);
        assert_clab_ok(cx, clab_guest_start(cx, "hang", "working", NULL, 0, &g));
        clab_guest_kill(cx, g);
    }
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child, not even a dead one */
    clab_guest_kill(cx, NULL);
    test_ctx_free(cx);
}

static void no_program_is_an_error(void **state)
{
    clab_ctx *cx = clab_ctx_new(&(clab_ctx_opts){.threads = 1, .program = "/nowhere/celllab"});
    int before = open_descriptors();
    clab_guest *g;

    (void)state;
    assert_clab_fails(cx, clab_guest_start(cx, "sum", "reading x", NULL, 0, &g), CLAB_EIO,
                      "reading x failed: its worker process could not be started: No such file");
    assert_int_equal(open_descriptors(), before);
    clab_ctx_free(cx);
}

static void guests_start_no_guests(void **state)
{
    clab_ctx *cx = clab_ctx_new(&(clab_ctx_opts){.threads = 1});
    clab_guest *g = NULL;

    (void)state;
    assert_int_equal(clab_guest_start(cx, "nest", "nesting", NULL, 0, &g), CLAB_OK);
    assert_int_equal(clab_guest_end(cx, g), CLAB_ESTATE);
    assert_non_null(strstr(clab_error_text(cx), "a worker starts no workers"));
    clab_ctx_free(cx);
}

/* A parent that dies takes its guest with it: a child of ours starts one and is killed. */
static void dies_with_its_parent(void **state)
{
    int link[2];
    FILE *f;
    char pid_text[16] = "";
    char path[64];
    pid_t child;

    (void)state;
    assert_int_equal(pipe(link), 0);
    child = fork();
    if (child == 0) {
        clab_ctx *cx = clab_ctx_new(&(clab_ctx_opts){.threads = 1});
        clab_guest *g;
        char children[16] = "";
        if (clab_guest_start(cx, "hang", "waiting", NULL, 0, &g) == CLAB_OK) {
            nanosleep(&(struct timespec){0, 100000000}, NULL); /* past its hello */
            f = fopen("/proc/thread-self/children", "re");
            if (!f || !fgets(children, sizeof children, f) || write(link[1], children, strlen(children)) < 0)
                _exit(1);
        }
        raise(SIGKILL);
    }
    close(link[1]);
    assert_true(read(link[0], pid_text, sizeof pid_text - 1) > 0);
    assert_true(atoi(pid_text) > 1);
    snprintf(path, sizeof path, "/proc/%d/cmdline", atoi(pid_text));
    for (int i = 0; i < 100; i++) {
        char line[32];
        size_t n;
        f = fopen(path, "re");
        n = f ? fread(line, 1, sizeof line, f) : 0;
        if (f)
            fclose(f);
        if (n == 0) {
            close(link[0]);
            return; /* gone, or a zombie that nobody waits for */
        }
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    fail_msg("the guest %d outlived its parent", atoi(pid_text));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(works_and_reports),      cmocka_unit_test(errors_are_its_own),
        cmocka_unit_test(crashes_are_explained),  cmocka_unit_test(chatter_blocks_nobody),
        cmocka_unit_test(big_pieces_arrive),      cmocka_unit_test(cancel_is_quick),
        cmocka_unit_test(own_error_stays),        cmocka_unit_test(leaves_nothing_behind),
        cmocka_unit_test(no_program_is_an_error), cmocka_unit_test(guests_start_no_guests), cmocka_unit_test(dies_with_its_parent),
    };

    if (argc > 1 && strcmp(argv[1], "--guest") == 0)
        return clab_guest_main(argc, argv, roles);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
