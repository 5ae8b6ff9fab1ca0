/* read.c -- the session's side of reading: starts the guest, takes its parts, makes the Dataset. */
#include "io/h5_impl.h"
#include "io/read_impl.h"
#include "io/want_impl.h"

#include "data/matrix.h"
#include "ledger/timeline.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SECTION 4096

/* ---- files and guests ----------------------------------------------------------------------------*/

const char *clab__file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return clab_show(slash && slash[1] ? slash + 1 : path);
}

/* With the file of the folder whose name is nearest: most are misspelt. */
static clab_status no_such_file(clab_ctx *cx, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("."), *names[256];
    size_t n = 0;
    DIR *dir = folder ? opendir(folder) : NULL;
    (void)clab_fail(cx, CLAB_ENOTFOUND, "there is no file %s", clab_show(path));
    for (struct dirent *e; dir && n < 256 && (e = readdir(dir));)
        if (e->d_name[0] != '.' && (names[n] = strdup(e->d_name)))
            n++;
    const int near = clab_text_near(slash ? slash + 1 : path, (const char *const *)names, n);
    if (near >= 0)
        (void)clab_hint(cx, "did you mean %s%s?", slash ? clab_show(folder) : "", clab_show(names[near]));
    else if (!dir)
        (void)clab_hint(cx, "nor a folder %s that can be looked into", folder ? clab_show(folder) : "");
    else if (path[0] != '/')
        (void)clab_hint(cx, "paths start in the folder celllab runs in; give the whole path where it lies elsewhere");
    else
        (void)clab_hint(cx, "its folder is there: check the name");
    while (n > 0)
        free(names[--n]);
    if (dir)
        closedir(dir);
    free(folder);
    return CLAB_ENOTFOUND;
}

clab_status clab__file_check(clab_ctx *cx, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        clab_status s = errno == ENOENT || errno == ENOTDIR ? CLAB_ENOTFOUND : CLAB_EIO;
        return s == CLAB_ENOTFOUND
                   ? no_such_file(cx, path)
                   : clab_fail(cx, s, "%s cannot be read: %s", clab_show(path), strerror(errno));
    }
    if (S_ISDIR(st.st_mode) && clab__is_mtx_folder(path))
        return CLAB_OK;
    if (S_ISDIR(st.st_mode))
        return clab_hint(cx, "%s",
                         (clab_fail(cx, CLAB_EARG, "%s is a directory, and no 10x folder: it has no matrix.mtx",
                                    clab_show(path)),
                          "name the file inside it"));
    if (!S_ISREG(st.st_mode))
        return clab_fail(cx, CLAB_EARG, "%s is no regular file", clab_show(path));
    if (access(path, R_OK) != 0)
        return clab_fail(cx, CLAB_EIO, "%s cannot be read: %s", clab_show(path), strerror(errno));
    return CLAB_OK;
}

void clab__hint_damaged(clab_ctx *cx)
{
    (void)clab_hint(cx, "the file is damaged, or not as AnnData or Cell Ranger write it: get it again, or write it again "
                        "with a current AnnData");
}

clab_status clab__guest_failed(clab_ctx *cx, clab_guest *g, clab_status st)
{
    if (st != CLAB_EIO && st != CLAB_ECANCEL) {
        clab_guest_kill(cx, g);
        return st;
    }
    clab_status end = clab_guest_end(cx, g);
    return end == CLAB_OK ? st : end;
}

clab_status clab__answer_ask(clab_ctx *cx, clab_wire *w, const char *file)
{
    char *object = NULL, what[256];
    int64_t bytes = 0;
    clab_status st = clab_wire_get_str(cx, w, MAX_SECTION, &object);
    if (st == CLAB_OK)
        st = clab_wire_get_i64(cx, w, &bytes);
    if (st == CLAB_OK) {
        snprintf(what, sizeof what, "%s of %s", clab_show(object ? object : ""), file);
        st = clab_mem_reserve_check(cx, bytes, what);
    }
    if (st == CLAB_OK)
        st = clab_wire_put_u8(cx, w, 1);
    if (st == CLAB_OK)
        st = clab_wire_flush(cx, w);
    free(object);
    return st;
}

/* ---- taking records ------------------------------------------------------------------------------*/

