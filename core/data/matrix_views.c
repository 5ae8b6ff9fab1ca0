/* matrix_views.c -- rows, genes and concatenations of matrices, as new views of the same stores. */
#include <stdlib.h>

#include "data/matrix_impl.h"
#include "ledger/ledger.h"

/* ---- rows ----------------------------------------------------------------------------------------------*/

/* Rows pick[0..n-1] of a block, as a block: `to` is a copy of `from` that its holder may change. */
static clab_status block_pick(clab_ctx *cx, clab__block *to, const clab__block *from, const int64_t *pick, int64_t n)
{
    bool run = true;
    clab_status s;

    for (int64_t i = 1; i < n && run; i++)
        run = clab__block_row(from, pick[i]) == clab__block_row(from, pick[i - 1]) + 1;
    clab__array_unref(to->rows);
    to->rows = NULL;
    to->n_rows = n;
    to->first = clab__block_row(from, pick[0]);
    if (!run) {
        s = clab__array_new(cx, n, sizeof(int64_t), &to->rows);
        if (s != CLAB_OK)
            return s;
        for (int64_t i = 0; i < n; i++)
            to->rows->i64[i] = clab__block_row(from, pick[i]);
    }
    for (int k = 0; k < to->n_ops; k++) {
        clab__array *each;
        if (to->ops[k].kind != CLAB__NORMALISE)
            continue;
        s = clab__array_new(cx, n, sizeof(double), &each);
        if (s != CLAB_OK)
            return s;
        for (int64_t i = 0; i < n; i++)
            each->f64[i] = from->ops[k].each->f64[pick[i]];
        clab__array_unref(to->ops[k].each);
        to->ops[k].each = each;
    }
    return CLAB_OK;
}

typedef struct {
    int64_t *count;      /* rows taken from a block */
    int64_t *start;      /* where they begin when put together */
    int64_t *pick;       /* n: local rows, block after block */
    int64_t *place;      /* n: where row i went */
} selection;

static clab_status select_rows(clab_ctx *cx, const clab_matrix *m, const int64_t *rows, int64_t n, selection *sel)
{
    int64_t local, at = 0;

    for (int64_t i = 0; i < n; i++) {
        if (rows[i] < 0 || rows[i] >= m->n_rows)
            return clab_fail(cx, CLAB_EARG, "row %lld of a matrix of %lld rows", (long long)rows[i],
                             (long long)m->n_rows);
        sel->count[clab__matrix_find(m, rows[i], &local) - m->blocks]++;
    }
    for (int b = 0; b < m->n_blocks; b++) {
        sel->start[b] = at;
        at += sel->count[b];
        sel->count[b] = 0;
    }
    for (int64_t i = 0; i < n; i++) {
        int b = (int)(clab__matrix_find(m, rows[i], &local) - m->blocks);
        sel->place[i] = sel->start[b] + sel->count[b]++;
        sel->pick[sel->place[i]] = local;
    }
    return CLAB_OK;
}

static clab_status fill_rows(clab_ctx *cx, const clab_matrix *m, int64_t n, const selection *sel, clab_matrix *to)
{
    bool in_order = true;
    clab_status s = CLAB_OK;

    for (int b = 0; b < m->n_blocks && s == CLAB_OK; b++) {
        clab__block *block = &to->blocks[to->n_blocks];
        if (sel->count[b] == 0)
            continue;
        clab__block_copy(block, &m->blocks[b]);
        to->n_blocks++;
        s = block_pick(cx, block, &m->blocks[b], sel->pick + sel->start[b], sel->count[b]);
    }
    if (s == CLAB_OK && n == 0 && m->n_blocks > 0) { /* an empty matrix keeps its element type */
        clab__block_copy(&to->blocks[0], &m->blocks[0]);
        clab__array_unref(to->blocks[0].rows);
        to->blocks[0].rows = NULL;
        to->blocks[0].n_rows = 0;
        to->n_blocks = 1;
    }
    for (int64_t i = 0; i < n && in_order; i++)
        in_order = sel->place[i] == i;
    if (s == CLAB_OK && !in_order) {
        s = clab__array_new(cx, n, sizeof(int64_t), &to->order);
        for (int64_t i = 0; s == CLAB_OK && i < n; i++)
            to->order->i64[i] = sel->place[i];
    }
    clab__matrix_count(to);
    return s;
}

clab_status clab_matrix_take_rows(clab_ctx *cx, const clab_matrix *m, const int64_t *rows, int64_t n,
                                  clab_matrix **out)
{
    selection sel = {0};
    void *work = NULL;
    int64_t bytes;
    clab_status s = clab_mem_size(cx, 2 * (n + m->n_blocks), sizeof(int64_t), &bytes);

    *out = NULL;
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, bytes + 1, "selecting rows", &work);
    if (s != CLAB_OK)
        return s;
    sel.pick = work;
    sel.place = sel.pick + n;
    sel.count = sel.place + n;
    sel.start = sel.count + m->n_blocks;
    s = select_rows(cx, m, rows, n, &sel);
    if (s == CLAB_OK)
        s = clab__matrix_alloc(cx, m->n_blocks, m->n_cols, out);
    if (s == CLAB_OK)
        s = fill_rows(cx, m, n, &sel, *out);
    clab_mem_free(cx, work);
    if (s != CLAB_OK) {
        clab_matrix_unref(*out);
        *out = NULL;
    }
    return s;
}

