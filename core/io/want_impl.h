/* want_impl.h -- what of a file was asked for: obs columns, genes, cells.  Private to core/io. */
#ifndef CLAB_WANT_IMPL_H
#define CLAB_WANT_IMPL_H

#include "guest/wire.h"
#include "io/io.h"

typedef struct {
    char **s; /* NULL: all */
    int64_t n;
} clab__list;

typedef struct {
    clab__list cols, genes, cells;
    char *where; /* expression over obs, or NULL */
    bool told;   /* what is not there was said before */
} clab__want;

/* The session asks, the guest is told; free what was got. */
CLAB_MUST_CHECK clab_status clab__want_put(clab_ctx *cx, clab_wire *w, const clab_read_opts *o /* or NULL */);
CLAB_MUST_CHECK clab_status clab__want_get(clab_ctx *cx, clab_wire *w, clab__want *out);
void clab__want_free(clab__want *want);

/* Is a column of obs to be read: asked for, or in the expression?  want may be NULL here and below: everything. */
bool clab__want_column(const clab__want *want, const char *name);
/* ENOTFOUND for a column that was asked for and is not among the names, with the nearest. */
CLAB_MUST_CHECK clab_status clab__want_check_columns(clab_ctx *cx, const clab__want *want, const char *file,
                                                     char *const *names, int64_t n);
/* Leave what was read for the expression alone. */
CLAB_MUST_CHECK clab_status clab__want_drop_columns(clab_ctx *cx, const clab__want *want, clab_value **obs);

/* Rows of obs / var that are wanted, rising; *rows NULL: all.  Caller clab_mem_free's.  Names that are not there are
 * told in one warning; ENOTFOUND when none is. */
CLAB_MUST_CHECK clab_status clab__want_cells(clab_ctx *cx, const clab__want *want, const char *file, const clab_value *obs,
                                             int64_t **rows, int64_t *n);
CLAB_MUST_CHECK clab_status clab__want_genes(clab_ctx *cx, const clab__want *want, const char *file, const clab_value *var,
                                             int64_t **cols, int64_t *n);

/* For formats that are read whole: *d becomes a view of what was asked for. */
CLAB_MUST_CHECK clab_status clab__want_view(clab_ctx *cx, const clab_read_opts *o, const char *file, clab_dataset **d);

#endif
