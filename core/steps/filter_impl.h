/* filter_impl.h -- what filter_cells and filter_genes share: bounds, what they removed, the words about it. */
#ifndef CLAB_FILTER_IMPL_H
#define CLAB_FILTER_IMPL_H

#include "steps/step.h"

/* Bounds on two numbers of each item, aligned with the four parameters of both steps. */
enum { CLAB__MIN_NUMBER, CLAB__MAX_NUMBER, CLAB__MIN_COUNTS, CLAB__MAX_COUNTS, CLAB__N_BOUNDS };

/* clab__filter_check -- at least one bound is given; EARG in the words of `step` when not. */
CLAB_MUST_CHECK clab_status clab__filter_check(clab_ctx *cx, const clab_step *step, const clab_arg *args);

/* clab__filter_mask -- keep[i] = every given bound holds (inclusive; NaN fails them).
 *   number  in   n: genes of a cell, cells of a gene
 *   counts  in   n: totals
 *   items   in   "cells" or "genes", for words
 *   keep    out  n flags
 * Notes what each bound removed; ESTATE with the same words when nothing is left. */
CLAB_MUST_CHECK clab_status clab__filter_mask(clab_ctx *cx, const clab_step *step, const clab_arg *args,
                                              const int64_t *number, const double *counts, int64_t n,
                                              const char *items, uint8_t *keep);

/* clab__filter_values -- the counts, or X where there are none; warns of X that was scaled or centred, and says
 * when bounds on totals are of values that are no counts. */
CLAB_MUST_CHECK clab_status clab__filter_values(clab_ctx *cx, const clab_dataset *d, const clab_step *step,
                                                const clab_arg *args, const clab_matrix **m);

/* Totals as a column of the type that scanpy gives them: X's own, 64 bits of its sign for whole-number types. */
CLAB_MUST_CHECK clab_status clab__filter_totals(clab_ctx *cx, const double *counts, int64_t n, clab_dtype x,
                                                clab_value **out);

#endif
