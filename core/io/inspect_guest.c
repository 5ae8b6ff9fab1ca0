/* inspect_guest.c -- what a file holds, found from headers, the small tables and a sample of the values,
 * or from all values when asked to.  Nothing of a matrix is kept. */
#include "io/io.h"
#include "io/io_impl.h"
#include "io/text_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PATH 4096
#define SAMPLE 65536

/* ---- matrices ------------------------------------------------------------------------------------*/

static int64_t times(double a, double b)
{
    return a * b < 9e18 ? (int64_t)(a * b) : INT64_MAX;
}

/* Bytes that scipy or numpy would take, and about what a packed store takes. */
static clab_status put_bytes(clab_ctx *cx, clab_value *d, const clab__matrix *m, const clab__scan *s,
                             bool full)
{
    bool dense = m->data.rank == 2;
    double size = (double)clab_dtype_size(m->dtype), nnz = (double)m->nnz;
    double wide = m->nnz > INT32_MAX || m->n_cols > INT32_MAX ? 8 : 4;
    if (dense && s->stored > 0)
        nnz = full ? (double)s->nonzero : nnz * ((double)s->nonzero / (double)s->stored);
    clab_status st = clab_value_set_integer(cx, d, "memory_bytes",
                             dense ? times((double)m->nnz, size)
                                   : times(nnz, size + wide) + times((double)m->n_rows + 1, wide));
    if (st == CLAB_OK)
        st = clab_value_set_integer(cx, d, "packed_bytes",
                     times(nnz, s->whole && s->finite ? 1.6 : 1.1 + size) + times((double)m->n_rows + 1, 16));
    if (st == CLAB_OK)
        st = clab_value_set_integer(cx, d, "dense_bytes", times((double)m->n_rows * (double)m->n_cols, size));
    return st;
}

/* m: what its headers say; s: what its values are like. */
static clab_status describe(clab_ctx *cx, const clab__matrix *m, const clab__scan *s, bool full, clab_value **out)
{
    clab_value *d = NULL;
    clab_status st = clab_value_dict(cx, &d);
    if (st == CLAB_OK && (st = clab_value_set_string(cx, d, "kind", m->data.rank == 2 ? "dense" : m->kind)) == CLAB_OK &&
        (st = clab_value_set_string(cx, d, "dtype", clab_dtype_name(m->dtype))) == CLAB_OK &&
        (st = clab_value_set_integer(cx, d, "rows", m->n_rows)) == CLAB_OK &&
        (st = clab_value_set_integer(cx, d, "cols", m->n_cols)) == CLAB_OK &&
        (st = clab_value_set_integer(cx, d, "nnz", full ? s->nonzero : m->nnz)) == CLAB_OK &&
        (st = clab_value_set_integer(cx, d, "stored_bytes", m->stored)) == CLAB_OK &&
        (st = clab_value_set_boolean(cx, d, "scanned", full)) == CLAB_OK &&
        (st = clab_value_set_boolean(cx, d, "whole", s->whole)) == CLAB_OK &&
        (st = clab_value_set_boolean(cx, d, "negative", s->negative)) == CLAB_OK &&
        (st = clab_value_set_boolean(cx, d, "finite", s->finite)) == CLAB_OK &&
        (st = clab_value_set_number(cx, d, "min", s->min)) == CLAB_OK && (st = clab_value_set_number(cx, d, "max", s->max)) == CLAB_OK)
        st = put_bytes(cx, d, m, s, full);
    if (st != CLAB_OK) {
        clab_value_unref(d);
        return st;
    }
    *out = d;
    return CLAB_OK;
}

static clab_status describe_matrix(clab__h5 *h, clab__matrix *m, bool full, clab_value **out)
{
    clab__scan s;
    int64_t *indptr = NULL;
    clab_status st = clab__scan_matrix(h, m, full, &s);
    if (st == CLAB_OK && !full && m->indptr.id > 0)
        st = clab__indptr_read(h, m, &indptr);
    clab_mem_free(h->cx, indptr);
    return st == CLAB_OK ? describe(h->cx, m, &s, full, out) : st;
}

/* group/name as a description under `key`; nothing when it is absent or null. */
static clab_status add_matrix(clab__h5 *h, hid_t group, const char *name, const char *at, int64_t n_rows,
                              int64_t n_cols, bool full, clab_value *into, const char *key)
{
    hid_t obj;
    clab__matrix m;
    clab_value *d = NULL;
    if (!clab__h5_has(group, name) && H5Lexists(group, name, H5P_DEFAULT) <= 0)
        return CLAB_OK;
    clab_status st = clab__h5_member(h, group, name, at, &obj);
    if (st == CLAB_OK && H5Iget_type(obj) == H5I_DATASET && H5Dget_storage_size(obj) == 0) {
        hid_t space = H5Dget_space(obj);
        bool null = H5Sget_simple_extent_type(space) == H5S_NULL;
        H5Sclose(space);
        if (null) {
            H5Oclose(obj);
            return CLAB_OK;
        }
    }
    if (st == CLAB_OK)
        st = clab__matrix_open(h, obj, at, n_rows, n_cols, &m);
    if (st != CLAB_OK)
        return st;
    st = describe_matrix(h, &m, full, &d);
    clab__matrix_close(&m);
    return clab_value_set_made(h->cx, into, key, st, d);
}

