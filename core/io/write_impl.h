/* write_impl.h -- the session's side of a conversation with the guest that writes.  Private to core/io. */
#ifndef CLAB_WRITE_IMPL_H
#define CLAB_WRITE_IMPL_H

#include "io/h5_out_impl.h"
#include "io/io_impl.h"

/* Start the guest on the temporary file. */
CLAB_MUST_CHECK clab_status clab__write_start(clab_ctx *cx, const clab__atomic *a, const char *name, int level,
                                              clab__out_kind kind, bool wide, clab_guest **g);
CLAB_MUST_CHECK clab_status clab__put_part(clab_ctx *cx, clab_wire *w, const char *section, const clab_value *v);
/* End the conversation and put the file in place, or remove it.  Frees both. */
CLAB_MUST_CHECK clab_status clab__write_finish(clab_ctx *cx, clab_guest *g, clab_status st, clab__atomic *a);

/* uns of d with celllab = what was there before, and version, steps, inputs as they are now. */
CLAB_MUST_CHECK clab_status clab__with_provenance(clab_ctx *cx, const clab_dataset *d, clab_value **out);
/* Does it need the newer object headers? */
bool clab__has_wide_table(const clab_value *v);

#endif
