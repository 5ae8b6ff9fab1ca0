/* fault.h -- making the n-th allocation or file operation fail, for tests of what happens then.
 *
 * CELLLAB_FAULT=alloc:N fails the N-th accounted allocation of a context (1 = the first),
 * alloc:N,sticky that one and every later one; io:N and io:N,sticky do the same for file operations.
 * Read once per context, so guests count their own. */
#ifndef CLAB_FAULT_H
#define CLAB_FAULT_H

#include <stdatomic.h>

#include "base/ctx.h"

typedef struct {
    enum { CLAB_FAULT_NONE, CLAB_FAULT_ALLOC, CLAB_FAULT_IO } kind;
    bool sticky;
    int64_t nth;
    atomic_llong seen;
} clab_fault;

/* For ctx.c: the plan in CELLLAB_FAULT; anything else than the forms above is no plan. */
void clab_fault_init(clab_fault *f, const char *plan);
clab_fault *clab_ctx_fault(clab_ctx *cx);

/* clab_fault_alloc -- must this allocation fail?  Called by clab_mem_alloc and its kin. */
bool clab_fault_alloc(clab_ctx *cx);

/* clab_fault_io -- must this write, fsync, rename or pread fail?  Sets errno to EIO when so.
 * Called right before the operation, which is then not done:
 *     if (clab_fault_io(cx) || fsync(fd) != 0) return clab_fail(...strerror(errno)...); */
bool clab_fault_io(clab_ctx *cx);

#endif
