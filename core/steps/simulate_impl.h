/* simulate_impl.h -- what the files of simulate*.c share.
 * Shapes: U genes in all, G genes of a study, T types, B batches of a study, N cells. */
#ifndef CLAB_SIMULATE_IMPL_H
#define CLAB_SIMULATE_IMPL_H

#include "backend/formula.h"
#include "base/csr.h"
#include "steps/simulate.h"

typedef struct {
    int64_t cells[2];    /* of the reference and the query */
    int64_t genes;       /* G */
    int64_t union_genes; /* U */
    int64_t types, batches;
    double depth;        /* UMIs of a cell, about */
    double effect;       /* of batches: standard deviation of the log expression */
    uint64_t seed;
} clab__sim_plan;

/* Which use a random number has.  The low bit of those that belong to cells is the study. */
typedef enum {
    CLAB__SIM_GENE, CLAB__SIM_PRIVATE, CLAB__SIM_MARKER, CLAB__SIM_TYPE, CLAB__SIM_FAMILY, CLAB__SIM_WEIGHT,
    CLAB__SIM_BATCH, CLAB__SIM_CELL = 16, CLAB__SIM_DRAW = 18, CLAB__SIM_BURST = 20
} clab__sim_use;

static inline clab_noise_key clab__sim_key(const clab__sim_plan *p, clab__sim_use use, int study)
{
    return (clab_noise_key){.seed = p->seed, .stream = (uint32_t)use + (uint32_t)study};
}

/* ---- genes and profiles (simulate_model.c) ---------------------------------------------------------*/
#define CLAB__SIM_GUIDE 16384 /* a guide table's cells: a draw's first 14 bits */
#define CLAB__SIM_GUIDE_SHIFT 17 /* of a draw of 31 bits */
#define CLAB__SIM_STRIDE 8 /* intervals that are compared at once */

/* What the cells of a type in a batch draw from: intervals of 0 .. 2^31 - 1, one a gene, the most frequent
 * genes first so that most draws touch few cache lines.  A draw in one is a burst of its gene; up to `single` it
 * is a single UMI. */
typedef struct {
    double bursts;   /* expected, of a cell of ordinary size */
    int32_t *from;   /* G + CLAB__SIM_STRIDE: where the interval begins; nothing is drawn behind the last gene */
    int32_t *single; /* G */
    float *p;        /* G: of the logarithmic distribution of the bursts' sizes */
    float *p_single; /* G: part of its bursts that are single UMIs */
    int32_t *guide;  /* CLAB__SIM_GUIDE + 1: the interval in which the cell of the guide begins */
} clab__sim_profile;

typedef struct {
    clab__sim_plan plan;
    int study;
    int64_t n_genes;
    int32_t *genes;      /* G: number of the gene among all U, rising */
    int32_t *by_rank;    /* G: column of the r-th most frequent gene */
    double *log_mean;    /* U */
    float *theta;        /* U: inverse dispersion */
    int32_t *marker_of;  /* U: type whose marker it is, or -1 */
    double *type_cdf;    /* T: shares of the types, added up */
    double *type_size;   /* T: UMIs of its cells, relative */
    clab__sim_profile *profile; /* T x B */
    void *tables;        /* all profiles' arrays */
} clab__sim_model;

CLAB_MUST_CHECK clab_status clab__sim_model_new(clab_ctx *cx, const clab__sim_plan *plan, int study,
                                                clab__sim_model **out);
void clab__sim_model_free(clab_ctx *cx, clab__sim_model *m); /* NULL is fine */
/* Name of gene u of U, into buf (>= 24 bytes). */
void clab__sim_gene_name(const clab__sim_plan *plan, int64_t u, char *buf, size_t n);

/* ---- cells (simulate_cells.c) -----------------------------------------------------------------------*/
typedef struct clab__sim_cells clab__sim_cells;

/* Draws types, batches and sizes of all N cells: 16 bytes each. */
CLAB_MUST_CHECK clab_status clab__sim_cells_new(clab_ctx *cx, const clab__sim_model *m, clab__sim_cells **out);
void clab__sim_cells_free(clab_ctx *cx, clab__sim_cells *c); /* NULL is fine */
/* The next block of rows in order, or NULL at the end; borrowed until the next call. */
CLAB_MUST_CHECK clab_status clab__sim_cells_next(clab_ctx *cx, clab__sim_cells *c, const clab_csr **block);
int64_t clab__sim_cells_bound(const clab__sim_cells *c);            /* non-zeros, at most */
const int32_t *clab__sim_cells_types(const clab__sim_cells *c);     /* N */
const int32_t *clab__sim_cells_batches(const clab__sim_cells *c);   /* N */
const int64_t *clab__sim_cells_totals(const clab__sim_cells *c);    /* N; final once all blocks were taken */
/* G sums over all cells: once all blocks were taken. */
void clab__sim_cells_gene_totals(const clab__sim_cells *c, int64_t *totals);

#endif
