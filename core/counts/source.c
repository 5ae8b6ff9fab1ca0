/* source.c -- stores whose rows come in order from a file of another format: the segments at hand, and settling. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "counts/counts_impl.h"

typedef struct {
    clab_store *rows;
    int64_t first;       /* row of the store that is row 0 of the segment */
} segment;

struct clab__source {
    clab_source of;
    void *self;
    pthread_mutex_t lock; /* segments and settled, which decoding threads look at */
    segment *at_hand;     /* n, one after another */
    int n, room;
    clab_store *settled;  /* all rows, once somebody wanted another order; NULL before */
    int passes;           /* open ones */
    char what[96];
};

static int64_t end_of(const segment *g)
{
    return g->first + clab_store_get_info(g->rows)->n_rows;
}

static void let_go(struct clab__source *k, int64_t before)
{
    int left = 0;

    pthread_mutex_lock(&k->lock);
    for (int i = 0; i < k->n; i++)
        if (end_of(&k->at_hand[i]) <= before)
            clab_store_unref(k->at_hand[i].rows);
        else
            k->at_hand[left++] = k->at_hand[i];
    k->n = left;
    pthread_mutex_unlock(&k->lock);
}

void clab__source_free(clab_ctx *cx, struct clab__source *k)
{
    if (!k)
        return;
    let_go(k, INT64_MAX);
    clab_store_unref(k->settled);
    k->of.free(cx, k->self);
    pthread_mutex_destroy(&k->lock);
    free(k->at_hand);
    free(k);
}

/* ---- making ------------------------------------------------------------------------------------------------*/

static clab_status check_before(clab_ctx *cx, const clab_store_info *info, const uint64_t *before)
{
    bool good = before[0] == 0 && before[info->n_rows] == (uint64_t)info->nnz;

    for (int64_t r = 0; r < info->n_rows && good; r++)
        good = before[r] <= before[r + 1] && before[r + 1] - before[r] <= (uint64_t)info->n_cols;
    return good ? CLAB_OK : clab_fail(cx, CLAB_EARG, "the row table of a source is damaged");
}

clab_status clab_store_from_source(clab_ctx *cx, const clab_store_info *info, const uint64_t *before,
                                   const clab_source *source, void *self, const char *what, clab_store **out)
{
    struct clab__source *k = calloc(1, sizeof *k);
    clab_store *st = calloc(1, sizeof *st);
    int64_t bytes = 0;
    clab_status s = k && st ? CLAB_OK : clab_fail(cx, CLAB_ENOMEM, "no memory for a store");

    *out = NULL;
    if (s != CLAB_OK) {
        source->free(cx, self);
        free(k);
        free(st);
        return s;
    }
    k->of = *source;
    k->self = self;
    pthread_mutex_init(&k->lock, NULL);
    strncpy(k->what, what, sizeof k->what - 1);
    atomic_init(&st->refs, 1);
    st->cx = cx;
    st->fd = -1;
    st->source = k;
    st->info = *info;
    s = clab_mem_size(cx, info->n_rows + 1, sizeof *before, &bytes);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_COUNTS, bytes, what, &st->table);
    if (s == CLAB_OK)
        s = check_before(cx, info, before);
    if (s != CLAB_OK) {
        clab_store_unref(st);
        return s;
    }
    memcpy(st->table, before, (size_t)bytes);
    st->before = st->table;
    st->info.held = bytes;
    st->info.bytes = bytes;
    st->info.on_disk = 0;
    *out = st;
    return CLAB_OK;
}

bool clab_store_is_source(const clab_store *s)
{
    return s->source && !s->source->settled;
}

/* ---- passes ------------------------------------------------------------------------------------------------*/

static clab_status settle(clab_ctx *cx, clab_store *s)
{
    struct clab__source *k = s->source;
    const clab_store_info *got;
    clab_store *all = NULL;
    clab_status st;

    clab_note(cx, "%s: its rows are wanted in another order than the file's, so they are read once and kept", k->what);
    k->of.rest(cx, k->self);
    st = k->of.settle(cx, k->self, &all);
    if (st != CLAB_OK)
        return st;
    got = clab_store_get_info(all);
    if (got->n_rows != s->info.n_rows || got->n_cols != s->info.n_cols || got->nnz != s->info.nnz) {
        clab_store_unref(all);
        return clab_fail(cx, CLAB_EFORMAT, "%s has changed since it was opened", k->what);
    }
    pthread_mutex_lock(&k->lock);
    k->settled = all;
    pthread_mutex_unlock(&k->lock);
    return CLAB_OK;
}

