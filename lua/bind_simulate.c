/* bind_simulate.c -- lab.simulate: studies that never were, in memory or as files. */
#include "lua_impl.h"
#include "steps/simulate.h"

/* The files, and for a pair two of them, as paths. */
static int into_files(lua_State *L, const clab_arg *a)
{
    char **first = clab__text(L), **second = clab__text(L), *files[2];
    clab_status st = clab_simulate_write(clab__cx(L), a, files);
    int n = 1;

    *first = files[0];
    *second = files[1];
    clab__ok(L, st);
    lua_pushstring(L, *first);
    if (*second) {
        lua_pushstring(L, *second);
        n = 2;
    }
    return n;
}

/* lab.simulate{cells=2000, genes=3000}; with query_cells two datasets, with path their files */
static int lab_simulate(lua_State *L)
{
    clab_arg *a = clab__args(L, 1, "simulate", clab_simulate_params, clab_simulate_n_params, CLAB_SIM_CELLS, NULL);
    clab_dataset *out[2];
    clab__box *first, *second;
    clab_status st;

    if (a[CLAB_SIM_PATH].given && a[CLAB_SIM_PATH].s[0])
        return into_files(L, a);
    first = clab__new(L, &clab__dataset);
    second = clab__new(L, &clab__dataset);
    st = clab_simulate(clab__cx(L), a, out);
    first->p = out[0];
    second->p = out[1];
    clab__ok(L, st);
    clab__tell_gc(L);
    if (!out[1])
        lua_pop(L, 1);
    return out[1] ? 2 : 1;
}

void clab__simulate_open(lua_State *L, int lab)
{
    lua_pushcfunction(L, lab_simulate);
    lua_setfield(L, lab, "simulate");
}
