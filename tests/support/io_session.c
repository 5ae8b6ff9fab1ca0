/* io_session.c -- what tests of reading and writing share: a session, a temporary folder, file contents. */
#include "io_session.h"

#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "data/rows.h"

const clab_guest_role io_roles[] = {
    {"h5-read", clab_h5_guest_read},
    {"h5-rows", clab_h5_guest_rows},
    {"text-read", clab_text_guest_read},
    {"h5-write", clab_h5_guest_write},
    {"inspect", clab_guest_inspect},
    {"h5-read-value", clab_h5_guest_read_value},
    {NULL, NULL},
};

static void keep_note(void *user, clab_note_level level, const char *text)
{
    io_session *s = user;
    clab_str_addf(level == CLAB_NOTE_WARN ? &s->warnings : &s->notes, "%s\n", text);
    s->n_warnings += level == CLAB_NOTE_WARN;
}

void io_start(io_session *s)
{
    memset(s, 0, sizeof *s);
    clab_ctx_opts o = {.threads = 2, .note = keep_note, .note_user = s};
    clab_ledger_opts lo = {0};
    s->cx = clab_ctx_new(&o);
    assert_non_null(s->cx);
    assert_int_equal(clab_ledger_new(s->cx, &lo, &s->ledger), CLAB_OK);
}

void io_stop(io_session *s)
{
    assert_int_equal(clab_mem_live(s->cx), 0);
    clab_ledger_free(s->ledger);
    clab_ctx_free(s->cx);
    clab_str_free(&s->warnings);
    clab_str_free(&s->notes);
}

void io_forget(io_session *s)
{
    clab_error_clear(s->cx);
    clab_str_free(&s->warnings);
    clab_str_free(&s->notes);
    memset(&s->warnings, 0, sizeof s->warnings);
    memset(&s->notes, 0, sizeof s->notes);
    s->n_warnings = 0;
}

/* ---- files ---------------------------------------------------------------------------------------*/

static char scratch[256];

const char *io_scratch(void)
{
    const char *base = getenv("TMPDIR");
    if (!*scratch) {
        snprintf(scratch, sizeof scratch, "%s/celllab-io-XXXXXX", base && *base ? base : "/tmp");
        assert_non_null(mkdtemp(scratch));
    }
    return scratch;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void io_scratch_end(void)
{
    if (*scratch)
        nftw(scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    *scratch = 0;
}

int io_clean(void **state)
{
    (void)state;
    io_scratch_end();
    return 0;
}

const char *io_path(const char *name)
{
    static char path[8][600];
    static int at;
    at = (at + 1) % 8;
    snprintf(path[at], sizeof path[at], "%s/%s", io_scratch(), name);
    return path[at];
}

const char *io_format_dir(bool shared)
{
    static char dir[2][512];
    const char *base = getenv(shared ? "CLAB_SHARED" : "CLAB_SOURCE");
    struct stat st;
    if (!base)
        return NULL;
    snprintf(dir[shared], sizeof dir[shared], "%s/%s", base, shared ? "format" : "tests/data/format");
    return stat(dir[shared], &st) == 0 ? dir[shared] : NULL;
}

const char *io_good(const char *name)
{
    static char path[1200];
    snprintf(path, sizeof path, "%s/gen/%s", io_format_dir(false), name);
    return path;
}

void io_read(io_session *s, const char *path, clab_dataset **d)
{
    if (clab_read(s->cx, path, NULL, d) != CLAB_OK)
        fail_msg("%s: %s", path, clab_error_text(s->cx));
}

void io_write(io_session *s, const clab_dataset *d, const char *path)
{
    if (clab_write(s->cx, d, path, NULL) != CLAB_OK)
        fail_msg("%s: %s", path, clab_error_text(s->cx));
}

char *io_slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    *n = 0;
    if (!f || fstat(fileno(f), &st) != 0)
        return NULL;
    char *text = malloc((size_t)st.st_size + 1);
    *n = text ? fread(text, 1, (size_t)st.st_size, f) : 0;
    if (text)
        text[*n] = 0;
    fclose(f);
    return text;
}

int io_count_temporary(void)
{
    int n = 0;
    DIR *d = opendir(io_scratch());
    for (struct dirent *e; d && (e = readdir(d));)
        n += strlen(e->d_name) > 4 && strcmp(e->d_name + strlen(e->d_name) - 4, ".tmp") == 0;
    if (d)
        closedir(d);
    return n;
}

/* ---- comparing -----------------------------------------------------------------------------------*/

static bool same_matrix(clab_ctx *cx, const clab_matrix *a, const clab_matrix *b)
{
    clab_rows *ra = NULL, *rb = NULL;
    clab_rows_opts o = {.f64 = true, .block_rows = 64};
    const clab_csr *x = NULL, *y = NULL;
    bool same = (a == NULL) == (b == NULL);
    if (!a || !b)
        return same;
    same = clab_matrix_n_rows(a) == clab_matrix_n_rows(b) && clab_matrix_n_cols(a) == clab_matrix_n_cols(b) &&
           clab_matrix_dtype(a) == clab_matrix_dtype(b) &&
           clab_matrix_is_dense(a) == clab_matrix_is_dense(b) && clab_rows_open(cx, a, &o, &ra) == CLAB_OK &&
           clab_rows_open(cx, b, &o, &rb) == CLAB_OK;
    while (same && clab_rows_next(cx, ra, &x) == CLAB_OK && clab_rows_next(cx, rb, &y) == CLAB_OK && x && y)
        same = x->n_rows == y->n_rows && x->nnz == y->nnz &&
               memcmp(x->indptr, y->indptr, (size_t)(x->n_rows + 1) * 8) == 0 &&
               memcmp(x->indices, y->indices, (size_t)x->nnz * 4) == 0 &&
               memcmp(x->f64, y->f64, (size_t)x->nnz * 8) == 0;
    same = same && (x == NULL) == (y == NULL);
    clab_rows_close(cx, ra);
    clab_rows_close(cx, rb);
    return same;
}

/* uns without what celllab itself adds. */
static clab_value *plain_uns(clab_ctx *cx, const clab_dataset *d)
{
    clab_value *u = NULL;
    assert_int_equal(clab_value_copy(cx, d->uns, &u), CLAB_OK);
    clab_value_remove(u, "celllab");
    return u;
}

const char *io_difference(clab_ctx *cx, const clab_dataset *a, const clab_dataset *b)
{
    const struct {
        const char *name;
        const clab_value *a, *b;
    } parts[] = {{"obs", a->obs, b->obs},    {"var", a->var, b->var},    {"obsm", a->obsm, b->obsm},
                 {"varm", a->varm, b->varm}, {"obsp", a->obsp, b->obsp}, {"varp", a->varp, b->varp}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!clab_value_equal(parts[i].a, parts[i].b))
            return parts[i].name;
    clab_value *ua = plain_uns(cx, a), *ub = plain_uns(cx, b);
    bool same = clab_value_equal(ua, ub);
    clab_value_unref(ua);
    clab_value_unref(ub);
    if (!same)
        return "uns";
    if (!same_matrix(cx, a->x, b->x))
        return "X";
    if (!same_matrix(cx, a->raw.x, b->raw.x) || (a->raw.var && !clab_value_equal(a->raw.var, b->raw.var)))
        return "raw";
    if (a->n_layers != b->n_layers)
        return "layers";
    for (int64_t i = 0; i < a->n_layers; i++)
        if (strcmp(a->layer_names[i], b->layer_names[i]) != 0 || !same_matrix(cx, a->layers[i], b->layers[i]))
            return a->layer_names[i];
    return NULL;
}
