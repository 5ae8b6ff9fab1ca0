/* value.h -- the small things beside the counts: columns, tables, arrays, nested dictionaries.
 *
 * One immutable, reference-counted type that mirrors the element kinds of the AnnData format
 * (docs/formats.md), so that reading, writing, concatenating and subsetting are each written once.
 * Strings are UTF-8, owned by the value.  Refuses to hold counts: those are in stores.
 */
#ifndef CLAB_VALUE_H
#define CLAB_VALUE_H

#include "base/csr.h"
#include "base/ctx.h"
#include "ledger/holdings.h"

typedef enum {
    CLAB_V_NULL,        /* AnnData's null */
    CLAB_V_ARRAY,       /* numeric or boolean, rank 0..8 (rank 0 = scalar), row-major */
    CLAB_V_STRINGS,     /* strings, rank 0..8; never NULL pointers (missing: nullable or categorical) */
    CLAB_V_CATEGORICAL, /* codes int32 (-1 = missing) into levels */
    CLAB_V_NULLABLE,    /* an ARRAY or STRINGS of rank 1 with a mask (1 = missing) */
    CLAB_V_SPARSE,      /* small CSR (obsp, uns): values f32/f64/... with int64 indptr, int32 indices */
    CLAB_V_TABLE,       /* dataframe: index + ordered named columns of one length */
    CLAB_V_DICT,        /* ordered, named values */
    CLAB_V_RECORDS      /* structured array: ordered named 1-D fields of one length (uns/rank_genes_groups) */
} clab_vkind;

typedef struct clab_value clab_value;
struct clab_value {
    int refs;                /* atomic; use ref/unref */
    clab_vkind kind;
    clab_dtype dtype;        /* ARRAY, SPARSE, and of a NULLABLE's values */
    int rank;
    int64_t dims[8];         /* ARRAY, STRINGS; n in dims[0] for CATEGORICAL, NULLABLE, TABLE, RECORDS; SPARSE: rows, cols */
    void *data;              /* ARRAY, SPARSE values: elements.  STRINGS: char *[] */
    int32_t *codes;          /* CATEGORICAL (n) */
    clab_value *levels;      /* CATEGORICAL: ARRAY or STRINGS of rank 1 */
    bool ordered;            /* CATEGORICAL */
    uint8_t *mask;           /* NULLABLE (n) */
    clab_value *inner;       /* NULLABLE */
    int64_t *indptr;         /* SPARSE */
    int32_t *indices;        /* SPARSE */
    char *index_name;        /* TABLE: name of the index ("_index" when none) */
    clab_value *index;       /* TABLE: STRINGS rank 1 */
    int64_t n_items;         /* TABLE columns, DICT items, RECORDS fields */
    char **names;
    clab_value **items;
    int64_t bytes;           /* of this value itself, without items */
    clab_ctx *cx;            /* whose ledger is charged */
};

clab_value *clab_value_ref(const clab_value *v);
void clab_value_unref(clab_value *v); /* NULL is fine */
int64_t clab_value_bytes(const clab_value *v); /* with everything below it */

/* Every holding of the ledger that it keeps alive, with everything below it. */
void clab_value_held(const clab_value *v, clab_held_fn *fn, void *user); /* NULL is fine */

/* ---- making (the caller owns *out; data is copied unless the name says take) ----------------------*/
CLAB_MUST_CHECK clab_status clab_value_null(clab_ctx *cx, clab_value **out);
CLAB_MUST_CHECK clab_status clab_value_array(clab_ctx *cx, clab_dtype t, int rank, const int64_t *dims, const void *data /* NULL = zeros */, clab_value **out);
CLAB_MUST_CHECK clab_status clab_value_strings(clab_ctx *cx, int rank, const int64_t *dims, const char *const *s /* NULL = "" */, clab_value **out);
CLAB_MUST_CHECK clab_status clab_value_string(clab_ctx *cx, const char *s, clab_value **out);   /* rank 0 */
CLAB_MUST_CHECK clab_status clab_value_number(clab_ctx *cx, double x, clab_value **out);        /* rank 0 float64 */
CLAB_MUST_CHECK clab_status clab_value_integer(clab_ctx *cx, int64_t x, clab_value **out);      /* rank 0 int64 */
CLAB_MUST_CHECK clab_status clab_value_boolean(clab_ctx *cx, bool x, clab_value **out);         /* rank 0 bool */
CLAB_MUST_CHECK clab_status clab_value_categorical(clab_ctx *cx, int64_t n, const int32_t *codes, const clab_value *levels, bool ordered, clab_value **out);
/* Categorical from strings; NULL entries are missing; levels in natural order. */
CLAB_MUST_CHECK clab_status clab_value_factor(clab_ctx *cx, int64_t n, const char *const *s, clab_value **out);
CLAB_MUST_CHECK clab_status clab_value_nullable(clab_ctx *cx, const clab_value *inner, const uint8_t *mask, clab_value **out);
CLAB_MUST_CHECK clab_status clab_value_sparse(clab_ctx *cx, clab_dtype t, int64_t n_rows, int64_t n_cols, const int64_t *indptr, const int32_t *indices, const void *data, clab_value **out);
CLAB_MUST_CHECK clab_status clab_value_table(clab_ctx *cx, const clab_value *index /* STRINGS */, const char *index_name, clab_value **out);
CLAB_MUST_CHECK clab_status clab_value_dict(clab_ctx *cx, clab_value **out);
CLAB_MUST_CHECK clab_status clab_value_records(clab_ctx *cx, int64_t n, clab_value **out);

