/* lua_impl.h -- private to this room: boxes around the core's objects, errors, and arguments.
 *
 * The rule of every binding: make the box first, let the core fill it, raise an error last.  Raising
 * jumps, so nothing that only C knows of may be held then; a box on the Lua stack is freed by the collector.
 */
#ifndef CLAB_LUA_IMPL_H
#define CLAB_LUA_IMPL_H

#include <lauxlib.h>
#include <lua.h>

#include "base/text.h"
#include "clab_lua.h"
#include "data/dataset.h"
#include "ledger/holdings.h"
#include "models/history.h"
#include "steps/step.h"

/* What was held at some moment, for mem.diff(). */
typedef struct {
    clab_holding *held; /* malloc'd */
    int64_t n;
    int64_t statement;
} clab__before;

struct clab_lua {
    lua_State *L;       /* main thread of the session */
    lua_State *running; /* the thread (coroutine) that called the core last: collects on request */
    clab_ctx *cx;
    clab_lua_opts opts;
    size_t bytes;      /* held by Lua itself */
    int64_t live_seen; /* accounted C bytes that the collector was told about */
    bool exiting;      /* os.exit was called */
    int exit_code;
    bool warned_local;
    struct clab__box *boxes;       /* all that live, last made first */
    int64_t statement;             /* of the prompt, from 1; 0 = a script */
    const char *statement_text;    /* while it runs; borrowed */
    clab__before before[2];        /* what was held when this statement began, and the one before it */
    bool records;                     /* lines of the file that runs next are recorded */
    struct clab__recording *recording; /* of which lines; NULL = none */
};

/* ---- state.c --------------------------------------------------------------------------------------*/
clab_lua *clab__of(lua_State *L);
clab_ctx *clab__cx(lua_State *L);              /* also notes which thread runs */
void clab__print(lua_State *L, const char *s); /* through the sink, escaped; adds no newline */
void clab__hook(clab_lua *l);                  /* looks at the cancel flag every 10,000 instructions */

/* ---- place.c: which line of the session runs, for the ledger ---------------------------------------*/
void clab__place_open(clab_lua *l);
void clab__statement(clab_lua *l, const char *code); /* a statement of the prompt begins; NULL = it ended */

/* ---- bind_mem.c: mem(), mem.diff() ----------------------------------------------------------------*/
void clab__mem_open(lua_State *L, int lab);
void clab__mem_before(clab_lua *l); /* a statement begins: what is held now is what mem.diff() compares with */
void clab__mem_close(clab_lua *l);
/* ---- record.c: lines as rows of the ledger's timeline ----------------------------------------------*/
CLAB_MUST_CHECK clab_status clab__record_source(clab_lua *l, const char *source, const char *text); /* as Lua names it; text: of a
                                                                                                       * statement, or NULL */
void clab__record_line(clab_lua *l, lua_State *L, lua_Debug *ar);                  /* from the hook */
void clab__record_free(clab_lua *l);
/* ---- sandbox.c: a plan's script touches nothing outside the session --------------------------------*/
void clab__sandbox_enter(lua_State *L);
void clab__sandbox_leave(lua_State *L);

/* ---- show.c ---------------------------------------------------------------------------------------*/
void clab__show(lua_State *L, int idx); /* pushes a result as the prompt prints it */

/* ---- errors.c: an error is a table {code, message, place, where} with __tostring ------------------*/
void clab__errors_open(lua_State *L);
_Noreturn void clab__fail(lua_State *L, clab_status st); /* raises what the context recorded */
void clab__ok(lua_State *L, clab_status st);             /* raises unless CLAB_OK */
#define clab__raise(L, st, ...) clab__fail((L), clab_fail(clab__cx(L), (st), __VA_ARGS__))
int clab__handler(lua_State *L); /* message handler: adds the traceback */

/* ---- udata.c: typed boxes -------------------------------------------------------------------------*/
typedef struct {
    const char *name;                    /* "Dataset", as messages call it */
    void (*drop)(clab_ctx *cx, void *p); /* gives p up */
    int (*get)(lua_State *L);            /* __index after the methods; may be NULL */
    const luaL_Reg *methods;
    const luaL_Reg *meta; /* __tostring, __newindex, ... */
} clab__type;

typedef struct clab__box {
    const clab__type *type;
    void *p;       /* owned; NULL once freed */
    int part;      /* which part of its owner (see bind_table.c, bind_value.c) */
    char name[64]; /* column name or title, for printing */
    struct clab__box *next, **link; /* in the list of all boxes: mem() looks for those that nobody reaches */
} clab__box;

void clab__type_open(lua_State *L, const clab__type *t);
clab__box *clab__new(lua_State *L, const clab__type *t);             /* pushes an empty box (one user value) */
clab__box *clab__test(lua_State *L, int idx, const clab__type *t);   /* NULL when it is something else */
clab__box *clab__box_at(lua_State *L, int idx, const clab__type *t); /* raises when something else */
void *clab__at(lua_State *L, int idx, const clab__type *t);          /* its object; raises when it was freed */
void clab__tell_gc(lua_State *L); /* after making something big: the collector hears of it */
void clab__free_box(lua_State *L, clab__box *b, const char *title,
                    int64_t held);                /* free(), <close>: prints the bytes */
