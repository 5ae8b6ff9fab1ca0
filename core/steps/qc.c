/* qc.c -- what each cell and each gene holds: totals, detected genes, the share of mitochondrial and other
 * sets, the share of the largest.  docs/steps/qc.md
 * N cells, G genes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/qc_impl.h"
#include "steps/stats_impl.h"

enum { MITO, RIBO, QC_VARS, GENE_NAMES, PERCENT_TOP, LOG1P, LAYER };

typedef struct {
    clab_ctx *cx;
    clab__qc_sums sums;
    clab__qc_set *sets;
    int64_t *top;
    clab_value **columns; /* in_top, set_total, set_share: one block */
    int64_t n_columns;
} qc;

static void qc_free(qc *w)
{
    for (int k = 0; k < w->sums.n_sets; k++)
        clab_value_unref(w->sets[k].flags);
    for (int64_t i = 0; i < w->n_columns; i++)
        clab_value_unref(w->columns[i]);
    clab_value_unref(w->sums.n_genes);
    clab_value_unref(w->sums.total);
    clab_mem_free(w->cx, w->sums.n_cells);
    clab_mem_free(w->cx, w->sums.sum);
    clab_mem_free(w->cx, w->columns);
    clab_mem_free(w->cx, w->sets);
    clab_mem_free(w->cx, w->top);
}

/* ---- what is asked for -----------------------------------------------------------------------------------*/

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* The ranks, rising, each once.  Of the default ones, those that there are genes for; an explicit one must fit. */
static clab_status ranks(qc *w, const clab_arg *top, int64_t n_genes)
{
    void *p = NULL;
    int n = 0, kept = 0;
    clab_status s = clab_mem_alloc(w->cx, CLAB_MEM_WORK, top->n_strs * 8 + 8, "qc", &p);

    w->top = p;
    for (int64_t i = 0; s == CLAB_OK && i < top->n_strs; i++) {
        int64_t k = clab_arg_int(top, i);
        if (k <= n_genes)
            w->top[n++] = k;
        else if (top->explicit_)
            s = clab_fail(w->cx, CLAB_EARG, "percent_top=%s, but there are only %s genes", clab_text_count(k),
                          clab_text_count(n_genes));
    }
    if (s != CLAB_OK)
        return s;
    qsort(w->top, (size_t)n, sizeof *w->top, by_size);
    for (int i = 0; i < n; i++)
        if (kept == 0 || w->top[i] != w->top[kept - 1])
            w->top[kept++] = w->top[i];
    w->sums.n_top = kept;
    w->sums.top = w->top;
    return CLAB_OK;
}

/* Human and mouse prefixes are looked for, but only to say that they are there. */
static void tell_mito(clab_ctx *cx, const clab_value *names)
{
    static const char *const prefixes[] = {"MT-", "mt-"};
    int64_t n[2] = {0, 0};

    for (int64_t g = 0; g < clab_value_len(names); g++)
        for (int k = 0; k < 2; k++) {
            const char *name = clab_value_at_str(names, g, (char[32]){0}, 32);
            n[k] += name && strncmp(name, prefixes[k], 3) == 0;
        }
    for (int k = 0; k < 2; k++)
        if (n[k] > 0)
            clab_note(cx, "qc: genes that begin with %s: %s; qc{mito=\"%s\"} adds their share of each cell", prefixes[k],
                      clab_text_count(n[k]), prefixes[k]);
}

