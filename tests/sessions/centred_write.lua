-- err: centred X is a recipe and costs nothing
-- err: write: X is centred: all 20 x 30 values are written, 2.3 KiB
-- out: the same: true
-- file: centred.h5ad
-- A centred X is a recipe until it is written whole; read back it is the same.
local ds = lab.read(arg[1] .. "/symbols.h5ad"):normalise():log1p():scale{zero_center = true, max_value = 2}
ds:write("centred.h5ad")
local back = lab.read("centred.h5ad", {counts = "auto"})
-- scores of a few genes need every value of them
local genes = {"GENE1", "GENE4", "GENE7"}
local a = ds:score_genes{genes = genes, n_bins = 3}.obs.score
local b = back:score_genes{genes = genes, n_bins = 3}.obs.score
local same = a:sum() == b:sum()
for i = 1, ds.n_obs do same = same and a[i] == b[i] end
print("the same: " .. tostring(same))
