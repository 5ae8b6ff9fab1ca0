/* scale.c -- genes to unit variance, as a recipe; centred only into a dense store that was asked for.
 * docs/steps/scale.md */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/stats_impl.h"

enum { MAX_VALUE, ZERO_CENTER, DENSE };

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

/* Deviation of a gene looked at twice: 1 when it is constant. */
static double second_std(const second_look *l, double mean, int64_t n)
{
    double spread = l->spread + (double)(n - l->stored) * mean * mean;
    bool constant = l->stored == n && l->low == l->high;

    return constant || spread == 0 ? 1 : sqrt(spread / (double)(n > 1 ? n - 1 : 1));
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
            w->std[g] = second_std(&looks[g], w->mean[g], clab_matrix_n_rows(m));
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

/* ---- centred: every value is stored --------------------------------------------------------------------*/

/* One block of centred rows: float32 as y = f32(f64(f32(x - mean)) / std), float64 without the roundings. */
static void centre_rows(const clab_csr *b, const moments *w, double max, bool f64, float *y32, double *y64)
{
    int64_t g = b->n_cols;

    for (int64_t i = 0; i < b->n_rows; i++) {
        int64_t k = b->indptr[i];
        for (int64_t c = 0; c < g; c++) {
            bool here = k < b->indptr[i + 1] && b->indices[k] == c;
            double x = !here ? 0 : f64 ? b->f64[k] : (double)b->f32[k], away = x - w->mean[c];
            k += here;
            away = (f64 ? away : (double)(float)away) / w->std[c];
            if (max > 0)
                away = away > max ? max : away < -max ? -max : away;
            if (f64)
                y64[i * g + c] = away;
            else
                y32[i * g + c] = (float)away;
        }
    }
}

static clab_status add_block(clab_ctx *cx, clab_store_builder *to, const clab_csr *b, const moments *w, double max,
                             bool f64)
{
    int64_t g = b->n_cols, n = b->n_rows * g;
    void *values = NULL, *indices = NULL, *indptr = NULL;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8 + 8, "scale", &values);

    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 4 + 8, "scale", &indices);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, (b->n_rows + 1) * 8, "scale", &indptr);
    if (s == CLAB_OK) {
        for (int64_t i = 0; i < n; i++)
            ((int32_t *)indices)[i] = (int32_t)(i % g);
        for (int64_t i = 0; i <= b->n_rows; i++)
            ((int64_t *)indptr)[i] = i * g;
        centre_rows(b, w, max, f64, values, values);
        s = clab_store_builder_add(cx, to, b->n_rows, indptr, indices, values);
    }
    clab_mem_free(cx, indptr);
    clab_mem_free(cx, indices);
    clab_mem_free(cx, values);
    return s;
}

static clab_status centred(clab_ctx *cx, const clab_matrix *m, const moments *w, double max, clab_matrix **out)
{
    bool f64 = clab_matrix_dtype(m) == CLAB_F64;
    int64_t g = clab_matrix_n_cols(m);
    clab_rows_opts o = {.f64 = f64, .phase = "scale: dense", .block_rows = g > 0 ? 1 + (1 << 20) / (g * 8) : 1};
    const clab_csr *b = NULL;
    clab_store_builder *to = NULL;
    clab_store *store = NULL;
    clab_rows *r = NULL;
    clab_status s = clab_store_builder_new(cx, -1, g, f64 ? CLAB_F64 : CLAB_F32, true, &to);

    if (s == CLAB_OK)
        s = clab_rows_open(cx, m, &o, &r);
    while (s == CLAB_OK && (s = clab_rows_next(cx, r, &b)) == CLAB_OK && b)
        s = add_block(cx, to, b, w, max, f64);
    clab_rows_close(cx, r);
    if (s != CLAB_OK) {
        clab_store_builder_free(to);
        return s;
    }
    s = clab_store_builder_store(cx, to, "scaled X", &store);
    if (s == CLAB_OK)
        s = clab_matrix_new(cx, store, out);
    clab_store_unref(store);
    return s;
}

