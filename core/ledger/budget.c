/* budget.c -- the memory limit in force, where it comes from, and the words of a refusal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/text.h"
#include "ledger/ledger_impl.h"

#define FREE_SHARE 0.85 /* of the memory that was free at the start */
#define KEPT_FREE 16    /* 1/16 of a limit that kills instead of refusing stays untouched */
/* The sanitizer's shadow is no part of the program's need. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif
#define BESIDE_SECONDS 1.0 /* how long a measurement of the tree is believed */

/* ---- cgroups ----------------------------------------------------------------------------------*/

/* The limit that one group's directory states, INT64_MAX = none. */
static int64_t group_limit(const char *dir, bool v2)
{
    char path[800], line[128];
    int64_t limit = INT64_MAX;
    long long v;
    FILE *f;

    snprintf(path, sizeof path, v2 ? "%s/memory.max" : "%s/memory.stat", dir);
    f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, v2 ? "%lld" : "hierarchical_memory_limit %lld", &v) == 1 && v > 0)
            limit = v; /* "max" does not scan */
    if (f)
        fclose(f);
    return limit;
}

/* A limit of an outer group holds for the inner ones too. */
static int64_t walk(const char *mount, const char *group, bool v2)
{
    char dir[700];
    size_t root = strlen(mount);
    int64_t least = INT64_MAX;

    snprintf(dir, sizeof dir, "%s%s", mount, strcmp(group, "/") == 0 ? "" : group);
    for (;;) {
        int64_t v = group_limit(dir, v2);
        char *slash = strrchr(dir, '/');
        if (v < least)
            least = v;
        if (strlen(dir) <= root || !slash)
            return least;
        *slash = '\0';
    }
}

int64_t clab__cgroup_limit(const char *proc_cgroup, const char *mount)
{
    char line[600], at[256];
    int64_t least = INT64_MAX;
    FILE *f = fopen(proc_cgroup, "re");

    while (f && fgets(line, sizeof line, f)) {
        char *kinds = strchr(line, ':'), *group = kinds ? strchr(kinds + 1, ':') : NULL;
        int64_t v = INT64_MAX;
        if (!group)
            continue;
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        kinds++;
        if (*kinds == '\0') {
            v = walk(mount, group, true);
        } else if (strstr(kinds, "memory")) {
            snprintf(at, sizeof at, "%s/memory", mount);
            v = walk(at, group, false);
        }
        if (v < least)
            least = v;
    }
    if (f)
        fclose(f);
    return least;
}

/* ---- the other sources --------------------------------------------------------------------------*/

/* SLURM states mebibytes, and only when --mem was given. */
static int64_t slurm_limit(void)
{
    const char *node = getenv("SLURM_MEM_PER_NODE"), *cpu = getenv("SLURM_MEM_PER_CPU");
    const char *cpus = getenv("SLURM_CPUS_ON_NODE");
    long long mib = 0;

    if (!getenv("SLURM_JOB_ID"))
        return INT64_MAX;
    if (node)
        mib = strtoll(node, NULL, 10);
    else if (cpu && cpus)
        mib = strtoll(cpu, NULL, 10) * strtoll(cpus, NULL, 10);
    return mib > 0 && mib < (1LL << 40) ? (int64_t)mib << 20 : INT64_MAX;
}

static int64_t ulimit_of(int resource)
{
    struct rlimit r;

    if (getrlimit((__rlimit_resource_t)resource, &r) != 0 || r.rlim_cur == RLIM_INFINITY ||
        r.rlim_cur > INT64_MAX)
        return INT64_MAX;
    return (int64_t)r.rlim_cur;
}

static void consider(clab_limit *l, int64_t bytes, const char *source)
{
    if (bytes < l->bytes) {
        l->bytes = bytes;
        clab__copy(l->source, sizeof l->source, source);
    }
}

