/* evaluate_text.c -- an evaluation as a table, a confusion matrix in text, CSV and JSON. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/svg.h"
#include "base/text.h"
#include "label/evaluate.h"

#define NAME_COLUMNS 32
#define LINE_COLUMNS 100

static const char *class_name(const clab_evaluation *e, int c)
{
    return clab_value_at_str(e->classes, c, NULL, 0);
}

static int name_width(const clab_evaluation *e)
{
    int width = 5;

    for (int c = 0; c < e->k; c++) {
        int n = clab_svg_columns(class_name(e, c));
        width = n > width ? n : width;
    }
    return width < NAME_COLUMNS ? width : NAME_COLUMNS;
}

/* A name padded by what it takes on the screen, which is not its number of bytes. */
static void add_name(clab_str *b, const char *name, int width)
{
    char buf[4 * NAME_COLUMNS + 8];
    const char *s = clab_svg_shorten(name, width, buf, sizeof buf);

    clab_str_addf(b, "%s%*s", s, width - clab_svg_columns(s), "");
}

clab_status clab_evaluation_table(clab_ctx *cx, const clab_evaluation *e, char **out)
{
    const int width = name_width(e);
    clab_str b = {0};

    clab_str_addf(&b, "%s cells", clab_text_count(e->n));
    if (e->n_skipped)
        clab_str_addf(&b, " (%s more have no label on one side)", clab_text_count(e->n_skipped));
    clab_str_addf(&b, ": accuracy %.4f, balanced accuracy %.4f, macro F1 %.4f, weighted F1 %.4f\n\n", e->accuracy,
                  e->balanced_accuracy, e->macro_f1, e->weighted_f1);
    add_name(&b, "class", width);
    clab_str_addf(&b, "  %9s  %6s  %6s  %7s\n", "precision", "recall", "F1", "support");
    for (int c = 0; c < e->k; c++) {
        add_name(&b, class_name(e, c), width);
        clab_str_addf(&b, "  %9.3f  %6.3f  %6.3f  %7" PRId64 "\n", e->precision[c], e->recall[c], e->f1[c],
                      e->support[c]);
    }
    return clab_str_give(cx, &b, out);
}

/* ---- the confusion matrix as text ------------------------------------------------------------------*/

static int digits(int64_t n)
{
    int d = 1;

    for (; n >= 10; n /= 10)
        d++;
    return d;
}

static int cell_width(const clab_evaluation *e)
{
    int64_t largest = e->k;

    for (int64_t i = 0; i < (int64_t)e->k * e->k; i++)
        largest = e->confusion[i] > largest ? e->confusion[i] : largest;
    return digits(largest) + 1;
}

static void add_band(clab_str *b, const clab_evaluation *e, int from, int to, int width, int cell)
{
    const int number = digits(e->k);

    clab_str_addf(b, "%*s", number + 1 + width, "");
    for (int c = from; c < to; c++)
        clab_str_addf(b, "%*d", cell, c + 1);
    clab_str_add(b, "\n");
    for (int r = 0; r < e->k; r++) {
        clab_str_addf(b, "%*d ", number, r + 1);
        add_name(b, class_name(e, r), width);
        for (int c = from; c < to; c++) {
            int64_t n = e->confusion[(int64_t)r * e->k + c];
            if (n)
                clab_str_addf(b, "%*" PRId64, cell, n);
            else
                clab_str_addf(b, "%*s", cell, ".");
        }
        clab_str_add(b, "\n");
    }
}

clab_status clab_evaluation_text(clab_ctx *cx, const clab_evaluation *e, char **out)
{
    const int width = name_width(e), cell = cell_width(e);
    int band = (LINE_COLUMNS - width - digits(e->k) - 1) / cell;
    clab_str b = {0};

    clab_str_add(&b, "rows: true class, columns: predicted class (same numbers)\n");
    for (int from = 0; from < e->k; from += band) {
        if (from)
            clab_str_add(&b, "\n");
        add_band(&b, e, from, from + band < e->k ? from + band : e->k, width, cell);
    }
    return clab_str_give(cx, &b, out);
}

