/* test_ledger_snapshot.c -- phases, curves, measurements, the live file, the journal. */
#include "clab_test.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "ledger/ledger_impl.h"

static clab_snapshot snap;

static void look(clab_ctx *cx)
{
    clab_ledger_snapshot(clab_ctx_ledger(cx), &snap);
}

static void phases_nest(void **state)
{
    clab_ctx *cx = test_ctx(1);
    clab_phase *outer, *inner;
    void *p;

    (void)state;
    look(cx);
    assert_string_equal(snap.phase, "");
    assert_true(snap.phase_eta < 0);
    outer = clab_phase_begin(cx, "label", 0, NULL);
    inner = clab_phase_begin(cx, "train", 100, "epochs");
    clab_phase_step(inner, 25);
    clab_phase_note(inner, "elbo %.1f", 812.4);
    assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_WORK, 1000, "x", &p));
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    look(cx);
    assert_string_equal(snap.phase, "train");
    assert_string_equal(snap.phase_unit, "epochs");
    assert_string_equal(snap.phase_note, "elbo 812.4");
    assert_string_equal(snap.peak_phase, "train");
    assert_int_equal(snap.phase_done, 25);
    assert_int_equal(snap.phase_total, 100);
    assert_true(snap.phase_rate > 0 && snap.phase_seconds >= 0.02);
    assert_near(snap.phase_eta, 3 * snap.phase_seconds, 1e-6, 1e-6);
    clab_mem_free(cx, p);
    clab_phase_end(inner);
    look(cx);
    assert_string_equal(snap.phase, "label");
    assert_true(snap.phase_eta < 0);
    clab_phase_end(outer);
    look(cx);
    assert_string_equal(snap.phase, "");
    (void)clab_phase_begin(cx, "left open", 1, "x"); /* an error path that forgot: freed with the ledger */
    test_ctx_free(cx);
}

static void short_curves_are_exact(void **state)
{
    clab_ctx *cx = test_ctx(1);

    (void)state;
    clab_series_start(cx, "scvi", "epoch");
    for (int i = 0; i < 200; i++) {
        clab_series_add(cx, "elbo_train", i, 1000 - i);
        clab_series_add(cx, "elbo_validation", i, i == 7 ? (double)NAN : 2000 - i);
    }
    look(cx);
    assert_string_equal(snap.run, "scvi");
    assert_string_equal(snap.x_unit, "epoch");
    assert_int_equal(snap.n_series, 2);
    assert_string_equal(snap.series[1].name, "elbo_validation");
    assert_int_equal(snap.series[0].n, 200);
    for (int i = 0; i < 200; i++) {
        assert_near((double)snap.series[0].x[i], i, 0, 0);
        assert_near((double)snap.series[0].y[i], 1000 - i, 0, 0);
    }
    assert_true(isnan(snap.series[1].y[7]));
    assert_near(snap.series[1].last, 1801, 0, 0);
    for (int i = 0; i < 3 * CLAB_SNAP_SERIES; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        clab_series_add(cx, name, 0, 0); /* more than there is room for: dropped, nothing else */
    }
    look(cx);
    assert_int_equal(snap.n_series, CLAB_SNAP_SERIES);
    clab_series_start(cx, "xgboost", "round");
    look(cx);
    assert_int_equal(snap.n_series, 0);
    test_ctx_free(cx);
}

static void long_curves_keep_their_extremes(void **state)
{
    enum { N = 100003 };
    clab_ctx *cx = test_ctx(1);
    const clab_snap_series *s = &snap.series[0];
    bool low = false, high = false, nan = false;

    (void)state;
    clab_series_start(cx, "r", "step");
    for (int i = 0; i < N; i++)
        clab_series_add(cx, "loss", i,
                        i == 12345   ? -50
                        : i == 77777 ? 50
                        : i == 60000 ? (double)NAN
                                     : sin(i * 0.001));
    look(cx);
    assert_int_equal(s->n_total, N);
    assert_true(s->n <= CLAB_SNAP_POINTS && s->n >= CLAB_SNAP_POINTS / 4);
    for (int i = 0; i < s->n; i++) {
        assert_true(i == 0 || s->x[i] >= s->x[i - 1]);
        low |= s->x[i] == 12345 && s->y[i] == -50;
        high |= s->x[i] == 77777 && s->y[i] == 50;
        nan |= s->x[i] == 60000 && isnan(s->y[i]);
    }
    assert_true(low && high && nan);
    assert_true(s->x[s->n - 1] > N - 2000);
    test_ctx_free(cx);
}

