/* dataset_impl.h -- what the files of the data room share about Datasets. */
#ifndef CLAB_DATASET_IMPL_H
#define CLAB_DATASET_IMPL_H

#include "base/text.h"
#include "data/dataset.h"

/* Replace a part that the caller's only reference owns: drops the old value, takes the new one. */
void clab__part_set(clab_value **slot, clab_value *value);

/* A column by name; ENOTFOUND names the table ("obs of pbmc.h5ad"), lists its columns and the nearest one. */
CLAB_MUST_CHECK clab_status clab__column_get(clab_ctx *cx, const clab_dataset *d, const char *which, const clab_value *table,
                                             const char *column, const clab_value **out);

/* The names of a container as "a, b, c", at most `most` of them, escaped for display. */
void clab__names_text(clab_str *b, const clab_value *container, int64_t most);

/* Identities for n new cells: load number << 40 | row. */
CLAB_MUST_CHECK clab_status clab__origin_new(clab_ctx *cx, int64_t n, clab_value **out);

/* ENSG00000141510, with or without a version behind a dot. */
bool clab__is_ensembl(const char *name);
/* Drops the versions of Ensembl IDs in place, so only from strings that the caller made and nobody shares. */
void clab__strip_versions(clab_value *strings);
/* Another index for var of a dataset that the caller holds alone; where it says something else, the old one stays
 * as var.original_name. */
CLAB_MUST_CHECK clab_status clab__var_rename(clab_ctx *cx, clab_dataset *d, const clab_value *index);

#endif