void clab__budget_find(clab_ledger *lg)
{
    clab_limit l = {INT64_MAX, "none"};
    int64_t own = clab__tree_bytes(lg);

    clab__meminfo(&lg->now);
    if (lg->now.node_available > 0)
        consider(&l, (int64_t)(FREE_SHARE * (double)(lg->now.node_available + (own > 0 ? own : 0))),
                 "free memory");
    consider(&l, clab__cgroup_limit("/proc/self/cgroup", "/sys/fs/cgroup"), "cgroup");
    consider(&l, slurm_limit(), "SLURM");
    consider(&l, ulimit_of(RLIMIT_AS), "ulimit -v");
    consider(&l, ulimit_of(RLIMIT_DATA), "ulimit -d");
    lg->found = l;
    lg->beside = 0;
    clab__beside_refresh(lg);
    lg->beside_least = lg->beside;
}

/* ---- how much is left -----------------------------------------------------------------------------*/

clab_limit clab__limit(const clab_ledger *lg)
{
    return lg->set.bytes > 0 && lg->set.bytes < lg->found.bytes ? lg->set : lg->found;
}

int64_t clab__left(const clab_ledger *lg)
{
    clab_limit l = clab__limit(lg);
    bool deadly = strcmp(l.source, "cgroup") == 0 || strcmp(l.source, "SLURM") == 0;

    if (l.bytes == INT64_MAX)
        return INT64_MAX;
    return l.bytes - (deadly ? l.bytes / KEPT_FREE : 0) - lg->live - lg->beside;
}

/* ulimit -v counts addresses, not pages. */
static int64_t address_space(void)
{
    long long pages = -1;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f)
        return -1;
    if (fscanf(f, "%lld", &pages) != 1)
        pages = -1;
    fclose(f);
    return pages < 0 ? -1 : (int64_t)pages * 4096;
}

void clab__beside_refresh(clab_ledger *lg)
{
    double now = clab__now();
    int64_t measured, extra;
    bool stale, addresses;

    pthread_mutex_lock(&lg->lock);
    stale = lg->beside_at == 0 || now - lg->beside_at > BESIDE_SECONDS;
    addresses = strcmp(clab__limit(lg).source, "ulimit -v") == 0;
    lg->beside_at = stale ? now : lg->beside_at;
    pthread_mutex_unlock(&lg->lock);
    if (!stale || SANITIZED)
        return;
    measured = addresses ? address_space() : clab__tree_bytes(lg);
    pthread_mutex_lock(&lg->lock);
    extra = measured - lg->live;
    /* Accounted memory that nobody has touched yet hides what lies beside it: never under the start's. */
    lg->beside = extra > lg->beside_least ? extra : lg->beside_least;
    pthread_mutex_unlock(&lg->lock);
}

clab_limit clab_budget_get(clab_ctx *cx)
{
    clab_ledger *lg = clab_ctx_ledger(cx);
    clab_limit l = {INT64_MAX, "none"};

    if (!lg)
        return l;
    pthread_mutex_lock(&lg->lock);
    l = clab__limit(lg);
    pthread_mutex_unlock(&lg->lock);
    return l;
}

clab_status clab_budget_set_named(clab_ctx *cx, int64_t bytes, const char *source)
{
    clab_ledger *lg = clab_ctx_ledger(cx);

    if (bytes < 0)
        return clab_fail(cx, CLAB_EARG, "a budget of %lld bytes is below zero", (long long)bytes);
    if (!lg)
        return clab_fail(cx, CLAB_ESTATE, "without a ledger there is no budget to set");
    pthread_mutex_lock(&lg->lock);
    lg->set.bytes = bytes;
    clab__copy(lg->set.source, sizeof lg->set.source, source);
    pthread_mutex_unlock(&lg->lock);
    return CLAB_OK;
}

clab_status clab_budget_set(clab_ctx *cx, int64_t bytes)
{
    return clab_budget_set_named(cx, bytes, "--budget");
}

