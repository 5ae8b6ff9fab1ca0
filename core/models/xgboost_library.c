/* xgboost_library.c -- finds and loads the XGBoost library at run time.
 * Refuses to use it: that is the guest's work. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "models/xgboost_impl.h"

/* The symbols, in the order of the map; *missing names the first that is not there. */
static bool bind(void *dl, clab__xgb *lib, const char **missing)
{
    void *symbol;

#define X(type, name, args)                                                                                  \
    symbol = dlsym(dl, #name);                                                                               \
    if (!symbol) {                                                                                           \
        *missing = #name;                                                                                    \
        return false;                                                                                        \
    }                                                                                                        \
    memcpy(&lib->name, &symbol, sizeof symbol); /* ISO C has no cast from object to function pointers */
    CLAB__XGB_MAP(X)
#undef X
    return true;
}

/* One candidate; what was wrong with it is appended to `tried`. */
static bool try_library(const char *name, clab__xgb *lib, clab_str *tried)
{
    const char *missing = NULL;
    void *dl = dlopen(name, RTLD_NOW | RTLD_LOCAL), *version;
    void (*get_version)(int *, int *, int *);
    int major = 0, minor = 0, patch = 0;
    Dl_info info;

    clab_str_addf(tried, "%s%s: ", tried->len ? "; " : "", clab_show(name));
    if (!dl) {
        clab_str_add(tried, clab_show(dlerror()));
        return false;
    }
    version = dlsym(dl, "XGBoostVersion");
    if (version) {
        memcpy(&get_version, &version, sizeof version);
        get_version(&major, &minor, &patch);
    }
    if (major < 1 || (major == 1 && minor < 7)) {
        clab_str_addf(tried, version ? "is version %d.%d.%d, but 1.7 or later is needed" : "is no XGBoost library",
                      major, minor, patch);
        dlclose(dl);
        return false;
    }
    if (!bind(dl, lib, &missing)) {
        clab_str_addf(tried, "version %d.%d.%d lacks %s", major, minor, patch, missing);
        dlclose(dl);
        return false;
    }
    lib->dl = dl;
    snprintf(lib->version, sizeof lib->version, "%d.%d.%d", major, minor, patch);
    snprintf(lib->path, sizeof lib->path, "%s", dladdr(version, &info) && info.dli_fname ? info.dli_fname : name);
    return true;
}

/* Waiting OpenMP threads must sleep: spinning ones made training 30 times slower on a shared node. */
static void calm_openmp(int threads)
{
    char n[16];

    snprintf(n, sizeof n, "%d", threads);
    setenv("OMP_WAIT_POLICY", "PASSIVE", 1);
    setenv("GOMP_SPINCOUNT", "0", 1);
    setenv("OMP_NUM_THREADS", n, 1);
    setenv("OMP_DYNAMIC", "FALSE", 1);
}

clab_status clab__xgb_load(clab_ctx *cx, int threads, clab__xgb *lib)
{
    const char *mine = getenv("CELLLAB_XGBOOST");
    const char *const usual[] = {"libxgboost.so.0", "libxgboost.so"};
    clab_str tried = {0};
    bool found = false;

    memset(lib, 0, sizeof *lib);
    calm_openmp(threads);
    if (mine && *mine) {
        found = try_library(mine, lib, &tried); /* who names one gets that one or an error */
    } else {
        for (size_t i = 0; i < 2 && !found; i++)
            found = try_library(usual[i], lib, &tried);
    }
    if (!found) {
        (void)clab_fail(cx, CLAB_ENOTFOUND, "the XGBoost library (1.7 or later) was not found; tried %s",
                        tried.s ? tried.s : "nothing");
        clab_str_free(&tried);
        return clab_hint(cx, "install the package libxgboost0 (Debian, Ubuntu) or set CELLLAB_XGBOOST to the "
                             "path of a libxgboost.so, for instance the one in Python's package xgboost");
    }
    clab_str_free(&tried);
    return clab__xgb_call(cx, lib, "setting up", lib->XGBSetGlobalConfig("{\"verbosity\":0}"));
}

clab_status clab__xgb_call(clab_ctx *cx, const clab__xgb *lib, const char *doing, int rc)
{
    const char *words, *colon;
    char line[256];

    if (rc == 0)
        return CLAB_OK;
    /* "[12:00:00] ./src/x.cc:12: Check failed: ...\nStack trace: ..." : the first line says it. */
    words = lib->XGBGetLastError();
    colon = strstr(words, ".cc:");
    if (colon && (colon = strstr(colon, ": ")))
        words = colon + 2;
    snprintf(line, sizeof line, "%.*s", (int)strcspn(words, "\n"), words);
    return clab_fail(cx, CLAB_EBACKEND, "XGBoost %s failed while %s: %s", lib->version, doing, clab_show(line));
}