/* ---- containers: TABLE, DICT, RECORDS ------------------------------------------------------------------
 * Values are immutable once shared: `set` and `remove` are for a container with one reference, made or
 * copied by the caller (clab_value_copy = shallow copy of the container, items shared). */
CLAB_MUST_CHECK clab_status clab_value_copy(clab_ctx *cx, const clab_value *v, clab_value **out);
CLAB_MUST_CHECK clab_status clab_value_set(clab_ctx *cx, clab_value *container, const char *name, const clab_value *item); /* adds at the end or replaces in place; refs item; ESHAPE when a column has another length */
/* A scalar made and set in one. */
CLAB_MUST_CHECK clab_status clab_value_set_string(clab_ctx *cx, clab_value *container, const char *name, const char *text);
CLAB_MUST_CHECK clab_status clab_value_set_number(clab_ctx *cx, clab_value *container, const char *name, double x);
CLAB_MUST_CHECK clab_status clab_value_set_integer(clab_ctx *cx, clab_value *container, const char *name, int64_t x);
CLAB_MUST_CHECK clab_status clab_value_set_boolean(clab_ctx *cx, clab_value *container, const char *name, bool x);
/* Sets an item whose making ended with `made`, and lets go of it (NULL after a failure): returns the first failure. */
CLAB_MUST_CHECK clab_status clab_value_set_made(clab_ctx *cx, clab_value *container, const char *name, clab_status made, clab_value *item);
bool clab_value_remove(clab_value *container, const char *name);
const clab_value *clab_value_get(const clab_value *container, const char *name); /* borrowed or NULL; NULL container is fine */

/* ---- columns: rank-1 ARRAY, STRINGS, CATEGORICAL, NULLABLE ---------------------------------------------*/
int64_t clab_value_len(const clab_value *v);                      /* rows */
bool clab_value_missing(const clab_value *col, int64_t i);        /* NaN counts as missing */
/* Element as number: numeric and boolean kinds, categoricals with numeric levels.  NaN when missing or not numeric. */
double clab_value_at_num(const clab_value *col, int64_t i);
bool clab_value_is_numeric(const clab_value *col);
/* Element as text; borrowed where it is a string, else formatted into buf (>= 32 bytes); NULL when missing. */
const char *clab_value_at_str(const clab_value *col, int64_t i, char *buf, size_t n);

/* ---- rows --------------------------------------------------------------------------------------------------
 * Rows idx[0..n-1] along the first dimension; unused levels of categoricals are dropped (as AnnData does).
 * idx < 0 gives missing: NaN, -1, masked, "" (see concat). */
CLAB_MUST_CHECK clab_status clab_value_take(clab_ctx *cx, const clab_value *v, const int64_t *idx, int64_t n, clab_value **out);
/* Both dimensions (obsp). */
CLAB_MUST_CHECK clab_status clab_value_take2(clab_ctx *cx, const clab_value *v, const int64_t *idx, int64_t n, clab_value **out);
/* Concatenate columns/arrays along the first dimension with pandas' type rules (docs/steps/concat.md);
 * parts[i] may be NULL = absent: n_rows[i] missing rows. */
CLAB_MUST_CHECK clab_status clab_value_concat(clab_ctx *cx, const clab_value *const *parts, const int64_t *n_rows, int n, clab_value **out);
bool clab_value_equal(const clab_value *a, const clab_value *b);  /* NaN equals NaN, dtypes must agree */

/* value_counts: distinct values with counts, descending; ties: category order, or first appearance.
 * Missing ones are not in the list; *n_missing counts them.  Caller owns *levels (STRINGS or ARRAY) and clab_mem_free's *counts. */
CLAB_MUST_CHECK clab_status clab_value_counts(clab_ctx *cx, const clab_value *col, clab_value **levels, int64_t **counts, int64_t *n_missing);
/* Labels as codes: levels in the column's category order (categorical) or plain sorted order; missing = -1. */
CLAB_MUST_CHECK clab_status clab_value_codes(clab_ctx *cx, const clab_value *col, clab_value **levels, int32_t **codes);

/* clab_value_summary -- what a column holds, for inspect and compare: DICT with kind ("categorical", "string",
 * "int64", ...); of text also n_levels and missing; of a label candidate (at most 500 levels, not one a cell)
 * levels and counts, falling. */
CLAB_MUST_CHECK clab_status clab_value_summary(clab_ctx *cx, const clab_value *col, clab_value **out);

/* ---- serialising over a guest's wire ---------------------------------------------------------------------*/
struct clab_wire;
CLAB_MUST_CHECK clab_status clab_value_put(clab_ctx *cx, struct clab_wire *w, const clab_value *v);
CLAB_MUST_CHECK clab_status clab_value_fetch(clab_ctx *cx, struct clab_wire *w, const char *what, clab_value **out); /* survives any bytes */

#endif
