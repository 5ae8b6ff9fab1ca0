/* genes_align.c -- studies whose genes are called alike, and what is known about how they are called. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "data/genes_map_impl.h"
#include "ledger/ledger.h"

static const char *const way_words[CLAB__N_WAYS] = {
    [CLAB__BY_ID] = "by their Ensembl IDs",
    [CLAB__BY_COLUMN] = "by a column of Ensembl IDs",
    [CLAB__BY_OTHER] = "by the other study's names",
    [CLAB__BY_SYMBOL] = "by their symbols",
    [CLAB__BY_PREVIOUS] = "by previous symbols",
    [CLAB__BY_ALIAS] = "by aliases",
    [CLAB__IS_TAKEN] = "left because a better name has their ID",
    [CLAB__IS_AMBIGUOUS] = "ambiguous",
    [CLAB__IS_UNKNOWN] = "unknown",
};
static const char *const way_keys[CLAB__N_WAYS] = {"by_id", "by_column", "by_other_study", "by_symbol", "by_previous_symbol",
                                                   "by_alias", "taken", "ambiguous", "unknown"};

static void tell(clab_ctx *cx, const clab__gene_keys *k, int64_t renamed)
{
    clab_str b = {0};

    for (int w = 0; w < CLAB__N_WAYS; w++)
        if (k->by[w] > 0)
            clab_str_addf(&b, "%s%s %s", b.len ? ", " : "", clab_text_count(k->by[w]), way_words[w]);
    clab_note(cx, "%s: %s genes: %s; %s renamed", clab_show(k->d->name), clab_text_count(k->n), b.s ? b.s : "",
              clab_text_count(renamed));
    clab_str_free(&b);
}

/* What a key is called: by the first study that has it. */
typedef struct {
    clab_names *keys;
    const char **shown;
    int64_t room;
} display;

static clab_status display_add(clab_ctx *cx, display *d, const clab__gene_keys *k)
{
    for (int64_t g = 0; g < k->n; g++) {
        int64_t count = clab_names_count(d->keys), at = clab_names_add(d->keys, k->key[g]);
        if (at < 0)
            return clab_fail(cx, CLAB_ENOMEM, "no memory for gene names");
        if (at == count)
            d->shown[at] = clab_dataset_var_name(k->d, g);
    }
    return CLAB_OK;
}

/* k's genes under the names of the studies before it.  A name that another gene of k has stays with that gene. */
static clab_status rename_one(clab_ctx *cx, const clab__gene_keys *k, const display *d, clab_dataset **out)
{
    const char **names = NULL;
    clab_names *own = NULL;
    clab_value *index = NULL;
    int64_t renamed = 0;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, k->n * 8 + 8, "gene names", (void **)&names);

    if (s == CLAB_OK)
        s = clab_names_new(cx, (const char *const *)k->d->var->index->data, k->n, NULL, &own);
    for (int64_t g = 0; s == CLAB_OK && g < k->n; g++) {
        int64_t at = clab_names_get(d->keys, k->key[g]);
        const char *mine = clab_dataset_var_name(k->d, g), *theirs = at < 0 ? mine : d->shown[at];
        bool free_name = strcmp(mine, theirs) != 0 && clab_names_get(own, theirs) < 0;
        names[g] = free_name ? theirs : mine;
        renamed += free_name;
        if (free_name && clab_names_add(own, theirs) < 0)
            s = clab_fail(cx, CLAB_ENOMEM, "no memory for gene names");
    }
    if (s == CLAB_OK)
        s = clab_value_strings(cx, 1, &k->n, names, &index);
    if (s == CLAB_OK)
        s = clab_dataset_copy(cx, k->d, out);
    if (s == CLAB_OK)
        s = clab__var_rename(cx, *out, index);
    if (s == CLAB_OK)
        tell(cx, k, renamed);
    clab_value_unref(index);
    clab_names_free(own);
    clab_mem_free(cx, names);
    return s;
}

