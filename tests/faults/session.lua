-- The session whose allocations, reads and writes are made to fail in turn: arg[1] reference, arg[2] query, arg[3] output.
local reference = lab.read(arg[1]):keep_labels{by = "cell_type", min_cells = 2}
local query = lab.read(arg[2])
local both = lab.concat({reference = reference, query = query}):filter_genes{min_cells = 2}
local top = both:normalise{target_sum = 1e4}:log1p():hvg{n_top = 50}
local m <close> = lab.scvi(top, {batch = "dataset_id", n_latent = 3, n_hidden = 8, seed = 1})
m:train{max_epochs = 1}
top.obsm.X_scVI = m:latent()
top:write(arg[3])
