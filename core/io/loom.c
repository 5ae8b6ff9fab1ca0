/* loom.c -- loom files, 3.0.0 and before: a dense matrix of genes x cells, layers, attributes of both sides, graphs.
 *
 * CellID and Gene name the sides, as scanpy takes them; attributes of two dimensions become obsm and varm, graphs
 * obsp and varp, global attributes uns.loom. */
#include "io/h5_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- strings ----------------------------------------------------------------------------------------------------*/

/* A character as UTF-8; bytes written. */
static size_t put_char(unsigned long c, char *to)
{
    if (c < 0x80)
        return (void)(to[0] = (char)c), 1;
    if (c < 0x800)
        return (void)(to[0] = (char)(0xc0 | c >> 6)), (void)(to[1] = (char)(0x80 | (c & 0x3f))), 2;
    int n = c < 0x10000 ? 3 : 4;
    to[0] = (char)((n == 3 ? 0xe0 : 0xf0) | c >> (6 * (n - 1)));
    for (int i = 1; i < n; i++)
        to[i] = (char)(0x80 | (c >> (6 * (n - 1 - i)) & 0x3f));
    return (size_t)n;
}

/* The character that &NAME; or &#N; at s stands for, its length in *n; 0 when it stands for none. */
static unsigned long entity(const char *s, size_t *n)
{
    static const struct {
        const char *name;
        unsigned long c;
    } known[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(s, known[i].name, strlen(known[i].name)) == 0) {
            *n = strlen(known[i].name);
            return known[i].c;
        }
    if (s[1] != '#')
        return 0;
    bool hex = s[2] == 'x' || s[2] == 'X';
    const char *digits = s + 2 + hex;
    size_t len = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
    if (len == 0 || len > 8 || digits[len] != ';')
        return 0;
    unsigned long c = strtoul(digits, NULL, hex ? 16 : 10);
    *n = (size_t)(digits - s) + len + 1;
    return c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : c;
}

/* Never longer than s: the shortest entity of a character is longer than its UTF-8. */
static void decode(const char *s, char *to)
{
    while (*s) {
        size_t n = 0;
        unsigned long c = *s == '&' ? entity(s, &n) : 0;
        if (c) {
            to += put_char(c, to);
            s += n;
        } else {
            *to++ = *s++;
        }
    }
    *to = 0;
}

/* The same strings with their XML entities replaced, which files before 3.0.0 have for what is not ASCII. */
static clab_status decode_strings(clab_ctx *cx, clab_value **v)
{
    int64_t n = 1, bytes = 0;
    char *const *s = (*v)->data;
    clab_value *out = NULL;
    void *p = NULL;
    for (int i = 0; i < (*v)->rank; i++)
        n *= (*v)->dims[i];
    for (int64_t i = 0; i < n; i++)
        bytes += (int64_t)strlen(s[i]) + 1;
    clab_status st = clab_mem_alloc(cx, CLAB_MEM_WORK, n * (int64_t)sizeof(char *) + bytes + 1, "strings", &p);
    if (st != CLAB_OK)
        return st;
    const char **to = p;
    char *at = (char *)(to + n);
    for (int64_t i = 0; i < n; i++) {
        decode(s[i], at);
        to[i] = at;
        at += strlen(at) + 1;
    }
    st = clab_value_strings(cx, (*v)->rank, (*v)->dims, to, &out);
    clab_mem_free(cx, p);
    if (st == CLAB_OK) {
        clab_value_unref(*v);
        *v = out;
    }
    return st;
}

/* ---- the sides ----------------------------------------------------------------------------------------------------*/

typedef struct {
    const char *attrs, *graphs;
    const char *names[5]; /* attributes that name the side, the usual one first */
} side;
static const side cells = {"col_attrs", "col_graphs", {"CellID", "obs_names", "cell_names", "Barcode", NULL}};
static const side genes = {"row_attrs", "row_graphs", {"Gene", "var_names", "gene_names", "Accession", NULL}};

