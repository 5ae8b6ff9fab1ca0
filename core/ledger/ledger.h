/* ledger.h -- the facts of a session: who holds which bytes, what runs, how far, which curves.
 *
 * Written by the core, copied out as snapshots by whoever shows them.  Knows nobody above it.
 * Thread-safe: any call from any thread.  Refuses to draw and to decide what is shown.
 */
#ifndef CLAB_LEDGER_H
#define CLAB_LEDGER_H

#include "base/ctx.h"

/* What memory is used for. */
typedef enum {
    CLAB_MEM_COUNTS,   /* packed stores */
    CLAB_MEM_TABLE,    /* obs, var, obsm, uns */
    CLAB_MEM_MODEL,    /* parameters, optimiser state, trees */
    CLAB_MEM_WORK,     /* what a step holds while it runs */
    CLAB_MEM_RESULT,   /* latents, probabilities, dense results */
    CLAB_N_MEM
} clab_mem_kind;
const char *clab_mem_kind_name(clab_mem_kind k); /* "counts", ... */

/* ---- life -----------------------------------------------------------------------------------*/
typedef struct {
    int64_t budget_bytes;      /* what the user set; 0 = only the limits found */
    const char *journal_path;  /* JSON lines; NULL = none */
    const char *live_path;     /* shared snapshot for `celllab top`; NULL = none */
} clab_ledger_opts;

CLAB_MUST_CHECK clab_status clab_ledger_new(clab_ctx *cx, const clab_ledger_opts *o, clab_ledger **out);
/* clab_ledger_free -- detaches itself from its context.  NULL is fine. */
void clab_ledger_free(clab_ledger *lg);

/* ---- memory: asked for before it is taken -----------------------------------------------------
 * Every allocation whose size grows with the data comes from here.  Works with a context that has
 * no ledger (then nothing is accounted).
 *   what   short owner shown to the user ("minibatch", "obs of pbmc3k.h5ad"); copied
 * EBUDGET names what was asked, what is held by the three largest owners, the limit and its source;
 * before it is refused, the reclaim hook (Lua's collector) runs once. */
CLAB_MUST_CHECK clab_status clab_mem_alloc(clab_ctx *cx, clab_mem_kind kind, int64_t bytes, const char *what, void **out); /* 64-byte aligned, not zeroed */
CLAB_MUST_CHECK clab_status clab_mem_zalloc(clab_ctx *cx, clab_mem_kind kind, int64_t bytes, const char *what, void **out);
CLAB_MUST_CHECK clab_status clab_mem_grow(clab_ctx *cx, clab_mem_kind kind, int64_t bytes, const char *what, void **inout); /* realloc; *inout unchanged on error */
void clab_mem_free(clab_ctx *cx, void *p); /* NULL is fine */
/* bytes = n * size or EARG when that overflows int64 or is negative. */
CLAB_MUST_CHECK clab_status clab_mem_size(clab_ctx *cx, int64_t n, size_t size, int64_t *bytes);

/* For memory that is not malloc'd here (a memfd, a guest's reservation, device memory). */
typedef uint64_t clab_charge;
CLAB_MUST_CHECK clab_status clab_mem_charge(clab_ctx *cx, clab_mem_kind kind, int64_t bytes, const char *what, clab_charge *out);
void clab_mem_release(clab_ctx *cx, clab_charge c);
/* In a dry run (clab_ctx_planning) nothing is refused: the plan tells what the work would take, wherever it
 * would fit.  clab_mem_foresee -- there: `bytes` that the real run would hold for a moment on top of what is
 * held now (a worker's own memory, a transposition); counted in the peaks and gone again.  Elsewhere nothing. */
void clab_mem_foresee(clab_ctx *cx, clab_mem_kind kind, int64_t bytes, const char *what);
/* clab_mem_window -- the most that was accounted since the last call; another window begins. */
int64_t clab_mem_window(clab_ctx *cx);

/* Would `bytes` more fit?  The answer without taking it; EBUDGET with the same words as above. */
CLAB_MUST_CHECK clab_status clab_mem_reserve_check(clab_ctx *cx, int64_t bytes, const char *what);
/* The same by someone who knows what would help: ways of asking for less, with what each would need.  A refusal
 * names those that would really fit now, at most three, in this order. */