static clab_status take_value(clab_ctx *cx, clab_wire *w, clab__arrival *a)
{
    char *section = NULL, what[256];
    clab_value *v = NULL;
    clab_status st = clab_wire_get_str(cx, w, MAX_SECTION, &section);
    if (st != CLAB_OK)
        return st;
    snprintf(what, sizeof what, "%s of %s", clab_show(section ? section : ""), a->file);
    st = clab_value_fetch(cx, w, what, &v);
    int i = 0;
    while (st == CLAB_OK && i < CLAB__N_PARTS && (!section || strcmp(clab__part_names[i], section) != 0))
        i++;
    if (st == CLAB_OK && (i == CLAB__N_PARTS || a->part[i]))
        st = clab_fail(cx, CLAB_EINTERNAL, "the worker sent an unexpected part");
    if (st == CLAB_OK)
        a->part[i] = v;
    else
        clab_value_unref(v);
    free(section);
    return st;
}

/* What stands in for a store in a dry run: a sample and the facts beside it. */
static clab_status take_sketch(clab_ctx *cx, clab_wire *w, int fd, bool in_file, const char *what, clab_store **out)
{
    clab_store *sample = NULL;
    int64_t n_rows = 0, nnz = 0, worker = 0;
    int64_t *before = NULL, bytes;
    uint8_t has_before = 0;
    clab_status st = clab_store_open(cx, fd, what, &sample);
    if (st == CLAB_OK && ((st = clab_wire_get_i64(cx, w, &n_rows)) != CLAB_OK || (st = clab_wire_get_i64(cx, w, &nnz)) != CLAB_OK ||
                          (st = clab_wire_get_i64(cx, w, &worker)) != CLAB_OK ||
                          (st = clab_wire_get_u8(cx, w, &has_before)) != CLAB_OK))
        goto done;
    if (st == CLAB_OK && has_before && (st = clab_mem_size(cx, n_rows, 8, &bytes)) == CLAB_OK &&
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, bytes + 8, "rows of a sketch", (void **)&before)) == CLAB_OK)
        st = clab_wire_get(cx, w, before, (size_t)bytes + 8);
    clab_mem_foresee(cx, CLAB_MEM_WORK, worker, what); /* given back before the store is mapped here */
    if (st == CLAB_OK)
        st = clab_store_sketch(cx, sample, n_rows, before, nnz, in_file, what, out);
done:
    clab_mem_free(cx, before);
    clab_store_unref(sample);
    return st;
}

/* The facts of a matrix whose rows stay in the file. */
static clab_status take_source(clab_ctx *cx, int fd, const char *section, const char *what, const clab__arrival *a, clab_store **out)
{
    clab_store *facts = NULL;
    uint64_t *before = NULL;
    void *self = NULL;
    int64_t n = 0;
    clab_status st = clab_store_open_facts(cx, fd, what, &facts);
    if (st == CLAB_OK) {
        n = clab_store_get_info(facts)->n_rows;
        st = clab_mem_alloc(cx, CLAB_MEM_WORK, (n + 1) * 8, "lengths of rows", (void **)&before);
    }
    if (st == CLAB_OK)
        st = clab__source_new(cx, a, section, &self);
    if (st == CLAB_OK) {
        before[0] = 0;
        for (int64_t i = 0; i < n; i++)
            before[i + 1] = before[i] + (uint64_t)clab_store_row_nnz(facts, i);
        st = clab_store_from_source(cx, clab_store_get_info(facts), before, &clab__h5_source, self, what, out);
    }
    clab_mem_free(cx, before);
    clab_store_unref(facts);
    return st;
}

static clab_status take_matrix(clab_ctx *cx, clab_wire *w, int socket, uint8_t record, clab__arrival *a)
{
    char *section = NULL, what[256];
    clab_store *store = NULL;
    int fd;
    clab_status st = clab_wire_get_str(cx, w, MAX_SECTION, &section);
    if (st == CLAB_OK && (!section || a->n_matrices == CLAB__MAX_MATRICES))
        st = clab_fail(cx, CLAB_EFORMAT, "%s holds more than %d matrices", a->file, CLAB__MAX_MATRICES);
    if (st == CLAB_OK)
        st = clab__fd_take(cx, socket, &fd);
    if (st == CLAB_OK) {
        snprintf(what, sizeof what, "%s of %s", clab_show(section), a->file);
        st = record == CLAB__REC_SKETCH   ? take_sketch(cx, w, fd, a->scratch != NULL, what, &store)
             : record == CLAB__REC_SOURCE ? take_source(cx, fd, section, what, a, &store)
             : a->scratch                 ? clab_store_open_file(cx, fd, what, &store) : clab_store_open(cx, fd, what, &store);
    }
    if (st == CLAB_OK)
        st = clab_matrix_new(cx, store, &a->matrix[a->n_matrices]);
    clab_store_unref(store);
    if (st != CLAB_OK) {
        free(section);
        return st;
    }
    a->section[a->n_matrices++] = section;
    return CLAB_OK;
}

