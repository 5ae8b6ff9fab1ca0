/* flags.h -- the options of a command, generated from its descriptors, so that the two agree. */
#ifndef CLAB_FLAGS_H
#define CLAB_FLAGS_H

#include <stdbool.h>

#include "steps/step.h"

typedef struct {
    const char *what;         /* "label", as messages call the command */
    const clab_param *params; /* max_epochs becomes --max-epochs */
    int n;
    const char *output;       /* the parameter that -o names too */
} clab_flags;

bool clab_flags_help_wanted(int argc, char **argv);
void clab_flags_print(const clab_flags *f); /* a paragraph for every option, to stdout */
/* Defaults, then argv[1..], then the checks; args has n places, clab_args_free is the caller's. */
CLAB_MUST_CHECK clab_status clab_flags_read(clab_ctx *cx, const clab_flags *f, int argc, char **argv, clab_arg *args);

#endif
