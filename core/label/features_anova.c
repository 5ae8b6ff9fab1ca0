/* features_anova.c -- which genes tell the classes apart: one-way analysis of variance, streamed.
 * N cells, G genes, K classes.  Never dense: sums over stored values only, zeros add nothing. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "features_impl.h"
#include "ledger/ledger.h"
#include "steps/anova.h"

static void add_block(const clab_csr *b, const int32_t *role, const int32_t *y, clab_anova *a)
{
    for (int64_t row = 0; row < b->n_rows; row++) {
        const int32_t class = y[b->first_row + row];
        const float factor = clab__size_factor(b, row, role);

        clab_anova_cell(a, class);
        for (int64_t i = b->indptr[row]; i < b->indptr[row + 1]; i++)
            clab_anova_value(a, class, b->indices[i], (double)clab__log_normal(b->f32[i], factor));
    }
}

clab_status clab__anova(clab_ctx *cx, const clab_dataset *d, const int32_t *role, const int64_t *rows,
                        const int32_t *y, int64_t n, int k, double *f)
{
    const clab_rows_opts opts = {.order = rows, .n_order = n, .phase = "anova"};
    clab_anova a = {.cx = cx};
    clab_matrix *counts = NULL;
    clab_rows *stream = NULL;
    const clab_csr *block;
    clab_status st;

    if (n <= k || k < 2)
        return clab_fail(cx, CLAB_EARG, "choosing genes needs two classes and more cells than classes; there are "
                                        "%" PRId64 " labelled cells of %d classes", n, k);
    if ((st = clab_anova_new(cx, clab_dataset_n_vars(d), k, &a)) != CLAB_OK ||
        (st = clab_dataset_counts(cx, d, &counts)) != CLAB_OK ||
        (st = clab_rows_open(cx, counts, &opts, &stream)) != CLAB_OK)
        goto done;
    while ((st = clab_rows_next(cx, stream, &block)) == CLAB_OK && block)
        add_block(block, role, y, &a);
    if (st != CLAB_OK)
        goto done;
    for (int64_t g = 0; g < a.n_genes; g++)
        f[g] = role[g] == CLAB__IGNORED ? (double)NAN : clab_anova_f(&a, g);
done:
    clab_rows_close(cx, stream);
    clab_matrix_unref(counts);
    clab_anova_clear(&a);
    return st;
}

/* ---- the largest --------------------------------------------------------------------------------------*/

static int by_f(const void *a, const void *b, void *arg)
{
    const double *f = arg;
    const int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;

    if (f[i] != f[j])
        return f[i] < f[j] ? 1 : -1;
    return i < j ? -1 : 1;
}

static int by_index(const void *a, const void *b)
{
    const int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;

    return (i > j) - (i < j);
}

clab_status clab__top(clab_ctx *cx, const double *f, int64_t n_genes, int64_t n_top, int64_t **chosen,
                      int64_t *n_chosen)
{
    int64_t *ix, n = 0;
    clab_status st = clab_mem_alloc(cx, CLAB_MEM_WORK, n_genes * 8 + 8, "genes by F", (void **)&ix);

    if (st != CLAB_OK)
        return st;
    for (int64_t g = 0; g < n_genes; g++)
        if (!isnan(f[g]))
            ix[n++] = g;
    qsort_r(ix, (size_t)n, sizeof *ix, by_f, (void *)(uintptr_t)f);
    n = n < n_top ? n : n_top;
    qsort(ix, (size_t)n, sizeof *ix, by_index);
    *chosen = ix;
    *n_chosen = n;
    return CLAB_OK;
}
