/* job.c -- a session without a prompt: notes and progress to stderr, signals cancel, one exit code. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "session.h"

struct clab_job_session {
    clab_session session;
    clab_log *log;
};

static clab_ctx *volatile running; /* what a signal cancels */
static volatile sig_atomic_t n_signals;

/* The first one stops the step that runs; more of them say that it is being stopped. */
static void on_signal(int sig)
{
    static const char words[] = "stopping: waiting for the running step to reach a safe place\n";
    int keep = errno;

    (void)sig;
    if (running)
        clab_cancel(running);
    if (n_signals++ > 0 && write(STDERR_FILENO, words, sizeof words - 1) < 0)
        n_signals = 1; /* nobody reads stderr: nothing else to do */
    errno = keep;
}

static void catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal};

    sigemptyset(&a.sa_mask);
    a.sa_flags = SA_RESTART;
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    a.sa_handler = SIG_IGN; /* a reader that went away is an error of that write, not an end by signal */
    sigaction(SIGPIPE, &a, NULL);
}

/* A limit that ends jobs is named in their log; that of free memory goes without saying. */
static void say_limit(clab_ctx *cx)
{
    char words[160];

    if (!getenv("SLURM_JOB_ID") && strcmp(clab_budget_get(cx).source, "free memory") == 0)
        return;
    clab_budget_say(cx, words, sizeof words);
    clab_log_line("%s", words);
}

clab_job_session *clab_job_open_quiet(const clab_options *o, const char *title)
{
    clab_job_session *j = calloc(1, sizeof *j);
    char why[512] = "memory is short";

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!j || !clab_session_open(&j->session, o, title, clab_log_note, NULL, why, sizeof why)) {
        fprintf(stderr, "celllab: %s\n", why);
        free(j);
        return NULL;
    }
    running = j->session.cx;
    catch_signals();
    return j;
}

clab_job_session *clab_job_open(const clab_options *o, const char *title)
{
    clab_job_session *j = clab_job_open_quiet(o, title);

    if (!j)
        return NULL;
    say_limit(j->session.cx);
    j->log = clab_log_start(j->session.ledger);
    return j;
}

clab_ctx *clab_job_ctx(clab_job_session *j)
{
    return j->session.cx;
}

int clab_job_close(clab_job_session *j, clab_status st)
{
    clab_ctx *cx = j->session.cx;
    int code = st == CLAB_OK ? CLAB_EXIT_DONE : CLAB_EXIT_ERROR;

    clab_log_stop(j->log);
    fflush(stdout);
    if (clab_cancelled(cx)) {
        code = CLAB_EXIT_INTERRUPTED;
        clab_log_line("interrupted");
    } else if (st != CLAB_OK && *clab_error_text(cx)) {
        fprintf(stderr, "celllab: %s\n", clab_error_text(cx));
    }
    running = NULL;
    clab_session_close(&j->session);
    free(j);
    return code;
}
