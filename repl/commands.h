/* commands.h -- what is typed at the prompt and is not Lua: `:run F`, `?name`, `!ls`. */
#ifndef CLAB_COMMANDS_H
#define CLAB_COMMANDS_H

#include <stddef.h>

typedef enum {
    CLAB_CMD_NONE,    /* a statement */
    CLAB_CMD_WRONG,   /* text says what is wrong */
    CLAB_CMD_QUIT,
    CLAB_CMD_USAGE,   /* :help, ? */
    CLAB_CMD_HELP,    /* ?name, name? */
    CLAB_CMD_DEEP,    /* ??name */
    CLAB_CMD_RUN,     /* :run FILE */
    CLAB_CMD_STEP,    /* :step FILE */
    CLAB_CMD_RECORD,  /* :record FILE; no text: stop */
    CLAB_CMD_PANE,    /* :pane auto|on|off|N; rows holds N */
    CLAB_CMD_SHELL    /* !COMMAND */
} clab_command_kind;

typedef enum { CLAB_PANE_AUTO, CLAB_PANE_ON, CLAB_PANE_OFF } clab_pane_mode;

typedef struct {
    clab_command_kind kind;
    char text[1024];      /* file, name, shell command or complaint */
    clab_pane_mode pane;
    int rows;             /* 0 = by the size of the screen */
} clab_command;

/* clab_command_parse -- a whole line at the start of a statement. */
clab_command clab_command_parse(const char *line);

/* clab_command_usage -- the text of `:help`: a dozen lines. */
const char *clab_command_usage(void);

/* clab_command_explain -- its line about the command `name`, with or without a colon; NULL when there is none.
 * The caller frees it. */
char *clab_command_explain(const char *name);

/* clab_command_words, clab_pane_words -- commands, with their colon, and modes of the pane that begin with the n
 * bytes typed (after the colon).  NULL-terminated; the caller frees words and list; NULL when memory is short. */
char **clab_command_words(const char *typed, size_t n);
char **clab_pane_words(const char *typed, size_t n);

#endif
