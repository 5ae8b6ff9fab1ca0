/* job.c -- the whole job as one call: its options, its order, what it writes.
 * Reading and joining are in job_cells.c, the models in job_models.c. */
#include "label/job.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "backend/backend.h"
#include "base/text.h"
#include "io/io.h"
#include "job_impl.h"
#include "ledger/ledger.h"
#include "ledger/timeline.h"

const clab_param clab_label_params[CLAB__N_LABEL_PARAMS] = {
    [CLAB__REFERENCE] = {"reference", CLAB_P_STR, NULL, 0, 0, NULL, "", "file of the labelled study"},
    [CLAB__QUERY] = {"query", CLAB_P_STR, NULL, 0, 0, NULL, "", "file of the study to label"},
    [CLAB__LABEL] = {"label", CLAB_P_OBS, NULL, 0, 0, NULL, "", "obs column of the reference with the cell types"},
    [CLAB__OUTPUT] = {"output", CLAB_P_STR, NULL, 0, 0, NULL, "", "the labelled query, .h5ad"},
    [CLAB__CSV] = {"csv", CLAB_P_STR, "", 0, 0, NULL, "", "also write cell, label and confidence as CSV here"},
    [CLAB__MODEL_OUT] = {"model_out", CLAB_P_STR, "", 0, 0, NULL, "", "also write the trained models here"},
    [CLAB__COUNTS] = {"counts", CLAB_P_STR, "auto", 0, 0, NULL, "", "where the counts are: auto, X, raw, layers.NAME"},
    [CLAB__MIN_CELLS] = {"min_cells", CLAB_P_INT, "10", 1, 1e15, NULL, "cells", "drop types of fewer reference cells"},
    [CLAB__MIN_GENES] = {"min_genes", CLAB_P_INT, "200", 0, 2147483647, NULL, "genes",
                         "drop reference cells with fewer genes; every query cell is labelled"},
    [CLAB__BATCH] = {"batch", CLAB_P_OBS, "", 0, 0, NULL, "",
                     "obs column whose effect is taken out too (donor, run), beside the study"},
    [CLAB__COVARIATES] = {"covariates", CLAB_P_OBSS, "", 0, 0, NULL, "",
                          "more such columns; every combination that occurs is a batch of its own"},
    [CLAB__HVG] = {"hvg", CLAB_P_INT, "2000", 0, 2147483647, NULL, "genes", "highly variable genes for scVI; 0 = all"},
    [CLAB__N_LATENT] = {"n_latent", CLAB_P_INT, "30", 1, 1000, NULL, "dimensions", "size of the latent space"},
    [CLAB__N_HIDDEN] = {"n_hidden", CLAB_P_INT, "128", 1, 4096, NULL, "units", "width of the hidden layers"},
    [CLAB__N_LAYERS] = {"n_layers", CLAB_P_INT, "1", 1, 4, NULL, "layers", "hidden layers of encoder and decoder"},
    [CLAB__DROPOUT] = {"dropout", CLAB_P_NUM, "0.1", 0, 0.95, NULL, "", "dropout rate in the encoder"},
    [CLAB__LIKELIHOOD] = {"likelihood", CLAB_P_ENUM, "zinb", 0, 0, "zinb|nb", "", "distribution of the counts"},
    [CLAB__MAX_EPOCHS] = {"max_epochs", CLAB_P_INT, "0", 0, 1000000, NULL, "epochs",
                          "0 = 400 up to 20,000 cells, then fewer"},
    [CLAB__EARLY_STOPPING] = {"early_stopping", CLAB_P_BOOL, "true", 0, 0, NULL, "",
                              "stop scVI when the validation ELBO no longer falls"},
    [CLAB__PATIENCE] = {"patience", CLAB_P_INT, "10", 1, 1000000, NULL, "epochs", "epochs and rounds without a better value"},
    [CLAB__BATCH_SIZE] = {"batch_size", CLAB_P_INT, "128", 2, 65536, NULL, "cells", "cells a minibatch"},
    [CLAB__FEATURES] = {"features", CLAB_P_ENUM, "combined", 0, 0, "latent|genes|combined", "",
                        "what XGBoost looks at"},
    [CLAB__N_GENES] = {"n_genes", CLAB_P_INT, "500", 1, 1000000, NULL, "genes",
                       "genes XGBoost looks at, those with the largest ANOVA F"},
    [CLAB__ROUNDS] = {"rounds", CLAB_P_INT, "500", 1, 100000, NULL, "rounds", "most boosting rounds"},
    [CLAB__TRAIN_CELLS] = {"train_cells", CLAB_P_INT, "0", 0, 1e15, NULL, "cells",
                           "train on a stratified sample of so many cells; 0 = all"},
    [CLAB__QUERY_BLOCK] = {"query_block", CLAB_P_INT, "10000", 1, 1e15, NULL, "cells",
                           "with train_cells: query cells labelled at a time"},
    [CLAB__SEED] = {"seed", CLAB_P_INT, "0", 0, 2147483647, NULL, "", "of every random number"},
    [CLAB__DEVICE] = {"device", CLAB_P_ENUM, "auto", 0, 0, "auto|cpu|cuda|gpu", "", "where scVI is computed"},
    [CLAB__BACKED] = {"backed", CLAB_P_BOOL, "false", 0, 0, NULL, "",
                      "keep packed counts in scratch files instead of memory; the same labels, slower"},
    [CLAB__SCRATCH] = {"scratch", CLAB_P_STR, "", 0, 0, NULL, "",
                       "folder of those files, on a disk; by default $TMPDIR, else /var/tmp"},
};
const int clab_label_n_params = CLAB__N_LABEL_PARAMS;

