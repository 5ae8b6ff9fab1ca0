/* h5_impl.h -- reading and writing HDF5 inside a guest process: the pieces that the formats share.
 *
 * HDF5 1.10 is neither safe against crafted files nor against failed allocations, so everything here
 * runs in a guest, trusts no declared size, and follows nothing out of the file.  Private to core/io.
 */
#ifndef CLAB_H5_IMPL_H
#define CLAB_H5_IMPL_H

#define H5_USE_110_API
#include <hdf5.h>

#include "base/text.h"
#include "counts/store.h"
#include "data/value.h"
#include "guest/wire.h"
#include "io/want_impl.h"
#include "ledger/ledger.h"

#define CLAB__DEPTH 32 /* groups inside groups */
#define CLAB__AT 512   /* bytes of an object's path in messages and records */
#define CLAB__FILTER_LZF 32000
#define CLAB__SMALL (16LL << 20) /* bytes that may be taken without asking */

/* An open file and what has been found out on the way. */
typedef struct {
    clab_ctx *cx;
    hid_t file;
    const char *name;           /* of the file, safe to show; borrowed */
    clab_wire *wire;            /* to the session, for budget questions; NULL = no questions */
    bool facts_only;            /* what can be read again is packed for its facts and row table alone */
    const clab__want *want;     /* what of it is read; NULL = everything; borrowed */
    int fd_socket;              /* where finished stores are sent; -1 = none */
    const char *scratch;        /* folder for stores in files; NULL = stores in memory; borrowed */
    haddr_t above[CLAB__DEPTH]; /* groups from the root to here: a member that is one of them is a loop */
    int depth;
    int64_t n_elements;
    clab_str left_out; /* "uns/a (why), ..." */
    int64_t n_left_out;
    bool asked_wrong; /* what was asked for is not there: no fault of the file */
    int64_t n_latin1; /* strings that were not UTF-8 */
} clab__h5;

/* ---- the library and the file (h5_file.c) --------------------------------------------------------*/
/* Quiet, without external links, plug-ins only from where they may come, LZF added. */
void clab__h5_library(void);
/* Starts the library; plug-ins come from the whole paths in HDF5_PLUGIN_PATH and from nowhere else (h5_plugins.c). */
void clab__plugins_settle(void);
/* EFORMAT: its number, its name, what to install. */
clab_status clab__filter_missing(clab__h5 *h, const char *at, int id, const char *own_name);
/* Something was achieved: the clock that ends a guest stuck inside HDF5 starts again; the next call may
 * take longer by the bytes that it reads. */
void clab__h5_alive(int64_t bytes);
CLAB_MUST_CHECK clab_status clab__h5_open(clab__h5 *h, const char *path);
/* The same file again, through a descriptor: whatever has become of its name.  Without locks. */
CLAB_MUST_CHECK clab_status clab__h5_open_fd(clab__h5 *h, int fd);
void clab__h5_close(clab__h5 *h);
/* The deepest words of HDF5's error stack, for the end of a message; rotating buffers as clab_show.
 * Ask before any other call, which would clear them. */
const char *clab__h5_why(void);
/* Remember that the element `at` is left out; one warning names them all at the end. */
void clab__h5_leave_out(clab__h5 *h, const char *at, const char *fmt, ...) CLAB_PRINTF(3, 4);
/* Would `bytes` fit the session's budget?  Asks beyond CLAB__SMALL. */
CLAB_MUST_CHECK clab_status clab__h5_ask(clab__h5 *h, const char *at, int64_t bytes);
/* "obs" + "cell_type" = "obs/cell_type" into buf[CLAB__AT]; buf may not be `at`. */
const char *clab__h5_at(char *buf, const char *at, const char *name);

/* ---- members of groups -----------------------------------------------------------------------------
 * clab__h5_has -- is there a link of that name that leads to an object? */
bool clab__h5_has(hid_t group, const char *name);
/* Open group/name, where name may be a path below the group.  Refuses links out of the file.
 * EFORMAT or ENOTFOUND with words; *out must be given to H5Oclose. */
