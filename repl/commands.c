/* commands.c -- lines to commands; what they do is the loop's business. */
#include "commands.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const char usage[] =
    "  Lua at the prompt; an expression shows its value.  TAB completes and lists.\n"
    "  ?name            what a function or an argument is; ??name: the formula too\n"
    "  lab              where all begins: lab.read(\"file.h5ad\"), lab.concat, lab.scvi\n"
    "  :run FILE        run a script in this session\n"
    "  :step FILE       run a script, one statement an Enter\n"
    "  :record FILE     keep what was typed as a script; :record alone stops\n"
    "  :pane MODE       auto, on, off, or a number of rows; Alt-m: full screen\n"
    "  !COMMAND         a shell command\n"
    "  Ctrl-C           stop the step, or drop the line; what was reached stays\n"
    "  Alt-Enter        a new line in the statement; Ctrl-X Ctrl-E opens $EDITOR\n"
    "  Ctrl-R           search what was typed before\n"
    "  :quit or Ctrl-D  leave\n";

const char *clab_command_usage(void)
{
    return usage;
}

/* The text between s and its end without blanks around it. */
static void set_text(clab_command *c, const char *s, size_t n)
{
    while (n > 0 && isspace((unsigned char)*s)) {
        s++;
        n--;
    }
    while (n > 0 && isspace((unsigned char)s[n - 1]))
        n--;
    if (n >= sizeof c->text)
        n = sizeof c->text - 1;
    memcpy(c->text, s, n);
    c->text[n] = '\0';
}

static bool is_name(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && !strchr("_.:", s[i]))
            return false;
    return n > 0 && !isdigit((unsigned char)s[0]);
}

static void complain(clab_command *c, const char *text)
{
    c->kind = CLAB_CMD_WRONG;
    snprintf(c->text, sizeof c->text, "%s", text);
}

static void parse_pane(clab_command *c)
{
    char *end;
    long rows = strtol(c->text, &end, 10);

    c->kind = CLAB_CMD_PANE;
    if (strcmp(c->text, "auto") == 0)
        c->pane = CLAB_PANE_AUTO;
    else if (strcmp(c->text, "on") == 0)
        c->pane = CLAB_PANE_ON;
    else if (strcmp(c->text, "off") == 0)
        c->pane = CLAB_PANE_OFF;
    else if (*c->text && *end == '\0' && rows >= 0 && rows <= 1000) {
        c->pane = rows == 0 ? CLAB_PANE_OFF : CLAB_PANE_ON;
        c->rows = (int)rows;
    } else
        complain(c, ":pane takes auto, on, off or a number of rows");
}

char *clab_command_explain(const char *name)
{
    char head[40];
    const char *at;
    int n = snprintf(head, sizeof head, "\n  :%s ", name + (name[0] == ':'));

    if (n >= (int)sizeof head || !(at = strstr(usage, head)))
        return NULL;
    return strndup(at + 1, strcspn(at + 1, "\n"));
}

static const char *const names[] = {"run", "step", "record", "pane", "help", "quit", "exit"};

/* Copies of those words that begin with s[0, n), with `before` in front. */
static char **words_like(const char *const *from, size_t n_from, const char *s, size_t n, const char *before)
{
    char **words = calloc(n_from + 1, sizeof *words);
    size_t k = 0, len;

    for (size_t i = 0; words && i < n_from; i++) {
        if (strncmp(from[i], s, n) != 0)
            continue;
        len = strlen(before) + strlen(from[i]) + 1;
        if ((words[k] = malloc(len)) != NULL)
            snprintf(words[k++], len, "%s%s", before, from[i]);
    }
    return words;
}

char **clab_command_words(const char *typed, size_t n)
{
    return words_like(names, sizeof names / sizeof *names, typed, n, ":");
}

char **clab_pane_words(const char *typed, size_t n)
{
    static const char *const modes[] = {"auto", "on", "off"};

    return words_like(modes, sizeof modes / sizeof *modes, typed, n, "");
}

static void parse_colon(clab_command *c, const char *s)
{
    size_t n = strcspn(s, " \t");
    char word[32];
    int near;

    snprintf(word, sizeof word, "%.*s", (int)(n < 31 ? n : 31), s);
    set_text(c, s + n, strlen(s + n));
    if (strcmp(word, "quit") == 0 || strcmp(word, "q") == 0 || strcmp(word, "exit") == 0)
        c->kind = CLAB_CMD_QUIT;
    else if (strcmp(word, "help") == 0)
        c->kind = c->text[0] ? CLAB_CMD_HELP : CLAB_CMD_USAGE;
    else if (strcmp(word, "record") == 0)
        c->kind = CLAB_CMD_RECORD;
    else if (strcmp(word, "pane") == 0)
        parse_pane(c);
    else if (strcmp(word, "run") == 0 || strcmp(word, "step") == 0) {
        c->kind = word[0] == 'r' ? CLAB_CMD_RUN : CLAB_CMD_STEP;
        if (!c->text[0])
            complain(c, c->kind == CLAB_CMD_RUN ? ":run needs a file" : ":step needs a file");
    } else {
        char text[160];
        near = clab_text_near(word, names, sizeof names / sizeof *names);
        snprintf(text, sizeof text, "there is no command :%s%s%s%s", clab_show(word), near >= 0 ? "; did you mean :" : "",
                 near >= 0 ? names[near] : "", near >= 0 ? "?" : "; :help lists them");
        complain(c, text);
    }
}

clab_command clab_command_parse(const char *line)
{
    clab_command c = {.kind = CLAB_CMD_NONE};
    const char *s = line + strspn(line, " \t");
    size_t n = strlen(s);

    while (n > 0 && isspace((unsigned char)s[n - 1]))
        n--;
    if (n == 0 || memchr(s, '\n', n))
        return c;
    if (s[0] == ':' && s[1] != ':') {
        char text[1024];
        snprintf(text, sizeof text, "%.*s", (int)n - 1, s + 1);
        parse_colon(&c, text);
    } else if (s[0] == '!' && n > 1) {
        c.kind = CLAB_CMD_SHELL;
        set_text(&c, s + 1, n - 1);
    } else if (s[0] == '?') {
        size_t marks = n > 1 && s[1] == '?' ? 2 : 1;
        set_text(&c, s + marks, n - marks);
        c.kind = c.text[0] == '\0' ? CLAB_CMD_USAGE : marks == 2 ? CLAB_CMD_DEEP : CLAB_CMD_HELP;
    } else if (s[n - 1] == '?' && is_name(s, n - 1)) {
        c.kind = CLAB_CMD_HELP;
        set_text(&c, s, n - 1);
    } else if ((n == 4 && (strncmp(s, "quit", 4) == 0 || strncmp(s, "exit", 4) == 0))) {
        c.kind = CLAB_CMD_QUIT;
    } else if (n == 4 && strncmp(s, "help", 4) == 0) {
        c.kind = CLAB_CMD_USAGE;
    }
    return c;
}
