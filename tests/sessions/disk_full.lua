-- exit: 1
-- limit: 512
-- err: big.h5ad
-- err: File too large
-- no-file: big.h5ad
-- out: still here 529
-- What does not fit is an error in words that leaves nothing behind; the session goes on.
local ds = lab.read(arg[2] .. "/pbmc_reference.h5ad")
local rows = {}
for i = 1, ds.n_obs do
    rows[i] = {}
    for j = 1, 200 do rows[i][j] = math.random() end
end
ds.obsm.X_random = rows
local ok, e = pcall(ds.write, ds, "big.h5ad", {compression = 0})
print("still here " .. ds.n_obs)
error(e)
