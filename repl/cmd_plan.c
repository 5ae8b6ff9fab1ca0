/* cmd_plan.c -- celllab plan: what a script will take, line by line, without doing it; celllab run --timeline: what it
 * took. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clab_lua.h"
#include "cli.h"
#include "io/io.h"
#include "ledger/timeline.h"
#include "plan/plan.h"

static int plan_usage(const char *what, const char *word)
{
    fprintf(stderr, "celllab plan: %s%s\nusage: celllab plan [--json] SCRIPT.lua [ARGS]\n", what, word);
    return CLAB_EXIT_USAGE;
}

static void put(const char *text)
{
    fputs(text, stdout);
}

/* A plan is quiet: what it would note is about cells that are not there.  Warnings are worth a line. */
static void quiet(void *user, clab_note_level level, const char *text)
{
    if (level == CLAB_NOTE_WARN)
        clab_log_note(user, level, text);
}

static void drop(void *user, const char *text, size_t n)
{
    (void)user;
    (void)text;
    (void)n;
}

/* The script in a planning context, into *t; its error in *err. */
static clab_lua_result run_planned(clab_ctx *cx, const char *path, int argc, char **argv, clab_timeline *t, char **err)
{
    const clab_lua_opts lo = {.print = drop};
    clab_lua *lua = NULL;
    clab_lua_result r = CLAB_LUA_ERROR;

    clab_ctx_set_planning(cx, true);
    clab_note_set(cx, quiet, NULL);
    if (clab_timeline_start(cx) == CLAB_OK && clab_lua_new(cx, &lo, &lua) == CLAB_OK) {
        clab_lua_record(lua);
        r = clab_lua_run_file(lua, path, argc, argv, err);
        clab_error_clear(cx);
        if (clab_timeline_stop(cx, t) != CLAB_OK)
            r = CLAB_LUA_ERROR;
    }
    clab_lua_free(lua);
    clab_note_set(cx, clab_log_note, NULL);
    return r;
}

static clab_status print_plan(clab_ctx *cx, const clab_timeline *t, const char *path, bool json)
{
    char *text = NULL;
    clab_status st = json ? clab_plan_json(cx, t, path, &text) : clab_plan_text(cx, t, path, &text);

    if (st == CLAB_OK)
        put(text);
    free(text);
    return st;
}

int clab_plan_main(const clab_options *o, int argc, char **argv)
{
    bool json = false;
    const char *path = NULL;
    clab_job_session *j;
    clab_timeline t = {0};
    clab_lua_result r;
    char *err = NULL;
    clab_status st = CLAB_OK;
    int i = 1;

    for (; i < argc && !path; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return plan_usage("what a script will take, without doing it", ""), CLAB_EXIT_DONE;
        else if (argv[i][0] == '-')
            return plan_usage("no option ", argv[i]);
        else
            path = argv[i];
    }
    if (!path)
        return plan_usage("which script?", "");
    if (access(path, R_OK) != 0) {
        fprintf(stderr, "celllab: %s: %s\n", path, strerror(errno));
        return CLAB_EXIT_ERROR;
    }
    if (!(j = clab_job_open(o, path)))
        return CLAB_EXIT_ERROR;
    r = run_planned(clab_job_ctx(j), path, argc - i, argv + i, &t, &err);
    if (r == CLAB_LUA_ERROR) {
        fprintf(stderr, "celllab: the plan found an error: %s\n", err ? err : clab_error_text(clab_job_ctx(j)));
        st = CLAB_EARG;
    }
    free(err);
    if (r == CLAB_LUA_OK)
        st = print_plan(clab_job_ctx(j), &t, path, json);
    clab_timeline_free(&t);
    clab_error_clear(clab_job_ctx(j));
    return clab_job_close(j, st);
}

int clab_run_main(const clab_options *o, int argc, char **argv)
{
    const char *timeline = NULL;
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--timeline") == 0 && i + 1 < argc)
            timeline = argv[++i];
        else if (strncmp(argv[i], "--timeline=", 11) == 0)
            timeline = argv[i] + 11;
        else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return puts("usage: celllab run [--timeline OUT.json] SCRIPT.lua [ARGS]\n\n"
                        "A session script as a batch job; --timeline writes what every line of it held and took, for\n"
                        "celllab plan --against OUT.json SCRIPT.lua."),
                   CLAB_EXIT_DONE;
        else {
            fprintf(stderr, "celllab run: no option %s\nusage: celllab run [--timeline OUT.json] SCRIPT.lua [ARGS]\n",
                    argv[i]);
            return CLAB_EXIT_USAGE;
        }
    }
    if (i == argc) {
        fprintf(stderr, "celllab run: which script?\nusage: celllab run [--timeline OUT.json] SCRIPT.lua [ARGS]\n");
        return CLAB_EXIT_USAGE;
    }
    return clab_batch_file(o, argv[i], timeline, argc - i - 1, argv + i + 1);
}
