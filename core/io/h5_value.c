/* h5_value.c -- any element of an AnnData file as a clab_value, told by its encoding or its HDF5 type.
 * What is not understood is left out and named, never guessed. */
#include "io/h5_impl.h"

#include <stdlib.h>
#include <string.h>

#define MAX_RANK 8

/* ---- arrays and scalars --------------------------------------------------------------------------*/

static hid_t field_of(const char *field, hid_t mem)
{
    if (!field)
        return H5Tcopy(mem);
    hid_t t = H5Tcreate(H5T_COMPOUND, H5Tget_size(mem));
    if (t >= 0)
        H5Tinsert(t, field, 0, mem);
    return t;
}

/* Numbers: dims of the dataset, then those of an array field. */
static clab_status read_numbers(clab__h5 *h, const clab__set *s, const char *field, hid_t type,
                                clab_value **out)
{
    int rank = s->rank, sub = 0;
    int64_t dims[2 * MAX_RANK], n = s->n, bytes;
    hsize_t inner[H5S_MAX_RANK];
    clab_dtype t;
    void *buf = NULL;
    hid_t base = -1, mem = -1, whole = -1;
    clab_status st = CLAB_OK;
    for (int i = 0; i < rank; i++)
        dims[i] = (int64_t)s->dims[i];
    if (H5Tget_class(type) == H5T_ARRAY) {
        sub = H5Tget_array_ndims(type);
        base = H5Tget_super(type);
        if (sub < 1 || rank + sub > MAX_RANK || H5Tget_array_dims2(type, inner) < 0 ||
            !clab__type_dtype(base, &t)) {
            clab__h5_leave_out(h, s->at, "the field '%s' is of a kind that is not understood",
                               clab_show(field ? field : ""));
            goto done;
        }
        for (int i = 0; i < sub; i++) {
            dims[rank++] = (int64_t)inner[i];
            if (inner[i] > INT32_MAX || __builtin_mul_overflow(n, (int64_t)inner[i], &n)) {
                st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s claims too many elements", h->name,
                               clab_show(s->at));
                goto done;
            }
        }
        mem = H5Tarray_create2(clab__dtype_mem(t), (unsigned)sub, inner);
    } else if (clab__type_dtype(type, &t)) {
        mem = H5Tcopy(clab__dtype_mem(t));
    } else {
        clab__h5_leave_out(h, s->at, "its type is not understood");
        goto done;
    }
    if ((st = clab__set_plausible(h, s, n, clab_dtype_size(t))) != CLAB_OK ||
        (st = clab_mem_size(h->cx, n, clab_dtype_size(t), &bytes)) != CLAB_OK ||
        (st = clab__h5_ask(h, s->at, bytes)) != CLAB_OK ||
        (st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, bytes, "an array of the file", &buf)) != CLAB_OK)
        goto done;
    whole = field_of(field, mem);
    clab__h5_alive(bytes);
    if (n > 0 && H5Dread(s->id, whole, H5S_ALL, H5S_ALL, H5P_DEFAULT, buf) < 0) {
        st = clab_fail(h->cx, CLAB_EIO, "%s: %s cannot be read: %s", h->name, clab_show(s->at),
                       clab__h5_why());
        goto done;
    }
    for (int64_t i = 0; t == CLAB_BOOL && i < n; i++)
        ((uint8_t *)buf)[i] = ((uint8_t *)buf)[i] != 0;
    st = clab_value_array(h->cx, t, rank, dims, buf, out);
done:
    if (whole >= 0)
        H5Tclose(whole);
    if (mem >= 0)
        H5Tclose(mem);
    if (base >= 0)
        H5Tclose(base);
    clab_mem_free(h->cx, buf);
    return st;
}

