/* tenx.c -- Cell Ranger's HDF5: /matrix with features (version 3 on), or one group a genome (before).
 * Column-compressed features x barcodes, which read as rows is barcodes x features. */
#include "io/h5_impl.h"

#include "base/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_all(hid_t group, const char *const *names)
{
    for (; *names; names++)
        if (!clab__h5_has(group, *names))
            return false;
    return true;
}

static bool is_member_group(hid_t group, const char *name)
{
    H5O_info_t info;
    return clab__h5_has(group, name) && H5Oget_info_by_name(group, name, &info, H5P_DEFAULT) >= 0 &&
           info.type == H5O_TYPE_GROUP;
}

static bool is_genome(hid_t file, const char *name)
{
    static const char *const parts[] = {"barcodes", "data", "indices", "indptr", "genes", NULL};
    if (!is_member_group(file, name))
        return false;
    hid_t g = H5Gopen2(file, name, H5P_DEFAULT);
    bool yes = g >= 0 && has_all(g, parts);
    if (g >= 0)
        H5Gclose(g);
    return yes;
}

clab_status clab__format_tell(clab__h5 *h, clab__format *out)
{
    char encoding[64];
    clab__names names;
    clab__h5_attr_str(h->file, "encoding-type", encoding, sizeof encoding);
    *out = CLAB__H5AD;
    if (*encoding && strcmp(encoding, "anndata") != 0) {
        (void)clab_fail(h->cx, CLAB_EFORMAT, "%s holds '%s', not AnnData", h->name, clab_show(encoding));
        return strcasecmp(encoding, "mudata") == 0
                   ? clab_hint(h->cx, "write the RNA modality of the MuData to an .h5ad of its own")
                   : clab_error_status(h->cx);
    }
    if (*encoding || clab__h5_has(h->file, "obs") || clab__h5_has(h->file, "var"))
        return CLAB_OK;
    if (clab__h5_has(h->file, "row_attrs") && clab__h5_has(h->file, "col_attrs")) {
        *out = CLAB__LOOM;
        return CLAB_OK;
    }
    if (is_member_group(h->file, "matrix")) {
        *out = CLAB__TENX3;
        return CLAB_OK;
    }
    clab_status st = clab__h5_members(h, h->file, "", &names);
    for (int64_t i = 0; st == CLAB_OK && i < names.n; i++)
        if (is_genome(h->file, names.s[i]))
            *out = CLAB__TENX2;
    clab__names_free(&names);
    if (st != CLAB_OK || *out != CLAB__H5AD)
        return st;
    return clab_fail(h->cx, CLAB_EFORMAT, "%s is HDF5, but neither AnnData (no obs and var), a 10x matrix nor loom",
                     h->name);
}

/* The genome's group; more than one and none chosen is an error that lists them. */
static clab_status choose_genome(clab__h5 *h, const char *genome, char *buf, size_t n)
{
    clab__names names;
    clab_str list = {0};
    int64_t found = 0;
    bool hit = false;
    clab_status st = clab__h5_members(h, h->file, "", &names);
    for (int64_t i = 0; st == CLAB_OK && i < names.n; i++) {
        if (!is_genome(h->file, names.s[i]))
            continue;
        if (genome ? strcmp(genome, names.s[i]) == 0 : found == 0) {
            snprintf(buf, n, "%s", names.s[i]);
            hit = true;
        }
        clab_str_addf(&list, "%s%s", found++ ? ", " : "", clab_show(names.s[i]));
    }
    if (st == CLAB_OK && genome && !hit)
        st = clab_hint(h->cx, "it has %s",
                       ((void)clab_fail(h->cx, CLAB_ENOTFOUND, "%s has no genome '%s'", h->name, clab_show(genome)),
                        list.s));
    else if (st == CLAB_OK && !genome && found > 1)
        st = clab_hint(
            h->cx, "%s",
            (clab_fail(h->cx, CLAB_EARG, "%s holds %lld genomes: %s", h->name, (long long)found, list.s),
             "choose one: genome=\"NAME\""));
    clab_str_free(&list);
    clab__names_free(&names);
    return st;
}

