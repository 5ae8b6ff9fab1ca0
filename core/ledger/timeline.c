/* timeline.c -- recording rows: windows of the accounted bytes in a plan, windows of the measured ones else.
 *
 * Lines of a script may run a million times: a row is measured only when something was taken, given back or
 * begun since the last look. */
#include "ledger/timeline.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "ledger/ledger_impl.h"

#define SAMPLE_MS 8   /* between two measurements of the tree, or ... */
#define SAMPLE_COST 4 /* ... this many times what one took, where that is more */
#define KEY_LINES 65536

struct clab__timeline {
    clab_ledger *lg;
    clab_timeline kept;
    int64_t room;
    int32_t *row_of_line;  /* row + 1 of each line below KEY_LINES; 0 = none yet */
    int64_t at;            /* the row that runs; -1 = none */
    double entered;
    int64_t seen;          /* of the ledger's activity, when last measured */
    int64_t gpu, gpu_window;
    int64_t aside;
    /* the sampler of a measured twin; under the ledger's lock */
    bool samples, quit;
    pthread_t thread;
    pthread_cond_t wake;
    int64_t window;        /* most bytes of the tree since the row was entered */
};

/* ---- measuring ------------------------------------------------------------------------------------*/

void clab__timeline_tree(clab_ledger *lg, int64_t bytes)
{
    if (lg->timeline && bytes > lg->timeline->window)
        lg->timeline->window = bytes;
}

static void note_tree(struct clab__timeline *t, int64_t bytes)
{
    pthread_mutex_lock(&t->lg->lock);
    clab__timeline_tree(t->lg, bytes);
    pthread_mutex_unlock(&t->lg->lock);
}

static void *sampler(void *arg)
{
    struct clab__timeline *t = arg;
    struct timespec until;

    pthread_mutex_lock(&t->lg->lock);
    while (!t->quit) {
        double began = clab__now(), pause;
        int64_t bytes;
        pthread_mutex_unlock(&t->lg->lock);
        bytes = clab__tree_bytes(t->lg);
        pause = SAMPLE_COST * (clab__now() - began);
        note_tree(t, bytes);
        if (pause < SAMPLE_MS * 1e-3)
            pause = SAMPLE_MS * 1e-3;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += (time_t)pause;
        until.tv_nsec += (long)((pause - (double)(time_t)pause) * 1e9);
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        pthread_mutex_lock(&t->lg->lock);
        while (!t->quit && pthread_cond_timedwait(&t->wake, &t->lg->lock, &until) == 0)
            ;
    }
    pthread_mutex_unlock(&t->lg->lock);
    return NULL;
}

static clab_status sampler_start(clab_ctx *cx, struct clab__timeline *t)
{
    sigset_t all, old;
    pthread_condattr_t attr;
    int e;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->wake, &attr);
    pthread_condattr_destroy(&attr);
    sigfillset(&all); /* signals belong to the thread that owns the terminal */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    e = pthread_create(&t->thread, NULL, sampler, t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    t->samples = e == 0;
    return e == 0 ? CLAB_OK : clab_fail(cx, CLAB_ENOMEM, "the thread that measures memory did not start: %s", strerror(e));
}

static void sampler_stop(struct clab__timeline *t)
{
    if (!t->samples)
        return;
    pthread_mutex_lock(&t->lg->lock);
    t->quit = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lg->lock);
    pthread_join(t->thread, NULL);
    t->samples = false;
}

/* What this process has beside the accounted bytes.  Shared pages count in full, as they will where nobody else runs
 * this program.  Charges of a plan are not there; accounted blocks that were not written to hide some of it, so that
 * the most that was seen counts. */
static void look_beside(struct clab__timeline *t)
{
    clab_ledger *lg = t->lg;
    int64_t own = clab__process_resident();

    pthread_mutex_lock(&lg->lock);
    own -= lg->live - lg->foreseen + t->aside;
    pthread_mutex_unlock(&lg->lock);
    if (own > t->kept.base)
        t->kept.base = own;
}

