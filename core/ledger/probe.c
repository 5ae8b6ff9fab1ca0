/* probe.c -- what the kernel says this process tree and this node use, once a second. */
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ledger/ledger_impl.h"

/* "KEY:   123 kB" lines; -1 when the key is not there. */
static int64_t kib_field(FILE *f, const char *key)
{
    char line[256];
    size_t n = strlen(key);
    long long kib;

    rewind(f);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, key, n) == 0 && line[n] == ':' && sscanf(line + n + 1, "%lld", &kib) == 1)
            return (int64_t)kib << 10;
    return -1;
}

/* Proportional share of one process; its resident set where the kernel will not say. -1 = gone. */
static int64_t process_bytes(int pid)
{
    static const char *const files[] = {"smaps_rollup", "status"}, *const keys[] = {"Pss", "VmRSS"};
    char path[64];
    int64_t v = -1;

    for (int i = 0; i < 2 && v < 0; i++) {
        FILE *f;
        snprintf(path, sizeof path, "/proc/%d/%s", pid, files[i]);
        f = fopen(path, "re");
        if (!f)
            continue;
        v = kib_field(f, keys[i]);
        fclose(f);
    }
    return v;
}

int64_t clab__process_resident(void)
{
    FILE *f = fopen("/proc/self/smaps_rollup", "re");
    int64_t v = f ? kib_field(f, "Rss") : -1;

    if (f)
        fclose(f);
    return v;
}

int64_t clab__tree_bytes(clab_ledger *lg)
{
    int guest[CLAB__GUESTS], n;
    int64_t total = process_bytes((int)getpid());

    pthread_mutex_lock(&lg->lock);
    n = lg->n_guests;
    memcpy(guest, lg->guest, sizeof guest);
    pthread_mutex_unlock(&lg->lock);
    if (total < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        int64_t v = process_bytes(guest[i]);
        total += v > 0 ? v : 0;
    }
    return total;
}

/* Under the lock: a measurement of the tree, and where the session stood when it is the largest. */
static void tree_seen(clab_ledger *lg, int64_t bytes)
{
    lg->tree_at = clab__now();
    clab__timeline_tree(lg, bytes);
    if (bytes <= lg->tree_peak)
        return;
    lg->tree_peak = bytes;
    clab__copy(lg->tree_peak_phase, sizeof lg->tree_peak_phase, lg->phase ? lg->phase->name : "");
    clab__birth_keep(lg, &lg->tree_peak_birth);
}

void clab__tree_look(clab_ledger *lg, double least)
{
    int64_t bytes;
    bool due;

    pthread_mutex_lock(&lg->lock);
    due = clab__now() - lg->tree_at >= least;
    if (due)
        lg->tree_at = clab__now(); /* other threads need not ask at once */
    pthread_mutex_unlock(&lg->lock);
    if (!due)
        return;
    bytes = clab__tree_bytes(lg);
    pthread_mutex_lock(&lg->lock);
    tree_seen(lg, bytes);
    pthread_mutex_unlock(&lg->lock);
}

/* A block below these is no peak worth a look (about 0.3 ms). */
#define LARGE_RELEASE ((int64_t)4 << 20)

void clab__before_release(clab_ledger *lg, int64_t bytes)
{
    bool near;

    if (bytes < LARGE_RELEASE)
        return;
    pthread_mutex_lock(&lg->lock);
    near = lg->live >= lg->peak - lg->peak / 8;
    pthread_mutex_unlock(&lg->lock);
    if (near)
        clab__tree_look(lg, 0.02);
}

bool clab__meminfo(clab__measured *m)
{
    FILE *f = fopen("/proc/meminfo", "re");
    int64_t swap_free;

    m->node_total = m->node_available = m->swap_total = m->swap_used = -1;
    if (!f)
        return false;
    m->node_total = kib_field(f, "MemTotal");
    m->node_available = kib_field(f, "MemAvailable");
    m->swap_total = kib_field(f, "SwapTotal");
    swap_free = kib_field(f, "SwapFree");
    if (m->swap_total >= 0 && swap_free >= 0)
        m->swap_used = m->swap_total - swap_free;
    fclose(f);
    return true;
}

/* The newest third stays as it is; of the older samples, the higher of each pair. */
static void thin(clab_ledger *lg)
{
    int32_t old = CLAB_SNAP_RAM * 2 / 3, out = 0;

    for (int32_t i = 0; i + 1 < old; i += 2, out++) {
        int32_t pick = lg->ram_mib[i] >= lg->ram_mib[i + 1] ? i : i + 1;
        lg->ram_t[out] = lg->ram_t[pick];
        lg->ram_mib[out] = lg->ram_mib[pick];
    }
    for (int32_t i = old; i < lg->n_ram; i++, out++) {
        lg->ram_t[out] = lg->ram_t[i];
        lg->ram_mib[out] = lg->ram_mib[i];
    }
    lg->n_ram = out;
}

void clab_ledger_sample(clab_ledger *lg)
{
    clab__measured m = {0};

    pthread_mutex_lock(&lg->sampling);
    m.tree = clab__tree_bytes(lg);
    clab__meminfo(&m);
    if (!lg->nvml_tried) {
        lg->nvml_tried = true;
        lg->nvml = clab__nvml_open(m.gpu_reason, sizeof m.gpu_reason);
    } else {
        memcpy(m.gpu_reason, lg->now.gpu_reason, sizeof m.gpu_reason);
    }
    if (lg->nvml)
        clab__nvml_sample(lg->nvml, &m);
    pthread_mutex_lock(&lg->lock);
    lg->now = m;
    tree_seen(lg, m.tree);
    if (m.tree >= 0) {
        if (lg->n_ram == CLAB_SNAP_RAM)
            thin(lg);
        lg->ram_t[lg->n_ram] = (float)(clab__now() - lg->began);
        lg->ram_mib[lg->n_ram++] = (float)((double)m.tree / (1 << 20));
    }
    pthread_mutex_unlock(&lg->lock);
    if (lg->live_file && !lg->scratch)
        lg->scratch = malloc(sizeof *lg->scratch);
    if (lg->live_file && lg->scratch) {
        clab_ledger_snapshot(lg, lg->scratch);
        clab__live_publish(lg->live_file, lg->scratch);
    }
    pthread_mutex_unlock(&lg->sampling);
}

