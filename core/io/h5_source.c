/* h5_source.c -- backed="r": the rows of a matrix straight from its HDF5 file.  The session's side starts a guest for
 * every pass, which sends packed segments ahead of it; the guest's side is here too.
 *
 * The file is held open and the guest reads through that descriptor, so that a file that takes its place, ours
 * (clab_save) or somebody else's, changes nothing. */
#include "io/h5_impl.h"
#include "io/read_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_PATH 4096
#define SEGMENT (1 << 20) /* entries */

/* ---- the session's side ------------------------------------------------------------------------------*/

typedef struct {
    int fd; /* of the file */
    char *name, *genome, *section, *scratch, *what;
    clab__want want;
    clab_guest *guest; /* of the pass that runs; NULL else */
    int socket;        /* from which its segments come */
    int64_t at;        /* row that its next segment begins with */
} h5_source;

/* first_row < 0: all rows as one store in a scratch file. */
static clab_status ask(clab_ctx *cx, const h5_source *s, int64_t first_row)
{
    const clab_read_opts want = {.genes = (const char *const *)s->want.genes.s, .n_genes = s->want.genes.n,
                                 .cells = (const char *const *)s->want.cells.s, .n_cells = s->want.cells.n,
                                 .where = s->want.where};
    clab_wire *w = clab_guest_wire(s->guest);
    clab_status st;
    if ((st = clab_wire_put_str(cx, w, s->name)) == CLAB_OK && (st = clab_wire_put_str(cx, w, s->genome)) == CLAB_OK &&
        (st = clab_wire_put_str(cx, w, s->section)) == CLAB_OK &&
        (st = clab_wire_put_str(cx, w, first_row < 0 ? s->scratch : NULL)) == CLAB_OK &&
        (st = clab_wire_put_i64(cx, w, first_row < 0 ? 0 : first_row)) == CLAB_OK &&
        (st = clab__want_put(cx, w, &want)) == CLAB_OK)
        st = clab_wire_flush(cx, w);
    return st;
}

static void source_rest(clab_ctx *cx, void *self)
{
    h5_source *s = self;
    clab_guest_kill(cx, s->guest);
    s->guest = NULL;
    if (s->socket >= 0)
        close(s->socket);
    s->socket = -1;
}

static clab_status begin(clab_ctx *cx, h5_source *s, int64_t first_row)
{
    int pair[2];
    source_rest(cx, s);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return clab_fail(cx, CLAB_EIO, "no socket for the worker: %s", strerror(errno));
    const int fds[2] = {s->fd, pair[1]};
    clab_status st = clab_guest_start(cx, "h5-rows", s->what, fds, 2, &s->guest);
    close(pair[1]);
    s->socket = pair[0];
    s->at = first_row;
    return st == CLAB_OK ? ask(cx, s, first_row) : st;
}

/* The next store that the guest sends. */
static clab_status take(clab_ctx *cx, h5_source *s, bool in_file, clab_store **out)
{
    clab_wire *w = clab_guest_wire(s->guest);
    uint8_t record = 0;
    char *section = NULL;
    int fd;
    clab_status st;
    while ((st = clab_wire_get_u8(cx, w, &record)) == CLAB_OK && record == CLAB__REC_ASK)
        if ((st = clab__answer_ask(cx, w, s->name)) != CLAB_OK)
            return st;
    if (st == CLAB_OK && record != CLAB__REC_MATRIX)
        st = clab_fail(cx, CLAB_EFORMAT, "%s: %s ends early: the file has changed since it was opened", s->name,
                       clab_show(s->section));
    if (st == CLAB_OK)
        st = clab_wire_get_str(cx, w, MAX_PATH, &section);
    free(section);
    if (st == CLAB_OK)
        st = clab__fd_take(cx, s->socket, &fd);
    if (st != CLAB_OK)
        return st;
    return in_file ? clab_store_open_file(cx, fd, s->what, out) : clab_store_open(cx, fd, s->what, out);
}

/* What failed, in the guest's own words where it has some. */
static clab_status told(clab_ctx *cx, h5_source *s, clab_status st)
{
    clab_guest *g = s->guest;
    if (st != CLAB_OK && g) {
        s->guest = NULL;
        st = clab__guest_failed(cx, g, st);
    }
    return st;
}

static clab_status source_segment(clab_ctx *cx, void *self, int64_t row, clab_store **out)
{
    h5_source *s = self;
    clab_status st = s->guest && s->at == row ? CLAB_OK : begin(cx, s, row);
    if (st == CLAB_OK)
        st = take(cx, s, false, out);
    if (st == CLAB_OK)
        s->at += clab_store_get_info(*out)->n_rows;
    return told(cx, s, st);
}

static clab_status source_settle(clab_ctx *cx, void *self, clab_store **out)
{
    h5_source *s = self;
    clab_status st = begin(cx, s, -1);
    if (st == CLAB_OK)
        st = take(cx, s, true, out);
    st = told(cx, s, st);
    source_rest(cx, s);
    return st;
}

