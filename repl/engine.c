/* engine.c -- one thread, one job at a time. */
#include "engine.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"

#define STACK_BYTES ((size_t)64 << 20) /* deep Lua data, generous C frames of BLAS; only touched pages count */

struct clab_engine {
    clab_ctx *cx;
    clab_lua *lua;
    int out_fd, done_fd;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    clab_job *job;
    bool stop, started, ready;
    char why[512];
};

static void print_to_fd(void *user, const char *text, size_t n)
{
    const clab_engine *e = user;

    while (n > 0) {
        ssize_t k = write(e->out_fd, text, n);
        if (k > 0) {
            text += k;
            n -= (size_t)k;
        } else if (errno != EINTR) {
            return;
        }
    }
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run(clab_engine *e, clab_job *job)
{
    double from = now();

    switch (job->kind) {
    case CLAB_JOB_EVAL:
        job->result = clab_lua_eval(e->lua, job->text, "=prompt", &job->message);
        break;
    case CLAB_JOB_FILE:
        job->result = clab_lua_run_file(e->lua, job->text, 0, NULL, &job->message);
        break;
    case CLAB_JOB_CHECK:
        job->result = clab_lua_check(e->lua, job->text);
        break;
    case CLAB_JOB_COMPLETE:
        job->words = clab_lua_complete(e->lua, job->text, job->cursor, &job->start);
        break;
    case CLAB_JOB_HELP:
        job->message = clab_lua_help(e->lua, job->text, job->deep);
        break;
    }
    job->seconds = now() - from;
    job->exiting = clab_lua_exiting(e->lua, &job->exit_code);
}

static bool open_lua(clab_engine *e)
{
    clab_lua_opts o = {.print = print_to_fd, .user = e, .interactive = true};

    if (clab_lua_new(e->cx, &o, &e->lua) == CLAB_OK)
        return true;
    snprintf(e->why, sizeof e->why, "%s", clab_error_text(e->cx));
    return false;
}

static void *engine_main(void *arg)
{
    clab_engine *e = arg;
    void *stack = clab_signals_stack();
    bool usable = open_lua(e);
    uint64_t one = 1;

    pthread_mutex_lock(&e->lock);
    e->started = true;
    e->ready = usable;
    pthread_cond_broadcast(&e->wake);
    while (usable) {
        clab_job *job;
        while (!e->job && !e->stop)
            pthread_cond_wait(&e->wake, &e->lock);
        if (e->stop)
            break;
        job = e->job;
        pthread_mutex_unlock(&e->lock);
        run(e, job);
        pthread_mutex_lock(&e->lock);
        e->job = NULL;
        if (write(e->done_fd, &one, sizeof one) != sizeof one)
            break;
    }
    pthread_mutex_unlock(&e->lock);
    clab_lua_free(e->lua);
    clab_signals_unstack(stack);
    return NULL;
}

/* Signals belong to the terminal's thread: this one, and all that it starts, never see them. */
static int start_thread(clab_engine *e)
{
    static const int theirs[] = {SIGINT, SIGQUIT, SIGTSTP, SIGWINCH, SIGTERM, SIGHUP, SIGCONT};
    sigset_t block, before;
    pthread_attr_t attr;
    int error;

    sigemptyset(&block);
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        sigaddset(&block, theirs[i]);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_sigmask(SIG_BLOCK, &block, &before);
    error = pthread_create(&e->thread, &attr, engine_main, e);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return error;
}

clab_engine *clab_engine_new(clab_ctx *cx, int out_fd, char *why, size_t n)
{
    clab_engine *e = calloc(1, sizeof *e);

    snprintf(why, n, "memory is short");
    if (!e)
        return NULL;
    e->cx = cx;
    e->out_fd = out_fd;
    e->done_fd = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->wake, NULL);
    if (e->done_fd < 0 || start_thread(e) != 0) {
        snprintf(why, n, "the engine's thread cannot be started");
        free(e);
        return NULL;
    }
    pthread_mutex_lock(&e->lock);
    while (!e->started)
        pthread_cond_wait(&e->wake, &e->lock);
    pthread_mutex_unlock(&e->lock);
    if (!e->ready) {
        snprintf(why, n, "%s", e->why);
        clab_engine_free(e);
        return NULL;
    }
    return e;
}

void clab_engine_free(clab_engine *e)
{
    if (!e)
        return;
    pthread_mutex_lock(&e->lock);
    e->stop = true;
    pthread_cond_broadcast(&e->wake);
    pthread_mutex_unlock(&e->lock);
    pthread_join(e->thread, NULL);
    pthread_cond_destroy(&e->wake);
    pthread_mutex_destroy(&e->lock);
    close(e->done_fd);
    free(e);
}

void clab_engine_start(clab_engine *e, clab_job *job)
{
    pthread_mutex_lock(&e->lock);
    e->job = job;
    pthread_cond_broadcast(&e->wake);
    pthread_mutex_unlock(&e->lock);
}

int clab_engine_fd(const clab_engine *e)
{
    return e->done_fd;
}

bool clab_engine_done(const clab_engine *e)
{
    struct pollfd p = {e->done_fd, POLLIN, 0};

    return poll(&p, 1, 0) > 0;
}

void clab_engine_finish(clab_engine *e)
{
    uint64_t n;

    while (read(e->done_fd, &n, sizeof n) < 0 && errno == EINTR)
        ;
}

void clab_engine_ask(clab_engine *e, clab_job *job)
{
    clab_engine_start(e, job);
    clab_engine_finish(e);
}
