/* io.h -- files in, files out.  One file a format behind it; HDF5 runs in a guest (guest/guest.h). */
#ifndef CLAB_IO_H
#define CLAB_IO_H

#include "data/dataset.h"
#include "data/genes.h"
#include "guest/guest.h"

/* Where the packed matrices of a file that is read are to be. */
typedef enum {
    CLAB_READ_MEMORY,
    CLAB_READ_SCRATCH, /* in scratch files without names; their row tables alone are held */
    CLAB_READ_FILE     /* nowhere: rows are packed as they are wanted, from the file (CSR, dense; others: scratch) */
} clab_read_home;

typedef struct {
    const char *counts; /* "auto", "X", "raw", "layers.NAME"; NULL = auto */
    const char *genome; /* 10x v2 files with several; NULL */
    clab_read_home backed;
    bool editable;       /* what clab_save needs is remembered; .h5ad, read whole */
    const char *orient;  /* text: what its rows are, "cells" or "genes"; NULL, "auto" = found out, and said */
    const char *delimiter; /* tables of text: "," or another character, "tab", "blanks"; NULL, "auto" = found out */
    const char *prefix;  /* 10x folders: of the names of the files, where the folder holds several sets; NULL */
    const char *scratch; /* folder of those files, on a disk; NULL = $TMPDIR, else /var/tmp */
    /* What is read; NULL = all.  HDF5: the rest stays in the file.  Cells and genes keep the order of the file. */
    const char *const *cols; /* of obs */
    int64_t n_cols;
    const char *const *genes;
    int64_t n_genes;
    const char *const *cells;
    int64_t n_cells;
    const char *where;       /* cells for which this is true (clab_where), instead of names */
    clab_gene_names_opts names; /* what the genes are called (data/genes.h) */
} clab_read_opts;

/* clab_read -- an .h5ad, a 10x .h5, a 10x folder with matrix.mtx, a loom file, MatrixMarket, or a table of text
 * (docs/formats.md; told by content, else by name; text may be gzipped).  Says what it took as counts and what it had to
 * leave out.  opts may be NULL.  Errors name the file, the object in it and the remedy. */
CLAB_MUST_CHECK clab_status clab_read(clab_ctx *cx, const char *path, const clab_read_opts *opts,
                                      clab_dataset **out);

typedef struct {
    int compression; /* deflate level 0..9; default 4 */
    bool dense;      /* .h5ad: write X dense */
    const char *format; /* "h5ad", "10x_mtx", "csv", "tsv"; NULL = told by the path: "DIR/", .csv, .tsv (or .gz) */
} clab_write_opts;
void clab_write_opts_init(clab_write_opts *o);

/* clab_write -- .h5ad, or X alone as a 10x folder, CSV or TSV (docs/formats.md); atomic: a temporary file beside it, fsync, rename; never damages an existing file,
 * also when it is the file that d was read from.  Cells stream through; never more than blocks in RAM. */
CLAB_MUST_CHECK clab_status clab_write(clab_ctx *cx, const clab_dataset *d, const char *path,
                                       const clab_write_opts *opts);

/* clab_save -- obs, var, obsm, varm, obsp, varp and uns of a dataset that was read `editable` into its file, of which
 * X, layers and raw stay as they are, bit for bit.  The file is copied (shared blocks where the file system can),
 * the copy edited, synced and renamed over it: old or new, whatever happens.  d then stands for the new file.
 * ESTATE, with what to do instead: not read so; X or a layer was changed, cells or genes selected; the file is
 * another one than when it was read. */
CLAB_MUST_CHECK clab_status clab_save(clab_ctx *cx, clab_dataset *d);

/* Rows that are made while they are written, for matrices that exist nowhere. */
typedef struct {
    int64_t n_rows, n_cols;
    int64_t nnz_bound; /* entries, at most */
    clab_dtype dtype;  /* in the file; blocks come as float */
    /* The next block in order, borrowed until the next call; NULL at the end. */
    clab_status (*next)(clab_ctx *cx, void *user, const clab_csr **block);
    /* What stands beside the matrix: a dataset without X, asked for once all rows were taken; owned. */
    clab_status (*rest)(clab_ctx *cx, void *user, clab_dataset **d);
    void *user;
} clab_row_source;

/* clab_write_rows -- as clab_write, with X from `x` and everything else from its rest(). */
CLAB_MUST_CHECK clab_status clab_write_rows(clab_ctx *cx, const clab_row_source *x, const char *path,
                                            const clab_write_opts *opts);

/* clab_write_check -- could a file be written at path?  For jobs whose output comes after hours: a temporary
 * file is made beside it and removed; what is there stays as it is. */
CLAB_MUST_CHECK clab_status clab_write_check(clab_ctx *cx, const char *path);

/* Small files, atomically. */
CLAB_MUST_CHECK clab_status clab_write_text(clab_ctx *cx, const char *path, const char *text, size_t n);
/* obs columns (all when n = 0) as CSV, RFC 4180; cells that a spreadsheet would run as a formula are quoted
 * with '. */
CLAB_MUST_CHECK clab_status clab_write_csv(clab_ctx *cx, const clab_dataset *d, const char *const *columns,
                                           int n, const char *path);
/* Any value tree as one file of our own (models): HDF5 written by the guest, same encodings as h5ad's uns. */
CLAB_MUST_CHECK clab_status clab_write_value(clab_ctx *cx, const clab_value *dict, const char *path);
CLAB_MUST_CHECK clab_status clab_read_value(clab_ctx *cx, const char *path, clab_value **out);

/* clab_read_names -- a text file with one name a line, as STRINGS.  EFORMAT when it holds none. */
CLAB_MUST_CHECK clab_status clab_read_names(clab_ctx *cx, const char *path, clab_value **out);

/* clab_inspect_file -- what a file holds, from headers, the small tables and a sample of the values, without
 * loading X.  full: every value is looked at.  A DICT:
 *   file, format ("h5ad", "10x h5", "10x mtx", "loom", "MatrixMarket", "table")   n_obs, n_vars   var_names STRINGS   var TABLE
 *   obs     DICT: column -> {kind; of text: n_levels, missing; of label candidates: levels, counts}
 *   x       DICT, absent without X: kind ("csr", "csc", "dense", "coo"), dtype, rows, cols, nnz (stored entries),
 *           stored_bytes (compressed), memory_bytes (as scipy or numpy), packed_bytes (as a store, about),
 *           dense_bytes, scanned, whole, negative, finite, min, max (of all or of the first 65,536 values)
 *   layers  DICT: name -> as x      raw  DICT {x}, absent without raw
 *   counts  "X", "layers.counts", "raw.X" or "none", by what was looked at */
CLAB_MUST_CHECK clab_status clab_inspect_file(clab_ctx *cx, const char *path, bool full, clab_value **out);

/* Guest roles, for core/roles.c. */
clab_guest_fn clab_text_guest_read, clab_guest_inspect;
clab_guest_fn clab_h5_guest_read, clab_h5_guest_rows, clab_h5_guest_write, clab_h5_guest_read_value;

#endif
