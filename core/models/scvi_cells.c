/* scvi_cells.c -- what scVI takes from a dataset: its counts, the batch of each cell, its genes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "ledger/ledger.h"
#include "models/scvi_impl.h"

/* Values that are not whole numbers are the caller's choice; negative ones have no likelihood. */
static clab_status allowed_values(clab_ctx *cx, const clab_dataset *d, clab_matrix **out)
{
    const clab_matrix *m = d->counts ? d->counts : d->x;
    clab_status s;

    if (!m)
        return clab_fail(cx, CLAB_ESTATE, "%s has no X and no counts", clab_show(d->name));
    for (int b = 0; b < clab_matrix_n_blocks(m); b++) {
        const clab_store_info *info = clab_store_get_info(clab_matrix_store(m, b));
        if (info->negative || !info->finite)
            return clab_fail(cx, CLAB_EARG, "%s holds negative or infinite values, which are no counts in any way",
                             clab_show(d->name));
    }
    s = clab_matrix_raw(cx, m, out);
    if (s == CLAB_OK)
        clab_warn(cx, "scVI runs on values of %s that are not all whole numbers, because allow_noncounts was set",
                  clab_show(d->name));
    return s;
}

clab_status clab__scvi_counts(clab_ctx *cx, const clab_dataset *d, bool allow, clab_matrix **out)
{
    clab_status s;

    if (allow)
        return allowed_values(cx, d, out);
    s = clab_dataset_counts(cx, d, out);
    return s == CLAB_OK ? s : clab_context(cx, "scvi");
}

/* ---- batches -----------------------------------------------------------------------------------------------*/
static clab_status one_batch(clab_ctx *cx, clab_scvi *m)
{
    const char *name = "0";
    const int64_t one = 1;

    return clab_value_strings(cx, 1, &one, &name, &m->batches);
}

/* Levels as strings: a numeric column names its batches by its values. */
static clab_status level_names(clab_ctx *cx, const clab_value *levels, clab_value **out)
{
    const int64_t n = clab_value_len(levels);
    const char **names = calloc((size_t)n + 1, sizeof *names);
    char *text = calloc((size_t)n + 1, 40);
    clab_status s;

    if (!names || !text)
        s = clab_fail(cx, CLAB_ENOMEM, "no memory for %" PRId64 " batch names", n);
    else {
        for (int64_t i = 0; i < n; i++)
            names[i] = clab_value_at_str(levels, i, text + 40 * i, 40);
        s = clab_value_strings(cx, 1, &n, names, out);
    }
    free(names);
    free(text);
    return s;
}

static clab_status all_present(clab_ctx *cx, const clab_scvi *m, const clab_dataset *d, const char *column)
{
    int64_t missing = 0, n = clab_dataset_n_obs(d);

    for (int64_t i = 0; i < n; i++)
        missing += m->codes[i] < 0;
    if (!missing)
        return CLAB_OK;
    clab_fail(cx, CLAB_EARG, "obs.%s has no value for %s of %s cells: every cell needs its batch", clab_show(column),
              clab_text_count(missing), clab_text_count(n));
    return clab_hint(cx, "fill them in, or leave those cells out");
}

clab_status clab__scvi_batches(clab_ctx *cx, clab_scvi *m, const clab_dataset *d, const char *column)
{
    const clab_value *col = NULL;
    clab_value *levels = NULL;
    clab_status s;

    if (!column || !column[0])
        return one_batch(cx, m);
    s = clab_dataset_obs_get(cx, d, column, &col);
    if (s != CLAB_OK)
        return s;
    s = clab_value_codes(cx, col, &levels, &m->codes);
    if (s == CLAB_OK)
        s = all_present(cx, m, d, column);
    if (s == CLAB_OK)
        s = level_names(cx, levels, &m->batches);
    if (s == CLAB_OK && !(m->batch_column = strdup(column)))
        s = clab_fail(cx, CLAB_ENOMEM, "no memory for a column name");
    if (s == CLAB_OK && clab_value_len(levels) == 1) { /* no columns: no codes */
        clab_mem_free(cx, m->codes);
        m->codes = NULL;
    }
    clab_value_unref(levels);
    return s;
}

/* ---- genes of other datasets ---------------------------------------------------------------------------------*/
/* map[g] = the model's gene that is d's gene g, or -1; *found counts them. */
static clab_status map_genes(clab_ctx *cx, const clab_scvi *m, const clab_dataset *d, int32_t *map, int64_t *found)
{
    clab_names *ix = NULL;
    clab_status s = clab_names_new(cx, (const char *const *)m->genes->data, clab_value_len(m->genes), NULL, &ix);

    *found = 0;
    for (int64_t g = 0; s == CLAB_OK && g < clab_dataset_n_vars(d); g++) {
        map[g] = (int32_t)clab_names_get(ix, clab_dataset_var_name(d, g));
        *found += map[g] >= 0;
    }
    clab_names_free(ix);
    return s;
}

clab_status clab__scvi_same_genes(clab_ctx *cx, const clab_scvi *m, const clab_dataset *d, clab_matrix **out)
{
    const int64_t n = clab_dataset_n_vars(d), want = clab_value_len(m->genes);
    clab_matrix *counts = NULL;
    int32_t *map = NULL;
    int64_t found = 0;
    clab_status s = clab__scvi_counts(cx, d, false, &counts);

    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 4 + 4, "gene map", (void **)&map);
    if (s == CLAB_OK)
        s = map_genes(cx, m, d, map, &found);
    if (s == CLAB_OK && found * 10 < want) {
        s = clab_fail(cx, CLAB_EARG, "%s has %s of the %s genes of the model: under 10 %%", clab_show(d->name),
                      clab_text_count(found), clab_text_count(want));
        s = clab_hint(cx, "compare the gene identifiers of both (symbols against Ensembl IDs?)");
    }
    if (s == CLAB_OK && found < want)
        clab_warn(cx, "%s lacks %s of the %s genes of the model: they count as zero", clab_show(d->name),
                  clab_text_count(want - found), clab_text_count(want));
    if (s == CLAB_OK) {
        const clab_matrix *part = counts;
        const int32_t *part_map = map;
        s = clab_matrix_concat(cx, &part, &part_map, 1, want, out);
    }
    clab_mem_free(cx, map);
    clab_matrix_unref(counts);
    return s;
}
