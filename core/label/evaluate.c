/* evaluate.c -- accuracy, precision, recall and F1 of labels from their confusion matrix.
 * Definitions as scikit-learn's accuracy_score, balanced_accuracy_score, f1_score and
 * precision_recall_fscore_support(zero_division=0).  K classes, N cells.  Refuses to draw. */
#include "label/evaluate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "ledger/ledger.h"

/* One column as codes into its own levels, and where each level stands among the classes. */
typedef struct {
    clab_value *levels;
    int32_t *codes;
    int64_t n_levels;
    uint8_t *used;      /* by a cell that counts */
    int32_t *class_of;
    char **text;        /* n_levels, owned */
} labels;

static void labels_free(clab_ctx *cx, labels *l)
{
    for (int64_t i = 0; l->text && i < l->n_levels; i++)
        free(l->text[i]);
    free(l->text);
    free(l->used);
    free(l->class_of);
    clab_mem_free(cx, l->codes);
    clab_value_unref(l->levels);
}

static clab_status labels_get(clab_ctx *cx, const clab_value *column, labels *l)
{
    char buf[64];
    clab_status st = clab_value_codes(cx, column, &l->levels, &l->codes);

    if (st != CLAB_OK)
        return st;
    l->n_levels = clab_value_len(l->levels);
    l->text = calloc((size_t)l->n_levels + 1, sizeof *l->text);
    l->used = calloc((size_t)l->n_levels + 1, sizeof *l->used);
    l->class_of = calloc((size_t)l->n_levels + 1, sizeof *l->class_of);
    if (!l->text || !l->used || !l->class_of)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for %" PRId64 " labels", l->n_levels);
    for (int64_t i = 0; i < l->n_levels; i++) {
        const char *s = clab_value_at_str(l->levels, i, buf, sizeof buf);
        l->text[i] = strdup(s ? s : "");
        if (!l->text[i])
            return clab_fail(cx, CLAB_ENOMEM, "no memory for %" PRId64 " labels", l->n_levels);
    }
    return CLAB_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The classes are the labels that cells really have, on either side: unused categories do not count. */
static clab_status unite(clab_ctx *cx, labels *a, labels *b, clab_evaluation *e)
{
    labels *const both[2] = {a, b};
    const char **names = calloc((size_t)(a->n_levels + b->n_levels) + 1, sizeof *names);
    clab_names *ix = NULL;
    int64_t n = 0, k = 0;
    clab_status st;

    if (!names)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for the classes");
    for (int s = 0; s < 2; s++)
        for (int64_t i = 0; i < both[s]->n_levels; i++)
            if (both[s]->used[i])
                names[n++] = both[s]->text[i];
    qsort(names, (size_t)n, sizeof *names, by_text);
    for (int64_t i = 0; i < n; i++)
        if (i == 0 || strcmp(names[i], names[k - 1]) != 0)
            names[k++] = names[i];
    if (k > 46340) { /* k * k must fit an int */
        st = clab_fail(cx, CLAB_EARG, "%" PRId64 " different labels: these are no classes", k);
        goto done;
    }
    e->k = (int)k;
    if ((st = clab_value_strings(cx, 1, &k, names, &e->classes)) != CLAB_OK ||
        (st = clab_names_new(cx, names, k, NULL, &ix)) != CLAB_OK)
        goto done;
    for (int s = 0; s < 2; s++)
        for (int64_t i = 0; i < both[s]->n_levels; i++)
            if (both[s]->used[i])
                both[s]->class_of[i] = (int32_t)clab_names_get(ix, both[s]->text[i]);
done:
    clab_names_free(ix);
    free(names);
    return st;
}

static clab_status alloc_tables(clab_ctx *cx, clab_evaluation *e)
{
    const int64_t k = e->k;
    void **const out[] = {(void **)&e->precision, (void **)&e->recall, (void **)&e->f1, (void **)&e->support};
    clab_status st;

    for (size_t i = 0; i < 4; i++)
        if ((st = clab_mem_zalloc(cx, CLAB_MEM_RESULT, k * 8, "evaluation", out[i])) != CLAB_OK)
            return st;
    return clab_mem_zalloc(cx, CLAB_MEM_RESULT, k * k * 8, "confusion matrix", (void **)&e->confusion);
}

static void measure(clab_evaluation *e)
{
    const int k = e->k;
    int64_t right = 0;
    int present = 0;

    for (int c = 0; c < k; c++) {
        int64_t hit = e->confusion[(int64_t)c * k + c], truth = 0, said = 0;

        for (int o = 0; o < k; o++) {
            truth += e->confusion[(int64_t)c * k + o];
            said += e->confusion[(int64_t)o * k + c];
        }
        right += hit;
        e->support[c] = truth;
        e->precision[c] = said ? (double)hit / (double)said : 0;
        e->recall[c] = truth ? (double)hit / (double)truth : 0;
        e->f1[c] = truth + said ? 2 * (double)hit / (double)(truth + said) : 0;
        present += truth > 0;
        e->balanced_accuracy += e->recall[c];
        e->macro_f1 += e->f1[c] / k;
        e->weighted_f1 += e->f1[c] * (double)truth / (double)e->n;
    }
    e->accuracy = (double)right / (double)e->n;
    e->balanced_accuracy /= present;
}

clab_status clab_evaluate(clab_ctx *cx, const clab_value *truth, const clab_value *predicted, clab_evaluation *out)
{
    const int64_t n = clab_value_len(truth);
    clab_evaluation e = {0};
    labels t = {0}, p = {0};
    clab_status st;

    if (clab_value_len(predicted) != n)
        return clab_fail(cx, CLAB_ESHAPE, "%" PRId64 " true labels, but %" PRId64 " predicted ones", n,
                         clab_value_len(predicted));
    if ((st = labels_get(cx, truth, &t)) != CLAB_OK || (st = labels_get(cx, predicted, &p)) != CLAB_OK)
        goto done;
    for (int64_t i = 0; i < n; i++) {
        if (t.codes[i] < 0 || p.codes[i] < 0)
            continue;
        e.n++;
        t.used[t.codes[i]] = p.used[p.codes[i]] = 1;
    }
    e.n_skipped = n - e.n;
    if (e.n == 0) {
        st = clab_fail(cx, CLAB_EARG, "none of %" PRId64 " cells has both a true and a predicted label", n);
        goto done;
    }
    if ((st = unite(cx, &t, &p, &e)) != CLAB_OK || (st = alloc_tables(cx, &e)) != CLAB_OK)
        goto done;
    for (int64_t i = 0; i < n; i++)
        if (t.codes[i] >= 0 && p.codes[i] >= 0)
            e.confusion[(int64_t)t.class_of[t.codes[i]] * e.k + p.class_of[p.codes[i]]]++;
    measure(&e);
done:
    labels_free(cx, &t);
    labels_free(cx, &p);
    if (st != CLAB_OK) {
        clab_evaluation_free(cx, &e);
        return st;
    }
    *out = e;
    return CLAB_OK;
}

void clab_evaluation_free(clab_ctx *cx, clab_evaluation *e)
{
    clab_value_unref(e->classes);
    clab_mem_free(cx, e->precision);
    clab_mem_free(cx, e->recall);
    clab_mem_free(cx, e->f1);
    clab_mem_free(cx, e->support);
    clab_mem_free(cx, e->confusion);
    memset(e, 0, sizeof *e);
}
