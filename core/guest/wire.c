/* wire.c -- buffered bytes over two descriptors that never block: every wait can be cancelled. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest/wire_impl.h"

#define BUFFER 65536
#define POLL_MS 50

typedef struct {
    int fd;
    void (*fn)(void *user);
    void *user;
} attended;

struct clab_wire {
    int in, out;
    bool failed;
    attended others[CLAB__ATTENDED];
    size_t r_at, r_len, w_len;
    unsigned char r[BUFFER], w[BUFFER];
};

static void never_block(int fd)
{
    int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;

    if (flags >= 0)
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

clab_status clab_wire_new(clab_ctx *cx, int in_fd, int out_fd, clab_wire **out)
{
    clab_wire *w = malloc(sizeof *w);

    if (!w) {
        if (in_fd >= 0)
            close(in_fd);
        if (out_fd >= 0)
            close(out_fd);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a stream to a worker");
    }
    w->in = in_fd;
    w->out = out_fd;
    w->failed = false;
    w->r_at = w->r_len = w->w_len = 0;
    for (int i = 0; i < CLAB__ATTENDED; i++)
        w->others[i] = (attended){.fd = -1};
    never_block(in_fd);
    never_block(out_fd);
    *out = w;
    return CLAB_OK;
}

void clab_wire_free(clab_wire *w)
{
    if (!w)
        return;
    if (w->in >= 0)
        close(w->in);
    if (w->out >= 0 && w->out != w->in)
        close(w->out);
    free(w);
}

void clab__wire_attend(clab_wire *w, int at, int fd, void (*fn)(void *user), void *user)
{
    w->others[at] = (attended){fd, fn, user};
}

bool clab__wire_failed(const clab_wire *w)
{
    return w->failed;
}

static clab_status check(clab_ctx *cx, clab_wire *w)
{
    clab_status s = clab_check(cx);

    w->failed |= s != CLAB_OK;
    return s;
}

/* Until fd is ready; the attended descriptors are served meanwhile. */
static clab_status wait_for(clab_ctx *cx, clab_wire *w, int fd, short events)
{
    for (;;) {
        struct pollfd p[1 + CLAB__ATTENDED] = {{.fd = fd, .events = events}};
        clab_status s = check(cx, w);
        int n;
        if (s != CLAB_OK)
            return s;
        for (int i = 0; i < CLAB__ATTENDED; i++)
            p[1 + i] = (struct pollfd){.fd = w->others[i].fd, .events = POLLIN};
        n = poll(p, 1 + CLAB__ATTENDED, POLL_MS);
        if (n < 0 && errno != EINTR) {
            w->failed = true;
            return clab_fail(cx, CLAB_EIO, "waiting for a worker failed: %s", strerror(errno));
        }
        if (n <= 0)
            continue;
        for (int i = 0; i < CLAB__ATTENDED; i++)
            if (p[1 + i].revents)
                w->others[i].fn(w->others[i].user);
        if (p[0].revents)
            return CLAB_OK;
    }
}

/* ---- writing ------------------------------------------------------------------------------------*/

/* A reader that is gone must be an error, not a signal. */
static ssize_t write_quietly(int fd, const void *p, size_t n)
{
    ssize_t done = send(fd, p, n, MSG_NOSIGNAL);

    return done < 0 && errno == ENOTSOCK ? write(fd, p, n) : done;
}

static clab_status write_all(clab_ctx *cx, clab_wire *w, const unsigned char *p, size_t n)
{
    if (w->out < 0) {
        w->failed = true;
        return clab_fail(cx, CLAB_EINTERNAL, "this stream cannot be written");
    }
    while (n > 0) {
        clab_status s = check(cx, w); /* a stream that never has to wait can be cancelled too */
        ssize_t done = s == CLAB_OK ? write_quietly(w->out, p, n) : -1;
        if (s != CLAB_OK)
            return s;
        if (done > 0) {
            p += done;
            n -= (size_t)done;
            continue;
        }
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            w->failed = true;
            return clab_fail(cx, CLAB_EIO, "the other side of a worker's stream is gone: %s",
                             strerror(errno));
        }
        s = wait_for(cx, w, w->out, POLLOUT);
        if (s != CLAB_OK)
            return s;
    }
    return CLAB_OK;
}

clab_status clab_wire_flush(clab_ctx *cx, clab_wire *w)
{
    clab_status s = write_all(cx, w, w->w, w->w_len);

    w->w_len = 0;
    return s;
}

