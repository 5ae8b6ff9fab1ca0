-- out: ENOTFOUND there is no file missing.h5ad
-- out: pcall_errors.lua:
-- out: EARG: filter_cells: min_genes = 'many'
-- out: still working 20
-- Errors are values: a script can look into them and go on.
local ok, e = pcall(lab.read, "missing.h5ad")
assert(not ok and e.code == "ENOTFOUND")
print(e.code .. " " .. e.message)
print(tostring(e))
local ds = lab.read(arg[1] .. "/symbols.h5ad")
ok, e = pcall(function() return ds:filter_cells{min_genes = "many"} end)
print(e.code .. ": " .. e.message)
ok, e = pcall(ds.filter_cells, ds, {min_gene = 1})
assert(e.message:find("did you mean min_genes", 1, true), e.message)
ok, e = pcall(lab.read, arg[1] .. "/symbls.h5ad")
assert(e.message:find("/symbols.h5ad?", 1, true), e.message) -- the nearest name of the folder
ok, e = pcall(lab.read, "nowhere/symbols.h5ad")
assert(e.message:find("nor a folder nowhere/", 1, true), e.message)
print("still working " .. ds.n_obs)