static clab_status allow_dense(clab_ctx *cx, const clab_matrix *m, bool dense)
{
    int64_t n = clab_matrix_n_rows(m), g = clab_matrix_n_cols(m), bytes;
    clab_status s = clab_mem_size(cx, n, (size_t)g * (clab_matrix_dtype(m) == CLAB_F64 ? 8 : 4), &bytes);

    if (s != CLAB_OK)
        return s;
    if (!dense) {
        (void)clab_fail(cx, CLAB_EARG,
                        "zero_center=true makes X dense: %s cells x %s genes take %s, where the counts take %s",
                        clab_text_count(n), clab_text_count(g), clab_bytes(bytes),
                        clab_bytes(clab_matrix_packed_bytes(m)));
        return clab_hint(cx, "zero_center=false keeps X sparse (PCA centres by itself); dense=true does it anyway");
    }
    return clab_mem_reserve_check(cx, bytes, "scaled X (dense)");
}

/* ---- the step -----------------------------------------------------------------------------------------------*/

static clab_status write_columns(clab_ctx *cx, clab_dataset *d, const moments *w)
{
    const double *columns[] = {w->mean, w->std};
    const char *const names[] = {"mean", "std"};
    clab_status s = CLAB_OK;

    for (int i = 0; i < 2 && s == CLAB_OK; i++) {
        clab_value *v = NULL;
        s = clab_value_array(cx, CLAB_F64, 1, &w->n_genes, columns[i], &v);
        if (s == CLAB_OK)
            s = clab_dataset_var_set(cx, d, names[i], v);
        clab_value_unref(v);
    }
    return s;
}

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    const clab_matrix *x;
    clab_matrix *scaled = NULL;
    moments w = {0};
    clab_status s = clab__need_x(cx, d, &x);

    if (s == CLAB_OK && args[ZERO_CENTER].b)
        s = allow_dense(cx, x, args[DENSE].b);
    if (s == CLAB_OK)
        s = gene_moments(cx, x, &w);
    if (s == CLAB_OK && args[ZERO_CENTER].b)
        s = centred(cx, x, &w, args[MAX_VALUE].num, &scaled);
    else if (s == CLAB_OK)
        s = clab_matrix_op_scale(cx, x, NULL, w.std, args[MAX_VALUE].num, &scaled);
    if (s == CLAB_OK)
        s = clab__with_x(cx, d, scaled, out);
    if (s == CLAB_OK && (s = write_columns(cx, *out, &w)) != CLAB_OK) {
        clab_dataset_unref(*out);
        *out = NULL;
    }
    moments_free(cx, &w);
    return s;
}

static clab_status estimate(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, int64_t *bytes)
{
    (void)cx;
    (void)args;
    *bytes = clab__gene_sums_bytes(clab_dataset_n_vars(d), 1) + 24 * clab_dataset_n_vars(d);
    return CLAB_OK;
}

static const clab_param params[] = {
    [MAX_VALUE] = {.name = "max_value", .type = CLAB_P_NUM, .def = "10", .min = 0, .max = 1e300, .unit = "",
                   .help = "larger values become this; 0 = no limit"},
    [ZERO_CENTER] = {.name = "zero_center", .type = CLAB_P_BOOL, .def = "false", .unit = "",
                     .help = "subtract each gene's mean too: makes X dense, needs dense=true"},
    [DENSE] = {.name = "dense", .type = CLAB_P_BOOL, .def = "false", .unit = "",
               .help = "allow zero_center=true to hold every value"},
};

const clab_step clab_step_scale = {
    .name = "scale",
    .group = "transform",
    .summary = "divide every gene by its standard deviation; X stays sparse",
    .formula = "y = min(x / std, max_value), std with n-1 and 0 -> 1, as scanpy.pp.scale",
    .reads = "X",
    .writes = "X (a recipe; a dense store with zero_center), var.mean, var.std",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .positional = -1,
    .run = run,
    .estimate = estimate,
};
