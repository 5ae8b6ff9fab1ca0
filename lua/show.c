/* show.c -- a result as the prompt prints it: our objects by their summary, plain tables two levels deep. */
#include <stdlib.h>
#include <string.h>

#include "lua_impl.h"

#define SHOW_ITEMS 20
#define SHOW_KEYS 512
#define SHOW_DEPTH 2

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of a table in order (Lua's own order changes from run to run); borrowed from its keys. */
static int sorted_keys(lua_State *L, int idx, const char **keys)
{
    int n = 0;

    for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING && n < SHOW_KEYS)
            keys[n++] = lua_tostring(L, -2);
    }
    qsort(keys, (size_t)n, sizeof *keys, by_text);
    return n;
}

static void add_table(lua_State *L, clab_str *s, int idx, int depth);

/* Strings are quoted inside a table, as they would be typed. */
static void add_value(lua_State *L, clab_str *s, int idx, int depth)
{
    bool has_words;

    if (lua_type(L, idx) == LUA_TSTRING) {
        clab_str_addf(s, "\"%s\"", lua_tostring(L, idx));
        return;
    }
    has_words = luaL_getmetafield(L, idx, "__tostring") != LUA_TNIL;
    if (has_words)
        lua_pop(L, 1);
    if (lua_type(L, idx) == LUA_TTABLE && !has_words) {
        add_table(L, s, idx, depth + 1);
        return;
    }
    clab_str_add(s, luaL_tolstring(L, idx, NULL));
    lua_pop(L, 1);
}

/* The list first, then what has a name; neither is endless. */
static void add_table(lua_State *L, clab_str *s, int idx, int depth)
{
    const char **keys;
    int n_list = (int)lua_rawlen(L, idx), n_keys, shown = 0;

    if (depth >= SHOW_DEPTH) {
        clab_str_add(s, "{...}");
        return;
    }
    luaL_checkstack(L, 8, NULL);
    keys = lua_newuserdatauv(L, SHOW_KEYS * sizeof *keys, 0);
    n_keys = sorted_keys(L, idx, keys);
    clab_str_add(s, "{");
    for (int i = 1; i <= n_list && shown < SHOW_ITEMS; i++, shown++) {
        clab_str_add(s, shown ? ", " : "");
        lua_rawgeti(L, idx, i);
        add_value(L, s, lua_gettop(L), depth);
        lua_pop(L, 1);
    }
    for (int i = 0; i < n_keys && shown < SHOW_ITEMS; i++, shown++) {
        clab_str_addf(s, "%s%s = ", shown ? ", " : "", keys[i]);
        lua_pushstring(L, keys[i]);
        lua_rawget(L, idx);
        add_value(L, s, lua_gettop(L), depth);
        lua_pop(L, 1);
    }
    if (n_list + n_keys > shown)
        clab_str_addf(s, ", ... %d more", n_list + n_keys - shown);
    clab_str_add(s, "}");
    lua_pop(L, 1);
}

void clab__show(lua_State *L, int idx)
{
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 8, NULL);
    if (lua_type(L, idx) == LUA_TTABLE) {
        if (luaL_getmetafield(L, idx, "__tostring") == LUA_TNIL) {
            clab_str *s = clab__str(L);
            add_table(L, s, idx, 0);
            clab__push_str(L, s);
            lua_remove(L, -2);
            return;
        }
        lua_pop(L, 1);
    }
    luaL_tolstring(L, idx, NULL);
}