int64_t clab_budget_left(clab_ctx *cx)
{
    clab_ledger *lg = clab_ctx_ledger(cx);
    int64_t left;

    if (!lg)
        return INT64_MAX;
    clab__beside_refresh(lg);
    pthread_mutex_lock(&lg->lock);
    left = clab__left(lg);
    pthread_mutex_unlock(&lg->lock);
    return left > 0 ? left : 0;
}

/* ---- the refusal ------------------------------------------------------------------------------------*/

/* The largest holdings as ": counts of ref 60.0 MiB (since a.lua:3), ..."; under the lock. */
static void add_largest(const clab_ledger *lg, clab_str *out)
{
    int32_t said[3] = {-1, -1, -1};

    for (int k = 0; k < 3; k++) {
        const clab__holding *h;
        for (int32_t i = 0; i < lg->n_holdings; i++) {
            h = &lg->holdings[i];
            if (h->blocks == 0 || h->bytes <= 0 || h->home != CLAB_HOME_RAM || i == said[0] || i == said[1])
                continue;
            if (said[k] < 0 || h->bytes > lg->holdings[said[k]].bytes)
                said[k] = i;
        }
        if (said[k] < 0)
            return;
        h = &lg->holdings[said[k]];
        clab_str_addf(out, "%s%s %s", k ? ", " : "; the largest: ", clab_show(lg->owners[h->owner].shown.name),
                      clab_bytes(h->bytes));
        if (h->birth >= 0 && lg->births[h->birth].place.where[0])
            clab_str_addf(out, " (since %s)", lg->births[h->birth].place.where);
    }
}

/* Of what would help, that which fits into what is left. */
static void add_remedies(clab_str *out, const clab_remedy *remedies, int n, int64_t left)
{
    int said = 0;

    for (int i = 0; i < n && said < 3; i++) {
        if (remedies[i].bytes < 0 || remedies[i].bytes > left)
            continue;
        clab_str_addf(out, "%s%s (%s)", said++ ? ", or " : "", remedies[i].text, clab_bytes(remedies[i].bytes));
    }
    if (said > 0)
        clab_str_addf(out, " would fit into the %s that are left", clab_bytes(left));
}

clab_status clab__refuse(clab_ctx *cx, clab_ledger *lg, int64_t bytes, const char *what, const clab_remedy *remedies,
                         int n)
{
    clab_str held = {0}, help = {0};
    clab_limit limit;
    int64_t live, beside, left;
    bool set;

    pthread_mutex_lock(&lg->lock);
    limit = clab__limit(lg);
    live = lg->live;
    beside = lg->beside;
    left = clab__left(lg);
    add_largest(lg, &held);
    pthread_mutex_unlock(&lg->lock);
    add_remedies(&help, remedies, n, left);
    set = strstr(limit.source, "budget") != NULL;
    clab_fail(cx, CLAB_EBUDGET,
              "%s needs %s, but the limit is %s (%s) and %s are in use, %s of them beside the data%s",
              clab_show(what), clab_bytes(bytes), clab_bytes(limit.bytes), limit.source,
              clab_bytes(live + beside), clab_bytes(beside), held.s ? held.s : "");
    clab_hint(cx, "%s%s", help.s ? help.s : "keep fewer genes (hvg), free() what is no longer needed (mem() names it)",
              set ? ", or raise the budget (lab.budget, --budget)" : ", or run on a larger node (sbatch --mem)");
    clab_str_free(&held);
    clab_str_free(&help);
    return CLAB_EBUDGET;
}

/* ---- in words ---------------------------------------------------------------------------------------*/

void clab_budget_say(clab_ctx *cx, char *buf, size_t n)
{
    clab_limit limit = clab_budget_get(cx);
    const char *source = limit.source + strspn(limit.source, "-");

    if (limit.bytes == INT64_MAX)
        snprintf(buf, n, "memory: no limit was found");
    else
        snprintf(buf, n, "memory: at most %s (%s), %s may be taken now", clab_bytes(limit.bytes), source,
                 clab_bytes(clab_budget_left(cx)));
}
