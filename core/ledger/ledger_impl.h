/* ledger_impl.h -- what the files of this room share.  Refuses to be seen outside it (tests may). */
#ifndef CLAB_LEDGER_IMPL_H
#define CLAB_LEDGER_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "ledger/holdings.h"

#define CLAB__GUESTS 64
#define CLAB__CURVE (CLAB_SNAP_POINTS - 4) /* points kept; the open bucket adds up to two; a multiple of 4   \
                                            */

typedef struct {
    clab_snap_owner shown;
    int64_t blocks; /* 0 = free slot */
    uint32_t hash;
} clab__owner;

/* One line of the session; lines that nobody was born at any more give their slot to others. */
typedef struct {
    uint64_t key;
    int64_t refs; /* 0 = free slot */
    clab_place place;
} clab__birth;

#define CLAB__BUCKETS 256 /* of holdings, by owner, line and home */

typedef struct {
    int32_t owner, birth;
    clab_mem_home home;
    int32_t next; /* in its bucket, or in the list of free slots; -1 = last */
    int64_t bytes, blocks;
    uint64_t id;
} clab__holding;

typedef struct {
    int64_t bytes; /* -1 = free slot */
    int32_t holding;
    uint32_t generation;
    bool foreseen; /* by a plan: nothing was taken */
} clab__charge;

/* One curve.  Past CLAB__CURVE points, `width` points are kept as two, their minimum and maximum. */
typedef struct {
    clab_snap_series kept;
    int64_t width;
    int64_t open_n;             /* points in the open bucket */
    float open_x[2], open_y[2]; /* its minimum, its maximum */
} clab__series;

typedef struct {
    int64_t tree, node_total, node_available, swap_total, swap_used;
    int32_t n_gpus;
    clab_snap_gpu gpu[CLAB_SNAP_GPUS];
    char gpu_reason[96];
} clab__measured;

typedef struct clab__nvml clab__nvml;
typedef struct clab__live clab__live;

struct clab_phase {
    clab_ledger *lg;
    clab_phase *outer;
    char name[64], note[64], unit[16];
    int64_t total, peak;
    atomic_llong done;
    atomic_llong told_ms; /* when the sink last heard of it */
    double began;
};

struct clab_ledger {
    pthread_mutex_t lock; /* everything below but the atomics and what the sampler alone uses */
    clab_ctx *cx;
    double began, began_real;
    char title[64], device[64];

    clab__owner *owners;
    int32_t n_owners;
    clab__charge *charges;
    int32_t n_charges;
    clab__holding *holdings;
    int32_t n_holdings, free_holding, bucket[CLAB__BUCKETS];
    uint64_t last_id;
    clab__birth *births;
    int32_t n_births, birth; /* birth: of the line that runs now */
    clab_place_source place;
    pthread_t place_thread;
    int64_t live, peak, window, kind_bytes[CLAB_N_MEM]; /* window: peak since clab_mem_window */
    atomic_llong small; /* of live: blocks that are malloc'd */
    int64_t foreseen; /* of live: charges of a plan, which nothing stands behind */
    int64_t activity; /* counts whatever is taken, given back or begun */
    struct clab__timeline *timeline; /* NULL = none is recorded */
    char peak_phase[64];
    int32_t peak_birth, tree_peak_birth; /* -1 = none */
    char tree_peak_phase[64];
    void (*reclaim)(void *);
    void *reclaim_user;
    pthread_t reclaim_thread;

    clab_limit found, set;        /* set.bytes 0 = none */
    int64_t beside_least, beside; /* bytes of the tree that are not accounted: at start, as last measured */
    double beside_at;

    clab_phase *phase;
    clab__series series[CLAB_SNAP_SERIES];
    int32_t n_series;
    char run[32], x_unit[16];
    clab_event_fn *sink;
    void *sink_user;

    clab__measured now;
    int64_t tree_peak;
    double tree_at; /* when the tree was measured last */
    int32_t n_ram, n_marks;
    float ram_t[CLAB_SNAP_RAM], ram_mib[CLAB_SNAP_RAM];
    float mark_t[CLAB_SNAP_MARKS];
    char mark[CLAB_SNAP_MARKS][32];
    int guest[CLAB__GUESTS];
    int n_guests;

