/* blas.c -- finding and loading a CBLAS. */
#include "backend/blas.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "backend/blas_plain.h"
#include "base/text.h"

enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };

/* Address space that OpenBLAS takes: the library, and one buffer for each thread that calls. */
#define BLAS_BASE_BYTES (INT64_C(150) << 20)
#define BLAS_THREAD_BYTES (INT64_C(135) << 20)

static const char *const PLACES[] = {
    "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0",
    "/usr/lib/x86_64-linux-gnu/openblas-openmp/libopenblas.so.0",
    "/usr/lib/aarch64-linux-gnu/openblas-pthread/libopenblas.so.0",
    "libopenblas.so.0",
    "libopenblasp.so.0",
    "libopenblas.so",
};

static int64_t address_space_used(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long long pages = 0;

    if (f) {
        if (fscanf(f, "%lld", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return pages * 4096;
}

/* OpenBLAS 0.3 hangs in its constructor when address space is short: ask before loading. */
static bool address_space_suffices(clab_ctx *cx, char *why, size_t n)
{
    struct rlimit lim;
    int64_t need = address_space_used() + BLAS_BASE_BYTES + BLAS_THREAD_BYTES * (clab_threads(cx) + 1);

    if (getrlimit(RLIMIT_AS, &lim) != 0 || lim.rlim_cur == RLIM_INFINITY || (int64_t)lim.rlim_cur >= need)
        return true;
    snprintf(why, n, "the address-space limit (ulimit -v) of %s is below the %s that OpenBLAS needs",
             clab_bytes((int64_t)lim.rlim_cur), clab_bytes(need));
    return false;
}

/* Sets a variable to "1" for the time of a dlopen.  Nothing is touched where main() has set it already:
 * changing the environment is not safe beside threads that read it. */
static bool env_push(const char *name, char **kept)
{
    const char *old = getenv(name);

    *kept = NULL;
    if (old && strcmp(old, "1") == 0)
        return false;
    *kept = old ? strdup(old) : NULL;
    setenv(name, "1", 1);
    return true;
}

static void env_pop(const char *name, char *kept)
{
    if (kept)
        setenv(name, kept, 1);
    else
        unsetenv(name);
    free(kept);
}

/* Loads with one BLAS thread: no pool of its own is started, guests keep the user's settings. */
static void *load(const char *path)
{
    static const char *const names[] = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
                                        "BLIS_NUM_THREADS"};
    enum { N = sizeof names / sizeof names[0] };
    char *kept[N];
    bool changed[N];
    void *h;

    for (int i = 0; i < N; i++)
        changed[i] = env_push(names[i], &kept[i]);
    h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    for (int i = 0; i < N; i++)
        if (changed[i])
            env_pop(names[i], kept[i]);
    return h;
}

/* A symbol as a function pointer without a cast that ISO C forbids. */
static void symbol(void *handle, const char *name, void *fn)
{
    void *p = dlsym(handle, name);
    memcpy(fn, &p, sizeof p);
}

static bool accept(clab_ctx *cx, clab_blas *bl, const char *path, char *why, size_t n)
{
    int (*parallel)(void) = NULL;
    void (*set_threads)(int) = NULL;
    char *(*config)(void) = NULL;
    char *(*core)(void) = NULL;
    char name[96];

    symbol(bl->handle, "cblas_sgemm", &bl->sgemm);
    symbol(bl->handle, "cblas_dgemm", &bl->dgemm);
    symbol(bl->handle, "dsyevr_", &bl->dsyevr);
    symbol(bl->handle, "openblas_get_parallel", &parallel);
    symbol(bl->handle, "openblas_set_num_threads", &set_threads);
    symbol(bl->handle, "openblas_get_config", &config);
    symbol(bl->handle, "openblas_get_corename", &core);
    if (!bl->sgemm || !bl->dgemm) {
        snprintf(why, n, "%s has no CBLAS", path);
        return false;
    }
    if (parallel && parallel() == 0 && clab_threads(cx) > 1) {
        snprintf(why, n, "%s is the serial flavour of OpenBLAS, whose products are wrong when several threads call it",
                 path);
        return false;
    }
    if (set_threads)
        set_threads(1);
    if (config) { /* "OpenBLAS 0.3.21 NO_AFFINITY ..." */
        snprintf(name, sizeof name, "%s", config());
        char *end = strchr(name, ' ');
        end = end ? strchr(end + 1, ' ') : NULL;
        if (end)
            *end = '\0';
        snprintf(bl->describe, sizeof bl->describe, "%.60s (%.40s)", name, core ? core() : "?");
    } else {
        snprintf(bl->describe, sizeof bl->describe, "%.150s", path);
    }
    return true;
}

static bool try_path(clab_ctx *cx, clab_blas *bl, const char *path, char *why, size_t n)
{
    bl->handle = load(path);
    if (!bl->handle) {
        if (!why[0])
            snprintf(why, n, "no OpenBLAS was found");
        return false;
    }
    if (accept(cx, bl, path, why, n))
        return true;
    dlclose(bl->handle);
    memset(bl, 0, sizeof *bl);
    return false;
}

void clab_blas_open(clab_ctx *cx, clab_blas *out)
{
    const char *named = getenv("CELLLAB_BLAS");
    char why[256] = "";

    memset(out, 0, sizeof *out);
    if (address_space_suffices(cx, why, sizeof why)) {
        if (named && named[0] && strcmp(named, "plain") != 0) {
            if (try_path(cx, out, named, why, sizeof why))
                return;
            clab_warn(cx, "CELLLAB_BLAS=%s cannot be used: %s", clab_show(named), why);
        }
        for (size_t i = 0; i < sizeof PLACES / sizeof PLACES[0] && !(named && strcmp(named, "plain") == 0); i++)
            if (try_path(cx, out, PLACES[i], why, sizeof why))
                return;
    }
    if (!why[0])
        snprintf(why, sizeof why, "CELLLAB_BLAS=plain");
    snprintf(out->describe, sizeof out->describe, "plain C");
    clab_note(cx, "matrix products run in plain C, several times slower than a BLAS: %s "
                  "(Debian: apt-get install libopenblas0-pthread; elsewhere: CELLLAB_BLAS=/path/to/libopenblas.so)", why);
}

void clab_blas_sgemm(const clab_blas *bl, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a,
                     int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc)
{
    if (bl->sgemm)
        bl->sgemm(ROW_MAJOR, ta ? TRANS : NO_TRANS, tb ? TRANS : NO_TRANS, (int)m, (int)n, (int)k, 1.0f, a, (int)lda,
                  b, (int)ldb, beta, c, (int)ldc);
    else
        clab__plain_sgemm(ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

void clab_blas_dgemm(const clab_blas *bl, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const double *a,
                     int64_t lda, const double *b, int64_t ldb, double beta, double *c, int64_t ldc)
{
    if (bl->dgemm)
        bl->dgemm(ROW_MAJOR, ta ? TRANS : NO_TRANS, tb ? TRANS : NO_TRANS, (int)m, (int)n, (int)k, 1.0, a, (int)lda,
                  b, (int)ldb, beta, c, (int)ldc);
    else
        clab__plain_dgemm(ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc);
}
