/* simulate.c -- studies from arguments: in memory or straight into files, with their truth beside them. */
#include "steps/simulate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "io/io.h"
#include "ledger/ledger.h"
#include "steps/simulate_impl.h"

const clab_param clab_simulate_params[] = {
    [CLAB_SIM_CELLS] = {"cells", CLAB_P_INT, NULL, 1, 1e9, NULL, "cells", "of the study, or of the reference"},
    [CLAB_SIM_QUERY] = {"query_cells", CLAB_P_INT, "0", 0, 1e9, NULL, "cells",
                        "of a second study that shares types and most genes with the first; 0 = none"},
    [CLAB_SIM_GENES] = {"genes", CLAB_P_INT, "30000", 1, 1e6, NULL, "genes", "of each study"},
    [CLAB_SIM_SHARED] = {"shared_genes", CLAB_P_INT, "", 0, 1e6, NULL, "genes",
                         "that reference and query have in common; default: five of six"},
    [CLAB_SIM_TYPES] = {"types", CLAB_P_INT, "12", 1, 1000, NULL, "types", "of cells, of unequal sizes"},
    [CLAB_SIM_BATCHES] = {"batches", CLAB_P_INT, "1", 1, 100, NULL, "batches", "of each study"},
    [CLAB_SIM_DEPTH] = {"depth", CLAB_P_NUM, "5000", 1, 1e6, NULL, "UMIs", "of a cell, on average"},
    [CLAB_SIM_EFFECT] = {"batch_effect", CLAB_P_NUM, "0.3", 0, 3, NULL, "",
                         "standard deviation of a gene's log expression between batches"},
    [CLAB_SIM_SEED] = {"seed", CLAB_P_INT, "0", 0, 9007199254740992.0, NULL, "", "of the random numbers"},
    [CLAB_SIM_PATH] = {"path", CLAB_P_STR, "", 0, 0, NULL, "",
                       "write there instead: an .h5ad, or for a pair the folder of reference.h5ad and query.h5ad"},
    [CLAB_SIM_LEVEL] = {"compression", CLAB_P_INT, "1", 0, 9, NULL, "", "deflate level of the files"},
};
const int clab_simulate_n_params = (int)(sizeof clab_simulate_params / sizeof *clab_simulate_params);

static clab_status make_plan(clab_ctx *cx, const clab_arg *a, clab__sim_plan *p)
{
    bool pair = a[CLAB_SIM_QUERY].i > 0;

    *p = (clab__sim_plan){
        .cells = {a[CLAB_SIM_CELLS].i, a[CLAB_SIM_QUERY].i},
        .genes = a[CLAB_SIM_GENES].i,
        .types = a[CLAB_SIM_TYPES].i,
        .batches = a[CLAB_SIM_BATCHES].i,
        .depth = a[CLAB_SIM_DEPTH].num,
        .effect = a[CLAB_SIM_EFFECT].num,
        .seed = (uint64_t)a[CLAB_SIM_SEED].i,
    };
    int64_t shared = a[CLAB_SIM_SHARED].given ? a[CLAB_SIM_SHARED].i : p->genes - p->genes / 6;
    p->union_genes = pair ? 2 * p->genes - shared : p->genes;
    if (a[CLAB_SIM_SHARED].given && !pair)
        return clab_fail(cx, CLAB_EARG, "simulate: shared_genes is for a pair; give query_cells too");
    if (shared > p->genes)
        return clab_fail(cx, CLAB_EARG, "simulate: shared_genes=%s is more than the %s genes of a study",
                         clab_text_count(shared), clab_text_count(p->genes));
    if (p->genes >= 1000 && shared < 100)
        return clab_fail(cx, CLAB_EARG, "simulate: shared_genes=%s; studies of 1,000 genes and more share at least 100",
                         clab_text_count(shared));
    return CLAB_OK;
}

/* ---- the tables beside the counts -------------------------------------------------------------------*/

