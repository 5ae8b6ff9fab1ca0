/* compare_text.c -- a comparison as a page for people. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "label/compare_impl.h"

#define MOST_TYPES 6     /* levels shown of a column */

static void add_values(clab_str *b, const clab_value *x)
{
    bool all = clab__get_boolean(x, "scanned", false);
    const clab_value *max = clab_value_get(x, "max");
    char buf[40];

    if (!clab__get_boolean(x, "finite", true))
        clab_str_add(b, "some are NaN or infinite");
    else if (clab__get_boolean(x, "negative", false))
        clab_str_add(b, "some are negative: no counts");
    else if (clab__get_boolean(x, "whole", false))
        clab_str_add(b, "whole numbers, as counts are");
    else
        clab_str_add(b, "not whole numbers: no counts");
    if (max)
        clab_str_addf(b, ", up to %s", clab_value_at_str(max, 0, buf, sizeof buf));
    clab_str_add(b, all ? " (every value looked at)" : " (a sample; --full looks at every value)");
}

static void add_matrix(clab_str *b, const char *name, const clab_value *x)
{
    int64_t rows = clab__get_integer(x, "rows", 0), cols = clab__get_integer(x, "cols", 0),
            nnz = clab__get_integer(x, "nnz", 0);
    int64_t stored = clab__get_integer(x, "stored_bytes", -1);

    clab_str_addf(b, "\n   %-8s %s %s, %s stored values", name, clab__get_text(x, "kind", "?"),
                  clab__get_text(x, "dtype", "?"), clab_text_count(nnz));
    if (rows > 0 && cols > 0)
        clab_str_addf(b, " (%.1f %%)", 100.0 * (double)nnz / ((double)rows * (double)cols));
    if (stored >= 0)
        clab_str_addf(b, ", %s in the file", clab_bytes(stored));
    clab_str_addf(b, "\n   %-8s %s here, %s in Python", "", clab_bytes(clab__get_integer(x, "packed_bytes", 0)),
                  clab_bytes(clab__get_integer(x, "memory_bytes", 0)));
    clab_str_addf(b, ", %s dense", clab_bytes(clab__get_integer(x, "dense_bytes", 0)));
    clab_str_addf(b, "\n   %-8s ", "");
    add_values(b, x);
}

static void add_labels(clab_str *b, const char *name, const clab_value *column)
{
    const clab_value *levels = clab_value_get(column, "levels"), *counts = clab_value_get(column, "counts");
    int64_t missing = clab__get_integer(column, "missing", 0), n = clab_value_len(levels);
    char buf[40];

    clab_str_addf(b, "\n   %-8s %s: %s", "label?", clab_show(name), clab_text_count(n));
    if (missing > 0)
        clab_str_addf(b, ", %s cells without", clab_text_count(missing));
    for (int64_t k = 0; k < n && k < MOST_TYPES && k < clab_value_len(counts); k++) {
        const char *level = clab_value_at_str(levels, k, buf, sizeof buf);
        if (k % 2 == 0) /* two a line, since names of types are long */
            clab_str_addf(b, "\n   %-8s ", "");
        clab_str_addf(b, "%s (%s)%s", level ? clab_show(level) : "?",
                      clab_text_count((int64_t)clab_value_at_num(counts, k)),
                      k + 1 >= n ? "" : k % 2 == 0 || k + 1 == MOST_TYPES ? ", " : ",");
    }
    if (n > MOST_TYPES)
        clab_str_add(b, "...");
}

