/* main.c -- one program: the prompt, batch jobs, the label command, and the guest that does what may crash. */
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cli.h"
#include "repl.h"
#include "roles.h"

/* Idle OpenMP threads would otherwise burn the cores that the rest of the work needs.  A file that may grow no
 * further is an error of that write, here and in the guests, not the end by a signal. */
static void set_defaults(void)
{
    signal(SIGXFSZ, SIG_IGN);
    setenv("OMP_WAIT_POLICY", "passive", 0);
    setenv("GOMP_SPINCOUNT", "0", 0);
}

static bool is_script(const char *word)
{
    size_t n = strlen(word);
    struct stat st;

    return (n > 4 && strcmp(word + n - 4, ".lua") == 0) || (stat(word, &st) == 0 && S_ISREG(st.st_mode));
}

static int top(const clab_options *o, int argc, char **argv)
{
    char *end = "";
    long pid = argc > 1 ? strtol(argv[1], &end, 10) : 0;

    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        puts("usage: celllab top [PID]\n\n"
             "Memory, progress and training of another session of yours on this machine: the newest,\n"
             "or the process PID.  q leaves.  Without a terminal, or with --plain, one frame as text.");
        return CLAB_EXIT_DONE;
    }
    if (argc > 2 || *end || pid < 0 || pid > INT_MAX || (argc > 1 && end == argv[1])) {
        fprintf(stderr, "usage: celllab top [PID]\n");
        return CLAB_EXIT_USAGE;
    }
    return clab_top_run(o, (int)pid);
}

static int unknown(const char *word)
{
    static const char *const commands[] = {"label", "inspect", "plan", "run", "simulate", "top"};
    static const char *const options[] = {"--budget", "--threads", "--plain", "--color",
                                          "--no-guard", "--help", "--version"};
    int near;

    if (word[0] == '-') {
        near = clab_text_near(word, options, sizeof options / sizeof *options);
        fprintf(stderr, "celllab: there is no option %s%s%s%s; celllab --help lists them\n", clab_show(word),
                near >= 0 ? " (did you mean " : "", near >= 0 ? options[near] : "", near >= 0 ? "?)" : "");
        return CLAB_EXIT_USAGE;
    }
    near = clab_text_near(word, commands, sizeof commands / sizeof *commands);
    fprintf(stderr, "celllab: no command or script '%s'%s%s%s; celllab --help lists the commands\n",
            clab_show(word), near >= 0 ? "; did you mean " : "", near >= 0 ? commands[near] : "",
            near >= 0 ? "?" : "");
    return CLAB_EXIT_USAGE;
}

static int dispatch(const clab_options *o, int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;

    if (!word)
        return clab_repl_run(o);
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        return puts("celllab " CLAB_VERSION), CLAB_EXIT_DONE;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return clab_usage_print(), CLAB_EXIT_DONE;
    if (strcmp(word, "-e") == 0) {
        if (argc > 2)
            return clab_batch_code(o, argv[2], argc - 3, argv + 3);
        fprintf(stderr, "celllab: -e needs code: celllab -e 'print(lab.version)'\n");
        return CLAB_EXIT_USAGE;
    }
    if (strcmp(word, "label") == 0)
        return clab_label_main(o, argc - 1, argv + 1);
    if (strcmp(word, "inspect") == 0)
        return clab_inspect_main(o, argc - 1, argv + 1);
    if (strcmp(word, "plan") == 0)
        return clab_plan_main(o, argc - 1, argv + 1);
    if (strcmp(word, "run") == 0)
        return clab_run_main(o, argc - 1, argv + 1);
    if (strcmp(word, "simulate") == 0)
        return clab_simulate_main(o, argc - 1, argv + 1);
    if (strcmp(word, "top") == 0)
        return top(o, argc - 1, argv + 1);
    if (is_script(word))
        return clab_batch_file(o, word, NULL, argc - 2, argv + 2);
    return unknown(word);
}

int main(int argc, char **argv)
{
    clab_options o = {0};
    char why[256];

    if (argc > 1 && strcmp(argv[1], "--guest") == 0)
        return clab_guest_main(argc, argv, clab_roles);
    set_defaults();
    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C"); /* numbers in files and scripts have a point everywhere */
    if (!clab_options_take(&o, &argc, argv, why, sizeof why)) {
        fprintf(stderr, "celllab: %s\n", why);
        return CLAB_EXIT_USAGE;
    }
    return dispatch(&o, argc, argv);
}