static clab_status take_held(clab_ctx *cx, clab_wire *w, const clab__arrival *a)
{
    int64_t bytes = 0;
    clab_status st = clab_wire_get_i64(cx, w, &bytes);
    if (st == CLAB_OK && bytes >= 0)
        clab_guest_foresee(cx, bytes, a->file);
    return st;
}

static clab_status take_all(clab_ctx *cx, clab_wire *w, int socket, clab__arrival *a)
{
    for (;;) {
        uint8_t record;
        clab_status st = clab_wire_get_u8(cx, w, &record);
        if (st == CLAB_OK && record == CLAB__REC_END)
            return CLAB_OK;
        if (st == CLAB_OK && record == CLAB__REC_VALUE)
            st = take_value(cx, w, a);
        else if (st == CLAB_OK && (record == CLAB__REC_MATRIX || record == CLAB__REC_SKETCH || record == CLAB__REC_SOURCE))
            st = take_matrix(cx, w, socket, record, a);
        else if (st == CLAB_OK && record == CLAB__REC_ASK)
            st = clab__answer_ask(cx, w, a->file);
        else if (st == CLAB_OK && record == CLAB__REC_HELD)
            st = take_held(cx, w, a);
        else if (st == CLAB_OK)
            st = clab_fail(cx, CLAB_EINTERNAL, "the worker sent an unknown record");
        if (st != CLAB_OK)
            return st;
    }
}

static clab_status ask_h5(clab_ctx *cx, clab_wire *w, const char *path, const clab_read_opts *o, const clab__arrival *a)
{
    clab_status st;
    if ((st = clab_wire_put_str(cx, w, path)) == CLAB_OK && (st = clab_wire_put_str(cx, w, a->file)) == CLAB_OK &&
        (st = clab_wire_put_str(cx, w, o ? o->genome : NULL)) == CLAB_OK &&
        (st = clab_wire_put_str(cx, w, a->scratch)) == CLAB_OK && (st = clab_wire_put_u8(cx, w, a->in_file)) == CLAB_OK &&
        (st = clab__want_put(cx, w, o)) == CLAB_OK)
        st = clab_wire_flush(cx, w);
    return st;
}

static clab_status converse(clab_ctx *cx, const char *path, const clab_read_opts *o, clab__arrival *a)
{
    bool hdf5 = clab__file_kind(path) == CLAB__KIND_HDF5;
    int pair[2];
    clab_guest *g = NULL;
    char what[256];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return clab_fail(cx, CLAB_EIO, "no socket for the worker: %s", strerror(errno));
    snprintf(what, sizeof what, "reading %s", a->file);
    clab_status st = clab_guest_start(cx, hdf5 ? "h5-read" : "text-read", what, &pair[1], 1, &g);
    close(pair[1]);
    if (st == CLAB_OK) {
        clab_wire *w = clab_guest_wire(g);
        st = hdf5 ? ask_h5(cx, w, path, o, a) : clab__text_request(cx, w, path, a->file, a->scratch, o);
        if (st == CLAB_OK)
            st = take_all(cx, w, pair[0], a);
        st = st == CLAB_OK ? clab_guest_end(cx, g) : clab__guest_failed(cx, g, st);
    }
    close(pair[0]);
    return st;
}

/* ---- reading -----------------------------------------------------------------------------------------*/

/* The folder of scratch files.  /tmp is left alone: on many machines it lies in memory. */
static const char *scratch_folder(const clab_read_opts *opts)
{
    const char *tmp = getenv("TMPDIR");
    if (opts->scratch)
        return opts->scratch;
    return tmp && tmp[0] ? tmp : "/var/tmp";
}

static int64_t bytes_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : 0;
}

static clab_status check_opts(clab_ctx *cx, const char *path, const clab_read_opts *o)
{
    if (o->scratch && o->backed == CLAB_READ_MEMORY)
        return clab_fail(cx, CLAB_EARG, "scratch= names the folder of backed=true, which is not asked for");
    if (o->editable && clab__file_kind(path) != CLAB__KIND_HDF5)
        return clab_fail(cx, CLAB_EARG, "backed=\"r+\": only an .h5ad can be edited, which %s is not", clab__file_name(path));
    if (o->editable && (o->cols || o->genes || o->cells || o->where)) {
        (void)clab_fail(cx, CLAB_EARG, "backed=\"r+\" edits a file that was read whole; cols, genes and cells leave parts out");
        return clab_hint(cx, "read with backed=\"r+\" alone, or write another file");
    }
    if (o->editable && (o->names.key || o->names.strip_version))
        return clab_fail(cx, CLAB_EARG, "backed=\"r+\" leaves the genes as the file names them; use ds:gene_names{...} and write");
    return CLAB_OK;
}

