/* simulate_model.c -- which genes there are, how much every type expresses of each, and the tables that cells
 * are drawn from. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "ledger/ledger.h"
#include "steps/simulate_impl.h"

/* Chosen so that 5,000 UMIs of 30,000 genes touch about 6 % of them and a third of the genes is hardly ever
 * seen, between what blood and tissues show in whole-transcriptome 10x data (docs/simulate.md). */
#define SIGMA 1.75           /* of log expression over genes */
#define SILENT_SHARE 0.40    /* genes of an annotation that a tissue hardly uses */
#define SILENT_SHIFT 6.0
#define TYPE_SHARE 0.15      /* genes that a type regulates */
#define FAMILY_SHARE 0.10    /* genes that related types regulate together */
#define FAMILY_SIZE 3        /* types */
#define REGULATION 1.4       /* standard deviation of the log factor */
#define MARKERS 30           /* of a type */
#define MARKER_SHIFT 2.5     /* log expression */
#define THETA 5.0            /* inverse dispersion, median over genes */

/* Genes with names of their own where the study is large enough: mitochondrial ones, ribosomal proteins. */
static const char *const mito[] = {"MT-ND1", "MT-ND2", "MT-CO1", "MT-CO2", "MT-ATP8", "MT-ATP6", "MT-CO3",
                                   "MT-ND3", "MT-ND4L", "MT-ND4", "MT-ND5", "MT-ND6", "MT-CYB"};
#define N_MITO ((int64_t)(sizeof mito / sizeof *mito))
#define FIRST_RPL 3
#define N_RPL 39
#define FIRST_RPS 2
#define N_RPS 29
#define N_NAMED (N_MITO + N_RPL + N_RPS)
#define NAMED_FROM 1000 /* genes */
#define MITO_PART 0.003 /* of all UMIs, each */
#define RIBO_PART 0.004

static int64_t n_named(const clab__sim_plan *p)
{
    return p->genes >= NAMED_FROM ? N_NAMED : 0;
}

void clab__sim_gene_name(const clab__sim_plan *p, int64_t u, char *buf, size_t n)
{
    int64_t named = n_named(p);

    if (u >= named)
        snprintf(buf, n, "GENE%05lld", (long long)(u - named + 1));
    else if (u < N_MITO)
        snprintf(buf, n, "%s", mito[u]);
    else if (u < N_MITO + N_RPL)
        snprintf(buf, n, "RPL%lld", (long long)(u - N_MITO + FIRST_RPL));
    else
        snprintf(buf, n, "RPS%lld", (long long)(u - N_MITO - N_RPL + FIRST_RPS));
}

static double uniform(uint32_t u)
{
    return ((double)u + 0.5) * 2.3283064365386963e-10;
}

static double normal(uint32_t u, uint32_t v)
{
    float a, b;

    clab_noise_normal2(u, v, &a, &b);
    return (double)a;
}

/* ---- genes ----------------------------------------------------------------------------------------*/

static void expression(const clab__sim_plan *p, double *log_mean, float *theta)
{
    clab_noise_key key = clab__sim_key(p, CLAB__SIM_GENE, 0);
    int64_t named = n_named(p);
    double sum = 0;
    uint32_t w[4], v[4];

    for (int64_t g = named; g < p->union_genes; g++) {
        clab_noise4(&key, (uint64_t)g, 0, w);
        log_mean[g] = SIGMA * normal(w[0], w[1]) - (uniform(w[2]) < SILENT_SHARE ? SILENT_SHIFT : 0);
        sum += exp(log_mean[g]);
    }
    for (int64_t g = 0; g < p->union_genes; g++) {
        clab_noise4(&key, (uint64_t)g, 1, v);
        theta[g] = (float)(THETA * exp(0.5 * normal(v[0], v[1])));
        if (g < named)
            log_mean[g] = log(sum * (g < N_MITO ? MITO_PART : RIBO_PART)) + 0.5 * normal(v[2], v[3]);
    }
}

typedef struct {
    double key;
    int32_t gene;
} keyed;

