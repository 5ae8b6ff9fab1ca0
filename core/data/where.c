/* where.c -- evaluates an expression over obs, a column at a time; a categorical once per level.
 *
 * Truth has three values: false, true, and missing, which is what a comparison with a missing value
 * gives.  `not` keeps missing; `and` and `or` are Kleene's.  At the end missing counts as false, so a
 * cell without a label is in neither `type == 'B'` nor `type != 'B'`; missing(type) finds it.
 */
#include <stdio.h>
#include <string.h>

#include "base/names.h"
#include "data/dataset_impl.h"
#include "data/where_impl.h"
#include "ledger/ledger.h"

enum { NO, YES, UNKNOWN };

typedef struct {
    clab_ctx *cx;
    const clab_dataset *d;
    const char *text;
    int64_t n;
} evaluation;

static clab_status wrong(const evaluation *e, int at, const char *what, const char *remedy)
{
    clab_fail(e->cx, CLAB_EARG, "where(\"%s\"), character %d: %s", clab_show(e->text), at + 1, what);
    return remedy ? clab_hint(e->cx, "%s", remedy) : clab_error_status(e->cx);
}

/* ---- columns --------------------------------------------------------------------------------------*/

typedef enum { HOLDS_NUMBERS, HOLDS_BOOLEANS, HOLDS_TEXT } content;

static const char *const content_words[] = {"numbers", "true and false", "text"};

/* The list of values that a test is made on: the levels of a categorical, else the column's own. */
static const clab_value *values_of(const clab_value *col)
{
    return col->kind == CLAB_V_CATEGORICAL ? col->levels : col->kind == CLAB_V_NULLABLE ? col->inner : col;
}

static content content_of(const clab_value *col)
{
    const clab_value *v = values_of(col);

    return v->kind == CLAB_V_STRINGS ? HOLDS_TEXT : v->dtype == CLAB_BOOL ? HOLDS_BOOLEANS : HOLDS_NUMBERS;
}

static clab_status column(const evaluation *e, const w_operand *o, const clab_value **col)
{
    clab_status s = clab_dataset_obs_get(e->cx, e->d, o->text, col);
    const clab_value *v;

    if (s != CLAB_OK) {
        clab_hint(e->cx, "text to compare with goes in quotes, as in == '%s'", clab_show(o->text));
        return clab_context(e->cx, "where(\"%s\"), character %d", clab_show(e->text), o->at + 1);
    }
    v = values_of(*col);
    if ((v->kind != CLAB_V_ARRAY && v->kind != CLAB_V_STRINGS) || v->rank != 1)
        return wrong(e, o->at, "this column holds no single values", NULL);
    return CLAB_OK;
}

/* From a result per level to one per cell; per_value is per cell already for the other kinds. */
static void spread(const clab_value *col, const uint8_t *per_value, uint8_t *out)
{
    int64_t n = clab_value_len(col);

    for (int64_t i = 0; i < n; i++)
        if (clab_value_missing(col, i))
            out[i] = UNKNOWN;
        else
            out[i] = per_value[col->kind == CLAB_V_CATEGORICAL ? col->codes[i] : i];
}

/* ---- comparing --------------------------------------------------------------------------------------*/

static uint8_t holds(w_op op, int order)
{
    switch (op) {
    case W_EQ: return order == 0;
    case W_NE: return order != 0;
    case W_LT: return order < 0;
    case W_LE: return order <= 0;
    case W_GT: return order > 0;
    case W_GE: return order >= 0;
    }
    return NO;
}

static int order_of(double x, double y)
{
    return (x > y) - (x < y);
}

static w_op mirrored(w_op op)
{
    static const w_op other[] = {
        [W_EQ] = W_EQ, [W_NE] = W_NE, [W_LT] = W_GT, [W_LE] = W_GE, [W_GT] = W_LT, [W_GE] = W_LE};

    return other[op];
}

