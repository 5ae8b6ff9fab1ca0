/* counts_impl.h -- the byte layout of a store, shared by its builder and its reader.
 *
 * All numbers in the byte order of the machine that wrote them; another order is refused by the tag.
 *
 *   header    CLAB__HEADER bytes: clab__header, then zeros
 *   rows      row_bytes bytes: one record after another, a row without entries has none
 *   table     (n_rows + 1) x u64: where each record starts in `rows`, then
 *             (n_rows + 1) x u64: entries before each row
 *
 * A record is one byte of clab__row_mode (in levels mode followed by the row's distinct values), then for
 * every 128 entries of the row a packed block of column gaps (index - previous index - 1, the one before the
 * first is -1) and, but in raw mode, a packed block of values; in raw mode all values follow the last block,
 * in the store's dtype.
 */
#ifndef CLAB_COUNTS_IMPL_H
#define CLAB_COUNTS_IMPL_H

#include <stdatomic.h>

#include "counts/store.h"
#include "ledger/ledger.h"

/* ---- packed blocks (pack.c) -----------------------------------------------------------------------*/
#define CLAB__BLOCK 128                      /* entries of a full block */
#define CLAB__PACK_MAX (3 + 4 * CLAB__BLOCK) /* bytes of any packed block at most */

/* clab__pack -- pack n (1..128) numbers into out (CLAB__PACK_MAX bytes); returns the bytes written. */
size_t clab__pack(const uint32_t *v, int n, uint8_t *out);

/* clab__unpack -- n numbers from the bytes p..end into v (128 places, all may be written).
 * Returns where the block ends, or NULL when the bytes are not a block.  Never reads outside p..end. */
const uint8_t *clab__unpack(const uint8_t *p, const uint8_t *end, int n, uint32_t *v);

/* ---- layout ----------------------------------------------------------------------------------------*/
typedef enum {
    CLAB__ROW_COUNTS, /* whole numbers 1 .. 2^31-1, kept as value - 1 */
    CLAB__ROW_ZEROS,  /* whole numbers 0 .. 2^31-1, kept as they are: some zero is stored */
    CLAB__ROW_RAW,    /* anything else, in the store's dtype */
    CLAB__ROW_LEVELS, /* anything else that takes few values, as log-normalised counts do: number of the value */
    CLAB__N_ROW_MODES
} clab__row_mode;

#define CLAB__HEADER 4096
#define CLAB__VERSION 1u
#define CLAB__ORDER_TAG 0x01020304u
extern const char clab__magic[8];

typedef struct {
    char magic[8];
    uint32_t version, order_tag;
    int64_t n_rows, n_cols, nnz;
    int64_t row_bytes;
    int64_t total_bytes;     /* of the whole layout */
    int32_t dtype;
    uint8_t dense, whole, negative, finite;
    double min, max;
    int64_t bad_row, bad_col;
    double bad_value;
    uint64_t hash;
    uint64_t rows_sum, table_sum;
    uint64_t header_sum;     /* of the fields above */
} clab__header;

/* ---- checksums (checksum.c) ---------------------------------------------------------------------------
 * Sections are summed in chunks of CLAB__CHUNK bytes (the last may be shorter), and the chunks' sums are
 * folded in order: a builder sums as it writes, a reader on all threads. */
#define CLAB__CHUNK (1 << 20)
uint64_t clab__sum(const void *bytes, size_t n);
uint64_t clab__sum_fold(uint64_t sum, uint64_t chunk_sum);
uint64_t clab__mix(uint64_t x); /* a bijection whose output bits all depend on all input bits */

/* ---- rows (row_scan.c, levels.c) -----------------------------------------------------------------------*/

/* How a row may be kept: COUNTS, ZEROS or RAW.  Adds its values to the facts in the header, whose n_rows is the
 * number of this row; *hash is of this row alone. */
