/* matrix_ops.c -- adding operations to a recipe, and taking all of them away. */
#include <string.h>

#include "data/matrix_impl.h"
#include "ledger/ledger.h"

static clab_status copy_for_op(clab_ctx *cx, const clab_matrix *m, clab_matrix **out)
{
    *out = NULL;
    for (int b = 0; b < m->n_blocks; b++)
        if (m->blocks[b].n_ops == CLAB__MAX_OPS)
            return clab_fail(cx, CLAB_ESTATE, "a recipe has at most %d operations", CLAB__MAX_OPS);
    return clab__matrix_copy(cx, m, out);
}

static clab_status done(clab_status s, clab_matrix **out)
{
    if (s != CLAB_OK) {
        clab_matrix_unref(*out);
        *out = NULL;
    }
    return s;
}

clab_status clab_matrix_op_normalise(clab_ctx *cx, const clab_matrix *m, const double *factor, double target,
                                     clab_matrix **out)
{
    clab_status s = copy_for_op(cx, m, out);

    for (int b = 0; s == CLAB_OK && b < m->n_blocks; b++) {
        clab__block *block = &(*out)->blocks[b];
        clab__op *op = &block->ops[block->n_ops];
        clab__array *each;
        s = clab__array_new(cx, block->n_rows, sizeof(double), &each);
        if (s != CLAB_OK)
            break;
        *op = (clab__op){.kind = CLAB__NORMALISE, .number = target, .each = each};
        block->n_ops++;
    }
    for (int64_t row = 0; s == CLAB_OK && row < m->n_rows; row++) {
        int64_t local;
        const clab__block *block = clab__matrix_find(*out, row, &local);
        block->ops[block->n_ops - 1].each->f64[local] = factor[row];
    }
    return done(s, out);
}

static clab_status op_on_all(clab_ctx *cx, const clab_matrix *m, clab__op op, clab_matrix **out)
{
    clab_status s = copy_for_op(cx, m, out);

    for (int b = 0; s == CLAB_OK && b < m->n_blocks; b++) {
        clab__block *block = &(*out)->blocks[b];
        clab__array_ref(op.each);
        clab__array_ref(op.mean);
        block->ops[block->n_ops++] = op;
    }
    return done(s, out);
}

clab_status clab_matrix_op_log1p(clab_ctx *cx, const clab_matrix *m, double base, clab_matrix **out)
{
    return op_on_all(cx, m, (clab__op){.kind = CLAB__LOG1P, .number = base}, out);
}

/* n numbers as an array that blocks share; from NULL gives NULL. */
static clab_status shared_copy(clab_ctx *cx, const double *from, int64_t n, clab__array **out)
{
    clab_status s = CLAB_OK;

    *out = NULL;
    if (from && (s = clab__array_new(cx, n, sizeof(double), out)) == CLAB_OK)
        memcpy((*out)->f64, from, (size_t)n * sizeof *from);
    return s;
}

clab_status clab_matrix_op_scale(clab_ctx *cx, const clab_matrix *m, const double *mean, const double *std,
                                 double max_value, clab_matrix **out)
{
    clab__op op = {.kind = CLAB__SCALE, .number = max_value};
    clab_status s = shared_copy(cx, std, m->n_cols, &op.each);

    *out = NULL;
    if (s == CLAB_OK)
        s = shared_copy(cx, mean, m->n_cols, &op.mean);
    if (s == CLAB_OK)
        s = op_on_all(cx, m, op, out);
    clab__array_unref(op.each);
    clab__array_unref(op.mean);
    return s;
}

clab_status clab_matrix_op_fill(clab_ctx *cx, const clab_matrix *m, const double *fill, clab_matrix **out)
{
    clab__op op = {.kind = CLAB__FILL};
    clab_status s = shared_copy(cx, fill, m->n_cols, &op.each);

    *out = NULL;
    for (int64_t c = 0; c < m->n_cols && op.number == 0; c++)
        op.number = fill[c];
    if (s == CLAB_OK)
        s = op_on_all(cx, m, op, out);
    clab__array_unref(op.each);
    return s;
}

clab_status clab_matrix_op_cast(clab_ctx *cx, const clab_matrix *m, clab_dtype to, clab_matrix **out)
{
    *out = NULL;
    if (to != CLAB_F32 && to != CLAB_F64 && !(to == CLAB_I64 && clab_dtype_is_integer(clab_matrix_dtype(m))))
        return clab_fail(cx, CLAB_EARG, "a matrix is cast to float32 or float64, not to %s", clab_dtype_name(to));
    return op_on_all(cx, m, (clab__op){.kind = CLAB__CAST, .to = to}, out);
}

clab_status clab_matrix_raw(clab_ctx *cx, const clab_matrix *m, clab_matrix **out)
{
    clab_status s = clab__matrix_copy(cx, m, out);

    for (int b = 0; s == CLAB_OK && b < m->n_blocks; b++)
        clab__block_strip(&(*out)->blocks[b]);
    return s;
}