/* ---- genes ---------------------------------------------------------------------------------------------*/

static void look_at_map(clab__block *b)
{
    int32_t last = -1;

    b->sorted = true;
    for (int64_t g = 0; g < b->map->n && b->sorted; g++)
        if (b->map->i32[g] >= 0) {
            b->sorted = b->map->i32[g] > last;
            last = b->map->i32[g];
        }
}

/* A number a column follows its column; columns that are new get `other`. */
static clab_status move_columns(clab_ctx *cx, clab__array **numbers, const int32_t *new_of, int64_t n_old,
                                int64_t n_cols, double other)
{
    clab__array *moved;
    clab_status s = clab__array_new(cx, n_cols, sizeof(double), &moved);

    if (s != CLAB_OK)
        return s;
    for (int64_t c = 0; c < n_cols; c++)
        moved->f64[c] = other;
    for (int64_t c = 0; c < n_old; c++)
        if (new_of[c] >= 0)
            moved->f64[new_of[c]] = (*numbers)->f64[c];
    clab__array_unref(*numbers);
    *numbers = moved;
    return CLAB_OK;
}

/* Column c of the block's matrix becomes new_of[c] (-1: dropped) of n_cols; NULL = c. */
static clab_status block_map(clab_ctx *cx, clab__block *b, const int32_t *new_of, int64_t n_old, int64_t n_cols)
{
    int64_t n = clab_store_get_info(b->store)->n_cols;
    clab__array *map;
    clab_status s;

    if (!new_of)
        return CLAB_OK;
    s = clab__array_new(cx, n, sizeof(int32_t), &map);
    if (s != CLAB_OK)
        return s;
    for (int64_t g = 0; g < n; g++) {
        int32_t old = b->map ? b->map->i32[g] : (int32_t)g;
        map->i32[g] = old < 0 ? -1 : new_of[old];
    }
    clab__array_unref(b->map);
    b->map = map;
    look_at_map(b);
    for (int k = 0; k < b->n_ops; k++) {
        clab__op *op = &b->ops[k];
        if (op->kind == CLAB__SCALE || op->kind == CLAB__FILL)
            s = move_columns(cx, &op->each, new_of, n_old, n_cols, op->kind == CLAB__SCALE ? 1.0 : 0.0);
        if (s == CLAB_OK && op->mean)
            s = move_columns(cx, &op->mean, new_of, n_old, n_cols, 0.0);
        if (s != CLAB_OK)
            return s;
    }
    return CLAB_OK;
}

clab_status clab_matrix_take_cols(clab_ctx *cx, const clab_matrix *m, const int64_t *cols, int64_t n,
                                  clab_matrix **out)
{
    void *work = NULL;
    int32_t *new_of;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, m->n_cols * 4 + 1, "selecting genes", &work);

    *out = NULL;
    if (s != CLAB_OK)
        return s;
    new_of = work;
    for (int64_t c = 0; c < m->n_cols; c++)
        new_of[c] = -1;
    for (int64_t i = 0; i < n && s == CLAB_OK; i++) {
        if (cols[i] < 0 || cols[i] >= m->n_cols)
            s = clab_fail(cx, CLAB_EARG, "gene %lld of a matrix of %lld genes", (long long)cols[i],
                          (long long)m->n_cols);
        else if (new_of[cols[i]] >= 0)
            s = clab_fail(cx, CLAB_EARG, "gene %lld is selected twice", (long long)cols[i]);
        else
            new_of[cols[i]] = (int32_t)i;
    }
    if (s == CLAB_OK)
        s = clab__matrix_copy(cx, m, out);
    for (int b = 0; s == CLAB_OK && b < m->n_blocks; b++)
        s = block_map(cx, &(*out)->blocks[b], new_of, m->n_cols, n);
    if (s == CLAB_OK)
        (*out)->n_cols = n;
    clab_mem_free(cx, work);
    if (s != CLAB_OK) {
        clab_matrix_unref(*out);
        *out = NULL;
    }
    return s;
}

/* ---- concatenation ----------------------------------------------------------------------------------------*/

/* A gene map may not send two genes to one column: their values would have to be added. */
static clab_status check_col_map(clab_ctx *cx, const clab_matrix *m, const int32_t *map, int64_t n_cols)
{
    void *seen = NULL;
    clab_status s;

    if (!map)
        return m->n_cols == n_cols ? CLAB_OK
                                   : clab_fail(cx, CLAB_ESHAPE, "%lld genes against %lld", (long long)m->n_cols,
                                               (long long)n_cols);
    s = clab_mem_zalloc(cx, CLAB_MEM_WORK, n_cols + 1, "concatenating", &seen);
    for (int64_t c = 0; s == CLAB_OK && c < m->n_cols; c++) {
        if (map[c] < 0)
            continue;
        if (map[c] >= n_cols || ((uint8_t *)seen)[map[c]])
            s = clab_fail(cx, CLAB_EARG, "gene %lld goes to column %d, which is %s", (long long)c, map[c],
                          map[c] >= n_cols ? "not there" : "taken");
        else
            ((uint8_t *)seen)[map[c]] = 1;
    }
    clab_mem_free(cx, seen);
    return s;
}

