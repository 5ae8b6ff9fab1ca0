/* write.c -- the session's side of writing: parts and row blocks stream to a guest that writes a
 * temporary file, which then takes the place of the target. */
#include "io/text_write_impl.h"
#include "io/write_impl.h"

#include "data/rows.h"
#include "ledger/timeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (4LL << 20)
#define WIDE_COLUMNS 3500 /* names of more columns do not fit an old object header */
#define DEFAULT_LEVEL 4
#define WRITER_BYTES (6LL << 20) /* of the worker that writes: HDF5, its caches, a block and its chunks */

void clab_write_opts_init(clab_write_opts *o)
{
    *o = (clab_write_opts){.compression = DEFAULT_LEVEL};
}

/* ---- parts over the wire -------------------------------------------------------------------------*/

clab_status clab__put_part(clab_ctx *cx, clab_wire *w, const char *section, const clab_value *v)
{
    clab_status st = clab_wire_put_u8(cx, w, CLAB__REC_VALUE);
    if (st == CLAB_OK)
        st = clab_wire_put_str(cx, w, section);
    return st == CLAB_OK ? clab_value_put(cx, w, v) : st;
}

/* Values that a float cannot hold travel as doubles. */
static bool needs_f64(clab_dtype t)
{
    return t == CLAB_F64 || t == CLAB_I32 || t == CLAB_I64 || t == CLAB_U32 || t == CLAB_U64;
}

/* What stands in front of a matrix's blocks. */
static clab_status put_head(clab_ctx *cx, clab_wire *w, const char *section, const clab__matrix_head *h)
{
    clab_status st;
    if ((st = clab_wire_put_u8(cx, w, CLAB__REC_MATRIX)) != CLAB_OK ||
        (st = clab_wire_put_str(cx, w, section)) != CLAB_OK ||
        (st = clab_wire_put_u8(cx, w, h->dense)) != CLAB_OK ||
        (st = clab_wire_put_u8(cx, w, (uint8_t)h->dtype)) != CLAB_OK ||
        (st = clab_wire_put_u8(cx, w, h->f64)) != CLAB_OK ||
        (st = clab_wire_put_i64(cx, w, h->n_rows)) != CLAB_OK ||
        (st = clab_wire_put_i64(cx, w, h->n_cols)) != CLAB_OK ||
        (st = clab_wire_put_i64(cx, w, h->nnz_bound)) != CLAB_OK)
        return st;
    return CLAB_OK;
}

static clab_status put_block(clab_ctx *cx, clab_wire *w, const clab_csr *b)
{
    clab_status st;
    if ((st = clab_wire_put_i64(cx, w, b->n_rows)) != CLAB_OK ||
        (st = clab_wire_put_i64(cx, w, b->nnz)) != CLAB_OK ||
        (st = clab_wire_put(cx, w, b->indptr, (size_t)(b->n_rows + 1) * sizeof *b->indptr)) != CLAB_OK ||
        (st = clab_wire_put(cx, w, b->indices, (size_t)b->nnz * sizeof *b->indices)) != CLAB_OK)
        return st;
    return b->f64 ? clab_wire_put(cx, w, b->f64, (size_t)b->nnz * sizeof *b->f64)
                  : clab_wire_put(cx, w, b->f32, (size_t)b->nnz * sizeof *b->f32);
}

/* Rows leave as doubles, which hold whole numbers up to 2^53. */
static void tell_rounded(clab_ctx *cx, const char *name, const clab_matrix *m)
{
    const double most = 9007199254740992.0;
    bool rounded = false;
    for (int i = 0; m && clab_matrix_is_raw(m) && i < clab_matrix_n_blocks(m); i++) {
        const clab_store_info *info = clab_store_get_info(clab_matrix_store(m, i));
        rounded = rounded || ((info->dtype == CLAB_I64 || info->dtype == CLAB_U64) && (info->max > most || info->min < -most));
    }
    if (rounded)
        clab_warn(cx, "write: %s holds whole numbers beyond 2^53, which are written rounded to the nearest double", clab_show(name));
}

