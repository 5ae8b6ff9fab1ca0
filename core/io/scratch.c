/* scratch.c -- files without a name, for packed counts that stay on a disk. */
#include "io/h5_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Files there are memory, which is what a scratch file is to save. */
static clab_status check_on_disk(clab_ctx *cx, int fd, const char *folder)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) != 0)
        return clab_fail(cx, CLAB_EIO, "%s cannot be looked at: %s", clab_show(folder), strerror(errno));
    if ((unsigned long)fs.f_type != TMPFS_MAGIC && (unsigned long)fs.f_type != RAMFS_MAGIC)
        return CLAB_OK;
    (void)clab_fail(cx, CLAB_EARG, "backed=true: %s lies in memory (tmpfs), scratch files there save nothing",
                    clab_show(folder));
    return clab_hint(cx, "scratch=DIR names a folder on a disk");
}

/* Where the file system has no files without a name (NFS): one with a name, for a moment. */
static int named_file(const char *folder)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/celllab-counts-XXXXXX", folder), fd;

    if (n < 0 || (size_t)n >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

clab_status clab__scratch_file(clab_ctx *cx, const char *folder, int *fd)
{
    clab_status s;

    *fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        *fd = named_file(folder);
    if (*fd < 0) {
        (void)clab_fail(cx, CLAB_EIO, "no scratch file in %s: %s", clab_show(folder), strerror(errno));
        return clab_hint(cx, "scratch=DIR names a folder where files can be written");
    }
    s = check_on_disk(cx, *fd, folder);
    if (s != CLAB_OK) {
        close(*fd);
        *fd = -1;
    }
    return s;
}
