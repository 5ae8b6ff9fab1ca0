/* theme.c -- one row per role: colour, attributes, and the sequences for both. */
#include "theme.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    clab_look look;
    const char *colour, *mono; /* SGR with and without colour codes */
} row;

/* Bright black is unreadable on several popular palettes, so secondary text uses the dim attribute. */
static const row rows[CLAB_N_ROLES] = {
    [CLAB_ROLE_TEXT] = {{-1, false, false}, "", ""},
    [CLAB_ROLE_DIM] = {{-1, false, true}, "\033[2m", "\033[2m"},
    [CLAB_ROLE_TITLE] = {{-1, true, false}, "\033[1m", "\033[1m"},
    [CLAB_ROLE_PROMPT] = {{6, true, false}, "\033[1;36m", "\033[1m"},
    [CLAB_ROLE_NOTE] = {{6, false, false}, "\033[36m", ""},
    [CLAB_ROLE_WARN] = {{3, false, false}, "\033[33m", ""},
    [CLAB_ROLE_ERROR] = {{1, true, false}, "\033[1;31m", "\033[1m"},
    [CLAB_ROLE_SERIES1] = {{4, true, false}, "\033[1;34m", "\033[1m"},
    [CLAB_ROLE_SERIES2] = {{3, false, false}, "\033[33m", ""},
    [CLAB_ROLE_BAR] = {{2, false, false}, "\033[32m", ""},
};

clab_theme clab_theme_choose(const char *color_option, bool escapes_understood)
{
    const char *no_color = getenv("NO_COLOR");
    clab_theme t = {.colour = escapes_understood && !(no_color && *no_color), .plain = !escapes_understood};

    if (color_option && strcmp(color_option, "never") == 0)
        t.colour = false;
    if (color_option && strcmp(color_option, "always") == 0 && escapes_understood)
        t.colour = true;
    return t;
}

clab_look clab_theme_look(const clab_theme *t, clab_role r)
{
    clab_look look = rows[r].look;

    if (!t->colour)
        look.colour = -1;
    return look;
}

const char *clab_theme_sgr(const clab_theme *t, clab_role r)
{
    if (t->plain)
        return "";
    return t->colour ? rows[r].colour : rows[r].mono;
}

const char *clab_theme_off(const clab_theme *t)
{
    return t->plain ? "" : "\033[m";
}
