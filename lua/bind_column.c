/* bind_column.c -- one column of obs or var: elements, counts of its values, simple statistics. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"
#include "lua_impl.h"

static void column_drop(clab_ctx *cx, void *p)
{
    (void)cx;
    clab_value_unref(p);
}

void clab__push_column(lua_State *L, const clab_value *v, const char *name)
{
    clab__box *b = clab__new(L, &clab__column);

    b->p = clab_value_ref(v);
    snprintf(b->name, sizeof b->name, "%s", name);
}

static const char *kind_name(const clab_value *v)
{
    switch (v->kind) {
    case CLAB_V_CATEGORICAL: return "categorical";
    case CLAB_V_STRINGS: return "str";
    case CLAB_V_NULLABLE: return v->inner->kind == CLAB_V_STRINGS ? "str, may be missing" : "may be missing";
    default: return clab_dtype_name(v->dtype);
    }
}

/* ---- elements -------------------------------------------------------------------------------------*/

static int column_get(lua_State *L)
{
    const clab_value *v = clab__at(L, 1, &clab__column);
    const char *key;

    if (lua_isinteger(L, 2)) {
        int64_t i = lua_tointeger(L, 2);
        if (i < 1 || i > clab_value_len(v))
            return 0;
        clab__push_element(L, v, i - 1);
        return 1;
    }
    key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (strcmp(key, "name") == 0)
        lua_pushstring(L, ((clab__box *)lua_touserdata(L, 1))->name);
    else if (strcmp(key, "dtype") == 0)
        lua_pushstring(L, kind_name(v));
    else if (strcmp(key, "categories") == 0 && v->kind == CLAB_V_CATEGORICAL)
        clab__push_column(L, v->levels, "categories");
    else
        return 0;
    return 1;
}

static int column_len(lua_State *L)
{
    lua_pushinteger(L, clab_value_len(clab__at(L, 1, &clab__column)));
    return 1;
}

static int column_next(lua_State *L)
{
    const clab_value *v = clab__at(L, 1, &clab__column);
    lua_Integer i = luaL_optinteger(L, 2, 0) + 1;

    if (i < 1 || i > clab_value_len(v))
        return 0;
    lua_pushinteger(L, i);
    clab__push_element(L, v, i - 1);
    return 2;
}

