/* snapshot.c -- the facts, copied out for whoever shows them. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ledger/ledger_impl.h"

/* The largest owners, by insertion; equal bytes keep their order. */
static void fill_owners(const clab_ledger *lg, clab_snapshot *out)
{
    for (int32_t i = 0; i < lg->n_owners; i++) {
        const clab_snap_owner *o = &lg->owners[i].shown;
        int32_t at = out->n_owners;
        if (lg->owners[i].blocks == 0 || o->bytes <= 0)
            continue;
        while (at > 0 && out->owner[at - 1].bytes < o->bytes)
            at--;
        if (at == CLAB_SNAP_OWNERS)
            continue;
        if (out->n_owners < CLAB_SNAP_OWNERS)
            out->n_owners++;
        memmove(out->owner + at + 1, out->owner + at, (size_t)(out->n_owners - 1 - at) * sizeof *o);
        out->owner[at] = *o;
    }
}

static void fill_measured(const clab_ledger *lg, clab_snapshot *out)
{
    const clab__measured *m = &lg->now;

    out->tree_bytes = m->tree;
    out->tree_peak = lg->tree_peak;
    out->node_total = m->node_total;
    out->node_available = m->node_available;
    out->swap_total = m->swap_total;
    out->swap_used = m->swap_used;
    out->n_ram = lg->n_ram;
    memcpy(out->ram_t, lg->ram_t, (size_t)lg->n_ram * sizeof *out->ram_t);
    memcpy(out->ram_mib, lg->ram_mib, (size_t)lg->n_ram * sizeof *out->ram_mib);
    out->n_gpus = m->n_gpus;
    memcpy(out->gpu, m->gpu, sizeof out->gpu);
    memcpy(out->gpu_reason, m->gpu_reason, sizeof out->gpu_reason);
}

void clab_ledger_snapshot(clab_ledger *lg, clab_snapshot *out)
{
    struct timespec t;

    memset(out, 0, sizeof *out);
    clock_gettime(CLOCK_REALTIME, &t);
    out->abi = CLAB_SNAP_ABI;
    out->pid = (int32_t)getpid();
    out->time = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    pthread_mutex_lock(&lg->lock);
    out->started = lg->began_real;
    memcpy(out->title, lg->title, sizeof out->title);
    memcpy(out->device, lg->device, sizeof out->device);
    out->live = lg->live;
    out->peak = lg->peak;
    memcpy(out->peak_phase, lg->peak_phase, sizeof out->peak_phase);
    memcpy(out->kind_bytes, lg->kind_bytes, sizeof out->kind_bytes);
    out->limit = clab__limit(lg);
    fill_owners(lg, out);
    fill_measured(lg, out);
    out->n_marks = lg->n_marks;
    memcpy(out->mark_t, lg->mark_t, sizeof out->mark_t);
    memcpy(out->mark, lg->mark, sizeof out->mark);
    clab__phase_fill(lg, out);
    memcpy(out->run, lg->run, sizeof out->run);
    memcpy(out->x_unit, lg->x_unit, sizeof out->x_unit);
    out->n_series = lg->n_series;
    for (int32_t i = 0; i < lg->n_series; i++)
        clab__series_fill(&lg->series[i], &out->series[i]);
    pthread_mutex_unlock(&lg->lock);
}
