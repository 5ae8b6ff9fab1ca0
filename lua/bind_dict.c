/* bind_dict.c -- obsm, varm, obsp, uns and other named values; those of a Dataset can be set. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lua_impl.h"

static void dict_drop(clab_ctx *cx, void *p)
{
    (void)cx;
    clab_value_unref(p);
}

static const char *part_name(int part)
{
    static const char *const names[] = {"", "obs", "var", "obsm", "varm", "obsp", "uns"};

    return names[part];
}

/* ds.obs, ds.uns, ...: a box that belongs to the Dataset at index `dataset`. */
void clab__push_part(lua_State *L, int dataset, int part)
{
    bool table = part == CLAB__OBS || part == CLAB__VAR;
    clab__box *b;

    dataset = lua_absindex(L, dataset);
    b = clab__new(L, table ? &clab__table : &clab__dict);
    b->part = part;
    snprintf(b->name, sizeof b->name, "%s", part_name(part));
    lua_pushvalue(L, dataset);
    lua_setiuservalue(L, -2, 1);
}

static clab_value **part_of(clab_dataset *d, int part)
{
    switch (part) {
    case CLAB__OBSM: return &d->obsm;
    case CLAB__VARM: return &d->varm;
    case CLAB__OBSP: return &d->obsp;
    default: return &d->uns;
    }
}

const clab_value *clab__dict_value(lua_State *L, int idx)
{
    clab__box *b = clab__box_at(L, idx, &clab__dict);
    clab_dataset *d;

    if (b->part == CLAB__ALONE)
        return clab__at(L, idx, &clab__dict);
    lua_getiuservalue(L, idx, 1);
    d = clab__at(L, -1, &clab__dataset);
    lua_pop(L, 1);
    return *part_of(d, b->part);
}

static int dict_get(lua_State *L)
{
    const clab_value *d = clab__dict_value(L, 1);

    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    clab__push_value(L, clab_value_get(d, lua_tostring(L, 2)), lua_tostring(L, 2));
    return 1;
}

static void remove_key(lua_State *L, clab_dataset *d, int part, const char *key)
{
    clab_value **dict = part_of(d, part), *copy = NULL;

    clab__ok(L, clab_value_copy(clab__cx(L), *dict, &copy));
    clab_value_remove(copy, key);
    clab_value_unref(*dict);
    *dict = copy;
}

/* ds.uns.key = value, ds.obsm.X_scVI = m:latent(); nil removes. */
static int dict_set(lua_State *L)
{
    clab__box *b = clab__box_at(L, 1, &clab__dict);
    const clab_value *v;
    clab_dataset *d;
    const char *key;
    char what[128];

    if (b->part != CLAB__OBSM && b->part != CLAB__UNS)
        clab__raise(L, CLAB_ESTATE, "%s cannot be changed here; keys of obsm and uns can", b->name);
    if (lua_type(L, 2) != LUA_TSTRING)
        clab__raise(L, CLAB_EARG, "a key of %s is a name", b->name);
    key = lua_tostring(L, 2);
    snprintf(what, sizeof what, "%s.%s", part_name(b->part), clab_show(key));
    lua_getiuservalue(L, 1, 1);
    d = clab__dataset_own(L, clab__box_at(L, -1, &clab__dataset));
    if (lua_isnil(L, 3)) {
        remove_key(L, d, b->part, key);
        return 0;
    }
    v = clab__to_value(L, 3, -1, what);
    if (b->part == CLAB__OBSM)
        clab__ok(L, clab_dataset_obsm_set(clab__cx(L), d, key, v));
    else
        clab__ok(L, clab_dataset_uns_set(clab__cx(L), d, key, v));
    return 0;
}

