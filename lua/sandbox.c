/* sandbox.c -- while a plan runs, a script writes no file, removes none and starts no program of its own.
 * Reading stays as it is: what a script reads may decide what it does. */
#include "lua_impl.h"

/* Returns what puts everything back. */
static const char code[] =
    "local os_, io_, open = os, io, io.open\n"
    "local kept = {execute = os.execute, remove = os.remove, rename = os.rename}\n"
    "local kept_io = {open = io.open, popen = io.popen, output = io.output, write = io.write}\n"
    "os.execute = function(c) if c == nil then return true end return true, 'exit', 0 end\n"
    "os.remove = function() return true end\n"
    "os.rename = function() return true end\n"
    "io.open = function(path, mode)\n"
    "    if mode and mode:find('[wa+]') then return open('/dev/null', mode) end\n"
    "    return open(path, mode)\n"
    "end\n"
    "io.popen = function(c, mode) return open('/dev/null', mode or 'r') end\n"
    "io.output = function(f) return kept_io.output(f and '/dev/null') end\n"
    "io.write = function() return io.stdout end\n"
    "return function()\n"
    "    for k, f in pairs(kept) do os_[k] = f end\n"
    "    for k, f in pairs(kept_io) do io_[k] = f end\n"
    "end\n";

static const char key; /* its address names the function that puts everything back */

void clab__sandbox_enter(lua_State *L)
{
    if (luaL_loadbufferx(L, code, sizeof code - 1, "=plan", "t") != LUA_OK || lua_pcall(L, 0, 1, 0) != LUA_OK) {
        lua_pop(L, 1); /* the script took these tables away: it cannot use them either */
        return;
    }
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
}

void clab__sandbox_leave(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key) == LUA_TFUNCTION)
        (void)lua_pcall(L, 0, 0, 0);
    else
        lua_pop(L, 1);
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
}
