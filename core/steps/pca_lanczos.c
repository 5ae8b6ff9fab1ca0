/* pca_lanczos.c -- the largest eigenpairs of an operator that can only be multiplied with vectors.
 *
 * A Krylov space grows by a block of vectors a product.  Every new block is orthogonalised against the whole
 * basis, twice, and the coefficients are kept, so that the projected matrix is exact; when the space is full
 * the best Ritz vectors start the next one.  The residual of a Ritz pair is read off the last block.
 */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "ledger/ledger.h"
#include "steps/pca_impl.h"

#define BLOCK 32
#define SMALL 1e-13        /* beside the largest eigenvalue: nothing */
#define MAX_PRODUCTS 400

typedef struct {
    clab_ctx *cx;
    const clab_blas *bl;
    int64_t g, k;
    int64_t room;          /* basis vectors there is room for: ld of q and t */
    int64_t n;             /* basis vectors so far */
    int64_t kept;          /* Ritz vectors that a restart keeps */
    double *q;             /* G x room */
    double *t;             /* room x room: Q' A Q */
    double *next;          /* G x BLOCK: vectors that continue the basis */
    double *w;             /* G x BLOCK */
    double *h;             /* room x BLOCK */
    double *copy;          /* room x room, for the eigenvalues */
    double *theta;         /* room */
    double *y;             /* room x room: row i is Ritz vector i in the basis */
    double *tall;          /* G x kept */
    void *memory;
} krylov;

static int64_t round_up(int64_t n)
{
    return (n + BLOCK - 1) / BLOCK * BLOCK;
}

static int64_t space(int64_t g, int64_t k, int64_t *kept)
{
    int64_t room = round_up(k) + 10 * BLOCK;

    *kept = round_up(k) + BLOCK;
    return room < g ? room : g;
}

static int64_t doubles(int64_t g, int64_t k)
{
    int64_t kept, room = space(g, k, &kept);

    return g * (room + 2 * BLOCK + kept) + room * (3 * room + BLOCK + 1);
}

int64_t clab__lanczos_bytes(int64_t g, int64_t k)
{
    return 8 * doubles(g, k);
}

static clab_status krylov_new(clab_ctx *cx, krylov *s)
{
    double *d;
    clab_status st;

    s->room = space(s->g, s->k, &s->kept);
    st = clab_mem_zalloc(cx, CLAB_MEM_WORK, 8 * doubles(s->g, s->k), "Krylov space", &s->memory);
    if (st != CLAB_OK)
        return st;
    d = s->memory;
    s->q = d;
    s->next = s->q + s->g * s->room;
    s->w = s->next + s->g * BLOCK;
    s->tall = s->w + s->g * BLOCK;
    s->t = s->tall + s->g * s->kept;
    s->copy = s->t + s->room * s->room;
    s->y = s->copy + s->room * s->room;
    s->h = s->y + s->room * s->room;
    s->theta = s->h + s->room * BLOCK;
    return CLAB_OK;
}

/* Standard normals from (seed, part, place): the same wherever they are made. */
static void random_block(const krylov *s, uint64_t seed, uint32_t part, int64_t b, double *v)
{
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};

    for (int64_t i = 0; i < s->g * b; i++) {
        const uint32_t at[4] = {(uint32_t)i, (uint32_t)(i >> 32), part, 0x70636101};
        uint32_t u[4];
        clab_philox(at, key, u);
        v[i] = sqrt(-2 * log(((double)u[0] + 0.5) * 0x1p-32)) * cos(6.283185307179586 * (double)u[1] * 0x1p-32);
    }
}

/* v (G x b) loses its part in the basis; that part is added to h (n x b, ld BLOCK) where h is given. */
static void project_out(const krylov *s, int64_t b, double *v, double *h)
{
    double *part = s->copy; /* n x b */

    if (s->n == 0)
        return;
    clab_blas_dgemm(s->bl, true, false, s->n, b, s->g, s->q, s->room, v, b, 0, part, b);
    for (int64_t i = 0; i < s->n * b; i++)
        part[i] = -part[i];
    clab_blas_dgemm(s->bl, false, false, s->g, b, s->n, s->q, s->room, part, b, 1, v, b);
    for (int64_t i = 0; h && i < s->n; i++)
        for (int64_t j = 0; j < b; j++)
            h[i * BLOCK + j] -= part[i * b + j];
}

