/* features.c -- the rows that the classifier sees, made block by block: latent, chosen genes, standardised.
 * Never more than one block is dense.  N cells, F features. */
#include "features_impl.h"

#include <float.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "ledger/ledger.h"

#define BLOCK_BYTES (4 << 20)
#define BLOCK_ROWS 4096

struct clab__feature_stream {
    const clab__features *f;
    const clab_dataset *d;
    const int64_t *rows;       /* NULL = all */
    int64_t n, n_features, at; /* cells; next one */
    int64_t block_rows;
    const clab_value *latent;  /* ARRAY N x D, borrowed from d */
    int32_t *role;             /* G; NULL = no genes */
    clab_matrix *counts;
    clab_rows *stream;
    float *zero;               /* F: a cell without counts, standardised */
    float *block;              /* block_rows x F */
};

void clab__features_free(clab_ctx *cx, clab__features *f)
{
    free(f->latent_key);
    clab_value_unref(f->genes);
    clab_value_unref(f->universe);
    clab_mem_free(cx, f->mean);
    clab_mem_free(cx, f->std);
    memset(f, 0, sizeof *f);
}

int64_t clab__features_n(const clab__features *f)
{
    return f->n_latent + (f->genes ? clab_value_len(f->genes) : 0);
}

/* ---- genes ----------------------------------------------------------------------------------------*/

static const char *const *names_of(const clab_value *strings)
{
    return (const char *const *)strings->data;
}

clab_status clab__gene_roles(clab_ctx *cx, const clab_dataset *d, const clab_value *universe, const clab_value *genes,
                             int32_t **role, int64_t *n_missing)
{
    const int64_t n_universe = clab_value_len(universe), n_genes = genes ? clab_value_len(genes) : 0;
    const int64_t n_vars = clab_dataset_n_vars(d);
    clab_names *all = NULL, *chosen = NULL;
    uint8_t *taken = NULL;
    int64_t found = 0;
    int32_t *r = NULL;
    clab_status st;

    if ((st = clab_names_new(cx, names_of(universe), n_universe, NULL, &all)) != CLAB_OK ||
        (genes && (st = clab_names_new(cx, names_of(genes), n_genes, NULL, &chosen)) != CLAB_OK) ||
        (st = clab_mem_zalloc(cx, CLAB_MEM_WORK, n_universe + 1, "genes", (void **)&taken)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, n_vars * 4 + 4, "genes", (void **)&r)) != CLAB_OK)
        goto done;
    for (int64_t g = 0; g < n_vars; g++) {
        const char *name = clab_dataset_var_name(d, g);
        int64_t at = clab_names_get(all, name), place = -1;

        r[g] = CLAB__IGNORED;
        if (at < 0 || taken[at])
            continue;
        taken[at] = 1;
        if (chosen)
            place = clab_names_get(chosen, name);
        found += place >= 0;
        r[g] = place >= 0 ? (int32_t)place : CLAB__COUNTED;
    }
    if (n_missing)
        *n_missing = n_genes - found;
done:
    clab_names_free(all);
    clab_names_free(chosen);
    clab_mem_free(cx, taken);
    if (st != CLAB_OK) {
        clab_mem_free(cx, r);
        return st;
    }
    *role = r;
    return CLAB_OK;
}

static clab_status open_genes(clab_ctx *cx, clab__feature_stream *s)
{
    const clab_rows_opts opts = {.order = s->rows, .n_order = s->rows ? s->n : 0, .block_rows = s->block_rows};
    const int64_t n_genes = clab_value_len(s->f->genes);
    int64_t n_missing;
    clab_status st;

    if ((st = clab__gene_roles(cx, s->d, s->f->universe, s->f->genes, &s->role, &n_missing)) != CLAB_OK)
        return st;
    if (2 * n_missing > n_genes) {
        (void)clab_fail(cx, CLAB_ENOTFOUND, "%s lacks %" PRId64 " of the %" PRId64 " genes that the classifier was "
                                            "trained on", clab_show(s->d->name), n_missing, n_genes);
        return clab_hint(cx, "use the same kind of gene names in both studies, or features = 'latent'");
    }
    if (n_missing)
        clab_warn(cx, "%s lacks %" PRId64 " of the %" PRId64 " genes that the classifier was trained on: they count as 0",
                  clab_show(s->d->name), n_missing, n_genes);
    if ((st = clab_dataset_counts(cx, s->d, &s->counts)) != CLAB_OK)
        return st;
    return clab_rows_open(cx, s->counts, &opts, &s->stream);
}

