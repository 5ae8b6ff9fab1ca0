/* genes_map.c -- which gene a name means: its Ensembl ID, from the study itself, from another one, or from a table.
 * Better evidence goes first, so that an alias never takes the place of a symbol. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "data/genes_map_impl.h"
#include "ledger/ledger.h"

/* ---- what a study says itself -----------------------------------------------------------------------*/

static const char *text_at(const clab_value *column, int64_t g)
{
    const char *s = clab_value_is_numeric(column) ? NULL : clab_value_at_str(column, g, NULL, 0);

    return s ? s : "";
}

static bool is_text(const clab_value *v)
{
    return !clab_value_is_numeric(v) && (v->kind == CLAB_V_STRINGS || v->kind == CLAB_V_CATEGORICAL ||
                                         v->kind == CLAB_V_NULLABLE);
}

static bool mostly_ensembl(const clab_value *column, int64_t n)
{
    int64_t found = 0;

    for (int64_t g = 0; is_text(column) && g < n; g++)
        found += clab__is_ensembl(text_at(column, g));
    return n > 0 && 2 * found > n;
}

/* By the prefix of IDs, else by their case: Gnai3 is a mouse's, GNAI3 a human's. */
static clab_species guess_species(const clab_value *ids, const clab_dataset *d)
{
    int64_t n = clab_dataset_n_vars(d), mouse = 0, human = 0, small = 0;

    for (int64_t g = 0; g < n; g++) {
        const char *id = text_at(ids, g), *name = clab_dataset_var_name(d, g);
        mouse += strncmp(id, "ENSMUSG", 7) == 0;
        human += strncmp(id, "ENSG", 4) == 0;
        small += isupper((unsigned char)name[0]) && islower((unsigned char)name[1]);
    }
    if (mouse + human > 0)
        return mouse > human ? CLAB_MOUSE : CLAB_HUMAN;
    return 5 * small > 2 * n ? CLAB_MOUSE : CLAB_HUMAN;
}

static clab_status own_ids(clab_ctx *cx, clab__gene_keys *k)
{
    const clab_dataset *d = k->d;
    const clab_value *column = NULL;
    const char **text = NULL;
    clab_status s;

    for (int64_t i = 0; !mostly_ensembl(d->var->index, k->n) && !column && i < d->var->n_items; i++)
        if (mostly_ensembl(d->var->items[i], k->n)) {
            column = d->var->items[i];
            k->id_column = d->var->names[i];
        }
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, k->n * 8 + 8, "gene names", (void **)&text);
    for (int64_t g = 0; s == CLAB_OK && g < k->n; g++) {
        const char *name = clab_dataset_var_name(d, g), *other = column ? text_at(column, g) : "";
        bool own = clab__is_ensembl(name);
        k->n_ensembl += own;
        k->n_versions += own && strchr(name, '.');
        text[g] = own ? name : clab__is_ensembl(other) ? other : "";
    }
    if (s == CLAB_OK)
        s = clab_value_strings(cx, 1, &k->n, text, &k->ids);
    clab_mem_free(cx, text);
    if (s == CLAB_OK) {
        clab__strip_versions(k->ids);
        k->species = guess_species(k->ids, d);
    }
    return s;
}

static clab_status keys_new(clab_ctx *cx, const clab_dataset *d, clab__gene_keys *k)
{
    clab_status s;

    *k = (clab__gene_keys){.d = d, .n = clab_dataset_n_vars(d)};
    if ((s = clab_mem_alloc(cx, CLAB_MEM_WORK, k->n * 8 + 8, "gene names", (void **)&k->key)) != CLAB_OK ||
        (s = clab_mem_alloc(cx, CLAB_MEM_WORK, k->n + 8, "gene names", (void **)&k->way)) != CLAB_OK ||
        (s = own_ids(cx, k)) != CLAB_OK)
        return s;
    for (int64_t g = 0; g < k->n; g++) {
        k->key[g] = clab_dataset_var_name(d, g);
        k->way[g] = CLAB__IS_UNKNOWN;
    }
    return CLAB_OK;
}

/* ---- what another study says -------------------------------------------------------------------------*/

/* Names of one study with their IDs; row -1 where two genes share a name. */
typedef struct {
    clab_names *names;
    int64_t *row;
    const clab__gene_keys *from;
} pairs;

static void pairs_free(clab_ctx *cx, pairs *p)
{
    clab_names_free(p->names);
    clab_mem_free(cx, p->row);
    *p = (pairs){0};
}

static clab_status pairs_new(clab_ctx *cx, const clab__gene_keys *from, const clab_value *column, pairs *p)
{
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, from->n * 8 + 8, "gene names", (void **)&p->row);

    p->from = from;
    if (s == CLAB_OK)
        s = clab_names_new(cx, NULL, 0, NULL, &p->names);
    for (int64_t g = 0; s == CLAB_OK && g < from->n; g++) {
        const char *name = text_at(column, g);
        if (!*name || !*text_at(from->ids, g) || clab__is_ensembl(name))
            continue;
        int64_t count = clab_names_count(p->names), at = clab_names_add(p->names, name);
        if (at < 0)
            s = clab_fail(cx, CLAB_ENOMEM, "no memory for gene names");
        else
            p->row[at] = at == count ? g : -1;
    }
    return s;
}

static int64_t hits(const pairs *p, const clab__gene_keys *k)
{
    int64_t n = 0;

    for (int64_t g = 0; g < k->n; g++)
        n += k->way[g] == CLAB__IS_UNKNOWN && clab_names_get(p->names, k->key[g]) >= 0;
    return n;
}

