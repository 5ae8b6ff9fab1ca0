/* h5_out.c -- files, groups, attributes and arrays as the AnnData format wants them written:
 * little-endian, attributes as variable-length UTF-8 scalars, arrays in deflated chunks, no times. */
#include "io/h5_out_impl.h"

#include "base/fault.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (256 << 10)
#define PLAIN_BELOW 1024 /* elements: smaller arrays are neither chunked nor compressed */

clab_status clab__out_fail(clab__out *o, const char *at)
{
    const char *why = clab__h5_why();
    return clab_fail(o->cx, CLAB_EIO, "writing %s: %s%s%s", o->name, *at ? clab_show(at) : "",
                     *at ? ": " : "", why);
}

/* ---- the file ------------------------------------------------------------------------------------*/

/* For a file of our own that nobody else knows: no lock, which some file systems do not have. */
static hid_t access_list(bool wide)
{
    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_file_locking(fapl, 0, 1);
    if (wide) /* attributes above 64 KiB need the newer object headers */
        H5Pset_libver_bounds(fapl, H5F_LIBVER_V18, H5F_LIBVER_LATEST);
    return fapl;
}

static void make_types(clab__out *o)
{
    const int8_t no = 0, yes = 1;
    o->boolean = H5Tenum_create(H5T_STD_I8LE);
    H5Tenum_insert(o->boolean, "FALSE", &no);
    H5Tenum_insert(o->boolean, "TRUE", &yes);
    o->text = H5Tcopy(H5T_C_S1);
    H5Tset_size(o->text, H5T_VARIABLE);
    H5Tset_cset(o->text, H5T_CSET_UTF8);
}

clab_status clab__out_open(clab__out *o, const char *path, bool wide)
{
    hid_t fapl = access_list(wide), fcpl = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_obj_track_times(fcpl, 0);
    make_types(o);
    o->file = H5Fcreate(path, H5F_ACC_TRUNC, fcpl, fapl);
    clab_status st = o->file < 0 ? clab__out_fail(o, "") : CLAB_OK;
    H5Pclose(fapl);
    H5Pclose(fcpl);
    return st;
}

clab_status clab__out_reopen(clab__out *o, const char *path, bool wide)
{
    char encoding[64];
    hid_t fapl = access_list(wide);
    make_types(o);
    o->file = H5Fopen(path, H5F_ACC_RDWR, fapl);
    clab_status st = o->file < 0 ? clab__out_fail(o, "") : CLAB_OK;
    H5Pclose(fapl);
    if (st != CLAB_OK || (clab__h5_attr_str(o->file, "encoding-type", encoding, sizeof encoding) &&
                          strcmp(encoding, "anndata") == 0))
        return st;
    (void)clab_fail(o->cx, CLAB_EFORMAT, "%s is no .h5ad of AnnData 0.8 or later, whose parts could be replaced one by one",
                    o->name);
    return clab_hint(o->cx, "ds:write(\"NEW.h5ad\") writes all of it as one");
}

clab_status clab__out_close(clab__out *o)
{
    clab_status st = CLAB_OK;
    if (o->file > 0 && (clab_fault_io(o->cx) || H5Fflush(o->file, H5F_SCOPE_GLOBAL) < 0))
        st = clab__out_fail(o, "");
    if (o->file > 0 && H5Fclose(o->file) < 0 && st == CLAB_OK)
        st = clab__out_fail(o, "");
    o->file = -1;
    return st;
}

clab_status clab__out_done(clab__out *o, hid_t obj, const char *at)
{
    return obj > 0 && H5Oclose(obj) < 0 ? clab__out_fail(o, at) : CLAB_OK;
}

/* ---- types ---------------------------------------------------------------------------------------*/

hid_t clab__dtype_file(const clab__out *o, clab_dtype t)
{
    switch (t) {
    case CLAB_F32:
        return H5T_IEEE_F32LE;
    case CLAB_F64:
        return H5T_IEEE_F64LE;
    case CLAB_I8:
        return H5T_STD_I8LE;
    case CLAB_I16:
        return H5T_STD_I16LE;
    case CLAB_I32:
        return H5T_STD_I32LE;
    case CLAB_I64:
        return H5T_STD_I64LE;
    case CLAB_U8:
        return H5T_STD_U8LE;
    case CLAB_U16:
        return H5T_STD_U16LE;
    case CLAB_U32:
        return H5T_STD_U32LE;
    case CLAB_U64:
        return H5T_STD_U64LE;
    case CLAB_BOOL:
        return o->boolean;
    default:
        return o->text;
    }
}

hid_t clab__dtype_from(const clab__out *o, clab_dtype t)
{
    return t == CLAB_BOOL ? o->boolean : t == CLAB_STR ? o->text : clab__dtype_mem(t);
}

/* ---- attributes ----------------------------------------------------------------------------------*/

