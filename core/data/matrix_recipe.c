/* matrix_recipe.c -- a recipe in words. */
#include <stdio.h>
#include <string.h>

#include "data/matrix_impl.h"

static void op_text(const clab__op *op, char *buf, size_t n)
{
    switch (op->kind) {
    case CLAB__NORMALISE:
        if (op->number > 0)
            snprintf(buf, n, "normalise(%.6g)", op->number);
        else
            snprintf(buf, n, "normalise(median)");
        break;
    case CLAB__LOG1P:
        if (op->number > 0)
            snprintf(buf, n, "log1p(base %.6g)", op->number);
        else
            snprintf(buf, n, "log1p");
        break;
    case CLAB__SCALE:
        if (op->number > 0)
            snprintf(buf, n, "scale(%smax %.6g)", op->mean ? "centred, " : "", op->number);
        else
            snprintf(buf, n, op->mean ? "scale(centred)" : "scale");
        break;
    case CLAB__CAST:
        snprintf(buf, n, "cast(%s)", clab_dtype_name(op->to));
        break;
    case CLAB__FILL:
        snprintf(buf, n, "fill(%.6g)", op->number);
        break;
    }
}

static void block_text(const clab__block *b, char *buf, size_t n)
{
    size_t at = 0;

    buf[0] = '\0';
    for (int i = 0; i < b->n_ops && at < n; i++) {
        char op[48];
        int k;
        op_text(&b->ops[i], op, sizeof op);
        k = snprintf(buf + at, n - at, "%s%s", i > 0 ? " > " : "", op);
        at += k > 0 ? (size_t)k : 0;
    }
}

clab_status clab_matrix_recipe(clab_ctx *cx, const clab_matrix *m, char *buf, size_t n)
{
    char first[CLAB__MAX_OPS * 52], other[CLAB__MAX_OPS * 52];

    (void)cx;
    first[0] = '\0';
    if (m->n_blocks > 0)
        block_text(&m->blocks[0], first, sizeof first);
    for (int b = 1; b < m->n_blocks; b++) {
        block_text(&m->blocks[b], other, sizeof other);
        if (strcmp(first, other) != 0) {
            snprintf(buf, n, "%s; other parts: %s", first[0] ? first : "as stored", other[0] ? other : "as stored");
            return CLAB_OK;
        }
    }
    snprintf(buf, n, "%s", first);
    return CLAB_OK;
}
