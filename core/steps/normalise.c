/* normalise.c -- counts to a common total a cell, as a recipe.  docs/steps/normalise.md */
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* The sums, in R, of the genes that count. */
static clab_status totals_of(clab_ctx *cx, const clab_matrix *m, const clab__normalise_opts *o, bool f64, double *total)
{
    clab__cell_sums_opts so = {.f64 = f64, .phase = o->phase};
    bool some = false;
    clab_status s;

    if (o->exclude) {
        so.high = o->excluded;
        so.max_fraction = o->max_fraction;
    }
    s = clab__cell_sums(cx, m, &so, total, NULL);
    for (int64_t g = 0; s == CLAB_OK && o->exclude && g < clab_matrix_n_cols(m); g++)
        some |= o->excluded[g];
    if (some) {
        so.high = NULL;
        so.leave_out = o->excluded;
        s = clab__cell_sums(cx, m, &so, total, NULL);
    }
    for (int64_t i = 0; s == CLAB_OK && !f64 && i < clab_matrix_n_rows(m); i++)
        total[i] = (double)(float)total[i];
    return s;
}

static clab_status factor_column(clab_ctx *cx, const double *factor, int64_t n, bool f64, clab_value **out)
{
    clab_status s = clab_value_array(cx, f64 ? CLAB_F64 : CLAB_F32, 1, &n, f64 ? factor : NULL, out);

    for (int64_t i = 0; s == CLAB_OK && !f64 && i < n; i++)
        ((float *)(*out)->data)[i] = (float)factor[i];
    return s;
}

clab_status clab__normalised(clab_ctx *cx, const clab_matrix *m, const clab__normalise_opts *o, clab_value **factors,
                             clab_matrix **out)
{
    bool f64 = clab_matrix_dtype(m) == CLAB_F64;
    int64_t n = clab_matrix_n_rows(m), empty;
    double *total, t = o->target;
    void *p = NULL;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8 + 8, "size factors", &p);

    *out = NULL;
    if (s != CLAB_OK)
        return s;
    total = p;
    s = totals_of(cx, m, o, f64, total);
    if (s == CLAB_OK && t == 0)
        s = median_total(cx, total, n, f64, &t);
    if (s == CLAB_OK) {
        empty = factors_of(total, n, t > 0 ? t : 1, f64);
        if (empty > 0)
            clab_warn(cx, "%s of %s cells have no counts%s; they stay as they are", clab_text_count(empty),
                      clab_text_count(n), o->exclude ? " in the genes that count" : "");
        s = clab_matrix_op_normalise(cx, m, total, o->target, out);
    }
    if (s == CLAB_OK && factors && (s = factor_column(cx, total, n, f64, factors)) != CLAB_OK) {
        clab_matrix_unref(*out);
        *out = NULL;
    }
    clab_mem_free(cx, p);
    return s;
}

enum { TARGET_SUM, EXCLUDE, MAX_FRACTION, KEY_ADDED, LAYER, FORCE };

static clab_status check_fresh(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, const clab_matrix *x)
{
    const char *name = clab__values_name(&args[LAYER]);
    double base;
    char recipe[160];
    clab_status s = clab__need_positive(cx, d, name, x);

    if (s != CLAB_OK)
        return s;
    if (!clab_matrix_is_raw(x)) {
        s = clab_matrix_recipe(cx, x, recipe, sizeof recipe);
        if (s != CLAB_OK)
            return s;
        (void)clab_fail(cx, CLAB_ESTATE, "%s is normalised already: its recipe is %s", name, recipe);
        return clab_hint(cx, "start from the dataset before that, or give force=true");
    }
    if (strcmp(name, "X") == 0 && clab__uns_log1p(d, &base)) {
        (void)clab_fail(cx, CLAB_ESTATE, "X holds logarithms: uns.log1p says so");
        return clab_hint(cx, "read the counts as X, or give force=true");
    }
    return CLAB_OK;
}