CLAB_MUST_CHECK clab_status clab__h5_member(clab__h5 *h, hid_t group, const char *name, const char *at,
                                            hid_t *out);
/* Names of the members in alphabetical order; free with clab__names_free. */
typedef struct {
    char **s;
    int64_t n, cap;
} clab__names;
CLAB_MUST_CHECK clab_status clab__h5_members(clab__h5 *h, hid_t group, const char *at, clab__names *out);
void clab__names_free(clab__names *n);
/* Step into a group: false when it is one of those above or too deep (then nothing to leave). */
bool clab__h5_enter(clab__h5 *h, hid_t group);
void clab__h5_leave(clab__h5 *h);
bool clab__h5_is_group(hid_t obj);

/* ---- attributes (h5_attr.c) ------------------------------------------------------------------------
 * Scalars and arrays of length 1 are the same; fixed and variable strings too.  Absent or of another
 * kind: false / 0 / "". */
bool clab__h5_attr_str(hid_t obj, const char *name, char *buf, size_t n);
int clab__h5_attr_ints(hid_t obj, const char *name, int64_t *v, int max); /* how many there are, -1 = none */
bool clab__h5_attr_bool(hid_t obj, const char *name, bool *v);
/* All strings of a string attribute; *found false when absent, NULL-spaced or empty without a type. */
CLAB_MUST_CHECK clab_status clab__h5_attr_names(clab__h5 *h, hid_t obj, const char *name, const char *at,
                                                clab__names *out, bool *found);

/* ---- datasets (h5_set.c) -------------------------------------------------------------------------*/
typedef enum { CLAB__NUMBER, CLAB__STRING, CLAB__COMPOUND, CLAB__OTHER } clab__class;

typedef struct {
    hid_t id, type, space;
    const char *at; /* borrowed, for messages */
    clab__class cls;
    clab_dtype dtype; /* NUMBER */
    bool null;        /* H5S_NULL */
    int rank;
    hsize_t dims[H5S_MAX_RANK];
    int64_t n;                   /* elements */
    hsize_t chunk[H5S_MAX_RANK]; /* 0 = not chunked */
    hsize_t stored;              /* bytes in the file */
    bool fast, shuffled;         /* chunks may be inflated here (clab__chunks_prepare) */
} clab__set;

/* Takes obj (also on error).  Refuses external storage, virtual datasets and filters that are not here. */
CLAB_MUST_CHECK clab_status clab__set_open(clab__h5 *h, hid_t obj, const char *at, clab__set *out);
/* group/name must be a dataset. */
CLAB_MUST_CHECK clab_status clab__set_member(clab__h5 *h, hid_t group, const char *name, const char *at,
                                             clab__set *out);
void clab__set_close(clab__set *s);
/* Can `bytes` in memory stand behind what is stored?  Refuses sizes that were only declared. */
CLAB_MUST_CHECK clab_status clab__set_plausible(clab__h5 *h, const clab__set *s, int64_t n, size_t size);
/* Element type of numbers and what HDF5 converts to. */
bool clab__type_dtype(hid_t type, clab_dtype *out);
hid_t clab__dtype_mem(clab_dtype t); /* borrowed */
/* Rows first..first+n of a rank-1 dataset, converted to `mem`; chunks are inflated on all threads where they can
 * be (set_slice, not from a task of the pool), or all is left to HDF5 (set_read). */
CLAB_MUST_CHECK clab_status clab__set_read(clab__h5 *h, const clab__set *s, int64_t first, int64_t n,
                                           hid_t mem, void *buf);
CLAB_MUST_CHECK clab_status clab__set_slice(clab__h5 *h, const clab__set *s, int64_t first, int64_t n,
                                            hid_t mem, void *buf);
/* A cache of at least one row of chunks, so that row blocks do not inflate a chunk twice. */
CLAB_MUST_CHECK clab_status clab__set_cache(clab__h5 *h, clab__set *s);

/* Chunks inflated by libdeflate on all threads where they are plain enough (h5_chunks.c): sets s->fast. */
CLAB_MUST_CHECK clab_status clab__chunks_prepare(clab__h5 *h, clab__set *s);