/* n numbered names PREFIX01..; the caller owns *out. */
static clab_status numbered(clab_ctx *cx, const char *prefix, int64_t first, int64_t n, int64_t most,
                            clab_value **out)
{
    int width = snprintf(NULL, 0, "%lld", (long long)most);
    clab_value *v = NULL;
    const char **names = NULL;
    char(*text)[24] = NULL;
    clab_status st = clab_mem_alloc(cx, CLAB_MEM_WORK, n * (int64_t)sizeof *text + 8, "names", (void **)&text);

    if (st == CLAB_OK)
        st = clab_mem_alloc(cx, CLAB_MEM_WORK, n * (int64_t)sizeof *names + 8, "names", (void **)&names);
    for (int64_t i = 0; st == CLAB_OK && i < n; i++) {
        snprintf(text[i], sizeof text[i], "%s%0*lld", prefix, width, (long long)(first + i));
        names[i] = text[i];
    }
    if (st == CLAB_OK)
        st = clab_value_strings(cx, 1, &n, names, &v);
    clab_mem_free(cx, names);
    clab_mem_free(cx, text);
    *out = v;
    return st;
}

/* Adds column `v` to `table` unless something failed before; gives v up. */
static clab_status add(clab_ctx *cx, clab_status st, clab_value *table, const char *name, clab_value *v)
{
    if (st == CLAB_OK)
        st = clab_value_set(cx, table, name, v);
    clab_value_unref(v);
    return st;
}

static clab_status levels_column(clab_ctx *cx, clab_value *table, const char *name, int64_t n, const int32_t *codes,
                                 clab_value *levels)
{
    clab_value *v = NULL;
    clab_status st = clab_value_categorical(cx, n, codes, levels, false, &v);

    return add(cx, st, table, name, v);
}

static clab_status make_obs(clab_ctx *cx, const clab__sim_model *m, const clab__sim_cells *c, clab_value **obs)
{
    static const char *const prefix[] = {"cell_", "query_"};
    const clab__sim_plan *p = &m->plan;
    int64_t n = p->cells[m->study], studies = p->cells[1] > 0 ? 2 : 1;
    clab_value *names = NULL, *types = NULL, *batches = NULL, *total = NULL;
    clab_status st = numbered(cx, studies == 2 && m->study == 0 ? "reference_" : prefix[m->study], 1, n, n, &names);

    if (st == CLAB_OK)
        st = clab_value_table(cx, names, NULL, obs);
    if (st == CLAB_OK)
        st = numbered(cx, "type_", 1, p->types, p->types, &types);
    if (st == CLAB_OK)
        st = levels_column(cx, *obs, "cell_type", n, clab__sim_cells_types(c), types);
    if (st == CLAB_OK)
        st = numbered(cx, "batch_", 1 + m->study * p->batches, p->batches, studies * p->batches, &batches);
    if (st == CLAB_OK)
        st = levels_column(cx, *obs, "batch", n, clab__sim_cells_batches(c), batches);
    if (st == CLAB_OK)
        st = clab_value_array(cx, CLAB_I64, 1, &n, clab__sim_cells_totals(c), &total);
    st = add(cx, st, *obs, "sim_total", total);
    clab_value_unref(names);
    clab_value_unref(types);
    clab_value_unref(batches);
    return st;
}

static clab_status gene_names(clab_ctx *cx, const clab__sim_model *m, clab_value **out)
{
    const char **names = NULL;
    char(*text)[24] = NULL;
    int64_t n = m->n_genes;
    clab_status st = clab_mem_alloc(cx, CLAB_MEM_WORK, n * (int64_t)sizeof *text, "names", (void **)&text);

    if (st == CLAB_OK)
        st = clab_mem_alloc(cx, CLAB_MEM_WORK, n * (int64_t)sizeof *names, "names", (void **)&names);
    for (int64_t i = 0; st == CLAB_OK && i < n; i++) {
        clab__sim_gene_name(&m->plan, m->genes[i], text[i], sizeof text[i]);
        names[i] = text[i];
    }
    if (st == CLAB_OK)
        st = clab_value_strings(cx, 1, &n, names, out);
    clab_mem_free(cx, names);
    clab_mem_free(cx, text);
    return st;
}

