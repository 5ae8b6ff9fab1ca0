/* eval.c -- statements, files and strings: compiled as lua.c does, run protected, results shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua_impl.h"

/* An unfinished statement is one whose error is at its end. */
static bool incomplete(lua_State *L, int status)
{
    static const char mark[] = "<eof>";
    size_t n, k = sizeof mark - 1;
    const char *msg;

    if (status != LUA_ERRSYNTAX)
        return false;
    msg = lua_tolstring(L, -1, &n);
    return n >= k && strcmp(msg + n - k, mark) == 0;
}

/* An expression is tried first, as `return ...`.  Leaves the function or the message on the stack.
 * `1 +` is no statement at all, but the beginning of an expression: its message is the one that counts. */
static int compile(lua_State *L, const char *code, const char *chunk)
{
    int as_value, status;

    lua_pushfstring(L, "return %s", code);
    as_value = luaL_loadbufferx(L, lua_tostring(L, -1), lua_rawlen(L, -1), chunk, "t");
    lua_remove(L, -2);
    if (as_value == LUA_OK)
        return LUA_OK;
    status = luaL_loadbufferx(L, code, strlen(code), chunk, "t");
    if (status != LUA_OK && !incomplete(L, status)) {
        lua_pop(L, 1);
        if (incomplete(L, as_value))
            return as_value;
        lua_pop(L, 1);
        return luaL_loadbufferx(L, code, strlen(code), chunk, "t"); /* the statement's message again */
    }
    lua_remove(L, -2);
    return status;
}

clab_lua_result clab_lua_check(clab_lua *l, const char *code)
{
    int status = compile(l->L, code, "=prompt");
    clab_lua_result r = status == LUA_OK           ? CLAB_LUA_OK
                        : incomplete(l->L, status) ? CLAB_LUA_INCOMPLETE
                                                   : CLAB_LUA_ERROR;

    lua_pop(l->L, 1);
    return r;
}

/* Shows every result; runs protected, since __tostring may be the user's. */
static int show_results(lua_State *L)
{
    int n = lua_gettop(L);

    for (int i = 1; i <= n; i++) {
        clab__show(L, i);
        clab__print(L, lua_tostring(L, -1));
        clab__print(L, i < n ? "\t" : "\n");
        lua_pop(L, 1);
    }
    return 0;
}

static void give_error(lua_State *L, char **err)
{
    if (err)
        *err = strdup(luaL_tolstring(L, -1, NULL));
}

/* Calls the function below its n arguments. */
static clab_lua_result call(clab_lua *l, int n_args, bool show, char **err)
{
    lua_State *L = l->L;
    int base = lua_gettop(L) - n_args, status;
    clab_lua_result r = CLAB_LUA_OK;

    clab_error_clear(l->cx);
    clab__hook(l);
    lua_pushcfunction(L, clab__handler);
    lua_insert(L, base);
    status = lua_pcall(L, n_args, show ? LUA_MULTRET : 0, base);
    if (status == LUA_OK && show && lua_gettop(L) > base) {
        int n = lua_gettop(L) - base;
        lua_pushcfunction(L, show_results);
        lua_insert(L, base + 1);
        status = lua_pcall(L, n, 0, base);
    }
    l->running = L;
    if (l->exiting) {
        r = CLAB_LUA_OK;
    } else if (clab_cancelled(l->cx)) {
        r = CLAB_LUA_INTERRUPTED;
    } else if (status != LUA_OK) {
        r = CLAB_LUA_ERROR;
        give_error(L, err);
    }
    clab_error_clear(l->cx);
    lua_settop(L, base - 1);
    return r;
}

/* A local at the prompt is gone with its line: said once. */
static void warn_local(clab_lua *l, const char *code)
{
    code += strspn(code, " \t");
    if (l->opts.interactive && !l->warned_local && strncmp(code, "local ", 6) == 0) {
        l->warned_local = true;
        clab_note(l->cx, "a local variable ends with its statement here; leave `local` out to keep it");
    }
}

clab_lua_result clab_lua_eval(clab_lua *l, const char *code, const char *chunk_name, char **err)
{
    clab_lua_result r;
    int status;

    if (err)
        *err = NULL;
    status = compile(l->L, code, chunk_name);
    if (status != LUA_OK) {
        r = incomplete(l->L, status) ? CLAB_LUA_INCOMPLETE : CLAB_LUA_ERROR;
        if (r == CLAB_LUA_ERROR)
            give_error(l->L, err);
        lua_settop(l->L, 0);
        return r;
    }
    warn_local(l, code);
    clab__statement(l, code);
    r = call(l, 0, l->opts.interactive, err);
    clab__statement(l, NULL);
    return r;
}

/* Sets arg[0..] as lua.c does and leaves arg[1..] on the stack, for the chunk's `...`. */
static void push_args(lua_State *L, const char *name, int argc, char **argv)
{
    luaL_checkstack(L, argc + 4, "too many arguments");
    lua_createtable(L, argc, 1);
    lua_pushstring(L, name);
    lua_rawseti(L, -2, 0);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setglobal(L, "arg");
    for (int i = 0; i < argc; i++)
        lua_pushstring(L, argv[i]);
}

static clab_lua_result run_loaded(clab_lua *l, int status, const char *name, int argc, char **argv, char **err)
{
    if (status != LUA_OK) {
        give_error(l->L, err);
        lua_settop(l->L, 0);
        return CLAB_LUA_ERROR;
    }
    push_args(l->L, name, argc, argv);
    return call(l, argc, false, err);
}

void clab_lua_record(clab_lua *l)
{
    l->records = true;
}

clab_lua_result clab_lua_run_file(clab_lua *l, const char *path, int argc, char **argv, char **err)
{
    if (err)
        *err = NULL;
    if (l->records) {
        lua_pushfstring(l->L, "@%s", path);
        if (clab__record_source(l, lua_tostring(l->L, -1), NULL) != CLAB_OK)
            clab_error_clear(l->cx); /* rows without words are still rows */
        lua_pop(l->L, 1);
        if (clab_ctx_planning(l->cx))
            clab__sandbox_enter(l->L);
    }
    return run_loaded(l, luaL_loadfilex(l->L, path, "t"), path, argc, argv, err);
}

clab_lua_result clab_lua_run_string(clab_lua *l, const char *code, int argc, char **argv, char **err)
{
    if (err)
        *err = NULL;
    return run_loaded(l, luaL_loadbufferx(l->L, code, strlen(code), "=-e", "t"), "-e", argc, argv, err);
}
