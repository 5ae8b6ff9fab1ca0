-- The best genes of groups, from the step to a plain table, and what wrong names say.
local ref = lab.read(os.getenv("CLAB_SOURCE") .. "/examples/data/pbmc_reference.h5ad"):normalise{target_sum = 1e4}:log1p{}
local label = ref.obs:has("cell_type") and "cell_type" or ref.obs:columns()[1]
local t = ref:rank_genes_groups{groupby = label, method = "wilcoxon", tie_correct = true, n_genes = 20}
local top = lab.rank_genes_table(t, {n = 3})
assert(#top % 3 == 0 and #top >= 6, "three genes of every group")
local group = top.group[1]
local one = lab.rank_genes_table(t, {group = group, n = 5})
assert(#one == 5 and one.names[1] == top.names[1])
assert(one.scores[1] >= one.scores[2] and one.pvals_adj[1] >= one.pvals[1])
assert(not pcall(lab.rank_genes_table, t, {group = "no such group"}))
assert(not pcall(lab.rank_genes_table, ref))