/* v (G x b) becomes an orthonormal basis (G x *rank) of its columns; directions shorter than `least` are dropped.
 * Old v = new v r; r is *rank x b, ld BLOCK. */
static clab_status orthonormal(const krylov *s, int64_t b, double least, double *v, int64_t *rank, double *r)
{
    double m[BLOCK * BLOCK], e[BLOCK * BLOCK], d[BLOCK], row[BLOCK];
    int64_t n = 0;
    clab_status st;

    *rank = 0;
    clab_blas_dgemm(s->bl, true, false, b, b, s->g, v, b, v, b, 0, m, b);
    st = clab_blas_eigen(s->cx, s->bl, b, m, b, d, e);
    if (st != CLAB_OK)
        return st;
    while (n < b && d[n] > least * least && d[n] > 1e-28 * d[0])
        n++;
    for (int64_t i = 0; i < s->g; i++) { /* in place: n <= b */
        for (int64_t c = 0; c < n; c++) {
            double sum = 0;
            for (int64_t j = 0; j < b; j++)
                sum += v[i * b + j] * e[c * b + j];
            row[c] = sum / sqrt(d[c]);
        }
        memcpy(v + i * n, row, (size_t)n * sizeof *v);
    }
    for (int64_t c = 0; c < n; c++)
        for (int64_t j = 0; j < b; j++)
            r[c * BLOCK + j] = sqrt(d[c]) * e[c * b + j];
    *rank = n;
    return CLAB_OK;
}

/* The next block from v (G x b): off the basis, orthonormal; r as above, over both rounds. */
static clab_status make_next(const krylov *s, int64_t b, double least, double *v, int64_t *rank, double *r)
{
    double first[BLOCK * BLOCK], second[BLOCK * BLOCK];
    int64_t n = 0;
    clab_status st = orthonormal(s, b, least, v, &n, first);

    *rank = 0;
    if (st != CLAB_OK || n == 0)
        return st;
    project_out(s, n, v, NULL);
    st = orthonormal(s, n, 0.5, v, rank, second); /* what was mostly in the basis is rounding */
    for (int64_t i = 0; st == CLAB_OK && i < *rank; i++)
        for (int64_t j = 0; j < b; j++) {
            double sum = 0;
            for (int64_t c = 0; c < n; c++)
                sum += second[i * BLOCK + c] * first[c * BLOCK + j];
            r[i * BLOCK + j] = sum;
        }
    return st;
}

/* Adds the block `next` (G x b) to the basis, multiplies it, and fills its part of t; w is what is left. */
static clab_status grow(krylov *s, clab__times_fn *times, void *user, int64_t b)
{
    const int64_t first = s->n;
    clab_status st;

    for (int64_t i = 0; i < s->g; i++)
        memcpy(s->q + i * s->room + first, s->next + i * b, (size_t)b * 8);
    s->n += b;
    if ((st = times(s->cx, user, b, s->next, s->w)) != CLAB_OK)
        return st;
    memset(s->h, 0, (size_t)(s->room * BLOCK) * 8);
    project_out(s, b, s->w, s->h);
    project_out(s, b, s->w, s->h);
    for (int64_t i = 0; i < s->n; i++)
        for (int64_t j = 0; j < b; j++) {
            double x = s->h[i * BLOCK + j];
            if (i >= first)
                x = (x + s->h[(first + j) * BLOCK + i - first]) / 2;
            s->t[i * s->room + first + j] = s->t[(first + j) * s->room + i] = x;
        }
    return CLAB_OK;
}

static clab_status ritz(krylov *s)
{
    for (int64_t i = 0; i < s->n; i++)
        memcpy(s->copy + i * s->n, s->t + i * s->room, (size_t)s->n * 8);
    return clab_blas_eigen(s->cx, s->bl, s->n, s->copy, s->n, s->theta, s->y);
}

