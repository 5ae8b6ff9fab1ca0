/* guest.c -- the parent's side of a guest: start, listen, end, and say what became of it. */
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "guest/event_impl.h"
#include "guest/spawn_impl.h"
#include "guest/wire_impl.h"
#include "ledger/ledger.h"

#define POLL_MS 50
#define LINGER_MS 2000 /* how long a guest that closed its events may take to end */
#define DEPTH 8        /* phases inside phases */
#define LAST_WORDS 400 /* bytes of stderr in a crash message */

struct clab_guest {
    clab_ctx *cx;
    pid_t pid;
    int wait_status;
    int events, err; /* -1 once at their end */
    clab_wire *wire;
    char what[160];
    clab_phase *phase[DEPTH];
    int depth; /* may exceed DEPTH; those above are not shown */
    clab_charge own; /* in a plan: what the process itself would take */
    bool done;
    clab__record last; /* the one that said it was done */
    char words[LAST_WORDS + 1];
    size_t n_words;
};

/* ---- listening -----------------------------------------------------------------------------------*/

static clab_phase *innermost(const clab_guest *g)
{
    return g->depth > 0 && g->depth <= DEPTH ? g->phase[g->depth - 1] : NULL;
}

static void end_phase(clab_guest *g)
{
    clab_phase_end(innermost(g));
    if (g->depth > 0)
        g->depth--;
}

/* What the guest's ledger was told, told to ours. */
static void apply(clab_guest *g, const clab__record *r)
{
    switch (r->kind) {
    case CLAB_EV_PHASE_BEGIN:
        if (g->depth < DEPTH)
            g->phase[g->depth] = clab_phase_begin(g->cx, r->text, r->n, r->unit);
        if (g->depth < 1000)
            g->depth++;
        break;
    case CLAB_EV_PHASE_STEP:
        clab_phase_step(innermost(g), r->n);
        break;
    case CLAB_EV_PHASE_NOTE:
        clab_phase_note(innermost(g), "%s", r->text);
        break;
    case CLAB_EV_PHASE_END:
        end_phase(g);
        break;
    case CLAB_EV_SERIES_START:
        clab_series_start(g->cx, r->text, r->unit);
        break;
    case CLAB_EV_SERIES_ADD:
        clab_series_add(g->cx, r->text, r->x, r->y);
        break;
    case CLAB_EV_DEVICE:
        clab_ledger_set_device(g->cx, r->text);
        break;
    case CLAB__EV_INFO:
        clab_note(g->cx, "%s", r->text);
        break;
    case CLAB__EV_WARN:
        clab_warn(g->cx, "%s", r->text);
        break;
    case CLAB__EV_DONE:
        if (r->n >= 0 && r->n < CLAB_N_STATUS) {
            g->done = true;
            g->last = *r;
        }
        break;
    default:
        break; /* a guest of ours sends nothing else; a broken one may */
    }
}

static void hear_events(void *user)
{
    clab_guest *g = user;
    clab__record r;
    int got = 0;

    /* Bounded, so that a guest that never stops talking cannot keep us from cancelling. */
    for (int i = 0; i < 256 && g->events >= 0; i++) {
        got = clab__record_receive(g->events, false, &r);
        if (got <= 0)
            break;
        apply(g, &r);
    }
    if (got < 0) {
        close(g->events);
        g->events = -1;
        if (g->wire)
            clab__wire_attend(g->wire, 0, -1, NULL, NULL);
    }
}

/* Keeps the last bytes that the guest wrote to stderr; false when there is nothing now. */
static bool take_words(clab_guest *g)
{
    char part[LAST_WORDS];
    ssize_t n = read(g->err, part, sizeof part);

    if (n > 0) {
        size_t fresh = (size_t)n, keep = g->n_words + fresh > LAST_WORDS ? LAST_WORDS - fresh : g->n_words;
        memmove(g->words, g->words + g->n_words - keep, keep);
        memcpy(g->words + keep, part, fresh);
        g->n_words = keep + fresh;
        g->words[g->n_words] = '\0';
        return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(g->err);
        g->err = -1;
        if (g->wire)
            clab__wire_attend(g->wire, 1, -1, NULL, NULL);
    }
    return false;
}

static void hear_words(void *user)
{
    (void)take_words(user);
}

/* About what a worker process takes before it does anything. */
enum { OWN_BYTES = 4 << 20 };

/* ---- start -----------------------------------------------------------------------------------------*/

static void close_pair(int pair[2])
{
    for (int i = 0; i < 2; i++) {
        if (pair[i] >= 0)
            close(pair[i]);
        pair[i] = -1;
    }
}

