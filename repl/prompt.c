/* prompt.c -- lines become statements; statements become jobs, history and transcript. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "history.h"
#include "line.h"
#include "statements.h"
#include "ui_impl.h"

#define SLOW_S 1.0 /* from here on a statement's time is told */

double clab__ui_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static clab_lua_result check(clab__ui *ui, const char *code)
{
    clab_job job = {.kind = CLAB_JOB_CHECK, .text = code};

    clab_engine_ask(ui->engine, &job);
    return job.result;
}

/* ---- the prompt ---------------------------------------------------------------------------------------*/
const char *clab__prompt_text(clab__ui *ui)
{
    static char text[96]; /* Readline keeps the pointer while it edits */
    const char *words = ui->stepping ? "step> " : ui->statement.len > 0 ? CLAB_PROMPT_MORE : CLAB_PROMPT;

    snprintf(text, sizeof text, "\001%s\002%s\001%s\002", clab_theme_sgr(&ui->theme, CLAB_ROLE_PROMPT), words,
             clab_theme_off(&ui->theme));
    return text;
}

void clab__prompt_show(clab__ui *ui)
{
    ui->prompt_due = clab_screen_in_monitor(ui->screen);
    if (ui->prompt_due)
        return;
    if (!ui->filter.at_start) {
        clab__ui_write(ui, "\n", 1);
        ui->filter.at_start = true;
    }
    clab_line_prompt(clab__prompt_text(ui), NULL);
}

/* :run FILE, !command FILE: the name of a command, then the paths that a quote would offer. */
static char **complete_command(clab__ui *ui, const char *line, size_t cursor, size_t *start)
{
    clab_job job = {.kind = CLAB_JOB_COMPLETE};
    clab_str quoted = {0};
    size_t word = cursor;

    while (word > 0 && line[word - 1] != ' ' && line[word - 1] != '!')
        word--;
    *start = word;
    if (word == 0)
        return clab_command_words(line + 1, cursor - 1);
    if (strncmp(line, ":pane ", 6) == 0)
        return clab_pane_words(line + word, cursor - word);
    if (strncmp(line, ":help ", 6) == 0) /* as ?name */
        clab_str_add(&quoted, "?");
    else
        clab_str_add(&quoted, "\"");
    clab_str_addn(&quoted, line + word, cursor - word);
    if (quoted.s) {
        job.text = quoted.s;
        job.cursor = quoted.len;
        clab_engine_ask(ui->engine, &job);
        *start = word + (job.start > 0 ? job.start - 1 : 0);
    }
    clab_str_free(&quoted);
    return job.words;
}

char **clab__prompt_complete(void *user, const char *line, size_t cursor, size_t *start)
{
    clab__ui *ui = user;
    clab_str text = {0};
    clab_job job = {.kind = CLAB_JOB_COMPLETE, .start = 0};
    size_t before = ui->statement.len;

    if (before == 0 && cursor > 0 && ((line[0] == ':' && line[1] != ':') || line[0] == '!'))
        return complete_command(ui, line, cursor, start);
    if (before > 0)
        clab_str_addn(&text, ui->statement.s, before);
    clab_str_add(&text, line);
    if (text.failed || !text.s) {
        clab_str_free(&text);
        return NULL;
    }
    job.text = text.s;
    job.cursor = before + cursor;
    clab_engine_ask(ui->engine, &job);
    clab_str_free(&text);
    *start = job.start >= before ? job.start - before : cursor;
    return job.words;
}

void clab__prompt_drop(clab__ui *ui)
{
    bool fresh = ui->statement.len == 0 && !ui->stepping;

    clab_str_free(&ui->statement);
    ui->statement = (clab_str){0};
    free(ui->script);
    ui->script = NULL;
    ui->stepping = false;
    if (clab_line_drop(clab__prompt_text(ui)) && fresh)
        ui->empty_interrupts++;
    else
        ui->empty_interrupts = 0;
    if (ui->empty_interrupts == 2)
        clab__ui_say(ui, CLAB_ROLE_NOTE, "Ctrl-D leaves");
}

/* ---- a statement ----------------------------------------------------------------------------------------*/
static bool is_expression(clab__ui *ui, const char *statement)
{
    clab_str block = {0};
    bool yes = false;

    clab_str_addf(&block, "do %s\nend", statement);
    if (block.s)
        yes = check(ui, block.s) != CLAB_LUA_OK;
    clab_str_free(&block);
    return yes;
}

/* One line of plain text for the memory curve and the guard. */
static void tell_what_runs(clab__ui *ui, const char *statement)
{
    char *doing = ui->board->doing;

    while (*statement && strchr(" \t\n", *statement))
        statement++;
    clab_text_show(statement, doing, sizeof ui->board->doing);
    for (char *c; (c = strstr(doing, "\\x0a")) != NULL;) { /* a line break, as it is shown */
        c[0] = ' ';
        memmove(c + 1, c + 4, strlen(c + 4) + 1);
    }
    clab_ledger_mark(ui->session.cx, doing);
}