static clab_status make_var(clab_ctx *cx, const clab__sim_model *m, const clab__sim_cells *c, clab_value **var)
{
    clab_value *names = NULL, *total = NULL, *types = NULL;
    int32_t *codes = NULL;
    int64_t n = m->n_genes;
    clab_status st = gene_names(cx, m, &names);

    if (st == CLAB_OK)
        st = clab_value_table(cx, names, NULL, var);
    if (st == CLAB_OK)
        st = clab_value_array(cx, CLAB_I64, 1, &n, NULL, &total);
    if (st == CLAB_OK)
        clab__sim_cells_gene_totals(c, total->data);
    st = add(cx, st, *var, "sim_gene_total", total);
    if (st == CLAB_OK)
        st = numbered(cx, "type_", 1, m->plan.types, m->plan.types, &types);
    if (st == CLAB_OK)
        st = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 4, "markers", (void **)&codes);
    for (int64_t g = 0; st == CLAB_OK && g < n; g++)
        codes[g] = m->marker_of[m->genes[g]];
    if (st == CLAB_OK)
        st = levels_column(cx, *var, "marker_of", n, codes, types);
    clab_mem_free(cx, codes);
    clab_value_unref(types);
    clab_value_unref(names);
    return st;
}

/* All but the counts, which were drawn: x may be NULL. */
static clab_status make_dataset(clab_ctx *cx, const clab__sim_model *m, const clab__sim_cells *c, const clab_arg *a,
                                const clab_matrix *x, clab_dataset **out)
{
    clab_value *obs = NULL, *var = NULL, *params = NULL;
    clab_dataset *d = NULL;
    clab_status st = make_obs(cx, m, c, &obs);

    if (st == CLAB_OK)
        st = make_var(cx, m, c, &var);
    if (st == CLAB_OK)
        st = clab_args_value(cx, clab_simulate_params, CLAB_SIM_PATH, a, &params);
    if (st == CLAB_OK)
        st = clab_dataset_new(cx, m->study ? "simulated query" : "simulated", x, obs, var, &d);
    if (st == CLAB_OK)
        st = clab_dataset_uns_set(cx, d, "simulate", params);
    if (st == CLAB_OK)
        st = clab_dataset_log(cx, d, "simulate", params);
    if (st == CLAB_OK && x) {
        d->counts = clab_matrix_ref(x);
        d->counts_from = strdup("X");
        if (!d->counts_from)
            st = clab_fail(cx, CLAB_ENOMEM, "no memory for a dataset");
    }
    if (st != CLAB_OK) {
        clab_dataset_unref(d);
        d = NULL;
    }
    clab_value_unref(obs);
    clab_value_unref(var);
    clab_value_unref(params);
    *out = d;
    return st;
}

/* ---- in memory ------------------------------------------------------------------------------------*/

/* A dry run draws the first block only, and foresees the rest from it. */
static clab_status draw_store(clab_ctx *cx, const clab__sim_model *m, clab__sim_cells *c, clab_store **out)
{
    const char *what = m->study ? "simulated query" : "simulated counts";
    bool plan = clab_ctx_planning(cx);
    clab_store_builder *b = NULL;
    clab_store *sample = NULL;
    const clab_csr *block = NULL;
    clab_status st = clab_store_builder_new(cx, -1, m->n_genes, CLAB_F32, false, &b);

    while (st == CLAB_OK && (st = clab__sim_cells_next(cx, c, &block)) == CLAB_OK && block) {
        st = clab_store_builder_add(cx, b, block->n_rows, block->indptr, block->indices, block->f32);
        if (plan)
            break;
    }
    if (st != CLAB_OK) {
        clab_store_builder_free(b);
        return st;
    }
    if (!plan)
        return clab_store_builder_store(cx, b, what, out);
    st = clab_store_builder_store(cx, b, what, &sample);
    if (st == CLAB_OK)
        st = clab_store_sketch(cx, sample, m->plan.cells[m->study], NULL, -1, false, what, out);
    clab_store_unref(sample);
    return st;
}

static clab_status study_in_memory(clab_ctx *cx, const clab__sim_plan *p, int study, const clab_arg *a,
                                   clab_dataset **out)
{
    clab__sim_model *m = NULL;
    clab__sim_cells *c = NULL;
    clab_store *store = NULL;
    clab_matrix *x = NULL;
    clab_status st = clab__sim_model_new(cx, p, study, &m);

    if (st == CLAB_OK)
        st = clab__sim_cells_new(cx, m, &c);
    if (st == CLAB_OK)
        st = draw_store(cx, m, c, &store);
    if (st == CLAB_OK)
        st = clab_matrix_new(cx, store, &x);
    if (st == CLAB_OK)
        st = make_dataset(cx, m, c, a, x, out);
    clab_matrix_unref(x);
    clab_store_unref(store);
    clab__sim_cells_free(cx, c);
    clab__sim_model_free(cx, m);
    return st;
}

