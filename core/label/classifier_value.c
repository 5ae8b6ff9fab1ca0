/* classifier_value.c -- a fitted classifier as a dictionary for a file, and back.
 * Whatever the file holds, the classifier that comes back is consistent or there is an error. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classifier_impl.h"
#include "ledger/ledger.h"

/* ---- writing -----------------------------------------------------------------------------------------
 * The dictionary and the first failure: entries after it do nothing. */
typedef struct {
    clab_ctx *cx;
    clab_value *dict;
    clab_status st;
} writer;

/* Takes v. */
static void put(writer *w, const char *name, clab_value *v)
{
    if (w->st == CLAB_OK)
        w->st = clab_value_set(w->cx, w->dict, name, v);
    clab_value_unref(v);
}

static void put_number(writer *w, const char *name, double x)
{
    clab_value *v = NULL;

    if (w->st == CLAB_OK)
        w->st = clab_value_number(w->cx, x, &v);
    put(w, name, v);
}

static void put_integer(writer *w, const char *name, int64_t x)
{
    clab_value *v = NULL;

    if (w->st == CLAB_OK)
        w->st = clab_value_integer(w->cx, x, &v);
    put(w, name, v);
}

static void put_string(writer *w, const char *name, const char *s)
{
    clab_value *v = NULL;

    if (s && w->st == CLAB_OK) {
        w->st = clab_value_string(w->cx, s, &v);
        put(w, name, v);
    }
}

static void put_array(writer *w, const char *name, clab_dtype t, const void *data, int64_t n)
{
    clab_value *v = NULL;

    if (w->st == CLAB_OK)
        w->st = clab_value_array(w->cx, t, 1, &n, data, &v);
    put(w, name, v);
}

static void put_shared(writer *w, const char *name, const clab_value *v)
{
    if (v)
        put(w, name, clab_value_ref(v));
}

static void put_options(writer *w, const clab_classifier *c)
{
    const clab_xgb_opts *o = &c->opts;

    put_integer(w, "rounds", o->rounds);
    put_integer(w, "patience", o->patience);
    put_number(w, "valid_fraction", c->valid_fraction);
    put_integer(w, "max_depth", o->max_depth);
    put_number(w, "eta", o->eta);
    put_number(w, "subsample", o->subsample);
    put_number(w, "colsample", o->colsample_bytree);
    put_number(w, "min_child_weight", o->min_child_weight);
    put_number(w, "gamma", o->gamma);
    put_number(w, "lambda", o->lambda);
    put_number(w, "alpha", o->alpha);
    put_integer(w, "max_bin", o->max_bin);
    put_integer(w, "seed", (int64_t)o->seed);
}

static void put_history(writer *w, const clab_history *h)
{
    writer inner = {.cx = w->cx};

    if (w->st == CLAB_OK)
        w->st = clab_value_dict(w->cx, &inner.dict);
    inner.st = w->st;
    for (int i = 0; i < h->n; i++)
        put_array(&inner, h->curves[i].name, CLAB_F64, h->curves[i].y, h->curves[i].n);
    w->st = inner.st;
    put(w, "history", inner.dict);
}

clab_status clab_classifier_value(clab_ctx *cx, const clab_classifier *c, clab_value **out)
{
    const clab__features *f = &c->features;
    writer w = {.cx = cx};

    if ((w.st = clab__classifier_fitted(cx, c)) != CLAB_OK || (w.st = clab_value_dict(cx, &w.dict)) != CLAB_OK)
        return w.st;
    put_string(&w, "format", "celllab classifier");
    put_integer(&w, "version", 1);
    put_options(&w, c);
    put_string(&w, "labels", c->labels);
    put_shared(&w, "steps", c->steps);
    put_shared(&w, "classes", c->classes);
    put_integer(&w, "n_train", c->n_train);
    put_integer(&w, "n_valid", c->n_valid);
    put_string(&w, "latent_key", f->latent_key);
    put_integer(&w, "n_latent", f->n_latent);
    put_shared(&w, "genes", f->genes);
    put_shared(&w, "universe", f->universe);
    put_array(&w, "mean", CLAB_F64, f->mean, clab__features_n(f));
    put_array(&w, "std", CLAB_F64, f->std, clab__features_n(f));
    put_array(&w, "model", CLAB_U8, c->model.bytes, c->model.n_bytes);
    put_integer(&w, "best_round", c->model.best_round);
    put_string(&w, "xgboost_version", c->model.version);
    put_string(&w, "xgboost_library", c->model.library);
    put_string(&w, "device", c->model.device);
    put_history(&w, &c->history);
    if (w.st != CLAB_OK) {
        clab_value_unref(w.dict);
        return w.st;
    }
    *out = w.dict;
    return CLAB_OK;
}

