/* filter.c -- bounds of filter_cells and filter_genes. */
#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/filter_impl.h"
#include "steps/stats_impl.h"

clab_status clab__filter_check(clab_ctx *cx, const clab_step *step, const clab_arg *args)
{
    for (int k = 0; k < CLAB__N_BOUNDS; k++)
        if (args[k].given)
            return CLAB_OK;
    (void)clab_fail(cx, CLAB_EARG, "no bound is given");
    return clab_hint(cx, "give one or more of %s, %s, %s, %s", step->params[0].name, step->params[1].name,
                     step->params[2].name, step->params[3].name);
}

clab_status clab__filter_values(clab_ctx *cx, const clab_dataset *d, const clab_step *step, const clab_arg *args,
                                const clab_matrix **m)
{
    bool totals = args[CLAB__MIN_COUNTS].given || args[CLAB__MAX_COUNTS].given;
    clab_status s;

    *m = d->counts;
    if (*m)
        return CLAB_OK;
    s = clab__need_x(cx, d, m);
    if (s != CLAB_OK)
        return s;
    if (clab__holds_negative(*m) || clab_matrix_some_scale(*m))
        clab_warn(cx, "%s: no counts were found, and X of %s was scaled or centred: what is above 0 there says "
                  "nothing about detected genes", step->name, clab_show(d->name));
    else if (totals && !clab__holds_counts(*m))
        clab_note(cx, "%s: no counts were found; totals are of X of %s as it is", step->name, clab_show(d->name));
    return CLAB_OK;
}

static double bound_of(const clab_step *step, const clab_arg *args, int k)
{
    return step->params[k].type == CLAB_P_INT ? (double)args[k].i : args[k].num;
}

static bool holds(int k, double bound, int64_t number, double counts)
{
    switch (k) {
    case CLAB__MIN_NUMBER: return (double)number >= bound;
    case CLAB__MAX_NUMBER: return (double)number <= bound;
    case CLAB__MIN_COUNTS: return counts >= bound;
    default: return counts <= bound;
    }
}

clab_status clab__filter_mask(clab_ctx *cx, const clab_step *step, const clab_arg *args, const int64_t *number,
                              const double *counts, int64_t n, const char *items, uint8_t *keep)
{
    int64_t removed[CLAB__N_BOUNDS] = {0}, kept = 0;
    clab_str words = {0};
    clab_status s = CLAB_OK;

    for (int64_t i = 0; i < n; i++) {
        keep[i] = 1;
        for (int k = 0; k < CLAB__N_BOUNDS; k++)
            if (args[k].given && !holds(k, bound_of(step, args, k), number[i], counts[i])) {
                removed[k]++;
                keep[i] = 0;
            }
        kept += keep[i];
    }
    for (int k = 0; k < CLAB__N_BOUNDS; k++)
        if (args[k].given)
            clab_str_addf(&words, "%s%s=%.10g removes %s", words.len ? ", " : "", step->params[k].name,
                          bound_of(step, args, k), clab_text_count(removed[k]));
    if (words.failed)
        s = clab_fail(cx, CLAB_ENOMEM, "no memory for a message");
    else if (kept == 0) {
        (void)clab_fail(cx, CLAB_ESTATE, "no %s are left of %s: %s", items, clab_text_count(n), words.s);
        s = clab_hint(cx, "widen the bounds");
    } else
        clab_note(cx, "%s: %s of %s %s stay (%s)", step->name, clab_text_count(kept), clab_text_count(n), items,
                  words.s);
    clab_str_free(&words);
    return s;
}

clab_status clab__filter_totals(clab_ctx *cx, const double *counts, int64_t n, clab_dtype x, clab_value **out)
{
    clab_dtype t = clab__sum_type(x);
    clab_status s = clab_value_array(cx, t, 1, &n, NULL, out);

    for (int64_t i = 0; s == CLAB_OK && i < n; i++)
        switch (t) {
        case CLAB_F32: ((float *)(*out)->data)[i] = (float)counts[i]; break;
        case CLAB_F64: ((double *)(*out)->data)[i] = counts[i]; break;
        case CLAB_U64: ((uint64_t *)(*out)->data)[i] = (uint64_t)counts[i]; break;
        default: ((int64_t *)(*out)->data)[i] = (int64_t)counts[i]; break;
        }
    return s;
}
