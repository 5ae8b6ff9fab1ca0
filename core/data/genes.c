/* genes.c -- kinds of gene names, and joins of lists of them. */
#include "data/genes.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "data/dataset_impl.h"
#include "ledger/ledger.h"

/* ---- kinds of IDs -----------------------------------------------------------------------------------*/

/* ENSG00000141510, ENSMUSG00000059552.14: letters, then 11 digits, then perhaps a version. */
bool clab__is_ensembl(const char *name)
{
    size_t letters = 3, digits = 0;

    if (strncmp(name, "ENS", 3) != 0)
        return false;
    while (isupper((unsigned char)name[letters]))
        letters++;
    while (isdigit((unsigned char)name[letters + digits]))
        digits++;
    const char *rest = name + letters + digits;
    return letters >= 4 && digits == 11 &&
           (*rest == '\0' || (*rest == '.' && isdigit((unsigned char)rest[1])));
}

const char *clab_gene_id_kind(const char *const *names, int64_t n)
{
    int64_t ensembl = 0;

    for (int64_t i = 0; i < n; i++)
        ensembl += clab__is_ensembl(names[i]);
    if (n > 0 && ensembl >= n - n / 10)
        return "Ensembl gene IDs";
    return ensembl <= n / 10 ? "symbols" : "mixed";
}

/* ---- joins --------------------------------------------------------------------------------------------*/

typedef struct {
    clab_ctx *cx;
    const char *const *const *lists;
    const int64_t *len;
    const char *const *what;
    int n;
} input;

/* Names the first few that occur twice. */
static clab_status twice(const input *in, int i)
{
    clab_names *seen = NULL;
    clab_str names = {0};
    int64_t n = 0;
    clab_status s = clab_names_new(in->cx, NULL, 0, NULL, &seen);

    for (int64_t g = 0; s == CLAB_OK && g < in->len[i]; g++) {
        int64_t count = clab_names_count(seen);
        if (clab_names_add(seen, in->lists[i][g]) == count)
            continue;
        if (n++ < 8)
            clab_str_addf(&names, "%s%s", n > 1 ? ", " : "", clab_show(in->lists[i][g]));
    }
    clab_names_free(seen);
    if (s == CLAB_OK)
        s = clab_fail(in->cx, CLAB_ESHAPE, "%s has gene names that occur more than once (%s in all): %s%s",
                      clab_show(in->what[i]), clab_text_count(n), names.s ? names.s : "",
                      n > 8 ? ", ..." : "");
    clab_str_free(&names);
    return clab_hint(in->cx, "make them unique first, or match by a var column of unique names");
}

static clab_status new_join(const input *in, int64_t capacity, clab_gene_join **out)
{
    clab_gene_join *j = calloc(1, sizeof *j);
    clab_status s;

    if (!j)
        return clab_fail(in->cx, CLAB_ENOMEM, "no memory for a join of genes");
    *out = j;
    j->n_lists = in->n;
    j->map = calloc((size_t)in->n, sizeof *j->map);
    if (!j->map)
        return clab_fail(in->cx, CLAB_ENOMEM, "no memory for a join of genes");
    s = clab_mem_alloc(in->cx, CLAB_MEM_WORK, capacity * (int64_t)sizeof *j->names + 8, "gene names",
                       (void **)&j->names);
    for (int i = 0; s == CLAB_OK && i < in->n; i++)
        s = clab_mem_alloc(in->cx, CLAB_MEM_WORK, in->len[i] * (int64_t)sizeof **j->map + 8, "gene map",
                           (void **)&j->map[i]);
    return s;
}

void clab_gene_join_free(clab_ctx *cx, clab_gene_join *j)
{
    if (!j)
        return;
    for (int i = 0; j->map && i < j->n_lists; i++)
        clab_mem_free(cx, j->map[i]);
    free(j->map);
    clab_mem_free(cx, j->names);
    free(j);
}

