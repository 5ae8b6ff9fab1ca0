/* mtx_folder.c -- 10x folders: matrix.mtx with barcodes.tsv and features.tsv (or genes.tsv), gzipped or not,
 * with or without a prefix, as Cell Ranger 2 and 3, STARsolo and GEO have them. */
#include "io/text_impl.h"

#include "io/io_impl.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIELDS 3 /* of features.tsv: id, name, type; more are left alone */

/* ---- the files --------------------------------------------------------------------------------------------*/

/* Does name end in "matrix.mtx" or "matrix.mtx.gz"?  Length of the prefix before it, or -1. */
static int prefix_length(const char *name)
{
    size_t n = strlen(name);
    if (n >= 3 && strcmp(name + n - 3, ".gz") == 0)
        n -= 3;
    return n >= 10 && strncmp(name + n - 10, "matrix.mtx", 10) == 0 ? (int)(n - 10) : -1;
}

bool clab__is_mtx_folder(const char *path)
{
    DIR *d = opendir(path);
    bool found = false;
    for (struct dirent *e; d && !found && (e = readdir(d));)
        found = prefix_length(e->d_name) >= 0;
    if (d)
        closedir(d);
    return found;
}

/* The prefix of the one set of files in the folder, or the one that was asked for; caller frees. */
static clab_status find_prefix(clab__h5 *h, const clab__source *s, char **out)
{
    DIR *d = opendir(s->o.path);
    clab_str list = {0};
    int found = 0;
    bool hit = false;
    clab_status st = CLAB_OK;
    *out = NULL;
    if (!d)
        return clab_fail(h->cx, CLAB_EIO, "%s cannot be looked into: %s", h->name, strerror(errno));
    for (struct dirent *e; (e = readdir(d));) {
        int n = prefix_length(e->d_name);
        char *prefix = n < 0 ? NULL : strndup(e->d_name, (size_t)n);
        bool wanted = prefix && (!s->o.prefix || strcmp(prefix, s->o.prefix) == 0);
        bool again = wanted && *out && strcmp(*out, prefix) == 0; /* plain and gzipped side by side */
        if (prefix && !again)
            clab_str_addf(&list, "%s\"%s\"", found++ ? ", " : "", clab_show(prefix));
        hit = hit || wanted;
        if (wanted && !*out)
            *out = prefix;
        else
            free(prefix);
    }
    closedir(d);
    if (found == 0)
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s holds no matrix.mtx", h->name);
    else if (!hit)
        st = clab_hint(h->cx, "there are %s",
                       ((void)clab_fail(h->cx, CLAB_ENOTFOUND, "%s has no files with the prefix \"%s\"", h->name,
                                        clab_show(s->o.prefix)), list.s));
    else if (found > 1 && !s->o.prefix)
        st = clab_hint(h->cx, "choose one: prefix=%s",
                       ((void)clab_fail(h->cx, CLAB_EARG, "%s holds %d matrices", h->name, found), list.s));
    clab_str_free(&list);
    return st;
}

/* FOLDER/PREFIX + one of the names, plain or gzipped; caller frees *path. */
static clab_status find_file(clab__h5 *h, const clab__source *s, const char *prefix, const char *const *names,
                             char **path)
{
    for (int i = 0; names[i]; i++)
        for (int gz = 1; gz >= 0; gz--) {
            if (asprintf(path, "%s/%s%s%s", s->o.path, prefix, names[i], gz ? ".gz" : "") < 0) {
                *path = NULL;
                return clab_fail(h->cx, CLAB_ENOMEM, "no memory for a name");
            }
            if (access(*path, R_OK) == 0)
                return CLAB_OK;
            free(*path);
            *path = NULL;
        }
    (void)clab_fail(h->cx, CLAB_ENOTFOUND, "%s has no %s%s", h->name, clab_show(prefix), names[0]);
    return clab_hint(h->cx, "a 10x folder holds matrix.mtx, barcodes.tsv and features.tsv or genes.tsv, or each "
                            "with .gz");
}

/* ---- tables -------------------------------------------------------------------------------------------------*/

/* The first FIELDS fields of every line.  *n_fields: that all lines have. */
static clab_status read_lines(clab__h5 *h, const char *path, clab__strlist *w, int n_words, int *n_fields)
{
    char name[192];
    clab__text t;
    size_t n;
    char *line;
    snprintf(name, sizeof name, "%.90s/%.90s", h->name, clab__file_name(path));
    clab_status st = clab__text_open(h->cx, path, name, &t);
    *n_fields = n_words;
    while (st == CLAB_OK && (line = clab__text_line(&t, &n))) {
        int k = 0;
        if (n == 0)
            continue;
        for (char *at = line, *tab; st == CLAB_OK && at && k < n_words; k++) {
            tab = strchr(at, '\t');
            size_t len = tab ? (size_t)(tab - at) : strlen(at);
            if (len >= 2 && at[0] == '"' && at[len - 1] == '"') /* R's write.table */
                st = clab__strlist_add(h, &t, &w[k], at + 1, len - 2);
            else
                st = clab__strlist_add(h, &t, &w[k], at, len);
            at = tab ? tab + 1 : NULL;
        }
        *n_fields = k < *n_fields ? k : *n_fields;
        for (; st == CLAB_OK && k < n_words; k++)
            st = clab__strlist_add(h, &t, &w[k], "", 0);
    }
    if (st == CLAB_OK)
        st = clab__text_status(&t);
    clab__text_close(&t);
    return st;
}