static clab_status sets_of(qc *w, const clab_dataset *d, const clab_arg *args)
{
    static const struct {
        int arg;
        const char *name, *column;
    } named[] = {{MITO, "mito", "mt"}, {RIBO, "ribo", "ribo"}};
    int64_t most = 2 + (args[QC_VARS].given ? args[QC_VARS].n_strs : 0);
    const clab_value *names = d->var->index;
    void *p = NULL;
    clab_status s = clab_mem_zalloc(w->cx, CLAB_MEM_WORK, most * (int64_t)sizeof *w->sets, "qc", &p);

    w->sets = p;
    if (s == CLAB_OK && args[GENE_NAMES].given)
        s = clab_dataset_var_get(w->cx, d, args[GENE_NAMES].s, &names);
    if (s == CLAB_OK && clab_value_is_numeric(names))
        s = clab_fail(w->cx, CLAB_EARG, "gene_names: var.%s holds numbers", clab_show(args[GENE_NAMES].s));
    if (s == CLAB_OK && !args[MITO].given && !args[QC_VARS].given)
        tell_mito(w->cx, names);
    for (int i = 0; s == CLAB_OK && i < 2; i++) {
        clab__qc_set *set = &w->sets[w->sums.n_sets];
        if (!args[named[i].arg].given || args[named[i].arg].n_strs == 0)
            continue;
        set->name = named[i].column;
        set->named = true;
        s = clab__qc_named(w->cx, d, named[i].name, &args[named[i].arg], names, &set->flags);
        w->sums.n_sets += s == CLAB_OK;
    }
    for (int64_t i = 0; s == CLAB_OK && args[QC_VARS].given && i < args[QC_VARS].n_strs; i++) {
        clab__qc_set *set = &w->sets[w->sums.n_sets];
        bool twice = false;
        for (int k = 0; k < w->sums.n_sets; k++)
            twice |= strcmp(w->sets[k].name, args[QC_VARS].strs[i]) == 0;
        if (twice)
            continue;
        set->name = args[QC_VARS].strs[i];
        s = clab__qc_column(w->cx, d, set->name, &set->flags);
        w->sums.n_sets += s == CLAB_OK;
    }
    w->sums.sets = w->sets;
    return s;
}

/* ---- the columns ---------------------------------------------------------------------------------------*/

static clab_status columns_new(qc *w, const clab_matrix *m)
{
    clab_dtype total = clab__sum_type(clab_matrix_dtype(m)), share = total == CLAB_F32 ? CLAB_F32 : CLAB_F64;
    int64_t n = clab_matrix_n_rows(m), g = clab_matrix_n_cols(m), most = w->sums.n_top + 2 * w->sums.n_sets;
    void *p = NULL;
    clab_status s = clab_mem_zalloc(w->cx, CLAB_MEM_WORK, (most + 1) * (int64_t)sizeof *w->columns, "qc", &p);

    w->columns = p;
    if (s == CLAB_OK)
        s = clab_value_array(w->cx, clab_matrix_is_dense(m) ? CLAB_I64 : CLAB_I32, 1, &n, NULL, &w->sums.n_genes);
    if (s == CLAB_OK)
        s = clab_value_array(w->cx, total, 1, &n, NULL, &w->sums.total);
    for (int64_t i = 0; s == CLAB_OK && i < most; i++, w->n_columns += s == CLAB_OK) {
        bool is_total = i >= w->sums.n_top && i < w->sums.n_top + w->sums.n_sets;
        s = clab_value_array(w->cx, i < w->sums.n_top ? CLAB_F64 : is_total ? total : share, 1, &n, NULL,
                             &w->columns[i]);
    }
    w->sums.in_top = w->columns;
    w->sums.set_total = w->columns + w->sums.n_top;
    w->sums.set_share = w->columns + w->sums.n_top + w->sums.n_sets;
    p = NULL;
    if (s == CLAB_OK)
        s = clab_mem_zalloc(w->cx, CLAB_MEM_WORK, g * 8 + 8, "qc", &p);
    w->sums.n_cells = p;
    p = NULL;
    if (s == CLAB_OK)
        s = clab_mem_zalloc(w->cx, CLAB_MEM_WORK, g * 8 + 8, "qc", &p);
    w->sums.sum = p;
    return s;
}

/* ln(1 + x) of a column, in float32 where it is one. */
static clab_status logged(clab_ctx *cx, const clab_value *x, clab_value **out)
{
    int64_t n = clab_value_len(x);
    clab_status s = clab_value_array(cx, x->dtype == CLAB_F32 ? CLAB_F32 : CLAB_F64, 1, &n, NULL, out);

    for (int64_t i = 0; s == CLAB_OK && i < n; i++)
        clab__qc_put(*out, i, log1p(clab_value_at_num(x, i)));
    return s;
}

