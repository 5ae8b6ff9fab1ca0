/* cmd_plan.c -- celllab plan: what a script will take, line by line, without doing it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "clab_lua.h"
#include "cli.h"
#include "io/io.h"
#include "plan/plan.h"

static const char usage_words[] =
    "usage: celllab plan [--json] [--whatif CHANGE] [--against OUT.json [--svg FIGURE.svg]] SCRIPT.lua [ARGS]\n";

typedef struct {
    bool json;
    const char *against, *svg, *script;
    clab_whatif whatif;
} request;

static int wrong(const char *what, const char *word)
{
    fprintf(stderr, "celllab plan: %s%s\n%s", what, word, usage_words);
    return CLAB_EXIT_USAGE;
}

static int help(void)
{
    printf("%s\n"
           "Runs the script on headers: shapes, labels and lengths of rows are real, at most 1 %% of X is looked at, no\n"
           "model is trained, nothing is written.  Prints what each line will hold and take, and the --mem to ask SLURM\n"
           "for.\n\n"
           "  --json             peak_bytes, mem_request and steps[] as JSON\n"
           "  --whatif CHANGE    the same under a change: join=outer, float64, zero_center, dense, cells=N; may be given\n"
           "                     several times\n"
           "  --against F        beside what `celllab run --timeline F SCRIPT.lua` measured, as a table and as bars\n"
           "  --svg F            those bars as a figure\n",
           usage_words);
    return CLAB_EXIT_DONE;
}

static void drop(void *user, const char *text, size_t n)
{
    (void)user;
    (void)text;
    (void)n;
}

/* The script in a planning context, into *t; its error in *err. */
static clab_lua_result run_planned(clab_ctx *cx, const request *q, int argc, char **argv, clab_timeline *t, char **err)
{
    const clab_lua_opts lo = {.print = drop};
    clab_lua *lua = NULL;
    clab_lua_result r = CLAB_LUA_ERROR;

    clab_ctx_set_planning(cx, true);
    clab_ctx_set_whatif(cx, &q->whatif);
    if (clab_timeline_start(cx) == CLAB_OK && clab_lua_new(cx, &lo, &lua) == CLAB_OK) {
        clab_lua_record(lua);
        r = clab_lua_run_file(lua, q->script, argc, argv, err);
        clab_error_clear(cx);
        if (clab_timeline_stop(cx, t) != CLAB_OK)
            r = CLAB_LUA_ERROR;
    }
    clab_lua_free(lua);
    return r;
}

static clab_status print_against(clab_ctx *cx, const request *q, const clab_timeline *t)
{
    clab_timeline m = {0};
    char *text = NULL;
    clab_status st;

    if ((st = clab_plan_read(cx, q->against, &m)) == CLAB_OK &&
        (st = clab_plan_compare_text(cx, t, &m, q->script, &text)) == CLAB_OK)
        fputs(text, stdout);
    free(text);
    text = NULL;
    clab_ctx_set_planning(cx, false); /* the figure is really written */
    if (st == CLAB_OK && q->svg && (st = clab_plan_compare_svg(cx, t, &m, q->script, &text)) == CLAB_OK)
        st = clab_write_text(cx, q->svg, text, strlen(text));
    free(text);
    clab_timeline_free(&m);
    return st;
}

static clab_status print_plan(clab_ctx *cx, const request *q, const clab_timeline *t)
{
    char *text = NULL;
    clab_status st;

    if (q->against)
        return print_against(cx, q, t);
    st = q->json ? clab_plan_json(cx, t, q->script, &text) : clab_plan_text(cx, t, q->script, &text);
    if (st == CLAB_OK)
        fputs(text, stdout);
    free(text);
    return st;
}

/* Where the options end; 0 with *code set when there is nothing to plan. */
static int read_options(int argc, char **argv, request *q, int *code)
{
    int i = 1;

    *code = CLAB_EXIT_USAGE;
    for (; i < argc && argv[i][0] == '-'; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        char why[160];

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return *code = help(), 0;
        if (strcmp(argv[i], "--json") == 0)
            q->json = true;
        else if (strcmp(argv[i], "--against") == 0)
            q->against = value, i++;
        else if (strcmp(argv[i], "--svg") == 0)
            q->svg = value, i++;
        else if (strcmp(argv[i], "--whatif") != 0)
            return wrong("no option ", argv[i]), 0;
        else if (!clab_whatif_set(&q->whatif, value, why, sizeof why))
            return wrong(why, ""), 0;
        else
            i++;
    }
    if (i >= argc)
        return wrong("which script?", ""), 0;
    if ((q->svg && !q->against) || (q->json && q->against))
        return wrong(q->json ? "--json and --against exclude each other" : "--svg needs --against", ""), 0;
    return i;
}

int clab_plan_main(const clab_options *o, int argc, char **argv)
{
    request q = {0};
    clab_job_session *j;
    clab_timeline t = {0};
    clab_lua_result r;
    char *err = NULL;
    clab_status st = CLAB_OK;
    int code, at = read_options(argc, argv, &q, &code);

    if (at == 0)
        return code;
    q.script = argv[at];
    if (access(q.script, R_OK) != 0) {
        fprintf(stderr, "celllab: %s: %s\n", q.script, strerror(errno));
        return CLAB_EXIT_ERROR;
    }
    if (!(j = clab_job_open_quiet(o, q.script)))
        return CLAB_EXIT_ERROR;
    r = run_planned(clab_job_ctx(j), &q, argc - at - 1, argv + at + 1, &t, &err);
    if (r == CLAB_LUA_ERROR) {
        fprintf(stderr, "celllab: the plan found an error: %s\n", err ? err : clab_error_text(clab_job_ctx(j)));
        clab_error_clear(clab_job_ctx(j));
        st = CLAB_EARG;
    } else if (r == CLAB_LUA_OK) {
        st = print_plan(clab_job_ctx(j), &q, &t);
    }
    free(err);
    clab_timeline_free(&t);
    return clab_job_close(j, st);
}
