/* bind_dataset.c -- the Dataset userdata: its facts, its parts, writing, giving bytes back. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "io/io.h"
#include "lua_impl.h"

static void dataset_drop(clab_ctx *cx, void *p)
{
    (void)cx;
    clab_dataset_unref(p);
}

void clab__push_dataset(lua_State *L, const clab_dataset *d)
{
    clab__new(L, &clab__dataset)->p = clab_dataset_ref(d);
}

/* An edit changes this handle only: where a model or another handle shares the Dataset, a copy (of the
 * handle, not of the data) is made first. */
clab_dataset *clab__dataset_own(lua_State *L, clab__box *b)
{
    clab_dataset *d = b->p, *copy = NULL;

    if (!d)
        clab__raise(L, CLAB_ESTATE, "this Dataset was freed; make it again");
    if (__atomic_load_n(&d->refs, __ATOMIC_ACQUIRE) == 1)
        return d;
    clab__ok(L, clab_dataset_copy(clab__cx(L), d, &copy));
    clab_dataset_unref(d);
    b->p = copy;
    return copy;
}

/* ---- fields ---------------------------------------------------------------------------------------*/

/* Layers as name -> "float32, 700 x 765, normalise(1e4) > log1p". */
static void push_layers(lua_State *L, const clab_dataset *d)
{
    char recipe[160], line[256];

    lua_createtable(L, 0, (int)d->n_layers);
    for (int64_t i = 0; i < d->n_layers; i++) {
        clab__ok(L, clab_matrix_recipe(clab__cx(L), d->layers[i], recipe, sizeof recipe));
        snprintf(line, sizeof line, "%s, %" PRId64 " x %" PRId64 "%s%s",
                 clab_dtype_name(clab_matrix_dtype(d->layers[i])), clab_matrix_n_rows(d->layers[i]),
                 clab_matrix_n_cols(d->layers[i]), recipe[0] ? ", " : "", recipe);
        lua_pushstring(L, line);
        lua_setfield(L, -2, d->layer_names[i]);
    }
}

static int dataset_get(lua_State *L)
{
    static const char *const parts[] = {"", "obs", "var", "obsm", "varm", "obsp", "uns"};
    const clab_dataset *d = clab__at(L, 1, &clab__dataset);
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";

    for (int part = CLAB__OBS; part <= CLAB__UNS; part++) {
        if (strcmp(key, parts[part]) == 0) {
            clab__push_part(L, 1, part);
            return 1;
        }
    }
    if (strcmp(key, "n_obs") == 0)
        lua_pushinteger(L, clab_dataset_n_obs(d));
    else if (strcmp(key, "n_vars") == 0)
        lua_pushinteger(L, clab_dataset_n_vars(d));
    else if (strcmp(key, "name") == 0)
        lua_pushstring(L, d->name);
    else if (strcmp(key, "bytes") == 0)
        lua_pushinteger(L, clab_dataset_bytes(d));
    else if (strcmp(key, "counts_from") == 0)
        lua_pushstring(L, d->counts_from);
    else if (strcmp(key, "layers") == 0)
        push_layers(L, d);
    else if (strcmp(key, "steps") == 0)
        clab__push_value(L, d->steps, "steps");
    else
        clab__ok(L, clab__no_member(clab__cx(L), "Dataset", key));
    return 1;
}

/* A mistyped method would otherwise be "attempt to call a nil value". */
clab_status clab__no_member(clab_ctx *cx, const char *owner, const char *key)
{
    const char *names[128];
    int n, k = 0, near;
    const clab__doc *docs = clab__docs(&n);

    for (int i = 0; i < n && k < 64; i++) {
        if (strcmp(docs[i].owner, owner) == 0)
            names[k++] = docs[i].name;
    }
    if (strcmp(owner, "Dataset") == 0) {
        const clab_step *const *steps = clab_steps(&n);
        for (int i = 0; i < n && k < 128; i++)
            names[k++] = steps[i]->name;
    }
    near = clab_text_near(key, names, (size_t)k);
    if (near >= 0)
        return clab_fail(cx, CLAB_ENOTFOUND, "a %s has no '%s'; did you mean %s?", owner, clab_show(key),
                         names[near]);
    return clab_fail(cx, CLAB_ENOTFOUND, "a %s has no '%s'; ?%s lists what it has", owner, clab_show(key),
                     owner);
}