static int by_key(const void *a, const void *b)
{
    const keyed *x = a, *y = b;

    return x->key < y->key ? -1 : x->key > y->key ? 1 : (x->gene > y->gene) - (x->gene < y->gene);
}

/* The genes of this study, rising: all but those that the other one has for itself.  Named genes are shared. */
static clab_status choose_genes(clab_ctx *cx, clab__sim_model *m)
{
    const clab__sim_plan *p = &m->plan;
    clab_noise_key key = clab__sim_key(p, CLAB__SIM_PRIVATE, 0);
    int64_t named = n_named(p), n = p->union_genes - named, own = p->union_genes - p->genes;
    uint8_t *other = NULL;
    keyed *k = NULL;
    uint32_t w[4];
    clab_status st = clab_mem_alloc(cx, CLAB_MEM_WORK, n * (int64_t)sizeof *k + 1, "simulate", (void **)&k);

    if (st == CLAB_OK)
        st = clab_mem_zalloc(cx, CLAB_MEM_WORK, p->union_genes + 1, "simulate", (void **)&other);
    if (st == CLAB_OK) {
        for (int64_t i = 0; i < n; i++) {
            clab_noise4(&key, (uint64_t)(named + i), 0, w);
            k[i] = (keyed){uniform(w[0]), (int32_t)(named + i)};
        }
        qsort(k, (size_t)n, sizeof *k, by_key);
        for (int64_t i = 0; i < own; i++) /* the first `own` are the reference's, the next the query's */
            other[k[m->study == 0 ? own + i : i].gene] = 1;
        for (int64_t g = 0; g < p->union_genes; g++)
            if (!other[g])
                m->genes[m->n_genes++] = (int32_t)g;
    }
    clab_mem_free(cx, k);
    clab_mem_free(cx, other);
    return st;
}

static clab_status rank_genes(clab_ctx *cx, clab__sim_model *m)
{
    keyed *k = NULL;
    clab_status st =
        clab_mem_alloc(cx, CLAB_MEM_WORK, m->n_genes * (int64_t)sizeof *k + 1, "simulate", (void **)&k);

    if (st != CLAB_OK)
        return st;
    for (int64_t i = 0; i < m->n_genes; i++)
        k[i] = (keyed){-m->log_mean[m->genes[i]], (int32_t)i};
    qsort(k, (size_t)m->n_genes, sizeof *k, by_key);
    for (int64_t r = 0; r < m->n_genes; r++)
        m->by_rank[r] = k[r].gene;
    clab_mem_free(cx, k);
    return CLAB_OK;
}

/* MARKERS a type on average, among the genes that are neither silent nor everywhere. */
static void choose_markers(clab__sim_model *m)
{
    const clab__sim_plan *p = &m->plan;
    clab_noise_key key = clab__sim_key(p, CLAB__SIM_MARKER, 0);
    int64_t fit = 0;
    uint32_t w[4];

    for (int64_t g = n_named(p); g < p->union_genes; g++)
        fit += m->log_mean[g] > 0 && m->log_mean[g] < 2 * SIGMA;
    for (int64_t g = 0; g < p->union_genes; g++) {
        clab_noise4(&key, (uint64_t)g, 0, w);
        bool fits = g >= n_named(p) && m->log_mean[g] > 0 && m->log_mean[g] < 2 * SIGMA;
        double share = fmin(0.5, (double)(MARKERS * p->types) / (double)(fit + 1));
        m->marker_of[g] = fits && uniform(w[0]) < share ? (int32_t)(uniform(w[1]) * (double)p->types) : -1;
    }
}

/* ---- types ----------------------------------------------------------------------------------------*/

