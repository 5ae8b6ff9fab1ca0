/* log1p.c -- the logarithm of 1 + x, as a recipe.  docs/steps/log1p.md */
#include <stddef.h>

#include "steps/stats_impl.h"

enum { BASE, FORCE };

/* uns.log1p = {base: b or nothing}, as scanpy leaves it. */
static clab_status note_base(clab_ctx *cx, clab_dataset *d, double base)
{
    clab_value *dict = NULL, *b = NULL;
    clab_status s = clab_value_dict(cx, &dict);

    if (s == CLAB_OK)
        s = base > 0 ? clab_value_number(cx, base, &b) : clab_value_null(cx, &b);
    if (s == CLAB_OK)
        s = clab_value_set(cx, dict, "base", b);
    if (s == CLAB_OK)
        s = clab_dataset_uns_set(cx, d, "log1p", dict);
    clab_value_unref(b);
    clab_value_unref(dict);
    return s;
}

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    const clab_matrix *x;
    clab_matrix *logged;
    double base = args[BASE].num, had;
    clab_status s = clab__need_x(cx, d, &x);

    if (s != CLAB_OK || (!args[FORCE].b && (s = clab__need_positive(cx, d, x)) != CLAB_OK))
        return s;
    if (base > 0 && base <= 1)
        return clab_fail(cx, CLAB_EARG, "a logarithm of base %g: give a base above 1, or 0 for e", base);
    if (!args[FORCE].b && (clab_matrix_some_log1p(x) || clab__uns_log1p(d, &had))) {
        (void)clab_fail(cx, CLAB_ESTATE, "X holds logarithms already");
        return clab_hint(cx, "give force=true to take them again");
    }
    s = clab_matrix_op_log1p(cx, x, base, &logged);
    if (s == CLAB_OK)
        s = clab__with_x(cx, d, logged, out);
    if (s == CLAB_OK && (s = note_base(cx, *out, base)) != CLAB_OK) {
        clab_dataset_unref(*out);
        *out = NULL;
    }
    return s;
}

static const clab_param params[] = {
    [BASE] = {.name = "base", .type = CLAB_P_NUM, .def = "0", .min = 0, .max = 1e6, .unit = "",
              .help = "base of the logarithm; 0 = e"},
    [FORCE] = {.name = "force", .type = CLAB_P_BOOL, .def = "false", .unit = "",
               .help = "also when X holds logarithms already"},
};

const clab_step clab_step_log1p = {
    .name = "log1p",
    .group = "transform",
    .summary = "the logarithm of 1 + x; the counts stay for the models",
    .formula = "y = ln(1 + x) [/ ln(base)], as scanpy.pp.log1p",
    .reads = "X",
    .writes = "X (a recipe), uns.log1p",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .positional = -1,
    .run = run,
};
