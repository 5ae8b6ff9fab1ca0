/* pca.c -- principal components of the cells, of an implicitly centred X.  docs/steps/pca.md
 * N cells, G genes used, K components. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/pca_impl.h"
#include "steps/stats_impl.h"

enum { N_COMPS, ZERO_CENTER, MASK_VAR, SOLVER, LAYER, SEED, KEY_ADDED };

#define GRAM_GENES 4000    /* "auto": so many genes have their covariance matrix in memory */
#define DEFAULT_COMPS 50

/* ---- which genes -------------------------------------------------------------------------------------------*/

/* The column that marks the genes: as asked, else highly_variable where it is; NULL = all genes. */
static const char *mask_name(const clab_dataset *d, const clab_arg *args)
{
    if (args[MASK_VAR].given)
        return strcmp(args[MASK_VAR].s, "none") == 0 ? NULL : args[MASK_VAR].s;
    return clab_value_get(d->var, "highly_variable") ? "highly_variable" : NULL;
}

/* cols (G of all, caller clab_mem_free's) = the n marked genes, rising. */
static clab_status marked_genes(clab_ctx *cx, const clab_dataset *d, const char *mask, int64_t **cols, int64_t *n)
{
    const clab_value *v = NULL;
    clab_status s = mask ? clab_dataset_var_get(cx, d, mask, &v) : CLAB_OK;

    *cols = NULL;
    *n = 0;
    if (s == CLAB_OK && v && !(v->kind == CLAB_V_ARRAY && v->dtype == CLAB_BOOL)) {
        (void)clab_fail(cx, CLAB_EARG, "var.%s does not mark genes: it is no true/false column", clab_show(mask));
        return clab_hint(cx, "hvg{subset=false} makes var.highly_variable");
    }
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, clab_dataset_n_vars(d) * 8 + 8, "pca", (void **)cols);
    for (int64_t g = 0; s == CLAB_OK && g < clab_dataset_n_vars(d); g++)
        if (!v || ((const uint8_t *)v->data)[g])
            (*cols)[(*n)++] = g;
    if (s == CLAB_OK && *n == 0)
        s = clab_fail(cx, CLAB_EARG, mask ? "var.%s marks no gene" : "there are no genes%s", mask ? clab_show(mask) : "");
    return s;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static clab_status components_wanted(clab_ctx *cx, const clab_arg *args, int64_t n, int64_t g, int64_t *k)
{
    const int64_t least = smaller(n, g);

    *k = args[N_COMPS].given ? args[N_COMPS].i : smaller(DEFAULT_COMPS, least - 1);
    if (*k >= 1 && *k < least)
        return CLAB_OK;
    (void)clab_fail(cx, CLAB_EARG, "%s components of %s cells x %s genes: there must be fewer than either",
                    clab_text_count(args[N_COMPS].given ? *k : DEFAULT_COMPS), clab_text_count(n), clab_text_count(g));
    return clab_hint(cx, least > 1 ? "n_comps may be up to %lld" : "take more genes and cells", (long long)least - 1);
}

static bool by_covariance(const clab_arg *args, int64_t g)
{
    return strcmp(args[SOLVER].s, "covariance") == 0 || (strcmp(args[SOLVER].s, "auto") == 0 && g <= GRAM_GENES);
}

/* ---- the computation -----------------------------------------------------------------------------------------*/

static clab_status pca_alloc(clab_ctx *cx, clab__pca *p, clab__components *c)
{
    clab_status s = clab_mem_zalloc(cx, CLAB_MEM_WORK, 4 * p->g * 8 + 8, "pca", (void **)&p->base);

    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, (p->g + 1) * c->k * 8, "pca", (void **)&c->values);
    if (s != CLAB_OK)
        return s;
    p->mean = p->base + p->g;
    p->shift = p->mean + p->g;
    p->sum = p->shift + p->g;
    c->loadings = c->values + c->k;
    return CLAB_OK;
}

/* The loading of largest size of every component is positive; the first one decides where several are. */
static void fix_signs(const clab__pca *p, clab__components *c)
{
    for (int64_t i = 0; i < c->k; i++) {
        double *v = c->loadings + i * p->g, most = v[0];
        for (int64_t j = 1; j < p->g; j++)
            most = fabs(v[j]) > fabs(most) ? v[j] : most;
        for (int64_t j = 0; most < 0 && j < p->g; j++)
            v[j] = -v[j];
    }
}

/* Without centring the variance of a component is that of its scores, divisor N. */
static void uncentred_variances(const clab__pca *p, clab__components *c)
{
    for (int64_t i = 0; i < c->k; i++) {
        double mean = 0;
        for (int64_t j = 0; j < p->g; j++)
            mean += p->mean[j] * c->loadings[i * p->g + j];
        c->values[i] -= mean * mean;
    }
}