static clab_status read_text(clab__h5 *h, const clab__set *s, const char *field, hid_t type, clab_value **out)
{
    clab__strings v;
    int64_t dims[MAX_RANK];
    size_t size = H5Tget_size(type);
    clab_status st = clab__set_plausible(h, s, s->n, size);
    if (st != CLAB_OK ||
        (st = clab__strings_read(h, s->id, false, field, type, s->space, s->at, &v)) != CLAB_OK)
        return st;
    for (int i = 0; i < s->rank; i++)
        dims[i] = (int64_t)s->dims[i];
    /* Old writers (and R's) wrapped a single fixed-length string into an array of one. */
    bool lone = !field && s->rank == 1 && s->n == 1 && H5Tis_variable_str(type) <= 0 &&
                H5Aexists(s->id, "encoding-type") <= 0;
    st = clab_value_strings(h->cx, lone ? 0 : s->rank, dims, (const char *const *)v.s, out);
    clab__strings_free(&v);
    return st;
}

/* {r, i} is how h5py spells complex numbers. */
static bool is_complex(hid_t type)
{
    return H5Tget_nmembers(type) == 2 && H5Tget_member_index(type, "r") >= 0 &&
           H5Tget_member_index(type, "i") >= 0;
}

clab_status clab__read_set(clab__h5 *h, const clab__set *s, const char *field, hid_t type, clab_value **out)
{
    *out = NULL;
    if (s->null)
        return clab_value_null(h->cx, out);
    if (s->rank > MAX_RANK) {
        clab__h5_leave_out(h, s->at, "it has %d dimensions", s->rank);
        return CLAB_OK;
    }
    switch (H5Tget_class(type)) {
    case H5T_STRING:
        return read_text(h, s, field, type, out);
    case H5T_COMPOUND:
        if (!field && s->rank == 1 && !is_complex(type))
            return clab__read_records(h, s, false, out);
        clab__h5_leave_out(h, s->at,
                           is_complex(type) ? "complex numbers" : "a structure that is no list of records");
        return CLAB_OK;
    case H5T_INTEGER:
    case H5T_FLOAT:
    case H5T_ENUM:
    case H5T_ARRAY:
        return read_numbers(h, s, field, type, out);
    default:
        clab__h5_leave_out(h, s->at, "its HDF5 type is not understood");
        return CLAB_OK;
    }
}

/* ---- groups --------------------------------------------------------------------------------------*/

clab_status clab__read_dict(clab__h5 *h, hid_t group, const char *at, clab_value **out)
{
    clab__names names = {0};
    clab_value *dict = NULL, *item = NULL;
    char path[CLAB__AT];
    *out = NULL;
    if (!clab__h5_enter(h, group)) {
        clab__h5_leave_out(h, at, h->depth >= CLAB__DEPTH ? "nested too deeply" : "a loop");
        return CLAB_OK;
    }
    clab_status st = clab_value_dict(h->cx, &dict);
    if (st == CLAB_OK)
        st = clab__h5_members(h, group, at, &names);
    for (int64_t i = 0; st == CLAB_OK && i < names.n; i++) {
        H5L_info_t link;
        clab__h5_at(path, at, names.s[i]);
        if (H5Lget_info(group, names.s[i], &link, H5P_DEFAULT) >= 0 && link.type == H5L_TYPE_SOFT &&
            !clab__h5_has(group, names.s[i])) {
            clab__h5_leave_out(h, path, "a link that leads nowhere");
            continue;
        }
        st = clab_check(h->cx);
        if (st == CLAB_OK)
            st = clab__read_member(h, group, names.s[i], path, &item);
        if (st == CLAB_OK && item)
            st = clab_value_set(h->cx, dict, names.s[i], item);
        clab_value_unref(item);
        item = NULL;
    }
    clab__h5_leave(h);
    clab__names_free(&names);
    if (st != CLAB_OK) {
        clab_value_unref(dict);
        return st;
    }
    *out = dict;
    return CLAB_OK;
}

