"""Writes scanpy_groups.h5: what scanpy 1.11 and scikit-learn give for pca, rank_genes_groups, anova and aggregate
on 150 simulated cells x 60 genes of log-normalised values.

Run as `python make_scanpy_groups.py scanpy_groups.h5`; the file that is committed was made with scanpy 1.11.5,
anndata 0.12, scikit-learn 1.9, numpy 2.4.  Gene 0 is all zero, gene 1 constant, genes 2-5 hold few distinct
values (ties), genes 6-7 also negative ones; 12 cells have no group.  Arrays are in var order.
"""
import sys
import warnings

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import scanpy as sc
import scipy.sparse as sp
from sklearn.feature_selection import f_classif

warnings.filterwarnings("ignore")
N, P, K = 150, 60, 8
GROUPS = ["b1", "b2", "b3", "b4", "b5"]


def simulate():
    g = np.random.default_rng(11)
    kind = g.choice(5, N, p=[0.35, 0.3, 0.2, 0.1, 0.05])
    mu = np.exp(g.normal(-0.7, 1.2, P)) * np.where(g.random((5, P)) < 0.15, 6, 1)[kind]
    x = g.poisson(mu * np.exp(g.normal(0, 0.3, N))[:, None]).astype(np.float64)
    x = np.log1p(x / np.maximum(x.sum(1, keepdims=True), 1) * 50).astype(np.float32)
    x[:, 0], x[:, 1] = 0, 0.7
    x[:, 2:6] = np.round(x[:, 2:6])
    x[:, 6:8] -= np.where(x[:, 6:8] > 0, np.float32(1.0), np.float32(0))
    code = np.where(np.arange(N) % 13 == 5, -1, kind)
    obs = pd.DataFrame({"group": pd.Categorical.from_codes(code, GROUPS),
                        "batch": pd.Categorical.from_codes(g.integers(0, 2, N), ["b1", "b2"])},
                       index=[f"c{i:05d}" for i in range(N)])
    return ad.AnnData(sp.csr_matrix(x), obs=obs, var=pd.DataFrame(index=[f"g{i:05d}" for i in range(P)]))


def put(h, key, x):
    h.create_dataset(key, data=np.asarray(x), **({"compression": "gzip"} if np.ndim(x) else {}))


def ranked(h, key, a, **kw):
    a = a.copy()
    sc.tl.rank_genes_groups(a, "group", use_raw=False, **kw)
    u = a.uns["rank_genes_groups"]
    groups = u["names"].dtype.names
    order = [np.argsort(a.var_names.get_indexer(pd.Index(u["names"][g]))) for g in groups]
    for f in ("scores", "logfoldchanges", "pvals", "pvals_adj"):
        put(h, f"rank/{key}/{f}", [np.asarray(u[f][g])[o] for g, o in zip(groups, order)])
    for f in ("pts", "pts_rest"):
        if f in u:
            put(h, f"rank/{key}/{f}", [u[f][g] for g in groups])


def exact_pca(h, key, x, centre):
    x = np.asarray(x, np.float64)
    c = x - x.mean(0) if centre else x
    u, s, v = np.linalg.svd(c, full_matrices=False)
    flip = np.sign(v[np.arange(len(v)), np.abs(v).argmax(1)])
    v, scores = (v * flip[:, None])[:K], ((u * s) * flip)[:, :K]
    variance = s[:K] ** 2 / (N - 1) if centre else scores.var(0)
    total = x.var(0, ddof=1 if centre else 0).sum()
    put(h, f"pca/{key}/variance", variance)
    put(h, f"pca/{key}/variance_ratio", variance / total)
    put(h, f"pca/{key}/scores", scores)
    put(h, f"pca/{key}/loadings", v)


with h5py.File(sys.argv[1], "w") as h:
    a = simulate()
    for part in ("data", "indices", "indptr"):
        put(h, f"X/{part}", getattr(a.X, part))
    h["X"].attrs["shape"] = a.shape
    put(h, "obs/group/codes", a.obs["group"].cat.codes)
    put(h, "obs/batch/codes", a.obs["batch"].cat.codes)
    dense = a.X.toarray()

    exact_pca(h, "centred", dense, True)
    exact_pca(h, "uncentred", dense, False)
    mask = np.arange(P) % 3 != 0
    put(h, "mask", mask.astype(np.uint8))
    exact_pca(h, "masked", dense[:, mask], True)
    std = dense.astype(np.float64).std(0, ddof=1)  # by hand: scanpy makes NaN of the constant gene
    std[:2] = 1
    scaled = ((dense - dense.mean(0, dtype=np.float64)).astype(np.float32) / std).astype(np.float32)
    exact_pca(h, "scaled", np.clip(scaled, -2, 2), True)

    for key, kw in (("t_test", {"pts": True}), ("overestim", {"method": "t-test_overestim_var"}),
                    ("wilcoxon", {"method": "wilcoxon"}), ("tie", {"method": "wilcoxon", "tie_correct": True}),
                    ("bonferroni", {"corr_method": "bonferroni"}),
                    ("t_ref", {"groups": ["b2", "b5"], "reference": "b1", "pts": True}),
                    ("wilcoxon_ref", {"method": "wilcoxon", "groups": ["b2", "b5"], "reference": "b1"}),
                    ("tie_ref", {"method": "wilcoxon", "reference": "b3", "tie_correct": True})):
        ranked(h, key, a, **kw)

    known = a[a.obs["group"].notna()]
    f, p = f_classif(known.X.toarray().astype(np.float64), known.obs["group"])
    put(h, "anova/F", f)
    put(h, "anova/p", p)

    wide = a.copy()
    wide.X = wide.X.astype(np.float64)
    for key, by in (("one", "group"), ("two", ["batch", "group"])):
        r = sc.get.aggregate(wide[wide.obs["group"].notna()].copy(), by,
                             ["sum", "mean", "count_nonzero", "var"])
        for name, layer in r.layers.items():
            put(h, f"aggregate/{key}/{name}", layer)
