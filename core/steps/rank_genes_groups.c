/* rank_genes_groups.c -- genes that tell a group of cells from the others.  docs/steps/rank_genes_groups.md */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/groups_impl.h"
#include "steps/rank_impl.h"

enum { GROUPBY, GROUPS, REFERENCE, METHOD, N_GENES, RANKBY_ABS, PTS, TIE_CORRECT, CORR_METHOD, LAYER, USE_RAW, MASK_VAR, KEY_ADDED };

#define MAX_SETS 65535
#define LEAST_ROOM (INT64_C(16) << 20) /* for values by gene ... */
#define MOST_ROOM (INT64_C(384) << 20) /* ... whatever the budget */

/* ---- which values -------------------------------------------------------------------------------------------*/

typedef struct {
    const clab_matrix *m;    /* N x all genes */
    const clab_value *var;   /* TABLE of those genes */
    bool raw;
    clab_matrix *marked;     /* N x marked genes, when there is a mask */
    clab_value *names;       /* STRINGS (G): genes tested */
} source;

/* raw where it is and nothing else was asked for, as scanpy; but never counts in place of logarithms. */
static clab_status choose_values(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, source *v)
{
    const bool asked = args[USE_RAW].given;

    v->raw = asked ? args[USE_RAW].b : d->raw.x && !args[LAYER].given;
    if (asked && v->raw && !d->raw.x)
        return clab_fail(cx, CLAB_ESTATE, "use_raw=true, but %s has no raw", clab_show(d->name));
    if (asked && v->raw && args[LAYER].given)
        return clab_fail(cx, CLAB_EARG, "give layer or use_raw=true, not both");
    if (!asked && v->raw && clab__holds_counts(d->raw.x) && d->x && clab_matrix_is_raw(d->raw.x)) {
        clab_note(cx, "rank_genes_groups: raw of %s holds counts; X is taken (use_raw=true takes raw)", clab_show(d->name));
        v->raw = false;
    }
    v->m = d->raw.x;
    v->var = v->raw ? d->raw.var : d->var;
    return v->raw ? CLAB_OK : clab__values_of(cx, d, &args[LAYER], &v->m);
}

static clab_status mark_genes(clab_ctx *cx, const clab_arg *mask, source *v)
{
    const clab_value *column = clab_value_get(v->var, mask->s);
    int64_t n = clab_matrix_n_cols(v->m), k = 0, *cols = NULL;
    clab_status s;

    if (!column || column->kind != CLAB_V_ARRAY || column->dtype != CLAB_BOOL)
        return clab_fail(cx, column ? CLAB_EARG : CLAB_ENOTFOUND, "there is no true/false column '%s' in var%s",
                         clab_show(mask->s), v->raw ? " of raw" : "");
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8 + 8, "rank_genes_groups", (void **)&cols);
    for (int64_t g = 0; s == CLAB_OK && g < n; g++)
        if (((const uint8_t *)column->data)[g])
            cols[k++] = g;
    if (s == CLAB_OK && k == 0)
        s = clab_fail(cx, CLAB_EARG, "var.%s marks no gene", clab_show(mask->s));
    if (s == CLAB_OK)
        s = clab_matrix_take_cols(cx, v->m, cols, k, &v->marked);
    if (s == CLAB_OK)
        s = clab_value_take(cx, v->var->index, cols, k, &v->names);
    v->m = v->marked;
    clab_mem_free(cx, cols);
    return s;
}

static clab_status find_values(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, source *v)
{
    clab_status s = choose_values(cx, d, args, v);

    if (s != CLAB_OK)
        return s;
    if (clab__holds_counts(v->m) && clab_matrix_is_raw(v->m))
        clab_warn(cx, "rank_genes_groups: these are counts; log-normalised values are expected (normalise, log1p)");
    if (args[MASK_VAR].given)
        return mark_genes(cx, &args[MASK_VAR], v);
    v->names = clab_value_ref(v->var->index);
    return CLAB_OK;
}

static void source_free(source *v)
{
    clab_matrix_unref(v->marked);
    clab_value_unref(v->names);
}

/* ---- which groups -------------------------------------------------------------------------------------------*/

static clab_status level_of(clab_ctx *cx, const clab_arg *by, const clab_value *levels, const char *name, int *level)
{
    const char *const *s = (const char *const *)levels->data;
    const int64_t n = clab_value_len(levels);
    clab_str list = {0};

    for (*level = 0; *level < n; ++*level)
        if (strcmp(s[*level], name) == 0)
            return CLAB_OK;
    for (int64_t i = 0; i < n && i < 30; i++)
        clab_str_addf(&list, "%s%s", i ? ", " : "", clab_show(s[i]));
    (void)clab_fail(cx, CLAB_ENOTFOUND, "obs.%s has no group '%s'; there are: %s", clab_show(by->s), clab_show(name),
                    list.s ? list.s : "none");
    clab_str_free(&list);
    return clab_error_status(cx);
}

