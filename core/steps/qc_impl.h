/* qc_impl.h -- the columns of quality control, and the one pass that fills them.  N cells, G genes. */
#ifndef CLAB_QC_IMPL_H
#define CLAB_QC_IMPL_H

#include "steps/step.h"

/* A set of genes whose share of each cell is asked for: "mt", 1 = in the set. */
typedef struct {
    const char *name;    /* borrowed */
    bool named;          /* found by gene names: its flags become a var column */
    clab_value *flags;   /* BOOL (G) */
} clab__qc_set;

/* clab__qc_named -- flags of the genes that `words` name: a word that is a gene's whole name means that gene,
 * any other word all genes that begin with it.
 *   names  in   G names to match against
 * Warns of words that no gene fits; ENOTFOUND when none fits any, with what would. */
CLAB_MUST_CHECK clab_status clab__qc_named(clab_ctx *cx, const clab_dataset *d, const char *what, const clab_arg *words,
                                           const clab_value *names, clab_value **out);
/* clab__qc_column -- flags from a boolean var column; EARG when it is none. */
CLAB_MUST_CHECK clab_status clab__qc_column(clab_ctx *cx, const clab_dataset *d, const char *column, clab_value **out);

typedef struct {
    int n_sets, n_top;
    const clab__qc_set *sets;
    const int64_t *top;     /* rising, 1..G */
    clab_value *n_genes;    /* N: int32, int64 for dense X */
    clab_value *total;      /* N, of the type of totals */
    clab_value **in_top;    /* n_top: N float64: percent of the total in the largest values */
    clab_value **set_total; /* n_sets: N, of the type of totals */
    clab_value **set_share; /* n_sets: N percent */
    int64_t *n_cells;       /* G: cells with a value that is not 0 */
    double *sum;            /* G */
} clab__qc_sums;

/* clab__qc_count -- all of it in one pass over m.  Memory: 128 bytes a gene, and 8 bytes a gene and thread. */
CLAB_MUST_CHECK clab_status clab__qc_count(clab_ctx *cx, const clab_matrix *m, clab__qc_sums *w);
int64_t clab__qc_bytes(const clab_ctx *cx, int64_t n_genes);

/* Number i of a numeric column that is being filled. */
void clab__qc_put(clab_value *column, int64_t i, double x);

#endif