static clab_status read_barcodes(clab__h5 *h, clab__source *s, const char *path)
{
    clab__strlist w = {0};
    clab_value *index = NULL;
    int fields;
    clab_status st = read_lines(h, path, &w, 1, &fields);
    if (st == CLAB_OK)
        st = clab__strlist_value(h->cx, &w, 0, &index);
    if (st == CLAB_OK)
        st = clab_value_table(h->cx, index, "_index", &s->obs);
    clab_value_unref(index);
    clab__strlist_free(h->cx, &w);
    return st;
}

static clab_status set_column(clab__h5 *h, clab_value *var, const char *name, const clab__strlist *w)
{
    clab_value *v = NULL;
    clab_status st = clab__strlist_value(h->cx, w, 0, &v);
    if (st == CLAB_OK)
        st = clab_value_set(h->cx, var, name, v);
    clab_value_unref(v);
    return st;
}

/* var as scanpy's: the names, made unique, and gene_ids, feature_types.  One column is both id and name. */
static clab_status read_features(clab__h5 *h, clab__source *s, const char *path)
{
    clab__strlist w[FIELDS] = {{0}};
    clab_value *names = NULL, *index = NULL;
    int fields;
    clab_status st = read_lines(h, path, w, FIELDS, &fields);
    if (st == CLAB_OK)
        st = clab__strlist_value(h->cx, &w[fields > 1 ? 1 : 0], 0, &names);
    if (st == CLAB_OK)
        st = clab__unique_names(h, names, &index);
    if (st == CLAB_OK)
        st = clab_value_table(h->cx, index, "_index", &s->var);
    if (st == CLAB_OK)
        st = set_column(h, s->var, "gene_ids", &w[0]);
    if (st == CLAB_OK && fields > 2)
        st = set_column(h, s->var, "feature_types", &w[2]);
    clab_value_unref(names);
    clab_value_unref(index);
    for (int i = 0; i < FIELDS; i++)
        clab__strlist_free(h->cx, &w[i]);
    return st;
}

/* Rows of the file are features; where only the other way fits, they are cells. */
static clab_status orient(clab__h5 *h, clab__source *s)
{
    int64_t cells = clab_value_len(s->obs), genes = clab_value_len(s->var);
    if (s->n_rows == cells && s->n_cols == genes)
        return CLAB_OK;
    if (s->n_rows == genes && s->n_cols == cells) {
        clab_note(h->cx, "%s: matrix.mtx has cells as its rows, where Cell Ranger has features; read so", h->name);
        s->o.orient = "cells";
        s->n_rows = cells;
        s->n_cols = genes;
        return CLAB_OK;
    }
    (void)clab_fail(h->cx, CLAB_EFORMAT, "%s: the matrix is %s features x %s barcodes, but %s features and %s barcodes "
                    "are listed", h->name, clab_text_count(s->n_cols), clab_text_count(s->n_rows),
                    clab_text_count(genes), clab_text_count(cells));
    return clab_hint(h->cx, "the three files do not belong together, or a list has a header line or is cut off");
}

clab_status clab__mtx_folder_open(clab__h5 *h, clab__source *s)
{
    static const char *const matrix[] = {"matrix.mtx", NULL}, *const barcodes[] = {"barcodes.tsv", NULL},
                             *const features[] = {"features.tsv", "genes.tsv", NULL};
    char *prefix = NULL, *path[2] = {NULL, NULL};
    clab_status st;
    s->format = "10x mtx";
    s->o.orient = "genes";
    if ((st = find_prefix(h, s, &prefix)) == CLAB_OK && (st = find_file(h, s, prefix, matrix, &s->matrix)) == CLAB_OK &&
        (st = find_file(h, s, prefix, barcodes, &path[0])) == CLAB_OK &&
        (st = find_file(h, s, prefix, features, &path[1])) == CLAB_OK &&
        (st = read_barcodes(h, s, path[0])) == CLAB_OK && (st = read_features(h, s, path[1])) == CLAB_OK &&
        (st = clab__mtx_open(h, s)) == CLAB_OK)
        st = orient(h, s);
    free(prefix);
    free(path[0]);
    free(path[1]);
    return st;
}
