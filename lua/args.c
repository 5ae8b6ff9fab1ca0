/* args.c -- what a call was given, read against its descriptors: the same checks and words for steps, models
 * and the command line. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lua_impl.h"

#define ARGS_KEY "celllab.args"

typedef struct {
    int n;
    clab_arg args[];
} block;

static int block_gc(lua_State *L)
{
    block *b = lua_touserdata(L, 1);

    clab_args_free(b->args, b->n);
    return 0;
}

/* The block keeps, as its user value, a table of every string and list it points to. */
static block *block_new(lua_State *L, int n)
{
    block *b = lua_newuserdatauv(L, sizeof *b + (size_t)n * sizeof *b->args, 1);

    memset(b, 0, sizeof *b + (size_t)n * sizeof *b->args);
    b->n = n;
    if (luaL_newmetatable(L, ARGS_KEY)) {
        lua_pushcfunction(L, block_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    lua_newtable(L);
    lua_setiuservalue(L, -2, 1);
    return b;
}

static _Noreturn void mismatch(lua_State *L, const char *what, const clab_param *p, int value)
{
    char wanted[160];

    clab_param_describe(p, wanted, sizeof wanted);
    if (lua_type(L, value) == LUA_TNUMBER || lua_type(L, value) == LUA_TSTRING) {
        lua_pushvalue(L, value); /* a copy: lua_tostring changes numbers in place */
        const char *quote = lua_type(L, value) == LUA_TSTRING ? "'" : "";
        clab__raise(L, CLAB_EARG, "%s: %s = %s%s%s does not fit: %s", what, p->name, quote,
                    clab_show(lua_tostring(L, -1)), quote, wanted);
    }
    clab__raise(L, CLAB_EARG, "%s: %s is a %s, but should be: %s", what, p->name, luaL_typename(L, value),
                wanted);
}

static void set_number(lua_State *L, const char *what, const clab_param *p, clab_arg *a, int value)
{
    int whole = 0;

    if (lua_type(L, value) == LUA_TSTRING && strcmp(p->unit, "bytes") == 0) {
        clab__ok(L, clab_args_set_text(clab__cx(L), what, p, a, lua_tostring(L, value)));
        return;
    }
    if (lua_type(L, value) != LUA_TNUMBER)
        mismatch(L, what, p, value);
    a->num = lua_tonumber(L, value);
    a->i = lua_tointegerx(L, value, &whole);
    if (p->type == CLAB_P_INT && !whole)
        mismatch(L, what, p, value);
}

static void keep(lua_State *L, int owner, int value)
{
    lua_getiuservalue(L, owner, 1);
    lua_pushvalue(L, value);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
}

/* A whole number on top of the stack becomes its digits, anything else stays. */
static void integer_as_text(lua_State *L)
{
    int whole = 0;
    lua_Integer x = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : 0;

    if (whole) {
        lua_pushfstring(L, "%I", (LUAI_UACINT)x);
        lua_replace(L, -2);
    }
}

static void set_list(lua_State *L, const char *what, const clab_param *p, clab_arg *a, int owner, int value)
{
    const char **strs;
    lua_Integer n = 1;

    if (lua_type(L, value) == LUA_TTABLE)
        n = (lua_Integer)lua_rawlen(L, value);
    strs = lua_newuserdatauv(L, (size_t)n * sizeof *strs + 1, 0);
    keep(L, owner, lua_gettop(L));
    lua_pop(L, 1);
    for (lua_Integer i = 0; i < n; i++) {
        if (lua_type(L, value) == LUA_TTABLE)
            lua_rawgeti(L, value, i + 1);
        else
            lua_pushvalue(L, value);
        if (p->type == CLAB_P_INTS)
            integer_as_text(L);
        if (lua_type(L, -1) != LUA_TSTRING)
            mismatch(L, what, p, value);
        keep(L, owner, lua_gettop(L));
        strs[i] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    clab_args_free(a, 1);
    a->strs = strs;
    a->n_strs = n;
}

static void set(lua_State *L, const char *what, const clab_param *p, clab_arg *a, int owner, int value)
{
    switch (p->type) {
    case CLAB_P_INT:
    case CLAB_P_NUM: set_number(L, what, p, a, value); break;
    case CLAB_P_BOOL:
        if (!lua_isboolean(L, value))
            mismatch(L, what, p, value);
        a->b = lua_toboolean(L, value);
        break;
    case CLAB_P_FUNC:
        if (!lua_isfunction(L, value))
            mismatch(L, what, p, value);
        break;
    case CLAB_P_STRS:
    case CLAB_P_INTS:
    case CLAB_P_VARS:
    case CLAB_P_OBSS: set_list(L, what, p, a, owner, value); break;
    default:
        if (lua_type(L, value) != LUA_TSTRING)
            mismatch(L, what, p, value);
        keep(L, owner, value);
        a->s = lua_tostring(L, value);
    }
    a->given = a->explicit_ = true;
}

static void read_table(lua_State *L, int idx, const char *what, const clab_param *p, int n, int positional,
                       const char *skip, int owner, clab_arg *args)
{
    lua_pushnil(L);
    while (lua_next(L, idx) != 0) {
        int value = lua_gettop(L), i = positional;

        if (lua_type(L, -2) == LUA_TSTRING) {
            const char *name = lua_tostring(L, -2);
            if (!skip || strcmp(name, skip) != 0) {
                clab__ok(L, clab_args_find(clab__cx(L), what, p, n, name, &i));
                set(L, what, &p[i], &args[i], owner, value);
            }
        } else if (positional >= 0 && lua_isinteger(L, -2) && lua_tointeger(L, -2) == 1) {
            set(L, what, &p[i], &args[i], owner, value);
        } else {
            clab__raise(L, CLAB_EARG, "%s takes named arguments: %s{%s=...}", what, what, n ? p[0].name : "");
        }
        lua_settop(L, value - 1);
    }
}

clab_arg *clab__args(lua_State *L, int idx, const char *what, const clab_param *p, int n, int positional,
                     const char *skip)
{
    bool absent = lua_isnoneornil(L, idx); /* asked before the block is pushed, which may take that place */
    block *b;
    int owner;

    luaL_checkstack(L, 12, NULL);
    idx = lua_absindex(L, idx);
    b = block_new(L, n);
    owner = lua_gettop(L);
    clab__ok(L, clab_args_default(clab__cx(L), what, p, n, b->args));
    if (!absent && lua_type(L, idx) == LUA_TTABLE)
        read_table(L, idx, what, p, n, positional, skip, owner, b->args);
    else if (!absent && positional >= 0)
        set(L, what, &p[positional], &b->args[positional], owner, idx);
    else if (!absent)
        clab__raise(L, CLAB_EARG, "%s takes a table of named arguments, not a %s: %s{%s=...}", what,
                    luaL_typename(L, idx), what, n ? p[0].name : "");
    clab__ok(L, clab_args_check(clab__cx(L), what, p, n, b->args));
    lua_settop(L, owner);
    return b->args;
}

const char *clab__string(lua_State *L, int idx, const char *what, const char *wanted)
{
    if (lua_type(L, idx) != LUA_TSTRING)
        clab__raise(L, CLAB_EARG, "%s needs %s", what, wanted);
    return lua_tostring(L, idx);
}

/* "~/x" means the same as to a shell. */
const char *clab__path(lua_State *L, int idx, const char *what, const char *wanted)
{
    const char *path = clab__string(L, idx, what, wanted), *home = getenv("HOME");

    if (strncmp(path, "~/", 2) != 0 || !home)
        return path;
    lua_pushfstring(L, "%s%s", home, path + 1);
    lua_replace(L, idx);
    return lua_tostring(L, idx);
}
