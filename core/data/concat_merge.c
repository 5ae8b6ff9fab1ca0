/* concat_merge.c -- what becomes of the parts of a Dataset that do not run along the cells. */
#include <stdlib.h>
#include <string.h>

#include "data/concat_impl.h"
#include "ledger/ledger.h"

static const char *const strategies[] = {"same", "unique", "first", "only"};

clab_status clab__merge_check(clab_ctx *cx, const char *option, const char *strategy)
{
    if (!strategy)
        return CLAB_OK;
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++)
        if (strcmp(strategy, strategies[i]) == 0)
            return CLAB_OK;
    return clab_fail(cx, CLAB_EARG, "concat: %s=\"%s\" is none of same, unique, first, only", option,
                     clab_show(strategy));
}

/* The one that the strategy chooses among n_have values of n dictionaries, or NULL. */
static const clab_value *choose(const char *strategy, const clab_value *const *have, int n_have, int n)
{
    if (strcmp(strategy, "first") == 0)
        return have[0];
    if (strcmp(strategy, "only") == 0)
        return n_have == 1 ? have[0] : NULL;
    if (strcmp(strategy, "same") == 0 && n_have < n)
        return NULL;
    for (int i = 1; i < n_have; i++)
        if (!clab_value_equal(have[0], have[i]))
            return NULL;
    return have[0];
}

static clab_status merge_key(clab_ctx *cx, const char *strategy, const clab_value *const *from, int n,
                             const char *key, const clab_value **have, clab_value *into)
{
    const clab_value *chosen = NULL;
    clab_value *nested = NULL;
    int n_have = 0, dicts = 0;
    clab_status s = CLAB_OK;

    for (int i = 0; i < n; i++) {
        const clab_value *v = clab_value_get(from[i], key);
        if (v) {
            have[n_have++] = v;
            dicts += v->kind == CLAB_V_DICT;
        }
    }
    if (dicts < n_have) {
        chosen = choose(strategy, have, n_have, n);
        return chosen ? clab_value_set(cx, into, key, chosen) : CLAB_OK;
    }
    if (strcmp(strategy, "same") == 0 && n_have < n)
        return CLAB_OK;
    s = clab_value_dict(cx, &nested);
    if (s == CLAB_OK)
        s = clab__merge(cx, strategy, have, n_have, nested);
    if (s == CLAB_OK && nested->n_items > 0)
        s = clab_value_set(cx, into, key, nested);
    clab_value_unref(nested);
    return s;
}

clab_status clab__merge(clab_ctx *cx, const char *strategy, const clab_value *const *from, int n,
                        clab_value *into)
{
    const clab_value **have = NULL;
    clab_status s = CLAB_OK;

    if (!strategy)
        return CLAB_OK;
    have = calloc((size_t)n, sizeof *have);
    if (!have)
        return clab_fail(cx, CLAB_ENOMEM, "no memory to merge");
    for (int i = 0; s == CLAB_OK && i < n; i++)
        for (int64_t k = 0; s == CLAB_OK && from[i] && k < from[i]->n_items; k++) {
            bool earlier = false;
            for (int e = 0; e < i && !earlier; e++)
                earlier = clab_value_get(from[e], from[i]->names[k]) != NULL;
            if (!earlier)
                s = merge_key(cx, strategy, from, n, from[i]->names[k], have, into);
        }
    free(have);
    return s;
}

/* ---- along the genes --------------------------------------------------------------------------------*/

/* Text with gaps as a categorical: what anndata makes of it in a file, and what old readers know. */
static clab_status gaps_as_levels(clab_ctx *cx, clab_value **column)
{
    int64_t n = clab_value_len(*column);
    const char **text = NULL;
    clab_value *factor = NULL;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * (int64_t)sizeof *text + 8, "text", (void **)&text);

    for (int64_t i = 0; s == CLAB_OK && i < n; i++)
        text[i] = clab_value_at_str(*column, i, NULL, 0);
    if (s == CLAB_OK)
        s = clab_value_factor(cx, n, text, &factor);
    clab_mem_free(cx, text);
    if (s == CLAB_OK)
        clab__part_set(column, factor);
    return s;
}

/* Every item of one table at the genes of the result; genes it lacks are missing. */
static clab_status reindex(clab_ctx *cx, const clab_value *table, const clab_gene_join *genes, int i,
                           int64_t n_own, int64_t *idx, clab_value **out)
{
    clab_status s = clab_value_dict(cx, out);

    for (int64_t g = 0; g < genes->n; g++)
        idx[g] = -1;
    for (int64_t g = 0; g < n_own; g++)
        if (genes->map[i][g] >= 0)
            idx[genes->map[i][g]] = g;
    for (int64_t k = 0; s == CLAB_OK && k < table->n_items; k++) {
        clab_value *item = NULL;
        s = clab_value_take(cx, table->items[k], idx, genes->n, &item);
        if (s == CLAB_OK && table->items[k]->kind == CLAB_V_STRINGS && item->kind == CLAB_V_NULLABLE)
            s = gaps_as_levels(cx, &item);
        if (s == CLAB_OK)
            s = clab_value_set(cx, *out, table->names[k], item);
        clab_value_unref(item);
    }
    return s;
}

clab_status clab__merge_genes(clab_ctx *cx, const char *strategy, const clab_value *const *from, int n,
                              const clab_gene_join *genes, clab_value *into)
{
    clab_value **at = NULL, *merged = NULL;
    int64_t *idx = NULL;
    clab_status s;

    if (!strategy)
        return CLAB_OK;
    at = calloc((size_t)n, sizeof *at);
    s = at ? clab_value_dict(cx, &merged) : clab_fail(cx, CLAB_ENOMEM, "no memory to merge");
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, genes->n * 8 + 8, "gene map", (void **)&idx);
    for (int i = 0; s == CLAB_OK && i < n; i++)
        if (from[i] && from[i]->n_items > 0)
            s = reindex(cx, from[i], genes, i, clab_value_len(from[i]->items[0]), idx, &at[i]);
    if (s == CLAB_OK)
        s = clab__merge(cx, strategy, (const clab_value *const *)at, n, merged);
    for (int64_t k = 0; s == CLAB_OK && k < merged->n_items; k++)
        s = clab_value_set(cx, into, merged->names[k], merged->items[k]);
    for (int i = 0; at && i < n; i++)
        clab_value_unref(at[i]);
    free(at);
    clab_value_unref(merged);
    clab_mem_free(cx, idx);
    return s;
}
