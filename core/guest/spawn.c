/* spawn.c -- starting a guest: the same program, a handful of descriptors at fixed numbers, an
 * environment in which OpenMP does not spin. */
#include "guest/spawn_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest/event_impl.h"

#define ABOVE 32 /* sources are lifted above the numbers they go to */

extern char **environ;

static const char *const settings[] = {"OMP_WAIT_POLICY=passive", "GOMP_SPINCOUNT=0",
                                       "OPENBLAS_NUM_THREADS=1", CLAB__GUEST_MARK "=1"};
#define N_SETTINGS (sizeof settings / sizeof *settings)

static bool overridden(const char *entry)
{
    for (size_t i = 0; i < N_SETTINGS; i++)
        if (strncmp(entry, settings[i], (size_t)(strchr(settings[i], '=') - settings[i]) + 1) == 0)
            return true;
    return false;
}

/* The environment with the settings in place; the strings are borrowed. */
static char **guest_environment(void)
{
    size_t n = 0, out = 0;
    char **env;

    while (environ && environ[n])
        n++;
    env = malloc((n + N_SETTINGS + 1) * sizeof *env);
    if (!env)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (!overridden(environ[i]))
            env[out++] = environ[i];
    for (size_t i = 0; i < N_SETTINGS; i++)
        env[out++] = (char *)settings[i];
    env[out] = NULL;
    return env;
}

/* Signals as a fresh program has them, and out of the terminal's group: Ctrl-C goes to the parent. */
static int set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, usual;

    sigemptyset(&none);
    sigemptyset(&usual);
    for (int s = 1; s < 32; s++)
        if (s != SIGKILL && s != SIGSTOP && s != SIGINT)
            sigaddset(&usual, s);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &usual);
    posix_spawnattr_setpgroup(attr, 0);
    return posix_spawnattr_setflags(attr,
                                    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

int clab__spawn(const char *program, const char *role, int stderr_fd, const int *fds, int n_fds, pid_t *pid)
{
    char *argv[] = {(char *)"celllab", (char *)"--guest", (char *)role, NULL};
    int lifted[CLAB__SPAWN_FDS + 1], n = 0, err = 0;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    char **env = guest_environment();

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    for (int i = 0; i <= n_fds && err == 0; i++) {
        int source = i == 0 ? stderr_fd : fds[i - 1];
        lifted[n] = fcntl(source, F_DUPFD_CLOEXEC, ABOVE);
        if (lifted[n] < 0)
            err = errno;
        else
            n++;
    }
    if (!env)
        err = ENOMEM;
    if (err == 0)
        err = set_attributes(&attr);
    if (err == 0)
        err = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    for (int fd = 1; fd <= 2 && err == 0; fd++)
        err = posix_spawn_file_actions_adddup2(&actions, lifted[0], fd);
    for (int i = 0; i < n_fds && err == 0; i++)
        err = posix_spawn_file_actions_adddup2(&actions, lifted[i + 1], CLAB__FD_IN + i);
    if (err == 0)
        err = posix_spawn_file_actions_addclosefrom_np(&actions, CLAB__FD_IN + n_fds);
    if (err == 0)
        err = posix_spawn(pid, program, &actions, &attr, argv, env);
    for (int i = 0; i < n; i++)
        close(lifted[i]);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    free(env);
    return err;
}
