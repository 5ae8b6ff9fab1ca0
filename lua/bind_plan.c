/* bind_plan.c -- lab.plan(function): what it will take, without doing it; lab.whatif{...}: the guide's calculation. */
#include <string.h>

#include "ledger/timeline.h"
#include "lua_impl.h"
#include "plan/plan.h"

#define PLAN "celllab.plan"
#define GUIDE "celllab.guide"

static void set_bytes(lua_State *L, const char *name, int64_t bytes)
{
    lua_pushinteger(L, bytes);
    lua_setfield(L, -2, name);
}

/* A table whose text is `text`; on the stack are the table and its text. */
static void with_text(lua_State *L, const char *meta)
{
    lua_setfield(L, -2, "text");
    luaL_setmetatable(L, meta);
}

static int text_of(lua_State *L)
{
    lua_getfield(L, 1, "text");
    return 1;
}

static void make_meta(lua_State *L, const char *name)
{
    if (luaL_newmetatable(L, name)) {
        lua_pushcfunction(L, text_of);
        lua_setfield(L, -2, "__tostring");
    }
    lua_pop(L, 1);
}

/* ---- the plan of a function -----------------------------------------------------------------------*/

/* The globals that fn sees become a layer over the real ones, so that what it assigns goes with the plan.  Pushes a
 * chunk that keeps the real ones; returns the upvalue's number, 0 when fn uses none. */
static int layer_globals(lua_State *L, int fn)
{
    const char *name;
    int n = 1;

    while ((name = lua_getupvalue(L, fn, n)) != NULL && strcmp(name, "_ENV") != 0) {
        lua_pop(L, 1);
        n++;
    }
    if (name)
        lua_pop(L, 1);
    if (luaL_loadstring(L, "return _ENV") != LUA_OK || luaL_loadstring(L, "return _ENV") != LUA_OK)
        lua_error(L);
    if (!name) {
        lua_pop(L, 1);
        return 0;
    }
    lua_upvaluejoin(L, -2, 1, fn, n); /* kept */
    lua_newtable(L);
    lua_newtable(L);
    lua_getupvalue(L, fn, n);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_setupvalue(L, -2, 1);
    lua_upvaluejoin(L, fn, n, -1, 1);
    lua_pop(L, 1);
    return n;
}

static void begin(lua_State *L, int fn)
{
    clab_lua *l = clab__of(L);
    lua_Debug ar;

    lua_pushvalue(L, fn);
    lua_getinfo(L, ">S", &ar);
    if (clab__record_source(l, ar.source, l->statement_text) != CLAB_OK)
        clab_error_clear(l->cx); /* rows without words are still rows */
    lua_sethook(L, lua_gethook(L), lua_gethookmask(L) | LUA_MASKLINE, lua_gethookcount(L));
    clab__sandbox_enter(L);
}

static void end(lua_State *L)
{
    clab_lua *l = clab__of(L);

    clab__sandbox_leave(L);
    clab__record_free(l);
    lua_sethook(L, lua_gethook(L), lua_gethookmask(L) & ~LUA_MASKLINE, lua_gethookcount(L));
}

static void push_row(lua_State *L, const clab_timeline_row *r)
{
    lua_createtable(L, 0, 10);
    set_bytes(L, "line", r->line);
    lua_pushstring(L, r->text);
    lua_setfield(L, -2, "text");
    lua_pushstring(L, r->steps[0] ? r->steps : r->text);
    lua_setfield(L, -2, "step");
    set_bytes(L, "live_bytes", r->live);
    set_bytes(L, "peak_bytes", r->peak);
    set_bytes(L, "gpu_live_bytes", r->gpu_live);
    set_bytes(L, "gpu_peak_bytes", r->gpu_peak);
    set_bytes(L, "file_bytes", r->read + r->written);
}

