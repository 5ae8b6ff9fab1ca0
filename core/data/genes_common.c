/* genes_common.c -- the genes that several Datasets have in common, by name or by a var column. */
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "data/dataset_impl.h"
#include "data/genes.h"
#include "ledger/ledger.h"

/* The names that one input's genes are matched by; each name once. */
typedef struct {
    const clab_dataset *d;
    clab_value *text;      /* STRINGS (G): a name for every gene, "" where it has none */
    const char **names;    /* n distinct ones, borrowed from text */
    int64_t *cols;         /* n: the gene that each stands for */
    int64_t n;
} part;

static void part_free(clab_ctx *cx, part *p)
{
    clab_value_unref(p->text);
    clab_mem_free(cx, p->names);
    clab_mem_free(cx, p->cols);
}

/* A column that no input has is a misspelt one. */
static clab_status check_column(clab_ctx *cx, const clab_dataset *const *ds, int n, const char *by)
{
    clab_str b = {0};

    for (int i = 0; i < n; i++) {
        if (!by || clab_value_get(ds[i]->var, by))
            return clab_str_free(&b), CLAB_OK;
        clab_str_addf(&b, "%s%s has ", i ? ", " : "", clab_show(ds[i]->name));
        for (int64_t k = 0; k < ds[i]->var->n_items; k++)
            clab_str_addf(&b, "%s%s", k ? ", " : "", clab_show(ds[i]->var->names[k]));
        clab_str_add(&b, ds[i]->var->n_items ? "" : "no column");
    }
    clab_fail(cx, CLAB_ENOTFOUND, "common_genes: no dataset has the var column %s: %s", clab_show(by), b.s ? b.s : "");
    clab_str_free(&b);
    return clab_hint(cx, "without by= genes are matched by their index");
}

static clab_status copy_names(clab_ctx *cx, part *p, const clab_genes_opts *o)
{
    const clab_dataset *d = p->d;
    const clab_value *col = o->by ? clab_value_get(d->var, o->by) : d->var->index;
    int64_t n = clab_dataset_n_vars(d);
    const char **names = NULL;
    clab_status s;

    if (!col) {
        clab_note(cx, "%s has no var column %s: its genes are matched by their index", clab_show(d->name),
                  clab_show(o->by));
        col = d->var->index;
    }
    if (clab_value_is_numeric(col))
        return clab_fail(cx, CLAB_EARG, "var column %s of %s holds numbers, not gene names", clab_show(o->by),
                         clab_show(d->name));
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * (int64_t)sizeof *names + 8, "gene names", (void **)&names);
    for (int64_t g = 0; s == CLAB_OK && g < n; g++)
        names[g] = clab_value_at_str(col, g, NULL, 0);
    if (s == CLAB_OK)
        s = clab_value_strings(cx, 1, &n, names, &p->text);
    clab_mem_free(cx, names);
    if (s == CLAB_OK && o->strip_version)
        clab__strip_versions(p->text);
    return s;
}

static clab_status take_distinct(clab_ctx *cx, part *p)
{
    int64_t n = clab_dataset_n_vars(p->d), repeated = 0, unnamed = 0;
    clab_names *ix = NULL;
    clab_str twice = {0};
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * (int64_t)sizeof *p->names + 8, "gene names",
                                   (void **)&p->names);

    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * (int64_t)sizeof *p->cols + 8, "gene selection",
                           (void **)&p->cols);
    if (s == CLAB_OK)
        s = clab_names_new(cx, NULL, 0, NULL, &ix);
    for (int64_t g = 0; s == CLAB_OK && g < n; g++) {
        char *name = ((char **)p->text->data)[g];
        int64_t at = name[0] ? clab_names_add(ix, name) : -1;
        if (!name[0]) {
            unnamed++;
        } else if (at < 0) {
            s = clab_fail(cx, CLAB_ENOMEM, "no memory for gene names");
        } else if (at < p->n) {
            if (repeated++ < 8)
                clab_str_addf(&twice, "%s%s", repeated > 1 ? ", " : "", clab_show(name));
        } else {
            p->names[p->n] = name;
            p->cols[p->n++] = g;
        }
    }
    if (s == CLAB_OK && repeated > 0)
        clab_warn(cx, "%s: %s genes repeat a name that stands there before and are left out: %s%s",
                  clab_show(p->d->name), clab_text_count(repeated), twice.s ? twice.s : "",
                  repeated > 8 ? ", ..." : "");
    if (s == CLAB_OK && unnamed > 0)
        clab_warn(cx, "%s: %s genes have no name to be matched by and are left out", clab_show(p->d->name),
                  clab_text_count(unnamed));
    clab_str_free(&twice);
    clab_names_free(ix);
    return s;
}

