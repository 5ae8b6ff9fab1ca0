/* dataset.c -- life of a Dataset, its columns, its counts and its log. */
#include "data/dataset.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset_impl.h"
#include "data/rows.h"
#include "ledger/ledger.h"

/* ---- life ---------------------------------------------------------------------------------------*/

static clab_status check_shapes(clab_ctx *cx, const char *name, const clab_matrix *x, const clab_value *obs,
                                const clab_value *var)
{
    if (obs->kind != CLAB_V_TABLE || var->kind != CLAB_V_TABLE)
        return clab_fail(cx, CLAB_EINTERNAL, "%s: obs and var must be tables", clab_show(name));
    if (x && clab_matrix_n_rows(x) != obs->dims[0])
        return clab_fail(cx, CLAB_ESHAPE, "%s: X has %s rows, obs has %s", clab_show(name),
                         clab_text_count(clab_matrix_n_rows(x)), clab_text_count(obs->dims[0]));
    if (x && clab_matrix_n_cols(x) != var->dims[0])
        return clab_fail(cx, CLAB_ESHAPE, "%s: X has %s columns, var has %s rows", clab_show(name),
                         clab_text_count(clab_matrix_n_cols(x)), clab_text_count(var->dims[0]));
    return CLAB_OK;
}

clab_status clab_dataset_new(clab_ctx *cx, const char *name, const clab_matrix *x, const clab_value *obs,
                             const clab_value *var, clab_dataset **out)
{
    clab_dataset *d;
    clab_status s = check_shapes(cx, name, x, obs, var);

    if (s != CLAB_OK)
        return s;
    d = calloc(1, sizeof *d);
    if (!d)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a dataset");
    d->refs = 1;
    d->cx = cx;
    d->x = x ? clab_matrix_ref(x) : NULL;
    d->obs = clab_value_ref(obs);
    d->var = clab_value_ref(var);
    d->name = strdup(name);
    if (!d->name)
        s = clab_fail(cx, CLAB_ENOMEM, "no memory for a dataset");
    clab_value **dicts[] = {&d->obsm, &d->varm, &d->obsp, &d->varp, &d->uns, &d->steps};
    for (size_t i = 0; s == CLAB_OK && i < sizeof dicts / sizeof *dicts; i++)
        s = clab_value_dict(cx, dicts[i]);
    if (s == CLAB_OK)
        s = clab__origin_new(cx, obs->dims[0], &d->origin);
    if (s != CLAB_OK) {
        clab_dataset_unref(d);
        return s;
    }
    *out = d;
    return CLAB_OK;
}

clab_dataset *clab_dataset_ref(const clab_dataset *d)
{
    clab_dataset *held = (clab_dataset *)d;

    if (held)
        __atomic_add_fetch(&held->refs, 1, __ATOMIC_RELAXED);
    return held;
}

