/* bind_mem.c -- mem(): who holds which bytes since which line, and who keeps them alive; mem.diff(): what
 * the last statement changed.  Collects nothing: what only waits for the collector is shown as garbage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem_impl.h"

static void set_bytes(lua_State *L, const char *name, int64_t bytes)
{
    if (bytes < 0)
        return; /* not known */
    lua_pushinteger(L, bytes);
    lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *text)
{
    if (!*text)
        return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

/* ---- the list of holdings -------------------------------------------------------------------------*/

static int holdings_gc(lua_State *L)
{
    free(*(clab_holding **)lua_touserdata(L, 1));
    return 0;
}

/* Pushes a block that owns them. */
static const clab_holding *holdings(lua_State *L, int64_t *n)
{
    clab_holding **owner = lua_newuserdatauv(L, sizeof *owner, 0);

    *owner = NULL;
    if (luaL_newmetatable(L, "celllab.holdings")) {
        lua_pushcfunction(L, holdings_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    clab__ok(L, clab_ledger_holdings(clab__cx(L), owner, n));
    return *owner;
}

/* Fields of the table on top. */
static void set_holding(lua_State *L, const clab_holding *h)
{
    lua_pushinteger(L, (lua_Integer)h->id);
    lua_setfield(L, -2, "id");
    set_text(L, "name", clab_show(h->name));
    set_text(L, "kind", clab_mem_kind_name(h->kind));
    set_text(L, "home", clab_mem_home_name(h->home));
    set_bytes(L, "bytes", h->bytes);
    set_bytes(L, "blocks", h->blocks);
    set_text(L, "line", h->born.where);
    set_text(L, "text", h->born.text);
}

/* ---- who keeps it alive -----------------------------------------------------------------------------*/

typedef struct {
    const clab__reach *reach;
    const clab__hold *hold;
    int64_t n_hold, at; /* at: where the search for the next id begins */
} holders;

/* holders = names, handles = objects, garbage = true when all of them wait for the collector. */
static bool set_holders(lua_State *L, holders *h, uint64_t id)
{
    lua_Integer names = 0, handles = 0, reached = 0;
    int64_t low = 0, high = h->n_hold;

    while (low < high) {
        int64_t mid = (low + high) / 2;
        if (h->hold[mid].holding < id)
            low = mid + 1;
        else
            high = mid;
    }
    lua_newtable(L);
    for (; low < h->n_hold && h->hold[low].holding == id; low++) {
        const clab__reach *r = &h->reach[h->hold[low].reach];
        handles++;
        if (!r->names)
            continue;
        reached++;
        lua_pushstring(L, r->names);
        lua_rawseti(L, -2, ++names);
    }
    lua_setfield(L, -2, "holders");
    set_bytes(L, "handles", handles);
    if (handles > 0 && reached == 0) {
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, "garbage");
    }
    return handles > 0 && reached == 0;
}

/* Sets objects and garbage of the table below. */
static void set_objects(lua_State *L)
{
    int result = lua_gettop(L), n_reach;
    int64_t n, garbage = 0, accounted = 0;
    const clab_holding *h = holdings(L, &n);
    holders who = {0};

    who.reach = clab__mem_walk(L, &n_reach);
    who.hold = clab__mem_holds(L, who.reach, n_reach, &who.n_hold);
    lua_createtable(L, (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        lua_createtable(L, 0, 11);
        set_holding(L, &h[i]);
        if (set_holders(L, &who, h[i].id) && h[i].home == CLAB_HOME_RAM)
            garbage += h[i].bytes;
        accounted += h[i].home == CLAB_HOME_RAM ? h[i].bytes : 0;
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, result, "objects");
    lua_settop(L, result);
    set_bytes(L, "garbage", garbage);
    set_bytes(L, "live", accounted); /* of the same moment as the list */
}

/* ---- the process beside its books ---------------------------------------------------------------------*/

/* What is measured, taken apart: the parts add up to it, `rest` being what no source explains (stacks,
 * the kernel's rounding; below 0 where accounted memory was not touched yet). */
static void set_process(lua_State *L, int64_t live)
{
    clab_process_memory m;
    int64_t lua = (int64_t)clab__of(L)->bytes, small;

    clab_ledger_process(clab__cx(L), &m);
    small = m.heap_used - m.accounted_small - lua;
    lua_newtable(L);
    set_bytes(L, "pss", m.pss);
    set_bytes(L, "rss", m.rss);
    set_bytes(L, "workers", m.workers);
    set_bytes(L, "libraries", m.file);
    set_bytes(L, "allocator", m.heap_kept);
    set_bytes(L, "lua", lua);
    set_bytes(L, "small", small > 0 ? small : 0);
    if (m.pss >= 0) {
        lua_pushinteger(L, m.pss - live - lua - (small > 0 ? small : 0) - m.heap_kept - (m.file > 0 ? m.file : 0));
        lua_setfield(L, -2, "rest");
    }
    lua_setfield(L, -2, "process");
}

static void set_peak(lua_State *L, const char *name, const clab_peak *p)
{
    char field[32];

    set_bytes(L, name, p->bytes);
    snprintf(field, sizeof field, "%s_step", name);
    set_text(L, field, p->phase);
    snprintf(field, sizeof field, "%s_line", name);
    set_text(L, field, p->place.where);
    snprintf(field, sizeof field, "%s_text", name);
    set_text(L, field, p->place.text);
}

/* ---- mem() --------------------------------------------------------------------------------------------*/

/* Runs with the collector stopped: objects that nobody reaches must not vanish while they are named. */
static int mem_now(lua_State *L)
{
    clab_ctx *cx = clab__cx(L);
    clab_ledger *ledger = clab_ctx_ledger(cx);
    clab_peak accounted, measured;
    clab_limit limit = clab_budget_get(cx);
    clab_snapshot *snap = lua_newuserdatauv(L, sizeof *snap, 0);

    memset(snap, 0, sizeof *snap);
    snap->tree_bytes = -1;
    if (ledger) {
        clab_ledger_sample(ledger);
        clab_ledger_snapshot(ledger, snap);
    }
    clab_ledger_peak(cx, &accounted, &measured);
    lua_newtable(L);
    set_objects(L);
    set_peak(L, "peak", &accounted);
    set_peak(L, "tree_peak", &measured);
    set_bytes(L, "tree", snap->tree_bytes);
    set_bytes(L, "lua", (int64_t)clab__of(L)->bytes);
    set_bytes(L, "limit", limit.bytes);
    set_bytes(L, "left", clab_budget_left(cx));
    set_text(L, "source", limit.source);
    set_process(L, clab_mem_live(cx));
    if (luaL_newmetatable(L, "celllab.mem")) {
        lua_pushcfunction(L, clab__mem_tostring);
        lua_setfield(L, -2, "__tostring");
    }
    lua_setmetatable(L, -2);
    return 1;
}

static int mem(lua_State *L)
{
    clab_lua *l = clab__of(L);
    bool ran = lua_gc(L, LUA_GCISRUNNING) != 0;
    int status;

    lua_settop(L, 0);
    lua_gc(L, LUA_GCSTOP);
    lua_pushcfunction(L, mem_now);
    status = lua_pcall(L, 0, 1, 0);
    if (ran)
        lua_gc(L, LUA_GCRESTART);
    if (!l->statement_text) /* a script has no statements: its differences are those between two looks */
        clab__mem_before(l);
    return status == LUA_OK ? 1 : lua_error(L);
}

/* ---- mem.diff() ----------------------------------------------------------------------------------------*/

void clab__mem_before(clab_lua *l)
{
    clab__before now = {.statement = l->statement};

    if (clab_ledger_holdings(l->cx, &now.held, &now.n) != CLAB_OK) {
        clab_error_clear(l->cx); /* a difference that cannot be told is no reason to stop */
        return;
    }
    free(l->before[1].held);
    l->before[1] = l->before[0];
    l->before[0] = now;
}

void clab__mem_close(clab_lua *l)
{
    for (int i = 0; i < 2; i++) {
        free(l->before[i].held);
        l->before[i] = (clab__before){0};
    }
}

/* Pushes id -> {what mem() says of it}, from a result of mem() at idx or from what was held before. */
static void push_earlier(lua_State *L, int idx, const clab__before *b)
{
    lua_newtable(L);
    if (lua_istable(L, idx) && lua_getfield(L, idx, "objects") == LUA_TTABLE) {
        lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
        for (lua_Integer i = 1; i <= n; i++) {
            lua_rawgeti(L, -1, i);
            if (lua_istable(L, -1) && lua_getfield(L, -1, "id") == LUA_TNUMBER) {
                lua_pushvalue(L, -2);
                lua_rawset(L, -5);
                lua_pop(L, 1);
            } else {
                clab__raise(L, CLAB_EARG, "mem.diff compares with what mem() returned");
            }
        }
        lua_pop(L, 1);
        return;
    }
    if (!lua_isnoneornil(L, idx))
        clab__raise(L, CLAB_EARG, "mem.diff compares with what mem() returned");
    for (int64_t i = 0; b && i < b->n; i++) {
        lua_createtable(L, 0, 9);
        set_holding(L, &b->held[i]);
        lua_rawseti(L, -2, (lua_Integer)b->held[i].id);
    }
}

/* The table at -1 goes to the list at `list` when its bytes changed. */
static int64_t add_change(lua_State *L, int list, int64_t change)
{
    bool ram;

    if (change == 0) {
        lua_pop(L, 1);
        return 0;
    }
    lua_pushinteger(L, change);
    lua_setfield(L, -2, "change");
    lua_getfield(L, -1, "home");
    ram = strcmp(lua_tostring(L, -1), "RAM") == 0;
    lua_pop(L, 1);
    lua_rawseti(L, list, (lua_Integer)lua_rawlen(L, list) + 1);
    return ram ? change : 0;
}

/* mem.diff([earlier]): since the last statement of the prompt began (in a script: since mem() or mem.diff() last
 * looked), or since mem() returned `earlier`. */
static int mem_diff(lua_State *L)
{
    clab_lua *l = clab__of(L);
    const clab__before *b = l->statement_text ? &l->before[1] : &l->before[0];
    const clab_holding *h;
    int64_t n, total = 0;
    int earlier, list;

    lua_settop(L, 1);
    push_earlier(L, 1, b);
    earlier = lua_gettop(L);
    h = holdings(L, &n);
    lua_newtable(L);
    lua_newtable(L);
    list = lua_gettop(L);
    for (int64_t i = 0; i < n; i++) {
        int64_t was = 0;
        if (lua_rawgeti(L, earlier, (lua_Integer)h[i].id) == LUA_TTABLE) {
            lua_getfield(L, -1, "bytes");
            was = lua_tointeger(L, -1);
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
        lua_pushnil(L);
        lua_rawseti(L, earlier, (lua_Integer)h[i].id); /* what stays there is gone */
        lua_createtable(L, 0, 10);
        set_holding(L, &h[i]);
        total += add_change(L, list, h[i].bytes - was);
    }
    for (lua_pushnil(L); lua_next(L, earlier) != 0;) {
        int64_t was;
        lua_createtable(L, 0, 10);
        for (lua_pushnil(L); lua_next(L, -3) != 0; lua_pop(L, 1)) {
            lua_pushvalue(L, -2);
            lua_pushvalue(L, -2);
            lua_rawset(L, -5);
        }
        lua_getfield(L, -1, "bytes");
        was = lua_tointeger(L, -1);
        lua_pop(L, 1);
        lua_pushinteger(L, 0);
        lua_setfield(L, -2, "bytes");
        total += add_change(L, list, -was);
        lua_pop(L, 1);
    }
    lua_setfield(L, -2, "objects");
    lua_pushinteger(L, total);
    lua_setfield(L, -2, "change");
    if (lua_isnoneornil(L, 1) && l->statement_text && b->statement > 0) {
        lua_pushfstring(L, "[%I]", (LUAI_UACINT)b->statement);
        lua_setfield(L, -2, "since");
    }
    if (luaL_newmetatable(L, "celllab.mem_diff")) {
        lua_pushcfunction(L, clab__mem_diff_tostring);
        lua_setfield(L, -2, "__tostring");
    }
    lua_setmetatable(L, -2);
    if (!l->statement_text)
        clab__mem_before(l);
    return 1;
}

/* ---- opening ----------------------------------------------------------------------------------------*/

static int mem_is(lua_State *L)
{
    lua_pushliteral(L, "mem(): who holds which bytes, and since which line; mem.diff(): what changed");
    return 1;
}

/* mem and lab.mem are one table that can be called. */
void clab__mem_open(lua_State *L, int lab)
{
    lua_newtable(L);
    lua_pushcfunction(L, mem_diff);
    lua_setfield(L, -2, "diff");
    lua_newtable(L);
    lua_pushcfunction(L, mem);
    lua_setfield(L, -2, "__call");
    lua_pushcfunction(L, mem_is);
    lua_setfield(L, -2, "__tostring");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_setfield(L, lab, "mem");
    lua_setglobal(L, "mem");
}
