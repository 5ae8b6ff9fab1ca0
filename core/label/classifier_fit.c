/* classifier_fit.c -- learning types from a labelled reference: labels, features, split, boosting.
 * N labelled cells, K classes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "classifier_impl.h"
#include "ledger/ledger.h"

const clab_param clab_fit_params[] = {
    {"labels", CLAB_P_OBS, NULL, 0, 0, NULL, "", "obs column with the types to learn; missing ones are left out"},
    {"features", CLAB_P_STR, "combined", 0, 0, NULL, "",
     "latent, genes, combined (both), or a key of obsm to use alone"},
    {"latent", CLAB_P_OBSM, "X_scVI", 0, 0, NULL, "", "key of obsm that holds the latent coordinates"},
    {"n_genes", CLAB_P_INT, "500", 1, 1000000, NULL, "genes", "genes kept, those with the largest ANOVA F"},
};
const int clab_fit_n_params = sizeof clab_fit_params / sizeof *clab_fit_params;

enum { LABELS, FEATURES, LATENT, N_GENES };

/* ---- labels ----------------------------------------------------------------------------------------*/

/* The cells that have a label. */
typedef struct {
    int64_t *rows; /* N: where they stand in the reference */
    int32_t *y;    /* N */
    int64_t n;
    int k;
} labelled;

static void labelled_free(clab_ctx *cx, labelled *l)
{
    clab_mem_free(cx, l->rows);
    clab_mem_free(cx, l->y);
}

/* Levels that cells have become the classes, in the order of the levels. */
static clab_status used_levels(clab_ctx *cx, const clab_value *levels, labelled *l, clab_value **classes)
{
    const int64_t n_levels = clab_value_len(levels);
    int32_t *class_of = NULL;
    const char **names = NULL;
    char(*text)[32] = NULL; /* numbers as labels */
    int64_t k = 0;
    clab_status st;

    if ((st = clab_mem_zalloc(cx, CLAB_MEM_WORK, n_levels * 4 + 4, "classes", (void **)&class_of)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, n_levels * 8 + 8, "classes", (void **)&names)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, n_levels * 32 + 32, "classes", (void **)&text)) != CLAB_OK)
        goto done;
    for (int64_t i = 0; i < l->n; i++)
        class_of[l->y[i]] = 1;
    for (int64_t v = 0; v < n_levels; v++) {
        if (!class_of[v])
            continue;
        names[k] = clab_value_at_str(levels, v, text[v], sizeof text[v]);
        class_of[v] = (int32_t)k++;
    }
    for (int64_t i = 0; i < l->n; i++)
        l->y[i] = class_of[l->y[i]];
    l->k = (int)k;
    st = clab_value_strings(cx, 1, &k, names, classes);
done:
    clab_mem_free(cx, class_of);
    clab_mem_free(cx, names);
    clab_mem_free(cx, text);
    return st;
}

static clab_status check_classes(clab_ctx *cx, const clab_dataset *ref, const char *column, const labelled *l)
{
    if (l->n == 0) {
        (void)clab_fail(cx, CLAB_EARG, "no cell of %s has a value in obs.%s", clab_show(ref->name), clab_show(column));
        return clab_hint(cx, "fit on the labelled reference only, with its column of types");
    }
    if (l->k < 2) {
        (void)clab_fail(cx, CLAB_EARG, "all %" PRId64 " labelled cells of %s have the same value in obs.%s: there is "
                                       "nothing to learn", l->n, clab_show(ref->name), clab_show(column));
        return clab_hint(cx, "choose a column with two or more types");
    }
    if (2 * (int64_t)l->k > l->n) {
        (void)clab_fail(cx, CLAB_EARG, "obs.%s has %d different values in %" PRId64 " cells: this is no column of types",
                        clab_show(column), l->k, l->n);
        return clab_hint(cx, "choose a column in which many cells share a value");
    }
    return CLAB_OK;
}

static clab_status get_labelled(clab_ctx *cx, const clab_dataset *ref, const char *column, labelled *l,
                                clab_value **classes)
{
    const int64_t n_obs = clab_dataset_n_obs(ref);
    const clab_value *col;
    clab_value *levels = NULL;
    int32_t *codes = NULL;
    clab_status st;

    if ((st = clab_dataset_obs_get(cx, ref, column, &col)) != CLAB_OK ||
        (st = clab_value_codes(cx, col, &levels, &codes)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, n_obs * 8 + 8, "labels", (void **)&l->rows)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, n_obs * 4 + 4, "labels", (void **)&l->y)) != CLAB_OK)
        goto done;
    for (int64_t i = 0; i < n_obs; i++) {
        if (codes[i] < 0)
            continue;
        l->rows[l->n] = i;
        l->y[l->n++] = codes[i];
    }
    if ((st = used_levels(cx, levels, l, classes)) != CLAB_OK || (st = check_classes(cx, ref, column, l)) != CLAB_OK)
        goto done;
    if (l->n < n_obs)
        clab_note(cx, "%s of %s cells have no obs.%s: left out of the training", clab_text_count(n_obs - l->n),
                  clab_text_count(n_obs), clab_show(column));
done:
    clab_mem_free(cx, codes);
    clab_value_unref(levels);
    return st;
}

/* ---- features ----------------------------------------------------------------------------------------*/

