/* golden_h5.c -- golden files for tests. */
#include "golden_h5.h"

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct golden {
    hid_t file;
};

static hid_t open_in(const char *variable, const char *folder, const char *name)
{
    const char *root = getenv(variable);
    char path[1024];
    FILE *f;

    if (!root)
        return -1;
    snprintf(path, sizeof path, "%s/%s/%s", root, folder, name);
    f = fopen(path, "rb");
    if (!f)
        return -1;
    fclose(f);
    return H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
}

golden *golden_open(const char *name)
{
    hid_t file;
    golden *g;

    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    file = open_in("CLAB_SOURCE", "tests/golden/data", name);
    if (file < 0)
        file = open_in("CLAB_SHARED", "", name);
    if (file < 0)
        return NULL;
    g = malloc(sizeof *g);
    g->file = file;
    return g;
}

void golden_close(golden *g)
{
    if (!g)
        return;
    H5Fclose(g->file);
    free(g);
}

bool golden_has(const golden *g, const char *path)
{
    return H5Oexists_by_name(g->file, path, H5P_DEFAULT) > 0;
}

/* A whole numeric dataset converted to `type`. */
static void *read_as(const golden *g, const char *path, hid_t type, int64_t *n)
{
    hid_t d = H5Dopen2(g->file, path, H5P_DEFAULT), space;
    void *p = NULL;

    *n = 0;
    if (d < 0)
        return NULL;
    space = H5Dget_space(d);
    *n = H5Sget_simple_extent_npoints(space);
    p = malloc((size_t)*n * H5Tget_size(type) + 1);
    if (H5Dread(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, p) < 0) {
        free(p);
        p = NULL;
    }
    H5Sclose(space);
    H5Dclose(d);
    return p;
}

double *golden_numbers(const golden *g, const char *path, int64_t *n)
{
    return read_as(g, path, H5T_NATIVE_DOUBLE, n);
}

static int attr_numbers(const golden *g, const char *path, const char *name, double *out, int max)
{
    hid_t a = H5Aopen_by_name(g->file, path, name, H5P_DEFAULT, H5P_DEFAULT), space;
    int n = 0;

    if (a < 0)
        return 0;
    space = H5Aget_space(a);
    n = (int)H5Sget_simple_extent_npoints(space);
    if (n > max || H5Aread(a, H5T_NATIVE_DOUBLE, out) < 0)
        n = 0;
    H5Sclose(space);
    H5Aclose(a);
    return n;
}

double golden_attr(const golden *g, const char *path, const char *name)
{
    double x;

    return attr_numbers(g, path, name, &x, 1) == 1 ? x : (double)NAN;
}

static hid_t type_of(const golden *g, const char *path, clab_dtype *t)
{
    hid_t d = H5Dopen2(g->file, path, H5P_DEFAULT), type = H5Dget_type(d);
    bool real = H5Tget_class(type) == H5T_FLOAT;
    size_t size = H5Tget_size(type);

    H5Tclose(type);
    H5Dclose(d);
    if (real && size == 8)
        return *t = CLAB_F64, H5T_NATIVE_DOUBLE;
    if (real)
        return *t = CLAB_F32, H5T_NATIVE_FLOAT;
    if (size == 8)
        return *t = CLAB_I64, H5T_NATIVE_INT64;
    return *t = CLAB_I32, H5T_NATIVE_INT32;
}

/* Some files keep a row's columns in no order. */
static void sort_rows(int64_t n_rows, const int64_t *indptr, int32_t *indices, char *values, size_t size)
{
    char v[8];

    for (int64_t r = 0; r < n_rows; r++)
        for (int64_t i = indptr[r] + 1; i < indptr[r + 1]; i++) {
            int32_t c = indices[i];
            int64_t k = i;
            memcpy(v, values + (size_t)i * size, size);
            for (; k > indptr[r] && indices[k - 1] > c; k--) {
                indices[k] = indices[k - 1];
                memcpy(values + (size_t)k * size, values + (size_t)(k - 1) * size, size);
            }
            indices[k] = c;
            memcpy(values + (size_t)k * size, v, size);
        }
}

clab_matrix *golden_matrix(clab_ctx *cx, const golden *g, const char *path)
{
    char name[512];
    double shape[2];
    int64_t n_ptr = 0, nnz = 0;
    clab_dtype t;
    hid_t type;
    clab_store_builder *b;
    clab_store *s = NULL;
    clab_matrix *m = NULL;
    int64_t *indptr;
    int32_t *indices;
    void *values;

    if (attr_numbers(g, path, "shape", shape, 2) != 2)
        return NULL;
    snprintf(name, sizeof name, "%s/indptr", path);
    indptr = read_as(g, name, H5T_NATIVE_INT64, &n_ptr);
    snprintf(name, sizeof name, "%s/indices", path);
    indices = read_as(g, name, H5T_NATIVE_INT32, &nnz);
    snprintf(name, sizeof name, "%s/data", path);
    type = type_of(g, name, &t);
    values = read_as(g, name, type, &nnz);
    sort_rows(n_ptr - 1, indptr, indices, values, clab_dtype_size(t));
    if (clab_store_builder_new(cx, -1, (int64_t)shape[1], t, false, &b) == CLAB_OK) {
        if (clab_store_builder_add(cx, b, n_ptr - 1, indptr, indices, values) != CLAB_OK)
            clab_store_builder_free(b);
        else if (clab_store_builder_store(cx, b, path, &s) != CLAB_OK || clab_matrix_new(cx, s, &m) != CLAB_OK)
            m = NULL;
    }
    clab_store_unref(s);
    free(indptr);
    free(indices);
    free(values);
    return m;
}