void clab_dataset_unref(clab_dataset *d)
{
    if (!d || __atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    clab_matrix_unref(d->x);
    clab_matrix_unref(d->counts);
    clab_matrix_unref(d->raw.x);
    clab_value_unref(d->raw.var);
    clab_value_unref(d->raw.varm);
    for (int64_t i = 0; i < d->n_layers; i++) {
        free(d->layer_names[i]);
        clab_matrix_unref(d->layers[i]);
    }
    free(d->layer_names);
    free(d->layers);
    clab_value *parts[] = {d->origin, d->obs, d->var, d->obsm, d->varm, d->obsp, d->varp, d->uns, d->steps, d->file};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        clab_value_unref(parts[i]);
    clab_dataset_unref(d->in_file);
    free(d->counts_from);
    free(d->name);
    free(d);
}

static bool copy_layers(clab_dataset *c, const clab_dataset *d)
{
    if (d->n_layers == 0)
        return true;
    c->layer_names = calloc((size_t)d->n_layers, sizeof *c->layer_names);
    c->layers = calloc((size_t)d->n_layers, sizeof *c->layers);
    if (!c->layer_names || !c->layers)
        return false;
    c->n_layers = d->n_layers;
    for (int64_t i = 0; i < d->n_layers; i++) {
        c->layer_names[i] = strdup(d->layer_names[i]);
        c->layers[i] = clab_matrix_ref(d->layers[i]);
        if (!c->layer_names[i])
            return false;
    }
    return true;
}

clab_status clab_dataset_copy(clab_ctx *cx, const clab_dataset *d, clab_dataset **out)
{
    clab_dataset *c = calloc(1, sizeof *c);

    if (!c)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a dataset");
    c->refs = 1;
    c->cx = cx;
    c->name = strdup(d->name);
    c->x = d->x ? clab_matrix_ref(d->x) : NULL;
    c->counts = d->counts ? clab_matrix_ref(d->counts) : NULL;
    c->counts_from = d->counts_from ? strdup(d->counts_from) : NULL;
    c->origin = clab_value_ref(d->origin);
    c->obs = clab_value_ref(d->obs);
    c->var = clab_value_ref(d->var);
    c->obsm = clab_value_ref(d->obsm);
    c->varm = clab_value_ref(d->varm);
    c->obsp = clab_value_ref(d->obsp);
    c->varp = clab_value_ref(d->varp);
    c->uns = clab_value_ref(d->uns);
    c->steps = clab_value_ref(d->steps);
    c->in_file = clab_dataset_ref(d->in_file);
    c->raw.x = d->raw.x ? clab_matrix_ref(d->raw.x) : NULL;
    c->raw.var = clab_value_ref(d->raw.var);
    c->raw.varm = clab_value_ref(d->raw.varm);
    if (!c->name || (d->counts_from && !c->counts_from) || !copy_layers(c, d)) {
        clab_dataset_unref(c);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a dataset");
    }
    *out = c;
    return CLAB_OK;
}

/* ---- shape and names ------------------------------------------------------------------------------*/

int64_t clab_dataset_n_obs(const clab_dataset *d)
{
    return d->obs->dims[0];
}

int64_t clab_dataset_n_vars(const clab_dataset *d)
{
    return d->var->dims[0];
}

const char *clab_dataset_obs_name(const clab_dataset *d, int64_t i)
{
    return ((char *const *)d->obs->index->data)[i];
}

const char *clab_dataset_var_name(const clab_dataset *d, int64_t g)
{
    return ((char *const *)d->var->index->data)[g];
}

/* ---- columns --------------------------------------------------------------------------------------*/

void clab__part_set(clab_value **slot, clab_value *value)
{
    clab_value *old = *slot;

    *slot = value;
    clab_value_unref(old);
}

void clab__names_text(clab_str *b, const clab_value *container, int64_t most)
{
    int64_t n = container ? container->n_items : 0;

    if (n == 0)
        clab_str_add(b, "none");
    for (int64_t i = 0; i < n && i < most; i++)
        clab_str_addf(b, "%s%s", i ? ", " : "", clab_show(container->names[i]));
    if (n > most)
        clab_str_addf(b, " and %s more", clab_text_count(n - most));
}

clab_status clab__column_get(clab_ctx *cx, const clab_dataset *d, const char *which, const clab_value *table,
                             const char *column, const clab_value **out)
{
    clab_str names = {0};
    int near;
    clab_status s;

    *out = clab_value_get(table, column);
    if (*out)
        return CLAB_OK;
    clab__names_text(&names, table, 40);
    s = clab_fail(cx, CLAB_ENOTFOUND, "%s of %s has no column %s; there are: %s", which, clab_show(d->name),
                  clab_show(column), names.s ? names.s : "");
    clab_str_free(&names);
    near = clab_text_near(column, (const char *const *)table->names, (size_t)table->n_items);
    if (near >= 0)
        clab_hint(cx, "did you mean %s?", clab_show(table->names[near]));
    return s;
}

clab_status clab_dataset_obs_get(clab_ctx *cx, const clab_dataset *d, const char *column,
                                 const clab_value **out)
{
    return clab__column_get(cx, d, "obs", d->obs, column, out);
}

clab_status clab_dataset_var_get(clab_ctx *cx, const clab_dataset *d, const char *column,
                                 const clab_value **out)
{
    return clab__column_get(cx, d, "var", d->var, column, out);
}

/* Copy the container, set, put the copy in place: handles that share the old one keep it. */
static clab_status set_item(clab_ctx *cx, clab_value **slot, const char *key, const clab_value *v)
{
    clab_value *copy = NULL;
    clab_status s = clab_value_copy(cx, *slot, &copy);

    if (s == CLAB_OK)
        s = clab_value_set(cx, copy, key, v);
    if (s != CLAB_OK) {
        clab_value_unref(copy);
        return s;
    }
    clab__part_set(slot, copy);
    return CLAB_OK;
}

clab_status clab_dataset_obs_set(clab_ctx *cx, clab_dataset *d, const char *column, const clab_value *v)
{
    return set_item(cx, &d->obs, column, v);
}

clab_status clab_dataset_var_set(clab_ctx *cx, clab_dataset *d, const char *column, const clab_value *v)
{
    return set_item(cx, &d->var, column, v);
}

clab_status clab_dataset_obsm_set(clab_ctx *cx, clab_dataset *d, const char *key, const clab_value *v)
{
    if (clab_value_len(v) != clab_dataset_n_obs(d))
        return clab_fail(cx, CLAB_ESHAPE, "obsm.%s has %s rows, %s has %s cells", clab_show(key),
                         clab_text_count(clab_value_len(v)), clab_show(d->name),
                         clab_text_count(clab_dataset_n_obs(d)));
    return set_item(cx, &d->obsm, key, v);
}

clab_status clab_dataset_uns_set(clab_ctx *cx, clab_dataset *d, const char *key, const clab_value *v)
{
    return set_item(cx, &d->uns, key, v);
}

/* ---- counts ---------------------------------------------------------------------------------------*/

/* The first value of m that is no whole number >= 0. */
typedef struct {
    bool found;
    int64_t row, col;
    double value;
} odd_value;

static bool stores_are_counts(const clab_matrix *m)
{
    for (int b = 0; b < clab_matrix_n_blocks(m); b++) {
        const clab_store_info *info = clab_store_get_info(clab_matrix_store(m, b));
        if (!info->whole || info->negative || !info->finite)
            return false;
    }
    return true;
}

/* A store may hold odd values in rows that a selection left out, so then the selection is scanned. */
static clab_status find_odd(clab_ctx *cx, const clab_matrix *m, odd_value *odd)
{
    clab_rows_opts o = {.f64 = true, .phase = "looking for counts"};
    const clab_csr *block = NULL;
    clab_rows *r = NULL;
    clab_status s;

    odd->found = false;
    if (stores_are_counts(m))
        return CLAB_OK;
    s = clab_rows_open(cx, m, &o, &r);
    while (s == CLAB_OK && !odd->found) {
        s = clab_rows_next(cx, r, &block);
        if (s != CLAB_OK || !block)
            break;
        for (int64_t i = 0; !odd->found && i < block->n_rows; i++)
            for (int64_t k = block->indptr[i]; k < block->indptr[i + 1]; k++)
                if (!(block->f64[k] >= 0.0) || isinf(block->f64[k]) ||
                    block->f64[k] != floor(block->f64[k])) {
                    *odd = (odd_value){true, block->first_row + i, block->indices[k], block->f64[k]};
                    break;
                }
    }
    clab_rows_close(cx, r);
    return s;
}

static clab_status no_counts(clab_ctx *cx, const clab_dataset *d, const char *where, const odd_value *odd)
{
    if (!odd->found)
        clab_fail(cx, CLAB_ESTATE, "%s holds no counts", clab_show(d->name));
    else
        clab_fail(cx, CLAB_ESTATE,
                  "%s holds no counts in %s: cell %s, gene %s is %g, and counts are whole numbers from 0",
                  clab_show(d->name), where, clab_show(clab_dataset_obs_name(d, odd->row)),
                  clab_show(clab_dataset_var_name(d, odd->col)), odd->value);
    return clab_hint(
        cx, "if they stand elsewhere in the file, read it with counts=\"raw\" or counts=\"layers.NAME\" (on the command "
            "line --counts); else take the file from before normalisation");
}

clab_status clab_dataset_counts(clab_ctx *cx, const clab_dataset *d, clab_matrix **out)
{
    const clab_matrix *m = d->counts ? d->counts : d->x;
    const char *where = d->counts ? (d->counts_from ? d->counts_from : "X") : "X";
    clab_matrix *raw = NULL;
    odd_value odd = {0};
    clab_status s;

    if (!m)
        return no_counts(cx, d, where, &odd);
    s = clab_matrix_raw(cx, m, &raw);
    if (s == CLAB_OK)
        s = find_odd(cx, raw, &odd);
    if (s == CLAB_OK && (odd.found || !d->counts))
        s = no_counts(cx, d, where, &odd);
    if (s != CLAB_OK) {
        clab_matrix_unref(raw);
        return s;
    }
    *out = raw;
    return CLAB_OK;
}

/* ---- log ------------------------------------------------------------------------------------------*/

clab_status clab_dataset_log(clab_ctx *cx, clab_dataset *d, const char *step, const clab_value *params)
{
    clab_value *entry = NULL;
    char key[24];
    clab_status s = clab_value_dict(cx, &entry);

    if (s == CLAB_OK)
        s = clab_value_set_string(cx, entry, "name", step);
    if (s == CLAB_OK && params)
        s = clab_value_set(cx, entry, "parameters", params);
    if (s == CLAB_OK)
        s = clab_value_set_string(cx, entry, "version", CLAB_VERSION);
    snprintf(key, sizeof key, "%" PRId64, d->steps->n_items);
    if (s == CLAB_OK)
        s = set_item(cx, &d->steps, key, entry);
    clab_value_unref(entry);
    return s;
}
