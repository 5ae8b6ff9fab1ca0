"""Make the demo's reference and query from the PBMC file that ships inside the scanpy wheel.

usage: python make_pbmc.py 10x_pbmc68k_reduced.h5ad OUTDIR     (needs anndata, numpy, scipy, pandas)

The file stores log-normalised values rounded to three decimals.  Within a cell they are log1p(s * count)
with one s, so the counts are expm1(x) / s, where expm1(x) of the smallest values is s itself.  A cell whose
values do not come out whole within the rounding is dropped.
"""
import sys
import warnings

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

warnings.filterwarnings("ignore")
source, out = sys.argv[1:3]
a = ad.read_h5ad(source)
log = sp.csr_matrix(a.raw.X).astype(np.float64)
genes = np.array(a.raw.var_names)
labels = a.obs["bulk_labels"].astype(str).values


def counts_of(values):
    """Whole counts behind one cell's log values, or None when none fit."""
    low, high = np.expm1(values - 5.1e-4), np.expm1(values + 5.1e-4)   # what the rounding allows
    for smallest in (1, 2, 3):                                         # the smallest stored count
        i = values.argmin()
        s_low, s_high = low[i] / smallest, high[i] / smallest          # bounds of s, narrowed cell by cell
        for j in np.argsort(values):
            c = np.rint((low[j] + high[j]) / (s_low + s_high))
            s_low, s_high = max(s_low, low[j] / c), min(s_high, high[j] / c)
            if s_low > s_high:
                break
        else:
            return np.rint(np.expm1(values) / ((s_low + s_high) / 2))
    return None


rows, kept, dropped = [], [], []
for i in range(log.shape[0]):
    row = log.getrow(i)
    c = counts_of(row.data)
    if c is None:
        dropped.append(a.obs_names[i])
        continue
    rows.append(sp.csr_matrix((c.astype(np.float32), row.indices, [0, len(c)]), shape=(1, log.shape[1])))
    kept.append(i)
X = sp.vstack(rows).tocsr()
X.sort_indices()
names = np.array(a.obs_names)[kept]
cell_type = labels[kept]
print("cells kept", len(kept), "dropped", dropped, "largest count", X.max(), "total", X.sum())

# Three quarters are the labelled reference, one quarter the query, stratified; the seed is fixed.
rng = np.random.default_rng(1)
is_query = np.zeros(len(kept), bool)
for t in np.unique(cell_type):
    where = np.flatnonzero(cell_type == t)
    is_query[rng.permutation(where)[: len(where) // 4]] = True

# Gene lists that differ, as those of two studies do: 25 genes only here, 20 others only there.
order = rng.permutation(len(genes))
only_ref, only_query = set(order[:25]), set(order[25:45])
ref_genes = np.array([g for g in range(len(genes)) if g not in only_query])
query_genes = rng.permutation([g for g in range(len(genes)) if g not in only_ref])


def study(cells, gene_ids, with_labels):
    obs = pd.DataFrame(index=names[cells])
    if with_labels:
        obs["cell_type"] = pd.Categorical(cell_type[cells])
    m = X[cells][:, gene_ids]
    m.sort_indices()
    d = ad.AnnData(m, obs=obs, var=pd.DataFrame(index=genes[gene_ids]))
    d.uns["source"] = "10x Genomics fresh 68k PBMC (CC BY 4.0), 700 cells as shipped with scanpy (BSD-3-Clause)"
    return d


study(~is_query, ref_genes, True).write_h5ad(f"{out}/pbmc_reference.h5ad", compression="gzip", compression_opts=9)
study(is_query, query_genes, False).write_h5ad(f"{out}/pbmc_query.h5ad", compression="gzip", compression_opts=9)
pd.DataFrame({"cell": names[is_query], "cell_type": cell_type[is_query]}).to_csv(f"{out}/pbmc_query_truth.csv", index=False)
