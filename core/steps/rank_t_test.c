/* rank_t_test.c -- Welch's t of every group against the other side, from sums. */
#include <math.h>

#include "steps/pvalue.h"
#include "steps/rank_impl.h"

int64_t clab__ranked_others(const clab__ranked *r, int group)
{
    return r->reference < 0 ? r->n - r->cells[group] : r->cells[r->reference];
}

/* The rest is all sets less the group's: no second look at the cells. */
void clab__ranked_other_moments(const clab__ranked *r, int group, int64_t gene, double *mean, double *var)
{
    const double n = (double)clab__ranked_others(r, group);
    double sum = 0, squares = 0, v;

    if (r->reference >= 0) {
        clab__gene_moments(r->sums, r->reference, gene, mean, var);
        return;
    }
    for (int s = 0; s < r->sets; s++) {
        sum += s == group ? 0 : r->sums->sum[s * r->g + gene];
        squares += s == group ? 0 : r->sums->squares[s * r->g + gene];
    }
    *mean = n > 0 ? sum / n : 0;
    v = n > 0 ? squares / n - *mean * *mean : 0;
    v = v > 0 ? v : 0;
    *var = n > 1 ? v * n / (n - 1) : v;
}

static void welch(double m1, double v1, double n1, double m2, double v2, double n2, double *t, double *p)
{
    const double a = v1 / n1, b = v2 / n2;
    double df = (a + b) * (a + b) / (a * a / (n1 - 1) + b * b / (n2 - 1));

    *t = (m1 - m2) / sqrt(a + b);
    if (isnan(*t)) { /* equal means, no variance */
        *t = 0;
        *p = 1;
        return;
    }
    *p = clab_p_student(*t, isnan(df) ? 1 : df);
}

void clab__rank_t_test(const clab__ranked *r, bool overestimate, double *score, double *p)
{
    for (int k = 0; k < r->k; k++) {
        const double n1 = (double)r->cells[k], n2 = overestimate ? n1 : (double)clab__ranked_others(r, k);
        for (int64_t g = 0; k != r->reference && g < r->g; g++) {
            double m1, v1, m2, v2;
            clab__gene_moments(r->sums, k, g, &m1, &v1);
            clab__ranked_other_moments(r, k, g, &m2, &v2);
            welch(m1, v1, n1, m2, v2, n2, &score[k * r->g + g], &p[k * r->g + g]);
        }
    }
}
