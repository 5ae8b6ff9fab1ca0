/* value_impl.h -- what the files of value*.c share; nobody else includes it. */
#ifndef CLAB_VALUE_IMPL_H
#define CLAB_VALUE_IMPL_H

#include "data/value.h"
#include "ledger/ledger.h"

#define CLAB__MAX_RANK 8

/* An empty value of one kind with one reference. */
CLAB_MUST_CHECK clab_status clab__value_new(clab_ctx *cx, clab_vkind kind, clab_value **out);

/* n * size bytes charged to v as CLAB_MEM_TABLE; size 0 gives one byte, so that *p is never NULL. */
CLAB_MUST_CHECK clab_status clab__value_alloc(clab_ctx *cx, clab_value *v, int64_t n, size_t size, void **p);

/* Product of dims; ESHAPE when a rank or a length is impossible. */
CLAB_MUST_CHECK clab_status clab__dims_count(clab_ctx *cx, int rank, const int64_t *dims, int64_t *n);
int64_t clab__value_count(const clab_value *v); /* elements of an ARRAY or STRINGS */

/* STRINGS with room for text_bytes of text behind the pointers: one allocation.  The caller fills
 * data[i] with pointers into *text. */
CLAB_MUST_CHECK clab_status clab__strings_new(clab_ctx *cx, int rank, const int64_t *dims, int64_t text_bytes,
                                              clab_value **out, char **text);

/* One element as double / signed / unsigned; the element's type is a number or CLAB_BOOL. */
double clab__elem_f64(const void *data, clab_dtype t, int64_t i);
int64_t clab__elem_i64(const void *data, clab_dtype t, int64_t i);
void clab__elem_store(void *data, clab_dtype t, int64_t i, const void *from, clab_dtype from_t, int64_t j);
int clab__elem_compare(const void *data, clab_dtype t, int64_t i, int64_t j); /* NaN after all numbers */

/* numpy's type for two element types side by side. */
clab_dtype clab__dtype_promote(clab_dtype a, clab_dtype b);

/* Distinct elements of a column: codes (n; -1 = missing) in the order of first appearance, first[k] =
 * row where k appears first.  For categoricals the codes and levels are those of the column and *first
 * is NULL.  The caller clab_mem_free's both. */
CLAB_MUST_CHECK clab_status clab__value_distinct(clab_ctx *cx, const clab_value *col, int32_t **codes,
                                                 int64_t **first, int64_t *n_levels);

/* Order of the n levels: natural or plain for text, by value for numbers; order[new] = old. */
CLAB_MUST_CHECK clab_status clab__levels_order(clab_ctx *cx, const clab_value *levels, bool natural,
                                               int64_t **order);

/* What clab_value_concat puts together. */
typedef struct {
    clab_ctx *cx;
    const clab_value **part;  /* NULL = n_rows[i] missing rows */
    const int64_t *n_rows;
    int n;
    int64_t total;
    bool absent;              /* some part with rows is NULL */
} clab__pieces;

bool clab__value_is_text(const clab_value *v); /* strings, nullable or not */
/* Categoricals whose levels are equal / unordered ones, levels united / anything that becomes text. */
CLAB_MUST_CHECK clab_status clab__concat_same_levels(const clab__pieces *p, clab_value **out);
CLAB_MUST_CHECK clab_status clab__concat_categoricals(const clab__pieces *p, clab_value **out);
CLAB_MUST_CHECK clab_status clab__concat_text(const clab__pieces *p, clab_value **out);

#endif
