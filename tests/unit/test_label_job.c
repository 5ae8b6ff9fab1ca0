/* test_label_job.c -- the whole job on the demo's cells, with few epochs: this program is its own guest. */
#include "clab_test.h"

#include <unistd.h>

#include "backend/backend.h"
#include "base/text.h"
#include "io/io.h"
#include "label/evaluate.h"
#include "label/job.h"
#include "roles.h"

/* Runs the job with "name=value ..." on top of the demo's files. */
static clab_status run_job(clab_ctx *cx, const char *options)
{
    clab_arg args[64];
    char text[4096], *save = NULL;
    clab_status st;

    snprintf(text, sizeof text,
             "reference=%s query=%s label=cell_type max_epochs=6 rounds=20 n_latent=10 hvg=300 n_genes=100 %s",
             test_source("examples/data/pbmc_reference.h5ad"), test_source("examples/data/pbmc_query.h5ad"), options);
    assert_true(clab_label_n_params <= 64);
    assert_clab_ok(cx, clab_args_default(cx, "label", clab_label_params, clab_label_n_params, args));
    for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *equals = strchr(word, '=');
        int i;
        *equals = '\0';
        assert_clab_ok(cx, clab_args_find(cx, "label", clab_label_params, clab_label_n_params, word, &i));
        assert_clab_ok(cx, clab_args_set_text(cx, "label", &clab_label_params[i], &args[i], equals + 1));
    }
    st = clab_label_run(cx, args);
    clab_args_free(args, clab_label_n_params);
    return st;
}

static clab_ctx *context_with_library(void)
{
    clab_ctx *cx = test_ctx(2);
    char version[16], path[256];

    if (clab_xgb_probe(cx, version, sizeof version, path, sizeof path) == CLAB_ENOTFOUND) {
        print_message("skipped: %s\n", clab_error_text(cx));
        clab_error_clear(cx);
        test_ctx_free(cx);
        skip();
    }
    return cx;
}

static const char *output(const char *name)
{
    static char word[8][300];
    static int turn;

    turn = (turn + 1) % 8;
    snprintf(word[turn], sizeof word[turn], "output=%s", test_temp(name));
    return word[turn];
}

/* Share of the query's cells whose label is the one held aside. */
static double accuracy(clab_ctx *cx, const clab_dataset *d)
{
    char *truth = test_read_text(test_source("examples/data/pbmc_query_truth.csv")), *save = NULL;
    const clab_value *said = clab_value_get(d->obs, "predicted_cell_type");
    int64_t right = 0, cell = 0;

    (void)cx;
    assert_non_null(truth);
    (void)strtok_r(truth, "\r\n", &save); /* the header */
    for (char *line = strtok_r(NULL, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save), cell++) {
        char *comma = strchr(line, ',');
        *comma = '\0';
        assert_string_equal(clab_dataset_obs_name(d, cell), line);
        right += strcmp(clab_value_at_str(said, cell, NULL, 0), comma + 1) == 0;
    }
    assert_int_equal(cell, clab_dataset_n_obs(d));
    free(truth);
    return (double)right / (double)cell;
}

static void the_demo_is_labelled(void **state)
{
    clab_ctx *cx = context_with_library();
    clab_dataset *d;
    clab_value *models;
    clab_classifier *c;
    clab_scvi *m;
    char options[1024], *csv;

    (void)state;
    snprintf(options, sizeof options, "%s csv=%s model_out=%s", output("a.h5ad"), test_temp("a.csv"), test_temp("m.h5"));
    assert_clab_ok(cx, run_job(cx, options));
    assert_holds(test_notes(), "labelled 171 cells");
    assert_clab_ok(cx, clab_read(cx, test_temp("a.h5ad"), NULL, &d));
    assert_int_equal(clab_dataset_n_obs(d), 171);
    assert_int_equal(clab_dataset_n_vars(d), 740); /* the query as it was: nothing was taken away */
    assert_true(accuracy(cx, d) > 0.65);           /* the most frequent type alone gives 0.34 */
    assert_int_equal(clab_value_get(d->obsm, "X_scVI")->dims[1], 10);
    assert_non_null(clab_value_get(d->obsm, "prediction_probability"));
    csv = test_read_text(test_temp("a.csv"));
    assert_holds(csv, "predicted_cell_type,prediction_confidence");
    free(csv);
    assert_clab_ok(cx, clab_read_value(cx, test_temp("m.h5"), &models));
    assert_clab_ok(cx, clab_scvi_from_value(cx, clab_value_get(models, "scvi"), &m));
    assert_clab_ok(cx, clab_classifier_from_value(cx, clab_value_get(models, "xgboost"), &c));
    assert_int_equal(clab_value_len(clab_classifier_classes(c)), 9);
    clab_classifier_free(cx, c, NULL);
    clab_scvi_free(cx, m, NULL);
    clab_value_unref(models);
    clab_dataset_unref(d);
    test_ctx_free(cx);
}

