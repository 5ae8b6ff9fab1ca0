/* output.c -- a small state machine over the bytes of the output pipe. */
#include "output.h"

#include <string.h>

void clab_output_init(clab_output *o, bool plain)
{
    *o = (clab_output){.plain = plain, .at_start = true};
}

/* Does held[] end a sequence of attributes, "ESC [ digits ; m"?  0 not yet, 1 yes, -1 it is something else. */
static int attributes(const clab_output *o)
{
    char last = o->held[o->n_held - 1];

    if (o->n_held == 1)
        return 0;
    if (o->n_held == 2)
        return last == '[' ? 0 : -1;
    if (last == 'm')
        return 1;
    return strchr("0123456789;:", last) && o->n_held < sizeof o->held ? 0 : -1;
}

static void show_held(clab_output *o, clab_str *out)
{
    for (size_t i = 0; i < o->n_held; i++) {
        unsigned char c = (unsigned char)o->held[i];
        if (c < 0x20 || c == 0x7f)
            clab_str_addf(out, "\\x%02x", c);
        else
            clab_str_addn(out, &o->held[i], 1);
    }
    o->n_held = 0;
    o->at_start = false;
}

static void one(clab_output *o, char c, clab_str *out)
{
    unsigned char u = (unsigned char)c;

    if (o->n_held > 0 && o->held[0] == '\033') {
        int is;
        o->held[o->n_held++] = c;
        is = attributes(o);
        if (is > 0) {
            if (!o->plain)
                clab_str_addn(out, o->held, o->n_held);
            o->n_held = 0;
        } else if (is < 0) {
            show_held(o, out);
        }
        return;
    }
    if (o->n_held > 0) { /* 0xc2: a C1 control in UTF-8, or a harmless character */
        o->n_held = 0;
        if (u >= 0x80 && u < 0xa0) {
            clab_str_addf(out, "\\x%02x", u);
            return;
        }
        clab_str_addn(out, "\xc2", 1);
    }
    if (c == '\033' || u == 0xc2) {
        o->held[o->n_held++] = c;
        return;
    }
    if (c == '\n' || c == '\r') {
        o->at_start = true;
        clab_str_addn(out, &c, 1);
        return;
    }
    if (c == '\a') {
        o->bell = true;
        return;
    }
    o->at_start = false;
    if ((u < 0x20 && c != '\t') || u == 0x7f)
        clab_str_addf(out, "\\x%02x", u);
    else
        clab_str_addn(out, &c, 1);
}

void clab_output_clean(clab_output *o, const char *bytes, size_t n, clab_str *out)
{
    for (size_t i = 0; i < n; i++)
        one(o, bytes[i], out);
}
