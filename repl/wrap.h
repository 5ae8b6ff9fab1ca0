/* wrap.h -- sentences broken between words, before a terminal breaks them inside of one. */
#ifndef CLAB_WRAP_H
#define CLAB_WRAP_H

#include "base/text.h"

/* clab_wrap -- append text to out in lines of at most `cols` columns.  What is broken goes on under its second
 * column where the line has one ("  --name    words"), else two columns further in than the line began.  A word
 * that is longer than a line stays whole.  cols < 20: text as it is. */
void clab_wrap(clab_str *out, const char *text, int cols);

#endif
