/* args.c -- arguments against their descriptors: defaults, text, ranges, logs.
 * Shared by steps, models and the command line, so that a mistake reads the same everywhere. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "steps/step.h"

static bool is_list(clab_ptype t)
{
    return t == CLAB_P_STRS || t == CLAB_P_OBSS || t == CLAB_P_VARS || t == CLAB_P_INTS;
}

static bool is_number(clab_ptype t)
{
    return t == CLAB_P_INT || t == CLAB_P_NUM;
}

void clab_args_free(clab_arg *args, int n)
{
    for (int i = 0; args && i < n; i++) {
        if (args[i].owned) {
            free((void *)(uintptr_t)args[i].strs);
            args[i].strs = NULL;
            args[i].n_strs = 0;
            args[i].owned = false;
        }
    }
}

/* ---- from text ------------------------------------------------------------------------------------*/

/* "a, b" becomes one block: the pointers, then the characters they point to. */
static clab_status split_list(clab_ctx *cx, clab_arg *arg, const char *s)
{
    size_t len = strlen(s), n = 1;
    const char **strs;
    char *text;

    for (const char *c = s; *c; c++)
        n += *c == ',';
    strs = malloc(n * sizeof *strs + len + 1);
    if (!strs)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a list of %zu names", n);
    text = memcpy((char *)(strs + n), s, len + 1);
    clab_args_free(arg, 1);
    arg->n_strs = 0;
    for (char *save = NULL, *w = strtok_r(text, ",", &save); w; w = strtok_r(NULL, ",", &save))
        strs[arg->n_strs++] = w + strspn(w, " ");
    arg->strs = strs;
    arg->owned = true;
    return CLAB_OK;
}