/* ---- reading -------------------------------------------------------------------------------------------*/

static clab_status broken(clab_ctx *cx, const char *name)
{
    return clab_fail(cx, CLAB_EFORMAT, "this is no classifier of celllab: its entry '%s' is missing or has another form",
                     name);
}

static clab_status get_number(clab_ctx *cx, const clab_value *dict, const char *name, double low, double high, double *x)
{
    const clab_value *v = clab_value_get(dict, name);

    if (!v || v->kind != CLAB_V_ARRAY || v->rank != 0)
        return broken(cx, name);
    *x = clab_value_at_num(v, 0);
    return *x >= low && *x <= high ? CLAB_OK : broken(cx, name);
}

static clab_status get_integer(clab_ctx *cx, const clab_value *dict, const char *name, int64_t high, int64_t *x)
{
    double value = 0;
    clab_status st = get_number(cx, dict, name, 0, (double)high, &value);

    *x = (int64_t)value;
    return st;
}

static clab_status get_int(clab_ctx *cx, const clab_value *dict, const char *name, int *x)
{
    int64_t value;
    clab_status st = get_integer(cx, dict, name, INT32_MAX, &value);

    *x = (int)value;
    return st;
}

/* Text or "" into buf; a missing entry is fine. */
static void get_text(const clab_value *dict, const char *name, char *buf, size_t n)
{
    const clab_value *v = clab_value_get(dict, name);

    buf[0] = '\0';
    if (v && v->kind == CLAB_V_STRINGS && v->rank == 0)
        snprintf(buf, n, "%s", ((char *const *)v->data)[0]);
}

static clab_status get_names(clab_ctx *cx, const clab_value *dict, const char *name, clab_value **out)
{
    const clab_value *v = clab_value_get(dict, name);

    if (v && (v->kind != CLAB_V_STRINGS || v->rank != 1))
        return broken(cx, name);
    *out = v ? clab_value_ref(v) : NULL;
    return CLAB_OK;
}

static clab_status get_bytes(clab_ctx *cx, const clab_value *dict, const char *name, clab_dtype t, int64_t n,
                             const char *what, void **out)
{
    const clab_value *v = clab_value_get(dict, name);
    const int64_t size = (int64_t)clab_dtype_size(t);
    clab_status st;

    if (!v || v->kind != CLAB_V_ARRAY || v->rank != 1 || v->dtype != t || v->dims[0] < 1 || (n >= 0 && v->dims[0] != n))
        return broken(cx, name);
    if ((st = clab_mem_alloc(cx, CLAB_MEM_MODEL, v->dims[0] * size, what, out)) == CLAB_OK)
        memcpy(*out, v->data, (size_t)(v->dims[0] * size));
    return st;
}

static clab_status get_options(clab_ctx *cx, const clab_value *v, clab_classifier *c)
{
    clab_xgb_opts *o = &c->opts;
    int64_t seed = 0;
    clab_status st;

    clab_xgb_opts_init(o);
    if ((st = get_int(cx, v, "rounds", &o->rounds)) != CLAB_OK ||
        (st = get_int(cx, v, "patience", &o->patience)) != CLAB_OK ||
        (st = get_number(cx, v, "valid_fraction", 0, 0.9, &c->valid_fraction)) != CLAB_OK ||
        (st = get_int(cx, v, "max_depth", &o->max_depth)) != CLAB_OK ||
        (st = get_number(cx, v, "eta", 0, 1, &o->eta)) != CLAB_OK ||
        (st = get_number(cx, v, "subsample", 0, 1, &o->subsample)) != CLAB_OK ||
        (st = get_number(cx, v, "colsample", 0, 1, &o->colsample_bytree)) != CLAB_OK ||
        (st = get_number(cx, v, "min_child_weight", 0, INFINITY, &o->min_child_weight)) != CLAB_OK ||
        (st = get_number(cx, v, "gamma", 0, INFINITY, &o->gamma)) != CLAB_OK ||
        (st = get_number(cx, v, "lambda", 0, INFINITY, &o->lambda)) != CLAB_OK ||
        (st = get_number(cx, v, "alpha", 0, INFINITY, &o->alpha)) != CLAB_OK ||
        (st = get_int(cx, v, "max_bin", &o->max_bin)) != CLAB_OK ||
        (st = get_integer(cx, v, "seed", INT32_MAX, &seed)) != CLAB_OK)
        return st;
    o->seed = (uint64_t)seed;
    return CLAB_OK;
}

