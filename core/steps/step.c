/* step.c -- the registry of steps, and how one is run: estimate, phase, run, log.
 * Refuses to know what any step computes. */
#include "steps/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"

#define MOST_PARAMS 32

static const clab_step *const registry[] = {
#define CLAB_STEP(name) &clab_step_##name,
#include "steps/steps.def"
#undef CLAB_STEP
    NULL,
};

const clab_step *const *clab_steps(int *n)
{
    *n = (int)(sizeof registry / sizeof *registry) - 1;
    return registry;
}

const clab_step *clab_step_get(const char *name)
{
    for (const clab_step *const *s = registry; *s; s++) {
        if (strcmp((*s)->name, name) == 0)
            return *s;
    }
    return NULL;
}

/* What the step would take with the first `n` genes alone: by its own estimate, on a view; -1 = not to be said. */
static int64_t with_genes(clab_ctx *cx, const clab_step *s, const clab_dataset *d, const clab_arg *args, int64_t n)
{
    clab_dataset *fewer = NULL;
    int64_t bytes = -1, *cols = malloc((size_t)n * sizeof *cols);
    clab_status st = cols ? CLAB_OK : CLAB_ENOMEM;

    for (int64_t g = 0; cols && g < n; g++)
        cols[g] = g;
    if (st == CLAB_OK)
        st = clab_dataset_take_vars(cx, d, cols, n, &fewer);
    if (st == CLAB_OK && s->estimate(cx, fewer, args, &bytes) != CLAB_OK)
        bytes = -1;
    clab_error_clear(cx); /* only the remedy is lost */
    clab_dataset_unref(fewer);
    free(cols);
    return bytes;
}

/* Asked for before it is taken; what would help is worked out only when it does not fit. */
static clab_status reserve(clab_ctx *cx, const clab_step *s, const clab_dataset *d, const clab_arg *args)
{
    int64_t bytes = 0, genes = clab_dataset_n_vars(d) / 2;
    clab_remedy less[2];
    clab_status st;

    if (!s->estimate)
        return CLAB_OK;
    if ((st = s->estimate(cx, d, args, &bytes)) != CLAB_OK || bytes <= 0)
        return st;
    if (bytes <= clab_budget_left(cx))
        return clab_mem_reserve_check(cx, bytes, s->name);
    for (int i = 0; i < 2; i++) {
        genes = i == 0 && genes > 2000 ? 2000 : genes;
        less[i].bytes = genes > 0 ? with_genes(cx, s, d, args, genes) : -1;
        snprintf(less[i].text, sizeof less[i].text, "%s genes (hvg or filter_genes first)", clab_text_count(genes));
        genes /= 4;
    }
    return clab_mem_reserve_or(cx, bytes, s->name, less, 2);
}

/* A step that had nothing to do may hand its input back; the log then belongs to a handle of its own. */
static clab_status own_handle(clab_ctx *cx, const clab_dataset *d, clab_dataset **out)
{
    clab_dataset *copy = NULL;
    clab_status st;

    if (*out != d)
        return CLAB_OK;
    st = clab_dataset_copy(cx, d, &copy);
    clab_dataset_unref(*out);
    *out = copy;
    return st;
}

static clab_status log_step(clab_ctx *cx, const clab_step *s, const clab_arg *args, clab_dataset *d)
{
    clab_value *params = NULL;
    clab_status st;

    if ((st = clab_args_value(cx, s->params, s->n_params, args, &params)) == CLAB_OK)
        st = clab_dataset_log(cx, d, s->name, params);
    clab_value_unref(params);
    return st;
}

/* A plan asks what would be if: args, or a copy with what it changes. */
static const clab_arg *changed(clab_ctx *cx, const clab_step *s, const clab_arg *args, clab_arg *copy)
{
    const clab_whatif *w = clab_ctx_whatif(cx);

    if (!w->zero_center || s->n_params > MOST_PARAMS)
        return args;
    memcpy(copy, args, (size_t)s->n_params * sizeof *copy);
    for (int i = 0; i < s->n_params; i++) {
        if (strcmp(s->name, "scale") == 0 && s->params[i].type == CLAB_P_BOOL &&
            (strcmp(s->params[i].name, "zero_center") == 0 || strcmp(s->params[i].name, "dense") == 0))
            copy[i].b = copy[i].given = copy[i].explicit_ = true;
    }
    return copy;
}

clab_status clab_step_run(clab_ctx *cx, const clab_step *s, const clab_dataset *d, const clab_arg *given,
                          clab_dataset **out)
{
    clab_arg copy[MOST_PARAMS];
    const clab_arg *args = changed(cx, s, given, copy);
    clab_phase *phase;
    clab_dataset *result = NULL;
    clab_status st;

    if ((st = clab_args_check(cx, s->name, s->params, s->n_params, args)) != CLAB_OK)
        return st;
    phase = clab_phase_begin(cx, s->name, 0, "");
    if ((st = reserve(cx, s, d, args)) != CLAB_OK)
        goto done;
    if ((st = s->run(cx, d, args, &result)) != CLAB_OK)
        goto done;
    if ((st = own_handle(cx, d, &result)) != CLAB_OK)
        goto done;
    st = log_step(cx, s, args, result);
done:
    clab_phase_end(phase);
    if (st != CLAB_OK) {
        clab_dataset_unref(result);
        return clab_context(cx, "%s", s->name);
    }
    *out = result;
    return CLAB_OK;
}
