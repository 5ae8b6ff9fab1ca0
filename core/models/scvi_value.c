/* scvi_value.c -- the model as a dictionary, and back: tensors under the peer's state-dict keys and in its
 * layout, genes, batches, options, curves.  Reading trusts nothing: shapes are checked against each other.
 * Layers that the peer makes and never uses with these options (l_encoder, px_r_decoder) are not kept. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "models/scvi_impl.h"

static const char FORMAT[] = "celllab scvi";
enum { VERSION = 1 };

static clab_status options_value(clab_ctx *cx, const clab_scvi *m, clab_value **out)
{
    const clab__net_dims *n = &m->net->dims;
    clab_value *d = NULL;
    clab_status s = clab_value_dict(cx, &d);

    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "n_latent", n->D);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "n_hidden", n->H);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "n_layers", n->n_layers);
    if (s == CLAB_OK)
        s = clab_value_set_number(cx, d, "dropout", n->dropout);
    if (s == CLAB_OK)
        s = clab_value_set_string(cx, d, "likelihood", n->zinb ? "zinb" : "nb");
    if (s == CLAB_OK && m->batch_column)
        s = clab_value_set_string(cx, d, "batch", m->batch_column);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "seed", (int64_t)m->seed);
    if (s == CLAB_OK)
        s = clab_value_set_string(cx, d, "rng", m->torch ? "torch" : "philox");
    if (s != CLAB_OK) {
        clab_value_unref(d);
        return s;
    }
    *out = d;
    return CLAB_OK;
}

static clab_status tensors_value(clab_ctx *cx, const clab_scvi *m, clab_value **out)
{
    clab_value *d = NULL;
    clab_status s = clab_value_dict(cx, &d);

    for (int i = 0; i < m->net->n_tensors && s == CLAB_OK; i++) {
        const clab__tensor *t = &m->net->tensors[i];
        clab_value *x = NULL;
        s = clab_value_array(cx, CLAB_F32, t->rank, t->dims, NULL, &x);
        if (s == CLAB_OK)
            s = clab__net_get(m->net, t, x->data);
        s = clab_value_set_made(cx, d, t->key, s, x);
    }
    if (s != CLAB_OK) {
        clab_value_unref(d);
        return s;
    }
    *out = d;
    return CLAB_OK;
}

static clab_status history_value(clab_ctx *cx, const clab_history *h, clab_value **out)
{
    clab_value *d = NULL;
    clab_status s = clab_value_dict(cx, &d);

    for (int i = 0; i < h->n && s == CLAB_OK; i++) {
        const clab_curve *c = &h->curves[i];
        clab_value *x = NULL;
        s = clab_value_array(cx, CLAB_F64, 2, (int64_t[]){2, c->n}, NULL, &x);
        if (s == CLAB_OK) {
            memcpy(x->data, c->x, (size_t)c->n * sizeof(double));
            memcpy((double *)x->data + c->n, c->y, (size_t)c->n * sizeof(double));
        }
        s = clab_value_set_made(cx, d, c->name, s, x);
    }
    if (s != CLAB_OK) {
        clab_value_unref(d);
        return s;
    }
    *out = d;
    return CLAB_OK;
}

clab_status clab_scvi_value(clab_ctx *cx, const clab_scvi *m, clab_value **out)
{
    clab_value *d = NULL, *v = NULL;
    clab_status s = clab_value_dict(cx, &d);

    if (s == CLAB_OK)
        s = clab_value_set_string(cx, d, "format", FORMAT);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "version", VERSION);
    if (s == CLAB_OK) {
        s = options_value(cx, m, &v);
        s = clab_value_set_made(cx, d, "options", s, v);
    }
    if (s == CLAB_OK)
        s = clab_value_set(cx, d, "genes", m->genes);
    if (s == CLAB_OK)
        s = clab_value_set(cx, d, "batches", m->batches);
    if (s == CLAB_OK) {
        v = NULL;
        s = tensors_value(cx, m, &v);
        s = clab_value_set_made(cx, d, "tensors", s, v);
    }
    if (s == CLAB_OK) {
        v = NULL;
        s = history_value(cx, &m->history, &v);
        s = clab_value_set_made(cx, d, "history", s, v);
    }
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "n_cells", m->n_cells);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "epochs", m->epochs);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "steps", m->steps);
    if (s != CLAB_OK) {
        clab_value_unref(d);
        return s;
    }
    *out = d;
    return CLAB_OK;
}

/* ---- reading ---------------------------------------------------------------------------------------------*/
static clab_status damaged(clab_ctx *cx, const char *what)
{
    return clab_fail(cx, CLAB_EFORMAT, "the scVI model is damaged: %s", what);
}

/* A scalar number between lo and hi, however it was stored. */
static clab_status get_number(clab_ctx *cx, const clab_value *d, const char *name, double lo, double hi, double *out)
{
    const clab_value *v = clab_value_get(d, name);

    if (!v || v->kind != CLAB_V_ARRAY || v->dtype == CLAB_STR || v->rank != 0)
        return damaged(cx, name);
    switch (v->dtype) {
    case CLAB_F64: memcpy(out, v->data, sizeof *out); break;
    case CLAB_F32: *out = (double)*(const float *)v->data; break;
    case CLAB_I64: *out = (double)*(const int64_t *)v->data; break;
    case CLAB_I32: *out = *(const int32_t *)v->data; break;
    default: return damaged(cx, name);
    }
    return *out >= lo && *out <= hi ? CLAB_OK : damaged(cx, name);
}

