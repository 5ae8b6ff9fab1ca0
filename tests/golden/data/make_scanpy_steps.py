"""Writes scanpy_steps.h5: what scanpy 1.11 gives on 120 simulated cells x 160 genes with awkward corners.

Run as `python make_scanpy_steps.py scanpy_steps.h5` with scanpy 1.11.x and scikit-misc; the file that is
committed was made with scanpy 1.11.5, scikit-misc 0.5.3, anndata 0.12, numpy 2.4.  Corners: two empty cells, a
gene that no cell has, a constant gene, genes that only some batches have.
"""
import sys
import warnings

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import scanpy as sc
import scanpy.preprocessing._highly_variable_genes as hvg
import scipy.sparse as sp
from skmisc.loess import loess

warnings.filterwarnings("ignore")
# Ranks among equal variances depend on the machine's sort; a stable one puts them in the order of the genes.
hvg.np = type("np", (), {"__getattr__": lambda self, k: stable_argsort if k == "argsort" else getattr(np, k)})()


def stable_argsort(a, axis=-1):
    return np.argsort(a, axis=axis, kind="stable")


N, P, EMPTY, ABSENT, CONSTANT = 120, 160, (3, 50), 5, 6


def simulate():
    g = np.random.default_rng(11)
    base = np.exp(g.normal(-0.2, 1.2, P))
    mu = np.exp(g.normal(0, 0.4, N))[:, None] * base
    kind = g.integers(0, 3, N)
    for t in range(3):
        mu[np.ix_(kind == t, g.choice(P, 20, replace=False))] *= 6
    batch = g.integers(0, 3, N)
    mu[np.ix_(batch == 1, np.arange(20, 32))] = 0
    mu[np.ix_(batch == 2, np.arange(30, 40))] = 0
    x = g.negative_binomial(1.7, 1.7 / (1.7 + mu)).astype(np.float32)
    x[:, ABSENT], x[:, CONSTANT] = 0, 2
    x[7, 90] = 400  # most of a cell in one gene
    x[EMPTY, :] = 0
    obs = pd.DataFrame({"batch": pd.Categorical.from_codes(batch, ["b1", "b2", "b3"])},
                       index=[f"c{i:05d}" for i in range(N)])
    var = pd.DataFrame({"mine": np.arange(P) % 9 == 0}, index=[f"g{i:05d}" for i in range(P)])
    return ad.AnnData(sp.csr_matrix(x), obs=obs, var=var)


def csr(h, key, m):
    m = sp.csr_matrix(m)
    for part in ("data", "indices", "indptr"):
        h.create_dataset(f"{key}/{part}", data=getattr(m, part), compression="gzip")
    h[key].attrs["shape"] = m.shape


def columns(h, key, frame):
    for c in frame:
        v = frame[c].to_numpy()
        if v.dtype.kind in "bifu":
            h[f"{key}/{c}"] = v.astype(np.uint8) if v.dtype == bool else v


def genes(names):
    return np.array([int(n[1:]) for n in names])


