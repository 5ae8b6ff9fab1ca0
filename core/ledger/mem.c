/* mem.c -- accounted memory: a header before every block says who owns it. */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fault.h"
#include "base/text.h"
#include "ledger/ledger_impl.h"

/* From this size on a block is a mapping of its own, so that freeing it returns the pages at once.
 * The sanitizer watches only malloc's blocks. */
#ifdef __SANITIZE_ADDRESS__
#define MAP_FROM INT64_MAX
#else
#define MAP_FROM ((int64_t)1 << 20)
#endif
#define PLAN_MAP_FROM ((int64_t)1 << 20) /* a dry run's, everywhere */
#define ALIGN 64

typedef struct {
    _Alignas(ALIGN) clab_ledger *lg; /* NULL = not accounted */
    int64_t bytes;
    size_t mapped; /* 0 = malloc'd */
    int32_t holding;
} head;

const char *clab_mem_kind_name(clab_mem_kind k)
{
    static const char *const names[] = {"counts", "table", "model", "work", "result"};

    return (unsigned)k < CLAB_N_MEM ? names[k] : "?";
}

clab_status clab_mem_size(clab_ctx *cx, int64_t n, size_t size, int64_t *bytes)
{
    if (n < 0 || size > INT64_MAX || __builtin_mul_overflow(n, (int64_t)size, bytes))
        return clab_fail(cx, CLAB_EARG, "%lld elements of %zu bytes are no size of memory", (long long)n,
                         size);
    return CLAB_OK;
}

static void give_back(clab_ledger *lg, int32_t holding, int64_t bytes)
{
    if (!lg || holding < 0)
        return;
    pthread_mutex_lock(&lg->lock);
    clab__account(lg, holding, -bytes, -1);
    pthread_mutex_unlock(&lg->lock);
}

/* ---- blocks ------------------------------------------------------------------------------------*/

static head *head_of(void *p)
{
    return (head *)((char *)p - sizeof(head));
}

/* A block with its header, not accounted yet; NULL when the system has none.  A dry run writes little of what it
 * asks for, so that it may ask for more than the machine has. */
static head *obtain(int64_t bytes, bool zero, bool planning)
{
    size_t n = (size_t)bytes + sizeof(head);
    head *h;

    if (bytes >= MAP_FROM || (planning && bytes >= PLAN_MAP_FROM)) {
        h = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | (planning ? MAP_NORESERVE : 0), -1,
                 0);
        if (h == MAP_FAILED)
            return NULL;
        h->mapped = n;
        return h;
    }
    h = aligned_alloc(ALIGN, (n + ALIGN - 1) / ALIGN * ALIGN);
    if (!h)
        return NULL;
    if (zero)
        memset(h, 0, n);
    h->mapped = 0;
    return h;
}

static void give_up(head *h)
{
    if (h->mapped)
        munmap(h, h->mapped);
    else
        free(h);
}

clab_status clab__no_memory(clab_ctx *cx, int64_t bytes, const char *what)
{
    clab_fail(cx, CLAB_ENOMEM, "the system has no memory for %s (%s)", clab_show(what), clab_bytes(bytes));
    return clab_hint(cx, "other programs hold it: set a lower budget, or run where more is free");
}

static clab_status new_block(clab_ctx *cx, clab_mem_kind kind, int64_t bytes, const char *what, bool zero,
                             void **out)
{
    int32_t holding;
    clab_status s;
    head *h;

    if (bytes < 0 || bytes > INT64_MAX - 4096)
        return clab_fail(cx, CLAB_EARG, "%lld bytes for %s are no size of memory", (long long)bytes,
                         clab_show(what));
    s = clab__mem_take(cx, CLAB_HOME_RAM, kind, bytes, what, &holding);
    if (s != CLAB_OK)
        return s;
    h = obtain(bytes, zero, clab_ctx_planning(cx));
    if (!h) {
        give_back(clab_ctx_ledger(cx), holding, bytes);
        return clab__no_memory(cx, bytes, what);
    }
    h->lg = holding >= 0 ? clab_ctx_ledger(cx) : NULL;
    if (h->lg && !h->mapped)
        atomic_fetch_add(&h->lg->small, bytes);
    h->bytes = bytes;
    h->holding = holding;
    *out = h + 1;
    return CLAB_OK;
}

clab_status clab_mem_alloc(clab_ctx *cx, clab_mem_kind kind, int64_t bytes, const char *what, void **out)
{
    return new_block(cx, kind, bytes, what, false, out);
}

