/* h5_set.c -- datasets behind a gate: nothing stored elsewhere, no missing filter, no size that is only
 * declared; then slices of them. */
#include "io/h5_impl.h"

#include "base/fault.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PACKED_MAX 1100       /* deflate packs 1032 : 1 at best */
#define CACHE_MAX (1LL << 30) /* bytes of one row of chunks */
#define SLICE (8LL << 20)     /* bytes read between two looks at the cancel flag */

hid_t clab__dtype_mem(clab_dtype t)
{
    switch (t) {
    case CLAB_F32:
        return H5T_NATIVE_FLOAT;
    case CLAB_F64:
        return H5T_NATIVE_DOUBLE;
    case CLAB_I8:
        return H5T_NATIVE_INT8;
    case CLAB_I16:
        return H5T_NATIVE_INT16;
    case CLAB_I32:
        return H5T_NATIVE_INT32;
    case CLAB_I64:
        return H5T_NATIVE_INT64;
    case CLAB_U16:
        return H5T_NATIVE_UINT16;
    case CLAB_U32:
        return H5T_NATIVE_UINT32;
    case CLAB_U64:
        return H5T_NATIVE_UINT64;
    default:
        return H5T_NATIVE_UINT8; /* U8 and BOOL */
    }
}

/* An enum of FALSE and TRUE is how h5py spells booleans. */
static bool is_bool(hid_t type)
{
    if (H5Tget_class(type) != H5T_ENUM || H5Tget_nmembers(type) != 2)
        return false;
    bool seen[2] = {false, false};
    for (unsigned i = 0; i < 2; i++) {
        char *name = H5Tget_member_name(type, i);
        if (name && strcasecmp(name, "FALSE") == 0)
            seen[0] = true;
        if (name && strcasecmp(name, "TRUE") == 0)
            seen[1] = true;
        H5free_memory(name);
    }
    return seen[0] && seen[1];
}

bool clab__type_dtype(hid_t type, clab_dtype *out)
{
    size_t size = H5Tget_size(type);
    H5T_class_t c = H5Tget_class(type);
    if (c == H5T_FLOAT) {
        *out = size <= 4 ? CLAB_F32 : CLAB_F64;
        return true;
    }
    if (is_bool(type)) {
        *out = CLAB_BOOL;
        return true;
    }
    if (c != H5T_INTEGER && c != H5T_ENUM)
        return false;
    hid_t base = c == H5T_ENUM ? H5Tget_super(type) : H5Tcopy(type);
    bool is_signed = H5Tget_sign(base) == H5T_SGN_2;
    H5Tclose(base);
    switch (size) {
    case 1:
        *out = is_signed ? CLAB_I8 : CLAB_U8;
        return true;
    case 2:
        *out = is_signed ? CLAB_I16 : CLAB_U16;
        return true;
    case 4:
        *out = is_signed ? CLAB_I32 : CLAB_U32;
        return true;
    case 8:
        *out = is_signed ? CLAB_I64 : CLAB_U64;
        return true;
    default:
        return false;
    }
}

static clab__class class_of(hid_t type, clab_dtype *dtype)
{
    if (clab__type_dtype(type, dtype))
        return CLAB__NUMBER;
    H5T_class_t c = H5Tget_class(type);
    return c == H5T_STRING ? CLAB__STRING : c == H5T_COMPOUND ? CLAB__COMPOUND : CLAB__OTHER;
}

/* ---- the gate ------------------------------------------------------------------------------------*/

static clab_status check_filters(clab__h5 *h, hid_t dcpl, const char *at)
{
    int n = H5Pget_nfilters(dcpl);
    for (int i = 0; i < n; i++) {
        char name[64] = "";
        unsigned flags, config;
        size_t n_values = 0;
        H5Z_filter_t id =
            H5Pget_filter2(dcpl, (unsigned)i, &flags, &n_values, NULL, sizeof name, name, &config);
        if (H5Zfilter_avail(id) > 0)
            continue;
        return clab__filter_missing(h, at, (int)id, name);
    }
    return CLAB_OK;
}

