/* text_impl.h -- matrices and tables of text read inside a guest process: MatrixMarket, 10x folders, CSV and
 * its kin, plain or gzipped.
 *
 * They end in the same sinks as HDF5's matrices, so the clab__h5 of h5_impl.h is their context too (its `file`
 * is not open).  Nothing is allocated from a size that a file only claims; what grows, grows with the bytes
 * that were really there.  Private to core/io.
 */
#ifndef CLAB_TEXT_IMPL_H
#define CLAB_TEXT_IMPL_H

#include "io/h5_impl.h"

/* ---- text, plain or gzip (text_in.c) -----------------------------------------------------------------
 * Read once from the beginning to the end; several gzip members are one text.  A failure is kept: the
 * readers answer as at the end of the text, and clab__text_status tells which it was. */
#define CLAB__LINE_MAX (1 << 20) /* bytes of a line that is read as one */

typedef struct {
    clab_ctx *cx;
    const char *name; /* safe to show; borrowed */
    int fd;
    void *inflate;             /* z_stream; NULL = plain */
    unsigned char *in;         /* bytes of the file */
    unsigned char *out, *line; /* text that is here / a line that had to be put together */
    unsigned char *at, *end;   /* of the text that is here, what was not taken yet */
    int64_t n_in, n_out;       /* bytes taken from the file, bytes of text made of them */
    int64_t n_lines;           /* begun so far */
    int64_t bytes;             /* of the file */
    bool over, member_over;
    clab_status status;
} clab__text;

CLAB_MUST_CHECK clab_status clab__text_open(clab_ctx *cx, const char *path, const char *name, clab__text *t);
void clab__text_close(clab__text *t); /* fine after a failed open */
int clab__text_more(clab__text *t);   /* for clab__text_get */
/* The next byte, or -1. */
static inline int clab__text_get(clab__text *t)
{
    return t->at < t->end ? *t->at++ : clab__text_more(t);
}
/* The next line without its end, NUL-terminated in place; valid until the next call.  NULL at the end. */
char *clab__text_line(clab__text *t, size_t *n);
static inline clab_status clab__text_status(const clab__text *t)
{
    return t->status;
}
/* Could a list of names that holds `bytes` come from this text?  Repeats pack 1000 : 1, names do not. */
CLAB_MUST_CHECK clab_status clab__text_plausible(clab__text *t, int64_t bytes);
/* Bytes of text that the whole file can hold at most. */
int64_t clab__text_bytes(const clab__text *t);

/* ---- lists of names (str_list.c) ---------------------------------------------------------------------------*/
typedef struct {
    char *text;
    int64_t len, cap, *at, n, n_cap;
    int64_t asked; /* bytes the session has agreed to */
} clab__strlist;
/* Adds n bytes as one name; what is not UTF-8 is read as Latin-1 and counted. */
CLAB_MUST_CHECK clab_status clab__strlist_add(clab__h5 *h, clab__text *t, clab__strlist *w, const char *s, size_t n);
const char *clab__strlist_get(const clab__strlist *w, int64_t i);
void clab__strlist_free(clab_ctx *cx, clab__strlist *w);
/* As STRINGS; from: the first of them that counts. */
CLAB_MUST_CHECK clab_status clab__strlist_value(clab_ctx *cx, const clab__strlist *w, int64_t from, clab_value **out);
/* "0", "1", ... as AnnData names what has no names. */
CLAB_MUST_CHECK clab_status clab__numbered(clab_ctx *cx, int64_t n, clab_value **out);

/* ---- rows in the making (row_blocks.c) --------------------------------------------------------------------
 * Entries that come row after row leave in blocks; the columns of a row may come in any order and repeat. */
typedef struct {
    clab__h5 *h;
    clab__sink *sink;
    clab_dtype dtype;
    size_t size;
    int64_t n_cols, row; /* of the matrix; the row that is being filled */
    int64_t n_rows, n, cap;
    int64_t *ptr;
    int32_t *indices;
    char *values;
} clab__row_blocks;
CLAB_MUST_CHECK clab_status clab__row_blocks_open(clab__h5 *h, clab__sink *k, clab_dtype t, int64_t n_cols,
                                                  clab__row_blocks *out);
/* Rows before `row` are complete; row may not go down. */
CLAB_MUST_CHECK clab_status clab__row_blocks_to(clab__row_blocks *b, int64_t row);
CLAB_MUST_CHECK clab_status clab__row_blocks_add(clab__row_blocks *b, int32_t column, const void *value);
/* The matrix has n_rows rows; what is left goes out. */
CLAB_MUST_CHECK clab_status clab__row_blocks_end(clab__row_blocks *b, int64_t n_rows);
void clab__row_blocks_close(clab__row_blocks *b);

/* ---- entries in any order (turn.c) --------------------------------------------------------------------------
 * Runs of a million entries are sorted by row and, where there are several, put aside in a scratch file. */
typedef struct clab__turn clab__turn;
CLAB_MUST_CHECK clab_status clab__turn_new(clab__h5 *h, clab_dtype t, clab__turn **out);
CLAB_MUST_CHECK clab_status clab__turn_add(clab__turn *t, int32_t row, int32_t column, const void *value);
/* All rows in order; entries of a row stand as they were added.  EFORMAT where a row has far more of them than
 * there are columns. */
CLAB_MUST_CHECK clab_status clab__turn_stream(clab__turn *t, int64_t n_rows, int64_t n_cols, clab__sink *k);
void clab__turn_free(clab__turn *t); /* NULL is fine */

/* ---- what a file or folder of text holds -----------------------------------------------------------------*/
typedef struct {
    const char *path;  /* file or folder */
    const char *orient; /* what a row of the text is: "cells", "genes"; NULL = found out */
    const char *delimiter, *prefix;
    bool look;     /* the sink only looks: entries in any order, each a row of its own */
    int64_t limit; /* of entries to look at; 0 = all */
} clab__text_opts;

typedef struct clab__source clab__source;
struct clab__source {
    clab__text_opts o;
    const char *format;    /* "MatrixMarket", "10x mtx", "table" */
    int64_t n_rows, n_cols, nnz; /* cells, genes, entries; a table's are known after the stream */
    int64_t bytes;         /* of the file with the values */
    bool dense;
    clab_value *obs, *var; /* TABLEs; a table's are there after the stream */
    clab_status (*stream)(clab__h5 *h, clab__source *s, clab__sink *k);
    bool unsorted; /* the stream failed because rows are not in order, and will sort them when called again */
    char *matrix;  /* path of the file with the values */
};
CLAB_MUST_CHECK clab_status clab__source_open(clab__h5 *h, const clab__text_opts *o, clab__source *out);
void clab__source_close(clab__source *s);

CLAB_MUST_CHECK clab_status clab__mtx_open(clab__h5 *h, clab__source *s);
CLAB_MUST_CHECK clab_status clab__mtx_folder_open(clab__h5 *h, clab__source *s);
CLAB_MUST_CHECK clab_status clab__table_open(clab__h5 *h, clab__source *s);

/* A number as C's locale writes it, with blanks around; false when it is none. */
bool clab__parse_number(const char *s, double *out);

#endif
