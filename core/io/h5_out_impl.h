/* h5_out_impl.h -- writing HDF5 inside a guest.  Every call is checked: a full disk shows anywhere, often
 * only when something is closed.  Private to core/io. */
#ifndef CLAB_H5_OUT_IMPL_H
#define CLAB_H5_OUT_IMPL_H

#include "io/h5_impl.h"

/* What the guest makes of its file. */
typedef enum {
    CLAB__OUT_TREE, /* a value tree of our own, as the root's members */
    CLAB__OUT_H5AD, /* a new .h5ad */
    CLAB__OUT_EDIT  /* an .h5ad that is there: parts take the place of those it has */
} clab__out_kind;

typedef struct {
    clab_ctx *cx;
    hid_t file;
    const char *name; /* of the file the user named; safe to show */
    int level;        /* deflate 0..9 */
    hid_t boolean;    /* enum {FALSE, TRUE} over int8 */
    hid_t text;       /* variable-length UTF-8 */
    clab__out_kind kind;
} clab__out;

/* What travels in front of a matrix. */
typedef struct {
    int64_t n_rows, n_cols, nnz_bound;
    clab_dtype dtype; /* in the file */
    bool dense;
    bool f64; /* of the blocks */
} clab__matrix_head;

CLAB_MUST_CHECK clab_status clab__out_open(clab__out *o, const char *path, bool wide);
/* An .h5ad that is there, to be edited; EFORMAT when it is older than the encodings that are written. */
CLAB_MUST_CHECK clab_status clab__out_reopen(clab__out *o, const char *path, bool wide);
/* Flush and close, checked. */
CLAB_MUST_CHECK clab_status clab__out_close(clab__out *o);
/* EIO "writing NAME: AT: why". */
CLAB_MUST_CHECK clab_status clab__out_fail(clab__out *o, const char *at);

/* ---- pieces (h5_out.c) ---------------------------------------------------------------------------*/
CLAB_MUST_CHECK clab_status clab__out_encoding(clab__out *o, hid_t obj, const char *at, const char *type,
                                               const char *version);
CLAB_MUST_CHECK clab_status clab__out_attr_str(clab__out *o, hid_t obj, const char *at, const char *name,
                                               const char *value);
CLAB_MUST_CHECK clab_status clab__out_attr_strs(clab__out *o, hid_t obj, const char *at, const char *name,
                                                char *const *values, int64_t n);
CLAB_MUST_CHECK clab_status clab__out_attr_shape(clab__out *o, hid_t obj, const char *at, int64_t n_rows,
                                                 int64_t n_cols);
CLAB_MUST_CHECK clab_status clab__out_attr_bool(clab__out *o, hid_t obj, const char *at, const char *name,
                                                bool value);
CLAB_MUST_CHECK clab_status clab__out_group(clab__out *o, hid_t parent, const char *name, const char *at,
                                            hid_t *out);
/* A chunked, compressed dataset of `max` NULL = its final size; chunks of about 256 KiB. */
CLAB_MUST_CHECK clab_status clab__out_set(clab__out *o, hid_t parent, const char *name, const char *at,
                                          hid_t type, int rank, const hsize_t *dims, bool grows, hid_t *out);
CLAB_MUST_CHECK clab_status clab__out_array(clab__out *o, hid_t parent, const char *name, const char *at,
                                            hid_t file_type, hid_t mem_type, int rank, const int64_t *dims,
                                            const void *data, hid_t *out);
CLAB_MUST_CHECK clab_status clab__out_done(clab__out *o, hid_t obj, const char *at); /* checked H5Oclose */
hid_t clab__dtype_file(const clab__out *o, clab_dtype t); /* borrowed: little-endian, enum for booleans */
hid_t clab__dtype_from(const clab__out *o, clab_dtype t); /* borrowed: what our elements are in memory */

/* ---- growing arrays, deflated on all threads (h5_out_chunks.c) ------------------------------------
 * For a chunked, growing set of rank 1 that takes elements of `mem`; *out = NULL where HDF5 has to write it:
 * no compression, or a type that must be converted.  `set` and `at` are borrowed. */
typedef struct clab__out_chunks clab__out_chunks;
CLAB_MUST_CHECK clab_status clab__chunks_new(clab__out *o, hid_t set, const char *at, hid_t mem,
                                             clab__out_chunks **out);
CLAB_MUST_CHECK clab_status clab__chunks_add(clab__out_chunks *c, int64_t n, const void *data);
/* The rest, and the set's final extent.  Frees c, which may be NULL. */
CLAB_MUST_CHECK clab_status clab__chunks_end(clab__out_chunks *c);
void clab__chunks_free(clab__out_chunks *c); /* NULL is fine */

/* ---- elements (h5_out_value.c), matrices (h5_out_matrix.c) ---------------------------------------*/
CLAB_MUST_CHECK clab_status clab__out_value(clab__out *o, hid_t parent, const char *name, const char *at,
                                            const clab_value *v);
/* The items of a dictionary into a group that exists. */
CLAB_MUST_CHECK clab_status clab__out_items(clab__out *o, hid_t group, const char *at,
                                            const clab_value *dict);
/* Blocks from the wire into parent/name. */
CLAB_MUST_CHECK clab_status clab__out_matrix(clab__out *o, clab_wire *wire, hid_t parent, const char *name,
                                             const char *at, const clab__matrix_head *head);

#endif
