/* mtx.c -- MatrixMarket: coordinate and array, real, integer and pattern, general and (skew-)symmetric.
 * Rows of the file are cells in a file of its own, genes in a 10x folder (mtx_folder.c). */
#include "io/text_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ROWS_FREE 100000 /* cells without entries that a header may claim */
#define ROWS_PER_ENTRY 64

typedef struct {
    bool array, pattern;
    int sign;             /* of the entry that an entry below the diagonal implies; 0 = none */
    int64_t rows, cols, n; /* n: entries that follow */
} head;

bool clab__parse_number(const char *s, double *out)
{
    const char *p = s;
    while (*p == ' ' || *p == '\t')
        p++;
    const char *start = p;
    int64_t v = 0;
    bool minus = *p == '-';
    p += minus || *p == '+';
    const char *digits = p;
    for (; *p >= '0' && *p <= '9' && p - digits < 15; p++)
        v = 10 * v + (*p - '0');
    if (p > digits) { /* the usual case: a short whole number */
        const char *q = p;
        while (*q == ' ' || *q == '\t')
            q++;
        if (!*q) {
            *out = minus ? -(double)v : (double)v;
            return true;
        }
    }
    char *end;
    *out = strtod(start, &end); /* a guest stays in the locale C */
    if (end == start)
        return false;
    while (*end == ' ' || *end == '\t')
        end++;
    return !*end;
}

/* A whole number of at most 18 digits at *p, blanks before it; moves *p behind it. */
static bool take_whole(char **p, int64_t *out)
{
    char *s = *p;
    int64_t v = 0;
    while (*s == ' ' || *s == '\t')
        s++;
    bool minus = *s == '-';
    s += minus || *s == '+';
    char *digits = s;
    for (; *s >= '0' && *s <= '9' && s - digits < 19; s++)
        v = s - digits < 18 ? 10 * v + (*s - '0') : -1;
    if (s == digits || v < 0 || (*s && *s != ' ' && *s != '\t'))
        return false;
    *out = minus ? -v : v;
    *p = s;
    return true;
}

static bool is_blank(const char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    return !*s;
}

/* ---- the head -------------------------------------------------------------------------------------------*/

static clab_status bad_head(clab__text *t, const char *what, const char *line)
{
    return t->status != CLAB_OK ? t->status
                                : clab_fail(t->cx, CLAB_EFORMAT, "%s, line %lld: %s: '%s'", t->name,
                                            (long long)t->n_lines, what, line ? clab_show(line) : "");
}

static clab_status read_banner(clab__text *t, head *h)
{
    char word[5][24] = {{0}};
    size_t n;
    char *line = clab__text_line(t, &n);
    if (!line || strncasecmp(line, "%%MatrixMarket", 14) != 0)
        return bad_head(t, "no MatrixMarket banner", line);
    int words = sscanf(line, "%23s %23s %23s %23s %23s", word[0], word[1], word[2], word[3], word[4]);
    h->array = strcasecmp(word[2], "array") == 0;
    h->pattern = strcasecmp(word[3], "pattern") == 0;
    if (words != 5 || strcasecmp(word[1], "matrix") != 0 || (!h->array && strcasecmp(word[2], "coordinate") != 0))
        return bad_head(t, "this kind of MatrixMarket is not known", line);
    if (strcasecmp(word[3], "complex") == 0 || strcasecmp(word[4], "hermitian") == 0)
        return bad_head(t, "complex numbers are no counts", line);
    if (!h->pattern && strcasecmp(word[3], "real") != 0 && strcasecmp(word[3], "integer") != 0 &&
        strcasecmp(word[3], "double") != 0)
        return bad_head(t, "values are real, integer or pattern", line);
    h->sign = strcasecmp(word[4], "symmetric") == 0 ? 1 : strcasecmp(word[4], "skew-symmetric") == 0 ? -1 : 0;
    if ((h->sign == 0 && strcasecmp(word[4], "general") != 0) || (h->array && h->pattern))
        return bad_head(t, "this kind of MatrixMarket is not known", line);
    return CLAB_OK;
}

