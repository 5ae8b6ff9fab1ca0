/* ui_impl.h -- the terminal's thread: its state, shared by the files that make it up.
 *
 *   loop.c     poll, keys, signals, frames, output
 *   prompt.c   what is typed becomes statements, commands and history
 *   actions.c  what the commands do
 */
#ifndef CLAB_UI_IMPL_H
#define CLAB_UI_IMPL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <termios.h>

#include "base/text.h"
#include "commands.h"
#include "engine.h"
#include "guard.h"
#include "output.h"
#include "record.h"
#include "screen.h"
#include "session.h"
#include "signals.h"
#include "theme.h"

typedef struct {
    const clab_options *options;
    clab_session session;
    clab_engine *engine;
    clab_guard_board *board;

    /* the terminal */
    int tty;                  /* where everything visible goes; 1 and 2 are the output pipe */
    FILE *tty_stream;         /* the same, for Readline */
    int out_fd;               /* reading end of the output pipe */
    int signal_fd;
    struct termios cooked;    /* as the shell left it */
    clab_theme theme;
    clab_term *term;
    clab_screen *screen;
    clab_pane_mode pane;
    clab_output filter;
    atomic_int columns;       /* of the terminal, for notes that come from the engine's thread */
    clab_str held;            /* output that came while the full screen was shown */
    clab_snapshot *snap;
    double drawn, painted;    /* when the last frame was drawn, and the last whole one */
    clab_rescue rescue;
    void *stack;              /* of this thread's fatal signals */

    /* the prompt */
    clab_str statement;       /* lines of the statement being typed */
    char *entered;            /* what Readline just gave us, once line_ready; NULL for Ctrl-D */
    bool line_ready;
    bool prompt_due;          /* a job ended behind the full screen */
    bool gone;                /* the keyboard is: end when the job does */
    int empty_interrupts;
    clab_record *record;

    /* the running job */
    clab_job job;
    char *running;            /* text of the statement or path; NULL when idle */
    char marked[64];          /* the last phase of a script that was marked on the memory curve */
    double started;
    int interrupts;

    /* scripts: :step, and pastes of several statements */
    char *script;             /* text that is taken statement by statement; NULL = none */
    size_t script_at;
    bool stepping;            /* wait for Enter before each */
    bool shown_next;

    bool quit;
    int exit_code;
} clab__ui;

double clab__ui_now(void);

/* loop.c */
void clab__ui_say(clab__ui *ui, clab_role role, const char *fmt, ...) CLAB_PRINTF(3, 4); /* above the prompt */
void clab__ui_quote(clab__ui *ui, const char *before, const char *code, size_t n); /* a line of Lua, as it is */
void clab__ui_write(clab__ui *ui, const char *s, size_t n); /* as it is; the line is hidden or not there */
void clab__ui_text_size(clab__ui *ui); /* tell the line editor */
void clab__ui_lift(clab__ui *ui);
void clab__ui_restore(clab__ui *ui);

/* prompt.c */
void clab__prompt_show(clab__ui *ui);          /* a fresh prompt, or the continuation's */
const char *clab__prompt_text(clab__ui *ui);
void clab__prompt_line(clab__ui *ui, char *line); /* takes line */
void clab__prompt_drop(clab__ui *ui);
void clab__prompt_edit(clab__ui *ui);
void clab__prompt_done(clab__ui *ui);          /* the job is finished */
void clab__ui_run(clab__ui *ui, const char *statement);
char **clab__prompt_complete(void *user, const char *line, size_t cursor, size_t *start);

/* actions.c: true when a prompt may follow at once, false when a job was started */
bool clab__ui_act(clab__ui *ui, const clab_command *c);
bool clab__script_next(clab__ui *ui);

#endif
