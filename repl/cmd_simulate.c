/* cmd_simulate.c -- celllab simulate: made-up studies into files. */
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "flags.h"
#include "steps/simulate.h"

static void print_help(const clab_flags *f)
{
    puts("usage: celllab simulate --cells N [--query-cells N] [options] -o FILE.h5ad (of a pair: -o DIR)\n\n"
         "Writes raw counts of cells that never were, with their types, batches and sums: for benchmarks and\n"
         "classrooms.  With --query-cells a reference and a query whose gene lists differ.\n");
    clab_flags_print(f);
    puts("\n  --budget B, --threads N and --plain as everywhere; see celllab --help.");
}

static clab_status simulate(clab_ctx *cx, const clab_arg *args)
{
    char *files[2];
    clab_status st = clab_simulate_write(cx, args, files);

    for (int i = 0; st == CLAB_OK && i < 2; i++) {
        if (files[i])
            puts(files[i]);
        free(files[i]);
    }
    return st;
}

int clab_simulate_main(const clab_options *o, int argc, char **argv)
{
    const clab_flags flags = {"simulate", clab_simulate_params, clab_simulate_n_params, "path"};
    clab_arg *args;
    clab_job_session *j;
    clab_status st;
    int code;

    if (clab_flags_help_wanted(argc, argv))
        return print_help(&flags), CLAB_EXIT_DONE;
    args = calloc((size_t)clab_simulate_n_params, sizeof *args);
    if (!args || !(j = clab_job_open(o, "simulate"))) {
        free(args);
        return CLAB_EXIT_ERROR;
    }
    st = clab_flags_read(clab_job_ctx(j), &flags, argc, argv, args);
    if (st != CLAB_OK) {
        code = clab_job_close(j, st);
        code = code == CLAB_EXIT_ERROR ? CLAB_EXIT_USAGE : code;
    } else {
        code = clab_job_close(j, simulate(clab_job_ctx(j), args));
    }
    clab_args_free(args, clab_simulate_n_params);
    free(args);
    return code;
}
