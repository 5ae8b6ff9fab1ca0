/* golden_h5.h -- reads golden files (HDF5, and .h5ad as far as their X) for tests, without celllab's own reader. */
#ifndef CLAB_TEST_GOLDEN_H5_H
#define CLAB_TEST_GOLDEN_H5_H

#include "data/matrix.h"

typedef struct golden golden;

/* golden_open -- $CLAB_SHARED/NAME or $CLAB_SOURCE/tests/golden/data/NAME; NULL when it is not there. */
golden *golden_open(const char *name);
void golden_close(golden *g);

bool golden_has(const golden *g, const char *path);
/* A numeric dataset of any rank as doubles, *n of them; NULL when it is not there.  Caller free()s. */
double *golden_numbers(const golden *g, const char *path, int64_t *n);
/* A numeric attribute of a group (the first element); NaN when it is not there. */
double golden_attr(const golden *g, const char *path, const char *name);
/* A CSR group (data, indices, indptr, shape) as a packed matrix of its own element type. */
clab_matrix *golden_matrix(clab_ctx *cx, const golden *g, const char *path);

#endif
