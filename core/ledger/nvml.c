/* nvml.c -- what NVIDIA's library says of the GPUs, loaded at run time.  Whatever it does not say
 * (MIG slices, containers) stays marked as not known. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "ledger/ledger_impl.h"

#define PROCESSES 64

typedef struct nvml_device *device; /* the library's own */
typedef struct {
    unsigned long long total, free, used;
} memory_info;
typedef struct {
    unsigned gpu, memory; /* per cent */
} utilization;
typedef struct {
    unsigned pid;
    unsigned long long used;
    unsigned gpu_instance, compute_instance;
} process_info;
typedef int nvml_return; /* 0 = success */
enum { INSUFFICIENT_SIZE = 7, TEMPERATURE_GPU = 0 };

struct clab__nvml {
    void *lib;
    nvml_return (*init)(void);
    nvml_return (*shutdown)(void);
    nvml_return (*count)(unsigned *n);
    nvml_return (*handle)(unsigned i, device *d);
    nvml_return (*name)(device d, char *s, unsigned n);
    nvml_return (*memory)(device d, memory_info *m);
    nvml_return (*utilization)(device d, utilization *u);
    nvml_return (*temperature)(device d, int sensor, unsigned *celsius);
    nvml_return (*power)(device d, unsigned *milliwatts);
    nvml_return (*processes)(device d, unsigned *n, process_info *p);
};

/* The newest of the names that the library has.  Copied byte by byte: ISO C has no cast from a
 * data pointer to a function's. */
static bool bind(void *lib, void *slot, const char *newer, const char *older)
{
    void *f = newer ? dlsym(lib, newer) : NULL;

    if (!f && older)
        f = dlsym(lib, older);
    memcpy(slot, &f, sizeof f);
    return f != NULL;
}

static bool bind_all(clab__nvml *nv)
{
    void *lib = nv->lib;
    bool needed = bind(lib, &nv->init, "nvmlInit_v2", "nvmlInit");

    needed &= bind(lib, &nv->count, "nvmlDeviceGetCount_v2", "nvmlDeviceGetCount");
    needed &= bind(lib, &nv->handle, "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex");
    (void)bind(lib, &nv->shutdown, "nvmlShutdown", NULL);
    (void)bind(lib, &nv->name, "nvmlDeviceGetName", NULL);
    (void)bind(lib, &nv->memory, "nvmlDeviceGetMemoryInfo", NULL);
    (void)bind(lib, &nv->utilization, "nvmlDeviceGetUtilizationRates", NULL);
    (void)bind(lib, &nv->temperature, "nvmlDeviceGetTemperature", NULL);
    (void)bind(lib, &nv->power, "nvmlDeviceGetPowerUsage", NULL);
    /* Only these two share the record above. */
    (void)bind(lib, &nv->processes, "nvmlDeviceGetComputeRunningProcesses_v3",
               "nvmlDeviceGetComputeRunningProcesses_v2");
    return needed;
}

clab__nvml *clab__nvml_open(char *why, size_t n)
{
    const char *path = getenv("CELLLAB_NVML");
    clab__nvml *nv = calloc(1, sizeof *nv);
    nvml_return r;

    if (!nv)
        return NULL;
    nv->lib = dlopen(path ? path : "libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!nv->lib) {
        snprintf(why, n, "no GPU: no libnvidia-ml.so.1 here");
        free(nv);
        return NULL;
    }
    if (!bind_all(nv)) {
        snprintf(why, n, "no GPU: libnvidia-ml.so.1 lacks the calls it should have");
        nv->shutdown = NULL;
        clab__nvml_close(nv);
        return NULL;
    }
    r = nv->init();
    if (r != 0) {
        snprintf(why, n, "no GPU: the driver does not answer (NVML error %d)", r);
        nv->shutdown = NULL;
        clab__nvml_close(nv);
        return NULL;
    }
    return nv;
}

/* Processes on the device that are not this one; -1 = not known. */
static int32_t others(const clab__nvml *nv, device d)
{
    process_info p[PROCESSES];
    unsigned n = PROCESSES;
    nvml_return r = nv->processes ? nv->processes(d, &n, p) : -1;
    int32_t count = 0;

    if (r == INSUFFICIENT_SIZE)
        return (int32_t)n;
    if (r != 0 || n > PROCESSES)
        return -1;
    for (unsigned i = 0; i < n; i++)
        count += p[i].pid != (unsigned)getpid();
    return count;
}

static void sample_one(const clab__nvml *nv, device d, clab_snap_gpu *g)
{
    char name[96] = "";
    memory_info mem = {0};
    utilization u = {0};
    unsigned v = 0;

    g->has_name = nv->name && nv->name(d, name, sizeof name) == 0;
    name[sizeof name - 1] = '\0';
    if (g->has_name)
        clab_text_show(name, g->name, sizeof g->name);
    g->has_mem = nv->memory && nv->memory(d, &mem) == 0;
    if (g->has_mem) {
        g->mem_used = (int64_t)mem.used;
        g->mem_total = (int64_t)mem.total;
    }
    g->has_util = nv->utilization && nv->utilization(d, &u) == 0 && u.gpu <= 100;
    if (g->has_util)
        g->util_pct = (int32_t)u.gpu;
    g->has_temp = nv->temperature && nv->temperature(d, TEMPERATURE_GPU, &v) == 0;
    if (g->has_temp)
        g->temp_c = (int32_t)v;
    g->has_power = nv->power && nv->power(d, &v) == 0;
    if (g->has_power)
        g->power_w = (int32_t)((v + 500) / 1000);
    g->other_processes = others(nv, d);
}

void clab__nvml_sample(clab__nvml *nv, clab__measured *m)
{
    unsigned n = 0;

    m->n_gpus = 0;
    m->gpu_reason[0] = '\0';
    if (nv->count(&n) != 0 || n == 0) {
        snprintf(m->gpu_reason, sizeof m->gpu_reason, "no GPU: the driver lists none");
        return;
    }
    for (unsigned i = 0; i < n && m->n_gpus < CLAB_SNAP_GPUS; i++) {
        device d;
        if (nv->handle(i, &d) == 0)
            sample_one(nv, d, &m->gpu[m->n_gpus++]);
    }
    if (m->n_gpus == 0)
        snprintf(m->gpu_reason, sizeof m->gpu_reason, "no GPU: none that this process may use");
}

void clab__nvml_close(clab__nvml *nv)
{
    if (!nv)
        return;
    if (nv->shutdown)
        nv->shutdown();
    dlclose(nv->lib);
    free(nv);
}
