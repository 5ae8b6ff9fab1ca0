/* bind_scvi.c -- Integration: an scVI model over a Dataset; train, latent, history, save, free. */
#include <stdio.h>
#include <string.h>

#include "ledger/ledger.h"
#include "lua_impl.h"
#include "models/scvi.h"

static void scvi_drop(clab_ctx *cx, void *p)
{
    clab_scvi_free(cx, p, NULL);
}

/* lab.scvi(dataset, {n_latent=30, ...}) */
static int lab_scvi(lua_State *L)
{
    const clab_dataset *d = clab__at(L, 1, &clab__dataset);
    clab_arg *a = clab__args(L, 2, "scvi", clab_scvi_params, clab_scvi_n_params, -1, NULL);
    clab__box *b = clab__new(L, &clab__scvi);

    clab__ok(L, clab_scvi_new(clab__cx(L), d, a, (clab_scvi **)&b->p));
    clab__tell_gc(L);
    return 1;
}

/* ---- training: the user's on_epoch is called between epochs ---------------------------------------*/

typedef struct {
    lua_State *L;
    int model, callback; /* stack indices */
    int failed;          /* a raised error waits at this index */
} epoch_call;

/* The callback's error must not jump through the core: it waits until training has returned. */
static bool on_epoch(void *user, int64_t epoch, const clab_history *h)
{
    epoch_call *c = user;
    lua_State *L = c->L;
    bool go_on;

    (void)h;
    if (!lua_checkstack(L, 8))
        return true;
    lua_pushvalue(L, c->callback);
    lua_pushinteger(L, epoch);
    clab__push_history(L, c->model);
    if (lua_pcall(L, 2, 1, 0) != LUA_OK) {
        c->failed = lua_gettop(L);
        return false;
    }
    go_on = lua_isnil(L, -1) || lua_toboolean(L, -1);
    lua_pop(L, 1);
    return go_on;
}

/* m:train{max_epochs=200, ..., on_epoch=function(epoch, history) ... end} */
static int scvi_train(lua_State *L)
{
    clab_scvi *m = clab__at(L, 1, &clab__scvi);
    clab_arg *a = clab__args(L, 2, "train", clab_scvi_train_params, clab_scvi_n_train_params, -1, NULL);
    epoch_call call = {.L = L, .model = 1};
    clab_status st;

    if (lua_istable(L, 2) && lua_getfield(L, 2, "on_epoch") == LUA_TFUNCTION)
        call.callback = lua_gettop(L);
    st = clab_scvi_train(clab__cx(L), m, a, call.callback ? on_epoch : NULL, &call);
    if (call.failed) {
        clab_error_clear(clab__cx(L));
        lua_settop(L, call.failed);
        return lua_error(L);
    }
    clab__ok(L, st);
    lua_settop(L, 1);
    return 1;
}

/* ---- what a trained model gives -------------------------------------------------------------------*/

/* m:latent() of its own cells, m:latent(other) of others: n x n_latent. */
static int scvi_latent(lua_State *L)
{
    clab_scvi *m = clab__at(L, 1, &clab__scvi);
    const clab_dataset *d = lua_isnoneornil(L, 2) ? NULL : clab__at(L, 2, &clab__dataset);
    clab__box *b = clab__new(L, &clab__array);

    clab__ok(L, clab_scvi_latent(clab__cx(L), m, d, (clab_value **)&b->p));
    snprintf(b->name, sizeof b->name, "latent");
    clab__tell_gc(L);
    return 1;
}

static int scvi_save(lua_State *L)
{
    const clab_scvi *m = clab__at(L, 1, &clab__scvi);
    const char *path = clab__path(L, 2, "save", "a path: m:save(\"integration.h5\")");
    clab__box *b = clab__new(L, &clab__dict);

    clab__ok(L, clab_scvi_value(clab__cx(L), m, (clab_value **)&b->p));
    clab__ok(L, clab__save(clab__cx(L), "scvi", b->p, path));
    return 0;
}

static int scvi_get(lua_State *L)
{
    const clab_scvi *m = clab__at(L, 1, &clab__scvi);
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";

    if (strcmp(key, "history") == 0)
        clab__push_history(L, 1);
    else if (strcmp(key, "genes") == 0)
        clab__push_column(L, clab_scvi_genes(m), "genes");
    else if (strcmp(key, "batches") == 0)
        clab__push_column(L, clab_scvi_batches(m), "batches");
    else if (strcmp(key, "epochs") == 0)
        lua_pushinteger(L, clab_scvi_epochs(m));
    else if (strcmp(key, "trained") == 0)
        lua_pushboolean(L, clab_scvi_trained(m));
    else
        clab__ok(L, clab__no_member(clab__cx(L), "Integration", key));
    return 1;
}

static int scvi_tostring(lua_State *L)
{
    clab__box *b = clab__box_at(L, 1, &clab__scvi);
    char line[256] = "Integration (freed)";

    if (b->p)
        clab_scvi_describe(b->p, line, sizeof line);
    lua_pushstring(L, line);
    return 1;
}

static int scvi_free(lua_State *L)
{
    clab__box *b = clab__box_at(L, 1, &clab__scvi);

    if (b->p && clab_scvi_training(b->p))
        clab__raise(L, CLAB_ESTATE, "this Integration is being trained: on_epoch cannot free it");
    clab__free_box(L, b, "integration", 0);
    return 0;
}

static const luaL_Reg scvi_methods[] = {
    {"train", scvi_train}, {"latent", scvi_latent}, {"save", scvi_save}, {"free", scvi_free}, {NULL, NULL},
};
static const luaL_Reg scvi_meta[] = {{"__tostring", scvi_tostring}, {"__close", scvi_free}, {NULL, NULL}};

const clab__type clab__scvi = {"Integration", scvi_drop, scvi_get, scvi_methods, scvi_meta};

void clab__scvi_open(lua_State *L, int lab)
{
    lua_pushcfunction(L, lab_scvi);
    lua_setfield(L, lab, "scvi");
}
