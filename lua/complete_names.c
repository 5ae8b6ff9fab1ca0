/* complete_names.c -- what the words of a statement stand for: resolved raw, nothing of the user's runs. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "complete_impl.h"
#include "label/classifier.h"

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool is_name(const char *s)
{
    size_t i = 0;

    while (is_word(s[i]))
        i++;
    return i > 0 && s[i] == '\0' && !isdigit((unsigned char)s[0]);
}

/* ---- finding the beginning of an expression -------------------------------------------------------*/

/* The bracket that the one before `end` closes; strings inside are skipped from the left by a fresh scan. */
static size_t matching_open(const char *s, size_t end)
{
    size_t stack[CLAB__DEPTH];
    int depth = 0;

    for (size_t i = 0; i < end; i++) {
        if (s[i] == '"' || s[i] == '\'') {
            size_t k = i + 1;
            while (k < end && s[k] != s[i])
                k += s[k] == '\\' ? 2 : 1;
            i = k;
        } else if (strchr("({[", s[i]) && s[i]) {
            if (depth < CLAB__DEPTH)
                stack[depth] = i;
            depth++;
        } else if (strchr(")}]", s[i]) && s[i] && depth > 0) {
            depth--;
            if (i == end - 1)
                return depth < CLAB__DEPTH ? stack[depth] : end;
        }
    }
    return end;
}

size_t clab__chain_start(const char *s, size_t end)
{
    size_t i = end;

    while (i > 0) {
        if (is_word(s[i - 1]) || s[i - 1] == '.' || s[i - 1] == ':') {
            i--;
        } else if (strchr(")}]", s[i - 1])) {
            size_t open = matching_open(s, i);
            if (open >= i)
                break;
            i = open;
        } else {
            break;
        }
    }
    return i;
}

/* ---- resolving ------------------------------------------------------------------------------------*/

static bool is_ours(lua_State *L, int idx)
{
    bool ours = false;

    if (lua_type(L, idx) == LUA_TUSERDATA && lua_getmetatable(L, idx)) {
        lua_pushliteral(L, "methods");
        ours = lua_rawget(L, -2) == LUA_TTABLE;
        lua_pop(L, 2);
    }
    return ours;
}

/* Replaces the value on top by its member: raw for tables, by our own effect-free readers for our objects. */
static void step_into(lua_State *L, const char *key)
{
    if (lua_istable(L, -1)) {
        lua_pushstring(L, key);
        lua_rawget(L, -2);
    } else if (is_ours(L, -1)) {
        lua_getfield(L, -1, key);
    } else {
        lua_pushnil(L);
    }
    lua_remove(L, -2);
}

/* One key from s[*at]: `.name`, `["name"]`; false at anything else. */
static bool take_key(const char *s, size_t *at, size_t to, char *key, size_t n)
{
    size_t from = *at, end;

    if (s[from] == '.' || (from < to && is_word(s[from]))) {
        from += s[from] == '.';
        for (end = from; end < to && is_word(s[end]);)
            end++;
        *at = end;
    } else if (s[from] == '[' && from + 2 < to && (s[from + 1] == '"' || s[from + 1] == '\'')) {
        char quote = s[from + 1];
        from += 2;
        for (end = from; end < to && s[end] != quote;)
            end++;
        if (end + 1 >= to || s[end + 1] != ']')
            return false;
        *at = end + 2;
    } else {
        return false;
    }
    if (end == from || end - from >= n)
        return false;
    memcpy(key, s + from, end - from);
    key[end - from] = '\0';
    return true;
}

void clab__resolve(lua_State *L, const char *s, size_t from, size_t to)
{
    char key[128];

    while (from < to && isspace((unsigned char)s[from]))
        from++;
    while (to > from && isspace((unsigned char)s[to - 1]))
        to--;
    lua_pushglobaltable(L);
    if (from >= to) {
        lua_pop(L, 1);
        lua_pushnil(L);
        return;
    }
    while (from < to) {
        if (!take_key(s, &from, to, key, sizeof key)) {
            lua_pop(L, 1);
            lua_pushnil(L);
            return;
        }
        step_into(L, key);
    }
}

