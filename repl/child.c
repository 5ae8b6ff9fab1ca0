/* child.c -- spawn, feed, wait. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>
#include <sys/wait.h>

extern char **environ;

static pid_t spawn(int in, int out, const char *command)
{
    static const int signals[] = {SIGINT, SIGQUIT, SIGTSTP, SIGWINCH, SIGTERM, SIGHUP, SIGCONT, SIGPIPE};
    char *argv[] = {"sh", "-c", (char *)(size_t)command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t set;
    pid_t pid = -1;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
    posix_spawnattr_init(&attr);
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attr, &set);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaddset(&set, signals[i]);
    posix_spawnattr_setsigdefault(&attr, &set);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (posix_spawn(&pid, "/bin/sh", &files, &attr, argv, environ) != 0)
        pid = -1;
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return pid;
}

/* The reader may quit before the end: SIGPIPE is ignored here, so that is an error like any other. */
static void feed(int fd, const char *s, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, s, n);
        if (k < 0 && errno != EINTR)
            return;
        if (k > 0) {
            s += k;
            n -= (size_t)k;
        }
    }
}

int clab_child_run(int tty, const char *command, const char *input, size_t n)
{
    int in[2] = {-1, -1}, status = 0;
    pid_t pid;

    if (input && pipe2(in, O_CLOEXEC) != 0)
        return -1;
    pid = spawn(input ? in[0] : tty, tty, command);
    if (input) {
        close(in[0]);
        if (pid > 0)
            feed(in[1], input, n);
        close(in[1]);
    }
    if (pid < 0)
        return -1;
    for (;;) {
        pid_t r = waitpid(pid, &status, WUNTRACED);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -1;
        if (!WIFSTOPPED(status))
            break;
        raise(SIGSTOP); /* the whole job stops, and goes on together */
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
