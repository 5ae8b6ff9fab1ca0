/* gene_table.c -- the bundled tables of gene names: found, inflated, indexed. */
#include "data/gene_table.h"

#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/names.h"
#include "base/text.h"
#include "ledger/ledger.h"

#define PACKED_MAX (16LL << 20)
#define TEXT_MAX (64LL << 20)

/* Names of one kind, each with its row; -1 where it belongs to several genes. */
typedef struct {
    clab_names *names;
    int32_t *row;
    int64_t room;
} kind_index;

struct clab_gene_table {
    char *text;         /* the file, NUL where a field ends */
    const char *about;
    int64_t n;
    const char **id, **symbol; /* n */
    clab_names *ids;
    kind_index symbols, previous, aliases;
};

const char *clab_species_name(clab_species s)
{
    return s == CLAB_HUMAN ? "human" : "mouse";
}

/* ---- the file -------------------------------------------------------------------------------------*/

/* Folders that may hold the tables, the first that exists; buf gets its path. */
static bool find_file(clab_ctx *cx, const char *name, char *buf, size_t n)
{
    static const char *const beside[] = {"../share/celllab", "../data", "../../data"};
    const char *set = getenv("CELLLAB_DATA");
    char program[PATH_MAX], *slash;

    if (set && *set)
        return (size_t)snprintf(buf, n, "%s/genes/%s", set, name) < n && access(buf, R_OK) == 0;
    if (!realpath(clab_program(cx), program) || !(slash = strrchr(program, '/')))
        return false;
    *slash = '\0';
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
        if ((size_t)snprintf(buf, n, "%s/%s/genes/%s", program, beside[i], name) < n && access(buf, R_OK) == 0)
            return true;
    return false;
}

static clab_status slurp(clab_ctx *cx, const char *path, void **bytes, int64_t *n)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int64_t got = 0;
    clab_status s = fd >= 0 && fstat(fd, &st) == 0
                        ? CLAB_OK
                        : clab_fail(cx, CLAB_EIO, "%s cannot be read: %s", clab_show(path), strerror(errno));

    if (s == CLAB_OK && (!S_ISREG(st.st_mode) || st.st_size < 20 || st.st_size > PACKED_MAX))
        s = clab_fail(cx, CLAB_EFORMAT, "%s is no gene table", clab_show(path));
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, st.st_size, "gene table", bytes);
    while (s == CLAB_OK && got < st.st_size) {
        ssize_t k = read(fd, (char *)*bytes + got, (size_t)(st.st_size - got));
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            s = clab_fail(cx, CLAB_EIO, "%s cannot be read: %s", clab_show(path), k < 0 ? strerror(errno) : "it ends early");
        else
            got += k;
    }
    *n = got;
    if (fd >= 0)
        close(fd);
    return s;
}

static clab_status inflate(clab_ctx *cx, const char *path, const uint8_t *packed, int64_t n, char **text, int64_t *len)
{
    int64_t size = (int64_t)packed[n - 4] | (int64_t)packed[n - 3] << 8 | (int64_t)packed[n - 2] << 16 |
                   (int64_t)packed[n - 1] << 24;
    struct libdeflate_decompressor *z = libdeflate_alloc_decompressor();
    size_t got = 0;
    clab_status s = z ? CLAB_OK : clab_fail(cx, CLAB_ENOMEM, "no memory for a gene table");

    if (s == CLAB_OK && (size < 2 || size > TEXT_MAX))
        s = clab_fail(cx, CLAB_EFORMAT, "%s is no gene table", clab_show(path));
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, size + 1, "gene table", (void **)text);
    if (s == CLAB_OK && (libdeflate_gzip_decompress(z, packed, (size_t)n, *text, (size_t)size, &got) != LIBDEFLATE_SUCCESS ||
                         got != (size_t)size || memchr(*text, '\0', got) || (*text)[got - 1] != '\n'))
        s = clab_fail(cx, CLAB_EFORMAT, "%s is damaged", clab_show(path));
    libdeflate_free_decompressor(z);
    if (s == CLAB_OK)
        (*text)[size] = '\0';
    *len = size;
    return s;
}

/* ---- indices --------------------------------------------------------------------------------------*/

static clab_status index_add(clab_ctx *cx, kind_index *x, const char *name, int64_t row)
{
    int64_t count = clab_names_count(x->names), at = clab_names_add(x->names, name);

    if (at < 0)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a gene table");
    if (at >= x->room) {
        int64_t room = x->room ? 2 * x->room : 32768;
        clab_status s = clab_mem_grow(cx, CLAB_MEM_WORK, room * 4, "gene table", (void **)&x->row);
        if (s != CLAB_OK)
            return s;
        x->room = room;
    }
    if (at == count)
        x->row[at] = (int32_t)row;
    else if (x->row[at] != row)
        x->row[at] = -1;
    return CLAB_OK;
}

/* "a|b|c": each into the index; the text is cut. */
static clab_status index_list(clab_ctx *cx, kind_index *x, char *list, int64_t row)
{
    clab_status s = CLAB_OK;

    for (char *end; s == CLAB_OK && *list; list = end) {
        end = list + strcspn(list, "|");
        if (*end)
            *end++ = '\0';
        if (*list)
            s = index_add(cx, x, list, row);
    }
    return s;
}

