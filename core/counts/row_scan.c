/* row_scan.c -- one look at a row's values before it is packed: how it may be kept, the facts that the
 * header keeps about all values, and the hash of the content. */
#include "counts/counts_impl.h"

#include <math.h>
#include <string.h>

static uint64_t bits_of_value(const clab__header *h, const void *values, int64_t i, double x)
{
    uint64_t bits;

    /* Whole numbers beyond 2^53 differ where their doubles do not. */
    if ((h->dtype == CLAB_I64 || h->dtype == CLAB_U64) && fabs(x) >= 9007199254740992.0)
        memcpy(&bits, (const char *)values + i * 8, 8);
    else
        memcpy(&bits, &x, 8);
    return bits;
}

static void note_bad(clab__header *h, int32_t col, double x)
{
    if (h->bad_row >= 0)
        return;
    h->bad_row = h->n_rows;
    h->bad_col = col;
    h->bad_value = x;
}

clab__row_mode clab__scan_row(clab__header *h, int64_t n, const int32_t *indices, const void *values, uint64_t *hash)
{
    size_t size = clab_dtype_size((clab_dtype)h->dtype);
    bool zeros = false, raw = false;
    uint64_t row_hash = 0;
    double x[CLAB__BLOCK];

    for (int64_t at = 0; at < n; at += CLAB__BLOCK) {
        int64_t m = n - at < CLAB__BLOCK ? n - at : CLAB__BLOCK;
        clab__to_f64((clab_dtype)h->dtype, (const char *)values + (size_t)at * size, m, x);
        for (int64_t i = 0; i < m; i++) {
            bool small = x[i] >= 0.0 && x[i] < 2147483648.0 && x[i] == (double)(int64_t)x[i] && !signbit(x[i]);
            uint64_t bits = bits_of_value(h, values, at + i, x[i]);
            row_hash += clab__mix(bits ^ (uint64_t)indices[at + i] * UINT64_C(0xD6E8FEB86659FD93));
            h->min = x[i] < h->min ? x[i] : h->min;
            h->max = x[i] > h->max ? x[i] : h->max;
            zeros |= x[i] == 0.0;
            if (small)
                continue;
            raw = true;
            h->finite &= (uint8_t)isfinite(x[i]);
            h->negative |= x[i] < 0.0;
            if (!isfinite(x[i]) || x[i] != floor(x[i])) {
                h->whole = 0;
                note_bad(h, indices[at + i], x[i]);
            } else if (x[i] < 0.0) {
                note_bad(h, indices[at + i], x[i]);
            }
        }
    }
    *hash = row_hash;
    return raw ? CLAB__ROW_RAW : zeros ? CLAB__ROW_ZEROS : CLAB__ROW_COUNTS;
}

uint64_t clab__hash_row(uint64_t hash, int64_t n, uint64_t row_hash)
{
    return clab__mix(hash * 3 + (uint64_t)n) ^ row_hash;
}

void clab__header_new(clab__header *h, int64_t n_cols, clab_dtype dtype, bool dense)
{
    memset(h, 0, sizeof *h);
    memcpy(h->magic, clab__magic, sizeof h->magic);
    h->version = CLAB__VERSION;
    h->order_tag = CLAB__ORDER_TAG;
    h->n_cols = n_cols;
    h->dtype = (int32_t)dtype;
    h->dense = dense;
    h->whole = h->finite = 1;
    h->min = HUGE_VAL;
    h->max = -HUGE_VAL;
    h->bad_row = h->bad_col = -1;
}

void clab__facts_add(clab__header *h, const clab__header *more)
{
    h->whole &= more->whole;
    h->finite &= more->finite;
    h->negative |= more->negative;
    h->min = more->min < h->min ? more->min : h->min;
    h->max = more->max > h->max ? more->max : h->max;
    if (h->bad_row < 0 && more->bad_row >= 0) {
        h->bad_row = h->n_rows + more->bad_row;
        h->bad_col = more->bad_col;
        h->bad_value = more->bad_value;
    }
}
