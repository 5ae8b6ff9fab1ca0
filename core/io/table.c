/* table.c -- dense tables of text, cells x genes or genes x cells: CSV, TSV and columns between blanks.
 * What a table looks like is found out in table_head.c; here its values are read. */
#include "io/table_impl.h"

#include <math.h>
#include <string.h>

/* ---- fields -------------------------------------------------------------------------------------------------*/

clab_status clab__fields_open(clab__h5 *h, const clab__source *s, clab__fields *f)
{
    *f = (clab__fields){0};
    clab_status st = clab__text_open(h->cx, s->matrix, h->name, &f->t);
    if (st == CLAB_OK)
        st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, CLAB__FIELD_MAX + 1, "a field", (void **)&f->field);
    f->t.n_lines = 1;
    for (int c; st == CLAB_OK && (c = clab__text_get(&f->t)) >= 0;) { /* comments before the table */
        if (c != '#') {
            f->t.at--;
            break;
        }
        while ((c = clab__text_get(&f->t)) >= 0 && c != '\n')
            ;
        f->t.n_lines++;
    }
    return st == CLAB_OK ? clab__text_status(&f->t) : st;
}

void clab__fields_close(clab__fields *f)
{
    clab_mem_free(f->t.cx, f->field);
    clab__text_close(&f->t);
}

static clab__field too_long(clab__fields *f, const char *what)
{
    f->t.status = clab_fail(f->t.cx, CLAB_EFORMAT, "%s, line %lld: %s", f->t.name, (long long)f->t.n_lines, what);
    return CLAB__NO_FIELD;
}

/* The rest of a quoted field; the byte behind it in *c. */
static bool take_quoted(clab__fields *f, int *c)
{
    for (;;) {
        *c = clab__text_get(&f->t);
        if (*c == '"' && (*c = clab__text_get(&f->t)) != '"')
            return true;
        if (*c < 0 || f->len == CLAB__FIELD_MAX) {
            if (f->t.status == CLAB_OK)
                (void)too_long(f, *c < 0 ? "a quote is never closed" : "a field is too long, or a quote is never closed");
            return false;
        }
        f->t.n_lines += *c == '\n';
        f->field[f->len++] = (char)*c;
    }
}

static bool is_gap(const clab__fields *f, int c)
{
    return f->delimiter ? c == f->delimiter : c == ' ' || c == '\t';
}

clab__field clab__field_next(clab__fields *f)
{
    int c = clab__text_get(&f->t);
    f->len = 0;
    while (!f->delimiter && (c == ' ' || c == '\t'))
        c = clab__text_get(&f->t);
    if (c == '"' && !take_quoted(f, &c))
        return CLAB__NO_FIELD;
    while (c >= 0 && c != '\n' && !is_gap(f, c)) {
        if (f->len == CLAB__FIELD_MAX)
            return too_long(f, "a field is too long");
        f->field[f->len++] = (char)c;
        c = clab__text_get(&f->t);
    }
    while (!f->delimiter && (c == ' ' || c == '\t')) /* blanks at the end of a line are no field */
        c = clab__text_get(&f->t);
    if (!f->delimiter && c >= 0 && c != '\n' && c != '\r')
        f->t.at--;
    if (!f->delimiter && c == '\r')
        c = clab__text_get(&f->t);
    if (f->len > 0 && f->field[f->len - 1] == '\r' && (c == '\n' || c < 0))
        f->len--;
    f->field[f->len] = 0;
    if (c < 0 && f->t.status != CLAB_OK)
        return CLAB__NO_FIELD;
    if (c == '\n')
        f->t.n_lines++;
    return c == '\n' || c < 0 ? CLAB__LAST_FIELD : CLAB__FIELD;
}

clab__field clab__row_next(clab__fields *f)
{
    for (;;) {
        if (f->t.at == f->t.end) {
            int c = clab__text_get(&f->t);
            if (c < 0)
                return CLAB__NO_FIELD;
            f->t.at--;
        }
        clab__field k = clab__field_next(f);
        if (k != CLAB__LAST_FIELD || f->len > 0)
            return k;
    }
}

