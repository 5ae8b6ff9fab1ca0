/* read_impl.h -- what has arrived from a guest that reads, and the Dataset that is made of it.  Private to core/io. */
#ifndef CLAB_READ_IMPL_H
#define CLAB_READ_IMPL_H

#include "io/io_impl.h"

#define CLAB__MAX_MATRICES 1000

enum {
    CLAB__PART_OBS, CLAB__PART_VAR, CLAB__PART_RAW_VAR, CLAB__PART_RAW_VARM, CLAB__PART_OBSM, CLAB__PART_VARM,
    CLAB__PART_OBSP, CLAB__PART_VARP, CLAB__PART_UNS, CLAB__N_PARTS
};
extern const char *const clab__part_names[CLAB__N_PARTS];

/* What has arrived from the guest. */
typedef struct {
    const char *file;    /* safe to show */
    const char *scratch; /* folder of the files that matrices stay in; NULL = they are held in memory */
    bool in_file;        /* they stay in the file itself where they can (then scratch is set too) */
    const char *path;
    const clab_read_opts *opts;
    clab_value *part[CLAB__N_PARTS];
    int64_t n_matrices;
    char *section[CLAB__MAX_MATRICES];
    clab_matrix *matrix[CLAB__MAX_MATRICES];
} clab__arrival;

/* clab__source_new -- the rows of a matrix of the file, as often as they are wanted (h5_source.c).  Holds the file open:
 * one that takes its place changes nothing. */
CLAB_MUST_CHECK clab_status clab__source_new(clab_ctx *cx, const clab__arrival *a, const char *section, void **self);
extern const clab_source clab__h5_source;

void clab__arrival_free(clab__arrival *a);

/* clab__assemble -- the Dataset of all that arrived, checked against each other; says what its counts are.
 * EFORMAT names the part that does not fit. */
CLAB_MUST_CHECK clab_status clab__assemble(clab_ctx *cx, clab__arrival *a, const char *path, const char *counts,
                                           clab_dataset **out);

#endif