static void a_sample_trains_and_every_cell_is_labelled(void **state)
{
    clab_ctx *cx = context_with_library();
    clab_dataset *a, *b;
    char options[1024];

    (void)state;
    snprintf(options, sizeof options, "train_cells=400 query_block=64 %s", output("block.h5ad"));
    assert_clab_ok(cx, run_job(cx, options));
    assert_holds(test_notes(), "stratified by cell_type");
    snprintf(options, sizeof options, "train_cells=400 query_block=100000 %s", output("whole.h5ad"));
    assert_clab_ok(cx, run_job(cx, options));
    assert_clab_ok(cx, clab_read(cx, test_temp("block.h5ad"), NULL, &a));
    assert_clab_ok(cx, clab_read(cx, test_temp("whole.h5ad"), NULL, &b));
    assert_int_equal(clab_dataset_n_obs(a), 171);
    assert_true(accuracy(cx, a) > 0.6);
    assert_true(clab_value_equal(clab_value_get(a->obs, "predicted_cell_type"),
                                 clab_value_get(b->obs, "predicted_cell_type")));
    clab_dataset_unref(a);
    clab_dataset_unref(b);
    test_ctx_free(cx);
}

static void genes_alone_need_no_scvi(void **state)
{
    clab_ctx *cx = context_with_library();
    clab_dataset *d;
    char options[1024];

    (void)state;
    snprintf(options, sizeof options, "features=genes %s", output("genes.h5ad"));
    assert_clab_ok(cx, run_job(cx, options));
    assert_null(strstr(test_notes(), "scVI"));
    assert_clab_ok(cx, clab_read(cx, test_temp("genes.h5ad"), NULL, &d));
    assert_true(accuracy(cx, d) > 0.65);
    clab_dataset_unref(d);
    test_ctx_free(cx);
}

/* Counts in scratch files, counts in memory: the same bytes come out. */
static void backed_counts_give_the_same_labels(void **state)
{
    clab_ctx *cx = context_with_library();
    clab_dataset *a, *b;
    char options[1024];
    clab_status st;

    (void)state;
    snprintf(options, sizeof options, "backed=true %s", output("backed.h5ad"));
    st = run_job(cx, options);
    if (st == CLAB_EARG && strstr(clab_error_text(cx), "in memory (tmpfs)"))
        skip(); /* no disk where scratch files go by default */
    assert_clab_ok(cx, st);
    snprintf(options, sizeof options, "%s", output("held.h5ad"));
    assert_clab_ok(cx, run_job(cx, options));
    assert_clab_ok(cx, clab_read(cx, test_temp("backed.h5ad"), NULL, &a));
    assert_clab_ok(cx, clab_read(cx, test_temp("held.h5ad"), NULL, &b));
    assert_true(clab_value_equal(a->obs, b->obs));
    assert_true(clab_value_equal(a->obsm, b->obsm)); /* latents and probabilities, bit for bit */
    clab_dataset_unref(a);
    clab_dataset_unref(b);
    test_ctx_free(cx);
}

