/* write_table.c -- X as CSV or TSV, cells x genes, with names on both sides; and which format a path asks for. */
#include "io/text_write_impl.h"

#include "base/text.h"
#include "data/rows.h"
#include "ledger/ledger.h"
#include "ledger/timeline.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BLOCK_BYTES (4LL << 20)

/* ---- which format -----------------------------------------------------------------------------------------------*/

static bool ends_in(const char *path, const char *ending)
{
    size_t n = strlen(path), k = strlen(ending);
    return n > k && strcasecmp(path + n - k, ending) == 0;
}

static bool ends_in_any(const char *path, const char *ending)
{
    char gz[16];
    snprintf(gz, sizeof gz, "%s.gz", ending);
    return ends_in(path, ending) || ends_in(path, gz);
}

clab_status clab__write_kind_of(clab_ctx *cx, const char *path, const char *format, clab__write_kind *out, char *delimiter)
{
    size_t n = strlen(path);
    bool tabs = ends_in_any(path, ".tsv") || ends_in_any(path, ".tab") || ends_in_any(path, ".txt");
    *delimiter = tabs ? '\t' : ',';
    *out = CLAB__WRITE_H5AD;
    if (format && *format) {
        if (strcmp(format, "10x_mtx") == 0)
            *out = CLAB__WRITE_MTX;
        else if (strcmp(format, "csv") == 0 || strcmp(format, "tsv") == 0)
            *out = CLAB__WRITE_TABLE;
        else if (strcmp(format, "h5ad") != 0)
            return clab_fail(cx, CLAB_EARG, "format=\"%s\": it is h5ad, 10x_mtx, csv or tsv", clab_show(format));
        if (*out == CLAB__WRITE_TABLE)
            *delimiter = *format == 't' ? '\t' : ',';
        return CLAB_OK;
    }
    if (n > 0 && path[n - 1] == '/')
        *out = CLAB__WRITE_MTX;
    else if (tabs || ends_in_any(path, ".csv"))
        *out = CLAB__WRITE_TABLE;
    else if (ends_in(path, ".loom") || ends_in_any(path, ".mtx"))
        return clab_hint(cx, "%s", ((void)clab_fail(cx, CLAB_EARG, "%s: files of this kind are read, not written",
                                                    clab_show(path)),
                                    "write an .h5ad, or a folder with format=\"10x_mtx\""));
    return CLAB_OK;
}

/* ---- rows ---------------------------------------------------------------------------------------------------------*/

clab_status clab__write_rows_open(clab_ctx *cx, const clab_dataset *d, const char *phase, clab_rows **out)
{
    if (!d->x)
        return clab_fail(cx, CLAB_ESTATE, "%s has no X to write", clab_show(d->name));
    clab_dtype t = clab_matrix_dtype(d->x);
    bool f64 = t == CLAB_F64 || t == CLAB_I32 || t == CLAB_I64 || t == CLAB_U32 || t == CLAB_U64;
    clab_rows_opts o = {.max_bytes = BLOCK_BYTES, .f64 = f64, .phase = phase};
    return clab_rows_open(cx, d->x, &o, out);
}

/* A name as RFC 4180 quotes it. */
static clab_status put_name(clab__gzip_out *z, const char *s, char delimiter)
{
    const char special[] = {delimiter, '"', '\n', '\r', 0};
    clab_status st;
    if (!strpbrk(s, special))
        return clab__gzip_put(z, s, strlen(s));
    st = clab__gzip_put(z, "\"", 1);
    for (const char *quote; st == CLAB_OK && (quote = strchr(s, '"')); s = quote + 1)
        if ((st = clab__gzip_put(z, s, (size_t)(quote - s))) == CLAB_OK)
            st = clab__gzip_put(z, "\"\"", 2);
    if (st == CLAB_OK)
        st = clab__gzip_put(z, s, strlen(s));
    return st == CLAB_OK ? clab__gzip_put(z, "\"", 1) : st;
}

static clab_status put_header(clab__gzip_out *z, const clab_dataset *d, char delimiter)
{
    clab_status st = clab__gzip_put(z, "cell", 4);
    for (int64_t g = 0; st == CLAB_OK && g < clab_dataset_n_vars(d); g++)
        if ((st = clab__gzip_put(z, &delimiter, 1)) == CLAB_OK)
            st = put_name(z, clab_dataset_var_name(d, g), delimiter);
    return st == CLAB_OK ? clab__gzip_put(z, "\n", 1) : st;
}

/* Row i of a block, zeros too. */
static clab_status put_row(clab__gzip_out *z, const clab_csr *b, int64_t i, char delimiter)
{
    char text[34];
    clab_status st = CLAB_OK;
    text[0] = delimiter;
    for (int64_t g = 0, k = b->indptr[i]; st == CLAB_OK && g < b->n_cols; g++) {
        size_t n = 1;
        if (k < b->indptr[i + 1] && b->indices[k] == g) {
            n = clab__print_value(b->f64 ? b->f64[k] : (double)b->f32[k], b->f64 != NULL, text + 1);
            k++;
        } else {
            text[1] = '0';
        }
        st = clab__gzip_put(z, text, n + 1);
    }
    return st == CLAB_OK ? clab__gzip_put(z, "\n", 1) : st;
}

static clab_status put_rows(clab_ctx *cx, clab__gzip_out *z, const clab_dataset *d, char delimiter)
{
    clab_rows *rows = NULL;
    const clab_csr *b = NULL;
    clab_status st = clab__write_rows_open(cx, d, "write X", &rows);
    while (st == CLAB_OK && (st = clab_rows_next(cx, rows, &b)) == CLAB_OK && b)
        for (int64_t i = 0; st == CLAB_OK && i < b->n_rows; i++) {
            st = put_name(z, clab_dataset_obs_name(d, b->first_row + i), delimiter);
            if (st == CLAB_OK)
                st = put_row(z, b, i, delimiter);
        }
    clab_rows_close(cx, rows);
    return st;
}

clab_status clab__write_table(clab_ctx *cx, const clab_dataset *d, const char *path, char delimiter, int level)
{
    clab__atomic a;
    clab__gzip_out *z = NULL;
    char name[160];
    if (!d->x)
        return clab_fail(cx, CLAB_ESTATE, "%s has no X to write", clab_show(d->name));
    snprintf(name, sizeof name, "%s", clab__file_name(path));
    clab_status st = clab__atomic_begin(cx, path, &a);
    if (st != CLAB_OK)
        return st;
    if (clab_ctx_planning(cx)) { /* two bytes a value, most of which are zero */
        clab_timeline_file(cx, true, 2 * clab_dataset_n_obs(d) * clab_dataset_n_vars(d));
        return clab__atomic_commit(cx, &a);
    }
    st = clab__gzip_open(cx, a.fd, name, ends_in(path, ".gz") ? level : -1, &z);
    if (st == CLAB_OK)
        st = put_header(z, d, delimiter);
    if (st == CLAB_OK)
        st = put_rows(cx, z, d, delimiter);
    if (st == CLAB_OK)
        st = clab__gzip_end(z);
    clab__gzip_free(z);
    if (st == CLAB_OK)
        return clab__atomic_commit(cx, &a);
    clab__atomic_abort(&a);
    return st;
}
