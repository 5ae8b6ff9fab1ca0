/* where.c -- keep the cells for which an expression over obs is true.  docs/steps/where.md */
#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/step.h"

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    int64_t n = clab_dataset_n_obs(d), kept = 0;
    uint8_t *mask = NULL;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, n + 1, "where", (void **)&mask);

    if (s == CLAB_OK)
        s = clab_where(cx, d, args[0].s, mask);
    for (int64_t i = 0; s == CLAB_OK && i < n; i++)
        kept += mask[i];
    if (s == CLAB_OK && kept == 0)
        s = clab_fail(cx, CLAB_ESTATE, "no cell of %s fits \"%s\"", clab_show(d->name), clab_show(args[0].s));
    if (s == CLAB_OK) {
        clab_note(cx, "where: %s of %s cells", clab_text_count(kept), clab_text_count(n));
        s = clab_dataset_keep_obs(cx, d, mask, out);
    }
    clab_mem_free(cx, mask);
    return s;
}

static const clab_param params[] = {
    {.name = "expression", .type = CLAB_P_STR, .def = NULL, .unit = "",
     .help = "over obs: == != < <= > >=, and or not, in {..}, missing(..), 'text', numbers, `odd name`"},
};

const clab_step clab_step_where = {
    .name = "where",
    .group = "filter",
    .summary = "keep the cells for which an expression over obs is true",
    .formula = "evaluated once per category level; a comparison with a missing value is missing, and missing "
               "is not kept",
    .reads = "the obs columns of the expression",
    .writes = "",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .positional = 0,
    .run = run,
};
