/* h5_table.c -- dataframes and the kinds of columns that are groups: categorical, nullable. */
#include "io/h5_impl.h"

#include "base/names.h"

#include <stdlib.h>
#include <string.h>

/* ---- categoricals --------------------------------------------------------------------------------*/

static clab_status check_levels(clab__h5 *h, const clab_value *levels, const char *at)
{
    if (!levels || levels->rank != 1 || (levels->kind != CLAB_V_STRINGS && levels->kind != CLAB_V_ARRAY))
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: the categories of %s are not a list", h->name,
                         clab_show(at));
    if (levels->kind != CLAB_V_STRINGS)
        return CLAB_OK;
    clab_names *ix = NULL;
    int64_t twice = 0;
    clab_status st = clab_names_new(h->cx, (const char *const *)levels->data, levels->dims[0], &twice, &ix);
    clab_names_free(ix);
    if (st == CLAB_OK && twice > 0)
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s lists %lld of its categories twice", h->name,
                       clab_show(at), (long long)twice);
    return st;
}

clab_status clab__read_codes(clab__h5 *h, const clab__set *s, const char *field, hid_t type,
                             const clab_value *levels, bool ordered, clab_value **out)
{
    int64_t bytes;
    void *buf = NULL;
    hid_t mem = -1;
    clab_dtype t;
    clab_status st = check_levels(h, levels, s->at);
    if (st != CLAB_OK)
        return st;
    if (!clab__type_dtype(type, &t) || !clab_dtype_is_integer(t) || s->rank != 1)
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: the codes of %s are not a list of whole numbers", h->name,
                         clab_show(s->at));
    if ((st = clab__set_plausible(h, s, s->n, sizeof(int32_t))) != CLAB_OK ||
        (st = clab_mem_size(h->cx, s->n, sizeof(int32_t), &bytes)) != CLAB_OK ||
        (st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, bytes, "codes of the file", &buf)) != CLAB_OK)
        return st;
    if (field) {
        mem = H5Tcreate(H5T_COMPOUND, sizeof(int32_t));
        H5Tinsert(mem, field, 0, H5T_NATIVE_INT32);
    }
    if (s->n > 0 && H5Dread(s->id, field ? mem : H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, buf) < 0)
        st = clab_fail(h->cx, CLAB_EIO, "%s: %s cannot be read: %s", h->name, clab_show(s->at),
                       clab__h5_why());
    const int32_t *codes = buf;
    for (int64_t i = 0; st == CLAB_OK && i < s->n; i++)
        if (codes[i] < -1 || codes[i] >= levels->dims[0])
            st = clab_fail(h->cx, CLAB_EFORMAT,
                           "%s: %s: entry %lld has the code %d, but there are %lld categories", h->name,
                           clab_show(s->at), (long long)i, codes[i], (long long)levels->dims[0]);
    if (st == CLAB_OK)
        st = clab_value_categorical(h->cx, s->n, codes, levels, ordered, out);
    if (mem >= 0)
        H5Tclose(mem);
    clab_mem_free(h->cx, buf);
    return st;
}

/* anndata 0.13 with pandas 3 stores plain strings as nullable ones: take them for what they are. */
static clab_value *plain(clab_value *v)
{
    if (!v || v->kind != CLAB_V_NULLABLE)
        return v;
    for (int64_t i = 0; i < v->dims[0]; i++)
        if (v->mask[i])
            return v;
    clab_value *inner = clab_value_ref(v->inner);
    clab_value_unref(v);
    return inner;
}

clab_status clab__read_categorical(clab__h5 *h, hid_t group, const char *at, clab_value **out)
{
    char path[CLAB__AT];
    clab_value *levels = NULL;
    clab__set codes = {.id = -1};
    bool ordered = false;
    clab__h5_attr_bool(group, "ordered", &ordered);
    clab_status st = clab__read_member(h, group, "categories", clab__h5_at(path, at, "categories"), &levels);
    levels = plain(levels);
    if (st == CLAB_OK)
        st = clab__set_member(h, group, "codes", clab__h5_at(path, at, "codes"), &codes);
    if (st == CLAB_OK)
        st = clab__read_codes(h, &codes, NULL, codes.type, levels, ordered, out);
    clab__set_close(&codes);
    clab_value_unref(levels);
    return st;
}

/* ---- nullable ------------------------------------------------------------------------------------*/

clab_status clab__read_nullable(clab__h5 *h, hid_t group, const char *at, clab_value **out)
{
    char path[CLAB__AT], na[16];
    clab_value *values = NULL, *mask = NULL;
    clab_status st = clab__read_member(h, group, "values", clab__h5_at(path, at, "values"), &values);
    if (st == CLAB_OK)
        st = clab__read_member(h, group, "mask", clab__h5_at(path, at, "mask"), &mask);
    if (st == CLAB_OK &&
        (!values || (values->kind != CLAB_V_ARRAY && values->kind != CLAB_V_STRINGS) || values->rank != 1 ||
         !mask || mask->kind != CLAB_V_ARRAY || clab_dtype_size(mask->dtype) != 1 || mask->rank != 1 ||
         mask->dims[0] != values->dims[0]))
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s: the values and the mask of %s do not belong together",
                       h->name, clab_show(at));
    if (st == CLAB_OK)
        st = clab_value_nullable(h->cx, values, mask->data, out);
    if (st == CLAB_OK && clab__h5_attr_str(group, "na-value", na, sizeof na) && strcmp(na, "NaN") == 0)
        *out = plain(*out);
    clab_value_unref(values);
    clab_value_unref(mask);
    return st;
}

