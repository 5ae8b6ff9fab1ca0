-- out: said everything
-- mem() names who holds what since which line, what only waits for the collector, and what is measured beside it.
local MiB = 1 << 20
collectgarbage()
local a = lab.read(arg[2] .. "/pbmc_query.h5ad")
keep = {["odd name"] = a, list = {a:copy()}}
local function named(m, name, line)
    for _, o in ipairs(m.objects) do
        if o.name == name and (not line or o.line == line) then return o end
    end
end
local function inner()
    local m = mem()
    local counts = named(m, "X of pbmc_query.h5ad")
    assert(counts.kind == "counts" and counts.home == "RAM" and counts.bytes > 10000)
    assert(counts.line == "mem.lua:5", counts.line)
    assert(counts.text == 'local a = lab.read(arg[2] .. "/pbmc_query.h5ad")', counts.text)
    assert(counts.handles == 2 and #counts.holders == 2 and not counts.garbage)
    local who = table.concat(counts.holders, "; ")
    assert(who:find("keep.list[1]", 1, true) and who:find('keep["odd name"]', 1, true) and who:find("%f[%w]a%f[%W]"), who)
    local sum = 0
    for i, o in ipairs(m.objects) do
        sum = sum + (o.home == "RAM" and o.bytes or 0)
        assert(i == 1 or m.objects[i - 1].bytes >= o.bytes)
    end
    assert(sum == m.live and m.live == lab.mem().live, sum)
    return m
end
local m = inner()
assert(m.process.pss > MiB and m.process.libraries > MiB and m.process.lua > 0)
assert(m.tree >= m.process.pss // 2 and m.tree_peak >= m.tree and m.limit > 0 and m.left >= 0 and m.source)
for line in (tostring(m) .. "\n"):gmatch("(.-)\n") do
    assert(utf8.len(line) <= 80, line)
end
assert(tostring(m):find("held only by a, keep", 1, true) or tostring(m):find("held only by keep", 1, true), tostring(m))

-- A name may hold anything.
_G["\27[2J"] = a
assert(not tostring(mem()):find("\27"))
_G["\27[2J"] = nil

-- Nobody reaches it: garbage, until it is collected.
collectgarbage("stop")
keep, a = nil, nil
local late = mem()
local counts = named(late, "X of pbmc_query.h5ad")
assert(counts.garbage and #counts.holders == 0 and late.garbage >= counts.bytes)
assert(tostring(late):find("garbage, comes back with collectgarbage()", 1, true))
collectgarbage("restart")
collectgarbage()
local d = mem.diff(late)
assert(d.change == -late.garbage, d.change .. " " .. late.garbage)
local gone = named(d, "X of pbmc_query.h5ad")
assert(gone.change == -counts.bytes and gone.bytes == 0)
assert(mem().live == 0 and mem().garbage == 0)

-- In a script, the difference without an argument is to the last look.
mem()
b = lab.read(arg[2] .. "/pbmc_query.h5ad")
local change = mem.diff().change
assert(change == mem().live and change > 0, change)
assert(mem.diff().change == 0)

-- Counts in a scratch file lie there, and the row table alone counts.
local c = lab.read(arg[2] .. "/pbmc_query.h5ad", {backed = true, scratch = "."})
local homes = {}
for _, o in ipairs(mem().objects) do
    if o.name == "X of pbmc_query.h5ad" and o.line == "mem.lua:65" then homes[o.home] = o.bytes end
end
assert(homes.scratch > homes.RAM, homes.scratch)

-- The peak knows its step and its line.
local s <close> = lab.scvi(b, {n_hidden = 512}):train{max_epochs = 1}
local p = mem()
assert(p.peak_step == "scvi" and p.peak_line == "mem.lua:73", p.peak_step .. " " .. p.peak_line)
assert(p.tree_peak > 0)
assert(not pcall(mem.diff, 3) and not pcall(mem.diff, {objects = {1}}))
print("said everything")
