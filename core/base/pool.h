/* pool.h -- worker threads for loops whose pieces do not depend on the number of threads. */
#ifndef CLAB_POOL_H
#define CLAB_POOL_H

#include "base/ctx.h"

/* One piece of work.  `task` is 0..n-1, `worker` 0..clab_threads(cx)-1 (for per-worker scratch). */
typedef clab_status clab_task_fn(clab_ctx *cx, int64_t task, int worker, void *arg);

/* clab_parallel -- runs fn for task 0..n-1 on the pool and the calling thread, returns when all are
 * done.  Stops handing out tasks at the first failure or cancel and returns that status.
 * Results must not depend on which worker runs a task, nor on the order. Not reentrant: a task may
 * not call clab_parallel. */
CLAB_MUST_CHECK clab_status clab_parallel(clab_ctx *cx, int64_t n, clab_task_fn *fn, void *arg);

/* For ctx.c. */
clab_pool *clab_pool_new(int threads);
void clab_pool_free(clab_pool *pool);

#endif
