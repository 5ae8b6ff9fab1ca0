/* step.h -- a step described once: from its descriptor come the Lua method, argument checks, ?help,
 * completion, the reference page, the ledger phase and the memory plan.  The descriptor is data.
 *
 * A new step is core/steps/NAME.c, one line in steps.def, docs/steps/NAME.md, a test: nothing else.
 */
#ifndef CLAB_STEP_H
#define CLAB_STEP_H

#include "data/dataset.h"

typedef enum {
    CLAB_P_INT, CLAB_P_NUM, CLAB_P_BOOL, CLAB_P_STR,
    CLAB_P_ENUM,    /* one of choices, "a|b|c" */
    CLAB_P_STRS,    /* list of strings */
    CLAB_P_OBS,     /* name of an obs column (completion offers them) */
    CLAB_P_OBSS,    /* list of obs columns */
    CLAB_P_VAR,     /* name of a var column */
    CLAB_P_OBSM,    /* key of obsm */
    CLAB_P_FUNC,    /* a Lua function (on_epoch); core sees only given/not */
    CLAB_P_DATASET, /* a Dataset (from=both); core gets it as an argument of its own */
    CLAB_P_VARS,    /* list of var columns */
    CLAB_P_INTS,    /* list of whole numbers, each within min..max; kept as text, see clab_arg_int */
    CLAB_P_LAYER    /* a layer, or "X" */
} clab_ptype;

typedef struct {
    const char *name;
    clab_ptype type;
    const char *def;      /* default as text; NULL = required; "" = none (not given) */
    double min, max;      /* INT, NUM: allowed range, inclusive; both 0 = any */
    const char *choices;  /* ENUM */
    const char *unit;     /* "cells", "bytes", ""; never NULL */
    const char *help;     /* one line */
} clab_param;

/* An argument after checking, aligned with the parameters. */
typedef struct {
    bool given;           /* by the caller or by its default */
    bool explicit_;       /* by the caller */
    int64_t i;
    double num;
    bool b;
    const char *s;        /* borrowed */
    const char *const *strs;
    int64_t n_strs;
    bool owned;           /* strs was made here from text: clab_args_free */
} clab_arg;

typedef struct clab_step {
    const char *name;
    const char *group;    /* "describe", "filter", "transform", "select", "combine" */
    const char *summary;  /* one line */
    const char *formula;  /* what is computed, and the peer function it equals; for ??name */
    const char *reads;    /* "obs.<by>, counts" */
    const char *writes;   /* "obs.n_genes" */
    const clab_param *params;
    int n_params;
    int positional;       /* this parameter may be given alone instead of a table (where("...")); -1 = none */
    clab_status (*run)(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out);
    /* Bytes needed beyond the result while it runs; NULL = a few blocks. */
    clab_status (*estimate)(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, int64_t *bytes);
} clab_step;

/* A step NAME defines `const clab_step clab_step_NAME`; steps.def lists them. */
#define CLAB_STEP(name) extern const clab_step clab_step_##name;
#include "steps/steps.def"
#undef CLAB_STEP

/* The steps there are, in the order of steps.def. */
const clab_step *const *clab_steps(int *n);
const clab_step *clab_step_get(const char *name); /* NULL when there is none */

/* clab_step_run -- checks ranges, runs inside a ledger phase, logs the step in the result. */
CLAB_MUST_CHECK clab_status clab_step_run(clab_ctx *cx, const clab_step *s, const clab_dataset *d, const clab_arg *args, clab_dataset **out);

/* ---- arguments: shared by steps, scvi, xgboost and the command line -------------------------------*/
/* Set every arg from its default (def text; lists separated by commas); EINTERNAL on a bad descriptor. */
CLAB_MUST_CHECK clab_status clab_args_default(clab_ctx *cx, const char *what, const clab_param *p, int n, clab_arg *args);
/* Index of a parameter by name; ENOTFOUND with the nearest name and the list. */
CLAB_MUST_CHECK clab_status clab_args_find(clab_ctx *cx, const char *what, const clab_param *p, int n, const char *name, int *index);
/* Set one from text ("0.5", "true", "seurat", "a,b"; "8G" where the unit is bytes): for the command line.
 * s is borrowed. */
CLAB_MUST_CHECK clab_status clab_args_set_text(clab_ctx *cx, const char *what, const clab_param *p, clab_arg *arg, const char *s);
/* Range, choices, required: after all were set. */
CLAB_MUST_CHECK clab_status clab_args_check(clab_ctx *cx, const char *what, const clab_param *p, int n, const clab_arg *args);
/* As DICT, for logs. */
CLAB_MUST_CHECK clab_status clab_args_value(clab_ctx *cx, const clab_param *p, int n, const clab_arg *args, clab_value **out);
/* Number i of a CLAB_P_INTS that was checked. */
int64_t clab_arg_int(const clab_arg *a, int64_t i);
/* Frees the lists that were made from text. */
void clab_args_free(clab_arg *args, int n);
/* "cells, integer >= 1, default 10": type, range and default of a parameter in words, for help. */
void clab_param_describe(const clab_param *p, char *buf, size_t n);

#endif
