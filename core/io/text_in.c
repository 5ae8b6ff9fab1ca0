/* text_in.c -- bytes of text out of a plain or gzipped file, in little memory whatever they pack into. */
#include "io/text_impl.h"

#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define PIECE (256 << 10)
#define LIST_FREE (16LL << 20) /* bytes of names that nobody asks about */
#define LIST_PACKED 100        /* names pack this well at most */
#define DEFLATE_PACKED 1032    /* anything packs this well at most */

static int failed(clab__text *t, clab_status s)
{
    t->status = s;
    t->over = true;
    t->at = t->end = t->out;
    return -1;
}

/* Bytes of the file into t->in; 0 at its end, -1 on failure. */
static ssize_t read_piece(clab__text *t)
{
    ssize_t n;
    clab_status s = clab_check(t->cx);
    if (s != CLAB_OK)
        return failed(t, s);
    do
        n = clab_fault_io(t->cx) ? -1 : read(t->fd, t->in, PIECE);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return failed(t, clab_fail(t->cx, CLAB_EIO, "%s cannot be read: %s", t->name, strerror(errno)));
    t->n_in += n;
    return n;
}

static int cut_off(clab__text *t)
{
    (void)clab_fail(t->cx, CLAB_EFORMAT, "%s is cut off: its gzip data end in the middle, after line %lld",
                    t->name, (long long)t->n_lines);
    return failed(t, clab_hint(t->cx, "copy or download it again"));
}

/* Behind a gzip member: another one, padding, or bytes that do not belong there.  *more: another one. */
static bool next_member(clab__text *t, z_stream *z)
{
    while (z->avail_in > 0 && *z->next_in == 0) { /* tapes and block devices pad with zeros */
        z->next_in++;
        z->avail_in--;
    }
    if (z->avail_in == 0) {
        ssize_t n = read_piece(t);
        if (n <= 0)
            return false;
        z->next_in = t->in;
        z->avail_in = (unsigned)n;
        return next_member(t, z);
    }
    if (*z->next_in == 0x1f && inflateReset(z) == Z_OK)
        return true;
    clab_warn(t->cx, "%s: what follows the end of its gzip data is ignored", t->name);
    return false;
}

static int more_gzip(clab__text *t)
{
    z_stream *z = t->inflate;
    z->next_out = t->out;
    z->avail_out = PIECE;
    while (z->avail_out == PIECE) {
        if (t->member_over && !next_member(t, z)) {
            t->over = true;
            return -1;
        }
        t->member_over = false;
        if (z->avail_in == 0) {
            ssize_t n = read_piece(t);
            if (n <= 0)
                return n < 0 ? -1 : cut_off(t);
            z->next_in = t->in;
            z->avail_in = (unsigned)n;
        }
        int r = inflate(z, Z_NO_FLUSH);
        t->member_over = r == Z_STREAM_END;
        if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
            return failed(t, clab_fail(t->cx, r == Z_MEM_ERROR ? CLAB_ENOMEM : CLAB_EFORMAT,
                                       "%s is damaged: its gzip data cannot be unpacked after line %lld (%s)",
                                       t->name, (long long)t->n_lines, z->msg ? z->msg : "no reason given"));
    }
    t->at = t->out;
    t->end = t->out + (PIECE - z->avail_out);
    return 0;
}

static int more_plain(clab__text *t)
{
    ssize_t n = read_piece(t);
    if (n <= 0) {
        t->over = true;
        return -1;
    }
    t->at = t->in;
    t->end = t->in + n;
    return 0;
}

static bool refill(clab__text *t)
{
    if (t->over || (t->inflate ? more_gzip(t) : more_plain(t)) != 0)
        return false;
    t->n_out += t->end - t->at;
    return true;
}

int clab__text_more(clab__text *t)
{
    return refill(t) ? *t->at++ : -1;
}

/* ---- lines ----------------------------------------------------------------------------------------------*/

static char *end_line(unsigned char *line, size_t len, size_t *n)
{
    if (len > 0 && line[len - 1] == '\r')
        len--;
    line[len] = 0;
    *n = len;
    return (char *)line;
}

char *clab__text_line(clab__text *t, size_t *n)
{
    size_t have = 0;
    if (t->at == t->end && !refill(t))
        return NULL;
    t->n_lines++;
    for (;;) {
        size_t here = (size_t)(t->end - t->at);
        unsigned char *start = t->at, *lf = memchr(start, '\n', here);
        size_t len = lf ? (size_t)(lf - start) : here;
        if (lf && have == 0) {
            t->at = lf + 1;
            return end_line(start, len, n);
        }
        if (have + len >= CLAB__LINE_MAX) {
            failed(t, clab_fail(t->cx, CLAB_EFORMAT, "%s: line %lld is longer than %s", t->name,
                                (long long)t->n_lines, clab_bytes(CLAB__LINE_MAX)));
            return NULL;
        }
        memcpy(t->line + have, start, len);
        have += len;
        t->at += lf ? len + 1 : len;
        if (lf || !refill(t))
            return t->status == CLAB_OK ? end_line(t->line, have, n) : NULL;
    }
}