typedef struct {
    char text[96]; /* "n_top=2000", "backed=true" */
    int64_t bytes;
} clab_remedy;
CLAB_MUST_CHECK clab_status clab_mem_reserve_or(clab_ctx *cx, int64_t bytes, const char *what, const clab_remedy *remedies, int n);
int64_t clab_mem_live(clab_ctx *cx);   /* bytes accounted now */
int64_t clab_mem_peak(clab_ctx *cx);
void clab_mem_trim(clab_ctx *cx);      /* give freed pages back to the system (malloc_trim) */
/* Called (on the engine thread only) before an allocation is refused; returns when it has tried. */
/* clab_mem_reclaim -- runs it now, on the thread that set it; true when accounted bytes came back. */
bool clab_mem_reclaim(clab_ctx *cx);
void clab_mem_set_reclaim(clab_ctx *cx, void (*fn)(void *), void *user);

/* ---- the budget ------------------------------------------------------------------------------*/
typedef struct {
    int64_t bytes;        /* the limit in force for this process tree */
    char source[48];      /* "--budget", "cgroup", "SLURM", "ulimit -v", "free memory" */
} clab_limit;
clab_limit clab_budget_get(clab_ctx *cx);
/* clab_budget_say -- the limit in words for the start of a session: "memory: at most 6.8 GiB (free memory), ...". */
void clab_budget_say(clab_ctx *cx, char *buf, size_t n);
CLAB_MUST_CHECK clab_status clab_budget_set(clab_ctx *cx, int64_t bytes); /* 0 = back to what was found */
/* The same under another name than "--budget": a guest gets what its parent has left. */
CLAB_MUST_CHECK clab_status clab_budget_set_named(clab_ctx *cx, int64_t bytes, const char *source);
/* What may still be taken: the limit less what is accounted, measured beside it, and kept free; >= 0. */
int64_t clab_budget_left(clab_ctx *cx);

/* ---- phases and progress ----------------------------------------------------------------------
 * Nested; the innermost one is shown.  begin/end on the engine thread, step from any thread. */
typedef struct clab_phase clab_phase;
clab_phase *clab_phase_begin(clab_ctx *cx, const char *name, int64_t total, const char *unit); /* total 0 = unknown; never NULL-unsafe: the others accept NULL */
void clab_phase_step(clab_phase *p, int64_t done);       /* absolute, not a difference */
void clab_phase_note(clab_phase *p, const char *fmt, ...) CLAB_PRINTF(2, 3); /* "elbo 812.4" beside the bar */
void clab_phase_end(clab_phase *p);

/* ---- series: metric curves -----------------------------------------------------------------------
 * One run at a time is live; names as the peers call them.  NaN and Inf are kept. */
void clab_series_start(clab_ctx *cx, const char *run, const char *x_unit); /* "scvi", "epoch": drops the last run's curves */
void clab_series_add(clab_ctx *cx, const char *name, double x, double y);

/* ---- marks: a statement began or ended (the pane marks the RAM curve) --------------------------*/
void clab_ledger_mark(clab_ctx *cx, const char *text);

/* ---- snapshots -----------------------------------------------------------------------------------*/
#define CLAB_SNAP_OWNERS 8
#define CLAB_SNAP_SERIES 12
#define CLAB_SNAP_POINTS 512   /* a longer series is bucketed, min and max of a bucket both kept */
#define CLAB_SNAP_RAM 300      /* samples, one a second, older ones thinned */
#define CLAB_SNAP_MARKS 16
#define CLAB_SNAP_GPUS 8

typedef struct {
    char name[48];
    int64_t bytes;
    clab_mem_kind kind;
} clab_snap_owner;

typedef struct {
    char name[40];
    int32_t n;                  /* points held */
    int64_t n_total;            /* points ever added */
    double last;
    float x[CLAB_SNAP_POINTS], y[CLAB_SNAP_POINTS];
} clab_snap_series;

typedef struct {
    bool has_name, has_mem, has_util, has_temp, has_power; /* a validity bit beside every measured value */
    char name[48];
    int64_t mem_used, mem_total;  /* bytes, device-wide */
    int32_t util_pct, temp_c, power_w;
    int32_t other_processes;      /* -1 = not known */
} clab_snap_gpu;

