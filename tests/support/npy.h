/* npy.h -- reading .npy files (little-endian, C order, rank 0..2) in tests. */
#ifndef CLAB_TEST_NPY_H
#define CLAB_TEST_NPY_H

#include <stdint.h>

typedef struct {
    int rank;
    int64_t dims[2];  /* 1 where the rank is lower */
    int64_t n;
    double *x;        /* every kind is read as double */
} npy;

/* Reads DIR/NAME.npy ("" and blanks in NAME as they stand); fails the test with the path when it cannot. */
npy npy_read(const char *dir, const char *name);
void npy_free(npy *a);

/* max |a - b| / max |b|; fails the test when sizes differ. */
double npy_distance(const float *a, int64_t n, const npy *b);

#endif