static clab_status read_size(clab__text *t, head *h)
{
    size_t n;
    char *line;
    do
        line = clab__text_line(t, &n);
    while (line && (line[0] == '%' || is_blank(line)));
    char *p = line;
    if (!line || !take_whole(&p, &h->rows) || !take_whole(&p, &h->cols) || (!h->array && !take_whole(&p, &h->n)) ||
        !is_blank(p))
        return bad_head(t, line ? "not the size of a matrix" : "the line with the size is missing", line);
    if (h->rows < 0 || h->cols < 0 || h->n < 0 || h->rows >= INT32_MAX || h->cols >= INT32_MAX)
        return bad_head(t, "not a size that is possible", line);
    if (h->sign != 0 && h->rows != h->cols)
        return bad_head(t, "a symmetric matrix is square", line);
    if (h->array)
        h->n = h->sign == 0 ? h->rows * h->cols : h->rows * (h->rows + h->sign) / 2;
    if (h->n > h->rows * h->cols || h->n > clab__text_bytes(t) / (h->array ? 2 : 4) + 1) /* "1 1\n", "1\n" at least */
        return bad_head(t, "more entries are promised than there can be", line);
    return CLAB_OK;
}

static clab_status open_matrix(clab__h5 *h, const clab__source *s, clab__text *t, head *m)
{
    *m = (head){0};
    clab_status st = clab__text_open(h->cx, s->matrix, h->name, t);
    if (st == CLAB_OK && (st = read_banner(t, m)) == CLAB_OK)
        st = read_size(t, m);
    if (st != CLAB_OK)
        clab__text_close(t);
    return st;
}

/* ---- entries --------------------------------------------------------------------------------------------*/

/* Where entries go: straight into rows while they are in order, into a sort, or only past a scan. */
typedef struct {
    clab__h5 *h;
    clab__source *s;
    clab__row_blocks rows;
    clab__turn *turn;
    bool by_column; /* columns of the file are cells */
} taker;

static clab_status take_entry(taker *k, int64_t row, int64_t column, float value)
{
    int64_t cell = k->by_column ? column : row;
    int32_t gene = (int32_t)(k->by_column ? row : column);
    if (k->turn)
        return clab__turn_add(k->turn, (int32_t)cell, gene, &value);
    if (k->s->o.look)
        cell = k->rows.row + 1; /* so that nothing adds up */
    if (cell < k->rows.row) {
        k->s->unsorted = true;
        return clab_fail(k->h->cx, CLAB_ESTATE, "%s: its cells are out of order", k->h->name);
    }
    if (cell > k->rows.row) {
        clab_status st = clab__row_blocks_to(&k->rows, cell);
        if (st != CLAB_OK)
            return st;
    }
    return clab__row_blocks_add(&k->rows, gene, &value);
}

/* An entry and the one that symmetry implies; from 0. */
static clab_status take_both(taker *k, const head *m, int64_t row, int64_t column, double value)
{
    clab_status st = take_entry(k, row, column, (float)value);
    if (st == CLAB_OK && m->sign != 0 && row != column)
        st = take_entry(k, column, row, (float)(m->sign * value));
    return st;
}

static clab_status bad_entry(clab__text *t, const char *what, const char *line)
{
    return clab_fail(t->cx, CLAB_EFORMAT, "%s, line %lld: %s: '%s'", t->name, (long long)t->n_lines, what,
                     clab_show(line));
}

static clab_status parse_coordinate(clab__text *t, const head *m, char *line, taker *k)
{
    int64_t row, column;
    double value = 1;
    char *p = line;
    if (!take_whole(&p, &row) || !take_whole(&p, &column))
        return bad_entry(t, "not a row and a column", line);
    if (row < 1 || row > m->rows || column < 1 || column > m->cols)
        return bad_entry(t, row == 0 || column == 0 ? "rows and columns count from 1" : "outside of the matrix", line);
    if (m->pattern ? !is_blank(p) : !clab__parse_number(p, &value))
        return bad_entry(t, is_blank(p) ? "the value is missing" : "the value is no number", line);
    return take_both(k, m, row - 1, column - 1, value);
}

