/* genes.h -- which genes several studies share: names compared as sets, not by how many there are. */
#ifndef CLAB_GENES_H
#define CLAB_GENES_H

#include "data/dataset.h"

/* A join of lists of names.  Strings are borrowed from the lists. */
typedef struct {
    int64_t n;            /* names in the result */
    const char **names;
    int n_lists;
    int32_t **map;        /* map[i][g] = place of list i's name g in the result, or -1 */
    int64_t shared;       /* names in all lists */
    bool identical;       /* the same names in the same order */
    bool same_set;        /* the same names, in whatever order */
} clab_gene_join;

/* clab_gene_join_new -- inner: names in all lists, in the first one's order.  outer: the union; in the
 * lists' order when they are identical, else in plain order.
 *   lists  in  n lists of len[i] names; what[i] names the list in messages
 * ESHAPE when a name occurs twice in a list: says which. */
CLAB_MUST_CHECK clab_status clab_gene_join_new(clab_ctx *cx, const char *const *const *lists, const int64_t *len,
                                               const char *const *what, int n, bool outer, clab_gene_join **out);
void clab_gene_join_free(clab_ctx *cx, clab_gene_join *j); /* NULL is fine */

/* "Ensembl gene IDs", "symbols", "mixed": kind of n names. */
const char *clab_gene_id_kind(const char *const *names, int64_t n);

/* clab_gene_hint -- the remedy for n datasets (on a recorded error) that share next to nothing: names the var
 * column that holds the gene names of another one, if there is one.  Returns the recorded status. */
clab_status clab_gene_hint(clab_ctx *cx, const clab_dataset *const *ds, int n);

/* What a study's genes are called. */
typedef struct {
    const char *key;        /* var column that becomes the index; NULL = the index there is.  The old index stays
                             * as a column: under its own name, or as original_name */
    bool strip_version;     /* ENSG00000000003.15 becomes ENSG00000000003 */
    const char *duplicates; /* what happens to a name that occurs again; NULL = "suffix":
                             *   suffix  NAME-1, NAME-2, ... as anndata's var_names_make_unique
                             *   sum     its counts are added to those of the first; other values are refused
                             *   first   it is left out      error  ESHAPE      keep  nothing */
} clab_gene_names_opts;

/* clab_gene_names -- a view with genes named as asked; names that occur twice are told with what was done.  raw
 * keeps its own genes.  *out may be d itself (with a reference more).
 * EARG a column of numbers or an unknown policy; ENOTFOUND no such column; ESTATE a sum of other values. */
CLAB_MUST_CHECK clab_status clab_gene_names(clab_ctx *cx, const clab_dataset *d, const clab_gene_names_opts *o,
                                            clab_dataset **out);

typedef struct {
    const char *by;        /* var column that names the genes; NULL = the index.  An input without the
                            * column is matched by its index, and this is said; ENOTFOUND when none has it */
    bool strip_version;    /* ENSG00000000003.15 counts as ENSG00000000003 */
    bool map;              /* first clab_gene_align: not with `by` */
} clab_genes_opts;

/* clab_common_genes -- n views that hold the genes which all have, in the first one's order and under the
 * names they were matched by; where that is not the index, the old one is kept as var.original_name.
 * A name that occurs twice in an input stands for its first gene there, which is warned of with the names.
 *   out  n datasets, the caller owns them; NULL on error
 * EARG fewer than two inputs, or under 10 % of the smallest input's genes in common (says the kinds of IDs). */
CLAB_MUST_CHECK clab_status clab_common_genes(clab_ctx *cx, const clab_dataset *const *ds, int n, const clab_genes_opts *o,
                                              clab_dataset **out);

/* clab_gene_align -- n views whose genes are called alike: every gene is found by its Ensembl ID (its name, a var
 * column, the other studies' columns, else the bundled table: a current symbol before a previous one before an
 * alias), and one that an earlier input has too takes its name from there.  What cannot be told keeps its name;
 * how each was found is noted with counts.  The old names stay as var.original_name.
 *   out  n datasets, the caller owns them; NULL on error
 * ENOTFOUND where a table is needed and not there. */
CLAB_MUST_CHECK clab_status clab_gene_align(clab_ctx *cx, const clab_dataset *const *ds, int n, clab_dataset **out);

/* clab_genes_report -- how the genes of n datasets are called and what clab_gene_align would find, as a DICT:
 *   datasets  DICT "1", ..: dataset, genes, kind, species, id_column ("" = none), ensembl, versions, duplicates, and
 *             by_id, by_column, by_other_study, by_symbol, by_previous_symbol, by_alias, taken, ambiguous, unknown
 *   shared, shared_mapped (of two or more)   human, mouse: the tables that were asked */
CLAB_MUST_CHECK clab_status clab_genes_report(clab_ctx *cx, const clab_dataset *const *ds, int n, clab_value **out);
/* The report as a page; the caller free()s. */
CLAB_MUST_CHECK clab_status clab_genes_text(clab_ctx *cx, const clab_value *report, char **out);

#endif