static clab_status mismatch(const evaluation *e, const w_operand *col, const w_operand *literal, content have)
{
    char text[400];
    const char *remedy = NULL;

    snprintf(text, sizeof text, "column %s holds %s", clab_show(col->text), content_words[have]);
    if (have == HOLDS_TEXT && literal->kind == W_NUMBER)
        remedy = "write the value in quotes, as in == '3'";
    else if (have == HOLDS_TEXT)
        remedy = "compare it with 'text' in quotes";
    else if (have == HOLDS_NUMBERS)
        remedy = "compare it with a number, without quotes";
    else
        remedy = "compare it with true or false";
    return wrong(e, literal->at, text, remedy);
}

static clab_status fits(const evaluation *e, const w_operand *col, const w_operand *literal, content have)
{
    bool ok = have == HOLDS_TEXT      ? literal->kind == W_TEXT
              : have == HOLDS_NUMBERS ? literal->kind == W_NUMBER
                                      : literal->kind == W_BOOL || literal->kind == W_NUMBER;

    return ok ? CLAB_OK : mismatch(e, col, literal, have);
}

/* A constant beside float32 values is meant in float32: 0.9 equals the 0.9 that stands there. */
static double constant(const clab_value *values, double x)
{
    return values->dtype == CLAB_F32 ? (double)(float)x : x;
}

/* A text that no level has is most often a slip of the pen: said once, the answer stays. */
static void tell_unknown_level(const evaluation *e, const w_operand *col, const clab_value *levels,
                               const char *text)
{
    char *const *names = levels->data;
    int near;

    for (int64_t k = 0; k < levels->dims[0]; k++)
        if (strcmp(names[k], text) == 0)
            return;
    near = clab_text_near(text, (const char *const *)names, (size_t)levels->dims[0]);
    if (near >= 0)
        clab_warn(e->cx, "where: no cell has %s in %s; did you mean %s?", clab_show(text),
                  clab_show(col->text), clab_show(names[near]));
    else
        clab_warn(e->cx, "where: no cell has %s in %s", clab_show(text), clab_show(col->text));
}

/* Levels of an ordered categorical compare by their place. */
static clab_status compare_ordered(const evaluation *e, const clab_value *levels, w_op op,
                                   const w_operand *literal, uint8_t *per_value)
{
    char *const *names = levels->data;
    int64_t place = -1;

    for (int64_t k = 0; k < levels->dims[0]; k++)
        if (strcmp(names[k], literal->text) == 0)
            place = k;
    if (place < 0)
        return wrong(e, literal->at, "the ordered column has no such level to compare with", NULL);
    for (int64_t k = 0; k < levels->dims[0]; k++)
        per_value[k] = holds(op, (k > place) - (k < place));
    return CLAB_OK;
}

static clab_status compare_values(const evaluation *e, const clab_value *col, w_op op, const w_operand *name,
                                  const w_operand *literal, uint8_t *per_value)
{
    const clab_value *v = values_of(col);
    bool ordering = op != W_EQ && op != W_NE;

    if (v->kind == CLAB_V_STRINGS && col->kind == CLAB_V_CATEGORICAL && col->ordered && ordering)
        return compare_ordered(e, v, op, literal, per_value);
    if (v->kind == CLAB_V_STRINGS) {
        char *const *strings = v->data;
        for (int64_t i = 0; i < v->dims[0]; i++)
            per_value[i] = holds(op, strcmp(strings[i], literal->text));
        if (col->kind == CLAB_V_CATEGORICAL && !ordering)
            tell_unknown_level(e, name, v, literal->text);
        return CLAB_OK;
    }
    double y = constant(v, literal->num);
    for (int64_t i = 0; i < v->dims[0]; i++)
        per_value[i] = holds(op, order_of(clab_value_at_num(v, i), y));
    return CLAB_OK;
}

static clab_status scratch(const evaluation *e, const clab_value *col, uint8_t **per_value)
{
    return clab_mem_alloc(e->cx, CLAB_MEM_WORK, clab_value_len(values_of(col)) + 1, "where",
                          (void **)per_value);
}