/* One byte a page: memory that nobody reads again must be taken all the same, also by an optimiser. */
static char *take_pages(size_t n)
{
    volatile char *p = malloc(n);

    assert_non_null(p);
    for (size_t i = 0; i < n; i += 4096)
        p[i] = 1;
    return (char *)(uintptr_t)p;
}

static void measures_this_process(void **state)
{
    clab_ctx *cx = test_ctx(1);
    int64_t before;
    char *touched;
    pid_t child;

    (void)state;
    clab_ledger_sample(clab_ctx_ledger(cx));
    look(cx);
    before = snap.tree_bytes;
    assert_true(before > 0 && snap.node_total > before && snap.node_available > 0 && snap.swap_total >= 0);
    touched = take_pages(64 << 20);
    clab_ledger_sample(clab_ctx_ledger(cx));
    look(cx);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* their shadow comes on top */
    assert_true(snap.tree_bytes - before >= 60 << 20);
#else
    assert_near((double)(snap.tree_bytes - before), 64 << 20, 4 << 20, 0);
#endif
    assert_int_equal(snap.n_ram, 2);
    assert_near((double)snap.ram_mib[1] * (1 << 20), (double)snap.tree_bytes, 1 << 16, 0);
    free(touched);
    clab_ledger_sample(clab_ctx_ledger(cx));
    look(cx);
    before = snap.tree_bytes;
    child = fork(); /* stands for a guest */
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* should an assertion below fail */
        (void)take_pages(32 << 20);
        pause();
    }
    clab_ledger_guest_add(cx, (int)child);
    for (int i = 0; i < 2000; i++) { /* a busy machine lets the child wait */
        clab_ledger_sample(clab_ctx_ledger(cx));
        look(cx);
        if (snap.tree_bytes > before + (30 << 20))
            break;
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    assert_true(snap.tree_bytes > before + (30 << 20));
    clab_ledger_guest_remove(cx, (int)child);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    test_ctx_free(cx);
}

static void ram_curve_stays_bounded(void **state)
{
    clab_ctx *cx = test_ctx(1);

    (void)state;
    for (int i = 0; i < CLAB_SNAP_RAM + 150; i++)
        clab_ledger_sample(clab_ctx_ledger(cx));
    for (int i = 0; i < 20; i++)
        clab_ledger_mark(cx, i == 19 ? "last\n" : "m");
    look(cx);
    assert_true(snap.n_ram <= CLAB_SNAP_RAM && snap.n_ram > CLAB_SNAP_RAM / 2);
    for (int i = 1; i < snap.n_ram; i++)
        assert_true(snap.ram_t[i] >= snap.ram_t[i - 1]);
    assert_int_equal(snap.n_marks, CLAB_SNAP_MARKS);
    assert_string_equal(snap.mark[CLAB_SNAP_MARKS - 1], "last\\x0a");
    test_ctx_free(cx);
}

static void sampler_samples(void **state)
{
    clab_ctx *cx = test_ctx(1);

    (void)state;
    assert_clab_ok(cx, clab_ledger_sample_start(cx, clab_ctx_ledger(cx), 250));
    for (int i = 0; i < 100 && snap.n_ram < 2; i++) {
        nanosleep(&(struct timespec){0, 20000000}, NULL);
        look(cx);
    }
    assert_true(snap.n_ram >= 2);
    clab_ledger_sample_stop(clab_ctx_ledger(cx));
    clab_ledger_sample_stop(clab_ctx_ledger(cx));
    test_ctx_free(cx);
}

