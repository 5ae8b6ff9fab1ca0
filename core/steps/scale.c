/* scale.c -- genes to unit variance, and to mean 0 when asked for, as a recipe.  docs/steps/scale.md
 * N cells, G genes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/stats_impl.h"

enum { MAX_VALUE, ZERO_CENTER, MASK_OBS, LAYER };

typedef struct {
    int64_t n_genes;
    double *mean, *std;   /* G */
    uint8_t *suspect;     /* G: variance so small beside the mean that it may be rounding */
} moments;

static void moments_free(clab_ctx *cx, moments *w)
{
    clab_mem_free(cx, w->mean);
    clab_mem_free(cx, w->std);
    clab_mem_free(cx, w->suspect);
}

typedef struct {
    double low, high, spread;  /* of stored values; sum of (x - mean)^2 over them */
    int64_t stored;
} second_look;

static void look(second_look *l, double x, double mean)
{
    l->low = l->stored == 0 || x < l->low ? x : l->low;
    l->high = l->stored == 0 || x > l->high ? x : l->high;
    l->spread += (x - mean) * (x - mean);
    l->stored++;
}

/* Mean and deviation of a gene looked at twice: a constant has deviation 1, and its mean exactly, so that
 * centring makes 0 of it. */
static void correct(const second_look *l, int64_t n, double *mean, double *std)
{
    double spread = l->spread + (double)(n - l->stored) * *mean * *mean;
    bool constant = l->stored == n && l->low == l->high;

    *std = constant || spread == 0 ? 1 : sqrt(spread / (double)(n > 1 ? n - 1 : 1));
    if (constant)
        *mean = l->low;
}

/* Variances of the suspect genes once more, around their means: sums of squares cannot tell a constant. */
static clab_status look_again(clab_ctx *cx, const clab_matrix *m, const moments *w)
{
    clab_rows_opts o = {.f64 = true, .phase = "scale: nearly constant genes"};
    const clab_csr *b = NULL;
    clab_rows *r = NULL;
    second_look *looks;
    void *p = NULL;
    clab_status s = clab_mem_zalloc(cx, CLAB_MEM_WORK, w->n_genes * (int64_t)sizeof *looks + 8, "scale", &p);

    looks = p;
    if (s == CLAB_OK)
        s = clab_rows_open(cx, m, &o, &r);
    while (s == CLAB_OK && (s = clab_rows_next(cx, r, &b)) == CLAB_OK && b)
        for (int64_t k = 0; k < b->nnz; k++)
            if (w->suspect[b->indices[k]])
                look(&looks[b->indices[k]], b->f64[k], w->mean[b->indices[k]]);
    for (int64_t g = 0; s == CLAB_OK && g < w->n_genes; g++)
        if (w->suspect[g])
            correct(&looks[g], clab_matrix_n_rows(m), &w->mean[g], &w->std[g]);
    clab_rows_close(cx, r);
    clab_mem_free(cx, p);
    return s;
}

static clab_status gene_moments(clab_ctx *cx, const clab_matrix *m, moments *w)
{
    const clab__gene_sums_opts o = {.n_groups = 1, .log_base = 1, .phase = "scale"};
    clab__gene_sums *sums = NULL;
    bool some_suspect = false;
    void *p[3] = {NULL, NULL, NULL};
    clab_status s = CLAB_OK;

    w->n_genes = clab_matrix_n_cols(m);
    for (int i = 0; i < 3 && s == CLAB_OK; i++)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, w->n_genes * 8 + 8, "scale", &p[i]);
    w->mean = p[0];
    w->std = p[1];
    w->suspect = p[2];
    if (s == CLAB_OK)
        s = clab__gene_sums_new(cx, m, &o, &sums);
    for (int64_t g = 0; s == CLAB_OK && g < w->n_genes; g++) {
        double var;
        clab__gene_moments(sums, 0, g, &w->mean[g], &var);
        w->std[g] = var == 0 ? 1 : sqrt(var);
        w->suspect[g] = w->mean[g] != 0 && var < 1e-6 * w->mean[g] * w->mean[g];
        some_suspect |= w->suspect[g];
    }
    clab__gene_sums_free(sums);
    if (s == CLAB_OK && some_suspect)
        s = look_again(cx, m, w);
    return s;
}