static bool parse_bool(const char *s, bool *b)
{
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};

    for (size_t i = 0; i < 4; i++) {
        if (strcmp(s, yes[i]) == 0 || strcmp(s, no[i]) == 0) {
            *b = strcmp(s, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

static bool parse_number(const clab_param *p, const char *s, clab_arg *arg)
{
    char *end;

    if (strcmp(p->unit, "bytes") == 0 && clab_text_parse_bytes(s, &arg->i)) {
        arg->num = (double)arg->i;
        return true;
    }
    if (p->type == CLAB_P_INT) {
        errno = 0;
        arg->i = strtoll(s, &end, 10);
        if (errno == 0 && end != s && *end == '\0') {
            arg->num = (double)arg->i;
            return true;
        }
    }
    arg->num = strtod(s, &end);
    if (end == s || *end != '\0')
        return false;
    if (p->type == CLAB_P_INT) { /* 1e4 is a whole number too */
        if (!(fabs(arg->num) < 9e15) || floor(arg->num) != arg->num)
            return false;
    }
    arg->i = fabs(arg->num) < 9e15 ? (int64_t)arg->num : 0;
    return true;
}

clab_status clab_args_set_text(clab_ctx *cx, const char *what, const clab_param *p, clab_arg *arg,
                               const char *s)
{
    bool ok = true;
    clab_status st;

    if (is_list(p->type)) {
        if ((st = split_list(cx, arg, s)) != CLAB_OK)
            return st;
    } else if (p->type == CLAB_P_BOOL) {
        ok = parse_bool(s, &arg->b);
    } else if (is_number(p->type)) {
        ok = parse_number(p, s, arg);
    } else if (p->type == CLAB_P_FUNC || p->type == CLAB_P_DATASET) {
        ok = false;
    } else {
        arg->s = s;
    }
    if (!ok)
        return clab_fail(cx, CLAB_EARG, "%s: %s must be %s, not '%s'", what, p->name,
                         p->type == CLAB_P_BOOL   ? "true or false"
                         : p->type == CLAB_P_INT  ? "a whole number"
                         : p->type == CLAB_P_NUM  ? "a number"
                         : p->type == CLAB_P_FUNC ? "a function"
                                                  : "a dataset",
                         clab_show(s));
    arg->given = arg->explicit_ = true;
    return CLAB_OK;
}

clab_status clab_args_default(clab_ctx *cx, const char *what, const clab_param *p, int n, clab_arg *args)
{
    memset(args, 0, (size_t)n * sizeof *args);
    for (int i = 0; i < n; i++) {
        if (!p[i].def || p[i].def[0] == '\0')
            continue;
        if (clab_args_set_text(cx, what, &p[i], &args[i], p[i].def) != CLAB_OK) {
            clab_args_free(args, n);
            clab_error_clear(cx);
            return clab_fail(cx, CLAB_EINTERNAL, "%s: the default '%s' of %s does not fit its type", what,
                             p[i].def, p[i].name);
        }
        args[i].explicit_ = false;
    }
    return CLAB_OK;
}

clab_status clab_args_find(clab_ctx *cx, const char *what, const clab_param *p, int n, const char *name,
                           int *index)
{
    const char **names;
    clab_str list = {0};
    int near;
    clab_status st;

    for (int i = 0; i < n; i++) {
        if (strcmp(p[i].name, name) == 0) {
            *index = i;
            return CLAB_OK;
        }
    }
    names = calloc((size_t)n + 1, sizeof *names);
    for (int i = 0; i < n; i++) {
        if (names)
            names[i] = p[i].name;
        clab_str_addf(&list, "%s%s", i ? ", " : "", p[i].name);
    }
    near = names ? clab_text_near(name, names, (size_t)n) : -1;
    st = clab_fail(cx, CLAB_ENOTFOUND, "%s has no argument '%s'", what, clab_show(name));
    if (near >= 0)
        st = clab_hint(cx, "did you mean %s? There are: %s", p[near].name, list.s);
    else if (n > 0 && list.s)
        st = clab_hint(cx, "there are: %s", list.s);
    free(names);
    clab_str_free(&list);
    return st;
}

/* ---- checking -------------------------------------------------------------------------------------*/

static bool is_choice(const char *choices, const char *s)
{
    size_t n = strlen(s);

    for (const char *c = choices; c; c = strchr(c, '|')) {
        c += *c == '|';
        if (strncmp(c, s, n) == 0 && (c[n] == '|' || c[n] == '\0'))
            return true;
    }
    return false;
}

/* Bounds at or beyond `no_bound` go without saying. */
static void range_words(const clab_param *p, double no_bound, char *buf, size_t n)
{
    bool below = p->min > -no_bound, above = p->max < no_bound;

    *buf = '\0';
    if (below && !above)
        snprintf(buf, n, ">= %.10g", p->min);
    else if (above && !below)
        snprintf(buf, n, "<= %.10g", p->max);
    else if (below)
        snprintf(buf, n, "from %.10g to %.10g", p->min, p->max);
}

static clab_status check_number(clab_ctx *cx, const char *what, const clab_param *p, const clab_arg *a)
{
    char range[64];
    bool any = p->min == 0 && p->max == 0;
    double x = p->type == CLAB_P_INT ? (double)a->i : a->num;

    if (!isnan(x) && (any || (x >= p->min && x <= p->max)))
        return CLAB_OK;
    range_words(p, 9e15, range, sizeof range);
    return clab_fail(cx, CLAB_EARG, "%s: %s = %.10g, but it must be %s%s%s", what, p->name, x,
                     any ? "a number" : range, *p->unit ? " " : "", p->unit);
}

int64_t clab_arg_int(const clab_arg *a, int64_t i)
{
    return strtoll(a->strs[i], NULL, 10);
}

static clab_status check_integers(clab_ctx *cx, const char *what, const clab_param *p, const clab_arg *a)
{
    for (int64_t i = 0; i < a->n_strs; i++) {
        char *end;
        errno = 0;
        long long x = strtoll(a->strs[i], &end, 10);
        if (errno != 0 || end == a->strs[i] || *end != '\0' || (double)x < p->min || (double)x > p->max)
            return clab_fail(cx, CLAB_EARG, "%s: %s holds '%s', but each must be a whole number from %.10g to %.10g",
                             what, p->name, clab_show(a->strs[i]), p->min, p->max);
    }
    return CLAB_OK;
}

clab_status clab_args_check(clab_ctx *cx, const char *what, const clab_param *p, int n, const clab_arg *args)
{
    clab_status st;

    for (int i = 0; i < n; i++) {
        const clab_arg *a = &args[i];

        if (!a->given) {
            if (!p[i].def)
                return clab_fail(cx, CLAB_EARG, "%s needs %s: %s", what, p[i].name, p[i].help);
            continue;
        }
        if (is_number(p[i].type) && (st = check_number(cx, what, &p[i], a)) != CLAB_OK)
            return st;
        if (p[i].type == CLAB_P_INTS && (st = check_integers(cx, what, &p[i], a)) != CLAB_OK)
            return st;
        if (p[i].type == CLAB_P_ENUM && !is_choice(p[i].choices, a->s))
            return clab_fail(cx, CLAB_EARG, "%s: %s = '%s', but it must be one of %s", what, p[i].name,
                             clab_show(a->s), p[i].choices);
    }
    return CLAB_OK;
}

void clab_param_describe(const clab_param *p, char *buf, size_t n)
{
    static const char *const words[] = {"integer",    "number",       "true or false", "text",
                                        "one of",     "list of text", "obs column",    "list of obs columns",
                                        "var column", "obsm key",     "function",      "Dataset",
                                        "list of var columns", "list of integers", "layer, or \"X\""};
    char range[64] = "";
    bool unit = *p->unit != '\0';
    size_t used;

    if (is_number(p->type) && (p->min != 0 || p->max != 0))
        range_words(p, INT32_MAX, range, sizeof range); /* the widest are the types', not the step's */
    unit = unit && (range[0] || !is_number(p->type));
    snprintf(buf, n, "%s%s%s%s%s%s%s", words[p->type], p->type == CLAB_P_ENUM ? " " : "",
             p->type == CLAB_P_ENUM ? p->choices : "", range[0] ? " " : "", range, unit ? " " : "",
             unit ? p->unit : "");
    used = strlen(buf);
    if (!p->def)
        snprintf(buf + used, n - used, "; required");
    else if (p->def[0])
        snprintf(buf + used, n - used, "; default %s", p->def);
}

/* ---- to a log -------------------------------------------------------------------------------------*/

static clab_status arg_value(clab_ctx *cx, const clab_param *p, const clab_arg *a, clab_value **v)
{
    if (p->type == CLAB_P_INTS) {
        clab_status s = clab_value_array(cx, CLAB_I64, 1, &a->n_strs, NULL, v);
        for (int64_t i = 0; s == CLAB_OK && i < a->n_strs; i++)
            ((int64_t *)(*v)->data)[i] = clab_arg_int(a, i);
        return s;
    }
    if (is_list(p->type))
        return clab_value_strings(cx, 1, &a->n_strs, a->strs, v);
    switch (p->type) {
    case CLAB_P_INT: return clab_value_integer(cx, a->i, v);
    case CLAB_P_NUM: return clab_value_number(cx, a->num, v);
    case CLAB_P_BOOL: return clab_value_boolean(cx, a->b, v);
    case CLAB_P_FUNC: return clab_value_string(cx, "function", v);
    default: return clab_value_string(cx, a->s, v);
    }
}

clab_status clab_args_value(clab_ctx *cx, const clab_param *p, int n, const clab_arg *args, clab_value **out)
{
    clab_value *dict = NULL, *v = NULL;
    clab_status st;

    if ((st = clab_value_dict(cx, &dict)) != CLAB_OK)
        return st;
    for (int i = 0; i < n && st == CLAB_OK; i++) {
        if (!args[i].given)
            continue;
        if ((st = arg_value(cx, &p[i], &args[i], &v)) == CLAB_OK)
            st = clab_value_set(cx, dict, p[i].name, v);
        clab_value_unref(v);
        v = NULL;
    }
    if (st != CLAB_OK) {
        clab_value_unref(dict);
        return st;
    }
    *out = dict;
    return CLAB_OK;
}