/* Elements of a rank-1 dataset on their way into memory, in two strides: `fetch` calls HDF5 (one thread at a
 * time), `inflate` does not (chunk k on any thread). */
typedef struct {
    int64_t from, to; /* elements of the dataset */
} clab__run;
typedef struct {
    const clab__set *set;
    hid_t mem;         /* type that comes out; borrowed */
    size_t size;       /* of an element of it */
    int64_t first, n;  /* elements */
    char *out;         /* n of them; what no run covers is not set */
    int64_t room;      /* bytes of out */
    int64_t n_chunks;  /* to inflate; 0 = all is there */
    int64_t first_chunk;
    struct clab__piece *pieces;
    int64_t room_pieces;
} clab__span;
typedef struct clab__inflater clab__inflater; /* what every worker needs */
CLAB_MUST_CHECK clab_status clab__inflater_new(clab__h5 *h, const clab__set *s, clab__inflater **out);
void clab__inflater_free(clab__inflater *z);
/* Elements first..first+n of which only those in runs (rising) are wanted.  Makes room in out where it is short. */
CLAB_MUST_CHECK clab_status clab__span_fetch(clab__h5 *h, clab__span *sp, int64_t first, int64_t n,
                                             const clab__run *runs, int64_t n_runs);
CLAB_MUST_CHECK clab_status clab__span_inflate(clab_ctx *cx, clab__inflater *z, clab__span *sp, int64_t k, int worker);
void clab__span_free(clab_ctx *cx, clab__span *sp);
/* Both strides for a dataset that is `fast`, into a buffer of the caller's. */
CLAB_MUST_CHECK clab_status clab__chunks_slice(clab__h5 *h, const clab__set *s, int64_t first, int64_t n, hid_t mem,
                                               void *buf);

/* Every string of a dataset (or of one field of it), or of an attribute, as UTF-8. */
typedef struct {
    char **s;
    int64_t n;
    void *block; /* fixed-length strings */
    hid_t vl_type, vl_space;
    char **fixed; /* what stood where a string had to be converted */
} clab__strings;
CLAB_MUST_CHECK clab_status clab__strings_read(clab__h5 *h, hid_t obj, bool attribute, const char *field,
                                               hid_t type, hid_t space, const char *at, clab__strings *out);
void clab__strings_free(clab__strings *s);
bool clab__is_utf8(const char *s);
/* n bytes of Latin-1 as UTF-8 with a NUL into out (2 n + 1 bytes, not those of s); its length. */
size_t clab__latin1(const char *s, size_t n, char *out);

/* ---- elements as values (h5_value.c, h5_table.c) ---------------------------------------------------
 * clab__read_element -- any element; takes obj.  *out is NULL when it was left out (and noted). */
CLAB_MUST_CHECK clab_status clab__read_element(clab__h5 *h, hid_t obj, const char *at, clab_value **out);
/* The member of a group; ENOTFOUND when absent. */
CLAB_MUST_CHECK clab_status clab__read_member(clab__h5 *h, hid_t group, const char *name, const char *at,
                                              clab_value **out);
CLAB_MUST_CHECK clab_status clab__read_dict(clab__h5 *h, hid_t group, const char *at, clab_value **out);
CLAB_MUST_CHECK clab_status clab__read_set(clab__h5 *h, const clab__set *s, const char *field, hid_t type,
                                           clab_value **out);
CLAB_MUST_CHECK clab_status clab__read_table(clab__h5 *h, hid_t group, const char *at, clab_value **out);
CLAB_MUST_CHECK clab_status clab__read_categorical(clab__h5 *h, hid_t group, const char *at,
                                                   clab_value **out);
CLAB_MUST_CHECK clab_status clab__read_nullable(clab__h5 *h, hid_t group, const char *at, clab_value **out);
/* A categorical from a dataset of codes and its levels; takes neither. */
CLAB_MUST_CHECK clab_status clab__read_codes(clab__h5 *h, const clab__set *codes, const char *field,
                                             hid_t type, const clab_value *levels, bool ordered,
                                             clab_value **out);
