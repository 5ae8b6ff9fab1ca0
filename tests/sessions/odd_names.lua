-- Column names that a file cannot hold as they are: written under names of their own, none lost.
-- out: a_b_1=x a_b=y c_d=z _1=nothing _index_1=kept
-- err: 4 names in obs cannot be written as they are
-- out: name: filter_cells, parameters: {min_genes: 50}
local out = "odd.h5ad"
local ds = lab.read(arg[2] .. "/pbmc_query.h5ad"):filter_cells{min_genes = 50}
ds.obs["a/b"], ds.obs["a_b"], ds.obs["c/d"], ds.obs["_"], ds.obs[""], ds.obs._index = "x", "y", "z", "plain", "nothing", "kept"
ds:write(out)
local back = lab.read(out)
local seen = {}
for _, name in ipairs{"a_b_1", "a_b", "c_d", "_1", "_index_1"} do
    seen[#seen + 1] = name .. "=" .. back.obs[name][1]
end
print(table.concat(seen, " "))
print(ds.steps)