/* A list of strings that must have `n` entries (-1: any). */
static clab_status read_list(clab__h5 *h, hid_t group, const char *at, const char *name, int64_t n,
                             clab_value **out)
{
    char path[CLAB__AT];
    clab_status st = clab__read_member(h, group, name, clab__h5_at(path, at, name), out);
    if (st != CLAB_OK)
        return st;
    if (!*out || (*out)->kind != CLAB_V_STRINGS)
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: %s holds no strings", h->name, clab_show(path));
    if ((*out)->rank == 0) { /* a lone fixed string was unwrapped */
        int64_t one = 1;
        clab_value *list = NULL;
        st = clab_value_strings(h->cx, 1, &one, (const char *const *)(*out)->data, &list);
        clab_value_unref(*out);
        *out = list;
        if (st != CLAB_OK)
            return st;
    }
    if ((*out)->rank != 1 || (n >= 0 && (*out)->dims[0] != n))
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: %s has %lld entries, the matrix needs %lld", h->name,
                         clab_show(path), (long long)(*out)->dims[0], (long long)n);
    return CLAB_OK;
}

/* Repeated gene names get -1, -2, ... as AnnData's var_names_make_unique does. */
clab_status clab__unique_names(clab__h5 *h, clab_value *names, clab_value **out)
{
    int64_t n = names->dims[0], repeats = 0;
    const char *const *in = (const char *const *)names->data;
    clab_names *ix = NULL;
    clab_status st = clab_names_new(h->cx, in, n, &repeats, &ix);
    if (st != CLAB_OK || repeats == 0) {
        clab_names_free(ix);
        *out = st == CLAB_OK ? clab_value_ref(names) : NULL;
        return st;
    }
    char **s = calloc((size_t)n, sizeof *s), **made = calloc((size_t)n, sizeof *made), buf[512];
    int64_t *next = calloc((size_t)n, sizeof *next);
    if (!s || !made || !next)
        st = clab_fail(h->cx, CLAB_ENOMEM, "no memory for gene names");
    for (int64_t i = 0; st == CLAB_OK && i < n; i++) {
        int64_t first = clab_names_get(ix, in[i]);
        s[i] = (char *)(uintptr_t)in[i];
        if (first == i || first < 0)
            continue;
        do
            snprintf(buf, sizeof buf, "%s-%lld", in[i], (long long)++next[first]);
        while (clab_names_get(ix, buf) >= 0);
        s[i] = made[i] = strdup(buf);
        if (!s[i] || clab_names_add(ix, s[i]) < 0)
            st = clab_fail(h->cx, CLAB_ENOMEM, "no memory for gene names");
    }
    if (st == CLAB_OK)
        st = clab_value_strings(h->cx, 1, &n, (const char *const *)s, out);
    if (st == CLAB_OK)
        clab_warn(h->cx,
                  "%s: %lld gene names repeat; later ones got -1, -2, ... (var.gene_ids tells them apart)",
                  h->name, (long long)repeats);
    clab_names_free(ix);
    for (int64_t i = 0; made && i < n; i++)
        free(made[i]);
    free(made);
    free(next);
    free(s);
    return st;
}

static clab_status set_list(clab__h5 *h, hid_t group, const char *at, const char *name, int64_t n,
                            clab_value *var, const char *column)
{
    clab_value *v = NULL;
    clab_status st = read_list(h, group, at, name, n, &v);
    if (st == CLAB_OK)
        st = clab_value_set(h->cx, var, column, v);
    clab_value_unref(v);
    return st;
}

/* A column of flags or numbers, where it has an entry for every feature. */
static clab_status set_numbers(clab__h5 *h, hid_t group, const char *at, const char *name, int64_t n, clab_value *var)
{
    char path[CLAB__AT];
    clab_value *v = NULL;
    clab_status st = clab__read_member(h, group, name, clab__h5_at(path, at, name), &v);
    if (st == CLAB_OK && v && v->kind == CLAB_V_ARRAY && v->rank == 1 && v->dims[0] == n)
        st = clab_value_set(h->cx, var, name, v);
    clab_value_unref(v);
    return st;
}

/* var: index = names made unique; gene_ids, feature_types, genome and what else the file has, under scanpy's names.
 * In a file of probes (Visium, Flex) the gene's id is gene_id, and id is the probe's. */
