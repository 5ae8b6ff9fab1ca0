/* status.h -- what a call that can fail returns, and nothing else. */
#ifndef CLAB_STATUS_H
#define CLAB_STATUS_H

#define CLAB_STATUS_MAP(X)                                        \
    X(OK, "done")                                                 \
    X(EARG, "wrong argument")                                     \
    X(ESHAPE, "shapes do not fit")                                \
    X(ENOMEM, "the system has no memory left")                    \
    X(EBUDGET, "over the memory budget")                          \
    X(EIO, "input or output failed")                              \
    X(EFORMAT, "the file is not as its format says")              \
    X(ENOTFOUND, "not found")                                     \
    X(ESTATE, "not possible in this state")                       \
    X(ECANCEL, "interrupted")                                     \
    X(EBACKEND, "the compute backend failed")                     \
    X(EINTERNAL, "an error inside celllab")

typedef enum {
#define X(name, text) CLAB_##name,
    CLAB_STATUS_MAP(X)
#undef X
    CLAB_N_STATUS
} clab_status;

#define CLAB_MUST_CHECK __attribute__((warn_unused_result))
#define CLAB_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/* clab_status_text -- the short words of a status; a static string. */
const char *clab_status_text(clab_status s);

/* clab_status_name -- "EARG", ...; a static string. */
const char *clab_status_name(clab_status s);

#endif
