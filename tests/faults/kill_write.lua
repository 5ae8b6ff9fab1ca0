-- kill_write.lua STUDY TARGET [save] -- a file is written over, or edited, until somebody kills us.
local study, target, save = arg[1], arg[2], arg[3]
local d = lab.read(save and target or study, {backed = save and "r+" or false})
d.obs.marked = d.obs.cell_type
io.stdout:write("ready\n")
io.stdout:flush()
if save then d:save() else d:write(target) end
