/* batch.c -- a session script as a batch job: print() to stdout, everything else to stderr, one exit code. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clab_lua.h"
#include "cli.h"
#include "io/io.h"
#include "plan/plan.h"

typedef struct {
    clab_ctx *cx;
    bool closed; /* nobody reads stdout any more */
} output;

/* A closed pipe (`celllab s.lua | head`) stops the job: nobody wants the rest. */
static void print(void *user, const char *text, size_t n)
{
    output *o = user;

    if (o->closed || fwrite(text, 1, n, stdout) == n)
        return;
    o->closed = true;
    if (errno != EPIPE)
        clab_log_line("standard output failed: %s", strerror(errno));
    clab_cancel(o->cx);
}

/* What was measured, as JSON; an interrupted or failed run tells what it took until then. */
static clab_status write_timeline(clab_ctx *cx, const char *script, const char *path)
{
    clab_timeline t = {0};
    char *text = NULL;
    clab_status st;

    clab_cancel_clear(cx);
    if ((st = clab_timeline_stop(cx, &t)) == CLAB_OK && (st = clab_plan_json(cx, &t, script, &text)) == CLAB_OK)
        st = clab_write_text(cx, path, text, strlen(text));
    free(text);
    clab_timeline_free(&t);
    return st;
}

static int run(const clab_options *o, const char *path, const char *code, const char *timeline, int argc, char **argv)
{
    clab_job_session *j = clab_job_open(o, path ? path : "-e");
    output out = {0};
    clab_lua_opts lo = {.print = print, .user = &out};
    clab_lua *lua = NULL;
    clab_lua_result r;
    char *err = NULL;
    int exit_code = 0;
    bool interrupted;
    clab_status st = CLAB_OK;

    if (!j)
        return CLAB_EXIT_ERROR;
    out.cx = clab_job_ctx(j);
    if (clab_lua_new(out.cx, &lo, &lua) != CLAB_OK || (timeline && clab_timeline_start(out.cx) != CLAB_OK)) {
        clab_lua_free(lua);
        return clab_job_close(j, clab_error_status(out.cx));
    }
    if (timeline)
        clab_lua_record(lua);
    r = path ? clab_lua_run_file(lua, path, argc, argv, &err)
             : clab_lua_run_string(lua, code, argc, argv, &err);
    fflush(stdout);
    if (r == CLAB_LUA_ERROR)
        fprintf(stderr, "celllab: %s\n", err ? err : "memory is short");
    if (r == CLAB_LUA_ERROR)
        st = CLAB_EARG;
    free(err);
    (void)clab_lua_exiting(lua, &exit_code);
    interrupted = clab_cancelled(out.cx);
    clab_error_clear(out.cx);
    if (timeline && write_timeline(out.cx, path ? path : "-e", timeline) != CLAB_OK) {
        fprintf(stderr, "celllab: %s\n", clab_error_text(out.cx));
        st = CLAB_EIO;
    }
    if (interrupted)
        clab_cancel(out.cx);
    clab_lua_free(lua);
    clab_error_clear(out.cx);
    if (out.closed)
        clab_cancel_clear(out.cx);
    r = (clab_lua_result)clab_job_close(j, out.closed ? CLAB_EIO : st);
    return r == CLAB_LUA_OK ? exit_code : (int)r;
}

int clab_batch_file(const clab_options *o, const char *path, const char *timeline, int argc, char **argv)
{
    if (access(path, R_OK) != 0) {
        fprintf(stderr, "celllab: %s: %s\n", path, strerror(errno));
        return CLAB_EXIT_ERROR;
    }
    return run(o, path, NULL, timeline, argc, argv);
}

int clab_batch_code(const clab_options *o, const char *code, int argc, char **argv)
{
    return run(o, NULL, code, NULL, argc, argv);
}
