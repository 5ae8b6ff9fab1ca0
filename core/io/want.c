/* want.c -- reading a part of a file: which obs columns, which genes, which cells. */
#include "io/want_impl.h"

#include "base/names.h"
#include "base/text.h"
#include "data/dataset.h"
#include "ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

#define MAX_NAMES 100000000
#define MAX_NAME 65536
#define SHOWN 5

/* ---- over the wire ------------------------------------------------------------------------------------*/

static clab_status put_list(clab_ctx *cx, clab_wire *w, const char *const *s, int64_t n)
{
    clab_status st = clab_wire_put_i64(cx, w, s ? n : -1);
    for (int64_t i = 0; st == CLAB_OK && s && i < n; i++)
        st = clab_wire_put_str(cx, w, s[i]);
    return st;
}

clab_status clab__want_put(clab_ctx *cx, clab_wire *w, const clab_read_opts *o)
{
    const clab_read_opts none = {0};
    clab_status st;
    o = o ? o : &none;
    if ((st = put_list(cx, w, o->cols, o->n_cols)) == CLAB_OK && (st = put_list(cx, w, o->genes, o->n_genes)) == CLAB_OK &&
        (st = put_list(cx, w, o->cells, o->n_cells)) == CLAB_OK)
        st = clab_wire_put_str(cx, w, o->where);
    return st;
}

static clab_status get_list(clab_ctx *cx, clab_wire *w, clab__list *out)
{
    int64_t n = 0;
    clab_status st = clab_wire_get_i64(cx, w, &n);
    if (st != CLAB_OK || n < 0)
        return st;
    if (n > MAX_NAMES || !(out->s = calloc((size_t)n + 1, sizeof *out->s)))
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a list of names");
    for (; st == CLAB_OK && out->n < n; out->n += st == CLAB_OK) {
        st = clab_wire_get_str(cx, w, MAX_NAME, &out->s[out->n]);
        if (st == CLAB_OK && !out->s[out->n])
            st = clab_fail(cx, CLAB_EINTERNAL, "a name that is none");
    }
    return st;
}

clab_status clab__want_get(clab_ctx *cx, clab_wire *w, clab__want *out)
{
    clab_status st;
    *out = (clab__want){0};
    if ((st = get_list(cx, w, &out->cols)) == CLAB_OK && (st = get_list(cx, w, &out->genes)) == CLAB_OK &&
        (st = get_list(cx, w, &out->cells)) == CLAB_OK)
        st = clab_wire_get_str(cx, w, MAX_NAME, &out->where);
    return st;
}

static void free_list(clab__list *l)
{
    for (int64_t i = 0; l->s && i < l->n; i++)
        free(l->s[i]);
    free(l->s);
}

void clab__want_free(clab__want *want)
{
    free_list(&want->cols);
    free_list(&want->genes);
    free_list(&want->cells);
    free(want->where);
    *want = (clab__want){0};
}

/* ---- obs columns ----------------------------------------------------------------------------------------*/

static bool listed(const clab__list *l, const char *name)
{
    for (int64_t i = 0; i < l->n; i++)
        if (strcmp(l->s[i], name) == 0)
            return true;
    return false;
}

bool clab__want_column(const clab__want *want, const char *name)
{
    return !want || !want->cols.s || listed(&want->cols, name) || (want->where && strstr(want->where, name));
}

clab_status clab__want_check_columns(clab_ctx *cx, const clab__want *want, const char *file, char *const *names,
                                     int64_t n)
{
    for (int64_t i = 0; want && i < want->cols.n; i++) {
        int64_t k = 0;
        while (k < n && strcmp(names[k], want->cols.s[i]) != 0)
            k++;
        if (k < n)
            continue;
        (void)clab_fail(cx, CLAB_ENOTFOUND, "cols: obs of %s has no column '%s'", file, clab_show(want->cols.s[i]));
        int near = clab_text_near(want->cols.s[i], (const char *const *)names, (size_t)n);
        clab_str all = {0};
        for (int64_t c = 0; c < n && c < 30; c++)
            clab_str_addf(&all, "%s%s", c ? ", " : "", clab_show(names[c]));
        clab_status st = near >= 0 ? clab_hint(cx, "did you mean %s?", clab_show(names[near]))
                                   : clab_hint(cx, "it has: %s%s", all.s ? all.s : "none", n > 30 ? ", ..." : "");
        clab_str_free(&all);
        return st;
    }
    return CLAB_OK;
}

