/* sketch.c -- the stores of a dry run: the true length of every row, and the entries of a few rows in place of
 * all.  What the packed bytes of all rows would be is charged, not held.
 *
 * A row of n entries is made of a sampled row of about that length.  A sixteenth of the entries are put on other
 * columns, spread evenly, so that genes which the sample has not seen are not taken for empty. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "counts/counts_impl.h"
#include "ledger/timeline.h"

#define OTHERS 16   /* one entry in so many lies on a column that the sampled row does not have */
#define AROUND 8    /* sampled rows of about the same length, of which one is taken */

struct clab__sketch {
    atomic_int refs;
    int64_t n;          /* sampled rows */
    int64_t *start;     /* n + 1 */
    int32_t *indices;
    float *values;
    int32_t *by_length; /* n: sampled rows, shortest first */
    int64_t aside;      /* bytes of all this, which the real run does not take */
};

void clab__sketch_free(clab_ctx *cx, struct clab__sketch *k)
{
    if (!k || atomic_fetch_sub(&k->refs, 1) > 1)
        return;
    clab_timeline_aside(cx, -k->aside);
    free(k->start);
    free(k->indices);
    free(k->values);
    free(k->by_length);
    free(k);
}

static int64_t length_of(const struct clab__sketch *k, int64_t i)
{
    return k->start[i + 1] - k->start[i];
}

/* ---- making ---------------------------------------------------------------------------------------*/

typedef struct {
    int64_t length;
    int32_t row;
} ranked;

static int by_length(const void *a, const void *b)
{
    const ranked *x = a, *y = b;

    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

static bool rank_rows(struct clab__sketch *k)
{
    ranked *r = malloc((size_t)(k->n + 1) * sizeof *r);

    if (!r)
        return false;
    for (int64_t i = 0; i < k->n; i++)
        r[i] = (ranked){length_of(k, i), (int32_t)i};
    qsort(r, (size_t)k->n, sizeof *r, by_length);
    for (int64_t i = 0; i < k->n; i++)
        k->by_length[i] = r[i].row;
    free(r);
    return true;
}

static clab_status take_sample(clab_ctx *cx, const clab_store *sample, struct clab__sketch **out)
{
    const clab_store_info *info = clab_store_get_info(sample);
    struct clab__sketch *k = calloc(1, sizeof *k);
    size_t n = (size_t)info->n_rows + 1, nnz = (size_t)info->nnz + CLAB_STORE_PAD;
    clab_status s = CLAB_OK;

    if (!k)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a sketch");
    atomic_init(&k->refs, 1);
    k->n = info->n_rows;
    k->start = malloc(n * sizeof *k->start);
    k->by_length = malloc(n * sizeof *k->by_length);
    k->indices = malloc(nnz * sizeof *k->indices);
    k->values = malloc(nnz * sizeof *k->values);
    if (!k->start || !k->by_length || !k->indices || !k->values)
        s = clab_fail(cx, CLAB_ENOMEM, "no memory for a sketch");
    if (s == CLAB_OK)
        k->start[0] = 0;
    for (int64_t i = 0; s == CLAB_OK && i < k->n; i++) {
        k->start[i + 1] = k->start[i] + clab_store_row_nnz(sample, i);
        s = clab_store_row(cx, sample, i, k->indices + k->start[i], k->values + k->start[i], NULL);
    }
    if (s == CLAB_OK && !rank_rows(k))
        s = clab_fail(cx, CLAB_ENOMEM, "no memory for a sketch");
    k->aside = (int64_t)(n * 12 + nnz * 8);
    clab_timeline_aside(cx, k->aside);
    if (s != CLAB_OK) {
        clab__sketch_free(cx, k);
        return s;
    }
    *out = k;
    return CLAB_OK;
}

/* Entries before each row: as the file says, or as long as the sampled rows, one after another. */
static clab_status fill_before(clab_ctx *cx, clab_store *st, const int64_t *before, int64_t nnz)
{
    const int64_t n = st->info.n_rows;
    const double mean = nnz >= 0 && n > 0 ? (double)nnz / (double)n : -1;
    double sampled = st->sketch->n ? (double)st->sketch->start[st->sketch->n] / (double)st->sketch->n : 0, at = 0;
    void *table = NULL;
    uint64_t *p;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, 8 * (n + 1), "rows of a sketch", &table);

    if (s != CLAB_OK)
        return s;
    st->table = p = table;
    st->before = p;
    p[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t length;
        if (before) {
            length = before[i + 1] - before[i];
        } else {
            double l = (double)length_of(st->sketch, i % st->sketch->n);
            at += mean >= 0 && sampled > 0 ? l * mean / sampled : l;
            length = (int64_t)at - (int64_t)p[i];
        }
        length = length < 0 ? 0 : length > st->info.n_cols ? st->info.n_cols : length;
        p[i + 1] = p[i] + (uint64_t)length;
    }
    st->info.nnz = (int64_t)p[n];
    return CLAB_OK;
}

