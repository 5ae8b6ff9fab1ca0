/* nvml.c -- a libnvidia-ml for machines without a GPU: two devices, figures from the environment.
 * FAKE_NVML_USED: MiB in use on device 0 (default 4096).  FAKE_NVML_MIG: device 1 is a slice that
 * tells only its memory.  FAKE_NVML_FAIL: nvmlInit_v2 gives this error. */
#include <stdlib.h>
#include <string.h>

#define NOT_SUPPORTED 3
#define API __attribute__((visibility("default")))

typedef struct nvml_device {
    int index;
} *device;

API int nvmlInit_v2(void);
API int nvmlShutdown(void);
API int nvmlDeviceGetCount_v2(unsigned *n);
API int nvmlDeviceGetHandleByIndex_v2(unsigned i, device *d);
API int nvmlDeviceGetName(device d, char *s, unsigned n);
API int nvmlDeviceGetMemoryInfo(device d, unsigned long long m[3]);
API int nvmlDeviceGetUtilizationRates(device d, unsigned u[2]);
API int nvmlDeviceGetTemperature(device d, int sensor, unsigned *celsius);
API int nvmlDeviceGetPowerUsage(device d, unsigned *milliwatts);
API int nvmlDeviceGetComputeRunningProcesses_v3(device d, unsigned *n, void *list);

static long setting(const char *name, long otherwise)
{
    const char *s = getenv(name);

    return s ? strtol(s, NULL, 10) : otherwise;
}

static int silent(device d)
{
    return d->index == 1 && getenv("FAKE_NVML_MIG");
}

int nvmlInit_v2(void)
{
    return (int)setting("FAKE_NVML_FAIL", 0);
}

int nvmlShutdown(void)
{
    return 0;
}

int nvmlDeviceGetCount_v2(unsigned *n)
{
    *n = 2;
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned i, device *d)
{
    static struct nvml_device devices[2] = {{0}, {1}};

    *d = &devices[i];
    return 0;
}

int nvmlDeviceGetName(device d, char *s, unsigned n)
{
    strncpy(s, d->index == 0 ? "Fake A100" : "Fake H100", n);
    return 0;
}

int nvmlDeviceGetMemoryInfo(device d, unsigned long long m[3])
{
    m[0] = 40960ull << 20;
    m[2] = d->index == 0 ? (unsigned long long)setting("FAKE_NVML_USED", 4096) << 20 : 0;
    m[1] = m[0] - m[2];
    return 0;
}

int nvmlDeviceGetUtilizationRates(device d, unsigned u[2])
{
    u[0] = 73;
    u[1] = 20;
    return silent(d) ? NOT_SUPPORTED : 0;
}

int nvmlDeviceGetTemperature(device d, int sensor, unsigned *celsius)
{
    *celsius = 61;
    return silent(d) || sensor != 0 ? NOT_SUPPORTED : 0;
}

int nvmlDeviceGetPowerUsage(device d, unsigned *milliwatts)
{
    *milliwatts = 249600;
    return silent(d) ? NOT_SUPPORTED : 0;
}

int nvmlDeviceGetComputeRunningProcesses_v3(device d, unsigned *n, void *list)
{
    struct {
        unsigned pid;
        unsigned long long used;
        unsigned gpu_instance, compute_instance;
    } one = {1, 1 << 20, 0, 0};

    if (silent(d))
        return NOT_SUPPORTED;
    memcpy(list, &one, sizeof one);
    *n = 1;
    return 0;
}
