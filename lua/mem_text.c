/* mem_text.c -- what mem() and mem.diff() return, in words of at most 80 columns. */
#include <stdio.h>
#include <string.h>

#include "mem_impl.h"

#define COLUMNS 80
#define SMALL 1000 /* holdings below a thousandth of the sum, and below 64 KiB, are told in one line */

/* Field of the table at idx; "" when it is not there.  Stays in the table. */
static const char *text_of(lua_State *L, int idx, const char *name)
{
    const char *s = lua_getfield(L, idx, name) == LUA_TSTRING ? lua_tostring(L, -1) : "";

    lua_pop(L, 1);
    return s;
}

static int64_t bytes_of(lua_State *L, int idx, const char *name)
{
    int64_t n = lua_getfield(L, idx, name) == LUA_TNUMBER ? (int64_t)lua_tointeger(L, -1) : -1;

    lua_pop(L, 1);
    return n;
}

/* s, cut to `width` columns with "..." at its end, and filled up to them where fill is set. */
static void add_cut(clab_str *out, const char *s, int width, bool fill)
{
    int columns = clab_text_columns(s);
    char cut[512];
    size_t n = strlen(s);

    if (columns <= width) {
        clab_str_addf(out, "%s%*s", s, fill ? width - columns : 0, "");
        return;
    }
    n = n < sizeof cut - 4 ? n : sizeof cut - 4;
    memcpy(cut, s, n);
    cut[n] = '\0';
    while (n > 0 && clab_text_columns(cut) > width - 3) {
        do {
            n--;
        } while (n > 0 && ((unsigned char)cut[n] & 0xc0) == 0x80);
        cut[n] = '\0';
    }
    clab_str_addf(out, "%s...%*s", cut, fill ? width - 3 - clab_text_columns(cut) : 0, "");
}

static const char *change_text(int64_t change, char *buf, size_t n)
{
    snprintf(buf, n, "%s%s", change < 0 ? "-" : "+", clab_bytes(change < 0 ? -change : change));
    return buf;
}

/* "held only by ref, both (2 handles)"; of what nobody reaches, that it comes back. */
static void holders_text(lua_State *L, int idx, clab_str *out)
{
    int64_t handles = bytes_of(L, idx, "handles");
    lua_Integer n;

    lua_getfield(L, idx, "garbage");
    if (lua_toboolean(L, -1)) {
        clab_str_add(out, "garbage, comes back with collectgarbage()");
        lua_pop(L, 1);
        return;
    }
    lua_pop(L, 1);
    if (handles <= 0) {
        clab_str_add(out, "held by the session itself");
        return;
    }
    lua_getfield(L, idx, "holders");
    n = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, -1, i);
        clab_str_addf(out, "%s%s", i > 1 ? ", " : "held only by ", lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    clab_str_addf(out, " (%lld handle%s", (long long)n, n == 1 ? "" : "s");
    if (handles > n)
        clab_str_addf(out, "; %lld more %s garbage", (long long)(handles - n), handles - n == 1 ? "is" : "are");
    clab_str_add(out, ")");
}

/* The object at idx: what it is and where it was born; below, who keeps it alive. */
static void add_object(lua_State *L, int idx, clab_str *out, const char *bytes, bool with_holders)
{
    const char *line = text_of(L, idx, "line");
    clab_str who = {0};

    clab_str_addf(out, "\n%11s  %-6s  %-7s  ", bytes, text_of(L, idx, "kind"), text_of(L, idx, "home"));
    add_cut(out, text_of(L, idx, "name"), *line ? 28 : COLUMNS - 30, *line != '\0');
    if (*line) {
        clab_str_add(out, "  ");
        add_cut(out, line, COLUMNS - 60, false);
    }
    if (!with_holders)
        return;
    holders_text(L, idx, &who);
    clab_str_addf(out, "\n%13s", "");
    add_cut(out, who.s ? who.s : "", COLUMNS - 13, false);
    clab_str_free(&who);
}

/* Every line that the objects of the list were born at, once, with its text. */
static void add_lines(lua_State *L, int list, clab_str *out)
{
    lua_Integer n = (lua_Integer)lua_rawlen(L, list);
    int seen;

    lua_newtable(L);
    seen = lua_gettop(L);
    for (lua_Integer i = n; i >= 1; i--) {
        const char *line, *code;
        lua_rawgeti(L, list, i);
        line = text_of(L, -1, "line");
        code = text_of(L, -1, "text");
        if (*code && lua_getfield(L, seen, line) == LUA_TNIL) {
            lua_pushboolean(L, 1);
            lua_setfield(L, seen, line);
            clab_str_addf(out, "\n%21s  ", line);
            add_cut(out, code, COLUMNS - 23, false);
        }
        lua_settop(L, seen);
    }
    lua_settop(L, seen - 1);
}

