/* bind_history.c -- metric curves of a training: history.elbo_train[i], under the peer's names. */
#include <stdio.h>
#include <string.h>

#include "label/classifier.h"
#include "lua_impl.h"

static void history_drop(clab_ctx *cx, void *p)
{
    (void)cx;
    (void)p; /* belongs to its model, which the user value keeps alive */
}

void clab__push_history(lua_State *L, int owner)
{
    owner = lua_absindex(L, owner);
    clab__new(L, &clab__history);
    lua_pushvalue(L, owner);
    lua_setiuservalue(L, -2, 1);
}

static const clab_history *history(lua_State *L)
{
    const clab_history *h;

    clab__box_at(L, 1, &clab__history);
    lua_getiuservalue(L, 1, 1);
    if (clab__test(L, -1, &clab__scvi))
        h = clab_scvi_history(clab__at(L, -1, &clab__scvi));
    else
        h = clab_classifier_history(clab__at(L, -1, &clab__model));
    lua_pop(L, 1);
    return h;
}

static void push_list(lua_State *L, const double *x, int64_t n)
{
    lua_createtable(L, (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        lua_pushnumber(L, x[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

static const clab_curve *curve_named(lua_State *L, const char *name)
{
    const clab_history *h = history(L);
    const clab_curve *c = h ? clab_history_get(h, name) : NULL;
    clab_str list = {0};

    if (c)
        return c;
    for (int i = 0; h && i < h->n; i++)
        clab_str_addf(&list, "%s%s", i ? ", " : "", h->curves[i].name);
    (void)clab_fail(clab__cx(L), CLAB_ENOTFOUND, "the history has no curve '%s'; there are: %s",
                    clab_show(name), list.s ? list.s : "none yet");
    clab_str_free(&list);
    clab__fail(L, CLAB_ENOTFOUND);
}

static int history_get(lua_State *L)
{
    const clab_curve *c = curve_named(L, lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "");

    push_list(L, c->y, c->n);
    return 1;
}

/* history:epochs("elbo_validation"): the epochs (from 0) at which the points of a curve were taken. */
static int history_epochs(lua_State *L)
{
    const clab_curve *c = curve_named(L, luaL_checkstring(L, 2));

    push_list(L, c->x, c->n);
    return 1;
}

static int history_names(lua_State *L)
{
    const clab_history *h = history(L);

    lua_newtable(L);
    for (int i = 0; h && i < h->n; i++) {
        lua_pushstring(L, h->curves[i].name);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int history_tostring(lua_State *L)
{
    const clab_history *h = history(L);
    clab_str *s = clab__str(L);

    clab_str_addf(s, "history: %d curves", h ? h->n : 0);
    for (int i = 0; h && i < h->n; i++) {
        const clab_curve *c = &h->curves[i];
        if (c->n > 0)
            clab_str_addf(s, "\n  %-32s %5d points  first %.6g  last %.6g", c->name, (int)c->n, c->y[0],
                          c->y[c->n - 1]);
    }
    return clab__push_str(L, s);
}

static const luaL_Reg history_methods[] = {{"epochs", history_epochs}, {"names", history_names}, {NULL, NULL}};
static const luaL_Reg history_meta[] = {{"__tostring", history_tostring}, {NULL, NULL}};

const clab__type clab__history = {"History", history_drop, history_get, history_methods, history_meta};
