/* fd_pass.c -- descriptors handed from a guest to its session through a socket pair. */
#include "io/h5_impl.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define POLL_MS 50

clab_status clab__fd_send(clab_ctx *cx, int socket, int fd)
{
    char byte = 0;
    struct iovec one = {.iov_base = &byte, .iov_len = 1};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct msghdr msg = {.msg_iov = &one,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    ssize_t n;
    do
        n = sendmsg(socket, &msg, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n != 1)
        return clab_fail(cx, CLAB_EIO, "a finished matrix could not be handed over: %s", strerror(errno));
    return CLAB_OK;
}

clab_status clab__fd_take(clab_ctx *cx, int socket, int *fd)
{
    char byte;
    struct iovec one = {.iov_base = &byte, .iov_len = 1};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    *fd = -1;
    for (;;) {
        struct pollfd p = {.fd = socket, .events = POLLIN};
        clab_status s = clab_check(cx);
        if (s != CLAB_OK)
            return s;
        int ready = poll(&p, 1, POLL_MS);
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        struct msghdr msg = {.msg_iov = &one,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
        ssize_t n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        struct cmsghdr *c = n == 1 ? CMSG_FIRSTHDR(&msg) : NULL;
        if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
            c->cmsg_len != CMSG_LEN(sizeof(int)))
            return clab_fail(cx, CLAB_EIO, "the worker sent no matrix where one was announced");
        memcpy(fd, CMSG_DATA(c), sizeof *fd);
        return CLAB_OK;
    }
}
