/* groups.c -- cells by a column of obs. */
#include "steps/groups_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define NUMBER 40

/* Levels as text: numbers that are categories are named by what they print as. */
static clab_status as_text(clab_ctx *cx, const clab_value *levels, clab_value **out)
{
    const int64_t n = clab_value_len(levels);
    const char **names = calloc((size_t)n + 1, sizeof *names);
    char (*numbers)[NUMBER] = calloc((size_t)n + 1, sizeof *numbers);
    clab_status s = CLAB_OK;

    if (!names || !numbers)
        s = clab_fail(cx, CLAB_ENOMEM, "no memory for the names of groups");
    for (int64_t i = 0; s == CLAB_OK && i < n; i++)
        names[i] = clab_value_at_str(levels, i, numbers[i], NUMBER);
    if (s == CLAB_OK)
        s = clab_value_strings(cx, 1, &n, names, out);
    free(names);
    free(numbers);
    return s;
}

clab_status clab__groups_read(clab_ctx *cx, const clab_dataset *d, const char *column, clab_value **levels, int32_t **codes)
{
    const clab_value *v = NULL;
    clab_value *own = NULL;
    clab_status s = clab_dataset_obs_get(cx, d, column, &v);

    *levels = NULL;
    *codes = NULL;
    if (s == CLAB_OK)
        s = clab_value_codes(cx, v, &own, codes);
    if (s == CLAB_OK && own->kind != CLAB_V_STRINGS && v->kind != CLAB_V_CATEGORICAL && own->dtype != CLAB_BOOL) {
        (void)clab_fail(cx, CLAB_EARG, "obs.%s holds numbers, not groups", clab_show(column));
        s = clab_hint(cx, "choose a column of labels: print(ds.obs) shows what there is");
    }
    if (s == CLAB_OK)
        s = as_text(cx, own, levels);
    clab_value_unref(own);
    return s;
}
