/* bind_lab.c -- the global `lab`: reading, combining, the budget, what memory holds. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "data/genes.h"
#include "io/csv_read.h"
#include "io/io.h"
#include "ledger/ledger.h"
#include "lua_impl.h"
#include "steps/rank_genes.h"

/* ---- reading --------------------------------------------------------------------------------------*/

/* A list of names, or the path of a text file that holds one a line. */
static void read_name_list(lua_State *L, const clab_arg *a, const char *const **names, int64_t *n)
{
    *names = a->given ? a->strs : NULL;
    *n = a->n_strs;
    if (!a->given || a->n_strs != 1 || access(a->strs[0], F_OK) != 0)
        return;
    clab_value *list = NULL;
    clab__ok(L, clab_read_names(clab__cx(L), a->strs[0], &list));
    clab__push_value(L, list, "names"); /* keeps it while the call runs */
    *names = (const char *const *)list->data;
    *n = list->dims[0];
    clab_value_unref(list);
}

/* cols=, genes=, cells=: what of the file is read.  Leaves what it points to on the stack. */
static void read_part(lua_State *L, const clab_arg *a, clab_read_opts *o)
{
    o->cols = a[0].given ? a[0].strs : NULL;
    o->n_cols = a[0].n_strs;
    read_name_list(L, &a[1], &o->genes, &o->n_genes);
    if (!a[2].given)
        return;
    if (lua_getfield(L, 2, "cells") == LUA_TSTRING)
        o->where = lua_tostring(L, -1);
    else
        o->cells = a[2].strs;
    o->n_cells = a[2].n_strs;
}

/* backed=true, "r" or "r+". */
static void read_home(lua_State *L, clab_read_opts *o)
{
    const char *mode;

    if (!lua_istable(L, 2))
        return;
    if (lua_getfield(L, 2, "backed") == LUA_TSTRING) {
        mode = lua_tostring(L, -1);
        if (strcmp(mode, "r") != 0 && strcmp(mode, "r+") != 0)
            clab__raise(L, CLAB_EARG, "read: backed = '%s' does not fit: true, false, \"r\" or \"r+\"", clab_show(mode));
        o->editable = strcmp(mode, "r+") == 0;
        o->backed = CLAB_READ_FILE;
    } else if (!lua_isnil(L, -1) && !lua_isboolean(L, -1)) {
        clab__raise(L, CLAB_EARG, "read: backed is a %s, but should be: true, false, \"r\" or \"r+\"", luaL_typename(L, -1));
    } else {
        o->backed = lua_toboolean(L, -1) ? CLAB_READ_SCRATCH : CLAB_READ_MEMORY;
    }
    lua_pop(L, 1);
}

/* lab.read(path, {counts="auto", backed=false}) */
static int lab_read(lua_State *L)
{
    const char *path = clab__path(L, 1, "read", "a path: lab.read(\"study.h5ad\")");
    clab_arg *a = clab__args(L, 2, "read", clab__read_params, clab__n_read, -1, "backed");
    clab_read_opts o = {.counts = a[0].given ? a[0].s : NULL,
                        .genome = a[1].given ? a[1].s : NULL,
                        .scratch = a[3].given && a[3].s[0] ? a[3].s : NULL,
                        .orient = a[4].given ? a[4].s : NULL,
                        .delimiter = a[5].given ? a[5].s : NULL,
                        .prefix = a[6].given ? a[6].s : NULL,
                        .names = {.key = a[10].given && a[10].s[0] ? a[10].s : NULL,
                                  .strip_version = a[11].b,
                                  .duplicates = a[12].s}};
    read_home(L, &o);
    read_part(L, &a[7], &o);
    clab__box *b = clab__new(L, &clab__dataset);
    clab_ctx *cx = clab__cx(L);
    clab_status st = clab_read(cx, path, &o, (clab_dataset **)&b->p);

    clab__ok(L, st);
    clab__tell_gc(L);
    return 1;
}

/* lab.read_csv(path): a table of text columns */
static int lab_read_csv(lua_State *L)
{
    const char *path = clab__path(L, 1, "read_csv", "a path: lab.read_csv(\"labels.csv\")");
    clab__box *b = clab__new(L, &clab__table);
    const char *slash = strrchr(path, '/');

    clab__ok(L, clab_csv_read(clab__cx(L), path, (clab_value **)&b->p));
    snprintf(b->name, sizeof b->name, "%s", slash ? slash + 1 : path);
    return 1;
}