/* Unequal, and other ones in the query; none below a tenth of an equal share. */
static void choose_weights(clab__sim_model *m)
{
    clab_noise_key key = clab__sim_key(&m->plan, CLAB__SIM_WEIGHT, 0);
    int64_t n = m->plan.types;
    double sum = 0;
    uint32_t w[4], v[4];

    for (int64_t t = 0; t < n; t++) {
        clab_noise4(&key, (uint64_t)t, 0, w);
        clab_noise4(&key, (uint64_t)t, 1, v);
        double drift = m->study ? 0.5 * normal(v[0], v[1]) : 0;
        m->type_size[t] = exp(0.25 * normal(w[2], w[3]));
        m->type_cdf[t] = fmax(exp(0.9 * normal(w[0], w[1]) + drift), 0.15);
        sum += m->type_cdf[t];
    }
    for (int64_t t = 0; t < n; t++)
        m->type_cdf[t] = m->type_cdf[t] / sum + (t > 0 ? m->type_cdf[t - 1] : 0);
    m->type_cdf[n - 1] = 1;
}

/* Regulated genes of a type or family: a share of them, by a log-normal factor. */
static double regulation(const clab_noise_key *key, uint64_t who, int64_t gene, double share)
{
    uint32_t w[4];

    clab_noise4(key, who, (uint32_t)gene, w);
    return uniform(w[0]) < share ? REGULATION * normal(w[1], w[2]) : 0;
}

/* Log expression of gene u in a type and a batch, the ones of the query following those of the reference.
 * The query's technology counts as one batch effect more. */
static double log_expression(const clab__sim_model *m, int64_t u, int64_t type, int64_t batch)
{
    const clab__sim_plan *p = &m->plan;
    clab_noise_key of_type = clab__sim_key(p, CLAB__SIM_TYPE, 0), of_family = clab__sim_key(p, CLAB__SIM_FAMILY, 0),
                   of_batch = clab__sim_key(p, CLAB__SIM_BATCH, 0);
    int64_t families = (p->types + FAMILY_SIZE - 1) / FAMILY_SIZE;
    double x = m->log_mean[u];
    uint32_t w[4];

    if (u >= n_named(p)) {
        x += regulation(&of_type, (uint64_t)type, u, TYPE_SHARE);
        x += regulation(&of_family, (uint64_t)(type % families), u, FAMILY_SHARE);
        x += m->marker_of[u] == type ? MARKER_SHIFT : 0;
    }
    clab_noise4(&of_batch, (uint64_t)(2 + batch + m->study * p->batches), (uint32_t)u, w);
    x += p->effect * normal(w[0], w[1]);
    if (m->study) {
        clab_noise4(&of_batch, 0, (uint32_t)u, w);
        x += p->effect * normal(w[0], w[1]);
    }
    return x;
}

/* ---- tables ---------------------------------------------------------------------------------------*/

#define SPAN 2147483648.0 /* of the draws */
#define NARROW 64         /* an interval too narrow to be divided: genes whose bursts are single UMIs anyhow */

/* A negative binomial count with mean mu and inverse dispersion theta is a Poisson number of bursts,
 * theta log(1 + mu / theta) of them, each of logarithmic size with p = mu / (mu + theta) (Quenouille 1949).
 * So a cell is a Poisson number of draws from one table over all genes, whatever their number. */
static clab_status fill_profile(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    clab__sim_model *m = arg;
    clab__sim_profile *f = &m->profile[task];
    int64_t n = m->n_genes, type = task / m->plan.batches, batch = task % m->plan.batches;
    double *rate = NULL, sum = 0, total = 0, seen = 0;
    clab_status st = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8 + 8, "simulate", (void **)&rate);

    (void)worker;
    if (st != CLAB_OK)
        return st;
    for (int64_t r = 0; r < n; r++)
        sum += rate[r] = exp(log_expression(m, m->genes[m->by_rank[r]], type, batch));
    for (int64_t r = 0; r < n; r++) {
        double mu = m->plan.depth * rate[r] / sum, theta = (double)m->theta[m->genes[m->by_rank[r]]];
        f->p[r] = (float)(mu / (mu + theta));
        rate[r] = theta * log1p(mu / theta);
        total += rate[r];
    }
    f->bursts = total;
    for (int64_t r = 0; r < n; r++) {
        double theta = (double)m->theta[m->genes[m->by_rank[r]]];
        double part = fmin((double)f->p[r] * theta / rate[r], 1);
        double from = SPAN * (seen / total), to = SPAN * ((seen + rate[r]) / total);
        f->p_single[r] = (float)part;
        f->from[r] = (int32_t)fmin(from, SPAN - 1);
        f->single[r] = to - from < NARROW ? INT32_MAX : (int32_t)fmin(from + part * (to - from), SPAN - 1);
        seen += rate[r];
    }
    for (int64_t r = n; r < n + CLAB__SIM_STRIDE; r++)
        f->from[r] = INT32_MAX;
    for (int64_t h = 0, r = 0; h <= CLAB__SIM_GUIDE; h++) {
        int64_t at = h << CLAB__SIM_GUIDE_SHIFT;
        while (r + 1 < n && f->from[r + 1] <= at)
            r++;
        f->guide[h] = (int32_t)r;
    }
    clab_mem_free(cx, rate);
    return CLAB_OK;
}

