/* compare.c -- two studies side by side: genes in common, and what a concat would take. */
#include "label/compare.h"

#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "io/io.h"
#include "label/compare_impl.h"
#include "ledger/ledger.h"

/* ---- genes ------------------------------------------------------------------------------------------*/

/* Distinct names of a study, in their order: borrowed pointers; a name that stands twice counts once. */
static clab_status distinct_genes(clab_ctx *cx, const clab_value *study, const char ***names, int64_t *n)
{
    const clab_value *all = clab_value_get(study, "var_names");
    int64_t n_all = clab_value_len(all);
    clab_names *ix = NULL;
    clab_status s;

    *n = 0;
    if (n_all > 0 && (all->kind != CLAB_V_STRINGS || all->rank != 1))
        return clab_fail(cx, CLAB_EFORMAT, "the gene names are no list of text");
    s = clab_mem_zalloc(cx, CLAB_MEM_WORK, n_all * (int64_t)sizeof **names + 8, "gene names", (void **)names);
    if (s == CLAB_OK)
        s = clab_names_new(cx, NULL, 0, NULL, &ix);
    for (int64_t g = 0; s == CLAB_OK && g < n_all; g++) {
        char *name = ((char *const *)all->data)[g];
        int64_t at = clab_names_add(ix, name);
        if (at < 0)
            s = clab_fail(cx, CLAB_ENOMEM, "no memory to compare genes");
        else if (at == *n)
            (*names)[(*n)++] = name;
    }
    clab_names_free(ix);
    return s;
}

static clab_status put_gene_kind(clab_ctx *cx, clab_value *study, const char *const *names, int64_t n)
{
    clab_value *genes = NULL;
    clab_status s = clab_value_dict(cx, &genes);

    if (s == CLAB_OK)
        s = clab_value_set_string(cx, genes, "kind", clab_gene_id_kind(names, n));
    if (s == CLAB_OK && n > 0)
        s = clab_value_set_string(cx, genes, "first", names[0]);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, genes, "duplicates",
                              clab_value_len(clab_value_get(study, "var_names")) - n);
    return clab_value_set_made(cx, study, "genes", s, genes);
}

typedef struct {
    clab_value *study[2];
    const char **names[2];
    int64_t n_names[2];
    int n;
} studies;

static clab_status put_genes(clab_ctx *cx, const studies *t, clab_value *cmp, int64_t *shared)
{
    const char *const *lists[2] = {t->names[0], t->names[1]};
    const char *what[2] = {"A", "B"};
    clab_gene_join *j = NULL;
    clab_value *genes = NULL;
    clab_status s = clab_gene_join_new(cx, lists, t->n_names, what, 2, false, &j);

    if (s == CLAB_OK)
        s = clab_value_dict(cx, &genes);
    if (s == CLAB_OK) {
        *shared = j->shared;
        s = clab_value_set_integer(cx, genes, "shared", j->shared);
    }
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, genes, "only_a", t->n_names[0] - j->shared);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, genes, "only_b", t->n_names[1] - j->shared);
    if (s == CLAB_OK)
        s = clab_value_set_boolean(cx, genes, "same_order", j->identical);
    if (s == CLAB_OK)
        s = clab_value_set_boolean(cx, genes, "ids_differ",
                              strcmp(clab_gene_id_kind(lists[0], t->n_names[0]),
                                     clab_gene_id_kind(lists[1], t->n_names[1])) != 0);
    clab_gene_join_free(cx, j);
    return clab_value_set_made(cx, cmp, "genes", s, genes);
}

/* ---- the cost of a concat -------------------------------------------------------------------------------*/

/* a * b + c, INT64_MAX when that is more. */
static int64_t bytes_of(int64_t a, int64_t b, int64_t c)
{
    int64_t product, sum;

    return __builtin_mul_overflow(a, b, &product) || __builtin_add_overflow(product, c, &sum) ? INT64_MAX
                                                                                              : sum;
}

