-- out: 10x folder: the same cells, genes and counts
-- out: table: the same cells, genes and counts
-- out: the other way round: the same cells, genes and counts
-- out: holds other files
-- err: taken as genes x cells
-- file: folder/matrix.mtx.gz
-- file: folder/features.tsv.gz
-- file: folder/barcodes.tsv.gz
-- file: counts.csv.gz
-- X goes out as a 10x folder and as a table, and comes back.
local query = lab.read(arg[2] .. "/pbmc_query.h5ad"):filter_genes{min_cells = 40}

local function same(what, d)
  assert(d.n_obs == query.n_obs and d.n_vars == query.n_vars, what)
  local c = lab.compare(d, query)
  assert(c.genes.shared == query.n_vars and c.genes.same_order, what)
  local a, b = d:qc{}.obs, query:qc{}.obs
  assert(a.total_counts:sum() == b.total_counts:sum(), what)
  for i = 1, d.n_obs do
    assert(a.total_counts[i] == b.total_counts[i] and a.n_genes_by_counts[i] == b.n_genes_by_counts[i], what)
    assert(a.index[i] == b.index[i], what)
  end
  print(what .. ": the same cells, genes and counts")
end

query:write("folder/")
same("10x folder", lab.read("folder"))
query:write("counts.csv.gz", {compression = 1})
same("table", lab.read("counts.csv.gz"))

-- The table turned by hand: genes in rows.
local rows = {"gene\tc1\tc2\tc3", "A\t1\t0\t2", "B\t0\t4\t0"}
local f = io.open("turned.tsv", "w")
f:write(table.concat(rows, "\n"), "\n")
f:close()
local turned = lab.read("turned.tsv")
assert(turned.n_obs == 3 and turned.n_vars == 2)
local straight = lab.read("turned.tsv", {orient = "cells"})
assert(straight.n_obs == 2 and straight.n_vars == 3)
query = turned
turned:write("again.tsv")
same("the other way round", lab.read("again.tsv", {orient = "cells"}))

-- A folder with somebody's files is left alone.
lab.read("folder"):write("kept/")
io.open("kept/notes.txt", "w"):close()
print(select(2, pcall(query.write, query, "kept/")).message)
