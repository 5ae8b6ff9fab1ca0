/* fault.c -- counting down to an injected failure. */
#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void clab_fault_init(clab_fault *f, const char *plan)
{
    char *end;

    f->kind = CLAB_FAULT_NONE;
    f->sticky = false;
    atomic_init(&f->seen, 0);
    if (!plan)
        return;
    if (strncmp(plan, "alloc:", 6) == 0)
        f->kind = CLAB_FAULT_ALLOC;
    else if (strncmp(plan, "io:", 3) == 0)
        f->kind = CLAB_FAULT_IO;
    else
        return;
    f->nth = strtoll(strchr(plan, ':') + 1, &end, 10);
    f->sticky = strcmp(end, ",sticky") == 0;
    if (f->nth < 1 || (*end && !f->sticky))
        f->kind = CLAB_FAULT_NONE;
}

static bool due(clab_ctx *cx, int kind)
{
    clab_fault *f = clab_ctx_fault(cx);
    int64_t n;

    if ((int)f->kind != kind)
        return false;
    n = atomic_fetch_add(&f->seen, 1) + 1;
    return n == f->nth || (f->sticky && n > f->nth);
}

bool clab_fault_alloc(clab_ctx *cx)
{
    return due(cx, CLAB_FAULT_ALLOC);
}

bool clab_fault_io(clab_ctx *cx)
{
    if (!due(cx, CLAB_FAULT_IO))
        return false;
    errno = EIO;
    return true;
}