/* obs, var, raw/var: a dataframe group, or a compound dataset of AnnData < 0.7 (read_guest.c). */
CLAB_MUST_CHECK clab_status clab__read_frame(clab__h5 *h, hid_t group, const char *name, const char *at,
                                             clab_value **out);
/* AnnData < 0.7 (h5_legacy.c): compound obs/var with levels in uns/NAME_categories, compound obsm/varm. */
CLAB_MUST_CHECK clab_status clab__read_table_compound(clab__h5 *h, const clab__set *s, hid_t uns,
                                                      clab_value **out);
CLAB_MUST_CHECK clab_status clab__read_records(clab__h5 *h, const clab__set *s, bool as_dict,
                                               clab_value **out);

/* ---- matrices (h5_sparse.c, h5_csr.c, h5_csc.c, h5_dense.c) --------------------------------------------------
 * Rows leave through a sink, in order, in blocks: sorted, duplicates added up, values of `dtype`. */
typedef struct clab__sink clab__sink;
struct clab__sink {
    clab_status (*begin)(clab__sink *k, clab__h5 *h, int64_t n_rows, int64_t n_cols, clab_dtype dtype,
                         bool dense);
    clab_status (*rows)(clab__sink *k, clab__h5 *h, int64_t n_rows, const int64_t *indptr,
                        const int32_t *indices, const void *values);
    /* Instead of rows, where both are there: rows are made into tile `tile` (0..CLAB__TILES-1) on any thread, and
     * tiles are taken in order, by one thread at a time that need not be the first. */
    clab_status (*pack)(clab__sink *k, clab__h5 *h, int tile, int64_t first_row, int64_t n_rows,
                        const int64_t *indptr, const int32_t *indices, const void *values);
    clab_status (*append)(clab__sink *k, clab__h5 *h, int tile);
};
#define CLAB__TILES 64

/* Which rows and columns are wanted.  Zeros: all. */
typedef struct {
    const int64_t *rows; /* rising; NULL = all */
    int64_t n_rows;
    int64_t first;       /* of the rows that are picked, those from here on */
    const int32_t *cols; /* of every column: where it goes (rising) or -1; NULL = all */
    int64_t n_cols;
} clab__pick;

/* What the headers of a matrix say; the arrays are not read yet. */
typedef struct {
    char kind[8]; /* "csr", "csc", "dense" */
    int64_t n_rows, n_cols;
    clab_dtype dtype;
    int64_t nnz;                     /* stored entries; dense: n_rows x n_cols */
    int64_t stored;                  /* bytes in the file */
    clab__set data, indices, indptr; /* sparse; dense: data */
    char at[3][CLAB__AT];
    clab__pick pick; /* set after opening; borrowed */
} clab__matrix;
/* Takes obj.  n_rows, n_cols: what must come out (-1 = any). */
CLAB_MUST_CHECK clab_status clab__matrix_open(clab__h5 *h, hid_t obj, const char *at, int64_t n_rows,
                                              int64_t n_cols, clab__matrix *out);
void clab__matrix_close(clab__matrix *m);
/* Arrays laid out as CSR under other names (10x). Takes the members of the group. */
CLAB_MUST_CHECK clab_status clab__matrix_open_arrays(clab__h5 *h, hid_t group, const char *at, bool by_column,
                                                     int64_t n_rows, int64_t n_cols, clab__matrix *out);
/* Row (or column) pointers, checked: from 0, never down, to the end of the arrays; clab_mem_free them. */
CLAB_MUST_CHECK clab_status clab__indptr_read(clab__h5 *h, const clab__matrix *m, int64_t **out);
/* Stream all rows into the sink. */
CLAB_MUST_CHECK clab_status clab__matrix_stream(clab__h5 *h, clab__matrix *m, clab__sink *k);
CLAB_MUST_CHECK clab_status clab__csr_stream(clab__h5 *h, clab__matrix *m, const int64_t *indptr,
                                             clab__sink *k);
CLAB_MUST_CHECK clab_status clab__csc_stream(clab__h5 *h, clab__matrix *m, const int64_t *indptr,
                                             clab__sink *k);
