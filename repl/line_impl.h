/* line_impl.h -- shared by the line and its completion. */
#ifndef CLAB_LINE_IMPL_H
#define CLAB_LINE_IMPL_H

#include "line.h"

const clab_line_hooks *clab__line_hooks(void);

/* clab__line_complete -- the TAB key. */
int clab__line_complete(int count, int key);

/* clab__line_common -- length of the longest beginning that all words share, at a character's edge. */
size_t clab__line_common(char *const *words);

#endif
