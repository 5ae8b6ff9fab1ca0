/* dataset_describe.c -- a Dataset in a few lines, as AnnData prints itself, and the bytes it holds. */
#include <stdlib.h>
#include <string.h>

#include "data/dataset_impl.h"

/* ---- bytes ------------------------------------------------------------------------------------------*/

typedef struct {
    const clab_store **seen;
    size_t n, cap;
    int64_t held;    /* bytes in memory */
    int64_t on_disk; /* bytes in scratch files */
    bool in_file;    /* rows of some come straight from their file */
    int n_files;
} store_set;

static void add_store(store_set *set, const clab_store *store)
{
    for (size_t i = 0; i < set->n; i++)
        if (set->seen[i] == store)
            return;
    if (set->n == set->cap) {
        size_t cap = set->cap ? 2 * set->cap : 16;
        const clab_store **grown = realloc(set->seen, cap * sizeof *grown);
        if (!grown)
            return; /* a display that is short of memory undercounts */
        set->seen = grown;
        set->cap = cap;
    }
    set->seen[set->n++] = store;
    set->held += clab_store_get_info(store)->held;
    set->on_disk += clab_store_get_info(store)->on_disk;
    set->in_file = set->in_file || clab_store_is_source(store);
    set->n_files += clab_store_get_info(store)->on_disk > 0;
}

static void add_matrix(store_set *set, const clab_matrix *m)
{
    for (int b = 0; m && b < clab_matrix_n_blocks(m); b++)
        add_store(set, clab_matrix_store(m, b));
}

static store_set stores_of(const clab_dataset *d)
{
    store_set set = {0};

    add_matrix(&set, d->x);
    add_matrix(&set, d->counts);
    add_matrix(&set, d->raw.x);
    for (int64_t i = 0; i < d->n_layers; i++)
        add_matrix(&set, d->layers[i]);
    free(set.seen);
    set.seen = NULL;
    return set;
}

static int64_t table_bytes(const clab_dataset *d)
{
    const clab_value *parts[] = {d->origin, d->obs, d->var, d->obsm, d->varm, d->obsp, d->varp,
                                 d->uns, d->steps, d->raw.var, d->raw.varm};
    int64_t bytes = 0;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        bytes += clab_value_bytes(parts[i]);
    return bytes;
}

int64_t clab_dataset_bytes(const clab_dataset *d)
{
    return stores_of(d).held + table_bytes(d);
}

/* ---- text -------------------------------------------------------------------------------------------*/

static void add_names(clab_str *b, const char *part, char *const *names, int64_t n)
{
    if (n == 0)
        return;
    clab_str_addf(b, "\n    %s: ", part);
    for (int64_t i = 0; i < n; i++)
        clab_str_addf(b, "%s'%s'", i ? ", " : "", clab_show(names[i]));
}

static clab_status add_x(clab_ctx *cx, clab_str *b, const char *part, const clab_matrix *m)
{
    char recipe[256];
    clab_status s;

    if (!m)
        return CLAB_OK;
    s = clab_matrix_recipe(cx, m, recipe, sizeof recipe);
    if (s != CLAB_OK)
        return s;
    clab_str_addf(b, "\n    %s: %s, %s", part, clab_dtype_name(clab_matrix_dtype(m)),
                  clab_matrix_is_dense(m) ? "dense in the file" : "sparse");
    if (recipe[0])
        clab_str_addf(b, ", on the way out %s", recipe);
    return CLAB_OK;
}

static void add_counts(clab_str *b, const clab_dataset *d)
{
    if (d->counts)
        clab_str_addf(b, "\n    counts: from %s", d->counts_from ? clab_show(d->counts_from) : "X");
    else
        clab_str_add(b, "\n    counts: none found");
}

clab_status clab_dataset_describe(clab_ctx *cx, const clab_dataset *d, char **out)
{
    clab_str b = {0};
    const store_set stores = stores_of(d);
    int64_t tables = table_bytes(d);
    clab_status s;

    clab_str_addf(&b, "Dataset with n_obs \u00d7 n_vars = %s \u00d7 %s   %s",
                  clab_text_count(clab_dataset_n_obs(d)), clab_text_count(clab_dataset_n_vars(d)),
                  clab_show(d->name));
    add_names(&b, "obs", d->obs->names, d->obs->n_items);
    add_names(&b, "var", d->var->names, d->var->n_items);
    add_names(&b, "uns", d->uns->names, d->uns->n_items);
    add_names(&b, "obsm", d->obsm->names, d->obsm->n_items);
    add_names(&b, "varm", d->varm->names, d->varm->n_items);
    add_names(&b, "layers", d->layer_names, d->n_layers);
    add_names(&b, "obsp", d->obsp->names, d->obsp->n_items);
    add_names(&b, "varp", d->varp->names, d->varp->n_items);
    if (d->raw.x)
        clab_str_addf(&b, "\n    raw: %s \u00d7 %s", clab_text_count(clab_matrix_n_rows(d->raw.x)),
                      clab_text_count(clab_matrix_n_cols(d->raw.x)));
    s = add_x(cx, &b, "X", d->x);
    add_counts(&b, d);
    clab_str_addf(&b, "\n    holds %s: counts and matrices %s, tables %s", clab_bytes(stores.held + tables),
                  clab_bytes(stores.held), clab_bytes(tables));
    if (stores.in_file)
        clab_str_add(&b, "\n    its rows stay in their file");
    if (stores.n_files == 1)
        clab_str_addf(&b, "\n    backed by a scratch file: %s on disk", clab_bytes(stores.on_disk));
    else if (stores.n_files > 1)
        clab_str_addf(&b, "\n    backed by %d scratch files: %s on disk", stores.n_files,
                      clab_bytes(stores.on_disk));
    if (s == CLAB_OK && b.failed)
        s = clab_fail(cx, CLAB_ENOMEM, "no memory to describe a dataset");
    if (s != CLAB_OK) {
        clab_str_free(&b);
        return s;
    }
    *out = b.s;
    return CLAB_OK;
}
