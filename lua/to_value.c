/* to_value.c -- a Lua value on its way into the core: a scalar, a list, a list of lists, a keyed table, or one
 * of our own objects.  Buffers are Lua's own memory, so that an error leaves nothing behind. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "lua_impl.h"

enum { HAS_NIL = 1, HAS_BOOL = 2, HAS_INT = 4, HAS_FLOAT = 8, HAS_STR = 16, HAS_LIST = 32, HAS_OTHER = 64 };

static int kind_at(lua_State *L, int idx)
{
    switch (lua_type(L, idx)) {
    case LUA_TNIL: return HAS_NIL;
    case LUA_TBOOLEAN: return HAS_BOOL;
    case LUA_TNUMBER: return lua_isinteger(L, idx) ? HAS_INT : HAS_FLOAT;
    case LUA_TSTRING: return HAS_STR;
    case LUA_TTABLE: return HAS_LIST;
    default: return HAS_OTHER;
    }
}

static int kinds_in(lua_State *L, int idx, int64_t n)
{
    int kinds = 0;

    for (int64_t i = 1; i <= n; i++) {
        lua_rawgeti(L, idx, i);
        kinds |= kind_at(L, -1);
        lua_pop(L, 1);
    }
    return kinds;
}

/* The largest index: lists may have holes (missing values), which Lua's own length does not see past. */
static int64_t list_length(lua_State *L, int idx)
{
    int64_t n = 0;

    for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
        if (lua_isinteger(L, -2) && lua_tointeger(L, -2) > n)
            n = lua_tointeger(L, -2);
    }
    return n;
}

static void *buffer(lua_State *L, int64_t n, size_t size)
{
    if (n < 0 || (uint64_t)n > (uint64_t)INT64_MAX / size)
        clab__raise(L, CLAB_EARG, "a list of %" PRId64 " items is too long", n);
    return lua_newuserdatauv(L, (size_t)n * size + 1, 0);
}

/* ---- lists ----------------------------------------------------------------------------------------*/

static void list_of_strings(lua_State *L, int idx, int64_t n, int kinds, clab__box *b)
{
    const char **s = buffer(L, n, sizeof *s);

    for (int64_t i = 0; i < n; i++) {
        lua_rawgeti(L, idx, i + 1);
        s[i] = lua_tostring(L, -1); /* NULL for nil and false; else alive as long as the table */
        lua_pop(L, 1);
    }
    if (kinds & (HAS_NIL | HAS_BOOL))
        clab__ok(L, clab_value_factor(clab__cx(L), n, s, (clab_value **)&b->p));
    else
        clab__ok(L, clab_value_strings(clab__cx(L), 1, &n, s, (clab_value **)&b->p));
}

static void list_of_numbers(lua_State *L, int idx, int64_t n, int kinds, clab__box *b)
{
    clab_dtype t = kinds == HAS_BOOL ? CLAB_BOOL : kinds == HAS_INT ? CLAB_I64 : CLAB_F64;
    void *data = buffer(L, n, 8);

    for (int64_t i = 0; i < n; i++) {
        lua_rawgeti(L, idx, i + 1);
        if (t == CLAB_BOOL)
            ((uint8_t *)data)[i] = (uint8_t)lua_toboolean(L, -1);
        else if (t == CLAB_I64)
            ((int64_t *)data)[i] = lua_tointeger(L, -1);
        else
            ((double *)data)[i] = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : (double)NAN;
        lua_pop(L, 1);
    }
    clab__ok(L, clab_value_array(clab__cx(L), t, 1, &n, data, (clab_value **)&b->p));
}

