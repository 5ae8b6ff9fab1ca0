/* statements.h -- text that holds several statements, taken apart as if it had been typed.
 * Pure but for the question whether a piece is complete, which only the language can answer. */
#ifndef CLAB_STATEMENTS_H
#define CLAB_STATEMENTS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { CLAB_PIECE_COMPLETE, CLAB_PIECE_UNFINISHED, CLAB_PIECE_WRONG } clab_piece;
typedef clab_piece clab_piece_fn(void *user, const char *code);

/* clab_statement_next -- bytes of the first statement of text, whole lines with the comments above it and
 * the lines that go on with it (".method", "+ more", "or else").  0 when only blanks and comments are left. */
size_t clab_statement_next(const char *text, clab_piece_fn *is, void *user);

/* clab_statement_global -- a copy without a leading `local`, whose variable would end with its statement;
 * attributes like <close> go too.  malloc'd. */
char *clab_statement_global(const char *statement);

/* clab_statement_unprompt -- when text begins with one of our prompts: the statements alone, prompts cut off
 * and lines of output dropped, so that a transcript can be pasted back.  In place. */
void clab_statement_unprompt(char *text);

#define CLAB_PROMPT "celllab> "
#define CLAB_PROMPT_MORE "      >> "

#endif
