/* plain.c -- the session without a terminal's help: plain lines in, plain lines out, no escape byte. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "cli.h"
#include "loop_impl.h"
#include "statements.h"
#include "ui_impl.h"

typedef struct {
    clab_session session;
    clab_engine *engine;
    clab_record *record;
    clab_log *log;      /* progress as dated lines on standard error */
    int signal_fd;
    bool keyboard;      /* somebody types: prompts are shown */
    bool quit;
    int exit_code;
    char *line;         /* getline's */
    size_t cap;
} plain;

static void on_note(void *user, clab_note_level level, const char *text)
{
    (void)user;
    fprintf(stderr, "%s%s\n", level == CLAB_NOTE_WARN ? "warning: " : "", text);
}

static void on_signals(plain *p, bool running)
{
    clab_signals s = clab_signals_take(p->signal_fd);

    if (s.intr && running)
        clab_cancel(p->session.cx);
    if (s.intr && !p->keyboard) {
        p->quit = true;
        p->exit_code = 130;
    }
    if (s.end) {
        clab_cancel(p->session.cx);
        p->quit = true;
        p->exit_code = 128 + s.end;
    }
    if (s.quit && running) {
        clab_ledger_journal(p->session.cx, "ended", "SIGQUIT");
        _exit(128 + SIGQUIT);
    }
    if (s.stop)
        raise(SIGSTOP);
}

static void wait_for_job(plain *p)
{
    do {
        struct pollfd fd[2] = {{clab_engine_fd(p->engine), POLLIN, 0}, {p->signal_fd, POLLIN, 0}};
        poll(fd, 2, -1);
        on_signals(p, true);
    } while (!clab_engine_done(p->engine));
    clab_engine_finish(p->engine);
}

static void finish(plain *p, clab_job *job)
{
    bool failed = job->result != CLAB_LUA_OK;

    if (job->result == CLAB_LUA_INTERRUPTED)
        fprintf(stderr, "%sinterrupted after %.1f s\n", p->keyboard ? "\n" : "", job->seconds); /* below the terminal's ^C */
    else if (failed)
        fprintf(stderr, "error: %s\n", job->message ? job->message : "the statement is not complete");
    if (failed && !p->keyboard && p->exit_code == 0)
        p->exit_code = 1;
    if (job->exiting) {
        p->quit = true;
        p->exit_code = job->exit_code;
    }
    clab_record_end(p->record, failed);
    clab_cancel_clear(p->session.cx);
    free(job->message);
}

static clab_lua_result check(plain *p, const char *code)
{
    clab_job job = {.kind = CLAB_JOB_CHECK, .text = code};

    clab_engine_ask(p->engine, &job);
    return job.result;
}

static void evaluate(plain *p, const char *statement)
{
    clab_job job = {.kind = CLAB_JOB_EVAL, .text = statement};
    clab_str block = {0};
    char mark[64];

    clab_str_addf(&block, "do %s\nend", statement);
    clab_record_begin(p->record, statement, block.s && check(p, block.s) != CLAB_LUA_OK);
    clab_str_free(&block);
    clab_ledger_mark(p->session.cx, clab_text_show(statement, mark, sizeof mark));
    clab_engine_start(p->engine, &job);
    wait_for_job(p);
    finish(p, &job);
}

/* A line without its newline; NULL at the end of the input.  An interrupt gives an empty one. */
static char *read_line(plain *p, const char *prompt)
{
    ssize_t n;

    if (p->keyboard) {
        fputs(prompt, stdout);
        fflush(stdout);
    }
    errno = 0;
    n = getline(&p->line, &p->cap, stdin);
    if (n < 0 && errno == EINTR) {
        clearerr(stdin);
        on_signals(p, false);
        if (p->keyboard)
            putchar('\n');
        if (p->line)
            p->line[0] = '\0';
        return p->quit ? NULL : p->line;
    }
    if (n < 0)
        return NULL;
    while (n > 0 && (p->line[n - 1] == '\n' || p->line[n - 1] == '\r'))
        p->line[--n] = '\0';
    return p->line;
}

static clab_piece piece(void *user, const char *code)
{
    clab_lua_result r = check(user, code);

    return r == CLAB_LUA_OK ? CLAB_PIECE_COMPLETE : r == CLAB_LUA_INCOMPLETE ? CLAB_PIECE_UNFINISHED : CLAB_PIECE_WRONG;
}

