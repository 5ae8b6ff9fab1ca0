/* h5_chunks.c -- the common case made fast: chunks that are deflated (shuffled or not) and already of our
 * type are taken from the file as they are and inflated on all threads.  Anything else: false, and HDF5
 * reads. */
#include "io/h5_impl.h"

#include "base/pool.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_MAX (1LL << 20) /* bytes: a larger chunk would be inflated again for every slice of it */
#define MAX_WORKERS 256

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

typedef struct {
    void *packed;
    size_t n;
} piece;

typedef struct {
    const clab__set *s;
    size_t size;      /* of an element */
    int64_t chunk;    /* elements of a chunk */
    int64_t first, n; /* the slice */
    int64_t first_chunk;
    piece *pieces;
    char *out;
    struct libdeflate_decompressor *z[MAX_WORKERS];
    char *scratch[MAX_WORKERS]; /* a chunk as inflated, and one as unshuffled */
} job;

/* The chunks as they stand in the file; false when one cannot be taken so. */
static bool fetch(const job *j, int64_t k)
{
    hsize_t offset = (hsize_t)((j->first_chunk + k) * j->chunk), n = 0;
    uint32_t mask = 0;
    piece *p = &j->pieces[k];
    if (H5Dget_chunk_storage_size(j->s->id, &offset, &n) < 0 || n == 0 || n > 2 * CHUNK_MAX)
        return false;
    p->packed = malloc(n);
    p->n = n;
    return p->packed && H5Dread_chunk(j->s->id, H5P_DEFAULT, &offset, &mask, p->packed) >= 0 && mask == 0;
}

/* Bytes of all elements side by side (first all lowest, ...) back to elements. */
static void unshuffle(const char *in, char *out, int64_t n, size_t size)
{
    for (size_t b = 0; b < size; b++)
        for (int64_t i = 0; i < n; i++)
            out[(size_t)i * size + b] = in[(size_t)n * b + (size_t)i];
}

static clab_status inflate_chunk(clab_ctx *cx, int64_t k, int worker, void *arg)
{
    job *j = arg;
    size_t bytes = (size_t)j->chunk * j->size;
    int64_t start = (j->first_chunk + k) * j->chunk, from = start > j->first ? start : j->first;
    int64_t to = start + j->chunk < j->first + j->n ? start + j->chunk : j->first + j->n;
    bool whole = from == start && to == start + j->chunk && !j->s->shuffled;
    char *place = j->out + (size_t)(from - j->first) * j->size;
    char *inflated = whole ? place : j->scratch[worker];
    if (libdeflate_zlib_decompress(j->z[worker], j->pieces[k].packed, j->pieces[k].n, inflated, bytes,
                                   NULL) != LIBDEFLATE_SUCCESS)
        return clab_fail(cx, CLAB_EIO, "%s is damaged: the chunk at element %lld does not inflate",
                         clab_show(j->s->at), (long long)start);
    if (whole)
        return CLAB_OK;
    if (j->s->shuffled) {
        unshuffle(inflated, inflated + bytes, j->chunk, j->size);
        inflated += bytes;
    }
    memcpy(place, inflated + (size_t)(from - start) * j->size, (size_t)(to - from) * j->size);
    return CLAB_OK;
}

clab_status clab__chunks_slice(clab__h5 *h, const clab__set *s, int64_t first, int64_t n, void *out,
                               bool *done)
{
    job j = {.s = s,
             .size = H5Tget_size(s->type),
             .chunk = (int64_t)s->chunk[0],
             .first = first,
             .n = n,
             .out = out};
    int workers = clab_threads(h->cx) < MAX_WORKERS ? clab_threads(h->cx) : MAX_WORKERS;
    clab_status st = CLAB_OK;
    j.first_chunk = first / j.chunk;
    int64_t n_chunks = (first + n - 1) / j.chunk - j.first_chunk + 1;
    j.pieces = calloc((size_t)n_chunks, sizeof *j.pieces);
    bool ok = j.pieces != NULL;
    for (int w = 0; ok && w < workers; w++) {
        j.z[w] = libdeflate_alloc_decompressor();
        j.scratch[w] = malloc(2 * (size_t)j.chunk * j.size);
        ok = j.z[w] && j.scratch[w];
    }
    for (int64_t k = 0; ok && k < n_chunks; k++)
        ok = fetch(&j, k);
    if (ok)
        st = clab_parallel(h->cx, n_chunks, inflate_chunk, &j);
    *done = ok;
    for (int64_t k = 0; j.pieces && k < n_chunks; k++)
        free(j.pieces[k].packed);
    free(j.pieces);
    for (int w = 0; w < workers; w++) {
        libdeflate_free_decompressor(j.z[w]);
        free(j.scratch[w]);
    }
    return st == CLAB_OK ? CLAB_OK : clab_context(h->cx, "%s", h->name);
}