static void live_file_is_read_by_another(void **state)
{
    clab_ctx *cx = clab_ctx_new(&(clab_ctx_opts){.threads = 1}), *reader = test_ctx(1);
    char path[300], dir[256];
    clab_ledger *lg;
    struct stat st;

    (void)state;
    setenv("XDG_RUNTIME_DIR", test_dir(), 1);
    assert_clab_ok(reader, clab_live_dir(reader, dir, sizeof dir));
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/1234", dir);
    assert_clab_fails(reader, clab_live_read(reader, path, &snap), CLAB_ENOTFOUND, NULL);
    assert_clab_ok(cx, clab_ledger_new(cx, &(clab_ledger_opts){.live_path = path}, &lg));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    clab_ledger_set_title(lg, "quickstart.lua");
    clab_ledger_set_device(cx, "cpu, 2 threads");
    clab_ledger_sample(lg);
    assert_clab_ok(reader, clab_live_read(reader, path, &snap));
    assert_string_equal(snap.title, "quickstart.lua");
    assert_string_equal(snap.device, "cpu, 2 threads");
    assert_int_equal(snap.pid, getpid());
    clab_ledger_free(lg);
    assert_int_equal(access(path, F_OK), -1);
    test_write_text(path, "not a snapshot");
    assert_clab_fails(reader, clab_live_read(reader, path, &snap), CLAB_EFORMAT, NULL);
    chmod(dir, 0755);
    assert_clab_fails(reader, clab_live_dir(reader, dir, sizeof dir), CLAB_EIO, "only you");
    clab_ctx_free(cx);
    test_ctx_free(reader);
}

typedef struct {
    clab__live *file;
    atomic_bool quit;
} publisher;

static void *publish(void *arg)
{
    publisher *p = arg;
    clab_snapshot *s = calloc(1, sizeof *s);

    s->pid = (int32_t)getpid();
    for (int64_t i = 1; !atomic_load(&p->quit); i++) {
        s->live = s->peak = s->phase_total = i;
        s->gpu[CLAB_SNAP_GPUS - 1].mem_total = i;
        clab__live_publish(p->file, s);
        nanosleep(&(struct timespec){0, 200000}, NULL);
    }
    free(s);
    return NULL;
}

static void reader_sees_whole_snapshots(void **state)
{
    clab_ctx *cx = test_ctx(1);
    char path[300];
    publisher p = {0};
    pthread_t t;
    int good = 0;

    (void)state;
    snprintf(path, sizeof path, "%s", test_temp("busy"));
    assert_clab_ok(cx, clab__live_open(cx, path, &p.file));
    pthread_create(&t, NULL, publish, &p);
    for (int i = 0; i < 50; i++) {
        if (clab_live_read(cx, path, &snap) == CLAB_OK) {
            assert_int_equal(snap.live, snap.peak);
            assert_int_equal(snap.live, snap.phase_total);
            assert_int_equal(snap.live, snap.gpu[CLAB_SNAP_GPUS - 1].mem_total);
            good++;
        }
        clab_error_clear(cx);
    }
    atomic_store(&p.quit, true);
    pthread_join(t, NULL);
    assert_clab_ok(cx, clab_live_read(cx, path, &snap));
    assert_int_equal(snap.live, snap.gpu[CLAB_SNAP_GPUS - 1].mem_total);
    assert_true(good > 0);
    clab__live_close(p.file);
    test_ctx_free(cx);
}

/* Whatever another process writes there, the copy is safe to draw. */
static void hostile_live_file_is_harmless(void **state)
{
    clab_ctx *cx = test_ctx(1);
    char path[256];
    clab_ledger *lg;
    clab_ctx *writer = clab_ctx_new(&(clab_ctx_opts){.threads = 1});
    static unsigned char junk[256];
    int fd;

    (void)state;
    snprintf(path, sizeof path, "%s", test_temp("hostile"));
    assert_clab_ok(writer, clab_ledger_new(writer, &(clab_ledger_opts){.live_path = path}, &lg));
    clab_ledger_sample(lg);
    fd = open(path, O_WRONLY);
    memset(junk, 0x7f, sizeof junk);
    for (off_t at = 128; at < (off_t)sizeof(clab_snapshot) - 256; at += (off_t)sizeof junk)
        assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
    close(fd);
    if (clab_live_read(cx, path, &snap) == CLAB_OK) {
        assert_true(snap.n_ram >= 0 && snap.n_ram <= CLAB_SNAP_RAM);
        assert_true(snap.n_owners >= 0 && snap.n_owners <= CLAB_SNAP_OWNERS);
        for (int i = 0; i < CLAB_SNAP_SERIES; i++)
            assert_true(snap.series[i].n <= CLAB_SNAP_POINTS && strnlen(snap.series[i].name, 40) < 40);
        assert_true(strnlen(snap.phase, 64) < 64);
    }
    clab_ledger_free(lg);
    clab_ctx_free(writer);
    clab_error_clear(cx);
    test_ctx_free(cx);
}