static clab_status check_storage(clab__h5 *h, clab__set *s)
{
    hid_t dcpl = H5Dget_create_plist(s->id);
    clab_status st = CLAB_OK;
    if (dcpl < 0)
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: %s: its layout cannot be read: %s", h->name,
                         clab_show(s->at), clab__h5_why());
    H5D_layout_t layout = H5Pget_layout(dcpl);
    if (H5Pget_external_count(dcpl) > 0)
        st = clab_fail(h->cx, CLAB_EFORMAT,
                       "%s: %s keeps its values in another file (external storage); not followed", h->name,
                       clab_show(s->at));
    else if (layout == H5D_VIRTUAL)
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s is a virtual dataset over other files; not followed",
                       h->name, clab_show(s->at));
    else if (layout == H5D_CHUNKED && H5Pget_chunk(dcpl, s->rank, s->chunk) < 0)
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s: its chunks cannot be read: %s", h->name,
                       clab_show(s->at), clab__h5_why());
    else if (s->stored > 0)
        st = check_filters(h, dcpl, s->at);
    H5Pclose(dcpl);
    return st;
}

clab_status clab__set_open(clab__h5 *h, hid_t obj, const char *at, clab__set *s)
{
    *s = (clab__set){.id = obj, .type = -1, .space = -1, .at = at};
    clab_status st = CLAB_OK;
    if (H5Iget_type(obj) != H5I_DATASET) {
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s is a group where an array is expected", h->name,
                       clab_show(at));
        goto fail;
    }
    s->type = H5Dget_type(obj);
    s->space = H5Dget_space(obj);
    s->rank = s->space < 0 ? -1 : H5Sget_simple_extent_ndims(s->space);
    if (s->type < 0 || s->rank < 0 || s->rank > H5S_MAX_RANK) {
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s cannot be read: %s", h->name, clab_show(at),
                       clab__h5_why());
        goto fail;
    }
    s->null = H5Sget_simple_extent_type(s->space) == H5S_NULL;
    s->n = s->null ? 0 : 1;
    H5Sget_simple_extent_dims(s->space, s->dims, NULL);
    for (int i = 0; i < s->rank && !s->null; i++)
        if (s->dims[i] > INT64_MAX || __builtin_mul_overflow(s->n, (int64_t)s->dims[i], &s->n)) {
            st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s claims more elements than 64 bits can count", h->name,
                           clab_show(at));
            goto fail;
        }
    s->cls = class_of(s->type, &s->dtype);
    s->stored = H5Dget_storage_size(obj);
    st = check_storage(h, s);
fail:
    if (st != CLAB_OK)
        clab__set_close(s);
    return st;
}

clab_status clab__set_member(clab__h5 *h, hid_t group, const char *name, const char *at, clab__set *out)
{
    hid_t obj;
    *out = (clab__set){.id = -1, .type = -1, .space = -1};
    clab_status s = clab__h5_member(h, group, name, at, &obj);
    return s == CLAB_OK ? clab__set_open(h, obj, at, out) : s;
}

void clab__set_close(clab__set *s)
{
    if (s->space > 0)
        H5Sclose(s->space);
    if (s->type > 0)
        H5Tclose(s->type);
    if (s->id > 0)
        H5Oclose(s->id);
    s->id = s->type = s->space = -1;
}

clab_status clab__set_plausible(clab__h5 *h, const clab__set *s, int64_t n, size_t size)
{
    int64_t bytes;
    clab_status st = clab_mem_size(h->cx, n, size, &bytes);
    if (st != CLAB_OK)
        return clab_context(h->cx, "%s: %s", h->name, clab_show(s->at));
    /* Only deflate's bound is known; other filters may pack more and are left to the budget. */
    bool bounded = true;
    hid_t dcpl = H5Dget_create_plist(s->id);
    for (int i = 0, nf = dcpl < 0 ? 0 : H5Pget_nfilters(dcpl); i < nf; i++) {
        unsigned flags, config;
        size_t n_values = 0;
        H5Z_filter_t id = H5Pget_filter2(dcpl, (unsigned)i, &flags, &n_values, NULL, 0, NULL, &config);
        if (id != H5Z_FILTER_DEFLATE && id != H5Z_FILTER_SHUFFLE && id != H5Z_FILTER_FLETCHER32 &&
            id != CLAB__FILTER_LZF)
            bounded = false;
    }
    if (dcpl >= 0)
        H5Pclose(dcpl);
    int64_t stored = (int64_t)s->stored;
    if (bytes > CLAB__SMALL && (stored == 0 || (bounded && bytes / PACKED_MAX > stored)))
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: %s claims %s but only %s are stored", h->name,
                         clab_show(s->at), clab_bytes(bytes), clab_bytes(stored));
    return CLAB_OK;
}

