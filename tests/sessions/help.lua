-- out: filter_cells: 
-- out: n_latent, an argument of
-- out: clf:free()
-- out: min_genes
-- out: lab.concat(
-- out: near it: normalise
-- out: Dataset has
help("filter_cells")
help("lab.concat")
help("normalize")
help("Dataset")
help("n_latent")
help("free")
