/* classifier_annotate.c -- giving cells their most likely type, with how sure the trees are.
 * N cells, K classes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "classifier_impl.h"
#include "ledger/ledger.h"

const clab_param clab_annotate_params[] = {
    {"from", CLAB_P_DATASET, "", 0, 0, NULL, "",
     "dataset that holds these cells' features (the concat); cells are matched by identity, not by name"},
};
const int clab_annotate_n_params = sizeof clab_annotate_params / sizeof *clab_annotate_params;

/* ---- probabilities -------------------------------------------------------------------------------*/

/* p (n x K) of cells rows[0..n-1] of d; rows NULL = all. */
static clab_status predict_rows(clab_ctx *cx, const clab_classifier *c, const clab_dataset *d, const int64_t *rows,
                                int64_t n, float *p)
{
    clab__feature_stream *s = NULL;
    clab_feature_rows x;
    clab_status st = clab__feature_stream_open(cx, &c->features, d, rows, n, &s);

    if (st != CLAB_OK)
        return st;
    x = clab__feature_stream_rows(s);
    st = clab_xgb_predict(cx, &c->model, &x, p);
    clab__feature_stream_close(cx, s);
    return st;
}

static clab_status new_probabilities(clab_ctx *cx, const clab_classifier *c, int64_t n, clab_value **p)
{
    const int64_t dims[2] = {n, c->model.n_classes};

    return clab_value_array(cx, CLAB_F32, 2, dims, NULL, p);
}

clab_status clab_classifier_predict(clab_ctx *cx, const clab_classifier *c, const clab_dataset *d, clab_value **out)
{
    clab_value *p = NULL;
    clab_status st;

    if ((st = clab__classifier_fitted(cx, c)) != CLAB_OK ||
        (st = new_probabilities(cx, c, clab_dataset_n_obs(d), &p)) != CLAB_OK)
        return st;
    if ((st = predict_rows(cx, c, d, NULL, 0, p->data)) != CLAB_OK) {
        clab_value_unref(p);
        return clab_context(cx, "predict");
    }
    *out = p;
    return CLAB_OK;
}

/* ---- what is written ------------------------------------------------------------------------------*/

static clab_status set_labels(clab_ctx *cx, clab_dataset *d, const clab_classifier *c, const float *p, int64_t n)
{
    const int k = c->model.n_classes;
    clab_value *label = NULL, *confidence = NULL;
    int32_t *code = NULL;
    float *sure = NULL;
    clab_status st;

    if ((st = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 4 + 4, "labels", (void **)&code)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 4 + 4, "labels", (void **)&sure)) != CLAB_OK)
        goto done;
    for (int64_t i = 0; i < n; i++) {
        const float *row = p + i * k;
        int best = 0;
        for (int j = 1; j < k; j++)
            best = row[j] > row[best] ? j : best;
        code[i] = best;
        sure[i] = row[best];
    }
    if ((st = clab_value_categorical(cx, n, code, c->classes, false, &label)) != CLAB_OK ||
        (st = clab_value_array(cx, CLAB_F32, 1, &n, sure, &confidence)) != CLAB_OK ||
        (st = clab_dataset_obs_set(cx, d, "predicted_cell_type", label)) != CLAB_OK)
        goto done;
    st = clab_dataset_obs_set(cx, d, "prediction_confidence", confidence);
done:
    clab_mem_free(cx, code);
    clab_mem_free(cx, sure);
    clab_value_unref(label);
    clab_value_unref(confidence);
    return st;
}

/* One column a class, under its name; a file format may have to spell a name in another way ("/" in HDF5),
 * so that uns.prediction_classes keeps the names themselves, in the order of the columns. */
static clab_status set_probabilities(clab_ctx *cx, clab_dataset *d, const clab_classifier *c, const float *p, int64_t n)
{
    const int k = c->model.n_classes;
    clab_value *table = NULL, *column = NULL;
    clab_status st = clab_value_table(cx, d->obs->index, d->obs->index_name, &table);

    for (int j = 0; j < k && st == CLAB_OK; j++) {
        if ((st = clab_value_array(cx, CLAB_F32, 1, &n, NULL, &column)) != CLAB_OK)
            break;
        for (int64_t i = 0; i < n; i++)
            ((float *)column->data)[i] = p[i * k + j];
        st = clab_value_set(cx, table, clab_value_at_str(c->classes, j, NULL, 0), column);
        clab_value_unref(column);
    }
    if (st == CLAB_OK)
        st = clab_dataset_obsm_set(cx, d, "prediction_probability", table);
    if (st == CLAB_OK)
        st = clab_dataset_uns_set(cx, d, "prediction_classes", c->classes);
    clab_value_unref(table);
    return st;
}

