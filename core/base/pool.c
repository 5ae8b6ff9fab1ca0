/* pool.c -- a fixed set of threads that share out the tasks of loops: those that somebody waits for first. */
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

typedef struct {
    clab_pool *pool;
    int index;
    pthread_t thread;
} worker;

struct clab_pool {
    pthread_mutex_t lock;  /* the list of jobs and who is inside which */
    pthread_cond_t go, idle;
    worker *workers;
    int n_workers;         /* beside the calling thread */
    clab_job *jobs;        /* urgent ones in front */
    atomic_int n_urgent;
    bool quit;
};

static bool has_tasks(clab_job *j)
{
    return atomic_load(&j->next) < j->n && atomic_load(&j->status) == CLAB_OK;
}

static void stop(clab_job *j, clab_status s)
{
    int ok = CLAB_OK;

    atomic_compare_exchange_strong(&j->status, &ok, (int)s);
}

/* Tasks of a job until there are none, or until somebody waits for another job. */
static void work(clab_pool *p, clab_job *j, bool urgent, int index)
{
    do {
        clab_status s = CLAB_OK;
        int64_t task = atomic_load(&j->status) == CLAB_OK ? atomic_fetch_add(&j->next, 1) : j->n;
        if (task >= j->n)
            return;
        s = clab_check(j->cx);
        if (s == CLAB_OK)
            s = j->fn(j->cx, task, index, j->arg);
        if (s != CLAB_OK)
            stop(j, s);
    } while (urgent || atomic_load(&p->n_urgent) == 0);
}

static clab_job *pick(const clab_pool *p)
{
    clab_job *j = p->jobs;

    while (j && !has_tasks(j))
        j = j->after;
    return j;
}

static void *loop(void *arg)
{
    worker *w = arg;
    clab_pool *p = w->pool;

    pthread_mutex_lock(&p->lock);
    while (!p->quit) {
        clab_job *j = pick(p);
        bool urgent;
        if (!j) {
            pthread_cond_wait(&p->go, &p->lock);
            continue;
        }
        j->inside++;
        urgent = j->urgent;
        pthread_mutex_unlock(&p->lock);
        work(p, j, urgent, w->index);
        pthread_mutex_lock(&p->lock);
        if (--j->inside == 0)
            pthread_cond_broadcast(&p->idle);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

clab_pool *clab_pool_new(int threads)
{
    clab_pool *p = calloc(1, sizeof *p);
    sigset_t all, old;

    if (!p)
        return NULL;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->go, NULL);
    pthread_cond_init(&p->idle, NULL);
    p->workers = calloc((size_t)threads, sizeof *p->workers);
    /* Signals belong to the thread that owns the terminal. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (int i = 1; p->workers && i < threads; i++) {
        worker *w = &p->workers[p->n_workers];
        w->pool = p;
        w->index = i;
        if (pthread_create(&w->thread, NULL, loop, w) != 0)
            break; /* fewer threads give the same results */
        p->n_workers++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return p;
}

void clab_pool_free(clab_pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->quit = true;
    pthread_cond_broadcast(&p->go);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->n_workers; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->go);
    pthread_cond_destroy(&p->idle);
    pthread_mutex_destroy(&p->lock);
    free(p->workers);
    free(p);
}

/* ---- jobs --------------------------------------------------------------------------------------------------*/

static clab_status enter(clab_ctx *cx, clab_job *j)
{
    clab_pool *p = clab_ctx_pool(cx);
    clab_job **at;

    if (!p)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for worker threads");
    pthread_mutex_lock(&p->lock);
    at = &p->jobs;
    while (!j->urgent && *at)
        at = &(*at)->after;
    j->after = *at;
    *at = j;
    atomic_fetch_add(&p->n_urgent, j->urgent);
    pthread_cond_broadcast(&p->go);
    pthread_mutex_unlock(&p->lock);
    return CLAB_OK;
}

static void leave(clab_job *j)
{
    clab_pool *p = clab_ctx_pool(j->cx);
    clab_job **at;

    pthread_mutex_lock(&p->lock);
    while (j->inside > 0)
        pthread_cond_wait(&p->idle, &p->lock);
    for (at = &p->jobs; *at != j; at = &(*at)->after) {
    }
    *at = j->after;
    atomic_fetch_sub(&p->n_urgent, j->urgent);
    pthread_mutex_unlock(&p->lock);
}

static void make(clab_ctx *cx, int64_t n, clab_task_fn *fn, void *arg, bool urgent, clab_job *j)
{
    j->cx = cx;
    j->fn = fn;
    j->arg = arg;
    j->n = n;
    j->inside = 0;
    j->urgent = urgent;
    j->after = NULL;
    atomic_init(&j->next, 0);
    atomic_init(&j->status, CLAB_OK);
}

clab_status clab_parallel_start(clab_ctx *cx, int64_t n, clab_task_fn *fn, void *arg, clab_job *job)
{
    make(cx, n, fn, arg, false, job);
    return enter(cx, job);
}

clab_status clab_parallel_wait(clab_job *job)
{
    work(clab_ctx_pool(job->cx), job, true, 0);
    leave(job);
    return (clab_status)atomic_load(&job->status);
}

void clab_parallel_drop(clab_job *job)
{
    stop(job, CLAB_ECANCEL);
    leave(job);
}

clab_status clab_parallel(clab_ctx *cx, int64_t n, clab_task_fn *fn, void *arg)
{
    clab_job job;
    clab_status s;

    make(cx, n, fn, arg, true, &job);
    s = enter(cx, &job);
    return s == CLAB_OK ? clab_parallel_wait(&job) : s;
}