/* What all rows would be packed: by entry as the sampled ones, and 16 bytes of table a row. */
static int64_t packed_bytes(const clab_store *st, const clab_store_info *sample)
{
    const double entries = sample->nnz > 0 ? (double)sample->nnz : 1;
    const double rows = (double)(sample->bytes - CLAB__HEADER - 16 * (sample->n_rows + 1));

    return CLAB__HEADER + (int64_t)(rows / entries * (double)st->info.nnz) + 16 * (st->info.n_rows + 1);
}

/* Charges what the store would hold; the table of the sketch is accounted already, half of the real one. */
static clab_status hold(clab_ctx *cx, clab_store *st, bool in_file, const char *what)
{
    const clab_whatif *w = clab_ctx_whatif(cx);
    const int64_t n = st->info.n_rows;
    int64_t dense = 0;
    clab_status s = CLAB_OK;

    if (w->dense) {
        s = clab_mem_size(cx, n, (size_t)st->info.n_cols * (w->float64 ? 8 : 4), &dense);
        st->info.bytes = dense;
    }
    st->info.held = in_file ? 16 * (n + 1) : st->info.bytes;
    st->info.on_disk = in_file ? st->info.bytes : 0;
    return s == CLAB_OK ? clab_mem_charge(cx, CLAB_MEM_COUNTS, st->info.held > 8 * (n + 1) ? st->info.held - 8 * (n + 1) : 0,
                                          what, &st->charge)
                        : s;
}

clab_status clab_store_stretch(clab_ctx *cx, const clab_store *from, int64_t n_rows, const char *what, clab_store **out)
{
    const int64_t n = from->info.n_rows;
    clab_store *st = calloc(1, sizeof *st);
    uint64_t *before = NULL;
    clab_status s;

    *out = NULL;
    if (!st)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a sketch");
    st->cx = cx;
    st->fd = -1;
    atomic_init(&st->refs, 1);
    st->info = from->info;
    st->info.n_rows = n_rows;
    if (!from->sketch || n < 1)
        s = clab_fail(cx, CLAB_ESTATE, "%s was read whole, so that no other number of cells can be planned for it", clab_show(what));
    else
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, 8 * (n_rows + 1), "rows of a sketch", (void **)&before);
    if (s == CLAB_OK) {
        st->sketch = from->sketch;
        atomic_fetch_add(&st->sketch->refs, 1);
        st->table = before;
        st->before = before;
        before[0] = 0;
        for (int64_t i = 0; i < n_rows; i++)
            before[i + 1] = before[i] + (uint64_t)clab_store_row_nnz(from, i % n);
        st->info.nnz = (int64_t)before[n_rows];
        st->info.bytes = (int64_t)((double)from->info.bytes / (double)(from->info.nnz ? from->info.nnz : 1) * (double)st->info.nnz);
        s = hold(cx, st, from->info.on_disk > 0, what);
    }
    if (s != CLAB_OK) {
        clab_store_unref(st);
        return s;
    }
    *out = st;
    return CLAB_OK;
}