/* ---- latent ----------------------------------------------------------------------------------------*/

static clab_status open_latent(clab_ctx *cx, clab__feature_stream *s)
{
    const clab_value *v = clab_value_get(s->d->obsm, s->f->latent_key);

    if (!v) {
        (void)clab_fail(cx, CLAB_ENOTFOUND, "%s has no obsm.%s, which the classifier looks at", clab_show(s->d->name),
                        clab_show(s->f->latent_key));
        return clab_hint(cx, "set it to the latent of a trained scVI model, or use features = 'genes'");
    }
    if (v->kind != CLAB_V_ARRAY || v->rank != 2 || (v->dtype != CLAB_F32 && v->dtype != CLAB_F64))
        return clab_fail(cx, CLAB_ESHAPE, "obsm.%s is no table of numbers: a float32 or float64 array with a row a "
                                          "cell is needed", clab_show(s->f->latent_key));
    if (v->dims[1] != s->f->n_latent)
        return clab_fail(cx, CLAB_ESHAPE, "obsm.%s has %" PRId64 " columns, the classifier was trained on %" PRId64,
                         clab_show(s->f->latent_key), v->dims[1], s->f->n_latent);
    s->latent = v;
    return CLAB_OK;
}

static inline float standard(const clab__features *f, int64_t j, double x)
{
    return f->mean ? (float)((x - f->mean[j]) / f->std[j]) : (float)x;
}

static clab_status fill_latent(clab_ctx *cx, const clab__feature_stream *s, int64_t n)
{
    const int64_t d = s->f->n_latent;

    for (int64_t i = 0; i < n; i++) {
        int64_t cell = s->rows ? s->rows[s->at + i] : s->at + i;

        for (int64_t j = 0; j < d; j++) {
            double x = s->latent->dtype == CLAB_F32 ? (double)((const float *)s->latent->data)[cell * d + j]
                                                    : ((const double *)s->latent->data)[cell * d + j];
            if (!isfinite(x))
                return clab_fail(cx, CLAB_EARG, "obsm.%s is not finite for cell %s: was the model trained well?",
                                 clab_show(s->f->latent_key), clab_show(clab_dataset_obs_name(s->d, cell)));
            s->block[i * s->n_features + j] = standard(s->f, j, x);
        }
    }
    return CLAB_OK;
}

/* ---- blocks ----------------------------------------------------------------------------------------*/

static void fill_genes(const clab__feature_stream *s, const clab_csr *b)
{
    for (int64_t row = 0; row < b->n_rows; row++) {
        const float factor = clab__size_factor(b, row, s->role);
        float *x = s->block + row * s->n_features;

        for (int64_t i = b->indptr[row]; i < b->indptr[row + 1]; i++) {
            int64_t j = s->role[b->indices[i]];
            if (j < 0)
                continue;
            j += s->f->n_latent;
            x[j] = standard(s->f, j, (double)clab__log_normal(b->f32[i], factor));
        }
    }
}

static clab_status next_block(clab_ctx *cx, void *user, const float **x, int64_t *n)
{
    clab__feature_stream *s = user;
    int64_t left = s->n - s->at, rows = left < s->block_rows ? left : s->block_rows;
    const clab_csr *b = NULL;
    clab_status st;

    *n = 0;
    if ((st = clab_check(cx)) != CLAB_OK)
        return st;
    if (s->stream) {
        if ((st = clab_rows_next(cx, s->stream, &b)) != CLAB_OK)
            return st;
        rows = b ? b->n_rows : 0;
    }
    if (rows == 0)
        return CLAB_OK;
    for (int64_t i = 0; i < rows; i++)
        memcpy(s->block + i * s->n_features, s->zero, (size_t)s->n_features * sizeof *s->block);
    if (s->latent && (st = fill_latent(cx, s, rows)) != CLAB_OK)
        return st;
    if (b)
        fill_genes(s, b);
    s->at += rows;
    *x = s->block;
    *n = rows;
    return CLAB_OK;
}

static clab_status rewind_blocks(clab_ctx *cx, void *user)
{
    clab__feature_stream *s = user;

    s->at = 0;
    return s->stream ? clab_rows_rewind(cx, s->stream, s->rows, s->rows ? s->n : 0) : CLAB_OK;
}