/* What a call gives, as far as its name tells. */
static const char *result_kind(const char *name)
{
    static const struct {
        const char *name, *kind;
    } known[] = {
        {"read", "Dataset"},        {"concat", "Dataset"},     {"annotate", "Dataset"},   {"copy", "Dataset"},
        {"scvi", "Integration"},    {"train", "Integration"},  {"xgboost", "Model"},      {"fit", "Model"},
        {"evaluate", "Evaluation"}, {"compare", "Comparison"}, {"inspect", "Comparison"}, {"read_csv", "Table"},
    };

    if (clab_step_get(name))
        return "Dataset";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, name) == 0)
            return known[i].kind;
    }
    return NULL;
}

const char *clab__kind_of(lua_State *L, const char *s, size_t from, size_t to)
{
    const char *kind = NULL;
    char name[64];
    size_t end, start;

    clab__resolve(L, s, from, to);
    if (is_ours(L, -1))
        kind = ((clab__box *)lua_touserdata(L, -1))->type->name;
    else if (lua_istable(L, -1) && to - from == 3 && strncmp(s + from, "lab", 3) == 0)
        kind = "lab";
    lua_pop(L, 1);
    if (kind || to == from || !strchr(")}", s[to - 1]))
        return kind;
    end = matching_open(s, to);
    for (start = end; start > from && is_word(s[start - 1]);)
        start--;
    if (end > to || end - start >= sizeof name)
        return NULL;
    memcpy(name, s + start, end - start);
    name[end - start] = '\0';
    return result_kind(name);
}

/* ---- words ----------------------------------------------------------------------------------------*/

static void add_documented(clab__words *w, const char *kind, bool method)
{
    int n;
    const clab__doc *docs = clab__docs(&n);

    for (int i = 0; i < n; i++) {
        if (strcmp(docs[i].owner, kind) == 0 && (docs[i].field != method || strcmp(kind, "lab") == 0))
            clab__words_add(w, docs[i].name, "");
    }
    if (method && strcmp(kind, "Dataset") == 0) {
        const clab_step *const *steps = clab_steps(&n);
        for (int i = 0; i < n; i++)
            clab__words_add(w, steps[i]->name, "");
    }
}

static void add_table_keys(lua_State *L, clab__words *w, int idx)
{
    idx = lua_absindex(L, idx);
    for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING && is_name(lua_tostring(L, -2)))
            clab__words_add(w, lua_tostring(L, -2), "");
    }
}

/* Names that can follow a dot; others need ["..."]. */
static void add_named(clab__words *w, const clab_value *container)
{
    for (int64_t i = 0; container && i < container->n_items; i++) {
        if (is_name(container->names[i]))
            clab__words_add(w, container->names[i], "");
    }
}

void clab__add_members(lua_State *L, clab__words *w, const char *s, size_t from, size_t to, bool method)
{
    const char *kind = clab__kind_of(L, s, from, to);

    if (kind)
        add_documented(w, kind, method);
    clab__resolve(L, s, from, to);
    if (lua_istable(L, -1))
        add_table_keys(L, w, -1);
    else if (!method && clab__test(L, -1, &clab__table))
        add_named(w, clab__table_value(L, -1));
    else if (!method && clab__test(L, -1, &clab__dict))
        add_named(w, clab__dict_value(L, -1));
    else if (!method && clab__test(L, -1, &clab__comparison))
        add_named(w, clab__at(L, -1, &clab__comparison));
    else if (!method && clab__test(L, -1, &clab__history)) {
        lua_getfield(L, -1, "names");
        lua_pushvalue(L, -2);
        lua_call(L, 1, 1);
        for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TSTRING; i++, lua_pop(L, 1))
            clab__words_add(w, lua_tostring(L, -1), "");
    }
}