char **clab__text(lua_State *L);                  /* pushes a holder for a malloc'd string */
int clab__push_text(lua_State *L, char **holder); /* its string as the one result */

clab_str *clab__str(lua_State *L);             /* pushes a holder for a growing string */
int clab__push_str(lua_State *L, clab_str *s); /* its text as the one result; empties it */

/* ---- args.c: a Lua table against descriptors --------------------------------------------------------
 * Pushes an object that keeps the arguments alive and returns them (n of them, defaults set, checked).
 * idx: a table, the lone positional value, or none/nil.  skip: a key that the caller reads itself, or NULL. */
clab_arg *clab__args(lua_State *L, int idx, const char *what, const clab_param *p, int n, int positional,
                     const char *skip);

/* The string at idx; raises "WHAT needs WANTED". */
const char *clab__string(lua_State *L, int idx, const char *what, const char *wanted);
const char *clab__path(lua_State *L, int idx, const char *what, const char *wanted); /* with ~/ expanded */

/* ---- the kinds of objects -------------------------------------------------------------------------*/
extern const clab__type clab__dataset, clab__table, clab__column, clab__array, clab__dict, clab__scvi,
    clab__model, clab__evaluation, clab__history, clab__comparison, clab__genes;

/* bind_dataset.c */
void clab__push_dataset(lua_State *L, const clab_dataset *d); /* refs it */
clab_dataset *clab__dataset_own(lua_State *L, clab__box *b);  /* the handle's own copy before an edit */
clab_status clab__no_member(clab_ctx *cx, const char *owner, const char *key); /* nearest name there is */
/* bind_steps.c */
void clab__steps_open(lua_State *L, int methods); /* adds a method for every step */
/* bind_table.c */
enum { CLAB__ALONE, CLAB__OBS, CLAB__VAR, CLAB__OBSM, CLAB__VARM, CLAB__OBSP, CLAB__UNS };
clab_status clab__no_column(clab_ctx *cx, const clab_value *t, const char *title, const char *name);
void clab__push_table(lua_State *L, const clab_value *table, const char *name);
void clab__push_part(lua_State *L, int dataset, int part);  /* ds.obs, ds.uns, ... */
const clab_value *clab__table_value(lua_State *L, int idx); /* borrowed */
const clab_value *clab__dict_value(lua_State *L, int idx);  /* borrowed */
/* bind_column.c */
void clab__push_column(lua_State *L, const clab_value *v, const char *name);
/* bind_value.c */
void clab__push_value(lua_State *L, const clab_value *v, const char *name); /* scalars become Lua's own */
void clab__push_element(lua_State *L, const clab_value *col, int64_t i);    /* nil when missing */
int64_t clab__int_at(const clab_value *v, int64_t i);                       /* element of an integer array */
/* to_value.c */
/* A Lua value as a core value: a scalar, list, list of lists, keyed table or one of our boxes.
 * n >= 0: a column of n rows is wanted, scalars are repeated.  Pushes the box that owns it. */
const clab_value *clab__to_value(lua_State *L, int idx, int64_t n, const char *what);
/* bind_history.c */
void clab__push_history(lua_State *L, int owner);
/* bind_model.c */
clab_status clab__save(clab_ctx *cx, const char *kind, const clab_value *model, const char *path);
/* bind_lab.c, ... : each opens its own */
void clab__lab_open(lua_State *L);
void clab__scvi_open(lua_State *L, int lab);
void clab__model_open(lua_State *L, int lab);
void clab__evaluation_open(lua_State *L, int lab);
void clab__device_open(lua_State *L, int lab);
void clab__plan_open(lua_State *L, int lab);
void clab__simulate_open(lua_State *L, int lab);
void clab__genes_open(lua_State *L, int lab);

/* ---- docs.c: what can be called, in one list: help and completion read it -------------------------*/
typedef struct {
    const char *owner; /* "lab", "Dataset", ... */
    const char *name;
    const char *usage; /* lab.read(path, {counts="auto"}) */
    const char *summary;
    const clab_param *params; /* of its table, or NULL */
    const int *n_params;
    bool field; /* read, not called */
} clab__doc;
const clab__doc *clab__docs(int *n);
const clab__doc *clab__doc_get(const char *owner, const char *name); /* owner NULL = any */

extern const clab_param clab__read_params[], clab__inspect_params[], clab__write_params[], clab__concat_params[], clab__common_params[],
    clab__rank_table_params[], clab__counts_params[], clab__histogram_params[];
extern const int clab__n_read, clab__n_inspect, clab__n_write, clab__n_concat, clab__n_common, clab__n_rank_table, clab__n_counts, clab__n_histogram;

#endif
