/* matrix_impl.h -- what a matrix is made of, for matrix*.c and rows.c.
 *
 * A block keeps one gene map, applied right after decoding, and behind it the operations: all of them work
 * value by value (a gene map commutes with them when their per-gene arrays are permuted with it), so
 * values that a later selection of genes throws away are never computed.
 */
#ifndef CLAB_MATRIX_IMPL_H
#define CLAB_MATRIX_IMPL_H

#include <stdatomic.h>

#include "data/matrix.h"

/* An immutable array that blocks share. */
typedef struct {
    atomic_int refs;
    clab_ctx *cx;
    int64_t n;
    union {
        double *f64;
        int64_t *i64;
        int32_t *i32;
        void *any;
    };
} clab__array;

CLAB_MUST_CHECK clab_status clab__array_new(clab_ctx *cx, int64_t n, size_t size, clab__array **out);
clab__array *clab__array_ref(clab__array *a); /* NULL is fine, here and below */
void clab__array_unref(clab__array *a);

typedef enum { CLAB__NORMALISE, CLAB__LOG1P, CLAB__SCALE, CLAB__CAST, CLAB__FILL } clab__op_kind;

typedef struct {
    clab__op_kind kind;
    double number;       /* NORMALISE target, LOG1P base, SCALE maximum: <= 0 when there is none */
    clab_dtype to;       /* CAST */
    clab__array *each;   /* NORMALISE: f64 a row of the block; SCALE: std, FILL: value, f64 a column of the matrix */
    clab__array *mean;   /* SCALE, centred: f64 a column of the matrix; NULL = not centred */
} clab__op;

#define CLAB__MAX_OPS 8

typedef struct {
    clab_store *store;
    int64_t n_rows;
    int64_t first;       /* store rows first .. first+n_rows-1 ... */
    clab__array *rows;   /* ... or these (i64), when not NULL */
    clab__array *map;    /* i32, a store column each: column of the matrix or -1; NULL = the same */
    bool sorted;         /* columns kept by the map rise with the store's; entries of one column add up else */
    int n_ops;
    clab__op ops[CLAB__MAX_OPS];
} clab__block;

struct clab_matrix {
    atomic_int refs;
    clab_ctx *cx;
    int64_t n_rows, n_cols;
    int n_blocks;
    clab__block *blocks;
    int64_t *starts;     /* n_blocks + 1: first row of each block */
    clab__array *order;  /* i64: row i of the matrix is row order[i] of the blocks put together; NULL = i */
};

/* The block of a row of the matrix, and the row inside it. */
const clab__block *clab__matrix_find(const clab_matrix *m, int64_t row, int64_t *local);

static inline int64_t clab__block_row(const clab__block *b, int64_t local)
{
    return b->rows ? b->rows->i64[local] : b->first + local;
}

clab_dtype clab__block_dtype(const clab__block *b);

/* ---- entries that are not stored (matrix_base.c) ------------------------------------------------------*/

/* Has the block a base? */
bool clab__block_has_base(const clab__block *b);
/* Does the base depend on the row, since a normalisation follows what made it? */
bool clab__block_base_varies(const clab__block *b);

/* The base of every block of a matrix, equal ones once. */
typedef struct {
    clab_ctx *cx;
    int64_t n_cols;
    int n;               /* distinct ones */
    bool finite;         /* all of them, in all columns */
    bool varies;         /* some block's depends on the row: it has none here */
    double **base;       /* n x n_cols */
    int *of;             /* n_blocks: which; -1 = zeros, or it varies */
} clab__bases;
CLAB_MUST_CHECK clab_status clab__bases_new(clab_ctx *cx, const clab_matrix *m, clab__bases **out);
void clab__bases_free(clab__bases *b); /* NULL is fine */

/* ---- stores whose rows come in order (rows_pass.c) -----------------------------------------------------*/

/* The passes that a stream has open over stores with a source. */
typedef struct {
    int n;
    clab_store **stores;
} clab__passes;
/* For rows order[0..n-1] of m, NULL = all in order.  Before a block is decoded its rows are needed. */
CLAB_MUST_CHECK clab_status clab__passes_begin(clab_ctx *cx, const clab_matrix *m, const int64_t *order, int64_t n,
                                               clab__passes *p);
CLAB_MUST_CHECK clab_status clab__passes_need(clab_ctx *cx, const clab_matrix *m, const int64_t *rows, int64_t n,
                                              clab__passes *p);
void clab__passes_end(clab_ctx *cx, clab__passes *p);

/* ---- making (matrix.c) --------------------------------------------------------------------------------*/

/* A matrix with room for n_blocks, none used yet; the caller fills blocks and calls clab__matrix_count. */
CLAB_MUST_CHECK clab_status clab__matrix_alloc(clab_ctx *cx, int n_blocks, int64_t n_cols, clab_matrix **out);
/* The same parts in a matrix that its one holder may still change. */
CLAB_MUST_CHECK clab_status clab__matrix_copy(clab_ctx *cx, const clab_matrix *m, clab_matrix **out);
/* Starts and n_rows from the blocks. */
void clab__matrix_count(clab_matrix *m);

void clab__block_copy(clab__block *to, const clab__block *from);
void clab__block_strip(clab__block *b); /* of its operations */
void clab__block_clear(clab__block *b);

/* ---- one row through the recipe (matrix_row.c) -----------------------------------------------------*/

/* What a worker needs beside the arrays it fills. */
typedef struct {
    clab_ctx *cx;
    float *f32;          /* values in the type that is not delivered: longest row */
    double *f64;
    double *dense;       /* for maps that are not sorted: a place a column ... */
    uint64_t *filled;    /* ... and a bit, all 0 between rows */
    int32_t *columns;    /* for rows with a base: 0 .. n_cols-1, and an empty row's values in either type */
    double *empty;
    float *empty32;
    uint32_t log_key[256];
    float log_value[256];
} clab__scratch;

/* For rows of m of at most `longest` stored entries, delivered as f64 or f32. */
CLAB_MUST_CHECK clab_status clab__scratch_new(clab_ctx *cx, const clab_matrix *m, int64_t longest, bool f64,
                                              clab__scratch **out);
void clab__scratch_free(clab__scratch *w);

/* Room that clab__matrix_row needs: entries of a row before its gene map, or a place a column for a full row. */
int64_t clab__matrix_row_room(const clab_matrix *m, int64_t row, bool full);

/* Row `row`, recipe applied, into indices and f32 or f64 (the other NULL); *n entries, columns rising.
 *   bases  NULL: entries as they are, for a matrix without one
 *   full   rows of blocks with a base have all columns; else every entry is what it has over its base */
CLAB_MUST_CHECK clab_status clab__matrix_row(clab_ctx *cx, const clab_matrix *m, int64_t row, clab__scratch *w,
                                             const clab__bases *bases, bool full, int32_t *indices, float *f32,
                                             double *f64, int64_t *n);

/* What the recipe makes of an empty row `local` of a block, all n_cols columns of it. */
void clab__block_empty_row(const clab__block *b, int64_t local, int64_t n_cols, clab__scratch *w, double *out);

#endif
