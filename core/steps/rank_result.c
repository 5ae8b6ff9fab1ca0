/* rank_result.c -- scores and p-values as uns.rank_genes_groups, in scanpy's layout; and read back as a table. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/pvalue.h"
#include "steps/rank_impl.h"

enum { NAMES, SCORES, PVALS, PVALS_ADJ, LOGFOLDCHANGES, N_FIELDS };

static const char *const fields[N_FIELDS] = {"names", "scores", "pvals", "pvals_adj", "logfoldchanges"};

/* ---- one group ------------------------------------------------------------------------------------------------*/

typedef struct {
    clab_ctx *cx;
    const clab__ranked *r;
    const clab__rank_opts *o;
    const clab_value *genes;
    double log_base;
    int64_t *order;            /* G */
    double *adjusted;          /* G */
    const char **names;        /* n_genes */
    clab_value *records[N_FIELDS];
} writer;

typedef struct {
    const double *score;
    bool by_size;
} ranking;

static int best_first(const void *a, const void *b, void *arg)
{
    const ranking *k = arg;
    const int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;
    const double x = k->by_size ? fabs(k->score[i]) : k->score[i], y = k->by_size ? fabs(k->score[j]) : k->score[j];

    return x != y ? (x < y) - (x > y) : (i > j) - (i < j);
}

/* log2 of the ratio of what the mean logarithms stand for. */
static double log_fold_change(const writer *w, int group, int64_t gene)
{
    double m1, m2, v;

    clab__gene_moments(w->r->sums, group, gene, &m1, &v);
    clab__ranked_other_moments(w->r, group, gene, &m2, &v);
    return log2((expm1(m1 * w->log_base) + 1e-9) / (expm1(m2 * w->log_base) + 1e-9));
}

static clab_status add_numbers(writer *w, int field, int group, const double *x)
{
    const bool f32 = field == SCORES || field == LOGFOLDCHANGES;
    const int64_t n = w->o->n_genes;
    clab_value *v = NULL;
    clab_status s = clab_value_array(w->cx, f32 ? CLAB_F32 : CLAB_F64, 1, &n, NULL, &v);

    for (int64_t i = 0; s == CLAB_OK && i < n; i++) {
        const int64_t gene = w->order[i];
        const double y = field == LOGFOLDCHANGES ? log_fold_change(w, group, gene) : x[gene];
        if (f32)
            ((float *)v->data)[i] = (float)y;
        else
            ((double *)v->data)[i] = y;
    }
    if (s == CLAB_OK)
        s = clab_value_set(w->cx, w->records[field], w->r->names[group], v);
    clab_value_unref(v);
    return s;
}

static clab_status add_names(writer *w, int group)
{
    const int64_t n = w->o->n_genes;
    clab_value *v = NULL;
    clab_status s;

    for (int64_t i = 0; i < n; i++)
        w->names[i] = ((char *const *)w->genes->data)[w->order[i]];
    s = clab_value_strings(w->cx, 1, &n, w->names, &v);
    if (s == CLAB_OK)
        s = clab_value_set(w->cx, w->records[NAMES], w->r->names[group], v);
    clab_value_unref(v);
    return s;
}

static clab_status add_group(writer *w, int group, const double *score, const double *p)
{
    ranking by = {score, w->o->by_size};
    clab_status s = clab_p_adjust(w->cx, strcmp(w->o->corr_method, "bonferroni") == 0, p, w->r->g, w->adjusted);

    if (s != CLAB_OK)
        return s;
    for (int64_t i = 0; i < w->r->g; i++)
        w->order[i] = i;
    qsort_r(w->order, (size_t)w->r->g, sizeof *w->order, best_first, &by);
    s = add_names(w, group);
    if (s == CLAB_OK)
        s = add_numbers(w, SCORES, group, score);
    if (s == CLAB_OK)
        s = add_numbers(w, PVALS, group, p);
    if (s == CLAB_OK)
        s = add_numbers(w, PVALS_ADJ, group, w->adjusted);
    return s == CLAB_OK ? add_numbers(w, LOGFOLDCHANGES, group, NULL) : s;
}

/* ---- beside the records ---------------------------------------------------------------------------------------*/

