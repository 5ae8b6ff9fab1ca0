/* matrix.h -- a view of counts: which rows of which stores, and the recipe that is applied on the way out.
 *
 * A matrix is a list of blocks.  A block is a store and a chain of operations applied to each row
 * after decoding: a gene map, per-cell normalisation, log1p, scale, cast.  Rows of the blocks one after
 * another form the matrix, or `rows` picks from them.  Immutable, reference-counted; every change is a
 * new matrix that costs kilobytes.  Refuses to hold values.  N rows (cells), G columns (genes).
 *
 * An entry that is not stored is 0 when it leaves its store, and what the recipe makes of 0 when it leaves the
 * matrix: its *base*.  Only a centred scale and a fill make another number of it.
 */
#ifndef CLAB_MATRIX_H
#define CLAB_MATRIX_H

#include "counts/store.h"

typedef struct clab_matrix clab_matrix;

CLAB_MUST_CHECK clab_status clab_matrix_new(clab_ctx *cx, clab_store *s /* refs it */, clab_matrix **out);
clab_matrix *clab_matrix_ref(const clab_matrix *m);
void clab_matrix_unref(clab_matrix *m); /* NULL is fine */

int64_t clab_matrix_n_rows(const clab_matrix *m);
int64_t clab_matrix_n_cols(const clab_matrix *m);
clab_dtype clab_matrix_dtype(const clab_matrix *m);   /* of the values that come out */
bool clab_matrix_is_raw(const clab_matrix *m);        /* no recipe beyond gene maps and casts: stored values */
bool clab_matrix_is_dense(const clab_matrix *m);      /* came from dense arrays (all blocks) */
/* Entries of the selected rows that clab_rows delivers, at most: those stored before gene maps (exact without
 * maps), or every gene of the rows that have a base. */
int64_t clab_matrix_nnz_bound(const clab_matrix *m);
/* Bytes that the stores it refers to hold in memory / that they are packed, in memory or in a scratch file;
 * each store once. */
int64_t clab_matrix_store_bytes(const clab_matrix *m);
int64_t clab_matrix_packed_bytes(const clab_matrix *m);
/* Every holding of the ledger that it keeps alive (ledger/holdings.h). */
void clab_matrix_held(const clab_matrix *m, clab_held_fn *fn, void *user); /* NULL is fine */
int clab_matrix_n_blocks(const clab_matrix *m);
const clab_store *clab_matrix_store(const clab_matrix *m, int block);
/* "normalise(1e4) > log1p > scale(max 10)" or "" */
CLAB_MUST_CHECK clab_status clab_matrix_recipe(clab_ctx *cx, const clab_matrix *m, char *buf, size_t n);

/* ---- views -------------------------------------------------------------------------------------------*/
CLAB_MUST_CHECK clab_status clab_matrix_take_rows(clab_ctx *cx, const clab_matrix *m, const int64_t *rows, int64_t n, clab_matrix **out);
CLAB_MUST_CHECK clab_status clab_matrix_take_cols(clab_ctx *cx, const clab_matrix *m, const int64_t *cols, int64_t n, clab_matrix **out); /* unique, any order */
/* Rows of a then b then ...; col_map[i][g] = column of input i's gene g in the result or -1
 * (col_map[i] NULL: the same column); n_cols of the result.  Element types are promoted as numpy does. */
CLAB_MUST_CHECK clab_status clab_matrix_concat(clab_ctx *cx, const clab_matrix *const *parts, const int32_t *const *col_map, int n, int64_t n_cols, clab_matrix **out);
/* clab_matrix_sum_cols -- column c of m adds to column map[c] of the result (-1: dropped): genes that stand for one
 * another become one.  Values must be as stored (ESTATE names the recipe); whole numbers add up as int64. */
CLAB_MUST_CHECK clab_status clab_matrix_sum_cols(clab_ctx *cx, const clab_matrix *m, const int32_t *map, int64_t n_cols, clab_matrix **out);
/* The same rows and genes without normalisation, log1p and scale: the counts that scVI wants. */
CLAB_MUST_CHECK clab_status clab_matrix_raw(clab_ctx *cx, const clab_matrix *m, clab_matrix **out);

/* ---- recipe operations (statistics are computed by the caller, over these rows) ------------------------*/
CLAB_MUST_CHECK clab_status clab_matrix_op_normalise(clab_ctx *cx, const clab_matrix *m, const double *factor /* N, 0 = leave */, double target, clab_matrix **out);
CLAB_MUST_CHECK clab_status clab_matrix_op_log1p(clab_ctx *cx, const clab_matrix *m, double base /* 0 = e */, clab_matrix **out);
/* clab_matrix_op_scale -- every gene to unit variance; mean and std (G) are copied.
 *   mean NULL   y = x / std, clipped above at max_value (<= 0: none)
 *   mean given  y = (x - mean) / std, clipped at -max_value and max_value; every entry has a base then.
 * Rounded as scanpy.pp.scale does an array of the element type: float32 after the subtraction and after the
 * division, whole numbers become float64. */
CLAB_MUST_CHECK clab_status clab_matrix_op_scale(clab_ctx *cx, const clab_matrix *m, const double *mean, const double *std, double max_value, clab_matrix **out);
/* clab_matrix_op_fill -- entries of column c that are not stored become fill[c] (G, copied); 0 leaves them. */
CLAB_MUST_CHECK clab_status clab_matrix_op_fill(clab_ctx *cx, const clab_matrix *m, const double *fill, clab_matrix **out);
CLAB_MUST_CHECK clab_status clab_matrix_op_cast(clab_ctx *cx, const clab_matrix *m, clab_dtype to, clab_matrix **out); /* CLAB_F32 or CLAB_F64; whole numbers also CLAB_I64 */
/* Does some entry that is not stored have another value than 0? */
bool clab_matrix_has_base(const clab_matrix *m);
/* Do all blocks have one in their recipe?  *base (may be NULL): of the log, 0 = e. */
bool clab_matrix_has_log1p(const clab_matrix *m, double *base);
/* Has some block one? */
bool clab_matrix_some_log1p(const clab_matrix *m);
bool clab_matrix_some_normalise(const clab_matrix *m);
bool clab_matrix_some_scale(const clab_matrix *m);

#endif
