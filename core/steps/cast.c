/* cast.c -- the element type in which X is delivered and written, as a recipe.  docs/steps/cast.md */
#include <string.h>

#include "steps/stats_impl.h"

enum { DTYPE };

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    clab_dtype to = strcmp(args[DTYPE].s, "float64") == 0 ? CLAB_F64 : CLAB_F32;
    const clab_matrix *x;
    clab_matrix *cast;
    clab_status s = clab__need_x(cx, d, &x);

    if (s != CLAB_OK)
        return s;
    s = clab_matrix_op_cast(cx, x, to, &cast);
    return s == CLAB_OK ? clab__with_x(cx, d, cast, out) : s;
}

static const clab_param params[] = {
    [DTYPE] = {.name = "dtype", .type = CLAB_P_ENUM, .def = "float32", .choices = "float32|float64", .unit = "",
               .help = "element type of X"},
};

const clab_step clab_step_cast = {
    .name = "cast",
    .group = "transform",
    .summary = "X as float32 or float64; stored counts are not touched",
    .formula = "y = (dtype) x, as ad.X.astype(dtype)",
    .reads = "X",
    .writes = "X (a recipe)",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .positional = DTYPE,
    .run = run,
};