/* Adds a level as the next group unless it is one already. */
static void add_group(clab__ranked *r, int32_t *group_of, int level)
{
    if (group_of[level] >= 0)
        return;
    r->names[r->k] = ((const char *const *)r->levels->data)[level];
    group_of[level] = r->k++;
}

static clab_status choose_groups(clab_ctx *cx, const clab_arg *args, const int64_t *cells, clab__ranked *r, int32_t *group_of)
{
    const bool rest = strcmp(args[REFERENCE].s, "rest") == 0;
    const bool all = !args[GROUPS].given || (args[GROUPS].n_strs == 1 && strcmp(args[GROUPS].strs[0], "all") == 0);
    clab_status s = CLAB_OK;
    int level;

    for (int64_t i = 0; all && i < clab_value_len(r->levels); i++)
        if (cells[i] > 0)
            add_group(r, group_of, (int)i);
    for (int64_t i = 0; !all && s == CLAB_OK && i < args[GROUPS].n_strs; i++)
        if ((s = level_of(cx, &args[GROUPBY], r->levels, args[GROUPS].strs[i], &level)) == CLAB_OK)
            add_group(r, group_of, level);
    r->reference = -1;
    if (s == CLAB_OK && !rest && (s = level_of(cx, &args[GROUPBY], r->levels, args[REFERENCE].s, &level)) == CLAB_OK) {
        add_group(r, group_of, level);
        r->reference = group_of[level];
    }
    r->sets = r->k + rest;
    if (s == CLAB_OK && r->k - !rest < 1)
        s = clab_fail(cx, CLAB_EARG, "obs.%s has no group to compare", clab_show(args[GROUPBY].s));
    if (s == CLAB_OK && r->sets > MAX_SETS)
        s = clab_fail(cx, CLAB_EARG, "obs.%s has %d groups, more than the %d that can be compared",
                      clab_show(args[GROUPBY].s), r->k, MAX_SETS);
    return s;
}

static clab_status enough_cells(clab_ctx *cx, const clab_arg *args, const clab__ranked *r)
{
    bool few = false;

    for (int k = 0; k < r->k; k++) {
        if (r->cells[k] < 2) {
            (void)clab_fail(cx, CLAB_EARG, "group '%s' of obs.%s has %lld cell%s: a test needs two", clab_show(r->names[k]),
                            clab_show(args[GROUPBY].s), (long long)r->cells[k], r->cells[k] == 1 ? "" : "s");
            return clab_hint(cx, "keep_labels{by=..., min_cells=2} drops such groups, groups={...} chooses others");
        }
        few |= r->cells[k] <= 25;
        if (clab__ranked_others(r, k) < 2)
            return clab_fail(cx, CLAB_EARG, "group '%s' holds all cells but %lld: there is nothing to compare with",
                             clab_show(r->names[k]), (long long)clab__ranked_others(r, k));
    }
    if (few && strcmp(args[METHOD].s, "wilcoxon") == 0)
        clab_note(cx, "rank_genes_groups: some groups have 25 cells or fewer, where the normal approximation is rough");
    return CLAB_OK;
}

/* sets of all cells, and their sizes. */
static clab_status divide_cells(clab_ctx *cx, const clab_arg *args, const int32_t *codes, clab__ranked *r)
{
    const int64_t n_levels = clab_value_len(r->levels);
    int64_t *cells = NULL;
    int32_t *group_of = NULL;
    clab_status s = clab_mem_zalloc(cx, CLAB_MEM_WORK, n_levels * 8 + 8, "rank_genes_groups", (void **)&cells);

    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, n_levels * 4 + 4, "rank_genes_groups", (void **)&group_of);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, n_levels * (int64_t)sizeof *r->names + 8, "rank_genes_groups", (void **)&r->names);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, r->n * 4 + 4, "rank_genes_groups", (void **)&r->set);
    if (s == CLAB_OK) {
        memset(group_of, 0xff, (size_t)n_levels * 4);
        for (int64_t i = 0; i < r->n; i++)
            if (codes[i] >= 0)
                cells[codes[i]]++;
        s = choose_groups(cx, args, cells, r, group_of);
    }
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, r->sets * 8 + 8, "rank_genes_groups", (void **)&r->cells);
    for (int64_t i = 0; s == CLAB_OK && i < r->n; i++) {
        int32_t group = codes[i] >= 0 ? group_of[codes[i]] : -1;
        r->set[i] = group >= 0 ? group : r->reference < 0 ? r->k : -1;
        if (r->set[i] >= 0)
            r->cells[r->set[i]]++;
    }
    clab_mem_free(cx, cells);
    clab_mem_free(cx, group_of);
    return s == CLAB_OK ? enough_cells(cx, args, r) : s;
}