/* for i, x in pairs(column) */
static int column_pairs(lua_State *L)
{
    clab__at(L, 1, &clab__column);
    lua_pushcfunction(L, column_next);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

static int column_tolist(lua_State *L)
{
    const clab_value *v = clab__at(L, 1, &clab__column);
    int64_t n = clab_value_len(v);

    lua_createtable(L, n < INT32_MAX ? (int)n : 0, 0);
    for (int64_t i = 0; i < n; i++) {
        clab__push_element(L, v, i);
        if (lua_isnil(L, -1)) { /* a hole would end the list */
            lua_pop(L, 1);
            lua_pushboolean(L, 0);
        }
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int column_tostring(lua_State *L)
{
    const clab_value *v = clab__at(L, 1, &clab__column);
    clab__box *b = lua_touserdata(L, 1);
    int64_t n = clab_value_len(v), shown = n > 10 ? 10 : n;
    clab_str *s = clab__str(L);
    char buf[40];

    clab_str_addf(s, "%s: %s values, %s", b->name[0] ? clab_show(b->name) : "column", clab_text_count(n),
                  kind_name(v));
    if (v->kind == CLAB_V_CATEGORICAL)
        clab_str_addf(s, ", %s levels", clab_text_count(clab_value_len(v->levels)));
    for (int64_t i = 0; i < shown; i++) {
        const char *text = clab_value_at_str(v, i, buf, sizeof buf);
        clab_str_addf(s, "\n  %6" PRId64 "  %s", i + 1, text ? clab_show(text) : "missing");
    }
    if (shown < n)
        clab_str_addf(s, "\n     ...  %s more", clab_text_count(n - shown));
    return clab__push_str(L, s);
}

/* ---- counts of values -----------------------------------------------------------------------------*/

typedef struct {
    clab_ctx *cx;
    clab_value *levels, *index, *column, *table;
    int64_t *counts;
} counting;

static clab_status count_values(clab_ctx *cx, const clab_value *v, int64_t top, counting *c, int64_t *missing)
{
    char(*numbers)[32] = NULL;
    const char **names = NULL;
    int64_t n;
    clab_status st;

    if ((st = clab_value_counts(cx, v, &c->levels, &c->counts, missing)) != CLAB_OK)
        return st;
    n = clab_value_len(c->levels);
    if (top > 0 && n > top)
        n = top;
    names = malloc((size_t)(n + 1) * sizeof *names);
    numbers = malloc((size_t)(n + 1) * sizeof *numbers);
    if (!names || !numbers) {
        st = clab_fail(cx, CLAB_ENOMEM, "no memory for %" PRId64 " values", n);
        goto done;
    }
    for (int64_t i = 0; i < n; i++) {
        const char *s = clab_value_at_str(c->levels, i, numbers[i], sizeof numbers[i]);
        names[i] = s ? s : "";
    }
    if ((st = clab_value_strings(cx, 1, &n, names, &c->index)) != CLAB_OK)
        goto done;
    if ((st = clab_value_array(cx, CLAB_I64, 1, &n, c->counts, &c->column)) != CLAB_OK)
        goto done;
    if ((st = clab_value_table(cx, c->index, "value", &c->table)) == CLAB_OK)
        st = clab_value_set(cx, c->table, "count", c->column);
done:
    free(names);
    free(numbers);
    return st;
}

static int column_value_counts(lua_State *L)
{
    const clab_value *v = clab__at(L, 1, &clab__column);
    clab_arg *a = clab__args(L, 2, "value_counts", clab__counts_params, clab__n_counts, 0, NULL);
    clab_ctx *cx = clab__cx(L);
    clab__box *b = clab__new(L, &clab__table);
    counting c = {.cx = cx};
    int64_t missing = 0;
    clab_status st = count_values(cx, v, a[0].given ? a[0].i : 0, &c, &missing);

    clab_value_unref(c.levels);
    clab_value_unref(c.index);
    clab_value_unref(c.column);
    clab_mem_free(cx, c.counts);
    b->p = c.table;
    clab__ok(L, st);
    snprintf(b->name, sizeof b->name, "%.40s", ((clab__box *)lua_touserdata(L, 1))->name);
    if (missing > 0)
        clab_note(cx, "%s: %s values are missing", clab_show(b->name), clab_text_count(missing));
    return 1;
}

static int column_unique(lua_State *L)
{
    const clab_value *v = clab__at(L, 1, &clab__column);
    clab__box *b = clab__new(L, &clab__column);
    int32_t *codes = NULL;
    clab_status st = clab_value_codes(clab__cx(L), v, (clab_value **)&b->p, &codes);

    clab_mem_free(clab__cx(L), codes);
    clab__ok(L, st);
    snprintf(b->name, sizeof b->name, "%s", ((clab__box *)lua_touserdata(L, 1))->name);
    return 1;
}

/* isin{"B", "T"}: true where the value, as text, is one of the list. */
static int column_isin(lua_State *L)
{
    const clab_value *v = clab__at(L, 1, &clab__column);
    int64_t n = clab_value_len(v);
    uint8_t *mask;
    clab__box *b;

    if (lua_type(L, 2) != LUA_TTABLE)
        clab__raise(L, CLAB_EARG, "isin takes a list: isin{\"B cells\", \"T cells\"}");
    lua_newtable(L);
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, 2); i++) {
        lua_rawgeti(L, 2, i);
        lua_pushboolean(L, 1);
        lua_rawset(L, 3);
    }
    mask = lua_newuserdatauv(L, (size_t)n + 1, 0);
    for (int64_t i = 0; i < n; i++) {
        clab__push_element(L, v, i);
        mask[i] = 0;
        if (!lua_isnil(L, -1) && lua_rawequal(L, -1, -1)) /* NaN cannot be looked up */
            mask[i] = lua_rawget(L, 3) == LUA_TBOOLEAN;
        lua_pop(L, 1);
    }
    b = clab__new(L, &clab__column);
    clab__ok(L, clab_value_array(clab__cx(L), CLAB_BOOL, 1, &n, mask, (clab_value **)&b->p));
    snprintf(b->name, sizeof b->name, "isin");
    return 1;
}

/* ---- statistics over the values that are not missing ----------------------------------------------*/

static const clab_value *numeric(lua_State *L, const char *what)
{
    const clab_value *v = clab__at(L, 1, &clab__column);
    clab__box *b = lua_touserdata(L, 1);

    if (!clab_value_is_numeric(v))
        clab__raise(L, CLAB_EARG, "%s of %s: its values are no numbers (%s); value_counts() counts them", what,
                    clab_show(b->name), kind_name(v));
    return v;
}

typedef struct {
    int64_t n;
    double sum, min, max;
} summary;

static summary summarise(const clab_value *v)
{
    summary s = {0, 0, (double)INFINITY, -(double)INFINITY};

    for (int64_t i = 0; i < clab_value_len(v); i++) {
        double x = clab_value_at_num(v, i);
        if (isnan(x))
            continue;
        s.n++;
        s.sum += x;
        s.min = x < s.min ? x : s.min;
        s.max = x > s.max ? x : s.max;
    }
    return s;
}

/* Whole numbers stay whole where the column holds nothing else. */
static int push_like(lua_State *L, const clab_value *v, double x)
{
    bool whole = v->kind == CLAB_V_ARRAY && (clab_dtype_is_integer(v->dtype) || v->dtype == CLAB_BOOL);

    if (whole && fabs(x) < 9e15)
        lua_pushinteger(L, (lua_Integer)x);
    else
        lua_pushnumber(L, x);
    return 1;
}

static int column_mean(lua_State *L)
{
    summary s = summarise(numeric(L, "mean"));

    lua_pushnumber(L, s.n ? s.sum / (double)s.n : (double)NAN);
    return 1;
}

static int column_sum(lua_State *L)
{
    const clab_value *v = numeric(L, "sum");

    return push_like(L, v, summarise(v).sum);
}

static int column_min(lua_State *L)
{
    const clab_value *v = numeric(L, "min");
    summary s = summarise(v);

    return push_like(L, v, s.n ? s.min : (double)NAN);
}

static int column_max(lua_State *L)
{
    const clab_value *v = numeric(L, "max");
    summary s = summarise(v);

    return push_like(L, v, s.n ? s.max : (double)NAN);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int column_median(lua_State *L)
{
    const clab_value *v = numeric(L, "median");
    int64_t n = 0, len = clab_value_len(v);
    double *x = lua_newuserdatauv(L, (size_t)len * sizeof *x + 1, 0);

    for (int64_t i = 0; i < len; i++) {
        double y = clab_value_at_num(v, i);
        if (!isnan(y))
            x[n++] = y;
    }
    qsort(x, (size_t)n, sizeof *x, by_value);
    lua_pushnumber(L, n == 0 ? (double)NAN : (x[(n - 1) / 2] + x[n / 2]) / 2);
    return 1;
}

static const luaL_Reg column_methods[] = {
    {"value_counts", column_value_counts},
    {"isin", column_isin},
    {"unique", column_unique},
    {"tolist", column_tolist},
    {"mean", column_mean},
    {"sum", column_sum},
    {"min", column_min},
    {"max", column_max},
    {"median", column_median},
    {NULL, NULL},
};
static const luaL_Reg column_meta[] = {
    {"__len", column_len},
    {"__pairs", column_pairs},
    {"__tostring", column_tostring},
    {NULL, NULL},
};

const clab__type clab__column = {"Column", column_drop, column_get, column_methods, column_meta};