static void list_of_lists(lua_State *L, int idx, int64_t n, const char *what, clab__box *b)
{
    int64_t dims[2] = {n, 0};
    double *data;

    lua_rawgeti(L, idx, 1);
    dims[1] = (int64_t)lua_rawlen(L, -1);
    lua_pop(L, 1);
    if (dims[1] > 0 && n > INT64_MAX / dims[1])
        clab__raise(L, CLAB_EARG, "%s: the lists are too long", what);
    data = buffer(L, n * dims[1], sizeof *data);
    for (int64_t i = 0; i < n; i++) {
        lua_rawgeti(L, idx, i + 1);
        if ((int64_t)lua_rawlen(L, -1) != dims[1])
            clab__raise(L, CLAB_ESHAPE, "%s: row %" PRId64 " has %" PRId64 " items, the first has %" PRId64,
                        what, i + 1, (int64_t)lua_rawlen(L, -1), dims[1]);
        for (int64_t j = 0; j < dims[1]; j++) {
            lua_rawgeti(L, -1, j + 1);
            if (lua_type(L, -1) != LUA_TNUMBER)
                clab__raise(L, CLAB_EARG, "%s: row %" PRId64 " holds a %s where a number is wanted", what,
                            i + 1, luaL_typename(L, -1));
            data[i * dims[1] + j] = lua_tonumber(L, -1);
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    clab__ok(L, clab_value_array(clab__cx(L), CLAB_F64, 2, dims, data, (clab_value **)&b->p));
}

static void from_list(lua_State *L, int idx, int64_t n, const char *what, clab__box *b)
{
    int kinds = kinds_in(L, idx, n), present = kinds & ~(HAS_NIL | HAS_BOOL);

    if (kinds == HAS_LIST)
        list_of_lists(L, idx, n, what, b);
    else if (present == HAS_STR)
        list_of_strings(L, idx, n, kinds, b);
    else if (!(present & ~(HAS_INT | HAS_FLOAT)))
        list_of_numbers(L, idx, n, kinds, b);
    else
        clab__raise(L, CLAB_EARG, "%s: a list holds numbers, or strings, or true and false, not a mixture",
                    what);
}

/* ---- scalars and keyed tables ---------------------------------------------------------------------*/

static void from_scalar(lua_State *L, int idx, clab__box *b)
{
    clab_ctx *cx = clab__cx(L);
    clab_value **out = (clab_value **)&b->p;

    switch (kind_at(L, idx)) {
    case HAS_BOOL: clab__ok(L, clab_value_boolean(cx, lua_toboolean(L, idx), out)); break;
    case HAS_INT: clab__ok(L, clab_value_integer(cx, lua_tointeger(L, idx), out)); break;
    case HAS_FLOAT: clab__ok(L, clab_value_number(cx, lua_tonumber(L, idx), out)); break;
    default: clab__ok(L, clab_value_string(cx, lua_tostring(L, idx), out));
    }
}

/* One value for every row: text as a categorical of one level. */
static void repeat_scalar(lua_State *L, int idx, int64_t n, clab__box *b)
{
    clab_ctx *cx = clab__cx(L);
    int kind = kind_at(L, idx);
    int64_t one = 1;

    if (kind == HAS_STR) {
        const char *s = lua_tostring(L, idx);
        int32_t *codes = buffer(L, n, sizeof *codes);
        clab__box *levels = clab__new(L, &clab__array);
        memset(codes, 0, (size_t)n * sizeof *codes);
        clab__ok(L, clab_value_strings(cx, 1, &one, &s, (clab_value **)&levels->p));
        clab__ok(L, clab_value_categorical(cx, n, codes, levels->p, false, (clab_value **)&b->p));
        return;
    }
    if (kind == HAS_BOOL) {
        uint8_t *x = buffer(L, n, 1);
        memset(x, lua_toboolean(L, idx), (size_t)n);
        clab__ok(L, clab_value_array(cx, CLAB_BOOL, 1, &n, x, (clab_value **)&b->p));
    } else if (kind == HAS_INT) {
        int64_t *x = buffer(L, n, sizeof *x);
        for (int64_t i = 0; i < n; i++)
            x[i] = lua_tointeger(L, idx);
        clab__ok(L, clab_value_array(cx, CLAB_I64, 1, &n, x, (clab_value **)&b->p));
    } else {
        double *x = buffer(L, n, sizeof *x);
        for (int64_t i = 0; i < n; i++)
            x[i] = lua_tonumber(L, idx);
        clab__ok(L, clab_value_array(cx, CLAB_F64, 1, &n, x, (clab_value **)&b->p));
    }
}

/* The names of the table at idx, in plain order: a file must not change from run to run. */
static void push_sorted_keys(lua_State *L, int idx, const char *what)
{
    lua_Integer n = 0;

    lua_getglobal(L, "table");
    lua_getfield(L, -1, "sort");
    lua_replace(L, -2);
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            clab__raise(L, CLAB_EARG, "%s: a table is a list or has names throughout", what);
        lua_pushvalue(L, -2);
        lua_rawseti(L, -4, ++n);
    }
    lua_pushvalue(L, -1);
    lua_insert(L, -3);
    lua_call(L, 1, 0);
}

static void from_keyed(lua_State *L, int idx, const char *what, clab__box *b)
{
    clab_ctx *cx = clab__cx(L);
    int keys;

    luaL_checkstack(L, 12, "the tables are nested too deeply");
    clab__ok(L, clab_value_dict(cx, (clab_value **)&b->p));
    push_sorted_keys(L, idx, what);
    keys = lua_gettop(L);
    for (lua_Integer i = 1; lua_rawgeti(L, keys, i) == LUA_TSTRING; i++) {
        const char *name = lua_tostring(L, -1);
        const clab_value *item;
        lua_pushvalue(L, -1);
        lua_rawget(L, idx);
        item = clab__to_value(L, -1, -1, what);
        clab__ok(L, clab_value_set(cx, b->p, name, item));
        lua_settop(L, keys);
    }
}

static const clab_value *own_object(lua_State *L, int idx)
{
    static const clab__type *const kinds[] = {&clab__column, &clab__array};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (clab__test(L, idx, kinds[i]))
            return clab__at(L, idx, kinds[i]);
    }
    if (clab__test(L, idx, &clab__table))
        return clab__table_value(L, idx);
    return clab__test(L, idx, &clab__dict) ? clab__dict_value(L, idx) : NULL;
}

