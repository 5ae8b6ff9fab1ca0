/* h5_legacy.c -- compound datasets: the record arrays of uns, and obs, var, obsm, varm of AnnData < 0.7. */
#include "io/h5_impl.h"

#include <stdio.h>
#include <string.h>

/* One field after another, handed to `take`. */
typedef clab_status field_fn(clab__h5 *h, const clab__set *s, const char *name, hid_t type, void *user);

static clab_status each_field(clab__h5 *h, const clab__set *s, field_fn *take, void *user)
{
    int n = H5Tget_nmembers(s->type);
    clab_status st = CLAB_OK;
    for (int i = 0; i < n && st == CLAB_OK; i++) {
        char *name = H5Tget_member_name(s->type, (unsigned)i);
        hid_t type = H5Tget_member_type(s->type, (unsigned)i);
        st = name && type >= 0 ? take(h, s, name, type, user)
                               : clab_fail(h->cx, CLAB_EFORMAT, "%s: the fields of %s cannot be read",
                                           h->name, clab_show(s->at));
        if (type >= 0)
            H5Tclose(type);
        H5free_memory(name);
    }
    return st;
}

/* ---- records and dictionaries of arrays ----------------------------------------------------------*/

struct records {
    clab_value *into;
    bool as_dict;
};

static clab_status add_field(clab__h5 *h, const clab__set *s, const char *name, hid_t type, void *user)
{
    struct records *r = user;
    clab_value *v = NULL;
    if (!r->as_dict && H5Tget_class(type) == H5T_ARRAY) {
        clab__h5_leave_out(h, s->at, "its field '%s' holds arrays", clab_show(name));
        return CLAB_OK;
    }
    clab_status st = clab__read_set(h, s, name, type, &v);
    if (st == CLAB_OK && v)
        st = clab_value_set(h->cx, r->into, name, v);
    clab_value_unref(v);
    return st;
}

clab_status clab__read_records(clab__h5 *h, const clab__set *s, bool as_dict, clab_value **out)
{
    struct records r = {.as_dict = as_dict};
    clab_status st = as_dict ? clab_value_dict(h->cx, &r.into) : clab_value_records(h->cx, s->n, &r.into);
    if (st == CLAB_OK)
        st = each_field(h, s, add_field, &r);
    if (st != CLAB_OK) {
        clab_value_unref(r.into);
        return st;
    }
    *out = r.into;
    return CLAB_OK;
}

/* ---- obs and var ---------------------------------------------------------------------------------*/

struct frame {
    clab_value *table;
    hid_t uns; /* -1 = none */
};

/* Levels of a column: uns/NAME_categories, where a lone level may stand as a scalar. */
static clab_status levels_of(clab__h5 *h, hid_t uns, const char *name, clab_value **out)
{
    char key[300], path[CLAB__AT];
    clab_value *v = NULL;
    *out = NULL;
    snprintf(key, sizeof key, "%s_categories", name);
    if (uns < 0 || !clab__h5_has(uns, key))
        return CLAB_OK;
    clab_status st = clab__read_member(h, uns, key, clab__h5_at(path, "uns", key), &v);
    if (st == CLAB_OK && v && v->kind == CLAB_V_STRINGS && v->rank == 0) {
        int64_t one = 1;
        st = clab_value_strings(h->cx, 1, &one, (const char *const *)v->data, out);
        clab_value_unref(v);
        return st;
    }
    *out = v;
    return st;
}

static clab_status add_column(clab__h5 *h, const clab__set *s, const char *name, hid_t type, void *user)
{
    struct frame *f = user;
    clab_value *v = NULL, *levels = NULL;
    clab_dtype t;
    clab_status st = CLAB_OK;
    if (!f->table) { /* the first field is the index */
        st = clab__read_set(h, s, name, type, &v);
        if (st == CLAB_OK && (!v || v->kind != CLAB_V_STRINGS || v->rank != 1))
            st = clab_fail(h->cx, CLAB_EFORMAT, "%s: the first field of %s holds no names", h->name,
                           clab_show(s->at));
        if (st == CLAB_OK)
            st = clab_value_table(h->cx, v, name, &f->table);
        clab_value_unref(v);
        return st;
    }
    if (clab__type_dtype(type, &t) && clab_dtype_is_integer(t))
        st = levels_of(h, f->uns, name, &levels);
    if (st == CLAB_OK && levels)
        st = clab__read_codes(h, s, name, type, levels, false, &v);
    else if (st == CLAB_OK)
        st = clab__read_set(h, s, name, type, &v);
    if (st == CLAB_OK && v && (v->rank == 1 || v->kind == CLAB_V_CATEGORICAL))
        st = clab_value_set(h->cx, f->table, name, v);
    else if (st == CLAB_OK && v)
        clab__h5_leave_out(h, s->at, "its field '%s' is no column", clab_show(name));
    clab_value_unref(v);
    clab_value_unref(levels);
    return st;
}

clab_status clab__read_table_compound(clab__h5 *h, const clab__set *s, hid_t uns, clab_value **out)
{
    struct frame f = {.uns = uns};
    clab_status st = CLAB_OK;
    if (s->cls != CLAB__COMPOUND || s->rank != 1)
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: %s is a plain array, not a table", h->name,
                         clab_show(s->at));
    st = each_field(h, s, add_column, &f);
    if (st == CLAB_OK && !f.table)
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s has no fields", h->name, clab_show(s->at));
    if (st != CLAB_OK) {
        clab_value_unref(f.table);
        return st;
    }
    *out = f.table;
    return CLAB_OK;
}
