/* bind_table.c -- obs, var and other tables: columns by name, head, look-ups.
 * ds.obs is bound to its Dataset: it reads and sets the Dataset's own table. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua_impl.h"

#define CELL_MAX 32   /* columns of text a cell takes at most */
#define LINE_MAX_ 100 /* columns of text a line takes */

static void table_drop(clab_ctx *cx, void *p)
{
    (void)cx;
    clab_value_unref(p);
}

void clab__push_table(lua_State *L, const clab_value *table, const char *name)
{
    clab__box *b = clab__new(L, &clab__table);

    b->p = clab_value_ref(table);
    snprintf(b->name, sizeof b->name, "%s", name);
}

/* The Dataset that the box at idx belongs to; pushes it. */
static clab_dataset *owner(lua_State *L, int idx)
{
    lua_getiuservalue(L, idx, 1);
    return clab__at(L, -1, &clab__dataset);
}

const clab_value *clab__table_value(lua_State *L, int idx)
{
    clab__box *b = clab__box_at(L, idx, &clab__table);
    const clab_dataset *d;

    if (b->part == CLAB__ALONE)
        return clab__at(L, idx, &clab__table);
    d = owner(L, idx);
    lua_pop(L, 1);
    return b->part == CLAB__OBS ? d->obs : d->var;
}

/* ---- columns --------------------------------------------------------------------------------------*/

static void push_named(lua_State *L, int idx, const char *name)
{
    clab__box *b = clab__box_at(L, idx, &clab__table);
    const clab_value *t = clab__table_value(L, idx), *v = clab_value_get(t, name);
    clab_ctx *cx = clab__cx(L);

    if (!v && strcmp(name, "index") == 0)
        v = t->index;
    if (!v && b->part == CLAB__OBS)
        clab__ok(L, clab_dataset_obs_get(cx, owner(L, idx), name, &v));
    else if (!v && b->part == CLAB__VAR)
        clab__ok(L, clab_dataset_var_get(cx, owner(L, idx), name, &v));
    else if (!v)
        clab__ok(L, clab__no_column(cx, t, b->name, name));
    clab__push_column(L, v, name);
}

clab_status clab__no_column(clab_ctx *cx, const clab_value *t, const char *title, const char *name)
{
    clab_str list = {0};
    clab_status st;

    for (int64_t i = 0; i < t->n_items && i < 40; i++)
        clab_str_addf(&list, "%s%s", i ? ", " : "", clab_show(t->names[i]));
    st = clab_fail(cx, CLAB_ENOTFOUND, "%s has no column '%s'; there are: %s",
                   *title ? clab_show(title) : "the table", clab_show(name), list.s ? list.s : "none");
    clab_str_free(&list);
    return st;
}

static int table_get(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING)
        clab__raise(L, CLAB_EARG, "columns are read by name: obs.cell_type or obs[\"cell type\"]");
    push_named(L, 1, lua_tostring(L, 2));
    return 1;
}

static void remove_column(lua_State *L, clab_dataset *d, int part, const char *name)
{
    clab_value **table = part == CLAB__OBS ? &d->obs : &d->var;
    clab_value *copy = NULL;

    clab__ok(L, clab_value_copy(clab__cx(L), *table, &copy));
    clab_value_remove(copy, name);
    clab_value_unref(*table);
    *table = copy;
}

/* ds.obs.column = list, column, scalar or nil */
static int table_set(lua_State *L)
{
    clab__box *b = clab__box_at(L, 1, &clab__table);
    char what[128];
    const char *name;
    const clab_value *v;
    clab_dataset *d;

    if (b->part == CLAB__ALONE)
        clab__raise(L, CLAB_ESTATE,
                    "this table stands alone and cannot be changed; columns of ds.obs and ds.var can");
    if (lua_type(L, 2) != LUA_TSTRING)
        clab__raise(L, CLAB_EARG, "a column needs a name");
    name = lua_tostring(L, 2);
    snprintf(what, sizeof what, "%s.%s", b->part == CLAB__OBS ? "obs" : "var", clab_show(name));
    owner(L, 1);
    d = clab__dataset_own(L, clab__box_at(L, -1, &clab__dataset));
    if (lua_isnil(L, 3)) {
        remove_column(L, d, b->part, name);
        return 0;
    }
    v = clab__to_value(L, 3, b->part == CLAB__OBS ? clab_dataset_n_obs(d) : clab_dataset_n_vars(d), what);
    if (b->part == CLAB__OBS)
        clab__ok(L, clab_dataset_obs_set(clab__cx(L), d, name, v));
    else
        clab__ok(L, clab_dataset_var_set(clab__cx(L), d, name, v));
    return 0;
}

