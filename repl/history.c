/* history.c -- GNU history with timestamps, which let it tell where an entry of several lines ends. */
#include "history.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <readline/history.h>

#include "session.h"

#define KEEP 10000 /* entries in memory */

static char path[512]; /* readline's history is one a process, and so is its file */

void clab_typed_open(void)
{
    int fd;

    using_history();
    stifle_history(KEEP);
    history_write_timestamps = 1;
    history_comment_char = '#';
    if (!clab_state_path("history", path, sizeof path)) {
        path[0] = '\0';
        return;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        path[0] = '\0';
        return;
    }
    close(fd);
    read_history(path);
}

void clab_typed_add(const char *statement)
{
    HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
    char stamp[32];

    if (statement[0] == '\0' || statement[0] == ' ' || statement[0] == '\t')
        return;
    if (last && strcmp(last->line, statement) == 0)
        return;
    add_history(statement);
    snprintf(stamp, sizeof stamp, "#%lld", (long long)time(NULL));
    add_history_time(stamp);
    if (path[0])
        append_history(1, path);
}
