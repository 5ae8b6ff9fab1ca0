-- exit: 1
-- err: half.h5ad
-- err: truncated
local whole = io.open(arg[2] .. "/pbmc_query.h5ad", "rb"):read("a")
local half = io.open("half.h5ad", "wb")
half:write(whole:sub(1, #whole // 2))
half:close()
lab.read("half.h5ad")
