/* concat_tables.c -- the tables that run along the cells: obs, obsm and the cells' identities. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "data/concat_impl.h"
#include "ledger/ledger.h"

/* ---- cell names -------------------------------------------------------------------------------------*/

static clab_status tell_repeats(const clab__concat *c, const clab_value *index)
{
    clab_names *ix = NULL;
    int64_t repeats = 0;
    clab_status s = clab_names_new(c->cx, (const char *const *)index->data, c->total, &repeats, &ix);

    clab_names_free(ix);
    if (s == CLAB_OK && repeats > 0)
        clab_note(c->cx, "concat: %s cell names occur more than once; cells are told apart all the same, "
                  "index_unique=\"-\" makes the names unique", clab_text_count(repeats));
    return s;
}

static clab_status cell_names(const clab__concat *c, clab_value **out)
{
    const char *glue = c->o->index_unique;
    int64_t bytes = 1, at = 0;
    char *text = NULL, *next;
    const char **names = NULL;
    clab_status s;

    for (int i = 0; glue && i < c->n; i++)
        for (int64_t r = 0; r < c->n_rows[i]; r++)
            bytes +=
                (int64_t)(strlen(clab_dataset_obs_name(c->parts[i], r)) + strlen(glue) + strlen(c->keys[i])) +
                1;
    s = clab_mem_alloc(c->cx, CLAB_MEM_WORK, c->total * (int64_t)sizeof *names + 8, "cell names",
                       (void **)&names);
    if (s == CLAB_OK)
        s = clab_mem_alloc(c->cx, CLAB_MEM_WORK, bytes, "cell names", (void **)&text);
    next = text;
    for (int i = 0; s == CLAB_OK && i < c->n; i++)
        for (int64_t r = 0; r < c->n_rows[i]; r++) {
            names[at] = clab_dataset_obs_name(c->parts[i], r);
            if (glue) {
                char *end = stpcpy(stpcpy(stpcpy(next, names[at]), glue), c->keys[i]);
                names[at] = next;
                next = end + 1;
            }
            at++;
        }
    if (s == CLAB_OK)
        s = clab_value_strings(c->cx, 1, &c->total, names, out);
    clab_mem_free(c->cx, names);
    clab_mem_free(c->cx, text);
    return s == CLAB_OK && !glue ? tell_repeats(c, *out) : s;
}

/* ---- obs --------------------------------------------------------------------------------------------*/

/* pick[i] = the item of that name in part i's dictionary; returns how many have it. */
static int pick(const clab__concat *c, const char *name, bool obsm)
{
    int have = 0;

    for (int i = 0; i < c->n; i++) {
        c->pick[i] = clab_value_get(obsm ? c->parts[i]->obsm : c->parts[i]->obs, name);
        have += c->pick[i] != NULL;
    }
    return have;
}

static bool in_earlier(const clab__concat *c, int i, const char *name, bool obsm)
{
    for (int e = 0; e < i; e++)
        if (clab_value_get(obsm ? c->parts[e]->obsm : c->parts[e]->obs, name))
            return true;
    return false;
}

static void tell_mixture(const clab__concat *c, const char *name)
{
    int numbers = 0, text = 0;

    for (int i = 0; i < c->n; i++)
        if (c->pick[i]) {
            numbers += clab_value_is_numeric(c->pick[i]);
            text += !clab_value_is_numeric(c->pick[i]);
        }
    if (numbers > 0 && text > 0)
        clab_warn(c->cx,
                  "concat: obs column %s holds numbers in one input and text in another: it becomes text",
                  clab_show(name));
}

static clab_status add_column(const clab__concat *c, const char *name, clab_value *obs)
{
    clab_value *column = NULL;
    int have = pick(c, name, false);
    clab_status s;

    if (have < c->n && c->o->obs_inner)
        return CLAB_OK;
    tell_mixture(c, name);
    s = clab_value_concat(c->cx, c->pick, c->n_rows, c->n, &column);
    if (s == CLAB_OK)
        s = clab_value_set(c->cx, obs, name, column);
    else
        clab_context(c->cx, "concat: obs column %s", clab_show(name));
    clab_value_unref(column);
    return s;
}

