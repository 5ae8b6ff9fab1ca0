/* read_part.c -- the guest's side of reading a part of a file: cells and genes chosen once obs and var are known,
 * then everything beside them cut to fit. */
#include "io/h5_impl.h"

#include <string.h>

static clab_status take(clab__h5 *h, clab_value **v, const int64_t *rows, int64_t n)
{
    clab_value *kept = NULL;
    if (!rows)
        return CLAB_OK;
    clab_status st = clab_value_take(h->cx, *v, rows, n, &kept);
    if (st != CLAB_OK)
        return st;
    clab_value_unref(*v);
    *v = kept;
    return CLAB_OK;
}

clab_status clab__part_obs(clab__h5 *h, clab__part *p, clab_value **obs)
{
    p->n_obs = clab_value_len(*obs);
    clab_status st = clab__want_cells(h->cx, h->want, h->name, *obs, &p->rows, &p->n_rows);
    h->asked_wrong = st != CLAB_OK;
    if (st == CLAB_OK)
        st = clab__want_drop_columns(h->cx, h->want, obs);
    return st == CLAB_OK ? take(h, obs, p->rows, p->n_rows) : st;
}

clab_status clab__part_var(clab__h5 *h, clab__part *p, clab_value **var)
{
    int64_t n = p->n_vars = clab_value_len(*var);
    clab_status st = clab__want_genes(h->cx, h->want, h->name, *var, &p->cols, &p->n_cols);
    h->asked_wrong = st != CLAB_OK;
    if (st != CLAB_OK || !p->cols)
        return st;
    st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, n * 4 + 4, "genes to read", (void **)&p->map);
    if (st != CLAB_OK)
        return st;
    memset(p->map, 0xff, (size_t)n * sizeof *p->map); /* -1 */
    for (int64_t i = 0; i < p->n_cols; i++)
        p->map[p->cols[i]] = (int32_t)i;
    return take(h, var, p->cols, p->n_cols);
}

clab_status clab__part_dict(clab__h5 *h, const clab__part *p, const char *section, clab_value **dict)
{
    bool cells = strncmp(section, "obs", 3) == 0, square = section[strlen(section) - 1] == 'p';
    const int64_t *rows = cells ? p->rows : p->cols;
    int64_t n = cells ? p->n_rows : p->n_cols, whole = cells ? p->n_obs : p->n_vars;
    clab_value *kept = NULL, *item = NULL;
    if (!rows || (*dict)->kind != CLAB_V_DICT)
        return CLAB_OK;
    clab_status st = clab_value_dict(h->cx, &kept);
    for (int64_t i = 0; st == CLAB_OK && i < (*dict)->n_items; i++) {
        const clab_value *v = (*dict)->items[i];
        bool fits = v->kind != CLAB_V_NULL && v->kind != CLAB_V_DICT && (v->rank > 0 || v->kind >= CLAB_V_CATEGORICAL) &&
                    v->dims[0] == whole && (!square || v->dims[1] == whole);
        if (!fits)
            st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s/%s does not have %s rows, one for each %s", h->name, section,
                           clab_show((*dict)->names[i]), clab_text_count(whole), cells ? "cell" : "gene");
        else
            st = square ? clab_value_take2(h->cx, v, rows, n, &item) : clab_value_take(h->cx, v, rows, n, &item);
        if (st == CLAB_OK)
            st = clab_value_set(h->cx, kept, (*dict)->names[i], item);
        clab_value_unref(item);
        item = NULL;
    }
    if (st != CLAB_OK) {
        clab_value_unref(kept);
        return st;
    }
    clab_value_unref(*dict);
    *dict = kept;
    return CLAB_OK;
}

clab__pick clab__part_pick(const clab__part *p)
{
    return (clab__pick){.rows = p->rows, .n_rows = p->n_rows, .cols = p->map, .n_cols = p->n_cols};
}

void clab__part_free(clab__h5 *h, clab__part *p)
{
    if (!p->borrowed)
        clab_mem_free(h->cx, p->rows);
    clab_mem_free(h->cx, p->cols);
    clab_mem_free(h->cx, p->map);
    *p = (clab__part){0};
}
