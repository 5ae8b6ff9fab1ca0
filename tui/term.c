/* term.c -- terminfo strings, and a writer that sends a frame with one system call. */
#include "terminal.h"

#include <curses.h>
#include <term.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CAP_MAX 64
#define FRAME_HEAD 256

struct clab_term {
    int fd;
    char csr[CAP_MAX], sc[CAP_MAX], rc[CAP_MAX], cup[CAP_MAX], ed[CAP_MAX], clear[CAP_MAX], up[CAP_MAX];
    char sgr0[CAP_MAX], smcup[CAP_MAX], rmcup[CAP_MAX], civis[CAP_MAX], cnorm[CAP_MAX];
    char rescue_main[8 * CAP_MAX], rescue_alternate[8 * CAP_MAX];
    char *frame; /* the frame being put together */
    size_t frame_cap;
};

/* Copy a capability without its padding marks ($<5>): no terminal of this century waits. */
static bool take(char *to, const char *cap)
{
    size_t n = 0;

    to[0] = '\0';
    if (!cap || cap == (const char *)-1)
        return false;
    for (; *cap && n + 1 < CAP_MAX; cap++) {
        if (cap[0] == '$' && cap[1] == '<' && strchr(cap, '>')) {
            cap = strchr(cap, '>');
            continue;
        }
        to[n++] = *cap;
    }
    to[n] = '\0';
    return *cap == '\0';
}

static const char bracketed_paste_off[] = "\033[?2004l";

clab_term *clab_term_open(int fd, const char **why)
{
    clab_term *t = calloc(1, sizeof *t);
    int error = 0;

    *why = "memory is short";
    if (!t)
        return NULL;
    t->fd = fd;
    if (setupterm(NULL, fd, &error) != OK) {
        *why = "the terminal's kind ($TERM) is not known here";
        goto fail;
    }
    if (!take(t->csr, change_scroll_region) || !take(t->sc, save_cursor) || !take(t->rc, restore_cursor)
        || !take(t->cup, cursor_address) || !take(t->ed, clr_eos) || !take(t->clear, clear_screen)
        || !take(t->up, cursor_up)) {
        *why = "the terminal has no scroll region";
        goto fail;
    }
    take(t->sgr0, exit_attribute_mode);
    if (!take(t->smcup, enter_ca_mode) || !take(t->rmcup, exit_ca_mode))
        t->smcup[0] = t->rmcup[0] = '\0';
    take(t->civis, cursor_invisible);
    take(t->cnorm, cursor_normal);
    snprintf(t->rescue_main, sizeof t->rescue_main, "%s\033[r%s%s%s%s%s", t->sc, t->rc, t->ed,
             bracketed_paste_off, t->sgr0, t->cnorm);
    snprintf(t->rescue_alternate, sizeof t->rescue_alternate, "\033[r%s%s%s%s", t->rmcup, bracketed_paste_off,
             t->sgr0, t->cnorm);
    del_curterm(cur_term); /* everything needed was copied; ncurses reads its own */
    return t;
fail:
    if (error == 1)
        del_curterm(cur_term);
    free(t);
    return NULL;
}

void clab_term_close(clab_term *t)
{
    if (!t)
        return;
    free(t->frame);
    free(t);
}

void clab_term_size(const clab_term *t, int *rows, int *cols)
{
    struct winsize ws;

    *rows = 24;
    *cols = 80;
    if (ioctl(t->fd, TIOCGWINSZ, &ws) == 0 && ws.ws_row > 0 && ws.ws_col > 0) {
        *rows = ws.ws_row;
        *cols = ws.ws_col;
    }
}

bool clab_term_write(clab_term *t, const char *s, size_t n)
{
    while (n > 0) {
        ssize_t k = write(t->fd, s, n);
        if (k > 0) {
            s += k;
            n -= (size_t)k;
        } else if (k < 0 && errno == EAGAIN) {
            struct pollfd p = {t->fd, POLLOUT, 0};
            if (poll(&p, 1, 1000) == 0)
                return false;
        } else if (k < 0 && errno != EINTR) {
            return false;
        }
    }
    return true;
}

static void put(clab_term *t, const char *s)
{
    clab_term_write(t, s, strlen(s));
}

void clab_term_reserve(clab_term *t, int rows, int pane)
{
    for (int i = 0; i < pane; i++)
        put(t, "\n");
    for (int i = 0; i < pane; i++)
        put(t, t->up);
    put(t, t->sc); /* setting the region homes the cursor */
    put(t, tparm(t->csr, 0, rows - pane - 1));
    put(t, t->rc);
}

void clab_term_unreserve(clab_term *t, int rows, int from)
{
    put(t, t->sc);
    put(t, tparm(t->csr, 0, rows - 1));
    if (from < 0)
        put(t, t->rc);
    else
        put(t, tparm(t->cup, from, 0));
    put(t, t->ed);
    if (from >= 0)
        put(t, t->rc);
}

bool clab_term_frame(clab_term *t, int row, const char *bytes, size_t n)
{
    int head;

    if (t->frame_cap < n + 2 * FRAME_HEAD) {
        char *bigger = realloc(t->frame, n + 4 * FRAME_HEAD);
        if (!bigger)
            return false;
        t->frame = bigger;
        t->frame_cap = n + 4 * FRAME_HEAD;
    }
    head = snprintf(t->frame, FRAME_HEAD, "%s%s", t->sc, tparm(t->cup, row, 0));
    memcpy(t->frame + head, bytes, n);
    n += (size_t)head;
    n += (size_t)snprintf(t->frame + n, FRAME_HEAD, "%s%s", t->sgr0, t->rc);
    return clab_term_write(t, t->frame, n);
}

void clab_term_clear(clab_term *t)
{
    put(t, t->clear);
}

void clab_term_alternate(clab_term *t, bool on)
{
    if (on) {
        put(t, t->smcup);
        put(t, t->clear);
        put(t, t->civis);
    } else {
        put(t, t->cnorm);
        if (t->rmcup[0])
            put(t, t->rmcup);
        else
            put(t, t->clear);
    }
}

const char *clab_term_rescue(const clab_term *t, bool alternate, size_t *n)
{
    const char *s = alternate ? t->rescue_alternate : t->rescue_main;

    *n = strlen(s);
    return s;
}
