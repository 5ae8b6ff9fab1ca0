/* loop.c -- the terminal's thread: one poll over keyboard, output, engine, signals and the clock.
 *
 * Only this thread writes to the terminal.  While a line is edited Readline owns the keyboard's modes; while
 * a statement runs the keyboard is silent and unbuffered, Ctrl-C is a signal, Alt-m is seen, and everything
 * else waits for the next prompt. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "line.h"
#include "loop_impl.h"
#include "ui_impl.h"
#include "wrap.h"

#define FRAME_S 0.25   /* while something runs */
#define IDLE_S 1.0
#define REPAINT_S 10.0 /* a whole frame, in case somebody damaged the rows */
#define AUTO_S 1.0     /* a job that lasts longer opens the pane */

/* ---- writing ------------------------------------------------------------------------------------------*/
void clab__ui_write(clab__ui *ui, const char *s, size_t n)
{
    if (n == 0)
        return;
    if (clab_screen_in_monitor(ui->screen)) {
        clab_str_addn(&ui->held, s, n);
        return;
    }
    if (!clab_term_write(ui->term, s, n))
        ui->quit = true;
}

static void say(clab__ui *ui, clab_role role, const char *line, int cols)
{
    bool editing = clab_line_active();
    clab_str text = {0};

    clab_str_addf(&text, "%s%s", ui->filter.at_start ? "" : "\n", clab_theme_sgr(&ui->theme, role));
    clab_wrap(&text, line, cols);
    clab_str_addf(&text, "%s\n", clab_theme_off(&ui->theme));
    ui->filter.at_start = true;
    if (editing)
        clab_line_hide();
    if (text.s)
        clab__ui_write(ui, text.s, text.len);
    if (editing)
        clab_line_show();
    clab_str_free(&text);
}

void clab__ui_say(clab__ui *ui, clab_role role, const char *fmt, ...)
{
    char line[4096];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    say(ui, role, line, ui->columns);
}

void clab__ui_quote(clab__ui *ui, const char *before, const char *code, size_t n)
{
    clab_str line = {0};

    clab_str_addf(&line, "%s%s%s", clab_theme_sgr(&ui->theme, CLAB_ROLE_DIM), before, clab_theme_off(&ui->theme));
    clab_str_addn(&line, code, n);
    if (line.s)
        say(ui, CLAB_ROLE_TEXT, line.s, 0);
    clab_str_free(&line);
}

/* Whatever the engine and its libraries have written so far. */
static void pump_output(clab__ui *ui)
{
    clab_str safe = {0};
    char buf[16384];
    ssize_t n;
    bool editing;

    while (safe.len < sizeof buf * 16 && (n = read(ui->out_fd, buf, sizeof buf)) > 0)
        clab_output_clean(&ui->filter, buf, (size_t)n, &safe);
    if (ui->filter.bell) { /* Readline's, which knows no better place than stderr */
        ui->filter.bell = false;
        clab_term_write(ui->term, "\a", 1);
    }
    if (safe.len == 0)
        return;
    clab_record_output(ui->record, safe.s, safe.len);
    editing = clab_line_active() && !clab_screen_in_monitor(ui->screen);
    if (editing)
        clab_line_hide();
    clab__ui_write(ui, safe.s, safe.len);
    if (editing && !ui->filter.at_start) {
        clab__ui_write(ui, "\n", 1);
        ui->filter.at_start = true;
    }
    if (editing)
        clab_line_show();
    clab_str_free(&safe);
}

/* ---- the screen ------------------------------------------------------------------------------------------*/
void clab__ui_text_size(clab__ui *ui)
{
    int rows, cols;

    clab_screen_text(ui->screen, &rows, &cols);
    ui->columns = cols;
    clab_line_size(rows, cols);
}

/* A script's statements are not seen here, but its phases are: they mark the memory curve. */
static void mark_phase(clab__ui *ui)
{
    if (!ui->running || ui->job.kind != CLAB_JOB_FILE || !ui->snap->phase[0]
        || strcmp(ui->marked, ui->snap->phase) == 0)
        return;
    snprintf(ui->marked, sizeof ui->marked, "%s", ui->snap->phase);
    clab_ledger_mark(ui->session.cx, ui->marked);
}

static void draw(clab__ui *ui, double now)
{
    if (now - ui->painted >= REPAINT_S) {
        clab_screen_damaged(ui->screen);
        ui->painted = now;
    }
    ui->drawn = now;
    clab_ledger_snapshot(ui->session.ledger, ui->snap);
    mark_phase(ui);
    if (!clab_screen_draw(ui->screen, ui->snap))
        ui->quit = true;
}

/* The cursor to the start of a line, the edited line out of the way, around what moves the region. */
static bool make_way(clab__ui *ui)
{
    bool editing = clab_line_active();

    if (editing)
        clab_line_hide();
    else if (!ui->filter.at_start && !clab_screen_in_monitor(ui->screen)) {
        clab_term_write(ui->term, "\n", 1);
        ui->filter.at_start = true;
    }
    return editing;
}

