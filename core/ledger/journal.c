/* journal.c -- one JSON line for everything that ended: what a batch job leaves behind. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "ledger/ledger_impl.h"

static void add_begin(clab_str *b, const char *event, const char *text)
{
    char when[40];
    struct timespec t;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &tm);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
    clab_str_addf(b, "{\"time\":\"%s.%03ldZ\",\"pid\":%ld,\"event\":", when, t.tv_nsec / 1000000,
                  (long)getpid());
    clab_str_add_json(b, event);
    clab_str_add(b, ",\"text\":");
    clab_str_add_json(b, text);
}

/* One write a line: lines of several sessions in one journal do not mix. */
static void add_end(clab_ledger *lg, clab_str *b)
{
    pthread_mutex_lock(&lg->lock);
    clab_str_addf(b, ",\"live\":%lld,\"peak\":%lld,\"tree\":%lld}\n", (long long)lg->live,
                  (long long)lg->peak, (long long)lg->now.tree);
    pthread_mutex_unlock(&lg->lock);
    if (!b->failed && write(lg->journal, b->s, b->len) < 0) {
        /* a full disk must not stop the work that the journal only describes */
    }
    clab_str_free(b);
}

void clab_ledger_journal(clab_ctx *cx, const char *event, const char *text)
{
    clab_ledger *lg = clab_ctx_ledger(cx);
    clab_str b = {0};
    char safe[1024];

    if (!lg || lg->journal < 0)
        return;
    add_begin(&b, event, clab_text_show(text, safe, sizeof safe));
    add_end(lg, &b);
}

void clab__journal_phase(clab_ledger *lg, const clab_phase *p, double seconds)
{
    clab_str b = {0};

    if (lg->journal < 0)
        return;
    add_begin(&b, "phase", p->name);
    clab_str_addf(&b, ",\"seconds\":%.3f,\"done\":%lld,\"phase_peak\":%lld", seconds,
                  (long long)atomic_load(&p->done), (long long)p->peak);
    add_end(lg, &b);
}