clab_status clab_gene_align(clab_ctx *cx, const clab_dataset *const *ds, int n, clab_dataset **out)
{
    clab__gene_map m = {0};
    display d = {0};
    int64_t total = 0;
    clab_status s;

    for (int i = 0; i < n; i++) {
        out[i] = NULL;
        total += clab_dataset_n_vars(ds[i]);
    }
    s = clab__gene_map_new(cx, ds, n, &m);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, total * 8 + 8, "gene names", (void **)&d.shown);
    if (s == CLAB_OK)
        s = clab_names_new(cx, NULL, 0, NULL, &d.keys);
    for (int i = 0; s == CLAB_OK && i < n; i++) {
        s = display_add(cx, &d, &m.of[i]);
        if (s == CLAB_OK)
            s = rename_one(cx, &m.of[i], &d, &out[i]);
    }
    for (int i = 1; s == CLAB_OK && i < n; i++)
        if (m.of[i].species != m.of[0].species) {
            clab_warn(cx, "%s looks like %s, %s like %s: names of one species are not those of another",
                      clab_show(ds[0]->name), clab_species_name(m.of[0].species), clab_show(ds[i]->name),
                      clab_species_name(m.of[i].species));
            break;
        }
    clab_names_free(d.keys);
    clab_mem_free(cx, d.shown);
    clab__gene_map_free(cx, &m);
    for (int i = 0; s != CLAB_OK && i < n; i++) {
        clab_dataset_unref(out[i]);
        out[i] = NULL;
    }
    return s;
}

/* ---- the report -----------------------------------------------------------------------------------*/

static clab_status describe(clab_ctx *cx, const clab__gene_keys *k, clab_value **out)
{
    const char *const *names = (const char *const *)k->d->var->index->data;
    clab_names *ix = NULL;
    int64_t again = 0;
    clab_status s = clab_names_new(cx, names, k->n, &again, &ix);

    clab_names_free(ix);
    if (s != CLAB_OK || (s = clab_value_dict(cx, out)) != CLAB_OK ||
        (s = clab_value_set_string(cx, *out, "dataset", k->d->name)) != CLAB_OK ||
        (s = clab_value_set_integer(cx, *out, "genes", k->n)) != CLAB_OK ||
        (s = clab_value_set_string(cx, *out, "kind", clab_gene_id_kind(names, k->n))) != CLAB_OK ||
        (s = clab_value_set_string(cx, *out, "species", clab_species_name(k->species))) != CLAB_OK ||
        (s = clab_value_set_string(cx, *out, "id_column", k->id_column ? k->id_column : "")) != CLAB_OK ||
        (s = clab_value_set_integer(cx, *out, "ensembl", k->n_ensembl)) != CLAB_OK ||
        (s = clab_value_set_integer(cx, *out, "versions", k->n_versions)) != CLAB_OK ||
        (s = clab_value_set_integer(cx, *out, "duplicates", again)) != CLAB_OK)
        return s;
    for (int w = 0; s == CLAB_OK && w < CLAB__N_WAYS; w++)
        s = clab_value_set_integer(cx, *out, way_keys[w], k->by[w]);
    return s;
}

/* Distinct names of the first list that all lists hold. */
static clab_status count_shared(clab_ctx *cx, const clab__gene_map *m, bool keys, int64_t *shared)
{
    clab_names *all = NULL;
    int32_t *in = NULL;
    clab_status s = clab_mem_zalloc(cx, CLAB_MEM_WORK, m->of[0].n * 4 + 4, "gene names", (void **)&in);

    *shared = 0;
    for (int i = 0; s == CLAB_OK && i < m->n; i++) {
        const char *const *list = keys ? m->of[i].key : (const char *const *)m->of[i].d->var->index->data;
        if (i == 0)
            s = clab_names_new(cx, list, m->of[0].n, NULL, &all);
        for (int64_t g = 0; s == CLAB_OK && g < m->of[i].n; g++) {
            int64_t at = clab_names_get(all, list[g]);
            if (at >= 0 && in[at] == i)
                in[at]++;
        }
    }
    for (int64_t g = 0; s == CLAB_OK && g < m->of[0].n; g++)
        *shared += in[g] == m->n;
    clab_names_free(all);
    clab_mem_free(cx, in);
    return s;
}

static clab_status put_shared(clab_ctx *cx, const clab__gene_map *m, clab_value *report)
{
    int64_t shared = 0;
    clab_status s = count_shared(cx, m, false, &shared);

    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, report, "shared", shared);
    if (s == CLAB_OK)
        s = count_shared(cx, m, true, &shared);
    return s == CLAB_OK ? clab_value_set_integer(cx, report, "shared_mapped", shared) : s;
}