static void add_peak(lua_State *L, clab_str *out, const char *name, const char *words)
{
    int64_t bytes = bytes_of(L, 1, name);
    char field[32];
    const char *step, *line;

    if (bytes < 0)
        return;
    snprintf(field, sizeof field, "%s_step", name);
    step = text_of(L, 1, field);
    snprintf(field, sizeof field, "%s_line", name);
    line = text_of(L, 1, field);
    clab_str_addf(out, "\n%11s  %s%s%s%s%s", clab_bytes(bytes), words, *step ? ", in " : "", step,
                  *line ? ", at " : "", line);
}

/* What is measured, and what it is made of. */
static void add_process(lua_State *L, clab_str *out)
{
    static const char *const parts[][2] = {
        {"libraries", "libraries and program text"},
        {"small", "small pieces of libraries and of our own"},
        {"lua", "Lua's own objects"},
        {"allocator", "freed, kept by the allocator for what comes next"},
        {"rest", "stacks and what no source names"},
    };
    int64_t pss, workers;
    int at;

    if (lua_getfield(L, 1, "process") != LUA_TTABLE) {
        lua_pop(L, 1);
        return;
    }
    at = lua_gettop(L);
    pss = bytes_of(L, at, "pss");
    workers = bytes_of(L, at, "workers");
    if (pss >= 0)
        clab_str_addf(out, "\n%11s  measured (PSS; RSS %s), the sum above and:", clab_bytes(pss),
                      clab_bytes(bytes_of(L, at, "rss")));
    for (size_t i = 0; pss >= 0 && i < sizeof parts / sizeof *parts; i++) {
        int64_t n = 0;
        if (lua_getfield(L, at, parts[i][0]) == LUA_TNUMBER)
            n = (int64_t)lua_tointeger(L, -1);
        lua_pop(L, 1);
        if (n < 0)
            clab_str_addf(out, "\n%11s    of the sum not touched yet", change_text(n, (char[24]){0}, 24));
        else
            clab_str_addf(out, "\n%11s    %s", clab_bytes(n), parts[i][1]);
    }
    if (workers > 0)
        clab_str_addf(out, "\n%11s  worker processes, beside this one", clab_bytes(workers));
    lua_pop(L, 1);
}

int clab__mem_tostring(lua_State *L)
{
    clab_str *s = clab__str(L);
    int64_t live = bytes_of(L, 1, "live"), garbage = bytes_of(L, 1, "garbage"), n_small = 0, small = 0;
    int64_t limit = live / SMALL < 65536 ? live / SMALL : 65536;
    lua_Integer n;
    int list;

    clab_str_addf(s, "%11s  %-6s  %-7s  %-28s  %s", "bytes", "kind", "home", "what, and held by whom", "born at");
    lua_getfield(L, 1, "objects");
    list = lua_gettop(L);
    n = (lua_Integer)lua_rawlen(L, list);
    for (lua_Integer i = 1; i <= n; i++) {
        int64_t bytes;
        lua_rawgeti(L, list, i);
        bytes = bytes_of(L, -1, "bytes");
        if (bytes < limit) {
            n_small++;
            small += bytes;
        } else {
            add_object(L, lua_gettop(L), s, clab_bytes(bytes), true);
        }
        lua_settop(L, list);
    }
    if (n_small > 0)
        clab_str_addf(s, "\n%11s  in %lld smaller ones", clab_bytes(small), (long long)n_small);
    clab_str_addf(s, "\n%11s  accounted now", clab_bytes(live));
    if (garbage > 0)
        clab_str_addf(s, ", %s of it garbage: collectgarbage() brings it back", clab_bytes(garbage));
    add_peak(L, s, "peak", "at most");
    add_process(L, s);
    add_peak(L, s, "tree_peak", "measured at most, with workers");
    if (bytes_of(L, 1, "limit") >= 0 && bytes_of(L, 1, "limit") < INT64_MAX)
        clab_str_addf(s, "\n%11s  limit (%s), %s may still be taken", clab_bytes(bytes_of(L, 1, "limit")),
                      text_of(L, 1, "source"), clab_bytes(bytes_of(L, 1, "left")));
    add_lines(L, list, s);
    return clab__push_str(L, s);
}

int clab__mem_diff_tostring(lua_State *L)
{
    clab_str *s = clab__str(L);
    const char *since = text_of(L, 1, "since");
    char buf[24];
    int64_t change = 0;
    int list;

    if (lua_getfield(L, 1, "change") == LUA_TNUMBER)
        change = (int64_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
    clab_str_addf(s, "%11s  in memory%s%s", change_text(change, buf, sizeof buf), *since ? ", since " : "", since);
    lua_getfield(L, 1, "objects");
    list = lua_gettop(L);
    for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, list); i <= n; i++) {
        int64_t of = 0;
        lua_rawgeti(L, list, i);
        if (lua_getfield(L, -1, "change") == LUA_TNUMBER)
            of = (int64_t)lua_tointeger(L, -1);
        lua_pop(L, 1);
        add_object(L, lua_gettop(L), s, change_text(of, buf, sizeof buf), false);
        lua_settop(L, list);
    }
    add_lines(L, list, s);
    return clab__push_str(L, s);
}
