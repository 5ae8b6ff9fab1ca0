/* bind_model.c -- Model: XGBoost from features to labels; fit, annotate, predict, history, save, free.
 * Also saving and loading of every kind of model: one file of our own, told apart by its `kind`. */
#include <stdio.h>
#include <string.h>

#include "io/io.h"
#include "label/classifier.h"
#include "lua_impl.h"

static void model_drop(clab_ctx *cx, void *p)
{
    clab_classifier_free(cx, p, NULL);
}

/* lab.xgboost{rounds=..., seed=0} */
static int lab_xgboost(lua_State *L)
{
    clab_arg *a = clab__args(L, 1, "xgboost", clab_xgboost_params, clab_xgboost_n_params, -1, NULL);
    clab__box *b = clab__new(L, &clab__model);

    clab__ok(L, clab_classifier_new(clab__cx(L), a, (clab_classifier **)&b->p));
    return 1;
}

/* clf:fit(reference, {labels="cell_type", features="combined"}) returns clf */
static int model_fit(lua_State *L)
{
    clab_classifier *c = clab__at(L, 1, &clab__model);
    const clab_dataset *d = clab__at(L, 2, &clab__dataset);
    clab_arg *a = clab__args(L, 3, "fit", clab_fit_params, clab_fit_n_params, -1, NULL);

    clab__ok(L, clab_classifier_fit(clab__cx(L), c, d, a));
    lua_settop(L, 1);
    return 1;
}

/* clf:annotate(query, {from=both}) */
static int model_annotate(lua_State *L)
{
    const clab_classifier *c = clab__at(L, 1, &clab__model);
    const clab_dataset *query = clab__at(L, 2, &clab__dataset), *from = NULL;
    clab__box *b;

    if (lua_istable(L, 3) && lua_getfield(L, 3, "from") != LUA_TNIL)
        from = clab__at(L, lua_gettop(L), &clab__dataset);
    clab__args(L, 3, "annotate", clab_annotate_params, clab_annotate_n_params, -1, "from");
    b = clab__new(L, &clab__dataset);
    clab__ok(L, clab_classifier_annotate(clab__cx(L), c, query, from, (clab_dataset **)&b->p));
    clab__tell_gc(L);
    return 1;
}

/* clf:predict(ds): probabilities, cells x classes */
static int model_predict(lua_State *L)
{
    const clab_classifier *c = clab__at(L, 1, &clab__model);
    const clab_dataset *d = clab__at(L, 2, &clab__dataset);
    clab__box *b = clab__new(L, &clab__array);

    clab__ok(L, clab_classifier_predict(clab__cx(L), c, d, (clab_value **)&b->p));
    snprintf(b->name, sizeof b->name, "probabilities");
    clab__tell_gc(L);
    return 1;
}

static int model_save(lua_State *L)
{
    const clab_classifier *c = clab__at(L, 1, &clab__model);
    const char *path = clab__path(L, 2, "save", "a path: clf:save(\"labels.h5\")");
    clab__box *b = clab__new(L, &clab__dict);

    clab__ok(L, clab_classifier_value(clab__cx(L), c, (clab_value **)&b->p));
    clab__ok(L, clab__save(clab__cx(L), "xgboost", b->p, path));
    return 0;
}

static int model_get(lua_State *L)
{
    const clab_classifier *c = clab__at(L, 1, &clab__model);
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";

    if (strcmp(key, "history") == 0)
        clab__push_history(L, 1);
    else if (strcmp(key, "classes") == 0)
        clab__push_value(L, clab_classifier_classes(c), "classes");
    else
        clab__ok(L, clab__no_member(clab__cx(L), "Model", key));
    return 1;
}

static int model_tostring(lua_State *L)
{
    clab__box *b = clab__box_at(L, 1, &clab__model);
    char line[256] = "Model (freed)";

    if (b->p)
        clab_classifier_describe(b->p, line, sizeof line);
    lua_pushstring(L, line);
    return 1;
}

static int model_free(lua_State *L)
{
    clab__free_box(L, clab__box_at(L, 1, &clab__model), "model", 0);
    return 0;
}

static const luaL_Reg model_methods[] = {
    {"fit", model_fit},   {"annotate", model_annotate}, {"predict", model_predict},
    {"save", model_save}, {"free", model_free},         {NULL, NULL},
};
static const luaL_Reg model_meta[] = {{"__tostring", model_tostring}, {"__close", model_free}, {NULL, NULL}};

const clab__type clab__model = {"Model", model_drop, model_get, model_methods, model_meta};

/* ---- saved models ---------------------------------------------------------------------------------*/

clab_status clab__save(clab_ctx *cx, const char *kind, const clab_value *model, const char *path)
{
    clab_value *file = NULL;
    clab_status st = clab_value_dict(cx, &file);

    if (st == CLAB_OK)
        st = clab_value_set_string(cx, file, "kind", kind);
    if (st == CLAB_OK)
        st = clab_value_set(cx, file, kind, model);
    if (st == CLAB_OK)
        st = clab_write_value(cx, file, path);
    clab_value_unref(file);
    return st;
}

/* lab.load(path): an Integration or a Model; a file of celllab label holds both, and gives both. */
static int lab_load(lua_State *L)
{
    const char *path = clab__path(L, 1, "load", "a path: lab.load(\"model.h5\")");
    clab_ctx *cx = clab__cx(L);
    clab__box *file = clab__new(L, &clab__dict), *b;
    const clab_value *scvi, *xgboost;
    int n = 0;

    clab__ok(L, clab_read_value(cx, path, (clab_value **)&file->p));
    scvi = clab_value_get(file->p, "scvi");
    xgboost = clab_value_get(file->p, "xgboost");
    if (scvi) {
        b = clab__new(L, &clab__scvi);
        clab__ok(L, clab_scvi_from_value(cx, scvi, (clab_scvi **)&b->p));
        n++;
    }
    if (xgboost) {
        b = clab__new(L, &clab__model);
        clab__ok(L, clab_classifier_from_value(cx, xgboost, (clab_classifier **)&b->p));
        n++;
    }
    if (n == 0)
        clab__raise(L, CLAB_EFORMAT, "%s holds no model; m:save(path) makes such files", clab_show(path));
    clab__tell_gc(L);
    return n;
}

void clab__model_open(lua_State *L, int lab)
{
    lua_pushcfunction(L, lab_xgboost);
    lua_setfield(L, lab, "xgboost");
    lua_pushcfunction(L, lab_load);
    lua_setfield(L, lab, "load");
}
