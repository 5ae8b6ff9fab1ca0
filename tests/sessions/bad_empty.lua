-- exit: 1
-- err: filter_cells
-- err: no cells
local ds = lab.read(arg[1] .. "/symbols.h5ad"):filter_cells{min_genes = 1000}
lab.scvi(ds, {n_latent = 2})
