/* cmd_inspect.c -- celllab inspect A.h5ad [B.h5ad] [--json] [--full] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "label/compare.h"

static int usage(const char *what, const char *word)
{
    fprintf(stderr, "celllab inspect: %s%s\nusage: celllab inspect A.h5ad [B.h5ad] [--json] [--full]\n", what,
            word);
    return CLAB_EXIT_USAGE;
}

static clab_status inspect(clab_ctx *cx, const char *a, const char *b, bool full, bool json)
{
    clab_value *cmp = NULL;
    char *text = NULL;
    clab_status st;

    if ((st = clab_compare_files(cx, a, b, full, &cmp)) != CLAB_OK)
        return st;
    st = json ? clab_value_json(cx, cmp, &text) : clab_compare_text(cx, cmp, &text);
    clab_value_unref(cmp);
    if (st == CLAB_OK) {
        size_t n = strlen(text);
        fputs(text, stdout);
        if (n == 0 || text[n - 1] != '\n')
            putchar('\n');
    }
    free(text);
    return st;
}

int clab_inspect_main(const clab_options *o, int argc, char **argv)
{
    const char *files[2] = {NULL, NULL};
    bool json = false, full = false;
    clab_job_session *j;
    int n = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--full") == 0)
            full = true;
        else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return puts(
                       "usage: celllab inspect A.h5ad [B.h5ad] [--json] [--full]\n\n"
                       "Shapes, types, where the counts are, gene names, label columns and the bytes a concat\n"
                       "would take, from headers and index arrays; --full also scans every value."),
                   CLAB_EXIT_DONE;
        else if (argv[i][0] == '-' && argv[i][1])
            return usage("no option ", argv[i]);
        else if (n == 2)
            return usage("more than two files: ", argv[i]);
        else
            files[n++] = argv[i];
    }
    if (n == 0)
        return usage("which file?", "");
    if (!(j = clab_job_open(o, "inspect")))
        return CLAB_EXIT_ERROR;
    return clab_job_close(j, inspect(clab_job_ctx(j), files[0], files[1], full, json));
}