static int dict_keys(lua_State *L)
{
    const clab_value *d = clab__dict_value(L, 1);

    lua_createtable(L, (int)d->n_items, 0);
    for (int64_t i = 0; i < d->n_items; i++) {
        lua_pushstring(L, d->names[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int dict_len(lua_State *L)
{
    lua_pushinteger(L, clab__dict_value(L, 1)->n_items);
    return 1;
}

static int dict_next(lua_State *L)
{
    const clab_value *d = clab__dict_value(L, 1);
    int64_t i = 0;

    if (lua_type(L, 2) == LUA_TSTRING) {
        while (i < d->n_items && strcmp(d->names[i], lua_tostring(L, 2)) != 0)
            i++;
        i++;
    }
    if (i >= d->n_items)
        return 0;
    lua_pushstring(L, d->names[i]);
    clab__push_value(L, d->items[i], d->names[i]);
    if (lua_isnil(L, -1)) { /* AnnData's null is a value, but nil would end the loop's body early */
        lua_pop(L, 1);
        lua_pushboolean(L, 0);
    }
    return 2;
}

static int dict_pairs(lua_State *L)
{
    clab__dict_value(L, 1);
    lua_pushcfunction(L, dict_next);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static void add_summary(clab_str *s, const clab_value *v, int depth);

/* A dictionary within one: {name: filter_cells, parameters: {min_genes: 200}}. */
static void add_items(clab_str *s, const clab_value *v, int depth)
{
    if (depth >= 2) {
        clab_str_addf(s, "%" PRId64 " items", v->n_items);
        return;
    }
    clab_str_add(s, "{");
    for (int64_t i = 0; i < v->n_items && i < 8; i++) {
        clab_str_addf(s, "%s%s: ", i ? ", " : "", clab_show(v->names[i]));
        add_summary(s, v->items[i], depth + 1);
    }
    clab_str_add(s, v->n_items > 8 ? ", ...}" : "}");
}

static void add_summary(clab_str *s, const clab_value *v, int depth)
{
    char buf[40];
    const char *text;

    switch (v->kind) {
    case CLAB_V_NULL: clab_str_add(s, "null"); break;
    case CLAB_V_ARRAY:
    case CLAB_V_STRINGS:
        if (v->rank == 0) {
            text = clab_value_at_str(v, 0, buf, sizeof buf);
            clab_str_add(s, text ? clab_show(text) : "missing");
            break;
        }
        for (int k = 0; k < v->rank; k++)
            clab_str_addf(s, "%s%" PRId64, k ? " x " : "", v->dims[k]);
        clab_str_addf(s, " %s", v->kind == CLAB_V_STRINGS ? "str" : clab_dtype_name(v->dtype));
        break;
    case CLAB_V_SPARSE:
        clab_str_addf(s, "%" PRId64 " x %" PRId64 " sparse %s", v->dims[0], v->dims[1],
                      clab_dtype_name(v->dtype));
        break;
    case CLAB_V_DICT: add_items(s, v, depth); break;
    case CLAB_V_TABLE:
    case CLAB_V_RECORDS:
        clab_str_addf(s, "table of %" PRId64 " rows x %" PRId64 " columns", v->dims[0], v->n_items);
        break;
    default: clab_str_addf(s, "%" PRId64 " values", clab_value_len(v));
    }
}

static int dict_tostring(lua_State *L)
{
    const clab_value *d = clab__dict_value(L, 1);
    clab__box *b = lua_touserdata(L, 1);
    clab_str *s = clab__str(L);

    clab_str_addf(s, "%s: %" PRId64 " item%s", b->name[0] ? clab_show(b->name) : "items", d->n_items,
                  d->n_items == 1 ? "" : "s");
    for (int64_t i = 0; i < d->n_items && i < 40; i++) {
        clab_str_addf(s, "\n  %s: ", clab_show(d->names[i]));
        add_summary(s, d->items[i], 0);
    }
    return clab__push_str(L, s);
}

static const luaL_Reg dict_methods[] = {{"keys", dict_keys}, {NULL, NULL}};
static const luaL_Reg dict_meta[] = {
    {"__len", dict_len}, {"__pairs", dict_pairs}, {"__newindex", dict_set}, {"__tostring", dict_tostring},
    {NULL, NULL},
};

const clab__type clab__dict = {"Dictionary", dict_drop, dict_get, dict_methods, dict_meta};
