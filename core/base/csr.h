/* csr.h -- the block of rows that everything streams, and the element types of matrices.
 * Shapes: n_rows cells x n_cols genes.  Refuses to be a matrix library. */
#ifndef CLAB_CSR_H
#define CLAB_CSR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Element types as they stand in files; CLAB_STR only in tables. */
typedef enum {
    CLAB_F32, CLAB_F64, CLAB_I8, CLAB_I16, CLAB_I32, CLAB_I64, CLAB_U8, CLAB_U16, CLAB_U32, CLAB_U64,
    CLAB_BOOL, CLAB_STR
} clab_dtype;

size_t clab_dtype_size(clab_dtype t);       /* bytes; CLAB_STR: sizeof(char *) */
const char *clab_dtype_name(clab_dtype t);  /* "float32", "int64", "bool", "str" */
bool clab_dtype_is_integer(clab_dtype t);   /* the I and U kinds */

/* A block of consecutive rows.  Exactly one of f32/f64 is non-NULL (which one: the stream's type).
 * Column indices are strictly increasing inside a row, no explicit duplicates; zeros may be stored
 * only where the source stored them.  Borrowed from the stream until its next call. */
typedef struct {
    int64_t first_row;   /* index of row 0 of this block in the stream's order */
    int64_t n_rows;
    int64_t n_cols;
    int64_t nnz;
    int64_t *indptr;     /* n_rows + 1, from 0 */
    int32_t *indices;    /* nnz */
    float *f32;
    double *f64;
    int64_t *row_ids;    /* n_rows: row number in the matrix (differs from first_row+i when shuffled) */
    const double *base;  /* n_cols: what is added to every value, stored or not; NULL = 0 (clab_rows_opts.over_base) */
} clab_csr;

#endif
