/* test_backend_loader.c -- finding backends: what is listed, what is said, what is an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "backend/blas.h"
#include "base/ctx.h"

static char notes[4096];

static void keep_note(void *user, clab_note_level level, const char *text)
{
    (void)user;
    (void)level;
    snprintf(notes + strlen(notes), sizeof notes - strlen(notes), "%s\n", text);
}

static clab_ctx *context(void)
{
    clab_ctx_opts o = {.threads = 2, .note = keep_note};
    clab_ctx *cx = clab_ctx_new(&o);

    assert_non_null(cx);
    notes[0] = '\0';
    return cx;
}

/* A directory with a file of that name in it, as the place of plug-ins. */
static void plugin_file(char *dir, size_t n, const char *content)
{
    char path[600];
    FILE *f;

    snprintf(dir, n, "/tmp/clab_backend_XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/celllab_cuda.so", dir);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
    setenv("CELLLAB_BACKEND_DIR", dir, 1);
}

static void plugin_gone(const char *dir)
{
    char path[600];

    snprintf(path, sizeof path, "%s/celllab_cuda.so", dir);
    unlink(path);
    rmdir(dir);
    unsetenv("CELLLAB_BACKEND_DIR");
}

static void test_devices(void **state)
{
    clab_ctx *cx = context();
    clab_device d[4];

    (void)state;
    setenv("CELLLAB_BACKEND_DIR", "/nowhere", 1);
    assert_int_equal(clab_devices(cx, d, 4), 2);
    assert_string_equal(d[0].name, "cpu");
    assert_true(d[0].usable);
    assert_string_equal(d[1].name, "cuda");
    assert_false(d[1].usable);
    assert_non_null(strstr(d[1].reason, "not found"));
    assert_int_equal(clab_devices(cx, d, 1), 1);
    unsetenv("CELLLAB_BACKEND_DIR");
    clab_ctx_free(cx);
}

static void test_auto_says_what_and_why(void **state)
{
    clab_ctx *cx = context();
    clab_backend *be = NULL;
    char dir[64];

    (void)state;
    plugin_file(dir, sizeof dir, "this is no shared object");
    assert_int_equal(clab_backend_open(cx, "auto", &be), CLAB_OK);
    assert_string_equal(be->name, "cpu");
    assert_non_null(strstr(notes, "device: cpu, 2 threads"));
    assert_non_null(strstr(notes, "no GPU: "));
    assert_non_null(strstr(notes, dir));
    clab_backend_close(be);
    plugin_gone(dir);
    clab_ctx_free(cx);
}

static void test_named_device_never_falls_back(void **state)
{
    static const char *const names[] = {"cuda", "gpu"};

    (void)state;
    setenv("CELLLAB_BACKEND_DIR", "/nowhere", 1);
    for (int i = 0; i < 2; i++) {
        clab_ctx *cx = context();
        clab_backend *be = NULL;
        assert_int_equal(clab_backend_open(cx, names[i], &be), CLAB_EBACKEND);
        assert_null(be);
        assert_non_null(strstr(clab_error_text(cx), "not found"));
        assert_non_null(strstr(clab_error_text(cx), "device=\"cpu\""));
        clab_ctx_free(cx);
    }
    unsetenv("CELLLAB_BACKEND_DIR");
}

static void test_unknown_device(void **state)
{
    clab_ctx *cx = context();
    clab_backend *be = NULL;

    (void)state;
    assert_int_equal(clab_backend_open(cx, "tpu", &be), CLAB_EARG);
    assert_non_null(strstr(clab_error_text(cx), "tpu"));
    clab_ctx_free(cx);
}

/* OpenBLAS would hang for ever: it is not loaded, and the reason is said. */
static void test_short_address_space(void **state)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)state;
    skip(); /* sanitizers take terabytes of address space */
#else
    clab_ctx *cx = context();
    struct rlimit old, low;
    clab_blas bl;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    low = old;
    low.rlim_cur = 400L << 20;
    if (setrlimit(RLIMIT_AS, &low) != 0)
        skip();
    clab_blas_open(cx, &bl);
    setrlimit(RLIMIT_AS, &old);
    assert_null(bl.handle);
    assert_non_null(strstr(notes, "address-space limit"));
    clab_ctx_free(cx);
#endif
}

/* Loading a BLAS leaves the environment as it was: guests inherit it. */
static void test_environment_is_kept(void **state)
{
    clab_ctx *cx = context();
    clab_blas bl;

    (void)state;
    setenv("OMP_NUM_THREADS", "3", 1);
    unsetenv("OPENBLAS_NUM_THREADS");
    clab_blas_open(cx, &bl);
    assert_string_equal(getenv("OMP_NUM_THREADS"), "3");
    assert_null(getenv("OPENBLAS_NUM_THREADS"));
    unsetenv("OMP_NUM_THREADS");
    clab_ctx_free(cx);
}

static void test_named_blas_that_is_none(void **state)
{
    clab_ctx *cx = context();
    clab_blas bl;

    (void)state;
    setenv("CELLLAB_BLAS", "/nowhere/libblas.so", 1);
    clab_blas_open(cx, &bl);
    assert_non_null(strstr(notes, "/nowhere/libblas.so"));
    unsetenv("CELLLAB_BLAS");
    clab_ctx_free(cx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_auto_says_what_and_why),
        cmocka_unit_test(test_named_device_never_falls_back),
        cmocka_unit_test(test_unknown_device),
        cmocka_unit_test(test_short_address_space),
        cmocka_unit_test(test_environment_is_kept),
        cmocka_unit_test(test_named_blas_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