static void add_study(clab_str *b, const char *letter, const clab_value *study)
{
    const clab_value *x = clab_value_get(study, "x"), *layers = clab_value_get(study, "layers"),
                     *genes = clab_value_get(study, "genes");
    const clab_value *raw = clab_value_get(clab_value_get(study, "raw"), "x"),
                     *obs = clab_value_get(study, "obs");
    const char *first = clab__get_text(genes, "first", NULL);
    int64_t twice = clab__get_integer(genes, "duplicates", 0);

    clab_str_addf(b, "%s  %s: %s cells \u00d7 %s genes", letter,
                  clab_show(clab__get_text(study, "file", "?")),
                  clab_text_count(clab__get_integer(study, "n_obs", 0)),
                  clab_text_count(clab__get_integer(study, "n_vars", 0)));
    if (x)
        add_matrix(b, "X", x);
    else
        clab_str_add(b, "\n   X        none");
    for (int64_t k = 0; layers && k < layers->n_items; k++)
        add_matrix(b, clab_show(layers->names[k]), layers->items[k]);
    if (raw)
        add_matrix(b, "raw.X", raw);
    clab_str_addf(b, "\n   counts   %s", clab_show(clab__get_text(study, "counts", "none")));
    clab_str_addf(b, "\n   genes    %s", clab__get_text(genes, "kind", "?"));
    if (first)
        clab_str_addf(b, " such as %s", clab_show(first));
    if (twice > 0)
        clab_str_addf(b, "; %s names stand there more than once", clab_text_count(twice));
    for (int64_t k = 0; obs && k < obs->n_items; k++)
        if (clab_value_get(obs->items[k], "levels"))
            add_labels(b, obs->names[k], obs->items[k]);
    clab_str_add(b, "\n");
}

static void add_cost(clab_str *b, const clab_value *concat, const char *join, const char *bound)
{
    const clab_value *c = clab_value_get(concat, join);

    clab_str_addf(
        b, "   concat %s: %s cells \u00d7 %s genes, %s here\n            %s%s as a scipy CSR matrix, %s dense\n",
        join, clab_text_count(clab__get_integer(c, "cells", 0)),
        clab_text_count(clab__get_integer(c, "genes", 0)),
        clab_bytes(clab__get_integer(c, "celllab_bytes", 0)), bound,
        clab_bytes(clab__get_integer(c, "csr_bytes", 0)), clab_bytes(clab__get_integer(c, "dense_bytes", 0)));
}

static void add_pair(clab_str *b, const clab_value *cmp)
{
    const clab_value *genes = clab_value_get(cmp, "genes"), *concat = clab_value_get(cmp, "concat");
    int64_t shared = clab__get_integer(genes, "shared", 0), only_a = clab__get_integer(genes, "only_a", 0),
            only_b = clab__get_integer(genes, "only_b", 0);
    const char *order =
        only_a == 0 && only_b == 0
            ? clab__get_boolean(genes, "same_order", false) ? ", in the same order" : ", in another order"
            : "";

    clab_str_addf(b, "A and B\n   genes: %s shared, %s only in A, %s only in B%s\n", clab_text_count(shared),
                  clab_text_count(only_a), clab_text_count(only_b), order);
    add_cost(b, concat, "inner", "at most ");
    add_cost(b, concat, "outer", "");
    if (10 * shared < shared + (only_a < only_b ? only_a : only_b)) {
        clab_str_add(b, "   The studies hardly share genes");
        if (clab__get_boolean(genes, "ids_differ", false))
            clab_str_addf(b, ": A has %s, B has %s. common_genes{by=...} matches them by a var column",
                          clab__get_text(clab_value_get(clab_value_get(cmp, "a"), "genes"), "kind", "?"),
                          clab__get_text(clab_value_get(clab_value_get(cmp, "b"), "genes"), "kind", "?"));
        clab_str_add(b, ".\n");
    }
}

clab_status clab_compare_text(clab_ctx *cx, const clab_value *cmp, char **out)
{
    clab_str b = {0};

    add_study(&b, "A", clab_value_get(cmp, "a"));
    if (clab_value_get(cmp, "b")) {
        add_study(&b, "B", clab_value_get(cmp, "b"));
        add_pair(&b, cmp);
    }
    if (b.failed) {
        clab_str_free(&b);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a comparison");
    }
    *out = b.s;
    return CLAB_OK;
}
