/* guide.c -- the calculation of docs/memory.md without any file: what the steps of the usual tutorial hold, step by
 * step, and what the same steps hold here. */
#include <stdio.h>
#include <string.h>

#include "base/svg.h"
#include "plan_impl.h"

/* Measured here: packed counts take 1.0 to 1.3 bytes an entry; the program, its libraries and interpreter. */
#define PACKED_BYTES 1.25
#define PROGRAM_BYTES ((int64_t)20 << 20)
#define BLOCK_BYTES ((int64_t)4 << 20)

/* scVI over the usual 2,000 variable genes: four matrices of genes x 128, each with two moments and a gradient. */
#define SCVI_BYTES ((int64_t)4 * 2000 * 128 * 4 * 4)

static int64_t bytes(double x)
{
    return x < 9e18 ? (int64_t)x : INT64_MAX;
}

static void add(clab_guide_row *rows, int *n, const char *what, double usual, double here)
{
    clab_guide_row *r = &rows[(*n)++];

    snprintf(r->what, sizeof r->what, "%s", what);
    r->usual = bytes(usual);
    r->here = bytes(here);
}

clab_status clab_guide_check(clab_ctx *cx, const clab_guide *g)
{
    const int64_t most = g->reference_genes > g->query_genes ? g->reference_genes : g->query_genes;

    if (g->reference_cells < 1 || g->query_cells < 0 || g->reference_genes < 1 || g->query_genes < 0)
        return clab_fail(cx, CLAB_EARG, "whatif: cells and genes are numbers above 0: reference={50000, 30000}");
    if (g->union_genes < most || g->union_genes > g->reference_genes + g->query_genes)
        return clab_fail(cx, CLAB_EARG, "whatif: a union of %s genes is impossible: %s and %s genes give %s to %s",
                         clab_text_count(g->union_genes), clab_text_count(g->reference_genes),
                         clab_text_count(g->query_genes), clab_text_count(most),
                         clab_text_count(g->reference_genes + g->query_genes));
    if (!(g->density > 0 && g->density <= 1))
        return clab_fail(cx, CLAB_EARG, "whatif: density is the share of values that are not zero, above 0 and up to 1");
    return CLAB_OK;
}

int clab_guide_rows(const clab_guide *g, clab_guide_row rows[CLAB_GUIDE_ROWS])
{
    const double n = (double)(g->reference_cells + g->query_cells), u = (double)g->union_genes;
    const double size = g->float64 ? 8 : 4, genes = (double)(g->reference_genes + g->query_genes);
    const double nnz = g->density * ((double)g->reference_cells * (double)g->reference_genes +
                                     (double)g->query_cells * (double)g->query_genes);
    const double csr = 8 * nnz + 8 * n, packed = PACKED_BYTES * nnz + 16 * n;
    int k = 0;

    add(rows, &k, "both studies read: CSR of float32 / packed counts", csr, packed);
    add(rows, &k, "joined over the union of genes: a copy / a view", csr, 8 * n + 4 * genes);
    add(rows, &k, "normalised, log1p: a copy / a recipe", csr, 8 * n);
    add(rows, &k, g->float64 ? "scaled, centred: dense float64 / a recipe" : "scaled, centred: dense float32 / a recipe",
        n * u * size, 16 * u);
    add(rows, &k, "on the way there: three dense float32 at once / blocks", 3 * n * u * 4, (double)BLOCK_BYTES);
    add(rows, &k, "kept in .raw or a layer: one more / the same counts", n * u * size, 0);
    add(rows, &k, "toarray() for the classifier: one more / streamed", n * u * size, (double)BLOCK_BYTES);
    add(rows, &k, "scVI over 2,000 variable genes", (double)SCVI_BYTES, (double)SCVI_BYTES);
    add(rows, &k, "the program itself: Python with its libraries / celllab", 600e6, (double)PROGRAM_BYTES);
    return k;
}

clab_status clab_guide_text(clab_ctx *cx, const clab_guide *g, char **out)
{
    clab_guide_row rows[CLAB_GUIDE_ROWS];
    const int k = clab_guide_rows(g, rows);
    double usual = 0, here = 0;
    clab_str b = {0};

    clab_str_addf(&b, "reference %s x %s, query %s x %s, union of %s genes, %.1f %% of the values not zero\n",
                  clab_text_count(g->reference_cells), clab_text_count(g->reference_genes),
                  clab_text_count(g->query_cells), clab_text_count(g->query_genes), clab_text_count(g->union_genes),
                  100 * g->density);
    clab_str_addf(&b, "%-58s %12s %12s\n", "what is held", "the guide", "celllab");
    for (int i = 0; i < k; i++) {
        clab_str_addf(&b, "%-58s %12s %12s\n", rows[i].what, clab_bytes(rows[i].usual), clab_bytes(rows[i].here));
        usual += (double)rows[i].usual;
        here += (double)rows[i].here;
    }
    clab_str_addf(&b, "%-58s %12s %12s\n", "all of it at once", clab_bytes(bytes(usual)), clab_bytes(bytes(here)));
    clab_str_addf(&b, "%.0f times less, because nothing is made dense and counts are never copied; celllab plan SCRIPT.lua\n"
                      "tells it for files that are there", usual / here);
    return clab_str_give(cx, &b, out);
}
