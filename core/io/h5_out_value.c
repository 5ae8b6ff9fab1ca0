/* h5_out_value.c -- values as elements of AnnData 0.8 and later (docs/formats.md has the table). */
#include "io/h5_out_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Write, then name the encoding, then close: the end of every element that is a dataset. */
static clab_status finish(clab__out *o, clab_status st, hid_t obj, const char *at, const char *type,
                          const char *version)
{
    if (st == CLAB_OK && type)
        st = clab__out_encoding(o, obj, at, type, version);
    clab_status closed = clab__out_done(o, obj, at);
    return st == CLAB_OK ? closed : st;
}

static clab_status put_array(clab__out *o, hid_t parent, const char *name, const char *at,
                             const clab_value *v)
{
    hid_t d = -1;
    clab_status st = clab__out_array(o, parent, name, at, clab__dtype_file(o, v->dtype),
                                     clab__dtype_from(o, v->dtype), v->rank, v->dims, v->data, &d);
    return finish(o, st, d, at, v->rank == 0 ? "numeric-scalar" : "array", "0.2.0");
}

static clab_status put_strings(clab__out *o, hid_t parent, const char *name, const char *at,
                               const clab_value *v)
{
    hid_t d = -1;
    clab_status st = clab__out_array(o, parent, name, at, o->text, o->text, v->rank, v->dims, v->data, &d);
    return finish(o, st, d, at, v->rank == 0 ? "string" : "string-array", "0.2.0");
}

