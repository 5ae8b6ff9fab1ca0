/* bind_genes.c -- lab.genes: how the genes of studies are called, and what would join them. */
#include <stdlib.h>
#include <string.h>

#include "data/genes.h"
#include "label/compare.h"
#include "lua_impl.h"

static void genes_drop(clab_ctx *cx, void *p)
{
    (void)cx;
    clab_value_unref(p);
}

/* lab.genes(a [, b ...]) */
static int lab_genes(lua_State *L)
{
    int n = lua_gettop(L);
    const clab_dataset **ds;
    clab__box *box;

    if (n == 0)
        clab__raise(L, CLAB_EARG, "genes takes datasets: lab.genes(a, b)");
    ds = lua_newuserdatauv(L, (size_t)n * sizeof *ds, 0);
    for (int i = 0; i < n; i++)
        ds[i] = clab__at(L, i + 1, &clab__dataset);
    box = clab__new(L, &clab__genes);
    clab__ok(L, clab_genes_report(clab__cx(L), ds, n, (clab_value **)&box->p));
    return 1;
}

static int genes_get(lua_State *L)
{
    const clab_value *v = clab__at(L, 1, &clab__genes);

    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    clab__push_value(L, clab_value_get(v, lua_tostring(L, 2)), lua_tostring(L, 2));
    return 1;
}

static int genes_tostring(lua_State *L)
{
    const clab_value *v = clab__at(L, 1, &clab__genes);
    char **text = clab__text(L);

    clab__ok(L, clab_genes_text(clab__cx(L), v, text));
    return clab__push_text(L, text);
}

static int genes_json(lua_State *L)
{
    const clab_value *v = clab__at(L, 1, &clab__genes);
    char **text = clab__text(L);

    clab__ok(L, clab_value_json(clab__cx(L), v, text));
    return clab__push_text(L, text);
}

static const luaL_Reg genes_methods[] = {{"json", genes_json}, {NULL, NULL}};
static const luaL_Reg genes_meta[] = {{"__tostring", genes_tostring}, {NULL, NULL}};
const clab__type clab__genes = {"Genes", genes_drop, genes_get, genes_methods, genes_meta};

void clab__genes_open(lua_State *L, int lab)
{
    lua_pushcfunction(L, lab_genes);
    lua_setfield(L, lab, "genes");
}
