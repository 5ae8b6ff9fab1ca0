/* h5_attr.c -- attributes as the writers of this world leave them: scalars or arrays of length 1,
 * variable or fixed strings, booleans as enums or integers. */
#include "io/h5_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ATTR_VALUES (1 << 20)

/* Open an attribute with its type and space; false when it is absent. */
static bool attr_open(hid_t obj, const char *name, hid_t *attr, hid_t *type, hid_t *space, int64_t *n)
{
    if (H5Aexists(obj, name) <= 0)
        return false;
    *attr = H5Aopen(obj, name, H5P_DEFAULT);
    *type = *attr < 0 ? -1 : H5Aget_type(*attr);
    *space = *attr < 0 ? -1 : H5Aget_space(*attr);
    *n = *space < 0 ? -1 : (int64_t)H5Sget_simple_extent_npoints(*space);
    return *type >= 0 && *n >= 0 && *n <= MAX_ATTR_VALUES;
}

static void attr_close(hid_t attr, hid_t type, hid_t space)
{
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    if (attr >= 0)
        H5Aclose(attr);
}

bool clab__h5_attr_str(hid_t obj, const char *name, char *buf, size_t n)
{
    hid_t attr = -1, type = -1, space = -1;
    int64_t count = 0;
    bool ok = false;
    *buf = 0;
    if (attr_open(obj, name, &attr, &type, &space, &count) && count == 1 &&
        H5Tget_class(type) == H5T_STRING) {
        if (H5Tis_variable_str(type) > 0) {
            char *s = NULL;
            ok = H5Aread(attr, type, &s) >= 0 && s;
            if (ok)
                snprintf(buf, n, "%s", s);
            H5free_memory(s);
        } else {
            size_t size = H5Tget_size(type);
            char *s = size > 0 && size < 65536 ? calloc(size + 1, 1) : NULL;
            ok = s && H5Aread(attr, type, s) >= 0;
            if (ok) {
                for (size_t i = strlen(s);
                     H5Tget_strpad(type) == H5T_STR_SPACEPAD && i > 0 && s[i - 1] == ' '; i--)
                    s[i - 1] = 0;
                snprintf(buf, n, "%s", s);
            }
            free(s);
        }
    }
    attr_close(attr, type, space);
    return ok;
}

int clab__h5_attr_ints(hid_t obj, const char *name, int64_t *v, int max)
{
    hid_t attr = -1, type = -1, space = -1;
    int64_t count = 0, all[8];
    int got = -1;
    if (attr_open(obj, name, &attr, &type, &space, &count) && count <= 8 &&
        (H5Tget_class(type) == H5T_INTEGER || H5Tget_class(type) == H5T_ENUM) &&
        H5Aread(attr, H5T_NATIVE_INT64, all) >= 0) {
        got = (int)count;
        for (int i = 0; i < got && i < max; i++)
            v[i] = all[i];
    }
    attr_close(attr, type, space);
    return got;
}

bool clab__h5_attr_bool(hid_t obj, const char *name, bool *v)
{
    int64_t x;
    if (clab__h5_attr_ints(obj, name, &x, 1) != 1)
        return false;
    *v = x != 0;
    return true;
}

clab_status clab__h5_attr_names(clab__h5 *h, hid_t obj, const char *name, const char *at, clab__names *out,
                                bool *found)
{
    hid_t attr = -1, type = -1, space = -1;
    int64_t count = 0;
    clab__strings s = {0};
    clab_status st = CLAB_OK;
    *out = (clab__names){0};
    *found =
        attr_open(obj, name, &attr, &type, &space, &count) && H5Sget_simple_extent_type(space) != H5S_NULL;
    if (!*found || count == 0) /* an empty frame's column-order is an empty array of floats */
        goto done;
    if (H5Tget_class(type) != H5T_STRING) {
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s: the attribute '%s' does not hold strings", h->name,
                       clab_show(at), name);
        goto done;
    }
    st = clab__strings_read(h, attr, true, NULL, type, space, at, &s);
    if (st != CLAB_OK)
        goto done;
    out->s = calloc((size_t)count, sizeof *out->s);
    out->cap = out->s ? count : 0;
    for (int64_t i = 0; i < out->cap; i++, out->n++)
        if (!(out->s[i] = strdup(s.s[i])))
            break;
    if (out->n < count)
        st = clab_fail(h->cx, CLAB_ENOMEM, "no memory for the column names of %s", clab_show(at));
done:
    clab__strings_free(&s);
    attr_close(attr, type, space);
    if (st != CLAB_OK)
        clab__names_free(out);
    return st;
}
