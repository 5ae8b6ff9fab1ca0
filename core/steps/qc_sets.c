/* qc_sets.c -- sets of genes for qc, by name, by the beginning of a name, or by a var column.
 * Refuses to guess a species: what would have fitted is said, not done. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/qc_impl.h"

static const char *name_at(const clab_value *names, int64_t g)
{
    char unused[32]; /* names are text: nothing is formatted */
    const char *s = clab_value_at_str(names, g, unused, sizeof unused);

    return s ? s : "";
}

/* Genes that fit a word, marked where flags is not NULL: its namesakes, or else those that begin with it. */
static int64_t fitting(const clab_value *names, const char *word, bool any_case, uint8_t *flags)
{
    int64_t n = clab_value_len(names), whole = 0, begun = 0;
    size_t len = strlen(word);

    for (int64_t g = 0; g < n; g++)
        whole += strcmp(name_at(names, g), word) == 0;
    for (int64_t g = 0; g < n; g++) {
        const char *name = name_at(names, g);
        bool begins = any_case ? strncasecmp(name, word, len) == 0 : strncmp(name, word, len) == 0;
        bool fits = whole && !any_case ? strcmp(name, word) == 0 : begins;
        if (flags && fits)
            flags[g] = 1;
        begun += fits;
    }
    return begun;
}

/* A var column of text in which genes fit the word, whatever their case; NULL when there is none. */
static const char *column_that_fits(const clab_dataset *d, const char *word)
{
    for (int64_t c = 0; c < d->var->n_items; c++) {
        const clab_value *v = d->var->items[c];
        bool text = v->kind == CLAB_V_STRINGS || (v->kind == CLAB_V_CATEGORICAL && v->levels->kind == CLAB_V_STRINGS);
        if (text && fitting(v, word, true, NULL) > 0)
            return d->var->names[c];
    }
    return NULL;
}

static clab_status none_fits(clab_ctx *cx, const clab_dataset *d, const char *what, const char *word,
                             const clab_value *names)
{
    const char *column;
    int64_t n = clab_value_len(names);

    (void)clab_fail(cx, CLAB_ENOTFOUND, "%s: no gene is called '%s', and none begins with it", what, clab_show(word));
    for (int64_t g = 0; g < n; g++) {
        const char *name = name_at(names, g);
        if (strncasecmp(name, word, strlen(word)) == 0)
            return clab_hint(cx, "there are genes such as %s: upper and lower case count", clab_show(name));
    }
    column = column_that_fits(d, word);
    if (column)
        return clab_hint(cx, "var.%s holds such names: give gene_names=\"%s\"", clab_show(column), clab_show(column));
    return clab_hint(cx, "the genes are called %s, ...", n > 0 ? clab_show(name_at(names, 0)) : "nothing");
}

clab_status clab__qc_named(clab_ctx *cx, const clab_dataset *d, const char *what, const clab_arg *words,
                           const clab_value *names, clab_value **out)
{
    int64_t n = clab_value_len(names), fit = 0;
    const char *missed = words->n_strs > 0 ? words->strs[0] : "";
    clab_status s = clab_value_array(cx, CLAB_BOOL, 1, &n, NULL, out);

    for (int64_t i = 0; s == CLAB_OK && i < words->n_strs; i++) {
        int64_t here = words->strs[i][0] ? fitting(names, words->strs[i], false, (*out)->data) : 0;
        if (here == 0 && words->n_strs > 1)
            clab_warn(cx, "qc: no gene fits '%s' of %s", clab_show(words->strs[i]), what);
        fit += here;
        s = clab_check(cx);
    }
    if (s == CLAB_OK && fit == 0)
        s = none_fits(cx, d, what, missed, names);
    if (s != CLAB_OK) {
        clab_value_unref(*out);
        *out = NULL;
    }
    return s;
}

clab_status clab__qc_column(clab_ctx *cx, const clab_dataset *d, const char *column, clab_value **out)
{
    const clab_value *v;
    int64_t n = clab_dataset_n_vars(d);
    clab_status s = clab_dataset_var_get(cx, d, column, &v);

    if (s != CLAB_OK)
        return s;
    if (v->dtype != CLAB_BOOL || (v->kind != CLAB_V_ARRAY && v->kind != CLAB_V_NULLABLE)) {
        (void)clab_fail(cx, CLAB_EARG, "qc_vars: var.%s does not say true or false for every gene", clab_show(column));
        return clab_hint(cx, "give genes by name or by the beginning of their names: mito=, ribo=");
    }
    s = clab_value_array(cx, CLAB_BOOL, 1, &n, NULL, out);
    for (int64_t g = 0; s == CLAB_OK && g < n; g++)
        ((uint8_t *)(*out)->data)[g] = clab_value_at_num(v, g) == 1;
    return s;
}
