/* run_step.c -- steps by name, for tests. */
#include "run_step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A table without columns, its index PREFIX00000, PREFIX00001, ... */
static clab_status table(clab_ctx *cx, char prefix, int64_t n, clab_value **out)
{
    char (*text)[16] = calloc((size_t)n + 1, sizeof *text);
    const char **names = calloc((size_t)n + 1, sizeof *names);
    clab_value *index = NULL;
    clab_status s;

    for (int64_t i = 0; i < n; i++) {
        snprintf(text[i], sizeof text[i], "%c%05d", prefix, (int)(i % 1000000));
        names[i] = text[i];
    }
    s = clab_value_strings(cx, 1, &n, names, &index);
    if (s == CLAB_OK)
        s = clab_value_table(cx, index, NULL, out);
    clab_value_unref(index);
    free(names);
    free(text);
    return s;
}

clab_dataset *step_dataset(clab_ctx *cx, const clab_matrix *x)
{
    clab_value *obs = NULL, *var = NULL;
    clab_dataset *d = NULL;
    clab_status s = table(cx, 'c', clab_matrix_n_rows(x), &obs);

    if (s == CLAB_OK)
        s = table(cx, 'g', clab_matrix_n_cols(x), &var);
    if (s == CLAB_OK)
        s = clab_dataset_new(cx, "test", x, obs, var, &d);
    clab_value_unref(obs);
    clab_value_unref(var);
    if (s == CLAB_OK && !d->counts) {
        d->counts = clab_matrix_ref(x);
        d->counts_from = strdup("X");
    }
    return d;
}

clab_status step_batches(clab_ctx *cx, clab_dataset *d, const char *name, const double *codes, int n)
{
    int64_t n_obs = clab_dataset_n_obs(d), n_levels = n;
    int32_t *c = calloc((size_t)n_obs + 1, sizeof *c);
    char text[64][8];
    const char *names[64];
    clab_value *levels = NULL, *column = NULL;
    clab_status s;

    for (int i = 0; i < n && i < 64; i++) {
        snprintf(text[i], sizeof text[i], "b%d", i + 1);
        names[i] = text[i];
    }
    for (int64_t i = 0; i < n_obs; i++)
        c[i] = (int32_t)codes[i];
    s = clab_value_strings(cx, 1, &n_levels, names, &levels);
    if (s == CLAB_OK)
        s = clab_value_categorical(cx, n_obs, c, levels, false, &column);
    if (s == CLAB_OK)
        s = clab_dataset_obs_set(cx, d, name, column);
    clab_value_unref(column);
    clab_value_unref(levels);
    free(c);
    return s;
}

static clab_status set_args(clab_ctx *cx, const clab_step *step, char *text, clab_arg *args)
{
    char *rest = NULL;
    clab_status s = CLAB_OK;

    for (char *word = strtok_r(text, " ", &rest); word && s == CLAB_OK; word = strtok_r(NULL, " ", &rest)) {
        char *equals = strchr(word, '=');
        int k;
        *equals = '\0';
        s = clab_args_find(cx, step->name, step->params, step->n_params, word, &k);
        if (s == CLAB_OK)
            s = clab_args_set_text(cx, step->name, &step->params[k], &args[k], equals + 1);
    }
    return s;
}

clab_status run_step(clab_ctx *cx, const char *name, const char *text, const clab_dataset *d, clab_dataset **out)
{
    const clab_step *step = clab_step_get(name);
    clab_arg args[16];
    char *words = strdup(text ? text : "");
    clab_status s;

    memset(args, 0, sizeof args);
    *out = NULL;
    s = clab_args_default(cx, step->name, step->params, step->n_params, args);
    if (s == CLAB_OK)
        s = set_args(cx, step, words, args);
    if (s == CLAB_OK)
        s = clab_step_run(cx, step, d, args, out);
    clab_args_free(args, step->n_params);
    free(words);
    return s;
}

void step_on(clab_ctx *cx, const char *step, const char *args, clab_dataset **d)
{
    clab_dataset *next = NULL;

    if (run_step(cx, step, args, *d, &next) != CLAB_OK) {
        fprintf(stderr, "%s{%s}: %s\n", step, args ? args : "", clab_error_text(cx));
        abort();
    }
    clab_dataset_unref(*d);
    *d = next;
}