typedef clab_status setter(clab_ctx *cx, clab_dataset *d, const char *name, const clab_value *v);

/* A column, and with `log` its logarithm beside it. */
static clab_status set_both(clab_ctx *cx, clab_dataset *d, setter *set, bool log, const char *name, const clab_value *v)
{
    char log_name[300];
    clab_value *l = NULL;
    clab_status s = set(cx, d, name, v);

    if (s != CLAB_OK || !log)
        return s;
    snprintf(log_name, sizeof log_name, "log1p_%s", name);
    s = logged(cx, v, &l);
    if (s == CLAB_OK)
        s = set(cx, d, log_name, l);
    clab_value_unref(l);
    return s;
}

static clab_status write_obs(const qc *w, clab_dataset *d, bool log)
{
    const clab__qc_sums *c = &w->sums;
    char name[280];
    clab_status s = set_both(w->cx, d, clab_dataset_obs_set, log, "n_genes_by_counts", c->n_genes);

    if (s == CLAB_OK)
        s = set_both(w->cx, d, clab_dataset_obs_set, log, "total_counts", c->total);
    for (int k = 0; s == CLAB_OK && k < c->n_top; k++) {
        snprintf(name, sizeof name, "pct_counts_in_top_%lld_genes", (long long)c->top[k]);
        s = clab_dataset_obs_set(w->cx, d, name, c->in_top[k]);
    }
    for (int k = 0; s == CLAB_OK && k < c->n_sets; k++) {
        snprintf(name, sizeof name, "total_counts_%.200s", c->sets[k].name);
        s = set_both(w->cx, d, clab_dataset_obs_set, log, name, c->set_total[k]);
        snprintf(name, sizeof name, "pct_counts_%.200s", c->sets[k].name);
        if (s == CLAB_OK)
            s = clab_dataset_obs_set(w->cx, d, name, c->set_share[k]);
    }
    return s;
}

static clab_status write_var(const qc *w, clab_dataset *d, bool log)
{
    const clab__qc_sums *c = &w->sums;
    int64_t g = clab_dataset_n_vars(d);
    double n = (double)clab_dataset_n_obs(d);
    clab_value *cells = NULL, *mean = NULL, *dropout = NULL, *total = NULL;
    clab_status s = clab_value_array(w->cx, CLAB_I64, 1, &g, c->n_cells, &cells);

    if (s == CLAB_OK)
        s = clab_value_array(w->cx, CLAB_F64, 1, &g, NULL, &mean);
    if (s == CLAB_OK)
        s = clab_value_array(w->cx, CLAB_F64, 1, &g, NULL, &dropout);
    if (s == CLAB_OK)
        s = clab_value_array(w->cx, c->total->dtype, 1, &g, NULL, &total);
    for (int64_t j = 0; s == CLAB_OK && j < g; j++) {
        clab__qc_put(mean, j, c->sum[j] / n);
        clab__qc_put(dropout, j, (1 - (double)c->n_cells[j] / n) * 100);
        clab__qc_put(total, j, c->sum[j]);
    }
    for (int k = 0; s == CLAB_OK && k < c->n_sets; k++)
        if (c->sets[k].named)
            s = clab_dataset_var_set(w->cx, d, c->sets[k].name, c->sets[k].flags);
    if (s == CLAB_OK)
        s = clab_dataset_var_set(w->cx, d, "n_cells_by_counts", cells);
    if (s == CLAB_OK)
        s = set_both(w->cx, d, clab_dataset_var_set, log, "mean_counts", mean);
    if (s == CLAB_OK)
        s = clab_dataset_var_set(w->cx, d, "pct_dropout_by_counts", dropout);
    if (s == CLAB_OK)
        s = set_both(w->cx, d, clab_dataset_var_set, log, "total_counts", total);
    clab_value_unref(cells);
    clab_value_unref(mean);
    clab_value_unref(dropout);
    clab_value_unref(total);
    return s;
}

/* ---- the step --------------------------------------------------------------------------------------------*/