static clab_status read_var(clab__h5 *h, hid_t group, const char *at, bool v3, int64_t n, clab_value **out)
{
    clab_value *names = NULL, *index = NULL;
    bool probes = v3 && clab__h5_has(group, "gene_id");
    clab_status st = read_list(h, group, at, v3 ? "name" : "gene_names", n, &names);
    if (st == CLAB_OK)
        st = clab__unique_names(h, names, &index);
    if (st == CLAB_OK)
        st = clab_value_table(h->cx, index, "_index", out);
    if (st == CLAB_OK)
        st = set_list(h, group, at, probes ? "gene_id" : v3 ? "id" : "genes", n, *out, "gene_ids");
    if (st == CLAB_OK && probes)
        st = set_list(h, group, at, "id", n, *out, "probe_ids");
    static const char *const more[][2] = {
        {"feature_type", "feature_types"}, {"genome", "genome"},       {"pattern", "pattern"},          {"read", "read"},
        {"sequence", "sequence"},          {"gene_name", "gene_name"}, {"probe_region", "probe_region"}};
    for (size_t i = 0; v3 && st == CLAB_OK && i < sizeof more / sizeof *more; i++)
        if (clab__h5_has(group, more[i][0]))
            st = set_list(h, group, at, more[i][0], n, *out, more[i][1]);
    if (st == CLAB_OK && probes && clab__h5_has(group, "filtered_probes"))
        st = set_numbers(h, group, at, "filtered_probes", n, *out);
    clab_value_unref(names);
    clab_value_unref(index);
    return st;
}

static clab_status read_shape(clab__h5 *h, hid_t group, const char *at, int64_t shape[2])
{
    char path[CLAB__AT];
    clab__set s;
    clab_status st = clab__set_member(h, group, "shape", clab__h5_at(path, at, "shape"), &s);
    if (st != CLAB_OK)
        return st;
    if (s.rank != 1 || s.n != 2 || s.cls != CLAB__NUMBER || !clab_dtype_is_integer(s.dtype))
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s does not hold two whole numbers", h->name,
                       clab_show(path));
    else
        st = clab__set_slice(h, &s, 0, 2, H5T_NATIVE_INT64, shape);
    clab__set_close(&s);
    if (st == CLAB_OK && (shape[0] < 0 || shape[0] > INT32_MAX || shape[1] < 0 || shape[1] > INT64_MAX / 64))
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s claims %lld x %lld", h->name, clab_show(path),
                       (long long)shape[0], (long long)shape[1]);
    return st;
}

clab_status clab__tenx_open(clab__h5 *h, clab__format f, const char *genome, clab__tenx *t)
{
    char at[256] = "matrix", path[CLAB__AT];
    int64_t shape[2];
    hid_t group = -1, features = -1;
    clab_value *barcodes = NULL;
    clab_status st = CLAB_OK;
    *t = (clab__tenx){.x = {.data = {.id = -1}, .indices = {.id = -1}, .indptr = {.id = -1}}};
    if (f == CLAB__TENX2)
        st = choose_genome(h, genome, at, sizeof at);
    if (st != CLAB_OK || (st = clab__h5_member(h, h->file, at, at, &group)) != CLAB_OK ||
        (st = read_shape(h, group, at, shape)) != CLAB_OK ||
        (st = clab__matrix_open_arrays(h, group, at, false, shape[1], shape[0], &t->x)) != CLAB_OK ||
        (st = read_list(h, group, at, "barcodes", shape[1], &barcodes)) != CLAB_OK ||
        (st = clab_value_table(h->cx, barcodes, "_index", &t->obs)) != CLAB_OK)
        goto done;
    if (f == CLAB__TENX2) {
        st = read_var(h, group, at, false, shape[0], &t->var);
    } else {
        st = clab__h5_member(h, group, "features", clab__h5_at(path, at, "features"), &features);
        if (st == CLAB_OK)
            st = read_var(h, features, path, true, shape[0], &t->var);
    }
done:
    if (features >= 0)
        H5Oclose(features);
    if (group >= 0)
        H5Oclose(group);
    clab_value_unref(barcodes);
    if (st != CLAB_OK)
        clab__tenx_close(t);
    return st;
}

void clab__tenx_close(clab__tenx *t)
{
    clab_value_unref(t->obs);
    clab_value_unref(t->var);
    clab__matrix_close(&t->x);
    t->obs = t->var = NULL;
}
