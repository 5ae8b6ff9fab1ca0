/* golden_steps.h -- what the golden tests of the numeric steps share: the two sets of golden files
 * (the small one of the project, the large one beside it), and comparisons that say where they fail. */
#ifndef CLAB_GOLDEN_STEPS_H
#define CLAB_GOLDEN_STEPS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden_h5.h"
#include "ledger/ledger.h"
#include "run_step.h"
#include "small.h"

static clab_ctx *cx;

static int golden_setup(void **state)
{
    clab_ctx_opts o = {.threads = 2};

    (void)state;
    cx = clab_ctx_new(&o);
    return cx ? 0 : -1;
}

static int golden_teardown(void **state)
{
    (void)state;
    clab_ctx_free(cx);
    return 0;
}

/* A set: input file, file of results, and where in it this step's results begin. */
typedef struct {
    golden *in, *results;
    const char *prefix;
} golden_set;

static inline golden_set open_small(const char *prefix)
{
    golden_set g = {golden_open("scanpy_small.h5"), golden_open("scanpy_small.h5"), prefix};

    assert_non_null(g.in);
    return g;
}

/* The set with awkward corners: empty cells, constant and absent genes, genes that some batches lack. */
static inline golden_set open_corners(const char *prefix)
{
    golden_set g = {golden_open("scanpy_steps.h5"), golden_open("scanpy_steps.h5"), prefix};

    assert_non_null(g.in);
    return g;
}

/* Skips the test where the large files are not there. */
static inline golden_set open_large(const char *results)
{
    golden_set g = {golden_open("golden_scanpy/input_sim.h5ad"), golden_open(results), ""};

    if (!g.in || !g.results) {
        print_message("golden_scanpy is not there: skipped\n");
        skip();
    }
    return g;
}

static inline void close_set(golden_set *g)
{
    golden_close(g->in);
    golden_close(g->results);
}

/* PREFIX/A/B of the set's results; borrowed until the next call. */
static inline const char *at(const golden_set *g, const char *a, const char *b)
{
    static char path[256];

    snprintf(path, sizeof path, "%s%s/%s", g->prefix, a, b);
    return path;
}

static inline clab_dataset *input_of(const golden_set *g)
{
    clab_matrix *x = golden_matrix(cx, g->in, "X");
    clab_dataset *d = x ? step_dataset(cx, x) : NULL;
    int64_t n;
    double *codes = golden_numbers(g->in, "obs/batch/codes", &n), last = 0;

    assert_non_null(d);
    assert_non_null(codes);
    for (int64_t i = 0; i < n; i++)
        last = codes[i] > last ? codes[i] : last;
    assert_int_equal(step_batches(cx, d, "batch", codes, (int)last + 1), CLAB_OK);
    free(codes);
    clab_matrix_unref(x);
    return d;
}

static inline bool near(double got, double want, double rel, double abs_)
{
    if (isnan(want))
        return isnan(got);
    return got == want || fabs(got - want) <= abs_ + rel * fabs(want);
}

static inline void same_numbers(const char *what, const double *got, const double *want, int64_t n, double rel, double abs_)
{
    for (int64_t i = 0; i < n; i++)
        if (!near(got[i], want[i], rel, abs_))
            fail_msg("%s[%lld]: %.17g, not %.17g", what, (long long)i, got[i], want[i]);
}

/* A var or obs column against a dataset of the golden file. */
static inline void same_column(const golden_set *g, const char *group, const char *name, const clab_value *column, double rel,
                        double abs_)
{
    int64_t n;
    double *want = golden_numbers(g->results, at(g, group, name), &n);

    assert_non_null(want);
    assert_non_null(column);
    assert_int_equal(clab_value_len(column), n);
    for (int64_t i = 0; i < n; i++)
        if (!near(clab_value_at_num(column, i), want[i], rel, abs_))
            fail_msg("%s/%s[%lld]: %.17g, not %.17g", group, name, (long long)i, clab_value_at_num(column, i), want[i]);
    free(want);
}

/* The first rows of X against GROUP/X_rows, sparse or dense. */
static inline void same_rows(const golden_set *g, const char *group, const clab_matrix *x, double rel, double abs_)
{
    char path[256];
    int64_t n, n_cols = clab_matrix_n_cols(x);
    double *got = small_dense(cx, x, true), *want;

    snprintf(path, sizeof path, "%s", at(g, group, "X_rows"));
    if (golden_has(g->results, at(g, group, "X_rows/data"))) {
        clab_matrix *rows = golden_matrix(cx, g->results, path);
        assert_non_null(rows);
        want = small_dense(cx, rows, true);
        n = clab_matrix_n_rows(rows) * n_cols;
        clab_matrix_unref(rows);
    } else {
        want = golden_numbers(g->results, path, &n);
        assert_non_null(want);
    }
    same_numbers(group, got, want, n, rel, abs_);
    free(got);
    free(want);
}

/* A step on d ends with `want`, in words that hold `words`, and without a result. */
static inline void refused(const char *step, const char *args, const clab_dataset *d, clab_status want, const char *words)
{
    clab_dataset *out = NULL;

    assert_int_equal(run_step(cx, step, args, d, &out), want);
    if (!strstr(clab_error_text(cx), words))
        fail_msg("\"%s\" does not say \"%s\"", clab_error_text(cx), words);
    clab_error_clear(cx);
    assert_null(out);
}

#endif
