/* output.h -- what programs and libraries write, made safe for the terminal on its way there.
 * Colours and other attributes pass; every other control sequence is shown, not obeyed, so that nothing can
 * move the cursor, the scroll region or the title.  A bell is noted, not passed. */
#ifndef CLAB_OUTPUT_H
#define CLAB_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

typedef struct {
    bool plain;       /* attributes are dropped too: no escape byte comes out */
    bool bell;        /* one was asked for since this was last cleared; it is not in the text */
    bool at_start;    /* the cursor is at the start of a line */
    char held[32];    /* an unfinished sequence or character from the last call */
    size_t n_held;
} clab_output;

void clab_output_init(clab_output *o, bool plain);

/* clab_output_clean -- append the safe form of n bytes to out. */
void clab_output_clean(clab_output *o, const char *bytes, size_t n, clab_str *out);

#endif