static clab_status add_layers(clab__h5 *h, int64_t n, int64_t g, bool full, clab_value *out)
{
    clab_value *layers = NULL;
    clab__names names = {0};
    char at[CLAB__AT];
    hid_t group = -1;
    clab_status st = clab_value_dict(h->cx, &layers);
    if (st == CLAB_OK && clab__h5_has(h->file, "layers") &&
        (group = H5Gopen2(h->file, "layers", H5P_DEFAULT)) >= 0)
        st = clab__h5_members(h, group, "layers", &names);
    for (int64_t i = 0; st == CLAB_OK && i < names.n; i++)
        st = add_matrix(h, group, names.s[i], clab__h5_at(at, "layers", names.s[i]), n, g, full, layers,
                        names.s[i]);
    if (group >= 0)
        H5Gclose(group);
    clab__names_free(&names);
    return clab_value_set_made(h->cx, out, "layers", st, layers);
}

static clab_status add_raw(clab__h5 *h, int64_t n, bool full, clab_value *out)
{
    bool old = clab__h5_has(h->file, "raw.X");
    clab_value *raw = NULL;
    hid_t group;
    if (!old && !clab__h5_has(h->file, "raw/X"))
        return CLAB_OK;
    clab_status st = clab_value_dict(h->cx, &raw);
    if (st == CLAB_OK) {
        group = H5Gopen2(h->file, old ? "/" : "raw", H5P_DEFAULT);
        st = add_matrix(h, group, old ? "raw.X" : "X", "raw/X", n, -1, full, raw, "x");
        if (group >= 0)
            H5Gclose(group);
    }
    return clab_value_set_made(h->cx, out, "raw", st, raw);
}

/* ---- columns -------------------------------------------------------------------------------------*/

static clab_status add_columns(clab_ctx *cx, const clab_value *obs, clab_value *out)
{
    clab_value *columns = NULL;
    clab_status st = clab_value_dict(cx, &columns);
    for (int64_t i = 0; st == CLAB_OK && i < obs->n_items; i++) {
        clab_value *d = NULL;
        st = clab_value_summary(cx, obs->items[i], &d);
        st = clab_value_set_made(cx, columns, obs->names[i], st, d);
    }
    return clab_value_set_made(cx, out, "obs", st, columns);
}

/* ---- the whole -----------------------------------------------------------------------------------*/

static clab_status add_tables(clab__h5 *h, const clab_value *obs, const clab_value *var, const char *format,
                              clab_value *out)
{
    clab_status st;
    if ((st = clab_value_set_string(h->cx, out, "file", h->name)) != CLAB_OK ||
        (st = clab_value_set_string(h->cx, out, "format", format)) != CLAB_OK ||
        (st = clab_value_set_integer(h->cx, out, "n_obs", clab_value_len(obs))) != CLAB_OK ||
        (st = clab_value_set_integer(h->cx, out, "n_vars", clab_value_len(var))) != CLAB_OK ||
        (st = clab_value_set(h->cx, out, "var_names", var->index)) != CLAB_OK ||
        (st = clab_value_set(h->cx, out, "var", var)) != CLAB_OK)
        return st;
    return add_columns(h->cx, obs, out);
}

/* Where the counts seem to be, in the order that reading takes them. */
static clab_status add_counts(clab__h5 *h, clab_value *out)
{
    const clab_value *raw = clab_value_get(out, "raw");
    const struct {
        const char *name;
        const clab_value *d;
    } places[] = {{"X", clab_value_get(out, "x")},
                  {"layers.counts", clab_value_get(clab_value_get(out, "layers"), "counts")},
                  {"raw.X", raw ? clab_value_get(raw, "x") : NULL}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const clab_value *d = places[i].d;
        if (d && *(uint8_t *)clab_value_get(d, "whole")->data &&
            *(uint8_t *)clab_value_get(d, "finite")->data && !*(uint8_t *)clab_value_get(d, "negative")->data)
            return clab_value_set_string(h->cx, out, "counts", places[i].name);
    }
    return clab_value_set_string(h->cx, out, "counts", "none");
}

static clab_status inspect_h5ad(clab__h5 *h, bool full, clab_value *out)
{
    clab_value *obs = NULL, *var = NULL;
    clab_status st = clab__read_frame(h, h->file, "obs", "obs", &obs);
    if (st == CLAB_OK)
        st = clab__read_frame(h, h->file, "var", "var", &var);
    if (st == CLAB_OK)
        st = add_tables(h, obs, var, "h5ad", out);
    if (st == CLAB_OK)
        st = add_matrix(h, h->file, "X", "X", clab_value_len(obs), clab_value_len(var), full, out, "x");
    if (st == CLAB_OK)
        st = add_layers(h, clab_value_len(obs), clab_value_len(var), full, out);
    if (st == CLAB_OK)
        st = add_raw(h, clab_value_len(obs), full, out);
    clab_value_unref(obs);
    clab_value_unref(var);
    return st;
}

