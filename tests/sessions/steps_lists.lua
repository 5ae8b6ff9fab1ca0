-- out: one rank: pct_counts_in_top_3_genes
-- out: none: true
-- out: two sets: true true
-- out: ribo: 2 genes
-- out: each must be a whole number from 1
-- out: list of integers
-- out: list of var columns
-- out: has no layer 'spliced'
-- out: there are genes such as GENE
-- Lists as arguments: whole numbers, names, var columns; and what is said when they do not fit.
local ds = lab.read(arg[1] .. "/symbols.h5ad")
local function columns(d) return table.concat(d.obs:columns(), ",") end
print("one rank: " .. columns(ds:qc{percent_top = 3}):match("pct_counts_in[%w_]*"))
print("none: " .. tostring(columns(ds:qc{percent_top = {}}):find("pct_") == nil))
local both = ds:qc{percent_top = {2, 30}, ribo = {"GENE1", "GENE2"}, mito = "GENE"}
print("two sets: " .. tostring(columns(both):find("pct_counts_mt") ~= nil) .. " " ..
      tostring(columns(both):find("pct_counts_ribo") ~= nil))
-- GENE1 is a gene's whole name: GENE10 does not belong to it
print(string.format("ribo: %d genes", both.var.ribo:sum()))
local again = both:qc{qc_vars = {"ribo"}, percent_top = {}}
assert(again.obs.total_counts_ribo:sum() == both.obs.total_counts_ribo:sum())
local function says(args) print(select(2, pcall(ds.qc, ds, args)).message) end
says{percent_top = {0}}
says{percent_top = {2.5}}
says{qc_vars = {true}}
says{layer = "spliced"}
says{mito = "gene"}
