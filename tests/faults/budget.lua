-- The whole job under a budget, caught when it is refused: arg[1] reference, arg[2] query, arg[3] output.
-- Prints how it ended, that the session can go on, and the largest measured memory of all its processes.
local own = mem().tree
local function job()
    local reference = lab.read(arg[1]):keep_labels{by = "cell_type", min_cells = 2}
    local query = lab.read(arg[2])
    local both = lab.concat({reference = reference, query = query}):filter_genes{min_cells = 2}
    local top = both:hvg{n_top = 300, batch_key = "dataset_id"}
    local m <close> = lab.scvi(top, {batch = "dataset_id", n_hidden = 1024, seed = 1})
    m:train{max_epochs = 2}
    both.obsm.X_scVI = m:latent()
    local known = both:where("dataset_id == 'reference'")
    local clf = lab.xgboost{rounds = 8, seed = 1}:fit(known, {labels = "cell_type", n_genes = 200})
    clf:annotate(query, {from = both}):write(arg[3])
end
local ok, e = pcall(job)
print("ended", ok and "done" or e.code or "?")
if not ok then print("message", (tostring(e):gsub("\n.*", ""))) end
collectgarbage()
local before = mem().live
assert(before == 0, "bytes stayed: " .. tostring(mem()))
lab.budget(0) -- the session goes on: with room again, the same file is read
assert(lab.read(arg[2]):filter_cells{min_genes = 1}.n_obs == 171)
print("own", own)
print("peak", mem().tree_peak)
