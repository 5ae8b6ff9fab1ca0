/* live.c -- the snapshot that `celllab top` in another terminal reads: one mapped file, one writer,
 * a sequence number that is odd while the writer is inside. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "ledger/ledger_impl.h"

#define MAGIC 0x626c6c63u /* "cllb" */
#define WORDS ((sizeof(clab_snapshot) + 7) / 8)
#define TRIES 200 /* 1 ms apart */

typedef struct {
    uint32_t magic, abi;
    uint64_t size;
    atomic_uint seq;
    _Atomic uint64_t word[WORDS]; /* the snapshot, in pieces that are never torn */
} page;

struct clab__live {
    page *page;
    char *path;
};

clab_status clab_live_dir(clab_ctx *cx, char *buf, size_t n)
{
    const char *run = getenv("XDG_RUNTIME_DIR"), *tmp = getenv("TMPDIR");
    struct stat st;
    int len = run && *run
                  ? snprintf(buf, n, "%s/celllab", run)
                  : snprintf(buf, n, "%s/celllab-%u", tmp && *tmp ? tmp : "/tmp", (unsigned)geteuid());

    if (len < 0 || (size_t)len >= n)
        return clab_fail(cx, CLAB_EARG, "the path of the directory for live sessions is too long");
    if (mkdir(buf, 0700) != 0 && errno != EEXIST)
        return clab_fail(cx, CLAB_EIO, "%s cannot be made: %s", clab_show(buf), strerror(errno));
    /* Somebody else may have made the name first, to read or to mislead us. */
    if (lstat(buf, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0)
        return clab_fail(cx, CLAB_EIO, "%s is not a directory that only you can open", clab_show(buf));
    return CLAB_OK;
}

clab_status clab__live_open(clab_ctx *cx, const char *path, clab__live **out)
{
    clab__live *lv = calloc(1, sizeof *lv);
    int fd = -1;
    void *p;

    if (!lv || !(lv->path = strdup(path))) {
        free(lv);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for the live file");
    }
    unlink(path); /* left behind by a session that was killed */
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        goto fail;
    errno = posix_fallocate(fd, 0, (off_t)sizeof(page)); /* a full disk is told here, not by SIGBUS later */
    if (errno != 0)
        goto fail;
    p = mmap(NULL, sizeof(page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        goto fail;
    close(fd);
    lv->page = p;
    lv->page->abi = CLAB_SNAP_ABI;
    lv->page->size = sizeof(page);
    lv->page->magic = MAGIC;
    *out = lv;
    return CLAB_OK;

fail:
    clab_fail(cx, CLAB_EIO, "the live file %s cannot be made: %s", clab_show(path), strerror(errno));
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    free(lv->path);
    free(lv);
    return CLAB_EIO;
}

/* Every word is released after the number turned odd, so who reads a new word also sees that number. */
void clab__live_publish(clab__live *lv, const clab_snapshot *s)
{
    page *p = lv->page;

    atomic_fetch_add(&p->seq, 1);
    for (size_t i = 0; i < WORDS; i++) {
        size_t at = i * 8, n = sizeof *s - at < 8 ? sizeof *s - at : 8;
        uint64_t w = 0;
        memcpy(&w, (const char *)s + at, n);
        atomic_store_explicit(&p->word[i], w, memory_order_release);
    }
    atomic_fetch_add(&p->seq, 1);
}

void clab__live_close(clab__live *lv)
{
    if (!lv)
        return;
    munmap(lv->page, sizeof *lv->page);
    unlink(lv->path);
    free(lv->path);
    free(lv);
}

/* ---- reading ------------------------------------------------------------------------------------*/

static int32_t within(int32_t n, int32_t most)
{
    return n < 0 ? 0 : n > most ? most : n;
}

#define END(s) ((s)[sizeof(s) - 1] = '\0')

/* A bool that is neither 0 nor 1 may do anything. */
static void make_bool(bool *b)
{
    unsigned char c;

    memcpy(&c, b, 1);
    *b = c != 0;
}

/* Another process wrote this: bound what is used as a count, end every string. */
static void make_safe(clab_snapshot *s)
{
    s->n_owners = within(s->n_owners, CLAB_SNAP_OWNERS);
    s->n_ram = within(s->n_ram, CLAB_SNAP_RAM);
    s->n_marks = within(s->n_marks, CLAB_SNAP_MARKS);
    s->n_series = within(s->n_series, CLAB_SNAP_SERIES);
    s->n_gpus = within(s->n_gpus, CLAB_SNAP_GPUS);
    for (int i = 0; i < CLAB_SNAP_SERIES; i++) {
        s->series[i].n = within(s->series[i].n, CLAB_SNAP_POINTS);
        END(s->series[i].name);
    }
    for (int i = 0; i < CLAB_SNAP_OWNERS; i++) {
        END(s->owner[i].name);
        if ((unsigned)s->owner[i].kind >= CLAB_N_MEM)
            s->owner[i].kind = CLAB_MEM_WORK;
    }
    for (int i = 0; i < CLAB_SNAP_MARKS; i++)
        END(s->mark[i]);
    for (int i = 0; i < CLAB_SNAP_GPUS; i++) {
        clab_snap_gpu *g = &s->gpu[i];
        END(g->name);
        make_bool(&g->has_name), make_bool(&g->has_mem), make_bool(&g->has_util);
        make_bool(&g->has_temp), make_bool(&g->has_power);
    }
    END(s->title), END(s->peak_phase), END(s->limit.source), END(s->phase), END(s->phase_note);
    END(s->phase_unit), END(s->run), END(s->x_unit), END(s->gpu_reason), END(s->device);
}

/* A copy that no write overlapped. */
static bool read_quiet(page *p, clab_snapshot *out)
{
    for (int i = 0; i < TRIES; i++) {
        unsigned before = atomic_load(&p->seq);
        if (before % 2 == 0 && before > 0) {
            for (size_t k = 0; k < WORDS; k++) {
                size_t at = k * 8, n = sizeof *out - at < 8 ? sizeof *out - at : 8;
                uint64_t w = atomic_load_explicit(&p->word[k], memory_order_acquire);
                memcpy((char *)out + at, &w, n);
            }
            if (atomic_load(&p->seq) == before)
                return true;
        }
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return false;
}

clab_status clab_live_read(clab_ctx *cx, const char *path, clab_snapshot *out)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    page *p = MAP_FAILED;
    clab_status s = CLAB_OK;

    if (fd < 0)
        return clab_fail(cx, CLAB_ENOTFOUND, "no session publishes at %s: %s", clab_show(path),
                         strerror(errno));
    if (fstat(fd, &st) == 0 && st.st_size == (off_t)sizeof *p)
        p = mmap(NULL, sizeof *p, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return clab_fail(cx, CLAB_EFORMAT, "%s is not the live file of a session of this version",
                         clab_show(path));
    if (p->magic != MAGIC || p->abi != CLAB_SNAP_ABI || p->size != sizeof *p)
        s = clab_fail(cx, CLAB_EFORMAT, "%s is not the live file of a session of this version",
                      clab_show(path));
    else if (!read_quiet(p, out))
        s = clab_fail(cx, CLAB_ENOTFOUND, "the session at %s has published nothing yet", clab_show(path));
    munmap(p, sizeof *p);
    if (s != CLAB_OK)
        return s;
    make_safe(out);
    if (out->pid <= 0 || (kill(out->pid, 0) != 0 && errno == ESRCH))
        return clab_fail(cx, CLAB_ENOTFOUND, "the session at %s has ended", clab_show(path));
    return CLAB_OK;
}