static void come_back(clab__ui *ui, bool editing)
{
    clab__ui_text_size(ui);
    draw(ui, clab__ui_now());
    if (editing && !clab_screen_in_monitor(ui->screen))
        clab_line_show();
}

void clab__ui_lift(clab__ui *ui)
{
    clab_screen_lift(ui->screen);
    tcsetattr(ui->tty, TCSANOW, &ui->cooked);
}

void clab__ui_restore(clab__ui *ui)
{
    clab_screen_restore(ui->screen);
    clab__ui_text_size(ui);
    ui->drawn = 0;
}

static void show_pane(clab__ui *ui)
{
    bool editing = make_way(ui);

    clab_screen_show(ui->screen, true, 0);
    come_back(ui, editing);
}

static void toggle_monitor(clab__ui *ui)
{
    bool on = !clab_screen_in_monitor(ui->screen), editing = clab_line_active();

    if (on)
        make_way(ui);
    clab_screen_monitor(ui->screen, on);
    if (!on && ui->held.len > 0) {
        clab_term_write(ui->term, ui->held.s, ui->held.len);
        clab_str_free(&ui->held);
        ui->held = (clab_str){0};
        if (editing && !ui->filter.at_start)
            clab_term_write(ui->term, "\n", 1);
    }
    come_back(ui, editing);
    if (!on && ui->prompt_due)
        clab__prompt_show(ui);
}

static void clear_keep_pane(clab__ui *ui)
{
    clab_term_clear(ui->term);
    clab_screen_damaged(ui->screen);
    ui->filter.at_start = true;
    come_back(ui, clab_line_active());
}

/* ---- keys -------------------------------------------------------------------------------------------------*/

/* No echo and no lines while a statement runs, but signals from keys. */
static void quiet_keyboard(clab__ui *ui)
{
    struct termios t = ui->cooked;

    t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    tcsetattr(ui->tty, TCSANOW, &t);
}

static void monitor_keys(clab__ui *ui, const char *keys, ssize_t n)
{
    for (ssize_t i = 0; i < n; i++) {
        if (keys[i] == 'q' || keys[i] == 'm') {
            toggle_monitor(ui);
            return;
        } else if (keys[i] == '\f') {
            clab_screen_damaged(ui->screen);
            ui->drawn = 0;
        }
    }
}

static void ahead_keys(clab__ui *ui, const char *keys, ssize_t n)
{
    for (ssize_t i = 0; i < n; i++) {
        if (keys[i] == '\033' && i + 1 < n && keys[i + 1] == 'm') {
            toggle_monitor(ui);
            i++;
        } else if (keys[i] == '\f') {
            clear_keep_pane(ui);
        } else {
            clab_line_type_ahead(&keys[i], 1);
        }
    }
}

static void read_keys(clab__ui *ui)
{
    char keys[256];
    ssize_t n;

    if (clab_line_active() && !clab_screen_in_monitor(ui->screen)) {
        clab_line_read();
        return;
    }
    n = read(STDIN_FILENO, keys, sizeof keys);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
        ui->gone = true;
    else if (clab_screen_in_monitor(ui->screen))
        monitor_keys(ui, keys, n);
    else
        ahead_keys(ui, keys, n);
}

static void program_key(clab__ui *ui)
{
    switch (clab_line_key()) {
    case CLAB_KEY_NONE:
        break;
    case CLAB_KEY_MONITOR:
        toggle_monitor(ui);
        break;
    case CLAB_KEY_CLEAR:
        clear_keep_pane(ui);
        break;
    case CLAB_KEY_EDITOR:
        clab__prompt_edit(ui);
        break;
    }
}

/* ---- signals -----------------------------------------------------------------------------------------------*/
static void interrupt(clab__ui *ui)
{
    char progress[64];

    if (clab_screen_in_monitor(ui->screen) && !ui->running)
        return;
    if (!ui->running) {
        clab__prompt_drop(ui);
        return;
    }
    clab_cancel(ui->session.cx);
    clab_line_forget_ahead();
    free(ui->script);
    ui->script = NULL;
    ui->stepping = false;
    clab_ledger_snapshot(ui->session.ledger, ui->snap);
    clab_loop_progress(ui->snap, progress, sizeof progress);
    if (ui->interrupts++ == 0)
        clab__ui_say(ui, CLAB_ROLE_WARN, "^C stopping %s%s", ui->snap->phase[0] ? ui->snap->phase : "the statement", progress);
    else
        clab__ui_say(ui, CLAB_ROLE_WARN, "^C still waiting for %s%s, running for %.0f s; Ctrl-\\ ends celllab",
                     ui->snap->phase[0] ? ui->snap->phase : "the statement", progress, clab__ui_now() - ui->started);
}

