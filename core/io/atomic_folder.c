/* atomic_folder.c -- a folder that is either the old one or the new one: made beside its place, then exchanged. */
#include "io/text_write_impl.h"

#include "base/fault.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_TRIES 16

/* The files of a folder of ours, and the folder. */
static void remove_folder(const char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    rmdir(path);
}

/* May what is there be replaced? */
static clab_status check_target(clab_ctx *cx, const char *target, const char *const *ours, bool *exists)
{
    struct stat st;
    clab_status s = CLAB_OK;
    *exists = stat(target, &st) == 0;
    if (!*exists)
        return CLAB_OK;
    if (!S_ISDIR(st.st_mode))
        return clab_fail(cx, CLAB_EARG, "%s is a file; name a folder to write", clab_show(target));
    DIR *d = opendir(target);
    if (!d)
        return clab_fail(cx, CLAB_EIO, "%s cannot be looked into: %s", clab_show(target), strerror(errno));
    for (struct dirent *e; s == CLAB_OK && (e = readdir(d));) {
        int i = 0;
        while (ours[i] && strcmp(ours[i], e->d_name) != 0)
            i++;
        if (!ours[i] && strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            s = clab_hint(cx, "%s", ((void)clab_fail(cx, CLAB_EARG, "%s holds other files (%s) and is not replaced",
                                                     clab_show(target), clab_show(e->d_name)), "name a new folder"));
    }
    closedir(d);
    return s;
}

/* The path without slashes at its end; where there is a folder, what links lead to. */
static char *resolve(const char *path)
{
    char *real = realpath(path, NULL);
    size_t n = strlen(path);
    if (real)
        return real;
    while (n > 1 && path[n - 1] == '/')
        n--;
    return strndup(path, n);
}

/* The folder that `target` stands in, with its slash; caller frees. */
static char *parent_of(const char *target)
{
    const char *slash = strrchr(target, '/');
    return slash ? strndup(target, (size_t)(slash - target) + 1) : strdup("./");
}

static clab_status make_temporary(clab_ctx *cx, clab__atomic_folder *f)
{
    char *parent = parent_of(f->target);
    bool made = false;
    for (int i = 0; parent && !made && i < MAX_TRIES; i++) {
        unsigned long long r = 0;
        free(f->temporary);
        f->temporary = NULL;
        if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r ||
            asprintf(&f->temporary, "%s.celllab-%016llx.tmp", parent, r) < 0)
            break;
        made = !clab_fault_io(cx) && mkdir(f->temporary, 0777) == 0;
        if (!made && errno != EEXIST)
            break;
    }
    clab_status st = CLAB_OK;
    if (!made) {
        st = clab_fail(cx, CLAB_EIO, "no folder can be made in %s: %s", parent ? clab_show(parent) : "its place",
                       strerror(errno));
        free(f->temporary);
        f->temporary = NULL;
    }
    free(parent);
    return st;
}

clab_status clab__folder_begin(clab_ctx *cx, const char *path, const char *const *ours, clab__atomic_folder *f)
{
    *f = (clab__atomic_folder){.target = resolve(path)};
    if (!f->target)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a name");
    clab_status st = check_target(cx, f->target, ours, &f->exists);
    if (st == CLAB_OK && !clab_ctx_planning(cx))
        st = make_temporary(cx, f);
    if (st != CLAB_OK)
        clab__folder_abort(f);
    return st;
}

clab_status clab__folder_file(clab_ctx *cx, const clab__atomic_folder *f, const char *name, int *fd)
{
    char *path = NULL;
    *fd = -1;
    if (asprintf(&path, "%s/%s", f->temporary, name) >= 0) {
        *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        free(path);
    }
    return *fd >= 0 ? CLAB_OK
                    : clab_fail(cx, CLAB_EIO, "%s cannot be made in %s: %s", name, clab_show(f->target), strerror(errno));
}

clab_status clab__folder_close(clab_ctx *cx, const clab__atomic_folder *f, int fd)
{
    bool synced = !clab_fault_io(cx) && fsync(fd) == 0;
    int why = errno;
    bool closed = close(fd) == 0;
    return synced && closed ? CLAB_OK
                            : clab_fail(cx, CLAB_EIO, "%s cannot be written: %s", clab_show(f->target),
                                        strerror(synced ? errno : why));
}

static void sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

/* One step where the file system knows how; else two, between which the place is empty. */
static int exchange(clab__atomic_folder *f)
{
    char *aside = NULL;
    if (!f->exists)
        return rename(f->temporary, f->target);
    if (renameat2(AT_FDCWD, f->temporary, AT_FDCWD, f->target, RENAME_EXCHANGE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (asprintf(&aside, "%s.old", f->temporary) < 0)
        return -1;
    int failed = rename(f->target, aside);
    if (!failed && (failed = rename(f->temporary, f->target)) != 0)
        (void)rename(aside, f->target);
    free(f->temporary); /* what is to be removed now is the old one */
    f->temporary = aside;
    return failed;
}

clab_status clab__folder_commit(clab_ctx *cx, clab__atomic_folder *f)
{
    clab_status st = CLAB_OK;
    sync_folder(f->temporary);
    if (clab_fault_io(cx) || exchange(f) != 0)
        st = clab_fail(cx, CLAB_EIO, "%s cannot be replaced: %s", clab_show(f->target), strerror(errno));
    char *parent = parent_of(f->target);
    if (parent)
        sync_folder(parent);
    free(parent);
    clab__folder_abort(f);
    return st;
}

void clab__folder_abort(clab__atomic_folder *f)
{
    if (f->temporary)
        remove_folder(f->temporary);
    free(f->temporary);
    free(f->target);
    *f = (clab__atomic_folder){0};
}
