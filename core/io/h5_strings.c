/* h5_strings.c -- strings of any HDF5 kind (variable or fixed; NUL, space or not terminated) as UTF-8. */
#include "io/h5_impl.h"

#include <stdlib.h>
#include <string.h>

bool clab__is_utf8(const char *s)
{
    while (*s) {
        size_t n = clab_text_utf8(s);
        if (n == 0)
            return false;
        s += n;
    }
    return true;
}

/* The bytes taken as Latin-1, written as UTF-8: nothing is lost and names stay distinct. */
size_t clab__latin1(const char *s, size_t n, char *out)
{
    char *o = out;
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)s[i];
        if (c >= 0x80) {
            *o++ = (char)(0xc0 | (c >> 6));
            *o++ = (char)(0x80 | (c & 0x3f));
        } else {
            *o++ = (char)c;
        }
    }
    *o = 0;
    return (size_t)(o - out);
}

static bool make_utf8(clab__h5 *h, clab__strings *out)
{
    for (int64_t i = 0; i < out->n; i++) {
        if (clab__is_utf8(out->s[i]))
            continue;
        if (!out->fixed && !(out->fixed = calloc((size_t)out->n, sizeof *out->fixed)))
            return false;
        size_t n = strlen(out->s[i]);
        char *s = malloc(2 * n + 1);
        if (!s)
            return false;
        clab__latin1(out->s[i], n, s);
        h->n_latin1++;
        out->fixed[i] = s;
    }
    for (int64_t i = 0; i < out->n && out->fixed; i++)
        if (out->fixed[i]) { /* keep HDF5's pointer for reclaiming: swap */
            char *own = out->fixed[i];
            out->fixed[i] = out->s[i];
            out->s[i] = own;
        }
    return true;
}

/* H5Dread or H5Aread, of the whole or of one field. */
static bool read_all(hid_t obj, bool attribute, const char *field, hid_t mem, void *buf, const char **why)
{
    hid_t t = mem;
    if (field) {
        t = H5Tcreate(H5T_COMPOUND, H5Tget_size(mem));
        if (t < 0 || H5Tinsert(t, field, 0, mem) < 0)
            return false;
    }
    *why = "";
    bool ok = (attribute ? H5Aread(obj, t, buf) : H5Dread(obj, t, H5S_ALL, H5S_ALL, H5P_DEFAULT, buf)) >= 0;
    if (!ok)
        *why = clab__h5_why();
    if (field)
        H5Tclose(t);
    return ok;
}

static bool read_variable(hid_t obj, bool attribute, const char *field, hid_t type, hid_t space,
                          clab__strings *out, const char **why)
{
    out->s = calloc((size_t)(out->n > 0 ? out->n : 1), sizeof *out->s);
    if (!out->s)
        return false;
    out->vl_type = H5Tcopy(type);
    out->vl_space = H5Scopy(space);
    if (out->n > 0 && !read_all(obj, attribute, field, type, out->s, why))
        return false;
    for (int64_t i = 0; i < out->n; i++)
        if (!out->s[i])
            out->s[i] = calloc(1, 1); /* freed with the others: HDF5 reclaims by free() */
    return true;
}

static bool read_fixed(hid_t obj, bool attribute, const char *field, hid_t type, clab__strings *out,
                       const char **why)
{
    size_t len = H5Tget_size(type);
    char *raw = calloc((size_t)(out->n > 0 ? out->n : 1), len);
    char *block = calloc((size_t)(out->n > 0 ? out->n : 1), len + 1);
    bool ok = raw && block && (out->s = calloc((size_t)(out->n > 0 ? out->n : 1), sizeof *out->s));
    ok = ok && (out->n == 0 || read_all(obj, attribute, field, type, raw, why));
    for (int64_t i = 0; ok && i < out->n; i++) {
        char *s = block + (size_t)i * (len + 1);
        memcpy(s, raw + (size_t)i * len, len);
        if (H5Tget_strpad(type) == H5T_STR_SPACEPAD)
            for (size_t k = strlen(s); k > 0 && s[k - 1] == ' '; k--)
                s[k - 1] = 0;
        out->s[i] = s;
    }
    out->block = block;
    free(raw);
    return ok;
}

clab_status clab__strings_read(clab__h5 *h, hid_t obj, bool attribute, const char *field, hid_t type,
                               hid_t space, const char *at, clab__strings *out)
{
    *out = (clab__strings){.vl_type = -1, .vl_space = -1};
    out->n = H5Sget_simple_extent_type(space) == H5S_NULL ? 0 : (int64_t)H5Sget_simple_extent_npoints(space);
    const char *why = "no memory";
    clab__h5_alive(out->n * 256);
    bool variable = H5Tis_variable_str(type) > 0;
    bool ok = variable ? read_variable(obj, attribute, field, type, space, out, &why)
                       : read_fixed(obj, attribute, field, type, out, &why);
    if (ok && make_utf8(h, out))
        return CLAB_OK;
    clab_status s = clab_fail(h->cx, CLAB_EIO, "%s: the strings of %s cannot be read: %s", h->name,
                              clab_show(at), *why ? why : "no memory");
    clab__strings_free(out);
    return s;
}

void clab__strings_free(clab__strings *s)
{
    for (int64_t i = 0; i < s->n && s->fixed; i++)
        if (s->fixed[i]) { /* ours back out, HDF5's back in */
            free(s->s[i]);
            s->s[i] = s->fixed[i];
        }
    free(s->fixed);
    if (s->vl_type > 0 && s->s)
        H5Dvlen_reclaim(s->vl_type, s->vl_space, H5P_DEFAULT, s->s);
    if (s->vl_type > 0)
        H5Tclose(s->vl_type);
    if (s->vl_space > 0)
        H5Sclose(s->vl_space);
    free(s->block);
    free(s->s);
    *s = (clab__strings){.vl_type = -1, .vl_space = -1};
}
