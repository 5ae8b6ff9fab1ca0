/* anova.h -- one-way analysis of variance, cell by cell: sums over stored values only, zeros add nothing.
 * G genes, K groups.  Used by the step and by the classifier, which transforms counts on the way in. */
#ifndef CLAB_ANOVA_H
#define CLAB_ANOVA_H

#include "base/ctx.h"

typedef struct {
    clab_ctx *cx;
    int64_t n_genes;
    int k;
    int64_t n;         /* cells */
    int64_t *cells;    /* K */
    double *sum;       /* K x G */
    double *squares;   /* G */
} clab_anova;

/* clab_anova_new -- empty sums.  Memory: 8 G (K + 1) bytes, given back by clab_anova_clear (also after an error). */
CLAB_MUST_CHECK clab_status clab_anova_new(clab_ctx *cx, int64_t n_genes, int k, clab_anova *out);
void clab_anova_clear(clab_anova *a);

/* A cell of a group; then its values that are not 0. */
static inline void clab_anova_cell(clab_anova *a, int group)
{
    a->n++;
    a->cells[group]++;
}

static inline void clab_anova_value(clab_anova *a, int group, int64_t gene, double x)
{
    a->sum[group * a->n_genes + gene] += x;
    a->squares[gene] += x * x;
}

/* clab_anova_f -- F = (between / (used-1)) / (within / (n-used)) over the `used` groups that have cells, as
 * scikit-learn's f_classif in float64; NaN for constant genes (differences below 1e-13 of the squares are rounding). */
double clab_anova_f(const clab_anova *a, int64_t gene);
/* Groups that have cells. */
int clab_anova_used(const clab_anova *a);

#endif
