/* pool.c -- a fixed set of threads that share out the tasks of one loop at a time. */
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef struct {
    clab_pool *pool;
    int index;
    pthread_t thread;
} worker;

struct clab_pool {
    pthread_mutex_t lock;
    pthread_cond_t go, idle;
    worker *workers;
    int n_workers; /* beside the calling thread */
    int busy;
    uint64_t round;
    bool quit;
    /* the loop in progress */
    clab_ctx *cx;
    clab_task_fn *fn;
    void *arg;
    int64_t n;
    atomic_llong next;
    atomic_int status;
};

static void work(clab_pool *p, int index)
{
    for (;;) {
        int64_t task = atomic_fetch_add(&p->next, 1);
        clab_status s;
        if (task >= p->n || atomic_load(&p->status) != CLAB_OK)
            return;
        s = clab_check(p->cx);
        if (s == CLAB_OK)
            s = p->fn(p->cx, task, index, p->arg);
        if (s != CLAB_OK) {
            int ok = CLAB_OK;
            atomic_compare_exchange_strong(&p->status, &ok, (int)s);
        }
    }
}

static void *loop(void *arg)
{
    worker *w = arg;
    clab_pool *p = w->pool;
    uint64_t seen = 0;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (!p->quit && p->round == seen)
            pthread_cond_wait(&p->go, &p->lock);
        if (p->quit)
            break;
        seen = p->round;
        pthread_mutex_unlock(&p->lock);
        work(p, w->index);
        pthread_mutex_lock(&p->lock);
        if (--p->busy == 0)
            pthread_cond_signal(&p->idle);
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

clab_status clab_parallel(clab_ctx *cx, int64_t n, clab_task_fn *fn, void *arg)
{
    clab_pool *p = clab_ctx_pool(cx);

    if (!p)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for worker threads");
    p->cx = cx;
    p->fn = fn;
    p->arg = arg;
    p->n = n;
    atomic_store(&p->next, 0);
    atomic_store(&p->status, CLAB_OK);
    pthread_mutex_lock(&p->lock);
    p->busy = p->n_workers;
    p->round++;
    pthread_cond_broadcast(&p->go);
    pthread_mutex_unlock(&p->lock);
    work(p, 0);
    pthread_mutex_lock(&p->lock);
    while (p->busy)
        pthread_cond_wait(&p->idle, &p->lock);
    pthread_mutex_unlock(&p->lock);
    return (clab_status)atomic_load(&p->status);
}
