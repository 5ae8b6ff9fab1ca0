/* signals.c -- handlers that do nothing but write a byte, and one that restores the terminal. */
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static const int watched[] = {SIGWINCH, SIGINT, SIGQUIT, SIGTSTP, SIGCONT, SIGTERM, SIGHUP};
static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/* Handlers take no argument of ours, so what they need is here. */
static int bell = -1;
static const clab_rescue *rescue;

static void on_signal(int sig)
{
    int before = errno;
    unsigned char byte = (unsigned char)sig;
    ssize_t k = write(bell, &byte, 1); /* a full pipe already rings */

    (void)k;
    errno = before;
}

int clab_signals_open(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    int fd[2];

    if (pipe2(fd, O_NONBLOCK | O_CLOEXEC) != 0)
        return -1;
    bell = fd[1];
    sigemptyset(&sa.sa_mask);
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
        sigaction(watched[i], &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    return fd[0];
}

clab_signals clab_signals_take(int fd)
{
    clab_signals s = {0};
    unsigned char byte[64];
    ssize_t n;

    while ((n = read(fd, byte, sizeof byte)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            s.winch |= byte[i] == SIGWINCH;
            s.intr |= byte[i] == SIGINT;
            s.quit |= byte[i] == SIGQUIT;
            s.stop |= byte[i] == SIGTSTP;
            s.cont |= byte[i] == SIGCONT;
            if (byte[i] == SIGTERM || byte[i] == SIGHUP)
                s.end = byte[i];
        }
    }
    return s;
}

void clab_signals_default(void)
{
    sigset_t none;

    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
        signal(watched[i], SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void write_all(int fd, const char *s, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, s, n);
        if (k <= 0 && errno != EINTR)
            return;
        if (k > 0) {
            s += k;
            n -= (size_t)k;
        }
    }
}

void clab_rescue_now(const clab_rescue *r)
{
    if (*r->alternate)
        write_all(r->tty, r->other, r->n_other);
    else
        write_all(r->tty, r->main, r->n_main);
    tcsetattr(r->tty, TCSANOW, &r->cooked);
}

static void on_fatal(int sig)
{
    if (rescue) {
        clab_rescue_now(rescue);
        dup2(rescue->tty, STDERR_FILENO);
    }
    signal(sig, SIG_DFL);
    raise(sig);
}

void clab_signals_rescue(const clab_rescue *r)
{
    struct sigaction sa = {.sa_handler = on_fatal, .sa_flags = SA_NODEFER | SA_ONSTACK};

    rescue = r;
    sigemptyset(&sa.sa_mask);
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        sigaction(fatal[i], &sa, NULL);
}

void *clab_signals_stack(void)
{
    size_t n = (size_t)SIGSTKSZ + 16384;
    stack_t st = {.ss_size = n}, now;

    if (sigaltstack(NULL, &now) != 0 || !(now.ss_flags & SS_DISABLE))
        return NULL;
    st.ss_sp = malloc(n);
    if (st.ss_sp)
        sigaltstack(&st, NULL);
    return st.ss_sp;
}

void clab_signals_unstack(void *stack)
{
    stack_t none = {.ss_flags = SS_DISABLE};

    if (!stack)
        return;
    sigaltstack(&none, NULL);
    free(stack);
}