static int table_has(lua_State *L)
{
    lua_pushboolean(L, clab_value_get(clab__table_value(L, 1), luaL_checkstring(L, 2)) != NULL);
    return 1;
}

static int table_column(lua_State *L)
{
    push_named(L, 1, luaL_checkstring(L, 2));
    return 1;
}

static int table_columns(lua_State *L)
{
    const clab_value *t = clab__table_value(L, 1);

    lua_createtable(L, (int)t->n_items, 0);
    for (int64_t i = 0; i < t->n_items; i++) {
        lua_pushstring(L, t->names[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int table_len(lua_State *L)
{
    lua_pushinteger(L, clab_value_len(clab__table_value(L, 1)));
    return 1;
}

/* ---- look-up: table:lookup("cell", query.obs.index, "cell_type") ----------------------------------*/

static const clab_value *column_of(lua_State *L, const clab_value *t, const char *name)
{
    const clab_value *v = clab_value_get(t, name);

    if (!v)
        clab__ok(L, clab__no_column(clab__cx(L), t, "", name));
    return v;
}

/* Text has no missing value of its own: a categorical does. */
static void lookup_text(lua_State *L, const clab_value *values, const int64_t *rows, int64_t n, clab__box *b)
{
    const char **s = lua_newuserdatauv(L, (size_t)n * sizeof *s + 1, 0);

    for (int64_t i = 0; i < n; i++)
        s[i] = rows[i] < 0 ? NULL : ((char *const *)values->data)[rows[i]];
    clab__ok(L, clab_value_factor(clab__cx(L), n, s, (clab_value **)&b->p));
}

/* For every key, the value in the row whose `by` equals it; missing where there is none. */
static int table_lookup(lua_State *L)
{
    const clab_value *t = clab__table_value(L, 1), *by = column_of(L, t, luaL_checkstring(L, 2));
    const clab_value *keys = clab__at(L, 3, &clab__column);
    const char *name = luaL_checkstring(L, 4);
    const clab_value *values = column_of(L, t, name);
    int64_t n = clab_value_len(by), m = clab_value_len(keys), *rows;
    clab__box *b;
    char buf[40];

    lua_settop(L, 4);
    lua_newtable(L);
    for (int64_t i = n; i-- > 0;) { /* from the end: the first of equal keys wins */
        const char *s = clab_value_at_str(by, i, buf, sizeof buf);
        if (s) {
            lua_pushstring(L, s);
            lua_pushinteger(L, i);
            lua_rawset(L, 5);
        }
    }
    rows = lua_newuserdatauv(L, (size_t)m * sizeof *rows + 1, 0);
    for (int64_t i = 0; i < m; i++) {
        const char *s = clab_value_at_str(keys, i, buf, sizeof buf);
        lua_pushstring(L, s ? s : "");
        lua_rawget(L, 5);
        rows[i] = s && lua_isinteger(L, -1) ? (int64_t)lua_tointeger(L, -1) : -1;
        lua_pop(L, 1);
    }
    b = clab__new(L, &clab__column);
    snprintf(b->name, sizeof b->name, "%s", name);
    if (values->kind == CLAB_V_STRINGS)
        lookup_text(L, values, rows, m, b);
    else
        clab__ok(L, clab_value_take(clab__cx(L), values, rows, m, (clab_value **)&b->p));
    lua_pushvalue(L, 7);
    return 1;
}

/* ---- printing -------------------------------------------------------------------------------------*/

static const char *cell(const clab_value *col, int64_t row, char *buf, size_t n)
{
    char number[40];
    const char *s = clab_value_at_str(col, row, number, sizeof number);

    return clab_text_show(s ? s : "missing", buf, n > CELL_MAX ? CELL_MAX : n);
}

static int width_of(const clab_value *col, const char *name, int64_t n_rows)
{
    char buf[CELL_MAX + 1];
    int w = clab_text_columns(clab_text_show(name, buf, CELL_MAX));

    for (int64_t i = 0; i < n_rows; i++) {
        int k = clab_text_columns(cell(col, i, buf, sizeof buf));
        w = k > w ? k : w;
    }
    return w;
}

/* The last one of a line is not padded. */
static void add_cell(clab_str *s, const char *text, int width, bool right, bool last)
{
    int pad = width - clab_text_columns(text); /* printf counts bytes */

    pad = pad > 0 ? pad : 0;
    if (right)
        clab_str_addf(s, "  %*s%s", pad, "", text);
    else
        clab_str_addf(s, "  %s%*s", text, last ? 0 : pad, "");
}

/* The first n_rows rows, as many columns as fit a line, and what was left out. */
static void add_rows(clab_str *s, const clab_value *t, int64_t n_rows)
{
    char buf[CELL_MAX + 1];
    int widths[32], first = width_of(t->index, "", n_rows), used = first + 2, shown = 0;

    for (int64_t j = 0; j < t->n_items && shown < 32; j++) {
        int w = width_of(t->items[j], t->names[j], n_rows);
        if (used + w + 2 > LINE_MAX_ && shown > 0)
            break;
        widths[shown++] = w;
        used += w + 2;
    }
    if (shown > 0)
        clab_str_addf(s, "\n%*s", first + 2, "");
    for (int j = 0; j < shown; j++)
        add_cell(s, clab_text_show(t->names[j], buf, CELL_MAX), widths[j], clab_value_is_numeric(t->items[j]),
                 j == shown - 1);
    for (int64_t i = 0; i < n_rows; i++) {
        clab_str_add(s, "\n");
        add_cell(s, cell(t->index, i, buf, sizeof buf), first, false, shown == 0);
        for (int j = 0; j < shown; j++)
            add_cell(s, cell(t->items[j], i, buf, sizeof buf), widths[j], clab_value_is_numeric(t->items[j]),
                     j == shown - 1);
    }
    if (shown < t->n_items)
        clab_str_addf(s, "\n  and %" PRId64 " more columns", t->n_items - shown);
}

static int show_rows(lua_State *L, int64_t n)
{
    const clab_value *t = clab__table_value(L, 1);
    clab__box *b = lua_touserdata(L, 1);
    int64_t len = clab_value_len(t);
    clab_str *s = clab__str(L);

    clab_str_addf(s, "%s: %s rows x %" PRId64 " columns", b->name[0] ? clab_show(b->name) : "table",
                  clab_text_count(len), t->n_items);
    add_rows(s, t, n < len ? n : len);
    if (n < len)
        clab_str_addf(s, "\n  ... %s more rows", clab_text_count(len - n));
    return clab__push_str(L, s);
}

static int table_tostring(lua_State *L)
{
    bool whole = clab_value_len(clab__table_value(L, 1)) <= 40;

    return show_rows(L, whole ? 40 : 10);
}

static int table_head(lua_State *L)
{
    return show_rows(L, luaL_optinteger(L, 2, 5));
}

static const luaL_Reg table_methods[] = {
    {"head", table_head},       {"has", table_has},       {"column", table_column},
    {"columns", table_columns}, {"lookup", table_lookup}, {NULL, NULL},
};
static const luaL_Reg table_meta[] = {
    {"__len", table_len},
    {"__newindex", table_set},
    {"__tostring", table_tostring},
    {NULL, NULL},
};

const clab__type clab__table = {"Table", table_drop, table_get, table_methods, table_meta};
