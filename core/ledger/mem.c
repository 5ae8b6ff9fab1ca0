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
#define ALIGN 64
#define MEASURE_FROM ((int64_t)1 << 20) /* smaller requests trust the last measurement */

typedef struct {
    _Alignas(ALIGN) clab_ledger *lg; /* NULL = not accounted */
    int64_t bytes;
    size_t mapped; /* 0 = malloc'd */
    int32_t owner;
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

/* ---- owners ----------------------------------------------------------------------------------*/

static uint32_t owner_hash(clab_mem_kind kind, const char *name)
{
    uint32_t h = 2166136261u ^ (uint32_t)kind;

    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return h;
}

/* The slot of an owner, a new one if need be; -1 when memory is short. */
static int32_t owner_slot(clab_ledger *lg, clab_mem_kind kind, const char *what)
{
    char name[sizeof lg->owners->shown.name];
    uint32_t h;
    int32_t spare = -1;

    clab__copy(name, sizeof name, what);
    h = owner_hash(kind, name);
    for (int32_t i = 0; i < lg->n_owners; i++) {
        clab__owner *o = &lg->owners[i];
        if (o->blocks == 0)
            spare = spare < 0 ? i : spare;
        else if (o->hash == h && o->shown.kind == kind && strcmp(o->shown.name, name) == 0)
            return i;
    }
    if (spare < 0) {
        clab__owner *grown = realloc(lg->owners, ((size_t)lg->n_owners + 1) * sizeof *grown);
        if (!grown)
            return -1;
        lg->owners = grown;
        spare = lg->n_owners++;
    }
    lg->owners[spare] = (clab__owner){.shown = {.kind = kind}, .hash = h};
    memcpy(lg->owners[spare].shown.name, name, sizeof name);
    return spare;
}

/* Changes what an owner holds; under the lock. */
static void account(clab_ledger *lg, int32_t owner, int64_t bytes, int64_t blocks)
{
    clab__owner *o = &lg->owners[owner];

    o->shown.bytes += bytes;
    o->blocks += blocks;
    lg->kind_bytes[o->shown.kind] += bytes;
    lg->live += bytes;
    if (lg->phase && lg->live > lg->phase->peak)
        lg->phase->peak = lg->live;
    if (lg->live > lg->window)
        lg->window = lg->live;
    if (lg->live > lg->peak) {
        lg->peak = lg->live;
        clab__copy(lg->peak_phase, sizeof lg->peak_phase, lg->phase ? lg->phase->name : "");
    }
}

/* Would `bytes` more fit?  Runs the reclaim hook once before it says no. */
static clab_status ask(clab_ctx *cx, clab_ledger *lg, int64_t bytes, const char *what)
{
    void (*reclaim)(void *) = NULL;
    void *user = NULL;
    int64_t left;

    if (clab_ctx_planning(cx))
        return CLAB_OK;
    if (bytes >= MEASURE_FROM)
        clab__beside_refresh(lg);
    pthread_mutex_lock(&lg->lock);
    left = clab__left(lg);
    if (bytes > left && lg->reclaim && pthread_equal(lg->reclaim_thread, pthread_self())) {
        reclaim = lg->reclaim;
        user = lg->reclaim_user;
    }
    pthread_mutex_unlock(&lg->lock);
    if (bytes <= left)
        return CLAB_OK;
    if (reclaim) {
        reclaim(user);
        pthread_mutex_lock(&lg->lock);
        left = clab__left(lg);
        pthread_mutex_unlock(&lg->lock);
        if (bytes <= left)
            return CLAB_OK;
    }
    return clab__refuse(cx, lg, bytes, what);
}

/* Asks and accounts; *owner = -1 without a ledger. */
static clab_status take(clab_ctx *cx, clab_mem_kind kind, int64_t bytes, const char *what, int32_t *owner)
{
    clab_ledger *lg = clab_ctx_ledger(cx);
    clab_status s;

    *owner = -1;
    if (clab_fault_alloc(cx))
        return clab_fail(cx, CLAB_ENOMEM, "the system has no memory for %s (%s)", clab_show(what),
                         clab_bytes(bytes));
    if (!lg)
        return CLAB_OK;
    s = ask(cx, lg, bytes, what);
    if (s != CLAB_OK)
        return s;
    pthread_mutex_lock(&lg->lock);
    *owner = owner_slot(lg, kind, what);
    if (*owner >= 0)
        account(lg, *owner, bytes, 1);
    pthread_mutex_unlock(&lg->lock);
    return *owner >= 0 ? CLAB_OK : clab_fail(cx, CLAB_ENOMEM, "the system has no memory for its own books");
}

static void give_back(clab_ledger *lg, int32_t owner, int64_t bytes)
{
    if (!lg || owner < 0)
        return;
    pthread_mutex_lock(&lg->lock);
    account(lg, owner, -bytes, -1);
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

    if (bytes >= MAP_FROM) {
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

static clab_status no_memory(clab_ctx *cx, int64_t bytes, const char *what)
{
    clab_fail(cx, CLAB_ENOMEM, "the system has no memory for %s (%s)", clab_show(what), clab_bytes(bytes));
    return clab_hint(cx, "other programs hold it: set a lower budget, or run where more is free");
}

static clab_status new_block(clab_ctx *cx, clab_mem_kind kind, int64_t bytes, const char *what, bool zero,
                             void **out)
{
    int32_t owner;
    clab_status s;
    head *h;

    if (bytes < 0 || bytes > INT64_MAX - 4096)
        return clab_fail(cx, CLAB_EARG, "%lld bytes for %s are no size of memory", (long long)bytes,
                         clab_show(what));
    s = take(cx, kind, bytes, what, &owner);
    if (s != CLAB_OK)
        return s;
    h = obtain(bytes, zero, clab_ctx_planning(cx));
    if (!h) {
        give_back(clab_ctx_ledger(cx), owner, bytes);
        return no_memory(cx, bytes, what);
    }
    h->lg = owner >= 0 ? clab_ctx_ledger(cx) : NULL;
    h->bytes = bytes;
    h->owner = owner;
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

void clab_mem_free(clab_ctx *cx, void *p)
{
    head *h;

    if (!p)
        return;
    h = head_of(p);
    /* A block may outlive the ledger that accounted it. */
    if (h->lg && h->lg == clab_ctx_ledger(cx))
        give_back(h->lg, h->owner, h->bytes);
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
        return no_memory(cx, bytes, what);
    if (counted && bytes > h->bytes) {
        s = ask(cx, lg, bytes - h->bytes, what);
        if (s != CLAB_OK)
            return s;
    }
    moved = mremap(h, h->mapped, (size_t)bytes + sizeof *h, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED)
        return no_memory(cx, bytes, what);
    (void)kind;
    if (counted) {
        pthread_mutex_lock(&lg->lock);
        account(lg, moved->owner, bytes - moved->bytes, 0);
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

/* ---- charges: memory that lies elsewhere ---------------------------------------------------------*/

clab_status clab_mem_charge(clab_ctx *cx, clab_mem_kind kind, int64_t bytes, const char *what,
                            clab_charge *out)
{
    clab_ledger *lg = clab_ctx_ledger(cx);
    clab__charge *grown;
    int32_t owner, i;
    clab_status s;

    *out = 0;
    if (bytes < 0)
        return clab_fail(cx, CLAB_EARG, "%lld bytes for %s are no size of memory", (long long)bytes,
                         clab_show(what));
    s = take(cx, kind, bytes, what, &owner);
    if (s != CLAB_OK || !lg)
        return s;
    pthread_mutex_lock(&lg->lock);
    for (i = 0; i < lg->n_charges && lg->charges[i].bytes >= 0; i++)
        ;
    if (i == lg->n_charges) {
        grown = realloc(lg->charges, ((size_t)i + 1) * sizeof *grown);
        if (!grown) {
            account(lg, owner, -bytes, -1);
            pthread_mutex_unlock(&lg->lock);
            return no_memory(cx, bytes, what);
        }
        lg->charges = grown;
        lg->charges[i].generation = 0;
        lg->n_charges++;
    }
    lg->charges[i].bytes = bytes;
    lg->charges[i].owner = owner;
    lg->charges[i].generation++;
    *out = (uint64_t)lg->charges[i].generation << 32 | (uint32_t)(i + 1);
    pthread_mutex_unlock(&lg->lock);
    return CLAB_OK;
}

void clab_mem_release(clab_ctx *cx, clab_charge c)
{
    clab_ledger *lg = clab_ctx_ledger(cx);
    uint32_t at = (uint32_t)c;

    if (!lg || at == 0)
        return;
    pthread_mutex_lock(&lg->lock);
    if (at <= (uint32_t)lg->n_charges) {
        clab__charge *ch = &lg->charges[at - 1];
        if (ch->generation == (uint32_t)(c >> 32) && ch->bytes >= 0) {
            account(lg, ch->owner, -ch->bytes, -1);
            ch->bytes = -1;
        }
    }
    pthread_mutex_unlock(&lg->lock);
}

void clab_mem_foresee(clab_ctx *cx, clab_mem_kind kind, int64_t bytes, const char *what)
{
    clab_charge c = 0;

    if (!clab_ctx_planning(cx) || clab_error_status(cx) != CLAB_OK)
        return;
    if (clab_mem_charge(cx, kind, bytes, what, &c) == CLAB_OK)
        clab_mem_release(cx, c);
    else
        clab_error_clear(cx); /* a plan a little short is still a plan */
}

clab_status clab_mem_reserve_check(clab_ctx *cx, int64_t bytes, const char *what)
{
    clab_ledger *lg = clab_ctx_ledger(cx);

    if (bytes < 0)
        return clab_fail(cx, CLAB_EARG, "%lld bytes for %s are no size of memory", (long long)bytes,
                         clab_show(what));
    return lg ? ask(cx, lg, bytes, what) : CLAB_OK;
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
