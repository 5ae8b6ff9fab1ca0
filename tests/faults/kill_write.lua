-- A study that is there is written over, again and again, until somebody kills us.
local source, target = arg[1], arg[2]
local d = lab.read(source)
d.obs.marked = d.obs.cell_type
if arg[3] == "in place" then
    local t = lab.read(target, {backed = "r+"})
    t.obs.marked = t.obs.cell_type
    d = t
    target = nil
end
io.stdout:write("ready\n")
io.stdout:flush()
if target then d:write(target) else d:save() end
