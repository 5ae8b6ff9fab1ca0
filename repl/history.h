/* history.h -- what was typed, over sessions: one entry a statement, appended at once, so that a crash loses
 * nothing and two sessions do not overwrite each other. */
#ifndef CLAB_HISTORY_H
#define CLAB_HISTORY_H

/* clab_typed_open -- read $XDG_STATE_HOME/celllab/history; without such a place history lasts the session. */
void clab_typed_open(void);
/* clab_typed_add -- statements that repeat the last one or begin with a blank are not kept. */
void clab_typed_add(const char *statement);

#endif
