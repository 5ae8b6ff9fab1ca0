-- env: --unset=TMPDIR
-- out: on disk
-- limit: 200
-- out: cannot write packed counts: File too large
-- out: scratch=DIR names another folder for scratch files than /var/tmp
-- out: the same
-- Packed counts in a scratch file: less memory, the same values, and a file that does not fit is an error in words.
local path = arg[2] .. "/pbmc_query.h5ad"
local held, backed = lab.read(path), lab.read(path, {backed = true})
print(backed)
assert(backed.bytes < held.bytes, "nothing was saved")
assert(tostring(held:filter_genes{min_cells = 20}.var):gsub("^[^\n]*", "") ==
       tostring(backed:filter_genes{min_cells = 20}.var):gsub("^[^\n]*", ""))
print("the same")
print(select(2, pcall(lab.read, arg[2] .. "/pbmc_reference.h5ad", {backed = true})).message)
