"""Writes scanpy_small.h5: what scanpy 1.11 gives on 200 simulated cells x 300 genes.

Run as `python make_scanpy_small.py scanpy_small.h5` with scanpy 1.11.x; the file that is committed was made
with scanpy 1.11.5, anndata 0.12, numpy 2.4.  Layout as the tests read it: one group a case, CSR as data,
indices, indptr and the attribute shape.
"""
import sys
import warnings

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import scanpy as sc
import scipy.sparse as sp

warnings.filterwarnings("ignore")
N, P, ROWS = 200, 300, slice(0, 40)


def simulate():
    g = np.random.default_rng(7)
    kind = g.integers(0, 4, N)
    base = np.exp(g.normal(-1.0, 1.3, P))
    effect = np.ones((4, P))
    for t in range(4):
        effect[t, g.choice(P, 25, replace=False)] = np.exp(g.normal(1.4, 0.7, 25))
    mu = np.exp(g.normal(0, 0.4, N))[:, None] * base * effect[kind]
    mu[:, -3:] = 0
    x = sp.csr_matrix(g.negative_binomial(1.7, 1.7 / (1.7 + mu)).astype(np.float32))
    obs = pd.DataFrame({"batch": pd.Categorical.from_codes(g.integers(0, 2, N), ["b1", "b2"])},
                       index=[f"c{i:05d}" for i in range(N)])
    return ad.AnnData(x, obs=obs, var=pd.DataFrame(index=[f"g{i:05d}" for i in range(P)]))


def csr(h, key, m):
    m = sp.csr_matrix(m)
    for part in ("data", "indices", "indptr"):
        h.create_dataset(f"{key}/{part}", data=getattr(m, part), compression="gzip")
    h[key].attrs["shape"] = m.shape


def columns(h, key, frame):
    for c in frame:
        v = frame[c].to_numpy()
        h[f"{key}/{c}"] = v.astype(np.uint8) if v.dtype == bool else v


with h5py.File(sys.argv[1], "w") as h:
    sim = simulate()
    csr(h, "X", sim.X)
    h["obs/batch/codes"] = sim.obs["batch"].cat.codes.to_numpy()

    for k, v in (("min_genes", 130), ("min_counts", 300), ("max_genes", 160), ("max_counts", 450)):
        mask, number = sc.pp.filter_cells(sim.X, **{k: v}, inplace=False)
        h[f"filter/cells/{k}/mask"], h[f"filter/cells/{k}/number"] = mask.astype(np.uint8), number
        h[f"filter/cells/{k}/mask"].attrs["threshold"] = v
    for k, v in (("min_cells", 20), ("min_counts", 50), ("max_cells", 150), ("max_counts", 400)):
        mask, number = sc.pp.filter_genes(sim.X, **{k: v}, inplace=False)
        h[f"filter/genes/{k}/mask"], h[f"filter/genes/{k}/number"] = mask.astype(np.uint8), number
        h[f"filter/genes/{k}/mask"].attrs["threshold"] = v

    for key, x, kw in (("default", sim.X, {}), ("target_1e4", sim.X, {"target_sum": 1e4}),
                       ("float64_1e4", sim.X.astype(np.float64), {"target_sum": 1e4}),
                       ("int32_default", sim.X.astype(np.int32), {})):
        r = sc.pp.normalize_total(ad.AnnData(x.copy()), inplace=False, **kw)
        csr(h, f"normalize/{key}/X_rows", r["X"][ROWS])

    lg = sim.copy()
    sc.pp.normalize_total(lg, target_sum=1e4)
    b2 = lg.copy()
    sc.pp.log1p(lg)
    sc.pp.log1p(b2, base=2)
    csr(h, "log1p/natural/X_rows", lg.X[ROWS])
    csr(h, "log1p/base2/X_rows", b2.X[ROWS])

    seen = sc.pp.filter_genes(lg, min_cells=1, inplace=False)[0]
    few = lg[:, seen].copy()
    h["seen"] = seen.astype(np.uint8)
    for key, a, kw in (("seurat_cutoffs", lg, {}), ("seurat_top100", lg, {"n_top_genes": 100}),
                       ("cell_ranger_top100", few, {"flavor": "cell_ranger", "n_top_genes": 100}),
                       ("seurat_batch_top100", lg, {"n_top_genes": 100, "batch_key": "batch"}),
                       ("seurat_batch_cutoffs", lg, {"batch_key": "batch"}),
                       ("base2_top100", b2, {"n_top_genes": 100})):
        d = sc.pp.highly_variable_genes(a, inplace=False, **kw).loc[a.var_names]
        columns(h, f"hvg/{key}", d.drop(columns=[c for c in ("gene_name", "mean_bin") if c in d]))

    for key, dense, kw in (("csr_nocenter", False, {"zero_center": False}),
                           ("csr_nocenter_max10", False, {"zero_center": False, "max_value": 10}),
                           ("csr_nocenter_max2", False, {"zero_center": False, "max_value": 2}),
                           ("dense_center_max2", True, {"zero_center": True, "max_value": 2})):
        a = lg.copy()
        if dense:
            a.X = a.X.toarray()
        sc.pp.scale(a, **kw)
        h[f"scale/{key}/mean"], h[f"scale/{key}/std"] = a.var["mean"], a.var["std"]
        if dense:
            h.create_dataset(f"scale/{key}/X_rows", data=a.X[ROWS], compression="gzip")
        else:
            csr(h, f"scale/{key}/X_rows", a.X[ROWS])
