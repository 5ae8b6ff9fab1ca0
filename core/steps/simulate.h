/* simulate.h -- raw counts of studies that never were, with their truth: for benchmarks and classrooms.
 *
 * Negative binomial counts of cell types with markers, batch effects, genes that are hardly ever seen, and a
 * reference and a query whose gene lists differ (docs/simulate.md).  Cells are drawn from numbers keyed by
 * (seed, study, cell): the same study for any number of threads, and its first cells whatever the number of
 * cells.  Refuses to be fitted to a real study.
 */
#ifndef CLAB_SIMULATE_H
#define CLAB_SIMULATE_H

#include "steps/step.h"

/* cells, query_cells=0, genes=30000, shared_genes, types=12, batches=1, depth=5000, batch_effect=0.3, seed=0,
 * path, compression=1.  The order is that of this enumeration. */
extern const clab_param clab_simulate_params[];
extern const int clab_simulate_n_params;
enum {
    CLAB_SIM_CELLS, CLAB_SIM_QUERY, CLAB_SIM_GENES, CLAB_SIM_SHARED, CLAB_SIM_TYPES, CLAB_SIM_BATCHES,
    CLAB_SIM_DEPTH, CLAB_SIM_EFFECT, CLAB_SIM_SEED, CLAB_SIM_PATH, CLAB_SIM_LEVEL
};

/* clab_simulate -- studies in memory, packed as they are drawn.  obs: cell_type, batch, sim_total (the sum of
 * the cell's counts); var: sim_gene_total, marker_of; uns.simulate: the arguments.
 *   out  [0] the study, or the reference of a pair; [1] the query, NULL where query_cells is 0; caller owns.
 * EARG where the arguments contradict each other. */
CLAB_MUST_CHECK clab_status clab_simulate(clab_ctx *cx, const clab_arg *args, clab_dataset *out[2]);

/* clab_simulate_write -- the same as .h5ad files, never more than a block of cells in memory: `path` itself,
 * or for a pair path/reference.h5ad and path/query.h5ad in a folder that is made where it is missing.
 *   files  [2] what was written, malloc'd; [1] NULL where query_cells is 0 */
CLAB_MUST_CHECK clab_status clab_simulate_write(clab_ctx *cx, const clab_arg *args, char *files[2]);

#endif
