/* concat.c -- several studies as one Dataset: cells one after another over joined genes.  The counts
 * stay where they are; the result is a view.  Semantics: anndata.concat, docs/steps/concat.md. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/concat_impl.h"
#include "ledger/ledger.h"

void clab_concat_opts_init(clab_concat_opts *o)
{
    *o = (clab_concat_opts){.label = "dataset_id", .min_shared = 0.1, .fill = (double)NAN};
}

/* ---- what is joined -----------------------------------------------------------------------------------*/

static clab_status check_keys(const clab__concat *c)
{
    for (int i = 0; i < c->n; i++)
        for (int e = 0; e < i; e++)
            if (strcmp(c->keys[i], c->keys[e]) == 0)
                return clab_fail(c->cx, CLAB_EARG, "concat: the key %s is given twice",
                                 clab_show(c->keys[i]));
    return CLAB_OK;
}

static clab_status join_genes(clab__concat *c)
{
    size_t n = (size_t)(c->n > 0 ? c->n : 0);
    const char *const **lists = calloc(n, sizeof *lists);
    const char **what = calloc(n, sizeof *what);
    int64_t *len = calloc(n, sizeof *len);
    clab_status s = lists && what && len ? CLAB_OK : clab_fail(c->cx, CLAB_ENOMEM, "no memory for concat");

    for (int i = 0; s == CLAB_OK && i < c->n; i++) {
        lists[i] = (const char *const *)c->parts[i]->var->index->data;
        len[i] = clab_dataset_n_vars(c->parts[i]);
        what[i] = c->parts[i]->name;
    }
    if (s == CLAB_OK)
        s = clab_gene_join_new(c->cx, lists, len, what, c->n, c->o->outer, &c->genes);
    free(lists);
    free(what);
    free(len);
    return s;
}

/* Genes of part i that are not in all the others. */
static int64_t not_shared(const clab__concat *c, int i)
{
    return clab_dataset_n_vars(c->parts[i]) - c->genes->shared;
}

/* Studies that share next to nothing name their genes differently: said before anything is made of it. */
static clab_status check_shared(const clab__concat *c)
{
    int64_t least = INT64_MAX;
    int small = 0;
    clab_str b = {0};

    for (int i = 0; i < c->n; i++) {
        if (clab_dataset_n_vars(c->parts[i]) < least) {
            least = clab_dataset_n_vars(c->parts[i]);
            small = i;
        }
    }
    if (least == 0 || (double)c->genes->shared >= c->o->min_shared * (double)least)
        return CLAB_OK;
    for (int i = 0; i < c->n; i++) {
        const char *const *names = (const char *const *)c->parts[i]->var->index->data;
        int64_t n = clab_dataset_n_vars(c->parts[i]);
        clab_str_addf(&b, "%s%s (%s) has %s such as %s", i ? ", " : "", clab_show(c->keys[i]),
                      clab_show(c->parts[i]->name), clab_gene_id_kind(names, n), n ? clab_show(names[n - 1]) : "none");
    }
    (void)clab_fail(c->cx, CLAB_ESHAPE, "concat: only %s of the %s genes of %s are in all studies: %s",
                    clab_text_count(c->genes->shared), clab_text_count(least), clab_show(c->parts[small]->name),
                    b.s ? b.s : "");
    clab_str_free(&b);
    return clab_gene_hint(c->cx, c->parts, c->n);
}

static void tell_inner(const clab__concat *c)
{
    const char *words = c->n == 2 ? "only in" : "not in all inputs from";
    clab_str b = {0};

    if (c->genes->same_set)
        return;
    for (int i = 0; i < c->n; i++)
        clab_str_addf(&b, "%s%s %s %s", i ? ", " : "", clab_text_count(not_shared(c, i)), words,
                      clab_show(c->keys[i]));
    clab_str_add(&b, " are left out");
    for (int i = 0; c->genes->shared == 0 && i < c->n; i++)
        clab_str_addf(&b, "%s %s has %s", i ? "," : "; the result has no gene:", clab_show(c->keys[i]),
                      clab_gene_id_kind((const char *const *)c->parts[i]->var->index->data,
                                        clab_dataset_n_vars(c->parts[i])));
    clab_warn(c->cx, "concat: the gene sets differ: %s shared genes are kept, %s",
              clab_text_count(c->genes->shared), b.s ? b.s : "");
    clab_str_free(&b);
}

