/* table_head.c -- what the first rows of a table of text tell: its delimiter, where names stand, and whether its
 * rows are cells or genes.  docs/formats.md has the rules. */
#include "io/table_impl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LOOK_ROWS 2000
#define LOOK_BYTES (16LL << 20)
#define BARCODE 8 /* letters of DNA one after another */

void clab__table_free(clab_ctx *cx, clab__table *t)
{
    clab__strlist_free(cx, &t->columns);
    clab__strlist_free(cx, &t->rows);
}

/* ---- the delimiter ------------------------------------------------------------------------------------------*/

/* Tab, comma, semicolon: the first of them that stands outside of quotes in the first row; else blanks. */
static char find_delimiter(const clab__text *t)
{
    bool quoted = false, comma = false, semicolon = false;
    for (const unsigned char *p = t->at; p < t->end && (quoted || *p != '\n'); p++) {
        quoted = quoted != (*p == '"');
        if (!quoted && *p == '\t')
            return '\t';
        comma = comma || (!quoted && *p == ',');
        semicolon = semicolon || (!quoted && *p == ';');
    }
    return comma ? ',' : semicolon ? ';' : 0;
}

static clab_status choose_delimiter(clab__h5 *h, const clab__source *s, clab__fields *f)
{
    const char *d = s->o.delimiter;
    if (!d || !*d || strcmp(d, "auto") == 0)
        f->delimiter = find_delimiter(&f->t);
    else if (strcmp(d, "\\t") == 0 || strcasecmp(d, "tab") == 0)
        f->delimiter = '\t';
    else if (strcasecmp(d, "blanks") == 0 || strcmp(d, " ") == 0)
        f->delimiter = 0;
    else if (d[1] || *d == '"' || *d == '\n' || *d == '\r' || (unsigned char)*d >= 0x80)
        return clab_fail(h->cx, CLAB_EARG, "delimiter=\"%s\": it is one character, tab, blanks or auto", clab_show(d));
    else
        f->delimiter = *d;
    return CLAB_OK;
}

/* ---- what names look like ---------------------------------------------------------------------------------*/

static bool is_one_of(const char *s, const char *const *words)
{
    for (; *words; words++)
        if (strcasecmp(s, *words) == 0)
            return true;
    return false;
}

static const char *const gene_words[] = {"gene", "genes", "gene_id", "gene_ids", "geneid", "gene_name", "gene_names",
                                         "gene_symbol", "genename", "symbol", "symbols", "feature", "features",
                                         "ensembl", "ensembl_id", "gene id", "gene name", "gene symbol", NULL};
static const char *const cell_words[] = {"cell", "cells", "cell_id", "cell_ids", "cellid", "cell_name", "cell_names",
                                         "barcode", "barcodes", "cell_barcode", "obs", "obs_names", "cell id",
                                         "cell name", NULL};
static const char *const corner_words[] = {"", "index", "_index", "id", "ids", "name", "names", "row", "rows",
                                           "rownames", "row.names", "row_names", "unnamed: 0", "x", NULL};

/* Genes that nearly every study has, of human or mouse; a handful in the first letters of the alphabet too. */
static bool is_gene(const char *s)
{
    static const char *const known[] = {
        "A2M",  "ACTB",  "ACTG1", "AIF1",   "ANXA1",  "APOE",   "B2M",    "CCL5",  "CCR7",   "CD14",   "CD19",  "CD1C",
        "CD2",  "CD27",  "CD34",  "CD3D",   "CD3E",   "CD3G",   "CD4",    "CD44",  "CD74",   "CD79A",  "CD79B", "CD8A",
        "CD8B", "CD9",   "CST3",  "EEF1A1", "FCGR3A", "FTH1",   "FTL",    "GAPDH", "GNLY",   "IL7R",   "INS",   "KRT18",
        "LYZ",  "MALAT1", "MS4A1", "NEAT1", "NKG7",   "PPBP",   "PTPRC",  "S100A8", "S100A9", "TMSB4X", "VIM",  NULL};
    if (strncasecmp(s, "ENS", 3) == 0) { /* ENSG00000141510, ENSMUSG..., with a version */
        const char *p = s + 3;
        while (isalpha((unsigned char)*p))
            p++;
        return toupper((unsigned char)p[-1]) == 'G' && strspn(p, "0123456789") >= 8;
    }
    return strncasecmp(s, "MT-", 3) == 0 ||
           ((strncasecmp(s, "RPL", 3) == 0 || strncasecmp(s, "RPS", 3) == 0) && isdigit((unsigned char)s[3])) ||
           is_one_of(s, known);
}

static bool is_barcode(const char *s)
{
    for (; *s; s++) {
        size_t n = strspn(s, "ACGTN");
        if (n >= BARCODE)
            return true;
        s += n;
        if (!*s)
            return false;
    }
    return false;
}

typedef struct {
    int64_t n, genes, barcodes;
} looks;

static looks look_at(const clab__strlist *w, int64_t from)
{
    looks l = {0};
    for (int64_t i = from; i < w->n; i++) {
        l.n++;
        l.genes += is_gene(clab__strlist_get(w, i));
        l.barcodes += is_barcode(clab__strlist_get(w, i));
    }
    return l;
}

static bool are_genes(looks l)
{
    return l.genes >= 3 || (l.n > 0 && 2 * l.genes >= l.n);
}

static bool are_cells(looks l)
{
    return l.n > 0 && 2 * l.barcodes >= l.n;
}

