/* read_guest.c -- the guest that reads: an .h5ad or 10x file taken apart, tables as values over the wire,
 * matrices as stores through the socket (descriptor 0). */
#include "io/h5_impl.h"
#include "io/io_impl.h"
#include "io/io.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PATH 4096

clab_status clab__value_send(clab__h5 *h, const char *section, const clab_value *v)
{
    clab_status st = clab_wire_put_u8(h->cx, h->wire, CLAB__REC_VALUE);
    if (st == CLAB_OK)
        st = clab_wire_put_str(h->cx, h->wire, section);
    return st == CLAB_OK ? clab_value_put(h->cx, h->wire, v) : st;
}

/* ---- parts of an .h5ad ---------------------------------------------------------------------------*/

clab_status clab__read_frame(clab__h5 *h, hid_t group, const char *name, const char *at, clab_value **out)
{
    hid_t obj, uns = -1;
    clab__set s;
    *out = NULL;
    clab_status st = clab__h5_member(h, group, name, at, &obj);
    if (st == CLAB_ENOTFOUND)
        return clab_hint(h->cx, "every .h5ad has obs and var: the file is incomplete or of another kind");
    if (st != CLAB_OK)
        return st;
    if (clab__h5_is_group(obj)) {
        st = clab__read_table(h, obj, at, out);
        H5Oclose(obj);
        return st;
    }
    st = clab__set_open(h, obj, at, &s);
    if (st != CLAB_OK)
        return st;
    if (clab__h5_has(h->file, "uns"))
        uns = H5Gopen2(h->file, "uns", H5P_DEFAULT);
    st = clab__read_table_compound(h, &s, uns, out);
    if (uns >= 0)
        H5Gclose(uns);
    clab__set_close(&s);
    return st;
}

/* The levels of old categoricals stood in uns; they have moved into the columns. */
static void drop_old_levels(clab_value *uns, const clab_value *table)
{
    char key[300];
    for (int64_t i = 0; i < table->n_items; i++) {
        snprintf(key, sizeof key, "%s_categories", table->names[i]);
        if (table->items[i]->kind == CLAB_V_CATEGORICAL)
            clab_value_remove(uns, key);
    }
}

/* obsm, varm, obsp, varp, uns: a group, or a compound dataset with one field a key (obsm and varm of old). */
static clab_status send_dict(clab__h5 *h, hid_t group, const char *name, const char *section,
                             const clab__part *part, const clab_value *old_obs, const clab_value *old_var)
{
    hid_t obj;
    clab_value *v = NULL;
    clab__set s;
    if (H5Lexists(group, name, H5P_DEFAULT) <= 0)
        return CLAB_OK;
    clab_status st = clab__h5_member(h, group, name, section, &obj);
    if (st != CLAB_OK)
        return st;
    if (clab__h5_is_group(obj)) {
        st = clab__read_dict(h, obj, section, &v);
        H5Oclose(obj);
    } else if ((st = clab__set_open(h, obj, section, &s)) == CLAB_OK) {
        if (s.cls == CLAB__COMPOUND && s.rank == 1)
            st = clab__read_records(h, &s, true, &v);
        else
            clab__h5_leave_out(h, section, "no dictionary");
        clab__set_close(&s);
    }
    if (v && old_obs) {
        drop_old_levels(v, old_obs);
        drop_old_levels(v, old_var);
    }
    if (st == CLAB_OK && v && part)
        st = clab__part_dict(h, part, section, &v);
    if (st == CLAB_OK && v)
        st = clab__value_send(h, section, v);
    clab_value_unref(v);
    return st;
}

static clab_status send_matrix(clab__h5 *h, hid_t group, const char *name, const char *section,
                               const clab__part *part)
{
    hid_t obj;
    clab__matrix m;
    clab_status st = clab__h5_member(h, group, name, section, &obj);
    if (st != CLAB_OK)
        return st;
    if (H5Iget_type(obj) == H5I_DATASET) { /* X may be AnnData's null */
        hid_t space = H5Dget_space(obj);
        bool null = space >= 0 && H5Sget_simple_extent_type(space) == H5S_NULL;
        if (space >= 0)
            H5Sclose(space);
        if (null) {
            H5Oclose(obj);
            return CLAB_OK;
        }
    }
    st = clab__matrix_open(h, obj, section, part->n_obs, part->n_vars, &m);
    if (st == CLAB_OK) {
        m.pick = clab__part_pick(part);
        st = clab__matrix_send(h, &m, section);
        clab__matrix_close(&m);
    }
    return st;
}

