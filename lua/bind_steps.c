/* bind_steps.c -- every step descriptor becomes a method of Dataset: one function for all of them. */
#include "ledger/ledger.h"
#include "lua_impl.h"

static int run_step(lua_State *L)
{
    const clab_step *s = lua_touserdata(L, lua_upvalueindex(1));
    const clab_dataset *d = clab__at(L, 1, &clab__dataset);
    clab__box *b;
    clab_arg *args;

    if (lua_gettop(L) > 2)
        clab__raise(L, CLAB_EARG, "%s takes one table of named arguments, but was given %d values", s->name,
                    lua_gettop(L) - 1);
    args = clab__args(L, 2, s->name, s->params, s->n_params, s->positional, NULL);
    b = clab__new(L, &clab__dataset);
    clab__ok(L, clab_step_run(clab__cx(L), s, d, args, (clab_dataset **)&b->p));
    clab__tell_gc(L);
    return 1;
}

void clab__steps_open(lua_State *L, int methods)
{
    int n;
    const clab_step *const *steps = clab_steps(&n);

    for (int i = 0; i < n; i++) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)steps[i]);
        lua_pushcclosure(L, run_step, 1);
        lua_setfield(L, methods, steps[i]->name);
    }
}