static clab_status put_matrix(clab_ctx *cx, clab_wire *w, const char *section, const clab_matrix *m,
                              bool dense)
{
    char phase[64];
    clab_rows *rows = NULL;
    const clab_csr *block = NULL;
    snprintf(phase, sizeof phase, "write %.50s", section);
    tell_rounded(cx, section, m);
    clab__matrix_head head = {.n_rows = clab_matrix_n_rows(m),
                              .n_cols = clab_matrix_n_cols(m),
                              .nnz_bound = clab_matrix_nnz_bound(m),
                              .dtype = clab_matrix_dtype(m),
                              .dense = dense,
                              .f64 = needs_f64(clab_matrix_dtype(m))};
    clab_rows_opts o = {.max_bytes = BLOCK_BYTES, .f64 = head.f64, .phase = phase};
    clab_status st = put_head(cx, w, section, &head);
    if (st == CLAB_OK)
        st = clab_rows_open(cx, m, &o, &rows);
    while (st == CLAB_OK && (st = clab_rows_next(cx, rows, &block)) == CLAB_OK && block)
        if (block->n_rows > 0)
            st = put_block(cx, w, block);
    clab_rows_close(cx, rows);
    return st == CLAB_OK ? clab_wire_put_i64(cx, w, 0) : st;
}

/* ---- uns.celllab ---------------------------------------------------------------------------------*/

/* Under its name; another file of the same name, as 10x files have, becomes "NAME (2)". */
static clab_status add_input(clab_ctx *cx, clab_value *inputs, const char *name, const clab_value *hash)
{
    clab_str key = {0};
    clab_status st = CLAB_OK;

    clab_str_add(&key, name);
    for (int again = 2; !key.failed; again++) {
        const clab_value *there = clab_value_get(inputs, key.s);
        if (there && strcmp(*(char *const *)there->data, *(char *const *)hash->data) == 0)
            break;
        if (!there) {
            st = clab_value_set(cx, inputs, key.s, hash);
            break;
        }
        clab_str_free(&key);
        clab_str_addf(&key, "%s (%d)", name, again);
    }
    if (key.failed)
        st = clab_fail(cx, CLAB_ENOMEM, "no memory for the names of the inputs");
    clab_str_free(&key);
    return st;
}

/* Files that were read on the way to this dataset, with the hashes of their matrices. */
static clab_status collect_inputs(clab_ctx *cx, const clab_value *steps, clab_value *inputs)
{
    clab_status st = CLAB_OK;
    for (int64_t i = 0; st == CLAB_OK && i < steps->n_items; i++) {
        const clab_value *step = steps->items[i];
        if (step->kind != CLAB_V_DICT)
            continue;
        const clab_value *p = clab_value_get(step, "parameters");
        const clab_value *file = p && p->kind == CLAB_V_DICT ? clab_value_get(p, "file") : NULL;
        const clab_value *hash = file ? clab_value_get(p, "hash") : NULL;
        if (file && hash && file->kind == CLAB_V_STRINGS && hash->kind == CLAB_V_STRINGS && file->rank == 0 &&
            hash->rank == 0)
            st = add_input(cx, inputs, *(char *const *)file->data, hash);
        else
            st = collect_inputs(cx, step, inputs); /* a concat keeps the steps of its parts inside its own */
    }
    return st;
}

/* The seed of the last step that has one (borrowed), or NULL. */
static const clab_value *last_seed(const clab_value *steps)
{
    const clab_value *seed = NULL;
    for (int64_t i = steps->n_items - 1; !seed && i >= 0; i--) {
        const clab_value *step = steps->items[i];
        const clab_value *p = step->kind == CLAB_V_DICT ? clab_value_get(step, "parameters") : NULL;
        seed = p && p->kind == CLAB_V_DICT ? clab_value_get(p, "seed") : NULL;
        if (!seed && step->kind == CLAB_V_DICT)
            seed = last_seed(step);
    }
    return seed;
}