void clab__ui_run(clab__ui *ui, const char *statement)
{

    clab_record_begin(ui->record, statement, is_expression(ui, statement));
    ui->running = strdup(statement);
    if (!ui->running)
        return;
    tell_what_runs(ui, statement);
    ui->job = (clab_job){.kind = CLAB_JOB_EVAL, .text = ui->running};
    ui->started = clab__ui_now();
    ui->interrupts = 0;
    clab_engine_start(ui->engine, &ui->job);
}

static clab_piece piece(void *user, const char *code)
{
    clab_lua_result r = check(user, code);

    return r == CLAB_LUA_OK ? CLAB_PIECE_COMPLETE : r == CLAB_LUA_INCOMPLETE ? CLAB_PIECE_UNFINISHED : CLAB_PIECE_WRONG;
}

/* A pasted block that is no single chunk may still be several statements, the last one an expression. */
static bool several(clab__ui *ui, const char *text)
{
    size_t n = strchr(text, '\n') ? clab_statement_next(text, piece, ui) : 0;
    char *first;
    bool yes;

    if (n == 0 || text[n] == '\0')
        return false;
    first = strndup(text, n);
    yes = first && check(ui, first) == CLAB_LUA_OK;
    free(first);
    return yes;
}

/* The script's next statement; false when there is none left. */
static bool script_step(clab__ui *ui)
{
    const char *rest = ui->script + ui->script_at;
    size_t n = clab_statement_next(rest, piece, ui);
    char *one = n > 0 ? strndup(rest, n) : NULL, *global;

    if (!one) {
        free(ui->script);
        ui->script = NULL;
        ui->stepping = false;
        return false;
    }
    ui->script_at += n;
    global = ui->stepping ? clab_statement_global(one) : strdup(one);
    free(one);
    if (global)
        clab__ui_run(ui, global);
    free(global);
    return true;
}

/* What comes next, shown as it would have been typed; comments above it stand on their own. */
static void show_next(clab__ui *ui)
{
    const char *rest = ui->script + ui->script_at;
    const char *end = rest + clab_statement_next(rest, piece, ui);
    bool first = true;

    while (rest < end) {
        size_t k = strcspn(rest, "\n");
        bool comment = first && strncmp(rest, "--", 2) == 0 && strncmp(rest, "--[", 3) != 0;
        if (comment)
            clab__ui_say(ui, CLAB_ROLE_NOTE, "%.*s", (int)k, rest);
        else if (k > 0 || !first)
            clab__ui_quote(ui, first ? CLAB_PROMPT : CLAB_PROMPT_MORE, rest, k);
        first = first && (comment || k == 0);
        rest += k + (rest[k] == '\n');
    }
}

bool clab__script_next(clab__ui *ui)
{
    if (!ui->script)
        return false;
    if (!ui->stepping)
        return script_step(ui);
    if (clab_statement_next(ui->script + ui->script_at, piece, ui) == 0) {
        free(ui->script);
        ui->script = NULL;
        ui->stepping = false;
        clab__ui_say(ui, CLAB_ROLE_NOTE, "the script is at its end");
        return false;
    }
    show_next(ui);
    return false;
}

/* ---- a line -----------------------------------------------------------------------------------------------*/
static bool blank(const char *s)
{
    return s[strspn(s, " \t\r\n")] == '\0';
}

/* In :step, Enter alone goes on, q stops, anything else is a statement of its own. */
static bool step_line(clab__ui *ui, const char *line)
{
    if (!ui->stepping || ui->statement.len > 0)
        return false;
    if (strcmp(line, "q") == 0) {
        free(ui->script);
        ui->script = NULL;
        ui->stepping = false;
        clab__prompt_show(ui);
        return true;
    }
    if (!blank(line))
        return false;
    if (!script_step(ui))
        clab__prompt_show(ui);
    return true;
}

static void statement_entered(clab__ui *ui)
{
    char *text = ui->statement.s;
    clab_lua_result r = check(ui, text);

    if (r == CLAB_LUA_INCOMPLETE) {
        clab_str_add(&ui->statement, "\n");
        clab__prompt_show(ui);
        return;
    }
    ui->statement = (clab_str){0};
    clab_typed_add(text);
    if (r == CLAB_LUA_ERROR && several(ui, text)) {
        free(ui->script);
        ui->script = text;
        ui->script_at = 0;
        ui->stepping = false;
        if (!script_step(ui))
            clab__prompt_show(ui);
        return;
    }
    clab__ui_run(ui, text);
    free(text);
}