/* ---- opening --------------------------------------------------------------------------------------------*/

/* Packed by something else than gzip? */
static const char *other_packing(const unsigned char *b, ssize_t n)
{
    static const struct {
        const char *magic, *how;
        size_t len;
    } known[] = {{"BZh", "bunzip2", 3}, {"\xfd" "7zXZ", "unxz", 5}, {"\x28\xb5\x2f\xfd", "unzstd", 4}, {"PK\3\4", "unzip", 4}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (n >= (ssize_t)known[i].len && memcmp(b, known[i].magic, known[i].len) == 0)
            return known[i].how;
    return NULL;
}

static clab_status begin(clab__text *t)
{
    ssize_t n = read_piece(t);
    clab_status s;
    if (n < 0)
        return t->status;
    const char *how = other_packing(t->in, n);
    if (how)
        return clab_hint(t->cx, "unpack it first: %s",
                         ((void)clab_fail(t->cx, CLAB_EFORMAT, "%s is packed in a way that is not read here", t->name),
                          how));
    if (n < 2 || t->in[0] != 0x1f || t->in[1] != 0x8b) {
        bool marked = n >= 3 && memcmp(t->in, "\xef\xbb\xbf", 3) == 0;
        t->at = t->in + (marked ? 3 : 0);
        t->end = t->in + n;
        t->n_out = n;
        return CLAB_OK;
    }
    if ((s = clab_mem_zalloc(t->cx, CLAB_MEM_WORK, sizeof(z_stream), "gzip", &t->inflate)) != CLAB_OK ||
        (s = clab_mem_alloc(t->cx, CLAB_MEM_WORK, PIECE + 1, "a piece of text", (void **)&t->out)) != CLAB_OK)
        return s;
    z_stream *z = t->inflate;
    z->next_in = t->in;
    z->avail_in = (unsigned)n;
    if (inflateInit2(z, 16 + MAX_WBITS) != Z_OK) {
        clab_mem_free(t->cx, t->inflate);
        t->inflate = NULL;
        return clab_fail(t->cx, CLAB_ENOMEM, "no memory to unpack %s", t->name);
    }
    if (refill(t) && t->end - t->at >= 3 && memcmp(t->at, "\xef\xbb\xbf", 3) == 0)
        t->at += 3;
    return t->status;
}

clab_status clab__text_open(clab_ctx *cx, const char *path, const char *name, clab__text *t)
{
    struct stat st;
    clab_status s;
    *t = (clab__text){.cx = cx, .name = name};
    t->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (t->fd < 0 || fstat(t->fd, &st) != 0)
        return clab_fail(cx, CLAB_EIO, "%s cannot be opened: %s", name, strerror(errno));
    t->bytes = st.st_size;
    if ((s = clab_mem_alloc(cx, CLAB_MEM_WORK, PIECE + 1, "a piece of text", (void **)&t->in)) == CLAB_OK &&
        (s = clab_mem_alloc(cx, CLAB_MEM_WORK, CLAB__LINE_MAX + 1, "a line of text", (void **)&t->line)) == CLAB_OK)
        s = begin(t);
    if (s != CLAB_OK)
        clab__text_close(t);
    return s;
}

void clab__text_close(clab__text *t)
{
    if (!t->cx)
        return;
    if (t->inflate)
        inflateEnd(t->inflate);
    clab_mem_free(t->cx, t->inflate);
    clab_mem_free(t->cx, t->in);
    clab_mem_free(t->cx, t->out);
    clab_mem_free(t->cx, t->line);
    if (t->fd >= 0)
        close(t->fd);
    *t = (clab__text){.fd = -1};
}

clab_status clab__text_plausible(clab__text *t, int64_t bytes)
{
    if (bytes <= LIST_FREE || bytes / LIST_PACKED <= t->n_in)
        return CLAB_OK;
    return clab_fail(t->cx, CLAB_EFORMAT, "%s unpacks to %s of names from %s: no real list does that", t->name,
                     clab_bytes(bytes), clab_bytes(t->n_in));
}

int64_t clab__text_bytes(const clab__text *t)
{
    return t->bytes > INT64_MAX / DEFLATE_PACKED ? INT64_MAX : t->bytes * (t->inflate ? DEFLATE_PACKED : 1);
}
