/* line.c -- Readline, its keys, and bytes typed ahead. */
#include "line.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/readline.h>

#include "base/text.h"
#include "line_impl.h"
#include "statements.h"

#define AHEAD_MAX ((size_t)256 << 10)
#define PASTE_MAX ((size_t)16 << 20)

/* Readline's callbacks carry no argument of ours. */
static struct {
    clab_line_hooks hooks;
    bool active;
    clab_key key;
    clab_str ahead;
    size_t ahead_from;
    const char *insert;  /* text of the next line, for the startup hook */
} self;

const clab_line_hooks *clab__line_hooks(void)
{
    return &self.hooks;
}

/* ---- bytes ------------------------------------------------------------------------------------------*/
bool clab_line_waiting(void)
{
    return self.ahead.len > self.ahead_from;
}

void clab_line_type_ahead(const char *bytes, size_t n)
{
    if (self.ahead.len + n <= AHEAD_MAX)
        clab_str_addn(&self.ahead, bytes, n);
}

void clab_line_forget_ahead(void)
{
    clab_str_free(&self.ahead);
    self.ahead = (clab_str){0};
    self.ahead_from = 0;
}

static int next_byte(FILE *in)
{
    int c;

    if (!clab_line_waiting())
        return rl_getc(in);
    c = (unsigned char)self.ahead.s[self.ahead_from++];
    if (!clab_line_waiting())
        clab_line_forget_ahead();
    return c;
}

static int byte_available(void)
{
    struct pollfd p = {STDIN_FILENO, POLLIN, 0};

    return clab_line_waiting() || poll(&p, 1, 0) > 0;
}

/* ---- keys --------------------------------------------------------------------------------------------*/
static int on_monitor(int count, int c)
{
    (void)count, (void)c;
    self.key = CLAB_KEY_MONITOR;
    return 0;
}

static int on_clear(int count, int c)
{
    (void)count, (void)c;
    self.key = CLAB_KEY_CLEAR;
    return 0;
}

static int on_editor(int count, int c)
{
    (void)count, (void)c;
    self.key = CLAB_KEY_EDITOR;
    return 0;
}

static int on_newline(int count, int c)
{
    (void)count, (void)c;
    rl_insert_text("\n");
    return 0;
}

/* Bracketed paste: the block as one text, whatever keys it holds, and a transcript without its prompts. */
static int on_paste(int count, int key)
{
    static const char end[] = "\033[201~";
    clab_str text = {0};

    (void)count, (void)key;
    for (;;) {
        int c = rl_read_key();
        char byte = (char)(c == '\r' ? '\n' : c);
        if (c < 0 || text.len > PASTE_MAX)
            break;
        clab_str_addn(&text, &byte, 1);
        if (text.len >= sizeof end - 1 && text.s
            && memcmp(text.s + text.len - (sizeof end - 1), end, sizeof end - 1) == 0) {
            text.len -= sizeof end - 1;
            text.s[text.len] = '\0';
            break;
        }
    }
    if (text.s && !text.failed) {
        if (rl_point == 0 && rl_end == 0)
            clab_statement_unprompt(text.s);
        text.len = strlen(text.s);
        while (text.len > 0 && text.s[text.len - 1] == '\n')
            text.s[--text.len] = '\0';
        rl_insert_text(text.s);
    }
    clab_str_free(&text);
    return 0;
}

clab_key clab_line_key(void)
{
    clab_key k = self.key;

    self.key = CLAB_KEY_NONE;
    return k;
}

static void bind_keys(void)
{
    rl_bind_keyseq("\\C-l", on_clear);
    rl_bind_keyseq("\\em", on_monitor);
    rl_bind_keyseq("\\e\\C-m", on_newline);
    rl_bind_keyseq("\\e\\C-j", on_newline);
    rl_bind_keyseq("\\C-x\\C-e", on_editor);
    rl_bind_keyseq("\\e[200~", on_paste);
    rl_bind_keyseq("\t", clab__line_complete);
}

/* ---- the line -------------------------------------------------------------------------------------------*/
static void on_line(char *line)
{
    self.active = false;
    rl_callback_handler_remove();
    fflush(rl_outstream);
    self.hooks.line(self.hooks.user, line);
}

static int insert_first(void)
{
    if (self.insert)
        rl_insert_text(self.insert);
    self.insert = NULL;
    return 0;
}

void clab_line_open(FILE *out, const clab_line_hooks *hooks)
{
    self.hooks = *hooks;
    rl_readline_name = "celllab";
    rl_instream = stdin;
    rl_outstream = out;
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_change_environment = 0;
    rl_getc_function = next_byte;
    rl_input_available_hook = byte_available;
    rl_startup_hook = insert_first;
    rl_initialize();
    rl_variable_bind("page-completions", "off");
    bind_keys();
}

void clab_line_prompt(const char *prompt, const char *text)
{
    self.insert = text;
    self.active = true;
    rl_callback_handler_install(prompt, on_line);
    fflush(rl_outstream);
}

void clab_line_end(void)
{
    if (!self.active)
        return;
    self.active = false;
    rl_callback_handler_remove();
    fflush(rl_outstream);
}

bool clab_line_active(void)
{
    return self.active;
}

void clab_line_read(void)
{
    rl_callback_read_char();
    fflush(rl_outstream);
}

void clab_line_hide(void)
{
    rl_clear_visible_line();
    fflush(rl_outstream);
}

void clab_line_show(void)
{
    rl_on_new_line();
    rl_redisplay();
    fflush(rl_outstream);
}

bool clab_line_drop(const char *prompt)
{
    bool empty = rl_end == 0;

    rl_callback_sigcleanup();
    rl_free_line_state();
    rl_point = rl_end;
    rl_redisplay();
    fputs("^C\n", rl_outstream);
    rl_replace_line("", 0);
    rl_point = rl_end = 0;
    rl_set_prompt(prompt);
    rl_on_new_line();
    rl_redisplay();
    fflush(rl_outstream);
    return empty;
}

const char *clab_line_text(void)
{
    return rl_line_buffer;
}

void clab_line_suspend(void)
{
    rl_deprep_terminal();
}

void clab_line_resume(void)
{
    rl_prep_terminal(1);
}

void clab_line_size(int rows, int cols)
{
    rl_set_screen_size(rows, cols);
}