static clab_status put_cost(clab_ctx *cx, clab_value *concat, const char *join, const studies *t,
                            int64_t genes)
{
    int64_t cells = 0, nnz = 0, packed = 0;
    clab_value *d = NULL;
    clab_status s = clab_value_dict(cx, &d);

    for (int i = 0; i < 2; i++) {
        const clab_value *x = clab_value_get(t->study[i], "x");
        int64_t own = clab__get_integer(x, "nnz", 0);
        cells += clab__get_integer(t->study[i], "n_obs", 0);
        nnz += own;
        packed += clab__get_integer(x, "packed_bytes", 2 * own);
    }
    int64_t maps = 4 * (t->n_names[0] + t->n_names[1]);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "cells", cells);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "genes", genes);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "celllab_bytes", packed + maps);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "csr_bytes", bytes_of(nnz > INT32_MAX ? 12 : 8, nnz, 8 * (cells + 1)));
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, d, "dense_bytes", bytes_of(bytes_of(4, cells, 0), genes, 0));
    return clab_value_set_made(cx, concat, join, s, d);
}

static clab_status put_costs(clab_ctx *cx, const studies *t, clab_value *cmp, int64_t shared)
{
    clab_value *concat = NULL;
    clab_status s = clab_value_dict(cx, &concat);

    if (s == CLAB_OK)
        s = put_cost(cx, concat, "inner", t, shared);
    if (s == CLAB_OK)
        s = put_cost(cx, concat, "outer", t, t->n_names[0] + t->n_names[1] - shared);
    return clab_value_set_made(cx, cmp, "concat", s, concat);
}

/* ---- the whole
 * --------------------------------------------------------------------------------------------*/

/* The study as it is shown: without the long list of names. */
static clab_status put_study(clab_ctx *cx, clab_value *cmp, const char *key, const clab_value *study)
{
    clab_value *shown = NULL;
    clab_status s = clab_value_copy(cx, study, &shown);

    if (s == CLAB_OK) {
        clab_value_remove(shown, "var_names");
        clab_value_remove(shown, "var");
    }
    return clab_value_set_made(cx, cmp, key, s, shown);
}

/* Takes the studies. */
static clab_status finish(clab_ctx *cx, studies *t, clab_value **out)
{
    clab_value *cmp = NULL;
    int64_t shared = 0;
    clab_status s = clab_value_dict(cx, &cmp);

    for (int i = 0; s == CLAB_OK && i < t->n; i++) {
        s = distinct_genes(cx, t->study[i], &t->names[i], &t->n_names[i]);
        if (s == CLAB_OK)
            s = put_gene_kind(cx, t->study[i], t->names[i], t->n_names[i]);
        if (s == CLAB_OK)
            s = put_study(cx, cmp, i == 0 ? "a" : "b", t->study[i]);
    }
    if (s == CLAB_OK && t->n == 2)
        s = put_genes(cx, t, cmp, &shared);
    if (s == CLAB_OK && t->n == 2)
        s = put_costs(cx, t, cmp, shared);
    for (int i = 0; i < 2; i++) {
        clab_mem_free(cx, t->names[i]);
        clab_value_unref(t->study[i]);
    }
    if (s != CLAB_OK) {
        clab_value_unref(cmp);
        return s;
    }
    *out = cmp;
    return CLAB_OK;
}

clab_status clab_compare(clab_ctx *cx, const clab_dataset *a, const clab_dataset *b, clab_value **out)
{
    studies t = {.n = b ? 2 : 1};
    clab_status s = clab__study_of(cx, a, &t.study[0]);

    if (s == CLAB_OK && b)
        s = clab__study_of(cx, b, &t.study[1]);
    if (s != CLAB_OK) {
        clab_value_unref(t.study[0]);
        return s;
    }
    return finish(cx, &t, out);
}

clab_status clab_compare_files(clab_ctx *cx, const char *a, const char *b, bool full, clab_value **out)
{
    studies t = {.n = b ? 2 : 1};
    clab_status s = clab_inspect_file(cx, a, full, &t.study[0]);

    if (s == CLAB_OK && b)
        s = clab_inspect_file(cx, b, full, &t.study[1]);
    if (s != CLAB_OK) {
        clab_value_unref(t.study[0]);
        return s;
    }
    return finish(cx, &t, out);
}