static void tell_outer(const clab__concat *c)
{
    int64_t nnz = 0, held = 0, n = c->total, g = c->genes->n, csr, dense;

    if (c->genes->same_set)
        return;
    for (int i = 0; i < c->n; i++)
        if (c->parts[i]->x) {
            nnz += clab_matrix_nnz_bound(c->parts[i]->x);
            held += clab_matrix_store_bytes(c->parts[i]->x);
        }
    csr = (nnz > INT32_MAX ? 12 : 8) * nnz + 8 * (n + 1);
    if (__builtin_mul_overflow(4 * n, g, &dense))
        dense = INT64_MAX;
    clab_note(c->cx,
              "concat: an outer join has %s cells \u00d7 %s genes (%s in all inputs); it takes %s here, "
              "where the inputs "
              "are not copied, %s as a scipy CSR matrix and %s dense",
              clab_text_count(n), clab_text_count(g), clab_text_count(c->genes->shared), clab_bytes(held),
              clab_bytes(csr), clab_bytes(dense));
}

/* ---- the whole ----------------------------------------------------------------------------------------*/

static clab_status make_var(const clab__concat *c, clab_value **out)
{
    clab_value *index = NULL, *var = NULL;
    const char *index_name = c->parts[0]->var->index_name;
    clab_status s = clab_value_strings(c->cx, 1, &c->genes->n, c->genes->names, &index);

    for (int i = 0; i < c->n; i++) {
        c->pick[i] = c->parts[i]->var;
        if (strcmp(c->parts[i]->var->index_name, index_name) != 0)
            index_name = "_index";
    }
    if (s == CLAB_OK)
        s = clab_value_table(c->cx, index, index_name, &var);
    if (s == CLAB_OK)
        s = clab__merge_genes(c->cx, c->o->merge, c->pick, c->n, c->genes, var);
    clab_value_unref(index);
    if (s != CLAB_OK) {
        clab_value_unref(var);
        return s;
    }
    *out = var;
    return CLAB_OK;
}

static clab_status log_inputs(const clab__concat *c, clab_dataset *d)
{
    clab_value *params = NULL;
    clab_status s = clab_value_dict(c->cx, &params);

    if (s == CLAB_OK)
        s = clab_value_set_string(c->cx, params, "join", c->o->outer ? "outer" : "inner");
    for (int i = 0; s == CLAB_OK && i < c->n; i++) {
        clab_value *input = NULL;
        s = clab_value_dict(c->cx, &input);
        if (s == CLAB_OK)
            s = clab_value_set_string(c->cx, input, "name", c->parts[i]->name);
        if (s == CLAB_OK)
            s = clab_value_set(c->cx, input, "steps", c->parts[i]->steps);
        s = clab_value_set_made(c->cx, params, c->keys[i], s, input);
    }
    if (s == CLAB_OK)
        s = clab_dataset_log(c->cx, d, "concat", params);
    clab_value_unref(params);
    return s;
}

static clab_status merge_rest(const clab__concat *c, clab_dataset *d)
{
    clab_status s;

    for (int i = 0; i < c->n; i++)
        c->pick[i] = c->parts[i]->varm;
    s = clab__merge_genes(c->cx, c->o->merge, c->pick, c->n, c->genes, d->varm);
    for (int i = 0; i < c->n; i++)
        c->pick[i] = c->parts[i]->uns;
    return s == CLAB_OK ? clab__merge(c->cx, c->o->uns_merge, c->pick, c->n, d->uns) : s;
}

static clab_status assemble(clab__concat *c, const char *name, clab_dataset **out)
{
    clab_matrix **m = calloc((size_t)c->n, sizeof *m), *x = NULL;
    clab_value *obs = NULL, *var = NULL, *part = NULL;
    clab_dataset *d = NULL;
    clab_status s = m ? clab__concat_x(c, m, &x) : clab_fail(c->cx, CLAB_ENOMEM, "no memory for concat");

    if (s == CLAB_OK)
        s = clab__concat_obs(c, &obs);
    if (s == CLAB_OK)
        s = make_var(c, &var);
    if (s == CLAB_OK)
        s = clab_dataset_new(c->cx, name, x, obs, var, &d);
    if (s == CLAB_OK)
        s = clab__concat_origin(c, &part);
    if (s == CLAB_OK) {
        clab__part_set(&d->origin, part);
        part = NULL;
        s = clab__concat_obsm(c, &part);
    }
    if (s == CLAB_OK) {
        clab__part_set(&d->obsm, part);
        s = clab__concat_obsp(c, d->obsp);
    }
    if (s == CLAB_OK) {
        s = clab__concat_counts(c, m, d);
    }
    if (s == CLAB_OK)
        s = clab__concat_layers(c, m, d);
    if (s == CLAB_OK)
        s = clab__concat_raw(c, m, &d->raw);
    if (s == CLAB_OK)
        s = merge_rest(c, d);
    if (s == CLAB_OK)
        s = log_inputs(c, d);
    free(m);
    clab_matrix_unref(x);
    clab_value_unref(obs);
    clab_value_unref(var);
    if (s != CLAB_OK) {
        clab_dataset_unref(d);
        return s;
    }
    *out = d;
    return CLAB_OK;
}