static clab_status join_orders(clab_ctx *cx, const clab_matrix *const *parts, int n, clab_matrix *to)
{
    bool any = false;
    int64_t at = 0;
    clab_status s;

    for (int i = 0; i < n; i++)
        any |= parts[i]->order != NULL;
    if (!any)
        return CLAB_OK;
    s = clab__array_new(cx, to->n_rows, sizeof(int64_t), &to->order);
    if (s != CLAB_OK)
        return s;
    for (int i = 0; i < n; i++) {
        for (int64_t r = 0; r < parts[i]->n_rows; r++)
            to->order->i64[at + r] = at + (parts[i]->order ? parts[i]->order->i64[r] : r);
        at += parts[i]->n_rows;
    }
    return CLAB_OK;
}

/* Operations that follow see one element type, as they would in one array. */
static clab_status unify_types(clab_ctx *cx, clab_matrix *m)
{
    clab_dtype t = clab_matrix_dtype(m);

    if (t != CLAB_F32 && t != CLAB_F64)
        return CLAB_OK;
    for (int b = 0; b < m->n_blocks; b++) {
        clab__block *block = &m->blocks[b];
        if (clab__block_dtype(block) == t)
            continue;
        if (block->n_ops == CLAB__MAX_OPS)
            return clab_fail(cx, CLAB_ESTATE, "a recipe has at most %d operations", CLAB__MAX_OPS);
        block->ops[block->n_ops++] = (clab__op){.kind = CLAB__CAST, .to = t};
    }
    return CLAB_OK;
}

clab_status clab_matrix_concat(clab_ctx *cx, const clab_matrix *const *parts, const int32_t *const *col_map, int n,
                               int64_t n_cols, clab_matrix **out)
{
    int n_blocks = 0;
    clab_status s = CLAB_OK;

    *out = NULL;
    for (int i = 0; i < n && s == CLAB_OK; i++) {
        n_blocks += parts[i]->n_blocks;
        s = check_col_map(cx, parts[i], col_map ? col_map[i] : NULL, n_cols);
    }
    if (s == CLAB_OK)
        s = clab__matrix_alloc(cx, n_blocks, n_cols, out);
    for (int i = 0; i < n && s == CLAB_OK; i++)
        for (int b = 0; b < parts[i]->n_blocks && s == CLAB_OK; b++) {
            clab__block *to = &(*out)->blocks[(*out)->n_blocks++];
            clab__block_copy(to, &parts[i]->blocks[b]);
            s = block_map(cx, to, col_map ? col_map[i] : NULL, parts[i]->n_cols, n_cols);
        }
    if (s == CLAB_OK) {
        clab__matrix_count(*out);
        s = join_orders(cx, parts, n, *out);
    }
    if (s == CLAB_OK)
        s = unify_types(cx, *out);
    if (s != CLAB_OK) {
        clab_matrix_unref(*out);
        *out = NULL;
    }
    return s;
}

/* ---- genes that become one ---------------------------------------------------------------------------------*/

clab_status clab_matrix_sum_cols(clab_ctx *cx, const clab_matrix *m, const int32_t *map, int64_t n_cols,
                                 clab_matrix **out)
{
    char recipe[256] = "";
    clab_status s;

    *out = NULL;
    if (!clab_matrix_is_raw(m)) {
        s = clab_matrix_recipe(cx, m, recipe, sizeof recipe);
        return s == CLAB_OK ? clab_fail(cx, CLAB_ESTATE, "genes are added up as counts, but these values are %s", recipe)
                            : s;
    }
    for (int64_t c = 0; c < m->n_cols; c++)
        if (map[c] >= n_cols)
            return clab_fail(cx, CLAB_EARG, "gene %lld goes to column %d of %lld", (long long)c, map[c],
                             (long long)n_cols);
    s = clab__matrix_copy(cx, m, out);
    for (int b = 0; s == CLAB_OK && b < m->n_blocks; b++) {
        clab__block *block = &(*out)->blocks[b];
        clab_dtype t = clab__block_dtype(block);
        s = block_map(cx, block, map, m->n_cols, n_cols);
        if (s == CLAB_OK && clab_dtype_is_integer(t) && block->n_ops < CLAB__MAX_OPS)
            block->ops[block->n_ops++] = (clab__op){.kind = CLAB__CAST, .to = t == CLAB_U64 ? CLAB_U64 : CLAB_I64};
    }
    if (s == CLAB_OK)
        (*out)->n_cols = n_cols;
    if (s != CLAB_OK) {
        clab_matrix_unref(*out);
        *out = NULL;
    }
    return s;
}
