/* repl.c -- the interactive session put together and taken apart: terminal, guard, engine, loop. */
#include "repl.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"
#include "history.h"
#include "line.h"
#include "loop_impl.h"
#include "ui_impl.h"
#include "wrap.h"

#define PATIENCE_S 2.0 /* how long a running step is given to notice that the session ends */

void clab_loop_progress(const clab_snapshot *s, char *buf, size_t n)
{
    char text[48];

    clab_frame_progress(s, text, sizeof text);
    snprintf(buf, n, *text ? " (%s)" : "%s", text);
}

/* A pane needs a terminal on both ends, nobody who asked for plain lines, and a terminal that can. */
static bool wants_plain(const clab_options *o)
{
    const char *term = getenv("TERM"), *accessible = getenv("ACCESSIBLE");

    return o->plain || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !term || !*term
           || strcmp(term, "dumb") == 0 || (accessible && *accessible && strcmp(accessible, "0") != 0);
}

/* Notes of the core join the output, so that they appear in order. */
static void on_note(void *user, clab_note_level level, const char *text)
{
    clab__ui *ui = user;
    clab_role role = level == CLAB_NOTE_WARN ? CLAB_ROLE_WARN : CLAB_ROLE_NOTE;
    clab_str line = {0}, lines = {0};

    clab_str_addf(&line, "%s%s", level == CLAB_NOTE_WARN ? "warning: " : "", text);
    clab_wrap(&lines, line.s ? line.s : text, ui->columns);
    dprintf(STDOUT_FILENO, "%s%s%s\n", clab_theme_sgr(&ui->theme, role), lines.s ? lines.s : text,
            clab_theme_off(&ui->theme));
    clab_str_free(&line);
    clab_str_free(&lines);
}

/* Descriptors 1 and 2 become a pipe: what any library prints arrives in order and in the right place. */
static bool divert_output(clab__ui *ui, int out[2])
{
    ui->out_fd = out[0];
    if (fcntl(out[0], F_SETFL, O_NONBLOCK) != 0 || dup2(out[1], STDOUT_FILENO) < 0
        || dup2(out[1], STDERR_FILENO) < 0)
        return false;
    close(out[1]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    return true;
}

static void prepare_rescue(clab__ui *ui)
{
    ui->rescue.tty = ui->tty;
    ui->rescue.cooked = ui->cooked;
    ui->rescue.alternate = &ui->board->alternate;
    ui->rescue.main = clab_term_rescue(ui->term, false, &ui->rescue.n_main);
    ui->rescue.other = clab_term_rescue(ui->term, true, &ui->rescue.n_other);
    ui->stack = clab_signals_stack();
    clab_signals_rescue(&ui->rescue);
}

static bool open_all(clab__ui *ui, int out[2], char *why, size_t n)
{
    int stream;

    snprintf(why, n, "memory is short");
    ui->snap = calloc(1, sizeof *ui->snap);
    ui->record = clab_record_new();
    stream = fcntl(ui->tty, F_DUPFD_CLOEXEC, 3);
    ui->tty_stream = stream >= 0 ? fdopen(stream, "w") : NULL;
    ui->screen = clab_screen_new(ui->term, &ui->theme, &ui->board->alternate);
    if (!ui->snap || !ui->record || !ui->tty_stream || !ui->screen)
        return false;
    clab_output_init(&ui->filter, ui->theme.plain);
    ui->signal_fd = clab_signals_open(); /* after ncurses, which would install its own */
    prepare_rescue(ui);
    if (ui->signal_fd < 0 || !divert_output(ui, out)) {
        snprintf(why, n, "%s", strerror(errno));
        return false;
    }
    if (!clab_session_open(&ui->session, ui->options, "prompt", on_note, ui, why, n))
        return false;
    ui->engine = clab_engine_new(ui->session.cx, STDOUT_FILENO, why, n);
    return ui->engine != NULL;
}

/* The session ends in the middle of a statement: it is asked to stop and waited for, but not for ever. */
static void end_job(clab__ui *ui)
{
    double until = clab__ui_now() + PATIENCE_S;
    char buf[4096];

    if (!ui->running)
        return;
    clab_cancel(ui->session.cx);
    while (clab__ui_now() < until) {
        struct timespec pause = {0, 10000000};
        while (read(ui->out_fd, buf, sizeof buf) > 0)
            ; /* a full pipe would keep it from noticing */
        if (clab_engine_done(ui->engine)) {
            clab_engine_finish(ui->engine);
            free(ui->job.message);
            free(ui->running);
            ui->running = NULL;
            clab_cancel_clear(ui->session.cx);
            return;
        }
        nanosleep(&pause, NULL);
    }
}

/* From here on the terminal is the user's again, whatever the rest of the clean-up does. */
static void leave_terminal(clab__ui *ui)
{
    clab_screen_free(ui->screen);
    ui->screen = NULL;
    tcsetattr(ui->tty, TCSANOW, &ui->cooked);
    dup2(ui->tty, STDOUT_FILENO);
    dup2(ui->tty, STDERR_FILENO);
    ui->board->ended = 1;
}

static void close_all(clab__ui *ui)
{
    if (ui->screen)
        leave_terminal(ui);
    clab_engine_free(ui->engine);
    clab_session_close(&ui->session);
    clab_record_free(ui->record);
    clab_term_close(ui->term);
    if (ui->tty_stream)
        fclose(ui->tty_stream);
    clab_str_free(&ui->statement);
    clab_str_free(&ui->held);
    clab_line_forget_ahead();
    free(ui->script);
    free(ui->snap);
    clab_signals_unstack(ui->stack);
}

static int run(clab__ui *ui, int out[2])
{
    char why[512], limit[160];

    if (!open_all(ui, out, why, sizeof why)) {
        if (ui->screen)
            leave_terminal(ui);
        dprintf(ui->tty, "celllab: %s\n", why);
        close_all(ui);
        return 1;
    }
    clab_typed_open();
    clab__ui_say(ui, CLAB_ROLE_DIM, "celllab " CLAB_VERSION "; ?name explains, :help lists commands, Ctrl-D leaves");
    clab_budget_say(ui->session.cx, limit, sizeof limit);
    clab__ui_say(ui, CLAB_ROLE_DIM, limit);
    clab_loop_run(ui);
    end_job(ui);
    leave_terminal(ui);
    if (ui->running) { /* it will not stop: what it holds goes with the process */
        clab_ledger_journal(ui->session.cx, "ended", ui->running);
        if (ui->session.live[0])
            unlink(ui->session.live);
        _exit(ui->exit_code);
    }
    close_all(ui);
    return ui->exit_code;
}

int clab_repl_run(const clab_options *o)
{
    static clab__ui ui; /* handlers and the guard's board point into it until the process ends */
    const char *why;
    int out[2];

    setlocale(LC_CTYPE, "");
    if (wants_plain(o))
        return clab_plain_run(o);
    ui.options = o;
    ui.tty = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    ui.term = ui.tty >= 0 ? clab_term_open(ui.tty, &why) : NULL;
    if (!ui.term || tcgetattr(ui.tty, &ui.cooked) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        clab_term_close(ui.term);
        return clab_plain_run(o);
    }
    ui.theme = clab_theme_choose(o->color, true);
    ui.board = o->no_guard ? clab_guard_none() : clab_guard_split(ui.tty, &ui.cooked, out[0]);
    if (!ui.board)
        return clab_plain_run(o);
    return run(&ui, out);
}
