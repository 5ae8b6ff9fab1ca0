/* text_out.c -- small text files, written atomically: any text, and obs columns as CSV. */
#include "io/io_impl.h"

#include "base/fault.h"
#include "base/text.h"
#include "ledger/ledger.h"
#include "ledger/timeline.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PIECE (1 << 20)

static clab_status write_all(clab_ctx *cx, const clab__atomic *a, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t done = clab_fault_io(cx) ? -1 : write(a->fd, text, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return clab_fail(cx, CLAB_EIO, "%s cannot be written: %s", clab_show(a->target), strerror(errno));
        if (clab_ctx_planning(cx))
            clab_timeline_file(cx, true, done);
        text += done;
        n -= (size_t)done;
    }
    return CLAB_OK;
}

clab_status clab_write_text(clab_ctx *cx, const char *path, const char *text, size_t n)
{
    clab__atomic a;
    clab_status st = clab__atomic_begin(cx, path, &a);
    if (st != CLAB_OK)
        return st;
    st = write_all(cx, &a, text, n);
    if (st == CLAB_OK)
        return clab__atomic_commit(cx, &a);
    clab__atomic_abort(&a);
    return st;
}

/* ---- CSV -----------------------------------------------------------------------------------------*/

/* A field as RFC 4180 quotes it; text that a spreadsheet would run as a formula gets a ' in front. */
static void add_field(clab_str *b, const char *s, bool text)
{
    bool formula = text && *s && strchr("=+-@\t\r", *s);
    if (!formula && !strpbrk(s, ",\"\n\r")) {
        clab_str_add(b, s);
        return;
    }
    clab_str_add(b, formula ? "\"'" : "\"");
    for (const char *quote; (quote = strchr(s, '"')); s = quote + 1) {
        clab_str_addn(b, s, (size_t)(quote - s));
        clab_str_add(b, "\"\"");
    }
    clab_str_add(b, s);
    clab_str_add(b, "\"");
}

static void add_row(clab_str *b, const clab_dataset *d, const clab_value *const *columns, int n, int64_t row)
{
    char buf[64];
    add_field(b, clab_dataset_obs_name(d, row), true);
    for (int k = 0; k < n; k++) {
        const char *s = clab_value_at_str(columns[k], row, buf, sizeof buf);
        clab_str_add(b, ",");
        if (s)
            add_field(b, s, !clab_value_is_numeric(columns[k]));
    }
    clab_str_add(b, "\n");
}

static clab_status write_rows(clab_ctx *cx, const clab__atomic *a, const clab_dataset *d,
                              const clab_value *const *columns, const char *const *names, int n)
{
    clab_str b = {0};
    clab_status st = CLAB_OK;
    const char *index = d->obs->index_name;
    add_field(&b, index && strcmp(index, "_index") != 0 ? index : "cell", true);
    for (int k = 0; k < n; k++) {
        clab_str_add(&b, ",");
        add_field(&b, names[k], true);
    }
    clab_str_add(&b, "\n");
    for (int64_t i = 0; st == CLAB_OK && i < clab_dataset_n_obs(d); i++) {
        add_row(&b, d, columns, n, i);
        if (b.len < PIECE)
            continue;
        st = b.failed ? CLAB_OK : write_all(cx, a, b.s, b.len);
        if (st == CLAB_OK)
            st = clab_check(cx);
        b.len = 0;
    }
    if (st == CLAB_OK && b.failed)
        st = clab_fail(cx, CLAB_ENOMEM, "no memory for a piece of %s", clab_show(a->target));
    if (st == CLAB_OK)
        st = write_all(cx, a, b.s, b.len);
    clab_str_free(&b);
    return st;
}

clab_status clab_write_csv(clab_ctx *cx, const clab_dataset *d, const char *const *columns, int n,
                           const char *path)
{
    clab__atomic a;
    void *held = NULL;
    const char *const *names = n > 0 ? columns : (const char *const *)d->obs->names;
    int count = n > 0 ? n : (int)d->obs->n_items;
    clab_status st = clab_mem_alloc(cx, CLAB_MEM_WORK, (count + 1) * (int64_t)sizeof(clab_value *),
                                    "columns of a CSV", &held);
    const clab_value **found = held;
    for (int k = 0; st == CLAB_OK && k < count; k++)
        st = clab_dataset_obs_get(cx, d, names[k], &found[k]);
    if (st == CLAB_OK)
        st = clab__atomic_begin(cx, path, &a);
    if (st == CLAB_OK) {
        st = write_rows(cx, &a, d, found, names, count);
        if (st == CLAB_OK)
            st = clab__atomic_commit(cx, &a);
        else
            clab__atomic_abort(&a);
    }
    clab_mem_free(cx, held);
    return st;
}