/* Ctrl-Z: leave the terminal as it was found, stop, and take it again. */
static void stop(clab__ui *ui)
{
    bool monitor = clab_screen_in_monitor(ui->screen), editing;

    if (monitor)
        toggle_monitor(ui);
    editing = make_way(ui);
    if (editing)
        clab_line_suspend();
    clab__ui_lift(ui);
    raise(SIGSTOP);
    clab_signals_take(ui->signal_fd); /* the SIGCONT of our own waking */
    if (editing)
        clab_line_resume();
    else
        quiet_keyboard(ui);
    clab__ui_restore(ui);
    come_back(ui, editing);
    if (monitor)
        toggle_monitor(ui);
}

/* Stopped and woken by others: the terminal may have been used by anybody in between. */
static void continued(clab__ui *ui)
{
    if (clab_line_active())
        clab_line_resume();
    else
        quiet_keyboard(ui);
    clab_screen_damaged(ui->screen);
    ui->drawn = 0;
}

static void resized(clab__ui *ui)
{
    bool editing = !clab_screen_in_monitor(ui->screen) && make_way(ui);

    clab_screen_resized(ui->screen);
    come_back(ui, editing);
}

static void handle_signals(clab__ui *ui)
{
    clab_signals s = clab_signals_take(ui->signal_fd);

    if (s.end) {
        ui->quit = true;
        ui->exit_code = 128 + s.end;
    }
    if (s.winch)
        resized(ui);
    if (s.intr)
        interrupt(ui);
    if (s.quit && ui->running) {
        ui->quit = true;
        ui->exit_code = 128 + SIGQUIT;
    }
    if (s.stop)
        stop(ui);
    else if (s.cont)
        continued(ui);
}

/* ---- the loop ------------------------------------------------------------------------------------------------*/
static int next_wait_ms(const clab__ui *ui, double now)
{
    double left = ui->drawn + (ui->running || clab_screen_in_monitor(ui->screen) ? FRAME_S : IDLE_S) - now;

    if (clab_line_active() && clab_line_waiting() && !clab_screen_in_monitor(ui->screen))
        return 0;
    return left > 0 ? (int)(left * 1000) + 1 : 0;
}

static void tick(clab__ui *ui)
{
    double now = clab__ui_now();

    if (ui->running && ui->pane == CLAB_PANE_AUTO && !clab_screen_shown(ui->screen) && now - ui->started > AUTO_S
        && !clab_screen_in_monitor(ui->screen))
        show_pane(ui);
    if (now - ui->drawn >= (ui->running || clab_screen_in_monitor(ui->screen) ? FRAME_S : IDLE_S))
        draw(ui, now);
}

/* A line was entered, or a job finished: what follows may start the next job. */
static void advance(clab__ui *ui)
{
    if (ui->gone && !ui->running)
        ui->quit = true;
    if (ui->line_ready) {
        char *line = ui->entered;
        ui->line_ready = false;
        tcsetattr(ui->tty, TCSANOW, &ui->cooked);
        clab__prompt_line(ui, line);
        if (!clab_line_active())
            quiet_keyboard(ui);
    }
}

static void on_line(void *user, char *line)
{
    clab__ui *ui = user;

    ui->entered = line;
    ui->line_ready = true;
}

static void step(clab__ui *ui)
{
    struct pollfd p[4] = {
        {STDIN_FILENO, POLLIN, 0},
        {ui->out_fd, POLLIN, 0},
        {ui->signal_fd, POLLIN, 0},
        {ui->running ? clab_engine_fd(ui->engine) : -1, POLLIN, 0},
    };
    int n = poll(p, 4, next_wait_ms(ui, clab__ui_now()));

    if (n < 0 && errno != EINTR)
        ui->quit = true;
    handle_signals(ui);
    if (ui->quit)
        return;
    if (p[1].revents)
        pump_output(ui);
    if (p[3].revents & POLLIN) {
        pump_output(ui); /* all it wrote comes before the prompt */
        clab_engine_finish(ui->engine);
        tcsetattr(ui->tty, TCSANOW, &ui->cooked);
        clab__prompt_done(ui);
        if (!clab_line_active())
            quiet_keyboard(ui);
        ui->drawn = 0;
    }
    if (p[0].revents & POLLIN)
        read_keys(ui);
    else if (p[0].revents & (POLLHUP | POLLERR)) {
        ui->quit = true;
        ui->exit_code = 128 + SIGHUP;
    } else if (clab_line_active() && clab_line_waiting() && !clab_screen_in_monitor(ui->screen))
        clab_line_read();
    program_key(ui);
    advance(ui);
    tick(ui);
}

void clab_loop_run(clab__ui *ui)
{
    clab_line_hooks hooks = {.line = on_line, .complete = clab__prompt_complete, .user = ui};

    clab_line_open(ui->tty_stream, &hooks);
    clab__ui_text_size(ui);
    ui->painted = clab__ui_now();
    clab__prompt_show(ui);
    while (!ui->quit)
        step(ui);
    pump_output(ui);
    if (clab_screen_in_monitor(ui->screen))
        toggle_monitor(ui);
    if (clab_line_active()) {
        clab_line_hide();
        clab_line_end();
    }
}
