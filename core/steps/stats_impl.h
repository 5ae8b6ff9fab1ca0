/* stats_impl.h -- sums over cells and genes that several steps need, each in one pass over the row stream. */
#ifndef CLAB_STATS_IMPL_H
#define CLAB_STATS_IMPL_H

#include "data/rows.h"
#include "steps/step.h"

/* clab__each_cell -- fn(arg, b, i) for row i of every block b of a stream over m, on all threads: a
 * call writes what belongs to cell b->first_row + i, anything else atomically.  Memory: a few blocks.
 * Errors: ECANCEL, EFORMAT. */
CLAB_MUST_CHECK clab_status clab__each_cell(clab_ctx *cx, const clab_matrix *m, const clab_rows_opts *o,
                                            void (*fn)(void *arg, const clab_csr *b, int64_t i), void *arg);

typedef struct {
    bool f64;                  /* take the values as float64, else rounded to float32 first */
    const char *phase;         /* name shown while it runs */
    const uint8_t *leave_out;  /* G flags, 1 leaves a gene out; NULL = none */
    uint8_t *high;             /* G, zeroed by the caller: set to 1 where some x > max_fraction * R(sum), R being
                                * the type that the values are taken in; NULL = not asked */
    double max_fraction;
} clab__cell_sums_opts;

/* clab__cell_sums -- per cell: the sum in float64, and how many values are > 0 (NaN is not).
 *   m         in   N x G
 *   sum       out  N
 *   positive  out  N, may be NULL
 * Each cell adds its values in column order.  Memory: a few blocks.  Errors: ECANCEL, EFORMAT. */
CLAB_MUST_CHECK clab_status clab__cell_sums(clab_ctx *cx, const clab_matrix *m, const clab__cell_sums_opts *o,
                                            double *sum, int64_t *positive);

/* Per gene and group of cells; arrays of n_groups x G, group after group. */
typedef struct {
    clab_ctx *cx;
    int n_groups;
    int64_t n_genes;
    int64_t *n_cells;    /* n_groups */
    double *sum;
    double *squares;     /* sum of squares, each rounded to the matrix's element type first, as scanpy does;
                          * with clip in float64 */
    int64_t *positive;   /* cells with a value > 0 */
} clab__gene_sums;

typedef struct {
    const int32_t *group; /* N group numbers, < 0 leaves a cell out; NULL = all in group 0 */
    int n_groups;
    bool expm1;           /* x -> expm1(x * log_base) in the matrix's element type, before anything is added */
    double log_base;      /* ln of the base of the logarithm; 1 for e */
    const double *clip;   /* n_groups x G: larger values count as this; NULL = none; not with expm1 */
    const char *phase;
} clab__gene_sums_opts;

/* clab__gene_sums_new -- the sums above in one pass.  Memory: 24 bytes x n_groups x G, up to five times
 * that for small ones.  Deterministic: rows are split into a fixed number of parts. */
CLAB_MUST_CHECK clab_status clab__gene_sums_new(clab_ctx *cx, const clab_matrix *m, const clab__gene_sums_opts *o,
                                                clab__gene_sums **out);
void clab__gene_sums_free(clab__gene_sums *s);
int64_t clab__gene_sums_bytes(int64_t n_genes, int n_groups); /* what clab__gene_sums_new takes */

/* Mean and variance (divisor n-1, at least 0) of gene g in a group: docs/steps/hvg.md eq. 1. */
void clab__gene_moments(const clab__gene_sums *s, int group, int64_t gene, double *mean, double *var);

typedef struct {
    double target;        /* 0 = median of the totals > 0 */
    bool exclude;         /* leave genes out of the totals that hold more than max_fraction of some cell */
    double max_fraction;
    uint8_t *excluded;    /* G, zeroed by the caller: 1 = left out; needed with exclude */
    const char *phase;
} clab__normalise_opts;

/* clab__normalised -- m divided by its size factors as a recipe: docs/steps/normalise.md.
 *   factors  out  N of them as a column of m's element type; may be NULL */
CLAB_MUST_CHECK clab_status clab__normalised(clab_ctx *cx, const clab_matrix *m, const clab__normalise_opts *o,
                                             clab_value **factors, clab_matrix **out);

/* The base that uns.log1p of a file gives: true when it is there (*base 0 = e). */
bool clab__uns_log1p(const clab_dataset *d, double *base);

/* A new handle of d whose X is x (taken, also on error). */
CLAB_MUST_CHECK clab_status clab__with_x(clab_ctx *cx, const clab_dataset *d, clab_matrix *x, clab_dataset **out);

/* d->x, the counts where the file has no X, or ESTATE when there are none either. */
CLAB_MUST_CHECK clab_status clab__need_x(clab_ctx *cx, const clab_dataset *d, const clab_matrix **out);
/* No value of m, which `name` ("X", a layer) of d calls its own, is below 0: of others neither totals nor
 * logarithms mean anything. */
CLAB_MUST_CHECK clab_status clab__need_positive(clab_ctx *cx, const clab_dataset *d, const char *name,
                                                const clab_matrix *m);

/* clab__values_of -- the matrix that a layer= argument names; borrowed.  Not given, or "X": clab__need_x.
 * ENOTFOUND lists the layers there are. */
CLAB_MUST_CHECK clab_status clab__values_of(clab_ctx *cx, const clab_dataset *d, const clab_arg *layer,
                                            const clab_matrix **out);
/* A new handle of d in which m (taken, also on error) stands where clab__values_of found its matrix. */
CLAB_MUST_CHECK clab_status clab__with_values(clab_ctx *cx, const clab_dataset *d, const clab_arg *layer, clab_matrix *m,
                                              clab_dataset **out);
/* "X" or the layer's name, for messages. */
const char *clab__values_name(const clab_arg *layer);

/* The type that numpy gives sums of values of type t: t itself, or the widest whole numbers of its sign. */
clab_dtype clab__sum_type(clab_dtype t);

/* Every stored value is a whole number >= 0, in all stores of m. */
bool clab__holds_counts(const clab_matrix *m);
/* Some stored value is below 0; NaN or infinite. */
bool clab__holds_negative(const clab_matrix *m);
bool clab__holds_nan(const clab_matrix *m);

#endif