static bool say_hello(clab_ctx *cx, int events, int n_fds)
{
    int64_t left = clab_budget_left(cx);
    clab_limit limit = clab_budget_get(cx);
    char parent[32], source[sizeof limit.source];

    snprintf(parent, sizeof parent, "%ld%s", (long)getpid(), clab_ctx_planning(cx) ? CLAB__PLANNING : "");
    snprintf(source, sizeof source, "left of %s, %.24s", clab_bytes(limit.bytes), limit.source);
    if (left == INT64_MAX)
        left = 0;
    else if (left == 0)
        left = 1; /* nothing left is not the same as no limit */
    return clab__record_send(events, CLAB__EV_HELLO, source, parent, left, clab_threads(cx), n_fds,
                             true);
}

clab_status clab_guest_start(clab_ctx *cx, const char *role, const char *what, const int *fds, int n_fds,
                             clab_guest **out)
{
    int to[2] = {-1, -1}, from[2] = {-1, -1}, events[2] = {-1, -1}, err[2] = {-1, -1};
    int given[CLAB__SPAWN_FDS], e = 0;
    clab_guest *g = NULL;
    clab_status s;

    if (n_fds < 0 || n_fds > CLAB_GUEST_MAX_FDS)
        return clab_fail(cx, CLAB_EINTERNAL, "%d descriptors for a worker", n_fds);
    /* A program that does not know --guest would do its own work again in place of the guest's, start
     * a guest for it, and so on until the machine is full. */
    if (getenv(CLAB__GUEST_MARK))
        return clab_fail(cx, CLAB_ESTATE, "%s: a worker starts no workers of its own", what);
    /* What it cannot have is better said here, with the whole limit, than there with what is left of it. */
    if ((s = clab_mem_reserve_check(cx, OWN_BYTES, what)) != CLAB_OK)
        return s;
    g = calloc(1, sizeof *g);
    if (!g || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, to) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, from) != 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, events) != 0 ||
        pipe2(err, O_CLOEXEC | O_NONBLOCK) != 0) {
        e = g ? errno : ENOMEM;
        goto fail;
    }
    /* The guest's end of stderr waits like any other program's. */
    (void)fcntl(err[1], F_SETFL, 0);
    given[0] = to[1];
    given[1] = from[1];
    given[2] = events[1];
    for (int i = 0; i < n_fds; i++)
        given[3 + i] = fds[i];
    g->cx = cx;
    snprintf(g->what, sizeof g->what, "%s", what);
    e = clab__spawn(clab_program(cx), role, err[1], given, 3 + n_fds, &g->pid);
    if (e != 0)
        goto fail;
    clab_ledger_guest_add(cx, (int)g->pid);
    if (clab_ctx_planning(cx) && clab_mem_charge(cx, CLAB_MEM_WORK, OWN_BYTES, what, &g->own) != CLAB_OK)
        clab_error_clear(cx); /* a plan a little short is still a plan */
    g->events = events[0];
    g->err = err[0];
    events[0] = err[0] = -1;
    s = clab_wire_new(cx, from[0], to[0], &g->wire);
    to[0] = from[0] = -1;
    close_pair(to), close_pair(from), close_pair(events), close_pair(err);
    if (s != CLAB_OK) {
        clab_guest_kill(cx, g);
        return s;
    }
    /* A guest that is already gone is found out, and explained, by clab_guest_end. */
    (void)say_hello(cx, g->events, n_fds);
    clab__wire_attend(g->wire, 0, g->events, hear_events, g);
    clab__wire_attend(g->wire, 1, g->err, hear_words, g);
    *out = g;
    return CLAB_OK;

fail:
    close_pair(to), close_pair(from), close_pair(events), close_pair(err);
    free(g);
    clab_fail(cx, CLAB_EIO, "%s failed: its worker process could not be started: %s", what, strerror(e));
    return clab_hint(cx, "the limits on processes, open files or memory (ulimit -a) may be too small");
}

void clab_guest_foresee(clab_ctx *cx, int64_t bytes, const char *what)
{
    clab_mem_foresee(cx, CLAB_MEM_WORK, OWN_BYTES + bytes, what);
}

clab_wire *clab_guest_wire(clab_guest *g)
{
    return g->wire;
}

/* ---- end -------------------------------------------------------------------------------------------*/

/* Ends the process, takes its last words, and forgets it. */
static void reap(clab_guest *g, bool by_force)
{
    if (by_force)
        kill(g->pid, SIGKILL);
    while (waitpid(g->pid, &g->wait_status, 0) < 0 && errno == EINTR)
        ;
    clab_ledger_guest_remove(g->cx, (int)g->pid);
    clab_mem_release(g->cx, g->own);
    while (g->depth > 0)
        end_phase(g);
    for (int i = 0; i < 256 && g->err >= 0 && take_words(g); i++)
        ;
}

static void discard(clab_guest *g)
{
    clab_wire_free(g->wire);
    if (g->events >= 0)
        close(g->events);
    if (g->err >= 0)
        close(g->err);
    free(g);
}