clab_status clab_simulate(clab_ctx *cx, const clab_arg *a, clab_dataset *out[2])
{
    clab__sim_plan p;
    clab_status st = make_plan(cx, a, &p);

    out[0] = out[1] = NULL;
    for (int k = 0; st == CLAB_OK && k < 2; k++)
        if (p.cells[k] > 0)
            st = study_in_memory(cx, &p, k, a, &out[k]);
    if (st != CLAB_OK) {
        clab_dataset_unref(out[0]);
        out[0] = NULL;
    }
    return st;
}

/* ---- into files -----------------------------------------------------------------------------------*/

typedef struct {
    const clab__sim_model *m;
    clab__sim_cells *c;
    const clab_arg *a;
} producer;

static clab_status next_block(clab_ctx *cx, void *user, const clab_csr **block)
{
    return clab__sim_cells_next(cx, ((producer *)user)->c, block);
}

static clab_status rest(clab_ctx *cx, void *user, clab_dataset **d)
{
    producer *p = user;

    return make_dataset(cx, p->m, p->c, p->a, NULL, d);
}

static clab_status study_into_file(clab_ctx *cx, const clab__sim_plan *p, int study, const clab_arg *a,
                                   const char *path)
{
    producer who = {.a = a};
    clab__sim_model *m = NULL;
    clab_write_opts o;
    clab_status st = clab__sim_model_new(cx, p, study, &m);

    who.m = m;
    if (st == CLAB_OK)
        st = clab__sim_cells_new(cx, m, &who.c);
    if (st == CLAB_OK) {
        clab_row_source x = {.n_rows = p->cells[study],
                             .n_cols = m->n_genes,
                             .nnz_bound = clab__sim_cells_bound(who.c),
                             .dtype = CLAB_F32,
                             .next = next_block,
                             .rest = rest,
                             .user = &who};
        clab_write_opts_init(&o);
        o.compression = (int)a[CLAB_SIM_LEVEL].i;
        st = clab_write_rows(cx, &x, path, &o);
    }
    clab__sim_cells_free(cx, who.c);
    clab__sim_model_free(cx, m);
    return st;
}

static clab_status name_files(clab_ctx *cx, const clab__sim_plan *p, const char *path, char *files[2])
{
    if (p->cells[1] == 0) {
        files[0] = strdup(path);
        return files[0] ? CLAB_OK : clab_fail(cx, CLAB_ENOMEM, "no memory for a path");
    }
    if (!clab_ctx_planning(cx) && mkdir(path, 0777) != 0 && errno != EEXIST)
        return clab_fail(cx, CLAB_EIO, "the folder %s cannot be made: %s", clab_show(path), strerror(errno));
    if (asprintf(&files[0], "%s/reference.h5ad", path) < 0)
        files[0] = NULL;
    if (asprintf(&files[1], "%s/query.h5ad", path) < 0)
        files[1] = NULL;
    return files[0] && files[1] ? CLAB_OK : clab_fail(cx, CLAB_ENOMEM, "no memory for a path");
}

clab_status clab_simulate_write(clab_ctx *cx, const clab_arg *a, char *files[2])
{
    clab__sim_plan p;
    clab_status st = make_plan(cx, a, &p);

    files[0] = files[1] = NULL;
    if (st == CLAB_OK && !(a[CLAB_SIM_PATH].given && a[CLAB_SIM_PATH].s[0]))
        st = clab_fail(cx, CLAB_EARG, "simulate: where to? path names a file, or a folder for a pair");
    if (st == CLAB_OK)
        st = name_files(cx, &p, a[CLAB_SIM_PATH].s, files);
    for (int k = 0; st == CLAB_OK && k < 2; k++)
        if (p.cells[k] > 0)
            st = study_into_file(cx, &p, k, a, files[k]);
    if (st != CLAB_OK) {
        free(files[0]);
        free(files[1]);
        files[0] = files[1] = NULL;
    }
    return st;
}