/* ---- some cells only -----------------------------------------------------------------------------------*/

/* Cells for which the mask column is true, and the others behind them. */
typedef struct {
    int64_t n_in, n_out;
    int64_t *cells;      /* N: the former, then the latter */
    int64_t *place;      /* N: where each cell is among them */
} split;

static clab_status split_cells(clab_ctx *cx, const clab_dataset *d, const char *column, split *p)
{
    int64_t n = clab_dataset_n_obs(d);
    const clab_value *v;
    void *cells = NULL, *place = NULL;
    clab_status s = clab_dataset_obs_get(cx, d, column, &v);

    if (s == CLAB_OK && v->dtype != CLAB_BOOL)
        s = clab_fail(cx, CLAB_EARG, "mask_obs: obs.%s does not say true or false for every cell", clab_show(column));
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8 + 8, "scale", &cells);
    p->cells = cells;
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8 + 8, "scale", &place);
    p->place = place;
    if (s != CLAB_OK)
        return s;
    for (int round = 0; round < 2; round++)
        for (int64_t i = 0; i < n; i++) {
            bool in = clab_value_at_num(v, i) == 1;
            if (in != (round == 0))
                continue;
            p->place[i] = p->n_in + p->n_out;
            p->cells[p->n_in + p->n_out] = i;
            p->n_in += in;
            p->n_out += !in;
        }
    return p->n_in > 0 ? CLAB_OK : clab_fail(cx, CLAB_EARG, "mask_obs: obs.%s is true for no cell", clab_show(column));
}

/* The scaled cells and the others, as they were, in their old order. */
static clab_status put_together(clab_ctx *cx, const clab_matrix *m, const clab_matrix *scaled, const split *p,
                                clab_matrix **out)
{
    clab_matrix *rest = NULL, *cast = NULL, *both = NULL;
    clab_status s = clab_matrix_take_rows(cx, m, p->cells + p->n_in, p->n_out, &rest);

    if (s == CLAB_OK)
        s = clab_matrix_op_cast(cx, rest, clab_matrix_dtype(scaled), &cast);
    if (s == CLAB_OK) {
        const clab_matrix *parts[] = {scaled, cast};
        const int32_t *maps[] = {NULL, NULL};
        s = clab_matrix_concat(cx, parts, maps, 2, clab_matrix_n_cols(m), &both);
    }
    if (s == CLAB_OK)
        s = clab_matrix_take_rows(cx, both, p->place, p->n_in + p->n_out, out);
    clab_matrix_unref(both);
    clab_matrix_unref(cast);
    clab_matrix_unref(rest);
    return s;
}

/* ---- the step -----------------------------------------------------------------------------------------------*/

/* var.mean and var.std, or "mean of MASK" where a mask chose the cells. */
static clab_status write_columns(clab_ctx *cx, clab_dataset *d, const moments *w, const clab_arg *mask)
{
    const double *columns[] = {w->mean, w->std};
    const char *const names[] = {"mean", "std"};
    char name[300];
    clab_status s = CLAB_OK;

    for (int i = 0; i < 2 && s == CLAB_OK; i++) {
        clab_value *v = NULL;
        snprintf(name, sizeof name, "%s%s%.250s", names[i], mask->given ? " of " : "", mask->given ? mask->s : "");
        s = clab_value_array(cx, CLAB_F64, 1, &w->n_genes, columns[i], &v);
        if (s == CLAB_OK)
            s = clab_dataset_var_set(cx, d, name, v);
        clab_value_unref(v);
    }
    return s;
}

static void tell_dense(clab_ctx *cx, const clab_matrix *m)
{
    double bytes = (double)clab_matrix_n_rows(m) * (double)clab_matrix_n_cols(m) *
                   (double)clab_dtype_size(clab_matrix_dtype(m));

    clab_note(cx, "scale: centred X is a recipe and costs nothing; asked for whole, as by write, it is dense: %s",
              clab_bytes(bytes < 9e18 ? (int64_t)bytes : INT64_MAX));
}