/* A lone value was unwrapped, and a column may have a second dimension of 1. */
static clab_status as_column(clab_ctx *cx, clab_value **v)
{
    int64_t n = (*v)->rank == 0 ? 1 : (*v)->dims[0];
    clab_value *out = NULL;
    clab_status st = (*v)->kind == CLAB_V_STRINGS
                         ? clab_value_strings(cx, 1, &n, (const char *const *)(*v)->data, &out)
                         : clab_value_array(cx, (*v)->dtype, 1, &n, (*v)->data, &out);
    if (st == CLAB_OK) {
        clab_value_unref(*v);
        *v = out;
    }
    return st;
}

static clab_status read_attr(clab__h5 *h, hid_t group, const side *d, const char *name, int64_t n, bool legacy,
                             clab_value **out)
{
    char at[CLAB__AT];
    clab_status st = clab__read_member(h, group, name, clab__h5_at(at, d->attrs, name), out);
    if (st != CLAB_OK || !*out)
        return st;
    if ((*out)->kind != CLAB_V_ARRAY && (*out)->kind != CLAB_V_STRINGS) {
        clab__h5_leave_out(h, at, "no list of numbers or strings");
        clab_value_unref(*out);
        *out = NULL;
        return CLAB_OK;
    }
    if ((*out)->rank == 0 || ((*out)->rank == 2 && (*out)->dims[1] == 1))
        st = as_column(h->cx, out);
    if (st == CLAB_OK && (*out)->dims[0] != n)
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s has %lld entries, the matrix needs %lld", h->name, clab_show(at),
                       (long long)(*out)->dims[0], (long long)n);
    if (st == CLAB_OK && legacy && (*out)->kind == CLAB_V_STRINGS)
        st = decode_strings(h->cx, out);
    return st;
}

/* The index of a side: the first attribute of its names that is there and is a column; numbers as text. */
static clab_status make_index(clab__h5 *h, const side *d, const clab_value *attrs, int64_t n, const char **name,
                              clab_value **out)
{
    const clab_value *v = NULL;
    for (int i = 0; !v && d->names[i]; i++) {
        const clab_value *a = clab_value_get(attrs, d->names[i]);
        v = a && a->rank == 1 ? a : NULL;
        *name = v ? d->names[i] : NULL;
    }
    if (v && v->kind == CLAB_V_STRINGS) {
        *out = clab_value_ref(v);
        return CLAB_OK;
    }
    void *p = NULL;
    clab_status st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, n * (int64_t)(sizeof(char *) + 40) + 1, "names", &p);
    const char **s = p;
    for (int64_t i = 0; st == CLAB_OK && i < n; i++) {
        char *buf = (char *)(s + n) + 40 * i, number[24];
        snprintf(number, sizeof number, "%lld", (long long)i);
        const char *text = v ? clab_value_at_str(v, i, buf, 40) : number;
        s[i] = buf;
        if (text != buf)
            snprintf(buf, 40, "%s", text ? text : "");
    }
    if (st == CLAB_OK)
        st = clab_value_strings(h->cx, 1, &n, s, out);
    clab_mem_free(h->cx, p);
    return st;
}

/* The attributes of a side as a table, those of more dimensions as a dictionary. */
static clab_status read_side(clab__h5 *h, const side *d, int64_t n, bool legacy, clab_value **table, clab_value **multi)
{
    clab__names names = {0};
    clab_value *attrs = NULL, *v = NULL, *index = NULL;
    const char *index_name = NULL;
    hid_t group = -1;
    clab_status st = clab__h5_member(h, h->file, d->attrs, d->attrs, &group);
    if (st == CLAB_OK)
        st = clab__h5_members(h, group, d->attrs, &names);
    if (st == CLAB_OK)
        st = clab_value_dict(h->cx, &attrs);
    for (int64_t i = 0; st == CLAB_OK && i < names.n; i++) {
        st = read_attr(h, group, d, names.s[i], n, legacy, &v);
        if (st == CLAB_OK && v)
            st = clab_value_set(h->cx, attrs, names.s[i], v);
        clab_value_unref(v);
        v = NULL;
    }
    if (st == CLAB_OK)
        st = make_index(h, d, attrs, n, &index_name, &index);
    if (st == CLAB_OK)
        st = clab_value_table(h->cx, index, index_name ? index_name : "_index", table);
    if (st == CLAB_OK)
        st = clab_value_dict(h->cx, multi);
    for (int64_t i = 0; st == CLAB_OK && i < attrs->n_items; i++)
        if (!index_name || strcmp(attrs->names[i], index_name) != 0)
            st = clab_value_set(h->cx, attrs->items[i]->rank == 1 ? *table : *multi, attrs->names[i], attrs->items[i]);
    clab_value_unref(index);
    clab_value_unref(attrs);
    clab__names_free(&names);
    if (group >= 0)
        H5Oclose(group);
    return st;
}

