/* csv_read.h -- a small CSV file (RFC 4180) as a table of text columns: label lists, not counts. */
#ifndef CLAB_CSV_READ_H
#define CLAB_CSV_READ_H

#include "data/value.h"

/* clab_csv_read -- the first row names the columns; rows are "0", "1", ... in the TABLE's index.
 * Quoted fields may hold separators, quotes ("") and line ends; a byte-order mark is dropped.
 * Errors: EIO, EFORMAT with the line (a row of another length, an open quote), EARG above 1 GiB. */
CLAB_MUST_CHECK clab_status clab_csv_read(clab_ctx *cx, const char *path, clab_value **out);

#endif
