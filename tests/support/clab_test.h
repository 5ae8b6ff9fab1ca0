/* clab_test.h -- what every test needs: cmocka, a context with a ledger, data files, near equality. */
#ifndef CLAB_TEST_H
#define CLAB_TEST_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/ledger.h"

/* test_ctx -- a context with a ledger (no journal, no live file); budget 0 = the limits found.
 * Notes and warnings are kept, see test_notes. */
clab_ctx *test_ctx(int threads);
clab_ctx *test_ctx_budget(int threads, int64_t budget_bytes);
void test_ctx_free(clab_ctx *cx); /* fails the test when accounted memory was not given back */

/* What was noted since the last call, a line each; borrowed until then. */
const char *test_notes(void);

/* Paths, in one of 8 rotating buffers.  test_data: tests/data/NAME of the project, which must be
 * there.  test_shared: NAME under CLAB_SHARED; when missing the test says so and is skipped.
 * test_source: NAME under the project. */
const char *test_data(const char *name);
const char *test_shared(const char *name);
const char *test_source(const char *name);

/* A directory of this process's own, removed when it ends; test_temp: a path in it. */
const char *test_dir(void);
const char *test_temp(const char *name);

/* Whole text of a file, NULL when it is not there; caller free()s. */
char *test_read_text(const char *path);
void test_write_text(const char *path, const char *text);

/* |got - want| <= abs + rel |want|; NaN equals NaN.  Prints both. */
#define assert_near(got, want, abs_tol, rel_tol)                                                             \
    test_assert_near((got), (want), (abs_tol), (rel_tol), #got, __FILE__, __LINE__)
void test_assert_near(double got, double want, double abs_tol, double rel_tol, const char *what,
                      const char *file, int line);

/* The status of a call is CLAB_OK; prints the error text when not. */
#define assert_clab_ok(cx, call) test_assert_status((cx), (call), CLAB_OK, NULL, #call, __FILE__, __LINE__)
/* The call fails with `status` and its text holds `words` (NULL = any); the error is cleared. */
#define assert_clab_fails(cx, call, status, words)                                                           \
    test_assert_status((cx), (call), (status), (words), #call, __FILE__, __LINE__)
void test_assert_status(clab_ctx *cx, clab_status got, clab_status want, const char *words, const char *what,
                        const char *file, int line);

/* `text` holds `words`; prints the text when not. */
#define assert_holds(text, words) test_assert_holds((text), (words), __FILE__, __LINE__)
void test_assert_holds(const char *text, const char *words, const char *file, int line);

#endif