/* ---- graphs ---------------------------------------------------------------------------------------------------------*/

/* a, b, w: entries (a, b) with the value w, counted from 0. */
static clab_status graph_value(clab__h5 *h, const char *at, int64_t n, const clab_value *const abw[3], clab_value **out)
{
    int64_t m = abw[0]->dims[0], *ptr = NULL;
    int32_t *indices = NULL;
    double *values = NULL;
    clab_status st;
    if ((st = clab_mem_zalloc(h->cx, CLAB_MEM_WORK, (n + 2) * 8, "a graph", (void **)&ptr)) != CLAB_OK ||
        (st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, m * 4 + 4, "a graph", (void **)&indices)) != CLAB_OK ||
        (st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, m * 8 + 8, "a graph", (void **)&values)) != CLAB_OK)
        goto done;
    for (int64_t i = 0; i < m; i++) {
        double a = clab_value_at_num(abw[0], i), b = clab_value_at_num(abw[1], i);
        if (!(a >= 0 && a < (double)n && b >= 0 && b < (double)n)) {
            st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s: entry %lld is (%g, %g), of %lld", h->name, clab_show(at),
                           (long long)i, a, b, (long long)n);
            goto done;
        }
        ptr[(int64_t)a + 2]++;
    }
    for (int64_t r = 0; r < n; r++)
        ptr[r + 2] += ptr[r + 1];
    for (int64_t i = 0; i < m; i++) {
        int64_t to = ptr[(int64_t)clab_value_at_num(abw[0], i) + 1]++;
        indices[to] = (int32_t)clab_value_at_num(abw[1], i);
        values[to] = clab_value_at_num(abw[2], i);
    }
    if ((st = clab__rows_tidy(h->cx, n, ptr, indices, values, CLAB_F64)) == CLAB_OK)
        st = clab_value_sparse(h->cx, CLAB_F64, n, n, ptr, indices, values, out);
done:
    clab_mem_free(h->cx, ptr);
    clab_mem_free(h->cx, indices);
    clab_mem_free(h->cx, values);
    return st;
}

static clab_status read_graph(clab__h5 *h, hid_t group, const char *at, int64_t n, clab_value **out)
{
    static const char *const parts[] = {"a", "b", "w"};
    char path[CLAB__AT];
    clab_value *abw[3] = {NULL};
    clab_status st = CLAB_OK;
    for (int i = 0; st == CLAB_OK && i < 3; i++) {
        st = clab__read_member(h, group, parts[i], clab__h5_at(path, at, parts[i]), &abw[i]);
        if (st == CLAB_OK && (!abw[i] || abw[i]->kind != CLAB_V_ARRAY || abw[i]->rank != 1 ||
                              abw[i]->dims[0] != abw[0]->dims[0]))
            st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s is no list of numbers as long as the others of its graph", h->name,
                           clab_show(path));
    }
    if (st == CLAB_OK)
        st = graph_value(h, at, n, (const clab_value *const *)abw, out);
    for (int i = 0; i < 3; i++)
        clab_value_unref(abw[i]);
    return st;
}

