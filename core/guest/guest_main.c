/* guest_main.c -- the life of a guest process: hello, the role's function, done. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "guest/event_impl.h"
#include "guest/guest.h"

static void forward_note(void *user, clab_note_level level, const char *text)
{
    (void)user;
    clab__record_send(CLAB__FD_EVENTS, level == CLAB_NOTE_WARN ? CLAB__EV_WARN : CLAB__EV_INFO, text, "", 0,
                      0, 0, true);
}

static void forward_event(void *user, const clab_event *e)
{
    (void)user;
    /* A missed step is made good by the next one; everything else must arrive. */
    clab__record_send(CLAB__FD_EVENTS, (int)e->kind, e->text, e->unit, e->n, e->x, e->y,
                      e->kind != CLAB_EV_PHASE_STEP);
}

/* What a guest may do to the machine and to its parent: nothing. */
static void settle(void)
{
    int fd;

    signal(SIGINT, SIG_IGN); /* the parent decides what Ctrl-C ends */
    signal(SIGQUIT, SIG_IGN);
    signal(SIGTSTP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "celllab-guest");
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    /* If memory runs out all the same, the system should take the guest and leave the session. */
    fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (write(fd, "500", 3) < 0) {
            /* not allowed in some containers, and only a wish */
        }
        close(fd);
    }
}

static clab_guest_fn *role_named(const clab_guest_role *roles, const char *name)
{
    for (; roles->role; roles++)
        if (strcmp(roles->role, name) == 0)
            return roles->fn;
    return NULL;
}

static clab_status serve(clab_ctx *cx, clab_guest_fn *fn, const clab__record *hello)
{
    int fds[CLAB_GUEST_MAX_FDS], n_fds = (int)hello->y;
    clab_wire *wire = NULL;
    clab_ledger *lg = NULL;
    clab_status s = clab_ledger_new(cx, &(clab_ledger_opts){0}, &lg);

    if (s != CLAB_OK)
        goto done;
    s = clab_budget_set_named(cx, hello->n, hello->text);
    if (s != CLAB_OK)
        goto done;
    clab_ledger_set_sink(lg, forward_event, NULL);
    for (int i = 0; i < n_fds; i++)
        fds[i] = CLAB__FD_FIRST + i;
    s = clab_wire_new(cx, CLAB__FD_IN, CLAB__FD_OUT, &wire);
    if (s != CLAB_OK)
        goto done;
    s = fn(cx, wire, fds, n_fds);
    if (s == CLAB_OK)
        s = clab_wire_flush(cx, wire);
done:
    clab__record_send(CLAB__FD_EVENTS, CLAB__EV_DONE, s == CLAB_OK ? "" : clab_error_text(cx),
                      s == CLAB_OK ? "" : clab_error_place(cx), (int64_t)s, 0, 0, true);
    clab_wire_free(wire);
    clab_ledger_free(lg);
    return s;
}

int clab_guest_main(int argc, char **argv, const clab_guest_role *roles)
{
    clab_guest_fn *fn = argc > 2 ? role_named(roles, argv[2]) : NULL;
    clab__record hello;
    clab_ctx *cx;
    clab_status s;

    if (!fn) {
        fprintf(stderr, "no such worker: %s\n", argc > 2 ? argv[2] : "(none named)");
        return 2;
    }
    settle();
    if (clab__record_receive(CLAB__FD_EVENTS, true, &hello) != 1 || hello.kind != CLAB__EV_HELLO ||
        !(hello.y >= 0 && hello.y <= CLAB_GUEST_MAX_FDS) || !(hello.x >= 1 && hello.x <= 65536)) {
        fprintf(stderr, "a worker is started by a session, not by hand\n");
        return 2;
    }
    /* The parent may have died before its death could be asked for. */
    if (atol(hello.unit) != (long)getppid())
        return 1;
    cx = clab_ctx_new(&(clab_ctx_opts){.threads = (int)hello.x, .note = forward_note});
    if (!cx) {
        fprintf(stderr, "no memory to begin\n");
        return 1;
    }
    clab_ctx_set_planning(cx, strstr(hello.unit, CLAB__PLANNING) != NULL);
    s = serve(cx, fn, &hello);
    clab_ctx_free(cx);
    return s == CLAB_OK ? 0 : 1;
}