void clab_ledger_process(clab_ctx *cx, clab_process_memory *out)
{
    static const struct {
        const char *key;
        size_t at;
    } fields[] = {
        {"Pss", offsetof(clab_process_memory, pss)},           {"Rss", offsetof(clab_process_memory, rss)},
        {"Pss_Anon", offsetof(clab_process_memory, anon)},     {"Pss_File", offsetof(clab_process_memory, file)},
        {"Pss_Shmem", offsetof(clab_process_memory, shared)},
    };
    clab_ledger *lg = clab_ctx_ledger(cx);
    FILE *f = fopen("/proc/self/smaps_rollup", "re");
    struct mallinfo2 heap = mallinfo2();
    int64_t tree;

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        *(int64_t *)(void *)((char *)out + fields[i].at) = f ? kib_field(f, fields[i].key) : -1;
    if (f)
        fclose(f);
    if (out->pss < 0)
        out->pss = out->rss = process_bytes((int)getpid());
    out->heap_used = (int64_t)(heap.uordblks + heap.hblkhd);
    out->heap_kept = (int64_t)heap.fordblks;
    out->accounted_small = lg ? atomic_load(&lg->small) : 0;
    tree = lg ? clab__tree_bytes(lg) : -1;
    out->workers = tree >= 0 && out->pss >= 0 && tree > out->pss && lg->n_guests > 0 ? tree - out->pss : 0;
}

/* ---- the thread ---------------------------------------------------------------------------------*/

/* Between two full samples, while something runs, the tree alone is measured for its peak: as often as costs
 * 2 % of a core, at most 10 times a second. */
#define LOOK_SECONDS 0.1
#define LOOK_SHARE 0.02

static void sleep_until(clab_ledger *lg, double when) /* under the lock */
{
    struct timespec until = {.tv_sec = (time_t)when, .tv_nsec = (long)((when - (double)(time_t)when) * 1e9)};

    while (!lg->sampler_quit && pthread_cond_timedwait(&lg->wake, &lg->lock, &until) == 0)
        ;
}

static void *sampler(void *arg)
{
    clab_ledger *lg = arg;
    double next = clab__now(), pause = LOOK_SECONDS, began, cost;

    pthread_mutex_lock(&lg->lock);
    while (!lg->sampler_quit) {
        bool busy = lg->phase != NULL || lg->n_guests > 0, full = clab__now() >= next;
        if (full || busy) {
            pthread_mutex_unlock(&lg->lock);
            began = clab__now();
            if (full)
                clab_ledger_sample(lg);
            else
                clab__tree_look(lg, LOOK_SECONDS / 2);
            cost = clab__now() - began;
            next = full ? next + lg->period_ms / 1000.0 : next;
            pause = cost / LOOK_SHARE > LOOK_SECONDS ? cost / LOOK_SHARE : LOOK_SECONDS;
            pthread_mutex_lock(&lg->lock);
        }
        began = clab__now() + pause;
        sleep_until(lg, began < next ? began : next);
    }
    pthread_mutex_unlock(&lg->lock);
    return NULL;
}

clab_status clab_ledger_sample_start(clab_ctx *cx, clab_ledger *lg, int period_ms)
{
    sigset_t all, old;
    int e;

    if (lg->sampler_runs)
        return CLAB_OK;
    lg->period_ms = period_ms < 250 ? 250 : period_ms;
    lg->sampler_quit = false;
    /* Signals belong to the thread that owns the terminal. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    e = pthread_create(&lg->sampler, NULL, sampler, lg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (e != 0)
        return clab_fail(cx, CLAB_ENOMEM, "the thread that measures memory did not start: %s", strerror(e));
    lg->sampler_runs = true;
    return CLAB_OK;
}

void clab_ledger_sample_stop(clab_ledger *lg)
{
    if (!lg->sampler_runs)
        return;
    pthread_mutex_lock(&lg->lock);
    lg->sampler_quit = true;
    pthread_cond_signal(&lg->wake);
    pthread_mutex_unlock(&lg->lock);
    pthread_join(lg->sampler, NULL);
    lg->sampler_runs = false;
}

/* ---- guests ----------------------------------------------------------------------------------------*/

void clab_ledger_guest_add(clab_ctx *cx, int pid)
{
    clab_ledger *lg = clab_ctx_ledger(cx);

    if (!lg)
        return;
    pthread_mutex_lock(&lg->lock);
    if (lg->n_guests < CLAB__GUESTS)
        lg->guest[lg->n_guests++] = pid;
    pthread_mutex_unlock(&lg->lock);
}

void clab_ledger_guest_remove(clab_ctx *cx, int pid)
{
    clab_ledger *lg = clab_ctx_ledger(cx);

    if (!lg)
        return;
    pthread_mutex_lock(&lg->lock);
    for (int i = 0; i < lg->n_guests; i++) {
        if (lg->guest[i] == pid) {
            lg->guest[i] = lg->guest[--lg->n_guests];
            break;
        }
    }
    pthread_mutex_unlock(&lg->lock);
}