clab_status clab__want_drop_columns(clab_ctx *cx, const clab__want *want, clab_value **obs)
{
    clab_value *kept = NULL;
    if (!want || !want->cols.s)
        return CLAB_OK;
    clab_status st = clab_value_copy(cx, *obs, &kept);
    for (int64_t i = st == CLAB_OK ? (*obs)->n_items : 0; i-- > 0;)
        if (!listed(&want->cols, (*obs)->names[i]))
            clab_value_remove(kept, (*obs)->names[i]);
    if (st != CLAB_OK)
        return st;
    clab_value_unref(*obs);
    *obs = kept;
    return CLAB_OK;
}

/* ---- names --------------------------------------------------------------------------------------------*/

/* Names of the list that the index does not have: one warning, or an error when it has none of them. */
static clab_status tell_absent(clab_ctx *cx, bool told, const clab__list *l, const uint8_t *found, const char *file, const char *what,
                               const clab_value *index)
{
    clab_str some = {0};
    int64_t absent = 0;
    clab_status st = CLAB_OK;
    for (int64_t i = 0; i < l->n; i++) {
        if (found[i])
            continue;
        if (absent++ < SHOWN)
            clab_str_addf(&some, "%s%s", absent > 1 ? ", " : "", clab_show(l->s[i]));
    }
    const char *more = absent > SHOWN ? ", ..." : "", *names = some.s ? some.s : "";
    if (l->n > 0 && absent == l->n) {
        st = clab_fail(cx, CLAB_ENOTFOUND, "%s: none of the %s %s asked for is in %s: %s%s", what, clab_text_count(l->n),
                       what, file, names, more);
        if (index->dims[0] > 0)
            st = clab_hint(cx, "names there are as '%s'", clab_show(((char *const *)index->data)[0]));
    } else if (absent > 0 && !told) {
        clab_warn(cx, "%s: %s of the %s %s asked for are not in %s: %s%s", what, clab_text_count(absent),
                  clab_text_count(l->n), what, file, names, more);
    }
    clab_str_free(&some);
    return st;
}

/* Rows of an index whose names are in the list, rising; every row of a name that repeats. */
static clab_status find_names(clab_ctx *cx, bool told, const clab__list *l, const char *file, const char *what, const clab_value *index,
                              int64_t **out, int64_t *n)
{
    int64_t rows = index->dims[0], *at = NULL;
    clab_names *ix = NULL;
    uint8_t *found = NULL;
    clab_status st = clab_names_new(cx, (const char *const *)l->s, l->n, NULL, &ix);
    *n = 0;
    if (st == CLAB_OK)
        st = clab_mem_alloc(cx, CLAB_MEM_WORK, rows * 8 + 8, "rows to read", (void **)&at);
    if (st == CLAB_OK)
        st = clab_mem_zalloc(cx, CLAB_MEM_WORK, l->n + 1, "names asked for", (void **)&found);
    for (int64_t i = 0; st == CLAB_OK && i < rows; i++) {
        int64_t k = clab_names_get(ix, ((char *const *)index->data)[i]);
        if (k < 0)
            continue;
        found[k] = 1;
        at[(*n)++] = i;
    }
    for (int64_t i = 0; st == CLAB_OK && i < l->n; i++) /* a name that is asked for twice was found once */
        found[i] = found[clab_names_get(ix, l->s[i])];
    if (st == CLAB_OK)
        st = tell_absent(cx, told, l, found, file, what, index);
    clab_names_free(ix);
    clab_mem_free(cx, found);
    if (st != CLAB_OK) {
        clab_mem_free(cx, at);
        return st;
    }
    *out = at;
    return CLAB_OK;
}

/* ---- cells and genes --------------------------------------------------------------------------------------*/

