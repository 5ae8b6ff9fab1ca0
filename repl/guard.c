/* guard.c -- wait, pass on, clean up. */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What any terminal with a scroll region understands; terminfo is the session's. */
static const char rescue_main[] = "\0337\033[r\0338\033[J\033[?2004l\033[m\033[?25h\r";
static const char rescue_other[] = "\033[r\033[?1049l\033[?2004l\033[m\033[?25h\r";

static volatile sig_atomic_t child; /* for the handler that passes signals on */

static void pass_on(int sig)
{
    if (child > 0)
        kill((pid_t)child, sig);
}

/* The keyboard's signals reach the session by themselves; those sent to the pid that a user sees do not. */
static void set_signals(void)
{
    struct sigaction pass = {.sa_handler = pass_on};

    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGTSTP, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);
    sigaction(SIGTERM, &pass, NULL);
    sigaction(SIGHUP, &pass, NULL);
}

static void say(int tty, const char *s)
{
    ssize_t k = write(tty, s, strlen(s));

    (void)k;
}

/* What the session had printed but not shown. */
static void drain(int tty, int out_fd)
{
    char buf[4096];
    ssize_t n;

    fcntl(out_fd, F_SETFL, O_NONBLOCK);
    while ((n = read(out_fd, buf, sizeof buf)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            if (buf[i] != '\n' && buf[i] != '\t' && (unsigned char)buf[i] < 0x20)
                buf[i] = ' ';
        if (write(tty, buf, (size_t)n) < 0)
            return;
    }
}

static void explain(int tty, int sig, const clab_guard_board *b)
{
    char text[512];

    snprintf(text, sizeof text, "\ncelllab was ended by signal %d (%s)%s%.150s%s\n", sig, strsignal(sig),
             b->doing[0] ? " while it ran: " : "", b->doing,
             sig == SIGKILL ? "\nThis is how the kernel's out-of-memory killer ends a program; "
                              "a smaller --budget makes celllab refuse in time."
                            : "");
    say(tty, text);
}

static void watch(int tty, const struct termios *cooked, int out_fd, clab_guard_board *b)
{
    int status = 0;

    set_signals();
    for (;;) {
        pid_t r = waitpid((pid_t)child, &status, WUNTRACED);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            _exit(1);
        if (!WIFSTOPPED(status))
            break;
        raise(SIGSTOP); /* the shell waits for us, not for the session */
        kill((pid_t)child, SIGCONT);
    }
    if (WIFEXITED(status))
        _exit(WEXITSTATUS(status));
    tcsetattr(tty, TCSANOW, cooked);
    if (b->alternate)
        say(tty, rescue_other);
    else if (!b->ended)
        say(tty, rescue_main);
    drain(tty, out_fd);
    explain(tty, WTERMSIG(status), b);
    _exit(128 + WTERMSIG(status));
}

clab_guard_board *clab_guard_none(void)
{
    void *page = mmap(NULL, sizeof(clab_guard_board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return page == MAP_FAILED ? calloc(1, sizeof(clab_guard_board)) : page;
}

clab_guard_board *clab_guard_split(int tty, const struct termios *cooked, int out_fd)
{
    clab_guard_board *b = clab_guard_none();
    pid_t parent = getpid(), pid;
    sigset_t all, before;

    if (!b)
        return NULL;
    sigfillset(&all); /* no signal between fork and the handlers */
    sigprocmask(SIG_BLOCK, &all, &before);
    pid = fork();
    if (pid > 0) {
        child = (sig_atomic_t)pid;
        sigprocmask(SIG_SETMASK, &before, NULL);
        watch(tty, cooked, out_fd, b);
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            raise(SIGTERM);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return b;
}