static clab_status read_groups(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab__ranked *r)
{
    int32_t *codes;
    clab_status s = clab__groups_read(cx, d, args[GROUPBY].s, &r->levels, &codes);

    if (s == CLAB_OK)
        s = divide_cells(cx, args, codes, r);
    clab_mem_free(cx, codes);
    return s;
}

/* ---- sums ---------------------------------------------------------------------------------------------------*/

/* Cells whose value is not 0, where values may be negative: those that the sums count are > 0. */
static clab_status count_nonzero(clab_ctx *cx, clab__ranked *r)
{
    const clab_rows_opts o = {.f64 = clab_matrix_dtype(r->m) == CLAB_F64, .phase = "rank_genes_groups: counts"};
    const clab_csr *b = NULL;
    clab_rows *rows = NULL;
    clab_status s = clab_mem_zalloc(cx, CLAB_MEM_WORK, r->sets * r->g * 8 + 8, "rank_genes_groups", (void **)&r->nonzero);

    r->own_nonzero = true;
    if (s == CLAB_OK)
        s = clab_rows_open(cx, r->m, &o, &rows);
    while (s == CLAB_OK && (s = clab_rows_next(cx, rows, &b)) == CLAB_OK && b)
        for (int64_t i = 0; i < b->n_rows; i++) {
            int32_t set = r->set[b->row_ids[i]];
            for (int64_t k = b->indptr[i]; set >= 0 && k < b->indptr[i + 1]; k++)
                r->nonzero[set * r->g + b->indices[k]] += (b->f32 ? (double)b->f32[k] : b->f64[k]) != 0;
        }
    clab_rows_close(cx, rows);
    return s;
}

static clab_status add_up(clab_ctx *cx, const source *v, clab__ranked *r)
{
    const clab__gene_sums_opts o = {.group = r->set, .n_groups = r->sets, .log_base = 1, .phase = "rank_genes_groups"};
    clab_status s;

    r->m = v->m;
    r->g = clab_matrix_n_cols(v->m);
    s = clab__gene_sums_new(cx, v->m, &o, &r->sums);
    for (int64_t i = 0; s == CLAB_OK && i < r->sets * r->g; i++)
        if (!isfinite(r->sums->squares[i])) {
            (void)clab_fail(cx, CLAB_EARG, "gene %s holds NaN or infinity: it has no rank",
                            clab_show(((char *const *)v->names->data)[i % r->g]));
            s = clab_hint(cx, "start from counts, or leave such genes out with mask_var");
        }
    if (s != CLAB_OK)
        return s;
    r->nonzero = r->sums->positive;
    return clab__holds_negative(v->m) || clab_matrix_has_base(v->m) ? count_nonzero(cx, r) : CLAB_OK;
}

static void ranked_free(clab_ctx *cx, clab__ranked *r)
{
    if (r->own_nonzero)
        clab_mem_free(cx, r->nonzero);
    clab__gene_sums_free(r->sums);
    clab_value_unref(r->levels);
    clab_mem_free(cx, r->names);
    clab_mem_free(cx, r->set);
    clab_mem_free(cx, r->cells);
}

/* ---- the step -----------------------------------------------------------------------------------------------*/

static int64_t room_for_values(clab_ctx *cx)
{
    const int64_t quarter = clab_budget_left(cx) / 4;

    return quarter < LEAST_ROOM ? LEAST_ROOM : quarter > MOST_ROOM ? MOST_ROOM : quarter;
}

static clab_status test_genes(clab_ctx *cx, const clab_arg *args, clab__ranked *r, double *score, double *p)
{
    if (strcmp(args[METHOD].s, "wilcoxon") == 0)
        return clab__rank_wilcoxon(r, args[TIE_CORRECT].b, room_for_values(cx), score, p);
    clab__rank_t_test(r, strcmp(args[METHOD].s, "t-test_overestim_var") == 0, score, p);
    return clab_check(cx);
}

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    clab__ranked r = {.cx = cx, .n = clab_dataset_n_obs(d)};
    source v = {0};
    double *score = NULL, *p;
    int64_t bytes;
    clab_status s = find_values(cx, d, args, &v);

    if (s == CLAB_OK)
        s = read_groups(cx, d, args, &r);
    if (s == CLAB_OK)
        s = add_up(cx, &v, &r);
    if (s == CLAB_OK)
        s = clab_mem_size(cx, r.g * r.k + 1, 16, &bytes);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, bytes, "rank_genes_groups", (void **)&score);
    if (s == CLAB_OK) {
        const clab__rank_opts o = {
            .groupby = args[GROUPBY].s,
            .reference = args[REFERENCE].s,
            .method = args[METHOD].s,
            .corr_method = args[CORR_METHOD].s,
            .layer = args[LAYER].given ? args[LAYER].s : NULL,
            .key = args[KEY_ADDED].given ? args[KEY_ADDED].s : "rank_genes_groups",
            .use_raw = v.raw,
            .by_size = args[RANKBY_ABS].b,
            .pts = args[PTS].b,
            .n_genes = args[N_GENES].given && args[N_GENES].i < r.g ? args[N_GENES].i : r.g,
        };
        p = score + r.g * r.k;
        s = test_genes(cx, args, &r, score, p);
        if (s == CLAB_OK)
            s = clab__rank_result(cx, d, &r, v.names, &o, score, p, out);
    }
    clab_mem_free(cx, score);
    ranked_free(cx, &r);
    source_free(&v);
    return s;
}

