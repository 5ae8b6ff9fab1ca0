-- out: filter_cells: 
-- out: min_genes
-- out: lab.concat(
-- out: near it: normalise
-- out: Dataset has
help("filter_cells")
help("lab.concat")
help("normalize")
help("Dataset")