/* The n-th value of a matrix that is stored column by column, or of its lower triangle. */
static clab_status parse_array(clab__text *t, const head *m, char *line, int64_t *row, int64_t *column, taker *k)
{
    double value;
    if (!clab__parse_number(line, &value))
        return bad_entry(t, "no number", line);
    clab_status st = value != 0 ? take_both(k, m, *row, *column, value) : CLAB_OK;
    if (++*row == m->rows) {
        ++*column;
        *row = m->sign == 0 ? 0 : *column + (m->sign < 0);
    }
    return st;
}

static clab_status each_entry(clab__text *t, const head *m, taker *k)
{
    int64_t n = 0, row = m->array && m->sign < 0, column = 0;
    size_t len;
    char *line;
    clab_status st = CLAB_OK;
    while (st == CLAB_OK && (line = clab__text_line(t, &len))) {
        if (is_blank(line) || line[0] == '%')
            continue;
        if (n++ >= m->n)
            continue; /* on to the end, which must be there */
        st = m->array ? parse_array(t, m, line, &row, &column, k) : parse_coordinate(t, m, line, k);
        if (n == k->s->o.limit)
            return st;
    }
    if (st == CLAB_OK)
        st = clab__text_status(t);
    if (st == CLAB_OK && n > m->n)
        clab_warn(t->cx, "%s: %lld entries are promised, %lld are there; those beyond are left out", t->name,
                  (long long)m->n, (long long)n);
    if (st == CLAB_OK && n < m->n) {
        (void)clab_fail(t->cx, CLAB_EFORMAT, "%s: %lld entries are promised, %lld are there", t->name,
                        (long long)m->n, (long long)n);
        st = clab_hint(t->cx, "the file is cut off: copy or download it again");
    }
    return st;
}

static clab_status stream(clab__h5 *h, clab__source *s, clab__sink *k)
{
    clab__text t;
    head m;
    taker to = {.h = h, .s = s, .by_column = s->o.orient && strcmp(s->o.orient, "genes") == 0};
    clab_status st = open_matrix(h, s, &t, &m);
    if (st != CLAB_OK)
        return st;
    if ((to.by_column ? m.cols : m.rows) != s->n_rows || (to.by_column ? m.rows : m.cols) != s->n_cols) {
        clab__text_close(&t);
        return clab_fail(h->cx, CLAB_EIO, "%s changed while it was read", h->name);
    }
    if ((st = k->begin(k, h, s->n_rows, s->n_cols, CLAB_F32, s->dense)) == CLAB_OK)
        st = s->unsorted && !s->o.look ? clab__turn_new(h, CLAB_F32, &to.turn)
                         : clab__row_blocks_open(h, k, CLAB_F32, s->n_cols, &to.rows);
    if (st == CLAB_OK)
        st = each_entry(&t, &m, &to);
    if (st == CLAB_OK)
        st = to.turn ? clab__turn_stream(to.turn, s->n_rows, s->n_cols, k)
                     : clab__row_blocks_end(&to.rows, s->o.look ? to.rows.row + 1 : s->n_rows);
    clab__turn_free(to.turn);
    clab__row_blocks_close(&to.rows);
    clab__text_close(&t);
    return st;
}

clab_status clab__mtx_open(clab__h5 *h, clab__source *s)
{
    clab__text t;
    head m;
    clab_status st = open_matrix(h, s, &t, &m);
    if (st != CLAB_OK)
        return st;
    bool by_column = s->o.orient && strcmp(s->o.orient, "genes") == 0;
    s->n_rows = by_column ? m.cols : m.rows;
    s->n_cols = by_column ? m.rows : m.cols;
    s->nnz = m.n;
    s->bytes = t.bytes;
    s->stream = stream;
    if (!s->obs && (s->n_rows > ROWS_FREE + ROWS_PER_ENTRY * m.n || s->n_cols > ROWS_FREE + ROWS_PER_ENTRY * m.n))
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s claims %lld x %lld for %lld entries", h->name, (long long)m.rows,
                       (long long)m.cols, (long long)m.n);
    clab__text_close(&t);
    return st;
}