/* Fixed size, no pointers: may be copied through shared memory. */
typedef struct {
    uint32_t abi;               /* CLAB_SNAP_ABI */
    int32_t pid;
    double time;                /* seconds, CLOCK_REALTIME */
    double started;
    char title[64];             /* script or "prompt" */

    int64_t live, peak;         /* accounted bytes */
    char peak_phase[64];
    int64_t kind_bytes[CLAB_N_MEM];
    clab_snap_owner owner[CLAB_SNAP_OWNERS]; /* largest first */
    int32_t n_owners;
    int64_t tree_bytes;         /* measured: summed PSS of this process and its guests; -1 = unknown */
    int64_t tree_peak;
    clab_limit limit;
    int64_t node_total, node_available, swap_total, swap_used; /* -1 = unknown */

    int32_t n_ram;              /* the measured curve */
    float ram_t[CLAB_SNAP_RAM]; /* seconds since start */
    float ram_mib[CLAB_SNAP_RAM];
    int32_t n_marks;
    float mark_t[CLAB_SNAP_MARKS];
    char mark[CLAB_SNAP_MARKS][32];

    char phase[64];             /* innermost running phase, "" when idle */
    char phase_note[64];
    char phase_unit[16];
    int64_t phase_done, phase_total;
    double phase_seconds, phase_rate, phase_eta; /* rate per second; eta < 0 = unknown */

    char run[32], x_unit[16];
    int32_t n_series;
    clab_snap_series series[CLAB_SNAP_SERIES];

    int32_t n_gpus;
    clab_snap_gpu gpu[CLAB_SNAP_GPUS];
    char gpu_reason[96];        /* why there are none */
    char device[64];            /* backend in use: "cpu, 2 threads" */
} clab_snapshot;
#define CLAB_SNAP_ABI 1

/* clab_ledger_snapshot -- copy the facts out; cheap (no measuring). */
void clab_ledger_snapshot(clab_ledger *lg, clab_snapshot *out);
/* clab_ledger_sample -- measure RSS, node and GPU now, append to the RAM curve, refresh the live
 * file.  Called once a second by the probe thread (repl) and by tests. */
void clab_ledger_sample(clab_ledger *lg);
/* clab_ledger_sample_start/stop -- a thread that samples every period_ms (>= 250). */
CLAB_MUST_CHECK clab_status clab_ledger_sample_start(clab_ctx *cx, clab_ledger *lg, int period_ms);
void clab_ledger_sample_stop(clab_ledger *lg);
void clab_ledger_set_title(clab_ledger *lg, const char *title);
void clab_ledger_set_device(clab_ctx *cx, const char *device);
/* Guests: their PIDs are part of the tree that is measured. */
void clab_ledger_guest_add(clab_ctx *cx, int pid);
void clab_ledger_guest_remove(clab_ctx *cx, int pid);
/* One JSON line into the journal (what ended, how long, peak).  text is plain; escaped here. */
void clab_ledger_journal(clab_ctx *cx, const char *event, const char *text);

/* ---- events: what a guest's ledger tells its parent ------------------------------------------------
 * With a sink set, phases and series are also handed to it as they happen, from the thread that
 * makes them; steps of a phase at most every 50 ms. */
typedef enum {
    CLAB_EV_PHASE_BEGIN, /* text = name, unit, n = total */
    CLAB_EV_PHASE_STEP,  /* n = done */
    CLAB_EV_PHASE_NOTE,  /* text */
    CLAB_EV_PHASE_END,
    CLAB_EV_SERIES_START, /* text = run, unit = x_unit */
    CLAB_EV_SERIES_ADD,   /* text = name, x, y */
    CLAB_EV_DEVICE,       /* text */
    CLAB_N_EV
} clab_event_kind;
typedef struct {
    clab_event_kind kind;
    const char *text, *unit; /* borrowed; "" when not used */
    int64_t n;
    double x, y;
} clab_event;
typedef void clab_event_fn(void *user, const clab_event *e);
void clab_ledger_set_sink(clab_ledger *lg, clab_event_fn *fn, void *user);

/* clab_live_read -- the snapshot that another process publishes at `path`; ENOTFOUND, EFORMAT. */
CLAB_MUST_CHECK clab_status clab_live_read(clab_ctx *cx, const char *path, clab_snapshot *out);
/* clab_live_dir -- where live files lie ($XDG_RUNTIME_DIR/celllab or $TMPDIR/celllab-UID), made 0700. */
CLAB_MUST_CHECK clab_status clab_live_dir(clab_ctx *cx, char *buf, size_t n);

#endif
