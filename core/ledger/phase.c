/* phase.c -- what runs now and how far it is. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger_impl.h"

#define TELL_MS 50 /* the sink hears of a phase's steps at most this often */

clab_phase *clab_phase_begin(clab_ctx *cx, const char *name, int64_t total, const char *unit)
{
    clab_ledger *lg = clab_ctx_ledger(cx);
    clab_phase *p = lg ? calloc(1, sizeof *p) : NULL;

    if (!p)
        return NULL;
    p->lg = lg;
    p->total = total;
    p->began = clab__now();
    clab_text_show(name, p->name, sizeof p->name);
    clab__copy(p->unit, sizeof p->unit, unit ? unit : "");
    pthread_mutex_lock(&lg->lock);
    p->peak = lg->live;
    p->outer = lg->phase;
    lg->phase = p;
    lg->activity++;
    pthread_mutex_unlock(&lg->lock);
    if (!p->outer)
        clab__timeline_phase(lg, p->name);
    clab__emit(lg, &(clab_event){.kind = CLAB_EV_PHASE_BEGIN, .text = p->name, .unit = p->unit, .n = total});
    return p;
}

void clab_phase_step(clab_phase *p, int64_t done)
{
    long long now, told;

    if (!p)
        return;
    atomic_store(&p->done, done);
    now = (long long)(clab__now() * 1000);
    told = atomic_load(&p->told_ms);
    if (now - told >= TELL_MS && atomic_compare_exchange_strong(&p->told_ms, &told, now))
        clab__emit(p->lg, &(clab_event){.kind = CLAB_EV_PHASE_STEP, .n = done});
}

void clab_phase_note(clab_phase *p, const char *fmt, ...)
{
    char text[sizeof p->note];
    va_list ap;

    if (!p)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    pthread_mutex_lock(&p->lg->lock);
    clab_text_show(text, p->note, sizeof p->note);
    pthread_mutex_unlock(&p->lg->lock);
    clab__emit(p->lg, &(clab_event){.kind = CLAB_EV_PHASE_NOTE, .text = text});
}

/* The end of a phase is where its peak may still be seen, and where what it freed in small pieces goes back
 * to the system: 400 MB of 2 KiB blocks stay resident until they are trimmed. */
#define LOOK_FROM 0.05                /* seconds */
#define TRIM_FROM ((int64_t)8 << 20)  /* bytes that came and went */

static void look_and_trim(const clab_phase *p)
{
    clab_ledger *lg = p->lg;
    bool near, trim;

    pthread_mutex_lock(&lg->lock);
    near = p->peak >= lg->peak - lg->peak / 8 && lg->peak >= TRIM_FROM;
    trim = p->peak - lg->live >= TRIM_FROM;
    pthread_mutex_unlock(&lg->lock);
    if (near || clab__now() - p->began >= LOOK_FROM)
        clab__tree_look(lg, 0.02);
    if (trim)
        clab_mem_trim(lg->cx);
}

void clab_phase_end(clab_phase *p)
{
    clab_ledger *lg;

    if (!p)
        return;
    lg = p->lg;
    look_and_trim(p);
    pthread_mutex_lock(&lg->lock);
    for (clab_phase **at = &lg->phase; *at; at = &(*at)->outer) {
        if (*at == p) {
            *at = p->outer;
            break;
        }
    }
    if (p->outer && p->outer->peak < p->peak)
        p->outer->peak = p->peak;
    pthread_mutex_unlock(&lg->lock);
    clab__journal_phase(lg, p, clab__now() - p->began);
    clab__emit(lg, &(clab_event){.kind = CLAB_EV_PHASE_END});
    free(p);
}

void clab__phase_fill(const clab_ledger *lg, clab_snapshot *out)
{
    const clab_phase *p = lg->phase;

    out->phase_eta = -1;
    if (!p)
        return;
    clab__copy(out->phase, sizeof out->phase, p->name);
    clab__copy(out->phase_note, sizeof out->phase_note, p->note);
    clab__copy(out->phase_unit, sizeof out->phase_unit, p->unit);
    out->phase_done = atomic_load(&p->done);
    out->phase_total = p->total;
    out->phase_seconds = clab__now() - p->began;
    if (out->phase_done > 0 && out->phase_seconds > 0)
        out->phase_rate = (double)out->phase_done / out->phase_seconds;
    if (p->total > 0 && out->phase_rate > 0)
        out->phase_eta =
            (double)(p->total > out->phase_done ? p->total - out->phase_done : 0) / out->phase_rate;
}
