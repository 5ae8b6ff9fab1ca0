/* cmd_label.c -- celllab label: the whole job on one line. */
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "flags.h"
#include "label/job.h"

static void print_help(const clab_flags *f)
{
    puts(
        "usage: celllab label --reference R.h5ad --query Q.h5ad --label COLUMN -o OUT.h5ad [options]\n\n"
        "Reads both studies, integrates them with scVI, trains XGBoost on the reference's labels, labels "
        "every\n"
        "cell of the query and writes it with predicted_cell_type, prediction_confidence and probabilities.\n");
    clab_flags_print(f);
    puts("\n  --budget B, --threads N and --plain as everywhere; see celllab --help.");
}

int clab_label_main(const clab_options *o, int argc, char **argv)
{
    const clab_flags flags = {"label", clab_label_params, clab_label_n_params, "output"};
    clab_arg *args;
    clab_job_session *j;
    clab_status st;
    int code;

    if (clab_flags_help_wanted(argc, argv))
        return print_help(&flags), CLAB_EXIT_DONE;
    args = calloc((size_t)clab_label_n_params + 1, sizeof *args);
    if (!args || !(j = clab_job_open(o, "label"))) {
        free(args);
        return CLAB_EXIT_ERROR;
    }
    st = clab_flags_read(clab_job_ctx(j), &flags, argc, argv, args);
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