static clab_status log_annotate(clab_ctx *cx, clab_dataset *d, const clab_classifier *c)
{
    clab_value *params = NULL;
    char line[384];
    clab_status st = clab_value_dict(cx, &params);

    clab_classifier_describe(c, line, sizeof line);
    if (st == CLAB_OK)
        st = clab_value_set_string(cx, params, "classifier", line);
    if (st == CLAB_OK)
        st = clab_value_set_integer(cx, params, "seed", (int64_t)c->opts.seed);
    if (st == CLAB_OK) /* with them the reference and its hash come among the inputs */
        st = clab_value_set(cx, params, "reference_steps", c->steps);
    if (st == CLAB_OK)
        st = clab_dataset_log(cx, d, "annotate", params);
    clab_value_unref(params);
    return st;
}

/* ---- annotate ---------------------------------------------------------------------------------------*/

static clab_status match(clab_ctx *cx, const clab_dataset *from, const clab_dataset *query, int64_t **rows)
{
    const int64_t n = clab_dataset_n_obs(query);
    int64_t *pos = NULL, missing = 0;
    clab_status st;

    if ((st = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8 + 8, "matching cells", (void **)&pos)) != CLAB_OK ||
        (st = clab_dataset_match(cx, from, query, pos)) != CLAB_OK)
        goto fail;
    for (int64_t i = 0; i < n; i++)
        missing += pos[i] < 0;
    if (missing) {
        st = clab_fail(cx, CLAB_EARG, "%s of %s cells of %s are not among the cells of %s", clab_text_count(missing),
                       clab_text_count(n), clab_show(query->name), clab_show(from->name));
        (void)clab_hint(cx, "from must be a concat (or a selection) of this very dataset: cells are matched by "
                            "identity, and reading a file again makes other cells");
        goto fail;
    }
    *rows = pos;
    return CLAB_OK;
fail:
    clab_mem_free(cx, pos);
    return st;
}

/* A study that this program labelled may be a reference in turn: what was learned is not overwritten by what
 * is predicted now, but kept under another name. */
static clab_status keep_learned(clab_ctx *cx, clab_dataset *d, const clab_classifier *c)
{
    const clab_value *old = clab_value_get(d->obs, "predicted_cell_type");

    if (!old)
        return CLAB_OK;
    if (strcmp(c->labels, "predicted_cell_type") != 0) {
        clab_note(cx, "obs.predicted_cell_type of %s was there already: replaced in the result", clab_show(d->name));
        return CLAB_OK;
    }
    clab_note(cx, "obs.predicted_cell_type of %s, the column that was learned, is kept as obs.reference_cell_type",
              clab_show(d->name));
    return clab_dataset_obs_set(cx, d, "reference_cell_type", old);
}

clab_status clab_classifier_annotate(clab_ctx *cx, const clab_classifier *c, const clab_dataset *query,
                                     const clab_dataset *from, clab_dataset **out)
{
    const int64_t n = clab_dataset_n_obs(query);
    clab_dataset *d = NULL;
    clab_value *p = NULL;
    int64_t *rows = NULL;
    clab_status st;

    if ((st = clab__classifier_fitted(cx, c)) != CLAB_OK || (st = new_probabilities(cx, c, n, &p)) != CLAB_OK ||
        (from && (st = match(cx, from, query, &rows)) != CLAB_OK) ||
        (st = predict_rows(cx, c, from ? from : query, rows, n, p->data)) != CLAB_OK ||
        (st = clab_dataset_copy(cx, query, &d)) != CLAB_OK || (st = keep_learned(cx, d, c)) != CLAB_OK ||
        (st = set_labels(cx, d, c, p->data, n)) != CLAB_OK ||
        (st = set_probabilities(cx, d, c, p->data, n)) != CLAB_OK || (st = log_annotate(cx, d, c)) != CLAB_OK)
        goto done;
done:
    clab_value_unref(p);
    clab_mem_free(cx, rows);
    if (st != CLAB_OK) {
        clab_dataset_unref(d);
        return clab_context(cx, "annotate");
    }
    *out = d;
    return CLAB_OK;
}
