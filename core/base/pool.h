/* pool.h -- worker threads for loops whose pieces do not depend on the number of threads. */
#ifndef CLAB_POOL_H
#define CLAB_POOL_H

#include <stdatomic.h>

#include "base/ctx.h"

/* One piece of work.  `task` is 0..n-1, `worker` 0..clab_threads(cx)-1 (for per-worker scratch). */
typedef clab_status clab_task_fn(clab_ctx *cx, int64_t task, int worker, void *arg);

/* clab_parallel -- runs fn for task 0..n-1 on the pool and the calling thread, returns when all are
 * done.  Stops handing out tasks at the first failure or cancel and returns that status.
 * Results must not depend on which worker runs a task, nor on the order. Not reentrant: a task may
 * not call clab_parallel. */
CLAB_MUST_CHECK clab_status clab_parallel(clab_ctx *cx, int64_t n, clab_task_fn *fn, void *arg);

/* The same without waiting: what other threads begin on while the caller does something else.  One that the
 * caller waits for is always served first.  `job` is the caller's and may not move until it is waited for or dropped. */
typedef struct clab_job clab_job;
struct clab_job {
    clab_ctx *cx;
    clab_task_fn *fn;
    void *arg;
    int64_t n;
    atomic_llong next;   /* task to hand out */
    atomic_int status;
    int inside;          /* threads in it */
    bool urgent;         /* somebody waits */
    clab_job *after;
};
CLAB_MUST_CHECK clab_status clab_parallel_start(clab_ctx *cx, int64_t n, clab_task_fn *fn, void *arg, clab_job *job);
/* Do what is left, the calling thread included; the status of the job. */
CLAB_MUST_CHECK clab_status clab_parallel_wait(clab_job *job);
/* Hand out nothing more and wait for what runs. */
void clab_parallel_drop(clab_job *job);

/* For ctx.c. */
clab_pool *clab_pool_new(int threads);
void clab_pool_free(clab_pool *pool);

#endif