/* ---- the result -------------------------------------------------------------------------------------*/

static clab_status rename_genes(clab_ctx *cx, clab_dataset *d, const char *const *names)
{
    int64_t n = clab_dataset_n_vars(d);
    clab_value *index = NULL;
    clab_status s = clab_value_strings(cx, 1, &n, names, &index);

    if (s == CLAB_OK)
        s = clab__var_rename(cx, d, index);
    clab_value_unref(index);
    return s;
}

/* The genes of input i that the join holds, in its order. */
static clab_status select_genes(clab_ctx *cx, const part *p, const clab_gene_join *j, int i,
                                clab_dataset **out)
{
    int64_t *cols = NULL;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, j->n * 8 + 8, "gene selection", (void **)&cols);

    for (int64_t k = 0; s == CLAB_OK && k < p->n; k++)
        if (j->map[i][k] >= 0)
            cols[j->map[i][k]] = p->cols[k];
    if (s == CLAB_OK)
        s = clab_dataset_take_vars(cx, p->d, cols, j->n, out);
    if (s == CLAB_OK)
        s = rename_genes(cx, *out, j->names);
    clab_mem_free(cx, cols);
    return s;
}

/* The texts of a column, each level once for a categorical; NULL where it holds none. */
static const char *const *texts(const clab_value *v, int64_t *n)
{
    const clab_value *s = v->kind == CLAB_V_CATEGORICAL ? v->levels : v->kind == CLAB_V_NULLABLE ? v->inner : v;
    if (s->kind != CLAB_V_STRINGS || s->rank != 1)
        return NULL;
    *n = s->dims[0];
    return (const char *const *)s->data;
}

/* Is a tenth of the smaller side's gene names among those of a column? */
static bool column_names(clab_ctx *cx, const clab_value *column, const clab_dataset *other)
{
    int64_t n = 0, found = 0, n_other = clab_dataset_n_vars(other);
    const char *const *t = texts(column, &n);
    clab_names *ix = NULL;

    if (!t || clab_names_new(cx, t, n, NULL, &ix) != CLAB_OK)
        return false;
    for (int64_t g = 0; g < n_other; g++)
        found += clab_names_get(ix, clab_dataset_var_name(other, g)) >= 0;
    clab_names_free(ix);
    return found > 0 && 10 * found >= (n < n_other ? n : n_other);
}

clab_status clab_gene_hint(clab_ctx *cx, const clab_dataset *const *ds, int n)
{
    for (int i = 0; i < n; i++)
        for (int64_t k = 0; k < ds[i]->var->n_items; k++)
            for (int e = 0; e < n; e++)
                if (e != i && column_names(cx, ds[i]->var->items[k], ds[e]))
                    return clab_hint(cx, "var.%s of %s has such names as %s: match by it, as in lab.common_genes({a, b}, "
                                         "{by=\"%s\"})", clab_show(ds[i]->var->names[k]), clab_show(ds[i]->name),
                                     clab_show(ds[e]->name), clab_show(ds[i]->var->names[k]));
    return clab_hint(cx, "lab.common_genes({a, b}, {by=\"NAME\"}) matches by a var column that holds the same kind of "
                         "names; none does here; {map=true} translates IDs and symbols by a table");
}

static clab_status hint_parts(clab_ctx *cx, const part *p, int n)
{
    const clab_dataset **ds = calloc((size_t)n, sizeof *ds);
    clab_status s = clab_error_status(cx);

    for (int i = 0; ds && i < n; i++)
        ds[i] = p[i].d;
    if (ds)
        s = clab_gene_hint(cx, ds, n);
    free(ds);
    return s;
}