/* The index or column of another study that knows most of k's names. */
static clab_status best_pairs(clab_ctx *cx, const clab__gene_map *m, const clab__gene_keys *k, pairs *best)
{
    int64_t most = 0;
    clab_status s = CLAB_OK;

    for (int e = 0; e < m->n; e++) {
        const clab__gene_keys *other = &m->of[e];
        for (int64_t i = -1; s == CLAB_OK && other != k && i < other->d->var->n_items; i++) {
            const clab_value *column = i < 0 ? other->d->var->index : other->d->var->items[i];
            pairs p = {0};
            int64_t n = 0;
            if (!is_text(column) || mostly_ensembl(column, other->n))
                continue;
            s = pairs_new(cx, other, column, &p);
            if (s == CLAB_OK && (n = hits(&p, k)) > most) {
                pairs_free(cx, best);
                *best = p;
                most = n;
            } else {
                pairs_free(cx, &p);
            }
        }
    }
    return s;
}

/* ---- keys -------------------------------------------------------------------------------------------*/

/* Gives gene g its key unless another one has it. */
static clab_status claim(clab_ctx *cx, clab__gene_keys *k, clab_names *taken, int64_t g, const char *id,
                         clab__gene_way way)
{
    int64_t count = clab_names_count(taken), at = clab_names_add(taken, id);

    if (at < 0)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for gene names");
    if (at == count || way <= CLAB__BY_COLUMN) {
        k->key[g] = id;
        k->way[g] = (uint8_t)way;
    } else {
        k->way[g] = CLAB__IS_TAKEN;
    }
    return CLAB_OK;
}

static clab_status claim_own(clab_ctx *cx, clab__gene_keys *k, clab_names *taken)
{
    clab_status s = CLAB_OK;

    for (int64_t g = 0; s == CLAB_OK && g < k->n; g++) {
        const char *id = text_at(k->ids, g);
        if (*id)
            s = claim(cx, k, taken, g, id, clab__is_ensembl(k->key[g]) ? CLAB__BY_ID : CLAB__BY_COLUMN);
    }
    return s;
}

static clab_status claim_pairs(clab_ctx *cx, clab__gene_keys *k, clab_names *taken, const pairs *p)
{
    clab_status s = CLAB_OK;

    for (int64_t g = 0; p->names && s == CLAB_OK && g < k->n; g++) {
        int64_t at = k->way[g] == CLAB__IS_UNKNOWN ? clab_names_get(p->names, k->key[g]) : -1;
        if (at >= 0 && p->row[at] >= 0)
            s = claim(cx, k, taken, g, text_at(p->from->ids, p->row[at]), CLAB__BY_OTHER);
    }
    return s;
}

static clab_status claim_table(clab_ctx *cx, clab__gene_keys *k, clab_names *taken, const clab_gene_table *t)
{
    clab_status s = CLAB_OK;

    for (clab_gene_match kind = CLAB_GENE_SYMBOL; kind <= CLAB_GENE_ALIAS; kind++)
        for (int64_t g = 0; s == CLAB_OK && g < k->n; g++) {
            clab_gene_match how;
            if (k->way[g] != CLAB__IS_UNKNOWN)
                continue;
            const char *id = clab_gene_table_id(t, k->key[g], &how);
            if (how == kind)
                s = claim(cx, k, taken, g, id, (clab__gene_way)(CLAB__BY_SYMBOL + (int)(kind - CLAB_GENE_SYMBOL)));
            else if (how == CLAB_GENE_AMBIGUOUS)
                k->way[g] = CLAB__IS_AMBIGUOUS;
        }
    return s;
}

static clab_status find_keys(clab_ctx *cx, clab__gene_map *m, clab__gene_keys *k)
{
    clab_names *taken = NULL;
    pairs p = {0};
    bool left = false;
    clab_status s = clab_names_new(cx, NULL, 0, NULL, &taken);

    if (s == CLAB_OK)
        s = claim_own(cx, k, taken);
    if (s == CLAB_OK)
        s = best_pairs(cx, m, k, &p);
    if (s == CLAB_OK)
        s = claim_pairs(cx, k, taken, &p);
    for (int64_t g = 0; g < k->n; g++)
        left = left || k->way[g] == CLAB__IS_UNKNOWN;
    if (s == CLAB_OK && left && !m->table[k->species])
        s = clab_gene_table_open(cx, k->species, &m->table[k->species]);
    if (s == CLAB_OK && left)
        s = claim_table(cx, k, taken, m->table[k->species]);
    for (int64_t g = 0; g < k->n; g++)
        k->by[k->way[g]]++;
    pairs_free(cx, &p);
    clab_names_free(taken);
    return s;
}

clab_status clab__gene_map_new(clab_ctx *cx, const clab_dataset *const *ds, int n, clab__gene_map *out)
{
    clab_status s = CLAB_OK;

    *out = (clab__gene_map){.n = n, .of = calloc((size_t)n + 1, sizeof *out->of)};
    if (!out->of)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for gene names");
    for (int i = 0; s == CLAB_OK && i < n; i++)
        s = keys_new(cx, ds[i], &out->of[i]);
    for (int i = 0; s == CLAB_OK && i < n; i++)
        s = find_keys(cx, out, &out->of[i]);
    return s;
}

void clab__gene_map_free(clab_ctx *cx, clab__gene_map *m)
{
    for (int i = 0; m->of && i < m->n; i++) {
        clab_value_unref(m->of[i].ids);
        clab_mem_free(cx, m->of[i].key);
        clab_mem_free(cx, m->of[i].way);
    }
    free(m->of);
    for (int i = 0; i < CLAB_N_SPECIES; i++)
        clab_gene_table_free(cx, m->table[i]);
    *m = (clab__gene_map){0};
}