void clab__prompt_line(clab__ui *ui, char *line)
{
    clab_command c;

    if (!line) {
        if (ui->statement.len == 0 && !ui->stepping) {
            ui->quit = true;
            return;
        }
        clab_str_free(&ui->statement); /* Ctrl-D inside a statement drops it, as Ctrl-C does */
        ui->statement = (clab_str){0};
        free(ui->script);
        ui->script = NULL;
        ui->stepping = false;
        clab__ui_write(ui, "\n", 1);
        clab__prompt_show(ui);
        return;
    }
    ui->empty_interrupts = 0;
    if (step_line(ui, line))
        goto done;
    if (ui->statement.len == 0) {
        if (blank(line)) {
            clab__prompt_show(ui);
            goto done;
        }
        c = clab_command_parse(line);
        if (c.kind != CLAB_CMD_NONE) {
            clab_typed_add(line);
            if (clab__ui_act(ui, &c) && !ui->quit)
                clab__prompt_show(ui);
            goto done;
        }
    }
    clab_str_add(&ui->statement, line);
    if (ui->statement.failed || !ui->statement.s) {
        clab__ui_say(ui, CLAB_ROLE_ERROR, "memory is short");
        clab__prompt_drop(ui);
        goto done;
    }
    statement_entered(ui);
done:
    free(line);
}

/* ---- the job is done ----------------------------------------------------------------------------------------*/
static void tell_error(clab__ui *ui, const char *message)
{
    size_t first = strcspn(message, "\n");

    clab__ui_say(ui, CLAB_ROLE_ERROR, "error: %.*s", (int)first, message);
    if (message[first])
        clab__ui_say(ui, CLAB_ROLE_DIM, "%s", message + first + 1);
}

void clab__prompt_done(clab__ui *ui)
{
    clab_job *job = &ui->job;
    bool failed = job->result != CLAB_LUA_OK;
    char clock[32];

    if (!ui->filter.at_start) {
        clab__ui_write(ui, "\n", 1);
        ui->filter.at_start = true;
    }
    if (job->result == CLAB_LUA_INTERRUPTED)
        clab__ui_say(ui, CLAB_ROLE_WARN, "interrupted after %.1f s; what was reached before is intact", job->seconds);
    else if (job->message)
        tell_error(ui, job->message);
    else if (failed)
        clab__ui_say(ui, CLAB_ROLE_ERROR, "error: the statement is not complete");
    if (!failed && job->seconds >= SLOW_S) {
        snprintf(clock, sizeof clock, job->seconds < 100 ? "%.1f s" : "%.0f s", job->seconds);
        clab__ui_say(ui, CLAB_ROLE_DIM, "%s", clock);
    }
    clab_record_end(ui->record, failed);
    clab_cancel_clear(ui->session.cx);
    ui->board->doing[0] = '\0';
    free(job->message);
    free(ui->running);
    ui->running = NULL;
    if (job->exiting) {
        ui->quit = true;
        ui->exit_code = job->exit_code;
        return;
    }
    if (failed && !ui->stepping) {
        free(ui->script);
        ui->script = NULL;
    }
    if (ui->script && clab__script_next(ui))
        return;
    clab__prompt_show(ui);
}

/* ---- Ctrl-X Ctrl-E --------------------------------------------------------------------------------------------*/
static char *read_file(int fd)
{
    struct stat st;
    char *text;
    ssize_t n;

    if (fstat(fd, &st) != 0 || st.st_size > 1 << 20 || !(text = malloc((size_t)st.st_size + 1)))
        return NULL;
    n = pread(fd, text, (size_t)st.st_size, 0);
    n = n < 0 ? 0 : n;
    while (n > 0 && text[n - 1] == '\n')
        n--;
    text[n] = '\0';
    return text;
}

void clab__prompt_edit(clab__ui *ui)
{
    const char *tmp = getenv("TMPDIR"), *editor = getenv("VISUAL");
    char path[512], command[1200], *text = NULL;
    int fd;

    if (!editor || !*editor)
        editor = getenv("EDITOR");
    if (!editor || !*editor)
        editor = "vi";
    snprintf(path, sizeof path, "%s/celllab-XXXXXX.lua", tmp && *tmp ? tmp : "/tmp");
    fd = mkstemps(path, 4);
    if (fd < 0) {
        clab__ui_say(ui, CLAB_ROLE_ERROR, "no temporary file can be made for the editor");
        return;
    }
    if (dprintf(fd, "%s%s\n", ui->statement.s ? ui->statement.s : "", clab_line_text()) > 0) {
        snprintf(command, sizeof command, "%s '%s'", editor, path);
        clab_line_hide();
        clab_line_end();
        clab__ui_lift(ui);
        if (clab_child_run(ui->tty, command, NULL, 0) == 0) {
            int again = open(path, O_RDONLY | O_CLOEXEC); /* editors replace the file */
            text = again >= 0 ? read_file(again) : NULL;
            if (again >= 0)
                close(again);
        }
        clab__ui_restore(ui);
        if (text) {
            clab_str_free(&ui->statement);
            ui->statement = (clab_str){0};
        }
        clab_line_prompt(clab__prompt_text(ui), text);
        free(text);
    }
    close(fd);
    unlink(path);
}
