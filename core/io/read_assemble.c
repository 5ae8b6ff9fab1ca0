/* read_assemble.c -- the parts that arrived from a guest, checked against each other and put into a Dataset. */
#include "io/read_impl.h"

#include "base/text.h"
#include "data/matrix.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *const clab__part_names[CLAB__N_PARTS] = {"obs",  "var",  "raw/var", "raw/varm", "obsm",
                                                     "varm", "obsp", "varp",    "uns"};

void clab__arrival_free(clab__arrival *a)
{
    for (int i = 0; i < CLAB__N_PARTS; i++)
        clab_value_unref(a->part[i]);
    for (int64_t i = 0; i < a->n_matrices; i++) {
        free(a->section[i]);
        clab_matrix_unref(a->matrix[i]);
    }
}


static clab_status check_lengths(clab_ctx *cx, const clab__arrival *a, int part, int64_t n, bool both)
{
    const clab_value *dict = a->part[part];
    for (int64_t i = 0; dict && i < dict->n_items; i++) {
        const clab_value *v = dict->items[i];
        bool fits = v->kind != CLAB_V_NULL && v->kind != CLAB_V_DICT &&
                    (v->rank > 0 || v->kind >= CLAB_V_CATEGORICAL) && v->dims[0] == n &&
                    (!both || v->dims[1] == n);
        if (!fits)
            return clab_fail(cx, CLAB_EFORMAT, "%s: %s/%s does not have %s rows%s, one for each %s", a->file,
                             clab__part_names[part], clab_show(dict->names[i]), clab_text_count(n),
                             both ? " and columns" : "", part == CLAB__PART_OBSM || part == CLAB__PART_OBSP ? "cell" : "gene");
    }
    return CLAB_OK;
}

/* Graphs of AnnData < 0.7 stood in uns.neighbors; they belong to obsp. */
static clab_status move_graphs(clab_ctx *cx, clab__arrival *a, int64_t n)
{
    static const char *const keys[] = {"distances", "connectivities"};
    const clab_value *old = clab_value_get(a->part[CLAB__PART_UNS], "neighbors");
    clab_value *neighbors = NULL, *uns = NULL, *obsp = NULL;
    clab_status st = CLAB_OK;
    bool any = false;
    for (int i = 0; old && old->kind == CLAB_V_DICT && i < 2; i++) {
        const clab_value *v = clab_value_get(old, keys[i]);
        any = any || (v && v->kind == CLAB_V_SPARSE && v->dims[0] == n && v->dims[1] == n &&
                      !clab_value_get(a->part[CLAB__PART_OBSP], keys[i]));
    }
    if (!any)
        return CLAB_OK;
    if ((st = clab_value_copy(cx, old, &neighbors)) != CLAB_OK ||
        (st = clab_value_copy(cx, a->part[CLAB__PART_UNS], &uns)) != CLAB_OK ||
        (st = a->part[CLAB__PART_OBSP] ? clab_value_copy(cx, a->part[CLAB__PART_OBSP], &obsp) : clab_value_dict(cx, &obsp)) !=
            CLAB_OK)
        goto done;
    for (int i = 0; st == CLAB_OK && i < 2; i++) {
        const clab_value *v = clab_value_get(old, keys[i]);
        if (!v || v->kind != CLAB_V_SPARSE || v->dims[0] != n || v->dims[1] != n ||
            clab_value_get(obsp, keys[i]))
            continue;
        st = clab_value_set(cx, obsp, keys[i], v);
        clab_value_remove(neighbors, keys[i]);
    }
    if (st == CLAB_OK)
        st = clab_value_set(cx, uns, "neighbors", neighbors);
    if (st == CLAB_OK) {
        clab_value_unref(a->part[CLAB__PART_UNS]);
        clab_value_unref(a->part[CLAB__PART_OBSP]);
        a->part[CLAB__PART_UNS] = clab_value_ref(uns);
        a->part[CLAB__PART_OBSP] = clab_value_ref(obsp);
    }
done:
    clab_value_unref(neighbors);
    clab_value_unref(uns);
    clab_value_unref(obsp);
    return st;
}

static clab_status check_matrix(clab_ctx *cx, const clab__arrival *a, int64_t i, int64_t rows, int64_t cols)
{
    if (clab_matrix_n_rows(a->matrix[i]) == rows && clab_matrix_n_cols(a->matrix[i]) == cols)
        return CLAB_OK;
    return clab_fail(cx, CLAB_EFORMAT, "%s: %s is %s x %s, it should be %s x %s", a->file,
                     clab_show(a->section[i]), clab_text_count(clab_matrix_n_rows(a->matrix[i])),
                     clab_text_count(clab_matrix_n_cols(a->matrix[i])), clab_text_count(rows),
                     clab_text_count(cols));
}