static clab_status read_graphs(clab__h5 *h, const side *d, int64_t n, clab_value **out)
{
    clab__names names = {0};
    char at[CLAB__AT];
    hid_t group = -1, graph;
    clab_status st = clab_value_dict(h->cx, out);
    if (st != CLAB_OK || !clab__h5_has(h->file, d->graphs))
        return st;
    if ((st = clab__h5_member(h, h->file, d->graphs, d->graphs, &group)) == CLAB_OK)
        st = clab__h5_members(h, group, d->graphs, &names);
    for (int64_t i = 0; st == CLAB_OK && i < names.n; i++) {
        clab_value *v = NULL;
        if ((st = clab__h5_member(h, group, names.s[i], clab__h5_at(at, d->graphs, names.s[i]), &graph)) != CLAB_OK)
            break;
        if (clab__h5_is_group(graph))
            st = read_graph(h, graph, at, n, &v);
        else
            clab__h5_leave_out(h, at, "no graph");
        H5Oclose(graph);
        if (st == CLAB_OK && v)
            st = clab_value_set(h->cx, *out, names.s[i], v);
        clab_value_unref(v);
    }
    clab__names_free(&names);
    if (group >= 0)
        H5Oclose(group);
    return st;
}

/* ---- global attributes ------------------------------------------------------------------------------------------------*/

typedef struct {
    clab__h5 *h;
    clab_value *dict;
    clab_status status;
} collector;

static herr_t take_attr(hid_t root, const char *name, const H5A_info_t *info, void *user)
{
    collector *c = user;
    char text[4096];
    clab_value *v = NULL;
    int64_t number;
    (void)info;
    if (clab__h5_attr_str(root, name, text, sizeof text)) {
        c->status = clab_value_string(c->h->cx, text, &v);
        if (c->status == CLAB_OK)
            c->status = decode_strings(c->h->cx, &v);
    } else if (clab__h5_attr_ints(root, name, &number, 1) == 1) {
        c->status = clab_value_integer(c->h->cx, number, &v);
    }
    if (c->status == CLAB_OK && v)
        c->status = clab_value_set(c->h->cx, c->dict, name, v);
    clab_value_unref(v);
    return c->status == CLAB_OK ? 0 : -1;
}

/* uns.loom: datasets of /attrs, before 3.0.0 attributes of the root. */
static clab_status read_globals(clab__h5 *h, bool legacy, clab_value **out)
{
    clab_value *dict = NULL;
    hid_t group;
    clab_status st = clab_value_dict(h->cx, out);
    if (st == CLAB_OK && legacy && (st = clab_value_dict(h->cx, &dict)) == CLAB_OK) {
        collector c = {h, dict, CLAB_OK};
        H5Aiterate2(h->file, H5_INDEX_NAME, H5_ITER_INC, NULL, take_attr, &c);
        st = c.status;
    } else if (st == CLAB_OK && !legacy) {
        st = clab__h5_member(h, h->file, "attrs", "attrs", &group);
        if (st == CLAB_OK && clab__h5_is_group(group))
            st = clab__read_dict(h, group, "attrs", &dict);
        if (group >= 0)
            H5Oclose(group);
    }
    if (st == CLAB_OK && dict)
        st = clab_value_set(h->cx, *out, "loom", dict);
    clab_value_unref(dict);
    return st;
}

/* ---- the file ------------------------------------------------------------------------------------------------------------*/

clab_status clab__loom_open(clab__h5 *h, clab__loom *l)
{
    hid_t obj;
    *l = (clab__loom){.x = {.data = {.id = -1}, .indices = {.id = -1}, .indptr = {.id = -1}}};
    l->legacy = !clab__h5_has(h->file, "attrs/LOOM_SPEC_VERSION");
    clab_status st = clab__h5_member(h, h->file, "matrix", "matrix", &obj);
    if (st == CLAB_OK)
        st = clab__turned_open(h, obj, "matrix", -1, -1, &l->x);
    if (st == CLAB_OK)
        st = read_side(h, &cells, l->x.n_rows, l->legacy, &l->obs, &l->obsm);
    if (st == CLAB_OK)
        st = read_side(h, &genes, l->x.n_cols, l->legacy, &l->var, &l->varm);
    if (st != CLAB_OK)
        clab__loom_close(l);
    return st;
}

void clab__loom_close(clab__loom *l)
{
    clab_value_unref(l->obs);
    clab_value_unref(l->var);
    clab_value_unref(l->obsm);
    clab_value_unref(l->varm);
    clab__matrix_close(&l->x);
    l->obs = l->var = l->obsm = l->varm = NULL;
}