static clab_status add_label(const clab__concat *c, clab_value *obs)
{
    int64_t n_keys = c->n, at = 0;
    clab_value *levels = NULL, *column = NULL;
    int32_t *codes = NULL;
    clab_status s = clab_value_strings(c->cx, 1, &n_keys, c->keys, &levels);

    if (s == CLAB_OK)
        s = clab_mem_alloc(c->cx, CLAB_MEM_WORK, c->total * 4 + 4, "codes", (void **)&codes);
    for (int i = 0; s == CLAB_OK && i < c->n; i++)
        for (int64_t r = 0; r < c->n_rows[i]; r++)
            codes[at++] = i;
    if (s == CLAB_OK)
        s = clab_value_categorical(c->cx, c->total, codes, levels, false, &column);
    if (s == CLAB_OK) {
        if (clab_value_remove(obs, c->o->label))
            clab_warn(c->cx, "concat: obs column %s of the inputs is replaced by the label of the same name",
                      clab_show(c->o->label));
        s = clab_value_set(c->cx, obs, c->o->label, column);
    }
    clab_mem_free(c->cx, codes);
    clab_value_unref(column);
    clab_value_unref(levels);
    return s;
}

clab_status clab__concat_obs(const clab__concat *c, clab_value **out)
{
    clab_value *index = NULL, *obs = NULL;
    const char *index_name = c->parts[0]->obs->index_name;
    clab_status s = cell_names(c, &index);

    for (int i = 1; i < c->n; i++)
        if (strcmp(c->parts[i]->obs->index_name, index_name) != 0)
            index_name = NULL;
    if (s == CLAB_OK)
        s = clab_value_table(c->cx, index, index_name, &obs);
    for (int i = 0; s == CLAB_OK && i < c->n; i++) {
        const clab_value *own = c->parts[i]->obs;
        for (int64_t k = 0; s == CLAB_OK && k < own->n_items; k++)
            if (!in_earlier(c, i, own->names[k], false))
                s = add_column(c, own->names[k], obs);
    }
    if (s == CLAB_OK && c->o->label)
        s = add_label(c, obs);
    if (s == CLAB_OK)
        *out = clab_value_ref(obs);
    clab_value_unref(obs);
    clab_value_unref(index);
    return s;
}

/* ---- obsm -------------------------------------------------------------------------------------------*/

/* A matrix of n columns from one of another width: cut, or padded on the right with fill. */
static clab_status set_width(const clab__concat *c, const clab_value *v, int64_t n, clab_value **out)
{
    clab_dtype t = v->dtype;
    clab_value *w = NULL;
    clab_status s;

    if (n > v->dims[1] && t != CLAB_F32 && t != CLAB_F64)
        t = CLAB_F64;
    s = clab_value_array(c->cx, t, 2, (int64_t[]){v->dims[0], n}, NULL, &w);
    for (int64_t r = 0; s == CLAB_OK && r < v->dims[0]; r++)
        for (int64_t k = 0; k < n; k++) {
            double x = k < v->dims[1] ? clab_value_at_num(v, r * v->dims[1] + k) : c->o->fill;
            if (t == CLAB_F32)
                ((float *)w->data)[r * n + k] = (float)x;
            else if (t == CLAB_F64)
                ((double *)w->data)[r * n + k] = x;
        }
    if (s == CLAB_OK && t != CLAB_F32 && t != CLAB_F64) {
        size_t size = clab_dtype_size(t);
        for (int64_t r = 0; r < v->dims[0]; r++)
            memcpy((char *)w->data + (size_t)(r * n) * size,
                   (const char *)v->data + (size_t)(r * v->dims[1]) * size, (size_t)n * size);
    }
    if (s == CLAB_OK)
        *out = w;
    else
        clab_value_unref(w);
    return s;
}

/* All rows of a part that lacks the key. */
static clab_status filled(const clab__concat *c, int64_t rows, int64_t n, clab_value **out)
{
    clab_status s = clab_value_array(c->cx, CLAB_F32, 2, (int64_t[]){rows, n}, NULL, out);

    for (int64_t k = 0; s == CLAB_OK && k < rows * n; k++)
        ((float *)(*out)->data)[k] = (float)c->o->fill;
    return s;
}

