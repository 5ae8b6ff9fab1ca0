/* holdings.c -- the books themselves: owners, the lines they were born at, and what they hold. */
#include "ledger/holdings.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger_impl.h"

const char *clab_mem_home_name(clab_mem_home h)
{
    static const char *const names[] = {"RAM", "scratch", "file", "GPU"};

    return (unsigned)h < CLAB_N_HOME ? names[h] : "?";
}

/* ---- owners ----------------------------------------------------------------------------------*/

static uint32_t owner_hash(clab_mem_kind kind, const char *name)
{
    uint32_t h = 2166136261u ^ (uint32_t)kind;

    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return h;
}

int32_t clab__owner_slot(clab_ledger *lg, clab_mem_kind kind, const char *what)
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

/* ---- the lines of the session ------------------------------------------------------------------*/

void clab_ledger_set_place(clab_ctx *cx, const clab_place_source *source)
{
    clab_ledger *lg = clab_ctx_ledger(cx);

    if (!lg)
        return;
    pthread_mutex_lock(&lg->lock);
    lg->place = source ? *source : (clab_place_source){0};
    lg->place_thread = pthread_self();
    lg->birth = -1;
    pthread_mutex_unlock(&lg->lock);
}

static int32_t birth_find(const clab_ledger *lg, uint64_t key)
{
    for (int32_t i = lg->n_births - 1; i >= 0; i--) {
        if (lg->births[i].refs > 0 && lg->births[i].key == key)
            return i;
    }
    return -1;
}

/* A slot for a new line, not referenced yet; -1 when memory is short: then it is born nowhere. */
static int32_t birth_new(clab_ledger *lg)
{
    clab__birth *grown;

    for (int32_t i = 0; i < lg->n_births; i++) {
        if (lg->births[i].refs == 0)
            return i;
    }
    grown = realloc(lg->births, ((size_t)lg->n_births + 1) * sizeof *grown);
    if (!grown)
        return -1;
    lg->births = grown;
    return lg->n_births++;
}

static void birth_drop(clab_ledger *lg, int32_t i)
{
    if (i >= 0)
        lg->births[i].refs--;
}

void clab__birth_keep(clab_ledger *lg, int32_t *slot)
{
    if (*slot == lg->birth)
        return;
    birth_drop(lg, *slot);
    if ((*slot = lg->birth) >= 0)
        lg->births[*slot].refs++;
}

void clab__birth_look(clab_ledger *lg)
{
    clab_place_source from;
    clab_place place = {0};
    char where[sizeof place.where], text[400] = "";
    uint64_t key;
    int32_t at;

    pthread_mutex_lock(&lg->lock);
    from = lg->place;
    at = lg->birth;
    key = from.key && pthread_equal(lg->place_thread, pthread_self()) ? from.key(from.user) : 0;
    if (!from.key || (at >= 0 && lg->births[at].key == key) ||
        !pthread_equal(lg->place_thread, pthread_self())) {
        pthread_mutex_unlock(&lg->lock);
        return;
    }
    at = key ? birth_find(lg, key) : -1;
    if (at < 0 && key && (at = birth_new(lg)) >= 0) {
        where[0] = '\0';
        from.words(from.user, where, sizeof where, text, sizeof text);
        clab_text_show(where, place.where, sizeof place.where);
        clab_text_show(text, place.text, sizeof place.text);
        lg->births[at] = (clab__birth){.key = key, .place = place};
    }
    birth_drop(lg, lg->birth);
    if ((lg->birth = at) >= 0)
        lg->births[at].refs++;
    pthread_mutex_unlock(&lg->lock);
}

static void place_of(const clab_ledger *lg, int32_t birth, clab_place *out)
{
    memset(out, 0, sizeof *out);
    if (birth >= 0)
        *out = lg->births[birth].place;
}

void clab_ledger_place(clab_ctx *cx, clab_place *out)
{
    clab_ledger *lg = clab_ctx_ledger(cx);

    memset(out, 0, sizeof *out);
    if (!lg)
        return;
    clab__birth_look(lg);
    pthread_mutex_lock(&lg->lock);
    place_of(lg, lg->birth, out);
    pthread_mutex_unlock(&lg->lock);
}

/* ---- holdings ----------------------------------------------------------------------------------*/

static int32_t *bucket_of(clab_ledger *lg, int32_t owner, int32_t birth, clab_mem_home home)
{
    uint32_t h = ((uint32_t)owner * 2654435761u) ^ ((uint32_t)birth * 40503u) ^ (uint32_t)home;

    return &lg->bucket[(h ^ h >> 16) % CLAB__BUCKETS];
}

static int32_t holding_new(clab_ledger *lg)
{
    clab__holding *grown;
    int32_t i = lg->free_holding;

    if (i >= 0) {
        lg->free_holding = lg->holdings[i].next;
        return i;
    }
    grown = realloc(lg->holdings, ((size_t)lg->n_holdings + 1) * sizeof *grown);
    if (!grown)
        return -1;
    lg->holdings = grown;
    return lg->n_holdings++;
}

