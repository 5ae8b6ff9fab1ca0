/* loess.h -- a smooth curve through points: local quadratic regression, blended between vertices.
 * Refuses robustness iterations, several predictors and other degrees. */
#ifndef CLAB_LOESS_H
#define CLAB_LOESS_H

#include "base/ctx.h"

/* clab__loess -- the fitted curve at its own points.
 *   n     in   points, in any order
 *   x, y  in   n each, finite
 *   span  in   part of the points that each local fit uses, 0 < span <= 1
 *   fit   out  n
 * Formula  docs/steps/hvg.md eq. 8: Cleveland & Grosse (1991), degree 2, gaussian, interpolated as
 *          scikit-misc does (cell 0.2)
 * Memory   40 bytes a point, released before return.  Cost: about 10/span local fits of n points.
 * Errors   EARG with the reason in words: too few points, too many equal ones, a fit that is nearly
 *          singular.  ECANCEL. */
CLAB_MUST_CHECK clab_status clab__loess(clab_ctx *cx, int64_t n, const double *x, const double *y, double span,
                                        double *fit);

#endif
