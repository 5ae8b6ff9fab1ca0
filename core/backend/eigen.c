/* eigen.c -- the largest eigenvalues of a symmetric matrix: LAPACK's dsyevr, or Jacobi rotations without it. */
#include <math.h>
#include <string.h>

#include "backend/blas.h"
#include "ledger/ledger.h"

#define WORK 26   /* doubles and ... */
#define IWORK 10  /* ... ints a row that dsyevr needs at least */

int64_t clab_blas_eigen_bytes(const clab_blas *bl, int64_t n, int64_t k)
{
    return bl->dsyevr ? n * (8 * WORK + 4 * IWORK + 8) + 8 * k + 8 : 8 * n * (n + 1);
}

/* dsyevr gives the largest k in rising order: turned round here.  Row-major upper is column-major lower. */
static clab_status by_lapack(clab_ctx *cx, const clab_blas *bl, int n, double *a, int k, double *w, double *v)
{
    int il = n - k + 1, m = 0, info = 0, lwork = WORK * n, liwork = IWORK * n;
    const double none = 0;
    char *p = NULL;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, clab_blas_eigen_bytes(bl, n, k), "eigenvalues", (void **)&p);

    if (s != CLAB_OK)
        return s;
    double *values = (double *)(void *)p, *work = values + n;
    int *iwork = (int *)(void *)(work + lwork), *support = iwork + liwork;
    bl->dsyevr("V", "I", "L", &n, a, &n, &none, &none, &il, &n, &none, &m, values, v, &n, support, work, &lwork, iwork,
               &liwork, &info, 1, 1, 1);
    for (int i = 0; i < k; i++)
        w[i] = values[k - 1 - i];
    for (int i = 0; i < k / 2; i++)
        for (int j = 0; j < n; j++) {
            double t = v[(int64_t)i * n + j];
            v[(int64_t)i * n + j] = v[(int64_t)(k - 1 - i) * n + j];
            v[(int64_t)(k - 1 - i) * n + j] = t;
        }
    clab_mem_free(cx, p);
    return info == 0 && m == k ? CLAB_OK : clab_fail(cx, CLAB_EBACKEND, "LAPACK found %d of %d eigenvalues", m, k);
}

/* ---- without LAPACK --------------------------------------------------------------------------------------*/

/* Rotates rows and columns p and q of a, and rows p and q of u, so that a[p][q] becomes 0. */
static void rotate(int64_t n, double *a, double *u, int64_t p, int64_t q)
{
    double x = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    double t = (x >= 0 ? 1 : -1) / (fabs(x) + sqrt(x * x + 1)), c = 1 / sqrt(t * t + 1), s = t * c;

    for (int64_t i = 0; i < n; i++) {
        double y = a[i * n + p], z = a[i * n + q];
        a[i * n + p] = c * y - s * z;
        a[i * n + q] = s * y + c * z;
    }
    for (int64_t i = 0; i < n; i++) {
        double y = a[p * n + i], z = a[q * n + i];
        a[p * n + i] = c * y - s * z;
        a[q * n + i] = s * y + c * z;
        y = u[p * n + i], z = u[q * n + i];
        u[p * n + i] = c * y - s * z;
        u[q * n + i] = s * y + c * z;
    }
}

static double off_diagonal(int64_t n, const double *a)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++)
            sum += a[i * n + j] * a[i * n + j];
    return sqrt(sum);
}

static clab_status by_jacobi(clab_ctx *cx, int64_t n, double *a, int64_t k, double *w, double *v)
{
    double *u, size = 0;
    clab_status s = clab_mem_zalloc(cx, CLAB_MEM_WORK, 8 * n * (n + 1), "eigenvalues", (void **)&u);

    if (s != CLAB_OK)
        return s;
    for (int64_t i = 0; i < n; i++) {
        u[i * n + i] = 1;
        for (int64_t j = 0; j < i; j++)
            a[i * n + j] = a[j * n + i];
        size = fmax(size, fabs(a[i * n + i]));
    }
    for (int sweep = 0; sweep < 40 && s == CLAB_OK && off_diagonal(n, a) > 1e-15 * size; sweep++) {
        s = clab_check(cx);
        for (int64_t p = 0; p < n; p++)
            for (int64_t q = p + 1; q < n; q++)
                if (fabs(a[p * n + q]) > 1e-18 * size)
                    rotate(n, a, u, p, q);
    }
    uint8_t *taken = (uint8_t *)(u + n * n);
    for (int64_t i = 0; i < k && s == CLAB_OK; i++) {
        int64_t best = -1;
        for (int64_t j = 0; j < n; j++)
            if (!taken[j] && (best < 0 || a[j * n + j] > a[best * n + best]))
                best = j;
        taken[best] = 1;
        w[i] = a[best * n + best];
        memcpy(v + i * n, u + best * n, (size_t)n * sizeof *v);
    }
    clab_mem_free(cx, u);
    return s;
}

clab_status clab_blas_eigen(clab_ctx *cx, const clab_blas *bl, int64_t n, double *a, int64_t k, double *w, double *v)
{
    if (n < 1 || k < 1 || k > n || n > 46340)
        return clab_fail(cx, CLAB_EINTERNAL, "%lld eigenvalues of %lld", (long long)k, (long long)n);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i; j < n; j++)
            if (!isfinite(a[i * n + j]))
                return clab_fail(cx, CLAB_EARG, "a matrix whose eigenvalues are wanted holds NaN or infinity");
    return bl->dsyevr ? by_lapack(cx, bl, (int)n, a, (int)k, w, v) : by_jacobi(cx, n, a, k, w, v);
}
