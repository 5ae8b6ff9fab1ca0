/* dataset_view.c -- selections of cells and genes: X, layers and every table beside them follow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset_impl.h"
#include "ledger/ledger.h"

typedef struct {
    bool obs;             /* along cells, else along genes */
    const int64_t *idx;
    int64_t n;
} selection;

/* ---- matrices -------------------------------------------------------------------------------------*/

static clab_status take_matrix(clab_ctx *cx, clab_matrix **slot, const selection *sel)
{
    clab_matrix *view = NULL, *old = *slot;
    clab_status s;

    if (!old)
        return CLAB_OK;
    s = sel->obs ? clab_matrix_take_rows(cx, old, sel->idx, sel->n, &view)
                 : clab_matrix_take_cols(cx, old, sel->idx, sel->n, &view);
    if (s != CLAB_OK)
        return s;
    *slot = view;
    clab_matrix_unref(old);
    return CLAB_OK;
}

/* Matrices that were one stay one: counts are often X itself. */
static clab_status take_matrices(clab_ctx *cx, clab_dataset *d, const selection *sel)
{
    bool counts_in_x = d->counts && d->counts == d->x;
    int64_t counts_layer = -1;
    clab_status s = CLAB_OK;

    for (int64_t i = 0; i < d->n_layers; i++)
        if (d->counts && !counts_in_x && d->layers[i] == d->counts)
            counts_layer = i;
    for (int64_t i = 0; s == CLAB_OK && i < d->n_layers; i++)
        s = take_matrix(cx, &d->layers[i], sel);
    if (s == CLAB_OK)
        s = take_matrix(cx, &d->x, sel);
    if (s != CLAB_OK)
        return s;
    if (counts_in_x || counts_layer >= 0) {
        clab_matrix_unref(d->counts);
        d->counts = clab_matrix_ref(counts_in_x ? d->x : d->layers[counts_layer]);
    } else {
        s = take_matrix(cx, &d->counts, sel);
    }
    return s == CLAB_OK && sel->obs ? take_matrix(cx, &d->raw.x, sel) : s;
}

/* ---- tables ---------------------------------------------------------------------------------------*/

static clab_status take_value(clab_ctx *cx, clab_value **slot, const selection *sel)
{
    clab_value *taken = NULL;
    clab_status s = clab_value_take(cx, *slot, sel->idx, sel->n, &taken);

    if (s == CLAB_OK)
        clab__part_set(slot, taken);
    return s;
}

static clab_status take_dict(clab_ctx *cx, clab_value **slot, const char *name, bool pairs,
                             const selection *sel)
{
    clab_value *dict = NULL;
    clab_status s = clab_value_dict(cx, &dict);

    for (int64_t i = 0; s == CLAB_OK && i < (*slot)->n_items; i++) {
        clab_value *item = NULL;
        s = pairs ? clab_value_take2(cx, (*slot)->items[i], sel->idx, sel->n, &item)
                  : clab_value_take(cx, (*slot)->items[i], sel->idx, sel->n, &item);
        if (s == CLAB_OK)
            s = clab_value_set(cx, dict, (*slot)->names[i], item);
        else
            clab_context(cx, "%s.%s", name, clab_show((*slot)->names[i]));
        clab_value_unref(item);
    }
    if (s != CLAB_OK) {
        clab_value_unref(dict);
        return s;
    }
    clab__part_set(slot, dict);
    return CLAB_OK;
}

/* ---- colours ----------------------------------------------------------------------------------------
 * uns["<column>_colors"] holds one colour a level.  When a selection drops levels, theirs go as well;
 * a list of another length fits no level and is dropped, as AnnData does.
 */

static clab_status kept_levels(clab_ctx *cx, const clab_value *column, const selection *sel, int64_t **kept,
                               int64_t *n_kept)
{
    int64_t n_levels = column->levels->dims[0];
    uint8_t *used = NULL;
    clab_status s = clab_mem_zalloc(cx, CLAB_MEM_WORK, n_levels + 1, "levels", (void **)&used);

    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, n_levels * 8 + 8, "levels", (void **)kept);
    if (s == CLAB_OK) {
        for (int64_t i = 0; i < sel->n; i++)
            if (column->codes[sel->idx[i]] >= 0)
                used[column->codes[sel->idx[i]]] = 1;
        *n_kept = 0;
        for (int64_t k = 0; k < n_levels; k++)
            if (used[k])
                (*kept)[(*n_kept)++] = k;
    }
    clab_mem_free(cx, used);
    return s;
}

