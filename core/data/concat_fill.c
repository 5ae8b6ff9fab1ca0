/* concat_fill.c -- what stands where an input has no gene, or no layer at all: anndata's rules, as recipes. */
#include <math.h>
#include <stdlib.h>

#include "data/concat_impl.h"
#include "ledger/ledger.h"

static bool all_dense(clab_matrix *const *parts, const bool *absent, int n)
{
    for (int i = 0; i < n; i++)
        if (!(absent && absent[i]) && !clab_matrix_is_dense(parts[i]))
            return false;
    return true;
}

double clab__concat_fill_of(const clab__concat *c, clab_matrix *const *parts, const bool *absent)
{
    return isnan(c->o->fill) && !all_dense(parts, absent, c->n) ? 0 : c->o->fill;
}

/* The type that an input's values have once some are filled in: numpy's for a dense array beside a scalar, and for
 * two arrays where the inputs are sparse. */
static clab_dtype filled_type(clab_dtype t, double fill, bool dense)
{
    bool whole = clab_dtype_is_integer(t), whole_fill = fill == floor(fill);

    if (whole && whole_fill)
        return dense && fill >= 0 ? t : CLAB_I64;
    return dense && !whole ? t : CLAB_F64;
}

/* fill[k] for the columns that no gene of the input goes to; *any = there is one. */
static clab_status columns_to_fill(clab_ctx *cx, const int32_t *map, int64_t n_own, int64_t n, double value, bool absent,
                                   double **fill, bool *any)
{
    void *p = NULL;
    clab_status s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8 + 8, "concat", &p);

    *fill = p;
    *any = false;
    if (s != CLAB_OK)
        return s;
    for (int64_t k = 0; k < n; k++)
        (*fill)[k] = value;
    for (int64_t g = 0; !absent && g < n_own; g++)
        if (map[g] >= 0)
            (*fill)[map[g]] = 0;
    for (int64_t k = 0; k < n && !*any; k++)
        *any = (*fill)[k] != 0;
    return CLAB_OK;
}

/* Input i over the joined genes with what it lacks filled in; *out stays NULL when it lacks nothing. */
static clab_status fill_part(const clab__concat *c, const clab_matrix *m, const int32_t *map, int64_t n, double value,
                             bool dense, bool absent, clab_matrix **out)
{
    clab_matrix *wide = NULL, *typed = NULL;
    clab_dtype t = clab_matrix_dtype(m), to;
    double *fill = NULL;
    bool any;
    clab_status s = columns_to_fill(c->cx, map, clab_matrix_n_cols(m), n, value, absent, &fill, &any);

    if (s != CLAB_OK || !any)
        goto done;
    to = absent ? t : filled_type(t, value, dense);
    s = clab_matrix_concat(c->cx, &m, &map, 1, n, &wide);
    if (s == CLAB_OK && to != t)
        s = clab_matrix_op_cast(c->cx, wide, to, &typed);
    if (s == CLAB_OK)
        s = clab_matrix_op_fill(c->cx, typed ? typed : wide, fill, out);
done:
    clab_mem_free(c->cx, fill);
    clab_matrix_unref(wide);
    clab_matrix_unref(typed);
    return s;
}

clab_status clab__concat_join(const clab__concat *c, clab_matrix *const *parts, const bool *absent,
                              const clab_gene_join *genes, clab_matrix **out)
{
    const double value = clab__concat_fill_of(c, parts, absent);
    const bool dense = all_dense(parts, absent, c->n);
    clab_matrix **filled = calloc((size_t)c->n, sizeof *filled);
    const clab_matrix **m = calloc((size_t)c->n, sizeof *m);
    const int32_t **maps = calloc((size_t)c->n, sizeof *maps);
    clab_status s = filled && m && maps ? CLAB_OK : clab_fail(c->cx, CLAB_ENOMEM, "no memory for concat");

    for (int i = 0; s == CLAB_OK && i < c->n; i++) {
        if (c->o->outer && value != 0)
            s = fill_part(c, parts[i], genes->map[i], genes->n, value, dense, absent && absent[i], &filled[i]);
        m[i] = filled[i] ? filled[i] : parts[i];
        maps[i] = filled[i] ? NULL : genes->map[i];
    }
    if (s == CLAB_OK)
        s = clab_matrix_concat(c->cx, m, maps, c->n, genes->n, out);
    for (int i = 0; filled && i < c->n; i++)
        clab_matrix_unref(filled[i]);
    free(filled);
    free(m);
    free(maps);
    return s;
}
