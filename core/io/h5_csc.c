/* h5_csc.c -- columns turned into rows in bounded memory, and rows made tidy.
 *
 * A CSC matrix is counted once (entries per row) and then read in as many passes as its rows need to
 * fit a buffer of max(16 Mi entries, nnz / 8): at most nine readings of the file, and never more than an
 * eighth of the matrix unpacked. */
#include "io/h5_impl.h"

#include <stdlib.h>
#include <string.h>

#define PIECE (1LL << 20)     /* entries read at a time */
#define PASS_MIN (16LL << 20) /* entries one pass may keep */

/* ---- tidy rows -----------------------------------------------------------------------------------*/

static void add_value(void *values, int64_t to, const void *from, clab_dtype t)
{
    switch (t) {
#define ADD(T, type)                                                                                         \
    case T:                                                                                                  \
        ((type *)values)[to] = (type)(((type *)values)[to] + *(const type *)from);                           \
        break;
        ADD(CLAB_F32, float)
        ADD(CLAB_F64, double)
        ADD(CLAB_I8, int8_t)
        ADD(CLAB_I16, int16_t)
        ADD(CLAB_U8, uint8_t)
        ADD(CLAB_U16, uint16_t)
        ADD(CLAB_U32, uint32_t)
        ADD(CLAB_U64, uint64_t)
#undef ADD
    case CLAB_I32: /* wraps as numpy does */
        ((int32_t *)values)[to] =
            (int32_t)((uint32_t)((int32_t *)values)[to] + (uint32_t) * (const int32_t *)from);
        break;
    case CLAB_I64:
        ((int64_t *)values)[to] =
            (int64_t)((uint64_t)((int64_t *)values)[to] + (uint64_t) * (const int64_t *)from);
        break;
    case CLAB_BOOL:
        ((uint8_t *)values)[to] |= *(const uint8_t *)from;
        break;
    default:
        break;
    }
}

typedef struct {
    int32_t column;
    int64_t from;
} entry;

static int by_column(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return x->from < y->from ? -1 : 1; /* equal columns add up in file order */
}

static bool is_tidy(const int32_t *indices, int64_t from, int64_t to)
{
    for (int64_t i = from + 1; i < to; i++)
        if (indices[i] <= indices[i - 1])
            return false;
    return true;
}

/* One row at from..to, written from `at` on (at <= from); returns its new end. */
static int64_t tidy_row(entry *e, char *copy, int64_t from, int64_t to, int64_t at, int32_t *indices,
                        char *values, clab_dtype t)
{
    size_t size = clab_dtype_size(t);
    int64_t n = to - from, start = at;
    for (int64_t i = 0; i < n; i++)
        e[i] = (entry){indices[from + i], i};
    qsort(e, (size_t)n, sizeof *e, by_column);
    memcpy(copy, values + (size_t)from * size, (size_t)n * size);
    for (int64_t i = 0; i < n; i++) {
        const char *v = copy + (size_t)e[i].from * size;
        if (at > start && indices[at - 1] == e[i].column) {
            add_value(values, at - 1, v, t);
            continue;
        }
        indices[at] = e[i].column;
        memcpy(values + (size_t)at * size, v, size);
        at++;
    }
    return at;
}

clab_status clab__rows_tidy(clab_ctx *cx, int64_t n_rows, int64_t *indptr, int32_t *indices, void *values,
                            clab_dtype t)
{
    size_t size = clab_dtype_size(t);
    int64_t longest = 0, row = 0, at = 0;
    for (int64_t i = 0; t == CLAB_BOOL && i < indptr[n_rows]; i++)
        ((uint8_t *)values)[i] = ((uint8_t *)values)[i] != 0;
    while (row < n_rows && is_tidy(indices, indptr[row], indptr[row + 1]))
        row++;
    if (row == n_rows)
        return CLAB_OK;
    for (int64_t r = row; r < n_rows; r++)
        longest = indptr[r + 1] - indptr[r] > longest ? indptr[r + 1] - indptr[r] : longest;
    entry *e = malloc((size_t)longest * sizeof *e);
    char *copy = malloc((size_t)longest * size);
    if (!e || !copy) {
        free(e);
        free(copy);
        return clab_fail(cx, CLAB_ENOMEM, "no memory to sort the entries of a cell");
    }
    at = indptr[row];
    for (int64_t from = indptr[row]; row < n_rows; row++) {
        int64_t to = indptr[row + 1];
        at = tidy_row(e, copy, from, to, at, indices, values, t);
        indptr[row + 1] = at;
        from = to;
    }
    free(e);
    free(copy);
    return CLAB_OK;
}

/* ---- columns into rows ---------------------------------------------------------------------------*/

typedef struct {
    clab__h5 *h;
    clab__matrix *m;
    const int64_t *colptr;
    int64_t *rowptr;  /* n_rows + 1 */
    int64_t *next;    /* where the next entry of each row of this pass goes */
    int64_t *ptr;     /* row pointers of this pass */
    int32_t *in_rows; /* a piece as read */
    char *in_values;
    int32_t *columns; /* the rows of this pass */
    char *values;
    size_t size;
} turn;