clab__row_mode clab__scan_row(clab__header *h, int64_t n, const int32_t *indices, const void *values, uint64_t *hash);
/* The hash of all rows so far with one of n entries added. */
uint64_t clab__hash_row(uint64_t hash, int64_t n, uint64_t row_hash);
/* A header without rows. */
void clab__header_new(clab__header *h, int64_t n_cols, clab_dtype dtype, bool dense);
/* The facts of more rows, the first of which is row h->n_rows, added to those of the rows before. */
void clab__facts_add(clab__header *h, const clab__header *more);

/* The distinct values of a row, bit for bit, smallest first: u8 (how many - 1), then the values. */
#define CLAB__N_LEVELS 256
#define CLAB__LEVELS_MAX (2 + 8 * CLAB__N_LEVELS) /* bytes, with the mode before them */
typedef struct {
    clab_dtype dtype;
    int n;
    uint64_t bits[CLAB__N_LEVELS];
    int16_t slot[4 * CLAB__N_LEVELS]; /* hash table: level + 1, or 0 */
} clab__levels;

/* Are there at most 256 of them, and few enough to pay? */
bool clab__levels_find(clab__levels *l, clab_dtype t, const void *values, int64_t n);
void clab__levels_codes(const clab__levels *l, const void *values, int n, uint32_t *codes);
size_t clab__levels_put(const clab__levels *l, uint8_t *out);

/* ---- element types (elements.c) ------------------------------------------------------------------------
 * n values of a numeric dtype at `from` (no alignment asked) as double or float, as a C cast does it. */
void clab__to_f64(clab_dtype t, const void *from, int64_t n, double *to);
void clab__to_f32(clab_dtype t, const void *from, int64_t n, float *to);

/* ---- packed rows without a builder (store_tile.c) ------------------------------------------------------------*/
typedef struct {
    uint64_t hash, end; /* end: bytes of the tile up to here */
    int64_t entries;
} clab__tile_row;

struct clab_store_tile {
    clab_ctx *cx;
    clab__header head;   /* shape and facts of these rows alone */
    uint8_t *bytes;
    int64_t used, room;
    clab__tile_row *rows; /* head.n_rows */
    int64_t rows_room;
    clab__levels levels; /* of the row being packed */
};

/* Where the table of a layout begins: after the rows, 8-byte aligned. */
int64_t clab__table_at(int64_t row_bytes);

/* ---- an open store (store.c, store_row.c) --------------------------------------------------------------
 * In one of two homes: mapped into memory whole, or in its file, of which only the row table is held.  A
 * file is read and never mapped: its pages would count as our memory, and a page that a shorter file no
 * longer has is a signal, not an error. */
struct clab_store {
    atomic_int refs;
    clab_ctx *cx;
    clab_charge charge;
    const uint8_t *map;      /* the whole layout; NULL when it stays in the file */
    size_t map_bytes;
    int fd;                  /* the file; -1 when mapped */
    void *table;             /* starts and before, when they are not in the map */
    const uint64_t *starts;  /* n_rows + 1 */
    const uint64_t *before;  /* n_rows + 1 */
    struct clab__sketch *sketch; /* of a dry run: neither map nor file; NULL else */
    struct clab__source *source; /* of a file of another format; NULL else */
    clab_store_info info;
};

/* source.c: one row of the segments at hand, as clab_store_row; freeing. */
CLAB_MUST_CHECK clab_status clab__source_row(clab_ctx *cx, const clab_store *s, int64_t row, int32_t *indices, float *f32,
                                             double *f64);
void clab__source_free(clab_ctx *cx, struct clab__source *k);

/* sketch.c: one row of a sketch, as clab_store_row; freeing; whether it may be read now. */
CLAB_MUST_CHECK clab_status clab__sketch_row(clab_ctx *cx, const clab_store *s, int64_t row, int32_t *indices, float *f32,
                                             double *f64);
void clab__sketch_free(clab_ctx *cx, struct clab__sketch *k);

/* n bytes of a layout from `at`; EIO in words when the system says no or the file has become shorter. */
CLAB_MUST_CHECK clab_status clab__file_read(clab_ctx *cx, int fd, void *to, size_t n, int64_t at);

#endif