static clab_status compare_literal(const evaluation *e, const w_operand *name, w_op op,
                                   const w_operand *literal, uint8_t *out)
{
    const clab_value *col = NULL;
    uint8_t *per_value = NULL;
    clab_status s = column(e, name, &col);

    if (s == CLAB_OK)
        s = fits(e, name, literal, content_of(col));
    if (s == CLAB_OK)
        s = scratch(e, col, &per_value);
    if (s == CLAB_OK)
        s = compare_values(e, col, op, name, literal, per_value);
    if (s == CLAB_OK)
        spread(col, per_value, out);
    clab_mem_free(e->cx, per_value);
    return s;
}

static clab_status compare_columns(const evaluation *e, const w_node *node, uint8_t *out)
{
    const clab_value *a = NULL, *b = NULL;
    char x[40], y[40];
    clab_status s = column(e, &node->a, &a);

    if (s == CLAB_OK)
        s = column(e, &node->b, &b);
    if (s != CLAB_OK)
        return s;
    bool text = content_of(a) == HOLDS_TEXT;
    if (text != (content_of(b) == HOLDS_TEXT))
        return wrong(e, node->at, "one column holds text and the other does not", NULL);
    for (int64_t i = 0; i < e->n; i++) {
        if (clab_value_missing(a, i) || clab_value_missing(b, i))
            out[i] = UNKNOWN;
        else if (text)
            out[i] = holds(
                node->op, strcmp(clab_value_at_str(a, i, x, sizeof x), clab_value_at_str(b, i, y, sizeof y)));
        else
            out[i] = holds(node->op, order_of(clab_value_at_num(a, i), clab_value_at_num(b, i)));
    }
    return CLAB_OK;
}

static clab_status compare(const evaluation *e, const w_node *node, uint8_t *out)
{
    if (node->a.kind == W_COLUMN && node->b.kind == W_COLUMN)
        return compare_columns(e, node, out);
    if (node->a.kind == W_COLUMN)
        return compare_literal(e, &node->a, node->op, &node->b, out);
    if (node->b.kind == W_COLUMN)
        return compare_literal(e, &node->b, mirrored(node->op), &node->a, out);
    return wrong(e, node->at, "two constants are compared", "one side must be a column of obs");
}

/* ---- sets -------------------------------------------------------------------------------------------*/

static clab_status in_text(const evaluation *e, const clab_value *col, const w_node *node, uint8_t *per_value)
{
    const clab_value *v = values_of(col);
    char *const *strings = v->data;
    clab_names *ix = NULL;
    clab_status s = clab_names_new(e->cx, NULL, 0, NULL, &ix);

    for (int64_t k = 0; s == CLAB_OK && k < node->n_set; k++) {
        if (clab_names_add(ix, node->set[k].text) < 0)
            s = clab_fail(e->cx, CLAB_ENOMEM, "no memory for a set");
        else if (col->kind == CLAB_V_CATEGORICAL)
            tell_unknown_level(e, &node->a, v, node->set[k].text);
    }
    for (int64_t i = 0; s == CLAB_OK && i < v->dims[0]; i++)
        per_value[i] = (clab_names_get(ix, strings[i]) >= 0) != node->negated;
    clab_names_free(ix);
    return s;
}

static void in_numbers(const clab_value *v, const w_node *node, uint8_t *per_value)
{
    for (int64_t i = 0; i < v->dims[0]; i++) {
        double x = clab_value_at_num(v, i);
        bool found = false;
        for (int64_t k = 0; !found && k < node->n_set; k++)
            found = order_of(x, constant(v, node->set[k].num)) == 0;
        per_value[i] = found != node->negated;
    }
}

