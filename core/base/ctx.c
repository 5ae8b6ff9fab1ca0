/* ctx.c -- the error slot, the cancel flag and the sink for notes. */
#include "base/ctx.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/pool.h"
#include "base/text.h"

#define TEXT_MAX 4096

struct clab_ctx {
    pthread_mutex_t lock; /* error slot and notes: workers may fail too */
    clab_status status;
    char text[TEXT_MAX];
    char place[128];
    bool hinted;
    atomic_bool cancel;
    bool planning;
    clab_whatif whatif;
    clab_note_fn *note;
    void *note_user;
    int threads;
    char *program;
    clab_pool *pool;
    clab_ledger *ledger;
    clab_fault fault;
};

clab_ctx *clab_ctx_new(const clab_ctx_opts *opts)
{
    clab_ctx *cx = calloc(1, sizeof *cx);

    if (!cx)
        return NULL;
    pthread_mutex_init(&cx->lock, NULL);
    cx->threads = opts->threads > 0 ? opts->threads : clab_threads_default();
    cx->program = strdup(opts->program ? opts->program : "/proc/self/exe");
    cx->note = opts->note;
    cx->note_user = opts->note_user;
    clab_fault_init(&cx->fault, getenv("CELLLAB_FAULT"));
    if (!cx->program) {
        clab_ctx_free(cx);
        return NULL;
    }
    return cx;
}

void clab_ctx_free(clab_ctx *cx)
{
    if (!cx)
        return;
    clab_pool_free(cx->pool);
    pthread_mutex_destroy(&cx->lock);
    free(cx->program);
    free(cx);
}

clab_status clab_fail_at(clab_ctx *cx, clab_status s, const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    pthread_mutex_lock(&cx->lock);
    if (cx->status == CLAB_OK) {
        const char *base = strrchr(file, '/');
        cx->status = s;
        cx->hinted = false;
        va_start(ap, fmt);
        vsnprintf(cx->text, sizeof cx->text, fmt, ap);
        va_end(ap);
        snprintf(cx->place, sizeof cx->place, "%s:%d", base ? base + 1 : file, line);
    }
    s = cx->status;
    pthread_mutex_unlock(&cx->lock);
    return s;
}

clab_status clab_hint(clab_ctx *cx, const char *fmt, ...)
{
    va_list ap;
    clab_status s;

    pthread_mutex_lock(&cx->lock);
    if (cx->status != CLAB_OK && !cx->hinted) {
        size_t n = strlen(cx->text);
        cx->hinted = true;
        n += (size_t)snprintf(cx->text + n, sizeof cx->text - n, "; ");
        if (n < sizeof cx->text) {
            va_start(ap, fmt);
            vsnprintf(cx->text + n, sizeof cx->text - n, fmt, ap);
            va_end(ap);
        }
    }
    s = cx->status;
    pthread_mutex_unlock(&cx->lock);
    return s;
}

clab_status clab_context(clab_ctx *cx, const char *fmt, ...)
{
    char head[512];
    size_t n, m;
    va_list ap;
    clab_status s;

    va_start(ap, fmt);
    vsnprintf(head, sizeof head - 2, fmt, ap);
    va_end(ap);
    strcat(head, ": ");
    n = strlen(head);
    pthread_mutex_lock(&cx->lock);
    if (cx->status != CLAB_OK) {
        m = strlen(cx->text);
        if (m > sizeof cx->text - 1 - n)
            m = sizeof cx->text - 1 - n;
        memmove(cx->text + n, cx->text, m);
        memcpy(cx->text, head, n);
        cx->text[n + m] = '\0';
    }
    s = cx->status;
    pthread_mutex_unlock(&cx->lock);
    return s;
}

clab_status clab_error_status(const clab_ctx *cx)
{
    return cx->status;
}

const char *clab_error_text(const clab_ctx *cx)
{
    return cx->text;
}

const char *clab_error_place(const clab_ctx *cx)
{
    return cx->place;
}

