/* plan.h -- what a script or a job will take, before it does: tables, JSON and figures of timelines, a plan beside its
 * measured twin, and the calculation of the memory guide.  docs/plan.md.
 * Refuses to know how a plan comes about: a script runs in a planning context, and the ledger records it. */
#ifndef CLAB_PLAN_H
#define CLAB_PLAN_H

#include "ledger/timeline.h"

/* clab_plan_request -- bytes to ask SLURM's --mem for: the peak and a headroom of an eighth and 64 MiB, in whole
 * units of 64 MiB. */
int64_t clab_plan_request(int64_t peak_bytes);

/* clab_plan_text -- the table line by line and its sums.  title: the script.  Caller free()s. */
CLAB_MUST_CHECK clab_status clab_plan_text(clab_ctx *cx, const clab_timeline *t, const char *title, char **out);
/* clab_plan_json -- {"script", "planned", "peak_bytes", "mem_request", "base_bytes", "gpu_peak_bytes", "steps": [{"line",
 * "text", "step", "runs", "live_bytes", "peak_bytes", "gpu_live_bytes", "gpu_peak_bytes", "file_bytes", "read_bytes",
 * "written_bytes", "seconds"}]}.  Caller free()s. */
CLAB_MUST_CHECK clab_status clab_plan_json(clab_ctx *cx, const clab_timeline *t, const char *title, char **out);

/* clab_plan_read -- a timeline that clab_plan_json wrote; clab_timeline_free it.  EFORMAT names what is wrong. */
CLAB_MUST_CHECK clab_status clab_plan_read(clab_ctx *cx, const char *path, clab_timeline *out);

/* ---- a plan beside its measured twin: rows are matched by their line, stages by their name -----------------------
 * clab_plan_compare_text -- one table with the difference of every peak, then the peaks as bars.  Caller free()s. */
CLAB_MUST_CHECK clab_status clab_plan_compare_text(clab_ctx *cx, const clab_timeline *planned, const clab_timeline *measured,
                                                   const char *title, char **out);
/* clab_plan_compare_svg -- the bars as a figure.  Caller free()s. */
CLAB_MUST_CHECK clab_status clab_plan_compare_svg(clab_ctx *cx, const clab_timeline *planned, const clab_timeline *measured,
                                                  const char *title, char **out);
/* Is the prediction as good as docs/plan.md says: within a tenth or 32 MiB of the measured peak, and not more than a
 * twentieth below it? */
bool clab_plan_is_good(int64_t planned_peak, int64_t measured_peak);

/* ---- without any file: the calculation of the memory guide -------------------------------------------------------*/
typedef struct {
    int64_t reference_cells, reference_genes, query_cells, query_genes, union_genes;
    double density;    /* share of values that are not zero */
    bool float64;      /* what scaled values are held as */
} clab_guide;
typedef struct {
    char what[80];
    int64_t usual, here; /* bytes: as usually written in Python, and in celllab */
} clab_guide_row;
#define CLAB_GUIDE_ROWS 12
/* EARG where the numbers cannot be. */
CLAB_MUST_CHECK clab_status clab_guide_check(clab_ctx *cx, const clab_guide *g);
/* What is held after one another; returns how many rows. */
int clab_guide_rows(const clab_guide *g, clab_guide_row rows[CLAB_GUIDE_ROWS]);
/* As a table with its sums; caller free()s. */
CLAB_MUST_CHECK clab_status clab_guide_text(clab_ctx *cx, const clab_guide *g, char **out);

#endif
