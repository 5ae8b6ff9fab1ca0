/* genes_map_impl.h -- what genes_map.c finds out about gene names, for those that use it.  Private to core/data. */
#ifndef CLAB_GENES_MAP_IMPL_H
#define CLAB_GENES_MAP_IMPL_H

#include "data/dataset_impl.h"
#include "data/gene_table.h"
#include "data/genes.h"

/* How a gene came to its key. */
typedef enum {
    CLAB__BY_ID,       /* its name is an Ensembl ID */
    CLAB__BY_COLUMN,   /* its row of var holds one */
    CLAB__BY_OTHER,    /* another study names it and its ID */
    CLAB__BY_SYMBOL, CLAB__BY_PREVIOUS, CLAB__BY_ALIAS, /* by the table */
    CLAB__IS_TAKEN,    /* another gene of the study has a better claim to the ID */
    CLAB__IS_AMBIGUOUS, CLAB__IS_UNKNOWN,
    CLAB__N_WAYS
} clab__gene_way;

typedef struct {
    const clab_dataset *d;
    int64_t n;
    clab_value *ids;        /* STRINGS: Ensembl IDs without versions, from the index or a column; "" = none */
    const char *id_column;  /* where they are from; NULL = the index */
    const char **key;       /* n: the ID, or the gene's own name; borrowed */
    uint8_t *way;           /* n: clab__gene_way */
    int64_t by[CLAB__N_WAYS];
    int64_t n_ensembl, n_versions; /* of the index */
    clab_species species;
} clab__gene_keys;

typedef struct {
    int n;
    clab__gene_keys *of;    /* n */
    clab_gene_table *table[CLAB_N_SPECIES]; /* NULL where none was needed */
} clab__gene_map;

/* Keys for the genes of n datasets (which must outlive them).  Frees nothing but *out's parts: clab__gene_map_free,
 * also after an error. */
CLAB_MUST_CHECK clab_status clab__gene_map_new(clab_ctx *cx, const clab_dataset *const *ds, int n, clab__gene_map *out);
void clab__gene_map_free(clab_ctx *cx, clab__gene_map *m);

#endif
