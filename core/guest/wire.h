/* wire.h -- a byte stream between this program and its guests: framed messages over a descriptor.
 * Fixed little-endian layout, bounded lengths, survives any bytes on the reading side. */
#ifndef CLAB_WIRE_H
#define CLAB_WIRE_H

#include "base/ctx.h"

typedef struct clab_wire clab_wire;

/* clab_wire_new -- buffered writer and/or reader over fds (-1 = that side absent); takes the fds. */
CLAB_MUST_CHECK clab_status clab_wire_new(clab_ctx *cx, int in_fd, int out_fd, clab_wire **out);
void clab_wire_free(clab_wire *w);

CLAB_MUST_CHECK clab_status clab_wire_put(clab_ctx *cx, clab_wire *w, const void *p, size_t n);
CLAB_MUST_CHECK clab_status clab_wire_put_u8(clab_ctx *cx, clab_wire *w, uint8_t v);
CLAB_MUST_CHECK clab_status clab_wire_put_i64(clab_ctx *cx, clab_wire *w, int64_t v);
CLAB_MUST_CHECK clab_status clab_wire_put_f64(clab_ctx *cx, clab_wire *w, double v);
CLAB_MUST_CHECK clab_status clab_wire_put_str(clab_ctx *cx, clab_wire *w, const char *s); /* NULL is kept */
CLAB_MUST_CHECK clab_status clab_wire_flush(clab_ctx *cx, clab_wire *w);

/* EIO at the end of the stream, ECANCEL when cancelled while waiting (polled every 50 ms). */
CLAB_MUST_CHECK clab_status clab_wire_get(clab_ctx *cx, clab_wire *w, void *p, size_t n);
CLAB_MUST_CHECK clab_status clab_wire_get_u8(clab_ctx *cx, clab_wire *w, uint8_t *v);
CLAB_MUST_CHECK clab_status clab_wire_get_i64(clab_ctx *cx, clab_wire *w, int64_t *v);
CLAB_MUST_CHECK clab_status clab_wire_get_f64(clab_ctx *cx, clab_wire *w, double *v);
/* A malloc'd string the caller frees, *s = NULL where NULL was put; EFORMAT when longer than max. */
CLAB_MUST_CHECK clab_status clab_wire_get_str(clab_ctx *cx, clab_wire *w, size_t max, char **s);

#endif
