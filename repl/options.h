/* options.h -- what the command line says to every kind of session. */
#ifndef CLAB_OPTIONS_H
#define CLAB_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool plain;         /* --plain: no pane, no line editor, no escape byte */
    int64_t budget;     /* --budget, bytes; 0 = the limits found */
    int threads;        /* --threads; 0 = clab_threads_default() */
    bool no_guard;      /* --no-guard: no parent process, for debuggers */
    const char *color;  /* --color=always|never; NULL = by the terminal */
} clab_options;

#endif
