/* temporary.c -- names of the temporary files that become others: they say who writes them, so that those of a
 * writer that was killed are recognised and removed by the next one that writes into the folder.
 *
 *   .celllab-BOOT-PID-START-RANDOM.tmp
 *
 * BOOT stands for this start of this machine and its table of processes (a container has its own), START for when
 * the process began: numbers of processes come again.  A living writer also holds a lock on its file. */
#include "io/io_impl.h"

#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_TRIES 16
#define ELSEWHERE_SECONDS (24 * 3600) /* untouched for so long, a file of another machine is taken for dead */

typedef struct {
    uint32_t boot;
    int pid;
    uint64_t start;
} writer;

/* ---- who writes -----------------------------------------------------------------------------------*/

static uint32_t hash(uint32_t h, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * 16777619u;
    return h;
}

static uint32_t this_boot(void)
{
    char id[64] = "", host[256] = "";
    struct stat ns;
    uint32_t h = 2166136261u;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, id, sizeof id) : 0;
    if (fd >= 0)
        close(fd);
    if (gethostname(host, sizeof host - 1) == 0)
        h = hash(h, host, strlen(host));
    h = hash(h, id, n > 0 ? (size_t)n : 0);
    if (stat("/proc/self/ns/pid", &ns) == 0)
        h = hash(h, (const char *)&ns.st_ino, sizeof ns.st_ino);
    return h;
}

/* When a process began, in ticks since the start of the machine; 0 = there is none of that number. */
static uint64_t start_of(int pid)
{
    char path[64], text[1024];
    uint64_t start = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *p = strrchr(text, ')'); /* the name before it may hold anything */
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    if (p && sscanf(p, " %" SCNu64, &start) != 1)
        start = 0;
    return start;
}

static bool parse(const char *name, writer *w)
{
    char rest[32];
    return sscanf(name, ".celllab-%8" SCNx32 "-%d-%" SCNu64 "-%16[0-9a-f].tm%1[p]", &w->boot, &w->pid, &w->start, rest,
                  rest + 20) == 5 &&
           w->pid > 0 && strlen(name) > 4 && strcmp(name + strlen(name) - 4, ".tmp") == 0;
}

/* ---- sweeping --------------------------------------------------------------------------------------*/

static bool is_dead(int dir, const char *name, const writer *w, uint32_t boot)
{
    struct stat st;
    if (w->boot == boot && start_of(w->pid) == w->start)
        return false;
    int fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool dead = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
                (w->boot == boot || time(NULL) - st.st_mtime > ELSEWHERE_SECONDS) &&
                (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK);
    if (fd >= 0)
        close(fd);
    return dead;
}

/* Remove what killed writers left in the folder. */
static void sweep(clab_ctx *cx, const char *folder, uint32_t boot)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && !dir)
        close(fd);
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        writer w;
        if (e->d_name[0] == '.' && parse(e->d_name, &w) && is_dead(dirfd(dir), e->d_name, &w, boot) &&
            unlinkat(dirfd(dir), e->d_name, 0) == 0)
            n++;
    }
    if (dir)
        closedir(dir);
    if (n > 0)
        clab_note(cx, "%d unfinished file%s of a session that was killed removed from %s", n, n > 1 ? "s" : "",
                  clab_show(folder));
}

/* ---- making ----------------------------------------------------------------------------------------*/

clab_status clab__temporary_make(clab_ctx *cx, const char *folder, char **path, int *fd)
{
    const uint32_t boot = this_boot();
    *path = NULL;
    *fd = -1;
    sweep(cx, folder, boot);
    for (int i = 0; i < MAX_TRIES && *fd < 0; i++) {
        unsigned long long r = 0;
        if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r)
            break;
        free(*path);
        if (asprintf(path, "%s.celllab-%08" PRIx32 "-%d-%" PRIu64 "-%016llx.tmp", folder, boot, (int)getpid(),
                     start_of((int)getpid()), r) < 0) {
            *path = NULL;
            break;
        }
        *fd = open(*path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (*fd < 0 && errno != EEXIST)
            break;
    }
    if (*fd < 0) {
        clab_status st = clab_fail(cx, CLAB_EIO, "no file can be made in %s: %s", clab_show(folder), strerror(errno));
        free(*path);
        *path = NULL;
        return st;
    }
    (void)flock(*fd, LOCK_EX | LOCK_NB); /* where there are no locks, the name alone has to do */
    return CLAB_OK;
}