static void journal_is_json(void **state)
{
    clab_ctx *cx = clab_ctx_new(&(clab_ctx_opts){.threads = 1});
    char path[256], *text, *line, *rest;
    clab_ledger *lg;
    int n = 0;

    (void)state;
    snprintf(path, sizeof path, "%s", test_temp("journal"));
    assert_clab_ok(cx, clab_ledger_new(cx, &(clab_ledger_opts){.journal_path = path}, &lg));
    clab_ledger_journal(cx, "statement", "ref = lab.read(\"a\\b\")\x1b[2J\n");
    clab_phase_end(clab_phase_begin(cx, "hvg", 5, "genes"));
    clab_ledger_free(lg);
    clab_ctx_free(cx);
    text = test_read_text(path);
    for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), n++) {
        json_t *j = json_loads(line, 0, NULL);
        if (!j)
            fail_msg("no JSON: %s", line);
        assert_string_equal(json_string_value(json_object_get(j, "event")), n == 0 ? "statement" : "phase");
        if (n == 0)
            assert_string_equal(json_string_value(json_object_get(j, "text")),
                                "ref = lab.read(\"a\\b\")\\x1b[2J\\x0a");
        assert_int_equal(json_integer_value(json_object_get(j, "pid")), getpid());
        assert_true(json_is_string(json_object_get(j, "time")));
        json_decref(j);
    }
    assert_int_equal(n, 2);
    free(text);
}

static void sample_with(const char *library)
{
    clab_ctx *cx = test_ctx(1);

    setenv("CELLLAB_NVML", library, 1);
    clab_ledger_sample(clab_ctx_ledger(cx));
    clab_ledger_sample(clab_ctx_ledger(cx));
    look(cx);
    test_ctx_free(cx);
    unsetenv("CELLLAB_NVML");
}

static void gpus_say_what_they_can(void **state)
{
    const char *build = getenv("CLAB_BUILD");
    char fake[512];

    (void)state;
    snprintf(fake, sizeof fake, "%s/tests/fake_nvml.so", build ? build : ".");
    setenv("FAKE_NVML_MIG", "1", 1);
    setenv("FAKE_NVML_USED", "1234", 1);
    sample_with(fake);
    assert_string_equal(snap.gpu_reason, "");
    assert_int_equal(snap.n_gpus, 2);
    assert_true(snap.gpu[0].has_name && snap.gpu[0].has_mem && snap.gpu[0].has_util);
    assert_string_equal(snap.gpu[0].name, "Fake A100");
    assert_int_equal(snap.gpu[0].mem_used, INT64_C(1234) << 20);
    assert_int_equal(snap.gpu[0].mem_total, INT64_C(40960) << 20);
    assert_int_equal(snap.gpu[0].util_pct, 73);
    assert_int_equal(snap.gpu[0].temp_c, 61);
    assert_int_equal(snap.gpu[0].power_w, 250);
    assert_int_equal(snap.gpu[0].other_processes, 1);
    assert_true(snap.gpu[1].has_mem);
    assert_false(snap.gpu[1].has_util || snap.gpu[1].has_temp || snap.gpu[1].has_power);
    assert_int_equal(snap.gpu[1].other_processes, -1);
    setenv("FAKE_NVML_FAIL", "9", 1);
    sample_with(fake);
    assert_int_equal(snap.n_gpus, 0);
    assert_holds(snap.gpu_reason, "NVML error 9");
    unsetenv("FAKE_NVML_FAIL");
    sample_with("/nowhere/libnvidia-ml.so.1");
    assert_holds(snap.gpu_reason, "no GPU");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_nest),
        cmocka_unit_test(short_curves_are_exact),
        cmocka_unit_test(long_curves_keep_their_extremes),
        cmocka_unit_test(measures_this_process),
        cmocka_unit_test(ram_curve_stays_bounded),
        cmocka_unit_test(sampler_samples),
        cmocka_unit_test(live_file_is_read_by_another),
        cmocka_unit_test(reader_sees_whole_snapshots),
        cmocka_unit_test(hostile_live_file_is_harmless),
        cmocka_unit_test(journal_is_json),
        cmocka_unit_test(gpus_say_what_they_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