static const char *get_string(const clab_value *d, const char *name)
{
    const clab_value *v = clab_value_get(d, name);

    return v && v->kind == CLAB_V_STRINGS && v->rank == 0 ? ((char **)v->data)[0] : "";
}

static clab_status read_dims(clab_ctx *cx, const clab_value *v, clab__net_dims *dims)
{
    const clab_value *o = clab_value_get(v, "options"), *genes = clab_value_get(v, "genes");
    const clab_value *batches = clab_value_get(v, "batches");
    double latent = 0, hidden = 0, layers = 0;
    clab_status s;

    if (!o || !genes || genes->kind != CLAB_V_STRINGS || genes->rank != 1 || !genes->dims[0])
        return damaged(cx, "genes");
    if (!batches || batches->kind != CLAB_V_STRINGS || batches->rank != 1 || !batches->dims[0])
        return damaged(cx, "batches");
    s = get_number(cx, o, "n_latent", 1, 1000, &latent);
    if (s == CLAB_OK)
        s = get_number(cx, o, "n_hidden", 1, 4096, &hidden);
    if (s == CLAB_OK)
        s = get_number(cx, o, "n_layers", 1, CLAB__MAX_LAYERS, &layers);
    if (s == CLAB_OK)
        s = get_number(cx, o, "dropout", 0, 0.95, &dims->dropout);
    dims->G = genes->dims[0];
    dims->K = batches->dims[0] > 1 ? batches->dims[0] : 0;
    dims->D = (int64_t)latent;
    dims->H = (int64_t)hidden;
    dims->n_layers = (int)layers;
    dims->zinb = strcmp(get_string(o, "likelihood"), "zinb") == 0;
    return s;
}

static clab_status read_tensors(clab_ctx *cx, clab_scvi *m, const clab_value *tensors)
{
    clab_status s = CLAB_OK;

    for (int i = 0; i < m->net->n_tensors && s == CLAB_OK; i++) {
        const clab__tensor *t = &m->net->tensors[i];
        const clab_value *x = clab_value_get(tensors, t->key);
        if (!x || x->kind != CLAB_V_ARRAY || x->dtype != CLAB_F32 || x->rank != t->rank || x->dims[0] != t->dims[0] ||
            (t->rank == 2 && x->dims[1] != t->dims[1]))
            return damaged(cx, t->key);
        s = clab__net_set(m->net, t, x->data);
    }
    return s;
}

static clab_status read_history(clab_ctx *cx, clab_scvi *m, const clab_value *h)
{
    clab_status s = CLAB_OK;

    for (int64_t i = 0; h && i < h->n_items; i++) {
        const clab_value *x = h->items[i];
        if (x->kind != CLAB_V_ARRAY || x->dtype != CLAB_F64 || x->rank != 2 || x->dims[0] != 2)
            return damaged(cx, "history");
        const double *at = x->data;
        for (int64_t j = 0; j < x->dims[1] && s == CLAB_OK; j++)
            s = clab_history_keep(cx, &m->history, h->names[i], at[j], at[x->dims[1] + j]);
    }
    return s;
}

static clab_status read_rest(clab_ctx *cx, clab_scvi *m, const clab_value *v)
{
    const clab_value *o = clab_value_get(v, "options");
    const char *batch = get_string(o, "batch");
    double cells = 0, epochs = 0, steps = 0, seed = 0;
    clab_status s = get_number(cx, v, "n_cells", 0, 1e15, &cells);

    if (s == CLAB_OK)
        s = get_number(cx, v, "epochs", 0, 1e15, &epochs);
    if (s == CLAB_OK)
        s = get_number(cx, v, "steps", 0, 1e15, &steps);
    if (s == CLAB_OK)
        s = get_number(cx, o, "seed", 0, 4294967295.0, &seed);
    if (s == CLAB_OK && batch[0] && !(m->batch_column = strdup(batch)))
        s = clab_fail(cx, CLAB_ENOMEM, "no memory for a column name");
    m->n_cells = (int64_t)cells;
    m->epochs = (int64_t)epochs;
    m->steps = (int64_t)steps;
    m->trainings = m->steps > 0;
    m->seed = (uint64_t)seed;
    m->torch = strcmp(get_string(o, "rng"), "torch") == 0;
    clab_mt_seed(&m->mt, (uint32_t)m->seed); /* the generator's place is not kept */
    m->genes = clab_value_ref(clab_value_get(v, "genes"));
    m->batches = clab_value_ref(clab_value_get(v, "batches"));
    return s;
}

clab_status clab_scvi_from_value(clab_ctx *cx, const clab_value *v, clab_scvi **out)
{
    clab__net_dims dims = {0};
    clab_scvi *m = NULL;
    double version = 0;
    clab_status s;

    if (v->kind != CLAB_V_DICT || strcmp(get_string(v, "format"), FORMAT) != 0)
        return clab_fail(cx, CLAB_EFORMAT, "this is no scVI model of celllab");
    s = get_number(cx, v, "version", 1, VERSION, &version);
    if (s == CLAB_OK)
        s = read_dims(cx, v, &dims);
    if (s == CLAB_OK)
        s = clab__scvi_make(cx, "auto", &dims, &m);
    if (s == CLAB_OK)
        s = read_rest(cx, m, v);
    if (s == CLAB_OK)
        s = read_tensors(cx, m, clab_value_get(v, "tensors"));
    if (s == CLAB_OK)
        s = read_history(cx, m, clab_value_get(v, "history"));
    if (s != CLAB_OK) {
        clab_scvi_free(cx, m, NULL);
        return s;
    }
    *out = m;
    return CLAB_OK;
}
