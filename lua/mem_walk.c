/* mem_walk.c -- who in the session can still reach which object: a walk over the language's own graph.
 * Breadth first, so that every object gets its shortest names.  Changes nothing that it visits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "label/classifier.h"
#include "mem_impl.h"
#include "models/scvi.h"

#define MOST_VISITS 1000000 /* a script's own tables may be huge: then the walk ends early, and names are fewer */
#define MOST_NAMES 4        /* of one object */
#define PATH_BYTES 64

typedef struct {
    lua_State *L;
    int seen;  /* stack index: pointer -> true, or the names of a box */
    int queue; /* stack index: values in turn, each followed by its name */
    lua_Integer n_queued;
    int64_t n_visits;
} walk;

static bool leads_on(int type)
{
    return type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TUSERDATA || type == LUA_TTHREAD;
}

static const clab__box *box_of(lua_State *L, int idx)
{
    static const clab__type *const types[] = {
        &clab__dataset, &clab__table, &clab__column,     &clab__array,   &clab__dict,
        &clab__scvi,    &clab__model, &clab__evaluation, &clab__history, &clab__comparison,
    };

    for (size_t i = 0; lua_type(L, idx) == LUA_TUSERDATA && i < sizeof types / sizeof *types; i++) {
        const clab__box *b = clab__test(L, idx, types[i]);
        if (b)
            return b;
    }
    return NULL;
}

/* The value on top of the stack was reached by `name`: queued at the first time, else only named. Pops it. */
static void reached(walk *w, const char *name)
{
    lua_State *L = w->L;
    const void *p = lua_topointer(L, -1);
    bool box, first;

    if (!leads_on(lua_type(L, -1)) || w->n_visits > MOST_VISITS) {
        lua_pop(L, 1);
        return;
    }
    box = box_of(L, -1) != NULL;
    first = lua_rawgetp(L, w->seen, p) == LUA_TNIL;
    if (box) {
        const char *had = lua_tostring(L, -1), *c;
        int n = 1;
        for (c = had; c && (c = strstr(c, ", ")); c += 2)
            n++;
        if (first)
            lua_pushstring(L, name);
        else if (n < MOST_NAMES && !strstr(had, name))
            lua_pushfstring(L, "%s, %s", had, name);
        else
            lua_pushvalue(L, -1);
        lua_rawsetp(L, w->seen, p);
    } else if (first) {
        lua_pushboolean(L, 1);
        lua_rawsetp(L, w->seen, p);
    }
    lua_pop(L, 1);
    if (!first) {
        lua_pop(L, 1);
        return;
    }
    w->n_visits++;
    lua_rawseti(L, w->queue, ++w->n_queued);
    lua_pushstring(L, name);
    lua_rawseti(L, w->queue, ++w->n_queued);
}

static bool identifier(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

    return n > 0 && s[n] == '\0' && (s[0] < '0' || s[0] > '9');
}

/* "parts.query", "list[3]", "t[\"odd name\"]"; of a global table, the key alone.  The key is at -2. */
static void child_name(lua_State *L, const char *parent, char *buf, size_t n)
{
    char key[PATH_BYTES];

    if (lua_type(L, -2) == LUA_TSTRING) {
        clab_text_show(lua_tostring(L, -2), key, sizeof key);
        if (identifier(key))
            snprintf(buf, n, "%s%s%s", parent, *parent ? "." : "", key);
        else
            snprintf(buf, n, "%s[\"%s\"]", parent, key);
    } else if (lua_isinteger(L, -2)) {
        snprintf(buf, n, "%s[%lld]", parent, (long long)lua_tointeger(L, -2));
    } else {
        snprintf(buf, n, "a part of %s", parent);
    }
}

static void visit_table(walk *w, int idx, const char *name)
{
    lua_State *L = w->L;
    char path[PATH_BYTES + 80];

    for (lua_pushnil(L); lua_next(L, idx) != 0;) {
        child_name(L, name, path, sizeof path);
        reached(w, path);
        if (leads_on(lua_type(L, -1))) { /* a key that is an object itself */
            lua_pushvalue(L, -1);
            reached(w, path);
        }
    }
    if (lua_getmetatable(L, idx))
        reached(w, name);
}

/* Upvalues are known by their own names: a script's locals that its functions use. */
static void visit_function(walk *w, int idx)
{
    const char *name;

    for (int i = 1; (name = lua_getupvalue(w->L, idx, i)) != NULL; i++)
        reached(w, *name && strcmp(name, "_ENV") != 0 ? name : "a function of C");
}

/* Locals of every function that runs in a thread, by their names. */
static void visit_stack(walk *w, lua_State *of)
{
    lua_State *L = w->L;
    lua_Debug ar;

    for (int level = 0; lua_getstack(of, level, &ar); level++) {
        const char *name;
        lua_getinfo(of, "f", &ar);
        if (of != L)
            lua_xmove(of, L, 1);
        reached(w, "a running function");
        for (int i = 1; lua_checkstack(of, 2) && (name = lua_getlocal(of, &ar, i)) != NULL; i++) {
            if (of != L)
                lua_xmove(of, L, 1);
            if (name[0] == '(' && of == L && level == 0)
                lua_pop(L, 1); /* our own work */
            else
                reached(w, name[0] == '(' ? "the running line" : name);
        }
    }
}

