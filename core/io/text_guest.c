/* text_guest.c -- the guest that reads text: a source is opened, its matrix streams into a store, and the same
 * records go to the session as from HDF5. */
#include "io/text_impl.h"

#include "io/io.h"
#include "io/io_impl.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PATH 4096

/* ---- sources --------------------------------------------------------------------------------------------------*/

/* "0", "1", ... on both sides, as AnnData names them. */
static clab_status number_sides(clab__h5 *h, clab__source *s)
{
    for (int i = 0; i < 2; i++) {
        clab_value *index = NULL, **side = i ? &s->var : &s->obs;
        clab_status st = clab__numbered(h->cx, i ? s->n_cols : s->n_rows, &index);
        if (st == CLAB_OK)
            st = clab_value_table(h->cx, index, "_index", side);
        clab_value_unref(index);
        if (st != CLAB_OK)
            return st;
    }
    return CLAB_OK;
}

/* A matrix.mtx by itself is read as it stands; beside lists of names that is seldom what is wanted. */
static void note_lists(clab__h5 *h, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = strndup(path, slash ? (size_t)(slash - path) : 0), *list = NULL;
    if (folder && strstr(slash ? slash : path, "matrix.mtx") &&
        asprintf(&list, "%s/barcodes.tsv%s", slash ? folder : ".", strstr(path, ".gz") ? ".gz" : "") > 0) {
        FILE *f = fopen(list, "r");
        if (f) {
            fclose(f);
            clab_note(h->cx, "%s: read without names, its rows as cells; reading its folder takes barcodes and features "
                             "too, and turns it", h->name);
        }
    }
    free(list);
    free(folder);
}

static clab_status check_opts(clab__h5 *h, const clab__text_opts *o, clab__kind kind)
{
    if (o->orient && strcmp(o->orient, "cells") != 0 && strcmp(o->orient, "genes") != 0)
        return clab_fail(h->cx, CLAB_EARG, "orient=\"%s\": it is auto, cells or genes (what the rows are)",
                         clab_show(o->orient));
    if (kind == CLAB__KIND_FOLDER && o->orient)
        return clab_fail(h->cx, CLAB_EARG, "orient= is for tables of text and single .mtx files; a 10x folder tells");
    if (kind != CLAB__KIND_FOLDER && o->prefix)
        return clab_fail(h->cx, CLAB_EARG, "prefix= is for folders with matrix.mtx");
    if (kind != CLAB__KIND_TABLE && o->delimiter)
        return clab_fail(h->cx, CLAB_EARG, "delimiter= is for tables of text");
    return CLAB_OK;
}

clab_status clab__source_open(clab__h5 *h, const clab__text_opts *o, clab__source *s)
{
    clab__kind kind = clab__file_kind(o->path);
    *s = (clab__source){.o = *o};
    clab_status st = check_opts(h, o, kind);
    if (st == CLAB_OK && kind == CLAB__KIND_FOLDER) {
        st = clab__mtx_folder_open(h, s);
    } else if (st == CLAB_OK) {
        if (!(s->matrix = strdup(o->path)))
            return clab_fail(h->cx, CLAB_ENOMEM, "no memory for a name");
        s->format = "MatrixMarket";
        st = kind == CLAB__KIND_MTX ? clab__mtx_open(h, s) : clab__table_open(h, s);
        if (st == CLAB_OK && kind == CLAB__KIND_MTX)
            st = number_sides(h, s);
        if (st == CLAB_OK && kind == CLAB__KIND_MTX && !o->look)
            note_lists(h, o->path);
    }
    if (st != CLAB_OK)
        clab__source_close(s);
    return st;
}

void clab__source_close(clab__source *s)
{
    clab_value_unref(s->obs);
    clab_value_unref(s->var);
    free(s->matrix);
    *s = (clab__source){0};
}

static clab_status stream_source(clab__h5 *h, void *from, clab__sink *k)
{
    clab__source *s = from;
    return s->stream(h, s, k);
}

/* Once more where the rows turn out to be out of order. */
static clab_status send_source(clab__h5 *h, clab__source *s)
{
    clab_status st = clab__rows_send(h, stream_source, s, "X", false);
    if (st == CLAB_ESTATE && s->unsorted) {
        clab_error_clear(h->cx);
        st = clab__rows_send(h, stream_source, s, "X", false);
    }
    if (st == CLAB_OK)
        st = clab__value_send(h, "obs", s->obs);
    return st == CLAB_OK ? clab__value_send(h, "var", s->var) : st;
}

/* ---- the role -------------------------------------------------------------------------------------------------*/

enum { PATH, NAME, SCRATCH, ORIENT, DELIMITER, PREFIX, N_WORDS };

static clab_status take_request(clab_ctx *cx, clab_wire *wire, char *word[N_WORDS])
{
    for (int i = 0; i < N_WORDS; i++) {
        clab_status st = clab_wire_get_str(cx, wire, MAX_PATH, &word[i]);
        if (st != CLAB_OK)
            return st;
    }
    return word[PATH] && word[NAME] ? CLAB_OK : clab_fail(cx, CLAB_EINTERNAL, "nothing to read was named");
}

static const char *given(const char *word)
{
    return word && *word && strcmp(word, "auto") != 0 ? word : NULL;
}

clab_status clab__text_request(clab_ctx *cx, clab_wire *w, const char *path, const char *name, const char *scratch,
                               const clab_read_opts *o)
{
    const char *const word[N_WORDS] = {
        path, name, scratch, o ? given(o->orient) : NULL, o ? given(o->delimiter) : NULL, o ? o->prefix : NULL};
    for (int i = 0; i < N_WORDS; i++) {
        clab_status st = clab_wire_put_str(cx, w, word[i]);
        if (st != CLAB_OK)
            return st;
    }
    return clab_wire_flush(cx, w);
}

static void hint_damaged_text(clab_ctx *cx)
{
    (void)clab_hint(cx, "the file is damaged or of another kind than its name says");
}

clab_status clab_text_guest_read(clab_ctx *cx, clab_wire *wire, const int *fds, int n_fds)
{
    char *word[N_WORDS] = {NULL};
    clab__h5 h = {.cx = cx, .file = -1, .wire = wire, .fd_socket = n_fds > 0 ? fds[0] : -1};
    clab__source s;
    clab_status st = take_request(cx, wire, word);
    if (st == CLAB_OK) {
        signal(SIGXFSZ, SIG_IGN); /* a scratch file over a size limit is an error in words, not a death */
        h.name = word[NAME];
        h.scratch = word[SCRATCH];
        clab__text_opts o = {
            .path = word[PATH], .orient = word[ORIENT], .delimiter = word[DELIMITER], .prefix = word[PREFIX]};
        if ((st = clab__source_open(&h, &o, &s)) == CLAB_OK) {
            st = send_source(&h, &s);
            clab__source_close(&s);
        }
    }
    if (st == CLAB_EFORMAT)
        hint_damaged_text(cx);
    clab__h5_close(&h);
    if (st == CLAB_OK && clab_ctx_planning(cx)) { /* text has no headers: a dry run reads it like the real one */
        st = clab_wire_put_u8(cx, wire, CLAB__REC_HELD);
        if (st == CLAB_OK)
            st = clab_wire_put_i64(cx, wire, clab_mem_peak(cx));
    }
    if (st == CLAB_OK)
        st = clab__end_of_reply(cx, wire);
    for (int i = 0; i < N_WORDS; i++)
        free(word[i]);
    return st;
}
