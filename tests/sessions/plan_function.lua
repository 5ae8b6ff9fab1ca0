-- plan_function.lua -- lab.plan: what a function would take; nothing of it stays.
-- out: all well
data = arg[2] .. "/"
real = lab.read(data .. "pbmc_query.h5ad")
before = lab.mem().live
p = lab.plan(function()
    local ref = lab.read(data .. "pbmc_reference.h5ad")
    assert(ref.n_obs == 529, "shapes are real")
    local both = lab.concat({reference = ref, query = real})
    stays = both:filter_genes{min_cells = 3}
    stays:write("planned.h5ad")
    os.execute("touch touched")
    io.open("touched", "w"):write("x"):close()
end)
assert(lab.mem().live == before)
assert(stays == nil and not io.open("planned.h5ad") and not io.open("touched"))
assert(p.peak_bytes > p.base_bytes and p.mem_request > p.peak_bytes and p.gpu_peak_bytes == 0)
found = 0
for _, step in ipairs(p.steps) do
    if step.step == "read" then found = found + (step.file_bytes > 0 and step.text:match("pbmc_reference") and 1 or 0) end
end
assert(found == 1 and tostring(p):match("%-%-mem="))
million = lab.plan(function() local ref = lab.read(data .. "pbmc_reference.h5ad") end, "cells=100000")
dense = lab.plan(function() local ref = lab.read(data .. "pbmc_reference.h5ad") end, {"cells=100000", "dense"})
assert(million.peak_bytes > p.peak_bytes and dense.peak_bytes > million.peak_bytes + 100000 * 745 * 3)
ok, e = pcall(lab.plan, function() lab.read("nowhere.h5ad") end)
assert(not ok and tostring(e):match("no file"))
ok, e = pcall(lab.plan, function() lab.plan(function() end) end)
assert(not ok and tostring(e):match("plan already"))
assert(real:filter_cells{min_genes = 1}.n_obs == 171) -- the session goes on
w = lab.whatif{reference = {50000, 30000}, query = {60000, 30000}, union = 35000}
assert(w.guide_bytes > 100 * w.celllab_bytes and tostring(w):match("the guide"))
print("all well")
