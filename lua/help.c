/* help.c -- ?name and ??name: words from the descriptors and from docs.c, never from a second source. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua_impl.h"

#define NAMES_MAX 256

/* The twelve lines of a lone `?`. */
static const char first_help[] =
    "ref   = lab.read(\"reference.h5ad\")                    a Dataset; print it with its name alone\n"
    "query = lab.read(\"query.h5ad\"):filter_cells{min_genes=200}\n"
    "print(lab.compare(ref, query))                        genes in common, what a concat would cost\n"
    "both  = lab.concat({reference=ref, query=query})      cells of both, without a copy\n"
    "m     = lab.scvi(both, {batch=\"dataset_id\"}):train()  integrate; both.obsm.X_scVI = m:latent()\n"
    "clf   = lab.xgboost():fit(both:where(\"dataset_id == 'reference'\"), {labels=\"cell_type\"})\n"
    "query = clf:annotate(query, {from=both})              labels; query:write(\"labelled.h5ad\")\n"
    "?lab  ?Dataset  ?Integration  ?Model                  what each of them has\n"
    "?hvg  ??hvg                                           a step; with its formula\n"
    "TAB completes names, arguments, obs columns and paths; Ctrl-C stops a running step\n"
    ":run F replays a script, :step F one statement per Enter, :record F saves what was typed\n"
    "mem() says who holds which bytes; x:free() gives them back; Ctrl-D leaves";

static void add_params(clab_str *s, const clab_param *p, int n)
{
    char words[200];

    if (n > 0)
        clab_str_add(s, "\n\n  arguments");
    for (int i = 0; i < n; i++) {
        clab_param_describe(&p[i], words, sizeof words);
        clab_str_addf(s, "\n    %-18s %s\n    %-18s %s", p[i].name, p[i].help, "", words);
    }
}

static void add_step(clab_str *s, const clab_step *step, bool deep)
{
    clab_str_addf(s, "%s: %s\n\n  dataset:%s", step->name, step->summary, step->name);
    if (step->positional >= 0 && step->n_params == 1)
        clab_str_addf(s, "(%s)", step->params[0].name);
    else if (step->positional >= 0)
        clab_str_addf(s, "{%s=...}", step->params[step->positional].name);
    else
        clab_str_addf(s, "{%s}", step->n_params ? "..." : "");
    clab_str_add(s, "   returns a new Dataset; the old one stays as it is");
    add_params(s, step->params, step->n_params);
    if (step->reads && step->reads[0])
        clab_str_addf(s, "\n\n  reads   %s", step->reads);
    if (step->writes && step->writes[0])
        clab_str_addf(s, "\n  writes  %s", step->writes);
    if (deep)
        clab_str_addf(s, "\n\n  formula\n    %s\n\n  core/steps/%s.c, docs/steps/%s.md",
                      step->formula ? step->formula : "none", step->name, step->name);
    else
        clab_str_addf(s, "\n\n  ?\?%s shows the formula", step->name);
}

/* Where more is said of what is no step. */
static const struct {
    const char *name, *page;
} pages[] = {
    {"read", "docs/formats.md"},          {"write", "docs/formats.md"},
    {"inspect", "docs/inspect.md"},       {"compare", "docs/inspect.md"},
    {"concat", "docs/steps/concat.md"},   {"common_genes", "docs/steps/common_genes.md"},
    {"rank_genes_table", "docs/steps/rank_genes_groups.md"},
    {"scvi", "docs/scvi.md"},             {"train", "docs/scvi.md"},
    {"latent", "docs/scvi.md"},           {"mem", "docs/memory.md"},
    {"budget", "docs/memory.md"},         {"free", "docs/memory.md"},
    {"devices", "docs/backend.md"},       {"fit", "core/label/features_anova.c, core/models/xgboost.c"},
    {"evaluate", "core/label/evaluate.c"}, {"annotate", "core/label/classifier_annotate.c"},
};

static void add_doc(clab_str *s, const clab__doc *d, bool deep)
{
    int n;
    const clab__doc *docs = clab__docs(&n);

    clab_str_addf(s, "%s: %s\n\n  %s", d->name, d->summary, d->usage);
    for (const clab__doc *other = d + 1; other < docs + n; other++) { /* m:free() is as ds:free() */
        if (strcmp(other->name, d->name) != 0)
            continue;
        clab_str_addf(s, "\n  %s", other->usage);
        if (strcmp(other->summary, d->summary) != 0)
            clab_str_addf(s, "  %s", other->summary);
    }
    if (d->params)
        add_params(s, d->params, *d->n_params);
    for (size_t i = 0; deep && i < sizeof pages / sizeof *pages; i++)
        if (strcmp(pages[i].name, d->name) == 0)
            clab_str_addf(s, "\n\n  %s", pages[i].page);
}

static void add_argument_of(clab_str *s, const char *name, const char *before, const char *of, const clab_param *p, int n)
{
    char words[200];

    for (int i = 0; i < n; i++) {
        if (strcmp(p[i].name, name) != 0)
            continue;
        clab_param_describe(&p[i], words, sizeof words);
        if (!s->s)
            clab_str_addf(s, "%s, an argument of", name);
        clab_str_addf(s, "\n  %s%-*s %s\n  %-18s %s", before, 18 - (int)strlen(before), of, p[i].help, "", words);
    }
}

