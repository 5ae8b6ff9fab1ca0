/* guest.h -- work that may crash or hang (HDF5, XGBoost) runs in a process of its own.
 *
 * posix_spawn of the same program with "--guest ROLE"; never a fork of a threaded process.  The
 * guest gets two streams (requests in, replies out), an event channel, and any descriptors handed
 * over.  Notes, phases, series and errors that the guest makes through its own clab_ctx appear in
 * the parent's as if made there.  A crash becomes an error message; cancel ends the guest within
 * 200 ms; it dies with its parent.  While it runs its bytes count in the tree's measured memory.
 */
#ifndef CLAB_GUEST_H
#define CLAB_GUEST_H

#include "guest/wire.h"

#define CLAB_GUEST_MAX_FDS 4

typedef struct clab_guest clab_guest;

/* ---- the parent's side --------------------------------------------------------------------------
 * clab_guest_start -- start ROLE.  fds (n <= CLAB_GUEST_MAX_FDS) appear there in the same order;
 * borrowed, the guest holds duplicates.  The guest dies when the thread that called this ends.  what: words for messages ("reading pbmc3k.h5ad"); copied. */
CLAB_MUST_CHECK clab_status clab_guest_start(clab_ctx *cx, const char *role, const char *what, const int *fds, int n_fds, clab_guest **out);
/* Stream to and from the guest.  A failed put or get: call clab_guest_end, whose error says why. */
clab_wire *clab_guest_wire(clab_guest *g);
/* clab_guest_end -- wait for the guest to finish, or end it when cancelled.  Frees g.
 * OK only when the role function returned CLAB_OK.  Else the guest's own error (status, text, hint)
 * is recorded here in place of any wire error; a crash is EIO: "WHAT failed: the worker crashed (signal 11) ...". */
CLAB_MUST_CHECK clab_status clab_guest_end(clab_ctx *cx, clab_guest *g);
/* clab_guest_foresee -- in a dry run, the worker that the real run would start here: its process and `bytes` of
 * work inside it, counted in the peaks.  Elsewhere nothing. */
void clab_guest_foresee(clab_ctx *cx, int64_t bytes, const char *what);
/* clab_guest_kill -- end it now (error paths).  Frees g.  NULL is fine. */
void clab_guest_kill(clab_ctx *cx, clab_guest *g);

/* ---- the guest's side -----------------------------------------------------------------------------*/
typedef clab_status clab_guest_fn(clab_ctx *cx, clab_wire *wire, const int *fds, int n_fds);
typedef struct {
    const char *role;
    clab_guest_fn *fn;
} clab_guest_role;

/* clab_guest_main -- the whole life of a guest process; main() calls it when argv[1] is "--guest".
 * roles end with {NULL, NULL}.  Returns the exit code. */
int clab_guest_main(int argc, char **argv, const clab_guest_role *roles);

#endif
