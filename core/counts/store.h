/* store.h -- the non-zeros of one matrix, packed once, immutable, reference-counted.
 *
 * Rows are compressed: strictly increasing column indices as deltas, counts as value-1, both
 * bit-packed in blocks of up to 128; rows that hold anything but whole numbers below 2^31 keep their
 * values (any dtype, exactly), each distinct one once where there are few, beside the packed indices.  One
 * position-independent, versioned, checksummed layout that is held in memory or stays in a scratch file.
 * The decoder survives any bytes.  N rows (cells), G columns (genes).
 */
#ifndef CLAB_STORE_H
#define CLAB_STORE_H

#include "base/csr.h"
#include "base/ctx.h"
#include "ledger/holdings.h"

typedef struct clab_store clab_store;

/* ---- building: in a session or in a guest ---------------------------------------------------------*/
typedef struct clab_store_builder clab_store_builder;

/* clab_store_builder_new -- into fd (a memfd or file, written by pwrite from offset 0; borrowed), or
 * fd = -1 to make a memfd itself.  dtype: as the file says; kept for writing back.
 * dense: the matrix came from a dense array (kept as a fact for writing back). */
CLAB_MUST_CHECK clab_status clab_store_builder_new(clab_ctx *cx, int fd, int64_t n_cols, clab_dtype dtype, bool dense, clab_store_builder **out);
/* Append rows; packed on the pool (not to be called from a task of it).  indices sorted and unique in a row (the caller merged duplicates); values of the
 * builder's dtype (float*, double*, int32_t*, ... borrowed).  Zeros are kept as stored entries. */
CLAB_MUST_CHECK clab_status clab_store_builder_add(clab_ctx *cx, clab_store_builder *b, int64_t n_rows, const int64_t *indptr, const int32_t *indices, const void *values);
/* Packing apart from a builder: a tile is packed on any thread, and tiles are appended in order; the layout does
 * not depend on how rows were cut into tiles.  clab_store_builder_add does so by itself. */
typedef struct clab_store_tile clab_store_tile;
CLAB_MUST_CHECK clab_status clab_store_tile_new(clab_ctx *cx, int64_t n_cols, clab_dtype dtype, clab_store_tile **out);
/* Replace what the tile holds by these rows (as clab_store_builder_add); first_row: for messages. */
CLAB_MUST_CHECK clab_status clab_store_tile_pack(clab_ctx *cx, clab_store_tile *t, int64_t first_row, int64_t n_rows, const int64_t *indptr, const int32_t *indices, const void *values);
void clab_store_tile_free(clab_store_tile *t); /* NULL is fine */
CLAB_MUST_CHECK clab_status clab_store_builder_append(clab_ctx *cx, clab_store_builder *b, const clab_store_tile *t);
/* Rows are counted, summed and thrown away: header and row table alone are written, at their places. */
void clab_store_builder_facts_only(clab_store_builder *b);
/* Finish header, row table and checksums; *bytes = size of the layout.  Frees b on success and error. */
CLAB_MUST_CHECK clab_status clab_store_builder_end(clab_ctx *cx, clab_store_builder *b, int64_t *bytes);
void clab_store_builder_free(clab_store_builder *b);
/* Finish and open in one: for builders that made their own memfd.  Frees b. */
CLAB_MUST_CHECK clab_status clab_store_builder_store(clab_ctx *cx, clab_store_builder *b, const char *what, clab_store **out);

/* ---- opening, holding -------------------------------------------------------------------------------
 * clab_store_open -- validate the layout in fd and hold it; takes fd (also on error).  Seals a memfd.
 * what: owner shown in the ledger ("counts of pbmc3k.h5ad").  Charges CLAB_MEM_COUNTS. */
CLAB_MUST_CHECK clab_status clab_store_open(clab_ctx *cx, int fd, const char *what, clab_store **out);
/* clab_store_open_file -- the same, but the rows stay in the file (a private scratch file that nobody else
 * writes) and are fetched one at a time: 16 bytes a row are held and charged.  EIO when it cannot be read. */
CLAB_MUST_CHECK clab_status clab_store_open_file(clab_ctx *cx, int fd, const char *what, clab_store **out);
/* clab_store_open_facts -- what a builder left that kept facts only: good for its info and the lengths of its rows. */
CLAB_MUST_CHECK clab_status clab_store_open_facts(clab_ctx *cx, int fd, const char *what, clab_store **out);
clab_store *clab_store_ref(clab_store *s);
void clab_store_unref(clab_store *s); /* NULL is fine; gives the bytes back at the last one */

