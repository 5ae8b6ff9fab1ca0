/* bind_evaluation.c -- how good labels are: figures, table, CSV, JSON, confusion matrix; histograms; and the
 * comparison of two studies. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/io.h"
#include "label/compare.h"
#include "label/evaluate.h"
#include "lua_impl.h"

static void evaluation_drop(clab_ctx *cx, void *p)
{
    clab_evaluation_free(cx, p);
    free(p);
}

/* lab.evaluate(truth, predicted): two columns of one length */
static int lab_evaluate(lua_State *L)
{
    const clab_value *truth, *predicted;
    clab_evaluation *e;
    clab__box *b;
    clab_status st;

    lua_settop(L, 2);
    truth = clab__to_value(L, 1, -1, "truth");
    predicted = clab__to_value(L, 2, -1, "predicted");
    b = clab__new(L, &clab__evaluation);
    e = calloc(1, sizeof *e);
    if (!e)
        clab__raise(L, CLAB_ENOMEM, "no memory for an evaluation");
    if ((st = clab_evaluate(clab__cx(L), truth, predicted, e)) != CLAB_OK)
        free(e);
    else
        b->p = e;
    clab__ok(L, st);
    return 1;
}

/* {class = value, ...} */
static void push_by_class(lua_State *L, const clab_evaluation *e, const double *x, const int64_t *n)
{
    lua_createtable(L, 0, e->k);
    for (int i = 0; i < e->k; i++) {
        clab__push_element(L, e->classes, i);
        if (x)
            lua_pushnumber(L, x[i]);
        else
            lua_pushinteger(L, n[i]);
        lua_rawset(L, -3);
    }
}

/* [i][j] cells of class i that were called class j, in the order of .classes */
static void push_matrix(lua_State *L, const clab_evaluation *e)
{
    lua_createtable(L, e->k, 0);
    for (int i = 0; i < e->k; i++) {
        lua_createtable(L, e->k, 0);
        for (int j = 0; j < e->k; j++) {
            lua_pushinteger(L, e->confusion[(int64_t)i * e->k + j]);
            lua_rawseti(L, -2, j + 1);
        }
        lua_rawseti(L, -2, i + 1);
    }
}

static int evaluation_get(lua_State *L)
{
    const clab_evaluation *e = clab__at(L, 1, &clab__evaluation);
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    const struct {
        const char *name;
        double x;
    } figures[] = {
        {"accuracy", e->accuracy},
        {"balanced_accuracy", e->balanced_accuracy},
        {"macro_f1", e->macro_f1},
        {"weighted_f1", e->weighted_f1},
    };

    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        if (strcmp(key, figures[i].name) == 0) {
            lua_pushnumber(L, figures[i].x);
            return 1;
        }
    }
    if (strcmp(key, "n") == 0)
        lua_pushinteger(L, e->n);
    else if (strcmp(key, "n_skipped") == 0)
        lua_pushinteger(L, e->n_skipped);
    else if (strcmp(key, "classes") == 0)
        clab__push_column(L, e->classes, "classes");
    else if (strcmp(key, "precision") == 0)
        push_by_class(L, e, e->precision, NULL);
    else if (strcmp(key, "recall") == 0)
        push_by_class(L, e, e->recall, NULL);
    else if (strcmp(key, "f1") == 0)
        push_by_class(L, e, e->f1, NULL);
    else if (strcmp(key, "support") == 0)
        push_by_class(L, e, NULL, e->support);
    else if (strcmp(key, "matrix") == 0)
        push_matrix(L, e);
    else
        clab__ok(L, clab__no_member(clab__cx(L), "Evaluation", key));
    return 1;
}

/* ---- as text: returned, or written where a path was given -----------------------------------------*/

/* With a path at index 2 the text goes there and nothing is returned. */
static int give_text(lua_State *L, char **text)
{
    clab_ctx *cx = clab__cx(L);
    const char *path;

    if (lua_isnoneornil(L, 2))
        return clab__push_text(L, text);
    path = clab__path(L, 2, "this", "a path, or nothing");
    clab__ok(L, clab_write_text(cx, path, *text, strlen(*text)));
    return 0;
}

typedef clab_status text_fn(clab_ctx *cx, const clab_evaluation *e, char **out);

static int evaluation_text(lua_State *L, text_fn *fn)
{
    const clab_evaluation *e = clab__at(L, 1, &clab__evaluation);
    char **text;

    lua_settop(L, 2);
    text = clab__text(L);
    clab__ok(L, fn(clab__cx(L), e, text));
    return give_text(L, text);
}

static int evaluation_table(lua_State *L)
{
    lua_settop(L, 1);
    return evaluation_text(L, clab_evaluation_table);
}

static int evaluation_csv(lua_State *L)
{
    return evaluation_text(L, clab_evaluation_csv);
}

static int evaluation_json(lua_State *L)
{
    return evaluation_text(L, clab_evaluation_json);
}

