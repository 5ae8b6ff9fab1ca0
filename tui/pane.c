/* pane.c -- cells to ncurses, ncurses to bytes.
 *
 * Facts this rests on (ncurses 6): its first refresh enters the alternate screen, resets the scroll region
 * and clears, so what it says at first is thrown away; given a file instead of a terminal it leaves the
 * line discipline alone; its cursor is parked at the pane's corner and the real one is moved there before
 * each frame, so relative movements come out right. */
#define NCURSES_WIDECHAR 1
#include <curses.h>

#include "pane.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "frame.h"
#include "grid.h"

struct clab_pane {
    clab_term *term;
    clab_theme theme;
    clab_glyph_level level;
    FILE *out, *in;      /* what ncurses takes for a terminal: a memory file and nothing */
    SCREEN *screen;
    WINDOW *window;
    clab_rect at;
    clab_grid *grid;
    char *bytes;
    size_t cap;
    attr_t attr[CLAB_N_ROLES];
    short pair[CLAB_N_ROLES];
};

/* Take what ncurses has written since the last call.  Returns its length. */
static size_t take_bytes(clab_pane *p)
{
    int fd = fileno(p->out);
    off_t n = (fflush(p->out), lseek(fd, 0, SEEK_CUR));

    if (n <= 0)
        return 0;
    if ((size_t)n > p->cap) {
        char *bigger = realloc(p->bytes, (size_t)n);
        if (!bigger)
            n = 0;
        else {
            p->bytes = bigger;
            p->cap = (size_t)n;
        }
    }
    if (n > 0 && pread(fd, p->bytes, (size_t)n, 0) != (ssize_t)n)
        n = 0;
    lseek(fd, 0, SEEK_SET);
    return (size_t)n;
}

static void roles_to_attributes(clab_pane *p)
{
    bool colour = p->theme.colour && has_colors() && start_color() == OK && use_default_colors() == OK;

    for (int r = 0; r < CLAB_N_ROLES; r++) {
        clab_look look = clab_theme_look(&p->theme, (clab_role)r);
        p->attr[r] = (look.bold ? A_BOLD : A_NORMAL) | (look.dim ? A_DIM : A_NORMAL);
        if (colour && look.colour >= 0 && init_pair((short)(r + 1), (short)look.colour, -1) == OK)
            p->pair[r] = (short)(r + 1);
    }
}

clab_pane *clab_pane_new(clab_term *t, const clab_theme *theme, clab_glyph_level level)
{
    clab_pane *p = calloc(1, sizeof *p);
    int fd, rows, cols;

    if (!p)
        return NULL;
    p->term = t;
    p->theme = *theme;
    p->level = level;
    fd = memfd_create("celllab-pane", MFD_CLOEXEC);
    if (fd < 0 || !(p->out = fdopen(fd, "w+"))) {
        if (fd >= 0)
            close(fd);
        goto fail;
    }
    p->in = fopen("/dev/null", "re");
    if (!p->in || !(p->screen = newterm(NULL, p->out, p->in)))
        goto fail;
    clab_term_size(t, &rows, &cols);
    resizeterm(rows, cols);
    clearok(curscr, FALSE);
    clearok(newscr, FALSE);
    clearok(stdscr, FALSE);
    roles_to_attributes(p);
    doupdate();
    take_bytes(p);
    return p;
fail:
    clab_pane_free(p);
    return NULL;
}

void clab_pane_free(clab_pane *p)
{
    if (!p)
        return;
    if (p->window)
        delwin(p->window);
    if (p->screen)
        delscreen(p->screen);
    if (p->out)
        fclose(p->out);
    if (p->in)
        fclose(p->in);
    clab_grid_free(p->grid);
    free(p->bytes);
    free(p);
}

void clab_pane_forget(clab_pane *p)
{
    werase(curscr); /* both, or the pane is repainted where it once was */
    werase(newscr);
    if (p->window)
        touchwin(p->window);
}

void clab_pane_resize(clab_pane *p, int rows, int cols)
{
    resizeterm(rows, cols);
    clearok(curscr, FALSE);
    clearok(newscr, FALSE);
    if (p->window)
        delwin(p->window);
    p->window = NULL;
    take_bytes(p); /* whatever it said is not for the terminal */
    clab_pane_forget(p);
}

static bool place(clab_pane *p, clab_rect r)
{
    bool same = p->at.row == r.row && p->at.col == r.col && p->at.rows == r.rows && p->at.cols == r.cols;

    if (p->window && same)
        return true;
    if (p->window)
        delwin(p->window);
    clab_grid_free(p->grid);
    p->grid = clab_grid_new(r.rows, r.cols);
    p->window = newwin(r.rows, r.cols, r.row, r.col);
    p->at = r;
    if (!p->window || !p->grid)
        return false;
    leaveok(p->window, FALSE);
    scrollok(p->window, FALSE);
    idlok(p->window, FALSE);
    clab_pane_forget(p);
    wmove(p->window, 0, 0);
    wnoutrefresh(p->window);
    doupdate(); /* blank upon blank: only its cursor goes to the new corner, and that is not for the terminal */
    take_bytes(p);
    touchwin(p->window);
    return true;
}

static void copy_cells(clab_pane *p)
{
    const clab_grid *g = p->grid;

    for (int row = 0; row < g->rows; row++) {
        wmove(p->window, row, 0);
        for (int col = 0; col < g->cols; col++) {
            clab_cell c = g->cell[row * g->cols + col];
            wchar_t text[2] = {c.ch, 0};
            cchar_t cell;

            if (!c.ch)
                continue; /* the right half of a wide character came with the left */
            setcchar(&cell, text, p->attr[c.role], p->pair[c.role], NULL);
            mvwadd_wch(p->window, row, col, &cell);
        }
    }
    wmove(p->window, 0, 0);
}

long clab_pane_draw(clab_pane *p, const clab_layout *l, const clab_snapshot *s)
{
    size_t n;

    if (l->pane.rows <= 0 || l->pane.cols <= 0 || !place(p, l->pane))
        return 0;
    clab_frame_draw(p->grid, l, s, p->level);
    copy_cells(p);
    wnoutrefresh(p->window);
    doupdate();
    n = take_bytes(p);
    if (n == 0)
        return 0;
    return clab_term_frame(p->term, l->pane.row, p->bytes, n) ? (long)n : -1;
}
