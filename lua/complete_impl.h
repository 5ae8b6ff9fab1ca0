/* complete_impl.h -- what the files of completion share: the statement read so far, and the list of words. */
#ifndef CLAB_COMPLETE_IMPL_H
#define CLAB_COMPLETE_IMPL_H

#include "lua_impl.h"

/* Words that begin as the one at the cursor does. */
typedef struct {
    const char *prefix;
    size_t prefix_len;
    char **words;
    size_t n, cap;
} clab__words;

void clab__words_add(clab__words *w, const char *word, const char *suffix);

#define CLAB__DEPTH 32

/* The statement up to the cursor, scanned: open brackets, and the string the cursor is in. */
typedef struct {
    const char *s;
    size_t end;               /* the cursor */
    size_t open[CLAB__DEPTH]; /* offsets of the brackets that are open, outermost first */
    int depth;
    bool in_string, in_comment;
    size_t string; /* offset of its opening quote */
} clab__scan;

void clab__scan_to(clab__scan *c, const char *s, size_t end);

/* What is called where the cursor is: the callee before the innermost open bracket. */
typedef struct {
    bool found, method;
    char name[64];         /* "hvg", "scvi" */
    size_t base, base_end; /* text of what it is called on: "ds", "lab" */
    size_t args;           /* offset of the bracket that opens its arguments */
} clab__call;

clab__call clab__call_at(const clab__scan *c, int level); /* level: index into open */

/* ---- complete_names.c -----------------------------------------------------------------------------*/
/* Pushes what the text s[from, to) names, without calling what has effects; nil when it cannot tell. */
void clab__resolve(lua_State *L, const char *s, size_t from, size_t to);
/* The kind of object s[from, to) is: "lab", "Dataset", ...; NULL when unknown. */
const char *clab__kind_of(lua_State *L, const char *s, size_t from, size_t to);
void clab__add_members(lua_State *L, clab__words *w, const char *s, size_t from, size_t to, bool method);
void clab__add_globals(lua_State *L, clab__words *w);
void clab__add_topics(lua_State *L, clab__words *w); /* what ?name explains */
void clab__add_columns(clab__words *w, const clab_value *container, const char *quote);
void clab__add_layers(clab__words *w, const clab_dataset *d, const char *quote);
void clab__add_paths(clab__words *w);
/* Descriptors of a call's named arguments; NULL when it has none. */
const clab_param *clab__call_params(lua_State *L, const clab__scan *c, const clab__call *call, int *n);
/* Where expression text that ends at `end` begins: "ds.obs", "lab.read(x)". */
size_t clab__chain_start(const char *s, size_t end);

#endif
