/* value_summary.c -- what a column holds, in a few words and numbers. */
#include "data/value_impl.h"

#define MAX_LEVELS 500 /* a column with more names no cell types */

static const char *kind_of(const clab_value *col)
{
    switch (col->kind) {
    case CLAB_V_CATEGORICAL: return "categorical";
    case CLAB_V_STRINGS: return "string";
    case CLAB_V_NULLABLE: return col->inner->kind == CLAB_V_STRINGS ? "string" : "nullable";
    case CLAB_V_ARRAY: return clab_dtype_name(col->dtype);
    default: return "other";
    }
}

static clab_status put_levels(clab_ctx *cx, const clab_value *col, clab_value *dict)
{
    clab_value *levels = NULL, *numbers = NULL;
    int64_t *counts = NULL, missing = 0, n;
    clab_status s = clab_value_counts(cx, col, &levels, &counts, &missing);

    if (s != CLAB_OK)
        return s;
    n = clab_value_len(levels);
    s = clab_value_set_integer(cx, dict, "n_levels", n);
    if (s == CLAB_OK)
        s = clab_value_set_integer(cx, dict, "missing", missing);
    if (s == CLAB_OK && n > 0 && n <= MAX_LEVELS &&
        (col->kind == CLAB_V_CATEGORICAL || n <= clab_value_len(col) / 2 + 1)) {
        s = clab_value_set(cx, dict, "levels", levels);
        if (s == CLAB_OK)
            s = clab_value_array(cx, CLAB_I64, 1, &n, counts, &numbers);
        s = clab_value_set_made(cx, dict, "counts", s, numbers);
    }
    clab_value_unref(levels);
    clab_mem_free(cx, counts);
    return s;
}

clab_status clab_value_summary(clab_ctx *cx, const clab_value *col, clab_value **out)
{
    clab_value *dict = NULL, *kind = NULL;
    clab_status s = clab_value_dict(cx, &dict);

    if (s == CLAB_OK) {
        s = clab_value_string(cx, kind_of(col), &kind);
        s = clab_value_set_made(cx, dict, "kind", s, kind);
    }
    if (s == CLAB_OK && (col->kind == CLAB_V_CATEGORICAL || clab__value_is_text(col)))
        s = put_levels(cx, col, dict);
    if (s != CLAB_OK) {
        clab_value_unref(dict);
        return s;
    }
    *out = dict;
    return CLAB_OK;
}
