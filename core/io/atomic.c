/* atomic.c -- files that are either the old ones or the new ones, whatever happens in between:
 * a temporary file in the same directory, fsync, rename, fsync of the directory. */
#include "io/io_impl.h"

#include "base/fault.h"
#include "base/text.h"
#include "ledger/timeline.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LINKS 40

/* The directory part with its slash, or "./"; caller frees. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
}

/* The file behind symbolic links, which need not exist yet; NULL when memory is short or links loop. */
static char *follow(const char *path)
{
    char *at = strdup(path), link[PATH_MAX], *next;
    for (int i = 0; at && i < MAX_LINKS; i++) {
        ssize_t n = readlink(at, link, sizeof link - 1);
        if (n < 0)
            return at;
        link[n] = 0;
        char *dir = *link == '/' ? strdup("") : directory_of(at);
        if (!dir || asprintf(&next, "%s%s", dir, link) < 0)
            next = NULL;
        free(dir);
        free(at);
        at = next;
    }
    free(at);
    return NULL;
}

/* May `target` be replaced?  *st and *exists describe what is there. */
static clab_status check_target(clab_ctx *cx, const char *target, struct stat *st, bool *exists)
{
    *exists = stat(target, st) == 0;
    size_t n = strlen(target);
    if (n == 0 || target[n - 1] == '/' || (*exists && S_ISDIR(st->st_mode)))
        return clab_fail(cx, CLAB_EARG, "%s is a directory; name a file to write", clab_show(target));
    if (*exists && !S_ISREG(st->st_mode))
        return clab_fail(cx, CLAB_EARG, "%s is no regular file and cannot be replaced", clab_show(target));
    if (*exists && access(target, W_OK) != 0)
        return clab_fail(cx, CLAB_EIO, "%s may not be written: %s", clab_show(target), strerror(errno));
    return CLAB_OK;
}

/* A dry run writes nowhere.  A folder that is not there yet may be one that the script makes, which it does not
 * do now. */
static clab_status plan_to_write(clab_ctx *cx, clab__atomic *a)
{
    char *dir = directory_of(a->target);
    clab_status st = CLAB_OK;
    if (!dir || (a->fd = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
        st = clab_fail(cx, CLAB_EIO, "%s cannot be planned: %s", clab_show(a->target), dir ? strerror(errno) : "memory is short");
    else if (access(dir, F_OK) != 0 && errno == ENOENT)
        clab_note(cx, "%s will need a folder that is not there yet", clab_show(a->target));
    else if (access(dir, W_OK) != 0)
        st = clab_fail(cx, CLAB_EIO, "no file can be made in %s: %s", clab_show(dir), strerror(errno));
    free(dir);
    return st;
}

static clab_status make_temporary(clab_ctx *cx, clab__atomic *a)
{
    char *dir = directory_of(a->target);
    clab_status st = dir ? clab__temporary_make(cx, dir, &a->temporary, &a->fd)
                         : clab_fail(cx, CLAB_ENOMEM, "no memory for the name of a file");
    free(dir);
    return st;
}

clab_status clab__atomic_begin(clab_ctx *cx, const char *path, clab__atomic *a)
{
    struct stat old;
    bool exists = false;
    *a = (clab__atomic){.fd = -1};
    a->target = follow(path);
    if (!a->target)
        return clab_fail(cx, CLAB_EIO, "%s cannot be resolved: too many symbolic links", clab_show(path));
    clab_status st = check_target(cx, a->target, &old, &exists);
    if (st == CLAB_OK)
        st = clab_ctx_planning(cx) ? plan_to_write(cx, a) : make_temporary(cx, a);
    if (st == CLAB_OK && exists && a->temporary && fchmod(a->fd, old.st_mode & 07777) != 0)
        st = clab_fail(cx, CLAB_EIO, "the mode of %s cannot be kept: %s", clab_show(path), strerror(errno));
    if (st != CLAB_OK)
        clab__atomic_abort(a);
    return st;
}

clab_status clab_write_check(clab_ctx *cx, const char *path)
{
    clab__atomic a;
    clab_status st = clab__atomic_begin(cx, path, &a);

    if (st == CLAB_OK)
        clab__atomic_abort(&a);
    return st;
}

/* After the rename only durability is at stake, and some file systems cannot sync directories. */
static void sync_directory(const char *target)
{
    char *dir = directory_of(target);
    int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(dir);
}

clab_status clab__atomic_commit(clab_ctx *cx, clab__atomic *a)
{
    clab_status st = CLAB_OK;
    struct stat written;
    if (clab_ctx_planning(cx)) {
        clab__atomic_abort(a);
        return CLAB_OK;
    }
    if (fstat(a->fd, &written) == 0)
        clab_timeline_file(cx, true, written.st_size);
    if (clab_fault_io(cx) || fsync(a->fd) != 0)
        st = clab_fail(cx, CLAB_EIO, "%s cannot be written: %s", clab_show(a->target), strerror(errno));
    int fd = a->fd;
    a->fd = -1;
    if (close(fd) != 0 && st == CLAB_OK)
        st = clab_fail(cx, CLAB_EIO, "%s cannot be written: %s", clab_show(a->target), strerror(errno));
    if (st == CLAB_OK && (clab_fault_io(cx) || rename(a->temporary, a->target) != 0))
        st = clab_fail(cx, CLAB_EIO, "%s cannot be replaced: %s", clab_show(a->target), strerror(errno));
    if (st == CLAB_OK) {
        sync_directory(a->target);
        free(a->temporary);
        a->temporary = NULL;
    }
    clab__atomic_abort(a);
    return st;
}

void clab__atomic_abort(clab__atomic *a)
{
    if (a->fd >= 0)
        close(a->fd);
    if (a->temporary)
        unlink(a->temporary);
    free(a->temporary);
    free(a->target);
    *a = (clab__atomic){.fd = -1};
}
