/* log1p.c -- the logarithm of 1 + x, as a recipe.  docs/steps/log1p.md */
#include <string.h>

#include "steps/stats_impl.h"

enum { BASE, LAYER, FORCE };

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
    const char *name = clab__values_name(&args[LAYER]);
    clab_status s = clab__values_of(cx, d, &args[LAYER], &x);

    if (s != CLAB_OK || (!args[FORCE].b && (s = clab__need_positive(cx, d, name, x)) != CLAB_OK))
        return s;
    if (base > 0 && base <= 1)
        return clab_fail(cx, CLAB_EARG, "a logarithm of base %g: give a base above 1, or 0 for e", base);
    if (!args[FORCE].b && (clab_matrix_some_log1p(x) || (strcmp(name, "X") == 0 && clab__uns_log1p(d, &had)))) {
        (void)clab_fail(cx, CLAB_ESTATE, "%s holds logarithms already", name);
        return clab_hint(cx, "give force=true to take them again");
    }
    if (!args[FORCE].b && clab_matrix_some_scale(x)) {
        (void)clab_fail(cx, CLAB_ESTATE, "%s was scaled: logarithms come before scale", name);
        return clab_hint(cx, "give force=true to take them all the same");
    }
    s = clab_matrix_op_log1p(cx, x, base, &logged);
    if (s == CLAB_OK)
        s = clab__with_values(cx, d, &args[LAYER], logged, out);
    if (s == CLAB_OK && (s = note_base(cx, *out, base)) != CLAB_OK) {
        clab_dataset_unref(*out);
        *out = NULL;
    }
    return s;
}

static const clab_param params[] = {
    [BASE] = {.name = "base", .type = CLAB_P_NUM, .def = "0", .min = 0, .max = 1e6, .unit = "",
              .help = "base of the logarithm; 0 = e"},
    [LAYER] = {.name = "layer", .type = CLAB_P_LAYER, .def = "", .unit = "", .help = "of this layer instead of X"},
    [FORCE] = {.name = "force", .type = CLAB_P_BOOL, .def = "false", .unit = "",
               .help = "also when X holds logarithms already"},
};

const clab_step clab_step_log1p = {
    .name = "log1p",
    .group = "transform",
    .summary = "the logarithm of 1 + x; the counts stay for the models",
    .formula = "y = ln(1 + x) [/ ln(base)], as scanpy.pp.log1p",
    .reads = "X or a layer",
    .writes = "X or the layer (a recipe), uns.log1p",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .positional = -1,
    .run = run,
};