clab_status clab_genes_report(clab_ctx *cx, const clab_dataset *const *ds, int n, clab_value **out)
{
    clab__gene_map m = {0};
    clab_value *list = NULL;
    char number[16];
    clab_status s = clab__gene_map_new(cx, ds, n, &m);

    *out = NULL;
    if (s == CLAB_OK)
        s = clab_value_dict(cx, out);
    if (s == CLAB_OK)
        s = clab_value_dict(cx, &list);
    for (int i = 0; s == CLAB_OK && i < n; i++) {
        clab_value *v = NULL;
        snprintf(number, sizeof number, "%d", i + 1);
        s = describe(cx, &m.of[i], &v);
        s = clab_value_set_made(cx, list, number, s, v);
    }
    s = clab_value_set_made(cx, *out, "datasets", s, list);
    if (s == CLAB_OK && n > 1)
        s = put_shared(cx, &m, *out);
    for (int i = 0; s == CLAB_OK && i < CLAB_N_SPECIES; i++)
        if (m.table[i])
            s = clab_value_set_string(cx, *out, clab_species_name((clab_species)i), clab_gene_table_about(m.table[i]));
    clab__gene_map_free(cx, &m);
    if (s != CLAB_OK) {
        clab_value_unref(*out);
        *out = NULL;
    }
    return s;
}

/* ---- as text --------------------------------------------------------------------------------------*/

static int64_t number_of(const clab_value *dict, const char *key)
{
    const clab_value *v = clab_value_get(dict, key);

    return v && v->kind == CLAB_V_ARRAY && v->dtype == CLAB_I64 && v->rank == 0 ? *(const int64_t *)v->data : 0;
}

static const char *text_of(const clab_value *dict, const char *key)
{
    const clab_value *v = clab_value_get(dict, key);

    return v && v->kind == CLAB_V_STRINGS && v->rank == 0 ? *(char *const *)v->data : "";
}

static void describe_text(clab_str *b, const clab_value *d)
{
    const char *column = text_of(d, "id_column");

    clab_str_addf(b, "%s: %s genes, %s, %s", clab_show(text_of(d, "dataset")), clab_text_count(number_of(d, "genes")),
                  text_of(d, "kind"), text_of(d, "species"));
    if (*column)
        clab_str_addf(b, "; Ensembl IDs in var.%s", clab_show(column));
    if (number_of(d, "versions") > 0)
        clab_str_addf(b, "; %s with versions", clab_text_count(number_of(d, "versions")));
    if (number_of(d, "duplicates") > 0)
        clab_str_addf(b, "; %s names occur again", clab_text_count(number_of(d, "duplicates")));
    clab_str_add(b, "\n");
    for (int w = 0; w < CLAB__N_WAYS; w++)
        if (number_of(d, way_keys[w]) > 0)
            clab_str_addf(b, "%10s %s\n", clab_text_count(number_of(d, way_keys[w])),
                          w <= CLAB__BY_ALIAS ? way_words[w] : w == CLAB__IS_TAKEN ? "whose ID a better name has" : way_words[w]);
}

clab_status clab_genes_text(clab_ctx *cx, const clab_value *report, char **out)
{
    const clab_value *list = clab_value_get(report, "datasets");
    clab_str b = {0};

    for (int64_t i = 0; list && i < list->n_items; i++)
        describe_text(&b, list->items[i]);
    if (list && list->n_items > 1) {
        int64_t shared = number_of(report, "shared"), mapped = number_of(report, "shared_mapped");
        clab_str_addf(&b, "in common: %s as they are named, %s by gene\n", clab_text_count(shared), clab_text_count(mapped));
        if (mapped > shared)
            clab_str_add(&b, "lab.common_genes({a, b}, {map=true}) and lab.concat(..., {map=true}) join them by gene\n");
    }
    for (int i = 0; i < CLAB_N_SPECIES; i++) {
        const char *about = text_of(report, clab_species_name((clab_species)i));
        if (*about)
            clab_str_addf(&b, "table: %s\n", clab_show(about));
    }
    if (b.failed) {
        clab_str_free(&b);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a report");
    }
    if (b.len > 0)
        b.s[b.len - 1] = '\0';
    *out = b.s;
    return CLAB_OK;
}
