/* anova.c -- which genes differ between groups of cells: F and its p-value.  docs/steps/anova.md */
#include "steps/anova.h"

#include <math.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/groups_impl.h"
#include "steps/pvalue.h"
#include "steps/stats_impl.h"

enum { GROUPBY, LAYER };

#define ROUNDING 1e-13

/* ---- sums -----------------------------------------------------------------------------------------------------*/

clab_status clab_anova_new(clab_ctx *cx, int64_t n_genes, int k, clab_anova *out)
{
    int64_t bytes;
    clab_status s = clab_mem_size(cx, n_genes + 1, (size_t)k * sizeof(double), &bytes);

    *out = (clab_anova){.cx = cx, .n_genes = n_genes, .k = k};
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, bytes, "sums of groups", (void **)&out->sum);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, n_genes * 8 + 8, "sums of squares", (void **)&out->squares);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, k * 8 + 8, "sums of groups", (void **)&out->cells);
    return s;
}

void clab_anova_clear(clab_anova *a)
{
    clab_mem_free(a->cx, a->sum);
    clab_mem_free(a->cx, a->squares);
    clab_mem_free(a->cx, a->cells);
    a->sum = a->squares = NULL;
    a->cells = NULL;
}

int clab_anova_used(const clab_anova *a)
{
    int used = 0;

    for (int c = 0; c < a->k; c++)
        used += a->cells[c] > 0;
    return used;
}

double clab_anova_f(const clab_anova *a, int64_t gene)
{
    const int used = clab_anova_used(a);
    const double squares = a->squares[gene];
    double all = 0, between = 0, within, correction;

    for (int c = 0; c < a->k; c++) {
        double x = a->sum[c * a->n_genes + gene];
        all += x;
        between += a->cells[c] ? x * x / (double)a->cells[c] : 0;
    }
    correction = all * all / (double)a->n;
    between -= correction;
    within = squares - correction - between;
    between = between < ROUNDING * squares ? 0 : between;
    within = within < ROUNDING * squares ? 0 : within;
    return between / (double)(used - 1) / (within / (double)(a->n - used));
}

/* ---- the step -------------------------------------------------------------------------------------------------*/

static void add_block(const clab_csr *b, const int32_t *group, clab_anova *a)
{
    for (int64_t i = 0; i < b->n_rows; i++) {
        const int32_t c = group[b->row_ids[i]];
        if (c < 0)
            continue;
        clab_anova_cell(a, c);
        for (int64_t k = b->indptr[i]; k < b->indptr[i + 1]; k++)
            clab_anova_value(a, c, b->indices[k], b->f64[k]);
    }
}

static clab_status add_up(clab_ctx *cx, const clab_matrix *m, const int32_t *group, clab_anova *a)
{
    const clab_rows_opts o = {.f64 = true, .phase = "anova"};
    const clab_csr *b = NULL;
    clab_rows *r = NULL;
    clab_status s = clab_rows_open(cx, m, &o, &r);

    while (s == CLAB_OK && (s = clab_rows_next(cx, r, &b)) == CLAB_OK && b)
        add_block(b, group, a);
    clab_rows_close(cx, r);
    return s;
}

/* var.anova_F and var.anova_p. */
static clab_status write_columns(clab_ctx *cx, const clab_anova *a, clab_dataset *d)
{
    const int used = clab_anova_used(a);
    clab_value *f = NULL, *p = NULL;
    clab_status s = clab_value_array(cx, CLAB_F64, 1, &a->n_genes, NULL, &f);

    if (s == CLAB_OK)
        s = clab_value_array(cx, CLAB_F64, 1, &a->n_genes, NULL, &p);
    for (int64_t g = 0; s == CLAB_OK && g < a->n_genes; g++) {
        if (!isfinite(a->squares[g])) {
            (void)clab_fail(cx, CLAB_EARG, "gene %s holds NaN or infinity", clab_show(clab_dataset_var_name(d, g)));
            s = clab_hint(cx, "start from counts, or leave such genes out");
            break;
        }
        double x = clab_anova_f(a, g);
        ((double *)f->data)[g] = x;
        ((double *)p->data)[g] = clab_p_f(x, used - 1, (double)(a->n - used));
    }
    if (s == CLAB_OK)
        s = clab_dataset_var_set(cx, d, "anova_F", f);
    if (s == CLAB_OK)
        s = clab_dataset_var_set(cx, d, "anova_p", p);
    clab_value_unref(f);
    clab_value_unref(p);
    return s;
}

static clab_status enough(clab_ctx *cx, const char *column, const clab_anova *a)
{
    const int used = clab_anova_used(a);

    if (used >= 2 && a->n > used)
        return CLAB_OK;
    (void)clab_fail(cx, CLAB_EARG, "obs.%s gives %d group%s of %s cells", clab_show(column), used, used == 1 ? "" : "s",
                    clab_text_count(a->n));
    return clab_hint(cx, "two groups are needed, and more cells than groups");
}

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    const clab_matrix *m = NULL;
    clab_value *levels = NULL;
    int32_t *codes = NULL;
    clab_anova a = {.cx = cx};
    clab_dataset *made = NULL;
    clab_status s = clab__values_of(cx, d, &args[LAYER], &m);

    if (s == CLAB_OK)
        s = clab__groups_read(cx, d, args[GROUPBY].s, &levels, &codes);
    if (s == CLAB_OK)
        s = clab_anova_new(cx, clab_matrix_n_cols(m), (int)clab_value_len(levels), &a);
    if (s == CLAB_OK)
        s = add_up(cx, m, codes, &a);
    if (s == CLAB_OK)
        s = enough(cx, args[GROUPBY].s, &a);
    if (s == CLAB_OK)
        s = clab_dataset_copy(cx, d, &made);
    if (s == CLAB_OK && (s = write_columns(cx, &a, made)) == CLAB_OK) {
        *out = made;
        made = NULL;
    }
    clab_dataset_unref(made);
    clab_anova_clear(&a);
    clab_value_unref(levels);
    clab_mem_free(cx, codes);
    return s;
}

static clab_status estimate(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, int64_t *bytes)
{
    clab_value *levels;
    int32_t *codes;
    clab_status s = clab__groups_read(cx, d, args[GROUPBY].s, &levels, &codes);

    if (s == CLAB_OK)
        *bytes = 8 * clab_dataset_n_vars(d) * (clab_value_len(levels) + 3) + 4 * clab_dataset_n_obs(d);
    clab_value_unref(levels);
    clab_mem_free(cx, codes);
    return s;
}

static const clab_param params[] = {
    [GROUPBY] = {.name = "groupby", .type = CLAB_P_OBS, .def = NULL, .unit = "", .help = "obs column with the groups"},
    [LAYER] = {.name = "layer", .type = CLAB_P_LAYER, .def = "", .unit = "", .help = "of this layer instead of X"},
};

const clab_step clab_step_anova = {
    .name = "anova",
    .group = "describe",
    .summary = "which genes differ between groups of cells: one-way analysis of variance",
    .formula = "F = (between / (K-1)) / (within / (N-K)), as scikit-learn's f_classif in float64",
    .reads = "X (log-normalised) or a layer, obs.<groupby>",
    .writes = "var.anova_F, var.anova_p",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .positional = GROUPBY,
    .run = run,
    .estimate = estimate,
};