clab_status clab__feature_stream_open(clab_ctx *cx, const clab__features *f, const clab_dataset *d,
                                      const int64_t *rows, int64_t n, clab__feature_stream **out)
{
    clab__feature_stream *s = calloc(1, sizeof *s);
    int64_t row_bytes;
    clab_status st;

    if (!s)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a stream of features");
    *s = (clab__feature_stream){.f = f, .d = d, .rows = rows, .n = rows ? n : clab_dataset_n_obs(d),
                                .n_features = clab__features_n(f)};
    row_bytes = s->n_features * (int64_t)sizeof(float);
    s->block_rows = row_bytes > 0 ? BLOCK_BYTES / row_bytes : 1;
    s->block_rows = s->block_rows < 1 ? 1 : s->block_rows > BLOCK_ROWS ? BLOCK_ROWS : s->block_rows;
    if ((st = clab_mem_alloc(cx, CLAB_MEM_WORK, row_bytes, "features", (void **)&s->zero)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, row_bytes * s->block_rows, "features", (void **)&s->block)) != CLAB_OK ||
        (f->latent_key && (st = open_latent(cx, s)) != CLAB_OK) || (f->genes && (st = open_genes(cx, s)) != CLAB_OK)) {
        clab__feature_stream_close(cx, s);
        return st;
    }
    for (int64_t j = 0; j < s->n_features; j++)
        s->zero[j] = standard(f, j, 0);
    *out = s;
    return CLAB_OK;
}

void clab__feature_stream_close(clab_ctx *cx, clab__feature_stream *s)
{
    if (!s)
        return;
    clab_rows_close(cx, s->stream);
    clab_matrix_unref(s->counts);
    clab_mem_free(cx, s->role);
    clab_mem_free(cx, s->zero);
    clab_mem_free(cx, s->block);
    free(s);
}

clab_feature_rows clab__feature_stream_rows(clab__feature_stream *s)
{
    return (clab_feature_rows){.n_rows = s->n, .n_features = s->n_features, .next = next_block,
                               .rewind = rewind_blocks, .user = s};
}

/* ---- standardisation -------------------------------------------------------------------------------------*/

/* Welford's update: no loss of digits however far the mean is from 0. */
static clab_status moments(clab_ctx *cx, clab__feature_stream *s, double *mean, double *m2)
{
    const int64_t f = s->n_features;
    const float *x;
    int64_t n, seen = 0;
    clab_status st;

    while ((st = next_block(cx, s, &x, &n)) == CLAB_OK && n > 0) {
        for (int64_t i = 0; i < n; i++) {
            const double share = 1.0 / (double)++seen;
            for (int64_t j = 0; j < f; j++) {
                double v = (double)x[i * f + j], from_old = v - mean[j];
                mean[j] += from_old * share;
                m2[j] += from_old * (v - mean[j]);
            }
        }
    }
    return st;
}

clab_status clab__features_standardise(clab_ctx *cx, clab__features *f, const clab_dataset *d, const int64_t *rows,
                                       int64_t n)
{
    const int64_t n_features = clab__features_n(f), bytes = n_features * (int64_t)sizeof(double);
    clab__feature_stream *s = NULL;
    double *mean = NULL, *std = NULL;
    clab_status st;

    if ((st = clab_mem_zalloc(cx, CLAB_MEM_MODEL, bytes, "standardisation", (void **)&mean)) != CLAB_OK ||
        (st = clab_mem_zalloc(cx, CLAB_MEM_MODEL, bytes, "standardisation", (void **)&std)) != CLAB_OK ||
        (st = clab__feature_stream_open(cx, f, d, rows, n, &s)) != CLAB_OK ||
        (st = moments(cx, s, mean, std)) != CLAB_OK)
        goto done;
    for (int64_t j = 0; j < n_features; j++) {
        double count = (double)s->n, var = std[j] / count, noise = count * mean[j] * DBL_EPSILON;
        bool constant = var <= count * DBL_EPSILON * var + noise * noise;
        std[j] = constant ? 1 : sqrt(var);
    }
    f->mean = mean;
    f->std = std;
done:
    clab__feature_stream_close(cx, s);
    if (st != CLAB_OK) {
        clab_mem_free(cx, mean);
        clab_mem_free(cx, std);
    }
    return st;
}