/* ---- CSV: one fact a line ---------------------------------------------------------------------------*/

/* RFC 4180; a field that a spreadsheet would run as a formula gets a quote in front. */
static void add_field(clab_str *b, const char *s)
{
    const char *formula = strchr("=+-@\t\r", s[0]) && s[0] ? "'" : "";

    if (!s[strcspn(s, ",\"\r\n")]) {
        clab_str_addf(b, "%s%s", formula, s);
        return;
    }
    clab_str_addf(b, "\"%s", formula);
    for (; *s; s++)
        clab_str_addn(b, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
    clab_str_add(b, "\"");
}

static void add_fact(clab_str *b, const char *measure, const char *class, const char *predicted, double value)
{
    clab_str_addf(b, "%s,", measure);
    add_field(b, class);
    clab_str_add(b, ",");
    add_field(b, predicted);
    clab_str_addf(b, ",%.10g\r\n", value);
}

clab_status clab_evaluation_csv(clab_ctx *cx, const clab_evaluation *e, char **out)
{
    clab_str b = {0};

    clab_str_add(&b, "measure,class,predicted,value\r\n");
    add_fact(&b, "cells", "", "", (double)e->n);
    add_fact(&b, "skipped", "", "", (double)e->n_skipped);
    add_fact(&b, "accuracy", "", "", e->accuracy);
    add_fact(&b, "balanced_accuracy", "", "", e->balanced_accuracy);
    add_fact(&b, "macro_f1", "", "", e->macro_f1);
    add_fact(&b, "weighted_f1", "", "", e->weighted_f1);
    for (int c = 0; c < e->k; c++) {
        add_fact(&b, "precision", class_name(e, c), "", e->precision[c]);
        add_fact(&b, "recall", class_name(e, c), "", e->recall[c]);
        add_fact(&b, "f1", class_name(e, c), "", e->f1[c]);
        add_fact(&b, "support", class_name(e, c), "", (double)e->support[c]);
    }
    for (int r = 0; r < e->k; r++)
        for (int c = 0; c < e->k; c++)
            add_fact(&b, "confusion", class_name(e, r), class_name(e, c),
                     (double)e->confusion[(int64_t)r * e->k + c]);
    return clab_str_give(cx, &b, out);
}

/* ---- JSON ----------------------------------------------------------------------------------------------*/

static json_t *json_text(const char *s)
{
    json_t *j = json_string(s); /* NULL when s is no UTF-8 */

    return j ? j : json_string(clab_show(s));
}

static json_t *json_class(const clab_evaluation *e, int c)
{
    return json_pack("{s:o, s:f, s:f, s:f, s:I}", "class", json_text(class_name(e, c)), "precision", e->precision[c],
                     "recall", e->recall[c], "f1", e->f1[c], "support", (json_int_t)e->support[c]);
}

clab_status clab_evaluation_json(clab_ctx *cx, const clab_evaluation *e, char **out)
{
    json_t *classes = json_array(), *confusion = json_array(), *root;
    char *text;

    for (int r = 0; r < e->k; r++) {
        json_t *row = json_array();
        for (int c = 0; c < e->k; c++)
            json_array_append_new(row, json_integer((json_int_t)e->confusion[(int64_t)r * e->k + c]));
        json_array_append_new(classes, json_class(e, r));
        json_array_append_new(confusion, row);
    }
    root = json_pack("{s:I, s:I, s:f, s:f, s:f, s:f, s:o, s:o}", "cells", (json_int_t)e->n, "skipped",
                     (json_int_t)e->n_skipped, "accuracy", e->accuracy, "balanced_accuracy", e->balanced_accuracy,
                     "macro_f1", e->macro_f1, "weighted_f1", e->weighted_f1, "classes", classes, "confusion",
                     confusion);
    text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    if (!text)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for an evaluation as JSON");
    *out = text;
    return CLAB_OK;
}