static clab_status send_layers(clab__h5 *h, const clab__part *part)
{
    clab__names names = {0};
    char at[CLAB__AT];
    hid_t layers;
    if (H5Lexists(h->file, "layers", H5P_DEFAULT) <= 0)
        return CLAB_OK;
    clab_status st = clab__h5_member(h, h->file, "layers", "layers", &layers);
    if (st != CLAB_OK)
        return st;
    if (clab__h5_is_group(layers) && clab__h5_enter(h, layers)) {
        st = clab__h5_members(h, layers, "layers", &names);
        for (int64_t i = 0; st == CLAB_OK && i < names.n; i++) {
            H5O_info_t info, self;
            if (H5Oget_info_by_name(layers, names.s[i], &info, H5P_DEFAULT) >= 0 &&
                H5Oget_info(layers, &self) >= 0 && info.addr == self.addr)
                clab__h5_leave_out(h, clab__h5_at(at, "layers", names.s[i]), "a loop");
            else
                st = send_matrix(h, layers, names.s[i], clab__h5_at(at, "layers", names.s[i]), part);
        }
        clab__h5_leave(h);
    }
    clab__names_free(&names);
    H5Oclose(layers);
    return st;
}

/* raw: a group of X, var, varm; before 0.7 members of the root named raw.X, raw.var, raw.varm. */
static clab_status send_raw(clab__h5 *h, const clab__part *part)
{
    clab__part own = {.n_obs = part->n_obs, .rows = part->rows, .n_rows = part->n_rows, .borrowed = true};
    bool old = clab__h5_has(h->file, "raw.X");
    clab_value *var = NULL;
    hid_t group = -1;
    if (!old && H5Lexists(h->file, "raw", H5P_DEFAULT) <= 0)
        return CLAB_OK;
    clab_status st = CLAB_OK;
    if (old)
        group = H5Gopen2(h->file, "/", H5P_DEFAULT);
    else
        st = clab__h5_member(h, h->file, "raw", "raw", &group);
    if (st != CLAB_OK)
        return st;
    if (!clab__h5_is_group(group)) { /* anndata writes null for "no raw" in places */
        H5Oclose(group);
        return CLAB_OK;
    }
    st = clab__read_frame(h, group, old ? "raw.var" : "var", "raw/var", &var);
    if (st == CLAB_OK)
        st = clab__part_var(h, &own, &var);
    if (st == CLAB_OK)
        st = clab__value_send(h, "raw/var", var);
    if (st == CLAB_OK)
        st = send_matrix(h, group, old ? "raw.X" : "X", "raw/X", &own);
    if (st == CLAB_OK)
        st = send_dict(h, group, old ? "raw.varm" : "varm", "raw/varm", &own, NULL, NULL);
    clab__part_free(h, &own);
    clab_value_unref(var);
    H5Oclose(group);
    return st;
}

static clab_status note_strangers(clab__h5 *h)
{
    static const char *const known[] = {"X",    "obs", "var", "layers", "obsm",    "varm",     "obsp",
                                        "varp", "uns", "raw", "raw.X",  "raw.var", "raw.varm", NULL};
    clab__names names;
    clab_status st = clab__h5_members(h, h->file, "", &names);
    for (int64_t i = 0; st == CLAB_OK && i < names.n; i++) {
        const char *const *k = known;
        while (*k && strcmp(*k, names.s[i]) != 0)
            k++;
        if (!*k)
            clab__h5_leave_out(h, names.s[i], "no part of AnnData");
    }
    clab__names_free(&names);
    return st;
}

static clab_status send_h5ad(clab__h5 *h)
{
    clab_value *obs = NULL, *var = NULL;
    clab__part part = {0};
    H5O_info_t info;
    bool old = H5Oget_info_by_name(h->file, "obs", &info, H5P_DEFAULT) >= 0 && info.type == H5O_TYPE_DATASET;
    clab_status st;
    if ((st = clab__read_frame(h, h->file, "obs", "obs", &obs)) != CLAB_OK ||
        (st = clab__read_frame(h, h->file, "var", "var", &var)) != CLAB_OK ||
        (old && (st = clab__want_check_columns(h->cx, h->want, h->name, obs->names, obs->n_items)) != CLAB_OK) ||
        (st = clab__part_obs(h, &part, &obs)) != CLAB_OK || (st = clab__part_var(h, &part, &var)) != CLAB_OK ||
        (st = clab__value_send(h, "obs", obs)) != CLAB_OK || (st = clab__value_send(h, "var", var)) != CLAB_OK)
        goto done;
    if (H5Lexists(h->file, "X", H5P_DEFAULT) > 0)
        st = send_matrix(h, h->file, "X", "X", &part);
    if (st == CLAB_OK)
        st = send_layers(h, &part);
    if (st == CLAB_OK)
        st = send_raw(h, &part);
    static const char *const dicts[] = {"obsm", "varm", "obsp", "varp"};
    for (size_t i = 0; st == CLAB_OK && i < sizeof dicts / sizeof *dicts; i++)
        st = send_dict(h, h->file, dicts[i], dicts[i], &part, NULL, NULL);
    if (st == CLAB_OK)
        st = send_dict(h, h->file, "uns", "uns", NULL, old ? obs : NULL, var);
    if (st == CLAB_OK)
        st = note_strangers(h);
done:
    clab_value_unref(obs);
    clab_value_unref(var);
    clab__part_free(h, &part);
    return st;
}