typedef struct {
    int64_t n_rows, n_cols, nnz;
    int64_t bytes;          /* of the layout */
    int64_t held;           /* of it in memory: all, or the row table alone */
    int64_t on_disk;        /* of it in a scratch file: none, or all */
    clab_dtype dtype;       /* as in the file */
    bool dense;             /* came from a dense array */
    bool whole;             /* every stored value is a whole number */
    bool negative;          /* some value < 0 */
    bool finite;            /* no NaN or Inf */
    double min, max;        /* of stored values; 0, 0 when none */
    int64_t bad_row, bad_col; /* first entry that is no whole number >= 0, or -1 */
    double bad_value;
    uint64_t hash;          /* of shape, indices and values; does not depend on blocks */
} clab_store_info;
const clab_store_info *clab_store_get_info(const clab_store *s);
int64_t clab_store_row_nnz(const clab_store *s, int64_t row);
void clab_store_held(const clab_store *s, clab_held_fn *fn, void *user); /* what it keeps alive; NULL is fine */
int clab_store_refs(const clab_store *s); /* holders now: for telling whether bytes would come back */

/* ---- decoding ------------------------------------------------------------------------------------------
 * Thread-safe.  Decode one row into indices[] and values (f32 or f64, the other NULL); both arrays
 * hold at least clab_store_row_nnz entries (+ CLAB_STORE_PAD of slack).  EFORMAT on damaged bytes; EIO
 * when a scratch file cannot be read. */
#define CLAB_STORE_PAD 128
CLAB_MUST_CHECK clab_status clab_store_row(clab_ctx *cx, const clab_store *s, int64_t row, int32_t *indices, float *f32, double *f64);

/* ---- sources: rows that come in order from somewhere else ---------------------------------------------------
 * A store may have its rows in a file of another format, from which they come in order, a segment at a time: one
 * pass over it holds a segment or two and writes nothing.  Formats implement the interface; data/rows.c is the one
 * reader.  `self` belongs to the store from clab_store_from_source on (also when that fails).
 * The functions are called from one thread at a time, never from a task of the pool. */
typedef struct {
    /* Rows row .. row + n_rows(*out) - 1, at least one, packed with the store's columns and dtype.  A pass asks for
     * one segment after another; any other row begins a new pass there. */
    clab_status (*segment)(clab_ctx *cx, void *self, int64_t row, clab_store **out);
    /* All rows as a store of another home, for reading in any order: asked for at most once, the source is not
     * asked for segments afterwards.  It is told to the user before. */
    clab_status (*settle)(clab_ctx *cx, void *self, clab_store **out);
    /* The pass is over or given up: let go of what serves it (a worker, buffers). */
    void (*rest)(clab_ctx *cx, void *self);
    void (*free)(clab_ctx *cx, void *self);
} clab_source;
/* clab_store_from_source -- info: shape, nnz, dtype and the facts of the values, as well as they are known; held and
 * bytes are set here.  before: n_rows + 1 entries before each row, copied (EARG when they fall or end elsewhere). */
CLAB_MUST_CHECK clab_status clab_store_from_source(clab_ctx *cx, const clab_store_info *info, const uint64_t *before,
                                                   const clab_source *source, void *self, const char *what,
                                                   clab_store **out);
bool clab_store_is_source(const clab_store *s); /* and not settled yet */
/* For the reader: a pass begins (in_order: rows will rise; else, or while another pass is open, the store settles),
 * needs rows first..last for the decoding that follows, and ends.  Nothing happens to stores of other homes. */
CLAB_MUST_CHECK clab_status clab_store_pass_begin(clab_ctx *cx, clab_store *s, bool in_order);
CLAB_MUST_CHECK clab_status clab_store_pass_need(clab_ctx *cx, clab_store *s, int64_t first, int64_t last);
void clab_store_pass_end(clab_ctx *cx, clab_store *s);

/* ---- sketches: the stores of a dry run (docs/plan.md) ------------------------------------------------------
 * clab_store_sketch -- a store of n_rows rows that holds only a sample of them: row i has before[i+1] - before[i]
 * entries, those of a sampled row of about that length, thinned or filled up.  The bytes that all rows would take
 * packed are charged, not held.  Its rows may be read in a dry run only: they are no data.
 *   sample  in   a store with the same columns, at least one row unless n_rows is 0; borrowed
 *   before  in   n_rows + 1, from 0, or NULL: rows are as long as those of the sample
 *   nnz     in   with before NULL: of all rows, or -1 when it is not known either
 *   in_file in   as if it were clab_store_open_file's */
CLAB_MUST_CHECK clab_status clab_store_sketch(clab_ctx *cx, const clab_store *sample, int64_t n_rows, const int64_t *before,
                                              int64_t nnz, bool in_file, const char *what, clab_store **out);
/* clab_store_stretch -- a sketch of n_rows rows that go on as those of s, again and again. */
CLAB_MUST_CHECK clab_status clab_store_stretch(clab_ctx *cx, const clab_store *s, int64_t n_rows, const char *what, clab_store **out);

#endif
