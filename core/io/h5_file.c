/* h5_file.c -- the HDF5 library made quiet and safe, opening a file, and the members of its groups. */
#include "io/h5_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define MAX_ELEMENTS 1000000
#define STALL_SECONDS 10          /* of computing inside one call: HDF5 runs in circles in some damaged files */
#define SLOW_BYTES (50LL << 20)   /* a second at the slowest */
#define LEFT_OUT_SHOWN 1500 /* bytes of the one warning */

void clab__h5_library(void)
{
    H5dont_atexit(); /* closing at exit crashes after a failed write; a guest has nothing left to save */
    clab__plugins_settle();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5Lunregister(H5L_TYPE_EXTERNAL);
    clab__lzf_register();
}

/* Last words for the session's error message, then death by the signal. */
static void end_stuck(int number)
{
    static const char words[] = "HDF5 came to no end with this file, which seems to be damaged";
    ssize_t n = write(STDERR_FILENO, words, sizeof words - 1);
    (void)n;
    signal(number, SIG_DFL);
    raise(number);
}

void clab__h5_alive(int64_t bytes)
{
    struct itimerval t = {.it_value = {.tv_sec = STALL_SECONDS + bytes / SLOW_BYTES}};
    setitimer(ITIMER_PROF, &t, NULL);
}

/* ---- the error stack -----------------------------------------------------------------------------*/

static herr_t keep_deepest(unsigned n, const H5E_error2_t *e, void *user)
{
    if (n == 0 && e->desc)
        snprintf(user, 1024, "%s", e->desc);
    return 0;
}

const char *clab__h5_why(void)
{
    char text[1024] = "";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_deepest, text);
    const char *number = strstr(text, "errno = "); /* what the system said is all that matters then */
    if (number && atoi(number + 8) > 0)
        return strerror(atoi(number + 8));
    return *text ? clab_show(text) : "no reason given";
}

/* ---- the file ------------------------------------------------------------------------------------*/

/* What a file that is no HDF5 seems to be. */
static clab_status fail_not_hdf5(clab__h5 *h, const char *path)
{
    unsigned char head[8] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return clab_fail(h->cx, CLAB_EIO, "%s cannot be opened: %s", h->name, strerror(errno));
    ssize_t n = read(fd, head, sizeof head);
    close(fd);
    if (n == 0)
        return clab_fail(h->cx, CLAB_EFORMAT, "%s is empty (0 bytes)", h->name);
    (void)clab_fail(h->cx, CLAB_EFORMAT, "%s is not an HDF5 file, which .h5ad and 10x .h5 files are",
                    h->name);
    if (n >= 2 && head[0] == 0x1f && head[1] == 0x8b)
        return clab_hint(h->cx, "it is gzip-compressed: unpack it with gunzip first");
    return clab_hint(h->cx, "check that the download is complete and the file is what its name says");
}

/* Was it flock() that failed?  Its errno differs between file systems; its words do not. */
static herr_t find_lock(unsigned n, const H5E_error2_t *e, void *user)
{
    (void)n;
    if (e->desc && strstr(e->desc, "lock the file"))
        *(bool *)user = true;
    return 0;
}

static bool failed_lock(void)
{
    bool found = false;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, find_lock, &found);
    return found;
}