CLAB_MUST_CHECK clab_status clab__dense_stream(clab__h5 *h, clab__matrix *m, clab__sink *k);
/* Sort the columns inside the rows of a block and add up duplicates, in place; rows shrink. */
CLAB_MUST_CHECK clab_status clab__rows_tidy(clab_ctx *cx, int64_t n_rows, int64_t *indptr, int32_t *indices,
                                            void *values, clab_dtype t);
/* Read indices as int32, each checked to be in 0..limit-1. */
CLAB_MUST_CHECK clab_status clab__indices_read(clab__h5 *h, const clab__set *s, int64_t first, int64_t n,
                                               int64_t limit, int32_t *out);
/* ---- picked rows and columns (h5_pick.c) --------------------------------------------------------------
 * Rows that come out of m. */
int64_t clab__pick_n_rows(const clab__matrix *m);
int64_t clab__pick_n_cols(const clab__matrix *m);
/* The first picked row (its number among the picked) that is `row` or later. */
int64_t clab__pick_find(const clab__matrix *m, int64_t row);
int64_t clab__pick_row(const clab__matrix *m, int64_t i); /* the i-th picked row */
/* Keep the picked columns of rows, in place; indptr too. */
void clab__pick_cols(const clab__pick *p, int64_t n_rows, int64_t *indptr, int32_t *indices, void *values, size_t size);
/* Rows first_row.. of the file, of which the picked ones go on to k.  Changes what it is given. */
CLAB_MUST_CHECK clab_status clab__pick_pass(clab__h5 *h, const clab__matrix *m, clab__sink *k, int64_t first_row,
                                            int64_t n_rows, int64_t *indptr, int32_t *indices, void *values);
/* Small sparse matrices as values. */
CLAB_MUST_CHECK clab_status clab__read_sparse(clab__h5 *h, hid_t obj, const char *at, clab_value **out);
/* What its values are like: of all of them, or of the first 65,536 as they are stored (inspect_scan.c). */
typedef struct {
    clab__sink sink;
    clab_dtype dtype;
    int64_t stored, nonzero;
    bool whole, negative, finite;
    double min, max;
} clab__scan;
void clab__scan_begin(clab__scan *s);
CLAB_MUST_CHECK clab_status clab__scan_matrix(clab__h5 *h, clab__matrix *m, bool full, clab__scan *out);
/* Whatever streams rows, as a store in a memfd or a scratch file, announced and sent to the session under
 * `section`; and a matrix so. */
typedef clab_status clab__stream_fn(clab__h5 *h, void *from, clab__sink *k);
CLAB_MUST_CHECK clab_status clab__rows_send(clab__h5 *h, clab__stream_fn *stream, void *from, const char *section,
                                            bool again /* rows can be had from the file again, in order */);

CLAB_MUST_CHECK clab_status clab__matrix_send(clab__h5 *h, clab__matrix *m, const char *section);
/* The same in a dry run: shape, lengths of the rows, and a sample of at most one row in a hundred (h5_sketch.c). */
CLAB_MUST_CHECK clab_status clab__sketch_send(clab__h5 *h, clab__matrix *m, const char *section);

/* ---- a part of a file (read_part.c) -----------------------------------------------------------------
 * Which cells and genes of a file with n_obs and n_vars of them are read; zeros: all. */
typedef struct {
    int64_t n_obs, n_vars;  /* in the file */
    int64_t *rows, *cols;   /* rising; NULL = all */
    int64_t n_rows, n_cols;
    int32_t *map;           /* of every column: where it goes, or -1 */
    bool borrowed;          /* rows are another part's */
} clab__part;
/* obs and var as read become those that are wanted. */
CLAB_MUST_CHECK clab_status clab__part_obs(clab__h5 *h, clab__part *p, clab_value **obs);
CLAB_MUST_CHECK clab_status clab__part_var(clab__h5 *h, clab__part *p, clab_value **var);
/* obsm, varm, obsp, varp: items as long as the file's cells or genes are cut. */
CLAB_MUST_CHECK clab_status clab__part_dict(clab__h5 *h, const clab__part *p, const char *section, clab_value **dict);
clab__pick clab__part_pick(const clab__part *p);
void clab__part_free(clab__h5 *h, clab__part *p);