static clab_status inspect_tenx(clab__h5 *h, clab__format f, bool full, clab_value *out)
{
    clab__tenx t;
    clab_value *d = NULL;
    clab_status st = clab__tenx_open(h, f, NULL, &t);
    if (st == CLAB_OK)
        st = add_tables(h, t.obs, t.var, "10x h5", out);
    if (st == CLAB_OK) {
        st = describe_matrix(h, &t.x, full, &d);
        st = clab_value_set_made(h->cx, out, "x", st, d);
    }
    clab__tenx_close(&t);
    return st;
}

static clab_status inspect_loom(clab__h5 *h, bool full, clab_value *out)
{
    clab__loom l;
    clab__names names = {0};
    char at[CLAB__AT];
    clab_value *layers = NULL, *d = NULL;
    clab_status st = clab__loom_open(h, &l);
    if (st != CLAB_OK)
        return st;
    if ((st = add_tables(h, l.obs, l.var, "loom", out)) == CLAB_OK) {
        st = describe_matrix(h, &l.x, full, &d);
        st = clab_value_set_made(h->cx, out, "x", st, d);
    }
    if (st == CLAB_OK && (st = clab__loom_layers(h, &names)) == CLAB_OK)
        st = clab_value_dict(h->cx, &layers);
    for (int64_t i = 0; st == CLAB_OK && i < names.n; i++) {
        clab__matrix m;
        d = NULL;
        if ((st = clab__loom_layer(h, &l, clab__h5_at(at, "layers", names.s[i]), &m)) != CLAB_OK)
            break;
        st = describe_matrix(h, &m, full, &d);
        clab__matrix_close(&m);
        st = clab_value_set_made(h->cx, layers, names.s[i], st, d);
    }
    clab__names_free(&names);
    clab__loom_close(&l);
    return clab_value_set_made(h->cx, out, "layers", st, layers);
}

/* A file or folder of text: a table is read to its end, for its names; of its values a sample is enough. */
static clab_status inspect_text(clab__h5 *h, const char *path, bool full, clab_value *out)
{
    clab__text_opts o = {.path = path, .look = true, .limit = full ? 0 : SAMPLE};
    clab__source s;
    clab__scan scan;
    clab_value *d = NULL;
    clab_status st = clab__source_open(h, &o, &s);
    if (st != CLAB_OK)
        return st;
    clab__scan_begin(&scan);
    if ((st = s.stream(h, &s, &scan.sink)) == CLAB_OK && (st = add_tables(h, s.obs, s.var, s.format, out)) == CLAB_OK) {
        clab__matrix m = {.n_rows = s.n_rows, .n_cols = s.n_cols, .dtype = CLAB_F32, .nnz = s.nnz, .stored = s.bytes};
        m.data.rank = s.dense ? 2 : 1;
        strcpy(m.kind, s.dense ? "dense" : "coo");
        st = describe(h->cx, &m, &scan, full, &d);
        st = clab_value_set_made(h->cx, out, "x", st, d);
    }
    clab__source_close(&s);
    return st;
}

static clab_status inspect_hdf5(clab__h5 *h, const char *path, bool full, clab_value *out)
{
    clab__format format;
    clab_status st;
    clab__h5_library();
    if ((st = clab__h5_open(h, path)) != CLAB_OK || (st = clab__format_tell(h, &format)) != CLAB_OK)
        return st;
    return format == CLAB__H5AD   ? inspect_h5ad(h, full, out)
           : format == CLAB__LOOM ? inspect_loom(h, full, out)
                                  : inspect_tenx(h, format, full, out);
}

clab_status clab_guest_inspect(clab_ctx *cx, clab_wire *wire, const int *fds, int n_fds)
{
    char *path = NULL, *name = NULL;
    uint8_t full = 0;
    clab__h5 h = {.cx = cx, .file = -1, .wire = wire, .fd_socket = -1};
    clab_value *out = NULL;
    clab_status st;
    (void)fds;
    (void)n_fds;
    if ((st = clab_wire_get_str(cx, wire, MAX_PATH, &path)) != CLAB_OK ||
        (st = clab_wire_get_str(cx, wire, MAX_PATH, &name)) != CLAB_OK ||
        (st = clab_wire_get_u8(cx, wire, &full)) != CLAB_OK || (st = clab_value_dict(cx, &out)) != CLAB_OK)
        goto done;
    h.name = name;
    st = clab__file_kind(path) == CLAB__KIND_HDF5 ? inspect_hdf5(&h, path, full, out) : inspect_text(&h, path, full, out);
    clab__h5_close(&h);
    if (st == CLAB_OK)
        st = add_counts(&h, out);
    if (st == CLAB_OK)
        st = clab__send_only(&h, out);
done:
    clab_value_unref(out);
    free(path);
    free(name);
    return st;
}
