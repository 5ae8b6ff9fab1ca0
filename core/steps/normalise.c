/* normalise.c -- counts to a common total a cell, as a recipe.  docs/steps/normalise.md */
#include <math.h>
#include <stdlib.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/stats_impl.h"

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Median of the totals > 0, in the element type R of the matrix; 0 when there are none. */
static clab_status median_total(clab_ctx *cx, const double *total, int64_t n, bool f64, double *median)
{
    int64_t m = 0;
    double *sorted;
    void *p = NULL;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8 + 8, "size factors", &p);

    *median = 0;
    if (s != CLAB_OK)
        return s;
    sorted = p;
    for (int64_t i = 0; i < n; i++)
        if (total[i] > 0)
            sorted[m++] = total[i];
    qsort(sorted, (size_t)m, sizeof *sorted, by_value);
    if (m % 2)
        *median = sorted[m / 2];
    else if (m > 0 && f64)
        *median = (sorted[m / 2 - 1] + sorted[m / 2]) / 2;
    else if (m > 0)
        *median = (double)(((float)sorted[m / 2 - 1] + (float)sorted[m / 2]) / 2.0f);
    clab_mem_free(cx, p);
    return CLAB_OK;
}

/* Totals to factors: f = R(c / R(t)), c = R(total); how many are 0 (or NaN)? */
static int64_t factors_of(double *total, int64_t n, double target, bool f64)
{
    int64_t empty = 0;

    for (int64_t i = 0; i < n; i++) {
        if (f64)
            total[i] = total[i] / target;
        else
            total[i] = (double)((float)total[i] / (float)target);
        empty += !(total[i] != 0);
    }
    return empty;
}

clab_status clab__normalised(clab_ctx *cx, const clab_matrix *m, double target, const char *phase, clab_matrix **out)
{
    bool f64 = clab_matrix_dtype(m) == CLAB_F64;
    int64_t n = clab_matrix_n_rows(m), empty;
    double *total, t = target;
    void *p = NULL;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8 + 8, "size factors", &p);

    *out = NULL;
    if (s != CLAB_OK)
        return s;
    total = p;
    s = clab__cell_sums(cx, m, f64, NULL, phase, total, NULL);
    for (int64_t i = 0; s == CLAB_OK && !f64 && i < n; i++)
        total[i] = (double)(float)total[i];
    if (s == CLAB_OK && t == 0)
        s = median_total(cx, total, n, f64, &t);
    if (s == CLAB_OK) {
        empty = factors_of(total, n, t > 0 ? t : 1, f64);
        if (empty > 0)
            clab_warn(cx, "%s of %s cells have no counts; they stay as they are", clab_text_count(empty),
                      clab_text_count(n));
        s = clab_matrix_op_normalise(cx, m, total, target, out);
    }
    clab_mem_free(cx, p);
    return s;
}

enum { TARGET_SUM, FORCE };

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    const clab_matrix *x;
    clab_matrix *normal;
    double base;
    char recipe[160];
    clab_status s = clab__need_x(cx, d, &x);

    if (s != CLAB_OK || (!args[FORCE].b && (s = clab__need_positive(cx, d, x)) != CLAB_OK))
        return s;
    if (!args[FORCE].b && !clab_matrix_is_raw(x)) {
        s = clab_matrix_recipe(cx, x, recipe, sizeof recipe);
        if (s != CLAB_OK)
            return s;
        (void)clab_fail(cx, CLAB_ESTATE, "X is normalised already: its recipe is %s", recipe);
        return clab_hint(cx, "start from the dataset before that, or give force=true");
    }
    if (!args[FORCE].b && clab__uns_log1p(d, &base)) {
        (void)clab_fail(cx, CLAB_ESTATE, "X holds logarithms: uns.log1p says so");
        return clab_hint(cx, "read the counts as X, or give force=true");
    }
    s = clab__normalised(cx, x, args[TARGET_SUM].num, "normalise", &normal);
    return s == CLAB_OK ? clab__with_x(cx, d, normal, out) : s;
}

static clab_status estimate(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, int64_t *bytes)
{
    (void)args;
    return clab_mem_size(cx, clab_dataset_n_obs(d), 24, bytes);
}

static const clab_param params[] = {
    [TARGET_SUM] = {.name = "target_sum", .type = CLAB_P_NUM, .def = "10000", .min = 0, .max = 1e15,
                    .unit = "counts", .help = "total of every cell afterwards; 0 = the median of the totals"},
    [FORCE] = {.name = "force", .type = CLAB_P_BOOL, .def = "false", .unit = "",
               .help = "also when X was normalised or logged before"},
};

const clab_step clab_step_normalise = {
    .name = "normalise",
    .group = "transform",
    .summary = "divide every cell by its total, times target_sum; the counts stay for the models",
    .formula = "y = x / (total / target_sum), rounded as scanpy.pp.normalize_total does",
    .reads = "X",
    .writes = "X (a recipe)",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .positional = TARGET_SUM,
    .run = run,
    .estimate = estimate,
};
