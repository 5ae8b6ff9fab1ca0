/* job_models.c -- the labelling job from one dataset to labels: scVI, XGBoost, every query cell.
 * N cells, D latent. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "job_impl.h"
#include "ledger/ledger.h"
#include "ledger/timeline.h"

/* ---- arguments handed on ---------------------------------------------------------------------------*/

/* Sets target parameter `name` to the job's argument at `place`. */
static clab_status hand_on(clab_ctx *cx, const clab__job *j, int place, const char *what, const clab_param *p, int n,
                           const char *name, clab_arg *args)
{
    int i;
    clab_status st = clab_args_find(cx, what, p, n, name, &i);

    if (st == CLAB_OK)
        args[i] = j->a[place];
    return st;
}

typedef struct {
    int place;
    const char *name;
} handed;

static clab_status hand_all(clab_ctx *cx, const clab__job *j, const handed *h, int n_handed, const char *what,
                            const clab_param *p, int n, clab_arg *args)
{
    clab_status st = clab_args_default(cx, what, p, n, args);

    for (int i = 0; i < n_handed && st == CLAB_OK; i++)
        st = hand_on(cx, j, h[i].place, what, p, n, h[i].name, args);
    return st;
}

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define MOST_PARAMS 32

/* ---- scVI -------------------------------------------------------------------------------------------*/

static clab_status new_scvi(clab_ctx *cx, clab__job *j)
{
    static const handed h[] = {
        {CLAB__N_LATENT, "n_latent"}, {CLAB__N_HIDDEN, "n_hidden"},     {CLAB__N_LAYERS, "n_layers"},
        {CLAB__DROPOUT, "dropout"},   {CLAB__LIKELIHOOD, "likelihood"}, {CLAB__SEED, "seed"},
        {CLAB__DEVICE, "device"},
    };
    const bool more = j->a[CLAB__BATCH].given || j->a[CLAB__COVARIATES].given;
    clab_arg args[MOST_PARAMS];
    int batch;
    clab_status st;

    if ((st = hand_all(cx, j, h, COUNT(h), "scvi", clab_scvi_params, clab_scvi_n_params, args)) != CLAB_OK ||
        (st = clab_args_find(cx, "scvi", clab_scvi_params, clab_scvi_n_params, "batch", &batch)) != CLAB_OK ||
        (st = clab_args_set_text(cx, "scvi", &clab_scvi_params[batch], &args[batch],
                                 more ? "batch_id" : CLAB__DATASET_ID)) != CLAB_OK)
        return st;
    return clab_scvi_new(cx, j->chosen, args, &j->scvi);
}

static clab_status train_scvi(clab_ctx *cx, clab__job *j)
{
    static const handed h[] = {
        {CLAB__BATCH_SIZE, "batch_size"}, {CLAB__EARLY_STOPPING, "early_stopping"}, {CLAB__PATIENCE, "patience"},
        {CLAB__MAX_EPOCHS, "max_epochs"}, /* last: left out when it is 0 */
    };
    const int n = j->a[CLAB__MAX_EPOCHS].i > 0 ? COUNT(h) : COUNT(h) - 1;
    clab_arg args[MOST_PARAMS];
    clab_status st = hand_all(cx, j, h, n, "train", clab_scvi_train_params, clab_scvi_n_train_params, args);

    return st == CLAB_OK ? clab_scvi_train(cx, j->scvi, args, NULL, NULL) : st;
}

static void say_scvi(clab_ctx *cx, clab__job *j)
{
    const clab_history *history = clab_scvi_history(j->scvi);
    const clab_curve *elbo = clab_history_get(history, "elbo_validation");
    char line[256];

    if (!elbo)
        elbo = clab_history_get(history, "elbo_train");
    clab_scvi_describe(j->scvi, line, sizeof line);
    clab_note(cx, "%s; %s %.1f (%.1f s)", line, elbo ? elbo->name : "elbo",
              elbo && elbo->n ? elbo->y[elbo->n - 1] : 0.0, clab__job_lap(j));
}

static clab_status set_own_latent(clab_ctx *cx, clab__job *j)
{
    clab_value *latent = NULL;
    clab_status st = clab_scvi_latent(cx, j->scvi, NULL, &latent);

    if (st == CLAB_OK)
        st = clab_dataset_obsm_set(cx, j->both, CLAB__LATENT, latent);
    clab_value_unref(latent);
    return st;
}

/* ---- XGBoost ------------------------------------------------------------------------------------------*/

static clab_status fit_classifier(clab_ctx *cx, clab__job *j, const clab_dataset *labelled)
{
    static const handed options[] = {{CLAB__ROUNDS, "rounds"}, {CLAB__PATIENCE, "patience"}, {CLAB__SEED, "seed"}};
    static const handed fit[] = {{CLAB__LABEL, "labels"}, {CLAB__FEATURES, "features"}, {CLAB__N_GENES, "n_genes"}};
    clab_arg args[MOST_PARAMS];
    char line[384];
    clab_status st;

    if ((st = hand_all(cx, j, options, COUNT(options), "xgboost", clab_xgboost_params, clab_xgboost_n_params, args)) !=
            CLAB_OK ||
        (st = clab_classifier_new(cx, args, &j->classifier)) != CLAB_OK ||
        (st = hand_all(cx, j, fit, COUNT(fit), "fit", clab_fit_params, clab_fit_n_params, args)) != CLAB_OK ||
        (st = clab_classifier_fit(cx, j->classifier, labelled, args)) != CLAB_OK)
        return st;
    clab_classifier_describe(j->classifier, line, sizeof line);
    clab_note(cx, "%s (%.1f s)", line, clab__job_lap(j));
    return CLAB_OK;
}