static clab_status place_matrices(clab_ctx *cx, const clab__arrival *a, clab_dataset *d)
{
    int64_t rows = clab_dataset_n_obs(d), cols = clab_dataset_n_vars(d);
    d->layers = calloc((size_t)a->n_matrices + 1, sizeof *d->layers);
    d->layer_names = calloc((size_t)a->n_matrices + 1, sizeof *d->layer_names);
    if (!d->layers || !d->layer_names)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for the layers of %s", a->file);
    for (int64_t i = 0; i < a->n_matrices; i++) {
        bool raw = strcmp(a->section[i], "raw/X") == 0;
        clab_status st = CLAB_OK;
        if (raw && !a->part[CLAB__PART_RAW_VAR])
            st = clab_fail(cx, CLAB_EFORMAT, "%s: raw has no var", a->file);
        if (st == CLAB_OK)
            st = check_matrix(cx, a, i, rows, raw ? clab_value_len(a->part[CLAB__PART_RAW_VAR]) : cols);
        if (st != CLAB_OK)
            return st;
        if (raw) {
            d->raw.x = clab_matrix_ref(a->matrix[i]);
            d->raw.var = clab_value_ref(a->part[CLAB__PART_RAW_VAR]);
            d->raw.varm = clab_value_ref(a->part[CLAB__PART_RAW_VARM]);
        } else if (strncmp(a->section[i], "layers/", 7) == 0) {
            if (!(d->layer_names[d->n_layers] = strdup(a->section[i] + 7)))
                return clab_fail(cx, CLAB_ENOMEM, "no memory for the layers of %s", a->file);
            d->layers[d->n_layers++] = clab_matrix_ref(a->matrix[i]);
        }
    }
    return CLAB_OK;
}

static void place_part(clab_value **slot, clab_value *v)
{
    if (!v)
        return;
    clab_value_unref(*slot);
    *slot = clab_value_ref(v);
}

/* The "read" entry of the steps: file, size, hash of X, where the counts are. */
static clab_status log_read(clab_ctx *cx, clab_dataset *d, const char *path)
{
    clab_value *p = NULL;
    struct stat st;
    char hash[24] = "";
    const char *slash = strrchr(path, '/');
    if (d->x)
        snprintf(hash, sizeof hash, "%016" PRIx64, clab_store_get_info(clab_matrix_store(d->x, 0))->hash);
    const struct {
        const char *key, *text;
    } texts[] = {{"file", slash ? slash + 1 : path},
                 {"hash", hash},
                 {"counts", d->counts_from ? d->counts_from : "none"}};
    clab_status s = clab_value_dict(cx, &p);
    for (size_t i = 0; s == CLAB_OK && i < sizeof texts / sizeof *texts; i++)
        s = clab_value_set_string(cx, p, texts[i].key, texts[i].text);
    if (s == CLAB_OK && stat(path, &st) == 0)
        s = clab_value_set_integer(cx, p, "bytes", st.st_size);
    if (s == CLAB_OK)
        s = clab_dataset_log(cx, d, "read", p);
    clab_value_unref(p);
    return s;
}

clab_status clab__assemble(clab_ctx *cx, clab__arrival *a, const char *path, const char *counts,
                            clab_dataset **out)
{
    clab_dataset *d = NULL;
    const clab_matrix *x = NULL;
    const char *slash = strrchr(path, '/');
    clab_status st;
    if (!a->part[CLAB__PART_OBS] || !a->part[CLAB__PART_VAR] || a->part[CLAB__PART_OBS]->kind != CLAB_V_TABLE ||
        a->part[CLAB__PART_VAR]->kind != CLAB_V_TABLE)
        return clab_fail(cx, CLAB_EFORMAT, "%s has no obs or no var", a->file);
    int64_t n = clab_value_len(a->part[CLAB__PART_OBS]), g = clab_value_len(a->part[CLAB__PART_VAR]);
    for (int64_t i = 0; i < a->n_matrices; i++)
        if (strcmp(a->section[i], "X") == 0)
            x = a->matrix[i];
    if ((st = check_lengths(cx, a, CLAB__PART_OBSM, n, false)) != CLAB_OK ||
        (st = check_lengths(cx, a, CLAB__PART_VARM, g, false)) != CLAB_OK || (st = move_graphs(cx, a, n)) != CLAB_OK ||
        (st = check_lengths(cx, a, CLAB__PART_OBSP, n, true)) != CLAB_OK ||
        (st = check_lengths(cx, a, CLAB__PART_VARP, g, true)) != CLAB_OK ||
        (st = clab_dataset_new(cx, slash ? slash + 1 : path, x, a->part[CLAB__PART_OBS], a->part[CLAB__PART_VAR], &d)) != CLAB_OK)
        return st;
    place_part(&d->obsm, a->part[CLAB__PART_OBSM]);
    place_part(&d->varm, a->part[CLAB__PART_VARM]);
    place_part(&d->obsp, a->part[CLAB__PART_OBSP]);
    place_part(&d->varp, a->part[CLAB__PART_VARP]);
    place_part(&d->uns, a->part[CLAB__PART_UNS]);
    const clab_value *ours = clab_value_get(d->uns, "celllab"),
                     *steps = ours && ours->kind == CLAB_V_DICT ? clab_value_get(ours, "steps") : NULL;
    if (steps && steps->kind == CLAB_V_DICT)
        place_part(&d->steps, (clab_value *)(uintptr_t)steps);
    if ((st = place_matrices(cx, a, d)) != CLAB_OK || (st = clab__counts_find(cx, d, counts)) != CLAB_OK ||
        (st = log_read(cx, d, path)) != CLAB_OK) {
        clab_dataset_unref(d);
        return st;
    }
    *out = d;
    return CLAB_OK;
}

