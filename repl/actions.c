/* actions.c -- what the commands do. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "line.h"
#include "ui_impl.h"
#include "wrap.h"

#define SCRIPT_MAX ((long)16 << 20)

/* less is on most machines and not on a bare one. */
static const char usual_pager[] = "if command -v less >/dev/null; then exec less -FRX; else exec more; fi";

/* Text that a screen may not hold goes through the pager; the rest is simply printed, and all where there is none. */
static void show(clab__ui *ui, const char *text)
{
    const char *pager = getenv("PAGER");
    clab_str page = {0};
    int rows, cols, code, lines = 0;

    clab_screen_text(ui->screen, &rows, &cols);
    clab_wrap(&page, text, cols);
    if (page.len > 0 && page.s[page.len - 1] != '\n')
        clab_str_add(&page, "\n");
    for (size_t i = 0; i < page.len; i++)
        lines += page.s[i] == '\n';
    if (lines < rows) {
        clab__ui_write(ui, page.s, page.len);
    } else {
        clab__ui_lift(ui);
        code = clab_child_run(ui->tty, pager && *pager ? pager : usual_pager, page.s, page.len);
        clab__ui_restore(ui);
        if (code < 0 || code == 127) /* the shell found no such program */
            clab__ui_write(ui, page.s, page.len);
    }
    clab_str_free(&page);
}

static void help(clab__ui *ui, const char *name, bool deep)
{
    clab_job job = {.kind = CLAB_JOB_HELP, .text = name, .deep = deep};

    job.message = clab_command_explain(name);
    if (!job.message)
        clab_engine_ask(ui->engine, &job);
    show(ui, job.message ? job.message : "memory is short");
    free(job.message);
}

static bool run_file(clab__ui *ui, const char *path)
{
    clab_str statement = {0};

    ui->running = strdup(path);
    if (!ui->running)
        return true;
    clab_str_addf(&statement, strpbrk(path, "\"\\") ? "dofile([==[%s]==])" : "dofile(\"%s\")", path);
    clab_record_begin(ui->record, statement.s ? statement.s : "", false);
    clab_str_free(&statement);
    clab_text_show(strrchr(path, '/') ? strrchr(path, '/') + 1 : path, ui->board->doing, sizeof ui->board->doing);
    clab_ledger_mark(ui->session.cx, ui->board->doing);
    ui->marked[0] = '\0';
    ui->job = (clab_job){.kind = CLAB_JOB_FILE, .text = ui->running};
    ui->started = clab__ui_now();
    ui->interrupts = 0;
    clab_engine_start(ui->engine, &ui->job);
    return false;
}

static void step_file(clab__ui *ui, const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = NULL;
    long n = 0;

    if (!f || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 0 || n > SCRIPT_MAX || !(text = malloc((size_t)n + 1))) {
        clab__ui_say(ui, CLAB_ROLE_ERROR, "error: %s: %s", clab_show(path), f ? "not a script that fits" : strerror(errno));
        if (f)
            fclose(f);
        return;
    }
    rewind(f);
    n = (long)fread(text, 1, (size_t)n, f);
    fclose(f);
    text[n] = '\0';
    if (strlen(text) != (size_t)n) {
        clab__ui_say(ui, CLAB_ROLE_ERROR, "error: %s is not text", clab_show(path));
        free(text);
        return;
    }
    free(ui->script);
    ui->script = text;
    ui->script_at = text[0] == '#' ? strcspn(text, "\n") : 0;
    ui->stepping = true;
    clab__ui_say(ui, CLAB_ROLE_NOTE, "Enter runs the statement shown, q stops; anything else is run as typed");
    clab__script_next(ui);
}

static void record(clab__ui *ui, const char *path)
{
    char why[300];

    if (path[0]) {
        if (clab_record_open(ui->record, path, why, sizeof why))
            clab__ui_say(ui, CLAB_ROLE_NOTE, "recording into %s, from the session's start; :record stops", clab_show(path));
        else
            clab__ui_say(ui, CLAB_ROLE_ERROR, "error: %s", why);
        return;
    }
    path = clab_record_path(ui->record);
    if (!path) {
        clab__ui_say(ui, CLAB_ROLE_ERROR, "error: nothing is being recorded; :record FILE begins");
        return;
    }
    clab__ui_say(ui, CLAB_ROLE_NOTE, "recorded into %s", clab_show(path));
    clab_record_close(ui->record);
}

static void shell(clab__ui *ui, const char *command)
{
    int status;

    clab__ui_lift(ui);
    status = clab_child_run(ui->tty, command, NULL, 0);
    clab__ui_restore(ui);
    if (status != 0)
        clab__ui_say(ui, CLAB_ROLE_DIM, status < 0 ? "it could not be started" : "exit status %d", status);
}

bool clab__ui_act(clab__ui *ui, const clab_command *c)
{
    switch (c->kind) {
    case CLAB_CMD_NONE:
        break;
    case CLAB_CMD_WRONG:
        clab__ui_say(ui, CLAB_ROLE_ERROR, "error: %s", c->text);
        break;
    case CLAB_CMD_QUIT:
        ui->quit = true;
        break;
    case CLAB_CMD_USAGE:
        show(ui, clab_command_usage());
        break;
    case CLAB_CMD_HELP:
    case CLAB_CMD_DEEP:
        help(ui, c->text, c->kind == CLAB_CMD_DEEP);
        break;
    case CLAB_CMD_RUN:
        return run_file(ui, c->text);
    case CLAB_CMD_STEP:
        step_file(ui, c->text);
        break;
    case CLAB_CMD_RECORD:
        record(ui, c->text);
        break;
    case CLAB_CMD_PANE:
        ui->pane = c->pane;
        clab_screen_show(ui->screen, c->pane == CLAB_PANE_ON, c->rows);
        clab__ui_text_size(ui);
        ui->drawn = 0;
        break;
    case CLAB_CMD_SHELL:
        shell(ui, c->text);
        break;
    }
    return true;
}