/* uns with celllab = what was there before, and version, steps, inputs as they are now. */
clab_status clab__with_provenance(clab_ctx *cx, const clab_dataset *d, clab_value **out)
{
    clab_value *uns = NULL, *ours = NULL, *inputs = NULL;
    const clab_value *before = clab_value_get(d->uns, "celllab");
    clab_status st = clab_value_copy(cx, d->uns, &uns);
    if (st == CLAB_OK)
        st = before && before->kind == CLAB_V_DICT ? clab_value_copy(cx, before, &ours)
                                                   : clab_value_dict(cx, &ours);
    if (st == CLAB_OK)
        st = clab_value_set_string(cx, ours, "version", CLAB_VERSION);
    if (st == CLAB_OK)
        st = clab_value_dict(cx, &inputs);
    if (st == CLAB_OK)
        st = collect_inputs(cx, d->steps, inputs);
    if (st == CLAB_OK)
        st = clab_value_set(cx, ours, "inputs", inputs);
    if (st == CLAB_OK)
        st = clab_value_set(cx, ours, "steps", d->steps);
    const clab_value *seed = last_seed(d->steps);
    if (st == CLAB_OK && seed)
        st = clab_value_set(cx, ours, "seed", seed);
    if (st == CLAB_OK)
        st = clab_value_set(cx, uns, "celllab", ours);
    clab_value_unref(ours);
    clab_value_unref(inputs);
    if (st != CLAB_OK) {
        clab_value_unref(uns);
        return st;
    }
    *out = uns;
    return CLAB_OK;
}

/* ---- the whole file ------------------------------------------------------------------------------*/

/* A matrix that was dense in its file and is as it was stays dense; one that is centred has no zeros to leave out. */
static bool stays_dense(const clab_matrix *m, bool wanted)
{
    return wanted || clab_matrix_has_base(m) || (clab_matrix_is_dense(m) && clab_matrix_is_raw(m));
}

/* Of every value, stored or not; at most what int64 holds. */
static int64_t dense_bytes(const clab_matrix *m)
{
    double bytes = (double)clab_matrix_n_rows(m) * (double)clab_matrix_n_cols(m) *
                   (double)clab_dtype_size(clab_matrix_dtype(m));

    return bytes < 9e18 ? (int64_t)bytes : INT64_MAX;
}

/* What was a recipe until now becomes bytes: how many. */
static void tell_dense(clab_ctx *cx, const char *name, const clab_matrix *m)
{
    if (m && clab_matrix_has_base(m))
        clab_note(cx, "write: %s is centred: all %s x %s values are written, %s before compression", clab_show(name),
                  clab_text_count(clab_matrix_n_rows(m)), clab_text_count(clab_matrix_n_cols(m)),
                  clab_bytes(dense_bytes(m)));
}

static clab_status put_dataset(clab_ctx *cx, clab_wire *w, const clab_dataset *d, const clab_value *uns,
                               bool dense)
{
    char section[512];
    clab_status st;
    if ((st = clab__put_part(cx, w, "obs", d->obs)) != CLAB_OK ||
        (st = clab__put_part(cx, w, "var", d->var)) != CLAB_OK ||
        (st = clab__put_part(cx, w, "obsm", d->obsm)) != CLAB_OK ||
        (st = clab__put_part(cx, w, "varm", d->varm)) != CLAB_OK ||
        (st = clab__put_part(cx, w, "obsp", d->obsp)) != CLAB_OK ||
        (st = clab__put_part(cx, w, "varp", d->varp)) != CLAB_OK || (st = clab__put_part(cx, w, "uns", uns)) != CLAB_OK)
        return st;
    if (d->raw.x && d->raw.var) {
        st = clab__put_part(cx, w, "raw/var", d->raw.var);
        if (st == CLAB_OK && d->raw.varm)
            st = clab__put_part(cx, w, "raw/varm", d->raw.varm);
        if (st == CLAB_OK)
            st = put_matrix(cx, w, "raw/X", d->raw.x, stays_dense(d->raw.x, false));
    }
    for (int64_t i = 0; st == CLAB_OK && i < d->n_layers; i++) {
        snprintf(section, sizeof section, "layers/%s", d->layer_names[i]);
        st = put_matrix(cx, w, section, d->layers[i], stays_dense(d->layers[i], false));
    }
    if (st == CLAB_OK && d->x)
        st = put_matrix(cx, w, "X", d->x, stays_dense(d->x, dense));
    return st;
}

bool clab__has_wide_table(const clab_value *v)
{
    bool wide = v && v->kind == CLAB_V_TABLE && v->n_items > WIDE_COLUMNS;
    for (int64_t i = 0; v && !wide && (v->kind == CLAB_V_TABLE || v->kind == CLAB_V_DICT) && i < v->n_items;
         i++)
        wide = clab__has_wide_table(v->items[i]);
    return wide;
}

