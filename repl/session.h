/* session.h -- what every kind of session stands on: a context, its ledger, its sampler, its files. */
#ifndef CLAB_SESSION_H
#define CLAB_SESSION_H

#include <stddef.h>

#include "base/ctx.h"
#include "ledger/ledger.h"
#include "options.h"

typedef struct {
    clab_ctx *cx;
    clab_ledger *ledger;
    char live[512]; /* the file that `celllab top` reads; "" when there is none */
} clab_session;

/* clab_session_open -- context, ledger with journal and live file, memory sampled once a second.
 * title: shown by top.  Files that cannot be made are done without.  False with a message in why. */
bool clab_session_open(clab_session *s, const clab_options *o, const char *title, clab_note_fn *note, void *user,
                       char *why, size_t n);
void clab_session_close(clab_session *s);

/* clab_state_path -- NAME in $XDG_STATE_HOME/celllab (else ~/.local/state/celllab), the folder made 0700.
 * False when there is no such place. */
bool clab_state_path(const char *name, char *buf, size_t n);

#endif
