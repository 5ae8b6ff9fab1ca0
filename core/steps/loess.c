/* loess.c -- local quadratic regression at the vertices of a k-d tree, cubic Hermite pieces between them.
 *
 * The points are sorted once.  Cells of the tree are halved until they hold few points; their ends are the
 * vertices.  At each vertex a weighted parabola gives a value and a slope, and the curve between two
 * neighbouring vertices is the cubic that has both.  Cleveland & Grosse, Statistics and Computing 1 (1991).
 */
#include "steps/loess.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"

#define CELL 0.2          /* a cell of span * CELL * n points is not halved */
#define MARGIN 0.005      /* the outer vertices lie so much of the range outside */
#define TOLERANCE (100 * DBL_EPSILON)
#define COLUMNS 3         /* 1, x - q, (x - q)^2 */

typedef struct {
    double x, y;
    int64_t at;           /* place in the caller's arrays */
} point;

typedef struct {
    double q, value, slope;
} vertex;

typedef struct {
    int64_t lower, upper; /* points, 1-based */
    double left, right;   /* its ends */
} cell;

typedef struct {
    clab_ctx *cx;
    int64_t n, near, small; /* points; in a local fit; in a cell that is not halved */
    double span;
    point *points;          /* sorted by x */
    double *distance;       /* n: scratch */
    vertex *vertices;
    int64_t n_vertices, most;
    cell *cells;
    int64_t n_cells;
} loess;

/* ---- cells and vertices ----------------------------------------------------------------------------------*/

static int by_x(const void *a, const void *b)
{
    const point *p = a, *q = b;

    if (p->x != q->x)
        return p->x < q->x ? -1 : 1;
    return (p->at > q->at) - (p->at < q->at);
}

static int by_place(const void *a, const void *b)
{
    double p = ((const vertex *)a)->q, q = ((const vertex *)b)->q;

    return (p > q) - (p < q);
}

static void add_vertex(loess *w, double q)
{
    for (int64_t i = 0; i < w->n_vertices; i++)
        if (w->vertices[i].q == q)
            return;
    w->vertices[w->n_vertices++].q = q;
}

/* The point after which a cell is cut: the one nearest to the middle that its successor differs from. */
static int64_t middle(const loess *w, const cell *c)
{
    int64_t m = (c->lower + c->upper) / 2, offset = 0;

    while (m + offset < c->upper && m + offset >= c->lower) {
        if (w->points[m + offset - 1].x != w->points[m + offset].x)
            return m + offset;
        offset = offset > 0 ? -offset : -offset + 1;
    }
    return m;
}

/* Breadth first, since the number of cells and vertices is limited. */
static void cut_cells(loess *w)
{
    for (int64_t i = 0; i < w->n_cells; i++) {
        cell c = w->cells[i];
        int64_t m;
        double t;
        if (c.upper - c.lower + 1 <= w->small || c.right - c.left <= 0 || w->n_cells + 2 > w->most ||
            w->n_vertices + 1 > w->most)
            continue;
        m = middle(w, &c);
        t = w->points[m - 1].x;
        if (t == c.left || t == c.right)
            continue;
        add_vertex(w, t);
        w->cells[w->n_cells++] = (cell){c.lower, m, c.left, t};
        w->cells[w->n_cells++] = (cell){m + 1, c.upper, t, c.right};
    }
}

static void plant(loess *w)
{
    double lo = w->points[0].x, hi = w->points[w->n - 1].x, far = fabs(lo) > fabs(hi) ? fabs(lo) : fabs(hi);
    double width = hi - lo, least = 1e-10 * far + 1e-30, margin = MARGIN * (width > least ? width : least);

    add_vertex(w, lo - margin);
    add_vertex(w, hi + margin);
    w->cells[0] = (cell){1, w->n, lo - margin, hi + margin};
    w->n_cells = 1;
    cut_cells(w);
    qsort(w->vertices, (size_t)w->n_vertices, sizeof *w->vertices, by_place);
}

/* ---- one local fit ---------------------------------------------------------------------------------------*/

/* The k-th smallest (from 1) of x[0..n-1], which is reordered. */
static double kth_smallest(double *x, int64_t n, int64_t k)
{
    int64_t lo = 0, hi = n - 1;

    while (lo < hi) {
        double pivot = x[lo + (hi - lo) / 2];
        int64_t i = lo, j = hi;
        while (i <= j) {
            while (x[i] < pivot)
                i++;
            while (x[j] > pivot)
                j--;
            if (i <= j) {
                double t = x[i];
                x[i++] = x[j];
                x[j--] = t;
            }
        }
        if (k - 1 <= j)
            hi = j;
        else if (k - 1 >= i)
            lo = i;
        else
            break;
    }
    return x[k - 1];
}

