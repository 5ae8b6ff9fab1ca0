-- The job before training: both studies, filtered, on their common genes, normalised and scaled, read once in full.
--   arg: REFERENCE QUERY [backed]
local function stage(name) print("stage: " .. name) io.stdout:flush() end
local how = {backed = arg[3] == "backed"}

stage("load")
local reference = lab.read(arg[1], how)
local query = lab.read(arg[2], how)
stage("filter")
reference = reference:keep_labels{by = "cell_type", min_cells = 10}:filter_cells{min_genes = 200}
query = query:filter_cells{min_genes = 200}
stage("concat")
local both = lab.concat({reference = reference, query = query}, {join = "inner", label = "dataset_id"})
stage("normalise, log1p, scale")
local scaled = both:normalise{target_sum = 1e4}:log1p():scale{zero_center = false, max_value = 10}
stage("full pass")
local sums = scaled:qc{percent_top = {}}
stage("end")
print(sums.n_obs, sums.n_vars)
