/* cmd_label.c -- celllab label: the whole job on one line; what it will take (--plan) and what it took (--timeline). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "flags.h"
#include "io/io.h"
#include "label/job.h"
#include "plan/plan.h"

#define TITLE "celllab label"

static const clab_flags flags_of_label = {"label", clab_label_params, 0, "output"};

/* What the job itself does not know. */
typedef struct {
    bool plan, json;
    const char *timeline;
} wishes;

static clab_flags all_flags(void)
{
    clab_flags f = flags_of_label;

    f.n = clab_label_n_params;
    return f;
}

static void print_help(const clab_flags *f)
{
    puts(
        "usage: celllab label --reference R.h5ad --query Q.h5ad --label COLUMN -o OUT.h5ad [options]\n\n"
        "Reads both studies, integrates them with scVI, trains XGBoost on the reference's labels, labels "
        "every\n"
        "cell of the query and writes it with predicted_cell_type, prediction_confidence and probabilities.\n");
    clab_flags_print(f);
    puts("\n  --plan [--json]      do nothing, but tell what each stage will hold and take, and the --mem to ask SLURM for\n"
         "  --timeline F         write what each stage took as JSON, and print it beside what was predicted\n"
         "\n  --budget B, --threads N and --plain as everywhere; see celllab --help.");
}

/* Takes --plan, --json and --timeline F out of argv; false when F is missing. */
static bool take_wishes(int *argc, char **argv, wishes *w)
{
    int kept = 1;

    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--plan") == 0)
            w->plan = true;
        else if (strcmp(argv[i], "--json") == 0)
            w->json = true;
        else if (strncmp(argv[i], "--timeline=", 11) == 0)
            w->timeline = argv[i] + 11;
        else if (strcmp(argv[i], "--timeline") != 0)
            argv[kept++] = argv[i];
        else if (++i < *argc)
            w->timeline = argv[i];
        else
            return false;
    }
    *argc = kept;
    argv[kept] = NULL;
    return true;
}

static void silent(void *user, clab_note_level level, const char *text)
{
    (void)user;
    (void)level;
    (void)text;
}

/* The job in a planning context of its own; the exit code in *code. */
static clab_status plan(const clab_options *o, int argc, char **argv, clab_arg *args, bool aloud, clab_timeline *t, int *code)
{
    const clab_flags f = all_flags();
    clab_job_session *j = clab_job_open_quiet(o, "plan");
    clab_ctx *cx;
    clab_status st, usage;

    *code = CLAB_EXIT_ERROR;
    if (!j)
        return CLAB_EIO;
    cx = clab_job_ctx(j);
    clab_ctx_set_planning(cx, true);
    if (!aloud)
        clab_note_set(cx, silent, NULL);
    st = usage = clab_flags_read(cx, &f, argc, argv, args);
    if (st == CLAB_OK && (st = clab_timeline_start(cx)) == CLAB_OK) {
        st = clab_label_run(cx, args);
        if (st == CLAB_OK)
            st = clab_timeline_stop(cx, t);
    }
    if (!aloud) {
        clab_error_clear(cx); /* the job itself will say it */
        clab_cancel_clear(cx);
    }
    *code = clab_job_close(j, st);
    if (usage != CLAB_OK && *code == CLAB_EXIT_ERROR)
        *code = CLAB_EXIT_USAGE;
    return st;
}

static int print_plan(const clab_options *o, int argc, char **argv, clab_arg *args, bool json)
{
    clab_timeline t = {0};
    char *text = NULL;
    clab_job_session *j;
    int code;
    clab_status st = plan(o, argc, argv, args, true, &t, &code);

    if (st == CLAB_OK && (j = clab_job_open_quiet(o, "plan"))) {
        st = json ? clab_plan_json(clab_job_ctx(j), &t, TITLE, &text) : clab_plan_text(clab_job_ctx(j), &t, TITLE, &text);
        if (st == CLAB_OK)
            fputs(text, stdout);
        code = clab_job_close(j, st);
    }
    free(text);
    clab_timeline_free(&t);
    return code;
}

/* The measured twin as a file, and beside the plan as a table. */
static clab_status tell(clab_ctx *cx, const clab_timeline *planned, const char *path)
{
    clab_timeline t = {0};
    char *json = NULL, *text = NULL;
    clab_status st;

    if ((st = clab_timeline_stop(cx, &t)) == CLAB_OK && (st = clab_plan_json(cx, &t, TITLE, &json)) == CLAB_OK &&
        (st = clab_write_text(cx, path, json, strlen(json))) == CLAB_OK)
        st = planned->n > 0 ? clab_plan_compare_text(cx, planned, &t, TITLE, &text) : clab_plan_text(cx, &t, TITLE, &text);
    if (st == CLAB_OK)
        fputs(text, stdout);
    free(text);
    free(json);
    clab_timeline_free(&t);
    return st;
}

static int run(const clab_options *o, int argc, char **argv, clab_arg *args, const char *timeline)
{
    const clab_flags f = all_flags();
    clab_timeline planned = {0};
    clab_job_session *j;
    clab_status st;
    int code;

    if (timeline && plan(o, argc, argv, args, false, &planned, &code) != CLAB_OK)
        clab_timeline_free(&planned);
    clab_args_free(args, clab_label_n_params);
    if (!(j = clab_job_open(o, "label")))
        return clab_timeline_free(&planned), CLAB_EXIT_ERROR;
    st = clab_flags_read(clab_job_ctx(j), &f, argc, argv, args);
    if (st != CLAB_OK) {
        code = clab_job_close(j, st);
        return clab_timeline_free(&planned), code == CLAB_EXIT_ERROR ? CLAB_EXIT_USAGE : code;
    }
    if (timeline && (st = clab_write_check(clab_job_ctx(j), timeline)) != CLAB_OK)
        (void)clab_context(clab_job_ctx(j), "--timeline");
    if (st == CLAB_OK && timeline)
        st = clab_timeline_start(clab_job_ctx(j));
    if (st == CLAB_OK)
        st = clab_label_run(clab_job_ctx(j), args);
    if (st == CLAB_OK && timeline)
        st = tell(clab_job_ctx(j), &planned, timeline);
    clab_timeline_free(&planned);
    return clab_job_close(j, st);
}

int clab_label_main(const clab_options *o, int argc, char **argv)
{
    const clab_flags f = all_flags();
    wishes w = {0};
    clab_arg *args;
    int code;

    if (clab_flags_help_wanted(argc, argv))
        return print_help(&f), CLAB_EXIT_DONE;
    if (!take_wishes(&argc, argv, &w) || (w.json && !w.plan)) {
        fprintf(stderr, "celllab label: %s\n", w.json ? "--json belongs to --plan" : "--timeline needs a file");
        return CLAB_EXIT_USAGE;
    }
    args = calloc((size_t)clab_label_n_params + 1, sizeof *args);
    if (!args) {
        fprintf(stderr, "celllab: memory is short\n");
        return CLAB_EXIT_ERROR;
    }
    code = w.plan ? print_plan(o, argc, argv, args, w.json) : run(o, argc, argv, args, w.timeline);
    clab_args_free(args, clab_label_n_params);
    free(args);
    return code;
}