static clab_status get_features(clab_ctx *cx, const clab_value *v, clab__features *f)
{
    char key[256];
    clab_status st;

    get_text(v, "latent_key", key, sizeof key);
    if (key[0] && !(f->latent_key = strdup(key)))
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a name");
    if ((st = get_integer(cx, v, "n_latent", INT32_MAX, &f->n_latent)) != CLAB_OK ||
        (st = get_names(cx, v, "genes", &f->genes)) != CLAB_OK ||
        (st = get_names(cx, v, "universe", &f->universe)) != CLAB_OK)
        return st;
    if ((f->genes != NULL) != (f->universe != NULL))
        return broken(cx, "universe");
    if ((f->n_latent > 0) != (f->latent_key != NULL))
        return broken(cx, "n_latent");
    if (clab__features_n(f) < 1)
        return broken(cx, "genes");
    if ((st = get_bytes(cx, v, "mean", CLAB_F64, clab__features_n(f), "standardisation", (void **)&f->mean)) != CLAB_OK)
        return st;
    if ((st = get_bytes(cx, v, "std", CLAB_F64, clab__features_n(f), "standardisation", (void **)&f->std)) != CLAB_OK)
        return st;
    for (int64_t j = 0; j < clab__features_n(f); j++)
        if (!isfinite(f->mean[j]) || !(f->std[j] > 0))
            return broken(cx, "std");
    return CLAB_OK;
}

static clab_status get_model(clab_ctx *cx, const clab_value *v, clab_classifier *c)
{
    clab_xgb_model *m = &c->model;
    clab_status st;

    if ((st = get_bytes(cx, v, "model", CLAB_U8, -1, "XGBoost trees", (void **)&m->bytes)) != CLAB_OK)
        return st;
    m->n_bytes = clab_value_get(v, "model")->dims[0];
    m->n_classes = c->opts.n_classes = (int)clab_value_len(c->classes);
    m->n_features = clab__features_n(&c->features);
    get_text(v, "xgboost_version", m->version, sizeof m->version);
    get_text(v, "xgboost_library", m->library, sizeof m->library);
    get_text(v, "device", m->device, sizeof m->device);
    return get_int(cx, v, "best_round", &m->best_round);
}

/* The curves are not drawn live again: they go into the history only. */
static clab_status get_history(clab_ctx *cx, const clab_value *v, clab_history *h)
{
    const clab_value *dict = clab_value_get(v, "history");
    clab_status st = CLAB_OK;

    for (int64_t i = 0; dict && dict->kind == CLAB_V_DICT && i < dict->n_items; i++) {
        const clab_value *y = dict->items[i];
        if (y->kind != CLAB_V_ARRAY || y->rank != 1)
            return broken(cx, "history");
        for (int64_t r = 0; r < y->dims[0] && st == CLAB_OK; r++)
            st = clab_history_add(cx, h, dict->names[i], (double)r, clab_value_at_num(y, r));
    }
    return st;
}

clab_status clab_classifier_from_value(clab_ctx *cx, const clab_value *v, clab_classifier **out)
{
    char text[256];
    clab_classifier *c;
    const clab_value *steps;
    int64_t version;
    clab_status st;

    get_text(v, "format", text, sizeof text);
    if (v->kind != CLAB_V_DICT || strcmp(text, "celllab classifier") != 0)
        return broken(cx, "format");
    if ((st = get_integer(cx, v, "version", 1, &version)) != CLAB_OK)
        return clab_hint(cx, "it may come from a later celllab");
    c = calloc(1, sizeof *c);
    if (!c)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a classifier");
    c->cx = cx;
    get_text(v, "labels", text, sizeof text);
    if (!(c->labels = strdup(text)))
        st = clab_fail(cx, CLAB_ENOMEM, "no memory for a name");
    steps = clab_value_get(v, "steps");
    if (st == CLAB_OK && (!steps || steps->kind != CLAB_V_DICT))
        st = broken(cx, "steps");
    if (st == CLAB_OK)
        c->steps = clab_value_ref(steps);
    if (st == CLAB_OK && (st = get_names(cx, v, "classes", &c->classes)) == CLAB_OK &&
        (!c->classes || clab_value_len(c->classes) < 2))
        st = broken(cx, "classes");
    if (st != CLAB_OK || (st = get_options(cx, v, c)) != CLAB_OK ||
        (st = get_integer(cx, v, "n_train", INT64_C(1) << 50, &c->n_train)) != CLAB_OK ||
        (st = get_integer(cx, v, "n_valid", INT64_C(1) << 50, &c->n_valid)) != CLAB_OK ||
        (st = get_features(cx, v, &c->features)) != CLAB_OK || (st = get_model(cx, v, c)) != CLAB_OK ||
        (st = get_history(cx, v, &c->history)) != CLAB_OK) {
        clab_classifier_free(cx, c, NULL);
        return st;
    }
    *out = c;
    return CLAB_OK;
}
