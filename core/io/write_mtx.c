/* write_mtx.c -- X as a 10x folder of version 3: matrix.mtx.gz (features x barcodes, cell after cell), features.tsv.gz
 * and barcodes.tsv.gz, as scanpy.read_10x_mtx and Seurat read them. */
#include "io/text_write_impl.h"

#include "base/text.h"
#include "data/rows.h"
#include "ledger/ledger.h"
#include "ledger/timeline.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const ours[] = {"matrix.mtx.gz",   "features.tsv.gz", "barcodes.tsv.gz", "matrix.mtx",
                                   "features.tsv",    "barcodes.tsv",    "genes.tsv",       "genes.tsv.gz", NULL};

typedef struct {
    clab_ctx *cx;
    const clab_dataset *d;
    clab__atomic_folder folder;
    char name[160];
    int level;
    int64_t nnz;
    bool whole;
} writer;

/* The line with the size stands before the values: a pass of its own. */
static clab_status count(writer *w)
{
    clab_rows *rows = NULL;
    const clab_csr *b = NULL;
    clab_status st = clab__write_rows_open(w->cx, w->d, "count the values of X", &rows);
    w->whole = true;
    while (st == CLAB_OK && (st = clab_rows_next(w->cx, rows, &b)) == CLAB_OK && b)
        for (int64_t k = 0; k < b->nnz; k++) {
            double x = b->f64 ? b->f64[k] : (double)b->f32[k];
            w->nnz += x != 0;
            w->whole = w->whole && x == floor(x) && fabs(x) < 1e15;
        }
    clab_rows_close(w->cx, rows);
    return st;
}

static clab_status put_row(clab__gzip_out *z, const clab_csr *b, int64_t i)
{
    char text[80], cell[24];
    int n_cell = snprintf(cell, sizeof cell, " %" PRId64 " ", b->first_row + i + 1);
    clab_status st = CLAB_OK;
    for (int64_t k = b->indptr[i]; st == CLAB_OK && k < b->indptr[i + 1]; k++) {
        double x = b->f64 ? b->f64[k] : (double)b->f32[k];
        if (x == 0)
            continue;
        size_t n = clab__print_value((double)b->indices[k] + 1, true, text);
        memcpy(text + n, cell, (size_t)n_cell);
        n += (size_t)n_cell;
        n += clab__print_value(x, b->f64 != NULL, text + n);
        text[n++] = '\n';
        st = clab__gzip_put(z, text, n);
    }
    return st;
}

static clab_status put_matrix(writer *w, clab__gzip_out *z)
{
    char head[256];
    clab_rows *rows = NULL;
    const clab_csr *b = NULL;
    int n = snprintf(head, sizeof head,
                     "%%%%MatrixMarket matrix coordinate %s general\n"
                     "%%metadata_json: {\"software_version\": \"celllab-%s\", \"format_version\": 2}\n"
                     "%" PRId64 " %" PRId64 " %" PRId64 "\n",
                     w->whole ? "integer" : "real", CLAB_VERSION, clab_dataset_n_vars(w->d), clab_dataset_n_obs(w->d),
                     w->nnz);
    clab_status st = clab__gzip_put(z, head, (size_t)n);
    if (st == CLAB_OK)
        st = clab__write_rows_open(w->cx, w->d, "write X", &rows);
    while (st == CLAB_OK && (st = clab_rows_next(w->cx, rows, &b)) == CLAB_OK && b)
        for (int64_t i = 0; st == CLAB_OK && i < b->n_rows; i++)
            st = put_row(z, b, i);
    clab_rows_close(w->cx, rows);
    return st;
}

/* A field of a .tsv: what would end it becomes a blank. */
static clab_status put_field(clab__gzip_out *z, const char *s, char end)
{
    clab_status st = CLAB_OK;
    for (; st == CLAB_OK && *s; s++) {
        size_t n = strcspn(s, "\t\n\r");
        st = clab__gzip_put(z, s, n);
        s += n;
        if (!*s)
            break;
        if (st == CLAB_OK)
            st = clab__gzip_put(z, " ", 1);
    }
    return st == CLAB_OK ? clab__gzip_put(z, &end, 1) : st;
}

static clab_status put_features(writer *w, clab__gzip_out *z)
{
    const clab_value *ids = clab_value_get(w->d->var, "gene_ids"), *types = clab_value_get(w->d->var, "feature_types");
    char buf[64];
    clab_status st = CLAB_OK;
    for (int64_t g = 0; st == CLAB_OK && g < clab_dataset_n_vars(w->d); g++) {
        const char *name = clab_dataset_var_name(w->d, g), *id = ids ? clab_value_at_str(ids, g, buf, sizeof buf) : NULL;
        st = put_field(z, id ? id : name, '\t');
        if (st == CLAB_OK)
            st = put_field(z, name, '\t');
        const char *type = types ? clab_value_at_str(types, g, buf, sizeof buf) : NULL;
        if (st == CLAB_OK)
            st = put_field(z, type ? type : "Gene Expression", '\n');
    }
    return st;
}

static clab_status put_barcodes(writer *w, clab__gzip_out *z)
{
    clab_status st = CLAB_OK;
    for (int64_t i = 0; st == CLAB_OK && i < clab_dataset_n_obs(w->d); i++)
        st = put_field(z, clab_dataset_obs_name(w->d, i), '\n');
    return st;
}

static clab_status write_file(writer *w, const char *name, clab_status (*put)(writer *, clab__gzip_out *))
{
    clab__gzip_out *z = NULL;
    int fd;
    clab_status st = clab__folder_file(w->cx, &w->folder, name, &fd);
    if (st != CLAB_OK)
        return st;
    if ((st = clab__gzip_open(w->cx, fd, w->name, w->level, &z)) == CLAB_OK && (st = put(w, z)) == CLAB_OK)
        st = clab__gzip_end(z);
    clab__gzip_free(z);
    clab_status closed = clab__folder_close(w->cx, &w->folder, fd);
    return st == CLAB_OK ? closed : st;
}

clab_status clab__write_mtx(clab_ctx *cx, const clab_dataset *d, const char *path, int level)
{
    writer w = {.cx = cx, .d = d, .level = level};
    if (!d->x)
        return clab_fail(cx, CLAB_ESTATE, "%s has no X to write", clab_show(d->name));
    snprintf(w.name, sizeof w.name, "%s", clab_show(path));
    clab_status st = clab__folder_begin(cx, path, ours, &w.folder);
    if (st != CLAB_OK)
        return st;
    if (clab_ctx_planning(cx)) {
        clab_timeline_file(cx, true, clab_matrix_packed_bytes(d->x));
        clab__folder_abort(&w.folder);
        return CLAB_OK;
    }
    if ((st = count(&w)) == CLAB_OK && !w.whole)
        clab_warn(cx, "%s: X holds other than whole numbers, which readers of 10x folders may not expect", w.name);
    if (st == CLAB_OK && (st = write_file(&w, "matrix.mtx.gz", put_matrix)) == CLAB_OK &&
        (st = write_file(&w, "features.tsv.gz", put_features)) == CLAB_OK &&
        (st = write_file(&w, "barcodes.tsv.gz", put_barcodes)) == CLAB_OK)
        return clab__folder_commit(cx, &w.folder);
    clab__folder_abort(&w.folder);
    return st;
}
