/* top.c -- `celllab top [PID]`: another session's facts, full screen or as text. */
#include <dirent.h>
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "frame.h"
#include "repl.h"
#include "screen.h"
#include "session.h"
#include "signals.h"

#define SESSIONS_MAX 64
#define STALE_S 10.0 /* a session that has not sampled for so long is busy or stopped, and said to be so */

typedef struct {
    int pid;
    clab_snapshot snap;
} session;

typedef struct {
    clab_ctx *cx;
    char folder[400];
    session *list; /* newest first */
    int n;
} finder;

static double wall_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool read_session(finder *f, int pid, clab_snapshot *out)
{
    char path[512];
    bool ok;

    snprintf(path, sizeof path, "%s/%d.live", f->folder, pid);
    ok = (kill(pid, 0) == 0 || errno == EPERM) && clab_live_read(f->cx, path, out) == CLAB_OK;
    clab_error_clear(f->cx);
    return ok;
}

static int by_start(const void *a, const void *b)
{
    double x = ((const session *)a)->snap.started, y = ((const session *)b)->snap.started;

    return x > y ? -1 : x < y;
}

static bool find(finder *f)
{
    DIR *d;
    struct dirent *e;

    f->list = calloc(SESSIONS_MAX, sizeof *f->list);
    if (!f->list || clab_live_dir(f->cx, f->folder, sizeof f->folder) != CLAB_OK || !(d = opendir(f->folder)))
        return false;
    while (f->n < SESSIONS_MAX && (e = readdir(d))) {
        char *end;
        long pid = strtol(e->d_name, &end, 10);
        if (pid > 0 && strcmp(end, ".live") == 0 && read_session(f, (int)pid, &f->list[f->n].snap))
            f->list[f->n++].pid = (int)pid;
    }
    closedir(d);
    qsort(f->list, (size_t)f->n, sizeof *f->list, by_start);
    return true;
}

/* One frame as text: what a log or a screen reader gets. */
static void print_frame(const clab_snapshot *s)
{
    clab_wish wish = clab_frame_wish(s, 0);
    clab_layout l = clab_layout_monitor(20, 80, &wish);
    clab_grid *g;
    char *text;

    l.footer.rows = 0;
    g = clab_grid_new(l.pane.rows, l.pane.cols);
    if (!g)
        return;
    clab_frame_draw(g, &l, s, clab_glyphs_choose());
    text = clab_grid_dump(g);
    fputs(text ? text : "", stdout);
    free(text);
    clab_grid_free(g);
}

static void print_list(const finder *f)
{
    char title[128], phase[128], progress[64];

    for (int i = 0; i < f->n; i++) {
        const clab_snapshot *s = &f->list[i].snap;
        clab_frame_progress(s, progress, sizeof progress);
        printf("%7d  %-20s %s%s%s\n", f->list[i].pid, clab_text_show(s->title, title, sizeof title),
               s->phase[0] ? clab_text_show(s->phase, phase, sizeof phase) : "idle", *progress ? "  " : "", progress);
    }
}

/* The session may be gone: then the last facts stay, and the heading says so. */
static void refresh(finder *f, int pid, clab_snapshot *s)
{
    if (!read_session(f, pid, s))
        snprintf(s->device, sizeof s->device, "session %d has ended", pid);
    else if (wall_clock() - s->time > STALE_S)
        snprintf(s->device, sizeof s->device, "no news for %.0f s", wall_clock() - s->time);
}

static void watch(finder *f, int pid, clab_snapshot *s, clab_screen *screen, int signal_fd)
{
    for (;;) {
        struct pollfd p[2] = {{STDIN_FILENO, POLLIN, 0}, {signal_fd, POLLIN, 0}};
        clab_signals got;
        char keys[64];
        ssize_t n;

        if (!clab_screen_draw(screen, s))
            return;
        poll(p, 2, 500);
        got = clab_signals_take(signal_fd);
        if (got.intr || got.end || got.quit || (p[0].revents & (POLLHUP | POLLERR)))
            return;
        if (got.winch)
            clab_screen_resized(screen);
        if (p[0].revents & POLLIN) {
            n = read(STDIN_FILENO, keys, sizeof keys);
            if (n <= 0 || memchr(keys, 'q', (size_t)n))
                return;
            if (memchr(keys, '\f', (size_t)n))
                clab_screen_damaged(screen);
        }
        refresh(f, pid, s);
    }
}

static int full_screen(finder *f, const clab_options *o, int pid, clab_snapshot *s)
{
    static volatile int alternate; /* for the handler of fatal signals */
    static clab_rescue rescue;
    clab_theme theme = clab_theme_choose(o->color, true);
    const char *why;
    clab_term *term = clab_term_open(STDOUT_FILENO, &why);
    clab_screen *screen = term ? clab_screen_new(term, &theme, &alternate) : NULL;
    struct termios raw;
    int signal_fd = clab_signals_open();

    if (!screen || signal_fd < 0 || tcgetattr(STDIN_FILENO, &rescue.cooked) != 0) {
        clab_screen_free(screen);
        clab_term_close(term);
        return -1;
    }
    rescue.tty = STDOUT_FILENO;
    rescue.alternate = &alternate;
    rescue.main = clab_term_rescue(term, false, &rescue.n_main);
    rescue.other = clab_term_rescue(term, true, &rescue.n_other);
    clab_signals_rescue(&rescue);
    raw = rescue.cooked;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    clab_screen_others(screen);
    clab_screen_monitor(screen, true);
    watch(f, pid, s, screen, signal_fd);
    clab_screen_free(screen);
    clab_term_close(term);
    tcsetattr(STDIN_FILENO, TCSANOW, &rescue.cooked);
    return 0;
}

int clab_top_run(const clab_options *o, int pid)
{
    finder f = {.cx = clab_ctx_new(&(clab_ctx_opts){.threads = 1})};
    const char *accessible = getenv("ACCESSIBLE");
    bool text = o->plain || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)
                || (accessible && *accessible && strcmp(accessible, "0") != 0);
    clab_snapshot *shown = calloc(1, sizeof *shown);
    int code = 1;

    setlocale(LC_CTYPE, "");
    if (!f.cx || !shown || !find(&f)) {
        fprintf(stderr, "celllab top: %s\n", f.cx ? clab_error_text(f.cx) : "memory is short");
    } else if (pid > 0 && !read_session(&f, pid, shown)) {
        fprintf(stderr, "celllab top: no session of yours has the process number %d\n", pid);
        print_list(&f);
    } else if (f.n == 0) {
        fprintf(stderr, "celllab top: no session of yours is running on this machine\n");
    } else {
        code = 0;
        if (pid <= 0) {
            pid = f.list[0].pid;
            *shown = f.list[0].snap;
            if (f.n > 1)
                print_list(&f);
        }
        if (text || full_screen(&f, o, pid, shown) != 0)
            print_frame(shown);
    }
    free(shown);
    free(f.list);
    clab_ctx_free(f.cx);
    return code;
}
