-- A 10x file of probes: gene_ids are the genes', the probes' own are kept beside them, under scanpy's names.
-- out: A A-1 B
-- out: ENSG1 ENSG1 ENSG2
-- out: ENSG1|A|p1 ENSG1|A|p2 ENSG2|B|p3
-- out: spliced unspliced spliced true false true
-- err: gene names repeat
local ds = lab.read(arg[1] .. "/tenx_probes.h5")
local function all(column) return table.concat(column:tolist(), " ") end
print(all(ds.var.index))
print(all(ds.var.gene_ids))
print(all(ds.var.probe_ids))
local kept = ds.var.filtered_probes
print(all(ds.var.probe_region) .. " " .. tostring(kept[1]) .. " " .. tostring(kept[2]) .. " " .. tostring(kept[3]))
