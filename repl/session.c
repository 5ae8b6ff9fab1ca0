/* session.c -- opening and closing what a session stands on. */
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAMPLE_MS 1000

/* mkdir -p: existing folders are fine. */
static bool make_folders(char *path)
{
    for (char *c = path + 1; *c; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST && access(path, X_OK) != 0)
            return false;
        *c = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

bool clab_state_path(const char *name, char *buf, size_t n)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int k;

    if (state && state[0] == '/')
        k = snprintf(buf, n, "%s/celllab", state);
    else if (home && home[0] == '/')
        k = snprintf(buf, n, "%s/.local/state/celllab", home);
    else
        return false;
    if (k < 0 || (size_t)k + strlen(name) + 2 > n || !make_folders(buf))
        return false;
    snprintf(buf + k, n - (size_t)k, "/%s", name);
    return true;
}

bool clab_session_open(clab_session *s, const clab_options *o, const char *title, clab_note_fn *note, void *user,
                       char *why, size_t n)
{
    clab_ctx_opts co = {.threads = o->threads, .note = note, .note_user = user};
    clab_ledger_opts lo = {.budget_bytes = o->budget};
    char journal[512], folder[400];

    memset(s, 0, sizeof *s);
    s->cx = clab_ctx_new(&co);
    if (!s->cx) {
        snprintf(why, n, "memory is short");
        return false;
    }
    if (clab_state_path("journal.jsonl", journal, sizeof journal))
        lo.journal_path = journal;
    if (clab_live_dir(s->cx, folder, sizeof folder) == CLAB_OK) {
        snprintf(s->live, sizeof s->live, "%s/%d.live", folder, (int)getpid());
        lo.live_path = s->live;
    }
    clab_error_clear(s->cx);
    if (clab_ledger_new(s->cx, &lo, &s->ledger) != CLAB_OK) {
        snprintf(why, n, "%s", clab_error_text(s->cx));
        clab_session_close(s);
        return false;
    }
    clab_ledger_set_title(s->ledger, title);
    if (clab_ledger_sample_start(s->cx, s->ledger, SAMPLE_MS) != CLAB_OK)
        clab_error_clear(s->cx); /* a session without a curve is still a session */
    return true;
}

void clab_session_close(clab_session *s)
{
    if (s->ledger) {
        clab_ledger_sample_stop(s->ledger);
        clab_ledger_free(s->ledger);
    }
    clab_ctx_free(s->cx);
    if (s->live[0])
        unlink(s->live);
    memset(s, 0, sizeof *s);
}
