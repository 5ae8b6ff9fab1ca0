-- out: columns: cell_type,flag,n
-- out: counts: B 10
-- out: isin 10
-- out: mean 10.5 of 20, median 10.5, max 20
-- out: uns: 2.5 x b 3
-- out: obsm: 20 x 2, 6.0
-- out: copy: true false
-- out: steps: filter_cells
-- out: lookup: B T
-- Values go in and come out of obs, var, uns and obsm; a copy does not see the edits of another handle.
local ds = lab.read(arg[1] .. "/symbols.h5ad")
ds.obs.flag = ds.obs.cell_type:isin{"B"}
local n = {}
for i = 1, ds.n_obs do n[i] = i end
ds.obs.n = n
print("columns: " .. table.concat(ds.obs:columns(), ","))
local counts = ds.obs.cell_type:value_counts()
print("counts: " .. counts.index[1] .. " " .. counts.count[1])
print("isin " .. ds.obs.flag:sum())
local col = ds.obs.n
print(string.format("mean %.1f of %d, median %.1f, max %d", col:mean(), #col, col:median(), col:max()))
ds.uns.mine = {x = 2.5, list = {1, 2, 3}, name = "x", inner = {b = "b"}}
print("uns: " .. ds.uns.mine.x .. " " .. ds.uns.mine.name .. " " .. ds.uns.mine.inner.b .. " " .. #ds.uns.mine.list)
local rows = {}
for i = 1, ds.n_obs do rows[i] = {i, 2 * i} end
ds.obsm.X_mine = rows
print("obsm: " .. ds.obsm.X_mine.shape[1] .. " x " .. ds.obsm.X_mine.shape[2] .. ", " .. ds.obsm.X_mine[3][2])
local copy = ds:copy()
copy.obs.only_here = true
print("copy: " .. tostring(copy.obs:has("only_here")) .. " " .. tostring(ds.obs:has("only_here")))
local kept = ds:filter_cells{min_genes = 1}
print("steps: " .. kept.steps["1"].name)
local looked = ds.obs:lookup("n", kept.obs.n, "cell_type")
print("lookup: " .. looked[1] .. " " .. looked[2])
