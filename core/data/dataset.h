/* dataset.h -- cells x genes with everything known about them: a view that verbs turn into new views.
 *
 * Immutable and reference-counted; every verb returns a new Dataset and leaves the old one valid.
 * N cells (obs), G genes (var).
 */
#ifndef CLAB_DATASET_H
#define CLAB_DATASET_H

#include "data/matrix.h"
#include "data/value.h"

typedef struct {
    clab_matrix *x;      /* M x own genes, same cells */
    clab_value *var;     /* TABLE */
    clab_value *varm;    /* DICT or NULL */
} clab_raw;

typedef struct clab_dataset clab_dataset;
struct clab_dataset {
    int refs;            /* atomic */
    clab_ctx *cx;
    char *name;          /* for messages: file name or "concat(a, b)" */
    clab_matrix *x;      /* N x G; NULL when the file has no X */
    clab_matrix *counts; /* N x G: where the counts are (may be x itself); NULL = none found */
    char *counts_from;   /* "X", "layers.counts", "raw.X" */
    clab_value *origin;  /* ARRAY int64 (N): who each cell is, whatever it is called; see clab_dataset_match */
    clab_value *obs;     /* TABLE (N) */
    clab_value *var;     /* TABLE (G) */
    clab_value *obsm, *varm, *obsp, *varp; /* DICT, never NULL */
    clab_value *uns;     /* DICT, never NULL */
    int64_t n_layers;
    char **layer_names;
    clab_matrix **layers;
    clab_raw raw;        /* x NULL = none */
    clab_value *steps;   /* DICT "0","1",...: name, parameters, version: becomes uns.celllab */
    clab_dataset *in_file; /* backed="r+": as it stands in its file, whose path is `file` there; NULL = in none */
    clab_value *file;    /* of an in_file: DICT path, bytes, modified, inode */
};

clab_dataset *clab_dataset_ref(const clab_dataset *d);
void clab_dataset_unref(clab_dataset *d);
int64_t clab_dataset_n_obs(const clab_dataset *d);
int64_t clab_dataset_n_vars(const clab_dataset *d);
int64_t clab_dataset_bytes(const clab_dataset *d); /* held in memory: stores (each once) and tables */
/* Every holding of the ledger that it keeps alive: stores, tables, views. */
void clab_dataset_held(const clab_dataset *d, clab_held_fn *fn, void *user); /* NULL is fine */
const char *clab_dataset_obs_name(const clab_dataset *d, int64_t i);
const char *clab_dataset_var_name(const clab_dataset *d, int64_t g);

/* clab_dataset_new -- takes references to x (may be NULL), obs, var; empty dictionaries for the rest.
 * Its cells are new ones: no other dataset holds them.  ESHAPE when x, obs and var do not fit. */
CLAB_MUST_CHECK clab_status clab_dataset_new(clab_ctx *cx, const char *name, const clab_matrix *x, const clab_value *obs, const clab_value *var, clab_dataset **out);
/* clab_dataset_copy -- a new handle with the same parts: the start of every verb. The caller may then
 * replace parts (unref old, own new) while it holds the only reference. */
CLAB_MUST_CHECK clab_status clab_dataset_copy(clab_ctx *cx, const clab_dataset *d, clab_dataset **out);

/* Cells rows[0..n-1] in that order / genes cols[0..n-1].  Everything beside X follows. */
CLAB_MUST_CHECK clab_status clab_dataset_take_obs(clab_ctx *cx, const clab_dataset *d, const int64_t *rows, int64_t n, clab_dataset **out);
CLAB_MUST_CHECK clab_status clab_dataset_take_vars(clab_ctx *cx, const clab_dataset *d, const int64_t *cols, int64_t n, clab_dataset **out);
/* clab_dataset_match -- where the cells of `to` stand in `from`: pos[i] = row in `from` of cell i of `to`, or -1.
 * Cells are matched by identity, which selections and concat carry along; names play no part, so that two
 * studies may use the same barcodes.  Reading a file twice makes different cells.
 *   pos  out  int64 (N of `to`); caller allocates.  Where `from` holds a cell twice, its first row is taken. */
