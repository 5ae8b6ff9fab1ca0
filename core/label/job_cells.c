/* job_cells.c -- the labelling job up to the models: two studies become one dataset of common genes. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "io/io.h"
#include "job_impl.h"
#include "label/compare.h"
#include "ledger/ledger.h"
#include "ledger/timeline.h"

/* ---- reading ---------------------------------------------------------------------------------------*/

/* The models would refuse the two studies joined: here the words are of the one that has no counts. */
static clab_status check_counts(clab_ctx *cx, const clab_dataset *d)
{
    clab_matrix *counts = NULL;
    clab_status st = clab_dataset_counts(cx, d, &counts);

    clab_matrix_unref(counts);
    return st;
}

static clab_status read_study(clab_ctx *cx, clab__job *j, const char *what, const char *path, clab_dataset **out)
{
    const char *scratch = j->a[CLAB__SCRATCH].s;
    const clab_read_opts opts = {.counts = j->a[CLAB__COUNTS].s,
                                 .backed = j->a[CLAB__BACKED].b ? CLAB_READ_SCRATCH : CLAB_READ_MEMORY,
                                 .scratch = scratch && scratch[0] ? scratch : NULL};
    clab_status st = clab_read(cx, path, &opts, out);

    if (st != CLAB_OK)
        return st;
    clab_note(cx, "%s: %s cells x %s genes, %s held (%.1f s)", what, clab_text_count(clab_dataset_n_obs(*out)),
              clab_text_count(clab_dataset_n_vars(*out)), clab_bytes(clab_dataset_bytes(*out)), clab__job_lap(j));
    if (clab_dataset_n_obs(*out) == 0)
        return clab_fail(cx, CLAB_EARG, "%s %s has no cells", what, clab_show(path));
    return check_counts(cx, *out);
}

/* Cells with few genes, out of the reference.  The default is meant for whole transcriptomes: where it
 * would take most of the cells (panels of a few hundred genes), it is left alone and that is said. */
static clab_status filter_reference(clab_ctx *cx, clab__job *j)
{
    const clab_arg *least = &j->a[CLAB__MIN_GENES];
    const int64_t before = clab_dataset_n_obs(j->reference);
    clab_dataset *kept = clab_dataset_ref(j->reference);
    char text[24];
    int64_t after;
    clab_status st = CLAB_OK;

    if (least->i == 0)
        goto done;
    snprintf(text, sizeof text, "%" PRId64, least->i);
    st = clab__job_step(cx, "filter_cells", (const char *const[]){"min_genes", text, NULL}, &kept);
    after = st == CLAB_OK ? clab_dataset_n_obs(kept) : 0;
    if (!least->explicit_ && 2 * after < before && (st == CLAB_OK || st == CLAB_ESTATE)) {
        clab_error_clear(cx); /* the step refuses to leave no cells at all */
        st = CLAB_OK;
        clab_warn(cx, "min_genes=%s would drop %s of %s reference cells: not applied; give --min-genes to insist", text,
                  clab_text_count(before - after), clab_text_count(before));
    } else if (st == CLAB_OK) {
        clab_dataset_unref(j->reference);
        j->reference = clab_dataset_ref(kept);
    }
done:
    clab_dataset_unref(kept);
    return st;
}

/* One type only: said before the query is read and hours are spent on a model of it. */
static clab_status check_types(clab_ctx *cx, const clab__job *j)
{
    const char *column = j->a[CLAB__LABEL].s;
    const int64_t n = clab_dataset_n_obs(j->reference);
    const clab_value *labels;
    clab_value *levels = NULL;
    int32_t *codes = NULL;
    int64_t i = 0;
    clab_status st = clab_dataset_obs_get(cx, j->reference, column, &labels);

    if (st == CLAB_OK)
        st = clab_value_codes(cx, labels, &levels, &codes);
    if (st != CLAB_OK)
        return st;
    while (i < n && codes[i] == codes[0])
        i++;
    if (i == n) {
        st = clab_fail(cx, CLAB_EARG, "all %s labelled cells of %s that are kept have the same value in obs.%s: there is "
                       "nothing to learn", clab_text_count(n), clab_show(j->reference->name), clab_show(column));
        (void)clab_hint(cx, "choose a column with two or more types, or keep rarer ones with --min-cells");
    }
    clab_mem_free(cx, codes);
    clab_value_unref(levels);
    return st;
}

