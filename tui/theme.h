/* theme.h -- named roles instead of colours; 16 palette colours, the terminal's own background.
 * Refuses to let colour be the only difference: whoever uses a role also uses a word or a glyph. */
#ifndef CLAB_THEME_H
#define CLAB_THEME_H

#include <stdbool.h>

typedef enum {
    CLAB_ROLE_TEXT,
    CLAB_ROLE_DIM,     /* rules, axes, labels that may be overlooked */
    CLAB_ROLE_TITLE,   /* the running phase */
    CLAB_ROLE_PROMPT,
    CLAB_ROLE_NOTE,
    CLAB_ROLE_WARN,
    CLAB_ROLE_ERROR,
    CLAB_ROLE_SERIES1, /* training, memory */
    CLAB_ROLE_SERIES2, /* validation */
    CLAB_ROLE_BAR,
    CLAB_N_ROLES
} clab_role;

/* How a role looks: a palette index 0..7 or -1 for the terminal's own colour. */
typedef struct {
    int colour;
    bool bold, dim;
} clab_look;

typedef struct {
    bool colour; /* false: bold and dim only, no colour codes */
    bool plain;  /* true: no escape byte at all */
} clab_theme;

/* clab_theme_choose -- from what the user set (`--color=always|never`, NULL = auto), NO_COLOR and whether
 * the output understands escapes. */
clab_theme clab_theme_choose(const char *color_option, bool escapes_understood);

clab_look clab_theme_look(const clab_theme *t, clab_role r);

/* clab_theme_sgr -- the escape sequence that switches a role on; "" in a plain theme.  A static string. */
const char *clab_theme_sgr(const clab_theme *t, clab_role r);
/* clab_theme_off -- back to normal text; "" in a plain theme. */
const char *clab_theme_off(const clab_theme *t);

#endif