static clab_status cut_one_palette(clab_ctx *cx, clab_value *uns, const char *key, const clab_value *column,
                                   const selection *sel)
{
    const clab_value *colours = clab_value_get(uns, key);
    int64_t *kept = NULL, n_kept = 0;
    clab_value *cut = NULL;
    clab_status s;

    if ((colours->kind != CLAB_V_STRINGS && colours->kind != CLAB_V_ARRAY) || colours->rank == 0 ||
        colours->dims[0] != column->levels->dims[0]) {
        clab_value_remove(uns, key);
        return CLAB_OK;
    }
    s = kept_levels(cx, column, sel, &kept, &n_kept);
    if (s == CLAB_OK)
        s = clab_value_take(cx, colours, kept, n_kept, &cut);
    if (s == CLAB_OK)
        s = clab_value_set(cx, uns, key, cut);
    clab_value_unref(cut);
    clab_mem_free(cx, kept);
    return s;
}

/* table: obs or var before the selection. */
static clab_status cut_palettes(clab_ctx *cx, clab_dataset *d, const clab_value *table, const selection *sel)
{
    clab_value *uns = NULL;
    clab_status s = CLAB_OK;

    for (int64_t i = 0; s == CLAB_OK && i < table->n_items; i++) {
        char key[512];
        if (table->items[i]->kind != CLAB_V_CATEGORICAL ||
            (size_t)snprintf(key, sizeof key, "%s_colors", table->names[i]) >= sizeof key ||
            !clab_value_get(uns ? uns : d->uns, key))
            continue;
        if (!uns)
            s = clab_value_copy(cx, d->uns, &uns);
        if (s == CLAB_OK)
            s = cut_one_palette(cx, uns, key, table->items[i], sel);
    }
    if (s == CLAB_OK && uns)
        clab__part_set(&d->uns, clab_value_ref(uns));
    clab_value_unref(uns);
    return s;
}

/* ---- the verbs --------------------------------------------------------------------------------------*/

static clab_status take(clab_ctx *cx, const clab_dataset *d, const selection *sel, clab_dataset **out)
{
    int64_t len = sel->obs ? clab_dataset_n_obs(d) : clab_dataset_n_vars(d);
    clab_dataset *c = NULL;
    clab_status s;

    for (int64_t i = 0; i < sel->n; i++)
        if (sel->idx[i] < 0 || sel->idx[i] >= len)
            return clab_fail(cx, CLAB_ESHAPE, "%s %s was asked for; %s has %s", sel->obs ? "cell" : "gene",
                             clab_text_count(sel->idx[i]), clab_show(d->name), clab_text_count(len));
    s = clab_dataset_copy(cx, d, &c);
    if (s == CLAB_OK)
        s = cut_palettes(cx, c, sel->obs ? d->obs : d->var, sel);
    if (s == CLAB_OK)
        s = take_matrices(cx, c, sel);
    if (s == CLAB_OK)
        s = take_value(cx, sel->obs ? &c->obs : &c->var, sel);
    if (s == CLAB_OK)
        s = sel->obs ? take_dict(cx, &c->obsm, "obsm", false, sel)
                     : take_dict(cx, &c->varm, "varm", false, sel);
    if (s == CLAB_OK)
        s = sel->obs ? take_dict(cx, &c->obsp, "obsp", true, sel)
                     : take_dict(cx, &c->varp, "varp", true, sel);
    if (s == CLAB_OK && sel->obs)
        s = take_value(cx, &c->origin, sel);
    if (s != CLAB_OK) {
        clab_dataset_unref(c);
        return s;
    }
    *out = c;
    return CLAB_OK;
}

clab_status clab_dataset_take_obs(clab_ctx *cx, const clab_dataset *d, const int64_t *rows, int64_t n,
                                  clab_dataset **out)
{
    return take(cx, d, &(selection){true, rows, n}, out);
}

clab_status clab_dataset_take_vars(clab_ctx *cx, const clab_dataset *d, const int64_t *cols, int64_t n,
                                   clab_dataset **out)
{
    return take(cx, d, &(selection){false, cols, n}, out);
}

static clab_status keep(clab_ctx *cx, const clab_dataset *d, bool obs, const uint8_t *mask,
                        clab_dataset **out)
{
    int64_t len = obs ? clab_dataset_n_obs(d) : clab_dataset_n_vars(d), bytes = 0, n = 0, *idx = NULL;
    clab_status s = clab_mem_size(cx, len, sizeof *idx, &bytes);

    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, bytes + 8, "selection", (void **)&idx);
    if (s != CLAB_OK)
        return s;
    for (int64_t i = 0; i < len; i++)
        if (mask[i])
            idx[n++] = i;
    s = take(cx, d, &(selection){obs, idx, n}, out);
    clab_mem_free(cx, idx);
    return s;
}

clab_status clab_dataset_keep_obs(clab_ctx *cx, const clab_dataset *d, const uint8_t *mask,
                                  clab_dataset **out)
{
    return keep(cx, d, true, mask, out);
}

clab_status clab_dataset_keep_vars(clab_ctx *cx, const clab_dataset *d, const uint8_t *mask,
                                   clab_dataset **out)
{
    return keep(cx, d, false, mask, out);
}
