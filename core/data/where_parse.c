/* where_parse.c -- the small language of where(): a lexer and a recursive descent over it.
 *
 *   or    = and { ("or" | "||") and }
 *   and   = not { ("and" | "&&") not }
 *   not   = ("not" | "!") not | test
 *   test  = "(" or ")" | "missing" "(" column ")" | operand [ relation ]
 *   relation = op operand { op operand } | ["not"] "in" "{" literal { "," literal } "}"
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/where_impl.h"

#define MAX_DEPTH 100  /* parentheses and nots inside each other */

typedef enum {
    T_END,
    T_NAME,
    T_QUOTED_NAME,
    T_TEXT,
    T_NUMBER,
    T_OPEN,
    T_CLOSE,
    T_SET_OPEN,
    T_SET_CLOSE,
    T_COMMA,
    T_OP,
    T_AND,
    T_OR,
    T_NOT,
    T_IN
} token_kind;

typedef struct {
    clab_ctx *cx;
    const char *text;
    int next;          /* offset of the character after the token in hand */
    int depth;
    token_kind kind;   /* the token in hand */
    int at;
    char *word;        /* NAME, QUOTED_NAME, TEXT: owned until taken */
    double num;
    w_op op;
} parser;

static clab_status wrong(parser *p, const char *what)
{
    const char *rest = p->text + p->at;

    if (p->kind == T_END)
        return clab_fail(p->cx, CLAB_EARG, "where(\"%s\") ends too early: %s", clab_show(p->text), what);
    return clab_fail(p->cx, CLAB_EARG, "where(\"%s\"), character %d, at \"%.20s\": %s", clab_show(p->text),
                     p->at + 1, clab_show(rest), what);
}

/* ---- lexer ----------------------------------------------------------------------------------------*/

static bool name_byte(unsigned char c, bool first)
{
    return c >= 0x80 || c == '_' || isalpha(c) || (!first && (isdigit(c) || c == '.'));
}

/* Text up to the closing quote; the quote is written as itself twice or after a backslash. */
static clab_status lex_quoted(parser *p, char quote, token_kind kind)
{
    const char *s = p->text + p->next + 1;
    char *word = malloc(strlen(s) + 1), *to = word;

    if (!word)
        return clab_fail(p->cx, CLAB_ENOMEM, "no memory for an expression");
    for (;; s++) {
        if (*s == '\\' && (s[1] == quote || s[1] == '\\'))
            s++;
        else if (*s == quote && s[1] == quote)
            s++;
        else if (*s == quote || *s == '\0')
            break;
        *to++ = *s;
    }
    *to = '\0';
    p->kind = kind;
    p->word = word;
    if (*s == '\0')
        return wrong(p, "the quote is never closed");
    p->next = (int)(s - p->text) + 1;
    return CLAB_OK;
}

static clab_status lex_name(parser *p)
{
    static const struct {
        const char *word;
        token_kind kind;
    } keywords[] = {{"and", T_AND}, {"or", T_OR}, {"not", T_NOT}, {"in", T_IN}};
    const char *s = p->text + p->next;
    size_t n = 0;

    while (name_byte((unsigned char)s[n], n == 0))
        n++;
    p->next += (int)n;
    p->kind = T_NAME;
    p->word = strndup(s, n);
    if (!p->word)
        return clab_fail(p->cx, CLAB_ENOMEM, "no memory for an expression");
    for (size_t k = 0; k < sizeof keywords / sizeof *keywords; k++)
        if (strcmp(p->word, keywords[k].word) == 0) {
            p->kind = keywords[k].kind;
            free(p->word);
            p->word = NULL;
            break;
        }
    return CLAB_OK;
}

static clab_status lex_number(parser *p)
{
    char *end = NULL;

    p->num = strtod(p->text + p->next, &end);
    p->kind = T_NUMBER;
    if (end == p->text + p->next || name_byte((unsigned char)*end, true))
        return wrong(p, "this is no number; a column whose name begins with a digit goes in `backquotes`");
    p->next = (int)(end - p->text);
    return CLAB_OK;
}

static clab_status lex_symbol(parser *p)
{
    static const struct {
        const char *symbol;
        token_kind kind;
        w_op op;
    } symbols[] = {
        {"==", T_OP, W_EQ},      {"!=", T_OP, W_NE},       {"~=", T_OP, W_NE},      {"<=", T_OP, W_LE},
        {">=", T_OP, W_GE},      {"&&", T_AND, W_EQ},      {"||", T_OR, W_EQ},      {"<", T_OP, W_LT},
        {">", T_OP, W_GT},       {"!", T_NOT, W_EQ},       {"&", T_AND, W_EQ},      {"|", T_OR, W_EQ},
        {"(", T_OPEN, W_EQ},     {")", T_CLOSE, W_EQ},     {"{", T_SET_OPEN, W_EQ}, {"}", T_SET_CLOSE, W_EQ},
        {"[", T_SET_OPEN, W_EQ}, {"]", T_SET_CLOSE, W_EQ}, {",", T_COMMA, W_EQ},
    };
    const char *s = p->text + p->next;

    for (size_t k = 0; k < sizeof symbols / sizeof *symbols; k++) {
        size_t n = strlen(symbols[k].symbol);
        if (strncmp(s, symbols[k].symbol, n) != 0)
            continue;
        p->kind = symbols[k].kind;
        p->op = symbols[k].op;
        p->next += (int)n;
        return CLAB_OK;
    }
    p->kind = T_OP;
    return wrong(p, *s == '=' ? "equality is written ==" : "this character means nothing here");
}

