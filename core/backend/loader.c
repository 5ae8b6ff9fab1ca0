/* loader.c -- which backends there are here, why not the others, and opening one. */
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/cpu_impl.h"
#include "base/text.h"

/* ---- what a plug-in may call --------------------------------------------------------------------------*/
static void host_fail(clab_ctx *cx, clab_status s, const char *text)
{
    (void)clab_fail(cx, s, "%s", text);
}

static clab_status host_charge(clab_ctx *cx, int kind, int64_t bytes, const char *what, uint64_t *charge)
{
    return clab_mem_charge(cx, (clab_mem_kind)kind, bytes, what, charge);
}

static const clab_backend_host HOST = {host_fail, host_charge, clab_mem_release, clab_cancelled};

/* ---- finding it ------------------------------------------------------------------------------------------*/
/* Candidate i of the places where celllab_NAME.so may lie; false when there are no more. */
static bool candidate(int i, const char *name, char *path, size_t n)
{
    const char *dir = getenv("CELLLAB_BACKEND_DIR");
    char exe[PATH_MAX];
    ssize_t len;
    int w;

    if (dir && dir[0]) /* asked for: the only place */
        w = i == 0 ? snprintf(path, n, "%s/celllab_%s.so", dir, name) : 0;
    else {
        len = readlink("/proc/self/exe", exe, sizeof exe - 1);
        if (len <= 0)
            return false;
        exe[len] = '\0';
        w = i == 0   ? snprintf(path, n, "%s/celllab_%s.so", dirname(exe), name)
            : i == 1 ? snprintf(path, n, "%s/../lib/celllab/celllab_%s.so", dirname(exe), name)
                     : 0;
    }
    return w > 0 && (size_t)w < n;
}

/* The plug-in's table, or NULL with the reason.  Never unloaded: threads may still run inside. */
static const clab_backend_plugin *load_plugin(const char *name, char *why, size_t n)
{
    char path[PATH_MAX];
    clab_backend_entry_fn entry = NULL;
    const clab_backend_plugin *p;
    void *h = NULL, *sym;

    snprintf(why, n, "celllab_%s.so was not found", name);
    for (int i = 0; !h && candidate(i, name, path, sizeof path); i++) {
        if (access(path, R_OK) != 0)
            continue;
        h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!h)
            snprintf(why, n, "%s", clab_show(dlerror()));
    }
    if (!h)
        return NULL;
    sym = dlsym(h, "clab_backend_entry");
    memcpy(&entry, &sym, sizeof entry);
    p = entry ? entry() : NULL;
    if (!p)
        snprintf(why, n, "%s has no clab_backend_entry", clab_show(path));
    else if (p->abi != CLAB_BACKEND_ABI)
        snprintf(why, n, "%s speaks version %d, this program %d", clab_show(path), p->abi, CLAB_BACKEND_ABI);
    else
        return p;
    return NULL;
}

static const char *const PLUGINS[] = {"cuda"};
enum { N_PLUGINS = sizeof PLUGINS / sizeof PLUGINS[0] };

int clab_devices(clab_ctx *cx, clab_device *out, int max)
{
    int n = 0;

    if (n < max) {
        snprintf(out[n].name, sizeof out[n].name, "cpu");
        snprintf(out[n].reason, sizeof out[n].reason, "%d threads", clab_threads(cx));
        out[n++].usable = true;
    }
    for (int i = 0; i < N_PLUGINS && n < max; i++, n++) {
        const clab_backend_plugin *p = load_plugin(PLUGINS[i], out[n].reason, sizeof out[n].reason);
        snprintf(out[n].name, sizeof out[n].name, "%s", PLUGINS[i]);
        out[n].usable = p && p->score(out[n].reason, sizeof out[n].reason) > 0;
    }
    return n;
}

/* ---- opening ---------------------------------------------------------------------------------------------*/
static clab_status open_plugin(clab_ctx *cx, const char *name, clab_backend **out, char *why, size_t n)
{
    const clab_backend_plugin *p = load_plugin(name, why, n);

    if (!p || p->score(why, n) <= 0)
        return CLAB_EBACKEND;
    return p->open(cx, &HOST, out);
}

static clab_status open_auto(clab_ctx *cx, clab_backend **out)
{
    char why[256] = "";
    clab_status s = open_plugin(cx, "cuda", out, why, sizeof why);

    if (s == CLAB_OK) {
        clab_note(cx, "device: %s", (*out)->describe);
        return s;
    }
    if (clab_error_status(cx) != CLAB_OK) { /* it was usable, and then did not open: that is no silent fallback */
        snprintf(why, sizeof why, "%.250s", clab_error_text(cx));
        clab_error_clear(cx);
    }
    s = clab_backend_cpu_open(cx, out);
    if (s == CLAB_OK)
        clab_note(cx, "device: %s (no GPU: %s)", (*out)->describe, why);
    return s;
}

clab_status clab_backend_open(clab_ctx *cx, const char *device, clab_backend **out)
{
    char why[256] = "";
    clab_status s;

    *out = NULL;
    if (!device || !device[0] || strcmp(device, "auto") == 0)
        s = open_auto(cx, out);
    else if (strcmp(device, "cpu") == 0)
        s = clab_backend_cpu_open(cx, out);
    else if (strcmp(device, "cuda") == 0 || strcmp(device, "gpu") == 0) {
        s = open_plugin(cx, "cuda", out, why, sizeof why);
        if (s != CLAB_OK && clab_ctx_planning(cx)) {
            clab_error_clear(cx); /* a plan may be made where there is no GPU, as on a login node */
            clab_warn(cx, "there is no GPU here: what the model would hold on one is planned as memory");
            s = clab_backend_cpu_open(cx, out);
        } else if (s != CLAB_OK) {
            s = clab_fail(cx, CLAB_EBACKEND, "device \"%s\" cannot be used here: %s", device, why);
            s = clab_hint(cx, "use device=\"cpu\", or \"auto\" to take what there is");
        }
    } else
        return clab_fail(cx, CLAB_EARG, "device \"%s\" is none of auto, cpu, cuda, gpu", clab_show(device));
    if (s == CLAB_OK)
        clab_ledger_set_device(cx, (*out)->describe);
    return s;
}

void clab_backend_close(clab_backend *be)
{
    if (be)
        be->ops->close(be);
}
