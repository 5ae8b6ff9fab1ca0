/* gene_table.h -- Ensembl gene IDs, symbols, and what those were called before: the tables that come with the
 * program (docs/genes.md).  Read when asked for, given back after use. */
#ifndef CLAB_GENE_TABLE_H
#define CLAB_GENE_TABLE_H

#include "base/ctx.h"

typedef struct clab_gene_table clab_gene_table;

typedef enum { CLAB_HUMAN, CLAB_MOUSE, CLAB_N_SPECIES } clab_species;
const char *clab_species_name(clab_species s); /* "human" */

/* How a name was understood. */
typedef enum {
    CLAB_GENE_UNKNOWN,
    CLAB_GENE_AMBIGUOUS, /* several genes are, or were, called so */
    CLAB_GENE_SYMBOL,    /* the symbol of one gene */
    CLAB_GENE_PREVIOUS,  /* no gene's symbol now, but it was one gene's */
    CLAB_GENE_ALIAS      /* neither, but one gene is also called so */
} clab_gene_match;

/* clab_gene_table_open -- found in $CELLLAB_DATA/genes, beside the installed program (../share/celllab/genes) or
 * above a build (../data/genes, ../../data/genes).  ENOTFOUND says where it was looked for; EFORMAT. */
CLAB_MUST_CHECK clab_status clab_gene_table_open(clab_ctx *cx, clab_species species, clab_gene_table **out);
void clab_gene_table_free(clab_ctx *cx, clab_gene_table *t); /* NULL is fine */

const char *clab_gene_table_about(const clab_gene_table *t); /* its first line: sources and versions */
int64_t clab_gene_table_n(const clab_gene_table *t);
/* The Ensembl ID behind a name, or NULL with the reason in *how (may be NULL). */
const char *clab_gene_table_id(const clab_gene_table *t, const char *name, clab_gene_match *how);
/* The symbol of an Ensembl ID without version, or NULL. */
const char *clab_gene_table_symbol(const clab_gene_table *t, const char *id);

#endif