static clab_status advance(parser *p)
{
    char c;

    free(p->word);
    p->word = NULL;
    while (isspace((unsigned char)p->text[p->next]))
        p->next++;
    p->at = p->next;
    c = p->text[p->next];
    if (c == '\0') {
        p->kind = T_END;
        return CLAB_OK;
    }
    if (c == '\'' || c == '"')
        return lex_quoted(p, c, T_TEXT);
    if (c == '`')
        return lex_quoted(p, c, T_QUOTED_NAME);
    if (isdigit((unsigned char)c) || c == '-' || c == '+' ||
        (c == '.' && isdigit((unsigned char)p->text[p->next + 1])))
        return lex_number(p);
    return name_byte((unsigned char)c, true) ? lex_name(p) : lex_symbol(p);
}

/* ---- tree -----------------------------------------------------------------------------------------*/

void clab__where_free(w_node *node)
{
    if (!node)
        return;
    clab__where_free(node->left);
    clab__where_free(node->right);
    free(node->a.text);
    free(node->b.text);
    for (int64_t i = 0; i < node->n_set; i++)
        free(node->set[i].text);
    free(node->set);
    free(node);
}

static clab_status new_node(parser *p, w_kind kind, w_node **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return clab_fail(p->cx, CLAB_ENOMEM, "no memory for an expression");
    (*out)->kind = kind;
    (*out)->at = p->at;
    return CLAB_OK;
}

/* Joins two trees, which it owns from here on, also on error. */
static clab_status join(parser *p, w_kind kind, w_node *left, w_node *right, w_node **out)
{
    clab_status s = new_node(p, kind, out);

    if (s != CLAB_OK) {
        clab__where_free(left);
        clab__where_free(right);
        return s;
    }
    (*out)->left = left;
    (*out)->right = right;
    return CLAB_OK;
}

static bool is_bool_word(const char *word, double *value)
{
    bool yes = strcmp(word, "true") == 0 || strcmp(word, "True") == 0;

    *value = yes ? 1.0 : 0.0;
    return yes || strcmp(word, "false") == 0 || strcmp(word, "False") == 0;
}

static clab_status parse_operand(parser *p, w_operand *out)
{
    out->at = p->at;
    switch (p->kind) {
    case T_NUMBER:
        out->kind = W_NUMBER;
        out->num = p->num;
        return advance(p);
    case T_NAME:
        if (is_bool_word(p->word, &out->num)) {
            out->kind = W_BOOL;
            return advance(p);
        }
        out->kind = W_COLUMN;
        break;
    case T_QUOTED_NAME: out->kind = W_COLUMN; break;
    case T_TEXT: out->kind = W_TEXT; break;
    default: return wrong(p, "expected a column, a number or 'text'");
    }
    out->text = p->word;
    p->word = NULL;
    return advance(p);
}

static clab_status parse_set(parser *p, w_node *node)
{
    clab_status s;

    if (p->kind != T_SET_OPEN)
        return wrong(p, "expected { after in, as in {'B', 'T'}");
    do {
        w_operand *grown = realloc(node->set, (size_t)(node->n_set + 1) * sizeof *grown);
        if (!grown)
            return clab_fail(p->cx, CLAB_ENOMEM, "no memory for an expression");
        node->set = grown;
        memset(&grown[node->n_set], 0, sizeof *grown);
        s = advance(p);
        if (s == CLAB_OK && p->kind == T_SET_CLOSE)
            break;
        if (s == CLAB_OK)
            s = parse_operand(p, &grown[node->n_set]);
        if (s != CLAB_OK) {
            free(grown[node->n_set].text);
            return s;
        }
        if (grown[node->n_set++].kind == W_COLUMN)
            return wrong(p, "a set holds 'text' in quotes and numbers");
    } while (p->kind == T_COMMA);
    if (p->kind != T_SET_CLOSE)
        return wrong(p, "expected , or } in a set");
    return advance(p);
}

static clab_status copy_operand(parser *p, const w_operand *from, w_operand *to)
{
    *to = *from;
    if (!from->text)
        return CLAB_OK;
    to->text = strdup(from->text);
    return to->text ? CLAB_OK : clab_fail(p->cx, CLAB_ENOMEM, "no memory for an expression");
}