static clab_status concat_arrays(const clab__concat *c, clab_value **out)
{
    clab_value **wide = calloc((size_t)c->n, sizeof *wide);
    int64_t width = -1;
    clab_status s = wide ? CLAB_OK : clab_fail(c->cx, CLAB_ENOMEM, "no memory for obsm");

    for (int i = 0; i < c->n; i++)
        if (c->pick[i]) {
            int64_t own = c->pick[i]->dims[1];
            width = width < 0 ? own : c->o->outer ? (own > width ? own : width) : (own < width ? own : width);
        }
    for (int i = 0; s == CLAB_OK && i < c->n; i++) {
        if (!c->pick[i] && !isnan(c->o->fill))
            s = filled(c, c->n_rows[i], width, &wide[i]);
        else if (c->pick[i] && c->pick[i]->dims[1] != width)
            s = set_width(c, c->pick[i], width, &wide[i]);
        if (s == CLAB_OK && wide[i])
            c->pick[i] = wide[i];
    }
    if (s == CLAB_OK)
        s = clab_value_concat(c->cx, c->pick, c->n_rows, c->n, out);
    for (int i = 0; wide && i < c->n; i++)
        clab_value_unref(wide[i]);
    free(wide);
    return s;
}

/* anndata's inner join of tables keeps the columns that all have. */
static clab_status common_columns(const clab__concat *c, clab_value *table)
{
    for (int64_t k = table->n_items - 1; k >= 0; k--)
        for (int i = 0; i < c->n; i++)
            if (c->pick[i] && !clab_value_get(c->pick[i], table->names[k])) {
                clab_value_remove(table, table->names[k]);
                break;
            }
    return CLAB_OK;
}

static clab_status add_obsm(const clab__concat *c, const char *key, clab_value *obsm)
{
    clab_value *v = NULL;
    int have = pick(c, key, true), arrays = 0, tables = 0, sparse = 0;
    clab_status s;

    if (have < c->n && !c->o->outer)
        return CLAB_OK;
    for (int i = 0; i < c->n; i++)
        if (c->pick[i]) {
            arrays += c->pick[i]->kind == CLAB_V_ARRAY && c->pick[i]->rank == 2;
            tables += c->pick[i]->kind == CLAB_V_TABLE;
            sparse += c->pick[i]->kind == CLAB_V_SPARSE;
        }
    if (arrays != have && tables != have && sparse != have) {
        clab_warn(c->cx, "concat: obsm.%s is of different kinds in the inputs and is left out",
                  clab_show(key));
        return CLAB_OK;
    }
    s = arrays ? concat_arrays(c, &v) : clab_value_concat(c->cx, c->pick, c->n_rows, c->n, &v);
    if (s == CLAB_OK && tables && !c->o->outer)
        s = common_columns(c, v);
    if (s == CLAB_OK)
        s = clab_value_set(c->cx, obsm, key, v);
    else
        clab_context(c->cx, "concat: obsm.%s", clab_show(key));
    clab_value_unref(v);
    return s;
}

clab_status clab__concat_obsm(const clab__concat *c, clab_value **out)
{
    clab_value *obsm = NULL;
    clab_status s = clab_value_dict(c->cx, &obsm);

    for (int i = 0; s == CLAB_OK && i < c->n; i++) {
        const clab_value *own = c->parts[i]->obsm;
        for (int64_t k = 0; s == CLAB_OK && k < own->n_items; k++)
            if (!in_earlier(c, i, own->names[k], true))
                s = add_obsm(c, own->names[k], obsm);
    }
    if (s != CLAB_OK) {
        clab_value_unref(obsm);
        return s;
    }
    *out = obsm;
    return CLAB_OK;
}

/* ---- identities ---------------------------------------------------------------------------------------*/

clab_status clab__concat_origin(const clab__concat *c, clab_value **origin)
{
    for (int i = 0; i < c->n; i++)
        c->pick[i] = c->parts[i]->origin;
    return clab_value_concat(c->cx, c->pick, c->n_rows, c->n, origin);
}