/* Whatever takes an argument of that name. */
static bool add_argument(clab_str *s, const char *name)
{
    int n;
    const clab__doc *docs = clab__docs(&n);

    for (int i = 0; i < n; i++)
        if (docs[i].params)
            add_argument_of(s, name, strcmp(docs[i].owner, "lab") == 0 ? "lab." : ":", docs[i].name, docs[i].params,
                            *docs[i].n_params);
    const clab_step *const *steps = clab_steps(&n);
    for (int i = 0; i < n; i++)
        add_argument_of(s, name, ":", steps[i]->name, steps[i]->params, steps[i]->n_params);
    return s->s != NULL;
}

static void add_line(clab_str *s, const char *name, const char *summary)
{
    clab_str_addf(s, "\n  %-18s %s", name, summary);
}

/* Everything an owner has. */
static bool add_owner(clab_str *s, const char *owner)
{
    int n;
    const clab__doc *docs = clab__docs(&n);
    bool any = false;

    for (int i = 0; i < n; i++) {
        if (strcmp(docs[i].owner, owner) != 0)
            continue;
        if (!any)
            clab_str_addf(s, "%s%s has", s->s ? "\n" : "", owner);
        any = true;
        add_line(s, docs[i].name, docs[i].summary);
    }
    if (strcmp(owner, "Dataset") == 0) {
        const clab_step *const *steps = clab_steps(&n);
        clab_str_add(s, "\n\nand the steps, which return a new Dataset");
        for (int i = 0; i < n; i++)
            add_line(s, steps[i]->name, steps[i]->summary);
    }
    return any;
}

/* The type of a global that is one of our objects: "Dataset", or NULL. */
static const char *global_type(lua_State *L, const char *name)
{
    clab__box *b;
    const char *type = NULL;

    lua_pushglobaltable(L);
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    if (lua_type(L, -1) == LUA_TUSERDATA && lua_getmetatable(L, -1)) {
        lua_getfield(L, -1, "methods");
        b = lua_touserdata(L, -3);
        if (lua_istable(L, -1))
            type = b->type->name;
        lua_pop(L, 2);
    } else if (lua_istable(L, -1) && strcmp(name, "lab") == 0) {
        type = "lab";
    }
    lua_pop(L, 2);
    return type;
}

/* The three nearest names, by repeated search for the nearest. */
static void add_nearest(clab_str *s, const char *name)
{
    const char *names[NAMES_MAX];
    int n_docs, n_steps, n = 0;
    const clab__doc *docs = clab__docs(&n_docs);
    const clab_step *const *steps = clab_steps(&n_steps);

    for (int i = 0; i < n_steps && n < NAMES_MAX; i++)
        names[n++] = steps[i]->name;
    for (int i = 0; i < n_docs && n < NAMES_MAX; i++)
        names[n++] = docs[i].name;
    clab_str_addf(s, "there is no help for '%s'", clab_show(name));
    for (int k = 0; k < 3 && n > 0; k++) {
        int at = clab_text_near(name, names, (size_t)n);
        const char *found = at >= 0 ? names[at] : NULL;
        if (!found)
            break;
        clab_str_addf(s, "%s%s", k ? ", " : "; near it: ", found);
        for (int i = 0; i < n;) { /* the same name may belong to several kinds of object */
            if (strcmp(names[i], found) == 0)
                names[i] = names[--n];
            else
                i++;
        }
    }
    clab_str_add(s, "; ? alone is the start");
}

static void add_help(lua_State *L, clab_str *s, const char *name, bool deep)
{
    size_t head = strcspn(name, ".:");
    const char *last = name[head] ? name + head + 1 : name, *type;
    char owner[64];
    const clab_step *step = clab_step_get(last);
    const clab__doc *doc;

    snprintf(owner, sizeof owner, "%.*s", (int)head, name);
    type = global_type(L, owner);
    if (last != name && type && (doc = clab__doc_get(type, last)) != NULL) {
        add_doc(s, doc, deep);
    } else if (last != name && (doc = clab__doc_get(owner, last)) != NULL) {
        add_doc(s, doc, deep);
    } else if (step) {
        add_step(s, step, deep);
    } else if (last == name && type) {
        add_owner(s, type);
    } else if (last == name && (doc = clab__doc_get("lab", name)) != NULL) {
        add_doc(s, doc, deep);
        add_owner(s, name); /* mem, which can be called and has something, too */
    } else if (last == name && add_owner(s, name)) {
        return;
    } else if ((doc = clab__doc_get(NULL, last)) != NULL) {
        add_doc(s, doc, deep);
    } else if (!add_argument(s, last)) {
        add_nearest(s, name);
    }
}

char *clab_lua_help(clab_lua *l, const char *name, bool deep)
{
    clab_str s = {0};
    char *out;

    name += strspn(name, " \t?");
    if (*name == '\0')
        clab_str_add(&s, first_help);
    else
        add_help(l->L, &s, name, deep);
    out = s.failed || !s.s ? strdup("no memory for help") : strdup(s.s);
    clab_str_free(&s);
    return out ? out : calloc(1, 1);
}