clab_status clab__write_start(clab_ctx *cx, const clab__atomic *a, const char *name, int level, clab__out_kind kind,
                              bool wide, clab_guest **g)
{
    char what[256];
    snprintf(what, sizeof what, "writing %s", name);
    clab_status st = clab_guest_start(cx, "h5-write", what, NULL, 0, g);
    if (st != CLAB_OK)
        return st;
    clab_wire *w = clab_guest_wire(*g);
    if ((st = clab_wire_put_str(cx, w, a->temporary)) != CLAB_OK ||
        (st = clab_wire_put_str(cx, w, name)) != CLAB_OK ||
        (st = clab_wire_put_i64(cx, w, level)) != CLAB_OK ||
        (st = clab_wire_put_u8(cx, w, (uint8_t)kind)) != CLAB_OK || (st = clab_wire_put_u8(cx, w, wide)) != CLAB_OK)
        return clab__guest_failed(cx, *g, st);
    return CLAB_OK;
}

/* A dry run: what the worker would hold, and the bytes that the file will have, about: packed counts are as large as
 * deflated ones, tables are taken as they are. */
static clab_status foresee(clab_ctx *cx, clab__atomic *a, const clab_dataset *d, const clab_value *tree)
{
    int64_t bytes = clab_value_bytes(tree);
    char what[256];
    snprintf(what, sizeof what, "writing %s", clab__file_name(a->target));
    const clab_value *tables[] = {d ? d->obs : NULL, d ? d->var : NULL, d ? d->obsm : NULL, d ? d->obsp : NULL};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        bytes += tables[i] ? clab_value_bytes(tables[i]) : 0;
    for (int64_t i = -2; d && i < d->n_layers; i++) {
        const clab_matrix *m = i == -2 ? d->x : i == -1 ? d->raw.x : d->layers[i];
        bytes += !m ? 0 : clab_matrix_has_base(m) ? dense_bytes(m) : clab_matrix_packed_bytes(m);
    }
    clab_guest_foresee(cx, WRITER_BYTES, what);
    clab_timeline_file(cx, true, bytes);
    clab__atomic_abort(a);
    return CLAB_OK;
}

/* Ends the conversation and puts the file in place, or removes it. */
clab_status clab__write_finish(clab_ctx *cx, clab_guest *g, clab_status st, clab__atomic *a)
{
    clab_wire *w = clab_guest_wire(g);
    if (st == CLAB_OK)
        st = clab_wire_put_u8(cx, w, CLAB__REC_END);
    if (st == CLAB_OK)
        st = clab_wire_flush(cx, w);
    st = st == CLAB_OK ? clab_guest_end(cx, g) : clab__guest_failed(cx, g, st);
    if (st == CLAB_OK)
        return clab__atomic_commit(cx, a);
    clab__atomic_abort(a);
    return st;
}

clab_status clab_write(clab_ctx *cx, const clab_dataset *d, const char *path, const clab_write_opts *opts)
{
    clab_write_opts o;
    clab__atomic a;
    clab_guest *g = NULL;
    clab_value *uns = NULL;
    char name[160];
    clab_write_opts_init(&o);
    o = opts ? *opts : o;
    if (o.compression < 0 || o.compression > 9)
        return clab_fail(cx, CLAB_EARG, "compression is %d; it is 0 (none) to 9", o.compression);
    snprintf(name, sizeof name, "%s", clab__file_name(path));
    clab__write_kind kind;
    char delimiter;
    clab_status st = clab__write_kind_of(cx, path, o.format, &kind, &delimiter);
    if (st == CLAB_OK && kind != CLAB__WRITE_H5AD)
        return kind == CLAB__WRITE_MTX ? clab__write_mtx(cx, d, path, o.compression)
                                       : clab__write_table(cx, d, path, delimiter, o.compression);
    if (st == CLAB_OK)
        st = clab__with_provenance(cx, d, &uns);
    if (st == CLAB_OK)
        st = clab__atomic_begin(cx, path, &a);
    if (st != CLAB_OK) {
        clab_value_unref(uns);
        return st;
    }
    tell_dense(cx, "X", d->x);
    for (int64_t i = 0; i < d->n_layers; i++)
        tell_dense(cx, d->layer_names[i], d->layers[i]);
    clab_phase *phase = clab_phase_begin(cx, "write", 0, "");
    if (clab_ctx_planning(cx)) {
        st = foresee(cx, &a, d, uns);
        goto done;
    }
    bool wide = clab__has_wide_table(d->obs) || clab__has_wide_table(d->var) || clab__has_wide_table(d->obsm) ||
                clab__has_wide_table(d->varm) || clab__has_wide_table(uns);
    st = clab__write_start(cx, &a, name, o.compression, CLAB__OUT_H5AD, wide, &g);
    if (st == CLAB_OK)
        st = clab__write_finish(cx, g, put_dataset(cx, clab_guest_wire(g), d, uns, o.dense), &a);
    else
        clab__atomic_abort(&a);
done:
    clab_phase_end(phase);
    clab_value_unref(uns);
    return st;
}