const clab_value *clab__to_value(lua_State *L, int idx, int64_t n, const char *what)
{
    const clab_value *own;
    clab__box *b;
    int top, kind;

    idx = lua_absindex(L, idx);
    if ((own = own_object(L, idx)) != NULL) {
        b = clab__new(L, &clab__array);
        b->p = clab_value_ref(own);
        if (n >= 0 && clab_value_len(own) != n)
            clab__raise(L, CLAB_ESHAPE, "%s: %" PRId64 " values for %" PRId64 " rows", what,
                        clab_value_len(own), n);
        return own;
    }
    kind = kind_at(L, idx);
    if (kind == HAS_NIL || kind == HAS_OTHER)
        clab__raise(L, CLAB_EARG, "%s: a %s cannot be stored", what, luaL_typename(L, idx));
    b = clab__new(L, &clab__array);
    top = lua_gettop(L);
    if (kind == HAS_LIST) {
        int64_t len = list_length(L, idx);
        lua_pushnil(L);
        if (lua_next(L, idx) != 0 && lua_type(L, -2) == LUA_TSTRING) {
            if (n >= 0)
                clab__raise(L, CLAB_EARG, "%s: a list is wanted, not a table with names", what);
            lua_settop(L, top);
            from_keyed(L, idx, what, b);
        } else {
            lua_settop(L, top);
            if (n >= 0 && len != n)
                clab__raise(L, CLAB_ESHAPE, "%s: %" PRId64 " values for %" PRId64 " rows%s", what, len, n,
                            len < n ? "; a missing value is written as false" : "");
            from_list(L, idx, len, what, b);
        }
    } else if (n >= 0) {
        repeat_scalar(L, idx, n, b);
    } else {
        from_scalar(L, idx, b);
    }
    lua_settop(L, top);
    return b->p;
}