static clab_status set_latent(clab_ctx *cx, const clab_dataset *ref, const char *key, clab__features *f)
{
    const clab_value *v = clab_value_get(ref->obsm, key);
    clab_status st;

    if (!v || v->rank != 2) {
        st = clab_fail(cx, v ? CLAB_ESHAPE : CLAB_ENOTFOUND, "%s has no %s obsm.%s to learn from", clab_show(ref->name),
                       v ? "two-dimensional" : "entry", clab_show(key));
        (void)clab_hint(cx, "store the latent of a trained scVI model there, or fit with features = 'genes'");
        return st;
    }
    f->latent_key = strdup(key);
    if (!f->latent_key)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a name");
    f->n_latent = v->dims[1];
    return CLAB_OK;
}

static clab_status choose_genes(clab_ctx *cx, const clab_dataset *ref, const labelled *l, int64_t n_top,
                                clab__features *f)
{
    const int64_t n_vars = clab_dataset_n_vars(ref);
    int32_t *role = NULL;
    double *statistic = NULL;
    int64_t *chosen = NULL, n_chosen;
    clab_status st;

    f->universe = clab_value_ref(ref->var->index);
    if ((st = clab__gene_roles(cx, ref, f->universe, NULL, &role, NULL)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, n_vars * 8 + 8, "F of genes", (void **)&statistic)) != CLAB_OK ||
        (st = clab__anova(cx, ref, role, l->rows, l->y, l->n, l->k, statistic)) != CLAB_OK ||
        (st = clab__top(cx, statistic, n_vars, n_top, &chosen, &n_chosen)) != CLAB_OK)
        goto done;
    if (n_chosen == 0) {
        st = clab_fail(cx, CLAB_EARG, "no gene of %s differs between the %d classes", clab_show(ref->name), l->k);
        goto done;
    }
    st = clab_value_take(cx, f->universe, chosen, n_chosen, &f->genes);
done:
    clab_mem_free(cx, role);
    clab_mem_free(cx, statistic);
    clab_mem_free(cx, chosen);
    return st;
}

static clab_status set_features(clab_ctx *cx, const clab_dataset *ref, const clab_arg *a, const labelled *l,
                                clab__features *f)
{
    const char *what = a[FEATURES].s;
    const bool genes = strcmp(what, "genes") == 0, both = strcmp(what, "combined") == 0;
    const char *key = both || strcmp(what, "latent") == 0 ? a[LATENT].s : what;
    clab_status st;

    if (!genes && (st = set_latent(cx, ref, key, f)) != CLAB_OK)
        return st;
    if ((genes || both) && (st = choose_genes(cx, ref, l, a[N_GENES].i, f)) != CLAB_OK)
        return st;
    return clab__features_standardise(cx, f, ref, l->rows, l->n);
}

/* ---- boosting ----------------------------------------------------------------------------------------*/

static clab_status train(clab_ctx *cx, clab_classifier *c, const clab_dataset *ref, const labelled *l)
{
    clab__feature_stream *s = NULL;
    clab_xgb_opts opts = c->opts;
    clab_feature_rows rows;
    uint8_t *is_valid = NULL;
    clab_status st;

    opts.n_classes = l->k;
    if ((st = clab_mem_alloc(cx, CLAB_MEM_WORK, l->n, "split", (void **)&is_valid)) != CLAB_OK ||
        (st = clab__split(cx, l->y, l->n, l->k, c->valid_fraction, opts.seed, is_valid, &c->n_valid)) != CLAB_OK ||
        (st = clab__feature_stream_open(cx, &c->features, ref, l->rows, l->n, &s)) != CLAB_OK)
        goto done;
    if (c->n_valid == 0 && c->valid_fraction > 0)
        clab_warn(cx, "%" PRId64 " labelled cells are too few to hold some out: XGBoost will not stop early", l->n);
    c->n_train = l->n - c->n_valid;
    rows = clab__feature_stream_rows(s);
    st = clab_xgb_train(cx, &opts, &rows, l->y, is_valid, &c->history, &c->model);
done:
    clab__feature_stream_close(cx, s);
    clab_mem_free(cx, is_valid);
    return st;
}

/* Into a classifier of its own, so that an error or Ctrl-C leaves the one that was fitted before as it was. */
clab_status clab_classifier_fit(clab_ctx *cx, clab_classifier *c, const clab_dataset *ref, const clab_arg *args)
{
    clab_classifier fresh = {.cx = cx, .opts = c->opts, .valid_fraction = c->valid_fraction};
    labelled l = {0};
    clab_status st;

    if ((st = clab_args_check(cx, "fit", clab_fit_params, clab_fit_n_params, args)) != CLAB_OK)
        return st;
    fresh.labels = strdup(args[LABELS].s);
    if (!fresh.labels) {
        st = clab_fail(cx, CLAB_ENOMEM, "no memory for a name");
        goto done;
    }
    if ((st = get_labelled(cx, ref, fresh.labels, &l, &fresh.classes)) != CLAB_OK ||
        (st = set_features(cx, ref, args, &l, &fresh.features)) != CLAB_OK ||
        (st = train(cx, &fresh, ref, &l)) != CLAB_OK)
        goto done;
    fresh.steps = clab_value_ref(ref->steps);
    clab__classifier_clear(cx, c);
    *c = fresh;
done:
    labelled_free(cx, &l);
    if (st != CLAB_OK) {
        clab__classifier_clear(cx, &fresh);
        return clab_context(cx, "fit");
    }
    return CLAB_OK;
}