clab_status clab__job_read(clab_ctx *cx, clab__job *j)
{
    const clab_arg *a = j->a;
    char least[24];
    clab_status st;

    snprintf(least, sizeof least, "%" PRId64, a[CLAB__MIN_CELLS].i);
    clab_timeline_enter(cx, 0, "Load Reference");
    if ((st = read_study(cx, j, "reference", a[CLAB__REFERENCE].s, &j->reference)) != CLAB_OK)
        return st;
    /* Before the query comes into memory: rare types and poor cells go first. */
    clab_timeline_enter(cx, 0, "Filter Reference");
    st = clab__job_step(cx, "keep_labels", (const char *const[]){"by", a[CLAB__LABEL].s, "min_cells", least, NULL},
                        &j->reference);
    if (st != CLAB_OK || (st = filter_reference(cx, j)) != CLAB_OK || (st = check_types(cx, j)) != CLAB_OK)
        return st;
    clab_timeline_enter(cx, 0, "Load Query");
    return read_study(cx, j, "query", a[CLAB__QUERY].s, &j->query);
}

/* ---- genes in common ------------------------------------------------------------------------------*/

static const char *gene_kind(const clab_dataset *d)
{
    return clab_gene_id_kind((const char *const *)d->var->index->data, clab_dataset_n_vars(d));
}

static clab_status check_genes(clab_ctx *cx, const clab__job *j)
{
    const int64_t n_query = clab_dataset_n_vars(j->query), n_reference = clab_dataset_n_vars(j->reference);
    clab_names *ix = NULL;
    int64_t common = 0;
    clab_status st = clab_names_new(cx, (const char *const *)j->reference->var->index->data, n_reference, NULL, &ix);

    if (st != CLAB_OK)
        return st;
    for (int64_t g = 0; g < n_query; g++)
        common += clab_names_get(ix, clab_dataset_var_name(j->query, g)) >= 0;
    clab_names_free(ix);
    /* Of the smaller one: a study that was cut to its variable genes shares few of a whole transcriptome's. */
    if (10 * common >= (n_query < n_reference ? n_query : n_reference) && common > 0)
        return CLAB_OK;
    (void)clab_fail(cx, CLAB_EARG, "the studies share too few genes: %s of the %s of the query %s are among the %s of the "
                                   "reference %s (reference: %s such as %s, query: %s such as %s)",
                    clab_text_count(common), clab_text_count(n_query), clab_show(j->query->name),
                    clab_text_count(n_reference), clab_show(j->reference->name), gene_kind(j->reference),
                    n_reference ? clab_show(clab_dataset_var_name(j->reference, 0)) : "none", gene_kind(j->query),
                    n_query ? clab_show(clab_dataset_var_name(j->query, 0)) : "none");
    return clab_hint(cx, "name the genes of both in the same way (Ensembl IDs or symbols, one species): celllab "
                         "inspect A B shows both, and lab.common_genes in a session matches them by a var column");
}

/* ---- fewer cells to train on ------------------------------------------------------------------------*/

static clab_status sample(clab_ctx *cx, clab__job *j, clab_dataset **reference)
{
    const clab_arg *a = j->a;
    const int64_t n_reference = clab_dataset_n_obs(j->reference), n_query = clab_dataset_n_obs(j->query);
    const int64_t wanted = a[CLAB__TRAIN_CELLS].i;
    char n[24], seed[24];
    int64_t of_reference;
    clab_status st;

    if (wanted == 0 || wanted >= n_reference + n_query)
        return CLAB_OK;
    of_reference = llround((double)wanted * (double)n_reference / (double)(n_reference + n_query));
    snprintf(seed, sizeof seed, "%" PRId64, a[CLAB__SEED].i);
    snprintf(n, sizeof n, "%" PRId64, of_reference > 0 ? of_reference : 1);
    st = clab__job_step(cx, "subsample",
                        (const char *const[]){"n", n, "by", a[CLAB__LABEL].s, "seed", seed, NULL}, reference);
    if (st != CLAB_OK)
        return st;
    snprintf(n, sizeof n, "%" PRId64, wanted - of_reference > 0 ? wanted - of_reference : 1);
    st = clab__job_step(cx, "subsample", (const char *const[]){"n", n, "seed", seed, NULL}, &j->train_query);
    if (st != CLAB_OK)
        return st;
    j->sampled = true;
    clab_note(cx, "training on %s of %s reference cells, stratified by %s, and %s of %s query cells",
              clab_text_count(clab_dataset_n_obs(*reference)), clab_text_count(n_reference),
              clab_show(a[CLAB__LABEL].s), clab_text_count(clab_dataset_n_obs(j->train_query)),
              clab_text_count(n_query));
    return CLAB_OK;
}

/* ---- one dataset ------------------------------------------------------------------------------------*/

static clab_status concat(clab_ctx *cx, clab__job *j, const clab_dataset *reference)
{
    const clab_dataset *const parts[2] = {reference, j->train_query};
    const char *const keys[2] = {"reference", "query"};
    clab_concat_opts o;
    clab_status st;

    clab_concat_opts_init(&o);
    o.label = CLAB__DATASET_ID;
    o.keys = keys;
    if ((st = clab_concat(cx, parts, 2, &o, &j->both)) != CLAB_OK)
        return st;
    j->n_reference = clab_dataset_n_obs(reference);
    return CLAB_OK;
}

