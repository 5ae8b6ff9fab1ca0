/* h5_pick.c -- of the rows and columns of a file, those that were asked for. */
#include "io/h5_impl.h"

#include <string.h>

int64_t clab__pick_n_rows(const clab__matrix *m)
{
    return m->pick.rows ? m->pick.n_rows : m->n_rows;
}

int64_t clab__pick_n_cols(const clab__matrix *m)
{
    return m->pick.cols ? m->pick.n_cols : m->n_cols;
}

int64_t clab__pick_row(const clab__matrix *m, int64_t i)
{
    return m->pick.rows ? m->pick.rows[i] : i;
}

int64_t clab__pick_find(const clab__matrix *m, int64_t row)
{
    int64_t low = 0, high = m->pick.n_rows;
    if (!m->pick.rows)
        return row;
    while (low < high) {
        int64_t mid = low + (high - low) / 2;
        if (m->pick.rows[mid] < row)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

void clab__pick_cols(const clab__pick *p, int64_t n_rows, int64_t *indptr, int32_t *indices, void *values, size_t size)
{
    int64_t to = indptr[0], from = indptr[0];
    char *v = values;
    for (int64_t r = 0; p->cols && r < n_rows; r++) {
        for (; from < indptr[r + 1]; from++) {
            int32_t col = p->cols[indices[from]];
            if (col < 0)
                continue;
            indices[to] = col;
            memcpy(v + (size_t)to * size, v + (size_t)from * size, size);
            to++;
        }
        indptr[r + 1] = to;
    }
}

clab_status clab__pick_pass(clab__h5 *h, const clab__matrix *m, clab__sink *k, int64_t first_row, int64_t n_rows,
                            int64_t *indptr, int32_t *indices, void *values)
{
    size_t size = clab_dtype_size(m->dtype);
    int64_t kept = 0, to = 0;
    if (m->pick.rows) {
        for (int64_t i = clab__pick_find(m, first_row); i < m->pick.n_rows && m->pick.rows[i] < first_row + n_rows; i++) {
            int64_t r = m->pick.rows[i] - first_row, from = indptr[r], n = indptr[r + 1] - from;
            memmove(indices + to, indices + from, (size_t)n * sizeof *indices);
            memmove((char *)values + (size_t)to * size, (char *)values + (size_t)from * size, (size_t)n * size);
            indptr[kept++] = to; /* kept <= r: what follows is not read again */
            to += n;
        }
        indptr[kept] = to;
        n_rows = kept;
    }
    clab__pick_cols(&m->pick, n_rows, indptr, indices, values, size);
    return n_rows > 0 ? k->rows(k, h, n_rows, indptr, indices, values) : CLAB_OK;
}
