/* log.c -- what a job says while it runs: dated lines on stderr that read well in a SLURM log.
 * Never an escape byte, never a line that is overwritten. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "progress.h"

#define POLL_MS 250

struct clab_log {
    clab_ledger *ledger;
    clab_snapshot snap; /* of the thread */
    clab_progress progress;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
};

void clab_log_line(const char *fmt, ...)
{
    char text[4600], when[32];
    time_t now = time(NULL);
    struct tm tm;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    localtime_r(&now, &tm);
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
    fflush(stdout); /* what was printed before comes before */
    fprintf(stderr, "%s  %s\n", when, text);
}

void clab_log_note(void *user, clab_note_level level, const char *text)
{
    (void)user;
    clab_log_line("%s%s", level == CLAB_NOTE_WARN ? "warning: " : "", text);
}

/* ---- progress -------------------------------------------------------------------------------------*/

static void look(clab_log *log)
{
    char line[400];

    clab_ledger_snapshot(log->ledger, &log->snap);
    if (!clab_progress_line(&log->progress, &log->snap, line, sizeof line))
        return;
    fflush(stdout);
    fprintf(stderr, "%s\n", line);
}

static void *watch(void *arg)
{
    clab_log *log = arg;

    pthread_mutex_lock(&log->lock);
    while (!log->stop) {
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_nsec += POLL_MS * 1000000L;
        t.tv_sec += t.tv_nsec / 1000000000L;
        t.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&log->wake, &log->lock, &t);
        if (log->stop)
            break;
        pthread_mutex_unlock(&log->lock);
        look(log);
        pthread_mutex_lock(&log->lock);
    }
    pthread_mutex_unlock(&log->lock);
    return NULL;
}

clab_log *clab_log_start(clab_ledger *ledger)
{
    clab_log *log = calloc(1, sizeof *log);

    if (!log)
        return NULL;
    log->ledger = ledger;
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->wake, NULL);
    if (pthread_create(&log->thread, NULL, watch, log) != 0) {
        free(log);
        return NULL;
    }
    return log;
}

void clab_log_stop(clab_log *log)
{
    if (!log)
        return;
    pthread_mutex_lock(&log->lock);
    log->stop = true;
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->lock);
    pthread_join(log->thread, NULL);
    pthread_cond_destroy(&log->wake);
    pthread_mutex_destroy(&log->lock);
    free(log);
}