static clab_status decompose(clab__pca *p, const clab_arg *args, clab__components *c)
{
    clab_status s = clab__pca_base(p);

    if (s == CLAB_OK && by_covariance(args, p->g))
        return clab__pca_covariance(p, c);
    if (s == CLAB_OK)
        s = clab__pca_moments(p);
    return s == CLAB_OK ? clab__pca_lanczos(p, (uint64_t)args[SEED].i, c) : s;
}

/* ---- the result --------------------------------------------------------------------------------------------*/

static clab_status set_array(clab_ctx *cx, clab_value *dict, const char *name, int64_t n, const double *x)
{
    clab_value *v = NULL;
    clab_status s = clab_value_array(cx, CLAB_F64, 1, &n, x, &v);

    return clab_value_set_made(cx, dict, name, s, v);
}

/* uns.pca: params, variance, variance_ratio. */
static clab_status summary(clab_ctx *cx, const clab__pca *p, const clab__components *c, const clab_arg *args,
                           const char *mask, clab_value **out)
{
    clab_value *params = NULL;
    double ratio[CLAB__PCA_MAX];
    clab_status s = clab_value_dict(cx, out);

    for (int64_t i = 0; i < c->k; i++)
        ratio[i] = c->values[i] / p->total;
    if (s == CLAB_OK)
        s = clab_value_dict(cx, &params);
    if (s == CLAB_OK)
        s = clab_value_set_boolean(cx, params, "zero_center", p->centre);
    if (s == CLAB_OK)
        s = clab_value_set_boolean(cx, params, "use_highly_variable", mask && strcmp(mask, "highly_variable") == 0);
    if (s == CLAB_OK && mask)
        s = clab_value_set_string(cx, params, "mask_var", mask);
    if (s == CLAB_OK && args[LAYER].given)
        s = clab_value_set_string(cx, params, "layer", args[LAYER].s);
    if (s == CLAB_OK)
        s = clab_value_set(cx, *out, "params", params);
    if (s == CLAB_OK)
        s = set_array(cx, *out, "variance", c->k, c->values);
    if (s == CLAB_OK)
        s = set_array(cx, *out, "variance_ratio", c->k, ratio);
    clab_value_unref(params);
    return s;
}

/* varm: all genes of the dataset x K, rows of genes that were not used are 0. */
static clab_status loadings(clab_ctx *cx, const clab_dataset *d, const clab__pca *p, const clab__components *c,
                            const int64_t *cols, clab_value **out)
{
    const int64_t dims[2] = {clab_dataset_n_vars(d), c->k};
    clab_status s = clab_value_array(cx, CLAB_F64, 2, dims, NULL, out);

    for (int64_t j = 0; s == CLAB_OK && j < p->g; j++)
        for (int64_t i = 0; i < c->k; i++)
            ((double *)(*out)->data)[cols[j] * c->k + i] = c->loadings[i * p->g + j];
    return s;
}

static clab_status set_varm(clab_ctx *cx, clab_dataset *d, const char *key, const clab_value *v)
{
    clab_value *copy = NULL;
    clab_status s = clab_value_copy(cx, d->varm, &copy);

    if (s == CLAB_OK)
        s = clab_value_set(cx, copy, key, v);
    if (s != CLAB_OK) {
        clab_value_unref(copy);
        return s;
    }
    clab_value_unref(d->varm);
    d->varm = copy;
    return CLAB_OK;
}

