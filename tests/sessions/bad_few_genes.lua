-- exit: 1
-- err: 2 of
-- err: Ensembl
-- err: symbols
local a, b = lab.read(arg[1] .. "/symbols.h5ad"), lab.read(arg[1] .. "/ensembl.h5ad")
lab.concat{reference = a, query = b}
