/* plot_impl.h -- shared by the two halves of the plot: fitting and drawing. */
#ifndef CLAB_PLOT_IMPL_H
#define CLAB_PLOT_IMPL_H

#include "plot.h"

#define CLAB__PLOT_COLUMNS 1024 /* a wider rectangle is drawn this wide */

/* One raster column of one series. */
typedef struct {
    float lo, hi;      /* of the finite values that fell here */
    float first, last;
    bool any, bad;     /* bad: a NaN or an infinity fell here */
} clab__bucket;

/* clab__plot_buckets -- sort the points of s into n buckets between the x ends of sc. */
void clab__plot_buckets(const clab_plot_series *s, const clab_plot_scale *sc, clab__bucket *b, int n);

#endif