/* Cuts the next field off the line at *p; "" behind its end. */
static char *field(char **p)
{
    char *from = *p, *end = from + strcspn(from, "\t");

    *p = *end ? end + 1 : end;
    *end = '\0';
    return from;
}

static clab_status index_text(clab_ctx *cx, clab_gene_table *t, const char *path)
{
    int64_t lines = 0, at = 0;
    clab_status s;

    for (char *p = t->text; (p = strchr(p, '\n')); p++)
        lines++;
    if ((s = clab_mem_alloc(cx, CLAB_MEM_WORK, lines * 8, "gene table", (void **)&t->id)) != CLAB_OK ||
        (s = clab_mem_alloc(cx, CLAB_MEM_WORK, lines * 8, "gene table", (void **)&t->symbol)) != CLAB_OK ||
        (s = clab_names_new(cx, NULL, 0, NULL, &t->ids)) != CLAB_OK ||
        (s = clab_names_new(cx, NULL, 0, NULL, &t->symbols.names)) != CLAB_OK ||
        (s = clab_names_new(cx, NULL, 0, NULL, &t->previous.names)) != CLAB_OK ||
        (s = clab_names_new(cx, NULL, 0, NULL, &t->aliases.names)) != CLAB_OK)
        return s;
    for (char *line = t->text, *next; s == CLAB_OK && *line; line = next) {
        next = strchr(line, '\n');
        *next++ = '\0';
        if (*line == '#') {
            t->about = t->about ? t->about : line + 1 + strspn(line + 1, " ");
            continue;
        }
        char *p = line;
        t->id[at] = field(&p);
        t->symbol[at] = field(&p);
        if (!*t->id[at] || !*t->symbol[at])
            return clab_fail(cx, CLAB_EFORMAT, "%s is damaged: gene %lld", clab_show(path), (long long)at + 1);
        if (clab_names_add(t->ids, t->id[at]) != at)
            return clab_fail(cx, CLAB_EFORMAT, "%s holds %s twice", clab_show(path), clab_show(t->id[at]));
        s = index_add(cx, &t->symbols, t->symbol[at], at);
        if (s == CLAB_OK)
            s = index_list(cx, &t->previous, field(&p), at);
        if (s == CLAB_OK)
            s = index_list(cx, &t->aliases, field(&p), at);
        at++;
    }
    t->n = at;
    return s;
}

clab_status clab_gene_table_open(clab_ctx *cx, clab_species species, clab_gene_table **out)
{
    char name[32], path[PATH_MAX + 64];
    clab_gene_table *t = NULL;
    void *packed = NULL;
    int64_t n = 0, len = 0;
    clab_status s;

    *out = NULL;
    snprintf(name, sizeof name, "%s.tsv.gz", clab_species_name(species));
    if (!find_file(cx, name, path, sizeof path)) {
        clab_fail(cx, CLAB_ENOTFOUND, "the table of %s genes, genes/%s, was not found in %s", clab_species_name(species),
                  name, getenv("CELLLAB_DATA") ? "$CELLLAB_DATA" : "../share/celllab or ../data of the program");
        return clab_hint(cx, "set CELLLAB_DATA to the folder that holds genes/");
    }
    t = calloc(1, sizeof *t);
    s = t ? slurp(cx, path, &packed, &n) : clab_fail(cx, CLAB_ENOMEM, "no memory for a gene table");
    if (s == CLAB_OK)
        s = inflate(cx, path, packed, n, &t->text, &len);
    if (s == CLAB_OK)
        s = index_text(cx, t, path);
    clab_mem_free(cx, packed);
    if (s != CLAB_OK) {
        clab_gene_table_free(cx, t);
        t = NULL;
    }
    *out = t;
    return s;
}

void clab_gene_table_free(clab_ctx *cx, clab_gene_table *t)
{
    if (!t)
        return;
    kind_index *kinds[] = {&t->symbols, &t->previous, &t->aliases};
    for (int i = 0; i < 3; i++) {
        clab_names_free(kinds[i]->names);
        clab_mem_free(cx, kinds[i]->row);
    }
    clab_names_free(t->ids);
    clab_mem_free(cx, t->id);
    clab_mem_free(cx, t->symbol);
    clab_mem_free(cx, t->text);
    free(t);
}

/* ---- asking ---------------------------------------------------------------------------------------*/

const char *clab_gene_table_about(const clab_gene_table *t)
{
    return t->about ? t->about : "";
}

int64_t clab_gene_table_n(const clab_gene_table *t)
{
    return t->n;
}

const char *clab_gene_table_id(const clab_gene_table *t, const char *name, clab_gene_match *how)
{
    const kind_index *kinds[] = {&t->symbols, &t->previous, &t->aliases};
    clab_gene_match none;

    how = how ? how : &none;
    for (int i = 0; i < 3; i++) {
        int64_t at = clab_names_get(kinds[i]->names, name);
        if (at < 0)
            continue;
        *how = kinds[i]->row[at] < 0 ? CLAB_GENE_AMBIGUOUS : (clab_gene_match)(CLAB_GENE_SYMBOL + i);
        return kinds[i]->row[at] < 0 ? NULL : t->id[kinds[i]->row[at]];
    }
    *how = CLAB_GENE_UNKNOWN;
    return NULL;
}

const char *clab_gene_table_symbol(const clab_gene_table *t, const char *id)
{
    int64_t at = clab_names_get(t->ids, id);

    return at < 0 ? NULL : t->symbol[at];
}