static void source_free(clab_ctx *cx, void *self)
{
    h5_source *s = self;
    source_rest(cx, s);
    if (s->fd >= 0)
        close(s->fd);
    free(s->name);
    free(s->genome);
    free(s->section);
    free(s->scratch);
    free(s->what);
    clab__want_free(&s->want);
    free(s);
}

const clab_source clab__h5_source = {source_segment, source_settle, source_rest, source_free};

static bool copy_str(const char *from, char **to)
{
    *to = from ? strdup(from) : NULL;
    return !from || *to;
}

static bool copy_list(const char *const *from, int64_t n, clab__list *to)
{
    if (!from)
        return true;
    to->s = calloc((size_t)n + 1, sizeof *to->s);
    for (; to->s && to->n < n; to->n++)
        if (!(to->s[to->n] = strdup(from[to->n])))
            return false;
    return to->s != NULL;
}

clab_status clab__source_new(clab_ctx *cx, const clab__arrival *a, const char *section, void **self)
{
    const clab_read_opts *o = a->opts;
    char what[256];
    h5_source *s = calloc(1, sizeof *s);
    if (!s)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for %s", clab_show(section));
    snprintf(what, sizeof what, "%s of %s", clab_show(section), a->file);
    s->socket = -1;
    s->fd = open(a->path, O_RDONLY | O_CLOEXEC);
    clab_status st = s->fd < 0 ? clab_fail(cx, CLAB_EIO, "%s cannot be read: %s", a->file, strerror(errno)) : CLAB_OK;
    if (st == CLAB_OK && !(copy_str(a->file, &s->name) && copy_str(o->genome, &s->genome) && copy_str(section, &s->section) &&
                           copy_str(a->scratch, &s->scratch) && copy_str(what, &s->what) && copy_str(o->where, &s->want.where) &&
                           copy_list(o->genes, o->n_genes, &s->want.genes) &&
                           copy_list(o->cells, o->n_cells, &s->want.cells)))
        st = clab_fail(cx, CLAB_ENOMEM, "no memory for %s", clab_show(section));
    if (st != CLAB_OK) {
        source_free(cx, s);
        return st;
    }
    *self = s;
    return CLAB_OK;
}

/* ---- the guest's side --------------------------------------------------------------------------------
 * Rows leave in segments, each a store of its own in memory. */

typedef struct {
    clab__sink sink;
    const char *section;
    int64_t n_cols;
    clab_dtype dtype;
    bool dense;
    clab_store_tile *tiles[CLAB__TILES];
    int64_t in_tile[CLAB__TILES]; /* entries */
    clab_store_builder *segment;
    int fd;
    int64_t entries; /* of the segment */
} replay;

static clab_status replay_begin(clab__sink *k, clab__h5 *h, int64_t n_rows, int64_t n_cols, clab_dtype dtype, bool dense)
{
    replay *r = (replay *)k;
    (void)h;
    (void)n_rows;
    r->n_cols = n_cols;
    r->dtype = dtype;
    r->dense = dense;
    return CLAB_OK;
}

static clab_status end_segment(replay *r, clab__h5 *h)
{
    int64_t bytes;
    if (!r->segment)
        return CLAB_OK;
    clab_status st = clab_store_builder_end(h->cx, r->segment, &bytes);
    r->segment = NULL;
    if (st == CLAB_OK)
        st = clab__fd_send(h->cx, h->fd_socket, r->fd);
    if (st == CLAB_OK)
        st = clab_wire_put_u8(h->cx, h->wire, CLAB__REC_MATRIX);
    if (st == CLAB_OK)
        st = clab_wire_put_str(h->cx, h->wire, r->section);
    if (st == CLAB_OK)
        st = clab_wire_flush(h->cx, h->wire);
    close(r->fd);
    r->fd = -1;
    return st;
}

static clab_status replay_pack(clab__sink *k, clab__h5 *h, int tile, int64_t first_row, int64_t n_rows, const int64_t *indptr,
                               const int32_t *indices, const void *values)
{
    replay *r = (replay *)k;
    clab_status st = CLAB_OK;
    if (!r->tiles[tile])
        st = clab_store_tile_new(h->cx, r->n_cols, r->dtype, &r->tiles[tile]);
    r->in_tile[tile] = indptr[n_rows];
    return st == CLAB_OK ? clab_store_tile_pack(h->cx, r->tiles[tile], first_row, n_rows, indptr, indices, values) : st;
}