static clab_status in_set(const evaluation *e, const w_node *node, uint8_t *out)
{
    const clab_value *col = NULL;
    uint8_t *per_value = NULL;
    clab_status s;

    if (node->a.kind != W_COLUMN)
        return wrong(e, node->a.at, "only a column can be in a set", NULL);
    s = column(e, &node->a, &col);
    for (int64_t k = 0; s == CLAB_OK && k < node->n_set; k++)
        s = fits(e, &node->a, &node->set[k], content_of(col));
    if (s == CLAB_OK)
        s = scratch(e, col, &per_value);
    if (s == CLAB_OK && content_of(col) == HOLDS_TEXT)
        s = in_text(e, col, node, per_value);
    else if (s == CLAB_OK)
        in_numbers(values_of(col), node, per_value);
    if (s == CLAB_OK)
        spread(col, per_value, out);
    clab_mem_free(e->cx, per_value);
    return s;
}

/* ---- the tree ---------------------------------------------------------------------------------------*/

static clab_status truth(const evaluation *e, const w_node *node, uint8_t *out)
{
    const clab_value *col = NULL;
    clab_status s;

    if (node->a.kind == W_BOOL) {
        memset(out, node->a.num != 0.0, (size_t)e->n);
        return CLAB_OK;
    }
    if (node->a.kind != W_COLUMN)
        return wrong(e, node->a.at, "a constant alone is no condition", NULL);
    s = column(e, &node->a, &col);
    if (s != CLAB_OK)
        return s;
    if (content_of(col) != HOLDS_BOOLEANS)
        return wrong(e, node->a.at, "only a column of true and false can stand alone",
                     "compare it with something");
    for (int64_t i = 0; i < e->n; i++)
        out[i] = clab_value_missing(col, i) ? UNKNOWN : clab_value_at_num(col, i) != 0.0;
    return CLAB_OK;
}

static clab_status missing(const evaluation *e, const w_node *node, uint8_t *out)
{
    const clab_value *col = NULL;
    clab_status s = column(e, &node->a, &col);

    for (int64_t i = 0; s == CLAB_OK && i < e->n; i++)
        out[i] = clab_value_missing(col, i);
    return s;
}

static clab_status evaluate(const evaluation *e, const w_node *node, uint8_t *out);

static clab_status combine(const evaluation *e, const w_node *node, uint8_t *out)
{
    uint8_t *right = NULL;
    uint8_t wins = node->kind == W_AND ? NO : YES; /* decides whatever the other side is */
    clab_status s = evaluate(e, node->left, out);

    if (s == CLAB_OK)
        s = clab_mem_alloc(e->cx, CLAB_MEM_WORK, e->n + 1, "where", (void **)&right);
    if (s == CLAB_OK)
        s = evaluate(e, node->right, right);
    for (int64_t i = 0; s == CLAB_OK && i < e->n; i++) {
        if (out[i] == wins || right[i] == wins)
            out[i] = wins;
        else if (out[i] == UNKNOWN || right[i] == UNKNOWN)
            out[i] = UNKNOWN;
    }
    clab_mem_free(e->cx, right);
    return s;
}

static clab_status evaluate(const evaluation *e, const w_node *node, uint8_t *out)
{
    clab_status s = clab_check(e->cx);

    if (s != CLAB_OK)
        return s;
    switch (node->kind) {
    case W_OR:
    case W_AND: return combine(e, node, out);
    case W_COMPARE: return compare(e, node, out);
    case W_IN: return in_set(e, node, out);
    case W_MISSING: return missing(e, node, out);
    case W_TRUTH: return truth(e, node, out);
    case W_NOT: break;
    }
    s = evaluate(e, node->left, out);
    for (int64_t i = 0; s == CLAB_OK && i < e->n; i++)
        if (out[i] != UNKNOWN)
            out[i] = !out[i];
    return s;
}

clab_status clab_where(clab_ctx *cx, const clab_dataset *d, const char *expression, uint8_t *mask)
{
    evaluation e = {cx, d, expression, clab_dataset_n_obs(d)};
    w_node *tree = NULL;
    clab_status s = clab__where_parse(cx, expression, &tree);

    if (s == CLAB_OK)
        s = evaluate(&e, tree, mask);
    for (int64_t i = 0; s == CLAB_OK && i < e.n; i++)
        mask[i] = mask[i] == YES;
    clab__where_free(tree);
    return s;
}
