/* h5_turned.c -- dense tables of genes x cells streamed as cells x genes (loom), each chunk read once.
 *
 * Where a column of chunks fits, all genes of some cells are read at a time.  Where chunks are as wide as the
 * table, or there are none, tiles are read in the order of the file and their non-zeros sorted by cell (turn.c).
 * N cells (rows that come out), G genes. */
#include "io/text_impl.h"

#include "base/fault.h"

#include <string.h>

#define SLAB (8LL << 20) /* bytes read at a time, about */
#define SLAB_MAX (32LL << 20)

clab_status clab__turned_open(clab__h5 *h, hid_t obj, const char *at, int64_t n_cells, int64_t n_genes, clab__matrix *m)
{
    clab_status st = clab__matrix_open(h, obj, at, n_genes, n_cells, m);
    if (st != CLAB_OK)
        return st;
    if (strcmp(m->kind, "dense") != 0) {
        clab__matrix_close(m);
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: %s is no table of numbers", h->name, clab_show(at));
    }
    const int64_t genes = m->n_rows;
    m->n_rows = m->n_cols;
    m->n_cols = genes;
    strcpy(m->kind, "turned");
    if (genes <= INT32_MAX && m->n_rows < INT32_MAX)
        return CLAB_OK;
    clab__matrix_close(m);
    return clab_fail(h->cx, CLAB_EFORMAT, "%s: %s claims %lld genes and %lld cells", h->name, clab_show(at),
                     (long long)genes, (long long)m->n_rows);
}