/* ---- reading -------------------------------------------------------------------------------------*/

clab_status clab__set_cache(clab__h5 *h, clab__set *s)
{
    if (s->rank < 1 || s->chunk[0] == 0)
        return CLAB_OK;
    clab_status st = clab__chunks_prepare(h, s);
    if (st != CLAB_OK)
        return st;
    int64_t bytes = (int64_t)H5Tget_size(s->type);
    bool big = __builtin_mul_overflow(bytes, (int64_t)s->chunk[0], &bytes);
    for (int i = 1; i < s->rank; i++) {
        int64_t across = (int64_t)((s->dims[i] + s->chunk[i] - 1) / s->chunk[i] * s->chunk[i]);
        big = big || __builtin_mul_overflow(bytes, across, &bytes);
    }
    if (big || bytes > CACHE_MAX)
        return clab_hint(
            h->cx, "%s",
            (clab_fail(h->cx, CLAB_EBUDGET,
                       "%s: %s is stored in chunks so large that one row of "
                       "them takes %s",
                       h->name, clab_show(s->at), big ? "more than 64 bits can count" : clab_bytes(bytes)),
             "write it again with smaller chunks (h5repack -l CHUNK=...)"));
    if (bytes <= (1 << 20))
        return CLAB_OK;
    st = clab__h5_ask(h, s->at, bytes);
    if (st != CLAB_OK)
        return st;
    char path[1024];
    ssize_t len = H5Iget_name(s->id, path, sizeof path);
    if (len <= 0 || len >= (ssize_t)sizeof path)
        return CLAB_OK;
    hid_t dapl = H5Dget_access_plist(s->id);
    H5Pset_chunk_cache(dapl, 12421, (size_t)bytes + (1 << 20), 1.0);
    H5Oclose(s->id); /* the cache is made at the first opening: close before */
    s->id = H5Dopen2(h->file, path, dapl);
    const char *why = s->id < 0 ? clab__h5_why() : "";
    H5Pclose(dapl);
    if (s->id < 0)
        return clab_fail(h->cx, CLAB_EIO, "%s: %s cannot be opened again: %s", h->name, clab_show(s->at),
                         why);
    return CLAB_OK;
}

/* n elements from `first` of a dataset of rank 1, by HDF5's own means. */
static clab_status read_plain(clab__h5 *h, const clab__set *s, int64_t first, int64_t n, hid_t mem, void *buf)
{
    hsize_t start = (hsize_t)first, count = (hsize_t)n;
    hid_t in = H5Screate_simple(1, &count, NULL);
    bool ok = !clab_fault_io(h->cx) && in >= 0 &&
              H5Sselect_hyperslab(s->space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0 &&
              H5Dread(s->id, mem, in, s->space, H5P_DEFAULT, buf) >= 0;
    const char *why = ok ? "" : clab__h5_why();
    if (in >= 0)
        H5Sclose(in);
    return ok ? CLAB_OK
              : clab_fail(h->cx, CLAB_EIO, "%s: %s cannot be read at element %lld: %s", h->name, clab_show(s->at),
                          (long long)first, why);
}

clab_status clab__set_read(clab__h5 *h, const clab__set *s, int64_t first, int64_t n, hid_t mem, void *buf)
{
    size_t size = H5Tget_size(mem);
    int64_t step = SLICE / (int64_t)size;
    clab_status st = CLAB_OK;
    for (int64_t at = 0; st == CLAB_OK && at < n; at += step) {
        int64_t count = n - at < step ? n - at : step;
        clab__h5_alive(0);
        st = clab_check(h->cx);
        if (st == CLAB_OK)
            st = read_plain(h, s, first + at, count, mem, (char *)buf + (size_t)at * size);
    }
    return st;
}

clab_status clab__set_slice(clab__h5 *h, const clab__set *s, int64_t first, int64_t n, hid_t mem, void *buf)
{
    size_t size = H5Tget_size(mem);
    int64_t step = SLICE / (int64_t)size;
    clab_status st = CLAB_OK;
    if (!s->fast || H5Tequal(mem, s->type) <= 0)
        return clab__set_read(h, s, first, n, mem, buf);
    for (int64_t at = 0; st == CLAB_OK && at < n; at += step)
        st = clab__chunks_slice(h, s, first + at, n - at < step ? n - at : step, mem, (char *)buf + (size_t)at * size);
    return st;
}