/* Share of cells with a gene, of each group (or of the rest of each): genes x groups. */
static clab_status shares(const writer *w, bool rest, clab_value *into)
{
    const clab__ranked *r = w->r;
    clab_value *table = NULL;
    clab_status s = clab_value_table(w->cx, w->genes, NULL, &table);

    for (int k = 0; s == CLAB_OK && k < r->k; k++) {
        clab_value *v = NULL;
        s = clab_value_array(w->cx, CLAB_F64, 1, &r->g, NULL, &v);
        for (int64_t g = 0; s == CLAB_OK && g < r->g; g++) {
            int64_t n = 0;
            for (int set = 0; rest && set < r->sets; set++)
                n += set == k ? 0 : r->nonzero[set * r->g + g];
            if (!rest)
                n = r->nonzero[k * r->g + g];
            ((double *)v->data)[g] = (double)n / (double)(rest ? clab__ranked_others(r, k) : r->cells[k]);
        }
        if (s == CLAB_OK)
            s = clab_value_set(w->cx, table, r->names[k], v);
        clab_value_unref(v);
    }
    if (s == CLAB_OK)
        s = clab_value_set(w->cx, into, rest ? "pts_rest" : "pts", table);
    clab_value_unref(table);
    return s;
}

static clab_status parameters(const writer *w, clab_value *into)
{
    const char *const texts[][2] = {{"groupby", w->o->groupby},
                                    {"reference", w->o->reference},
                                    {"method", w->o->method},
                                    {"layer", w->o->layer},
                                    {"corr_method", w->o->corr_method}};
    clab_value *dict = NULL;
    clab_status s = clab_value_dict(w->cx, &dict);

    for (size_t i = 0; s == CLAB_OK && i < sizeof texts / sizeof *texts; i++)
        if (texts[i][1])
            s = clab_value_set_string(w->cx, dict, texts[i][0], texts[i][1]);
    if (s == CLAB_OK)
        s = clab_value_set_boolean(w->cx, dict, "use_raw", w->o->use_raw);
    return clab_value_set_made(w->cx, into, "params", s, dict);
}

static clab_status assemble(writer *w, const double *score, const double *p, clab_value *into)
{
    clab_status s = parameters(w, into);

    if (s == CLAB_OK && w->o->pts)
        s = shares(w, false, into);
    if (s == CLAB_OK && w->o->pts && w->r->reference < 0)
        s = shares(w, true, into);
    for (int i = 0; s == CLAB_OK && i < N_FIELDS; i++)
        s = clab_value_records(w->cx, w->o->n_genes, &w->records[i]);
    for (int k = 0; s == CLAB_OK && k < w->r->k; k++)
        if (k != w->r->reference)
            s = add_group(w, k, score + k * w->r->g, p + k * w->r->g);
    for (int i = 0; s == CLAB_OK && i < N_FIELDS; i++)
        s = clab_value_set(w->cx, into, fields[i], w->records[i]);
    return s;
}

clab_status clab__rank_result(clab_ctx *cx, const clab_dataset *d, const clab__ranked *r, const clab_value *genes,
                              const clab__rank_opts *o, const double *score, double *p, clab_dataset **out)
{
    writer w = {.cx = cx, .r = r, .o = o, .genes = genes};
    clab_value *dict = NULL;
    clab_dataset *made = NULL;
    double base;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, r->g * 16 + 8, "rank_genes_groups", (void **)&w.order);

    if (!clab_matrix_has_log1p(r->m, &base))
        (void)clab__uns_log1p(d, &base);
    w.log_base = base > 0 ? log(base) : 1;
    w.adjusted = (double *)(w.order + r->g);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, o->n_genes * (int64_t)sizeof *w.names + 8, "rank_genes_groups", (void **)&w.names);
    if (s == CLAB_OK)
        s = clab_value_dict(cx, &dict);
    if (s == CLAB_OK)
        s = assemble(&w, score, p, dict);
    if (s == CLAB_OK)
        s = clab_dataset_copy(cx, d, &made);
    if (s == CLAB_OK && (s = clab_dataset_uns_set(cx, made, o->key, dict)) == CLAB_OK) {
        *out = made;
        made = NULL;
    }
    clab_dataset_unref(made);
    for (int i = 0; i < N_FIELDS; i++)
        clab_value_unref(w.records[i]);
    clab_value_unref(dict);
    clab_mem_free(cx, w.order);
    clab_mem_free(cx, w.names);
    return s;
}
