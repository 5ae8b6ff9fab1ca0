/* h5_out_chunks.c -- the common case of growing arrays made fast: chunks are deflated on all threads and handed
 * to the library as they stand in the file.  Without compression, or where elements must be converted: false,
 * and HDF5 writes. */
#include "io/h5_out_impl.h"

#include "base/fault.h"
#include "base/pool.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 16 /* chunks that are packed together */
#define MAX_WORKERS 64

struct clab__out_chunks {
    clab__out *o;
    hid_t set;
    const char *at;
    size_t size;     /* of an element */
    size_t from;     /* of an element as it is handed in: int32 widens to int64 */
    int64_t chunk;   /* elements */
    int64_t written; /* elements, whole chunks but at the end */
    int64_t held;    /* elements waiting */
    char *raw;       /* BATCH chunks */
    char *packed;    /* BATCH x room */
    size_t room, n[BATCH];
    int workers;
    struct libdeflate_compressor *z[MAX_WORKERS];
};

static clab_status pack(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    clab__out_chunks *c = arg;
    size_t bytes = (size_t)c->chunk * c->size;
    c->n[task] = libdeflate_zlib_compress(c->z[worker], c->raw + (size_t)task * bytes, bytes,
                                          c->packed + (size_t)task * c->room, c->room);
    return c->n[task] > 0 ? CLAB_OK
                          : clab_fail(cx, CLAB_EINTERNAL, "a chunk of %s did not deflate", clab_show(c->at));
}

/* What is held into the file, `elements` of it counting: a last chunk is filled up with zeros. */
static clab_status put(clab__out_chunks *c)
{
    int64_t chunks = (c->held + c->chunk - 1) / c->chunk;
    hsize_t extent = (hsize_t)(c->written + c->held);
    if (chunks == 0)
        return CLAB_OK;
    memset(c->raw + (size_t)c->held * c->size, 0, (size_t)(chunks * c->chunk - c->held) * c->size);
    clab_status st = clab_parallel(c->o->cx, chunks, pack, c);
    if (st == CLAB_OK && H5Dset_extent(c->set, &extent) < 0)
        st = clab__out_fail(c->o, c->at);
    for (int64_t k = 0; st == CLAB_OK && k < chunks; k++) {
        hsize_t offset = (hsize_t)(c->written + k * c->chunk);
        if (clab_fault_io(c->o->cx) || H5Dwrite_chunk(c->set, H5P_DEFAULT, 0, &offset, c->n[k],
                                                      c->packed + (size_t)k * c->room) < 0)
            st = clab__out_fail(c->o, c->at);
    }
    c->written += c->held;
    c->held = 0;
    return st;
}

/* Elements side by side, as the file wants them. */
static void take(clab__out_chunks *c, const void *data, int64_t n)
{
    char *to = c->raw + (size_t)c->held * c->size;
    if (c->from == c->size) {
        memcpy(to, data, (size_t)n * c->size);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        ((int64_t *)(void *)to)[i] = ((const int32_t *)data)[i];
}

clab_status clab__chunks_add(clab__out_chunks *c, int64_t n, const void *data)
{
    const char *p = data;
    clab_status st = CLAB_OK;
    while (st == CLAB_OK && n > 0) {
        int64_t k = BATCH * c->chunk - c->held;
        k = k < n ? k : n;
        take(c, p, k);
        c->held += k;
        p += (size_t)k * c->from;
        n -= k;
        if (c->held == BATCH * c->chunk)
            st = put(c);
    }
    return st;
}

clab_status clab__chunks_end(clab__out_chunks *c)
{
    clab_status st = c ? put(c) : CLAB_OK;
    clab__chunks_free(c);
    return st;
}

void clab__chunks_free(clab__out_chunks *c)
{
    if (!c)
        return;
    for (int w = 0; w < c->workers; w++)
        libdeflate_free_compressor(c->z[w]);
    clab_mem_free(c->o->cx, c->raw);
    clab_mem_free(c->o->cx, c->packed);
    free(c);
}

/* May elements of `mem` be put into a set of `file` as they are, or widened? */
static bool fits(hid_t file, hid_t mem)
{
    return H5Tequal(file, mem) > 0 ||
           (H5Tequal(file, H5T_NATIVE_INT64) > 0 && H5Tequal(mem, H5T_NATIVE_INT32) > 0);
}

clab_status clab__chunks_new(clab__out *o, hid_t set, const char *at, hid_t mem, clab__out_chunks **out)
{
    hid_t dcpl = H5Dget_create_plist(set), type = H5Dget_type(set);
    hsize_t chunk = 0;
    *out = NULL;
    bool able = dcpl >= 0 && type >= 0 && o->level > 0 && H5Pget_nfilters(dcpl) == 1 && fits(type, mem) &&
                H5Pget_chunk(dcpl, 1, &chunk) == 1;
    clab__out_chunks *c = able ? calloc(1, sizeof *c) : NULL;
    clab_status st = able && !c ? clab_fail(o->cx, CLAB_ENOMEM, "no memory to write %s", clab_show(at)) : CLAB_OK;
    if (c) {
        *c = (clab__out_chunks){.o = o, .set = set, .at = at, .chunk = (int64_t)chunk};
        c->size = H5Tget_size(type);
        c->from = H5Tget_size(mem);
        int threads = clab_threads(o->cx) < MAX_WORKERS ? clab_threads(o->cx) : MAX_WORKERS;
        for (; c->workers < threads && st == CLAB_OK; c->workers++) {
            c->z[c->workers] = libdeflate_alloc_compressor(o->level);
            if (!c->z[c->workers])
                st = clab_fail(o->cx, CLAB_ENOMEM, "no memory to write %s", clab_show(at));
        }
        size_t bytes = (size_t)c->chunk * c->size;
        if (st == CLAB_OK) {
            c->room = libdeflate_zlib_compress_bound(c->z[0], bytes);
            st = clab_mem_alloc(o->cx, CLAB_MEM_WORK, BATCH * (int64_t)bytes, "chunks to write", (void **)&c->raw);
        }
        if (st == CLAB_OK)
            st = clab_mem_alloc(o->cx, CLAB_MEM_WORK, BATCH * (int64_t)c->room, "chunks to write",
                                (void **)&c->packed);
    }
    if (dcpl >= 0)
        H5Pclose(dcpl);
    if (type >= 0)
        H5Tclose(type);
    if (st != CLAB_OK) {
        clab__chunks_free(c);
        c = NULL;
    }
    *out = c;
    return st;
}
