-- env: --unset=TMPDIR
-- out: stay in their file
-- out: the same file
-- out: the same training
-- Rows straight from their file: steps, a concat and a training give what they give from memory.
local data = arg[2]
local function study(backed)
    local ref = lab.read(data .. "/pbmc_reference.h5ad", {backed = backed})
    local query = lab.read(data .. "/pbmc_query.h5ad", {backed = backed})
    local both = lab.concat({reference = ref, query = query})
    return both, ref
end
local function bytes(path)
    local f = assert(io.open(path, "rb"))
    local s = f:read("a")
    f:close()
    return s
end
local names, curves = {os.tmpname(), os.tmpname()}, {}
for i, home in ipairs{false, "r"} do
    local both, ref = study(home)
    if i == 2 then print(ref) end
    both:filter_genes{min_cells = 20}:normalise():log1p():write(names[i])
    local m = lab.scvi(both, {n_latent = 4, n_hidden = 16, batch = "dataset_id", seed = 0})
    m:train{max_epochs = 2}
    both.obsm.X_scVI = m:latent()
    both:write(names[i] .. ".2")
    curves[i] = bytes(names[i] .. ".2")
end
assert(bytes(names[1]) == bytes(names[2]), "another file")
print("the same file")
assert(curves[1] == curves[2], "another latent space")
print("the same training")
for _, n in ipairs(names) do
    os.remove(n)
    os.remove(n .. ".2")
end
