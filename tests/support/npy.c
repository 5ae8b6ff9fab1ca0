/* npy.c -- a reader of the few .npy forms that the golden files use. */
#include "npy.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double element(const unsigned char *p, const char *type)
{
    if (strcmp(type, "<f4") == 0) {
        float v;
        memcpy(&v, p, 4);
        return (double)v;
    }
    if (strcmp(type, "<f8") == 0) {
        double v;
        memcpy(&v, p, 8);
        return v;
    }
    if (strcmp(type, "<i8") == 0) {
        int64_t v;
        memcpy(&v, p, 8);
        return (double)v;
    }
    if (strcmp(type, "<i4") == 0) {
        int32_t v;
        memcpy(&v, p, 4);
        return v;
    }
    return *p; /* |u1, |b1 */
}

static size_t width(const char *type)
{
    return (size_t)(type[2] - '0');
}

npy npy_read(const char *dir, const char *name)
{
    npy a = {0, {1, 1}, 1, NULL};
    char path[1024], head[4096], type[4] = "";
    unsigned char start[10], cell[8];
    FILE *f;
    char *at;

    snprintf(path, sizeof path, "%s/%s.npy", dir, name);
    f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot read %s", path);
    assert_int_equal(fread(start, 1, 10, f), 10);
    assert_memory_equal(start, "\x93NUMPY\x01", 7);
    size_t len = (size_t)start[8] | (size_t)start[9] << 8;
    assert_true(len < sizeof head);
    assert_int_equal(fread(head, 1, len, f), len);
    head[len] = '\0';
    assert_null(strstr(head, "'fortran_order': True"));
    at = strstr(head, "'descr': '");
    assert_non_null(at);
    memcpy(type, at + 10, 3);
    at = strstr(head, "'shape': (");
    assert_non_null(at);
    for (at += 10; *at != ')'; at += strspn(at, ", ")) {
        assert_true(a.rank < 2);
        a.dims[a.rank] = strtoll(at, &at, 10);
        a.n *= a.dims[a.rank++];
    }
    a.x = malloc((size_t)(a.n ? a.n : 1) * sizeof *a.x);
    assert_non_null(a.x);
    for (int64_t i = 0; i < a.n; i++) {
        assert_int_equal(fread(cell, 1, width(type), f), width(type));
        a.x[i] = element(cell, type);
    }
    fclose(f);
    return a;
}

void npy_free(npy *a)
{
    free(a->x);
    a->x = NULL;
}

double npy_distance(const float *a, int64_t n, const npy *b)
{
    double diff = 0, scale = 0;

    assert_int_equal(n, b->n);
    for (int64_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - b->x[i]);
        if (!(d <= diff))
            diff = d;
        scale = fabs(b->x[i]) > scale ? fabs(b->x[i]) : scale;
    }
    return diff / (scale > 0 ? scale : 1);
}
