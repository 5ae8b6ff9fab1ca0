/* threads.c -- how many threads this process may fairly use: a login node is shared. */
#include "base/ctx.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARED_NODE_THREADS 4

static int affinity(void)
{
    cpu_set_t set;

    /* Fails on machines with more CPUs than the set holds: then there are plenty. */
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : CPU_SETSIZE;
}

/* Whole CPUs of one quota file pair; 0 = no quota there. */
static int quota_of(const char *dir, bool v2)
{
    char path[700];
    double quota = -1, period = 100000;
    FILE *f;

    snprintf(path, sizeof path, v2 ? "%s/cpu.max" : "%s/cpu.cfs_quota_us", dir);
    f = fopen(path, "re");
    if (!f)
        return 0;
    if (fscanf(f, v2 ? "%lf %lf" : "%lf", &quota, &period) < 1)
        quota = -1; /* "max" */
    fclose(f);
    if (!v2) {
        snprintf(path, sizeof path, "%s/cpu.cfs_period_us", dir);
        f = fopen(path, "re");
        if (f) {
            if (fscanf(f, "%lf", &period) != 1)
                period = 100000;
            fclose(f);
        }
    }
    if (!(quota > 0) || !(period > 0) || quota / period > 1e6)
        return 0;
    return quota <= period ? 1 : (int)(quota / period);
}

/* The smallest quota from our own group up to the root of the mounted tree. */
static int walk(const char *mount, const char *group, bool v2)
{
    char dir[600];
    size_t root = strlen(mount);
    int least = 0;

    snprintf(dir, sizeof dir, "%s%s", mount, strcmp(group, "/") == 0 ? "" : group);
    for (;;) {
        int q = quota_of(dir, v2);
        char *slash;
        if (q > 0 && (least == 0 || q < least))
            least = q;
        slash = strrchr(dir, '/');
        if (strlen(dir) <= root || !slash)
            return least;
        *slash = '\0';
    }
}

static int quota(void)
{
    char line[600];
    int least = 0;
    FILE *f = fopen("/proc/self/cgroup", "re");

    while (f && fgets(line, sizeof line, f)) {
        char *kinds = strchr(line, ':'), *group = kinds ? strchr(kinds + 1, ':') : NULL;
        int q = 0;
        if (!group)
            continue;
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        kinds++;
        if (*kinds == '\0')
            q = walk("/sys/fs/cgroup", group, true);
        else if (strcmp(kinds, "cpu") == 0 || strncmp(kinds, "cpu,", 4) == 0 || strstr(kinds, ",cpu"))
            q = walk("/sys/fs/cgroup/cpu", group, false);
        if (q > 0 && (least == 0 || q < least))
            least = q;
    }
    if (f)
        fclose(f);
    return least;
}

/* What SLURM gave, or 0 outside a job. */
static int slurm(void)
{
    static const char *const names[] = {"SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"};

    if (!getenv("SLURM_JOB_ID"))
        return 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *s = getenv(names[i]);
        long n = s ? strtol(s, NULL, 10) : 0;
        if (n > 0 && n < 65536)
            return (int)n;
    }
    return 1;
}

int clab_threads_default(void)
{
    int n = affinity(), q = quota(), job = slurm();

    if (q > 0 && q < n)
        n = q;
    if (job == 0)
        job = SHARED_NODE_THREADS;
    if (job < n)
        n = job;
    return n > 0 ? n : 1;
}