/* ---- dataframes ----------------------------------------------------------------------------------*/

/* The index as strings, whatever it is stored as. */
static clab_status index_strings(clab__h5 *h, clab_value *v, const char *at, clab_value **out)
{
    if (v->kind == CLAB_V_STRINGS && v->rank == 1) {
        *out = clab_value_ref(v);
        return CLAB_OK;
    }
    bool column = v->rank == 1 || v->kind == CLAB_V_CATEGORICAL || v->kind == CLAB_V_NULLABLE;
    if (!column || v->kind == CLAB_V_TABLE || v->kind == CLAB_V_SPARSE)
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: the index %s is no list of names", h->name, clab_show(at));
    if (v->kind == CLAB_V_ARRAY)
        clab_warn(h->cx, "%s: the index %s holds numbers; they are taken as names", h->name, clab_show(at));
    int64_t n = clab_value_len(v);
    clab_status st = CLAB_OK;
    char **s = calloc((size_t)n + 1, sizeof *s), buf[64];
    for (int64_t i = 0; s && i < n; i++) {
        const char *t = clab_value_at_str(v, i, buf, sizeof buf);
        if (!(s[i] = strdup(t ? t : "nan"))) {
            st = clab_fail(h->cx, CLAB_ENOMEM, "no memory for the names in %s", clab_show(at));
            break;
        }
    }
    if (!s)
        st = clab_fail(h->cx, CLAB_ENOMEM, "no memory for the names in %s", clab_show(at));
    if (st == CLAB_OK)
        st = clab_value_strings(h->cx, 1, &n, (const char *const *)s, out);
    for (int64_t i = 0; s && i < n; i++)
        free(s[i]);
    free(s);
    return st;
}

/* Columns in their order; where column-order is absent, all members but the index. */
static clab_status column_names(clab__h5 *h, hid_t group, const char *index, const char *at, clab__names *out)
{
    bool found;
    clab_status st = clab__h5_attr_names(h, group, "column-order", at, out, &found);
    if (st != CLAB_OK || found)
        return st;
    clab_warn(h->cx, "%s: %s has no column-order; its columns are taken in alphabetical order", h->name,
              clab_show(at));
    st = clab__h5_members(h, group, at, out);
    int64_t n = 0;
    for (int64_t i = 0; st == CLAB_OK && i < out->n; i++) {
        if (strcmp(out->s[i], index) == 0 || strcmp(out->s[i], "__categories") == 0)
            free(out->s[i]);
        else
            out->s[n++] = out->s[i];
    }
    out->n = n;
    return st;
}

static bool is_column(const clab_value *v)
{
    return v->kind == CLAB_V_CATEGORICAL || v->kind == CLAB_V_NULLABLE ||
           ((v->kind == CLAB_V_ARRAY || v->kind == CLAB_V_STRINGS) && v->rank == 1);
}

static clab_status add_column(clab__h5 *h, hid_t group, const char *name, const char *at, clab_value *table)
{
    char path[CLAB__AT];
    clab_value *v = NULL;
    clab_status st = clab__read_member(h, group, name, clab__h5_at(path, at, name), &v);
    if (st == CLAB_ENOTFOUND && !clab__h5_has(group, name))
        return clab_hint(h->cx, "the column-order of %s lists it all the same: the file is damaged",
                         clab_show(at));
    if (st != CLAB_OK || !v)
        return st;
    if (!is_column(v))
        clab__h5_leave_out(h, path, "no column");
    else if (clab_value_len(v) != table->dims[0])
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s has %lld entries, %s has %lld rows", h->name,
                       clab_show(path), (long long)clab_value_len(v), clab_show(at),
                       (long long)table->dims[0]);
    else
        st = clab_value_set(h->cx, table, name, v);
    clab_value_unref(v);
    return st;
}

clab_status clab__read_table(clab__h5 *h, hid_t group, const char *at, clab_value **out)
{
    const clab__want *want = strcmp(at, "obs") == 0 ? h->want : NULL;
    char index_name[256], path[CLAB__AT];
    clab_value *raw = NULL, *index = NULL, *table = NULL;
    clab__names names = {0};
    clab_status st = CLAB_OK;
    if (!clab__h5_attr_str(group, "_index", index_name, sizeof index_name))
        return clab_fail(h->cx, CLAB_EFORMAT,
                         "%s: %s does not say which of its members holds the row names (no attribute "
                         "_index)",
                         h->name, clab_show(at));
    st = clab__read_member(h, group, index_name, clab__h5_at(path, at, index_name), &raw);
    if (st == CLAB_OK && !raw)
        st =
            clab_fail(h->cx, CLAB_EFORMAT, "%s: the index %s cannot be understood", h->name, clab_show(path));
    if (st == CLAB_OK)
        st = index_strings(h, raw, path, &index);
    if (st == CLAB_OK)
        st = clab_value_table(h->cx, index, index_name, &table);
    if (st == CLAB_OK)
        st = column_names(h, group, index_name, at, &names);
    if (st == CLAB_OK)
        st = clab__want_check_columns(h->cx, want, h->name, names.s, names.n);
    for (int64_t i = 0; st == CLAB_OK && i < names.n; i++) {
        st = clab_check(h->cx);
        if (st == CLAB_OK && clab__want_column(want, names.s[i]))
            st = add_column(h, group, names.s[i], at, table);
    }
    clab__names_free(&names);
    clab_value_unref(raw);
    clab_value_unref(index);
    if (st != CLAB_OK) {
        clab_value_unref(table);
        return st;
    }
    *out = table;
    return CLAB_OK;
}