clab_status clab_store_sketch(clab_ctx *cx, const clab_store *sample, int64_t n_rows, const int64_t *before, int64_t nnz,
                              bool in_file, const char *what, clab_store **out)
{
    const clab_store_info *of = clab_store_get_info(sample);
    clab_store *st = calloc(1, sizeof *st);
    clab_status s;

    *out = NULL;
    if (!st)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a sketch");
    st->cx = cx;
    st->fd = -1;
    atomic_init(&st->refs, 1);
    st->info = *of;
    st->info.n_rows = n_rows;
    s = n_rows < 0 || (n_rows > 0 && of->n_rows == 0)
            ? clab_fail(cx, CLAB_EINTERNAL, "a sketch of %lld rows without a sample", (long long)n_rows)
            : take_sample(cx, sample, &st->sketch);
    if (s == CLAB_OK)
        s = fill_before(cx, st, before, nnz);
    if (s == CLAB_OK) {
        st->info.bytes = packed_bytes(st, of);
        s = hold(cx, st, in_file, what);
    }
    if (s != CLAB_OK) {
        clab_store_unref(st);
        return s;
    }
    *out = st;
    return CLAB_OK;
}

/* ---- rows -----------------------------------------------------------------------------------------*/

/* A sampled row of about n entries; which of several, the row's number decides. */
static int64_t like(const struct clab__sketch *k, int64_t row, int64_t n)
{
    int64_t low = 0, high = k->n, from;

    while (low < high) {
        int64_t mid = (low + high) / 2;
        if (length_of(k, k->by_length[mid]) < n)
            low = mid + 1;
        else
            high = mid;
    }
    from = low - AROUND / 2;
    from = from + AROUND > k->n ? k->n - AROUND : from;
    from = from < 0 ? 0 : from;
    low = k->n - from < AROUND ? k->n - from : AROUND;
    return k->by_length[from + (int64_t)(clab__mix((uint64_t)row) % (uint64_t)low)];
}

typedef struct {
    int32_t *indices;
    float *f32;
    double *f64;
    int64_t n;
} row_out;

static void put(row_out *o, int32_t column, float value)
{
    o->indices[o->n] = column;
    if (o->f32)
        o->f32[o->n] = value;
    else
        o->f64[o->n] = (double)value;
    o->n++;
}

clab_status clab__sketch_row(clab_ctx *cx, const clab_store *s, int64_t row, int32_t *indices, float *f32, double *f64)
{
    const struct clab__sketch *k = s->sketch;
    const int64_t n = clab_store_row_nnz(s, row), from = like(k, row, n), m = length_of(k, from);
    const int32_t *c = k->indices + k->start[from];
    const float *v = k->values + k->start[from];
    const int64_t free_columns = s->info.n_cols - m; /* those that the sampled row does not have */
    int64_t others = (n + OTHERS - 1) / OTHERS, kept, at = 0, take = 0, next;
    const double turn = (double)(clab__mix((uint64_t)row ^ 0x9e3779b9u) >> 11) * 0x1p-53;
    row_out o = {indices, f32, f64, 0};

    if (!clab_ctx_planning(cx))
        return clab_fail(cx, CLAB_ESTATE, "this dataset was made by a plan: it has no values, and cannot be used outside it");
    others = n - others > m ? n - m : others;
    others = others > free_columns ? free_columns : others;
    kept = n - others < m ? n - others : m;
    next = kept > 0 ? 0 : -1;
    /* Both lists rise: kept entries of the sampled row, and every so-many-th of the columns between. */
    for (int64_t j = 0; j < others; j++) {
        const int64_t rank = (int64_t)(((double)j + turn) * (double)free_columns / (double)others);
        while (at < m && c[at] - at <= rank) {
            if (take < kept && at == next) {
                put(&o, c[at], v[at]);
                take++;
                next = take < kept ? take * m / kept : -1;
            }
            at++;
        }
        put(&o, (int32_t)(rank + at), m > 0 ? v[j % m] : 1.0f);
    }
    for (; at < m; at++) {
        if (take < kept && at == next) {
            put(&o, c[at], v[at]);
            take++;
            next = take < kept ? take * m / kept : -1;
        }
    }
    return o.n == n ? CLAB_OK : clab_fail(cx, CLAB_EINTERNAL, "a sketch made %lld of %lld entries", (long long)o.n, (long long)n);
}
