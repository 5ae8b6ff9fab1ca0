/* errors.c -- the core's status becomes a Lua error: a table to look into, that prints as a sentence. */
#include <string.h>

#include "lua_impl.h"

#define ERROR_KEY "celllab.error"

/* "script.lua:12: text": the place where the user's code called us comes first. */
static int error_tostring(lua_State *L)
{
    lua_settop(L, 1);
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushliteral(L, "where");
    lua_rawget(L, 1);
    lua_pushliteral(L, "message");
    lua_rawget(L, 1);
    lua_pushfstring(L, "%s%s", lua_isstring(L, 2) ? lua_tostring(L, 2) : "",
                    lua_isstring(L, 3) ? lua_tostring(L, 3) : "");
    return 1;
}

void clab__errors_open(lua_State *L)
{
    luaL_newmetatable(L, ERROR_KEY);
    lua_pushcfunction(L, error_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "error");
    lua_setfield(L, -2, "__name");
    lua_pop(L, 1);
}

/* The innermost frame that is Lua code: bindings may be called through several C functions. */
static void push_where(lua_State *L)
{
    lua_Debug ar;

    for (int level = 0; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline > 0) {
            lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
            return;
        }
    }
    lua_pushliteral(L, "");
}

_Noreturn void clab__fail(lua_State *L, clab_status st)
{
    clab_ctx *cx = clab__cx(L);
    const char *text;

    luaL_checkstack(L, 8, NULL);
    if (clab_error_status(cx) != CLAB_OK)
        st = clab_error_status(cx);
    text = clab_error_text(cx);
    lua_createtable(L, 0, 4);
    lua_pushstring(L, *text ? text : clab_status_text(st));
    lua_setfield(L, -2, "message");
    lua_pushstring(L, clab_status_name(st));
    lua_setfield(L, -2, "code");
    lua_pushstring(L, clab_error_place(cx));
    lua_setfield(L, -2, "place");
    push_where(L);
    lua_setfield(L, -2, "where");
    luaL_setmetatable(L, ERROR_KEY);
    clab_error_clear(cx);
    lua_error(L);
    __builtin_unreachable();
}

void clab__ok(lua_State *L, clab_status st)
{
    if (st != CLAB_OK)
        clab__fail(L, st);
}

/* How many frames of Lua code are open. */
static int lua_depth(lua_State *L)
{
    lua_Debug ar;
    int n = 0;

    for (int level = 0; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "l", &ar);
        n += ar.currentline > 0;
    }
    return n;
}

int clab__handler(lua_State *L)
{
    const char *msg = luaL_tolstring(L, 1, NULL);

    if (clab__of(L)->opts.interactive && lua_depth(L) <= 1)
        return 1; /* one statement at the prompt: its place says nothing new */
    luaL_traceback(L, L, msg, 1);
    return 1;
}
