/* text_write_impl.h -- matrices written as text: CSV, TSV and 10x folders.  Private to core/io. */
#ifndef CLAB_TEXT_WRITE_IMPL_H
#define CLAB_TEXT_WRITE_IMPL_H

#include "data/rows.h"
#include "io/io_impl.h"

/* ---- text into a descriptor, plain or as gzip (gzip_out.c) -----------------------------------------------
 * Pieces of a megabyte are deflated on all threads, each as a gzip member of its own. */
typedef struct clab__gzip_out clab__gzip_out;
/* level: of deflate, -1 = plain text.  fd and name (safe to show) are borrowed. */
CLAB_MUST_CHECK clab_status clab__gzip_open(clab_ctx *cx, int fd, const char *name, int level, clab__gzip_out **out);
CLAB_MUST_CHECK clab_status clab__gzip_put(clab__gzip_out *z, const char *s, size_t n);
/* What is held goes out.  The descriptor stays open. */
CLAB_MUST_CHECK clab_status clab__gzip_end(clab__gzip_out *z);
void clab__gzip_free(clab__gzip_out *z); /* NULL is fine */

/* A value as the shortest text that reads back as the same float or double; at most 32 bytes, returns its length. */
size_t clab__print_value(double x, bool f64, char *to);

/* ---- folders that appear whole (atomic_folder.c) -----------------------------------------------------------
 * Files are made in a folder beside the target, which takes its place at the end.  A folder that is there is
 * replaced only when it holds nothing but files of the names in `ours` (NULL-ended). */
typedef struct {
    char *target, *temporary;
    bool exists;
} clab__atomic_folder;
CLAB_MUST_CHECK clab_status clab__folder_begin(clab_ctx *cx, const char *path, const char *const *ours,
                                               clab__atomic_folder *out);
/* A new file in it; *fd is the caller's, clab__folder_close syncs and closes it. */
CLAB_MUST_CHECK clab_status clab__folder_file(clab_ctx *cx, const clab__atomic_folder *f, const char *name, int *fd);
CLAB_MUST_CHECK clab_status clab__folder_close(clab_ctx *cx, const clab__atomic_folder *f, int fd);
CLAB_MUST_CHECK clab_status clab__folder_commit(clab_ctx *cx, clab__atomic_folder *f);
void clab__folder_abort(clab__atomic_folder *f); /* fine after commit */

/* ---- the formats --------------------------------------------------------------------------------------------*/
typedef enum { CLAB__WRITE_H5AD, CLAB__WRITE_MTX, CLAB__WRITE_TABLE } clab__write_kind;
/* By format ("h5ad", "10x_mtx", "csv", "tsv"; NULL = told by the path). *delimiter: of a table. */
CLAB_MUST_CHECK clab_status clab__write_kind_of(clab_ctx *cx, const char *path, const char *format,
                                                clab__write_kind *out, char *delimiter);
CLAB_MUST_CHECK clab_status clab__write_table(clab_ctx *cx, const clab_dataset *d, const char *path, char delimiter,
                                              int level);
CLAB_MUST_CHECK clab_status clab__write_mtx(clab_ctx *cx, const clab_dataset *d, const char *path, int level);
/* A stream over X, in doubles where floats cannot hold its values; ESTATE without X. */
CLAB_MUST_CHECK clab_status clab__write_rows_open(clab_ctx *cx, const clab_dataset *d, const char *phase,
                                                  clab_rows **out);

#endif
