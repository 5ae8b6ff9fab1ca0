/* event.c -- sending and receiving records. */
#include "guest/event_impl.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

bool clab__record_send(int fd, int kind, const char *text, const char *unit, int64_t n, double x, double y,
                       bool wait)
{
    clab__record r = {.kind = kind, .n = n, .x = x, .y = y};
    ssize_t done;

    snprintf(r.unit, sizeof r.unit, "%s", unit);
    snprintf(r.text, sizeof r.text, "%s", text);
    r.text_len = (int32_t)strlen(r.text);
    do
        done = send(fd, &r, offsetof(clab__record, text) + (size_t)r.text_len,
                    MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
    while (done < 0 && errno == EINTR);
    return done >= 0;
}

int clab__record_receive(int fd, bool wait, clab__record *r)
{
    ssize_t got;

    do
        got = recv(fd, r, sizeof *r, wait ? 0 : MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    if (got < (ssize_t)offsetof(clab__record, text) || r->text_len < 0 ||
        r->text_len >= (int32_t)sizeof r->text || got != (ssize_t)offsetof(clab__record, text) + r->text_len)
        return -1;
    r->text[r->text_len] = '\0';
    r->unit[sizeof r->unit - 1] = '\0';
    return 1;
}