bool clab__field_value(const clab__fields *f, double *x)
{
    static const char *const missing[] = {"", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"};
    if (f->len == 1 && f->field[0] >= '0' && f->field[0] <= '9') {
        *x = f->field[0] - '0';
        return true;
    }
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        if (strcmp(f->field, missing[i]) == 0) {
            *x = (double)NAN;
            return true;
        }
    return clab__parse_number(f->field, x);
}

/* ---- values ---------------------------------------------------------------------------------------------------*/

typedef struct {
    clab__h5 *h;
    clab__source *s;
    clab__table *table;
    clab__fields f;
    clab__row_blocks rows;
    clab__turn *turn;
    int64_t n_looked;
} reader;

static clab_status take(reader *r, int64_t row, int64_t column, double x)
{
    float value = (float)x;
    if (r->s->o.look) {
        if (r->s->o.limit > 0 && r->n_looked == r->s->o.limit)
            return CLAB_OK;
        r->n_looked++;
        clab_status st = clab__row_blocks_to(&r->rows, r->rows.row + 1);
        return st == CLAB_OK ? clab__row_blocks_add(&r->rows, 0, &value) : st;
    }
    if (value == 0)
        return CLAB_OK;
    if (r->turn)
        return clab__turn_add(r->turn, (int32_t)column, (int32_t)row, &value);
    return clab__row_blocks_add(&r->rows, (int32_t)column, &value);
}

static clab_status bad_field(reader *r, int64_t column)
{
    if (r->f.t.status != CLAB_OK)
        return r->f.t.status;
    const clab__table *t = r->table;
    const char *name = t->has_header ? clab__strlist_get(&t->columns, t->first_name + column) : "";
    (void)clab_fail(r->h->cx, CLAB_EFORMAT, "%s, line %lld: '%s' in column %lld%s%s is no number", r->h->name,
                    (long long)r->f.t.n_lines, clab_show(r->f.field), (long long)(column + t->has_names + 1),
                    *name ? ", " : "", clab_show(name));
    return clab_hint(r->h->cx, "only row names, column names and numbers can stand in a matrix of text");
}

/* One row whose first field is here. */
static clab_status take_row(reader *r, int64_t row, clab__field k)
{
    clab__table *t = r->table;
    clab_status st = CLAB_OK;
    int64_t n = 0;
    if (t->has_names) {
        st = clab__strlist_add(r->h, &r->f.t, &t->rows, r->f.field, r->f.len);
        if (st == CLAB_OK && k == CLAB__FIELD)
            k = clab__field_next(&r->f);
        else if (st == CLAB_OK && t->n_columns > 0)
            n = -1; /* a name and nothing else */
    }
    for (double x; st == CLAB_OK && n >= 0 && n < t->n_columns; n++) {
        if (k == CLAB__NO_FIELD || !clab__field_value(&r->f, &x))
            return bad_field(r, n);
        st = take(r, row, n, x);
        if (k == CLAB__LAST_FIELD) {
            n++;
            break;
        }
        if (st == CLAB_OK && n + 1 < t->n_columns)
            k = clab__field_next(&r->f);
    }
    if (st == CLAB_OK && (n != t->n_columns || (k != CLAB__LAST_FIELD && t->n_columns > 0)))
        st = clab_fail(r->h->cx, CLAB_EFORMAT, "%s, line %lld: a row with %s than %lld values", r->h->name,
                       (long long)(r->f.t.n_lines - (k == CLAB__LAST_FIELD)), n < t->n_columns ? "fewer" : "more",
                       (long long)t->n_columns);
    return st;
}

static clab_status take_rows(reader *r, int64_t *n_rows)
{
    clab_status st = CLAB_OK;
    clab__field k;
    int64_t row = 0;
    if (r->table->has_header)
        for (k = clab__row_next(&r->f); k == CLAB__FIELD; k = clab__field_next(&r->f))
            ;
    for (; st == CLAB_OK && (k = clab__row_next(&r->f)) != CLAB__NO_FIELD; row++) {
        if (row == INT32_MAX - 1)
            return clab_fail(r->h->cx, CLAB_EFORMAT, "%s has more than %d rows", r->h->name, INT32_MAX - 1);
        if (!r->turn && !r->s->o.look)
            st = clab__row_blocks_to(&r->rows, row);
        if (st == CLAB_OK)
            st = take_row(r, row, k);
    }
    *n_rows = row;
    return st == CLAB_OK ? clab__text_status(&r->f.t) : st;
}

/* The names of one side as the index of a table. */
static clab_status make_side(clab_ctx *cx, bool named, const clab__strlist *w, int64_t from, int64_t n, clab_value **out)
{
    clab_value *index = NULL;
    clab_status st = named ? clab__strlist_value(cx, w, from, &index) : clab__numbered(cx, n, &index);
    if (st == CLAB_OK)
        st = clab_value_table(cx, index, "_index", out);
    clab_value_unref(index);
    return st;
}

static clab_status make_sides(reader *r, int64_t n_rows)
{
    const clab__table *t = r->table;
    clab__source *s = r->s;
    clab_status st =
        make_side(r->h->cx, t->has_names, &t->rows, 0, n_rows, t->genes_in_rows ? &s->var : &s->obs);
    if (st == CLAB_OK)
        st = make_side(r->h->cx, t->has_header, &t->columns, t->first_name, t->n_columns,
                       t->genes_in_rows ? &s->obs : &s->var);
    s->n_rows = t->genes_in_rows ? t->n_columns : n_rows;
    s->n_cols = t->genes_in_rows ? n_rows : t->n_columns;
    s->nnz = s->n_rows * s->n_cols;
    return st;
}

static clab_status stream(clab__h5 *h, clab__source *s, clab__sink *k)
{
    clab__table table = {0};
    reader r = {.h = h, .s = s, .table = &table};
    int64_t n_rows = 0;
    clab_status st = clab__table_look(h, s, &table);
    bool turned = table.genes_in_rows && !s->o.look;
    if (st == CLAB_OK)
        st = clab__fields_open(h, s, &r.f);
    r.f.delimiter = table.delimiter;
    s->bytes = r.f.t.bytes;
    if (st == CLAB_OK && !turned)
        st = k->begin(k, h, 0, table.n_columns, CLAB_F32, true);
    if (st == CLAB_OK)
        st = turned ? clab__turn_new(h, CLAB_F32, &r.turn)
                    : clab__row_blocks_open(h, k, CLAB_F32, table.n_columns, &r.rows);
    if (st == CLAB_OK)
        st = take_rows(&r, &n_rows);
    if (st == CLAB_OK)
        st = make_sides(&r, n_rows);
    if (st == CLAB_OK && turned)
        st = k->begin(k, h, table.n_columns, n_rows, CLAB_F32, true);
    if (st == CLAB_OK)
        st = turned ? clab__turn_stream(r.turn, table.n_columns, n_rows, k)
                    : clab__row_blocks_end(&r.rows, s->o.look ? r.rows.row + 1 : n_rows);
    clab__turn_free(r.turn);
    clab__row_blocks_close(&r.rows);
    clab__fields_close(&r.f);
    clab__table_free(h->cx, &table);
    return st;
}

clab_status clab__table_open(clab__h5 *h, clab__source *s)
{
    (void)h;
    s->format = "table";
    s->dense = true;
    s->stream = stream;
    return CLAB_OK;
}
