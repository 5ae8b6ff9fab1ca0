/* guest_pid.h -- a thread that strikes while a call runs: kills the guest of this process, or cancels. */
#ifndef CLAB_TEST_GUEST_PID_H
#define CLAB_TEST_GUEST_PID_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/ctx.h"

typedef struct {
    pthread_t thread;
    int ms, signal;
    clab_ctx *cx;
    atomic_bool stop, struck;
    double at; /* CLOCK_MONOTONIC of the strike */
} guest_killer;

/* ms after a guest has appeared, send it the signal. */
void guest_kill_after(guest_killer *k, int ms, int signal);
bool guest_kill_done(guest_killer *k); /* joins; was a guest hit? */
/* ms after a guest has appeared, clab_cancel(cx). */
void guest_cancel_after(guest_killer *k, int ms, clab_ctx *cx);
double guest_cancel_seconds(guest_killer *k); /* joins; seconds from the cancel to this call */

#endif