static clab_status send_tenx(clab__h5 *h, clab__format f, const char *genome)
{
    clab__tenx t;
    clab__part part = {0};
    clab_status st = clab__tenx_open(h, f, genome, &t);
    if (st == CLAB_OK)
        st = clab__want_check_columns(h->cx, h->want, h->name, t.obs->names, t.obs->n_items);
    if (st == CLAB_OK)
        st = clab__part_obs(h, &part, &t.obs);
    if (st == CLAB_OK)
        st = clab__part_var(h, &part, &t.var);
    t.x.pick = clab__part_pick(&part);
    if (st == CLAB_OK)
        st = clab__value_send(h, "obs", t.obs);
    if (st == CLAB_OK)
        st = clab__value_send(h, "var", t.var);
    if (st == CLAB_OK)
        st = clab__matrix_send(h, &t.x, "X");
    clab__tenx_close(&t);
    clab__part_free(h, &part);
    return st;
}

/* ---- the role ------------------------------------------------------------------------------------*/

clab_status clab__end_of_reply(clab_ctx *cx, clab_wire *wire)
{
    clab_status st = clab_wire_put_u8(cx, wire, CLAB__REC_END);
    return st == CLAB_OK ? clab_wire_flush(cx, wire) : st;
}

clab_status clab_h5_guest_read(clab_ctx *cx, clab_wire *wire, const int *fds, int n_fds)
{
    char *path = NULL, *name = NULL, *genome = NULL, *scratch = NULL;
    clab__h5 h = {.cx = cx, .file = -1, .wire = wire, .fd_socket = n_fds > 0 ? fds[0] : -1};
    clab__format format;
    clab__want want = {0};
    uint8_t facts_only = 0;
    clab_status st;
    clab__h5_library();
    if ((st = clab_wire_get_str(cx, wire, MAX_PATH, &path)) != CLAB_OK ||
        (st = clab_wire_get_str(cx, wire, MAX_PATH, &name)) != CLAB_OK ||
        (st = clab_wire_get_str(cx, wire, MAX_PATH, &genome)) != CLAB_OK ||
        (st = clab_wire_get_str(cx, wire, MAX_PATH, &scratch)) != CLAB_OK ||
        (st = clab_wire_get_u8(cx, wire, &facts_only)) != CLAB_OK || (st = clab__want_get(cx, wire, &want)) != CLAB_OK)
        goto done;
    signal(SIGXFSZ, SIG_IGN); /* a scratch file over a size limit is an error in words, not a death */
    h.name = name;
    h.scratch = scratch;
    h.want = &want;
    h.facts_only = facts_only;
    if ((st = clab__h5_open(&h, path)) == CLAB_OK && (st = clab__format_tell(&h, &format)) == CLAB_OK)
        st = format == CLAB__H5AD   ? send_h5ad(&h)
             : format == CLAB__LOOM ? clab__loom_send(&h)
                                    : send_tenx(&h, format, genome);
    if ((st == CLAB_EFORMAT || st == CLAB_ENOTFOUND || st == CLAB_EIO) && !h.asked_wrong)
        clab__hint_damaged(cx);
    clab__h5_close(&h);
    if (st == CLAB_OK)
        st = clab__end_of_reply(cx, wire);
done:
    clab__want_free(&want);
    free(path);
    free(name);
    free(genome);
    free(scratch);
    return st;
}

clab_status clab__send_only(clab__h5 *h, const clab_value *v)
{
    clab_status st = clab__value_send(h, "", v);
    return st == CLAB_OK ? clab__end_of_reply(h->cx, h->wire) : st;
}

/* A value tree of our own (clab_write_value): the whole root as one dictionary. */
clab_status clab_h5_guest_read_value(clab_ctx *cx, clab_wire *wire, const int *fds, int n_fds)
{
    char *path = NULL, *name = NULL;
    clab__h5 h = {.cx = cx, .file = -1, .wire = wire, .fd_socket = -1};
    clab_value *v = NULL;
    clab_status st;
    (void)fds;
    (void)n_fds;
    clab__h5_library();
    if ((st = clab_wire_get_str(cx, wire, MAX_PATH, &path)) != CLAB_OK ||
        (st = clab_wire_get_str(cx, wire, MAX_PATH, &name)) != CLAB_OK)
        goto done;
    h.name = name;
    if ((st = clab__h5_open(&h, path)) == CLAB_OK)
        st = clab__read_dict(&h, h.file, "", &v);
    clab__h5_close(&h);
    if (st == CLAB_OK && v)
        st = clab__send_only(&h, v);
done:
    clab_value_unref(v);
    free(path);
    free(name);
    return st;
}