static void visit(walk *w, int idx, const char *name)
{
    lua_State *L = w->L;

    switch (lua_type(L, idx)) {
    case LUA_TTABLE:
        visit_table(w, idx, name);
        break;
    case LUA_TFUNCTION:
        visit_function(w, idx);
        break;
    case LUA_TTHREAD:
        visit_stack(w, lua_tothread(L, idx));
        break;
    case LUA_TUSERDATA:
        for (int i = 1; lua_getiuservalue(L, idx, i) != LUA_TNONE; i++)
            reached(w, name);
        lua_pop(L, 1);
        break;
    default:
        break;
    }
}

static void walk_all(walk *w)
{
    lua_State *L = w->L;

    for (lua_Integer at = 1; at <= w->n_queued; at += 2) {
        int idx;
        lua_rawgeti(L, w->queue, at);
        idx = lua_gettop(L);
        lua_rawgeti(L, w->queue, at + 1);
        visit(w, idx, lua_tostring(L, -1));
        lua_settop(L, idx - 1);
        lua_pushnil(L); /* its name stays only where it was written */
        lua_rawseti(L, w->queue, at);
    }
}

const clab__reach *clab__mem_walk(lua_State *L, int *n)
{
    clab_lua *l = clab__of(L);
    walk w = {.L = L};
    clab__reach *out;
    int64_t count = 0;

    luaL_checkstack(L, 40, NULL);
    for (const clab__box *b = l->boxes; b; b = b->next)
        count++;
    out = lua_newuserdatauv(L, ((size_t)count + 1) * sizeof *out, 0);
    lua_newtable(L);
    w.seen = lua_gettop(L);
    lua_newtable(L);
    w.queue = lua_gettop(L);
    lua_pushglobaltable(L);
    reached(&w, "");
    visit_stack(&w, L);
    if (l->L != L)
        visit_stack(&w, l->L);
    walk_all(&w);
    lua_pushvalue(L, LUA_REGISTRYINDEX);
    reached(&w, "the session itself");
    walk_all(&w);
    lua_pop(L, 1);
    *n = (int)count;
    for (const clab__box *b = l->boxes; b; b = b->next) { /* the list has the youngest first */
        clab__reach *r = &out[--count];
        *r = (clab__reach){.box = b};
        if (lua_rawgetp(L, w.seen, b) == LUA_TSTRING)
            r->names = lua_tostring(L, -1); /* anchored in `seen` */
        for (const char *c = r->names; c && r->n_names++ >= 0 && (c = strstr(c, ", ")); c += 2)
            ;
        lua_pop(L, 1);
    }
    return out;
}

/* ---- from objects to bytes ------------------------------------------------------------------------*/

typedef struct {
    clab_str *pairs; /* clab__hold, one after another */
    int64_t reach;
} collect;

static void found(void *user, uint64_t holding)
{
    collect *c = user;
    clab__hold h = {holding, c->reach};

    if (holding)
        clab_str_addn(c->pairs, (const char *)&h, sizeof h);
}

static void held_by(const clab__box *b, collect *c)
{
    if (!b->p || b->type == &clab__history || b->type == &clab__evaluation)
        return;
    if (b->type == &clab__dataset)
        clab_dataset_held(b->p, found, c);
    else if (b->type == &clab__scvi)
        clab_scvi_held(b->p, found, c);
    else if (b->type == &clab__model)
        clab_classifier_held(b->p, found, c);
    else
        clab_value_held(b->p, found, c);
}

static int by_holding(const void *a, const void *b)
{
    const clab__hold *x = a, *y = b;

    if (x->holding != y->holding)
        return x->holding < y->holding ? -1 : 1;
    return x->reach < y->reach ? -1 : x->reach > y->reach;
}

const clab__hold *clab__mem_holds(lua_State *L, const clab__reach *reach, int n_reach, int64_t *n)
{
    collect c = {.pairs = clab__str(L)};
    clab__hold *h;
    int64_t all, kept = 0;

    for (c.reach = 0; c.reach < n_reach; c.reach++)
        held_by(reach[c.reach].box, &c);
    if (c.pairs->failed)
        clab__raise(L, CLAB_ENOMEM, "no memory for the list of what is held by whom");
    h = (clab__hold *)(void *)c.pairs->s;
    all = (int64_t)(c.pairs->len / sizeof *h);
    if (all > 0)
        qsort(h, (size_t)all, sizeof *h, by_holding);
    for (int64_t i = 0; i < all; i++) {
        if (kept == 0 || by_holding(&h[kept - 1], &h[i]) != 0)
            h[kept++] = h[i];
    }
    *n = kept;
    return h;
}