static clab_status put_attr(clab__out *o, hid_t obj, const char *at, const char *name, hid_t file_type,
                            hid_t mem_type, hid_t space, const void *data)
{
    hid_t a = space < 0 ? -1 : H5Acreate2(obj, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool torn = a < 0 || clab_fault_io(o->cx) || (data && H5Awrite(a, mem_type, data) < 0);
    clab_status st = torn ? clab__out_fail(o, at) : CLAB_OK;
    if (a >= 0 && H5Aclose(a) < 0 && st == CLAB_OK)
        st = clab__out_fail(o, at);
    if (space >= 0)
        H5Sclose(space);
    return st;
}

clab_status clab__out_attr_str(clab__out *o, hid_t obj, const char *at, const char *name, const char *value)
{
    return put_attr(o, obj, at, name, o->text, o->text, H5Screate(H5S_SCALAR), &value);
}

clab_status clab__out_attr_strs(clab__out *o, hid_t obj, const char *at, const char *name,
                                char *const *values, int64_t n)
{
    hsize_t dim = (hsize_t)n;
    return put_attr(o, obj, at, name, o->text, o->text, H5Screate_simple(1, &dim, NULL),
                    n > 0 ? values : NULL);
}

clab_status clab__out_attr_shape(clab__out *o, hid_t obj, const char *at, int64_t n_rows, int64_t n_cols)
{
    int64_t shape[2] = {n_rows, n_cols};
    hsize_t two = 2;
    return put_attr(o, obj, at, "shape", H5T_STD_I64LE, H5T_NATIVE_INT64, H5Screate_simple(1, &two, NULL),
                    shape);
}

clab_status clab__out_attr_bool(clab__out *o, hid_t obj, const char *at, const char *name, bool value)
{
    int8_t v = value;
    return put_attr(o, obj, at, name, o->boolean, o->boolean, H5Screate(H5S_SCALAR), &v);
}

clab_status clab__out_encoding(clab__out *o, hid_t obj, const char *at, const char *type, const char *version)
{
    clab_status st = clab__out_attr_str(o, obj, at, "encoding-type", type);
    return st == CLAB_OK ? clab__out_attr_str(o, obj, at, "encoding-version", version) : st;
}

/* ---- groups and arrays ---------------------------------------------------------------------------*/

clab_status clab__out_group(clab__out *o, hid_t parent, const char *name, const char *at, hid_t *out)
{
    hid_t gcpl = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(gcpl, 0);
    *out = H5Gcreate2(parent, name, H5P_DEFAULT, gcpl, H5P_DEFAULT);
    clab_status st = *out < 0 ? clab__out_fail(o, at) : CLAB_OK;
    H5Pclose(gcpl);
    return st;
}

/* Whole trailing dimensions as far as CHUNK_BYTES go. */
static void choose_chunk(int rank, const hsize_t *dims, size_t size, bool grows, hsize_t *chunk)
{
    hsize_t left = CHUNK_BYTES / size;
    for (int i = rank - 1; i >= 0; i--) {
        hsize_t most = grows && i == 0 ? left : dims[i];
        chunk[i] = most < left ? most : left;
        chunk[i] = chunk[i] < 1 ? 1 : chunk[i];
        left /= chunk[i];
        left = left < 1 ? 1 : left;
    }
}

clab_status clab__out_set(clab__out *o, hid_t parent, const char *name, const char *at, hid_t type, int rank,
                          const hsize_t *dims, bool grows, hid_t *out)
{
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE), space;
    hsize_t chunk[H5S_MAX_RANK], limit[1] = {H5S_UNLIMITED}, n = 1;
    bool packed = H5Tget_class(type) != H5T_STRING && H5Tget_class(type) != H5T_COMPOUND;
    for (int i = 0; i < rank; i++)
        n *= dims[i];
    H5Pset_obj_track_times(dcpl, 0);
    if (grows || (packed && rank > 0 && n >= PLAIN_BELOW)) {
        choose_chunk(rank, dims, H5Tget_size(type), grows, chunk);
        H5Pset_chunk(dcpl, rank, chunk);
        if (o->level > 0)
            H5Pset_deflate(dcpl, (unsigned)o->level);
    }
    space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, dims, grows ? limit : NULL);
    *out = space < 0 ? -1 : H5Dcreate2(parent, name, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    clab_status st = *out < 0 ? clab__out_fail(o, at) : CLAB_OK;
    if (space >= 0)
        H5Sclose(space);
    H5Pclose(dcpl);
    return st;
}

clab_status clab__out_array(clab__out *o, hid_t parent, const char *name, const char *at, hid_t file_type,
                            hid_t mem_type, int rank, const int64_t *dims, const void *data, hid_t *out)
{
    hsize_t size[H5S_MAX_RANK], n = 1;
    for (int i = 0; i < rank; i++) {
        size[i] = (hsize_t)dims[i];
        n *= size[i];
    }
    clab_status st = clab__out_set(o, parent, name, at, file_type, rank, size, false, out);
    if (st == CLAB_OK && n > 0 &&
        (clab_fault_io(o->cx) || H5Dwrite(*out, mem_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)) {
        st = clab__out_fail(o, at);
        H5Oclose(*out);
        *out = -1;
    }
    return st;
}