/* a op b { op c }: a chain means that every pair holds. */
static clab_status parse_comparison(parser *p, w_node *first, w_node **out)
{
    w_node *all = first, *last = first;
    clab_status s;

    first->kind = W_COMPARE;
    first->op = p->op;
    first->at = p->at;
    s = advance(p);
    if (s == CLAB_OK)
        s = parse_operand(p, &first->b);
    for (int n = 0; s == CLAB_OK && p->kind == T_OP; n++) {
        w_node *more = NULL;
        if (n >= MAX_DEPTH) {
            s = wrong(p, "too many comparisons in a row");
            break;
        }
        s = new_node(p, W_COMPARE, &more);
        if (s != CLAB_OK)
            break;
        more->op = p->op;
        s = copy_operand(p, &last->b, &more->a);
        if (s == CLAB_OK)
            s = advance(p);
        if (s == CLAB_OK)
            s = parse_operand(p, &more->b);
        last = more;
        w_node *both = NULL;
        clab_status joined = join(p, W_AND, all, more, &both);
        all = both;
        s = s != CLAB_OK ? s : joined;
    }
    *out = all;
    return s;
}

static clab_status parse_or(parser *p, w_node **out);

static clab_status parse_missing(parser *p, w_node *node)
{
    clab_status s = advance(p);

    node->kind = W_MISSING;
    free(node->a.text);
    node->a.text = NULL;
    if (s == CLAB_OK)
        s = parse_operand(p, &node->a);
    if (s == CLAB_OK && (node->a.kind != W_COLUMN || p->kind != T_CLOSE))
        s = wrong(p, "expected missing(column)");
    return s == CLAB_OK ? advance(p) : s;
}

static clab_status parse_test(parser *p, w_node **out)
{
    clab_status s;

    if (p->kind == T_OPEN) {
        s = advance(p);
        if (s == CLAB_OK)
            s = parse_or(p, out);
        if (s == CLAB_OK && p->kind != T_CLOSE)
            s = wrong(p, "expected )");
        return s == CLAB_OK ? advance(p) : s;
    }
    bool bare = p->kind == T_NAME;
    s = new_node(p, W_TRUTH, out);
    if (s == CLAB_OK)
        s = parse_operand(p, &(*out)->a);
    if (s != CLAB_OK)
        return s;
    if (bare && p->kind == T_OPEN && (*out)->a.text && strcmp((*out)->a.text, "missing") == 0)
        return parse_missing(p, *out);
    if (p->kind == T_OP)
        return parse_comparison(p, *out, out);
    if (p->kind == T_NOT) {
        (*out)->negated = true;
        s = advance(p);
        if (s == CLAB_OK && p->kind != T_IN)
            s = wrong(p, "expected in after not");
    }
    if (s == CLAB_OK && p->kind == T_IN) {
        (*out)->kind = W_IN;
        s = advance(p);
        return s == CLAB_OK ? parse_set(p, *out) : s;
    }
    return s;
}

static clab_status parse_not(parser *p, w_node **out)
{
    w_node *inner = NULL;
    clab_status s = p->depth >= MAX_DEPTH ? wrong(p, "nested too deeply") : CLAB_OK;

    if (s != CLAB_OK)
        return s;
    p->depth++;
    if (p->kind != T_NOT) {
        s = parse_test(p, out);
    } else {
        s = advance(p);
        if (s == CLAB_OK)
            s = parse_not(p, &inner);
        if (s == CLAB_OK)
            s = join(p, W_NOT, inner, NULL, out);
        else
            clab__where_free(inner);
    }
    p->depth--;
    return s;
}

/* One level of and/or: operands joined by `glue`, from the left. */
static clab_status parse_chain(parser *p, token_kind glue, w_node **out)
{
    w_node *all = NULL;
    clab_status s = glue == T_OR ? parse_chain(p, T_AND, &all) : parse_not(p, &all);

    for (int n = 0; s == CLAB_OK && p->kind == glue; n++) {
        w_node *right = NULL, *both = NULL;
        if (n >= 10 * MAX_DEPTH)
            s = wrong(p, "too many terms");
        if (s == CLAB_OK)
            s = advance(p);
        if (s == CLAB_OK)
            s = glue == T_OR ? parse_chain(p, T_AND, &right) : parse_not(p, &right);
        if (s != CLAB_OK) {
            clab__where_free(right);
            break;
        }
        s = join(p, glue == T_OR ? W_OR : W_AND, all, right, &both);
        all = both;
    }
    *out = all;
    return s;
}

static clab_status parse_or(parser *p, w_node **out)
{
    return parse_chain(p, T_OR, out);
}

clab_status clab__where_parse(clab_ctx *cx, const char *text, w_node **out)
{
    parser p = {.cx = cx, .text = text};
    w_node *tree = NULL;
    clab_status s;

    if (strlen(text) > 1 << 20)
        return clab_fail(cx, CLAB_EARG, "the expression of where() is longer than 1 MiB");
    s = advance(&p);
    if (s == CLAB_OK)
        s = parse_or(&p, &tree);
    if (s == CLAB_OK && p.kind != T_END)
        s = wrong(&p, "expected and, or, or the end");
    free(p.word);
    if (s != CLAB_OK) {
        clab__where_free(tree);
        return s;
    }
    *out = tree;
    return CLAB_OK;
}
