/* complete.c -- the TAB key: the first press completes as far as the words agree, the second lists them. */
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>

#include "base/text.h"
#include "grid.h"
#include "line_impl.h"

#define GAP 2

size_t clab__line_common(char *const *words)
{
    size_t n = words[0] ? strlen(words[0]) : 0;

    for (size_t i = 1; words[i]; i++) {
        size_t k = 0;
        while (k < n && words[i][k] == words[0][k])
            k++;
        n = k;
    }
    while (n > 0 && words[0][n] && ((unsigned char)words[0][n] & 0xc0) == 0x80)
        n--; /* not into the middle of a character */
    return n;
}

/* In columns, as ls does; what does not fit into half a screen is counted. */
static void list(char *const *words)
{
    int rows, cols, width = 0, per_row;
    size_t n = 0, shown;
    char safe[512];

    rl_get_screen_size(&rows, &cols);
    for (; words[n]; n++) {
        int w = clab_utf8_width(clab_text_show(words[n], safe, sizeof safe));
        width = w > width ? w : width;
    }
    per_row = cols / (width + GAP) > 0 ? cols / (width + GAP) : 1;
    shown = (size_t)per_row * (size_t)(rows / 2 > 1 ? rows / 2 : 1);
    if (shown > n)
        shown = n;
    rl_clear_visible_line();
    for (size_t i = 0; i < shown; i++) {
        bool last = (i + 1) % (size_t)per_row == 0 || i + 1 == shown;
        clab_text_show(words[i], safe, sizeof safe);
        fprintf(rl_outstream, "%s%*s", safe, last ? 0 : width + GAP - clab_utf8_width(safe), "");
        if (last)
            fputs("\n", rl_outstream);
    }
    if (shown < n)
        fprintf(rl_outstream, "... and %zu more\n", n - shown);
    rl_on_new_line();
    rl_redisplay();
}

static void insert_rest(const char *word, size_t n, size_t start)
{
    char *part = strndup(word, n);
    size_t typed = (size_t)rl_point - start;

    if (!part)
        return;
    if (n >= typed && strncmp(part, rl_line_buffer + start, typed) == 0) {
        rl_insert_text(part + typed);
    } else { /* the word replaces what was typed: another case, a corrected name */
        rl_begin_undo_group();
        rl_delete_text((int)start, rl_point);
        rl_point = (int)start;
        rl_insert_text(part);
        rl_end_undo_group();
    }
    free(part);
}

int clab__line_complete(int count, int key)
{
    const clab_line_hooks *h = clab__line_hooks();
    bool again = rl_last_func == clab__line_complete;
    size_t start = (size_t)rl_point, n;
    char **words = h->complete(h->user, rl_line_buffer, (size_t)rl_point, &start);

    (void)count, (void)key;
    if (!words || !words[0] || start > (size_t)rl_point) {
        rl_ding();
    } else {
        n = clab__line_common(words);
        if (!words[1] || n > (size_t)rl_point - start)
            insert_rest(words[0], words[1] ? n : strlen(words[0]), start);
        else if (again)
            list(words);
        else
            rl_ding();
    }
    for (size_t i = 0; words && words[i]; i++)
        free(words[i]);
    free(words);
    return 0;
}
