/* udata.c -- typed boxes around the core's objects: checked on the way in, freed by the collector, by free()
 * or at the end of a <close> scope; and the collector's knowledge of bytes that Lua cannot see. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "lua_impl.h"

#define TEXT_KEY "celllab.text"
#define STR_KEY "celllab.str"

/* ---- boxes ----------------------------------------------------------------------------------------*/

static int box_gc(lua_State *L)
{
    clab__box *b = lua_touserdata(L, 1);

    if (b && b->link) {
        *b->link = b->next;
        if (b->next)
            b->next->link = b->link;
        b->link = NULL;
    }
    if (b && b->p) {
        void *p = b->p;
        b->p = NULL;
        b->type->drop(clab__of(L)->cx, p);
    }
    return 0;
}

/* Methods first, so that a script's calls never depend on what a file calls its columns. */
static int box_index(lua_State *L)
{
    const clab__type *t = lua_touserdata(L, lua_upvalueindex(2));

    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    lua_pop(L, 1);
    return t->get ? t->get(L) : 0;
}

static void *as_pointer(const void *p)
{
    return (void *)(uintptr_t)p;
}

void clab__type_open(lua_State *L, const clab__type *t)
{
    if (!luaL_newmetatable(L, t->name)) {
        lua_pop(L, 1);
        return;
    }
    lua_pushcfunction(L, box_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, "celllab");
    lua_setfield(L, -2, "__metatable");
    if (t->meta)
        luaL_setfuncs(L, t->meta, 0);
    lua_newtable(L);
    if (t->methods)
        luaL_setfuncs(L, t->methods, 0);
    if (t == &clab__dataset)
        clab__steps_open(L, lua_gettop(L));
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "methods");
    lua_pushlightuserdata(L, as_pointer(t));
    lua_pushcclosure(L, box_index, 2);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

clab__box *clab__new(lua_State *L, const clab__type *t)
{
    clab__box *b;

    luaL_checkstack(L, 8, NULL);
    b = lua_newuserdatauv(L, sizeof *b, 1);
    memset(b, 0, sizeof *b);
    b->type = t;
    b->link = &clab__of(L)->boxes;
    b->next = *b->link;
    if (b->next)
        b->next->link = &b->next;
    *b->link = b;
    luaL_setmetatable(L, t->name);
    return b;
}

clab__box *clab__test(lua_State *L, int idx, const clab__type *t)
{
    return luaL_testudata(L, idx, t->name);
}

/* What stands at idx, in words for a message. */
static const char *found(lua_State *L, int idx)
{
    if (luaL_getmetafield(L, idx, "__name") == LUA_TSTRING)
        return lua_tostring(L, -1);
    return lua_isnone(L, idx) ? "nothing" : luaL_typename(L, idx);
}

clab__box *clab__box_at(lua_State *L, int idx, const clab__type *t)
{
    clab__box *b = clab__test(L, idx, t);

    if (!b)
        clab__raise(L, CLAB_EARG, "a %s is wanted here, not %s%s", t->name, found(L, idx),
                    idx == 1 ? "; methods are called with a colon: object:method{...}" : "");
    return b;
}

void *clab__at(lua_State *L, int idx, const clab__type *t)
{
    clab__box *b = clab__box_at(L, idx, t);

    if (!b->p)
        clab__raise(L, CLAB_ESTATE, "this %s was freed; make it again", t->name);
    return b->p;
}

/* ---- bytes that Lua cannot see --------------------------------------------------------------------*/

void clab__tell_gc(lua_State *L)
{
    clab_lua *l = clab__of(L);
    int64_t live = clab_mem_live(l->cx), more = live - l->live_seen;

    l->live_seen = live;
    if (more >= 1024)
        lua_gc(L, LUA_GCSTEP, more / 1024 > 1 << 30 ? 1 << 30 : (int)(more / 1024));
}

/* Views that nobody can reach any more would keep the stores alive: they are collected first. */
void clab__free_box(lua_State *L, clab__box *b, const char *title, int64_t held)
{
    clab_ctx *cx = clab__cx(L);
    char line[256];
    int64_t before, back;
    void *p = b->p;

    if (!p)
        return;
    lua_gc(L, LUA_GCCOLLECT);
    before = clab_mem_live(cx);
    b->p = NULL;
    b->type->drop(cx, p);
    clab_mem_trim(cx);
    back = before - clab_mem_live(cx);
    clab__of(L)->live_seen = clab_mem_live(cx);
    if (held > back + back / 8 + 4096)
        snprintf(line, sizeof line, "freed %s: %s of %s; the rest is shared with other objects\n", title,
                 clab_bytes(back), clab_bytes(held));
    else
        snprintf(line, sizeof line, "freed %s: %s\n", title, clab_bytes(back));
    clab__print(L, line);
}

/* ---- malloc'd strings -----------------------------------------------------------------------------*/

static int text_gc(lua_State *L)
{
    char **holder = lua_touserdata(L, 1);

    free(*holder);
    *holder = NULL;
    return 0;
}

char **clab__text(lua_State *L)
{
    char **holder;

    luaL_checkstack(L, 4, NULL);
    holder = lua_newuserdatauv(L, sizeof *holder, 0);
    *holder = NULL;
    if (luaL_newmetatable(L, TEXT_KEY)) {
        lua_pushcfunction(L, text_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return holder;
}

int clab__push_text(lua_State *L, char **holder)
{
    lua_pushstring(L, *holder ? *holder : "");
    free(*holder);
    *holder = NULL;
    return 1;
}

/* ---- growing strings ------------------------------------------------------------------------------*/

static int str_gc(lua_State *L)
{
    clab_str_free(lua_touserdata(L, 1));
    return 0;
}

clab_str *clab__str(lua_State *L)
{
    clab_str *s;

    luaL_checkstack(L, 4, NULL);
    s = lua_newuserdatauv(L, sizeof *s, 0);
    memset(s, 0, sizeof *s);
    if (luaL_newmetatable(L, STR_KEY)) {
        lua_pushcfunction(L, str_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return s;
}

int clab__push_str(lua_State *L, clab_str *s)
{
    if (s->failed)
        clab__raise(L, CLAB_ENOMEM, "no memory for a text of %zu bytes", s->len);
    lua_pushlstring(L, s->s ? s->s : "", s->len);
    clab_str_free(s);
    return 1;
}