/* Genes gene.. and cells cell.. as they lie in the file. */
static clab_status read_tile(clab__h5 *h, const clab__matrix *m, int64_t gene, int64_t n_genes, int64_t cell,
                             int64_t n_cells, void *buf)
{
    hsize_t start[2] = {(hsize_t)gene, (hsize_t)cell}, count[2] = {(hsize_t)n_genes, (hsize_t)n_cells};
    hid_t in = H5Screate_simple(2, count, NULL);
    clab_status st = clab_check(h->cx);
    clab__h5_alive(n_genes * n_cells * (int64_t)clab_dtype_size(m->dtype));
    bool ok = st == CLAB_OK && !clab_fault_io(h->cx) &&
              H5Sselect_hyperslab(m->data.space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
              H5Dread(m->data.id, clab__dtype_mem(m->dtype), in, m->data.space, H5P_DEFAULT, buf) >= 0;
    const char *why = ok || st != CLAB_OK ? "" : clab__h5_why();
    H5Sclose(in);
    if (ok || st != CLAB_OK)
        return st;
    return clab_fail(h->cx, CLAB_EIO, "%s: %s cannot be read at gene %lld, cell %lld: %s", h->name,
                     clab_show(m->data.at), (long long)gene, (long long)cell, why);
}

/* Which of n values are not zero?  NaN is not, -0.0 is. */
static void mark_nonzero(const void *values, clab_dtype t, int64_t n, uint8_t *mark)
{
    switch (t) {
#define MARK(T, type)                                                                                        \
    case T:                                                                                                  \
        for (int64_t i = 0; i < n; i++)                                                                      \
            mark[i] = ((const type *)values)[i] != 0;                                                        \
        break;
        MARK(CLAB_F32, float)
        MARK(CLAB_F64, double)
        MARK(CLAB_I8, int8_t)
        MARK(CLAB_I16, int16_t)
        MARK(CLAB_I32, int32_t)
        MARK(CLAB_I64, int64_t)
        MARK(CLAB_U8, uint8_t)
        MARK(CLAB_BOOL, uint8_t)
        MARK(CLAB_U16, uint16_t)
        MARK(CLAB_U32, uint32_t)
        MARK(CLAB_U64, uint64_t)
#undef MARK
    default:
        memset(mark, 0, (size_t)n);
        break;
    }
}

/* ---- all genes of some cells ----------------------------------------------------------------------------------*/

typedef struct {
    int64_t cells; /* of a slab at most */
    char *slab;
    uint8_t *mark;
    int64_t *ptr, *next, cap;
    int32_t *indices;
    char *values;
} slabs;

static clab_status slab_rows(clab__h5 *h, const clab__matrix *m, slabs *b, int64_t n_cells)
{
    const size_t size = clab_dtype_size(m->dtype);
    const int64_t genes = m->n_cols;
    clab_status st = CLAB_OK;
    mark_nonzero(b->slab, m->dtype, genes * n_cells, b->mark);
    memset(b->ptr, 0, (size_t)(n_cells + 1) * sizeof *b->ptr);
    for (int64_t g = 0; g < genes; g++)
        for (int64_t c = 0; c < n_cells; c++)
            b->ptr[c + 1] += b->mark[g * n_cells + c];
    for (int64_t c = 0; c < n_cells; c++) {
        b->next[c] = b->ptr[c];
        b->ptr[c + 1] += b->ptr[c];
    }
    if (b->ptr[n_cells] > b->cap) {
        b->cap = b->ptr[n_cells] + b->ptr[n_cells] / 4;
        if ((st = clab_mem_grow(h->cx, CLAB_MEM_WORK, b->cap * 4, "a block of indices", (void **)&b->indices)) != CLAB_OK ||
            (st = clab_mem_grow(h->cx, CLAB_MEM_WORK, b->cap * (int64_t)size, "a block of values", (void **)&b->values)) !=
                CLAB_OK)
            return st;
    }
    for (int64_t g = 0; g < genes; g++)
        for (int64_t c = 0; c < n_cells; c++)
            if (b->mark[g * n_cells + c]) {
                int64_t to = b->next[c]++;
                b->indices[to] = (int32_t)g;
                memcpy(b->values + (size_t)to * size, b->slab + (size_t)(g * n_cells + c) * size, size);
            }
    return CLAB_OK;
}

static bool is_wanted(const clab__matrix *m, int64_t first, int64_t n)
{
    int64_t i = clab__pick_find(m, first);
    return !m->pick.rows || (i < m->pick.n_rows && m->pick.rows[i] < first + n);
}

static clab_status by_slabs(clab__h5 *h, clab__matrix *m, int64_t cells, clab__sink *k)
{
    slabs b = {.cells = cells};
    const int64_t n = m->n_cols * cells, size = (int64_t)clab_dtype_size(m->dtype);
    clab_ctx *cx = h->cx;
    clab_status st;
    if ((st = clab__h5_ask(h, m->data.at, n * (2 * size + 5))) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, n * size + 64, "some cells", (void **)&b.slab)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, n + 64, "some cells", (void **)&b.mark)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, (cells + 1) * 8, "row pointers", (void **)&b.ptr)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, (cells + 1) * 8, "row pointers", (void **)&b.next)) != CLAB_OK)
        goto done;
    for (int64_t cell = 0; st == CLAB_OK && cell < m->n_rows; cell += cells) {
        int64_t some = m->n_rows - cell < cells ? m->n_rows - cell : cells;
        if (!is_wanted(m, cell, some))
            continue;
        if (m->n_cols > 0)
            st = read_tile(h, m, 0, m->n_cols, cell, some, b.slab);
        if (st == CLAB_OK)
            st = slab_rows(h, m, &b, some);
        if (st == CLAB_OK)
            st = clab__pick_pass(h, m, k, cell, some, b.ptr, b.indices, b.values);
    }
done:
    clab_mem_free(cx, b.slab);
    clab_mem_free(cx, b.mark);
    clab_mem_free(cx, b.ptr);
    clab_mem_free(cx, b.next);
    clab_mem_free(cx, b.indices);
    clab_mem_free(cx, b.values);
    return st;
}

/* ---- tiles in the order of the file ------------------------------------------------------------------------------*/

/* Passes the picked ones of all rows on. */
typedef struct {
    clab__sink sink;
    const clab__matrix *m;
    clab__sink *to;
    int64_t row;
} picker;

