/* status.c -- names and words of the status codes. */
#include "base/status.h"

const char *clab_status_text(clab_status s)
{
    static const char *const text[] = {
#define X(name, words) words,
        CLAB_STATUS_MAP(X)
#undef X
    };
    return (unsigned)s < CLAB_N_STATUS ? text[s] : "unknown status";
}

const char *clab_status_name(clab_status s)
{
    static const char *const name[] = {
#define X(id, words) #id,
        CLAB_STATUS_MAP(X)
#undef X
    };
    return (unsigned)s < CLAB_N_STATUS ? name[s] : "?";
}
