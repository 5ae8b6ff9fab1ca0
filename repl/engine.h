/* engine.h -- the thread that owns the Lua state and all computing.  The terminal's thread hands it one job
 * at a time and is told through a descriptor when it is done; output goes into another descriptor. */
#ifndef CLAB_ENGINE_H
#define CLAB_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

#include "clab_lua.h"

typedef struct clab_engine clab_engine;

typedef enum { CLAB_JOB_EVAL, CLAB_JOB_FILE, CLAB_JOB_CHECK, CLAB_JOB_COMPLETE, CLAB_JOB_HELP } clab_job_kind;

typedef struct {
    clab_job_kind kind;
    const char *text;       /* statement, path or name; borrowed until the job is done */
    size_t cursor;          /* COMPLETE */
    bool deep;              /* HELP */
    /* results; what is malloc'd belongs to whoever made the job */
    clab_lua_result result; /* EVAL, FILE, CHECK */
    char *message;          /* the error of EVAL and FILE, the text of HELP; may be NULL */
    char **words;           /* COMPLETE */
    size_t start;
    double seconds;
    bool exiting;           /* os.exit was called, with exit_code */
    int exit_code;
} clab_job;

/* clab_engine_new -- start the thread; print() and results go to out_fd.  NULL with why. */
clab_engine *clab_engine_new(clab_ctx *cx, int out_fd, char *why, size_t n);
/* clab_engine_free -- collects the session's objects on the engine's thread and joins it.  The engine
 * must be idle.  NULL is fine. */
void clab_engine_free(clab_engine *e);

/* clab_engine_start -- begin a job; the engine must be idle.  clab_engine_fd is readable once it is done,
 * and clab_engine_finish takes it back. */
void clab_engine_start(clab_engine *e, clab_job *job);
int clab_engine_fd(const clab_engine *e);
void clab_engine_finish(clab_engine *e);
bool clab_engine_done(const clab_engine *e); /* clab_engine_finish would not wait */

/* clab_engine_ask -- start, wait, finish; for jobs that take no time. */
void clab_engine_ask(clab_engine *e, clab_job *job);

#endif
