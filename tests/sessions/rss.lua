-- out: given back
-- free() gives memory back to the system, not only to the program.
local function rss()
    local pages = io.open("/proc/self/statm"):read("a"):match("%d+ (%d+)")
    return tonumber(pages) * 4096
end

local MiB = 1 << 20
local ds = lab.read(arg[2] .. "/pbmc_query.h5ad")
local warm = lab.scvi(ds, {n_hidden = 8}):train{max_epochs = 1}
warm:free()
local before = rss()
local m = lab.scvi(ds, {n_hidden = 4096}):train{max_epochs = 1}
local during = rss()
assert(during - before > 28 * MiB, "the model took only " .. lab.bytes(during - before))
m:free()
collectgarbage()
assert(rss() - before < 16 * MiB, lab.bytes(rss() - before) .. " stayed")
print("given back")
