/* io_impl.h -- what the session's side of reading and writing shares.  Private to core/io. */
#ifndef CLAB_IO_IMPL_H
#define CLAB_IO_IMPL_H

#include "io/io.h"

/* The last part of a path, safe to show; rotating buffers as clab_show. */
const char *clab__file_name(const char *path);

/* Is there a file that can be read?  ENOTFOUND, EARG (a directory, a device), EIO with words. */
CLAB_MUST_CHECK clab_status clab__file_check(clab_ctx *cx, const char *path);

/* What a file is by its first bytes, else by its name (formats.c). */
typedef enum { CLAB__KIND_HDF5, CLAB__KIND_MTX, CLAB__KIND_TABLE, CLAB__KIND_FOLDER } clab__kind;
clab__kind clab__file_kind(const char *path);
/* Is it a folder with a matrix.mtx? */
bool clab__is_mtx_folder(const char *path);
/* Ask a text-read guest for a file; flushed. */
CLAB_MUST_CHECK clab_status clab__text_request(clab_ctx *cx, clab_wire *w, const char *path, const char *name,
                                               const char *scratch, const clab_read_opts *o);

/* The remedy of a failed reading where no better one is known. */
void clab__hint_damaged(clab_ctx *cx);

/* After a failed exchange: the guest's own reason where the stream broke, ours where we gave up.  Frees g. */
CLAB_MUST_CHECK clab_status clab__guest_failed(clab_ctx *cx, clab_guest *g, clab_status st);

/* Answer a guest's budget question (the letter was read). */
CLAB_MUST_CHECK clab_status clab__answer_ask(clab_ctx *cx, clab_wire *w, const char *file);

/* d stands in the file at path: remember both, for clab_save (save.c). */
CLAB_MUST_CHECK clab_status clab__save_remember(clab_ctx *cx, const char *path, clab_dataset *d);

/* Choose the counts of a dataset that was just read: sets d->counts and counts_from, says so in one line. */
CLAB_MUST_CHECK clab_status clab__counts_find(clab_ctx *cx, clab_dataset *d, const char *wanted);

/* clab__temporary_make -- a new file in `folder` (which ends in a slash) whose name tells who writes it; first
 * removes those of writers that are no more (temporary.c).  *path is malloc'd.  EIO. */
CLAB_MUST_CHECK clab_status clab__temporary_make(clab_ctx *cx, const char *folder, char **path, int *fd);
/* In a plan: *d as if its file held n cells, its own again and again (read_stretch.c). */
CLAB_MUST_CHECK clab_status clab__stretch(clab_ctx *cx, int64_t n, clab_dataset **d);

/* ---- atomic files (atomic.c) ---------------------------------------------------------------------*/
typedef struct {
    char *target;    /* symbolic links followed */
    char *temporary; /* in the same directory */
    int fd;          /* of the temporary file */
} clab__atomic;
CLAB_MUST_CHECK clab_status clab__atomic_begin(clab_ctx *cx, const char *path, clab__atomic *out);
/* fsync, mode of the file it replaces, rename, fsync of the directory.  Frees also on error (file removed).
 */
CLAB_MUST_CHECK clab_status clab__atomic_commit(clab_ctx *cx, clab__atomic *a);
/* Remove the temporary file.  Fine after commit. */
void clab__atomic_abort(clab__atomic *a);

#endif
