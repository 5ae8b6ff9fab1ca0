"""prepare.lua's job in scanpy, as its tutorials write it.   arguments: REFERENCE QUERY"""
import sys
import warnings

warnings.filterwarnings("ignore")
import anndata
import numpy as np
import scanpy as sc


def stage(name):
    print("stage: " + name, flush=True)


stage("load")
reference, query = anndata.read_h5ad(sys.argv[1]), anndata.read_h5ad(sys.argv[2])
stage("filter")
counts = reference.obs["cell_type"].value_counts()
reference = reference[reference.obs["cell_type"].isin(counts[counts >= 10].index)].copy()
sc.pp.filter_cells(reference, min_genes=200)
sc.pp.filter_cells(query, min_genes=200)
stage("concat")
common = reference.var_names.intersection(query.var_names)
reference, query = reference[:, common].copy(), query[:, common].copy()
both = anndata.concat([reference, query], join="inner", label="dataset_id", keys=["reference", "query"])
stage("normalise, log1p, scale")
scaled = both.copy()
sc.pp.normalize_total(scaled, target_sum=1e4)
sc.pp.log1p(scaled)
sc.pp.scale(scaled, zero_center=False, max_value=10)
stage("full pass")
sums = [np.asarray(scaled.X[(scaled.obs["dataset_id"] == d).values].sum(axis=0)) for d in ("reference", "query")]
stage("end")
print(both.n_obs, both.n_vars, len(sums))