static clab_status put_null(clab__out *o, hid_t parent, const char *name, const char *at)
{
    hid_t space = H5Screate(H5S_NULL), dcpl = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(dcpl, 0);
    hid_t d = H5Dcreate2(parent, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    clab_status st = d < 0 ? clab__out_fail(o, at) : CLAB_OK;
    H5Pclose(dcpl);
    H5Sclose(space);
    return finish(o, st, d, at, "null", "0.1.0");
}

/* A member of a group that is an element itself. */
static clab_status put_raw(clab__out *o, hid_t group, const char *name, const char *at, hid_t file_type,
                           hid_t mem_type, int64_t n, const void *data, const char *encoding)
{
    hid_t d = -1;
    char path[CLAB__AT];
    clab__h5_at(path, at, name);
    clab_status st = clab__out_array(o, group, name, path, file_type, mem_type, 1, &n, data, &d);
    return finish(o, st, d, path, encoding, "0.2.0");
}

static clab_status put_categorical(clab__out *o, hid_t parent, const char *name, const char *at,
                                   const clab_value *v)
{
    hid_t g = -1;
    char path[CLAB__AT];
    int64_t n_levels = v->levels->dims[0];
    hid_t width = n_levels <= INT8_MAX ? H5T_STD_I8LE : n_levels <= INT16_MAX ? H5T_STD_I16LE : H5T_STD_I32LE;
    clab_status st = clab__out_group(o, parent, name, at, &g);
    if (st == CLAB_OK)
        st = clab__out_encoding(o, g, at, "categorical", "0.2.0");
    if (st == CLAB_OK)
        st = clab__out_attr_bool(o, g, at, "ordered", v->ordered);
    if (st == CLAB_OK)
        st = put_raw(o, g, "codes", at, width, H5T_NATIVE_INT32, v->dims[0], v->codes, "array");
    if (st == CLAB_OK)
        st = clab__out_value(o, g, "categories", clab__h5_at(path, at, "categories"), v->levels);
    return finish(o, st, g, at, NULL, NULL);
}

/* pandas has no nullable floats in AnnData: their missing values are NaN. */
static clab_status put_floats(clab__out *o, hid_t parent, const char *name, const char *at,
                              const clab_value *v)
{
    clab_value *plain = NULL;
    clab_status st = clab_value_array(o->cx, v->inner->dtype, 1, v->dims, v->inner->data, &plain);
    for (int64_t i = 0; st == CLAB_OK && i < v->dims[0]; i++) {
        if (v->mask[i] && plain->dtype == CLAB_F32)
            ((float *)plain->data)[i] = __builtin_nanf("");
        else if (v->mask[i])
            ((double *)plain->data)[i] = __builtin_nan("");
    }
    if (st == CLAB_OK)
        st = put_array(o, parent, name, at, plain);
    clab_value_unref(plain);
    return st;
}

/* Text of which some is missing, as categories: AnnData before 0.11 refuses a file with nullable strings. */
static clab_status put_text_with_gaps(clab__out *o, hid_t parent, const char *name, const char *at, const clab_value *v)
{
    int64_t n = v->dims[0];
    void *p = NULL;
    clab_value *factor = NULL;
    clab_status st = clab_mem_alloc(o->cx, CLAB_MEM_WORK, (n + 1) * (int64_t)sizeof(char *), "a column", &p);
    const char **s = p;
    for (int64_t i = 0; st == CLAB_OK && i < n; i++)
        s[i] = v->mask[i] ? NULL : ((char *const *)v->inner->data)[i];
    if (st == CLAB_OK)
        st = clab_value_factor(o->cx, n, s, &factor);
    if (st == CLAB_OK)
        st = put_categorical(o, parent, name, at, factor);
    clab_value_unref(factor);
    clab_mem_free(o->cx, p);
    return st;
}

static clab_status put_nullable(clab__out *o, hid_t parent, const char *name, const char *at,
                                const clab_value *v)
{
    hid_t g = -1;
    char path[CLAB__AT];
    bool text = v->inner->kind == CLAB_V_STRINGS;
    if (text && o->kind == CLAB__OUT_H5AD)
        return put_text_with_gaps(o, parent, name, at, v);
    if (!text && !clab_dtype_is_integer(v->inner->dtype) && v->inner->dtype != CLAB_BOOL)
        return put_floats(o, parent, name, at, v);
    const char *type = text                           ? "nullable-string-array"
                       : v->inner->dtype == CLAB_BOOL ? "nullable-boolean"
                                                      : "nullable-integer";
    clab_status st = clab__out_group(o, parent, name, at, &g);
    if (st == CLAB_OK)
        st = clab__out_encoding(o, g, at, type, "0.1.0");
    if (st == CLAB_OK && text)
        st = clab__out_attr_str(o, g, at, "na-value", "NA");
    if (st == CLAB_OK)
        st = clab__out_value(o, g, "values", clab__h5_at(path, at, "values"), v->inner);
    if (st == CLAB_OK)
        st = put_raw(o, g, "mask", at, o->boolean, o->boolean, v->dims[0], v->mask, "array");
    return finish(o, st, g, at, NULL, NULL);
}

static clab_status put_sparse(clab__out *o, hid_t parent, const char *name, const char *at,
                              const clab_value *v)
{
    hid_t g = -1;
    int64_t nnz = v->indptr[v->dims[0]];
    hid_t width = nnz <= INT32_MAX ? H5T_STD_I32LE : H5T_STD_I64LE;
    clab_status st = clab__out_group(o, parent, name, at, &g);
    if (st == CLAB_OK)
        st = clab__out_encoding(o, g, at, "csr_matrix", "0.1.0");
    if (st == CLAB_OK)
        st = clab__out_attr_shape(o, g, at, v->dims[0], v->dims[1]);
    if (st == CLAB_OK)
        st = put_raw(o, g, "data", at, clab__dtype_file(o, v->dtype), clab__dtype_from(o, v->dtype), nnz,
                     v->data, NULL);
    if (st == CLAB_OK)
        st = put_raw(o, g, "indices", at, width, H5T_NATIVE_INT32, nnz, v->indices, NULL);
    if (st == CLAB_OK)
        st = put_raw(o, g, "indptr", at, width, H5T_NATIVE_INT64, v->dims[0] + 1, v->indptr, NULL);
    return finish(o, st, g, at, NULL, NULL);
}

/* ---- names: a key may not hold '/', which HDF5 takes for a path: it becomes '_', with one warning -------*/

static bool taken(char **keys, int64_t n, const clab_value *container, const char *key, const char *reserved)
{
    if (reserved && strcmp(key, reserved) == 0)
        return true;
    for (int64_t i = 0; i < n; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    for (int64_t i = n + 1; i < container->n_items; i++)
        if (strcmp(container->names[i], key) == 0)
            return true;
    return false;
}

static void free_keys(char **keys, int64_t n)
{
    for (int64_t i = 0; keys && i < n; i++)
        free(keys[i]);
    free(keys);
}

/* The key of item n, unlike those before it, the names behind it and the reserved one; NULL when memory is short. */
static char *safe_key(char **keys, int64_t n, const clab_value *container, const char *reserved)
{
    const char *name = container->names[n];
    size_t len = strlen(name);
    char *key = malloc(len + 24);
    if (!key)
        return NULL;
    memcpy(key, len == 0 || strcmp(name, ".") == 0 ? "_" : name, len == 0 ? 2 : len + 1);
    for (char *c = key; *c; c++)
        *c = *c == '/' ? '_' : *c;
    if (strcmp(key, name) != 0 || (reserved && strcmp(key, reserved) == 0))
        for (int k = 1; taken(keys, n, container, key, reserved); k++)
            snprintf(key + len, 24, "_%d", k);
    return key;
}

/* The keys under which the items of a table or dictionary are written; NULL with a recorded error.
 * reserved: the name of a table's index where a column of other content has it too, or NULL. */
static char **safe_keys(clab__out *o, const char *at, const clab_value *container, const char *reserved)
{
    char **keys = calloc((size_t)container->n_items + 1, sizeof *keys);
    int64_t changed = 0, example = 0;
    for (int64_t i = 0; keys && i < container->n_items; i++) {
        if (!(keys[i] = safe_key(keys, i, container, reserved))) {
            free_keys(keys, i);
            keys = NULL;
        } else if (strcmp(keys[i], container->names[i]) != 0) {
            example = changed++ ? example : i;
        }
    }
    if (!keys)
        (void)clab_fail(o->cx, CLAB_ENOMEM, "no memory for the names in %s", clab_show(at));
    else if (changed)
        clab_warn(o->cx, "%s: %lld name%s in %s cannot be written as %s, '%s' for one: it becomes '%s'", o->name,
                  (long long)changed, changed > 1 ? "s" : "", clab_show(at), changed > 1 ? "they are" : "it is",
                  clab_show(container->names[example]), clab_show(keys[example]));
    return keys;
}

/* The name of the index: its own, unless a column of other content has it. */
static const char *index_name(const clab_value *v)
{
    const clab_value *column = clab_value_get(v, v->index_name);
    bool own =
        *v->index_name && !strchr(v->index_name, '/') && (!column || clab_value_equal(column, v->index));
    return own ? v->index_name : "_index";
}

static clab_status put_table(clab__out *o, hid_t parent, const char *name, const char *at,
                             const clab_value *v)
{
    hid_t g = -1;
    char path[CLAB__AT];
    const char *index = index_name(v);
    const clab_value *same = clab_value_get(v, index);
    char **order = safe_keys(o, at, v, same && !clab_value_equal(same, v->index) ? index : NULL);
    clab_status st = order ? clab__out_group(o, parent, name, at, &g) : clab_error_status(o->cx);
    if (st == CLAB_OK)
        st = clab__out_encoding(o, g, at, "dataframe", "0.2.0");
    if (st == CLAB_OK)
        st = clab__out_attr_str(o, g, at, "_index", index);
    if (st == CLAB_OK)
        st = clab__out_attr_strs(o, g, at, "column-order", order, v->n_items);
    if (st == CLAB_OK)
        st = put_strings(o, g, index, clab__h5_at(path, at, index), v->index);
    for (int64_t i = 0; st == CLAB_OK && i < v->n_items; i++)
        if (strcmp(order[i], index) != 0) /* a column that is the index stands there already */
            st = clab__out_value(o, g, order[i], clab__h5_at(path, at, order[i]), v->items[i]);
    free_keys(order, v->n_items);
    return finish(o, st, g, at, NULL, NULL);
}

clab_status clab__out_items(clab__out *o, hid_t group, const char *at, const clab_value *dict)
{
    char path[CLAB__AT];
    char **keys = safe_keys(o, at, dict, NULL);
    clab_status st = keys ? CLAB_OK : clab_error_status(o->cx);
    for (int64_t i = 0; st == CLAB_OK && i < dict->n_items; i++)
        st = clab__out_value(o, group, keys[i], clab__h5_at(path, at, keys[i]), dict->items[i]);
    free_keys(keys, dict->n_items);
    return st;
}

static clab_status put_dict(clab__out *o, hid_t parent, const char *name, const char *at, const clab_value *v)
{
    hid_t g = -1;
    clab_status st = clab__out_group(o, parent, name, at, &g);
    if (st == CLAB_OK)
        st = clab__out_encoding(o, g, at, "dict", "0.1.0");
    if (st == CLAB_OK)
        st = clab__out_items(o, g, at, v);
    return finish(o, st, g, at, NULL, NULL);
}

/* Fields side by side in one compound type; written field by field from the values' own arrays. */
static clab_status put_records(clab__out *o, hid_t parent, const char *name, const char *at,
                               const clab_value *v)
{
    size_t size = 0;
    hid_t type, d = -1;
    for (int64_t i = 0; i < v->n_items; i++)
        size += H5Tget_size(
            clab__dtype_file(o, v->items[i]->kind == CLAB_V_STRINGS ? CLAB_STR : v->items[i]->dtype));
    if (size == 0 || (type = H5Tcreate(H5T_COMPOUND, size)) < 0)
        return clab_fail(o->cx, CLAB_EARG, "%s: the records of %s have no fields", o->name, clab_show(at));
    size = 0;
    for (int64_t i = 0; i < v->n_items; i++) {
        hid_t t = clab__dtype_file(o, v->items[i]->kind == CLAB_V_STRINGS ? CLAB_STR : v->items[i]->dtype);
        H5Tinsert(type, v->names[i], size, t);
        size += H5Tget_size(t);
    }
    hsize_t n = (hsize_t)v->dims[0];
    clab_status st = clab__out_set(o, parent, name, at, type, 1, &n, false, &d);
    for (int64_t i = 0; st == CLAB_OK && n > 0 && i < v->n_items; i++) {
        hid_t mem = clab__dtype_from(o, v->items[i]->kind == CLAB_V_STRINGS ? CLAB_STR : v->items[i]->dtype);
        hid_t one = H5Tcreate(H5T_COMPOUND, H5Tget_size(mem));
        H5Tinsert(one, v->names[i], 0, mem);
        if (H5Dwrite(d, one, H5S_ALL, H5S_ALL, H5P_DEFAULT, v->items[i]->data) < 0)
            st = clab__out_fail(o, at);
        H5Tclose(one);
    }
    H5Tclose(type);
    return finish(o, st, d, at, "rec-array", "0.2.0");
}

clab_status clab__out_value(clab__out *o, hid_t parent, const char *name, const char *at, const clab_value *v)
{
    clab_status st = clab_check(o->cx);
    if (st != CLAB_OK)
        return st;
    switch (v->kind) {
    case CLAB_V_NULL:
        if (o->kind != CLAB__OUT_H5AD)
            return put_null(o, parent, name, at);
        clab_warn(o->cx, "%s: %s is AnnData's null, for which versions before 0.12 refuse a whole file; left out", o->name,
                  clab_show(at));
        return CLAB_OK;
    case CLAB_V_ARRAY:
        return put_array(o, parent, name, at, v);
    case CLAB_V_STRINGS:
        return put_strings(o, parent, name, at, v);
    case CLAB_V_CATEGORICAL:
        return put_categorical(o, parent, name, at, v);
    case CLAB_V_NULLABLE:
        return put_nullable(o, parent, name, at, v);
    case CLAB_V_SPARSE:
        return put_sparse(o, parent, name, at, v);
    case CLAB_V_TABLE:
        return put_table(o, parent, name, at, v);
    case CLAB_V_DICT:
        return put_dict(o, parent, name, at, v);
    case CLAB_V_RECORDS:
        return put_records(o, parent, name, at, v);
    }
    return clab_fail(o->cx, CLAB_EINTERNAL, "%s: a value of unknown kind", clab_show(at));
}
