/* record.c -- every line of a script that runs becomes a row of the ledger's timeline, with its text; and the
 * sandbox of a plan, in which a script touches nothing outside the session. */
#include <stdlib.h>
#include <string.h>

#include "ledger/timeline.h"
#include "lua_impl.h"

#define MAX_SOURCE (8 << 20)

struct clab__recording {
    char *source; /* of the chunk whose lines are recorded: "@quickstart.lua" or the code itself */
    char *text;   /* its lines, NUL-ended each; NULL when it cannot be read */
    int n_lines;
    char **lines;
    const char *last; /* the source that was found equal last: compared by its address first */
};

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = f ? malloc(MAX_SOURCE + 1) : NULL;
    size_t n = text ? fread(text, 1, MAX_SOURCE, f) : 0;

    if (text)
        text[n] = '\0';
    if (f)
        fclose(f);
    return text;
}

static void split(struct clab__recording *r)
{
    int n = 1;

    for (const char *c = r->text; *c; c++)
        n += *c == '\n';
    r->lines = calloc((size_t)n, sizeof *r->lines);
    for (char *c = r->text; r->lines && c && r->n_lines < n;) {
        char *end = strchr(c, '\n');
        r->lines[r->n_lines++] = c;
        if (end)
            *end++ = '\0';
        c = end;
    }
}

void clab__record_free(clab_lua *l)
{
    struct clab__recording *r = l->recording;

    if (!r)
        return;
    free(r->source);
    free(r->text);
    free(r->lines);
    free(r);
    l->recording = NULL;
}

clab_status clab__record_source(clab_lua *l, const char *source, const char *text)
{
    struct clab__recording *r = calloc(1, sizeof *r);

    clab__record_free(l);
    if (r)
        r->source = strdup(source);
    if (!r || !r->source) {
        free(r);
        return clab_fail(l->cx, CLAB_ENOMEM, "no memory for a recording");
    }
    r->text = *source == '@' ? read_text(source + 1) : strdup(*source != '=' ? source : text ? text : "");
    if (r->text)
        split(r);
    l->recording = r;
    return CLAB_OK;
}

void clab__record_line(clab_lua *l, lua_State *L, lua_Debug *ar)
{
    struct clab__recording *r = l->recording;

    if (!r || !lua_getinfo(L, "S", ar))
        return;
    if (ar->source != r->last) {
        if (strcmp(ar->source, r->source) != 0)
            return;
        r->last = ar->source;
    }
    clab_timeline_enter(l->cx, ar->currentline,
                        r->lines && ar->currentline <= r->n_lines ? r->lines[ar->currentline - 1] : "");
}
