/* io_session.h -- a session for tests of files: a context with a ledger, its notes kept, guests that run. */
#ifndef CLAB_TEST_IO_SESSION_H
#define CLAB_TEST_IO_SESSION_H

#include "base/text.h"
#include "io/io.h"
#include "ledger/ledger.h"

typedef struct {
    clab_ctx *cx;
    clab_ledger *ledger;
    clab_str warnings, notes; /* one a line */
    int n_warnings;
} io_session;

/* The first lines of main() of every test that reads or writes: serve as guest when asked to. */
#define IO_GUEST(argc, argv)                                                                                 \
    do {                                                                                                     \
        if ((argc) > 1 && strcmp((argv)[1], "--guest") == 0)                                                 \
            return clab_guest_main((argc), (argv), io_roles);                                                \
    } while (0)
extern const clab_guest_role io_roles[];

void io_start(io_session *s);
void io_stop(io_session *s);   /* asserts that all accounted memory was given back */
void io_forget(io_session *s); /* errors, warnings and notes so far */

/* A scratch directory of this process, made at the first call; removed with all in it by io_scratch_end. */
const char *io_scratch(void);
void io_scratch_end(void);
int io_clean(void **state); /* the same as a group's tear-down */
/* scratch/name in one of 8 rotating buffers. */
const char *io_path(const char *name);
/* tests/data/format of the source, or of the shared data; NULL when absent. */
const char *io_format_dir(bool shared);

/* A good file of tests/data/format; one buffer. */
const char *io_good(const char *name);
/* Read and write with default options; a failure fails the test with its words. */
void io_read(io_session *s, const char *path, clab_dataset **d);
void io_write(io_session *s, const clab_dataset *d, const char *path);

/* Do two datasets hold the same?  Else the name of the first part that differs. */
const char *io_difference(clab_ctx *cx, const clab_dataset *a, const clab_dataset *b);
/* Whole file; *n bytes; caller free()s. */
char *io_slurp(const char *path, size_t *n);
/* Files in the scratch directory whose names end in ".tmp". */
int io_count_temporary(void);

#endif