/* ---- small things the stages share -----------------------------------------------------------------*/

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double clab__job_lap(clab__job *j)
{
    const double t = now(), seconds = t - j->started;

    j->started = t;
    return seconds;
}

clab_status clab__job_step(clab_ctx *cx, const char *name, const char *const *args, clab_dataset **d)
{
    const clab_step *step = clab_step_get(name);
    clab_arg a[32];
    clab_dataset *out = NULL;
    int i;
    clab_status st;

    if (!step || step->n_params > 32)
        return clab_fail(cx, CLAB_EINTERNAL, "this program has no step %s", name);
    if ((st = clab_args_default(cx, name, step->params, step->n_params, a)) != CLAB_OK)
        return st;
    for (; args[0] && st == CLAB_OK; args += 2) {
        st = clab_args_find(cx, name, step->params, step->n_params, args[0], &i);
        if (st == CLAB_OK)
            st = clab_args_set_text(cx, name, &step->params[i], &a[i], args[1]);
    }
    if (st == CLAB_OK)
        st = clab_step_run(cx, step, *d, a, &out);
    clab_args_free(a, step->n_params);
    if (st != CLAB_OK)
        return st;
    clab_dataset_unref(*d);
    *d = out;
    return CLAB_OK;
}

/* ---- what comes out --------------------------------------------------------------------------------*/

/* Two paths of one file, which need not be there yet. */
static bool same_file(const char *a, const char *b)
{
    const char *const path[2] = {a, b};
    const char *name[2];
    char folder[2][4096];
    struct stat st[2];

    if (strcmp(a, b) == 0)
        return true;
    if (stat(a, &st[0]) == 0 && stat(b, &st[1]) == 0)
        return st[0].st_dev == st[1].st_dev && st[0].st_ino == st[1].st_ino;
    for (int i = 0; i < 2; i++) {
        const char *slash = strrchr(path[i], '/');
        name[i] = slash ? slash + 1 : path[i];
        snprintf(folder[i], sizeof folder[i], "%.*s", slash ? (int)(slash - path[i]) + 1 : 1, slash ? path[i] : ".");
        if (stat(folder[i], &st[i]) != 0)
            return false;
    }
    return strcmp(name[0], name[1]) == 0 && st[0].st_dev == st[1].st_dev && st[0].st_ino == st[1].st_ino;
}

/* Every output has a file of its own.  The labelled query may take the query's place, but nothing else may
 * stand where an input was. */
static clab_status check_outputs(clab_ctx *cx, const clab_arg *a)
{
    static const int files[] = {CLAB__REFERENCE, CLAB__QUERY, CLAB__OUTPUT, CLAB__CSV, CLAB__MODEL_OUT};
    clab_status st;

    for (int i = 2; i < 5; i++) {
        const clab_arg *out = &a[files[i]];
        const char *flag = clab_label_params[files[i]].name;

        if (!out->given || !out->s)
            continue;
        st = clab_write_check(cx, out->s); /* hours of training must not end at a missing folder */
        if (st == CLAB_EIO)
            (void)clab_hint(cx, "make the folder, or name another file");
        if (st != CLAB_OK)
            return clab_context(cx, "%s %s cannot be written", flag, clab_show(out->s));
        for (int k = 0; k < i; k++) {
            const clab_arg *other = &a[files[k]];
            if (!other->given || !other->s || (files[i] == CLAB__OUTPUT && files[k] == CLAB__QUERY) ||
                !same_file(out->s, other->s))
                continue;
            (void)clab_fail(cx, CLAB_EARG, "%s and %s are one file: %s", clab_label_params[files[k]].name, flag,
                            clab_show(out->s));
            return clab_hint(cx, "name another file to write");
        }
    }
    return CLAB_OK;
}

/* Whether the XGBoost library and the device that is asked for can be used, before anything is read. */
static clab_status check_machine(clab_ctx *cx, const clab_arg *a)
{
    char version[64], path[4096];
    clab_backend *be = NULL;
    clab_status st = clab_xgb_probe(cx, version, sizeof version, path, sizeof path);

    if (st != CLAB_OK)
        return st;
    if (strcmp(a[CLAB__FEATURES].s, "genes") != 0 && strcmp(a[CLAB__DEVICE].s, "auto") != 0)
        st = clab_backend_open(cx, a[CLAB__DEVICE].s, &be);
    clab_backend_close(be);
    return st;
}