void clab_error_clear(clab_ctx *cx)
{
    pthread_mutex_lock(&cx->lock);
    cx->status = CLAB_OK;
    cx->text[0] = cx->place[0] = '\0';
    cx->hinted = false;
    pthread_mutex_unlock(&cx->lock);
}

static void note(clab_ctx *cx, clab_note_level level, const char *fmt, va_list ap)
{
    char text[TEXT_MAX];

    vsnprintf(text, sizeof text, fmt, ap);
    pthread_mutex_lock(&cx->lock);
    if (cx->note && !(cx->planning && level == CLAB_NOTE_INFO)) /* of cells that are not there */
        cx->note(cx->note_user, level, text);
    pthread_mutex_unlock(&cx->lock);
}

void clab_note(clab_ctx *cx, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    note(cx, CLAB_NOTE_INFO, fmt, ap);
    va_end(ap);
}

void clab_warn(clab_ctx *cx, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    note(cx, CLAB_NOTE_WARN, fmt, ap);
    va_end(ap);
}

void clab_note_set(clab_ctx *cx, clab_note_fn *fn, void *user)
{
    pthread_mutex_lock(&cx->lock);
    cx->note = fn;
    cx->note_user = user;
    pthread_mutex_unlock(&cx->lock);
}

void clab_cancel(clab_ctx *cx)
{
    atomic_store(&cx->cancel, true);
}

void clab_cancel_clear(clab_ctx *cx)
{
    atomic_store(&cx->cancel, false);
}

bool clab_cancelled(const clab_ctx *cx)
{
    return atomic_load(&cx->cancel);
}

clab_status clab_check(clab_ctx *cx)
{
    return clab_cancelled(cx) ? clab_fail(cx, CLAB_ECANCEL, "interrupted") : CLAB_OK;
}

bool clab_ctx_planning(const clab_ctx *cx)
{
    return cx->planning;
}

void clab_ctx_set_planning(clab_ctx *cx, bool planning)
{
    cx->planning = planning;
}

const clab_whatif *clab_ctx_whatif(const clab_ctx *cx)
{
    static const clab_whatif nothing;

    return cx->planning ? &cx->whatif : &nothing;
}

void clab_ctx_set_whatif(clab_ctx *cx, const clab_whatif *w)
{
    cx->whatif = *w;
}

bool clab_whatif_set(clab_whatif *w, const char *change, char *why, size_t n)
{
    const char *value = strchr(change, '=');
    const size_t len = value ? (size_t)(value - change) : strlen(change);
    const bool yes = !value || strcmp(value, "=true") == 0;
    char *end = "";
    long long cells;

    if (strcmp(change, "join=outer") == 0 || (len == 5 && yes && strncmp(change, "outer", 5) == 0))
        return w->outer = true;
    if (len == 7 && yes && strncmp(change, "float64", 7) == 0)
        return w->float64 = true;
    if (len == 11 && yes && strncmp(change, "zero_center", 11) == 0)
        return w->zero_center = true;
    if (len == 5 && yes && strncmp(change, "dense", 5) == 0)
        return w->dense = true;
    if (len == 5 && value && strncmp(change, "cells", 5) == 0) {
        cells = strtoll(value + 1, &end, 10);
        if (end != value + 1 && !*end && cells > 0 && cells < 1000000000000)
            return w->cells = cells, true;
    }
    snprintf(why, n, "no change '%s'; there are join=outer, float64, zero_center, dense and cells=N", clab_show(change));
    return false;
}

int clab_threads(const clab_ctx *cx)
{
    return cx->threads;
}

const char *clab_program(const clab_ctx *cx)
{
    return cx->program;
}

clab_pool *clab_ctx_pool(clab_ctx *cx)
{
    if (!cx->pool)
        cx->pool = clab_pool_new(cx->threads);
    return cx->pool;
}

clab_ledger *clab_ctx_ledger(const clab_ctx *cx)
{
    return cx->ledger;
}

void clab_ctx_set_ledger(clab_ctx *cx, clab_ledger *ledger)
{
    cx->ledger = ledger;
}

clab_fault *clab_ctx_fault(clab_ctx *cx)
{
    return &cx->fault;
}
