/* state.c -- the lua_State of a session: allocator, libraries, interruption, and the collector on request.
 * Refuses to read keys and to write to a terminal. */
#include "lua_impl.h"

#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"

#define HOOK_EVERY 10000 /* instructions between two looks at the cancel flag: well under a millisecond */

clab_lua *clab__of(lua_State *L)
{
    return *(clab_lua **)lua_getextraspace(L);
}

clab_ctx *clab__cx(lua_State *L)
{
    clab_lua *l = clab__of(L);

    l->running = L;
    return l->cx;
}

static void *allocate(void *user, void *p, size_t old, size_t n)
{
    clab_lua *l = user;
    void *q = NULL;

    if (!p)
        old = 0; /* Lua passes a type there */
    if (n == 0) {
        free(p);
    } else if (!(q = realloc(p, n))) {
        return NULL;
    }
    l->bytes = l->bytes - old + n;
    return q;
}

/* Once cancelled, every further instruction raises again, so that no pcall can swallow the interruption. */
static void poll_hook(lua_State *L, lua_Debug *ar)
{
    clab_lua *l = clab__of(L);

    if (ar->event == LUA_HOOKLINE)
        clab__record_line(l, L, ar);
    if (l->exiting) {
        lua_sethook(L, poll_hook, LUA_MASKCOUNT, 1);
        luaL_error(L, "os.exit");
    }
    if (!clab_cancelled(l->cx))
        return;
    lua_sethook(L, poll_hook, LUA_MASKCOUNT, 1);
    clab_error_clear(l->cx);
    clab__fail(L, clab_check(l->cx));
}

void clab__hook(clab_lua *l)
{
    lua_sethook(l->L, poll_hook, LUA_MASKCOUNT | (l->recording ? LUA_MASKLINE : 0), HOOK_EVERY);
}

/* An allocation is about to be refused: objects that nobody can reach give their bytes back first. */
static void reclaim(void *user)
{
    clab_lua *l = user;

    if (l->running)
        lua_gc(l->running, LUA_GCCOLLECT);
}

/* ---- output ---------------------------------------------------------------------------------------*/

/* Lines and tabs pass; whatever else a terminal would obey is shown as its code. */
void clab__print(lua_State *L, const char *s)
{
    clab_lua *l = clab__of(L);
    char safe[1024];
    bool plain = true;

    if (clab_ctx_planning(l->cx))
        return; /* what is printed about made-up cells would be made up too */
    for (const unsigned char *c = (const unsigned char *)s; *c && plain; c++)
        plain = *c == '\n' || *c == '\t' || (*c >= 0x20 && *c < 0x7f);
    if (plain) {
        l->opts.print(l->opts.user, s, strlen(s));
        return;
    }
    while (*s) {
        size_t n = strcspn(s, "\n\t"), part;
        char piece[128];

        if (n == 0) {
            l->opts.print(l->opts.user, s++, 1);
            continue;
        }
        for (; n > 0; n -= part, s += part) {
            part = n < sizeof piece ? n : sizeof piece - 1;
            while (part < n && part > 4 && ((unsigned char)s[part] & 0xc0) == 0x80)
                part--; /* never between the bytes of one character */
            memcpy(piece, s, part);
            piece[part] = '\0';
            clab_text_show(piece, safe, sizeof safe);
            l->opts.print(l->opts.user, safe, strlen(safe));
        }
    }
}

static int lua_print(lua_State *L)
{
    int n = lua_gettop(L);

    for (int i = 1; i <= n; i++) {
        if (i > 1)
            clab__print(L, "\t");
        clab__print(L, luaL_tolstring(L, i, NULL));
        lua_pop(L, 1);
    }
    clab__print(L, "\n");
    return 0;
}

/* ---- what differs from plain Lua ------------------------------------------------------------------*/

/* os.exit unwinds instead of ending the process under the hands of the terminal and the guests. */
static int lua_exit(lua_State *L)
{
    clab_lua *l = clab__of(L);

    if (lua_isboolean(L, 1))
        l->exit_code = lua_toboolean(L, 1) ? 0 : 1;
    else
        l->exit_code = (int)luaL_optinteger(L, 1, 0);
    l->exiting = true;
    lua_sethook(L, poll_hook, LUA_MASKCOUNT, 1);
    return luaL_error(L, "os.exit");
}

bool clab_lua_exiting(const clab_lua *l, int *code)
{
    if (l->exiting)
        *code = l->exit_code;
    return l->exiting;
}

static int open_all(lua_State *L)
{
    static const clab__type *const types[] = {
        &clab__dataset, &clab__table, &clab__column,     &clab__array,   &clab__dict,
        &clab__scvi,    &clab__model, &clab__evaluation, &clab__history, &clab__comparison,
        &clab__genes,
    };

    luaL_openlibs(L);
    lua_register(L, "print", lua_print);
    lua_getglobal(L, "os");
    lua_pushcfunction(L, lua_exit);
    lua_setfield(L, -2, "exit");
    lua_pop(L, 1);
    if (clab__of(L)->opts.interactive && luaL_dostring(L, "io.input('/dev/null')") != LUA_OK)
        return lua_error(L); /* the keyboard belongs to the prompt */
    clab__errors_open(L);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        clab__type_open(L, types[i]);
    clab__lab_open(L);
    clab__place_open(clab__of(L));
    return 0;
}

clab_status clab_lua_new(clab_ctx *cx, const clab_lua_opts *o, clab_lua **out)
{
    clab_lua *l = calloc(1, sizeof *l);
    clab_status st = CLAB_OK;

    if (!l)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for the session");
    l->cx = cx;
    l->opts = *o;
    l->L = lua_newstate(allocate, l);
    if (!l->L) {
        free(l);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for the session");
    }
    *(clab_lua **)lua_getextraspace(l->L) = l;
    l->running = l->L;
    lua_pushcfunction(l->L, open_all);
    if (lua_pcall(l->L, 0, 0, 0) != LUA_OK) {
        st = clab_fail(cx, CLAB_EINTERNAL, "the session did not start: %s", luaL_tolstring(l->L, -1, NULL));
        clab_lua_free(l);
        return st;
    }
    clab__hook(l);
    clab_mem_set_reclaim(cx, reclaim, l);
    *out = l;
    return CLAB_OK;
}

void clab_lua_free(clab_lua *l)
{
    if (!l)
        return;
    clab_mem_set_reclaim(l->cx, NULL, NULL);
    clab_ledger_set_place(l->cx, NULL);
    clab__mem_close(l);
    lua_sethook(l->L, NULL, 0, 0);
    clab__record_free(l);
    lua_close(l->L);
    free(l);
}
