/* cmd_label.c -- celllab label: flags generated from the descriptors of the job, so that the two agree. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli.h"
#include "label/job.h"

static void flag_of(const clab_param *p, char *buf, size_t n)
{
    snprintf(buf, n, "--%s", p->name);
    for (char *c = buf; *c; c++)
        *c = *c == '_' ? '-' : *c;
}

static void print_help(void)
{
    char flag[64], words[200];

    puts(
        "usage: celllab label --reference R.h5ad --query Q.h5ad --label COLUMN -o OUT.h5ad [options]\n\n"
        "Reads both studies, integrates them with scVI, trains XGBoost on the reference's labels, labels "
        "every\n"
        "cell of the query and writes it with predicted_cell_type, prediction_confidence and probabilities.\n");
    for (int i = 0; i < clab_label_n_params; i++) {
        const clab_param *p = &clab_label_params[i];
        flag_of(p, flag, sizeof flag);
        clab_param_describe(p, words, sizeof words);
        printf("  %-20s %s%s\n  %-20s %s\n", flag, p->help, strcmp(p->name, "output") == 0 ? " (also -o)" : "",
               "", words);
    }
    puts("\n  --budget B, --threads N and --plain as everywhere; see celllab --help.");
}

/* The parameter of a flag, its value where "=" gave one; NULL when there is no such flag. */
static const clab_param *find(const char *word, const char **value)
{
    const char *eq = strchr(word, '=');
    size_t n = eq ? (size_t)(eq - word) : strlen(word);
    char flag[64];

    *value = eq ? eq + 1 : NULL;
    for (int i = 0; i < clab_label_n_params; i++) {
        const clab_param *p = &clab_label_params[i];
        flag_of(p, flag, sizeof flag);
        if ((n == strlen(flag) && strncmp(word, flag, n) == 0) ||
            (n == 2 && strncmp(word, "-o", 2) == 0 && strcmp(p->name, "output") == 0))
            return p;
    }
    return NULL;
}

static clab_status no_flag(clab_ctx *cx, const char *word)
{
    const char *names[128];
    char flags[128][64];
    int n = 0, near;

    for (; n < clab_label_n_params && n < 128; n++) {
        flag_of(&clab_label_params[n], flags[n], sizeof flags[n]);
        names[n] = flags[n];
    }
    near = clab_text_near(word, names, (size_t)n);
    if (near >= 0)
        return clab_fail(cx, CLAB_EARG, "no option %s; did you mean %s?", clab_show(word), names[near]);
    return clab_fail(cx, CLAB_EARG, "no option %s; celllab label --help lists them", clab_show(word));
}

static bool is_truth(const char *word)
{
    return strcmp(word, "true") == 0 || strcmp(word, "false") == 0;
}

static clab_status read_flags(clab_ctx *cx, int argc, char **argv, clab_arg *args)
{
    clab_status st;

    if ((st = clab_args_default(cx, "label", clab_label_params, clab_label_n_params, args)) != CLAB_OK)
        return st;
    for (int i = 1; i < argc; i++) {
        const char *value;
        const clab_param *p = find(argv[i], &value);
        if (!p)
            return no_flag(cx, argv[i]);
        if (!value && p->type == CLAB_P_BOOL && !(i + 1 < argc && is_truth(argv[i + 1])))
            value = "true";
        else if (!value && ++i < argc)
            value = argv[i];
        if (!value)
            return clab_fail(cx, CLAB_EARG, "%s needs a value: %s", argv[i - 1], p->help);
        if ((st = clab_args_set_text(cx, "label", p, &args[p - clab_label_params], value)) != CLAB_OK)
            return st;
    }
    for (int i = 0; i < clab_label_n_params; i++) {
        char flag[64];
        flag_of(&clab_label_params[i], flag, sizeof flag);
        if (!clab_label_params[i].def && (!args[i].given || !args[i].s || !args[i].s[0]))
            return clab_fail(cx, CLAB_EARG, "label needs %s: %s", flag, clab_label_params[i].help);
    }
    return clab_args_check(cx, "label", clab_label_params, clab_label_n_params, args);
}

int clab_label_main(const clab_options *o, int argc, char **argv)
{
    clab_arg *args;
    clab_job_session *j;
    clab_status st;
    int code;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return print_help(), CLAB_EXIT_DONE;
    }
    args = calloc((size_t)clab_label_n_params + 1, sizeof *args);
    if (!args || !(j = clab_job_open(o, "label"))) {
        free(args);
        return CLAB_EXIT_ERROR;
    }
    st = read_flags(clab_job_ctx(j), argc, argv, args);
    if (st != CLAB_OK) {
        code = clab_job_close(j, st);
        code = code == CLAB_EXIT_ERROR ? CLAB_EXIT_USAGE : code;
    } else {
        code = clab_job_close(j, clab_label_run(clab_job_ctx(j), args));
    }
    clab_args_free(args, clab_label_n_params);
    free(args);
    return code;
}
