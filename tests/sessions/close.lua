-- out: freed symbols.h5ad:
-- out: freed once more
-- out: Dataset (freed)
-- out: caught this Dataset was freed
-- <close> and free() give bytes back and say how many; a freed object says so.
do
    local ds <close> = lab.read(arg[1] .. "/symbols.h5ad")
    assert(ds.n_obs == 20)
end
local before = lab.mem().live
local ds = lab.read(arg[1] .. "/symbols.h5ad")
assert(lab.mem().live > before)
ds:free()
assert(lab.mem().live == before, "bytes stayed: " .. lab.mem().live - before)
ds:free()
print("freed once more")
print(ds)
local ok, e = pcall(function() return ds.n_obs end)
print("caught " .. e.message)
