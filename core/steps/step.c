/* step.c -- the registry of steps, and how one is run: estimate, phase, run, log.
 * Refuses to know what any step computes. */
#include "steps/step.h"

#include <string.h>

#include "ledger/ledger.h"

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

static clab_status reserve(clab_ctx *cx, const clab_step *s, const clab_dataset *d, const clab_arg *args)
{
    int64_t bytes = 0;
    clab_status st;

    if (!s->estimate)
        return CLAB_OK;
    if ((st = s->estimate(cx, d, args, &bytes)) != CLAB_OK)
        return st;
    return bytes > 0 ? clab_mem_reserve_check(cx, bytes, s->name) : CLAB_OK;
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

clab_status clab_step_run(clab_ctx *cx, const clab_step *s, const clab_dataset *d, const clab_arg *args,
                          clab_dataset **out)
{
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
