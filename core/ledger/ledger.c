/* ledger.c -- the ledger's life, its titles and marks, and the sink of its events. */
#include <fcntl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "ledger/ledger_impl.h"
#include "ledger/timeline.h"

double clab__now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void clab__copy(char *to, size_t n, const char *from)
{
    size_t len = strlen(from);

    if (len >= n) {
        len = n - 1;
        while (len > 0 && ((unsigned char)from[len] & 0xc0) == 0x80)
            len--;
    }
    memcpy(to, from, len);
    memset(to + len, 0, n - len); /* no stray bytes in a snapshot that others read */
}

clab_status clab_ledger_new(clab_ctx *cx, const clab_ledger_opts *o, clab_ledger **out)
{
    clab_ledger *lg = calloc(1, sizeof *lg);
    pthread_condattr_t attr;
    struct timespec t;
    clab_status s = CLAB_OK;

    if (!lg)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for the ledger");
    pthread_mutex_init(&lg->lock, NULL);
    pthread_mutex_init(&lg->sampling, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&lg->wake, &attr);
    pthread_condattr_destroy(&attr);
    lg->cx = cx;
    memset(lg->bucket, -1, sizeof lg->bucket);
    lg->free_holding = lg->birth = lg->peak_birth = lg->tree_peak_birth = -1;
    lg->journal = -1;
    lg->began = clab__now();
    clock_gettime(CLOCK_REALTIME, &t);
    lg->began_real = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    lg->now = (clab__measured){
        .tree = -1, .node_total = -1, .node_available = -1, .swap_total = -1, .swap_used = -1};
    clab__copy(lg->now.gpu_reason, sizeof lg->now.gpu_reason, "not looked for yet");
    clab__copy(lg->title, sizeof lg->title, "prompt");
    clab__budget_find(lg);
    clab_ctx_set_ledger(cx, lg);
    s = clab_budget_set(cx, o->budget_bytes);
    if (s == CLAB_OK && o->journal_path) {
        lg->journal = open(o->journal_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (lg->journal < 0)
            s = clab_fail(cx, CLAB_EIO, "the journal %s cannot be opened: %s", clab_show(o->journal_path),
                          strerror(errno));
    }
    if (s == CLAB_OK && o->live_path)
        s = clab__live_open(cx, o->live_path, &lg->live_file);
    if (s != CLAB_OK) {
        clab_ledger_free(lg);
        return s;
    }
    *out = lg;
    return CLAB_OK;
}

void clab_ledger_free(clab_ledger *lg)
{
    if (!lg)
        return;
    clab_ledger_sample_stop(lg);
    if (lg->timeline && clab_timeline_stop(lg->cx, NULL) != CLAB_OK) {
        /* it was recorded for nobody */
    }
    while (lg->phase)
        clab_phase_end(lg->phase);
    if (clab_ctx_ledger(lg->cx) == lg)
        clab_ctx_set_ledger(lg->cx, NULL);
    clab__live_close(lg->live_file);
    clab__nvml_close(lg->nvml);
    if (lg->journal >= 0)
        close(lg->journal);
    pthread_cond_destroy(&lg->wake);
    pthread_mutex_destroy(&lg->sampling);
    pthread_mutex_destroy(&lg->lock);
    free(lg->scratch);
    free(lg->owners);
    free(lg->charges);
    free(lg->holdings);
    free(lg->births);
    free(lg);
}

void clab_ledger_set_title(clab_ledger *lg, const char *title)
{
    pthread_mutex_lock(&lg->lock);
    clab_text_show(title, lg->title, sizeof lg->title);
    pthread_mutex_unlock(&lg->lock);
}

void clab_ledger_set_device(clab_ctx *cx, const char *device)
{
    clab_ledger *lg = clab_ctx_ledger(cx);

    if (!lg)
        return;
    pthread_mutex_lock(&lg->lock);
    clab_text_show(device, lg->device, sizeof lg->device);
    pthread_mutex_unlock(&lg->lock);
    clab__emit(lg, &(clab_event){.kind = CLAB_EV_DEVICE, .text = device});
}

void clab_ledger_mark(clab_ctx *cx, const char *text)
{
    clab_ledger *lg = clab_ctx_ledger(cx);

    if (!lg)
        return;
    pthread_mutex_lock(&lg->lock);
    if (lg->n_marks == CLAB_SNAP_MARKS) {
        lg->n_marks--;
        memmove(lg->mark_t, lg->mark_t + 1, sizeof lg->mark_t - sizeof lg->mark_t[0]);
        memmove(lg->mark, lg->mark + 1, sizeof lg->mark - sizeof lg->mark[0]);
    }
    lg->mark_t[lg->n_marks] = (float)(clab__now() - lg->began);
    clab_text_show(text, lg->mark[lg->n_marks], sizeof lg->mark[0]);
    lg->n_marks++;
    pthread_mutex_unlock(&lg->lock);
}

void clab_ledger_set_sink(clab_ledger *lg, clab_event_fn *fn, void *user)
{
    pthread_mutex_lock(&lg->lock);
    lg->sink = fn;
    lg->sink_user = user;
    pthread_mutex_unlock(&lg->lock);
}

void clab__emit(clab_ledger *lg, const clab_event *e)
{
    clab_event whole = *e;
    clab_event_fn *fn;
    void *user;

    pthread_mutex_lock(&lg->lock);
    fn = lg->sink;
    user = lg->sink_user;
    pthread_mutex_unlock(&lg->lock);
    if (!fn)
        return;
    whole.text = whole.text ? whole.text : "";
    whole.unit = whole.unit ? whole.unit : "";
    fn(user, &whole);
}
