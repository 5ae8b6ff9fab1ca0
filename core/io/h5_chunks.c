/* h5_chunks.c -- the common case made fast: chunks that are deflated (shuffled or not) and already of our
 * type are taken from the file as they are and inflated on all threads.  Anything else HDF5 reads. */
#include "io/h5_impl.h"

#include "base/fault.h"
#include "base/pool.h"

#include <errno.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_MAX (1LL << 20) /* bytes: a larger chunk would be inflated again for every slice of it */
#define GAP 16384             /* elements that are read along rather than asked for twice */

/* Exactly [deflate] or [shuffle, deflate]. */
static bool is_deflated(hid_t dcpl, bool *shuffled)
{
    int n = H5Pget_nfilters(dcpl);
    bool ok = n == 1 || n == 2;
    for (int i = 0; ok && i < n; i++) {
        unsigned flags, config;
        size_t n_values = 0;
        H5Z_filter_t id = H5Pget_filter2(dcpl, (unsigned)i, &flags, &n_values, NULL, 0, NULL, &config);
        ok = id == (i == n - 1 ? H5Z_FILTER_DEFLATE : H5Z_FILTER_SHUFFLE);
    }
    *shuffled = ok && n == 2;
    return ok;
}

clab_status clab__chunks_prepare(clab__h5 *h, clab__set *s)
{
    bool shuffled = false;
    s->fast = s->shuffled = false;
    if (s->rank != 1 || s->chunk[0] == 0 || s->cls != CLAB__NUMBER || s->dtype == CLAB_BOOL)
        return CLAB_OK;
    hid_t dcpl = H5Dget_create_plist(s->id);
    if (dcpl < 0)
        return clab_fail(h->cx, CLAB_EIO, "%s: %s cannot be read: %s", h->name, clab_show(s->at),
                         clab__h5_why());
    s->fast = is_deflated(dcpl, &shuffled) && H5Tequal(s->type, clab__dtype_mem(s->dtype)) > 0 &&
              (int64_t)s->chunk[0] * (int64_t)H5Tget_size(s->type) <= CHUNK_MAX;
    s->shuffled = shuffled;
    H5Pclose(dcpl);
    return CLAB_OK;
}

/* ---- what workers need ----------------------------------------------------------------------------*/

struct clab__inflater {
    clab_ctx *cx;
    const char *name; /* of the file */
    int n;
    struct libdeflate_decompressor **z;
    char *scratch; /* for each worker a chunk as inflated, and one as unshuffled */
    int64_t chunk_bytes;
};

clab_status clab__inflater_new(clab__h5 *h, const clab__set *s, clab__inflater **out)
{
    clab__inflater *z = calloc(1, sizeof *z);
    clab_status st = CLAB_OK;
    *out = z;
    if (!z)
        return clab_fail(h->cx, CLAB_ENOMEM, "no memory to inflate %s", clab_show(s->at));
    z->cx = h->cx;
    z->name = h->name;
    z->chunk_bytes = (int64_t)s->chunk[0] * (int64_t)H5Tget_size(s->type);
    if (!s->fast)
        return CLAB_OK;
    st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, 2 * z->chunk_bytes * clab_threads(h->cx), "inflated chunks",
                        (void **)&z->scratch);
    z->z = calloc((size_t)clab_threads(h->cx), sizeof *z->z);
    while (st == CLAB_OK && z->n < clab_threads(h->cx)) {
        if (!z->z || !(z->z[z->n] = libdeflate_alloc_decompressor()))
            st = clab_fail(h->cx, CLAB_ENOMEM, "no memory to inflate %s", clab_show(s->at));
        z->n += st == CLAB_OK;
    }
    return st;
}

void clab__inflater_free(clab__inflater *z)
{
    if (!z)
        return;
    for (int i = 0; i < z->n; i++)
        libdeflate_free_decompressor(z->z[i]);
    free(z->z);
    clab_mem_free(z->cx, z->scratch);
    free(z);
}

/* ---- fetching: HDF5, one thread ----------------------------------------------------------------------*/

typedef struct clab__piece {
    char *packed;
    size_t n, room; /* n = 0: not wanted */
} piece;

/* The chunk as it stands in the file; false when it cannot be taken so. */
static bool fetch(const clab__span *sp, int64_t k)
{
    hsize_t offset = (hsize_t)(sp->first_chunk + k) * sp->set->chunk[0], n = 0;
    uint32_t mask = 0;
    piece *p = &sp->pieces[k];
    if (H5Dget_chunk_storage_size(sp->set->id, &offset, &n) < 0 || n == 0 || n > 2 * CHUNK_MAX)
        return false;
    if (n > p->room) {
        free(p->packed);
        p->room = n + n / 8;
        p->packed = malloc(p->room);
        p->room = p->packed ? p->room : 0;
    }
    p->n = n;
    return p->packed && H5Dread_chunk(sp->set->id, H5P_DEFAULT, &offset, &mask, p->packed) >= 0 && mask == 0;
}

static bool room_for_pieces(clab__span *sp, int64_t n)
{
    if (n <= sp->room_pieces)
        return true;
    piece *p = realloc(sp->pieces, (size_t)n * sizeof *p);
    if (!p)
        return false;
    memset(p + sp->room_pieces, 0, (size_t)(n - sp->room_pieces) * sizeof *p);
    sp->pieces = p;
    sp->room_pieces = n;
    return true;
}