/* Bytes now and at most since the last look. */
static void measure(struct clab__timeline *t, int64_t *live, int64_t *peak)
{
    clab_ledger *lg = t->lg;
    int64_t window = clab_mem_window(lg->cx), tree;

    if (t->kept.planned) {
        look_beside(t);
        *live = t->kept.base + clab_mem_live(lg->cx);
        *peak = t->kept.base + window;
        return;
    }
    tree = clab__tree_bytes(lg);
    note_tree(t, tree);
    pthread_mutex_lock(&lg->lock);
    *live = tree;
    *peak = t->window;
    t->window = tree;
    pthread_mutex_unlock(&lg->lock);
}

/* ---- rows -----------------------------------------------------------------------------------------*/

static bool active(struct clab__timeline *t)
{
    bool is;

    pthread_mutex_lock(&t->lg->lock);
    is = t->lg->activity != t->seen;
    t->seen = t->lg->activity;
    pthread_mutex_unlock(&t->lg->lock);
    return is;
}

static void leave(struct clab__timeline *t)
{
    clab_timeline_row *r;
    double now = clab__now();
    int64_t live, peak;

    if (t->at < 0)
        return;
    r = &t->kept.rows[t->at];
    if (!t->kept.planned)
        r->seconds += now - t->entered;
    if (!active(t) && r->live > 0)
        return;
    measure(t, &live, &peak);
    r->live = live;
    r->accounted = clab_mem_live(t->lg->cx);
    r->peak = peak > r->peak ? peak : r->peak;
    r->gpu_live = t->gpu;
    r->gpu_peak = t->gpu_window > r->gpu_peak ? t->gpu_window : r->gpu_peak;
    t->gpu_window = t->gpu;
}

/* The row of a line or stage, a new one if need be; -1 when memory is short. */
static int64_t row_of(struct clab__timeline *t, int line, const char *text)
{
    clab_timeline_row *r;
    size_t n;

    if (line > 0 && line < KEY_LINES && t->row_of_line[line])
        return t->row_of_line[line] - 1;
    for (int64_t i = line > 0 && line < KEY_LINES ? t->kept.n : 0; i < t->kept.n; i++)
        if (t->kept.rows[i].line == line && (line > 0 || strcmp(t->kept.rows[i].text, text) == 0))
            return i;
    if (t->kept.n == t->room) {
        int64_t room = t->room ? 2 * t->room : 64;
        clab_timeline_row *grown = realloc(t->kept.rows, (size_t)room * sizeof *grown);
        if (!grown)
            return -1;
        t->kept.rows = grown;
        t->room = room;
    }
    r = &t->kept.rows[t->kept.n];
    memset(r, 0, sizeof *r);
    r->line = line;
    text += strspn(text, " \t");
    clab_text_show(text, r->text, sizeof r->text);
    n = strlen(r->text);
    while (n > 0 && (r->text[n - 1] == ' ' || r->text[n - 1] == '\t'))
        r->text[--n] = '\0';
    if (line > 0 && line < KEY_LINES)
        t->row_of_line[line] = (int32_t)t->kept.n + 1;
    return t->kept.n++;
}

static struct clab__timeline *recorded(clab_ctx *cx)
{
    clab_ledger *lg = clab_ctx_ledger(cx);

    return lg ? lg->timeline : NULL;
}

void clab_timeline_enter(clab_ctx *cx, int line, const char *text)
{
    struct clab__timeline *t = recorded(cx);

    if (!t)
        return;
    leave(t);
    t->at = row_of(t, line, text ? text : "");
    t->entered = clab__now();
    if (t->at >= 0)
        t->kept.rows[t->at].runs++;
}

void clab_timeline_file(clab_ctx *cx, bool written, int64_t bytes)
{
    struct clab__timeline *t = recorded(cx);

    if (!t || t->at < 0 || bytes <= 0)
        return;
    if (written)
        t->kept.rows[t->at].written += bytes;
    else
        t->kept.rows[t->at].read += bytes;
}

