/* concat_impl.h -- what the files of concat*.c share. */
#ifndef CLAB_CONCAT_IMPL_H
#define CLAB_CONCAT_IMPL_H

#include "data/dataset_impl.h"
#include "data/genes.h"

typedef struct {
    clab_ctx *cx;
    const clab_dataset *const *parts;
    int n;
    const clab_concat_opts *o;
    const char **keys;        /* n */
    int64_t *n_rows;          /* n */
    int64_t total;            /* cells */
    clab_gene_join *genes;
    const clab_value **pick;  /* scratch: one value a part */
} clab__concat;

/* obs, cell names and the label column / obsm / identities: into d, which the caller holds alone. */
CLAB_MUST_CHECK clab_status clab__concat_obs(const clab__concat *c, clab_value **obs);
CLAB_MUST_CHECK clab_status clab__concat_obsm(const clab__concat *c, clab_value **obsm);
CLAB_MUST_CHECK clab_status clab__concat_origin(const clab__concat *c, clab_value **origin);

/* obsp, block by block, when the caller asked for it. */
CLAB_MUST_CHECK clab_status clab__concat_obsp(const clab__concat *c, clab_value *into);

/* clab__concat_join -- matrices over joined genes.  Outer: genes that an input lacks, and inputs that are absent
 * (may be NULL; their matrix is empty), hold the fill: what the caller gave, else 0, or NaN where all are dense. */
CLAB_MUST_CHECK clab_status clab__concat_join(const clab__concat *c, clab_matrix *const *parts, const bool *absent,
                                              const clab_gene_join *genes, clab_matrix **out);
double clab__concat_fill_of(const clab__concat *c, clab_matrix *const *parts, const bool *absent);

/* Matrices; m is scratch for n of them.  *out stays NULL when no input has X. */
CLAB_MUST_CHECK clab_status clab__concat_x(const clab__concat *c, clab_matrix **m, clab_matrix **out);
CLAB_MUST_CHECK clab_status clab__concat_counts(const clab__concat *c, clab_matrix **m, clab_dataset *d);
CLAB_MUST_CHECK clab_status clab__concat_layers(const clab__concat *c, clab_matrix **m, clab_dataset *d);
CLAB_MUST_CHECK clab_status clab__concat_raw(const clab__concat *c, clab_matrix **m, clab_raw *raw);

/* clab__merge -- one dictionary from several: strategy NULL (nothing), "same", "unique", "first", "only"; nested
 * dictionaries are merged likewise.  from[i] may be NULL = empty.  Adds to `into`. */
CLAB_MUST_CHECK clab_status clab__merge(clab_ctx *cx, const char *strategy, const clab_value *const *from, int n,
                                        clab_value *into);
CLAB_MUST_CHECK clab_status clab__merge_check(clab_ctx *cx, const char *option, const char *strategy);

/* var (or varm) of every part brought to the genes of a join, then merged into `into`. */
CLAB_MUST_CHECK clab_status clab__merge_genes(clab_ctx *cx, const char *strategy, const clab_value *const *from, int n,
                                              const clab_gene_join *genes, clab_value *into);

#endif
