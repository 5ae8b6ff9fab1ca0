/* line.h -- the edited line: GNU Readline's callback interface, and the keys that mean something here.
 * Readline is one a process, and so is this. */
#ifndef CLAB_LINE_H
#define CLAB_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum { CLAB_KEY_NONE, CLAB_KEY_MONITOR, CLAB_KEY_CLEAR, CLAB_KEY_EDITOR } clab_key;

typedef struct {
    /* A line was entered; malloc'd and given away; NULL for Ctrl-D on an empty line. */
    void (*line)(void *user, char *line);
    /* Words that could stand at the cursor, as clab_lua_complete. */
    char **(*complete)(void *user, const char *line, size_t cursor, size_t *start);
    void *user;
} clab_line_hooks;

/* clab_line_open -- out: a stream on the terminal. */
void clab_line_open(FILE *out, const clab_line_hooks *hooks);

/* clab_line_prompt -- begin to edit a line; text (may be NULL) is there already.  The prompt's escape
 * sequences must stand between \001 and \002. */
void clab_line_prompt(const char *prompt, const char *text);
/* clab_line_end -- stop editing: the terminal is back in its own modes. */
void clab_line_end(void);
bool clab_line_active(void);

/* clab_line_read -- a key can be read.  clab_line_waiting: bytes typed ahead are still there. */
void clab_line_read(void);
bool clab_line_waiting(void);
/* clab_line_type_ahead -- bytes that were typed while nothing was edited. */
void clab_line_type_ahead(const char *bytes, size_t n);
void clab_line_forget_ahead(void);

/* clab_line_key -- the key pressed since the last call that is for the program, not for the line. */
clab_key clab_line_key(void);

/* clab_line_hide / show -- take the line off the screen so that something can be printed, and put it back. */
void clab_line_hide(void);
void clab_line_show(void);
/* clab_line_drop -- Ctrl-C: leave the line as it stands, with ^C behind it; a new, empty one follows.
 * True when it was empty already. */
bool clab_line_drop(const char *prompt);
/* clab_line_text -- the line so far; borrowed. */
const char *clab_line_text(void);
/* clab_line_suspend / resume -- for another program on this terminal. */
void clab_line_suspend(void);
void clab_line_resume(void);
void clab_line_size(int rows, int cols);

#endif