static void step_file(plain *p, const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = NULL;
    size_t cap = 0, n;

    if (!f || getdelim(&text, &cap, '\0', f) < 0) {
        fprintf(stderr, "error: %s: %s\n", clab_show(path), f ? "nothing to read" : strerror(errno));
        free(text);
        if (f)
            fclose(f);
        return;
    }
    fclose(f);
    for (const char *rest = text; !p->quit && (n = clab_statement_next(rest, piece, p)) > 0; rest += n) {
        char *one = strndup(rest, n), *global = one ? clab_statement_global(one) : NULL;
        const char *answer;

        printf("%s%s", CLAB_PROMPT, one ? one : "");
        answer = read_line(p, "Enter runs it, q stops: ");
        if (answer && strcmp(answer, "q") != 0 && global)
            evaluate(p, global);
        free(one);
        free(global);
        if (!answer || strcmp(p->line, "q") == 0)
            break;
    }
    free(text);
}

static void act(plain *p, const clab_command *c)
{
    clab_job job = {.text = c->text};
    char why[300];

    switch (c->kind) {
    case CLAB_CMD_NONE:
        break;
    case CLAB_CMD_WRONG:
        fprintf(stderr, "error: %s\n", c->text);
        break;
    case CLAB_CMD_QUIT:
        p->quit = true;
        break;
    case CLAB_CMD_USAGE:
        fputs(clab_command_usage(), stdout);
        break;
    case CLAB_CMD_HELP:
    case CLAB_CMD_DEEP:
        job.kind = CLAB_JOB_HELP;
        job.deep = c->kind == CLAB_CMD_DEEP;
        job.message = clab_command_explain(c->text);
        if (!job.message)
            clab_engine_ask(p->engine, &job);
        puts(job.message ? job.message : "memory is short");
        free(job.message);
        break;
    case CLAB_CMD_RUN:
        job.kind = CLAB_JOB_FILE;
        clab_engine_start(p->engine, &job);
        wait_for_job(p);
        finish(p, &job);
        break;
    case CLAB_CMD_STEP:
        step_file(p, c->text);
        break;
    case CLAB_CMD_RECORD:
        if (c->text[0] && !clab_record_open(p->record, c->text, why, sizeof why))
            fprintf(stderr, "error: %s\n", why);
        else if (!c->text[0] && !clab_record_close(p->record))
            fprintf(stderr, "error: nothing is being recorded; :record FILE begins\n");
        break;
    case CLAB_CMD_PANE:
        fprintf(stderr, "there is no pane in plain lines; `celllab top` in another terminal shows it\n");
        break;
    case CLAB_CMD_SHELL:
        fflush(stdout);
        clab_child_run(STDOUT_FILENO, c->text, "", 0);
        break;
    }
}

static void session(plain *p)
{
    clab_str statement = {0};
    char *line;

    while (!p->quit && (line = read_line(p, statement.len ? CLAB_PROMPT_MORE : CLAB_PROMPT))) {
        clab_command c = {.kind = CLAB_CMD_NONE};

        if (statement.len == 0)
            c = clab_command_parse(line);
        if (c.kind != CLAB_CMD_NONE) {
            act(p, &c);
        } else if (statement.len > 0 || line[strspn(line, " \t")] != '\0') {
            clab_str_addf(&statement, "%s%s", statement.len ? "\n" : "", line);
            if (statement.failed)
                break;
            if (check(p, statement.s) != CLAB_LUA_INCOMPLETE) {
                evaluate(p, statement.s);
                clab_str_free(&statement);
                statement = (clab_str){0};
            }
        }
        fflush(stdout);
    }
    if (statement.len > 0) /* the input ended inside: its error says so */
        evaluate(p, statement.s);
    clab_str_free(&statement);
    if (p->keyboard && !p->quit)
        putchar('\n');
}

int clab_plain_run(const clab_options *o)
{
    plain p = {.keyboard = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)};
    char why[512] = "memory is short";

    p.signal_fd = clab_signals_open();
    p.record = clab_record_new();
    if (p.signal_fd >= 0 && p.record
        && clab_session_open(&p.session, o, "prompt", on_note, NULL, why, sizeof why)) {
        setvbuf(stdout, NULL, _IOLBF, 0);
        p.engine = clab_engine_new(p.session.cx, STDOUT_FILENO, why, sizeof why);
    }
    if (p.engine) {
        p.log = clab_log_start(p.session.ledger);
        session(&p);
    } else {
        fprintf(stderr, "celllab: %s\n", why);
        p.exit_code = 1;
    }
    clab_log_stop(p.log);
    clab_engine_free(p.engine);
    clab_session_close(&p.session);
    clab_record_free(p.record);
    free(p.line);
    close(p.signal_fd);
    return p.exit_code;
}