static clab_status picked_rows(clab__sink *k, clab__h5 *h, int64_t n_rows, const int64_t *indptr, const int32_t *indices,
                               const void *values)
{
    picker *p = (picker *)k;
    int64_t first = p->row;
    p->row += n_rows;
    return clab__pick_pass(h, p->m, p->to, first, n_rows, (int64_t *)(uintptr_t)indptr, (int32_t *)(uintptr_t)indices,
                           (void *)(uintptr_t)values);
}

static clab_status add_tile(const clab__matrix *m, clab__turn *t, int64_t gene, int64_t n_genes, int64_t cell,
                            int64_t n_cells, const char *tile, uint8_t *mark)
{
    const size_t size = clab_dtype_size(m->dtype);
    mark_nonzero(tile, m->dtype, n_genes * n_cells, mark);
    for (int64_t i = 0; i < n_genes * n_cells; i++)
        if (mark[i]) {
            clab_status st = clab__turn_add(t, (int32_t)(cell + i % n_cells), (int32_t)(gene + i / n_cells),
                                            tile + (size_t)i * size);
            if (st != CLAB_OK)
                return st;
        }
    return CLAB_OK;
}

/* As many whole chunks as fit a slab, one at least. */
static int64_t in_chunks(int64_t chunk, int64_t most, int64_t all)
{
    int64_t n = chunk < 1 ? most : most / chunk * chunk;
    n = n < chunk ? chunk : n;
    n = n < 1 ? 1 : n;
    return n < all ? n : all;
}

static clab_status by_tiles(clab__h5 *h, clab__matrix *m, clab__sink *k)
{
    const int64_t size = (int64_t)clab_dtype_size(m->dtype), chunk[2] = {(int64_t)m->data.chunk[0], (int64_t)m->data.chunk[1]};
    const int64_t rows = chunk[0] < 1 ? 1 : chunk[0];
    const int64_t cells = in_chunks(chunk[1], SLAB / size / rows, m->n_rows);
    const int64_t genes = in_chunks(chunk[0], SLAB / size / (cells > 0 ? cells : 1), m->n_cols);
    picker p = {.sink = {.rows = picked_rows}, .m = m, .to = k};
    clab__turn *t = NULL;
    void *tile = NULL, *mark = NULL;
    clab_status st;
    if ((st = clab__h5_ask(h, m->data.at, genes * cells * (size + 1))) == CLAB_OK &&
        (st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, genes * cells * size + 64, "a tile", &tile)) == CLAB_OK &&
        (st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, genes * cells + 64, "a tile", &mark)) == CLAB_OK)
        st = clab__turn_new(h, m->dtype, &t);
    for (int64_t g = 0; st == CLAB_OK && g < m->n_cols; g += genes)
        for (int64_t c = 0; st == CLAB_OK && c < m->n_rows; c += cells) {
            const int64_t ng = m->n_cols - g < genes ? m->n_cols - g : genes, nc = m->n_rows - c < cells ? m->n_rows - c : cells;
            st = read_tile(h, m, g, ng, c, nc, tile);
            if (st == CLAB_OK)
                st = add_tile(m, t, g, ng, c, nc, tile, mark);
        }
    clab_mem_free(h->cx, tile);
    clab_mem_free(h->cx, mark);
    if (st == CLAB_OK)
        st = clab__turn_stream(t, m->n_rows, m->n_cols, &p.sink);
    clab__turn_free(t);
    return st;
}

clab_status clab__turned_stream(clab__h5 *h, clab__matrix *m, clab__sink *k)
{
    const int64_t column = m->n_cols * (int64_t)clab_dtype_size(m->dtype), chunk = (int64_t)m->data.chunk[1];
    if (m->n_rows == 0)
        return CLAB_OK;
    if (chunk > 0 && chunk <= SLAB_MAX / (column > 0 ? column : 1))
        return by_slabs(h, m, in_chunks(chunk, SLAB / (column > 0 ? column : 1), m->n_rows), k);
    return column * m->n_rows <= SLAB ? by_slabs(h, m, m->n_rows, k) : by_tiles(h, m, k);
}
