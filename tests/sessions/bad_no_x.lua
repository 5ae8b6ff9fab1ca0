-- exit: 1
-- err: no_x.h5ad
-- err: counts
-- A file without X can be looked at; what needs counts says that there are none.
local ds = lab.read(arg[1] .. "/no_x.h5ad")
print(ds.n_obs)
ds:filter_cells{min_genes = 1}