CLAB_MUST_CHECK clab_status clab_dataset_match(clab_ctx *cx, const clab_dataset *from, const clab_dataset *to, int64_t *pos);
/* mask[i] != 0 keeps cell i. */
CLAB_MUST_CHECK clab_status clab_dataset_keep_obs(clab_ctx *cx, const clab_dataset *d, const uint8_t *mask, clab_dataset **out);
CLAB_MUST_CHECK clab_status clab_dataset_keep_vars(clab_ctx *cx, const clab_dataset *d, const uint8_t *mask, clab_dataset **out);

/* Column of obs/var by name; ENOTFOUND lists the columns there are and the nearest name. */
CLAB_MUST_CHECK clab_status clab_dataset_obs_get(clab_ctx *cx, const clab_dataset *d, const char *column, const clab_value **out);
CLAB_MUST_CHECK clab_status clab_dataset_var_get(clab_ctx *cx, const clab_dataset *d, const char *column, const clab_value **out);
/* New handles with a column set (obs edits are copy-on-write per handle: this changes d itself, which
 * the caller holds; other handles that shared the table are not touched). */
CLAB_MUST_CHECK clab_status clab_dataset_obs_set(clab_ctx *cx, clab_dataset *d, const char *column, const clab_value *v);
CLAB_MUST_CHECK clab_status clab_dataset_var_set(clab_ctx *cx, clab_dataset *d, const char *column, const clab_value *v);
CLAB_MUST_CHECK clab_status clab_dataset_obsm_set(clab_ctx *cx, clab_dataset *d, const char *key, const clab_value *v);
CLAB_MUST_CHECK clab_status clab_dataset_uns_set(clab_ctx *cx, clab_dataset *d, const char *key, const clab_value *v);
/* The counts for a model: counts, recipe-free; ESTATE names what was found when there are none, with
 * the first value that is no count. */
CLAB_MUST_CHECK clab_status clab_dataset_counts(clab_ctx *cx, const clab_dataset *d, clab_matrix **out);
/* Record a step that was run (params: DICT, may be NULL). */
CLAB_MUST_CHECK clab_status clab_dataset_log(clab_ctx *cx, clab_dataset *d, const char *step, const clab_value *params);
/* AnnData's summary, with bytes held; caller frees with free(). */
CLAB_MUST_CHECK clab_status clab_dataset_describe(clab_ctx *cx, const clab_dataset *d, char **out);

/* where: cells for which an expression over obs is true (missing is false).
 *   == != < <= > >=  and or not  in {..}  missing(..)  parentheses  'text' numbers true false  `odd name`
 * evaluated once per category level; a comparison with a missing value is missing, also after not (docs/steps/where.md).
 * mask: n bytes, caller allocates.  EARG with the position; ENOTFOUND lists the columns there are. */
CLAB_MUST_CHECK clab_status clab_where(clab_ctx *cx, const clab_dataset *d, const char *expression, uint8_t *mask);

/* concat along obs, as anndata.concat (docs/steps/concat.md). */
typedef struct {
    bool outer;                 /* join of genes, layers and obsm */
    bool obs_inner;             /* drop obs columns that not all have, as anndata's inner does; else they
                                 * stay, with missing values: an unlabelled query is the normal case */
    const char *label;          /* column with keys[i]; NULL = none */
    const char *const *keys;    /* n; NULL = "0","1",... */
    const char *index_unique;   /* NULL = none */
    const char *merge;          /* NULL, "same", "unique", "first", "only" */
    const char *uns_merge;
    double min_shared;          /* inner: ESHAPE when a smaller part of the least study's genes is shared; default 0.1 */
    bool map;                   /* first clab_gene_align (genes.h): join by gene, whatever the names */
    double fill;                /* outer: what stands where an input has nothing, in X, layers, raw, obsm and varm;
                                 * NaN = default: 0 where an input is sparse, NaN where all are dense */
    bool pairwise;              /* keep obsp, block by block */
} clab_concat_opts;
void clab_concat_opts_init(clab_concat_opts *o);
/* Rows in the order of the inputs; genes: inner = those in all, in the first one's order; outer = the union.
 * Warns once, with the numbers, when gene sets differ; outer tells its cost before it begins.
 * ESHAPE names gene names that occur twice, ESTATE when only some have X. */
CLAB_MUST_CHECK clab_status clab_concat(clab_ctx *cx, const clab_dataset *const *parts, int n, const clab_concat_opts *o, clab_dataset **out);

#endif