/* Rows of a least-squares problem, turned one by one into the triangle R and Q'y (Givens rotations): the rows
 * need not be kept. */
typedef struct {
    double r[COLUMNS][COLUMNS], y[COLUMNS];
} triangle;

static void add_row(triangle *t, const double row_in[COLUMNS], double y)
{
    double row[COLUMNS];

    memcpy(row, row_in, sizeof row);
    for (int k = 0; k < COLUMNS; k++) {
        double a = t->r[k][k], b = row[k], h = hypot(a, b), c, s, old;
        if (b == 0)
            continue;
        c = a / h;
        s = b / h;
        t->r[k][k] = h;
        for (int j = k + 1; j < COLUMNS; j++) {
            old = t->r[k][j];
            t->r[k][j] = c * old + s * row[j];
            row[j] = c * row[j] - s * old;
        }
        old = t->y[k];
        t->y[k] = c * old + s * y;
        y = c * y - s * old;
    }
}

/* Singular values and right vectors of R by one-sided Jacobi: on return the columns of u are orthogonal,
 * u = R v. */
static void decompose(double u[COLUMNS][COLUMNS], double v[COLUMNS][COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++)
        for (int j = 0; j < COLUMNS; j++)
            v[i][j] = i == j;
    for (int sweep = 0, turned = 1; sweep < 60 && turned; sweep++) {
        turned = 0;
        for (int p = 0; p < COLUMNS - 1; p++)
            for (int q = p + 1; q < COLUMNS; q++) {
                double pp = 0, qq = 0, pq = 0, zeta, t, c, s;
                for (int i = 0; i < COLUMNS; i++) {
                    pp += u[i][p] * u[i][p];
                    qq += u[i][q] * u[i][q];
                    pq += u[i][p] * u[i][q];
                }
                if (fabs(pq) <= DBL_EPSILON * sqrt(pp * qq))
                    continue;
                turned = 1;
                zeta = (qq - pp) / (2 * pq);
                t = (zeta < 0 ? -1 : 1) / (fabs(zeta) + sqrt(1 + zeta * zeta));
                c = 1 / sqrt(1 + t * t);
                s = c * t;
                for (int i = 0; i < COLUMNS; i++) {
                    double a = u[i][p], b = u[i][q];
                    u[i][p] = c * a - s * b;
                    u[i][q] = s * a + c * b;
                    a = v[i][p];
                    b = v[i][q];
                    v[i][p] = c * a - s * b;
                    v[i][q] = s * a + c * b;
                }
            }
    }
}

/* Coefficients from the triangle, its columns scaled to length 1; false when it is nearly singular. */
static bool solve(const triangle *t, double beta[COLUMNS])
{
    double u[COLUMNS][COLUMNS] = {{0}}, v[COLUMNS][COLUMNS], length[COLUMNS], squares[COLUMNS], largest = 0;

    for (int j = 0; j < COLUMNS; j++) {
        length[j] = 0;
        for (int i = 0; i <= j; i++)
            length[j] += t->r[i][j] * t->r[i][j];
        length[j] = sqrt(length[j]);
        if (length[j] == 0)
            return false;
        for (int i = 0; i <= j; i++)
            u[i][j] = t->r[i][j] / length[j];
        beta[j] = 0;
    }
    decompose(u, v);
    for (int k = 0; k < COLUMNS; k++) {
        squares[k] = 0;
        for (int i = 0; i < COLUMNS; i++)
            squares[k] += u[i][k] * u[i][k];
        largest = squares[k] > largest ? squares[k] : largest;
    }
    for (int k = 0; k < COLUMNS; k++) {
        double along = 0;
        if (!(sqrt(squares[k]) > TOLERANCE * sqrt(largest)))
            return false;
        for (int i = 0; i < COLUMNS; i++)
            along += u[i][k] * t->y[i];
        for (int j = 0; j < COLUMNS; j++)
            beta[j] += v[j][k] * along / squares[k];
    }
    for (int j = 0; j < COLUMNS; j++)
        beta[j] /= length[j];
    return true;
}