static clab_status estimate(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, int64_t *bytes)
{
    const int64_t g = d->raw.x ? clab_matrix_n_cols(d->raw.x) : clab_dataset_n_vars(d), n = clab_dataset_n_obs(d);
    int64_t k, entries = d->x ? clab_matrix_nnz_bound(d->x) : 0, room = room_for_values(cx);
    clab_value *levels;
    int32_t *codes;
    clab_status s = clab__groups_read(cx, d, args[GROUPBY].s, &levels, &codes);

    clab_mem_free(cx, codes);
    if (s == CLAB_OK) {
        k = clab_value_len(levels) + 1;
        *bytes = clab__gene_sums_bytes(g, (int)k) + k * g * 56 + n * 4;
        if (strcmp(args[METHOD].s, "wilcoxon") == 0)
            *bytes += k * g * 8 + (entries * 6 < room ? entries * 6 : room) + clab_threads(cx) * 32 * (n < entries ? n : entries);
    }
    clab_value_unref(levels);
    return s;
}

static const clab_param params[] = {
    [GROUPBY] = {.name = "groupby", .type = CLAB_P_OBS, .def = NULL, .unit = "", .help = "obs column with the groups"},
    [GROUPS] = {.name = "groups", .type = CLAB_P_STRS, .def = "", .unit = "", .help = "these groups; default all"},
    [REFERENCE] = {.name = "reference", .type = CLAB_P_STR, .def = "rest", .unit = "",
                   .help = "a group to compare with; rest = all other cells"},
    [METHOD] = {.name = "method", .type = CLAB_P_ENUM, .def = "t-test", .choices = "t-test|t-test_overestim_var|wilcoxon",
                .unit = "", .help = "the test"},
    [N_GENES] = {.name = "n_genes", .type = CLAB_P_INT, .def = "", .min = 1, .max = 2147483647, .unit = "genes",
                 .help = "so many best genes of each group; default all"},
    [RANKBY_ABS] = {.name = "rankby_abs", .type = CLAB_P_BOOL, .def = "false", .unit = "",
                    .help = "order by the size of the score: genes that a group lacks too"},
    [PTS] = {.name = "pts", .type = CLAB_P_BOOL, .def = "false", .unit = "", .help = "also the share of cells with each gene"},
    [TIE_CORRECT] = {.name = "tie_correct", .type = CLAB_P_BOOL, .def = "false", .unit = "",
                     .help = "wilcoxon: correct the variance for ties (the peer does not by default; zeros are ties)"},
    [CORR_METHOD] = {.name = "corr_method", .type = CLAB_P_ENUM, .def = "benjamini-hochberg",
                     .choices = "benjamini-hochberg|bonferroni", .unit = "", .help = "correction for many genes"},
    [LAYER] = {.name = "layer", .type = CLAB_P_LAYER, .def = "", .unit = "", .help = "of this layer instead of X"},
    [USE_RAW] = {.name = "use_raw", .type = CLAB_P_BOOL, .def = "", .unit = "",
                 .help = "raw instead of X; default: where there is raw, and it does not hold counts"},
    [MASK_VAR] = {.name = "mask_var", .type = CLAB_P_VAR, .def = "", .unit = "",
                  .help = "true/false column of the genes to test; default all"},
    [KEY_ADDED] = {.name = "key_added", .type = CLAB_P_STR, .def = "", .unit = "",
                   .help = "name in uns instead of rank_genes_groups"},
};

const clab_step clab_step_rank_genes_groups = {
    .name = "rank_genes_groups",
    .group = "describe",
    .summary = "genes that tell each group of cells from the others",
    .formula = "Welch's t or Wilcoxon's rank sum, p corrected over genes, as scanpy.tl.rank_genes_groups",
    .reads = "raw or X (log-normalised) or a layer, obs.<groupby>",
    .writes = "uns.rank_genes_groups",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .positional = GROUPBY,
    .run = run,
    .estimate = estimate,
};