/* Listens until the guest said that it is done, or can say nothing more.  False when cancelled. */
static bool listen_to_end(clab_guest *g)
{
    int idle = 0;
    siginfo_t gone;

    while (!g->done) {
        struct pollfd p[2] = {{.fd = g->events, .events = POLLIN}, {.fd = g->err, .events = POLLIN}};
        int n;
        if (clab_cancelled(g->cx))
            return false;
        if (g->events < 0 && g->err < 0) {
            gone.si_pid = 0;
            if (waitid(P_PID, (id_t)g->pid, &gone, WEXITED | WNOHANG | WNOWAIT) != 0 || gone.si_pid != 0)
                return true;
            if ((idle += POLL_MS) > LINGER_MS)
                kill(g->pid, SIGKILL);
        }
        n = poll(p, 2, POLL_MS);
        if (n <= 0)
            continue;
        if (p[0].revents)
            hear_events(g);
        if (p[1].revents && g->err >= 0)
            hear_words(g);
    }
    return true;
}

static const char *signal_name(int n)
{
    const char *name = sigabbrev_np(n);

    return name ? name : "?";
}

/* One paragraph on a guest that ended without a word. */
static clab_status explain(clab_ctx *cx, clab_guest *g)
{
    bool reading = strncmp(g->what, "reading ", 8) == 0;
    int st = g->wait_status;

    if (WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL) {
        clab_fail(cx, CLAB_EIO,
                  "%s failed: its worker process was killed (signal 9, SIGKILL), most likely by the system "
                  "because memory ran out; nothing was changed",
                  g->what);
        return clab_hint(cx, "set a lower budget (--budget), keep fewer genes, or ask for more memory");
    }
    if (WIFSIGNALED(st))
        clab_fail(
            cx, CLAB_EIO,
            "%s failed: the worker process that did it crashed (signal %d, SIG%s): %s; nothing was changed",
            g->what, WTERMSIG(st), signal_name(WTERMSIG(st)),
            reading ? "the file is damaged or hostile"
                    : "its input is damaged, or the library it used is at fault");
    else
        clab_fail(cx, CLAB_EIO,
                  "%s failed: the worker process that did it ended by itself (exit code %d): %s; nothing was "
                  "changed",
                  g->what, WIFEXITED(st) ? WEXITSTATUS(st) : -1,
                  reading ? "the file is damaged or hostile"
                          : "its input is damaged, or the library it used is at fault");
    while (g->n_words > 0 && (g->words[g->n_words - 1] == '\n' || g->words[g->n_words - 1] == ' '))
        g->words[--g->n_words] = '\0';
    if (g->n_words > 0) {
        char safe[2 * LAST_WORDS];
        for (char *c = g->words; *c; c++)
            *c = *c == '\n' ? ' ' : *c;
        clab_hint(cx, "its last words: %s", clab_text_show(g->words, safe, sizeof safe));
    }
    return CLAB_EIO;
}

/* The guest's own error, as if made here. */
static clab_status repeat(clab_ctx *cx, const clab__record *r)
{
    char file[sizeof r->unit];
    char *colon;

    memcpy(file, r->unit, sizeof file);
    colon = strrchr(file, ':');
    if (colon)
        *colon = '\0';
    return clab_fail_at(cx, (clab_status)r->n, file, colon ? atoi(colon + 1) : 0, "%s", r->text);
}

clab_status clab_guest_end(clab_ctx *cx, clab_guest *g)
{
    bool wire_error = clab__wire_failed(g->wire);
    clab_status s = clab_error_status(cx);

    if (clab_cancelled(cx) || (s != CLAB_OK && !wire_error)) {
        clab_guest_kill(cx, g); /* our own error, or the wish to stop, decides */
        return s != CLAB_OK ? s : clab_check(cx);
    }
    if (!wire_error) {
        if (clab_wire_flush(cx, g->wire) != CLAB_OK) {
            /* the guest's end says why */
        }
    }
    clab_wire_free(g->wire);
    g->wire = NULL;
    if (!listen_to_end(g)) {
        clab_guest_kill(cx, g);
        clab_error_clear(cx);
        return clab_check(cx);
    }
    /* What matters was said; exit handlers of foreign libraries are not worth waiting for. */
    reap(g, g->done);
    if (!g->done || g->last.n != CLAB_OK || !wire_error)
        clab_error_clear(cx);
    if (!g->done)
        s = explain(cx, g);
    else
        s = g->last.n != CLAB_OK ? repeat(cx, &g->last) : clab_error_status(cx);
    discard(g);
    return s;
}

void clab_guest_kill(clab_ctx *cx, clab_guest *g)
{
    (void)cx;
    if (!g)
        return;
    reap(g, true);
    discard(g);
}