/* ---- several datasets -----------------------------------------------------------------------------*/

/* The Datasets of a list, or of a keyed table in the order of its keys; borrowed from the table at idx.
 * Pushes two blocks; *keys is NULL for a list. */
static int read_parts(lua_State *L, int idx, const char *what, const clab_dataset ***parts, const char ***keys)
{
    int n = 0, named = 0;

    if (lua_type(L, idx) != LUA_TTABLE)
        clab__raise(L, CLAB_EARG, "%s takes a table of datasets: {a, b} or {reference=a, query=b}", what);
    for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
        clab__at(L, -1, &clab__dataset);
        n++;
        named += lua_type(L, -2) == LUA_TSTRING;
    }
    if (n == 0 || (named != 0 && named != n))
        clab__raise(L, CLAB_EARG,
                    n == 0 ? "%s: the table of datasets is empty" : "%s: name all datasets or none", what);
    *parts = lua_newuserdatauv(L, (size_t)n * sizeof **parts, 0);
    *keys = lua_newuserdatauv(L, (size_t)n * sizeof **keys, 0);
    if (named) {
        int k = 0;
        for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) { /* insertion sort: a handful of names */
            const char *key = lua_tostring(L, -2);
            int at = k++;
            for (; at > 0 && strcmp((*keys)[at - 1], key) > 0; at--)
                (*keys)[at] = (*keys)[at - 1];
            (*keys)[at] = key;
        }
    }
    for (int i = 0; i < n; i++) {
        if (named)
            lua_getfield(L, idx, (*keys)[i]);
        else
            lua_rawgeti(L, idx, i + 1);
        (*parts)[i] = clab__at(L, -1, &clab__dataset);
        lua_pop(L, 1);
    }
    if (!named)
        *keys = NULL;
    return n;
}

static const char *optional(const clab_arg *a)
{
    return a->given && a->s[0] ? a->s : NULL;
}

/* lab.concat({reference=a, query=b}, {join="inner", label="dataset_id"}) */
static int lab_concat(lua_State *L)
{
    const clab_dataset **parts;
    const char **keys;
    clab_concat_opts o;
    clab_arg *a;
    clab__box *b;
    int n;

    lua_settop(L, 2);
    n = read_parts(L, 1, "concat", &parts, &keys);
    a = clab__args(L, 2, "concat", clab__concat_params, clab__n_concat, -1, NULL);
    clab_concat_opts_init(&o);
    o.outer = strcmp(a[0].s, "outer") == 0;
    o.label = optional(&a[1]);
    o.keys = keys;
    if (a[2].given && keys)
        clab__raise(L, CLAB_EARG, "concat: keys= is for a list of datasets; these have names already");
    if (a[2].given && a[2].n_strs != n)
        clab__raise(L, CLAB_EARG, "concat: %" PRId64 " keys for %d datasets", a[2].n_strs, n);
    if (a[2].given)
        o.keys = a[2].strs;
    if (a[3].given)
        o.index_unique = optional(&a[3]);
    if (a[4].given)
        o.merge = optional(&a[4]);
    if (a[5].given)
        o.uns_merge = optional(&a[5]);
    if (a[6].given)
        o.fill = a[6].num;
    o.obs_inner = strcmp(a[7].s, "inner") == 0;
    o.min_shared = a[8].num;
    o.map = a[9].b;
    o.pairwise = a[10].b;
    b = clab__new(L, &clab__dataset);
    clab__ok(L, clab_concat(clab__cx(L), parts, n, &o, (clab_dataset **)&b->p));
    clab__tell_gc(L);
    return 1;
}