with h5py.File(sys.argv[1], "w") as h:
    sim = simulate()
    csr(h, "X", sim.X)
    h["obs/batch/codes"] = sim.obs["batch"].cat.codes.to_numpy()
    h["var/mine"] = sim.var["mine"].to_numpy().astype(np.uint8)

    for key, dtype in (("f32", np.float32), ("i64", np.int64)):
        a = sim.copy()
        a.X = a.X.astype(dtype)
        obs, var = sc.pp.calculate_qc_metrics(a, qc_vars=["mine"], percent_top=(10, 50, 160))
        columns(h, f"qc/{key}/obs", obs)
        columns(h, f"qc/{key}/var", var)

    # dense input: there the median leaves empty cells out, as it should
    for key, kw in (("median", {}), ("exclude", {"exclude_highly_expressed": True, "max_fraction": 0.05}),
                    ("exclude_1e4", {"exclude_highly_expressed": True, "max_fraction": 0.1, "target_sum": 1e4})):
        a = sim.copy()
        a.X = a.X.toarray()
        sc.pp.normalize_total(a, key_added="factor", **kw)
        csr(h, f"normalize/{key}/X_rows", a.X[:20])
        h[f"normalize/{key}/factor"] = a.obs["factor"].to_numpy()

    mean, var = sc.pp._utils._get_mean_var(sim.X)
    ok = var > 0
    x, y = np.log10(mean[ok]), np.log10(var[ok])
    h["loess/x"], h["loess/y"] = x, y
    g = np.random.default_rng(3)
    tied = np.sort(g.integers(0, 40, 300) / 7.0)
    h["loess/tied_x"], h["loess/tied_y"] = tied, (tied_y := np.sin(tied) + g.normal(0, 0.1, 300))
    for span in (0.3, 0.7, 1.0):
        for name, xx, yy in (("", x, y), ("tied_", tied, tied_y)):
            m = loess(xx, yy, span=span, degree=2)
            m.fit()
            h[f"loess/{name}fit_{span}"] = m.outputs.fitted_values

    for key, kw in (("v3", {}), ("v3_batch", {"batch_key": "batch"}), ("v3_span", {"span": 0.6}),
                    ("paper_batch", {"batch_key": "batch", "flavor": "seurat_v3_paper"})):
        d = sc.pp.highly_variable_genes(sim, inplace=False, n_top_genes=40, **{"flavor": "seurat_v3"} | kw)
        columns(h, f"hvg/{key}", d.drop(columns="gene_name"))

    lg = sim.copy()
    sc.pp.normalize_total(lg, target_sum=1e4)
    sc.pp.log1p(lg)
    few = list(lg.var_names[[2, 14, 77, 90, 151]])
    pool = list(lg.var_names[np.arange(0, 160, 2)]) + few
    for key, kw in (("default", {}), ("small", {"ctrl_size": 4, "random_state": 3}),
                    ("bins", {"n_bins": 5, "ctrl_size": 10}), ("not_ref", {"ctrl_as_ref": False, "ctrl_size": 4}),
                    ("pool", {"gene_pool": pool, "n_bins": 8, "ctrl_size": 6})):
        sc.tl.score_genes(lg, few + few[:1], score_name=key, **kw)
        h[f"score/{key}"] = lg.obs[key].to_numpy()
    h["score/genes"], h["score/pool_genes"] = genes(few), genes(pool)
    s_genes, g2m_genes = list(lg.var_names[10:22]), list(lg.var_names[60:70])
    sc.tl.score_genes_cell_cycle(lg, s_genes=s_genes, g2m_genes=g2m_genes)
    h["score/S_score"], h["score/G2M_score"] = lg.obs["S_score"].to_numpy(), lg.obs["G2M_score"].to_numpy()
    h["score/phase"] = lg.obs["phase"].map({"G1": 0, "G2M": 1, "S": 2}).to_numpy()

    for key, dense, kw in (("csr_nocenter_max2", False, {"zero_center": False, "max_value": 2}),
                           ("dense_center", True, {"zero_center": True}),
                           ("dense_center_max1", True, {"zero_center": True, "max_value": 1}),
                           ("dense_mask", True, {"zero_center": True, "mask_obs": np.arange(N) % 3 != 0})):
        a = lg.copy()
        if dense:
            a.X = a.X.toarray()
        sc.pp.scale(a, **kw)
        suffix = " with mask" if "mask_obs" in kw else ""
        h[f"scale/{key}/mean"] = a.var["mean" + suffix]
        h[f"scale/{key}/std"] = a.var["std" + suffix]
        if dense:
            h.create_dataset(f"scale/{key}/X_rows", data=a.X[:20], compression="gzip")
        else:
            csr(h, f"scale/{key}/X_rows", a.X[:20])