/* Fewer than a tenth in common is no overlap to train on, but a sign of different IDs. */
static clab_status check_overlap(clab_ctx *cx, const part *p, int n, const clab_gene_join *j)
{
    clab_str kinds = {0};
    int small = 0;

    for (int i = 1; i < n; i++)
        small = p[i].n < p[small].n ? i : small;
    if (j->shared > 0 && 10 * j->shared >= p[small].n)
        return CLAB_OK;
    for (int i = 0; i < n; i++)
        clab_str_addf(&kinds, "%s%s has %s such as %s", i ? ", " : "", clab_show(p[i].d->name),
                      clab_gene_id_kind(p[i].names, p[i].n), p[i].n ? clab_show(p[i].names[0]) : "none");
    clab_fail(cx, CLAB_EARG, "only %s of the %s genes of %s are in all studies: %s",
              clab_text_count(j->shared), clab_text_count(p[small].n), clab_show(p[small].d->name),
              kinds.s ? kinds.s : "");
    clab_str_free(&kinds);
    return hint_parts(cx, p, n);
}

static void tell(clab_ctx *cx, const part *p, int n, const clab_gene_join *j)
{
    clab_str b = {0};

    for (int i = 0; i < n; i++)
        clab_str_addf(&b, "%s %s not in all in %s", i ? "," : ";", clab_text_count(p[i].n - j->shared),
                      clab_show(p[i].d->name));
    clab_note(cx, "%s genes in common%s", clab_text_count(j->shared), b.s ? b.s : "");
    clab_str_free(&b);
}

static clab_status join_parts(clab_ctx *cx, const part *p, int n, clab_gene_join **j)
{
    const char *const **lists = calloc((size_t)n, sizeof *lists);
    const char **what = calloc((size_t)n, sizeof *what);
    int64_t *len = calloc((size_t)n, sizeof *len);
    clab_status s = lists && what && len ? CLAB_OK : clab_fail(cx, CLAB_ENOMEM, "no memory for common genes");

    for (int i = 0; s == CLAB_OK && i < n; i++) {
        lists[i] = p[i].names;
        what[i] = p[i].d->name;
        len[i] = p[i].n;
    }
    if (s == CLAB_OK)
        s = clab_gene_join_new(cx, lists, len, what, n, false, j);
    free(lists);
    free(what);
    free(len);
    return s;
}

/* The same over inputs whose genes are called alike. */
static clab_status common_mapped(clab_ctx *cx, const clab_dataset *const *ds, int n, const clab_genes_opts *o,
                                 clab_dataset **out)
{
    clab_genes_opts named = {.strip_version = o->strip_version};
    clab_dataset **aligned = calloc((size_t)n, sizeof *aligned);
    clab_status s = aligned ? CLAB_OK : clab_fail(cx, CLAB_ENOMEM, "no memory for common genes");

    if (s == CLAB_OK && o->by)
        s = clab_fail(cx, CLAB_EARG, "common_genes: by= names a column to match by, map=true finds out; give one of them");
    if (s == CLAB_OK)
        s = clab_gene_align(cx, ds, n, aligned);
    if (s == CLAB_OK)
        s = clab_common_genes(cx, (const clab_dataset *const *)aligned, n, &named, out);
    for (int i = 0; aligned && i < n; i++)
        clab_dataset_unref(aligned[i]);
    free(aligned);
    return s;
}

clab_status clab_common_genes(clab_ctx *cx, const clab_dataset *const *ds, int n, const clab_genes_opts *o,
                              clab_dataset **out)
{
    part *p = NULL;
    clab_gene_join *j = NULL;
    clab_status s = CLAB_OK;

    for (int i = 0; i < n; i++)
        out[i] = NULL;
    if (n < 2)
        return clab_fail(cx, CLAB_EARG, "common_genes compares two datasets or more");
    if (o->map)
        return common_mapped(cx, ds, n, o, out);
    if ((s = check_column(cx, ds, n, o->by)) != CLAB_OK)
        return s;
    p = calloc((size_t)n, sizeof *p);
    if (!p)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for common genes");
    for (int i = 0; s == CLAB_OK && i < n; i++) {
        p[i].d = ds[i];
        s = copy_names(cx, &p[i], o);
        if (s == CLAB_OK)
            s = take_distinct(cx, &p[i]);
    }
    if (s == CLAB_OK)
        s = join_parts(cx, p, n, &j);
    if (s == CLAB_OK)
        s = check_overlap(cx, p, n, j);
    for (int i = 0; s == CLAB_OK && i < n; i++)
        s = select_genes(cx, &p[i], j, i, &out[i]);
    if (s == CLAB_OK)
        tell(cx, p, n, j);
    for (int i = 0; i < n; i++) {
        part_free(cx, &p[i]);
        if (s != CLAB_OK) {
            clab_dataset_unref(out[i]);
            out[i] = NULL;
        }
    }
    clab_gene_join_free(cx, j);
    free(p);
    return s;
}
