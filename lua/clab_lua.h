/* clab_lua.h -- the session's language: a lua_State over the core, and four verbs for whoever drives it.
 * Never prints to a terminal and never reads a key: output goes through the sink.
 * One engine thread owns it. */
#ifndef CLAB_LUA_H
#define CLAB_LUA_H

#include "base/ctx.h"

typedef struct clab_lua clab_lua;

typedef struct {
    void (*print)(void *user, const char *text, size_t n); /* print(), results; raw text, already escaped */
    void *user;
    bool interactive; /* expression results are printed; long tables are cut */
} clab_lua_opts;

CLAB_MUST_CHECK clab_status clab_lua_new(clab_ctx *cx, const clab_lua_opts *o, clab_lua **out);
void clab_lua_free(clab_lua *l); /* collects everything; objects give their bytes back */

typedef enum { CLAB_LUA_OK, CLAB_LUA_INCOMPLETE, CLAB_LUA_ERROR, CLAB_LUA_INTERRUPTED } clab_lua_result;

/* eval: one statement or expression (the rule of lua.c: `return ...` first).  On ERROR the message with
 * its traceback was given to *err (malloc'd; caller frees; NULL is fine). */
clab_lua_result clab_lua_eval(clab_lua *l, const char *code, const char *chunk_name, char **err);
/* os.exit was called: the driver ends the session with *code instead of asking for more. */
bool clab_lua_exiting(const clab_lua *l, int *code);
/* is it complete?  Compiles only. */
clab_lua_result clab_lua_check(clab_lua *l, const char *code);
/* run a file with arg[1..]; errors carry the script's line. */
clab_lua_result clab_lua_run_file(clab_lua *l, const char *path, int argc, char **argv, char **err);
clab_lua_result clab_lua_run_string(clab_lua *l, const char *code, int argc, char **argv, char **err);

/* record: from the next run_file on, every line of that file which runs is a row of the timeline that the ledger
 * records (ledger/timeline.h).  In a planning context the script also writes no file and starts no program of its
 * own, and what it prints is dropped. */
void clab_lua_record(clab_lua *l);

/* complete: candidates for the word that ends at `cursor` of the statement so far.  Calls no metamethod that
 * has effects.  *start = offset where the word begins; NULL-terminated malloc'd array of malloc'd strings. */
char **clab_lua_complete(clab_lua *l, const char *statement, size_t cursor, size_t *start);
/* inspect: text for ?name (deep = ??name); malloc'd, never NULL: unknown names get the three nearest. */
char *clab_lua_help(clab_lua *l, const char *name, bool deep);

#endif
