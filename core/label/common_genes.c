/* common_genes.c -- sets of genes compared as sets, not by their sizes.  G genes a part. */
#include "label/common_genes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "label/compare.h"
#include "ledger/ledger.h"

typedef struct {
    const clab_dataset *d;
    const char **names;      /* G, borrowed from var; "" where missing */
    int64_t n;
    int64_t n_duplicates;
    clab_names *index;
} part;

static clab_status part_open(clab_ctx *cx, const clab_dataset *d, const char *by, part *p)
{
    const clab_value *v = d->var->index;
    char buf[40];
    void *names = NULL;
    clab_status st;

    p->d = d;
    p->n = clab_dataset_n_vars(d);
    if (by && (st = clab_dataset_var_get(cx, d, by, &v)) != CLAB_OK)
        return st;
    if ((st = clab_mem_alloc(cx, CLAB_MEM_WORK, (p->n + 1) * (int64_t)sizeof *p->names, "gene names", &names)) != CLAB_OK)
        return st;
    p->names = names;
    for (int64_t g = 0; g < p->n; g++) {
        const char *s = clab_value_at_str(v, g, buf, sizeof buf);
        if (s == buf)
            return clab_fail(cx, CLAB_EARG, "var.%s of %s holds numbers, not gene names", by, clab_show(d->name));
        p->names[g] = s ? s : "";
    }
    return clab_names_new(cx, p->names, p->n, &p->n_duplicates, &p->index);
}

/* Genes of p[0] that every other part has; the later ones of equal names are left out. */
static int64_t select_common(const part *p, int n, int64_t *cols)
{
    int64_t k = 0;

    for (int64_t g = 0; g < p[0].n; g++) {
        bool all = p[0].names[g][0] && clab_names_get(p[0].index, p[0].names[g]) == g;
        for (int i = 1; i < n && all; i++)
            all = clab_names_get(p[i].index, p[0].names[g]) >= 0;
        if (all)
            cols[k++] = g;
    }
    return k;
}

static clab_status check_overlap(clab_ctx *cx, const part *p, int n, int64_t common)
{
    int small = 0;
    clab_status st;

    for (int i = 1; i < n; i++) {
        if (p[i].n < p[small].n)
            small = i;
    }
    if (common > 0 && common * 10 >= p[small].n)
        return CLAB_OK;
    st = clab_fail(cx, CLAB_EARG, "only %" PRId64 " of the %" PRId64 " genes of %s are in all datasets", common,
                   p[small].n, clab_show(p[small].d->name));
    for (int i = 0; i < n; i++) {
        int other = i == small ? (small == 0) : small;
        const char *a = clab_gene_id_kind(p[i].names, p[i].n), *b = clab_gene_id_kind(p[other].names, p[other].n);
        if (strcmp(a, b) != 0)
            return clab_hint(cx, "%s has %s, %s has %s: compare by a var column that holds the same kind, by=\"...\"",
                             clab_show(p[i].d->name), a, clab_show(p[other].d->name), b);
    }
    return st;
}

static void say(clab_ctx *cx, const part *p, int n, int64_t common)
{
    clab_str s = {0};

    for (int i = 0; i < n; i++) {
        clab_str_addf(&s, "%s %s only in %s", i ? "," : ";", clab_text_count(p[i].n - p[i].n_duplicates - common),
                      clab_show(p[i].d->name));
        if (p[i].n_duplicates > 0)
            clab_str_addf(&s, " (and %s repeated names)", clab_text_count(p[i].n_duplicates));
    }
    clab_note(cx, "%s genes in common%s", clab_text_count(common), s.s ? s.s : "");
    clab_str_free(&s);
}

static clab_status take_common(clab_ctx *cx, const part *p, int n, const int64_t *first, int64_t k, int64_t *cols,
                               clab_dataset **out)
{
    clab_status st = CLAB_OK;

    for (int i = 0; i < n && st == CLAB_OK; i++) {
        for (int64_t g = 0; g < k; g++)
            cols[g] = clab_names_get(p[i].index, p[0].names[first[g]]);
        st = clab_dataset_take_vars(cx, p[i].d, cols, k, &out[i]);
    }
    return st;
}

clab_status clab_common_genes(clab_ctx *cx, const clab_dataset *const *parts, int n, const char *by, clab_dataset **out)
{
    part *p = calloc((size_t)n + 1, sizeof *p);
    clab_dataset **made = calloc((size_t)n + 1, sizeof *made);
    void *cols = NULL;
    int64_t k, g;
    clab_status st = CLAB_OK;

    if (!p || !made) {
        st = clab_fail(cx, CLAB_ENOMEM, "no memory for %d datasets", n);
        goto done;
    }
    if (n < 2) {
        st = clab_fail(cx, CLAB_EARG, "common_genes compares two datasets or more");
        goto done;
    }
    for (int i = 0; i < n; i++) {
        if ((st = part_open(cx, parts[i], by, &p[i])) != CLAB_OK)
            goto done;
    }
    g = p[0].n;
    if ((st = clab_mem_alloc(cx, CLAB_MEM_WORK, (2 * g + 1) * (int64_t)sizeof(int64_t), "common genes", &cols)) != CLAB_OK)
        goto done;
    k = select_common(p, n, cols);
    if ((st = check_overlap(cx, p, n, k)) != CLAB_OK)
        goto done;
    if ((st = take_common(cx, p, n, cols, k, (int64_t *)cols + g, made)) != CLAB_OK)
        goto done;
    say(cx, p, n, k);
    memcpy(out, made, (size_t)n * sizeof *out);
done:
    for (int i = 0; p && i < n; i++) {
        clab_names_free(p[i].index);
        clab_mem_free(cx, (void *)(uintptr_t)p[i].names);
        if (st != CLAB_OK && made)
            clab_dataset_unref(made[i]);
    }
    clab_mem_free(cx, cols);
    free(p);
    free(made);
    return st;
}
