/* place.c -- which line of the session runs now: what the ledger writes beside every byte that is born.
 * A script's line as "quickstart.lua:12", a statement of the prompt as "[3]", each with its text. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "lua_impl.h"

/* The innermost running line of Lua; false when C alone is running. */
static bool running_line(clab_lua *l, lua_Debug *ar)
{
    for (int level = 0; l->running && lua_getstack(l->running, level, ar); level++) {
        if (lua_getinfo(l->running, "Sl", ar) && ar->currentline > 0)
            return true;
    }
    return false;
}

static bool at_prompt(const clab_lua *l, const lua_Debug *ar)
{
    return l->statement_text && ar->source[0] != '@';
}

static uint64_t place_key(void *user)
{
    clab_lua *l = user;
    lua_Debug ar;
    uint64_t h = 14695981039346656037u;

    if (!running_line(l, &ar))
        return l->statement_text ? (uint64_t)1 << 63 | (uint64_t)l->statement : 0;
    if (at_prompt(l, &ar))
        return (uint64_t)1 << 63 | (uint64_t)l->statement;
    for (const char *c = ar.source; *c; c++)
        h = (h ^ (unsigned char)*c) * 1099511628211u;
    return (h << 24 | ((uint64_t)ar.currentline & 0xffffff)) & ~((uint64_t)1 << 63);
}

/* The first words of a line, without the blanks around them. */
static void trimmed(const char *s, char *text, size_t n)
{
    size_t len;

    s += strspn(s, " \t\r\n");
    len = strcspn(s, "\r\n");
    while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
        len--;
    snprintf(text, n, "%.*s%s", (int)len, s, s[len] && s[len + strspn(s + len, " \t\r\n")] ? " ..." : "");
}

/* Line `wanted` of the script, as it stands in its file now; "" when it cannot be read. */
static void script_line(const char *path, int wanted, char *text, size_t n)
{
    FILE *f = fopen(path, "re");
    char line[400];
    int at = 1;

    text[0] = '\0';
    while (f && at <= wanted && fgets(line, sizeof line, f)) {
        if (at == wanted) {
            line[strcspn(line, "\r\n")] = '\0';
            trimmed(line, text, n);
        }
        at += strlen(line) < sizeof line - 1 || line[sizeof line - 2] == '\n';
    }
    if (f)
        fclose(f);
}

static void place_words(void *user, char *where, size_t n_where, char *text, size_t n_text)
{
    clab_lua *l = user;
    lua_Debug ar;
    const char *slash;

    if (!running_line(l, &ar) || at_prompt(l, &ar)) {
        snprintf(where, n_where, "[%lld]", (long long)l->statement);
        trimmed(l->statement_text ? l->statement_text : "", text, n_text);
        return;
    }
    slash = strrchr(ar.short_src, '/');
    snprintf(where, n_where, "%s:%d", slash ? slash + 1 : ar.short_src, ar.currentline);
    text[0] = '\0';
    if (ar.source[0] == '@')
        script_line(ar.source + 1, ar.currentline, text, n_text);
}

void clab__place_open(clab_lua *l)
{
    clab_ledger_set_place(l->cx, &(clab_place_source){.key = place_key, .words = place_words, .user = l});
}

void clab__statement(clab_lua *l, const char *code)
{
    if (code) {
        l->statement++;
        clab__mem_before(l);
    }
    l->statement_text = code;
}