static clab_status find_where(clab_ctx *cx, const char *text, const char *file, const clab_value *obs, int64_t **out,
                              int64_t *n)
{
    int64_t rows = clab_value_len(obs), none = 0, *at = NULL;
    clab_value *index = NULL, *var = NULL;
    clab_dataset *d = NULL;
    uint8_t *mask = NULL;
    clab_status st;
    *n = 0;
    if ((st = clab_value_strings(cx, 1, &none, NULL, &index)) == CLAB_OK &&
        (st = clab_value_table(cx, index, "_index", &var)) == CLAB_OK &&
        (st = clab_dataset_new(cx, file, NULL, obs, var, &d)) == CLAB_OK &&
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, rows + 1, "cells asked for", (void **)&mask)) == CLAB_OK &&
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, rows * 8 + 8, "rows to read", (void **)&at)) == CLAB_OK)
        st = clab_where(cx, d, text, mask);
    for (int64_t i = 0; st == CLAB_OK && i < rows; i++)
        if (mask[i])
            at[(*n)++] = i;
    if (st == CLAB_OK && *n == 0)
        st = clab_fail(cx, CLAB_ENOTFOUND, "cells: no cell of %s fits \"%s\"", file, clab_show(text));
    clab_value_unref(index);
    clab_value_unref(var);
    clab_dataset_unref(d);
    clab_mem_free(cx, mask);
    if (st != CLAB_OK) {
        clab_mem_free(cx, at);
        return st;
    }
    *out = at;
    return CLAB_OK;
}

clab_status clab__want_cells(clab_ctx *cx, const clab__want *want, const char *file, const clab_value *obs, int64_t **rows,
                             int64_t *n)
{
    *rows = NULL;
    *n = clab_value_len(obs);
    if (want && want->where)
        return find_where(cx, want->where, file, obs, rows, n);
    return want && want->cells.s ? find_names(cx, want->told, &want->cells, file, "cells", obs->index, rows, n) : CLAB_OK;
}

clab_status clab__want_genes(clab_ctx *cx, const clab__want *want, const char *file, const clab_value *var, int64_t **cols,
                             int64_t *n)
{
    *cols = NULL;
    *n = clab_value_len(var);
    return want && want->genes.s ? find_names(cx, want->told, &want->genes, file, "genes", var->index, cols, n) : CLAB_OK;
}

/* A view of what was asked for, where a whole file was read. */
clab_status clab__want_view(clab_ctx *cx, const clab_read_opts *o, const char *file, clab_dataset **d)
{
    const clab__want want = {.cols = {(char **)(uintptr_t)o->cols, o->n_cols},
                             .genes = {(char **)(uintptr_t)o->genes, o->n_genes},
                             .cells = {(char **)(uintptr_t)o->cells, o->n_cells},
                             .where = (char *)(uintptr_t)o->where};
    int64_t *rows = NULL, *cols = NULL, n_rows, n_cols;
    clab_dataset *at = *d, *next = NULL;
    clab_status st;
    if (!o->cols && !o->genes && !o->cells && !o->where)
        return CLAB_OK;
    if ((st = clab__want_check_columns(cx, &want, file, at->obs->names, at->obs->n_items)) != CLAB_OK ||
        (st = clab__want_cells(cx, &want, file, at->obs, &rows, &n_rows)) != CLAB_OK ||
        (st = clab__want_genes(cx, &want, file, at->var, &cols, &n_cols)) != CLAB_OK)
        goto done;
    if (rows && (st = clab_dataset_take_obs(cx, at, rows, n_rows, &next)) == CLAB_OK) {
        clab_dataset_unref(at);
        at = *d = next;
    }
    if (st == CLAB_OK && cols && (st = clab_dataset_take_vars(cx, at, cols, n_cols, &next)) == CLAB_OK) {
        clab_dataset_unref(at);
        at = *d = next;
    }
    if (st == CLAB_OK)
        st = clab__want_drop_columns(cx, &want, &at->obs);
done:
    clab_mem_free(cx, rows);
    clab_mem_free(cx, cols);
    return st;
}