/* Rows as they are made, then the tables: what stands in them may be known only at the end. */
static clab_status put_source(clab_ctx *cx, clab_wire *w, const clab_row_source *x)
{
    clab__matrix_head head = {.n_rows = x->n_rows,
                              .n_cols = x->n_cols,
                              .nnz_bound = x->nnz_bound,
                              .dtype = x->dtype};
    const clab_csr *block = NULL;
    clab_dataset *d = NULL;
    clab_value *uns = NULL;
    clab_status st = put_head(cx, w, "X", &head);
    while (st == CLAB_OK && (st = x->next(cx, x->user, &block)) == CLAB_OK && block)
        if (block->n_rows > 0)
            st = put_block(cx, w, block);
    if (st == CLAB_OK)
        st = clab_wire_put_i64(cx, w, 0);
    if (st == CLAB_OK)
        st = x->rest(cx, x->user, &d);
    if (st == CLAB_OK)
        st = clab__with_provenance(cx, d, &uns);
    if (st == CLAB_OK)
        st = put_dataset(cx, w, d, uns, false);
    clab_value_unref(uns);
    clab_dataset_unref(d);
    return st;
}

clab_status clab_write_rows(clab_ctx *cx, const clab_row_source *x, const char *path,
                            const clab_write_opts *opts)
{
    clab__atomic a;
    clab_guest *g = NULL;
    char name[160];
    snprintf(name, sizeof name, "%s", clab__file_name(path));
    clab_status st = clab__atomic_begin(cx, path, &a);
    if (st != CLAB_OK)
        return st;
    if (clab_ctx_planning(cx)) { /* the tables are known at the end only, and small beside the rows */
        char what[256];
        snprintf(what, sizeof what, "writing %s", name);
        clab_guest_foresee(cx, WRITER_BYTES, what);
        clab__atomic_abort(&a);
        return CLAB_OK;
    }
    st = clab__write_start(cx, &a, name, opts ? opts->compression : DEFAULT_LEVEL, CLAB__OUT_H5AD, false, &g);
    if (st == CLAB_OK)
        return clab__write_finish(cx, g, put_source(cx, clab_guest_wire(g), x), &a);
    clab__atomic_abort(&a);
    return st;
}

clab_status clab_write_value(clab_ctx *cx, const clab_value *dict, const char *path)
{
    clab__atomic a;
    clab_guest *g = NULL;
    char name[160];
    if (dict->kind != CLAB_V_DICT)
        return clab_fail(cx, CLAB_EARG, "only a dictionary can be written as a file");
    snprintf(name, sizeof name, "%s", clab__file_name(path));
    clab_status st = clab__atomic_begin(cx, path, &a);
    if (st != CLAB_OK)
        return st;
    if (clab_ctx_planning(cx))
        return foresee(cx, &a, NULL, dict);
    st = clab__write_start(cx, &a, name, DEFAULT_LEVEL, CLAB__OUT_TREE, clab__has_wide_table(dict), &g);
    if (st == CLAB_OK)
        return clab__write_finish(cx, g, clab__put_part(cx, clab_guest_wire(g), "", dict), &a);
    clab__atomic_abort(&a);
    return st;
}