static clab_status write_models(clab_ctx *cx, const clab__job *j, const char *path)
{
    clab_value *file = NULL, *v = NULL;
    clab_status st;

    if ((st = clab_value_dict(cx, &file)) != CLAB_OK || (st = clab_value_set_string(cx, file, "kind", "label")) != CLAB_OK)
        goto done;
    if (j->scvi && ((st = clab_scvi_value(cx, j->scvi, &v)) != CLAB_OK ||
                    (st = clab_value_set(cx, file, "scvi", v)) != CLAB_OK))
        goto done;
    clab_value_unref(v);
    v = NULL;
    if ((st = clab_classifier_value(cx, j->classifier, &v)) != CLAB_OK ||
        (st = clab_value_set(cx, file, "xgboost", v)) != CLAB_OK)
        goto done;
    clab_value_unref(v);
    v = NULL;
    if ((st = clab_args_value(cx, clab_label_params, clab_label_n_params, j->a, &v)) != CLAB_OK ||
        (st = clab_value_set(cx, file, "options", v)) != CLAB_OK)
        goto done;
    st = clab_write_value(cx, file, path);
done:
    clab_value_unref(v);
    clab_value_unref(file);
    return st;
}

static clab_status log_job(clab_ctx *cx, const clab__job *j)
{
    clab_value *params = NULL;
    clab_status st = clab_args_value(cx, clab_label_params, clab_label_n_params, j->a, &params);

    if (st == CLAB_OK)
        st = clab_dataset_log(cx, j->labelled, "label", params);
    clab_value_unref(params);
    return st;
}

static clab_status write_results(clab_ctx *cx, clab__job *j)
{
    static const char *const columns[] = {"predicted_cell_type", "prediction_confidence"};
    const clab_arg *a = j->a;
    clab_write_opts whole;
    clab_status st;

    clab_write_opts_init(&whole);
    whole.format = "h5ad"; /* whatever its name: the labels must not be lost */
    clab_timeline_enter(cx, 0, "Write Results");
    if ((st = log_job(cx, j)) != CLAB_OK ||
        (st = clab_write(cx, j->labelled, a[CLAB__OUTPUT].s, &whole)) != CLAB_OK)
        return st;
    if (a[CLAB__CSV].given && (st = clab_write_csv(cx, j->labelled, columns, 2, a[CLAB__CSV].s)) != CLAB_OK)
        return st;
    if (a[CLAB__MODEL_OUT].given && (st = write_models(cx, j, a[CLAB__MODEL_OUT].s)) != CLAB_OK)
        return st;
    clab_note(cx, "wrote %s%s%s%s%s (%.1f s)", clab_show(a[CLAB__OUTPUT].s), a[CLAB__CSV].given ? ", " : "",
              a[CLAB__CSV].given ? clab_show(a[CLAB__CSV].s) : "", a[CLAB__MODEL_OUT].given ? ", " : "",
              a[CLAB__MODEL_OUT].given ? clab_show(a[CLAB__MODEL_OUT].s) : "", clab__job_lap(j));
    return CLAB_OK;
}

/* ---- the job ---------------------------------------------------------------------------------------*/

static void job_free(clab_ctx *cx, clab__job *j)
{
    clab_classifier_free(cx, j->classifier, NULL);
    clab_scvi_free(cx, j->scvi, NULL);
    clab_dataset_unref(j->labelled);
    clab_dataset_unref(j->chosen);
    clab_dataset_unref(j->both);
    clab_dataset_unref(j->train_query);
    clab_dataset_unref(j->query);
    clab_dataset_unref(j->reference);
}

clab_status clab_label_run(clab_ctx *cx, const clab_arg *args)
{
    clab__job j = {.a = args, .started = now()};
    const double begun = j.started;
    clab_status st;

    if ((st = clab_args_check(cx, "label", clab_label_params, clab_label_n_params, args)) != CLAB_OK ||
        (st = check_outputs(cx, args)) != CLAB_OK || (st = check_machine(cx, args)) != CLAB_OK ||
        (st = clab__job_read(cx, &j)) != CLAB_OK || (st = clab__job_join(cx, &j)) != CLAB_OK ||
        (st = clab__job_train(cx, &j)) != CLAB_OK || (st = clab__job_label(cx, &j)) != CLAB_OK ||
        (st = write_results(cx, &j)) != CLAB_OK)
        goto done;
    clab_note(cx, "done: %s cells labelled in %.1f s, at most %s accounted at once",
              clab_text_count(clab_dataset_n_obs(j.labelled)), now() - begun, clab_bytes(clab_mem_peak(cx)));
done:
    job_free(cx, &j);
    return st;
}