/* The plan as a table: peak_bytes, mem_request, base_bytes, gpu_peak_bytes, steps; printed, it is the plan's text. */
static int push_plan(lua_State *L, clab_timeline *t)
{
    char **text = clab__text(L);
    clab_status st = clab_plan_text(clab__cx(L), t, "a function", text);

    lua_createtable(L, 0, 6);
    set_bytes(L, "peak_bytes", t->peak);
    set_bytes(L, "mem_request", clab_plan_request(t->peak));
    set_bytes(L, "base_bytes", t->base);
    set_bytes(L, "gpu_peak_bytes", t->gpu_peak);
    lua_createtable(L, (int)t->n, 0);
    for (int64_t i = 0; i < t->n; i++) {
        push_row(L, &t->rows[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "steps");
    clab_timeline_free(t);
    clab__ok(L, st);
    lua_pushstring(L, *text);
    with_text(L, PLAN);
    return 1;
}

static void read_changes(lua_State *L, int idx, clab_whatif *w)
{
    char why[160];

    if (lua_type(L, idx) == LUA_TSTRING) {
        if (!clab_whatif_set(w, lua_tostring(L, idx), why, sizeof why))
            clab__raise(L, CLAB_EARG, "plan: %s", why);
    } else if (lua_istable(L, idx)) {
        for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
            const char *change = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?";
            if (!clab_whatif_set(w, change, why, sizeof why))
                clab__raise(L, CLAB_EARG, "plan: %s", why);
        }
    } else if (!lua_isnoneornil(L, idx)) {
        clab__raise(L, CLAB_EARG, "plan takes a function, and a change or a list of changes: \"join=outer\"");
    }
}

/* lab.plan(function() ... end [, "join=outer" or {"dense", "cells=100000"}]) */
static int lab_plan(lua_State *L)
{
    clab_ctx *cx = clab__cx(L);
    clab_whatif w = {0};
    clab_timeline t = {0};
    int env, status, keeper;
    clab_status st;

    if (!lua_isfunction(L, 1) || lua_iscfunction(L, 1))
        clab__raise(L, CLAB_EARG, "plan takes a function: lab.plan(function() ... end)");
    if (clab_ctx_planning(cx))
        clab__raise(L, CLAB_ESTATE, "this is a plan already");
    read_changes(L, 2, &w);
    lua_settop(L, 1);
    env = layer_globals(L, 1);
    keeper = lua_gettop(L);
    clab_ctx_set_planning(cx, true);
    clab_ctx_set_whatif(cx, &w);
    st = clab_timeline_start(cx);
    if (st == CLAB_OK) {
        begin(L, 1);
        lua_pushcfunction(L, clab__handler);
        lua_pushvalue(L, 1);
        status = lua_pcall(L, 0, 0, -2);
        clab__cx(L); /* whatever thread ran the core last, it is this one again */
        end(L);
        st = clab_timeline_stop(cx, &t);
    } else {
        status = LUA_OK;
    }
    if (env > 0)
        lua_upvaluejoin(L, 1, env, keeper, 1);
    lua_gc(L, LUA_GCCOLLECT); /* the sketches go while they are known as such */
    clab_ctx_set_planning(cx, false);
    if (status != LUA_OK) {
        clab_timeline_free(&t);
        clab_error_clear(cx);
        return lua_error(L);
    }
    clab__ok(L, st);
    return push_plan(L, &t);
}

/* ---- the guide --------------------------------------------------------------------------------------*/

static void take_pair(lua_State *L, const char *name, int64_t *cells, int64_t *genes)
{
    if (lua_getfield(L, 1, name) == LUA_TTABLE) {
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        *cells = (int64_t)lua_tonumber(L, -2);
        *genes = (int64_t)lua_tonumber(L, -1);
        lua_pop(L, 2);
    } else if (!lua_isnil(L, -1) || strcmp(name, "reference") == 0) {
        clab__raise(L, CLAB_EARG, "whatif: %s={cells, genes}", name);
    }
    lua_pop(L, 1);
}

static void read_guide(lua_State *L, clab_guide *g)
{
    int64_t most;

    take_pair(L, "reference", &g->reference_cells, &g->reference_genes);
    take_pair(L, "query", &g->query_cells, &g->query_genes);
    most = g->reference_genes > g->query_genes ? g->reference_genes : g->query_genes;
    g->union_genes = lua_getfield(L, 1, "union") == LUA_TNUMBER ? (int64_t)lua_tonumber(L, -1) : most;
    g->density = lua_getfield(L, 1, "density") == LUA_TNUMBER ? lua_tonumber(L, -1) : 0.09;
    if (lua_getfield(L, 1, "dtype") == LUA_TSTRING && strcmp(lua_tostring(L, -1), "float32") == 0)
        g->float64 = false;
    else if (!lua_isnil(L, -1) && strcmp(luaL_tolstring(L, -1, NULL), "float64") != 0)
        clab__raise(L, CLAB_EARG, "whatif: dtype is \"float64\" or \"float32\"");
    lua_settop(L, 1);
}

/* lab.whatif{reference={50000, 30000}, query={60000, 30000}, union=35000, density=0.09, dtype="float64"} */
static int lab_whatif(lua_State *L)
{
    clab_ctx *cx = clab__cx(L);
    clab_guide g = {.float64 = true};
    clab_guide_row rows[CLAB_GUIDE_ROWS];
    char **text;
    int64_t usual = 0, here = 0;
    int n;

    if (!lua_istable(L, 1))
        clab__raise(L, CLAB_EARG, "whatif takes a table: lab.whatif{reference={50000, 30000}, query={60000, 30000}, union=35000}");
    read_guide(L, &g);
    clab__ok(L, clab_guide_check(cx, &g));
    text = clab__text(L);
    clab__ok(L, clab_guide_text(cx, &g, text));
    n = clab_guide_rows(&g, rows);
    lua_createtable(L, n, 3);
    for (int i = 0; i < n; i++) {
        lua_createtable(L, 0, 3);
        lua_pushstring(L, rows[i].what);
        lua_setfield(L, -2, "what");
        set_bytes(L, "guide_bytes", rows[i].usual);
        set_bytes(L, "celllab_bytes", rows[i].here);
        lua_rawseti(L, -2, i + 1);
        usual += rows[i].usual;
        here += rows[i].here;
    }
    set_bytes(L, "guide_bytes", usual);
    set_bytes(L, "celllab_bytes", here);
    lua_pushstring(L, *text);
    with_text(L, GUIDE);
    return 1;
}

void clab__plan_open(lua_State *L, int lab)
{
    make_meta(L, PLAN);
    make_meta(L, GUIDE);
    lua_pushcfunction(L, lab_plan);
    lua_setfield(L, lab, "plan");
    lua_pushcfunction(L, lab_whatif);
    lua_setfield(L, lab, "whatif");
}
