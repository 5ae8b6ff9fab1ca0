/* charge.c -- asking for memory before it is taken, and memory that lies elsewhere than in our blocks. */
#include <stdlib.h>

#include "base/fault.h"
#include "base/text.h"
#include "ledger/ledger_impl.h"

#define MEASURE_FROM ((int64_t)1 << 20) /* smaller requests trust the last measurement */

clab_status clab__mem_ask(clab_ctx *cx, clab_ledger *lg, int64_t bytes, const char *what, const clab_remedy *remedies,
                          int n)
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
    return clab__refuse(cx, lg, bytes, what, remedies, n);
}

clab_status clab__mem_take(clab_ctx *cx, clab_mem_home home, clab_mem_kind kind, int64_t bytes, const char *what,
                           int32_t *holding)
{
    clab_ledger *lg = clab_ctx_ledger(cx);
    int32_t owner;
    clab_status s = CLAB_OK;

    *holding = -1;
    if (clab_fault_alloc(cx))
        return clab_fail(cx, CLAB_ENOMEM, "the system has no memory for %s (%s)", clab_show(what),
                         clab_bytes(bytes));
    if (!lg)
        return CLAB_OK;
    if (home == CLAB_HOME_RAM)
        s = clab__mem_ask(cx, lg, bytes, what, NULL, 0);
    if (s != CLAB_OK)
        return s;
    clab__birth_look(lg);
    pthread_mutex_lock(&lg->lock);
    owner = clab__owner_slot(lg, kind, what);
    if (owner >= 0)
        *holding = clab__holding_slot(lg, owner, home);
    if (*holding >= 0)
        clab__account(lg, *holding, bytes, 1);
    pthread_mutex_unlock(&lg->lock);
    return *holding >= 0 ? CLAB_OK : clab_fail(cx, CLAB_ENOMEM, "the system has no memory for its own books");
}

/* ---- charges: memory that lies elsewhere ---------------------------------------------------------*/

clab_status clab_mem_charge(clab_ctx *cx, clab_mem_kind kind, int64_t bytes, const char *what,
                            clab_charge *out)
{
    return clab_mem_charge_at(cx, CLAB_HOME_RAM, kind, bytes, what, out);
}

clab_status clab_mem_charge_at(clab_ctx *cx, clab_mem_home home, clab_mem_kind kind, int64_t bytes,
                               const char *what, clab_charge *out)
{
    clab_ledger *lg = clab_ctx_ledger(cx);
    clab__charge *grown;
    int32_t holding, i;
    clab_status s;

    *out = 0;
    if (bytes < 0)
        return clab_fail(cx, CLAB_EARG, "%lld bytes for %s are no size of memory", (long long)bytes,
                         clab_show(what));
    s = clab__mem_take(cx, home, kind, bytes, what, &holding);
    if (s != CLAB_OK || !lg)
        return s;
    pthread_mutex_lock(&lg->lock);
    for (i = 0; i < lg->n_charges && lg->charges[i].bytes >= 0; i++)
        ;
    if (i == lg->n_charges) {
        grown = realloc(lg->charges, ((size_t)i + 1) * sizeof *grown);
        if (!grown) {
            clab__account(lg, holding, -bytes, -1);
            pthread_mutex_unlock(&lg->lock);
            return clab__no_memory(cx, bytes, what);
        }
        lg->charges = grown;
        lg->charges[i].generation = 0;
        lg->n_charges++;
    }
    lg->charges[i].bytes = bytes;
    lg->charges[i].holding = holding;
    lg->charges[i].generation++;
    lg->charges[i].foreseen = home == CLAB_HOME_RAM && clab_ctx_planning(cx);
    if (lg->charges[i].foreseen)
        lg->foreseen += bytes;
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
            clab__account(lg, ch->holding, -ch->bytes, -1);
            if (ch->foreseen)
                lg->foreseen -= ch->bytes;
            ch->bytes = -1;
        }
    }
    pthread_mutex_unlock(&lg->lock);
}

bool clab_mem_reclaim(clab_ctx *cx)
{
    clab_ledger *lg = clab_ctx_ledger(cx);
    void (*reclaim)(void *) = NULL;
    void *user = NULL;
    int64_t before;

    if (!lg)
        return false;
    pthread_mutex_lock(&lg->lock);
    before = lg->live;
    if (lg->reclaim && pthread_equal(lg->reclaim_thread, pthread_self())) {
        reclaim = lg->reclaim;
        user = lg->reclaim_user;
    }
    pthread_mutex_unlock(&lg->lock);
    if (reclaim)
        reclaim(user);
    return clab_mem_live(cx) < before;
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
    return clab_mem_reserve_or(cx, bytes, what, NULL, 0);
}

clab_status clab_mem_reserve_or(clab_ctx *cx, int64_t bytes, const char *what, const clab_remedy *remedies, int n)
{
    clab_ledger *lg = clab_ctx_ledger(cx);

    if (bytes < 0)
        return clab_fail(cx, CLAB_EARG, "%lld bytes for %s are no size of memory", (long long)bytes,
                         clab_show(what));
    return lg ? clab__mem_ask(cx, lg, bytes, what, remedies, n) : CLAB_OK;
}
