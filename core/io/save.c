/* save.c -- backed="r+": what was added beside X goes into the file that was read.
 *
 * Never in place: HDF5 leaves a file that nobody can open when it is stopped while it writes.  The file is copied
 * beside itself, which costs nothing where the file system shares blocks, the copy is edited by the guest, synced,
 * and renamed over it. */
#include "io/write_impl.h"

#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE (16LL << 20) /* bytes copied between two looks at the cancel flag */
#define LEVEL 4

/* ---- which file ------------------------------------------------------------------------------------*/

static int64_t integer_of(const clab_value *dict, const char *key)
{
    return *(const int64_t *)clab_value_get(dict, key)->data;
}

static int64_t modified(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* The file at path as a DICT; its path is whole, so that a change of folder does not lead to another file. */
static clab_status describe_file(clab_ctx *cx, const char *path, clab_value **out)
{
    struct stat file;
    char *whole = realpath(path, NULL);
    clab_value *v = NULL;
    clab_status st = clab_value_dict(cx, out);
    if (st == CLAB_OK && (!whole || stat(whole, &file) != 0))
        st = clab_fail(cx, CLAB_EIO, "%s cannot be looked at: %s", clab_show(path), strerror(errno));
    if (st == CLAB_OK)
        st = clab_value_set_string(cx, *out, "path", whole);
    if (st == CLAB_OK && (st = clab_value_set_integer(cx, *out, "bytes", file.st_size)) == CLAB_OK &&
        (st = clab_value_set_integer(cx, *out, "modified", modified(&file))) == CLAB_OK)
        st = clab_value_set_integer(cx, *out, "inode", (int64_t)file.st_ino);
    clab_value_unref(v);
    free(whole);
    return st;
}

clab_status clab__save_remember(clab_ctx *cx, const char *path, clab_dataset *d)
{
    clab_dataset *there = NULL;
    clab_status st = clab_dataset_copy(cx, d, &there);
    if (st != CLAB_OK)
        return st;
    clab_dataset_unref(there->in_file);
    there->in_file = NULL;
    if ((st = describe_file(cx, path, &there->file)) != CLAB_OK) {
        clab_dataset_unref(there);
        return st;
    }
    clab_dataset_unref(d->in_file);
    d->in_file = there;
    return CLAB_OK;
}

/* ---- may it be saved? --------------------------------------------------------------------------------*/

static clab_status refuse(clab_ctx *cx, const char *why)
{
    (void)clab_fail(cx, CLAB_ESTATE, "save: %s", why);
    return clab_hint(cx, "ds:write(\"NEW.h5ad\") writes it as another file");
}

static clab_status check_dataset(clab_ctx *cx, const clab_dataset *d)
{
    const clab_dataset *f = d->in_file;
    if (!f)
        return refuse(cx, "this Dataset does not stand for a file: lab.read(path, {backed=\"r+\"}) makes one that does");
    if (d->origin != f->origin)
        return refuse(cx, "its cells are not those of the file: some were selected, or their order changed");
    if (clab_dataset_n_vars(d) != clab_dataset_n_vars(f))
        return refuse(cx, "its genes are not those of the file: some were selected");
    bool same = d->x == f->x && d->raw.x == f->raw.x && d->n_layers == f->n_layers;
    for (int64_t i = 0; same && i < d->n_layers; i++)
        same = d->layers[i] == f->layers[i] && strcmp(d->layer_names[i], f->layer_names[i]) == 0;
    return same ? CLAB_OK : refuse(cx, "X, a layer or raw is not what it is in the file; only what stands beside them is saved");
}

static clab_status check_file(clab_ctx *cx, const char *path, const clab_value *was)
{
    struct stat now;
    if (stat(path, &now) != 0)
        return clab_fail(cx, CLAB_EIO, "save: %s cannot be looked at: %s", clab_show(path), strerror(errno));
    if (now.st_size != integer_of(was, "bytes") || modified(&now) != integer_of(was, "modified") ||
        (int64_t)now.st_ino != integer_of(was, "inode"))
        return refuse(cx, "the file was changed by somebody else since it was read");
    return CLAB_OK;
}

/* ---- the copy --------------------------------------------------------------------------------------*/

static clab_status copy_piece(clab_ctx *cx, int from, int to, char *buf, int64_t n, int64_t *done)
{
    ssize_t k = clab_fault_io(cx) ? -1 : copy_file_range(from, NULL, to, NULL, (size_t)n, 0);
    if (k < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
        k = read(from, buf, (size_t)n);
        for (ssize_t at = 0, w; at < k; at += w)
            if ((w = write(to, buf + at, (size_t)(k - at))) < 0)
                k = w = -1;
    }
    if (k < 0 && errno != EINTR)
        return clab_fail(cx, CLAB_EIO, "save: the file cannot be copied: %s", strerror(errno));
    if (k == 0)
        return clab_fail(cx, CLAB_EIO, "save: the file became shorter while it was copied");
    *done += k > 0 ? k : 0;
    return CLAB_OK;
}

static clab_status copy_file(clab_ctx *cx, const char *path, int to, int64_t bytes)
{
    int from = open(path, O_RDONLY | O_CLOEXEC);
    void *buf = NULL;
    clab_status st = CLAB_OK;
    if (from < 0)
        return clab_fail(cx, CLAB_EIO, "%s cannot be read: %s", clab_show(path), strerror(errno));
    if (ioctl(to, FICLONE, from) != 0) {
        clab_phase *phase = clab_phase_begin(cx, "copy", bytes, "bytes");
        st = clab_mem_alloc(cx, CLAB_MEM_WORK, PIECE, "a copy of the file", &buf);
        for (int64_t at = 0; st == CLAB_OK && at < bytes; clab_phase_step(phase, at))
            if ((st = clab_check(cx)) == CLAB_OK)
                st = copy_piece(cx, from, to, buf, bytes - at < PIECE ? bytes - at : PIECE, &at);
        clab_phase_end(phase);
        clab_mem_free(cx, buf);
    }
    close(from);
    return st;
}

/* ---- saving ----------------------------------------------------------------------------------------*/

static clab_status put_changes(clab_ctx *cx, clab_wire *w, const clab_dataset *d, const clab_value *uns)
{
    const clab_dataset *f = d->in_file;
    const struct {
        const char *section;
        const clab_value *now, *then;
    } parts[] = {{"obs", d->obs, f->obs},    {"var", d->var, f->var},    {"obsm", d->obsm, f->obsm},
                 {"varm", d->varm, f->varm}, {"obsp", d->obsp, f->obsp}, {"varp", d->varp, f->varp},
                 {"uns", uns, NULL}};
    clab_status st = CLAB_OK;
    for (size_t i = 0; st == CLAB_OK && i < sizeof parts / sizeof *parts; i++)
        if (parts[i].now != parts[i].then)
            st = clab__put_part(cx, w, parts[i].section, parts[i].now);
    return st;
}

clab_status clab_save(clab_ctx *cx, clab_dataset *d)
{
    clab__atomic a;
    clab_guest *g = NULL;
    clab_value *uns = NULL;
    char name[160];
    clab_status st = check_dataset(cx, d);
    if (st != CLAB_OK)
        return st;
    const clab_value *file = d->in_file->file;
    const char *path = *(char *const *)clab_value_get(file, "path")->data;
    snprintf(name, sizeof name, "%s", clab__file_name(path));
    if ((st = check_file(cx, path, file)) != CLAB_OK || clab_ctx_planning(cx) ||
        (st = clab__with_provenance(cx, d, &uns)) != CLAB_OK)
        return st;
    clab_phase *phase = clab_phase_begin(cx, "save", 0, "");
    if ((st = clab__atomic_begin(cx, path, &a)) != CLAB_OK)
        goto done;
    bool wide = clab__has_wide_table(d->obs) || clab__has_wide_table(d->var) || clab__has_wide_table(d->obsm) ||
                clab__has_wide_table(d->varm) || clab__has_wide_table(uns);
    st = copy_file(cx, path, a.fd, integer_of(file, "bytes"));
    if (st == CLAB_OK)
        st = clab__write_start(cx, &a, name, LEVEL, CLAB__OUT_EDIT, wide, &g);
    if (st != CLAB_OK) {
        clab__atomic_abort(&a);
        goto done;
    }
    st = clab__write_finish(cx, g, put_changes(cx, clab_guest_wire(g), d, uns), &a);
    if (st == CLAB_OK)
        st = clab__save_remember(cx, path, d);
done:
    clab_phase_end(phase);
    clab_value_unref(uns);
    return st;
}