/* ---- rows: cells or genes? ----------------------------------------------------------------------------------*/

/* Says in one line what was taken, and why. */
static void decide(clab__h5 *h, clab__table *t, const char *corner)
{
    looks rows = look_at(&t->rows, 0), columns = look_at(&t->columns, t->first_name);
    const char *why;
    if (!t->has_header)
        columns = (looks){0};
    if (corner && (is_one_of(corner, gene_words) || is_one_of(corner, cell_words))) {
        t->genes_in_rows = is_one_of(corner, gene_words);
        why = "the corner says so";
    } else if (are_cells(rows) != are_cells(columns)) {
        t->genes_in_rows = are_cells(columns);
        why = are_cells(columns) ? "its columns are barcodes" : "its rows are barcodes";
    } else if (are_genes(rows) != are_genes(columns)) {
        t->genes_in_rows = are_genes(rows);
        why = are_genes(rows) ? "its rows are known genes" : "its columns are known genes";
    } else {
        t->genes_in_rows = false;
        why = "as AnnData reads it, for nothing in it tells";
    }
    clab_note(h->cx, "%s: taken as %s (%s); orient=\"%s\" reads it the other way", h->name,
              t->genes_in_rows ? "genes x cells" : "cells x genes", why, t->genes_in_rows ? "cells" : "genes");
}

/* ---- the first rows ------------------------------------------------------------------------------------------*/

typedef struct {
    int64_t n_first, n_second; /* fields of the first two rows; -1 = no such row */
    bool text_behind;          /* a field of the first row, not the first one, is no number */
    bool first_is_text;        /* in any row but the first, the first field is no number */
} shape;

static clab_status read_first_rows(clab__h5 *h, clab__fields *f, clab__table *t, shape *s)
{
    clab__field k = clab__row_next(f);
    clab_status st = CLAB_OK;
    double x;
    *s = (shape){-1, -1, false, false};
    for (int64_t n = 0; st == CLAB_OK && k != CLAB__NO_FIELD; n++) {
        s->text_behind = s->text_behind || (n > 0 && !clab__field_value(f, &x));
        st = clab__strlist_add(h, &f->t, &t->columns, f->field, f->len);
        s->n_first = n + 1;
        if (k == CLAB__LAST_FIELD)
            break;
        k = clab__field_next(f);
    }
    int64_t from = f->t.n_out;
    for (int row = 0; st == CLAB_OK && row < LOOK_ROWS && f->t.n_out - from < LOOK_BYTES; row++) {
        if ((k = clab__row_next(f)) == CLAB__NO_FIELD)
            break;
        s->first_is_text = s->first_is_text || !clab__field_value(f, &x);
        st = clab__strlist_add(h, &f->t, &t->rows, f->field, f->len);
        int64_t n = 1;
        for (; k == CLAB__FIELD; n++)
            k = clab__field_next(f);
        s->n_second = row == 0 ? n : s->n_second;
    }
    return st == CLAB_OK ? clab__text_status(&f->t) : st;
}

/* Where the names are; what the values of a row are then. */
static clab_status find_names(clab__h5 *h, clab__table *t, const shape *s)
{
    const char *corner = clab__strlist_get(&t->columns, 0);
    bool known = is_one_of(corner, corner_words) || is_one_of(corner, gene_words) || is_one_of(corner, cell_words);
    bool shifted = s->n_second == s->n_first + 1; /* a header without a corner, as R writes it */
    t->has_header = s->text_behind || shifted || known;
    t->has_names = shifted || (t->has_header && known) || s->first_is_text;
    t->first_name = t->has_names && !shifted;
    t->n_columns = s->n_first - t->first_name;
    if (s->n_second >= 0 && t->n_columns + t->has_names != s->n_second)
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: its first row has %lld fields, the second %lld", h->name,
                         (long long)s->n_first, (long long)s->n_second);
    if (t->n_columns >= INT32_MAX)
        return clab_fail(h->cx, CLAB_EFORMAT, "%s has %lld columns", h->name, (long long)t->n_columns);
    return CLAB_OK;
}

clab_status clab__table_look(clab__h5 *h, const clab__source *s, clab__table *t)
{
    clab__fields f;
    shape first;
    clab_status st = clab__fields_open(h, s, &f);
    if (st == CLAB_OK)
        st = choose_delimiter(h, s, &f);
    t->delimiter = f.delimiter;
    if (st == CLAB_OK)
        st = read_first_rows(h, &f, t, &first);
    if (st == CLAB_OK && first.n_first < 0)
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s is empty", h->name);
    if (st == CLAB_OK && first.n_first == 1 && !s->o.delimiter && first.n_second <= 1 && clab__strlist_get(&t->columns, 0)[0])
        st = clab_hint(h->cx, "%s", ((void)clab_fail(h->cx, CLAB_EFORMAT, "%s has one column: it is no matrix of text",
                                     h->name), "delimiter=\"X\" names what stands between fields"));
    if (st == CLAB_OK)
        st = find_names(h, t, &first);
    if (st == CLAB_OK && s->o.orient)
        t->genes_in_rows = strcmp(s->o.orient, "genes") == 0;
    else if (st == CLAB_OK)
        decide(h, t, t->has_header && t->first_name ? clab__strlist_get(&t->columns, 0) : NULL);
    clab__fields_close(&f);
    clab__strlist_free(h->cx, &t->rows);
    return st;
}