int32_t clab__holding_slot(clab_ledger *lg, int32_t owner, clab_mem_home home)
{
    int32_t *bucket = bucket_of(lg, owner, lg->birth, home), i;

    for (i = *bucket; i >= 0; i = lg->holdings[i].next) {
        const clab__holding *h = &lg->holdings[i];
        if (h->owner == owner && h->birth == lg->birth && h->home == home)
            return i;
    }
    if ((i = holding_new(lg)) < 0)
        return -1;
    lg->holdings[i] = (clab__holding){
        .owner = owner, .birth = lg->birth, .home = home, .next = *bucket, .id = ++lg->last_id};
    *bucket = i;
    if (lg->birth >= 0)
        lg->births[lg->birth].refs++;
    return i;
}

/* Its last block is gone. */
static void holding_drop(clab_ledger *lg, int32_t i)
{
    clab__holding *h = &lg->holdings[i];
    int32_t *at = bucket_of(lg, h->owner, h->birth, h->home);

    while (*at != i)
        at = &lg->holdings[*at].next;
    *at = h->next;
    birth_drop(lg, h->birth);
    h->next = lg->free_holding;
    lg->free_holding = i;
}

void clab__account(clab_ledger *lg, int32_t holding, int64_t bytes, int64_t blocks)
{
    clab__holding *h = &lg->holdings[holding];
    clab__owner *o = &lg->owners[h->owner];

    h->bytes += bytes;
    h->blocks += blocks;
    o->blocks += blocks;
    if (h->home == CLAB_HOME_RAM) {
        o->shown.bytes += bytes;
        lg->kind_bytes[o->shown.kind] += bytes;
        lg->live += bytes;
    } else if (h->home == CLAB_HOME_DEVICE) {
        clab__timeline_device(lg, bytes);
    }
    if (lg->phase && lg->live > lg->phase->peak)
        lg->phase->peak = lg->live;
    lg->activity++;
    if (lg->live > lg->window)
        lg->window = lg->live;
    if (lg->live > lg->peak) {
        lg->peak = lg->live;
        clab__copy(lg->peak_phase, sizeof lg->peak_phase, lg->phase ? lg->phase->name : "");
        clab__birth_keep(lg, &lg->peak_birth);
    }
    if (h->blocks == 0)
        holding_drop(lg, holding);
}

/* ---- what is told --------------------------------------------------------------------------------*/

static int by_bytes(const void *a, const void *b)
{
    const clab_holding *x = a, *y = b;

    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->id < y->id ? -1 : x->id > y->id;
}

clab_status clab_ledger_holdings(clab_ctx *cx, clab_holding **out, int64_t *n)
{
    clab_ledger *lg = clab_ctx_ledger(cx);

    *out = NULL;
    *n = 0;
    if (!lg)
        return CLAB_OK;
    pthread_mutex_lock(&lg->lock);
    if (!(*out = malloc(((size_t)lg->n_holdings + 1) * sizeof **out))) {
        pthread_mutex_unlock(&lg->lock);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for the list of what is held");
    }
    for (int32_t i = 0; i < lg->n_holdings; i++) {
        const clab__holding *h = &lg->holdings[i];
        const clab_snap_owner *o = &lg->owners[h->owner].shown;
        clab_holding *to = *out + *n;
        if (h->blocks == 0)
            continue;
        *to = (clab_holding){
            .id = h->id, .kind = o->kind, .home = h->home, .bytes = h->bytes, .blocks = h->blocks};
        memcpy(to->name, o->name, sizeof to->name);
        place_of(lg, h->birth, &to->born);
        ++*n;
    }
    pthread_mutex_unlock(&lg->lock);
    qsort(*out, (size_t)*n, sizeof **out, by_bytes);
    return CLAB_OK;
}

uint64_t clab_charge_holding(clab_ctx *cx, clab_charge c)
{
    clab_ledger *lg = clab_ctx_ledger(cx);
    uint32_t at = (uint32_t)c;
    uint64_t id = 0;

    if (!lg || at == 0)
        return 0;
    pthread_mutex_lock(&lg->lock);
    if (at <= (uint32_t)lg->n_charges) {
        const clab__charge *ch = &lg->charges[at - 1];
        if (ch->generation == (uint32_t)(c >> 32) && ch->bytes >= 0)
            id = lg->holdings[ch->holding].id;
    }
    pthread_mutex_unlock(&lg->lock);
    return id;
}

void clab_ledger_peak(clab_ctx *cx, clab_peak *accounted, clab_peak *measured)
{
    clab_ledger *lg = clab_ctx_ledger(cx);

    *accounted = *measured = (clab_peak){.bytes = -1};
    if (!lg)
        return;
    pthread_mutex_lock(&lg->lock);
    accounted->bytes = lg->peak;
    memcpy(accounted->phase, lg->peak_phase, sizeof accounted->phase);
    place_of(lg, lg->peak_birth, &accounted->place);
    measured->bytes = lg->tree_peak > 0 ? lg->tree_peak : -1;
    memcpy(measured->phase, lg->tree_peak_phase, sizeof measured->phase);
    place_of(lg, lg->tree_peak_birth, &measured->place);
    pthread_mutex_unlock(&lg->lock);
}
