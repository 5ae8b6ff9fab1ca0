/* holdings.h -- who holds which bytes since which line of the session: what mem() prints.
 *
 * A holding is what one owner got at one line: "counts of pbmc3k.h5ad", born at quickstart.lua:12.  The
 * holdings in RAM add up to clab_mem_live exactly; those in files and on devices are listed beside them.
 * Refuses to know what an object is: who can reach it is the language's business (lua/bind_mem.c).
 */
#ifndef CLAB_HOLDINGS_H
#define CLAB_HOLDINGS_H

#include "ledger/ledger.h"

typedef enum {
    CLAB_HOME_RAM,     /* counted, and limited by the budget */
    CLAB_HOME_SCRATCH, /* an unlinked scratch file */
    CLAB_HOME_FILE,    /* the study's own file, read where it lies */
    CLAB_HOME_DEVICE,  /* memory of a GPU */
    CLAB_N_HOME
} clab_mem_home;
const char *clab_mem_home_name(clab_mem_home h); /* "RAM", "scratch", "file", "GPU" */

/* clab_mem_charge_at -- clab_mem_charge for bytes that may lie elsewhere: those are listed and never refused.
 * Given back with clab_mem_release. */
CLAB_MUST_CHECK clab_status clab_mem_charge_at(clab_ctx *cx, clab_mem_home home, clab_mem_kind kind, int64_t bytes, const char *what, clab_charge *out);

/* ---- where the session stands ------------------------------------------------------------------------
 * Set by the language; asked on the thread that set it, whenever something is born there (other threads
 * take the last answer).  key: cheap, the same for the same line, 0 = outside of any statement.
 * words: the line that runs now, as "quickstart.lua:12" or "[3]", and its text; escaped by the ledger. */
typedef struct {
    uint64_t (*key)(void *user);
    void (*words)(void *user, char *where, size_t n_where, char *text, size_t n_text);
    void *user;
} clab_place_source;
void clab_ledger_set_place(clab_ctx *cx, const clab_place_source *source); /* NULL = none any more */

typedef struct {
    char where[48];  /* "" = not in a statement */
    char text[120];  /* of the line; "" = not known */
} clab_place;
void clab_ledger_place(clab_ctx *cx, clab_place *out); /* of the line that runs now */

/* ---- what is held ------------------------------------------------------------------------------------*/
typedef struct {
    uint64_t id;     /* of this holding as long as it lives; never used again */
    char name[48];
    clab_mem_kind kind;
    clab_mem_home home;
    int64_t bytes, blocks;
    clab_place born;
} clab_holding;

/* clab_ledger_holdings -- all of them, largest first.  *out is malloc'd; the caller frees it. */
CLAB_MUST_CHECK clab_status clab_ledger_holdings(clab_ctx *cx, clab_holding **out, int64_t *n);
/* Told of every holding that an object keeps alive, as clab_dataset_held and its kin do; one may come twice. */
typedef void clab_held_fn(void *user, uint64_t holding);
/* The holding that a block of clab_mem_alloc or a charge belongs to; 0 when it is not accounted. */
uint64_t clab_mem_holding_of(const void *block); /* NULL is fine */
uint64_t clab_charge_holding(clab_ctx *cx, clab_charge c);

/* ---- peaks ---------------------------------------------------------------------------------------------
 * The accounted peak, and the measured one: the largest summed PSS of the process tree that was seen, once a
 * second or oftener (10 a second where that costs under 2 % of a core), at the end of every phase that took
 * 50 ms or came near the peak, before a large block is given back, and when a worker ends. */
typedef struct {
    int64_t bytes;   /* -1 = not known */
    char phase[64];  /* the innermost one that ran then; "" = none */
    clab_place place;
} clab_peak;
void clab_ledger_peak(clab_ctx *cx, clab_peak *accounted, clab_peak *measured);

/* ---- the process beside its books ----------------------------------------------------------------------
 * What the kernel and the allocator say of this process; -1 = not known. */
typedef struct {
    int64_t pss, rss;     /* of this process */
    int64_t anon, file, shared; /* pss by kind of page: heap and mappings; libraries and program text; memfds */
    int64_t heap_used;    /* malloc'd blocks in use, ours and those of libraries (mallinfo2) */
    int64_t heap_kept;    /* freed, but kept by the allocator */
    int64_t accounted_small; /* of heap_used: accounted blocks that are malloc'd */
    int64_t workers;      /* PSS of worker processes */
} clab_process_memory;
void clab_ledger_process(clab_ctx *cx, clab_process_memory *out);

#endif
