/* names.h -- a hash index from strings to 32/64-bit positions: gene names, cell names, levels. */
#ifndef CLAB_NAMES_H
#define CLAB_NAMES_H

#include "base/ctx.h"

typedef struct clab_names clab_names;

/* clab_names_new -- index of n borrowed strings (must outlive the index).  The first of equal names
 * wins; *n_duplicates (may be NULL) gets how many later ones there were. */
CLAB_MUST_CHECK clab_status clab_names_new(clab_ctx *cx, const char *const *names, int64_t n, int64_t *n_duplicates,
                                           clab_names **out);
void clab_names_free(clab_names *ix);

/* clab_names_get -- position of name, or -1. */
int64_t clab_names_get(const clab_names *ix, const char *name);

/* clab_names_add -- position of name, added at the end (position = count) if it is new; -1 when
 * memory is short.  The string is borrowed. */
int64_t clab_names_add(clab_names *ix, const char *name);
int64_t clab_names_count(const clab_names *ix);

#endif