static clab_status count_rows(turn *t)
{
    clab_status st = CLAB_OK;
    memset(t->rowptr, 0, (size_t)(t->m->n_rows + 1) * sizeof *t->rowptr);
    for (int64_t at = 0; st == CLAB_OK && at < t->m->nnz; at += PIECE) {
        int64_t n = t->m->nnz - at < PIECE ? t->m->nnz - at : PIECE;
        st = clab__indices_read(t->h, &t->m->indices, at, n, t->m->n_rows, t->in_rows);
        for (int64_t i = 0; st == CLAB_OK && i < n; i++)
            t->rowptr[t->in_rows[i] + 1]++;
    }
    for (int64_t r = 0; r < t->m->n_rows; r++)
        t->rowptr[r + 1] += t->rowptr[r];
    return st;
}

/* Read everything, keep what belongs to rows r0..r1-1; columns come in order, so rows come out sorted. */
static clab_status one_pass(turn *t, int64_t r0, int64_t r1)
{
    clab_status st = CLAB_OK;
    int64_t column = 0;
    for (int64_t r = r0; r <= r1; r++)
        t->ptr[r - r0] = t->next[r - r0] = t->rowptr[r] - t->rowptr[r0];
    for (int64_t at = 0; st == CLAB_OK && at < t->m->nnz; at += PIECE) {
        int64_t n = t->m->nnz - at < PIECE ? t->m->nnz - at : PIECE;
        st = clab__indices_read(t->h, &t->m->indices, at, n, t->m->n_rows, t->in_rows);
        if (st == CLAB_OK)
            st = clab__set_slice(t->h, &t->m->data, at, n, clab__dtype_mem(t->m->dtype), t->in_values);
        for (int64_t i = 0; st == CLAB_OK && i < n; i++) {
            while (at + i >= t->colptr[column + 1])
                column++;
            int64_t r = t->in_rows[i];
            if (r < r0 || r >= r1)
                continue;
            int64_t to = t->next[r - r0]++;
            t->columns[to] = (int32_t)column;
            if (t->size == sizeof(uint32_t)) /* the usual case without a call */
                ((uint32_t *)(void *)t->values)[to] = ((uint32_t *)(void *)t->in_values)[i];
            else
                memcpy(t->values + (size_t)to * t->size, t->in_values + (size_t)i * t->size, t->size);
        }
    }
    return st;
}

static clab_status turn_rows(turn *t, int64_t keep, clab__sink *k)
{
    clab_status st = CLAB_OK;
    for (int64_t r0 = 0, r1; st == CLAB_OK && r0 < t->m->n_rows; r0 = r1) {
        for (r1 = r0 + 1; r1 < t->m->n_rows && t->rowptr[r1 + 1] - t->rowptr[r0] <= keep; r1++)
            ;
        st = one_pass(t, r0, r1);
        if (st == CLAB_OK)
            st = clab__rows_tidy(t->h->cx, r1 - r0, t->ptr, t->columns, t->values, t->m->dtype);
        if (st == CLAB_OK)
            st = clab__pick_pass(t->h, t->m, k, r0, r1 - r0, t->ptr, t->columns, t->values);
    }
    return st;
}

clab_status clab__csc_stream(clab__h5 *h, clab__matrix *m, const int64_t *indptr, clab__sink *k)
{
    turn t = {.h = h, .m = m, .colptr = indptr, .size = clab_dtype_size(m->dtype)};
    int64_t rows = m->n_rows + 1, keep = m->nnz / 8 > PASS_MIN ? m->nnz / 8 : PASS_MIN;
    int64_t piece = m->nnz < PIECE ? m->nnz : PIECE;
    clab_ctx *cx = h->cx;
    clab_status st;
    if ((st = clab__h5_ask(h, m->indptr.at, rows * 24)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, rows * 8, "entries per cell", (void **)&t.rowptr)) !=
            CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, rows * 8, "entries per cell", (void **)&t.next)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, rows * 8, "entries per cell", (void **)&t.ptr)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, piece * 4 + 64, "a block of indices", (void **)&t.in_rows)) !=
            CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, piece * (int64_t)t.size + 64, "a block of values",
                             (void **)&t.in_values)) != CLAB_OK ||
        (st = count_rows(&t)) != CLAB_OK)
        goto done;
    for (int64_t r = 0; r < m->n_rows; r++) /* a single row may be longer than a pass */
        keep = t.rowptr[r + 1] - t.rowptr[r] > keep ? t.rowptr[r + 1] - t.rowptr[r] : keep;
    keep = keep < m->nnz ? keep : m->nnz;
    if ((st = clab__h5_ask(h, m->data.at, keep * (4 + (int64_t)t.size))) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, keep * 4 + 64, "columns turned into rows",
                             (void **)&t.columns)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, keep * (int64_t)t.size + 64, "columns turned into rows",
                             (void **)&t.values)) != CLAB_OK)
        goto done;
    st = turn_rows(&t, keep, k);
done:
    clab_mem_free(cx, t.rowptr);
    clab_mem_free(cx, t.next);
    clab_mem_free(cx, t.ptr);
    clab_mem_free(cx, t.in_rows);
    clab_mem_free(cx, t.in_values);
    clab_mem_free(cx, t.columns);
    clab_mem_free(cx, t.values);
    return st;
}