/* What the models will hold at once, about: scVI's weights, gradients and moments; the latent; the
 * classifier's rows in its worker. */
static clab_status reserve(clab_ctx *cx, const clab__job *j)
{
    const clab_arg *a = j->a;
    const int64_t genes = j->chosen ? clab_dataset_n_vars(j->chosen) : 0, n = clab_dataset_n_obs(j->both);
    const int64_t weights = 4 * genes * a[CLAB__N_HIDDEN].i * a[CLAB__N_LAYERS].i * (int64_t)sizeof(float) * 4;
    const int64_t latent = (n + clab_dataset_n_obs(j->query)) * a[CLAB__N_LATENT].i * (int64_t)sizeof(float);
    const int64_t rows = j->n_reference * (a[CLAB__N_LATENT].i + a[CLAB__N_GENES].i) * 5;

    return clab_mem_reserve_check(cx, weights + latent + rows + CLAB_XGB_OWN_BYTES, "training scVI and XGBoost");
}

static clab_status first_rows(clab_ctx *cx, const clab_dataset *d, int64_t from, int64_t to, clab_dataset **out)
{
    int64_t *rows = NULL;
    clab_status st = clab_mem_alloc(cx, CLAB_MEM_WORK, (to - from) * 8 + 8, "cells", (void **)&rows);

    if (st != CLAB_OK)
        return st;
    for (int64_t i = from; i < to; i++)
        rows[i - from] = i;
    st = clab_dataset_take_obs(cx, d, rows, to - from, out);
    clab_mem_free(cx, rows);
    return st;
}

clab_status clab__job_train(clab_ctx *cx, clab__job *j)
{
    clab_dataset *labelled = NULL;
    clab_status st;

    if ((st = reserve(cx, j)) != CLAB_OK)
        return st;
    if (j->chosen) {
        clab_timeline_enter(cx, 0, "scVI Training");
        if ((st = new_scvi(cx, j)) != CLAB_OK || (st = train_scvi(cx, j)) != CLAB_OK)
            return st;
        clab_timeline_enter(cx, 0, "Latent Space");
        if ((st = set_own_latent(cx, j)) != CLAB_OK)
            return st;
        say_scvi(cx, j);
    }
    clab_timeline_enter(cx, 0, "XGBoost Training");
    if ((st = first_rows(cx, j->both, 0, j->n_reference, &labelled)) == CLAB_OK)
        st = fit_classifier(cx, j, labelled);
    clab_dataset_unref(labelled);
    return st;
}

/* ---- every query cell ----------------------------------------------------------------------------------*/

/* The latent of all query cells, a block at a time through the trained encoder. */
static clab_status encode_query(clab_ctx *cx, const clab__job *j, clab_value **out)
{
    const int64_t n = clab_dataset_n_obs(j->query), d = j->a[CLAB__N_LATENT].i, block = j->a[CLAB__QUERY_BLOCK].i;
    const int64_t dims[2] = {n, d};
    clab_phase *phase = clab_phase_begin(cx, "encode query", n, "cells");
    clab_value *all = NULL;
    clab_status st = clab_value_array(cx, CLAB_F32, 2, dims, NULL, &all);

    for (int64_t from = 0; st == CLAB_OK && from < n; from += block) {
        const int64_t to = n - from < block ? n : from + block;
        clab_dataset *cells = NULL;
        clab_value *latent = NULL;

        if ((st = first_rows(cx, j->query, from, to, &cells)) == CLAB_OK &&
            (st = clab_scvi_latent(cx, j->scvi, cells, &latent)) == CLAB_OK)
            memcpy((float *)all->data + from * d, latent->data, (size_t)((to - from) * d) * sizeof(float));
        clab_value_unref(latent);
        clab_dataset_unref(cells);
        clab_phase_step(phase, to);
    }
    clab_phase_end(phase);
    if (st != CLAB_OK) {
        clab_value_unref(all);
        return st;
    }
    *out = all;
    return CLAB_OK;
}

/* The query's rows of the latent of both: they come after the reference's. */
static clab_status query_latent(clab_ctx *cx, const clab__job *j, clab_value **out)
{
    clab_dataset *rows = NULL;
    clab_status st = first_rows(cx, j->both, j->n_reference, clab_dataset_n_obs(j->both), &rows);

    if (st == CLAB_OK)
        *out = clab_value_ref(clab_value_get(rows->obsm, CLAB__LATENT));
    clab_dataset_unref(rows);
    return st;
}

clab_status clab__job_label(clab_ctx *cx, clab__job *j)
{
    clab_dataset *query = NULL;
    clab_value *latent = NULL;
    clab_status st;

    clab_timeline_enter(cx, 0, "Label Query");
    st = clab_dataset_copy(cx, j->query, &query);
    if (st == CLAB_OK && j->scvi) {
        st = j->sampled ? encode_query(cx, j, &latent) : query_latent(cx, j, &latent);
        if (st == CLAB_OK)
            st = clab_dataset_obsm_set(cx, query, CLAB__LATENT, latent);
    }
    if (st == CLAB_OK)
        st = clab_classifier_annotate(cx, j->classifier, query, NULL, &j->labelled);
    clab_value_unref(latent);
    clab_dataset_unref(query);
    if (st == CLAB_OK)
        clab_note(cx, "labelled %s cells as %" PRId64 " types (%.1f s)", clab_text_count(clab_dataset_n_obs(j->labelled)),
                  clab_value_len(clab_classifier_classes(j->classifier)), clab__job_lap(j));
    return st;
}
