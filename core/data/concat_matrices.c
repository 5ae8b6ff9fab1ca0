/* concat_matrices.c -- X, counts, layers and raw of several studies as views of the stores they have. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/concat_impl.h"

/* ---- matrices -----------------------------------------------------------------------------------------*/

/* A matrix without entries, for an input that lacks a layer of an outer join. */
static clab_status empty_matrix(clab_ctx *cx, int64_t n_rows, int64_t n_cols, clab_dtype t, bool dense, clab_matrix **out)
{
    static const int64_t no_entries[1025];
    clab_store_builder *b = NULL;
    clab_store *store = NULL;
    clab_status s = clab_store_builder_new(cx, -1, n_cols, t, dense, &b);
    bool building = s == CLAB_OK;

    for (int64_t r = 0; s == CLAB_OK && r < n_rows; r += 1024)
        s = clab_store_builder_add(cx, b, n_rows - r < 1024 ? n_rows - r : 1024, no_entries, NULL, NULL);
    if (s == CLAB_OK) {
        building = false;
        s = clab_store_builder_store(cx, b, "empty layer", &store);
    }
    if (building)
        clab_store_builder_free(b);
    if (s == CLAB_OK)
        s = clab_matrix_new(cx, store, out);
    clab_store_unref(store);
    return s;
}

/* Without fill: counts that are not there are none. */
static clab_status join_counts(const clab__concat *c, clab_matrix *const *parts, clab_matrix **out)
{
    return clab_matrix_concat(c->cx, (const clab_matrix *const *)parts, (const int32_t *const *)c->genes->map,
                              c->n, c->genes->n, out);
}

clab_status clab__concat_x(const clab__concat *c, clab_matrix **m, clab_matrix **out)
{
    int have = 0;

    for (int i = 0; i < c->n; i++) {
        m[i] = c->parts[i]->x;
        have += m[i] != NULL;
    }
    if (have == 0)
        return CLAB_OK;
    if (have < c->n)
        return clab_fail(c->cx, CLAB_ESTATE, "concat: some inputs have no X");
    if (c->o->outer && !c->genes->same_set && isnan(clab__concat_fill_of(c, m, NULL)))
        clab_note(c->cx, "concat: genes that a dense input lacks are NaN in X, as in anndata; fill=0 makes them 0");
    return clab__concat_join(c, m, NULL, c->genes, out);
}

clab_status clab__concat_counts(const clab__concat *c, clab_matrix **m, clab_dataset *d)
{
    bool in_x = true;
    clab_str from = {0};
    clab_status s = CLAB_OK;

    for (int i = 0; i < c->n; i++) {
        m[i] = c->parts[i]->counts;
        if (!m[i]) {
            clab_warn(c->cx, "concat: %s has no counts, so the result has none",
                      clab_show(c->parts[i]->name));
            clab_str_free(&from);
            return CLAB_OK;
        }
        in_x = in_x && m[i] == c->parts[i]->x;
        const char *own = c->parts[i]->counts_from ? c->parts[i]->counts_from : "X";
        if (i == 0 || strcmp(own, c->parts[0]->counts_from ? c->parts[0]->counts_from : "X") != 0)
            clab_str_addf(&from, "%s%s", i ? ", " : "", own);
    }
    if (in_x && !clab_matrix_has_base(d->x))
        d->counts = clab_matrix_ref(d->x);
    else
        s = join_counts(c, m, &d->counts);
    if (s == CLAB_OK && from.failed)
        s = clab_fail(c->cx, CLAB_ENOMEM, "no memory for concat");
    if (s != CLAB_OK) {
        clab_str_free(&from);
        return s;
    }
    d->counts_from = from.s;
    return CLAB_OK;
}

static clab_matrix *layer_of(const clab_dataset *d, const char *name)
{
    for (int64_t i = 0; i < d->n_layers; i++)
        if (strcmp(d->layer_names[i], name) == 0)
            return d->layers[i];
    return NULL;
}

static clab_status append_layer(clab_ctx *cx, clab_dataset *d, const char *name, clab_matrix *taken)
{
    size_t n = (size_t)d->n_layers + 1;
    char **names = realloc(d->layer_names, n * sizeof *names);
    clab_matrix **layers = NULL;
    char *copy = strdup(name);

    if (names) {
        d->layer_names = names;
        layers = realloc(d->layers, n * sizeof *layers);
    }
    if (layers)
        d->layers = layers;
    if (!layers || !copy) {
        free(copy);
        clab_matrix_unref(taken);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a layer");
    }
    names[n - 1] = copy;
    layers[n - 1] = taken;
    d->n_layers++;
    return CLAB_OK;
}