static void mistakes_are_told_before_the_work(void **state)
{
    clab_ctx *cx = context_with_library();
    char options[1024];
    clab_backend *gpu = NULL;

    (void)state;
    assert_clab_fails(cx, run_job(cx, "output=/nowhere/at/all/x.h5ad"), CLAB_EIO, "/nowhere/at/all/x.h5ad");
    snprintf(options, sizeof options, "label=celltype %s", output("x.h5ad"));
    assert_clab_fails(cx, run_job(cx, options), CLAB_ENOTFOUND, "cell_type");
    snprintf(options, sizeof options, "reference=%s %s", test_source("README.none"), output("x.h5ad"));
    assert_clab_fails(cx, run_job(cx, options), CLAB_ENOTFOUND, "README.none");
    snprintf(options, sizeof options, "min_genes=5000 %s", output("x.h5ad"));
    assert_clab_fails(cx, run_job(cx, options), CLAB_ESTATE, "no cells are left");
    assert_clab_fails(cx, run_job(cx, "output=/dev/full"), CLAB_EARG, "/dev/full is no regular file");
    snprintf(options, sizeof options, "query=%s %s", test_source("tests/sessions/data/logged.h5ad"), output("x.h5ad"));
    assert_clab_fails(cx, run_job(cx, options), CLAB_ESTATE, "logged.h5ad holds no counts in X");
    snprintf(options, sizeof options, "batch=donor %s", output("x.h5ad"));
    assert_clab_fails(cx, run_job(cx, options), CLAB_ENOTFOUND, "donor");
    if (clab_backend_open(cx, "gpu", &gpu) != CLAB_OK) {
        clab_error_clear(cx);
        snprintf(options, sizeof options, "device=gpu %s", output("x.h5ad"));
        (void)test_notes();
        assert_clab_fails(cx, run_job(cx, options), CLAB_EBACKEND, "device=\"cpu\"");
        assert_null(strstr(test_notes(), "reference: ")); /* before anything was read */
    }
    clab_backend_close(gpu);
    snprintf(options, sizeof options, "min_cells=150 %s", output("x.h5ad"));
    assert_clab_fails(cx, run_job(cx, options), CLAB_EARG, "nothing to learn");
    assert_null(strstr(test_notes(), "query: "));
    assert_int_not_equal(access(test_temp("x.h5ad"), F_OK), 0);
    test_ctx_free(cx);
}

/* A panel of few genes: the default for whole transcriptomes would leave nothing, and the query has so many
 * more that the panel is under a tenth of them. */
static void a_default_does_not_empty_the_reference(void **state)
{
    clab_ctx *cx = context_with_library();
    clab_dataset *d, *few;
    char options[1024];
    int64_t cols[60];

    (void)state;
    assert_clab_ok(cx, clab_read(cx, test_source("examples/data/pbmc_reference.h5ad"), NULL, &d));
    for (int64_t g = 0; g < 60; g++)
        cols[g] = g * 12;
    assert_clab_ok(cx, clab_dataset_take_vars(cx, d, cols, 60, &few));
    assert_clab_ok(cx, clab_write(cx, few, test_temp("panel.h5ad"), NULL));
    snprintf(options, sizeof options, "reference=%s features=genes n_genes=30 %s", test_temp("panel.h5ad"), output("x.h5ad"));
    (void)test_notes();
    assert_clab_ok(cx, run_job(cx, options));
    assert_holds(test_notes(), "min_genes=200 would drop 523 of 523 reference cells: not applied");
    clab_dataset_unref(few);
    clab_dataset_unref(d);
    test_ctx_free(cx);
}

/* The query's genes under other names: nothing in common. */
static void other_gene_names_are_recognised(void **state)
{
    clab_ctx *cx = context_with_library();
    clab_dataset *d;
    char (*name)[24], options[1024];
    const char **names;
    clab_value *index, *var;
    int64_t n;

    (void)state;
    assert_clab_ok(cx, clab_read(cx, test_source("examples/data/pbmc_query.h5ad"), NULL, &d));
    n = clab_dataset_n_vars(d);
    name = calloc((size_t)n, sizeof *name);
    names = calloc((size_t)n, sizeof *names);
    for (int64_t g = 0; g < n; g++) {
        snprintf(name[g], sizeof name[g], "ENSG%011d", (int)g);
        names[g] = name[g];
    }
    assert_clab_ok(cx, clab_value_strings(cx, 1, &n, names, &index));
    assert_clab_ok(cx, clab_value_table(cx, index, NULL, &var));
    clab_value_unref(d->var);
    d->var = var;
    assert_clab_ok(cx, clab_write(cx, d, test_temp("ensembl.h5ad"), NULL));
    snprintf(options, sizeof options, "query=%s %s", test_temp("ensembl.h5ad"), output("x.h5ad"));
    assert_clab_fails(cx, run_job(cx, options), CLAB_EARG, "0 of the 740 of the query ensembl.h5ad are among the 745");
    clab_value_unref(index);
    clab_dataset_unref(d);
    free(name);
    free(names);
    test_ctx_free(cx);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_demo_is_labelled),
        cmocka_unit_test(a_sample_trains_and_every_cell_is_labelled),
        cmocka_unit_test(genes_alone_need_no_scvi),
        cmocka_unit_test(backed_counts_give_the_same_labels),
        cmocka_unit_test(mistakes_are_told_before_the_work),
        cmocka_unit_test(a_default_does_not_empty_the_reference),
        cmocka_unit_test(other_gene_names_are_recognised),
    };

    if (argc > 1 && strcmp(argv[1], "--guest") == 0)
        return clab_guest_main(argc, argv, clab_roles);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