static int evaluation_confusion(lua_State *L)
{
    return evaluation_text(L, clab_evaluation_text);
}

static int evaluation_svg(lua_State *L)
{
    return evaluation_text(L, clab_evaluation_svg);
}

static const luaL_Reg evaluation_methods[] = {
    {"table", evaluation_table},         {"csv", evaluation_csv}, {"json", evaluation_json},
    {"confusion", evaluation_confusion}, {"svg", evaluation_svg}, {NULL, NULL},
};
static const luaL_Reg evaluation_meta[] = {{"__tostring", evaluation_table}, {NULL, NULL}};

const clab__type clab__evaluation = {"Evaluation", evaluation_drop, evaluation_get, evaluation_methods,
                                     evaluation_meta};

/* lab.histogram(column, {title=, bins=, svg=path}): the text; the figure goes to svg */
static int lab_histogram(lua_State *L)
{
    clab_ctx *cx = clab__cx(L);
    const clab_value *v;
    const char *title;
    clab_arg *a;
    char **text;

    lua_settop(L, 2);
    v = clab__to_value(L, 1, -1, "histogram");
    a = clab__args(L, 2, "histogram", clab__histogram_params, clab__n_histogram, -1, NULL);
    title = a[0].given ? a[0].s : "";
    if (a[2].given) {
        text = clab__text(L);
        clab__ok(L, clab_histogram_svg(cx, v, (int)a[1].i, title, text));
        clab__ok(L, clab_write_text(cx, a[2].s, *text, strlen(*text)));
    }
    text = clab__text(L);
    clab__ok(L, clab_histogram_text(cx, v, (int)a[1].i, title, text));
    return clab__push_text(L, text);
}

/* ---- comparison of two studies --------------------------------------------------------------------*/

static void comparison_drop(clab_ctx *cx, void *p)
{
    (void)cx;
    clab_value_unref(p);
}

/* lab.inspect(path [, path] [, {full=true}]): what files hold, without loading X */
static int lab_inspect(lua_State *L)
{
    const int last = lua_istable(L, 2) ? 2 : 3;
    const char *a = clab__path(L, 1, "inspect", "a path: lab.inspect(\"study.h5ad\")");
    const char *b = last == 2 || lua_isnoneornil(L, 2) ? NULL : clab__path(L, 2, "inspect", "a path, or two");
    const clab_arg *args = clab__args(L, last, "inspect", clab__inspect_params, clab__n_inspect, -1, NULL);
    clab__box *box = clab__new(L, &clab__comparison);

    clab__ok(L, clab_compare_files(clab__cx(L), a, b, args[0].b, (clab_value **)&box->p));
    return 1;
}

/* lab.compare(a, b) of Datasets; b may be left out */
static int lab_compare(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TSTRING) /* paths: files that are not loaded */
        return lab_inspect(L);
    const clab_dataset *a = clab__at(L, 1, &clab__dataset);
    const clab_dataset *b = lua_isnoneornil(L, 2) ? NULL : clab__at(L, 2, &clab__dataset);
    clab__box *box = clab__new(L, &clab__comparison);

    clab__ok(L, clab_compare(clab__cx(L), a, b, (clab_value **)&box->p));
    return 1;
}


static int comparison_get(lua_State *L)
{
    const clab_value *v = clab__at(L, 1, &clab__comparison);

    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    clab__push_value(L, clab_value_get(v, lua_tostring(L, 2)), lua_tostring(L, 2));
    return 1;
}

static int comparison_tostring(lua_State *L)
{
    const clab_value *v = clab__at(L, 1, &clab__comparison);
    char **text = clab__text(L);

    clab__ok(L, clab_compare_text(clab__cx(L), v, text));
    if (**text && (*text)[strlen(*text) - 1] == '\n')
        (*text)[strlen(*text) - 1] = '\0'; /* whoever prints it ends the line */
    return clab__push_text(L, text);
}

static int comparison_json(lua_State *L)
{
    const clab_value *v = clab__at(L, 1, &clab__comparison);
    char **text;

    lua_settop(L, 2);
    text = clab__text(L);
    clab__ok(L, clab_value_json(clab__cx(L), v, text));
    return give_text(L, text);
}

static const luaL_Reg comparison_methods[] = {{"json", comparison_json}, {NULL, NULL}};
static const luaL_Reg comparison_meta[] = {{"__tostring", comparison_tostring}, {NULL, NULL}};

const clab__type clab__comparison = {"Comparison", comparison_drop, comparison_get, comparison_methods,
                                     comparison_meta};

void clab__evaluation_open(lua_State *L, int lab)
{
    static const luaL_Reg functions[] = {
        {"evaluate", lab_evaluate},
        {"histogram", lab_histogram},
        {"compare", lab_compare},
        {"inspect", lab_inspect},
        {NULL, NULL},
    };

    lua_pushvalue(L, lab);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
