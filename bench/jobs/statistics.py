"""statistics.lua's job in scanpy.   arguments: REFERENCE QUERY"""
import sys
import warnings

warnings.filterwarnings("ignore")
import anndata
import scanpy as sc


def stage(name):
    print("stage: " + name, flush=True)


stage("load and concat")
both = anndata.concat([anndata.read_h5ad(p) for p in sys.argv[1:3]], join="inner", label="dataset_id", keys=["reference", "query"])
sc.pp.filter_genes(both, min_cells=3)
log = both.copy()
sc.pp.normalize_total(log, target_sum=1e4)
sc.pp.log1p(log)
stage("hvg seurat")
sc.pp.highly_variable_genes(log, flavor="seurat", n_top_genes=2000)
stage("hvg cell_ranger")
sc.pp.highly_variable_genes(log, flavor="cell_ranger", n_top_genes=2000)
stage("hvg seurat_v3")
sc.pp.highly_variable_genes(both, flavor="seurat_v3", n_top_genes=2000)
stage("pca 50 of 2,000 genes")
sc.pp.highly_variable_genes(log, flavor="seurat", n_top_genes=2000)
top = log[:, log.var["highly_variable"]].copy()
sc.pp.pca(top, n_comps=50)
stage("pca 50 of all genes")
sc.pp.pca(log, n_comps=50, mask_var=None)
stage("rank_genes_groups t-test")
sc.tl.rank_genes_groups(log, "cell_type", method="t-test")
stage("rank_genes_groups wilcoxon")
sc.tl.rank_genes_groups(log, "cell_type", method="wilcoxon")
stage("end")
