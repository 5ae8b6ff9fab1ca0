/* pvalue.h -- tail probabilities of Student's t, F and the normal distribution, and their correction for many
 * tests.  Relative error below 1e-10 down to the smallest numbers: small p are what tests are read for. */
#ifndef CLAB_PVALUE_H
#define CLAB_PVALUE_H

#include "base/ctx.h"

/* P(|T| >= |t|) with df degrees of freedom, df > 0; NaN when t or df is. */
double clab_p_student(double t, double df);
/* P(F >= f) with d1 and d2 degrees of freedom; 1 for f <= 0, NaN when f is. */
double clab_p_f(double f, double d1, double d2);
/* P(|Z| >= |z|). */
double clab_p_normal(double z);

/* clab_p_adjust -- q out of n values p, none NaN: Benjamini & Hochberg 1995, or Bonferroni: min(p n, 1).
 * q may be p.  Memory: 8 n bytes. */
CLAB_MUST_CHECK clab_status clab_p_adjust(clab_ctx *cx, bool bonferroni, const double *p, int64_t n, double *q);

#endif
