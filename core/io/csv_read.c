/* csv_read.c -- RFC 4180 in one pass: fields are unquoted in place in the file's own bytes.
 * R rows, C columns. */
#include "io/csv_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"

#define CSV_MAX ((int64_t)1 << 30)

typedef struct {
    clab_ctx *cx;
    const char *path;
    char *text; /* the file with a final NUL */
    int64_t size;
    char **cells; /* (R + 1) x C, row-major, the header first; into text */
    int64_t n_cells, cap;
    int64_t n_cols;
} reader;

static clab_status read_file(reader *r)
{
    FILE *f = fopen(r->path, "rb");
    void *text = NULL;
    clab_status st = CLAB_OK;

    if (!f)
        return clab_fail(r->cx, errno == ENOENT ? CLAB_ENOTFOUND : CLAB_EIO, "%s: %s", clab_show(r->path),
                         strerror(errno));
    if (fseeko(f, 0, SEEK_END) != 0 || (r->size = (int64_t)ftello(f)) < 0 || fseeko(f, 0, SEEK_SET) != 0)
        st = clab_fail(r->cx, CLAB_EIO, "%s is not a regular file", clab_show(r->path));
    else if (r->size > CSV_MAX)
        st = clab_fail(r->cx, CLAB_EARG, "%s has %s, too much for a table of labels", clab_show(r->path),
                       clab_bytes(r->size));
    else
        st = clab_mem_alloc(r->cx, CLAB_MEM_WORK, r->size + 1, "CSV", &text);
    r->text = text;
    if (st == CLAB_OK && fread(r->text, 1, (size_t)r->size, f) != (size_t)r->size)
        st = clab_fail(r->cx, CLAB_EIO, "%s: %s", clab_show(r->path),
                       ferror(f) ? strerror(errno) : "it shrank while read");
    if (st == CLAB_OK) {
        r->text[r->size] = '\0';
        if (strlen(r->text) != (size_t)r->size)
            st = clab_fail(r->cx, CLAB_EFORMAT, "%s holds zero bytes: it is no CSV file", clab_show(r->path));
    }
    fclose(f);
    return st;
}

static clab_status add_cell(reader *r, char *s)
{
    void *p = r->cells;
    clab_status st;

    if (r->n_cells == r->cap) {
        int64_t cap = r->cap ? 2 * r->cap : 1024;
        if ((st = clab_mem_grow(r->cx, CLAB_MEM_WORK, cap * (int64_t)sizeof *r->cells, "CSV", &p)) != CLAB_OK)
            return st;
        r->cells = p;
        r->cap = cap;
    }
    r->cells[r->n_cells++] = s;
    return CLAB_OK;
}

/* One field from *at, unquoted in place.  *at moves behind its separator; *last: the row ended. */
static bool take_field(char **at, char **field, bool *last)
{
    char *in = *at, *out = in, end;

    *field = out;
    if (*in == '"') {
        for (in++; *in && !(in[0] == '"' && in[1] != '"'); in++) {
            in += in[0] == '"';
            *out++ = *in;
        }
        if (*in != '"')
            return false;
        in++;
    }
    while (*in && *in != ',' && *in != '\n' && !(in[0] == '\r' && in[1] == '\n'))
        *out++ = *in++;
    end = *in;
    if (end == '\r')
        in++;
    *at = end ? in + 1 : in;
    *last = end != ',';
    *out = '\0';
    return true;
}

static clab_status parse(reader *r)
{
    char *at = r->text, *field;
    int64_t line = 0;
    clab_status st;

    if (strncmp(at, "\xef\xbb\xbf", 3) == 0)
        at += 3;
    for (; *at; line++) {
        int64_t first = r->n_cells;
        bool last = false;

        if (line % 4096 == 0 && (st = clab_check(r->cx)) != CLAB_OK)
            return st;
        while (!last) {
            if (!take_field(&at, &field, &last))
                return clab_fail(r->cx, CLAB_EFORMAT, "%s, row %" PRId64 ": a quote is never closed",
                                 clab_show(r->path), line + 1);
            if ((st = add_cell(r, field)) != CLAB_OK)
                return st;
        }
        if (line == 0)
            r->n_cols = r->n_cells;
        else if (r->n_cells - first == 1 && r->cells[first][0] == '\0')
            r->n_cells = first; /* an empty line */
        else if (r->n_cells - first != r->n_cols)
            return clab_fail(r->cx, CLAB_EFORMAT,
                             "%s, row %" PRId64 " has %" PRId64 " fields, the header has %" PRId64,
                             clab_show(r->path), line + 1, r->n_cells - first, r->n_cols);
    }
    if (r->n_cells == 0)
        return clab_fail(r->cx, CLAB_EFORMAT, "%s is empty", clab_show(r->path));
    return CLAB_OK;
}

/* TABLE with one STRINGS column for every field of the header. */
static clab_status make_table(reader *r, clab_value **out)
{
    int64_t n_rows = r->n_cells / r->n_cols - 1;
    clab_value *index = NULL, *column = NULL;
    void *p = NULL;
    const char **s;
    char *digits;
    clab_status st;

    if ((st = clab_mem_alloc(r->cx, CLAB_MEM_WORK, (n_rows + 1) * (int64_t)(sizeof *s + 24), "CSV", &p)) !=
        CLAB_OK)
        return st;
    s = p;
    digits = (char *)(s + n_rows + 1);
    for (int64_t i = 0; i < n_rows; i++) {
        snprintf(digits + 24 * i, 24, "%" PRId64, i);
        s[i] = digits + 24 * i;
    }
    if ((st = clab_value_strings(r->cx, 1, &n_rows, s, &index)) != CLAB_OK)
        goto done;
    if ((st = clab_value_table(r->cx, index, "_index", out)) != CLAB_OK)
        goto done;
    for (int64_t j = 0; j < r->n_cols && st == CLAB_OK; j++) {
        for (int64_t i = 0; i < n_rows; i++)
            s[i] = r->cells[(i + 1) * r->n_cols + j];
        if ((st = clab_value_strings(r->cx, 1, &n_rows, s, &column)) == CLAB_OK)
            st = clab_value_set(r->cx, *out, r->cells[j], column);
        clab_value_unref(column);
        column = NULL;
    }
done:
    clab_value_unref(index);
    clab_mem_free(r->cx, p);
    return st;
}

clab_status clab_csv_read(clab_ctx *cx, const char *path, clab_value **out)
{
    reader r = {.cx = cx, .path = path};
    clab_value *table = NULL;
    clab_status st;

    if ((st = read_file(&r)) == CLAB_OK && (st = parse(&r)) == CLAB_OK)
        st = make_table(&r, &table);
    clab_mem_free(cx, r.cells);
    clab_mem_free(cx, r.text);
    if (st != CLAB_OK) {
        clab_value_unref(table);
        return st;
    }
    *out = table;
    return CLAB_OK;
}
