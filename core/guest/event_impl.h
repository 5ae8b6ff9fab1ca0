/* event_impl.h -- the records that go between a guest and its parent beside the wire: one packet
 * each over a socket pair, so that they arrive whole or not at all. */
#ifndef CLAB_EVENT_IMPL_H
#define CLAB_EVENT_IMPL_H

#include "ledger/ledger.h"

#define CLAB__FD_IN 3
#define CLAB__FD_OUT 4
#define CLAB__FD_EVENTS 5
#define CLAB__FD_FIRST 6 /* the descriptors handed over */

/* The ledger's events keep their numbers; these come on top. */
enum {
    CLAB__EV_HELLO = 100, /* parent to guest: n = budget left (0 = none), x = threads, y = descriptors,
                             unit = the parent's process id, and CLAB__PLANNING in a dry run, text = source of
                             the limit */
    CLAB__EV_INFO,        /* text */
    CLAB__EV_WARN,        /* text */
    CLAB__EV_DONE         /* n = status, text = the error with its hint, unit = where */
};

#define CLAB__PLANNING " planning"

typedef struct {
    int32_t kind;
    int32_t text_len; /* without the NUL */
    int64_t n;
    double x, y;
    char unit[64];
    char text[4096];
} clab__record;

/* Sends one record, cut to what fits; wait = false drops it when the socket is full.  False when it
 * did not go. */
bool clab__record_send(int fd, int kind, const char *text, const char *unit, int64_t n, double x, double y,
                       bool wait);

/* 1 = a whole record, strings ended; 0 = nothing there now; -1 = the other side is gone or sent
 * something else. */
int clab__record_receive(int fd, bool wait, clab__record *r);

#endif
