-- out: 150	30
-- A made-up pair in memory and as a file.
local ref, query = lab.simulate{cells = 150, query_cells = 90, genes = 400, types = 3, depth = 300, seed = 4}
local one = lab.simulate{cells = 150, genes = 400, types = 3, depth = 300, seed = 4}
assert(query.n_obs == 90 and query.n_vars == 400)
assert(#lab.concat{reference = ref, query = query}.obs.index == 240)
local path = lab.simulate{cells = 30, genes = 100, path = "small.h5ad"}
local small = lab.read(path)
assert(small.obs.sim_total:sum() == small.var.sim_gene_total:sum())
print(one.n_obs, small.n_obs)
local ok, why = pcall(lab.simulate, {genes = 10})
assert(not ok and tostring(why):find("cells"), tostring(why))