void clab__add_globals(lua_State *L, clab__words *w)
{
    static const char *const keywords[] = {
        "and", "break", "do",  "else", "elseif", "end",    "false",  "for",  "function", "goto",  "if",
        "in",  "local", "nil", "not",  "or",     "repeat", "return", "then", "true",     "until", "while",
    };

    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        clab__words_add(w, keywords[i], "");
    lua_pushglobaltable(L);
    add_table_keys(L, w, -1);
}

void clab__add_topics(lua_State *L, clab__words *w)
{
    int n;
    const clab__doc *docs = clab__docs(&n);

    for (int i = 0; i < n; i++) {
        clab__words_add(w, docs[i].owner, "");
        clab__words_add(w, docs[i].name, "");
    }
    const clab_step *const *steps = clab_steps(&n);
    for (int i = 0; i < n; i++)
        clab__words_add(w, steps[i]->name, "");
    lua_pushglobaltable(L);
    add_table_keys(L, w, -1);
}

void clab__add_columns(clab__words *w, const clab_value *container, const char *quote)
{
    char word[200];

    for (int64_t i = 0; container && i < container->n_items; i++) {
        snprintf(word, sizeof word, "%s%.190s", quote, container->names[i]);
        clab__words_add(w, word, quote);
    }
}

void clab__add_layers(clab__words *w, const clab_dataset *d, const char *quote)
{
    char word[200];

    snprintf(word, sizeof word, "%sX", quote);
    clab__words_add(w, word, quote);
    for (int64_t i = 0; i < d->n_layers; i++) {
        snprintf(word, sizeof word, "%s%.190s", quote, d->layer_names[i]);
        clab__words_add(w, word, quote);
    }
}

void clab__add_paths(clab__words *w)
{
    char typed[1024], real[5200], full[5600];
    const char *slash, *home = getenv("HOME");
    int dir_len;
    struct dirent *e;
    struct stat info;
    DIR *dir;

    if (w->prefix_len >= sizeof typed)
        return;
    snprintf(typed, sizeof typed, "%.*s", (int)w->prefix_len, w->prefix);
    slash = strrchr(typed, '/');
    dir_len = slash ? (int)(slash - typed) + 1 : 0;
    if (strncmp(typed, "~/", 2) == 0 && home)
        snprintf(real, sizeof real, "%.4000s%.*s", home, dir_len - 1, typed + 1);
    else
        snprintf(real, sizeof real, "%.*s", dir_len ? dir_len : 1, dir_len ? typed : ".");
    if (!(dir = opendir(real)))
        return;
    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] == '.' && typed[dir_len] != '.')
            continue;
        snprintf(full, sizeof full, "%s/%s", real, e->d_name);
        bool is_dir = stat(full, &info) == 0 && S_ISDIR(info.st_mode);
        snprintf(full, sizeof full, "%.*s%s", dir_len, typed, e->d_name);
        clab__words_add(w, full, is_dir ? "/" : "");
    }
    closedir(dir);
}

/* ---- arguments ------------------------------------------------------------------------------------*/

const clab_param *clab__call_params(lua_State *L, const clab__scan *c, const clab__call *call, int *n)
{
    const char *kind;
    const clab_step *step;
    const clab__doc *doc;

    if (!call->found || call->base_end == 0)
        return NULL;
    kind = clab__kind_of(L, c->s, call->base, call->base_end);
    step = call->method && (!kind || strcmp(kind, "Dataset") == 0) ? clab_step_get(call->name) : NULL;
    if (step) {
        *n = step->n_params;
        return step->params;
    }
    doc = clab__doc_get(kind, call->name);
    if (!doc || !doc->params)
        return NULL;
    *n = *doc->n_params;
    return doc->params;
}