/* a, b = lab.common_genes({a, b}, {by="gene_ids"}); named datasets come back in the order of their names */
static int lab_common_genes(lua_State *L)
{
    const clab_dataset **parts;
    const char **keys;
    clab_dataset **out;
    clab_genes_opts o;
    clab_arg *a;
    int n, first;
    clab_status st;

    lua_settop(L, 2);
    n = read_parts(L, 1, "common_genes", &parts, &keys);
    a = clab__args(L, 2, "common_genes", clab__common_params, clab__n_common, 0, NULL);
    luaL_checkstack(L, n + 8, "too many datasets");
    out = lua_newuserdatauv(L, (size_t)n * sizeof *out, 0);
    first = lua_gettop(L) + 1;
    for (int i = 0; i < n; i++)
        clab__new(L, &clab__dataset);
    o = (clab_genes_opts){.by = optional(&a[0]), .strip_version = a[1].b, .map = a[2].b};
    st = clab_common_genes(clab__cx(L), parts, n, &o, out);
    for (int i = 0; i < n && st == CLAB_OK; i++)
        ((clab__box *)lua_touserdata(L, first + i))->p = out[i];
    clab__ok(L, st);
    return n;
}

/* lab.rank_genes_table(ds, {group="B", n=10}): the best genes of groups as a plain table */
static int lab_rank_genes_table(lua_State *L)
{
    const clab_dataset *d = clab__at(L, 1, &clab__dataset);
    clab_arg *a = clab__args(L, 2, "rank_genes_table", clab__rank_table_params, clab__n_rank_table, 0, NULL);
    clab__box *b = clab__new(L, &clab__table);

    clab__ok(L, clab_rank_genes_table(clab__cx(L), d, optional(&a[2]), optional(&a[0]), a[1].i, (clab_value **)&b->p));
    snprintf(b->name, sizeof b->name, "genes");
    return 1;
}

/* ---- memory ---------------------------------------------------------------------------------------*/

/* lab.budget("8G") sets, lab.budget(0) goes back to what was found; bytes in force and where they come from. */
static int lab_budget(lua_State *L)
{
    clab_ctx *cx = clab__cx(L);
    clab_limit limit;
    int64_t bytes = 0;

    if (!lua_isnoneornil(L, 1)) {
        if (lua_isinteger(L, 1))
            bytes = lua_tointeger(L, 1);
        else if (lua_type(L, 1) != LUA_TSTRING || !clab_text_parse_bytes(lua_tostring(L, 1), &bytes))
            clab__raise(L, CLAB_EARG, "budget takes bytes: lab.budget(\"8G\")");
        clab__ok(L, clab_budget_set(cx, bytes));
    }
    limit = clab_budget_get(cx);
    lua_pushinteger(L, limit.bytes);
    lua_pushstring(L, limit.source);
    return 2;
}

/* lab.bytes(n): "41.2 MiB" */
static int lab_bytes(lua_State *L)
{
    lua_pushstring(L, clab_bytes((int64_t)luaL_checkinteger(L, 1)));
    return 1;
}

/* lab.note(text): a note as the steps make them, on stderr in a batch job */
static int lab_note(lua_State *L)
{
    clab_note(clab__cx(L), "%s", clab_show(clab__string(L, 1, "note", "a text")));
    return 0;
}

/* help("name"): what ?name prints */
static int lua_help(lua_State *L)
{
    const char *name = luaL_optstring(L, 1, "");
    bool deep = lua_toboolean(L, 2) || strncmp(name, "??", 2) == 0;
    char **text = clab__text(L);

    *text = clab_lua_help(clab__of(L), name, deep);
    clab__print(L, *text);
    clab__print(L, "\n");
    return 0;
}

void clab__lab_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"read", lab_read},     {"read_csv", lab_read_csv},
        {"concat", lab_concat}, {"common_genes", lab_common_genes},
        {"rank_genes_table", lab_rank_genes_table},
        {"budget", lab_budget}, {"bytes", lab_bytes},
        {"note", lab_note},
        {NULL, NULL},
    };
    int lab;

    luaL_newlib(L, functions);
    lab = lua_gettop(L);
    lua_pushliteral(L, CLAB_VERSION);
    lua_setfield(L, lab, "version");
    clab__scvi_open(L, lab);
    clab__model_open(L, lab);
    clab__evaluation_open(L, lab);
    clab__device_open(L, lab);
    clab__plan_open(L, lab);
    clab__mem_open(L, lab);
    clab__simulate_open(L, lab);
    clab__genes_open(L, lab);
    lua_setglobal(L, "lab");
    lua_register(L, "help", lua_help);
}
