/* mem_impl.h -- what the files of mem() share: who reaches which object, and words for it. */
#ifndef CLAB_MEM_IMPL_H
#define CLAB_MEM_IMPL_H

#include "lua_impl.h"

/* An object of ours that lives, and the names by which the session can still reach it. */
typedef struct {
    const clab__box *box;
    const char *names; /* "both, parts.query"; NULL = nobody reaches it: it waits for the collector */
    int n_names;
} clab__reach;

/* clab__mem_walk -- every live box with its names: globals, locals of running functions, upvalues, and what
 * tables and other objects lead to; the shortest way to each.  Pushes what owns the result (three values);
 * the collector must be stopped by the caller. */
const clab__reach *clab__mem_walk(lua_State *L, int *n);

/* Who holds a holding: pairs of the holding's id and an index into the walk, sorted by id, each once. */
typedef struct {
    uint64_t holding;
    int64_t reach;
} clab__hold;
/* clab__mem_holds -- pushes the block that owns the result. */
const clab__hold *clab__mem_holds(lua_State *L, const clab__reach *reach, int n_reach, int64_t *n);

/* mem_text.c: __tostring of what mem() and mem.diff() return; at most 80 columns wide */
int clab__mem_tostring(lua_State *L);
int clab__mem_diff_tostring(lua_State *L);

#endif