static clab_status replay_append(clab__sink *k, clab__h5 *h, int tile)
{
    replay *r = (replay *)k;
    clab_status st = CLAB_OK;
    if (!r->segment) {
        r->fd = memfd_create("celllab-segment", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        r->entries = 0;
        st = r->fd < 0 ? clab_fail(h->cx, CLAB_ENOMEM, "no memory file for %s: %s", clab_show(r->section), strerror(errno))
                       : clab_store_builder_new(h->cx, r->fd, r->n_cols, r->dtype, r->dense, &r->segment);
    }
    if (st == CLAB_OK)
        st = clab_store_builder_append(h->cx, r->segment, r->tiles[tile]);
    r->entries += r->in_tile[tile];
    return st == CLAB_OK && r->entries >= SEGMENT ? end_segment(r, h) : st;
}

static clab_status replay_rows(clab__sink *k, clab__h5 *h, int64_t n_rows, const int64_t *indptr, const int32_t *indices,
                               const void *values)
{
    clab_status st = replay_pack(k, h, 0, 0, n_rows, indptr, indices, values);
    return st == CLAB_OK ? replay_append(k, h, 0) : st;
}

/* One pass from pick.first on, or all rows into a scratch file. */
static clab_status send_rows(clab__h5 *h, clab__matrix *m, const char *section)
{
    replay r = {.sink = {replay_begin, replay_rows, replay_pack, replay_append}, .section = section, .fd = -1};
    clab_status st;
    if (h->scratch)
        return clab__matrix_send(h, m, section);
    st = clab__matrix_stream(h, m, &r.sink);
    if (st == CLAB_OK)
        st = end_segment(&r, h);
    for (int i = 0; i < CLAB__TILES; i++)
        clab_store_tile_free(r.tiles[i]);
    clab_store_builder_free(r.segment);
    if (r.fd >= 0)
        close(r.fd);
    return st == CLAB_OK ? clab__end_of_reply(h->cx, h->wire) : st;
}

/* Which rows and columns, as when the file was read: obs and var are read again for it where cells or genes were
 * asked for. */
static clab_status replay_h5ad(clab__h5 *h, const char *section, int64_t first)
{
    bool raw = strcmp(section, "raw/X") == 0, old = raw && clab__h5_has(h->file, "raw.X");
    clab__part part = {0};
    clab_value *obs = NULL, *var = NULL;
    clab__matrix m;
    hid_t obj;
    clab_status st = CLAB_OK;
    if (h->want->cells.s || h->want->where)
        if ((st = clab__read_frame(h, h->file, "obs", "obs", &obs)) == CLAB_OK)
            st = clab__part_obs(h, &part, &obs);
    if (st == CLAB_OK && h->want->genes.s)
        if ((st = clab__read_frame(h, h->file, old ? "raw.var" : raw ? "raw/var" : "var", raw ? "raw/var" : "var", &var)) ==
            CLAB_OK)
            st = clab__part_var(h, &part, &var);
    if (st == CLAB_OK)
        st = clab__h5_member(h, h->file, old ? "raw.X" : section, section, &obj);
    if (st == CLAB_OK && (st = clab__matrix_open(h, obj, section, -1, -1, &m)) == CLAB_OK) {
        m.pick = clab__part_pick(&part);
        m.pick.first = first;
        st = send_rows(h, &m, section);
        clab__matrix_close(&m);
    }
    clab_value_unref(obs);
    clab_value_unref(var);
    clab__part_free(h, &part);
    return st;
}

static clab_status replay_tenx(clab__h5 *h, clab__format f, const char *genome, int64_t first)
{
    clab__tenx t;
    clab__part part = {0};
    clab_status st = clab__tenx_open(h, f, genome, &t);
    if (st == CLAB_OK)
        st = clab__part_obs(h, &part, &t.obs);
    if (st == CLAB_OK)
        st = clab__part_var(h, &part, &t.var);
    t.x.pick = clab__part_pick(&part);
    t.x.pick.first = first;
    if (st == CLAB_OK)
        st = send_rows(h, &t.x, "X");
    clab__tenx_close(&t);
    clab__part_free(h, &part);
    return st;
}

clab_status clab_h5_guest_rows(clab_ctx *cx, clab_wire *wire, const int *fds, int n_fds)
{
    char *name = NULL, *genome = NULL, *section = NULL, *scratch = NULL;
    int64_t first = 0;
    clab__h5 h = {.cx = cx, .file = -1, .wire = wire, .fd_socket = n_fds > 1 ? fds[1] : -1};
    clab__want want = {0};
    clab__format format;
    clab_status st;
    clab__h5_library();
    if ((st = clab_wire_get_str(cx, wire, MAX_PATH, &name)) != CLAB_OK ||
        (st = clab_wire_get_str(cx, wire, MAX_PATH, &genome)) != CLAB_OK ||
        (st = clab_wire_get_str(cx, wire, MAX_PATH, &section)) != CLAB_OK ||
        (st = clab_wire_get_str(cx, wire, MAX_PATH, &scratch)) != CLAB_OK ||
        (st = clab_wire_get_i64(cx, wire, &first)) != CLAB_OK || (st = clab__want_get(cx, wire, &want)) != CLAB_OK)
        goto done;
    want.told = true;
    signal(SIGXFSZ, SIG_IGN);
    h.name = name;
    h.scratch = scratch;
    h.want = &want;
    if ((st = clab__h5_open_fd(&h, n_fds > 0 ? fds[0] : -1)) == CLAB_OK && (st = clab__format_tell(&h, &format)) == CLAB_OK)
        st = format == CLAB__H5AD ? replay_h5ad(&h, section, first) : replay_tenx(&h, format, genome, first);
    h.n_left_out = h.n_latin1 = 0; /* said when the file was read */
    clab__h5_close(&h);
done:
    clab__want_free(&want);
    free(name);
    free(genome);
    free(section);
    free(scratch);
    return st;
}