static clab_status read_group(clab__h5 *h, hid_t obj, const char *encoding, const char *at, clab_value **out)
{
    if (strcmp(encoding, "csr_matrix") == 0 || strcmp(encoding, "csc_matrix") == 0 ||
        (!*encoding && H5Aexists(obj, "h5sparse_format") > 0))
        return clab__read_sparse(h, obj, at, out); /* takes obj */
    clab_status st = CLAB_OK;
    if (!*encoding || strcmp(encoding, "dict") == 0)
        st = clab__read_dict(h, obj, at, out);
    else if (strcmp(encoding, "dataframe") == 0)
        st = clab__read_table(h, obj, at, out);
    else if (strcmp(encoding, "categorical") == 0)
        st = clab__read_categorical(h, obj, at, out);
    else if (strncmp(encoding, "nullable-", 9) == 0)
        st = clab__read_nullable(h, obj, at, out);
    else
        clab__h5_leave_out(h, at, "encoding '%s'", clab_show(encoding));
    H5Oclose(obj);
    return st;
}

/* AnnData 0.7: codes whose levels an attribute refers to. */
static clab_status read_referred(clab__h5 *h, clab__set *s, const char *at, clab_value **out)
{
    hobj_ref_t ref;
    hid_t attr = H5Aopen(s->id, "categories", H5P_DEFAULT), levels_obj = -1;
    clab_value *levels = NULL;
    clab_status st = CLAB_OK;
    bool ordered = false;
    if (attr >= 0 && H5Aread(attr, H5T_STD_REF_OBJ, &ref) >= 0)
        levels_obj = H5Rdereference2(s->id, H5P_DEFAULT, H5R_OBJECT, &ref);
    if (levels_obj < 0) {
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s: the categories that %s refers to are not in the file",
                       h->name, clab_show(at));
    } else {
        clab__h5_attr_bool(levels_obj, "ordered", &ordered);
        st = clab__read_element(h, levels_obj, at, &levels);
    }
    if (st == CLAB_OK)
        st = clab__read_codes(h, s, NULL, s->type, levels, ordered, out);
    if (attr >= 0)
        H5Aclose(attr);
    clab_value_unref(levels);
    return st;
}

static bool attr_is_reference(hid_t obj, const char *name)
{
    if (H5Aexists(obj, name) <= 0)
        return false;
    hid_t attr = H5Aopen(obj, name, H5P_DEFAULT), type = attr < 0 ? -1 : H5Aget_type(attr);
    bool yes = type >= 0 && H5Tget_class(type) == H5T_REFERENCE && H5Tequal(type, H5T_STD_REF_OBJ) > 0;
    if (type >= 0)
        H5Tclose(type);
    if (attr >= 0)
        H5Aclose(attr);
    return yes;
}

clab_status clab__read_element(clab__h5 *h, hid_t obj, const char *at, clab_value **out)
{
    static const char *const plain[] = {"",       "array",     "string-array", "numeric-scalar",
                                        "string", "rec-array", "null",         "bytes"};
    char encoding[64];
    clab__set s;
    *out = NULL;
    clab__h5_attr_str(obj, "encoding-type", encoding, sizeof encoding);
    if (clab__h5_is_group(obj))
        return read_group(h, obj, encoding, at, out);
    bool known = false;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        known = known || strcmp(encoding, plain[i]) == 0;
    if (!known || H5Iget_type(obj) != H5I_DATASET) {
        clab__h5_leave_out(h, at, *encoding ? "encoding '%s'" : "no group and no array%s",
                           clab_show(encoding));
        H5Oclose(obj);
        return CLAB_OK;
    }
    clab_status st = clab__set_open(h, obj, at, &s);
    if (st != CLAB_OK)
        return st;
    st = attr_is_reference(s.id, "categories") ? read_referred(h, &s, at, out)
                                               : clab__read_set(h, &s, NULL, s.type, out);
    clab__set_close(&s);
    return st;
}

clab_status clab__read_member(clab__h5 *h, hid_t group, const char *name, const char *at, clab_value **out)
{
    hid_t obj;
    *out = NULL;
    clab_status st = clab__h5_member(h, group, name, at, &obj);
    return st == CLAB_OK ? clab__read_element(h, obj, at, out) : st;
}