/* ---- the 10x layout (tenx.c) ---------------------------------------------------------------------*/
typedef enum { CLAB__H5AD, CLAB__TENX3, CLAB__TENX2, CLAB__LOOM } clab__format;
CLAB_MUST_CHECK clab_status clab__format_tell(clab__h5 *h, clab__format *out);
typedef struct {
    clab_value *obs, *var;
    clab__matrix x;
} clab__tenx;
CLAB_MUST_CHECK clab_status clab__tenx_open(clab__h5 *h, clab__format f, const char *genome, clab__tenx *out);
void clab__tenx_close(clab__tenx *t);
/* Repeated names get -1, -2, ... as AnnData's var_names_make_unique does, with a warning. */
CLAB_MUST_CHECK clab_status clab__unique_names(clab__h5 *h, clab_value *names, clab_value **out);

/* ---- loom (loom.c), and its dense tables of genes x cells (h5_turned.c) ---------------------------------*/
typedef struct {
    bool legacy; /* before 3.0.0 */
    clab_value *obs, *var, *obsm, *varm;
    clab__matrix x; /* kind "turned" */
} clab__loom;
CLAB_MUST_CHECK clab_status clab__loom_open(clab__h5 *h, clab__loom *out);
void clab__loom_close(clab__loom *l);
CLAB_MUST_CHECK clab_status clab__loom_layers(clab__h5 *h, clab__names *out);
CLAB_MUST_CHECK clab_status clab__loom_layer(clab__h5 *h, const clab__loom *l, const char *section, clab__matrix *m);
CLAB_MUST_CHECK clab_status clab__loom_send(clab__h5 *h);
/* Takes obj.  A matrix of n_cells x n_genes (-1 = any) that lies in the file the other way; kind "turned". */
CLAB_MUST_CHECK clab_status clab__turned_open(clab__h5 *h, hid_t obj, const char *at, int64_t n_cells, int64_t n_genes,
                                              clab__matrix *m);
CLAB_MUST_CHECK clab_status clab__turned_stream(clab__h5 *h, clab__matrix *m, clab__sink *k);

/* ---- records on the wire ---------------------------------------------------------------------------
 * guest to session: a letter, then what it announces */
#define CLAB__REC_VALUE 'V'  /* section, value */
#define CLAB__REC_MATRIX 'M' /* section; the descriptor went through the socket; h5-write: header, blocks */
#define CLAB__REC_SKETCH 'K' /* of a dry run: section, rows, entries or -1, bytes that the worker would take, 1
                              * and entries before each row or 0; the sample went through the socket */
#define CLAB__REC_SOURCE 'F' /* section; as M, but the rows stay in the file and come from h5-rows */
#define CLAB__REC_ASK 'A'    /* object, bytes; the answer is one byte, 1 = go on */
#define CLAB__REC_HELD 'H'   /* dry run: bytes that the worker held at its peak */
#define CLAB__REC_END 'Z'
CLAB_MUST_CHECK clab_status clab__value_send(clab__h5 *h, const char *section, const clab_value *v);
CLAB_MUST_CHECK clab_status clab__end_of_reply(clab_ctx *cx, clab_wire *wire);
/* One value as the whole reply. */
CLAB_MUST_CHECK clab_status clab__send_only(clab__h5 *h, const clab_value *v);

herr_t clab__lzf_register(void);

/* clab__scratch_file -- a new file without a name in `folder`, open for reading and writing; gone when its
 * last descriptor is closed.  EARG where the folder lies in memory, EIO (scratch.c). */
CLAB_MUST_CHECK clab_status clab__scratch_file(clab_ctx *cx, const char *folder, int *fd);

/* Hand a descriptor through a UNIX socket / take one (waits while the other side lives; ECANCEL). */
CLAB_MUST_CHECK clab_status clab__fd_send(clab_ctx *cx, int socket, int fd);
CLAB_MUST_CHECK clab_status clab__fd_take(clab_ctx *cx, int socket, int *fd);

#endif