static int dataset_set(lua_State *L)
{
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";

    clab__at(L, 1, &clab__dataset);
    clab__raise(L, CLAB_ESTATE,
                "'%s' of a Dataset cannot be set; columns of obs and var and keys of obsm and uns can",
                clab_show(key));
}

static int dataset_len(lua_State *L)
{
    lua_pushinteger(L, clab_dataset_n_obs(clab__at(L, 1, &clab__dataset)));
    return 1;
}

static int dataset_tostring(lua_State *L)
{
    clab__box *b = clab__box_at(L, 1, &clab__dataset);
    char **text;

    if (!b->p) {
        lua_pushliteral(L, "Dataset (freed)");
        return 1;
    }
    text = clab__text(L);
    clab__ok(L, clab_dataset_describe(clab__cx(L), b->p, text));
    return clab__push_text(L, text);
}

/* ---- methods --------------------------------------------------------------------------------------*/

/* ds:write(path, {compression=4, dense=false}) */
static int dataset_write(lua_State *L)
{
    const clab_dataset *d = clab__at(L, 1, &clab__dataset);
    const char *path = clab__path(L, 2, "write", "a path: ds:write(\"labelled.h5ad\")");
    clab_arg *a = clab__args(L, 3, "write", clab__write_params, clab__n_write, -1, NULL);
    clab_write_opts o;

    clab_write_opts_init(&o);
    if (a[0].given)
        o.compression = (int)a[0].i;
    o.dense = a[1].given && a[1].b;
    o.format = a[2].given ? a[2].s : NULL;
    clab__ok(L, clab_write(clab__cx(L), d, path, &o));
    return 0;
}

/* ds:save(): what stands beside X into the file that was read with backed="r+" */
static int dataset_save(lua_State *L)
{
    clab__box *b = clab__box_at(L, 1, &clab__dataset);

    clab__ok(L, clab_save(clab__cx(L), clab__dataset_own(L, b)));
    return 0;
}

/* ds:write_csv(path, {"cell_type", ...}) */
static int dataset_write_csv(lua_State *L)
{
    const clab_dataset *d = clab__at(L, 1, &clab__dataset);
    const char *path = clab__path(L, 2, "write_csv", "a path: ds:write_csv(\"labels.csv\")");
    const char **columns = NULL;
    int n = 0;

    if (lua_istable(L, 3)) {
        n = (int)lua_rawlen(L, 3);
        columns = lua_newuserdatauv(L, (size_t)n * sizeof *columns + 1, 0);
        for (int i = 0; i < n; i++) {
            if (lua_rawgeti(L, 3, i + 1) != LUA_TSTRING)
                clab__raise(L, CLAB_EARG, "write_csv: columns are given by name");
            columns[i] = lua_tostring(L, -1); /* stays in the table */
            lua_pop(L, 1);
        }
    }
    clab__ok(L, clab_write_csv(clab__cx(L), d, columns, n, path));
    return 0;
}

static int dataset_copy(lua_State *L)
{
    const clab_dataset *d = clab__at(L, 1, &clab__dataset);
    clab__box *b = clab__new(L, &clab__dataset);

    clab__ok(L, clab_dataset_copy(clab__cx(L), d, (clab_dataset **)&b->p));
    return 1;
}

static int dataset_free(lua_State *L)
{
    clab__box *b = clab__box_at(L, 1, &clab__dataset);
    char title[64];

    if (!b->p)
        return 0;
    snprintf(title, sizeof title, "%s", clab_show(((clab_dataset *)b->p)->name));
    clab__free_box(L, b, title, clab_dataset_bytes(b->p));
    return 0;
}

static const luaL_Reg dataset_methods[] = {
    {"write", dataset_write},
    {"save", dataset_save},
    {"write_csv", dataset_write_csv},
    {"copy", dataset_copy},
    {"free", dataset_free},
    {NULL, NULL},
};
static const luaL_Reg dataset_meta[] = {
    {"__newindex", dataset_set}, {"__len", dataset_len}, {"__tostring", dataset_tostring},
    {"__close", dataset_free},   {NULL, NULL},
};

const clab__type clab__dataset = {"Dataset", dataset_drop, dataset_get, dataset_methods, dataset_meta};
