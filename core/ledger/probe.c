/* probe.c -- what the kernel says this process tree and this node use, once a second. */
#include <signal.h>
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
    if (m.tree > lg->tree_peak)
        lg->tree_peak = m.tree;
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

/* ---- the thread ---------------------------------------------------------------------------------*/

static void *sampler(void *arg)
{
    clab_ledger *lg = arg;
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    pthread_mutex_lock(&lg->lock);
    while (!lg->sampler_quit) {
        pthread_mutex_unlock(&lg->lock);
        clab_ledger_sample(lg);
        until.tv_sec += lg->period_ms / 1000;
        until.tv_nsec += (long)(lg->period_ms % 1000) * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        pthread_mutex_lock(&lg->lock);
        while (!lg->sampler_quit && pthread_cond_timedwait(&lg->wake, &lg->lock, &until) == 0)
            ;
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