    pthread_mutex_t sampling; /* one sample at a time; guards nvml, live and scratch */
    clab__nvml *nvml;
    bool nvml_tried;
    clab__live *live_file;
    clab_snapshot *scratch;
    pthread_t sampler;
    pthread_cond_t wake;
    bool sampler_runs, sampler_quit;
    int period_ms;

    int journal;
};

double clab__now(void);                                /* seconds, monotonic */
void clab__copy(char *to, size_t n, const char *from); /* cut at a whole character, NUL-terminated */

/* budget.c */
void clab__budget_find(clab_ledger *lg);
clab_limit clab__limit(const clab_ledger *lg); /* under the lock */
int64_t clab__left(const clab_ledger *lg);     /* under the lock; may be negative */
void clab__beside_refresh(clab_ledger *lg);    /* not under the lock */
clab_status clab__refuse(clab_ctx *cx, clab_ledger *lg, int64_t bytes, const char *what, const clab_remedy *remedies,
                         int n);
int64_t clab__cgroup_limit(const char *proc_cgroup, const char *mount); /* INT64_MAX = none */

/* mem.c, holdings.c: under the lock unless they say otherwise */
int32_t clab__owner_slot(clab_ledger *lg, clab_mem_kind kind, const char *what); /* -1 = memory is short */
int32_t clab__holding_slot(clab_ledger *lg, int32_t owner, clab_mem_home home);  /* of the line that runs; -1 */
void clab__account(clab_ledger *lg, int32_t holding, int64_t bytes, int64_t blocks);
void clab__birth_look(clab_ledger *lg); /* not under the lock: which line runs now */
void clab__birth_keep(clab_ledger *lg, int32_t *slot); /* *slot becomes the line that runs now */
clab_status clab__mem_take(clab_ctx *cx, clab_mem_home home, clab_mem_kind kind, int64_t bytes, const char *what,
                           int32_t *holding); /* not under the lock: asks and accounts; -1 without a ledger */

/* Would `bytes` more fit?  Runs the reclaim hook once before it says no. */
clab_status clab__mem_ask(clab_ctx *cx, clab_ledger *lg, int64_t bytes, const char *what, const clab_remedy *remedies,
                          int n);
clab_status clab__no_memory(clab_ctx *cx, int64_t bytes, const char *what);

/* phase.c */
void clab__phase_fill(const clab_ledger *lg, clab_snapshot *out);
/* series.c */
void clab__series_add(clab__series *s, double x, double y);
void clab__series_fill(const clab__series *s, clab_snap_series *out);
/* probe.c */
int64_t clab__process_resident(void);      /* of this process, shared pages in full; -1 = unknown */
int64_t clab__tree_bytes(clab_ledger *lg); /* -1 = unknown; not under the lock */
/* Not under the lock: measures for the peak, when the last time is `least` seconds ago. */
void clab__tree_look(clab_ledger *lg, double least);
void clab__before_release(clab_ledger *lg, int64_t bytes); /* the same, when it may be a peak that ends */
bool clab__meminfo(clab__measured *m);     /* node and swap fields; -1 where not readable */
/* timeline.c */
void clab__timeline_phase(clab_ledger *lg, const char *name); /* the outermost phase began */
void clab__timeline_device(clab_ledger *lg, int64_t bytes);   /* under the lock: taken or given back on a device */
void clab__timeline_tree(clab_ledger *lg, int64_t bytes);     /* under the lock: the tree was measured */
/* nvml.c */
clab__nvml *clab__nvml_open(char *why, size_t n);
void clab__nvml_sample(clab__nvml *nv, clab__measured *m);
void clab__nvml_close(clab__nvml *nv);
/* live.c */
clab_status clab__live_open(clab_ctx *cx, const char *path, clab__live **out);
void clab__live_publish(clab__live *lv, const clab_snapshot *s);
void clab__live_close(clab__live *lv); /* removes the file */
/* journal.c */
void clab__journal_phase(clab_ledger *lg, const clab_phase *p, double seconds);
/* ledger.c */
void clab__emit(clab_ledger *lg, const clab_event *e); /* not under the lock */

#endif
