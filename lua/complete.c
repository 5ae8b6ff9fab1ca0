/* complete.c -- what may stand at the cursor: reads the statement so far, however many lines it has.
 *
 * Known limits: a variable that the same statement assigns is not known yet; comments inside brackets
 * count as text; long strings [[...]] complete as paths.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "complete_impl.h"

/* ---- the list of words ----------------------------------------------------------------------------*/

void clab__words_add(clab__words *w, const char *word, const char *suffix)
{
    size_t len = strlen(word);
    char *s;

    if (strncmp(word, w->prefix, w->prefix_len) != 0)
        return;
    if (w->n + 1 >= w->cap) {
        size_t cap = w->cap ? 2 * w->cap : 32;
        char **p = realloc(w->words, cap * sizeof *p);
        if (!p)
            return;
        w->words = p;
        w->cap = cap;
    }
    s = malloc(len + strlen(suffix) + 1);
    if (!s)
        return;
    memcpy(s, word, len);
    strcpy(s + len, suffix);
    w->words[w->n++] = s;
    w->words[w->n] = NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **sorted_unique(clab__words *w)
{
    size_t k = 0;

    if (w->n == 0) {
        free(w->words);
        return calloc(1, sizeof *w->words);
    }
    qsort(w->words, w->n, sizeof *w->words, by_text);
    for (size_t i = 0; i < w->n; i++) {
        if (k > 0 && strcmp(w->words[k - 1], w->words[i]) == 0)
            free(w->words[i]);
        else
            w->words[k++] = w->words[i];
    }
    w->words[k] = NULL;
    return w->words;
}

/* ---- scanning -------------------------------------------------------------------------------------*/

static size_t skip_long(const char *s, size_t i, size_t end, bool *open)
{
    size_t level = 0, k = i + 1;

    while (k < end && s[k] == '=')
        k++, level++;
    if (k >= end || s[k] != '[') {
        *open = false;
        return i; /* just a bracket */
    }
    for (k++; k < end; k++) {
        size_t m = 0;
        if (s[k] != ']')
            continue;
        while (k + 1 + m < end && s[k + 1 + m] == '=')
            m++;
        if (m == level && k + 1 + m < end && s[k + 1 + m] == ']') {
            *open = false;
            return k + 1 + m;
        }
    }
    *open = true;
    return end;
}

/* Moves past a string that opens at i; its last character, or end when it is still open. */
static size_t skip_string(clab__scan *c, size_t i)
{
    size_t k = i + 1;

    while (k < c->end && c->s[k] != c->s[i])
        k += c->s[k] == '\\' ? 2 : 1;
    if (k >= c->end) {
        c->in_string = true;
        c->string = i;
        return c->end;
    }
    return k;
}

static size_t skip_comment(clab__scan *c, size_t i)
{
    bool open = false;
    size_t k = i + 2;

    if (k < c->end && c->s[k] == '[') {
        k = skip_long(c->s, k, c->end, &open);
        if (open || k > i + 2) {
            c->in_comment = open;
            return k;
        }
    }
    while (k < c->end && c->s[k] != '\n')
        k++;
    c->in_comment = k >= c->end;
    return k;
}

void clab__scan_to(clab__scan *c, const char *s, size_t end)
{
    memset(c, 0, sizeof *c);
    c->s = s;
    c->end = end;
    for (size_t i = 0; i < end; i++) {
        bool open = false;
        if (s[i] == '"' || s[i] == '\'') {
            i = skip_string(c, i);
        } else if (s[i] == '-' && i + 1 < end && s[i + 1] == '-') {
            i = skip_comment(c, i);
        } else if (s[i] == '[' && (i + 1 < end) && (s[i + 1] == '[' || s[i + 1] == '=')) {
            size_t k = skip_long(s, i, end, &open);
            c->in_string = open;
            c->string = i + 1;
            i = k;
        } else if (s[i] == '(' || s[i] == '{' || s[i] == '[') {
            if (c->depth < CLAB__DEPTH)
                c->open[c->depth++] = i;
        } else if ((s[i] == ')' || s[i] == '}' || s[i] == ']') && c->depth > 0) {
            c->depth--;
        }
    }
}

static size_t back_over_space(const char *s, size_t i)
{
    while (i > 0 && isspace((unsigned char)s[i - 1]))
        i--;
    return i;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The callee whose name ends at `end`. */
static clab__call callee(const char *s, size_t end, size_t args)
{
    clab__call call = {.args = args};
    size_t from = end;

    while (from > 0 && is_word(s[from - 1]))
        from--;
    if (from == end || end - from >= sizeof call.name)
        return call;
    memcpy(call.name, s + from, end - from);
    call.found = true;
    if (from > 0 && (s[from - 1] == ':' || s[from - 1] == '.')) {
        call.method = s[from - 1] == ':';
        call.base_end = from - 1;
        call.base = clab__chain_start(s, from - 1);
    }
    return call;
}

/* f{ ... } or f( ... { ... }: the braces of the second belong to the same call. */
clab__call clab__call_at(const clab__scan *c, int level)
{
    clab__call none = {0};
    size_t at, before;

    if (level < 0)
        return none;
    at = c->open[level];
    before = back_over_space(c->s, at);
    if (before > 0 && is_word(c->s[before - 1]) && c->s[at] != '[')
        return callee(c->s, before, at);
    if (c->s[at] == '{' && level > 0 && c->s[c->open[level - 1]] == '(') {
        before = back_over_space(c->s, c->open[level - 1]);
        return callee(c->s, before, c->open[level - 1]);
    }
    return none;
}

/* ---- what may stand here --------------------------------------------------------------------------*/

/* The Dataset whose columns an argument names: the receiver, or the first argument of a function of lab. */
static const clab_dataset *dataset_of(lua_State *L, const clab__scan *c, const clab__call *call)
{
    size_t from = call->base, to = call->base_end;
    clab__box *b;

    if (!call->method || strcmp(call->name, "fit") == 0 || strcmp(call->name, "annotate") == 0) {
        from = call->args + 1;
        to = from + strcspn(c->s + from, ",)}");
        if (to > c->end)
            to = c->end;
    }
    clab__resolve(L, c->s, from, to);
    b = clab__test(L, -1, &clab__dataset);
    return b ? b->p : NULL; /* stays on the stack */
}

static void add_choices(clab__words *w, const char *choices, const char *quote)
{
    char word[64];

    while (choices && *choices) {
        size_t n = strcspn(choices, "|");
        snprintf(word, sizeof word, "%s%.*s", quote, (int)n, choices);
        clab__words_add(w, word, quote);
        choices += n + (choices[n] == '|');
    }
}

/* Values of one argument; quote is "\"" outside of a string. */
static bool add_values(lua_State *L, clab__words *w, const clab__scan *c, const clab__call *call,
                       const clab_param *p, const char *quote)
{
    const clab_dataset *d;

    switch (p->type) {
    case CLAB_P_ENUM: add_choices(w, p->choices, quote); return true;
    case CLAB_P_BOOL:
        clab__words_add(w, "true", "");
        clab__words_add(w, "false", "");
        return true;
    case CLAB_P_OBS:
    case CLAB_P_OBSS:
    case CLAB_P_VAR:
    case CLAB_P_VARS:
    case CLAB_P_OBSM:
        d = dataset_of(L, c, call);
        if (d)
            clab__add_columns(w,
                              p->type == CLAB_P_VAR || p->type == CLAB_P_VARS ? d->var
                              : p->type == CLAB_P_OBSM                        ? d->obsm
                                                                              : d->obs,
                              quote);
        return true;
    case CLAB_P_LAYER:
        d = dataset_of(L, c, call);
        if (d)
            clab__add_layers(w, d, quote);
        return true;
    default:
        add_choices(w, p->choices, quote);
        return p->choices != NULL;
    }
}

/* The parameter whose value is being typed: text up to `at` ends in "name =". */
static const clab_param *param_before(lua_State *L, const clab__scan *c, const clab__call *call, size_t at)
{
    int n = 0;
    const clab_param *p = clab__call_params(L, c, call, &n);
    size_t end = back_over_space(c->s, at), from;

    if (!p || end == 0 || c->s[end - 1] != '=')
        return NULL;
    end = back_over_space(c->s, end - 1);
    for (from = end; from > 0 && is_word(c->s[from - 1]);)
        from--;
    for (int i = 0; i < n; i++) {
        if (strlen(p[i].name) == end - from && strncmp(p[i].name, c->s + from, end - from) == 0)
            return &p[i];
    }
    return NULL;
}

/* Inside quotes: a column, a value of an argument, a name in a where() expression, else a path. */
static void in_string(lua_State *L, clab__words *w, const clab__scan *c, size_t *start)
{
    size_t before = back_over_space(c->s, c->string), quote = c->string;
    clab__call call = clab__call_at(c, c->depth - 1);
    const clab_param *p = param_before(L, c, &call, quote);

    if (!p && c->depth > 1 &&
        c->s[c->open[c->depth - 1]] == '{') { /* by={"a", "b": the outer call's argument */
        clab__call outer = clab__call_at(c, c->depth - 2);
        p = param_before(L, c, &outer, c->open[c->depth - 1]);
        if (p)
            call = outer;
    }
    if (p && add_values(L, w, c, &call, p, ""))
        return;
    if (before > 0 && c->s[before - 1] == '[') {
        clab__resolve(L, c->s, clab__chain_start(c->s, before - 1), before - 1);
        if (clab__test(L, -1, &clab__table))
            clab__add_columns(w, clab__table_value(L, -1), "");
        else if (clab__test(L, -1, &clab__dict))
            clab__add_columns(w, clab__dict_value(L, -1), "");
        return;
    }
    if (call.found && call.method && strcmp(call.name, "where") == 0) {
        const clab_dataset *d = dataset_of(L, c, &call);
        while (*start < c->end &&
               strspn(c->s + *start, "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") <
                   c->end - *start)
            ++*start; /* the word that ends at the cursor */
        w->prefix = c->s + *start;
        w->prefix_len = c->end - *start;
        if (d)
            clab__add_columns(w, d->obs, "");
        return;
    }
    clab__add_paths(w);
}

static void in_code(lua_State *L, clab__words *w, const clab__scan *c, size_t word)
{
    size_t before = back_over_space(c->s, word);
    char last = before > 0 ? c->s[before - 1] : '\0';
    clab__call call = clab__call_at(c, c->depth - 1);
    const clab_param *p;
    int n = 0;

    if (word > 0 && (c->s[word - 1] == '.' || c->s[word - 1] == ':')) {
        clab__add_members(L, w, c->s, clab__chain_start(c->s, word - 1), word - 1, c->s[word - 1] == ':');
        return;
    }
    p = clab__call_params(L, c, &call, &n);
    if (p && c->s[c->open[c->depth - 1]] == '{' && (last == '{' || last == ',')) {
        for (int i = 0; i < n; i++)
            clab__words_add(w, p[i].name, "=");
        if (w->n > 0)
            return;
    }
    if (p && (p = param_before(L, c, &call, word)) != NULL && add_values(L, w, c, &call, p, "\""))
        return;
    if (c->s[0] == '?')
        clab__add_topics(L, w);
    else
        clab__add_globals(L, w);
}

typedef struct {
    clab__scan scan;
    clab__words words;
    size_t start;
} request;

static int complete(lua_State *L)
{
    request *r = lua_touserdata(L, 1);
    const clab__scan *c = &r->scan;

    luaL_checkstack(L, 40, NULL);
    if (c->in_comment)
        return 0;
    if (c->in_string) {
        r->start = c->string + 1;
    } else {
        for (r->start = c->end; r->start > 0 && is_word(c->s[r->start - 1]);)
            r->start--;
    }
    r->words.prefix = c->s + r->start;
    r->words.prefix_len = c->end - r->start;
    if (c->in_string)
        in_string(L, &r->words, c, &r->start);
    else
        in_code(L, &r->words, c, r->start);
    return 0;
}

char **clab_lua_complete(clab_lua *l, const char *statement, size_t cursor, size_t *start)
{
    request r = {0};
    size_t len = strlen(statement);
    int top = lua_gettop(l->L);

    if (cursor > len)
        cursor = len;
    clab__scan_to(&r.scan, statement, cursor);
    r.start = cursor;
    lua_pushcfunction(l->L, complete);
    lua_pushlightuserdata(l->L, &r);
    (void)lua_pcall(l->L, 1, 0, 0); /* what was found before an error still helps */
    lua_settop(l->L, top);
    clab_error_clear(l->cx);
    *start = r.start;
    return sorted_unique(&r.words);
}
