/* cmd_run.c -- celllab run: a script as a batch job, with what every line of it took written down. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const char usage_words[] = "usage: celllab run [--timeline OUT.json] SCRIPT.lua [ARGS]\n";

int clab_run_main(const clab_options *o, int argc, char **argv)
{
    const char *timeline = NULL;
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            printf("%s\nA session script as a batch job.  --timeline writes what every line of it held and took, for\n"
                   "celllab plan --against OUT.json SCRIPT.lua.\n", usage_words);
            return CLAB_EXIT_DONE;
        }
        if (strncmp(argv[i], "--timeline=", 11) == 0)
            timeline = argv[i] + 11;
        else if (strcmp(argv[i], "--timeline") == 0 && i + 1 < argc)
            timeline = argv[++i];
        else {
            fprintf(stderr, "celllab run: no option %s\n%s", argv[i], usage_words);
            return CLAB_EXIT_USAGE;
        }
    }
    if (i >= argc) {
        fprintf(stderr, "celllab run: which script?\n%s", usage_words);
        return CLAB_EXIT_USAGE;
    }
    return clab_batch_file(o, argv[i], timeline, argc - i - 1, argv + i + 1);
}