static void tell_excluded(clab_ctx *cx, const clab_dataset *d, const uint8_t *excluded, double max_fraction)
{
    clab_str list = {0};
    int64_t n = 0;

    for (int64_t g = 0; g < clab_dataset_n_vars(d); g++)
        if (excluded[g] && n++ < 20)
            clab_str_addf(&list, "%s%s", n > 1 ? ", " : "", clab_show(clab_dataset_var_name(d, g)));
    clab_note(cx, "normalise: %s genes hold more than %g of some cell and do not count in the totals%s%s%s",
              clab_text_count(n), max_fraction, n ? ": " : "", list.s ? list.s : "", n > 20 ? ", ..." : "");
    clab_str_free(&list);
}

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    clab__normalise_opts o = {.target = args[TARGET_SUM].num, .exclude = args[EXCLUDE].b,
                              .max_fraction = args[MAX_FRACTION].num, .phase = "normalise"};
    const clab_matrix *x;
    clab_matrix *normal;
    clab_value *factors = NULL;
    void *excluded = NULL;
    clab_status s = clab__values_of(cx, d, &args[LAYER], &x);

    if (s == CLAB_OK && !args[FORCE].b)
        s = check_fresh(cx, d, args, x);
    if (s == CLAB_OK && o.exclude)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, clab_matrix_n_cols(x) + 8, "normalise", &excluded);
    o.excluded = excluded;
    if (s == CLAB_OK)
        s = clab__normalised(cx, x, &o, args[KEY_ADDED].given ? &factors : NULL, &normal);
    if (s == CLAB_OK)
        s = clab__with_values(cx, d, &args[LAYER], normal, out);
    if (s == CLAB_OK && factors && (s = clab_dataset_obs_set(cx, *out, args[KEY_ADDED].s, factors)) != CLAB_OK) {
        clab_dataset_unref(*out);
        *out = NULL;
    }
    if (s == CLAB_OK && o.exclude)
        tell_excluded(cx, d, excluded, o.max_fraction);
    clab_value_unref(factors);
    clab_mem_free(cx, excluded);
    return s;
}

static clab_status estimate(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, int64_t *bytes)
{
    (void)args;
    return clab_mem_size(cx, clab_dataset_n_obs(d), 24, bytes);
}

static const clab_param params[] = {
    [TARGET_SUM] = {.name = "target_sum", .type = CLAB_P_NUM, .def = "10000", .min = 0, .max = 1e15,
                    .unit = "counts", .help = "total of every cell afterwards; 0 = the median of the totals"},
    [EXCLUDE] = {.name = "exclude_highly_expressed", .type = CLAB_P_BOOL, .def = "false", .unit = "",
                 .help = "genes that hold more than max_fraction of some cell do not count in the totals"},
    [MAX_FRACTION] = {.name = "max_fraction", .type = CLAB_P_NUM, .def = "0.05", .min = 1e-300, .max = 1, .unit = "",
                      .help = "of a cell's total, for exclude_highly_expressed"},
    [KEY_ADDED] = {.name = "key_added", .type = CLAB_P_STR, .def = "", .unit = "",
                   .help = "obs column to write the size factors to"},
    [LAYER] = {.name = "layer", .type = CLAB_P_LAYER, .def = "", .unit = "", .help = "normalise this layer instead of X"},
    [FORCE] = {.name = "force", .type = CLAB_P_BOOL, .def = "false", .unit = "",
               .help = "also when X was normalised or logged before"},
};

const clab_step clab_step_normalise = {
    .name = "normalise",
    .group = "transform",
    .summary = "divide every cell by its total, times target_sum; the counts stay for the models",
    .formula = "y = x / (total / target_sum), rounded as scanpy.pp.normalize_total does",
    .reads = "X or a layer",
    .writes = "X or the layer (a recipe), obs.<key_added>",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .positional = TARGET_SUM,
    .run = run,
    .estimate = estimate,
};
