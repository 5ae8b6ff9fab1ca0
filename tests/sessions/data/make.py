"""Makes the odd files of the session tests from 20 cells x 30 genes of made-up counts (needs anndata and h5py).

    python make.py        writes beside itself
"""
import os

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(7)
counts = rng.poisson(2.0, (20, 30)).astype("float32")
obs = pd.DataFrame({"cell_type": pd.Categorical(["B", "T"] * 10)}, index=[f"cell{i}" for i in range(20)])
symbols = [f"GENE{i}" for i in range(30)]


def study(x, genes):
    return anndata.AnnData(X=sp.csr_matrix(x), obs=obs.copy(), var=pd.DataFrame(index=genes))


def path(name):
    return os.path.join(here, name)


study(counts, symbols).write_h5ad(path("symbols.h5ad"))
study(counts, symbols[:2] + [f"ENSG{i:011d}" for i in range(28)]).write_h5ad(path("ensembl.h5ad"))
study(np.log1p(counts) * 0.37, symbols).write_h5ad(path("logged.h5ad"))
study(counts, symbols).write_h5ad(path("no_x.h5ad"))
with h5py.File(path("no_x.h5ad"), "a") as f:
    del f["X"]
study(counts, symbols).write_h5ad(path("no_obs.h5ad"))
with h5py.File(path("no_obs.h5ad"), "a") as f:
    del f["obs"]

# A 10x file of probes: three probes of two genes.
with h5py.File(os.path.join(here, "tenx_probes.h5"), "w") as f:
    f.attrs["filetype"], f.attrs["version"] = "matrix", 2
    m = f.create_group("matrix")
    m["shape"] = np.array([3, 2], "i4")
    m["data"], m["indices"], m["indptr"] = np.array([1, 2, 3], "i4"), np.array([0, 2, 1], "i8"), np.array([0, 2, 3], "i8")
    m["barcodes"] = np.array([b"AAAC-1", b"AAAG-1"])
    features = m.create_group("features")
    for name, values in dict(id=[b"ENSG1|A|p1", b"ENSG1|A|p2", b"ENSG2|B|p3"], name=[b"A", b"A", b"B"],
                             gene_id=[b"ENSG1", b"ENSG1", b"ENSG2"], gene_name=[b"A", b"A", b"B"],
                             feature_type=[b"Gene Expression"] * 3, genome=[b"GRCh38"] * 3,
                             probe_region=[b"spliced", b"unspliced", b"spliced"]).items():
        features[name] = np.array(values)
    features["filtered_probes"] = np.array([True, False, True])
