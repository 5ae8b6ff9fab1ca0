"""The job of `celllab label` on scanpy + scvi-tools + XGBoost's Python package, as their tutorials write it.

usage: peer_label.py REFERENCE.h5ad QUERY.h5ad LABEL OUT.csv HVG EPOCHS SEED THREADS MIN_GENES
"""
import logging
import sys
import warnings

warnings.filterwarnings("ignore")
import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
import scvi
import torch
import xgboost as xgb
from sklearn.feature_selection import f_classif
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

reference, query, label, out = sys.argv[1:5]
n_hvg, epochs, seed, threads, min_genes = map(int, sys.argv[5:10])
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(threads)
scvi.settings.seed = seed

ref, qry = ad.read_h5ad(reference), ad.read_h5ad(query)
n = ref.obs[label].value_counts()
ref = ref[ref.obs[label].isin(n[n >= 10].index)].copy()
sc.pp.filter_cells(ref, min_genes=min_genes)
common = ref.var_names.intersection(qry.var_names)
both = ad.concat([ref[:, common], qry[:, common]], label="dataset_id", keys=["reference", "query"], index_unique="-")
norm = both.copy()
sc.pp.normalize_total(norm, target_sum=1e4)
sc.pp.log1p(norm)
if len(common) > n_hvg:
    sc.pp.highly_variable_genes(norm, n_top_genes=n_hvg, flavor="seurat", batch_key="dataset_id")
    keep = norm.var.highly_variable
    both, norm = both[:, keep].copy(), norm[:, keep].copy()

scvi.model.SCVI.setup_anndata(both, batch_key="dataset_id")
m = scvi.model.SCVI(both, n_latent=30)
m.train(max_epochs=epochs, early_stopping=True, early_stopping_patience=10, accelerator="cpu", enable_progress_bar=False,
        check_val_every_n_epoch=1)
latent = m.get_latent_representation()

is_ref = (both.obs.dataset_id == "reference").values
classes, y = np.unique(ref.obs[label].astype(str).values, return_inverse=True)
genes = norm.X.toarray()
f = np.nan_to_num(f_classif(genes[is_ref], y)[0], nan=-1)
features = np.hstack([latent, genes[:, np.sort(np.argsort(-f, kind="stable")[:500])]])
features = StandardScaler().fit(features[is_ref]).transform(features).astype(np.float32)
train, valid = train_test_split(np.arange(len(y)), test_size=0.1, stratify=y, random_state=seed)
x = features[is_ref]
booster = xgb.train(dict(objective="multi:softprob", num_class=len(classes), tree_method="hist", nthread=threads, seed=seed),
                    xgb.DMatrix(x[train], y[train]), 200, evals=[(xgb.DMatrix(x[valid], y[valid]), "validation")],
                    early_stopping_rounds=10, verbose_eval=False)
p = booster.predict(xgb.DMatrix(features[~is_ref]), iteration_range=(0, booster.best_iteration + 1))
pd.DataFrame({"cell": qry.obs_names, "predicted_cell_type": classes[p.argmax(1)], "prediction_confidence": p.max(1)}).to_csv(
    out, index=False)
