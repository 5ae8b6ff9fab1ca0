/* scvi_toy.c -- see scvi_toy.h. */
#include "scvi_toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "small.h"

char scvi_toy_notes[8192];

static void keep_note(void *user, clab_note_level level, const char *text)
{
    (void)user;
    (void)level;
    snprintf(scvi_toy_notes + strlen(scvi_toy_notes), sizeof scvi_toy_notes - strlen(scvi_toy_notes), "%s\n", text);
}

clab_ctx *scvi_toy_context(int threads)
{
    clab_ctx_opts o = {.threads = threads, .note = keep_note};
    clab_ctx *cx = clab_ctx_new(&o);

    assert_non_null(cx);
    scvi_toy_notes[0] = '\0';
    return cx;
}

void scvi_toy_must(clab_ctx *cx, clab_status s)
{
    if (s != CLAB_OK)
        fail_msg("%s: %s", clab_status_name(s), clab_error_text(cx));
}

static clab_value *named(clab_ctx *cx, const char *prefix, int64_t n, int64_t first, int64_t step)
{
    const char **s = malloc((size_t)n * sizeof *s);
    char *text = malloc((size_t)n * 16);
    clab_value *v = NULL;

    for (int64_t i = 0; i < n; i++) {
        snprintf(text + 16 * i, 16, "%s%d", prefix, (int)(first + step * i));
        s[i] = text + 16 * i;
    }
    scvi_toy_must(cx, clab_value_strings(cx, 1, &n, s, &v));
    free(s);
    free(text);
    return v;
}

/* A dataset over dense x; batch may be NULL; genes are gene<first>, gene<first+step>, ... */
clab_dataset *scvi_toy_dataset(clab_ctx *cx, int64_t n, int64_t g, const float *x, const clab_value *batch, int64_t first,
                             int64_t step, bool counts)
{
    clab_value *cells = named(cx, "cell", n, 0, 1), *genes = named(cx, "gene", g, first, step), *obs = NULL, *var = NULL;
    clab_matrix *m = small_matrix_f32(cx, n, g, x);
    clab_dataset *d = NULL;

    assert_non_null(m);
    scvi_toy_must(cx, clab_value_table(cx, cells, NULL, &obs));
    if (batch)
        scvi_toy_must(cx, clab_value_set(cx, obs, "donor", batch));
    scvi_toy_must(cx, clab_value_table(cx, genes, NULL, &var));
    scvi_toy_must(cx, clab_dataset_new(cx, "toy", m, obs, var, &d));
    if (counts && !d->counts)
        d->counts = clab_matrix_ref(m);
    clab_matrix_unref(m);
    clab_value_unref(cells);
    clab_value_unref(genes);
    clab_value_unref(obs);
    clab_value_unref(var);
    return d;
}

/* Three categories in an order of their own; the middle one has no cells. */
clab_value *scvi_toy_donors(clab_ctx *cx, int64_t n, int missing)
{
    const char *names[] = {"z", "never", "a"};
    const int64_t three = 3;
    clab_value *levels = NULL, *v = NULL;
    int32_t *codes = malloc((size_t)n * sizeof *codes);

    for (int64_t i = 0; i < n; i++)
        codes[i] = i < missing ? -1 : i % 2 ? 0 : 2;
    scvi_toy_must(cx, clab_value_strings(cx, 1, &three, names, &levels));
    scvi_toy_must(cx, clab_value_categorical(cx, n, codes, levels, false, &v));
    clab_value_unref(levels);
    free(codes);
    return v;
}

clab_dataset *scvi_toy_cells(clab_ctx *cx)
{
    float *x = small_counts(SCVI_TOY_CELLS, SCVI_TOY_GENES, 15, 5);
    clab_value *batch = scvi_toy_donors(cx, SCVI_TOY_CELLS, 0);
    clab_dataset *d = scvi_toy_dataset(cx, SCVI_TOY_CELLS, SCVI_TOY_GENES, x, batch, 0, 1, true);

    clab_value_unref(batch);
    free(x);
    return d;
}

/* Defaults, then name, text, ..., NULL. */
static void args(clab_ctx *cx, const clab_param *p, int n, clab_arg *a, const char *const *pairs)
{
    scvi_toy_must(cx, clab_args_default(cx, "scvi", p, n, a));
    for (; *pairs; pairs += 2) {
        int i = -1;
        scvi_toy_must(cx, clab_args_find(cx, "scvi", p, n, pairs[0], &i));
        scvi_toy_must(cx, clab_args_set_text(cx, "scvi", &p[i], &a[i], pairs[1]));
    }
}

clab_status scvi_toy_make(clab_ctx *cx, const clab_dataset *d, const char *const *pairs, clab_scvi **m)
{
    clab_arg a[32];

    args(cx, clab_scvi_params, clab_scvi_n_params, a, pairs);
    return clab_scvi_new(cx, d, a, m);
}

clab_status scvi_toy_train(clab_ctx *cx, clab_scvi *m, const char *const *pairs, clab_scvi_epoch_fn *fn, void *user)
{
    clab_arg a[32];

    args(cx, clab_scvi_train_params, clab_scvi_n_train_params, a, pairs);
    return clab_scvi_train(cx, m, a, fn, user);
}

float *scvi_toy_latent(clab_ctx *cx, clab_scvi *m, const clab_dataset *d, int64_t n)
{
    clab_value *v = NULL;
    float *z = malloc((size_t)(n * 5) * sizeof *z);

    scvi_toy_must(cx, clab_scvi_latent(cx, m, d, &v));
    assert_int_equal(v->dims[0], n);
    assert_int_equal(v->dims[1], 5);
    memcpy(z, v->data, (size_t)(n * 5) * sizeof *z);
    clab_value_unref(v);
    return z;
}