clab_status clab__h5_open_fd(clab__h5 *h, int fd)
{
    char path[64];
    signal(SIGPROF, end_stuck);
    clab__h5_alive(0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_stdio(fapl); /* the other driver wants to know the name, which the file may no longer have */
    h->file = H5Fopen(path, H5F_ACC_RDONLY, fapl);
    clab_status st = h->file >= 0 ? CLAB_OK
                                  : clab_fail(h->cx, CLAB_EIO, "%s cannot be opened again: %s", h->name, clab__h5_why());
    H5Pclose(fapl);
    return st;
}

clab_status clab__h5_open(clab__h5 *h, const char *path)
{
    signal(SIGPROF, end_stuck);
    clab__h5_alive(0);
    if (H5Fis_hdf5(path) <= 0)
        return fail_not_hdf5(h, path);
    h->file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    const char *why = h->file < 0 ? clab__h5_why() : "";
    if (h->file < 0 && failed_lock()) {
        hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
        H5Pset_file_locking(fapl, 0, 1);
        h->file = H5Fopen(path, H5F_ACC_RDONLY, fapl);
        why = h->file < 0 ? clab__h5_why() : "";
        H5Pclose(fapl);
        if (h->file >= 0)
            clab_warn(h->cx,
                      "%s could not be locked (another program may be writing it, or the file system "
                      "has no locks); it is read without a lock",
                      h->name);
    }
    if (h->file < 0) {
        (void)clab_fail(h->cx, CLAB_EFORMAT, "%s cannot be opened as HDF5: %s", h->name, why);
        return strstr(why, "truncated") ? clab_hint(h->cx, "the file is cut off: copy or download it again")
                                        : clab_error_status(h->cx);
    }
    return CLAB_OK;
}

void clab__h5_close(clab__h5 *h)
{
    if (h->file > 0)
        H5Fclose(h->file);
    h->file = -1;
    if (h->n_left_out > 0)
        clab_warn(h->cx, "%s: left out, not understood: %s%s", h->name, h->left_out.s ? h->left_out.s : "",
                  h->left_out.len > LEFT_OUT_SHOWN ? " ..." : "");
    if (h->n_latin1 > 0)
        clab_warn(h->cx, "%s: %s strings are not UTF-8 and were read as Latin-1", h->name,
                  clab_text_count(h->n_latin1));
    clab_str_free(&h->left_out);
}

void clab__h5_leave_out(clab__h5 *h, const char *at, const char *fmt, ...)
{
    char why[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    if (h->left_out.len <= LEFT_OUT_SHOWN)
        clab_str_addf(&h->left_out, "%s%s (%s)", h->n_left_out > 0 ? ", " : "", clab_show(at), why);
    h->n_left_out++;
}

clab_status clab__h5_ask(clab__h5 *h, const char *at, int64_t bytes)
{
    if (bytes <= CLAB__SMALL || !h->wire)
        return CLAB_OK;
    uint8_t answer = 0;
    clab_status s = clab_wire_put_u8(h->cx, h->wire, CLAB__REC_ASK);
    if (s == CLAB_OK)
        s = clab_wire_put_str(h->cx, h->wire, at);
    if (s == CLAB_OK)
        s = clab_wire_put_i64(h->cx, h->wire, bytes);
    if (s == CLAB_OK)
        s = clab_wire_flush(h->cx, h->wire);
    if (s == CLAB_OK)
        s = clab_wire_get_u8(h->cx, h->wire, &answer);
    return s;
}

const char *clab__h5_at(char *buf, const char *at, const char *name)
{
    snprintf(buf, CLAB__AT, "%s%s%s", at, *at ? "/" : "", name);
    return buf;
}

/* ---- members -------------------------------------------------------------------------------------*/

bool clab__h5_has(hid_t group, const char *name)
{
    return H5Lexists(group, name, H5P_DEFAULT) > 0 && H5Oexists_by_name(group, name, H5P_DEFAULT) > 0;
}

bool clab__h5_is_group(hid_t obj)
{
    return H5Iget_type(obj) == H5I_GROUP;
}

clab_status clab__h5_member(clab__h5 *h, hid_t group, const char *name, const char *at, hid_t *out)
{
    H5L_info_t link;
    *out = -1;
    clab__h5_alive(0);
    if (!*name || *name == '/' || strncmp(name, "../", 3) == 0 || strstr(name, "/../"))
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: %s: the name points out of its group; not followed",
                         h->name, clab_show(at));
    if (++h->n_elements > MAX_ELEMENTS)
        return clab_fail(h->cx, CLAB_EFORMAT, "%s has more than %d elements", h->name, MAX_ELEMENTS);
    if (H5Lget_info(group, name, &link, H5P_DEFAULT) < 0)
        return clab_fail(h->cx, CLAB_ENOTFOUND, "%s has no %s", h->name, clab_show(at));
    if (link.type >= H5L_TYPE_UD_MIN)
        return clab_hint(h->cx, "%s",
                         (clab_fail(h->cx, CLAB_EFORMAT, "%s: %s is a link to another file; not followed",
                                    h->name, clab_show(at)),
                          "copy the data into one file (h5repack or h5copy)"));
    *out = H5Oopen(group, name, H5P_DEFAULT);
    if (*out < 0 && link.type == H5L_TYPE_SOFT)
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: %s is a link that leads nowhere", h->name, clab_show(at));
    if (*out < 0)
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: %s cannot be opened: %s", h->name, clab_show(at),
                         clab__h5_why());
    return CLAB_OK;
}

static herr_t add_name(hid_t group, const char *name, const H5L_info_t *info, void *user)
{
    clab__names *n = user;
    (void)group;
    (void)info;
    if (n->n == n->cap) {
        int64_t cap = n->cap ? 2 * n->cap : 16;
        char **s = cap <= MAX_ELEMENTS * 2 ? realloc(n->s, (size_t)cap * sizeof *s) : NULL;
        if (!s)
            return -1;
        n->s = s;
        n->cap = cap;
    }
    n->s[n->n] = strdup(name);
    return n->s[n->n] ? (n->n++, 0) : -1;
}

clab_status clab__h5_members(clab__h5 *h, hid_t group, const char *at, clab__names *out)
{
    *out = (clab__names){0};
    if (H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, add_name, out) < 0) {
        clab__names_free(out);
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: the members of %s cannot be listed: %s", h->name,
                         *at ? clab_show(at) : "the file", clab__h5_why());
    }
    return CLAB_OK;
}

void clab__names_free(clab__names *n)
{
    for (int64_t i = 0; i < n->n; i++)
        free(n->s[i]);
    free(n->s);
    *n = (clab__names){0};
}

bool clab__h5_enter(clab__h5 *h, hid_t group)
{
    H5O_info_t info;
    if (h->depth >= CLAB__DEPTH || H5Oget_info(group, &info) < 0)
        return false;
    for (int i = 0; i < h->depth; i++)
        if (h->above[i] == info.addr)
            return false;
    h->above[h->depth++] = info.addr;
    return true;
}

void clab__h5_leave(clab__h5 *h)
{
    h->depth--;
}