clab_status clab_store_pass_begin(clab_ctx *cx, clab_store *s, bool in_order)
{
    clab_status st = CLAB_OK;

    if (!s->source)
        return CLAB_OK;
    if (!s->source->settled && (!in_order || s->source->passes > 0))
        st = settle(cx, s);
    if (st == CLAB_OK)
        s->source->passes++;
    return st;
}

void clab_store_pass_end(clab_ctx *cx, clab_store *s)
{
    if (!s->source || s->source->passes == 0 || --s->source->passes > 0)
        return;
    let_go(s->source, INT64_MAX);
    if (!s->source->settled)
        s->source->of.rest(cx, s->source->self);
}

/* One more segment, from `row` on. */
static clab_status take_segment(clab_ctx *cx, clab_store *s, int64_t row)
{
    struct clab__source *k = s->source;
    const clab_store_info *got;
    clab_store *rows = NULL;
    clab_status st = k->of.segment(cx, k->self, row, &rows);

    if (st != CLAB_OK)
        return st;
    got = clab_store_get_info(rows);
    if (got->n_cols != s->info.n_cols || got->n_rows < 1 || got->n_rows > s->info.n_rows - row)
        st = clab_fail(cx, CLAB_EFORMAT, "%s has changed since it was opened", k->what);
    for (int64_t r = 0; st == CLAB_OK && r < got->n_rows; r++)
        if (clab_store_row_nnz(rows, r) != clab_store_row_nnz(s, row + r))
            st = clab_fail(cx, CLAB_EFORMAT, "%s has changed since it was opened", k->what);
    pthread_mutex_lock(&k->lock);
    if (st == CLAB_OK && k->n == k->room) {
        segment *more = realloc(k->at_hand, (size_t)(2 * k->room + 4) * sizeof *more);
        if (more) {
            k->at_hand = more;
            k->room = 2 * k->room + 4;
        } else
            st = clab_fail(cx, CLAB_ENOMEM, "no memory for rows of %s", k->what);
    }
    if (st == CLAB_OK)
        k->at_hand[k->n++] = (segment){.rows = rows, .first = row};
    pthread_mutex_unlock(&k->lock);
    if (st != CLAB_OK)
        clab_store_unref(rows);
    return st;
}

clab_status clab_store_pass_need(clab_ctx *cx, clab_store *s, int64_t first, int64_t last)
{
    struct clab__source *k = s->source;
    clab_status st = CLAB_OK;

    if (!k || k->settled)
        return CLAB_OK;
    let_go(k, first);
    if (k->n > 0 && k->at_hand[0].first > first)
        let_go(k, INT64_MAX);
    while (st == CLAB_OK && (k->n == 0 || end_of(&k->at_hand[k->n - 1]) <= last)) {
        st = clab_check(cx);
        if (st == CLAB_OK)
            st = take_segment(cx, s, k->n > 0 ? end_of(&k->at_hand[k->n - 1]) : first);
    }
    return st;
}

clab_status clab__source_row(clab_ctx *cx, const clab_store *s, int64_t row, int32_t *indices, float *f32, double *f64)
{
    struct clab__source *k = s->source;
    clab_store *in = NULL;
    int64_t at = row;
    clab_status st;

    pthread_mutex_lock(&k->lock);
    if (k->settled)
        in = clab_store_ref(k->settled);
    for (int i = 0; i < k->n && !in; i++)
        if (row >= k->at_hand[i].first && row < end_of(&k->at_hand[i])) {
            in = clab_store_ref(k->at_hand[i].rows);
            at = row - k->at_hand[i].first;
        }
    pthread_mutex_unlock(&k->lock);
    if (!in)
        return clab_fail(cx, CLAB_EINTERNAL, "row %lld of %s is not at hand", (long long)row, k->what);
    st = clab_store_row(cx, in, at, indices, f32, f64);
    clab_store_unref(in);
    return st;
}
