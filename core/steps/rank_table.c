/* rank_table.c -- the best genes of groups, read back from uns as a plain table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/rank_genes.h"

static const char *const columns[] = {"names", "scores", "logfoldchanges", "pvals", "pvals_adj"};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

typedef struct {
    clab_ctx *cx;
    const clab_value *records[N_COLUMNS]; /* NULL = that file has none */
    int64_t first, last;                  /* groups: fields of the records */
    int64_t n;                            /* genes of each */
} excerpt;

static clab_status find_records(clab_ctx *cx, const clab_dataset *d, const char *key, excerpt *e)
{
    const clab_value *dict = clab_value_get(d->uns, key);

    if (!dict) {
        (void)clab_fail(cx, CLAB_ENOTFOUND, "%s has no uns.%s", clab_show(d->name), clab_show(key));
        return clab_hint(cx, "ds:rank_genes_groups{groupby=...} makes it");
    }
    for (int i = 0; i < N_COLUMNS; i++) {
        const clab_value *v = dict->kind == CLAB_V_DICT ? clab_value_get(dict, columns[i]) : NULL;
        e->records[i] = v && v->kind == CLAB_V_RECORDS ? v : NULL;
        if (e->records[i] && i > 0 && e->records[0] &&
            (v->n_items != e->records[0]->n_items || v->dims[0] != e->records[0]->dims[0]))
            e->records[i] = NULL;
    }
    return e->records[0] ? CLAB_OK
                         : clab_fail(cx, CLAB_EFORMAT, "uns.%s is no result of rank_genes_groups", clab_show(key));
}

static clab_status find_group(clab_ctx *cx, const char *key, const char *group, excerpt *e)
{
    const clab_value *names = e->records[0];
    clab_str list = {0};

    e->first = 0;
    e->last = names->n_items;
    if (!group)
        return CLAB_OK;
    for (int64_t i = 0; i < names->n_items; i++) {
        if (strcmp(names->names[i], group) == 0) {
            e->first = i;
            e->last = i + 1;
            clab_str_free(&list);
            return CLAB_OK;
        }
        if (i < 30)
            clab_str_addf(&list, "%s%s", i ? ", " : "", clab_show(names->names[i]));
    }
    (void)clab_fail(cx, CLAB_ENOTFOUND, "uns.%s has no group '%s'; there are: %s", clab_show(key), clab_show(group),
                    list.s ? list.s : "none");
    clab_str_free(&list);
    return clab_error_status(cx);
}

/* A column of the table: the first n rows of every group, one after another. */
static clab_status add_column(const excerpt *e, int column, clab_value *table)
{
    const int64_t groups = e->last - e->first;
    const clab_value **parts = NULL;
    clab_value **heads = NULL, *v = NULL;
    int64_t *rows = NULL;
    clab_status s = clab_mem_alloc(e->cx, CLAB_MEM_WORK, (e->n + groups * 3) * 8 + 8, "table", (void **)&rows);

    if (s != CLAB_OK)
        return s;
    int64_t *lengths = rows + e->n;
    parts = (const clab_value **)(void *)(lengths + groups);
    heads = (clab_value **)(void *)(parts + groups);
    memset(heads, 0, (size_t)groups * sizeof *heads);
    for (int64_t i = 0; i < e->n; i++)
        rows[i] = i;
    for (int64_t i = 0; s == CLAB_OK && i < groups; i++) {
        lengths[i] = e->n;
        s = clab_value_take(e->cx, e->records[column]->items[e->first + i], rows, e->n, &heads[i]);
        parts[i] = heads[i];
    }
    if (s == CLAB_OK)
        s = clab_value_concat(e->cx, parts, lengths, (int)groups, &v);
    if (s == CLAB_OK)
        s = clab_value_set(e->cx, table, columns[column], v);
    for (int64_t i = 0; i < groups; i++)
        clab_value_unref(heads[i]);
    clab_value_unref(v);
    clab_mem_free(e->cx, rows);
    return s;
}

/* Index "0", "1", ...; group of every row as text; its rank from 1. */
static clab_status begin_table(const excerpt *e, clab_value **out)
{
    const int64_t n = (e->last - e->first) * e->n;
    const char **s = calloc((size_t)n + 1, sizeof *s);
    char (*number)[24] = calloc((size_t)n + 1, sizeof *number);
    clab_value *index = NULL, *group = NULL, *rank = NULL;
    clab_status st = s && number ? CLAB_OK : clab_fail(e->cx, CLAB_ENOMEM, "no memory for a table");

    for (int64_t i = 0; st == CLAB_OK && i < n; i++) {
        snprintf(number[i], sizeof *number, "%lld", (long long)i);
        s[i] = number[i];
    }
    if (st == CLAB_OK)
        st = clab_value_strings(e->cx, 1, &n, s, &index);
    for (int64_t i = 0; st == CLAB_OK && i < n; i++)
        s[i] = e->records[0]->names[e->first + i / e->n];
    if (st == CLAB_OK)
        st = clab_value_strings(e->cx, 1, &n, s, &group);
    if (st == CLAB_OK)
        st = clab_value_array(e->cx, CLAB_I64, 1, &n, NULL, &rank);
    for (int64_t i = 0; st == CLAB_OK && i < n; i++)
        ((int64_t *)rank->data)[i] = i % e->n + 1;
    if (st == CLAB_OK)
        st = clab_value_table(e->cx, index, NULL, out);
    if (st == CLAB_OK)
        st = clab_value_set(e->cx, *out, "group", group);
    if (st == CLAB_OK)
        st = clab_value_set(e->cx, *out, "rank", rank);
    clab_value_unref(index);
    clab_value_unref(group);
    clab_value_unref(rank);
    free(s);
    free(number);
    return st;
}

clab_status clab_rank_genes_table(clab_ctx *cx, const clab_dataset *d, const char *key, const char *group, int64_t n,
                                  clab_value **out)
{
    excerpt e = {.cx = cx};
    clab_value *table = NULL;
    clab_status s;

    key = key ? key : "rank_genes_groups";
    s = find_records(cx, d, key, &e);
    if (s == CLAB_OK)
        s = find_group(cx, key, group, &e);
    if (s == CLAB_OK) {
        e.n = n < e.records[0]->dims[0] ? n : e.records[0]->dims[0];
        s = begin_table(&e, &table);
    }
    for (int i = 0; s == CLAB_OK && i < N_COLUMNS; i++)
        if (e.records[i])
            s = add_column(&e, i, table);
    if (s != CLAB_OK) {
        clab_value_unref(table);
        return s;
    }
    *out = table;
    return CLAB_OK;
}