/* A file that is to be edited keeps its names, whatever they are. */
static clab_status name_genes(clab_ctx *cx, const clab_read_opts *opts, clab_dataset **d)
{
    clab_gene_names_opts as_they_are = {0};
    clab_dataset *read = *d;
    if (opts && opts->editable)
        return CLAB_OK;
    clab_status st = clab_gene_names(cx, read, opts ? &opts->names : &as_they_are, d);
    clab_dataset_unref(read);
    return st;
}

static clab_status read_once(clab_ctx *cx, const char *path, const clab_read_opts *opts, clab_dataset **out)
{
    clab__arrival a = {0};
    clab_phase *phase;
    char name[160];
    clab_status st = clab__file_check(cx, path);
    if (st == CLAB_OK && opts)
        st = check_opts(cx, path, opts);
    if (st != CLAB_OK)
        return st;
    if (opts && opts->backed != CLAB_READ_MEMORY)
        a.scratch = scratch_folder(opts);
    a.in_file = opts && opts->backed == CLAB_READ_FILE;
    if (a.in_file && clab__file_kind(path) != CLAB__KIND_HDF5)
        clab_note(cx, "%s is no HDF5 file, whose rows could stay in it: they go into a scratch file", clab__file_name(path));
    a.path = path;
    a.opts = opts;
    snprintf(name, sizeof name, "%s", clab__file_name(path)); /* a rotating buffer would not last */
    a.file = name;
    phase = clab_phase_begin(cx, "read", 0, "");
    clab_timeline_file(cx, false, bytes_of(path));
    st = converse(cx, path, opts, &a);
    if (st == CLAB_OK && (st = clab__assemble(cx, &a, path, opts ? opts->counts : NULL, out)) == CLAB_EFORMAT)
        clab__hint_damaged(cx); /* the guest gives its own */
    if (st == CLAB_OK && opts && clab__file_kind(path) != CLAB__KIND_HDF5 &&
        (st = clab__want_view(cx, opts, name, out)) != CLAB_OK) {
        clab_dataset_unref(*out);
        *out = NULL;
    }
    if (st == CLAB_OK && opts && opts->editable && (st = clab__save_remember(cx, path, *out)) != CLAB_OK) {
        clab_dataset_unref(*out);
        *out = NULL;
    }
    if (st == CLAB_OK && clab_ctx_whatif(cx)->cells > 0)
        st = clab__stretch(cx, clab_ctx_whatif(cx)->cells, out);
    if (st == CLAB_OK)
        st = name_genes(cx, opts, out);
    clab__arrival_free(&a);
    clab_phase_end(phase);
    return st;
}

/* A study that is over the budget in memory may be within it on a disk: every result is the same. */
clab_status clab_read(clab_ctx *cx, const char *path, const clab_read_opts *opts, clab_dataset **out)
{
    clab_read_opts backed = opts ? *opts : (clab_read_opts){0};
    clab_status st = read_once(cx, path, opts, out);
    char why[1024];

    if (st == CLAB_EBUDGET && clab_mem_reclaim(cx)) { /* the guest that reads cannot ask our collector */
        clab_error_clear(cx);
        st = read_once(cx, path, opts, out);
    }
    if (st != CLAB_EBUDGET || backed.backed)
        return st;
    snprintf(why, sizeof why, "%s", clab_error_text(cx));
    clab_error_clear(cx);
    backed.backed = true;
    if ((st = read_once(cx, path, &backed, out)) == CLAB_OK) {
        clab_note(cx, "%s is over the memory budget: its counts stay in a scratch file in %s, as with backed=true",
                  clab__file_name(path), clab_show(scratch_folder(&backed)));
        return CLAB_OK;
    }
    if (st == CLAB_ECANCEL)
        return st;
    clab_error_clear(cx); /* the first refusal is the one that tells what the study needs */
    (void)clab_fail(cx, CLAB_EBUDGET, "%s; nor does it fit with backed=true", why);
    return CLAB_EBUDGET;
}
