/* write_guest.c -- the guest that writes: parts arrive over the wire and are written as they come. */
#include "io/h5_out_impl.h"
#include "io/io.h"

#include "base/fault.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PATH 4096

/* The frame of an .h5ad: root encoding and the groups that layers go into. */
static clab_status begin_h5ad(clab__out *o)
{
    hid_t g = -1;
    clab_status st = clab__out_encoding(o, o->file, "", "anndata", "0.1.0");
    if (st == CLAB_OK)
        st = clab__out_group(o, o->file, "layers", "layers", &g);
    if (st == CLAB_OK)
        st = clab__out_encoding(o, g, "layers", "dict", "0.1.0");
    clab_status closed = clab__out_done(o, g, "layers");
    return st == CLAB_OK ? closed : st;
}

/* Where a section goes: "obs" into the root, "layers/NAME" into layers (NAME may hold anything but '/'). */
static clab_status open_parent(clab__out *o, const char *section, hid_t *parent, const char **name)
{
    clab_status st = CLAB_OK;
    *parent = -1;
    *name = section;
    if (strncmp(section, "raw/", 4) == 0) {
        *name = section + 4;
        if (H5Lexists(o->file, "raw", H5P_DEFAULT) > 0) {
            *parent = H5Gopen2(o->file, "raw", H5P_DEFAULT);
        } else {
            st = clab__out_group(o, o->file, "raw", "raw", parent);
            if (st == CLAB_OK)
                st = clab__out_encoding(o, *parent, "raw", "raw", "0.1.0");
        }
    } else {
        bool layer = strncmp(section, "layers/", 7) == 0;
        *name = layer ? section + 7 : section;
        *parent = H5Gopen2(o->file, layer ? "layers" : "/", H5P_DEFAULT);
    }
    return st == CLAB_OK && *parent < 0 ? clab__out_fail(o, section) : st;
}

static clab_status take_value(clab__out *o, clab_wire *wire, const char *section)
{
    clab_value *v = NULL;
    hid_t parent = -1;
    const char *name;
    clab_status st = clab_value_fetch(o->cx, wire, "a part to write", &v);
    if (st == CLAB_OK && !*section) { /* a tree of our own: its items are the root's members */
        st = clab__out_encoding(o, o->file, "", "dict", "0.1.0");
        if (st == CLAB_OK)
            st = clab__out_items(o, o->file, "", v);
        clab_value_unref(v);
        return st;
    }
    if (st == CLAB_OK)
        st = open_parent(o, section, &parent, &name);
    if (st == CLAB_OK && o->kind == CLAB__OUT_EDIT && H5Lexists(parent, name, H5P_DEFAULT) > 0 &&
        (clab_fault_io(o->cx) || H5Ldelete(parent, name, H5P_DEFAULT) < 0))
        st = clab__out_fail(o, section);
    if (st == CLAB_OK)
        st = clab__out_value(o, parent, name, section, v);
    clab_status closed = clab__out_done(o, parent, section);
    clab_value_unref(v);
    return st == CLAB_OK ? closed : st;
}

static clab_status take_head(clab__out *o, clab_wire *wire, clab__matrix_head *head)
{
    uint8_t dense = 0, dtype = 0, f64 = 0;
    clab_status st;
    if ((st = clab_wire_get_u8(o->cx, wire, &dense)) != CLAB_OK ||
        (st = clab_wire_get_u8(o->cx, wire, &dtype)) != CLAB_OK ||
        (st = clab_wire_get_u8(o->cx, wire, &f64)) != CLAB_OK ||
        (st = clab_wire_get_i64(o->cx, wire, &head->n_rows)) != CLAB_OK ||
        (st = clab_wire_get_i64(o->cx, wire, &head->n_cols)) != CLAB_OK ||
        (st = clab_wire_get_i64(o->cx, wire, &head->nnz_bound)) != CLAB_OK)
        return st;
    if (dtype >= CLAB_STR || head->n_rows < 0 || head->n_cols < 0 || head->n_cols > INT32_MAX)
        return clab_fail(o->cx, CLAB_EINTERNAL, "a matrix that cannot be written");
    head->dtype = (clab_dtype)dtype;
    head->dense = dense;
    head->f64 = f64;
    return CLAB_OK;
}

static clab_status take_matrix(clab__out *o, clab_wire *wire, const char *section)
{
    clab__matrix_head head;
    hid_t parent = -1;
    const char *name;
    clab_status st = take_head(o, wire, &head);
    if (st == CLAB_OK)
        st = open_parent(o, section, &parent, &name);
    if (st == CLAB_OK)
        st = clab__out_matrix(o, wire, parent, name, section, &head);
    clab_status closed = clab__out_done(o, parent, section);
    return st == CLAB_OK ? closed : st;
}

static clab_status take_all(clab__out *o, clab_wire *wire)
{
    for (;;) {
        uint8_t record = 0;
        char *section = NULL;
        clab_status st = clab_wire_get_u8(o->cx, wire, &record);
        if (st != CLAB_OK || record == CLAB__REC_END)
            return st;
        st = clab_wire_get_str(o->cx, wire, MAX_PATH, &section);
        if (st == CLAB_OK && !section)
            st = clab_fail(o->cx, CLAB_EINTERNAL, "a part without a name");
        if (st == CLAB_OK)
            st = record == CLAB__REC_MATRIX ? take_matrix(o, wire, section) : take_value(o, wire, section);
        free(section);
        if (st != CLAB_OK)
            return st;
    }
}

clab_status clab_h5_guest_write(clab_ctx *cx, clab_wire *wire, const int *fds, int n_fds)
{
    char *path = NULL, *name = NULL;
    int64_t level = 0;
    uint8_t kind = 0, wide = 0;
    clab__out o = {.cx = cx, .file = -1};
    clab_status st;
    (void)fds;
    (void)n_fds;
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error in words, not a death */
    clab__h5_library();
    if ((st = clab_wire_get_str(cx, wire, MAX_PATH, &path)) != CLAB_OK ||
        (st = clab_wire_get_str(cx, wire, MAX_PATH, &name)) != CLAB_OK ||
        (st = clab_wire_get_i64(cx, wire, &level)) != CLAB_OK ||
        (st = clab_wire_get_u8(cx, wire, &kind)) != CLAB_OK ||
        (st = clab_wire_get_u8(cx, wire, &wide)) != CLAB_OK)
        goto done;
    o.name = name;
    o.level = (int)level;
    o.kind = (clab__out_kind)kind;
    st = kind == CLAB__OUT_EDIT ? clab__out_reopen(&o, path, wide) : clab__out_open(&o, path, wide);
    if (st == CLAB_OK && kind == CLAB__OUT_H5AD)
        st = begin_h5ad(&o);
    if (st == CLAB_OK)
        st = take_all(&o, wire);
    if (st == CLAB_OK)
        st = clab__out_close(&o);
done:
    free(path);
    free(name);
    return st;
}