clab_status clab__loom_layers(clab__h5 *h, clab__names *out)
{
    hid_t group;
    *out = (clab__names){0};
    if (!clab__h5_has(h->file, "layers"))
        return CLAB_OK;
    clab_status st = clab__h5_member(h, h->file, "layers", "layers", &group);
    if (st == CLAB_OK)
        st = clab__h5_members(h, group, "layers", out);
    if (group >= 0)
        H5Oclose(group);
    return st;
}

clab_status clab__loom_layer(clab__h5 *h, const clab__loom *l, const char *section, clab__matrix *m)
{
    hid_t obj;
    clab_status st = clab__h5_member(h, h->file, section, section, &obj);
    return st == CLAB_OK ? clab__turned_open(h, obj, section, l->x.n_rows, l->x.n_cols, m) : st;
}

static clab_status send_layers(clab__h5 *h, const clab__loom *l)
{
    clab__names names;
    char at[CLAB__AT];
    clab__matrix m;
    clab_status st = clab__loom_layers(h, &names);
    for (int64_t i = 0; st == CLAB_OK && i < names.n; i++) {
        st = clab__loom_layer(h, l, clab__h5_at(at, "layers", names.s[i]), &m);
        if (st != CLAB_OK)
            break;
        m.pick = l->x.pick;
        st = clab__matrix_send(h, &m, at);
        clab__matrix_close(&m);
    }
    clab__names_free(&names);
    return st;
}

/* obs and var first, which decide what else is wanted. */
static clab_status send_sides(clab__h5 *h, clab__loom *l, clab__part *part)
{
    clab_status st;
    if ((st = clab__want_check_columns(h->cx, h->want, h->name, l->obs->names, l->obs->n_items)) != CLAB_OK ||
        (st = clab__part_obs(h, part, &l->obs)) != CLAB_OK || (st = clab__part_var(h, part, &l->var)) != CLAB_OK)
        return st;
    l->x.pick = clab__part_pick(part);
    st = clab__value_send(h, "obs", l->obs);
    return st == CLAB_OK ? clab__value_send(h, "var", l->var) : st;
}

/* Takes the dictionary. */
static clab_status send_part(clab__h5 *h, const clab__part *part, const char *section, clab_status made, clab_value *dict)
{
    clab_status st = made == CLAB_OK ? clab__part_dict(h, part, section, &dict) : made;
    if (st == CLAB_OK)
        st = clab__value_send(h, section, dict);
    clab_value_unref(dict);
    return st;
}

static clab_status send_graphs(clab__h5 *h, const clab__part *part, const side *d, int64_t n, const char *section)
{
    clab_value *dict = NULL;
    clab_status st = read_graphs(h, d, n, &dict);
    return send_part(h, part, section, st, dict);
}

clab_status clab__loom_send(clab__h5 *h)
{
    clab__loom l;
    clab__part part = {0};
    clab_value *uns = NULL;
    clab_status st = clab__loom_open(h, &l);
    if (st != CLAB_OK)
        return st;
    if ((st = send_sides(h, &l, &part)) == CLAB_OK && (st = clab__matrix_send(h, &l.x, "X")) == CLAB_OK &&
        (st = send_layers(h, &l)) == CLAB_OK &&
        (st = send_part(h, &part, "obsm", CLAB_OK, clab_value_ref(l.obsm))) == CLAB_OK &&
        (st = send_part(h, &part, "varm", CLAB_OK, clab_value_ref(l.varm))) == CLAB_OK &&
        (st = send_graphs(h, &part, &cells, l.x.n_rows, "obsp")) == CLAB_OK &&
        (st = send_graphs(h, &part, &genes, l.x.n_cols, "varp")) == CLAB_OK &&
        (st = read_globals(h, l.legacy, &uns)) == CLAB_OK)
        st = clab__value_send(h, "uns", uns);
    clab_value_unref(uns);
    clab__part_free(h, &part);
    clab__loom_close(&l);
    return st;
}