/* anndata's element type for a layer that an input has not. */
static clab_dtype absent_type(const clab__concat *c, clab_matrix *const *m, const bool *absent, bool *dense)
{
    *dense = true;
    for (int i = 0; i < c->n; i++)
        *dense = *dense && (absent[i] || clab_matrix_is_dense(m[i]));
    if (isnan(c->o->fill) || c->o->fill != floor(c->o->fill) || (!*dense && c->o->fill == 0))
        return CLAB_F64;
    return CLAB_I64;
}

static clab_status concat_layer(const clab__concat *c, const char *name, clab_matrix **m, clab_dataset *d)
{
    clab_matrix **made = calloc((size_t)c->n, sizeof *made), *joined = NULL;
    bool *absent = calloc((size_t)c->n, sizeof *absent), dense = false;
    int have = 0;
    clab_dtype t;
    clab_status s = made && absent ? CLAB_OK : clab_fail(c->cx, CLAB_ENOMEM, "no memory for a layer");

    for (int i = 0; s == CLAB_OK && i < c->n; i++) {
        m[i] = layer_of(c->parts[i], name);
        absent[i] = !m[i];
        have += !absent[i];
    }
    if (s != CLAB_OK || (have < c->n && !c->o->outer))
        goto done;
    t = absent_type(c, m, absent, &dense);
    for (int i = 0; s == CLAB_OK && i < c->n; i++)
        if (absent[i]) {
            s = empty_matrix(c->cx, c->n_rows[i], clab_dataset_n_vars(c->parts[i]), t, dense, &made[i]);
            m[i] = made[i];
        }
    if (s == CLAB_OK)
        s = clab__concat_join(c, m, absent, c->genes, &joined);
    if (s == CLAB_OK)
        s = append_layer(c->cx, d, name, joined);
done:
    for (int i = 0; made && i < c->n; i++)
        clab_matrix_unref(made[i]);
    free(made);
    free(absent);
    return s;
}

clab_status clab__concat_layers(const clab__concat *c, clab_matrix **m, clab_dataset *d)
{
    clab_status s = CLAB_OK;

    for (int i = 0; s == CLAB_OK && i < c->n; i++)
        for (int64_t k = 0; s == CLAB_OK && k < c->parts[i]->n_layers; k++) {
            const char *name = c->parts[i]->layer_names[k];
            bool earlier = false;
            for (int e = 0; e < i && !earlier; e++)
                earlier = layer_of(c->parts[e], name) != NULL;
            if (!earlier)
                s = concat_layer(c, name, m, d);
        }
    return s;
}

/* ---- raw ------------------------------------------------------------------------------------------------*/

static clab_status join_raw(const clab__concat *c, clab_matrix **m, clab_raw *raw)
{
    const char *const **lists = calloc((size_t)c->n, sizeof *lists);
    const char **what = calloc((size_t)c->n, sizeof *what);
    const clab_value **vars = calloc((size_t)c->n, sizeof *vars);
    int64_t *len = calloc((size_t)c->n, sizeof *len);
    clab_gene_join *genes = NULL;
    clab_value *index = NULL;
    clab_status s =
        lists && what && vars && len ? CLAB_OK : clab_fail(c->cx, CLAB_ENOMEM, "no memory for raw");

    for (int i = 0; s == CLAB_OK && i < c->n; i++) {
        const clab_raw *own = &c->parts[i]->raw;
        m[i] = own->x;
        vars[i] = own->var;
        lists[i] = (const char *const *)own->var->index->data;
        len[i] = own->var->dims[0];
        what[i] = c->parts[i]->name;
    }
    if (s == CLAB_OK)
        s = clab_gene_join_new(c->cx, lists, len, what, c->n, c->o->outer, &genes);
    if (s == CLAB_OK)
        s = clab__concat_join(c, m, NULL, genes, &raw->x);
    if (s == CLAB_OK)
        s = clab_value_strings(c->cx, 1, &genes->n, genes->names, &index);
    if (s == CLAB_OK)
        s = clab_value_table(c->cx, index, NULL, &raw->var);
    if (s == CLAB_OK)
        s = clab__merge_genes(c->cx, c->o->merge, vars, c->n, genes, raw->var);
    clab_value_unref(index);
    clab_gene_join_free(c->cx, genes);
    free(lists);
    free(what);
    free(vars);
    free(len);
    return s == CLAB_OK ? s : clab_context(c->cx, "concat of raw");
}

clab_status clab__concat_raw(const clab__concat *c, clab_matrix **m, clab_raw *raw)
{
    int have = 0;

    for (int i = 0; i < c->n; i++)
        have += c->parts[i]->raw.x != NULL;
    if (have > 0 && have < c->n)
        clab_warn(c->cx, "concat: only %d of %d inputs have raw: it is left out", have, c->n);
    return have == c->n ? join_raw(c, m, raw) : CLAB_OK;
}
