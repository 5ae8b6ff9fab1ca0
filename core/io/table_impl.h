/* table_impl.h -- what the two files that read tables of text share. */
#ifndef CLAB_TABLE_IMPL_H
#define CLAB_TABLE_IMPL_H

#include "io/text_impl.h"

#define CLAB__FIELD_MAX 65535

/* A text cut into fields, quoted as RFC 4180 says. */
typedef struct {
    clab__text t;
    char delimiter; /* 0 = runs of blanks */
    char *field;    /* NUL-terminated */
    size_t len;
} clab__fields;
typedef enum { CLAB__NO_FIELD, CLAB__FIELD, CLAB__LAST_FIELD } clab__field;

/* Opens the file of a source and goes behind the lines that start with # at its beginning. */
CLAB_MUST_CHECK clab_status clab__fields_open(clab__h5 *h, const clab__source *s, clab__fields *f);
void clab__fields_close(clab__fields *f);
/* NO_FIELD: the text failed; t.status tells why. */
clab__field clab__field_next(clab__fields *f);
/* The first field of the next row that is not empty; NO_FIELD also at the end of the text. */
clab__field clab__row_next(clab__fields *f);
/* Is the field a number, or a way to write that there is none (NaN)? */
bool clab__field_value(const clab__fields *f, double *x);

/* What its first rows tell about a table. */
typedef struct {
    char delimiter;
    bool has_header, has_names; /* names of the columns in the first row, of the rows in the first column */
    bool genes_in_rows;
    int64_t n_columns; /* with values */
    int64_t first_name; /* in `columns` of the first of them */
    clab__strlist columns; /* the first row */
    clab__strlist rows;    /* the first column; filled as the rows are read */
} clab__table;
CLAB_MUST_CHECK clab_status clab__table_look(clab__h5 *h, const clab__source *s, clab__table *out);
void clab__table_free(clab_ctx *cx, clab__table *t);

#endif
