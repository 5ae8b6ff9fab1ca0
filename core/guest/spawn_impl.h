/* spawn_impl.h -- starting the process of a guest. */
#ifndef CLAB_SPAWN_IMPL_H
#define CLAB_SPAWN_IMPL_H

#include <sys/types.h>

#include "guest/guest.h"

#define CLAB__SPAWN_FDS (3 + CLAB_GUEST_MAX_FDS)

/* Runs `program --guest role` with stdin closed, stdout and stderr on stderr_fd, and fds at 3, 4, ...;
 * every other descriptor is closed there.  0 or an errno. */
int clab__spawn(const char *program, const char *role, int stderr_fd, const int *fds, int n_fds, pid_t *pid);

/* Stands in the environment of every guest. */
#define CLAB__GUEST_MARK "CELLLAB_GUEST"

#endif
