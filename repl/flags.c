/* flags.c -- the options of a command against its descriptors. */
#include "flags.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define FLAG_BYTES 64
#define MOST_FLAGS 128

static void flag_of(const clab_param *p, char *buf, size_t n)
{
    snprintf(buf, n, "--%s", p->name);
    for (char *c = buf; *c; c++)
        *c = *c == '_' ? '-' : *c;
}

static bool is_output(const clab_flags *f, const clab_param *p)
{
    return f->output && strcmp(p->name, f->output) == 0;
}

bool clab_flags_help_wanted(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

void clab_flags_print(const clab_flags *f)
{
    char flag[FLAG_BYTES], words[200];

    for (int i = 0; i < f->n; i++) {
        const clab_param *p = &f->params[i];
        flag_of(p, flag, sizeof flag);
        clab_param_describe(p, words, sizeof words);
        printf("  %-20s %s%s\n  %-20s %s\n", flag, p->help, is_output(f, p) ? " (also -o)" : "", "", words);
    }
}

/* The parameter of a flag, its value where "=" gave one; NULL when there is no such flag. */
static const clab_param *find(const clab_flags *f, const char *word, const char **value)
{
    const char *eq = strchr(word, '=');
    size_t n = eq ? (size_t)(eq - word) : strlen(word);
    char flag[FLAG_BYTES];

    *value = eq ? eq + 1 : NULL;
    for (int i = 0; i < f->n; i++) {
        const clab_param *p = &f->params[i];
        flag_of(p, flag, sizeof flag);
        if ((n == strlen(flag) && strncmp(word, flag, n) == 0) ||
            (n == 2 && strncmp(word, "-o", 2) == 0 && is_output(f, p)))
            return p;
    }
    return NULL;
}

static clab_status no_flag(clab_ctx *cx, const clab_flags *f, const char *word)
{
    const char *names[MOST_FLAGS];
    char flags[MOST_FLAGS][FLAG_BYTES];
    int n = 0, near;

    for (; n < f->n && n < MOST_FLAGS; n++) {
        flag_of(&f->params[n], flags[n], sizeof flags[n]);
        names[n] = flags[n];
    }
    near = clab_text_near(word, names, (size_t)n);
    if (near >= 0)
        return clab_fail(cx, CLAB_EARG, "no option %s; did you mean %s?", clab_show(word), names[near]);
    return clab_fail(cx, CLAB_EARG, "no option %s; celllab %s --help lists them", clab_show(word), f->what);
}

static bool is_truth(const char *word)
{
    return strcmp(word, "true") == 0 || strcmp(word, "false") == 0;
}

clab_status clab_flags_read(clab_ctx *cx, const clab_flags *f, int argc, char **argv, clab_arg *args)
{
    clab_status st;

    if ((st = clab_args_default(cx, f->what, f->params, f->n, args)) != CLAB_OK)
        return st;
    for (int i = 1; i < argc; i++) {
        const char *value;
        const clab_param *p = find(f, argv[i], &value);
        if (!p)
            return no_flag(cx, f, argv[i]);
        if (!value && p->type == CLAB_P_BOOL && !(i + 1 < argc && is_truth(argv[i + 1])))
            value = "true";
        else if (!value && ++i < argc)
            value = argv[i];
        if (!value)
            return clab_fail(cx, CLAB_EARG, "%s needs a value: %s", argv[i - 1], p->help);
        if ((st = clab_args_set_text(cx, f->what, p, &args[p - f->params], value)) != CLAB_OK)
            return st;
    }
    for (int i = 0; i < f->n; i++) {
        char flag[FLAG_BYTES];
        bool number = f->params[i].type == CLAB_P_INT || f->params[i].type == CLAB_P_NUM;
        flag_of(&f->params[i], flag, sizeof flag);
        if (!f->params[i].def && (!args[i].given || (!number && (!args[i].s || !args[i].s[0]))))
            return clab_fail(cx, CLAB_EARG, "%s needs %s: %s", f->what, flag, f->params[i].help);
    }
    return clab_args_check(cx, f->what, f->params, f->n, args);
}
