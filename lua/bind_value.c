/* bind_value.c -- core values in Lua: elements, arrays m[i][j], and Lua values on their way into the core. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lua_impl.h"

/* ---- from the core to Lua -------------------------------------------------------------------------*/

/* Element i of a flat array. */
static void push_number(lua_State *L, clab_dtype t, const void *data, int64_t i)
{
    switch (t) {
    case CLAB_F32: lua_pushnumber(L, (double)((const float *)data)[i]); break;
    case CLAB_F64: lua_pushnumber(L, ((const double *)data)[i]); break;
    case CLAB_I8: lua_pushinteger(L, ((const int8_t *)data)[i]); break;
    case CLAB_I16: lua_pushinteger(L, ((const int16_t *)data)[i]); break;
    case CLAB_I32: lua_pushinteger(L, ((const int32_t *)data)[i]); break;
    case CLAB_I64: lua_pushinteger(L, ((const int64_t *)data)[i]); break;
    case CLAB_U8: lua_pushinteger(L, ((const uint8_t *)data)[i]); break;
    case CLAB_U16: lua_pushinteger(L, ((const uint16_t *)data)[i]); break;
    case CLAB_U32: lua_pushinteger(L, ((const uint32_t *)data)[i]); break;
    case CLAB_U64: lua_pushinteger(L, (lua_Integer)((const uint64_t *)data)[i]); break;
    case CLAB_BOOL: lua_pushboolean(L, ((const uint8_t *)data)[i]); break;
    case CLAB_STR: lua_pushstring(L, ((char *const *)data)[i]); break;
    }
}

void clab__push_element(lua_State *L, const clab_value *v, int64_t i)
{
    switch (v->kind) {
    case CLAB_V_ARRAY: push_number(L, v->dtype, v->data, i); break;
    case CLAB_V_STRINGS: push_number(L, CLAB_STR, v->data, i); break;
    case CLAB_V_CATEGORICAL:
        if (v->codes[i] < 0)
            lua_pushnil(L);
        else
            clab__push_element(L, v->levels, v->codes[i]);
        break;
    case CLAB_V_NULLABLE:
        if (v->mask[i])
            lua_pushnil(L);
        else
            clab__push_element(L, v->inner, i);
        break;
    default: lua_pushnil(L);
    }
}

void clab__push_value(lua_State *L, const clab_value *v, const char *name)
{
    bool flat = v && (v->kind == CLAB_V_ARRAY || v->kind == CLAB_V_STRINGS);
    clab__box *b;

    if (!v || v->kind == CLAB_V_NULL) {
        lua_pushnil(L);
    } else if (flat && v->rank == 0) {
        clab__push_element(L, v, 0);
    } else if (v->kind == CLAB_V_CATEGORICAL || v->kind == CLAB_V_NULLABLE || (flat && v->rank == 1)) {
        clab__push_column(L, v, name);
    } else if (v->kind == CLAB_V_TABLE) {
        clab__push_table(L, v, name);
    } else {
        b = clab__new(L, v->kind == CLAB_V_DICT || v->kind == CLAB_V_RECORDS ? &clab__dict : &clab__array);
        b->p = clab_value_ref(v);
        snprintf(b->name, sizeof b->name, "%s", name);
    }
}

/* ---- arrays ---------------------------------------------------------------------------------------*/

static void array_drop(clab_ctx *cx, void *p)
{
    (void)cx;
    clab_value_unref(p);
}