clab_status clab_wire_put(clab_ctx *cx, clab_wire *w, const void *p, size_t n)
{
    if (n == 0)
        return CLAB_OK;
    if (w->w_len + n > BUFFER) {
        clab_status s = clab_wire_flush(cx, w);
        if (s != CLAB_OK)
            return s;
    }
    if (n >= BUFFER)
        return write_all(cx, w, p, n);
    memcpy(w->w + w->w_len, p, n);
    w->w_len += n;
    return CLAB_OK;
}

clab_status clab_wire_put_u8(clab_ctx *cx, clab_wire *w, uint8_t v)
{
    return clab_wire_put(cx, w, &v, sizeof v);
}

clab_status clab_wire_put_i64(clab_ctx *cx, clab_wire *w, int64_t v)
{
    uint64_t le = htole64((uint64_t)v);

    return clab_wire_put(cx, w, &le, sizeof le);
}

clab_status clab_wire_put_f64(clab_ctx *cx, clab_wire *w, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    bits = htole64(bits);
    return clab_wire_put(cx, w, &bits, sizeof bits);
}

clab_status clab_wire_put_str(clab_ctx *cx, clab_wire *w, const char *s)
{
    size_t n = s ? strlen(s) : 0;
    clab_status st = clab_wire_put_i64(cx, w, s ? (int64_t)n : -1);

    return st == CLAB_OK ? clab_wire_put(cx, w, s, n) : st;
}

/* ---- reading ------------------------------------------------------------------------------------*/

/* At least one byte into p, at most n. */
static clab_status read_some(clab_ctx *cx, clab_wire *w, void *p, size_t n, size_t *got)
{
    for (;;) {
        clab_status s = check(cx, w);
        ssize_t done = s == CLAB_OK && w->in >= 0 ? read(w->in, p, n) : 0;
        if (s != CLAB_OK)
            return s;
        if (done > 0) {
            *got = (size_t)done;
            return CLAB_OK;
        }
        if (done == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
            w->failed = true;
            return clab_fail(cx, CLAB_EIO, "a worker's stream ended early%s%s", done ? ": " : "",
                             done ? strerror(errno) : "");
        }
        s = wait_for(cx, w, w->in, POLLIN);
        if (s != CLAB_OK)
            return s;
    }
}

clab_status clab_wire_get(clab_ctx *cx, clab_wire *w, void *p, size_t n)
{
    unsigned char *to = p;

    while (n > 0) {
        size_t have = w->r_len - w->r_at, got;
        clab_status s;
        if (have > 0) {
            got = have < n ? have : n;
            memcpy(to, w->r + w->r_at, got);
            w->r_at += got;
        } else if (n >= BUFFER) {
            s = read_some(cx, w, to, n, &got);
            if (s != CLAB_OK)
                return s;
        } else {
            s = read_some(cx, w, w->r, BUFFER, &w->r_len);
            w->r_at = 0;
            if (s != CLAB_OK) {
                w->r_len = 0;
                return s;
            }
            continue;
        }
        to += got;
        n -= got;
    }
    return CLAB_OK;
}

clab_status clab_wire_get_u8(clab_ctx *cx, clab_wire *w, uint8_t *v)
{
    return clab_wire_get(cx, w, v, sizeof *v);
}

clab_status clab_wire_get_i64(clab_ctx *cx, clab_wire *w, int64_t *v)
{
    uint64_t le = 0;
    clab_status s = clab_wire_get(cx, w, &le, sizeof le);

    *v = (int64_t)le64toh(le);
    return s;
}

clab_status clab_wire_get_f64(clab_ctx *cx, clab_wire *w, double *v)
{
    uint64_t bits = 0;
    clab_status s = clab_wire_get(cx, w, &bits, sizeof bits);

    bits = le64toh(bits);
    memcpy(v, &bits, sizeof bits);
    return s;
}

clab_status clab_wire_get_str(clab_ctx *cx, clab_wire *w, size_t max, char **out)
{
    int64_t n;
    clab_status s = clab_wire_get_i64(cx, w, &n);
    char *text;

    *out = NULL;
    if (s != CLAB_OK || n == -1)
        return s;
    if (n < 0 || (uint64_t)n > max || (uint64_t)n > SIZE_MAX - 1) {
        w->failed = true;
        return clab_fail(cx, CLAB_EFORMAT, "a worker sent a text of %lld bytes, at most %zu are allowed",
                         (long long)n, max);
    }
    text = malloc((size_t)n + 1);
    if (!text)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a text of %lld bytes", (long long)n);
    s = clab_wire_get(cx, w, text, (size_t)n);
    if (s != CLAB_OK) {
        free(text);
        return s;
    }
    text[n] = '\0';
    *out = text;
    return CLAB_OK;
}