static clab_status deliver(clab_ctx *cx, const clab_dataset *d, const clab__pca *p, const clab__components *c,
                           const int64_t *cols, const clab_arg *args, const char *mask, clab_dataset **out)
{
    const int64_t dims[2] = {p->n, c->k};
    const char *key = args[KEY_ADDED].given ? args[KEY_ADDED].s : NULL;
    clab_value *scores = NULL, *pcs = NULL, *uns = NULL;
    clab_dataset *made = NULL;
    clab_status s = clab_value_array(cx, CLAB_F32, 2, dims, NULL, &scores);

    if (s == CLAB_OK)
        s = clab__pca_scores(p, c, scores->data);
    if (s == CLAB_OK)
        s = loadings(cx, d, p, c, cols, &pcs);
    if (s == CLAB_OK)
        s = summary(cx, p, c, args, mask, &uns);
    if (s == CLAB_OK)
        s = clab_dataset_copy(cx, d, &made);
    if (s == CLAB_OK)
        s = clab_dataset_obsm_set(cx, made, key ? key : "X_pca", scores);
    if (s == CLAB_OK)
        s = set_varm(cx, made, key ? key : "PCs", pcs);
    if (s == CLAB_OK)
        s = clab_dataset_uns_set(cx, made, key ? key : "pca", uns);
    clab_value_unref(scores);
    clab_value_unref(pcs);
    clab_value_unref(uns);
    if (s != CLAB_OK) {
        clab_dataset_unref(made);
        return s;
    }
    *out = made;
    return CLAB_OK;
}

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    const char *mask = mask_name(d, args);
    const clab_matrix *x = NULL;
    clab_matrix *used = NULL;
    int64_t *cols = NULL;
    clab__components c = {0};
    clab__pca p = {.cx = cx, .n = clab_dataset_n_obs(d), .centre = args[ZERO_CENTER].b};
    clab_status s = clab__values_of(cx, d, &args[LAYER], &x);

    if (s == CLAB_OK)
        s = marked_genes(cx, d, mask, &cols, &p.g);
    if (s == CLAB_OK)
        s = components_wanted(cx, args, p.n, p.g, &c.k);
    if (s == CLAB_OK && p.g < clab_matrix_n_cols(x))
        s = clab_matrix_take_cols(cx, x, cols, p.g, &used);
    if (s == CLAB_OK)
        s = pca_alloc(cx, &p, &c);
    if (s == CLAB_OK) {
        p.m = used ? used : x;
        clab_blas_open(cx, &p.blas);
        s = decompose(&p, args, &c);
    }
    if (s == CLAB_OK) {
        if (!p.centre)
            uncentred_variances(&p, &c);
        fix_signs(&p, &c);
        s = deliver(cx, d, &p, &c, cols, args, mask, out);
    }
    clab_mem_free(cx, p.base);
    clab_mem_free(cx, c.values);
    clab_mem_free(cx, cols);
    clab_matrix_unref(used);
    return s;
}

/* ---- the descriptor ----------------------------------------------------------------------------------------*/

static clab_status estimate(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, int64_t *bytes)
{
    int64_t *cols, g, n = clab_dataset_n_obs(d), k = args[N_COMPS].given ? args[N_COMPS].i : DEFAULT_COMPS;
    clab_status s = marked_genes(cx, d, mask_name(d, args), &cols, &g);

    clab_mem_free(cx, cols);
    if (s != CLAB_OK)
        return s;
    *bytes = (4 * g + (g + clab_dataset_n_vars(d)) * k) * 8 + n * k * 4 + (16 << 20);
    *bytes += by_covariance(args, g) ? 8 * g * (g + 36) : clab__lanczos_bytes(g, smaller(k, g));
    return CLAB_OK;
}

static const clab_param params[] = {
    [N_COMPS] = {.name = "n_comps", .type = CLAB_P_INT, .def = "", .min = 1, .max = CLAB__PCA_MAX, .unit = "components",
                 .help = "default 50, or one less than cells or genes where there are no more than 50"},
    [ZERO_CENTER] = {.name = "zero_center", .type = CLAB_P_BOOL, .def = "true", .unit = "",
                     .help = "components of X less its mean (X stays sparse); false: of X itself"},
    [MASK_VAR] = {.name = "mask_var", .type = CLAB_P_VAR, .def = "", .unit = "",
                  .help = "true/false column of genes to use; default highly_variable where it is, \"none\" = all"},
    [SOLVER] = {.name = "svd_solver", .type = CLAB_P_ENUM, .def = "auto", .choices = "auto|covariance|lanczos", .unit = "",
                .help = "covariance: exact, 8 bytes x genes^2; lanczos: many genes; auto: by genes, up to 4,000"},
    [LAYER] = {.name = "layer", .type = CLAB_P_LAYER, .def = "", .unit = "", .help = "a layer instead of X"},
    [SEED] = {.name = "seed", .type = CLAB_P_INT, .def = "0", .min = 0, .max = 9007199254740992.0, .unit = "",
              .help = "of lanczos' first vectors"},
    [KEY_ADDED] = {.name = "key_added", .type = CLAB_P_STR, .def = "", .unit = "",
                   .help = "name in obsm, varm and uns instead of X_pca, PCs and pca"},
};

const clab_step clab_step_pca = {
    .name = "pca",
    .group = "transform",
    .summary = "principal components of the cells; X is centred implicitly and stays sparse",
    .formula = "eigenvectors of (X - mean)'(X - mean)/(n-1), scores (X - mean)V, as scanpy.pp.pca",
    .reads = "X or a layer, var.<mask_var>",
    .writes = "obsm.X_pca (float32), varm.PCs, uns.pca",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .positional = N_COMPS,
    .run = run,
    .estimate = estimate,
};
