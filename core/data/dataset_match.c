/* dataset_match.c -- who a cell is: identities, and finding the same cells in two Datasets. */
#include "data/dataset_impl.h"
#include "ledger/ledger.h"

/* A cell is (load number, row): the number of the load that made it in this process, its row there.
 * The counter is the one process-wide variable of the core.  It is only ever counted up, decides no
 * result and outlives no process; keeping it in a context would let Datasets of two contexts claim
 * the same cells. */
static uint64_t n_loads;

#define ROW_BITS 40

clab_status clab__origin_new(clab_ctx *cx, int64_t n, clab_value **out)
{
    int64_t load = (int64_t)__atomic_fetch_add(&n_loads, 1, __ATOMIC_RELAXED);
    clab_value *v = NULL;
    clab_status s;

    if (n >= (int64_t)1 << ROW_BITS || load >= (int64_t)1 << (62 - ROW_BITS))
        return clab_fail(cx, CLAB_ESHAPE, "too many cells or datasets to number them");
    s = clab_value_array(cx, CLAB_I64, 1, &n, NULL, &v);
    if (s != CLAB_OK)
        return s;
    for (int64_t i = 0; i < n; i++)
        ((int64_t *)v->data)[i] = load << ROW_BITS | i;
    *out = v;
    return CLAB_OK;
}

static uint64_t mix(int64_t key)
{
    uint64_t h = (uint64_t)key * 0x9e3779b97f4a7c15u;

    return h ^ h >> 32;
}

clab_status clab_dataset_match(clab_ctx *cx, const clab_dataset *from, const clab_dataset *to, int64_t *pos)
{
    const int64_t *have = from->origin->data, *want = to->origin->data;
    int64_t n = clab_dataset_n_obs(from), bytes = 0, *slots = NULL;
    uint64_t cap = 16;
    clab_status s;

    while (cap < 2 * (uint64_t)n)
        cap *= 2;
    s = clab_mem_size(cx, (int64_t)cap, sizeof *slots, &bytes);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, bytes, "matching cells", (void **)&slots);
    if (s != CLAB_OK)
        return s;
    for (uint64_t k = 0; k < cap; k++)
        slots[k] = -1;
    for (int64_t i = 0; i < n; i++) {
        uint64_t k = mix(have[i]) & (cap - 1);
        while (slots[k] >= 0 && have[slots[k]] != have[i])
            k = (k + 1) & (cap - 1);
        if (slots[k] < 0)
            slots[k] = i;
    }
    for (int64_t i = 0; i < clab_dataset_n_obs(to); i++) {
        uint64_t k = mix(want[i]) & (cap - 1);
        while (slots[k] >= 0 && have[slots[k]] != want[i])
            k = (k + 1) & (cap - 1);
        pos[i] = slots[k];
    }
    clab_mem_free(cx, slots);
    return CLAB_OK;
}
