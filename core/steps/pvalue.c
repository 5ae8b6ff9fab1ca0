/* pvalue.c -- tail probabilities through the incomplete beta function's continued fraction. */
#include "steps/pvalue.h"

#include <math.h>
#include <stdlib.h>

#include "backend/formula.h"
#include "ledger/ledger.h"

/* ln B(a, b), a >= b.  For a large, lnGamma(a) - lnGamma(a + b) in terms that do not cancel. */
static double log_beta(double a, double b)
{
    if (a < b)
        return log_beta(b, a);
    if (a < 16)
        return clab_lgamma(a) + clab_lgamma(b) - clab_lgamma(a + b);
    return clab_lgamma(b) - (a - 0.5) * log1p(b / a) - b * log(a + b) + b + clab_stirling(a) - clab_stirling(a + b);
}

/* The continued fraction of I_x(a, b) (DLMF 8.17.22) by Lentz's method; converges where x < (a+1)/(a+b+2). */
static double fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1), f;

    d = 1 / (fabs(d) < tiny ? tiny : d);
    f = d;
    for (int m = 1; m < 100000; m++) {
        for (int half = 0; half < 2; half++) {
            double k = half == 0 ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                                 : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
            d = 1 + k * d;
            c = 1 + k / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            f *= d * c;
        }
        if (fabs(d * c - 1) < 1e-16)
            break;
    }
    return f;
}

/* I_x(a, b) with x = 1/(1+r), 1-x = r/(1+r). */
static double incomplete_beta(double a, double b, double r)
{
    const double x = 1 / (1 + r), y = r / (1 + r), front = -a * log1p(r) + b * (log(r) - log1p(r)) - log_beta(a, b);

    if (x < (a + 1) / (a + b + 2))
        return exp(front) / a * fraction(a, b, x);
    return 1 - exp(front) / b * fraction(b, a, y);
}

double clab_p_student(double t, double df)
{
    double r = t / df * t;

    if (isnan(t) || isnan(df))
        return (double)NAN;
    if (r == 0)
        return 1;
    return isinf(r) ? 0 : incomplete_beta(df / 2, 0.5, r);
}

double clab_p_f(double f, double d1, double d2)
{
    double r = d1 / d2 * f;

    if (isnan(f))
        return f;
    if (!(r > 0))
        return 1;
    return isinf(r) ? 0 : incomplete_beta(d2 / 2, d1 / 2, r);
}

double clab_p_normal(double z)
{
    return erfc(fabs(z) * 0.70710678118654752440);
}

/* ---- many tests -------------------------------------------------------------------------------------------*/

static int by_p(const void *a, const void *b, void *arg)
{
    const double *p = arg;
    const int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;

    return p[i] != p[j] ? (p[i] > p[j]) - (p[i] < p[j]) : (i > j) - (i < j);
}

clab_status clab_p_adjust(clab_ctx *cx, bool bonferroni, const double *p, int64_t n, double *q)
{
    int64_t *order;
    double least = 1;
    clab_status s;

    if (bonferroni) {
        for (int64_t i = 0; i < n; i++)
            q[i] = fmin(p[i] * (double)n, 1);
        return CLAB_OK;
    }
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8 + 8, "p-values", (void **)&order);
    if (s != CLAB_OK)
        return s;
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, (size_t)n, sizeof *order, by_p, (void *)(uintptr_t)p);
    for (int64_t k = n; k-- > 0;) {
        double x = p[order[k]] / ((double)(k + 1) / (double)n);
        least = x < least ? x : least;
        q[order[k]] = least;
    }
    clab_mem_free(cx, order);
    return CLAB_OK;
}
