"""A whole training run of scvi-tools on the CPU, for tests/golden/test_scvi_run.c to reproduce from the seed.

usage: make_scvi_run.py OUTDIR      (needs scvi-tools 1.4.2; writes a few small .npy files per likelihood)

Toy counts, three batches, 120 epochs, validation every epoch.  Everything random comes from seed 11.
"""
import logging
import os
import sys

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as ss
import scvi
import torch

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)
OUT, N, G, H, D, EPOCHS, SEED = sys.argv[1], 400, 40, 16, 5, 120, 11
CURVES = ["elbo_train", "reconstruction_loss_train", "kl_local_train",
          "elbo_validation", "reconstruction_loss_validation", "kl_local_validation"]

rng = np.random.default_rng(3)
X = (rng.negative_binomial(0.6, 0.25, size=(N, G)) * (rng.random((N, G)) < 0.6)).astype(np.float32)
X[:, 0] += 1
batch = rng.integers(0, 3, N)
os.makedirs(OUT, exist_ok=True)
np.save(os.path.join(OUT, "X.npy"), X)
np.save(os.path.join(OUT, "batch.npy"), batch.astype(np.int32))

for name, likelihood, n_layers, batch_key in (("zinb", "zinb", 1, "b"), ("nb", "nb", 1, "b"), ("deep", "zinb", 2, "b"), ("single", "nb", 1, None)):
    adata = anndata.AnnData(ss.csr_matrix(X), obs=pd.DataFrame(dict(b=batch.astype(str)), index=[str(i) for i in range(N)]))
    scvi.settings.seed = SEED
    scvi.model.SCVI.setup_anndata(adata, batch_key=batch_key)
    model = scvi.model.SCVI(adata, n_hidden=H, n_latent=D, n_layers=n_layers, gene_likelihood=likelihood)
    model.train(max_epochs=EPOCHS, check_val_every_n_epoch=1, enable_progress_bar=False, accelerator="cpu",
                plan_kwargs=dict(n_epochs_kl_warmup=3))
    curves = np.array([model.history_[k].iloc[:, 0].astype(float).values for k in CURVES])
    np.save(os.path.join(OUT, f"curves_{name}.npy"), curves)
    np.save(os.path.join(OUT, f"latent_{name}.npy"), model.get_latent_representation().astype(np.float32))
    print(name, curves[:, 0], curves[:, -1])
