-- out: sampled: csr symbols false
-- out: full: true
-- out: shared: 2 28
-- lab.compare takes paths as lab.inspect does; {full=true} looks at every value.
local a, b = arg[1] .. "/symbols.h5ad", arg[1] .. "/ensembl.h5ad"
local one = lab.inspect(a)
print("sampled: " .. one.a.x.kind .. " " .. one.a.genes.kind .. " " .. tostring(one.a.x.scanned))
print("full: " .. tostring(lab.inspect(a, {full = true}).a.x.scanned))
local both = lab.compare(a, b)
print("shared: " .. both.genes.shared .. " " .. both.genes.only_a)