/* |A u - theta u| of Ritz pair i: the last b basis vectors' part of it, through r (rank x b). */
static double residual(const krylov *s, int64_t i, int64_t b, int64_t rank, const double *r)
{
    const double *y = s->y + i * s->n + s->n - b;
    double sum = 0;

    for (int64_t c = 0; c < rank; c++) {
        double x = 0;
        for (int64_t j = 0; j < b; j++)
            x += r[c * BLOCK + j] * y[j];
        sum += x * x;
    }
    return sqrt(sum);
}

/* The first n Ritz vectors, G x n, into out. */
static void ritz_vectors(const krylov *s, int64_t n, double *out)
{
    clab_blas_dgemm(s->bl, false, true, s->g, n, s->n, s->q, s->room, s->y, s->n, 0, out, n);
}

static void restart(krylov *s)
{
    const int64_t kept = s->kept < s->n ? s->kept : s->n;

    ritz_vectors(s, kept, s->tall);
    for (int64_t i = 0; i < s->g; i++)
        memcpy(s->q + i * s->room, s->tall + i * kept, (size_t)kept * 8);
    memset(s->t, 0, (size_t)(s->room * s->room) * 8);
    for (int64_t i = 0; i < kept; i++)
        s->t[i * s->room + i] = s->theta[i];
    s->n = kept;
}

static bool converged(const krylov *s, double tol, int64_t b, int64_t rank, const double *r)
{
    if (s->n < s->k)
        return false;
    for (int64_t i = 0; i < s->k; i++)
        if (residual(s, i, b, rank, r) > fmax(tol * fabs(s->theta[i]), SMALL * s->theta[0]))
            return false;
    return true;
}

static clab_status iterate(krylov *s, clab__times_fn *times, void *user, double tol, uint64_t seed)
{
    double r[BLOCK * BLOCK];
    int64_t b = s->g < BLOCK ? s->g : BLOCK, rank;
    uint32_t part = 0;
    clab_status st;

    random_block(s, seed, part++, b, s->next);
    st = make_next(s, b, 0, s->next, &rank, r);
    for (int product = 0; st == CLAB_OK && product < MAX_PRODUCTS; product++) {
        b = rank;
        if ((st = grow(s, times, user, b)) != CLAB_OK || (st = ritz(s)) != CLAB_OK ||
            (st = make_next(s, b, SMALL * fmax(s->theta[0], 1e-300), s->w, &rank, r)) != CLAB_OK)
            break;
        if (converged(s, tol, b, rank, r) || s->n + rank > s->g || s->n == s->g)
            return CLAB_OK;
        memcpy(s->next, s->w, (size_t)(s->g * rank) * 8);
        if (s->n + rank > s->room)
            restart(s);
        if (rank == 0) { /* the space is closed under the operator, and smaller than what is wanted */
            b = s->g - s->n < BLOCK ? s->g - s->n : BLOCK;
            b = s->room - s->n < b ? s->room - s->n : b;
            random_block(s, seed, part++, b, s->next);
            st = make_next(s, b, 0, s->next, &rank, r);
        }
    }
    if (st != CLAB_OK)
        return st;
    clab_warn(s->cx, "pca: the components are not converged after %d passes", MAX_PRODUCTS);
    return ritz(s);
}

clab_status clab__lanczos(clab_ctx *cx, const clab_blas *bl, int64_t g, clab__times_fn *times, void *user, double tol,
                          uint64_t seed, clab__components *c)
{
    krylov s = {.cx = cx, .bl = bl, .g = g, .k = c->k};
    clab_status st = krylov_new(cx, &s);

    if (st == CLAB_OK)
        st = iterate(&s, times, user, tol, seed);
    if (st == CLAB_OK) {
        ritz_vectors(&s, c->k, s.tall);
        for (int64_t i = 0; i < c->k; i++) {
            c->values[i] = s.theta[i];
            for (int64_t j = 0; j < g; j++)
                c->loadings[i * g + j] = s.tall[j * c->k + i];
        }
    }
    clab_mem_free(cx, s.memory);
    return st;
}
