/* gzip_out.c -- text out, plain or as gzip members that are deflated on all threads; numbers as text. */
#include "io/text_write_impl.h"

#include "base/fault.h"
#include "base/pool.h"
#include "ledger/ledger.h"

#include <errno.h>
#include <libdeflate.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE (1 << 20)
#define PIECES_MAX 16

struct clab__gzip_out {
    clab_ctx *cx;
    int fd, level;
    const char *name;
    int n_pieces, at; /* the piece that is being filled */
    size_t len[PIECES_MAX], packed_len[PIECES_MAX], bound;
    char *text, *packed;
    struct libdeflate_compressor *deflate[PIECES_MAX];
    bool any;
};

clab_status clab__gzip_open(clab_ctx *cx, int fd, const char *name, int level, clab__gzip_out **out)
{
    clab__gzip_out *z = calloc(1, sizeof *z);
    clab_status st;
    if (!z)
        return clab_fail(cx, CLAB_ENOMEM, "no memory to write %s", name);
    *z = (clab__gzip_out){.cx = cx, .fd = fd, .name = name, .level = level};
    z->n_pieces = level < 0 ? 1 : clab_threads(cx) < PIECES_MAX ? clab_threads(cx) : PIECES_MAX;
    st = clab_mem_alloc(cx, CLAB_MEM_WORK, (int64_t)z->n_pieces * PIECE, "text to write", (void **)&z->text);
    for (int i = 0; st == CLAB_OK && level >= 0 && i < z->n_pieces; i++)
        if (!(z->deflate[i] = libdeflate_alloc_compressor(level)))
            st = clab_fail(cx, CLAB_ENOMEM, "no memory to write %s", name);
    if (st == CLAB_OK && level >= 0) {
        z->bound = libdeflate_gzip_compress_bound(z->deflate[0], PIECE);
        st = clab_mem_alloc(cx, CLAB_MEM_WORK, (int64_t)z->bound * z->n_pieces, "text to write", (void **)&z->packed);
    }
    if (st != CLAB_OK) {
        clab__gzip_free(z);
        return st;
    }
    *out = z;
    return CLAB_OK;
}

void clab__gzip_free(clab__gzip_out *z)
{
    if (!z)
        return;
    for (int i = 0; i < PIECES_MAX; i++)
        libdeflate_free_compressor(z->deflate[i]);
    clab_mem_free(z->cx, z->text);
    clab_mem_free(z->cx, z->packed);
    free(z);
}

static clab_status write_all(clab__gzip_out *z, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = clab_fault_io(z->cx) ? -1 : write(z->fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return clab_fail(z->cx, CLAB_EIO, "%s cannot be written: %s", z->name,
                             done < 0 ? strerror(errno) : "no room");
        p += done;
        n -= (size_t)done;
    }
    return CLAB_OK;
}

static clab_status deflate_piece(clab_ctx *cx, int64_t i, int worker, void *arg)
{
    clab__gzip_out *z = arg;
    (void)worker;
    z->packed_len[i] = libdeflate_gzip_compress(z->deflate[i], z->text + i * PIECE, z->len[i],
                                                z->packed + (size_t)i * z->bound, z->bound);
    return z->packed_len[i] > 0 ? CLAB_OK : clab_fail(cx, CLAB_EINTERNAL, "a piece of %s was not deflated", z->name);
}

static clab_status flush(clab__gzip_out *z)
{
    int64_t n = z->at + (z->len[z->at] > 0 || !z->any);
    clab_status st = clab_check(z->cx);
    if (st == CLAB_OK && z->level < 0)
        st = write_all(z, z->text, z->len[0]);
    else if (st == CLAB_OK)
        st = clab_parallel(z->cx, n, deflate_piece, z);
    for (int64_t i = 0; st == CLAB_OK && z->level >= 0 && i < n; i++)
        st = write_all(z, z->packed + (size_t)i * z->bound, z->packed_len[i]);
    memset(z->len, 0, sizeof z->len);
    z->at = 0;
    z->any = true;
    return st;
}

clab_status clab__gzip_put(clab__gzip_out *z, const char *s, size_t n)
{
    while (n > 0) {
        size_t room = PIECE - z->len[z->at], k = n < room ? n : room;
        memcpy(z->text + (size_t)z->at * PIECE + z->len[z->at], s, k);
        z->len[z->at] += k;
        s += k;
        n -= k;
        if (z->len[z->at] < PIECE)
            continue;
        if (z->at + 1 < z->n_pieces) {
            z->at++;
            continue;
        }
        clab_status st = flush(z);
        if (st != CLAB_OK)
            return st;
    }
    return CLAB_OK;
}

clab_status clab__gzip_end(clab__gzip_out *z)
{
    bool nothing = z->at == 0 && z->len[0] == 0 && z->any;
    return nothing ? CLAB_OK : flush(z);
}

/* ---- numbers ------------------------------------------------------------------------------------------------*/

size_t clab__print_value(double x, bool f64, char *to)
{
    static const int digits[2][3] = {{6, 8, 9}, {15, 16, 17}};
    if (isnan(x))
        return (size_t)sprintf(to, "nan");
    if (fabs(x) < 1e15 && x == floor(x)) {
        char buf[24], *p = buf + sizeof buf;
        int64_t v = (int64_t)fabs(x);
        do
            *--p = (char)('0' + v % 10);
        while ((v /= 10) > 0);
        if (x < 0)
            *--p = '-';
        size_t n = (size_t)(buf + sizeof buf - p);
        memcpy(to, p, n);
        return n;
    }
    int n = 0;
    for (int i = 0; i < 3; i++) {
        n = sprintf(to, "%.*g", digits[f64][i], x);
        if (f64 ? strtod(to, NULL) == x : strtof(to, NULL) == (float)x)
            break;
    }
    return (size_t)n;
}