/* All wanted chunks; false where one is not plain. */
static bool fetch_all(clab__span *sp, const clab__run *runs, int64_t n_runs)
{
    int64_t chunk = (int64_t)sp->set->chunk[0], run = 0;
    sp->first_chunk = sp->first / chunk;
    sp->n_chunks = (sp->first + sp->n - 1) / chunk - sp->first_chunk + 1;
    if (!room_for_pieces(sp, sp->n_chunks))
        return false;
    for (int64_t k = 0; k < sp->n_chunks; k++) {
        int64_t start = (sp->first_chunk + k) * chunk;
        while (run < n_runs && runs[run].to <= start)
            run++;
        sp->pieces[k].n = 0;
        if (run < n_runs && runs[run].from < start + chunk && !fetch(sp, k))
            return false;
    }
    return true;
}

static clab_status read_runs(clab__h5 *h, clab__span *sp, const clab__run *runs, int64_t n_runs)
{
    clab_status st = CLAB_OK;
    for (int64_t i = 0, j; st == CLAB_OK && i < n_runs; i = j) {
        for (j = i + 1; j < n_runs && runs[j].from - runs[j - 1].to <= GAP; j++)
            ;
        st = clab__set_read(h, sp->set, runs[i].from, runs[j - 1].to - runs[i].from, sp->mem,
                             sp->out + (size_t)(runs[i].from - sp->first) * sp->size);
    }
    return st;
}

clab_status clab__span_fetch(clab__h5 *h, clab__span *sp, int64_t first, int64_t n, const clab__run *runs,
                             int64_t n_runs)
{
    clab_status st = clab_check(h->cx);
    clab__h5_alive(0);
    sp->first = first;
    sp->n = n;
    sp->n_chunks = 0;
    if (st == CLAB_OK && n * (int64_t)sp->size > sp->room) {
        st = clab_mem_grow(h->cx, CLAB_MEM_WORK, n * (int64_t)sp->size + 64, "a block of a matrix", (void **)&sp->out);
        sp->room = st == CLAB_OK ? n * (int64_t)sp->size : 0;
    }
    if (st != CLAB_OK || n == 0)
        return st;
    if (sp->set->fast && H5Tequal(sp->mem, sp->set->type) > 0) {
        if (clab_fault_io(h->cx))
            return clab_fail(h->cx, CLAB_EIO, "%s: %s cannot be read at element %lld: %s", h->name,
                             clab_show(sp->set->at), (long long)first, strerror(errno));
        if (fetch_all(sp, runs, n_runs))
            return CLAB_OK;
    }
    sp->n_chunks = 0;
    return read_runs(h, sp, runs, n_runs);
}

void clab__span_free(clab_ctx *cx, clab__span *sp)
{
    for (int64_t i = 0; i < sp->room_pieces; i++)
        free(sp->pieces[i].packed);
    free(sp->pieces);
    clab_mem_free(cx, sp->out);
    *sp = (clab__span){0};
}

/* ---- inflating: any thread ---------------------------------------------------------------------------*/

/* Bytes of all elements side by side (first all lowest, ...) back to elements. */
static void unshuffle(const char *in, char *out, int64_t n, size_t size)
{
    for (size_t b = 0; b < size; b++)
        for (int64_t i = 0; i < n; i++)
            out[(size_t)i * size + b] = in[(size_t)n * b + (size_t)i];
}

clab_status clab__span_inflate(clab_ctx *cx, clab__inflater *z, clab__span *sp, int64_t k, int worker)
{
    const piece *p = &sp->pieces[k];
    int64_t chunk = (int64_t)sp->set->chunk[0], end = sp->first + sp->n;
    int64_t start = (sp->first_chunk + k) * chunk, from = start > sp->first ? start : sp->first;
    int64_t to = start + chunk < end ? start + chunk : end;
    size_t bytes = (size_t)chunk * sp->size;
    bool whole = from == start && to == start + chunk && !sp->set->shuffled;
    char *place = sp->out + (size_t)(from - sp->first) * sp->size;
    char *inflated = whole ? place : z->scratch + (size_t)worker * 2 * (size_t)z->chunk_bytes;
    if (p->n == 0)
        return CLAB_OK;
    if (libdeflate_zlib_decompress(z->z[worker], p->packed, p->n, inflated, bytes, NULL) != LIBDEFLATE_SUCCESS)
        return clab_fail(cx, CLAB_EIO, "%s: %s is damaged: the chunk at element %lld does not inflate", z->name,
                         clab_show(sp->set->at), (long long)start);
    if (whole)
        return CLAB_OK;
    if (sp->set->shuffled) {
        unshuffle(inflated, inflated + bytes, chunk, sp->size);
        inflated += bytes;
    }
    memcpy(place, inflated + (size_t)(from - start) * sp->size, (size_t)(to - from) * sp->size);
    return CLAB_OK;
}

/* ---- both, for one slice -----------------------------------------------------------------------------*/

typedef struct {
    clab__inflater *z;
    clab__span span;
} slice;

static clab_status inflate_one(clab_ctx *cx, int64_t k, int worker, void *arg)
{
    slice *s = arg;
    return clab__span_inflate(cx, s->z, &s->span, k, worker);
}

clab_status clab__chunks_slice(clab__h5 *h, const clab__set *s, int64_t first, int64_t n, hid_t mem, void *buf)
{
    slice j = {.span = {.set = s, .mem = mem, .size = H5Tget_size(mem), .out = buf, .room = INT64_MAX}};
    const clab__run all = {first, first + n};
    clab_status st = clab__span_fetch(h, &j.span, first, n, &all, 1);
    if (st == CLAB_OK && j.span.n_chunks > 0 && (st = clab__inflater_new(h, s, &j.z)) == CLAB_OK)
        st = clab_parallel(h->cx, j.span.n_chunks, inflate_one, &j);
    clab__inflater_free(j.z);
    j.span.out = NULL; /* the caller's */
    clab__span_free(h->cx, &j.span);
    return st;
}
