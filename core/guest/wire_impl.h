/* wire_impl.h -- what a guest's parent needs of its wire beyond reading and writing. */
#ifndef CLAB_WIRE_IMPL_H
#define CLAB_WIRE_IMPL_H

#include "guest/wire.h"

#define CLAB__ATTENDED 2

/* clab__wire_attend -- while the wire waits, fn(user) runs whenever fd has something to read, so that
 * a guest that talks on another channel is never kept waiting.  fd -1 takes it away. */
void clab__wire_attend(clab_wire *w, int at, int fd, void (*fn)(void *user), void *user);

/* Has this wire recorded an error? */
bool clab__wire_failed(const clab_wire *w);

#endif
