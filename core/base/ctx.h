/* ctx.h -- the context that every call which can fail, wait, allocate or run long takes first.
 *
 * One per session (and one in every guest process).  It holds the error slot, the cancel flag,
 * the sink for notes, the thread pool and a pointer to the ledger.  It is not a place for results.
 */
#ifndef CLAB_CTX_H
#define CLAB_CTX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct clab_ctx clab_ctx;
typedef struct clab_ledger clab_ledger; /* ledger/ledger.h */
typedef struct clab_pool clab_pool;     /* base/pool.h */

typedef enum { CLAB_NOTE_INFO, CLAB_NOTE_WARN } clab_note_level;

/* Receives notes and warnings, one paragraph without a final newline, already escaped for display. */
typedef void clab_note_fn(void *user, clab_note_level level, const char *text);

typedef struct {
    int threads;          /* workers; 0 = clab_threads_default() */
    const char *program;  /* path of the program that serves as guest; NULL = /proc/self/exe */
    clab_note_fn *note;   /* NULL = notes are dropped */
    void *note_user;
} clab_ctx_opts;

/* clab_ctx_new -- make a context; NULL when memory is short.  Strings are copied. */
clab_ctx *clab_ctx_new(const clab_ctx_opts *opts);

/* clab_ctx_free -- ends the pool; the ledger must have been detached.  NULL is fine. */
void clab_ctx_free(clab_ctx *cx);

/* ---- errors --------------------------------------------------------------------------------
 * clab_fail records status, text and place and returns the status, so that a function says
 * `return clab_fail(cx, CLAB_EARG, "...")`.  The first error wins; safe from worker threads.
 * Names that come from files must be escaped by the caller with clab_text_show (text.h).
 */
#define clab_fail(cx, status, ...) clab_fail_at((cx), (status), __FILE__, __LINE__, __VA_ARGS__)
clab_status clab_fail_at(clab_ctx *cx, clab_status s, const char *file, int line, const char *fmt, ...)
    CLAB_PRINTF(5, 6);

/* clab_hint -- adds the likely remedy to the recorded error (": try ..."); the first hint wins.
 * Returns the recorded status, so `return clab_hint(cx, ...)` works after a failed call. */
clab_status clab_hint(clab_ctx *cx, const char *fmt, ...) CLAB_PRINTF(2, 3);

/* clab_context -- puts "CONTEXT: " in front of the recorded text (file, object).  Returns the status. */
clab_status clab_context(clab_ctx *cx, const char *fmt, ...) CLAB_PRINTF(2, 3);

/* The recorded error: CLAB_OK and "" when there is none.  The text is one paragraph with the hint;
 * borrowed until the next call that fails or clears. */
clab_status clab_error_status(const clab_ctx *cx);
const char *clab_error_text(const clab_ctx *cx);
const char *clab_error_place(const clab_ctx *cx); /* "hvg.c:120", for reports */
void clab_error_clear(clab_ctx *cx);

/* ---- notes ---------------------------------------------------------------------------------*/
void clab_note(clab_ctx *cx, const char *fmt, ...) CLAB_PRINTF(2, 3);
void clab_warn(clab_ctx *cx, const char *fmt, ...) CLAB_PRINTF(2, 3);
/* Replace the sink (a test, a guest that forwards).  Pass NULL to drop. */
void clab_note_set(clab_ctx *cx, clab_note_fn *note, void *user);

/* ---- cancel --------------------------------------------------------------------------------
 * clab_cancel is async-signal-safe.  Long loops call clab_check once per block (<= 50 ms) and
 * pass its status up: CLAB_ECANCEL with a recorded error when the flag is set. */
void clab_cancel(clab_ctx *cx);
void clab_cancel_clear(clab_ctx *cx);
bool clab_cancelled(const clab_ctx *cx);
CLAB_MUST_CHECK clab_status clab_check(clab_ctx *cx);

/* ---- a dry run: docs/plan.md -------------------------------------------------------------------
 * In a planning context a script runs with its own code, on headers: readers hand out sketches of their
 * matrices, models are not trained, writes go nowhere, and memory that the real run would take is charged
 * to the ledger (clab_mem_charge) without being taken.  Its notes are dropped, its warnings are not.  Set by who makes the context, before any work. */
bool clab_ctx_planning(const clab_ctx *cx);
void clab_ctx_set_planning(clab_ctx *cx, bool planning);

/* What a plan may change of the script that it runs; all zero: nothing. */
typedef struct {
    bool outer;        /* concat joins genes as join="outer" does */
    bool float64;      /* values as float64 wherever they are made */
    bool zero_center;  /* scale centres */
    bool dense;        /* matrices are held as dense arrays, as without sparse storage */
    int64_t cells;     /* every file has so many cells; 0 = as many as it has */
} clab_whatif;
const clab_whatif *clab_ctx_whatif(const clab_ctx *cx); /* all zero outside of a plan */
void clab_ctx_set_whatif(clab_ctx *cx, const clab_whatif *w);
/* "join=outer", "float64", "zero_center", "dense", "cells=N"; false with a message in why. */
bool clab_whatif_set(clab_whatif *w, const char *change, char *why, size_t n);

/* ---- what the context carries ---------------------------------------------------------------*/
int clab_threads(const clab_ctx *cx);
const char *clab_program(const clab_ctx *cx); /* path for guests */
clab_pool *clab_ctx_pool(clab_ctx *cx);
clab_ledger *clab_ctx_ledger(const clab_ctx *cx);
void clab_ctx_set_ledger(clab_ctx *cx, clab_ledger *ledger);

/* clab_threads_default -- min(affinity, cgroup CPU quota, SLURM_CPUS_PER_TASK if in a SLURM job, else 4). */
int clab_threads_default(void);

#endif
