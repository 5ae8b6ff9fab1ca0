/* record.h -- `:record FILE`: a script that replays the session.  Statements as they were typed, outputs as
 * comments; a statement that failed becomes a comment too, so that the script runs. */
#ifndef CLAB_RECORD_H
#define CLAB_RECORD_H

#include <stdbool.h>
#include <stddef.h>

typedef struct clab_record clab_record;

/* clab_record_new -- remembers statements from the start, so that a later `:record` has them all. */
clab_record *clab_record_new(void);
void clab_record_free(clab_record *r);

/* clab_record_open -- write what was typed so far to path and go on.  An existing file is not touched:
 * false with why. */
bool clab_record_open(clab_record *r, const char *path, char *why, size_t n);
/* clab_record_close -- stop writing; true when a file was open. */
bool clab_record_close(clab_record *r);
const char *clab_record_path(const clab_record *r); /* NULL when not writing */

/* A statement's life.  is_expression: it is shown by the prompt but no statement in a script, and is
 * written as print(...). */
void clab_record_begin(clab_record *r, const char *statement, bool is_expression);
void clab_record_output(clab_record *r, const char *bytes, size_t n);
void clab_record_end(clab_record *r, bool failed);

#endif
