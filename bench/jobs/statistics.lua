-- Statistics of a large study: variable genes in three flavours, 50 principal components, marker genes.
--   arg: REFERENCE QUERY [backed]
local function stage(name) print("stage: " .. name) io.stdout:flush() end
local how = {backed = arg[3] == "backed"}

stage("load and concat")
local both = lab.concat({reference = lab.read(arg[1], how), query = lab.read(arg[2], how)},
                        {join = "inner", label = "dataset_id"}):filter_genes{min_cells = 3}
local log = both:normalise{target_sum = 1e4}:log1p()
stage("hvg seurat")
log:hvg{flavor = "seurat", n_top = 2000}
stage("hvg cell_ranger")
log:hvg{flavor = "cell_ranger", n_top = 2000}
stage("hvg seurat_v3")
both:hvg{flavor = "seurat_v3", n_top = 2000}
stage("pca 50 of 2,000 genes")
local top = log:hvg{flavor = "seurat", n_top = 2000, subset = true}
top:pca{n_comps = 50}
stage("pca 50 of all genes")
log:pca{n_comps = 50}
stage("rank_genes_groups t-test")
log:rank_genes_groups{groupby = "cell_type", method = "t-test"}
stage("rank_genes_groups wilcoxon")
log:rank_genes_groups{groupby = "cell_type", method = "wilcoxon"}
stage("end")
