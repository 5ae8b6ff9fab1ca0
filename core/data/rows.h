/* rows.h -- the one door to the values: row blocks of any matrix, recipe applied, in any order.
 * Cancellation, progress and the byte limit live here, once. */
#ifndef CLAB_ROWS_H
#define CLAB_ROWS_H

#include "data/matrix.h"

typedef struct clab_rows clab_rows;

typedef struct {
    const int64_t *order;   /* rows to deliver, n_order of them, repeats allowed; NULL = all in order; borrowed */
    int64_t n_order;
    int64_t block_rows;     /* rows a block at most; 0 = chosen from max_bytes */
    int64_t max_bytes;      /* of one block; 0 = 2 MiB, or no limit where block_rows is given */
    bool f64;               /* deliver double instead of float */
    bool over_base;         /* of a matrix with a base: see below */
    const char *phase;      /* name a phase for progress ("hvg"), or NULL */
} clab_rows_opts;

/* Rows of blocks with a base (clab_matrix_has_base) come full: all columns present, so that who takes what is
 * not there for 0 stays right.  With over_base they stay sparse: each entry is its value less the base of its
 * column, rounded once in the delivered type, and block->base (n_cols) is to be added to the whole row; a block
 * then holds rows of one base only.  A base that is not finite or differs from row to row has no such form:
 * block->base is NULL there and the rows are full. */

/* clab_rows_open -- a stream over m (refs it).  opts may be NULL. Blocks are decoded on the pool. */
CLAB_MUST_CHECK clab_status clab_rows_open(clab_ctx *cx, const clab_matrix *m, const clab_rows_opts *opts, clab_rows **out);
/* clab_rows_next -- *block = the next block, or NULL at the end.  Borrowed until the next call.  ECANCEL. */
CLAB_MUST_CHECK clab_status clab_rows_next(clab_ctx *cx, clab_rows *r, const clab_csr **block);
/* Start again, with another order (same rules as above; for epochs). */
CLAB_MUST_CHECK clab_status clab_rows_rewind(clab_ctx *cx, clab_rows *r, const int64_t *order, int64_t n_order);
void clab_rows_close(clab_ctx *cx, clab_rows *r); /* NULL is fine */

/* A whole matrix as dense float32, n x g: for small results and tests.  Refuses above max_bytes
 * (EBUDGET, says the bytes). Caller clab_mem_free's. */
CLAB_MUST_CHECK clab_status clab_rows_dense(clab_ctx *cx, const clab_matrix *m, int64_t max_bytes, float **out);

#endif
