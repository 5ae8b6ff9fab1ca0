/* timeline.h -- what each line of a script, or each stage of a job, holds and takes: the rows of a plan and of
 * its measured twin.
 *
 * In a dry run (clab_ctx_planning) bytes are predicted: what is accounted and charged, and what lies beside it.
 * Elsewhere they are measured: the summed PSS of the process tree, sampled many times a second.
 */
#ifndef CLAB_TIMELINE_H
#define CLAB_TIMELINE_H

#include "base/ctx.h"

typedef struct {
    int32_t line;              /* of the script; 0 = a stage of a job, or what came before line 1 */
    char text[100];            /* its source without blanks at its ends, or the name of the stage; safe to show */
    char steps[64];            /* what ran in it: "read", "filter_cells, concat"; "" when nothing did */
    int64_t runs;              /* times it was entered */
    int64_t live, peak;        /* bytes at its end, and at most while it ran */
    int64_t accounted;         /* of live: in the ledger's books, the rest is the program itself */
    int64_t gpu_live, gpu_peak;
    int64_t read, written;     /* bytes of files */
    double seconds;            /* 0 in a plan */
} clab_timeline_row;

typedef struct {
    bool planned;
    clab_timeline_row *rows;   /* in the order in which they first ran; free() */
    int64_t n;
    int64_t base;              /* bytes of the program itself: code, libraries, interpreter */
    int64_t peak, gpu_peak;    /* of all rows */
    int64_t peak_row;          /* which one; -1 when there are none */
} clab_timeline;

/* clab_timeline_start -- the ledger of cx begins to record; ESTATE when it records already. */
CLAB_MUST_CHECK clab_status clab_timeline_start(clab_ctx *cx);
/* clab_timeline_enter -- the row that runs ends, the one of this line (line > 0) or stage (by its text) goes on.
 * Does nothing when nothing is recorded, and next to nothing when nothing has happened since. */
void clab_timeline_enter(clab_ctx *cx, int line, const char *text);
/* The bytes of a file that was read or written by the row that runs. */
void clab_timeline_file(clab_ctx *cx, bool written, int64_t bytes);
/* Bytes that only the plan itself takes (the samples of its sketches), taken or given back. */
void clab_timeline_aside(clab_ctx *cx, int64_t bytes);
/* clab_timeline_stop -- the end; *out (may be NULL) is freed by clab_timeline_free. */
CLAB_MUST_CHECK clab_status clab_timeline_stop(clab_ctx *cx, clab_timeline *out);
void clab_timeline_free(clab_timeline *t);

#endif