static bool lists_identical(const input *in)
{
    for (int i = 1; i < in->n; i++) {
        if (in->len[i] != in->len[0])
            return false;
        for (int64_t g = 0; g < in->len[0]; g++)
            if (strcmp(in->lists[i][g], in->lists[0][g]) != 0)
                return false;
    }
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* in_lists[k] = how many lists hold the k-th distinct name; names are unique within a list. */
static clab_status tally(const input *in, clab_names *all, int32_t *in_lists)
{
    for (int i = 0; i < in->n; i++)
        for (int64_t g = 0; g < in->len[i]; g++) {
            int64_t at = clab_names_add(all, in->lists[i][g]);
            if (at < 0)
                return clab_fail(in->cx, CLAB_ENOMEM, "no memory for a join of genes");
            in_lists[at]++;
        }
    return CLAB_OK;
}

static clab_status fill_join(const input *in, bool outer, clab_names *all, const int32_t *in_lists,
                             clab_gene_join *j)
{
    clab_names *result = NULL;
    int64_t n_all = clab_names_count(all);
    clab_status s;

    j->identical = lists_identical(in);
    for (int64_t g = 0; g < in->len[0]; g++)
        j->shared += in_lists[clab_names_get(all, in->lists[0][g])] == in->n;
    j->same_set = j->shared == n_all;
    if (!outer || j->identical) {
        for (int64_t g = 0; g < in->len[0]; g++)
            if (in_lists[clab_names_get(all, in->lists[0][g])] == in->n)
                j->names[j->n++] = in->lists[0][g];
    } else {
        for (int i = 0; i < in->n; i++)
            for (int64_t g = 0; g < in->len[i]; g++)
                if (clab_names_get(all, in->lists[i][g]) == j->n) /* its first appearance */
                    j->names[j->n++] = in->lists[i][g];
        qsort(j->names, (size_t)j->n, sizeof *j->names, compare_names);
    }
    s = clab_names_new(in->cx, j->names, j->n, NULL, &result);
    for (int i = 0; s == CLAB_OK && i < in->n; i++)
        for (int64_t g = 0; g < in->len[i]; g++)
            j->map[i][g] = (int32_t)clab_names_get(result, in->lists[i][g]);
    clab_names_free(result);
    return s;
}

clab_status clab_gene_join_new(clab_ctx *cx, const char *const *const *lists, const int64_t *len,
                               const char *const *what, int n, bool outer, clab_gene_join **out)
{
    input in = {cx, lists, len, what, n};
    int64_t total = 0;
    int32_t *in_lists = NULL;
    clab_names *all = NULL;
    clab_gene_join *j = NULL;
    clab_status s = CLAB_OK;

    for (int i = 0; s == CLAB_OK && i < n; i++) {
        clab_names *one = NULL;
        int64_t n_twice = 0;
        total += len[i];
        s = clab_names_new(cx, lists[i], len[i], &n_twice, &one);
        clab_names_free(one);
        if (s == CLAB_OK && n_twice > 0)
            s = twice(&in, i);
    }
    if (s == CLAB_OK && total > INT32_MAX)
        s = clab_fail(cx, CLAB_ESHAPE, "too many genes to join: %s", clab_text_count(total));
    if (s == CLAB_OK)
        s = clab_names_new(cx, NULL, 0, NULL, &all);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, total * 4 + 4, "gene names", (void **)&in_lists);
    if (s == CLAB_OK)
        s = tally(&in, all, in_lists);
    if (s == CLAB_OK)
        s = new_join(&in, total, &j);
    if (s == CLAB_OK)
        s = fill_join(&in, outer, all, in_lists, j);
    clab_names_free(all);
    clab_mem_free(cx, in_lists);
    if (s != CLAB_OK) {
        clab_gene_join_free(cx, j);
        return s;
    }
    *out = j;
    return CLAB_OK;
}
