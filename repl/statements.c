/* statements.c -- where one statement ends and the next begins, by lines. */
#include "statements.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const char *next_line(const char *s)
{
    const char *end = strchr(s, '\n');

    return end ? end + 1 : s + strlen(s);
}

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \t\r");
}

static bool is_blank_or_comment(const char *line)
{
    const char *s = skip_blanks(line);

    return *s == '\0' || *s == '\n' || (s[0] == '-' && s[1] == '-' && strncmp(s, "--[[", 4) != 0
                                        && strncmp(s, "--[=", 4) != 0);
}

static bool begins_with_word(const char *s, const char *word)
{
    size_t n = strlen(word);

    return strncmp(s, word, n) == 0 && !isalnum((unsigned char)s[n]) && s[n] != '_';
}

/* Can this line only be read as the rest of the one before? */
static bool goes_on(const char *line)
{
    const char *s = skip_blanks(line);

    if (s[0] == ':' && s[1] == ':')
        return false; /* a label */
    if (s[0] == '-')
        return s[1] != '-';
    return (*s && strchr(":.{[+*/%^<>=~,&|)", *s)) || begins_with_word(s, "and") || begins_with_word(s, "or");
}

static clab_piece judge(const char *text, size_t n, clab_piece_fn *is, void *user)
{
    char *piece = strndup(text, n);
    clab_piece p = piece ? is(user, piece) : CLAB_PIECE_WRONG;

    free(piece);
    return p;
}

size_t clab_statement_next(const char *text, clab_piece_fn *is, void *user)
{
    const char *end = text;

    while (*end && is_blank_or_comment(end))
        end = next_line(end);
    if (*end == '\0')
        return 0;
    for (;;) {
        clab_piece p;
        const char *more;

        end = next_line(end);
        p = judge(text, (size_t)(end - text), is, user);
        if (p == CLAB_PIECE_UNFINISHED && *end)
            continue;
        for (more = end; *more && is_blank_or_comment(more);)
            more = next_line(more);
        if (p == CLAB_PIECE_COMPLETE && *more && goes_on(more)
            && judge(text, (size_t)(next_line(more) - text), is, user) != CLAB_PIECE_WRONG) {
            end = more;
            continue;
        }
        return (size_t)(end - text);
    }
}

char *clab_statement_global(const char *statement)
{
    const char *s = statement, *names, *assign;
    clab_str out = {0};

    while (*s && is_blank_or_comment(s))
        s = next_line(s);
    s = skip_blanks(s);
    if (!begins_with_word(s, "local"))
        return strdup(statement);
    clab_str_addn(&out, statement, (size_t)(s - statement));
    names = skip_blanks(s + strlen("local"));
    if (begins_with_word(names, "function")) {
        clab_str_add(&out, names);
        return out.s;
    }
    assign = names + strcspn(names, "=\n");
    for (const char *c = names; c < assign; c++) { /* names without <attributes> */
        if (*c == '<')
            c += strcspn(c, ">\n");
        else
            clab_str_addn(&out, c, 1);
    }
    clab_str_add(&out, *assign == '=' ? assign : " = nil");
    return out.s;
}

void clab_statement_unprompt(char *text)
{
    static const char first[] = CLAB_PROMPT, more[] = CLAB_PROMPT_MORE;
    char *to = text;
    const char *line = text;

    if (strncmp(text, first, sizeof first - 1) != 0)
        return;
    while (*line) {
        const char *end = next_line(line);
        size_t skip = strncmp(line, first, sizeof first - 1) == 0  ? sizeof first - 1
                      : strncmp(line, more, sizeof more - 1) == 0 ? sizeof more - 1
                                                                   : 0;
        if (skip) {
            size_t n = (size_t)(end - line) - skip;
            memmove(to, line + skip, n);
            to += n;
        }
        line = end;
    }
    *to = '\0';
}
