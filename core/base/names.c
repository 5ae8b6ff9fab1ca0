/* names.c -- open addressing over borrowed strings; the strings' hashes are kept beside the slots. */
#include "base/names.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t hash;
    int64_t at; /* position, -1 = empty */
    const char *name;
} slot;

struct clab_names {
    slot *slots;
    uint64_t mask;
    int64_t used;  /* slots taken */
    int64_t count; /* positions given out, duplicates of the first list included */
};

/* FNV-1a, finished as in splitmix64 so that the low bits are well mixed. */
static uint64_t hash(const char *s)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    return h ^ h >> 31;
}

static slot *find(const clab_names *ix, const char *name, uint64_t h)
{
    for (uint64_t i = h & ix->mask;; i = (i + 1) & ix->mask) {
        slot *s = &ix->slots[i];
        if (s->at < 0 || (s->hash == h && strcmp(s->name, name) == 0))
            return s;
    }
}

static slot *empty_slots(uint64_t n)
{
    slot *s = n <= SIZE_MAX / sizeof *s ? malloc((size_t)n * sizeof *s) : NULL;

    for (uint64_t i = 0; s && i < n; i++)
        s[i].at = -1;
    return s;
}

static bool grow(clab_names *ix)
{
    uint64_t old = ix->mask + 1;
    slot *was = ix->slots, *now = empty_slots(old * 2);

    if (!now)
        return false;
    ix->slots = now;
    ix->mask = old * 2 - 1;
    for (uint64_t i = 0; i < old; i++)
        if (was[i].at >= 0)
            *find(ix, was[i].name, was[i].hash) = was[i];
    free(was);
    return true;
}

clab_status clab_names_new(clab_ctx *cx, const char *const *names, int64_t n, int64_t *n_duplicates,
                           clab_names **out)
{
    clab_names *ix = calloc(1, sizeof *ix);
    int64_t twice = 0;
    uint64_t size = 16;

    while (size < (uint64_t)n * 2)
        size *= 2;
    if (ix)
        ix->slots = empty_slots(size);
    if (!ix || !ix->slots) {
        clab_names_free(ix);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for an index of %lld names", (long long)n);
    }
    ix->mask = size - 1;
    for (int64_t i = 0; i < n; i++) {
        uint64_t h = hash(names[i]);
        slot *s = find(ix, names[i], h);
        if (s->at >= 0) {
            twice++;
            continue;
        }
        *s = (slot){h, i, names[i]};
        ix->used++;
    }
    ix->count = n;
    if (n_duplicates)
        *n_duplicates = twice;
    *out = ix;
    return CLAB_OK;
}

void clab_names_free(clab_names *ix)
{
    if (!ix)
        return;
    free(ix->slots);
    free(ix);
}

int64_t clab_names_get(const clab_names *ix, const char *name)
{
    return find(ix, name, hash(name))->at;
}

int64_t clab_names_add(clab_names *ix, const char *name)
{
    uint64_t h = hash(name);
    slot *s = find(ix, name, h);

    if (s->at >= 0)
        return s->at;
    if ((uint64_t)ix->used * 2 > ix->mask) {
        if (!grow(ix))
            return -1;
        s = find(ix, name, h);
    }
    *s = (slot){h, ix->count++, name};
    ix->used++;
    return s->at;
}

int64_t clab_names_count(const clab_names *ix)
{
    return ix->count;
}
