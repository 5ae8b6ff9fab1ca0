/* cli.h -- the parts of the command line that are no prompt: scripts, `label`, `inspect`. */
#ifndef CLAB_CLI_H
#define CLAB_CLI_H

#include <stddef.h>

#include "base/ctx.h"
#include "ledger/ledger.h"
#include "options.h"

/* Exit codes of every command. */
enum { CLAB_EXIT_DONE = 0, CLAB_EXIT_ERROR = 1, CLAB_EXIT_USAGE = 2, CLAB_EXIT_INTERRUPTED = 130 };

/* ---- options.c -------------------------------------------------------------------------------------
 * clab_options_take -- takes --plain, --budget B, --threads N, --color=WHEN and --no-guard out of argv,
 * wherever they stand before a lone `--` (which is taken out too).  False with a message in why. */
bool clab_options_take(clab_options *o, int *argc, char **argv, char *why, size_t n);

/* ---- usage.c --------------------------------------------------------------------------------------*/
void clab_usage_print(void);

/* ---- job.c: what every command that runs without a prompt stands on ---------------------------------
 * A session whose notes and progress go to stderr as dated lines, and whose SIGINT and SIGTERM cancel. */
typedef struct clab_job_session clab_job_session;
clab_job_session *clab_job_open(const clab_options *o, const char *title); /* NULL: the reason was printed */
clab_job_session *clab_job_open_quiet(const clab_options *o, const char *title); /* the same without progress */
clab_ctx *clab_job_ctx(clab_job_session *j);
/* Ends it.  The exit code for st: DONE, ERROR (the recorded error is printed), INTERRUPTED. */
int clab_job_close(clab_job_session *j, clab_status st);

/* ---- log.c: dated lines on stderr -----------------------------------------------------------------*/
typedef struct clab_log clab_log;
void clab_log_note(void *user, clab_note_level level, const char *text); /* a clab_note_fn */
void clab_log_line(const char *fmt, ...) CLAB_PRINTF(1, 2);
/* Progress of the running phase: a line per 10 % or 30 s, none for what takes under a second. */
clab_log *clab_log_start(clab_ledger *ledger); /* NULL when no thread can be made: no progress then */
void clab_log_stop(clab_log *log);             /* NULL is fine */

/* ---- the commands; each returns the exit code -----------------------------------------------------*/
/* timeline: where what every line took is written as JSON; NULL = nowhere. */
int clab_batch_file(const clab_options *o, const char *path, const char *timeline, int argc, char **argv);
int clab_run_main(const clab_options *o, int argc, char **argv);     /* argv[0] = "run" */
int clab_batch_code(const clab_options *o, const char *code, int argc, char **argv);
int clab_label_main(const clab_options *o, int argc, char **argv);   /* argv[0] = "label" */
int clab_inspect_main(const clab_options *o, int argc, char **argv); /* argv[0] = "inspect" */
int clab_plan_main(const clab_options *o, int argc, char **argv);    /* argv[0] = "plan" */
int clab_simulate_main(const clab_options *o, int argc, char **argv); /* argv[0] = "simulate" */

#endif
