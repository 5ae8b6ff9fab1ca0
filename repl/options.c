/* options.c -- the options that every command has, wherever they stand on its line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli.h"

/* The value of `--name VALUE` or `--name=VALUE` at argv[i]; NULL when argv[i] is another option.
 * *used: how many words it takes; 0 when the value is missing. */
static const char *value_of(const char *name, int i, int argc, char **argv, int *used)
{
    size_t n = strlen(name);

    if (strncmp(argv[i], name, n) != 0 || (argv[i][n] != '\0' && argv[i][n] != '='))
        return NULL;
    if (argv[i][n] == '=') {
        *used = 1;
        return argv[i] + n + 1;
    }
    *used = i + 1 < argc ? 2 : 0;
    return i + 1 < argc ? argv[i + 1] : "";
}

static bool set_budget(clab_options *o, const char *s)
{
    return clab_text_parse_bytes(s, &o->budget) && o->budget > 0;
}

static bool set_threads(clab_options *o, const char *s)
{
    char *end;
    long n = strtol(s, &end, 10);

    if (end == s || *end || n < 1 || n > 4096)
        return false;
    o->threads = (int)n;
    return true;
}

static bool set_color(clab_options *o, const char *s)
{
    o->color = s;
    return strcmp(s, "always") == 0 || strcmp(s, "never") == 0 || strcmp(s, "auto") == 0;
}

static const struct {
    const char *name, *wants;
    bool (*set)(clab_options *o, const char *s);
} valued[] = {
    {"--budget", "bytes, as 8G or 512M", set_budget},
    {"--threads", "a number from 1 to 4096", set_threads},
    {"--color", "always, never or auto", set_color},
};

/* How many words of argv at i are options of ours; -1 with a message when one is wrong. */
static int take_one(clab_options *o, int i, int argc, char **argv, char *why, size_t n)
{
    int used = 0;

    if (strcmp(argv[i], "--plain") == 0)
        return o->plain = true, 1;
    if (strcmp(argv[i], "--no-guard") == 0)
        return o->no_guard = true, 1;
    for (size_t k = 0; k < sizeof valued / sizeof *valued; k++) {
        const char *s = value_of(valued[k].name, i, argc, argv, &used);
        if (!s)
            continue;
        if (used > 0 && valued[k].set(o, s))
            return used;
        snprintf(why, n, "%s takes %s%s%s", valued[k].name, valued[k].wants, *s ? ", not " : "", clab_show(s));
        return -1;
    }
    return 0;
}

bool clab_options_take(clab_options *o, int *argc, char **argv, char *why, size_t n)
{
    int kept = 1, i = 1;

    while (i < *argc && strcmp(argv[i], "--") != 0) {
        int used = take_one(o, i, *argc, argv, why, n);
        if (used < 0)
            return false;
        if (used == 0)
            argv[kept++] = argv[i++];
        i += used;
    }
    for (i += i < *argc; i < *argc; i++)
        argv[kept++] = argv[i];
    argv[kept] = NULL;
    *argc = kept;
    return true;
}