/* Counts, wherever they are, unless a layer is named. */
static clab_status which_values(clab_ctx *cx, const clab_dataset *d, const clab_arg *layer, const clab_matrix **m)
{
    if (!layer->given && d->counts) {
        if (d->counts_from && strcmp(d->counts_from, "X") != 0)
            clab_note(cx, "qc: of the counts in %s; layer=\"X\" asks for X", clab_show(d->counts_from));
        *m = d->counts;
        return CLAB_OK;
    }
    clab_status s = clab__values_of(cx, d, layer, m);
    if (s == CLAB_OK && (clab__holds_negative(*m) || clab_matrix_some_scale(*m)))
        clab_warn(cx, "qc: %s holds values below 0: it was scaled or centred, and totals of it mean little",
                  clab__values_name(layer));
    return s;
}

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    const clab_matrix *m;
    clab_dataset *noted = NULL;
    qc w = {.cx = cx};
    clab_status s = which_values(cx, d, &args[LAYER], &m);

    if (s == CLAB_OK)
        s = sets_of(&w, d, args);
    if (s == CLAB_OK)
        s = ranks(&w, &args[PERCENT_TOP], clab_matrix_n_cols(m));
    if (s == CLAB_OK)
        s = columns_new(&w, m);
    if (s == CLAB_OK)
        s = clab__qc_count(cx, m, &w.sums);
    if (s == CLAB_OK)
        s = clab_dataset_copy(cx, d, &noted);
    if (s == CLAB_OK)
        s = write_obs(&w, noted, args[LOG1P].b);
    if (s == CLAB_OK)
        s = write_var(&w, noted, args[LOG1P].b);
    if (s == CLAB_OK) {
        *out = noted;
        noted = NULL;
    }
    clab_dataset_unref(noted);
    qc_free(&w);
    return s;
}

static clab_status estimate(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, int64_t *bytes)
{
    (void)args;
    *bytes = clab__qc_bytes(cx, clab_dataset_n_vars(d)) + 16 * clab_dataset_n_vars(d);
    return CLAB_OK;
}

static const clab_param params[] = {
    [MITO] = {.name = "mito", .type = CLAB_P_STRS, .def = "", .unit = "",
              .help = "mitochondrial genes: names, or how names begin (\"MT-\", in mice \"mt-\")"},
    [RIBO] = {.name = "ribo", .type = CLAB_P_STRS, .def = "", .unit = "",
              .help = "ribosomal genes, as mito: {\"RPS\", \"RPL\"}"},
    [QC_VARS] = {.name = "qc_vars", .type = CLAB_P_VARS, .def = "", .unit = "",
                 .help = "var columns of true and false: sets of genes whose share is asked for"},
    [GENE_NAMES] = {.name = "gene_names", .type = CLAB_P_VAR, .def = "", .unit = "",
                    .help = "var column that mito and ribo are looked up in; without it the genes' names"},
    [PERCENT_TOP] = {.name = "percent_top", .type = CLAB_P_INTS, .def = "50,100,200,500", .min = 1, .max = 2147483647,
                     .unit = "genes", .help = "share of a cell's total in its so many largest genes; {} = none"},
    [LOG1P] = {.name = "log1p", .type = CLAB_P_BOOL, .def = "true", .unit = "",
               .help = "the log1p_ columns too"},
    [LAYER] = {.name = "layer", .type = CLAB_P_LAYER, .def = "", .unit = "",
               .help = "of these values; without it of the counts, wherever they are"},
};

const clab_step clab_step_qc = {
    .name = "qc",
    .group = "describe",
    .summary = "totals, detected genes and shares of gene sets for every cell and gene",
    .formula = "total = sum of x, n = values that are not 0, share = 100 part / total, as "
               "scanpy.pp.calculate_qc_metrics",
    .reads = "counts (X where there are none), var.<qc_vars>",
    .writes = "obs.n_genes_by_counts, total_counts, pct_counts_in_top_K_genes, total_counts_SET, pct_counts_SET; "
              "var.n_cells_by_counts, mean_counts, pct_dropout_by_counts, total_counts, mt, ribo",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .positional = -1,
    .run = run,
    .estimate = estimate,
};