static clab_status scaled_part(clab_ctx *cx, const clab_matrix *m, const clab_arg *args, moments *w, clab_matrix **out)
{
    clab_status s = gene_moments(cx, m, w);

    return s == CLAB_OK ? clab_matrix_op_scale(cx, m, args[ZERO_CENTER].b ? w->mean : NULL, w->std,
                                               args[MAX_VALUE].num, out)
                        : s;
}

static clab_status scaled_values(clab_ctx *cx, const clab_dataset *d, const clab_matrix *m, const clab_arg *args,
                                 moments *w, clab_matrix **out)
{
    clab_matrix *in = NULL, *scaled = NULL;
    split p = {0};
    clab_status s;

    if (!args[MASK_OBS].given)
        return scaled_part(cx, m, args, w, out);
    s = split_cells(cx, d, args[MASK_OBS].s, &p);
    if (s == CLAB_OK)
        s = clab_matrix_take_rows(cx, m, p.cells, p.n_in, &in);
    if (s == CLAB_OK)
        s = scaled_part(cx, in, args, w, &scaled);
    if (s == CLAB_OK)
        s = put_together(cx, m, scaled, &p, out);
    clab_matrix_unref(scaled);
    clab_matrix_unref(in);
    clab_mem_free(cx, p.place);
    clab_mem_free(cx, p.cells);
    return s;
}

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    const clab_matrix *m;
    clab_matrix *scaled = NULL;
    moments w = {0};
    clab_status s = clab__values_of(cx, d, &args[LAYER], &m);

    if (s == CLAB_OK)
        s = scaled_values(cx, d, m, args, &w, &scaled);
    if (s == CLAB_OK && args[ZERO_CENTER].b)
        tell_dense(cx, scaled);
    if (s == CLAB_OK)
        s = clab__with_values(cx, d, &args[LAYER], scaled, out);
    if (s == CLAB_OK && (s = write_columns(cx, *out, &w, &args[MASK_OBS])) != CLAB_OK) {
        clab_dataset_unref(*out);
        *out = NULL;
    }
    moments_free(cx, &w);
    return s;
}

static clab_status estimate(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, int64_t *bytes)
{
    (void)cx;
    *bytes = clab__gene_sums_bytes(clab_dataset_n_vars(d), 1) + 24 * clab_dataset_n_vars(d);
    if (args[MASK_OBS].given)
        *bytes += 16 * clab_dataset_n_obs(d);
    return CLAB_OK;
}

static const clab_param params[] = {
    [MAX_VALUE] = {.name = "max_value", .type = CLAB_P_NUM, .def = "10", .min = 0, .max = 1e300, .unit = "",
                   .help = "larger values become this, centred ones also from below; 0 = no limit"},
    [ZERO_CENTER] = {.name = "zero_center", .type = CLAB_P_BOOL, .def = "false", .unit = "",
                     .help = "subtract each gene's mean too: costs nothing until someone asks for X whole"},
    [MASK_OBS] = {.name = "mask_obs", .type = CLAB_P_OBS, .def = "", .unit = "",
                  .help = "obs column of true and false: only these cells are looked at, and changed"},
    [LAYER] = {.name = "layer", .type = CLAB_P_LAYER, .def = "", .unit = "", .help = "of this layer instead of X"},
};

const clab_step clab_step_scale = {
    .name = "scale",
    .group = "transform",
    .summary = "divide every gene by its standard deviation, after subtracting its mean when asked to",
    .formula = "y = min(x / std, max) or, centred, (x - mean) / std within +-max; std with n-1 and 0 -> 1, as "
               "scanpy.pp.scale",
    .reads = "X or a layer, obs.<mask_obs>",
    .writes = "X or the layer (a recipe), var.mean, var.std",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .positional = -1,
    .run = run,
    .estimate = estimate,
};