clab_status clab_mem_zalloc(clab_ctx *cx, clab_mem_kind kind, int64_t bytes, const char *what, void **out)
{
    return new_block(cx, kind, bytes, what, true, out);
}

uint64_t clab_mem_holding_of(const void *block)
{
    const head *h = block ? (const head *)((const char *)block - sizeof(head)) : NULL;
    uint64_t id;

    if (!h || !h->lg)
        return 0;
    pthread_mutex_lock(&h->lg->lock);
    id = h->lg->holdings[h->holding].id;
    pthread_mutex_unlock(&h->lg->lock);
    return id;
}

void clab_mem_free(clab_ctx *cx, void *p)
{
    head *h;

    if (!p)
        return;
    h = head_of(p);
    /* A block may outlive the ledger that accounted it. */
    if (h->lg && h->lg == clab_ctx_ledger(cx)) {
        clab__before_release(h->lg, h->bytes);
        if (!h->mapped)
            atomic_fetch_sub(&h->lg->small, h->bytes);
        give_back(h->lg, h->holding, h->bytes);
    }
    give_up(h);
}

/* A mapping grows in place of its address, without a copy and without needing both at once. */
static clab_status remap(clab_ctx *cx, clab_mem_kind kind, int64_t bytes, const char *what, void **inout)
{
    head *h = head_of(*inout), *moved;
    clab_ledger *lg = clab_ctx_ledger(cx);
    bool counted = h->lg && h->lg == lg;
    clab_status s;

    if (clab_fault_alloc(cx))
        return clab__no_memory(cx, bytes, what);
    if (counted && bytes > h->bytes) {
        s = clab__mem_ask(cx, lg, bytes - h->bytes, what, NULL, 0);
        if (s != CLAB_OK)
            return s;
    }
    moved = mremap(h, h->mapped, (size_t)bytes + sizeof *h, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED)
        return clab__no_memory(cx, bytes, what);
    (void)kind;
    if (counted) {
        pthread_mutex_lock(&lg->lock);
        clab__account(lg, moved->holding, bytes - moved->bytes, 0);
        pthread_mutex_unlock(&lg->lock);
    }
    moved->mapped = (size_t)bytes + sizeof *moved;
    moved->bytes = bytes;
    *inout = moved + 1;
    return CLAB_OK;
}

clab_status clab_mem_grow(clab_ctx *cx, clab_mem_kind kind, int64_t bytes, const char *what, void **inout)
{
    void *p = NULL;
    clab_status s;
    int64_t keep;

    if (!*inout)
        return clab_mem_alloc(cx, kind, bytes, what, inout);
    if (head_of(*inout)->mapped && bytes >= MAP_FROM && bytes <= INT64_MAX - 4096)
        return remap(cx, kind, bytes, what, inout);
    s = clab_mem_alloc(cx, kind, bytes, what, &p);
    if (s != CLAB_OK)
        return s;
    keep = head_of(*inout)->bytes;
    memcpy(p, *inout, (size_t)(keep < bytes ? keep : bytes));
    clab_mem_free(cx, *inout);
    *inout = p;
    return CLAB_OK;
}

/* ---- questions -------------------------------------------------------------------------------------*/

static int64_t read_total(clab_ctx *cx, bool peak)
{
    clab_ledger *lg = clab_ctx_ledger(cx);
    int64_t n;

    if (!lg)
        return 0;
    pthread_mutex_lock(&lg->lock);
    n = peak ? lg->peak : lg->live;
    pthread_mutex_unlock(&lg->lock);
    return n;
}

int64_t clab_mem_live(clab_ctx *cx)
{
    return read_total(cx, false);
}

int64_t clab_mem_peak(clab_ctx *cx)
{
    return read_total(cx, true);
}

int64_t clab_mem_window(clab_ctx *cx)
{
    clab_ledger *lg = clab_ctx_ledger(cx);
    int64_t most;

    if (!lg)
        return 0;
    pthread_mutex_lock(&lg->lock);
    most = lg->window;
    lg->window = lg->live;
    pthread_mutex_unlock(&lg->lock);
    return most;
}

void clab_mem_trim(clab_ctx *cx)
{
    (void)cx;
    malloc_trim(0);
}

void clab_mem_set_reclaim(clab_ctx *cx, void (*fn)(void *), void *user)
{
    clab_ledger *lg = clab_ctx_ledger(cx);

    if (!lg)
        return;
    pthread_mutex_lock(&lg->lock);
    lg->reclaim = fn;
    lg->reclaim_user = user;
    lg->reclaim_thread = pthread_self();
    pthread_mutex_unlock(&lg->lock);
}