static clab_status make_profiles(clab_ctx *cx, clab__sim_model *m)
{
    int64_t n = m->plan.types * m->plan.batches, one, bytes;
    clab_status st;

    one = (m->n_genes * 4 + CLAB__SIM_STRIDE + CLAB__SIM_GUIDE + 1) * 4;
    st = clab_mem_size(cx, n, (size_t)one, &bytes);
    if (st == CLAB_OK)
        st = clab_mem_alloc(cx, CLAB_MEM_WORK, bytes, "profiles to simulate from", &m->tables);
    if (st == CLAB_OK)
        st = clab_mem_zalloc(cx, CLAB_MEM_WORK, n * (int64_t)sizeof *m->profile, "simulate", (void **)&m->profile);
    if (st != CLAB_OK)
        return st;
    for (int64_t i = 0; i < n; i++) {
        clab__sim_profile *f = &m->profile[i];
        f->from = (int32_t *)((char *)m->tables + i * one);
        f->single = f->from + m->n_genes + CLAB__SIM_STRIDE;
        f->guide = f->single + m->n_genes;
        f->p = (float *)(f->guide + CLAB__SIM_GUIDE + 1);
        f->p_single = f->p + m->n_genes;
    }
    return clab_parallel(cx, n, fill_profile, m);
}

clab_status clab__sim_model_new(clab_ctx *cx, const clab__sim_plan *plan, int study, clab__sim_model **out)
{
    int64_t u = plan->union_genes, t = plan->types;
    clab__sim_model *m = calloc(1, sizeof *m);
    clab_status st;

    if (!m)
        return clab_fail(cx, CLAB_ENOMEM, "no memory to simulate");
    m->plan = *plan;
    m->study = study;
    if ((st = clab_mem_alloc(cx, CLAB_MEM_WORK, u * 4, "simulate", (void **)&m->genes)) == CLAB_OK &&
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, u * 4, "simulate", (void **)&m->by_rank)) == CLAB_OK &&
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, u * 8, "simulate", (void **)&m->log_mean)) == CLAB_OK &&
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, u * 4, "simulate", (void **)&m->theta)) == CLAB_OK &&
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, u * 4, "simulate", (void **)&m->marker_of)) == CLAB_OK &&
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, t * 8, "simulate", (void **)&m->type_cdf)) == CLAB_OK &&
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, t * 8, "simulate", (void **)&m->type_size)) == CLAB_OK) {
        expression(plan, m->log_mean, m->theta);
        choose_markers(m);
        choose_weights(m);
        st = choose_genes(cx, m);
    }
    if (st == CLAB_OK)
        st = rank_genes(cx, m);
    if (st == CLAB_OK)
        st = make_profiles(cx, m);
    if (st != CLAB_OK) {
        clab__sim_model_free(cx, m);
        m = NULL;
    }
    *out = m;
    return st;
}

void clab__sim_model_free(clab_ctx *cx, clab__sim_model *m)
{
    if (!m)
        return;
    void *parts[] = {m->genes, m->by_rank, m->log_mean, m->theta, m->marker_of,
                     m->type_cdf, m->type_size, m->profile, m->tables};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        clab_mem_free(cx, parts[i]);
    free(m);
}