/* Under the ledger's lock. */
void clab__timeline_device(clab_ledger *lg, int64_t bytes)
{
    struct clab__timeline *t = lg->timeline;

    if (!t)
        return;
    t->gpu += bytes;
    if (t->gpu > t->gpu_window)
        t->gpu_window = t->gpu;
}

void clab_timeline_aside(clab_ctx *cx, int64_t bytes)
{
    struct clab__timeline *t = recorded(cx);

    if (t)
        t->aside += bytes;
}

void clab__timeline_phase(clab_ledger *lg, const char *name)
{
    struct clab__timeline *t = lg->timeline;
    clab_timeline_row *r = t && t->at >= 0 ? &t->kept.rows[t->at] : NULL;
    size_t n = strlen(name), at;

    if (!r)
        return;
    for (const char *s = r->steps; (s = strstr(s, name)) != NULL; s += n)
        if ((s == r->steps || s[-1] == ' ') && (s[n] == '\0' || s[n] == ','))
            return; /* it is there already */
    at = strlen(r->steps);
    if (at + n + 3 > sizeof r->steps)
        return;
    if (at > 0) {
        memcpy(r->steps + at, ", ", 2);
        at += 2;
    }
    memcpy(r->steps + at, name, n + 1);
}

/* ---- life -----------------------------------------------------------------------------------------*/

clab_status clab_timeline_start(clab_ctx *cx)
{
    clab_ledger *lg = clab_ctx_ledger(cx);
    struct clab__timeline *t;
    clab_status s = CLAB_OK;

    if (!lg || lg->timeline)
        return clab_fail(cx, CLAB_ESTATE, lg ? "this session is being recorded already" : "there is no ledger to record");
    t = calloc(1, sizeof *t);
    if (t)
        t->row_of_line = calloc(KEY_LINES, sizeof *t->row_of_line);
    if (!t || !t->row_of_line) {
        free(t);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a timeline");
    }
    t->lg = lg;
    t->at = -1;
    t->seen = -1;
    t->kept.planned = clab_ctx_planning(cx);
    (void)clab_mem_window(cx);
    if (t->kept.planned)
        look_beside(t);
    else
        t->kept.base = clab__tree_bytes(lg) - clab_mem_live(cx);
    if (!t->kept.planned)
        s = sampler_start(cx, t);
    if (s != CLAB_OK) {
        free(t->row_of_line);
        free(t);
        return s;
    }
    lg->timeline = t;
    clab_timeline_enter(cx, 0, "start");
    return CLAB_OK;
}

static void sum_up(clab_timeline *k)
{
    k->peak = k->gpu_peak = 0;
    k->peak_row = -1;
    for (int64_t i = 0; i < k->n; i++) {
        if (k->rows[i].peak > k->peak) {
            k->peak = k->rows[i].peak;
            k->peak_row = i;
        }
        if (k->rows[i].gpu_peak > k->gpu_peak)
            k->gpu_peak = k->rows[i].gpu_peak;
    }
}

clab_status clab_timeline_stop(clab_ctx *cx, clab_timeline *out)
{
    clab_ledger *lg = clab_ctx_ledger(cx);
    struct clab__timeline *t = lg ? lg->timeline : NULL;

    if (out)
        memset(out, 0, sizeof *out);
    if (!t)
        return clab_fail(cx, CLAB_ESTATE, "nothing is being recorded");
    leave(t);
    sampler_stop(t);
    lg->timeline = NULL;
    sum_up(&t->kept);
    if (out)
        *out = t->kept;
    else
        clab_timeline_free(&t->kept);
    free(t->row_of_line);
    free(t);
    return CLAB_OK;
}

void clab_timeline_free(clab_timeline *t)
{
    free(t->rows);
    memset(t, 0, sizeof *t);
}