/* The cells' batch: the study, and the columns that were named; "reference | donor1". */
static clab_status set_batch(clab_ctx *cx, clab__job *j, clab_dataset *d)
{
    const clab_arg *a = j->a, *more = &a[CLAB__COVARIATES];
    const int64_t n = clab_dataset_n_obs(d), n_columns = 1 + a[CLAB__BATCH].given + more->n_strs;
    const clab_value *column[1 + 1 + 32] = {NULL};
    clab_value *batch = NULL;
    char **text = NULL, buf[64];
    int64_t k = 1;
    clab_status st;

    if (more->n_strs > 32)
        return clab_fail(cx, CLAB_EARG, "%" PRId64 " covariates are more than 32", more->n_strs);
    st = clab_dataset_obs_get(cx, d, CLAB__DATASET_ID, &column[0]);
    if (st == CLAB_OK && a[CLAB__BATCH].given)
        st = clab_dataset_obs_get(cx, d, a[CLAB__BATCH].s, &column[k++]);
    for (int64_t i = 0; st == CLAB_OK && i < more->n_strs; i++)
        st = clab_dataset_obs_get(cx, d, more->strs[i], &column[k++]);
    if (st != CLAB_OK || (st = clab_mem_zalloc(cx, CLAB_MEM_WORK, n * 8, "batches", (void **)&text)) != CLAB_OK)
        return st;
    for (int64_t i = 0; i < n && st == CLAB_OK; i++) {
        clab_str s = {0};
        for (int64_t c = 0; c < n_columns; c++) {
            const char *value = clab_value_at_str(column[c], i, buf, sizeof buf);
            clab_str_addf(&s, "%s%s", c ? " | " : "", value ? value : "none");
        }
        text[i] = s.s;
        if (s.failed)
            st = clab_fail(cx, CLAB_ENOMEM, "no memory for batches");
    }
    if (st == CLAB_OK)
        st = clab_value_factor(cx, n, (const char *const *)text, &batch);
    if (st == CLAB_OK)
        st = clab_dataset_obs_set(cx, d, "batch_id", batch);
    for (int64_t i = 0; i < n; i++)
        free(text[i]);
    clab_mem_free(cx, text);
    clab_value_unref(batch);
    return st;
}

static clab_status choose_genes(clab_ctx *cx, clab__job *j)
{
    const int64_t wanted = j->a[CLAB__HVG].i;
    char n[24];
    clab_status st;

    j->chosen = clab_dataset_ref(j->both);
    if (wanted == 0 || wanted >= clab_dataset_n_vars(j->both)) {
        clab_note(cx, "scVI sees all %s common genes", clab_text_count(clab_dataset_n_vars(j->both)));
        return CLAB_OK;
    }
    snprintf(n, sizeof n, "%" PRId64, wanted);
    if ((st = clab__job_step(cx, "normalise", (const char *const[]){"target_sum", "1e4", NULL}, &j->chosen)) != CLAB_OK ||
        (st = clab__job_step(cx, "log1p", (const char *const[]){NULL}, &j->chosen)) != CLAB_OK)
        return st;
    return clab__job_step(cx, "hvg", (const char *const[]){"n_top", n, "batch_key", CLAB__DATASET_ID, NULL}, &j->chosen);
}

clab_status clab__job_join(clab_ctx *cx, clab__job *j)
{
    const bool latent = strcmp(j->a[CLAB__FEATURES].s, "genes") != 0;
    clab_dataset *reference = clab_dataset_ref(j->reference);
    clab_status st;

    clab_timeline_enter(cx, 0, "Common Genes");
    j->train_query = clab_dataset_ref(j->query);
    if ((st = check_genes(cx, j)) != CLAB_OK || (st = sample(cx, j, &reference)) != CLAB_OK ||
        (st = concat(cx, j, reference)) != CLAB_OK)
        goto done;
    if ((j->a[CLAB__BATCH].given || j->a[CLAB__COVARIATES].given) && (st = set_batch(cx, j, j->both)) != CLAB_OK)
        goto done;
    clab_timeline_enter(cx, 0, "Variable Genes");
    if (latent && (st = choose_genes(cx, j)) != CLAB_OK)
        goto done;
    clab_note(cx, "together: %s cells x %s common genes%s%s%s (%.1f s)", clab_text_count(clab_dataset_n_obs(j->both)),
              clab_text_count(clab_dataset_n_vars(j->both)), latent ? ", of which " : "",
              latent ? clab_text_count(clab_dataset_n_vars(j->chosen)) : "", latent ? " for scVI" : "",
              clab__job_lap(j));
done:
    clab_dataset_unref(reference);
    return st;
}
