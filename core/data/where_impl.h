/* where_impl.h -- the expression that where() evaluates, as a tree. */
#ifndef CLAB_WHERE_IMPL_H
#define CLAB_WHERE_IMPL_H

#include "base/ctx.h"

typedef enum {
    W_OR, W_AND, W_NOT,
    W_COMPARE,   /* a op b */
    W_IN,        /* a in {set}; negated: not in */
    W_MISSING,   /* missing(a) */
    W_TRUTH      /* a boolean column alone, or true, false */
} w_kind;

typedef enum { W_EQ, W_NE, W_LT, W_LE, W_GT, W_GE } w_op;

typedef enum { W_COLUMN, W_TEXT, W_NUMBER, W_BOOL } w_operand_kind;

typedef struct {
    w_operand_kind kind;
    char *text;          /* COLUMN: its name; TEXT */
    double num;          /* NUMBER, BOOL */
    int at;              /* offset in the expression, for errors */
} w_operand;

typedef struct w_node w_node;
struct w_node {
    w_kind kind;
    w_op op;
    bool negated;
    int at;
    w_node *left, *right;
    w_operand a, b;
    w_operand *set;
    int64_t n_set;
};

/* clab__where_parse -- text to tree.  EARG with the position and what was expected there. */
CLAB_MUST_CHECK clab_status clab__where_parse(clab_ctx *cx, const char *text, w_node **out);
void clab__where_free(w_node *node); /* NULL is fine */

#endif