static clab_status fit_vertex(loess *w, vertex *at)
{
    triangle t = {{{0}}, {0}};
    double reach, beta[COLUMNS];

    for (int64_t i = 0; i < w->n; i++)
        w->distance[i] = (w->points[i].x - at->q) * (w->points[i].x - at->q);
    reach = kth_smallest(w->distance, w->n, w->near) * (w->span > 1 ? w->span : 1);
    if (!(reach > 0))
        return clab_fail(w->cx, CLAB_EARG, "more than %lld of %lld points of the curve lie at the same place (%g)",
                         (long long)w->near, (long long)w->n, at->q);
    for (int64_t i = 0; i < w->n; i++) {
        double away = w->points[i].x - at->q, d = away * away, ratio, weight;
        if (!(d < reach))
            continue;
        ratio = sqrt(d / reach);
        ratio = 1 - ratio * ratio * ratio;
        weight = sqrt(ratio * ratio * ratio);
        add_row(&t, (double[COLUMNS]){weight, weight * away, weight * away * away}, weight * w->points[i].y);
    }
    if (!solve(&t, beta))
        return clab_fail(w->cx, CLAB_EARG, "the local fit at %g is nearly singular: too few different points near it",
                         at->q);
    at->value = beta[0];
    at->slope = beta[1];
    return clab_check(w->cx);
}

/* ---- the curve ---------------------------------------------------------------------------------------------*/

static double between(const vertex *a, const vertex *b, double x)
{
    double width = b->q - a->q, h = (x - a->q) / width, r = 1 - h;

    return r * r * (1 + 2 * h) * a->value + h * h * (1 + 2 * r) * b->value +
           width * (h * r * r * a->slope - h * h * r * b->slope);
}

static void read_off(const loess *w, double *fit)
{
    int64_t v = 0;

    for (int64_t i = 0; i < w->n; i++) {
        while (v + 2 < w->n_vertices && w->points[i].x > w->vertices[v + 1].q)
            v++;
        fit[w->points[i].at] = between(&w->vertices[v], &w->vertices[v + 1], w->points[i].x);
    }
}

static clab_status loess_new(loess *w, const double *x, const double *y)
{
    void *p[4] = {NULL, NULL, NULL, NULL};
    clab_status s = clab_mem_alloc(w->cx, CLAB_MEM_WORK, w->n * (int64_t)sizeof(point), "loess", &p[0]);

    w->most = w->n > 200 ? w->n : 200;
    if (s == CLAB_OK)
        s = clab_mem_alloc(w->cx, CLAB_MEM_WORK, w->n * 8, "loess", &p[1]);
    if (s == CLAB_OK)
        s = clab_mem_alloc(w->cx, CLAB_MEM_WORK, (w->most + 4) * (int64_t)sizeof(vertex), "loess", &p[2]);
    if (s == CLAB_OK)
        s = clab_mem_alloc(w->cx, CLAB_MEM_WORK, (w->most + 4) * (int64_t)sizeof(cell), "loess", &p[3]);
    w->points = p[0];
    w->distance = p[1];
    w->vertices = p[2];
    w->cells = p[3];
    if (s != CLAB_OK)
        return s;
    for (int64_t i = 0; i < w->n; i++)
        w->points[i] = (point){x[i], y[i], i};
    qsort(w->points, (size_t)w->n, sizeof *w->points, by_x);
    return CLAB_OK;
}

clab_status clab__loess(clab_ctx *cx, int64_t n, const double *x, const double *y, double span, double *fit)
{
    double near = floor((double)n * span + 1e-5);
    loess w = {.cx = cx, .n = n, .span = span, .near = near < (double)n ? (int64_t)near : n,
               .small = (int64_t)floor((double)n * (span * CELL))};
    clab_status s;

    if (w.near < COLUMNS + 1)
        return clab_fail(cx, CLAB_EARG, "a span of %g of %lld points leaves %lld for each local fit, which needs %d", span,
                         (long long)n, (long long)w.near, COLUMNS + 1);
    s = loess_new(&w, x, y);
    if (s == CLAB_OK)
        plant(&w);
    for (int64_t i = 0; s == CLAB_OK && i < w.n_vertices; i++)
        s = fit_vertex(&w, &w.vertices[i]);
    if (s == CLAB_OK)
        read_off(&w, fit);
    clab_mem_free(cx, w.cells);
    clab_mem_free(cx, w.vertices);
    clab_mem_free(cx, w.distance);
    clab_mem_free(cx, w.points);
    return s;
}