/* a[i]: the i-th element, or the i-th row as an array of its own. */
static int array_get(lua_State *L)
{
    const clab_value *v = clab__at(L, 1, &clab__array);
    clab__box *b = clab__box_at(L, 1, &clab__array), *row;
    const char *key;
    int64_t i, size = 1;

    if (lua_isinteger(L, 2)) {
        i = lua_tointeger(L, 2);
        if (v->kind == CLAB_V_SPARSE || v->rank < 1 || i < 1 || i > v->dims[0])
            return 0;
        for (int k = 1; k < v->rank; k++)
            size *= v->dims[k];
        if (v->rank == 1) {
            clab__push_element(L, v, i - 1);
            return 1;
        }
        row = clab__new(L, &clab__array);
        snprintf(row->name, sizeof row->name, "%.40s[%" PRId64 "]", b->name, i);
        if (v->kind == CLAB_V_STRINGS)
            clab__ok(L,
                     clab_value_strings(clab__cx(L), v->rank - 1, v->dims + 1,
                                        (const char *const *)v->data + (i - 1) * size, (clab_value **)&row->p));
        else
            clab__ok(L, clab_value_array(clab__cx(L), v->dtype, v->rank - 1, v->dims + 1,
                                         (const char *)v->data +
                                             (size_t)((i - 1) * size) * clab_dtype_size(v->dtype),
                                         (clab_value **)&row->p));
        return 1;
    }
    key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (strcmp(key, "dtype") == 0) {
        lua_pushstring(L, v->kind == CLAB_V_STRINGS ? "str" : clab_dtype_name(v->dtype));
        return 1;
    }
    if (strcmp(key, "shape") == 0) {
        int rank = v->kind == CLAB_V_SPARSE ? 2 : v->rank;
        lua_createtable(L, rank, 0);
        for (int k = 0; k < rank; k++) {
            lua_pushinteger(L, v->dims[k]);
            lua_rawseti(L, -2, k + 1);
        }
        return 1;
    }
    return 0;
}

static int array_len(lua_State *L)
{
    const clab_value *v = clab__at(L, 1, &clab__array);

    lua_pushinteger(L, v->rank > 0 || v->kind == CLAB_V_SPARSE ? v->dims[0] : 1);
    return 1;
}

static void add_row(clab_str *s, const clab_value *v, int64_t row, int64_t n_cols)
{
    int64_t shown = n_cols > 6 ? 6 : n_cols;

    clab_str_addf(s, "\n  %6" PRId64, row + 1);
    for (int64_t j = 0; j < shown; j++) {
        int64_t at = row * n_cols + j;
        if (v->kind == CLAB_V_STRINGS)
            clab_str_addf(s, "  %s", clab_show(((char *const *)v->data)[at]));
        else if (v->dtype == CLAB_F32)
            clab_str_addf(s, "  %10.5g", (double)((const float *)v->data)[at]);
        else if (v->dtype == CLAB_F64)
            clab_str_addf(s, "  %10.5g", ((const double *)v->data)[at]);
        else
            clab_str_addf(s, "  %10" PRId64, clab__int_at(v, at));
    }
    if (shown < n_cols)
        clab_str_add(s, "  ...");
}

static int array_tostring(lua_State *L)
{
    const clab_value *v = clab__at(L, 1, &clab__array);
    clab__box *b = clab__box_at(L, 1, &clab__array);
    int rank = v->kind == CLAB_V_SPARSE ? 2 : v->rank;
    clab_str *s = clab__str(L);

    clab_str_addf(s, "%s: ", b->name[0] ? b->name : "array");
    for (int k = 0; k < rank; k++)
        clab_str_addf(s, "%s%s", k ? " x " : "", clab_text_count(v->dims[k]));
    clab_str_addf(s, " %s%s", v->kind == CLAB_V_SPARSE ? "sparse " : "",
                  v->kind == CLAB_V_STRINGS ? "str" : clab_dtype_name(v->dtype));
    if (v->kind != CLAB_V_SPARSE && (rank == 1 || rank == 2)) {
        int64_t n_rows = rank == 2 ? v->dims[0] : 1, n_cols = v->dims[rank - 1];
        for (int64_t i = 0; i < n_rows && i < 5; i++)
            add_row(s, v, i, n_cols);
        if (n_rows > 5)
            clab_str_add(s, "\n     ...");
    }
    return clab__push_str(L, s);
}

static const luaL_Reg array_meta[] = {{"__len", array_len}, {"__tostring", array_tostring}, {NULL, NULL}};

const clab__type clab__array = {"Array", array_drop, array_get, NULL, array_meta};

int64_t clab__int_at(const clab_value *v, int64_t i)
{
    switch (v->dtype) {
    case CLAB_I8: return ((const int8_t *)v->data)[i];
    case CLAB_I16: return ((const int16_t *)v->data)[i];
    case CLAB_I32: return ((const int32_t *)v->data)[i];
    case CLAB_I64: return ((const int64_t *)v->data)[i];
    case CLAB_U8:
    case CLAB_BOOL: return ((const uint8_t *)v->data)[i];
    case CLAB_U16: return ((const uint16_t *)v->data)[i];
    case CLAB_U32: return ((const uint32_t *)v->data)[i];
    case CLAB_U64: return (int64_t)((const uint64_t *)v->data)[i];
    default: return 0;
    }
}