static clab_status result_name(const clab__concat *c, char **name)
{
    clab_str b = {0};

    for (int i = 0; i < c->n && i < 4; i++)
        clab_str_addf(&b, "%s%s", i ? ", " : "concat(", c->parts[i]->name);
    clab_str_add(&b, c->n > 4 ? ", ...)" : ")");
    if (b.failed) {
        clab_str_free(&b);
        return clab_fail(c->cx, CLAB_ENOMEM, "no memory for concat");
    }
    *name = b.s;
    return CLAB_OK;
}

/* The same over parts whose genes are called alike. */
static clab_status concat_mapped(clab_ctx *cx, const clab_dataset *const *parts, int n, const clab_concat_opts *o,
                                 clab_dataset **out)
{
    clab_concat_opts named = *o;
    clab_dataset **aligned = calloc((size_t)n, sizeof *aligned);
    clab_status s = aligned ? clab_gene_align(cx, parts, n, aligned)
                            : clab_fail(cx, CLAB_ENOMEM, "no memory for concat");

    named.map = false;
    if (s == CLAB_OK)
        s = clab_concat(cx, (const clab_dataset *const *)aligned, n, &named, out);
    for (int i = 0; aligned && i < n; i++)
        clab_dataset_unref(aligned[i]);
    free(aligned);
    return s;
}

clab_status clab_concat(clab_ctx *cx, const clab_dataset *const *parts, int n, const clab_concat_opts *given,
                        clab_dataset **out)
{
    clab_concat_opts opts = *given;
    const clab_concat_opts *const o = &opts;
    clab__concat c = {.cx = cx, .parts = parts, .n = n, .o = o};
    char (*numbers)[16] = NULL, *name = NULL;
    clab_status s;

    opts.outer |= clab_ctx_whatif(cx)->outer; /* a plan asks what would be if */
    if (n < 1)
        return clab_fail(cx, CLAB_EARG, "concat: no datasets were given");
    if (o->map)
        return concat_mapped(cx, parts, n, o, out);
    s = clab__merge_check(cx, "merge", o->merge);
    if (s == CLAB_OK)
        s = clab__merge_check(cx, "uns_merge", o->uns_merge);
    if (s != CLAB_OK)
        return s;
    c.keys = calloc((size_t)n, sizeof *c.keys);
    c.n_rows = calloc((size_t)n, sizeof *c.n_rows);
    c.pick = calloc((size_t)n, sizeof *c.pick);
    numbers = calloc((size_t)n, sizeof *numbers);
    if (!c.keys || !c.n_rows || !c.pick || !numbers)
        s = clab_fail(cx, CLAB_ENOMEM, "no memory for concat");
    for (int i = 0; s == CLAB_OK && i < n; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%d", i);
        c.keys[i] = o->keys ? o->keys[i] : numbers[i];
        c.n_rows[i] = clab_dataset_n_obs(parts[i]);
        c.total += c.n_rows[i];
    }
    if (s == CLAB_OK)
        s = check_keys(&c);
    if (s == CLAB_OK)
        s = join_genes(&c);
    if (s == CLAB_OK && !o->outer)
        s = check_shared(&c);
    if (s == CLAB_OK) {
        if (o->outer)
            tell_outer(&c);
        else
            tell_inner(&c);
        s = result_name(&c, &name);
    }
    if (s == CLAB_OK)
        s = assemble(&c, name, out);
    clab_gene_join_free(cx, c.genes);
    free(name);
    free(numbers);
    free(c.keys);
    free(c.n_rows);
    free(c.pick);
    return s;
}
